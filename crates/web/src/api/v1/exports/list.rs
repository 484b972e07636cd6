//! `GET /instances/{id}/exports`: how a server was taken along.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, exports};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::Export;
use crate::caller::Caller;
use crate::page::PageQuery;
use crate::problem::Problem;
use crate::resource::id;

/// A page of exports, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportPage {
    #[schema(max_items = 100)]
    items: Vec<Export>,
    /// Of the next page; none on the last.
    #[schema(max_length = 100)]
    next_cursor: Option<String>,
}

/// A server's exports.
#[utoipa::path(
    get, path = "/api/v1/instances/{id}/exports", tag = "exports", operation_id = "listExports",
    responses((status = 200, description = "A page of exports.", body = ExportPage))
)]
pub async fn list(caller: Caller, page: PageQuery, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let views = exports::list(&app, &caller, id, page.to_fetch()).await?;
    let (views, next_cursor) = page.cut(views, |it| it.id.as_uuid());
    Ok(HttpResponse::Ok().json(ExportPage { items: views.into_iter().map(Into::into).collect(), next_cursor }))
}
