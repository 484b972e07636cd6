//! `GET /instances/{id}/operations`: what was done to a server.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, operations};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::v1::operations::wire::Operation;
use crate::caller::Caller;
use crate::page::PageQuery;
use crate::problem::Problem;
use crate::resource::id;

/// A page of operations, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationPage {
    #[schema(max_items = 100)]
    items: Vec<Operation>,
    /// Of the next page; none on the last.
    #[schema(max_length = 100)]
    next_cursor: Option<String>,
}

/// A server's operations.
#[utoipa::path(
    get, path = "/api/v1/instances/{id}/operations", tag = "instances", operation_id = "listInstanceOperations",
    responses((status = 200, description = "A page of operations.", body = OperationPage))
)]
pub async fn operations(caller: Caller, page: PageQuery, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let views = operations::list(&app, &caller, id, page.to_fetch()).await?;
    let (views, next_cursor) = page.cut(views, |it| it.id.as_uuid());
    Ok(HttpResponse::Ok().json(OperationPage { items: views.into_iter().map(Into::into).collect(), next_cursor }))
}
