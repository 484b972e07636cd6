//! `/servers/{server}`: is it well, and what should I do next?

use actix_web::web::Data;
use actix_web::{HttpRequest, web};
use askama::Template;
use chrono::{DateTime, Utc};
use howdah_app::instances::{self, InstanceView, LeavingView, Overview, OwnerLinkState, ToDo, Which};
use howdah_app::operations::OperationView;
use howdah_app::{Actor, App};
use howdah_domain::{Action, Deletion, OperationKind, OperationState, Phase};

use super::banner::Banner;
use super::{Named, words};
use crate::pages::components::{ByApi, Crumbs, Help, Icon, Meter, Status, Steps, Tabs, When, span, steps};
use crate::pages::frame::{Answer, Frame, see_other};
use crate::pages::live::{self, Live, Moment};
use crate::pages::platform::Platform;
use crate::pages::visitor::Person;
use crate::pages::words::count;
use crate::problem::Problem;
use crate::streams::Streams;

const GIB: i64 = 1 << 30;

#[derive(Template)]
#[template(path = "servers/overview.html")]
struct OverviewPage<'a> {
    frame: &'a Frame,
    title: String,
    crumbs: Crumbs,
    banner: Banner,
    live: Live,
    by_api: ByApi,
}

/// The part that changes.
#[derive(Template)]
#[template(path = "servers/overview_live.html")]
struct Fragment<'a> {
    it: &'a Overview,
    url: String,
    title: String,
    status: Status,
    tabs: Tabs,
    since: When,
    /// What is under way, or was last.
    work: Option<(&'static str, Steps)>,
    meters: Vec<Meter>,
    /// By its name.
    plan: String,
    undo_by_api: ByApi,
    /// Of its bill, where it waits for being paid.
    to_pay: Option<String>,
    /// What can be done where no button does it, and whom to write to.
    way_out: Option<(&'static str, Help)>,
    now: DateTime<Utc>,
}

impl Fragment<'_> {
    fn offers(&self, action: Action) -> bool {
        self.it.actions.contains(&action)
    }

    fn is_done(&self, to_do: &ToDo) -> bool {
        to_do.done_at.is_some()
    }

    fn link_ends(&self) -> Option<When> {
        match self.it.owner_link {
            OwnerLinkState::Ready { valid_until, .. } => Some(When::new(valid_until, self.now)),
            _ => None,
        }
    }

    fn link_made(&self) -> Option<When> {
        match self.it.owner_link {
            OwnerLinkState::Ready { made_at, .. } => Some(When::new(made_at, self.now)),
            _ => None,
        }
    }

    fn link_asked_for(&self) -> Option<When> {
        match self.it.owner_link {
            OwnerLinkState::OnItsWay { since } => Some(When::new(since, self.now)),
            _ => None,
        }
    }

    fn link_failed(&self) -> Option<&'static str> {
        match self.it.owner_link {
            OwnerLinkState::Failed { sentence } => Some(sentence),
            _ => None,
        }
    }

    fn link_is_over(&self) -> bool {
        matches!(self.it.owner_link, OwnerLinkState::Expired)
    }

    fn moves(&self) -> bool {
        matches!(self.it.server.phase, Phase::MovingOut | Phase::MovedOut)
    }

    /// When its grace period ends.
    fn leaves(&self) -> Option<When> {
        let has_grace = |it: &&LeavingView| it.can_be_undone && it.deletion != Deletion::MoveOut;
        self.it.server.leaving.as_ref().filter(has_grace).map(|it| When::new(it.after, self.now))
    }

    /// How its launch went, once that is over: when, in which time, and where to read it.
    fn launched(&self) -> Option<(When, String, String)> {
        let launch = self.it.last_operation.as_ref().filter(|it| it.kind == OperationKind::Create)?;
        let done_at = launch.finished_at.filter(|_| launch.state == OperationState::Succeeded)?;
        let took = steps::took(launch).map(span).unwrap_or_default();
        Some((When::new(done_at, self.now), took, format!("/operations/{}", launch.id)))
    }

    /// It is over, and what comes after it can still be taken back.
    fn grace_is_over(&self) -> bool {
        self.it.server.leaving.as_ref().is_some_and(|it| it.after <= self.now)
    }

    fn is_removed(&self) -> bool {
        self.it.server.phase == Phase::Removing
    }

    /// While it is rehearsed its old server has to be found there; while it is suspended, nothing is.
    fn waits_for_records(&self) -> bool {
        self.offers(Action::SetRecords) && !matches!(self.it.server.phase, Phase::Rehearsing | Phase::Suspended)
    }

    /// Once it is gone.
    fn was_kept(&self) -> bool {
        self.it.server.phase == Phase::Gone && self.it.server.leaving.as_ref().is_some_and(|it| it.final_bundle)
    }

    fn waits_for_approval(&self) -> bool {
        self.it.server.phase == Phase::AwaitingApproval
    }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let named = Named::of(&request);
    let it = instances::overview(&app, &person.actor, named.which()).await?;
    if matches!(named.which(), Which::Id(_)) && it.server.phase != Phase::Gone {
        return Ok(see_other(&super::url(&it.server.slug)));
    }
    let page = OverviewPage {
        frame: &frame,
        title: title(&it),
        crumbs: super::crumbs(&it.server.domain),
        banner: Banner::of(&app, &person.actor, it.server.id, &it.server.slug).await?,
        live: Live::new(format!("{}/live", super::url(&named.0)), moment(&app, &it, frame.support.as_ref(), frame.now)?),
        by_api: ByApi::new("GET", format!("/api/v1/instances/{}", it.server.id)),
    };
    frame.page(&page)
}

pub async fn live(request: HttpRequest, person: Person, app: Data<App>, platform: Data<Platform>, streams: Data<Streams>) -> Answer {
    let (named, seen_by, of) = (Named::of(&request), person.actor.clone(), app.clone());
    live::stream(&request, &app, &streams, &person, async move || look(&of, &platform, &seen_by, &named).await).await
}

async fn look(app: &App, platform: &Platform, actor: &Actor, named: &Named) -> Result<Moment, Problem> {
    let it = instances::overview(app, actor, named.which()).await?;
    moment(app, &it, platform.support_address().as_ref(), app.clock.now())
}

fn moment(app: &App, it: &Overview, support: Option<&String>, now: DateTime<Utc>) -> Result<Moment, Problem> {
    let server = &it.server;
    let help = |work: &OperationView| work.failure.as_ref().map(|_| Help::new(work.id, support.cloned()));
    let shown = it.last_operation.as_ref().filter(|work| work.state.is_live() || work.failure.is_some());
    let fragment = Fragment {
        it,
        url: super::url(&server.slug),
        title: title(it),
        status: words::status(server),
        tabs: super::tabs(app, &server.slug, "Overview"),
        since: When::new(it.since, now),
        work: shown.map(|work| (steps::title(work), Steps::new(work, now).with_help(help(work)))),
        meters: meters(app, it),
        plan: words::plan(app, server),
        undo_by_api: ByApi::new("POST", format!("/api/v1/instances/{}/undo", server.id)),
        to_pay: to_pay(app, server),
        way_out: words::way_out(server.phase)
            .filter(|_| to_pay(app, server).is_none())
            .map(|it| (it, Help::new(server.id, support.cloned()))),
        now,
    };
    let waits_for_link = matches!(it.owner_link, OwnerLinkState::OnItsWay { .. });
    live::moment(version(it), &fragment, words::is_at_rest(server) && !waits_for_link)
}

/// What is not paid for goes on by being paid; where nothing is, the support is written to.
fn to_pay(app: &App, server: &InstanceView) -> Option<String> {
    let waits = server.phase == Phase::AwaitingPayment;
    (waits && app.billing.is_some()).then(|| format!("{}/billing", super::url(&server.slug)))
}

fn title(it: &Overview) -> String {
    format!("{} · Overview · {}", words::status(&it.server).word, it.server.domain)
}

/// Of everything that the fragment shows.
fn version(it: &Overview) -> String {
    let work = it.last_operation.as_ref().map(|work| work.revision).unwrap_or_default();
    let link = match it.owner_link {
        OwnerLinkState::Waiting => "waiting",
        OwnerLinkState::OnItsWay { .. } => "on-its-way",
        OwnerLinkState::Ready { .. } => "ready",
        OwnerLinkState::Failed { .. } => "failed",
        OwnerLinkState::Expired => "expired",
        OwnerLinkState::NotYours => "not-yours",
    };
    let done = it.to_do.iter().filter(|it| it.done_at.is_some()).count();
    let looked = it.looked_at.map(|it| it.timestamp_millis()).unwrap_or_default();
    format!("{}-{work}-{}-{link}-{done}-{}-{looked}-{}", it.server.revision, it.server.phase.as_str(), it.faults, it.actions.len())
}

/// What is used of what the plan includes.
pub(super) fn meters(app: &App, it: &Overview) -> Vec<Meter> {
    let (Some(usage), Some(plan)) = (it.server.usage, app.plans.get(&it.server.plan)) else { return Vec::new() };
    let meter = |label: &str, used: i64, limit: i64, words: String, hint: &str| Meter {
        label: label.to_owned(),
        used: u64::try_from(used).unwrap_or_default(),
        limit: u64::try_from(limit).unwrap_or_default().max(1),
        words,
        hint: hint.to_owned(),
    };
    let of_bytes = |label: &str, used: i64, gib: u32, hint: &str| {
        let limit = i64::from(gib) * GIB;
        meter(label, used, limit, format!("{} of {gib} GB", words::bytes(used)), hint)
    };
    let included = &plan.included;
    let people = format!("{} of {} people", count(u64::try_from(usage.users).unwrap_or_default()), count(included.users.into()));
    vec![
        of_bytes("Own media", usage.own_media_bytes, included.own_media_gib, ""),
        of_bytes("Cached from others", usage.cached_media_bytes, included.cached_media_gib, "Pruned by itself; it never counts as yours."),
        meter("People", usage.users, included.users.into(), people, "The plan is made for so many; nobody is turned away."),
    ]
}
