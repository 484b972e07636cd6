//! What is so at Stripe, read from the simulator's own objects by rules that are written here once more, in other words than
//! `howdah_domain`'s: until when a server may run, and what its customer was charged.

use std::collections::{BTreeMap, BTreeSet};

use howdah_domain::InstanceId;
use howdah_stripe_simulator::{Fields, World};
use serde_json::Value;

const DAY: i64 = 86_400;
const GRACE: i64 = 14 * DAY;
const INVOICE_GRACE: i64 = 30 * DAY;

/// Until when a server may run, by all that is paid for it. The least is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// Nothing was ever begun.
    Never,
    At(i64),
    /// It is paid, or on trial.
    Open,
}

impl Until {
    #[must_use]
    pub fn allows(self, now: i64) -> bool {
        match self {
            Self::Never => false,
            Self::At(until) => now < until,
            Self::Open => true,
        }
    }
}

/// Of each server that any subscription names.
#[must_use]
pub fn entitled(world: &World) -> BTreeMap<InstanceId, Until> {
    let mut found = BTreeMap::new();
    for subscription in world.store.all("subscription") {
        let Ok(server) = subscription.text("metadata.howdah_instance").parse::<InstanceId>() else { continue };
        let until = of_subscription(world, subscription);
        let best = found.entry(server).or_insert(until);
        *best = until.max(*best);
    }
    found
}

fn invoices<'a>(world: &'a World, subscription: &'a Value) -> impl Iterator<Item = &'a Value> {
    let all = world.store.of_customer("invoice", subscription.text("customer"));
    all.filter(|it| it["parent"]["subscription_details"]["subscription"] == subscription["id"])
}

fn of_subscription(world: &World, subscription: &Value) -> Until {
    let by_invoice = subscription.text("collection_method") == "send_invoice";
    let grace = if by_invoice { INVOICE_GRACE } else { GRACE };
    match subscription.status() {
        "trialing" => Until::Open,
        "active" => match owed_since(world, subscription, true) {
            Some(since) if by_invoice => Until::At(since + grace),
            _ => Until::Open,
        },
        "past_due" => Until::At(owed_since(world, subscription, false).unwrap_or(world.now) + grace),
        "unpaid" => Until::At(owed_since(world, subscription, false).unwrap_or(world.now)),
        "paused" => Until::At(subscription.int("trial_end")),
        "canceled" => ended(world, subscription, by_invoice),
        _ => Until::Never,
    }
}

/// The oldest payment that should have come: by its due date, or, where it is charged, since it was first tried.
fn owed_since(world: &World, subscription: &Value, only_overdue: bool) -> Option<i64> {
    let open = || invoices(world, subscription).filter(|it| it.status() == "open" && it.int("amount_remaining") > 0);
    let at = |it: &Value| if it.is_set("due_date") { it.int("due_date") } else { it.int("created") };
    let is_overdue = |it: &Value| it.is_set("due_date") && it.int("due_date") <= world.now;
    let missed = open().filter(|it| is_overdue(it) || (!only_overdue && it.int("attempt_count") > 0)).map(at).min();
    missed.or_else(|| if only_overdue { None } else { open().map(at).min() }).map(|it| it.min(world.now))
}

/// What was paid in advance is given.
fn ended(world: &World, subscription: &Value, by_invoice: bool) -> Until {
    let paid = || invoices(world, subscription).filter(|it| it.status() == "paid");
    if !(by_invoice || subscription.is_set("trial_end") || paid().next().is_some()) {
        return Until::Never;
    }
    let period = subscription["items"]["data"][0]["current_period_end"].as_i64().unwrap_or_default();
    let lines = paid().flat_map(|it| it.list("lines")).filter(|it| it.int("amount") > 0);
    let until = lines.map(|it| it.int("period.end").min(period)).max();
    Until::At(until.unwrap_or_default().max(subscription.int("ended_at")))
}

/// Time of a server that was paid for, once.
#[derive(Debug, Clone)]
pub struct Paid {
    pub invoice: String,
    pub subscription: String,
    pub start: i64,
    pub end: i64,
}

/// Of each server: whole periods that were paid and not given back, none longer than its subscription lasted.
#[must_use]
pub fn paid_periods(world: &World) -> BTreeMap<String, Vec<Paid>> {
    let refunded = refunded(world);
    let mut found: BTreeMap<String, Vec<Paid>> = BTreeMap::new();
    for subscription in world.store.all("subscription") {
        let over = if subscription.is_set("ended_at") { subscription.int("ended_at") } else { i64::MAX };
        let is_paid = |it: &&Value| it.status() == "paid" && !refunded.contains(it.id());
        for invoice in invoices(world, subscription).filter(is_paid) {
            let is_whole = |it: &&Value| it.int("amount") > 0 && !it.flag("parent.subscription_item_details.proration");
            let is_item = |it: &&Value| it.is_set("parent.subscription_item_details");
            for line in invoice.list("lines").iter().filter(is_item).filter(is_whole) {
                let (start, end) = (line.int("period.start"), line.int("period.end").min(over));
                if start < end {
                    let (invoice, subscription) = (invoice.id().to_owned(), subscription.id().to_owned());
                    found.entry(server_of(world, &subscription)).or_default().push(Paid { invoice, subscription, start, end });
                }
            }
        }
    }
    found
}

fn server_of(world: &World, subscription: &str) -> String {
    world.store.find(subscription).map(|it| it.text("metadata.howdah_instance").to_owned()).unwrap_or_default()
}

fn refunded(world: &World) -> BTreeSet<String> {
    let intents: BTreeMap<&str, &str> =
        world.store.all("invoice_payment").map(|it| (it.text("payment.payment_intent"), it.text("invoice"))).collect();
    let charges = world.store.all("charge").filter(|it| it.flag("refunded"));
    charges.filter_map(|it| intents.get(it.text("payment_intent"))).map(|it| (*it).to_owned()).collect()
}
