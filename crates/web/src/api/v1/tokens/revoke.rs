//! `DELETE /tokens/{id}`: a token of one's own ends.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, tokens};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// End a token of your own.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", tag = "tokens", operation_id = "revokeToken",
    responses((status = 204, description = "It has ended."))
)]
pub async fn revoke(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    tokens::revoke(&app, &caller, id(&request, "token")?).await?;
    Ok(HttpResponse::NoContent().finish())
}
