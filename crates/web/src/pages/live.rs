//! Pages that change while they are open: a fragment is rendered again, and sent whenever what it shows has changed.
//!
//! A page puts `{{ live }}` around the fragment, and has a second address that answers with [`stream`]. Where no script runs, the page
//! asks for itself anew as long as work is in progress: `Live::refresh` goes into its head.

use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use futures::stream::unfold;
use howdah_app::{Actor, App, sessions};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::components::is_html;
use super::frame::Answer;
use super::visitor::{COOKIE, Person};
use super::{assets, frame};
use crate::problem::Problem;
use crate::streams::{Place, Streams};

const LONGEST: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Between two signs of life. Before each, and before each event, it is asked whether the session still is one.
const SILENCE: Duration = Duration::from_secs(5);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A fragment as it is now.
pub struct Moment {
    /// Of what it shows: sent again only where this differs. Revisions do: `12-7`; no spaces.
    pub version: String,
    pub html: String,
    /// Nothing more will happen.
    pub is_last: bool,
}

/// The part of a page that changes by itself.
#[derive(Template)]
#[template(path = "components/live.html")]
pub struct Live {
    /// Of its stream; absent where nothing is going on.
    pub address: Option<String>,
    pub moment: Moment,
}

impl Live {
    pub fn new(address: impl Into<String>, moment: Moment) -> Self {
        Self { address: Some(address.into()).filter(|_| !moment.is_last), moment }
    }

    /// For the page's head.
    pub fn refresh(&self) -> Refresh {
        Refresh { is_live: self.address.is_some() }
    }
}

#[derive(Template)]
#[template(path = "components/refresh.html")]
pub struct Refresh {
    is_live: bool,
}

impl Refresh {
    const fn htmx(&self) -> &'static str {
        assets::HTMX.url
    }
}

is_html!(Live, Refresh);

/// `look` reads the record and renders the fragment. What it refuses at first is refused; later it ends the stream, and the browser asks
/// again and is told.
pub async fn stream<L>(request: &HttpRequest, app: &Data<App>, streams: &Data<Streams>, person: &Person, look: L) -> Answer
where
    L: AsyncFn() -> Result<Moment, Problem> + 'static,
{
    let seen = request.headers().get(LAST_EVENT_ID).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let watch = Watch {
        app: app.clone(),
        streams: streams.clone(),
        token: request.cookie(COOKIE).map(|it| it.value().to_owned()).unwrap_or_default().into(),
        actor: person.actor.clone(),
        next: Some(look().await?),
        look,
        seen,
        end: Instant::now() + LONGEST,
        _place: Place::take(streams, person.actor.account.as_uuid())?,
    };
    let events = unfold(Some(Box::new(watch)), |watch| async move {
        let mut watch = watch?;
        let (event, goes_on) = watch.next().await?;
        Some((Ok::<_, actix_web::Error>(event), goes_on.then_some(watch)))
    });
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "text/event-stream")).insert_header((CONTENT_ENCODING, "identity"));
    // Proxies that buffer would hold events back.
    Ok(response.insert_header(("X-Accel-Buffering", "no")).streaming(events))
}

struct Watch<L> {
    app: Data<App>,
    streams: Data<Streams>,
    token: SecretString,
    /// As whom the page is looked at.
    actor: Actor,
    look: L,
    /// What was looked up before the stream began.
    next: Option<Moment>,
    /// Version of the last event.
    seen: String,
    end: Instant,
    _place: Place,
}

impl<L: AsyncFn() -> Result<Moment, Problem>> Watch<L> {
    /// The next event, and whether another one may follow.
    async fn next(&mut self) -> Option<(Bytes, bool)> {
        let silent_until = Instant::now() + SILENCE;
        let mut stopping = self.streams.stopping.clone();
        loop {
            let moment = match self.next.take() {
                Some(first) => first,
                None => (self.look)().await.ok()?,
            };
            if moment.version != self.seen {
                self.may_still_see().await?;
                self.seen.clone_from(&moment.version);
                return Some((event(&moment), !moment.is_last));
            }
            if moment.is_last {
                return Some((Bytes::from_static(b"event: done\ndata: done\n\n"), false));
            }
            let now = Instant::now();
            if now >= self.end {
                return None;
            }
            if now >= silent_until {
                self.may_still_see().await?;
                return Some((Bytes::from_static(b": still here\n\n"), true));
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                _ = stopping.wait_for(|it| *it) => return None,
            }
        }
    }

    /// `None` for a session that ended, or has other rights than when the stream began.
    async fn may_still_see(&self) -> Option<()> {
        let now = sessions::authenticate(&self.app, self.token.expose_secret()).await.ok()?;
        now.actor.is_still(&self.actor).then_some(())
    }
}

/// Unnamed events are swapped in; `done` ends the connection.
fn event(moment: &Moment) -> Bytes {
    let mut text = format!("id: {}\n", moment.version);
    // A carriage return ends a line of events, too.
    for line in moment.html.trim_end().split(['\n', '\r']) {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    if moment.is_last {
        text.push_str("event: done\ndata: done\n\n");
    }
    Bytes::from(text)
}

/// A fragment's template, as a moment.
pub fn moment(version: impl Into<String>, fragment: &impl Template, is_last: bool) -> Result<Moment, Problem> {
    Ok(Moment { version: version.into(), html: frame::render(fragment)?, is_last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_of_several_lines_is_one_event() {
        let moment = Moment { version: "3".to_owned(), html: "<p>\n</p>".to_owned(), is_last: false };
        assert_eq!(event(&moment), "id: 3\ndata: <p>\ndata: </p>\n\n");
        assert_eq!(event(&Moment { is_last: true, ..moment }), "id: 3\ndata: <p>\ndata: </p>\n\nevent: done\ndata: done\n\n");
    }
}
