//! `POST /instances/{id}/owner-link`: the owner's way in. A POST, because it is recorded that the link was shown.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, instances};
use secrecy::ExposeSecret;

use super::wire::OwnerLink;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// The link at which the server's owner sets their password.
///
/// There is one from when the owner's account was made, for as long as Mastodon takes it.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/owner-link", tag = "instances", operation_id = "showOwnerLink",
    responses((status = 200, description = "The link.", body = OwnerLink))
)]
pub async fn owner_link(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let link = instances::owner_link(&app, &caller, id(&request, "server")?).await?;
    let url = link.url.expose_secret().to_owned();
    Ok(HttpResponse::Ok().json(OwnerLink { username: link.username, url, valid_until: link.valid_until }))
}
