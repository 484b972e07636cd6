//! `GET /jobs`: what the workers have to do.

use actix_web::{HttpResponse, web};
use howdah_app::{App, fleet};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::Job;
use crate::caller::Caller;
use crate::page::PageQuery;
use crate::problem::Problem;

/// A page of jobs, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobPage {
    #[schema(max_items = 100)]
    items: Vec<Job>,
    /// Of the next page; none on the last.
    #[schema(max_length = 100)]
    next_cursor: Option<String>,
}

/// What the workers have to do, do, or failed to do: for operators.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "jobs", operation_id = "listJobs",
    responses((status = 200, description = "A page of jobs.", body = JobPage))
)]
pub async fn list(caller: Caller, page: PageQuery<i64>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let jobs = fleet::job_page(&app, &caller, page.before, page.fetched()).await?;
    let (jobs, next_cursor) = page.cut(jobs, |it| it.id);
    Ok(HttpResponse::Ok().json(JobPage { items: jobs.into_iter().map(Into::into).collect(), next_cursor }))
}
