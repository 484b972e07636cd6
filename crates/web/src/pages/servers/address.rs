//! `/servers/{server}/address`: which records lead here, what was found of them from outside, and what is wrong by its name.

use actix_web::web::Data;
use actix_web::{HttpRequest, web};
use askama::Template;
use chrono::{DateTime, Utc};
use howdah_app::instances::{self, AddressPage};
use howdah_app::{Actor, App, Error};
use howdah_domain::records::{Record, RecordKind, RecordStanding};

use super::Named;
use super::banner::Banner;
use crate::pages::components::{ByApi, Copyable, Crumbs, Empty, Icon, Status, Tabs, Tone, When};
use crate::pages::flash::Flash;
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::live::{self, Live, Moment};
use crate::pages::visitor::Person;
use crate::problem::Problem;
use crate::streams::Streams;

#[derive(Template)]
#[template(path = "servers/address.html")]
struct WholePage<'a> {
    frame: &'a Frame,
    title: String,
    crumbs: Crumbs,
    banner: Banner,
    live: Live,
    by_api: ByApi,
}

/// The part that changes.
#[derive(Template)]
#[template(path = "servers/address_live.html")]
struct Fragment<'a> {
    it: &'a AddressPage,
    title: String,
    url: String,
    tabs: Tabs,
    status: Status,
    /// How many.
    faults: usize,
    empty: Empty,
    look_by_api: ByApi,
    now: DateTime<Utc>,
}

impl Fragment<'_> {
    fn standing(&self, record: &Record) -> Status {
        let (tone, word) = match record.standing {
            RecordStanding::Well => (Tone::Well, "Right"),
            RecordStanding::NotLooked => (Tone::Wait, "Not looked at yet"),
            RecordStanding::Missing if !record.is_required => (Tone::Wait, "Not there, not needed"),
            RecordStanding::Missing => (Tone::Warn, "Missing"),
            RecordStanding::Differs => (Tone::Wrong, if record.wanted.is_empty() { "In the way" } else { "Differs" }),
        };
        Status::new(tone, word)
    }

    /// The domain's own site leads on to the server.
    fn passes_on(&self) -> bool {
        self.it.records.iter().any(|it| it.kind == RecordKind::Redirect)
    }

    fn was_looked_for(&self, record: &Record) -> bool {
        record.standing != RecordStanding::NotLooked
    }

    fn copyable(&self, record: &Record, value: &str) -> Copyable {
        Copyable::new(format!("the value of {} {}", record.kind.as_str(), record.name), value)
    }

    fn name(&self, record: &Record) -> Copyable {
        Copyable::new(format!("the name of the {} record", record.kind.as_str()), &record.name)
    }

    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.now)
    }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let named = Named::of(&request);
    let it = instances::address(&app, &person.actor, named.which()).await?;
    let page = WholePage {
        frame: &frame,
        title: title(&it),
        crumbs: super::crumbs(&it.domain),
        banner: Banner::of(&app, &person.actor, it.server, &it.slug).await?,
        live: Live::new(format!("{}/address/live", super::url(&named.0)), moment(&app, &it, frame.now)?),
        by_api: ByApi::new("GET", format!("/api/v1/instances/{}", it.server)),
    };
    frame.page(&page)
}

pub async fn live(request: HttpRequest, person: Person, app: Data<App>, streams: Data<Streams>) -> Answer {
    let (named, seen_by, of) = (Named::of(&request), person.actor.clone(), app.clone());
    live::stream(&request, &app, &streams, &person, async move || look(&of, &seen_by, &named).await).await
}

async fn look(app: &App, actor: &Actor, named: &Named) -> Result<Moment, Problem> {
    moment(app, &instances::address(app, actor, named.which()).await?, app.clock.now())
}

pub async fn look_again(person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = instances::address(&app, &person.actor, Named::of(&request).which()).await?;
    let here = format!("{}/address", super::url(&it.slug));
    match instances::look_again(&app, &person.actor, it.server, None).await {
        Ok(_) => Ok(see_other_with(&here, Flash::LooksAgain)),
        // It was looked at a moment ago: the page says when.
        Err(Error::RateLimited { .. }) => Ok(see_other(&here)),
        Err(other) => Err(other.into()),
    }
}

fn moment(app: &App, it: &AddressPage, now: DateTime<Utc>) -> Result<Moment, Problem> {
    let fragment = Fragment {
        it,
        title: title(it),
        url: super::url(&it.slug),
        tabs: super::tabs(app, &it.slug, "Address"),
        status: status(it),
        faults: faults(it),
        empty: Empty {
            title: "Nothing to set".into(),
            sentence: "This address is one of ours: its records are our business, and they are right.",
            action: None,
        },
        look_by_api: ByApi::new("POST", format!("/api/v1/instances/{}/address/look", it.server)),
        now,
    };
    live::moment(version(it), &fragment, !it.is_own || (it.is_well && it.leads_here == Some(true)))
}

/// The last look, and when the next one may be asked for, tell everything else.
fn version(it: &AddressPage) -> String {
    let at = |it: Option<DateTime<Utc>>| it.map(|it| it.timestamp_millis()).unwrap_or_default();
    let standings: String = it.records.iter().map(|it| it.standing.as_str().chars().take(1).collect::<String>()).collect();
    format!("{}-{}-{}-{standings}-{}", at(it.looked_at), at(it.well_since), at(it.may_look_again_at), it.leads_here.unwrap_or_default())
}

fn faults(it: &AddressPage) -> usize {
    it.diagnoses.iter().filter(|it| it.is_fault()).count()
}

fn status(it: &AddressPage) -> Status {
    match (it.is_well || !it.is_own, it.leads_here, faults(it)) {
        (true, Some(true), _) => Status::new(Tone::Well, "Leads here"),
        _ if it.is_rehearsing => Status::new(Tone::Wait, "Only the proof is to be set"),
        _ if !it.is_own => Status::new(Tone::Well, "Nothing to set"),
        (true, ..) => Status::new(Tone::Wait, "Records are right"),
        (false, _, 0) => Status::new(Tone::Wait, "Waiting for records"),
        (false, _, 1) => Status::new(Tone::Warn, "1 thing to put right"),
        (false, _, count) => Status::new(Tone::Warn, format!("{count} things to put right")),
    }
}

fn title(it: &AddressPage) -> String {
    format!("{} · Address · {}", status(it).word, it.domain)
}
