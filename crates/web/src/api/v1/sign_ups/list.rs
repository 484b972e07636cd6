//! `GET /sign-ups`: who waits to be let in.

use actix_web::{HttpResponse, web};
use howdah_app::{App, sign_up};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::SignUp;
use crate::caller::Caller;
use crate::page::PageQuery;
use crate::problem::Problem;

/// A page of sign-ups, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignUpPage {
    #[schema(max_items = 100)]
    items: Vec<SignUp>,
    /// Of the next page; none on the last.
    #[schema(max_length = 100)]
    next_cursor: Option<String>,
}

/// Who has confirmed their e-mail address and waits to be let in: for operators.
#[utoipa::path(
    get, path = "/api/v1/sign-ups", tag = "sign-ups", operation_id = "listSignUps",
    responses((status = 200, description = "A page of sign-ups.", body = SignUpPage))
)]
pub async fn list(caller: Caller, page: PageQuery, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let waiting = sign_up::waiting(&app, &caller, page.to_fetch()).await?;
    let (waiting, next_cursor) = page.cut(waiting, |it| it.id.as_uuid());
    Ok(HttpResponse::Ok().json(SignUpPage { items: waiting.into_iter().map(Into::into).collect(), next_cursor }))
}
