//! `app::billing::ending`: what servers may do as time goes on, what their owners are told, and the *Remove* at the end.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_domain::billing::fresh::{self, Next};
use howdah_domain::billing::notices::{self, Notice, Told};
use howdah_domain::billing::removal::{self, Evidence, FinalBundle, FreshRead};
use howdah_domain::billing::timeline::{Happened, Timeline, timeline};
use howdah_domain::{Desired, Hold, InstanceId, Standing};

use super::standing::allowed;
use super::{Platform, TERMS, Trouble};
use crate::record::{Sent, Server};

const BUNDLE_BEFORE: TimeDelta = TimeDelta::days(14);
const TRIED_AGAIN: TimeDelta = TimeDelta::hours(24);
const NEVER_TRIED: TimeDelta = TimeDelta::days(3);

impl Platform {
    /// `ending::look_after`: one server that fails holds up no other.
    pub fn look_after_endings(&mut self) -> Result<(), Trouble> {
        let ends = |it: &&Server| {
            let is_of = matches!(it.standing, Standing::PastDue { .. } | Standing::Lapsed { .. } | Standing::Cancelled { .. });
            is_of && it.gone_at.is_none() && !matches!(it.desired, Desired::Deleted { .. })
        };
        let ending: Vec<InstanceId> = self.record.servers.values().filter(ends).map(|it| it.id).collect();
        let mut first = Ok(());
        for id in ending {
            first = first.and(self.look_after(id));
        }
        first
    }

    fn look_after(&mut self, id: InstanceId) -> Result<(), Trouble> {
        if self.has_to_be_read(id) {
            self.sync()?;
        }
        let Some(timeline) = self.go_on(id)? else { return Ok(()) };
        let Some(server) = self.record.servers.get_mut(&id) else { return Ok(()) };
        let Some(suspended_at) = server.suspended_at() else { return Ok(()) };
        if server.was_launched && self.now >= timeline.remove_at - BUNDLE_BEFORE {
            // A bundle is made at once here, and is whole.
            server.bundle_at = server.bundle_at.filter(|at| *at >= suspended_at).or(Some(self.now));
        }
        if self.now >= timeline.remove_at { self.remove(id, suspended_at) } else { Ok(()) }
    }

    fn has_to_be_read(&self, id: InstanceId) -> bool {
        let Some(server) = self.record.servers.get(&id) else { return false };
        let Some(current) = allowed(server.desired) else { return false };
        fresh::next(current, &self.facts(server), self.read_at(id)) == Next::Read
    }

    fn go_on(&mut self, id: InstanceId) -> Result<Option<Timeline>, Trouble> {
        let Some(server) = self.record.servers.get(&id).filter(|it| it.gone_at.is_none()) else { return Ok(None) };
        let facts = self.facts(server);
        self.commits()?;
        self.hold_to_standing(id, &facts, self.read_at(id));
        let Some(server) = self.record.servers.get_mut(&id) else { return Ok(None) };
        let happened = happened(server, facts.stages().map(|it| it.since));
        let Some(timeline) = timeline(&facts, TERMS.export_window, happened) else { return Ok(None) };
        if server.was_launched {
            tell(server, &timeline, self.now);
        }
        Ok(Some(timeline))
    }

    fn remove(&mut self, id: InstanceId, suspended_at: DateTime<Utc>) -> Result<(), Trouble> {
        self.sync()?;
        self.commits()?;
        let Some(server) = self.record.servers.get(&id).filter(|it| it.gone_at.is_none()) else { return Ok(()) };
        let facts = self.facts(server);
        let happened = happened(server, facts.stages().map(|it| it.since));
        let read_at = if self.record.subscriptions_of(id).is_empty() { Some(self.now) } else { self.read_at(id) };
        let read = read_at.map(|read_at| FreshRead { standing: server.standing.clone(), read_at });
        let made = server.bundle_at.filter(|at| *at >= suspended_at).map(|made_at| FinalBundle::Verified { made_at });
        let bundle = if server.was_launched { made } else { Some(FinalBundle::NeverRan) };
        let evidence = Evidence { happened, read: read.as_ref(), bundle, preservation: None };
        let Ok(proposal) = removal::propose(&facts, TERMS.export_window, &evidence) else { return Ok(()) };
        let Ok(desired) = server.desired.delete(proposal.deletion(), self.now, None) else { return Ok(()) };
        self.let_go(id, desired);
        // No money is asked for any more.
        self.sync()
    }

    fn let_go(&mut self, id: InstanceId, desired: Desired) {
        if let Some(server) = self.record.servers.get_mut(&id) {
            (server.desired, server.gone_at) = (desired, Some(self.now));
        }
    }

    /// `ending::free_abandoned`
    pub fn free_abandoned(&mut self) -> Result<(), Trouble> {
        let servers: Vec<InstanceId> = self.record.servers.values().filter(|it| self.is_abandoned(it)).map(|it| it.id).collect();
        for id in servers {
            self.commits()?;
            let Some(server) = self.record.servers.get(&id) else { continue };
            if let Ok(desired) = server.desired.delete(howdah_domain::Deletion::Remove, self.now, None) {
                self.let_go(id, desired);
            }
        }
        Ok(())
    }

    fn is_abandoned(&self, it: &Server) -> bool {
        let is_waiting = it.standing == Standing::Incomplete && it.desired == Desired::Suspended { by: Hold::Billing };
        let mut pages = self.record.checkouts.iter().filter(|page| page.server == it.id);
        let is_tried = pages.clone().any(|page| page.ended_at.is_none_or(|at| at > self.now - TRIED_AGAIN));
        let was_tried = pages.next().is_some();
        let is_old = was_tried || it.created <= self.now - NEVER_TRIED;
        is_waiting && !it.was_launched && it.gone_at.is_none() && !is_tried && is_old
    }
}

/// `ending::happened`
fn happened(server: &Server, since: Option<DateTime<Utc>>) -> Happened {
    let suspended_at = server.suspended_at();
    let Some(since) = since else { return Happened { suspended_at, ..Happened::default() } };
    let at = |notice: Notice| server.told.iter().find(|it| it.of == since && it.notice == notice).map(|it| it.at);
    let warned_at = [Notice::Removal30, Notice::Removal14, Notice::Removal3, Notice::Removal1].into_iter().find_map(at);
    Happened { suspended_at, warned_at, announced_at: at(Notice::Removal1) }
}

/// `ending::tell`
fn tell(server: &mut Server, timeline: &Timeline, now: DateTime<Utc>) {
    let told: Vec<Told> = server.told.iter().filter(|it| it.of == timeline.since).map(|it| Told { notice: it.notice, of: it.of }).collect();
    if let Some(notice) = notices::due(timeline, &told, now) {
        let is_wanted = matches!(server.standing, Standing::Cancelled { .. });
        server.told.push(Sent { notice, of: timeline.since, is_wanted, at: now });
    }
}
