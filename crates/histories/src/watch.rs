//! What must never be so, looked at after every step against what is so at Stripe.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use howdah_domain::{Desired, InstanceId, Standing};
use howdah_stripe_simulator::{Fields, World};

use crate::record::{Record, Sent, Server};
use crate::truth::{self, Paid, Until};

/// From what is so at Stripe to what is so here, while both are up: a night's comparison and what it takes.
const LATE: i64 = 26 * 3600;
/// The same notice comes no sooner again, whatever it is of.
const A_MATTER: TimeDelta = TimeDelta::days(1);

/// A rule that was broken, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub rule: &'static str,
    pub what: String,
}

#[derive(Debug, Default)]
pub struct Watch {
    servers: BTreeMap<InstanceId, Seen>,
    /// What was so at Stripe when each read was begun; of the last one that was folded in.
    at_reads: BTreeMap<u64, BTreeMap<InstanceId, Until>>,
    /// What is so now, and the event after which that was looked at.
    now: BTreeMap<InstanceId, Until>,
    looked_after: String,
    /// By subscription: how often another plan was agreed to.
    pub agreed: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug)]
struct Seen {
    desired: Desired,
    /// Uninterrupted, by what was wanted.
    suspended_since: Option<i64>,
    warned_at: Option<i64>,
    told_count: usize,
    runs_unpaid: i64,
    is_held_wrongly: i64,
    is_gone: bool,
}

fn broken(rule: &'static str, server: InstanceId, what: impl std::fmt::Display) -> Violation {
    Violation { rule, what: format!("server {server}: {what}") }
}

impl Watch {
    /// A read begins: what is so now is what it can know.
    pub fn read_begins(&mut self, world: &World, number: u64) {
        self.look(world);
        self.at_reads.insert(number, self.now.clone());
    }

    fn look(&mut self, world: &World) {
        let newest = world.store.all("event").next_back().map(Fields::id).unwrap_or_default();
        if self.looked_after != newest {
            self.looked_after = newest.to_owned();
            self.now = truth::entitled(world);
        }
    }

    /// After each step; `passed` seconds in which both sides were up.
    pub fn check(&mut self, world: &World, record: &Record, folded: Option<u64>, passed: i64) -> Result<(), Violation> {
        self.look(world);
        if let Some(folded) = folded {
            self.at_reads = self.at_reads.split_off(&folded);
        }
        let nothing = BTreeMap::new();
        let known = folded.and_then(|it| self.at_reads.get(&it)).unwrap_or(&nothing);
        for (id, server) in &record.servers {
            let until = |of: &BTreeMap<InstanceId, Until>| of.get(id).copied().unwrap_or(Until::Never);
            let seen = self.servers.entry(*id).or_insert_with(|| Seen::of(server));
            seen.check(server, world.now, until(known), until(&self.now), passed)?;
        }
        Ok(())
    }

    /// At the end of a history.
    pub fn check_charges(&self, world: &World, record: &Record) -> Result<(), Violation> {
        for (server, mut paid) in truth::paid_periods(world) {
            paid.sort_by_key(|it| (it.start, it.end));
            let overlaps = |it: &&[Paid]| it[1].start < it[0].end;
            if let Some(two) = paid.windows(2).find(overlaps) {
                let of: Vec<String> =
                    two.iter().map(|it| format!("{} of {}, {} to {}", it.invoice, it.subscription, it.start, it.end)).collect();
                return Err(Violation { rule: "no period is paid twice", what: format!("server {server}: {}", of.join(" and ")) });
            }
        }
        for subscription in world.store.all("subscription") {
            let of_it = |it: &&serde_json::Value| it["parent"]["subscription_details"]["subscription"] == subscription["id"];
            let invoices = || world.store.of_customer("invoice", subscription.text("customer")).filter(of_it);
            let changes = invoices().filter(|it| it.text("billing_reason") == "subscription_update").count();
            let agreed = self.agreed.get(subscription.id()).map_or(0, BTreeSet::len);
            if changes > agreed {
                let what = format!("{} was changed {agreed} times and charged for {changes}", subscription.id());
                return Err(Violation { rule: "a change is charged once", what });
            }
            let gone =
                subscription.text("metadata.howdah_instance").parse().ok().and_then(|it: InstanceId| record.servers.get(&it)?.gone_at);
            let over = [gone.map(|it| it.timestamp()), Some(subscription.int("ended_at")).filter(|it| *it > 0)].into_iter().flatten().min();
            let after = |it: &&serde_json::Value| over.is_some_and(|over| it.int("created") > over) && it.int("amount_paid") > 0;
            if let Some(invoice) = invoices().find(after) {
                let what = format!("{} of {} was paid, which was over at {over:?}", invoice.id(), subscription.id());
                return Err(Violation { rule: "nothing is charged after the end", what });
            }
        }
        Ok(())
    }

    /// All was delivered, swept and compared: what is wanted is what is paid for.
    pub fn check_settled(&mut self, world: &World, record: &Record) -> Result<(), Violation> {
        self.look(world);
        for (id, server) in record.servers.iter().filter(|(_, it)| it.gone_at.is_none()) {
            let until = self.now.get(id).copied().unwrap_or(Until::Never);
            if until.allows(world.now) != (server.desired == Desired::Running) {
                return Err(broken(
                    "in the end all is as it is paid",
                    *id,
                    format!("{:?}, and it may run until {until:?}", server.desired),
                ));
            }
        }
        Ok(())
    }
}

const fn rank(desired: Desired) -> u8 {
    match desired {
        Desired::Running => 0,
        Desired::ReadOnly { .. } => 1,
        Desired::Suspended { .. } => 2,
        Desired::Deleted { .. } => 3,
    }
}

impl Seen {
    fn of(server: &Server) -> Self {
        Self {
            desired: server.desired,
            suspended_since: None,
            warned_at: None,
            told_count: 0,
            runs_unpaid: 0,
            is_held_wrongly: 0,
            is_gone: false,
        }
    }

    /// `known`: by the last read that was folded in; `until`: as it is.
    fn check(&mut self, server: &Server, now: i64, known: Until, until: Until, passed: i64) -> Result<(), Violation> {
        if self.is_gone {
            return Ok(());
        }
        if rank(self.desired) < rank(server.desired) && known.allows(now) {
            let what = format!("from {:?} to {:?} at {now}, and it may run until {known:?}", self.desired, server.desired);
            return Err(broken("nobody is held back who may run", server.id, what));
        }
        self.tells(server, now)?;
        if server.gone_at.is_some() {
            self.is_gone = true;
            return self.goes(server, now, until);
        }
        self.desired = server.desired;
        self.suspended_since = match server.desired {
            Desired::Suspended { .. } if server.was_launched => self.suspended_since.or(Some(now)),
            _ => None,
        };
        let is_running = server.desired == Desired::Running;
        let late = |so_far: i64, is: bool| if is { so_far + passed } else { 0 };
        self.runs_unpaid = late(self.runs_unpaid, is_running && !until.allows(now));
        self.is_held_wrongly = late(self.is_held_wrongly, !is_running && until.allows(now));
        if self.runs_unpaid > LATE {
            return Err(broken(
                "nobody runs on unpaid",
                server.id,
                format!("at {now} it runs, and it may until {until:?}: {:?}", server.standing),
            ));
        }
        if self.is_held_wrongly > LATE {
            return Err(broken(
                "who has paid runs",
                server.id,
                format!("at {now} it is {:?}, and it may run until {until:?}: {:?}", server.desired, server.standing),
            ));
        }
        Ok(())
    }

    /// What is told is told once a matter, and a matter is one for days at least.
    fn tells(&mut self, server: &Server, now: i64) -> Result<(), Violation> {
        if matches!(server.standing, Standing::Current { .. } | Standing::Trialing { .. }) {
            self.warned_at = None;
        }
        for (at, sent) in server.told.iter().enumerate().skip(self.told_count) {
            if sent.notice.warns() {
                self.warned_at.get_or_insert(now);
            }
            let is_soon = |it: &Sent| it.is_wanted == sent.is_wanted && sent.at - it.at < A_MATTER;
            let is_again = |it: &&Sent| it.notice == sent.notice && (it.of == sent.of || is_soon(it));
            if let Some(before) = server.told[..at].iter().find(is_again) {
                return Err(broken("each notice is told once a matter", server.id, format!("{before:?}, and {sent:?}")));
            }
        }
        self.told_count = server.told.len();
        Ok(())
    }

    fn goes(&self, server: &Server, now: i64, until: Until) -> Result<(), Violation> {
        if until.allows(now) {
            return Err(broken("nobody goes who may run", server.id, format!("it is gone at {now}, and it may run until {until:?}")));
        }
        let days = |since: Option<i64>| since.map_or(0, |it| (now - it) / 86_400);
        if server.was_launched && (days(self.suspended_since) < 60 || days(self.warned_at) < 30) {
            let what = format!("removed at {now}, suspended since {:?}, warned at {:?}", self.suspended_since, self.warned_at);
            return Err(broken("nobody is removed early", server.id, what));
        }
        Ok(())
    }
}

/// For messages.
#[must_use]
pub fn day(now: DateTime<Utc>, start: DateTime<Utc>) -> String {
    let passed: TimeDelta = now - start;
    format!("day {} {:02}:{:02}", passed.num_days(), passed.num_hours() % 24, passed.num_minutes() % 60)
}
