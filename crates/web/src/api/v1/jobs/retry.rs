//! `POST /jobs/{id}/retry`: a job runs at once.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, fleet};

use super::wire::RetriedJob;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, once};
use crate::problem::Problem;
use crate::resource::id;

/// Have a job run at once, as if it had never failed: for operators.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/retry", tag = "jobs", operation_id = "retryJob",
    responses((status = 202, description = "It runs at once.", body = RetriedJob))
)]
pub async fn retry(caller: Caller, key: KeyHeader, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id: i64 = id(&request, "job")?;
    let key = key.bind(&caller, &request, &[])?;
    once(key, StatusCode::ACCEPTED, |(): &()| RetriedJob { id }, async |once| fleet::retry_job(&app, &caller, id, once).await).await
}
