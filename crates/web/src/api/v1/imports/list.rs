//! `GET /imports`: what was brought in.

use actix_web::{HttpResponse, web};
use howdah_app::{App, imports};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::Import;
use crate::caller::Caller;
use crate::page::PageQuery;
use crate::problem::Problem;

/// A page of imports, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportPage {
    #[schema(max_items = 100)]
    items: Vec<Import>,
    /// Of the next page; none on the last.
    #[schema(max_length = 100)]
    next_cursor: Option<String>,
}

/// The account's imports.
#[utoipa::path(
    get, path = "/api/v1/imports", tag = "imports", operation_id = "listImports",
    responses((status = 200, description = "A page of imports.", body = ImportPage))
)]
pub async fn list(caller: Caller, page: PageQuery, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let views = imports::list(&app, &caller, page.to_fetch()).await?;
    let (views, next_cursor) = page.cut(views, |it| it.id.as_uuid());
    Ok(HttpResponse::Ok().json(ImportPage { items: views.into_iter().map(Into::into).collect(), next_cursor }))
}
