//! `POST /instances/{id}/move-out/media`: where the media is of a server that moves out, or has moved.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::App;
use howdah_app::instances::{self, Lead};

use super::changed::changed;
use super::wire::{ChangedInstance, MediaRedirect};
use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::conditional::IfMatch;
use crate::idempotency::KeyHeader;
use crate::problem::Problem;
use crate::resource::id;

/// Say where the media of a server is that moves to another host.
///
/// Once the server's data here is deleted, whoever asks its media host for a file is led there, until `leaving.moved_out_until`. It can be
/// changed until then. Without it they are told to come again later.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/move-out/media", tag = "instances", operation_id = "leadMediaOfInstance",
    request_body = MediaRedirect,
    responses((status = 202, description = "It leads there.", body = ChangedInstance))
)]
pub async fn move_out_media(
    caller: Caller,
    key: KeyHeader,
    if_match: IfMatch,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<MediaRedirect>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let asked = Lead { media_redirect: body.value.media_redirect, if_match: if_match.0 };
    changed(id, key, async |once| instances::lead_media(&app, &caller, id, &asked, once).await).await
}
