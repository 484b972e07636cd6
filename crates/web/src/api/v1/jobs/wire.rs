//! Jobs as they go over the wire.

use chrono::{DateTime, Utc};
use howdah_app::fleet::JobView;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a worker has to do, does, or failed to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Job {
    #[schema(minimum = 1)]
    id: i64,
    #[schema(max_length = 128, example = "sync_instance")]
    name: String,
    /// The server that it is about, where it is about one.
    instance_id: Option<Uuid>,
    #[schema(minimum = 0)]
    attempts: i16,
    #[schema(minimum = 1)]
    max_attempts: i16,
    /// Why the last attempt failed.
    #[schema(max_length = 2000)]
    last_error: Option<String>,
    /// When it is to run.
    run_at: DateTime<Utc>,
    is_running: bool,
    /// It is not tried again by itself.
    has_failed: bool,
}

/// A job that runs at once.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetriedJob {
    #[schema(minimum = 1)]
    pub id: i64,
}

impl From<JobView> for Job {
    fn from(it: JobView) -> Self {
        Self {
            id: it.id,
            name: it.name,
            instance_id: it.server.map(howdah_domain::InstanceId::as_uuid),
            attempts: it.attempts,
            max_attempts: it.max_attempts,
            last_error: it.last_error,
            run_at: it.run_at,
            is_running: it.is_running,
            has_failed: it.has_failed,
        }
    }
}
