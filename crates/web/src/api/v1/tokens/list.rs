//! `GET /tokens`: one's own tokens for the account.

use actix_web::{HttpResponse, web};
use howdah_app::{App, tokens};
use howdah_domain::ApiTokenId;
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::Token;
use crate::caller::Caller;
use crate::page::PageQuery;
use crate::problem::Problem;

/// A page of tokens, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenPage {
    #[schema(max_items = 100)]
    items: Vec<Token>,
    /// Of the next page; none on the last.
    #[schema(max_length = 100)]
    next_cursor: Option<String>,
}

/// Your own live tokens for this account.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "tokens", operation_id = "listTokens",
    responses((status = 200, description = "A page of tokens.", body = TokenPage))
)]
pub async fn list(caller: Caller, page: PageQuery, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let views = tokens::list(&app, &caller, page.before.map(ApiTokenId::from_uuid), page.fetched()).await?;
    let (views, next_cursor) = page.cut(views, |it| it.id.as_uuid());
    Ok(HttpResponse::Ok().json(TokenPage { items: views.iter().map(Into::into).collect(), next_cursor }))
}
