//! `GET /people`: who belongs to the account.

use actix_web::{HttpResponse, web};
use howdah_app::{App, members};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::Member;
use crate::caller::Caller;
use crate::page::PageQuery;
use crate::problem::Problem;

/// A page of people, the newest first by when they came to the platform.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberPage {
    #[schema(max_items = 100)]
    items: Vec<Member>,
    /// Of the next page; none on the last.
    #[schema(max_length = 100)]
    next_cursor: Option<String>,
}

/// Who belongs to the account, in which role.
#[utoipa::path(
    get, path = "/api/v1/people", tag = "people", operation_id = "listPeople",
    responses((status = 200, description = "A page of people.", body = MemberPage))
)]
pub async fn list(caller: Caller, page: PageQuery, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let members = members::page(&app, &caller, page.to_fetch()).await?;
    let (members, next_cursor) = page.cut(members, |it| it.person.as_uuid());
    Ok(HttpResponse::Ok().json(MemberPage { items: members.into_iter().map(Into::into).collect(), next_cursor }))
}
