//! `GET /operations/{id}/events`: an operation as it changes, as server-sent events.
//!
//! Each event is the whole operation, with its revision as the event's id: who was cut off says the last id it saw and misses
//! nothing. A stream ends with the operation, with the token's rights, with the server, or after a minute: browsers come back by
//! themselves.

use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures::Stream;
use futures::stream::unfold;
use howdah_app::operations::OperationView;
use howdah_app::{Actor, App, operations, tokens};
use howdah_domain::OperationId;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::wire::Operation;
use crate::caller::{Caller, bearer};
use crate::problem::Problem;
use crate::resource::id;
use crate::streams::{Place, Streams};

const LONGEST: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Between two signs of life, so that nothing on the way takes the stream for dead.
const SILENCE: Duration = Duration::from_secs(15);

/// One event of a stream, as its fields are read.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `event` writes")]
pub struct OperationEvent {
    /// `operation`.
    #[schema(max_length = 20)]
    event: String,
    /// The operation's revision.
    #[schema(max_length = 20)]
    id: String,
    /// The operation, as JSON.
    #[schema(max_length = 65536, content_media_type = "application/json")]
    data: String,
}

/// An operation as it changes.
///
/// Server-sent events of the type `operation`: `data` is the operation, `id` its revision. The stream ends with the operation,
/// and at the latest after a minute: then ask again, with the last id in `Last-Event-ID`.
#[utoipa::path(
    get, path = "/api/v1/operations/{id}/events", tag = "operations", operation_id = "watchOperation",
    params(("Last-Event-ID" = Option<String>, Header, description = "The last event that was seen.")),
    responses((status = 200, description = "A stream of events.", body = OperationEvent, content_type = "text/event-stream"))
)]
pub async fn events(
    caller: Caller,
    app: web::Data<App>,
    streams: web::Data<Streams>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "operation")?;
    let first = operations::get(&app, &caller, id).await?;
    let place = Place::take(&streams, caller.account.as_uuid())?;
    let seen = request.headers().get("Last-Event-ID").and_then(|it| it.to_str().ok()).and_then(|it| it.parse().ok());
    let watch = Watch {
        app: app.get_ref().clone(),
        actor: Actor::clone(&caller),
        token: bearer(&request).unwrap_or_default().into(),
        streams: streams.clone(),
        id,
        next: Some(first),
        seen: seen.unwrap_or_default(),
        end: Instant::now() + LONGEST,
        _place: place,
    };
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/event-stream")).streaming(stream(watch)))
}

struct Watch {
    app: App,
    actor: Actor,
    token: SecretString,
    streams: web::Data<Streams>,
    id: OperationId,
    /// What was looked up before the stream began.
    next: Option<OperationView>,
    /// Revision of the last event.
    seen: i64,
    end: Instant,
    _place: Place,
}

fn stream(watch: Watch) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    unfold(Some(Box::new(watch)), |watch| async move {
        let mut watch = watch?;
        match watch.change().await {
            Change::Operation(view) => {
                watch.seen = view.revision;
                let is_live = view.state.is_live();
                Some((Ok(event(*view)?), is_live.then_some(watch)))
            }
            Change::Silence => Some((Ok(Bytes::from_static(b": still here\n\n")), Some(watch))),
            Change::End => None,
        }
    })
}

enum Change {
    Operation(Box<OperationView>),
    Silence,
    End,
}

impl Watch {
    async fn change(&mut self) -> Change {
        let silent_until = Instant::now() + SILENCE;
        let mut stopping = self.streams.stopping.clone();
        loop {
            let view = match self.next.take() {
                Some(view) => view,
                None => {
                    tokio::select! {
                        () = tokio::time::sleep(LOOK_AGAIN) => {}
                        _ = stopping.wait_for(|it| *it) => return Change::End,
                    }
                    // Whatever refuses now says so when it is asked again.
                    match operations::get(&self.app, &self.actor, self.id).await {
                        Ok(view) => view,
                        Err(_) => return Change::End,
                    }
                }
            };
            let now = Instant::now();
            let is_news = view.revision > self.seen || !view.state.is_live();
            if !is_news && now >= self.end {
                return Change::End;
            }
            if is_news || now >= silent_until {
                return match self.may_still_see().await {
                    true if is_news => Change::Operation(Box::new(view)),
                    true => Change::Silence,
                    false => Change::End,
                };
            }
        }
    }

    /// Nothing is told to a token that was revoked, or has other rights than when it asked.
    async fn may_still_see(&self) -> bool {
        tokens::authenticate(&self.app, self.token.expose_secret()).await.is_ok_and(|it| it.is_still(&self.actor))
    }
}

fn event(view: OperationView) -> Option<Bytes> {
    let revision = view.revision;
    // JSON as serde_json writes it has no line breaks.
    let data = serde_json::to_string(&Operation::from(view)).ok()?;
    Some(Bytes::from(format!("event: operation\nid: {revision}\ndata: {data}\n\n")))
}
