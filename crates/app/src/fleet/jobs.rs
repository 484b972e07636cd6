//! One job of the queue as an operator looks at it.

use chrono::{DateTime, Utc};
use howdah_db::models::audit::Record;
use howdah_db::models::job::Job;
use howdah_domain::InstanceId;
use serde_json::json;

use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::instances::audit_actor;
use crate::settings::PLATFORM_CHAIN;
use crate::{Actor, App, Error};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    pub id: i64,
    /// `sync_instance`.
    pub name: String,
    pub server: Option<InstanceId>,
    pub attempts: i16,
    pub max_attempts: i16,
    pub last_error: Option<String>,
    pub run_at: DateTime<Utc>,
    pub is_running: bool,
    /// It is not tried again by itself.
    pub has_failed: bool,
}

/// The newest first, before the job with the number `before`.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators.
pub async fn job_page(app: &App, actor: &Actor, before: Option<i64>, limit: i64) -> Result<Vec<JobView>, Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    Ok(Job::page(&mut conn, before, limit).await?.into_iter().map(view).collect())
}

pub(super) fn view(job: Job) -> JobView {
    JobView {
        id: job.id,
        name: job.name,
        server: job.instance_id.map(InstanceId::from_uuid),
        attempts: job.attempts,
        max_attempts: job.max_attempts,
        run_at: job.run_at,
        is_running: job.is_running,
        has_failed: job.last_error.is_some() && job.attempts >= job.max_attempts && !job.is_running,
        last_error: job.last_error,
    }
}

/// Has a job run at once.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators; [`Error::NotFound`] for one that is done or runs.
pub async fn retry_job(app: &App, actor: &Actor, id: i64, idempotent: Option<Idempotent<'_, ()>>) -> Result<Once<()>, Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        if !Job::retry(conn, id).await? {
            return Err(Error::NotFound { what: "job that waits" });
        }
        let record = Record {
            chain_id: PLATFORM_CHAIN,
            at: app.now(),
            actor: audit_actor(actor),
            action: "job.retry",
            subject_kind: "job",
            subject_id: None,
            details: json!({"job": id}),
        };
        record.insert(conn).await?;
        keep(conn, idempotent, ()).await
    })
    .await
}
