//! Operations as they go over the wire.

use chrono::{DateTime, Utc};
use howdah_app::operations::{OperationView, StepView};
use howdah_domain::OperationId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::words;

pub fn operation_url(id: OperationId) -> String {
    format!("/api/v1/operations/{id}")
}

/// Long work with a name and an end.
#[derive(Debug, Serialize, ToSchema)]
pub struct Operation {
    id: Uuid,
    #[schema(max_length = 200)]
    url: String,
    instance_id: Uuid,
    #[schema(schema_with = words::operation_kind)]
    kind: &'static str,
    #[schema(schema_with = words::operation_state)]
    state: &'static str,
    /// In their order.
    #[schema(max_items = 32)]
    steps: Vec<Step>,
    /// What ended it; or what holds it up, as long as it is running: then it goes on by itself once the cause is gone.
    failure: Option<Failure>,
    /// Rises with every change.
    #[schema(minimum = 1)]
    revision: i64,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

/// A step of an operation.
#[derive(Debug, Serialize, ToSchema)]
pub struct Step {
    #[schema(max_length = 63)]
    name: &'static str,
    #[schema(schema_with = words::step_state)]
    state: &'static str,
    failure: Option<Failure>,
    /// How far it is, where it can say so.
    #[schema(max_length = 2000)]
    progress: Option<String>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

/// What holds a step up, or ended it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failure {
    /// A machine reason.
    #[schema(max_length = 63)]
    reason: String,
    #[schema(max_length = 63)]
    step: String,
    /// What happened and why.
    #[schema(max_length = 2000)]
    sentence: String,
    /// What can be done, and by whom.
    #[schema(max_length = 2000)]
    way_out: String,
    /// What the failing part said: for operators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    detail: Option<String>,
}

impl From<OperationView> for Operation {
    fn from(view: OperationView) -> Self {
        let detail = view.detail;
        Self {
            id: view.id.as_uuid(),
            url: operation_url(view.id),
            instance_id: view.instance.as_uuid(),
            kind: view.kind.as_str(),
            state: view.state.as_str(),
            steps: view.steps.into_iter().map(Into::into).collect(),
            failure: view.failure.map(|it| Failure { detail, ..it.into() }),
            revision: view.revision,
            created_at: view.created_at,
            started_at: view.started_at,
            finished_at: view.finished_at,
        }
    }
}

impl From<StepView> for Step {
    fn from(view: StepView) -> Self {
        Self {
            name: view.name,
            state: view.state.as_str(),
            failure: view.failure.map(Into::into),
            progress: view.progress,
            started_at: view.started_at,
            finished_at: view.finished_at,
        }
    }
}

impl From<howdah_domain::Failure> for Failure {
    fn from(failure: howdah_domain::Failure) -> Self {
        Self { reason: failure.reason, step: failure.step, sentence: failure.sentence, way_out: failure.way_out, detail: None }
    }
}
