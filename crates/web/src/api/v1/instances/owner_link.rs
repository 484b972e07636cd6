//! `POST /instances/{id}/owner-link`: the owner's way in. A POST, because it is recorded that the link was shown.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use howdah_app::idempotency::Idempotent;
use howdah_app::instances::{self, OwnerLink as Link};
use howdah_app::{App, Once};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again};
use crate::problem::Problem;
use crate::resource::id;

/// The owner's way in.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnerLink {
    /// Of the owner's account on the server.
    #[schema(max_length = 100)]
    username: String,
    /// Where the owner sets their password. None where this answer is given a second time: ask with another key.
    #[schema(format = "uri", max_length = 1000)]
    url: Option<String>,
    valid_until: DateTime<Utc>,
}

impl OwnerLink {
    /// As it may be kept and given again.
    fn without_secret(link: &Link) -> Self {
        Self { username: link.username.clone(), url: None, valid_until: link.valid_until }
    }

    fn with_secret(link: &Link) -> Self {
        Self { url: Some(link.url.expose_secret().to_owned()), ..Self::without_secret(link) }
    }
}

/// The link at which the server's owner sets their password.
///
/// There is one from when the owner's account was made, for as long as Mastodon takes it.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/owner-link", tag = "instances", operation_id = "showOwnerLink",
    responses((status = 200, description = "The link.", body = OwnerLink))
)]
pub async fn owner_link(caller: Caller, key: KeyHeader, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &[])?;
    let render = |it: &Link| (200, json!(OwnerLink::without_secret(it)));
    let idempotent = key.as_ref().map(|key| Idempotent { key, render: &render });
    match instances::owner_link(&app, &caller, id, idempotent).await? {
        Once::Done(link) => Ok(HttpResponse::Ok().json(OwnerLink::with_secret(&link))),
        Once::Again { status, body } => Ok(again(status, &body)),
    }
}
