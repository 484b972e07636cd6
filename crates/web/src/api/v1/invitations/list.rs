//! `GET /invitations`: who was asked to join the account.

use actix_web::{HttpResponse, web};
use howdah_app::{App, members};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::Invitation;
use crate::caller::Caller;
use crate::page::PageQuery;
use crate::problem::Problem;

/// A page of invitations, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationPage {
    #[schema(max_items = 100)]
    items: Vec<Invitation>,
    /// Of the next page; none on the last.
    #[schema(max_length = 100)]
    next_cursor: Option<String>,
}

/// Who was asked to join the account and has not yet: for owners.
#[utoipa::path(
    get, path = "/api/v1/invitations", tag = "people", operation_id = "listInvitations",
    responses((status = 200, description = "A page of invitations.", body = InvitationPage))
)]
pub async fn list(caller: Caller, page: PageQuery, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let invitations = members::invitation_page(&app, &caller, page.to_fetch()).await?;
    let (invitations, next_cursor) = page.cut(invitations, |it| it.id.as_uuid());
    Ok(HttpResponse::Ok().json(InvitationPage { items: invitations.into_iter().map(Into::into).collect(), next_cursor }))
}
