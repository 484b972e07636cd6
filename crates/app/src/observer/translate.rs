//! A custom resource's status as the domain's observation, and as the row that keeps it.

use chrono::{DateTime, Utc};
use howdah_crd::{FarewellStage as Stage, InstanceUsage, MastodonInstanceStatus};
use howdah_db::models::observation::{Glance as GlanceRow, Observation as Row};
use howdah_domain::lifecycle::{Condition, Endpoints, FarewellProgress, FarewellStage, Glance, Observation, Usage};
use serde::Deserialize;

/// What a stored status says; `None` where there is none, or none that this version can read.
#[must_use]
pub fn stored(row: &Row) -> Option<Observation> {
    MastodonInstanceStatus::deserialize(&row.status).ok().map(observation)
}

/// What lists show; what this version can't read is left out.
#[must_use]
pub fn glance(row: &GlanceRow) -> Glance {
    let read = row.usage.as_ref().and_then(|it| InstanceUsage::deserialize(it).ok());
    Glance {
        version: row.version.as_deref().and_then(|it| it.parse().ok()),
        usage: read.as_ref().and_then(usage),
        met: Vec::deserialize(&row.met).unwrap_or_default(),
    }
}

fn observation(status: MastodonInstanceStatus) -> Observation {
    Observation {
        generation: status.observed_generation.unwrap_or_default(),
        observed_generation: status.observed_generation,
        observed_revision: status.observed_revision,
        version: status.version.as_deref().and_then(|it| it.parse().ok()),
        endpoints: status.endpoints.map(|it| Endpoints { web: it.web, media: it.media }),
        usage: status.usage.as_ref().and_then(usage),
        farewell: status.farewell.map(|it| FarewellProgress { stage: stage(it.stage), pending_accounts: it.pending_accounts }),
        loaded: status.loaded,
        owner_link_issued: status.owner_link_issued.and_then(|it| DateTime::from_timestamp(it.0.as_second(), 0)),
        conditions: status.conditions.into_iter().map(condition).collect(),
    }
}

fn usage(usage: &InstanceUsage) -> Option<Usage> {
    Some(Usage {
        database_bytes: usage.database_bytes,
        own_media_bytes: usage.own_media_bytes,
        cached_media_bytes: usage.cached_media_bytes,
        users: usage.users,
        measured_at: DateTime::parse_from_rfc3339(&usage.measured_at).ok()?.with_timezone(&Utc),
    })
}

const fn stage(stage: Stage) -> FarewellStage {
    match stage {
        Stage::Accounts => FarewellStage::Accounts,
        Stage::Notices => FarewellStage::Notices,
        Stage::Sent => FarewellStage::Sent,
    }
}

fn condition(condition: k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition) -> Condition {
    Condition {
        name: condition.type_,
        met: match condition.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        },
        reason: condition.reason,
        message: condition.message,
        since: DateTime::from_timestamp(condition.last_transition_time.0.as_second(), 0).unwrap_or(DateTime::UNIX_EPOCH),
    }
}
