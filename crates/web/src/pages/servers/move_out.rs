//! `/servers/{server}/move-out`: to another host, step by step; what is seen of it from outside; and the way back.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::idempotency::Idempotent;
use howdah_app::instances::{self, Close, Lead, Overview};
use howdah_app::{App, Error, Once, sessions};
use howdah_domain::{Action, OperationKind, Phase, StepState};
use serde::Deserialize;
use uuid::Uuid;

use super::{Named, words};
use crate::pages::components::{ByApi, Copyable, Crumbs, Field, Kind, Status, Steps, Summary, When, span};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes, leads_to, led_to, new_key};
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::visitor::Person;

#[derive(Template)]
#[template(path = "servers/move_out.html")]
struct MovePage<'a> {
    frame: &'a Frame,
    it: &'a Overview,
    url: String,
    crumbs: Crumbs,
    status: Status,
    mistakes: &'a Mistakes,
    key: Uuid,
    confirm: Field,
    media: Field,
    grace: String,
    /// Once it has begun.
    steps: Option<Steps>,
    by_api: ByApi,
    done_by_api: ByApi,
    undo_by_api: ByApi,
    media_by_api: ByApi,
}

impl MovePage<'_> {
    fn offers(&self, action: Action) -> bool {
        self.it.actions.contains(&action)
    }

    fn is_moving(&self) -> bool {
        self.it.server.phase == Phase::MovingOut
    }

    fn has_moved(&self) -> bool {
        self.it.server.phase == Phase::MovedOut
    }

    /// The final bundle is whole, and nobody has seen the new host yet.
    fn waits_for_host(&self) -> bool {
        let move_out = self.it.last_operation.as_ref().filter(|it| it.kind == OperationKind::MoveOut);
        move_out.is_some_and(|it| it.steps.iter().any(|step| step.name == "handover" && step.state == StepState::Running))
    }

    /// Until when its media host leads to the new host.
    fn leads_until(&self) -> Option<When> {
        self.it.server.leaving.as_ref().and_then(|it| it.moved_out_until).map(|at| When::new(at, self.frame.now))
    }

    fn media_host(&self) -> &str {
        let media = self.it.server.address.media.as_str();
        media.strip_prefix("https://").unwrap_or(media)
    }

    /// `None` also once that is over: what is left is then deleted at any moment.
    fn kept_until(&self) -> Option<When> {
        let now = self.frame.now;
        self.it.server.leaving.as_ref().and_then(|it| it.kept_until).filter(|at| *at > now).map(|at| When::new(at, now))
    }

    fn looked_at(&self) -> Option<When> {
        self.it.server.address.probed_at.map(|at| When::new(at, self.frame.now))
    }

    /// Where its address leads, as it was seen last.
    fn seen(&self) -> &'static str {
        let address = &self.it.server.address;
        match (address.leads_here, address.reason.as_deref()) {
            (None, _) => "Nobody has looked yet.",
            (Some(_), Some("ServedByAnotherHost")) => "It leads to another host, and a server there answers as this one.",
            (Some(_), Some("ServedElsewhere")) => "It leads elsewhere, and no server answers there as this one yet.",
            (Some(_), _) => "It still leads here, or nowhere: no other host answers at it.",
        }
    }

    fn restore(&self) -> Copyable {
        Copyable::new("the command", "sh restore.sh")
    }

    fn fetch(&self) -> Copyable {
        Copyable::new("the command", format!("curl --config {}.curl", self.it.server.domain))
    }

    /// Why it can't be moved.
    fn refusal(&self) -> &'static str {
        let server = &self.it.server;
        match server.leaving {
            None if !server.address.is_own => {
                "Its address belongs to this platform, so no other host can serve it. Take everything along; its people can move their \
                 accounts, and take their followers with them."
            }
            None if !self.it.can_be_taken_along => "It has not come up yet: there is nothing to move.",
            None => "Only an owner of its own account can move it.",
            Some(_) => "It is leaving already.",
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct MoveForm {
    key: Uuid,
    /// The server's revision when the page was made.
    revision: Option<i64>,
    confirm: String,
    media_redirect: String,
}

/// What was typed into the forms, where they are shown again.
#[derive(Default)]
struct Typed<'a> {
    confirm: &'a str,
    media_redirect: Option<&'a str>,
}

fn page(frame: &Frame, app: &App, it: &Overview, typed: &Typed<'_>, mistakes: &Mistakes) -> Answer {
    let server = &it.server;
    let url = super::url(&server.slug);
    let api = format!("/api/v1/instances/{}", server.id);
    let work = it.last_operation.as_ref().filter(|it| it.kind == OperationKind::MoveOut && it.state.is_live());
    let page = MovePage {
        frame,
        it,
        crumbs: Crumbs::new([("Servers", "/servers"), (&server.domain, &url)], "Move to another host"),
        url,
        status: words::status(server),
        mistakes,
        key: new_key(app),
        confirm: Field::new("confirm", "Type the domain to go on", Kind::Domain)
            .hint(format!("{}, letter by letter.", server.domain))
            .value(typed.confirm)
            .most(253)
            .check(mistakes),
        media: media(it, typed, mistakes),
        grace: span(app.config.grace),
        steps: work.map(|it| Steps::new(it, frame.now)),
        by_api: ByApi::new("POST", format!("{api}/move-out")),
        done_by_api: ByApi::new("POST", format!("{api}/move-out/done")),
        undo_by_api: ByApi::new("POST", format!("{api}/undo")),
        media_by_api: ByApi::new("POST", format!("{api}/move-out/media")),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

fn media(it: &Overview, typed: &Typed<'_>, mistakes: &Mistakes) -> Field {
    let said = it.server.leaving.as_ref().and_then(|it| it.media_redirect.as_deref());
    Field::new("media_redirect", "Where its media is at the new host", Kind::Text)
        .hint(
            "Only if that is another address, such as https://files.example.org/birds. Each file’s path is appended. It can be said later.",
        )
        .value(typed.media_redirect.or(said).unwrap_or_default())
        .most(300)
        .optional()
        .check(mistakes)
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    if it.actions.contains(&Action::MoveOut) {
        sessions::require_recent(&app, &person)?;
    }
    page(&frame, &app, &it, &Typed::default(), &Mistakes::default())
}

pub async fn begin(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<MoveForm>) -> Answer {
    send(&frame, &person, &app, &request, &form, Flash::MovingOut).await
}

pub async fn done(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<MoveForm>) -> Answer {
    send(&frame, &person, &app, &request, &form, Flash::HandedOver).await
}

/// Of who had to give their password first.
pub async fn back(request: HttpRequest) -> Answer {
    Ok(see_other(&format!("{}/move-out", super::url(&Named::of(&request).0))))
}

/// Where its media is, from now on.
pub async fn lead(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<MoveForm>) -> Answer {
    send(&frame, &person, &app, &request, &form, Flash::MediaLed).await
}

/// Any of the forms; `then`: what is said where it was done.
async fn send(frame: &Frame, person: &Person, app: &App, request: &HttpRequest, form: &Form<MoveForm>, then: Flash) -> Answer {
    sessions::require_recent(app, person)?;
    let it = instances::overview(app, &person.actor, Named::of(request).which()).await?;
    let key = form.key(&person.actor, form.value.key)?;
    let url = format!("{}/move-out", super::url(&it.server.slug));
    let leads = |(): &()| leads_to(&url);
    let MoveForm { key: _, revision, confirm, media_redirect } = &form.value;
    let (media_redirect, if_match) = (Some(media_redirect.clone()), *revision);
    let asked = Close { confirm: confirm.clone(), if_match, media_redirect: media_redirect.clone(), ..Close::default() };
    let once = Some(Idempotent { key: &key, render: &leads });
    let id = it.server.id;
    let sent = match then {
        Flash::MediaLed => instances::lead_media(app, &person.actor, id, &Lead { media_redirect, if_match }, once).await,
        Flash::HandedOver => instances::say_handed_over(app, &person.actor, id, &asked, once).await,
        _ => instances::move_out(app, &person.actor, id, &asked, once).await,
    };
    match sent {
        Ok(Once::Done(())) => Ok(see_other_with(&url, then)),
        Ok(Once::Again { body, .. }) => Ok(led_to(&body)),
        Err(Error::PreconditionFailed) => page(frame, app, &it, &Typed::default(), &Mistakes::said(words::changed_meanwhile(&it.server))),
        Err(error) => {
            let typed = Typed { confirm, media_redirect: Some(&form.value.media_redirect) };
            page(frame, app, &it, &typed, &Mistakes::of(error)?)
        }
    }
}
