//! A custom resource's status as the domain's observation, and as the row that keeps it.

use chrono::{DateTime, Utc};
use howdah_crd::{FarewellStage as Stage, MastodonInstanceStatus};
use howdah_db::models::observation::Observation as Row;
use howdah_domain::lifecycle::{Condition, Endpoints, FarewellProgress, FarewellStage, Observation, Usage};

/// What a stored status says; `None` where there is none, or none that this version can read.
#[must_use]
pub fn stored(row: &Row) -> Option<Observation> {
    let status: MastodonInstanceStatus = serde_json::from_value(row.status.clone()).ok()?;
    Some(observation(&status))
}

#[must_use]
pub fn observation(status: &MastodonInstanceStatus) -> Observation {
    Observation {
        generation: status.observed_generation.unwrap_or_default(),
        observed_generation: status.observed_generation,
        observed_revision: status.observed_revision,
        version: status.version.as_deref().and_then(|it| it.parse().ok()),
        endpoints: status.endpoints.as_ref().map(|it| Endpoints { web: it.web.clone(), media: it.media.clone() }),
        usage: status.usage.as_ref().and_then(usage),
        farewell: status.farewell.as_ref().map(|it| FarewellProgress { stage: stage(it.stage), pending_accounts: it.pending_accounts }),
        owner_link_issued: status.owner_link_issued.as_ref().and_then(|it| DateTime::from_timestamp(it.0.as_second(), 0)),
        conditions: status.conditions.iter().map(condition).collect(),
    }
}

fn usage(usage: &howdah_crd::InstanceUsage) -> Option<Usage> {
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

fn condition(condition: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition) -> Condition {
    Condition {
        name: condition.type_.clone(),
        met: match condition.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        },
        reason: condition.reason.clone(),
        message: condition.message.clone(),
        since: DateTime::from_timestamp(condition.last_transition_time.0.as_second(), 0).unwrap_or(DateTime::UNIX_EPOCH),
    }
}
