//! One job of the queue as an operator looks at it.

use chrono::{DateTime, Utc};
use howdah_db::models::job::Job;
use howdah_domain::InstanceId;

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
pub async fn retry_job(app: &App, actor: &Actor, id: i64) -> Result<(), Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    match Job::retry(&mut conn, id).await? {
        true => Ok(()),
        false => Err(Error::NotFound { what: "job that waits" }),
    }
}
