//! How much a server holds: measured hourly with its own role, spread over the hour by its id.

use std::time::{Duration, Instant};

use howdah_crd::{ConditionType, InstanceUsage};
use jiff::{SignedDuration, Timestamp};

use super::apply::{of_database, read_key};
use super::conditions::Progress;
use super::context::Context;
use super::names;
use super::validate::Valid;
use crate::error::{Error, chain};
use crate::provider::Usage;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// After a failure it is not asked again at once: nothing waits for it.
const REST: Duration = Duration::from_secs(600);

pub async fn measure(context: &Context, valid: &Valid<'_>, progress: &mut Progress) -> Result<(), Error> {
    let memory = context.memory(valid.cr);
    let rests = memory.lock().usage_not_before.is_some_and(|it| it > Instant::now());
    if rests || !progress.is_ready(ConditionType::WorkloadsReady) || !is_due(valid) {
        return Ok(());
    }
    // It is not told of the outcome: what a tenant's own database answers, or doesn't, says nothing of the server.
    let Ok(_place) = of_database(context, valid).enter(Instant::now()) else { return Ok(()) };
    let password = read_key(context, &valid.namespace, names::DATABASE, "DB_PASS").await?;
    match valid.database.usage(valid.id, &password).await {
        Ok(Usage { database_bytes, own_media_bytes, cached_media_bytes, users }) => {
            let measured_at = valid.now.to_string();
            progress.usage = Some(InstanceUsage { database_bytes, own_media_bytes, cached_media_bytes, users, measured_at });
        }
        Err(error) => {
            tracing::warn!(instance.id = %valid.id, error = chain(&error), "usage could not be measured");
            memory.lock().usage_not_before = Some(Instant::now() + REST);
        }
    }
    Ok(())
}

fn is_due(valid: &Valid<'_>) -> bool {
    let measured = valid.cr.status.as_ref().and_then(|it| it.usage.as_ref()?.measured_at.parse::<Timestamp>().ok());
    let jitter = SignedDuration::from_secs(i64::from(valid.id.as_uuid().as_bytes()[15]));
    measured.is_none_or(|it| valid.now.duration_since(it) >= HOUR + jitter)
}
