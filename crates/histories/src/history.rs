//! One history: a customer with one to three servers, fourteen months of Stripe's clock, and whatever the dice say.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use howdah_billing::checkout::Trial;
use howdah_billing::event::WANTED;
use howdah_domain::{Desired, InstanceId};
use howdah_stripe_simulator::{Answer, Delivery, Fields, Form, Outcome, Settings, Simulator, Verb};
use secrecy::SecretString;
use serde_json::Value;

use crate::dice::Dice;
use crate::platform::{Platform, Trouble};
use crate::watch::{Violation, Watch, day};
use crate::{Broken, wire};

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;
const MONTHS: i64 = 14;
/// 15 January 2027, 12:00 UTC.
const START: i64 = 1_800_014_400;
/// What is done by the minute and the hour is done so often here.
const TICK: i64 = 4 * HOUR;
/// So often somebody does something, in ticks.
const ACTS: u64 = 25;
/// A night without news.
const SETTLES: i64 = 3 * DAY;

pub struct History {
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) platform: Platform,
    pub(crate) dice: Dice,
    pub(crate) watch: Watch,
    /// Pages that are open in some tab, with what they are of.
    pub(crate) tabs: Vec<(InstanceId, String)>,
    /// Stripe answers nothing, and tells nothing, until then.
    pub(crate) away_until: i64,
    /// Our process is not there until then.
    pub(crate) asleep_until: i64,
    pub(crate) by_invoice: bool,
    secret: SecretString,
    steps: Vec<String>,
    /// Deliveries that were looked at, and whether one of them is for the sweep to find.
    deliveries: usize,
    has_lost: bool,
    compared: (String, u64, Vec<Desired>),
}

impl History {
    #[must_use]
    pub fn new(seed: u64, broken: Option<Broken>) -> Self {
        let simulator = Arc::new(Simulator::new(Settings { start: Some(START), seed, ..Settings::default() }));
        let mut platform = Platform::new(wire::connect(simulator.clone()), time(START), seed);
        let mut dice = Dice::new(seed);
        platform.broken = broken;
        platform.trial = match dice.below(4) {
            0 => Some(Trial { days: 14, card: true }),
            1 => Some(Trial { days: 14, card: false }),
            _ => None,
        };
        let by_invoice = dice.once_in(8);
        let mut history = Self {
            simulator,
            platform,
            dice,
            watch: Watch::default(),
            tabs: Vec::new(),
            away_until: 0,
            asleep_until: 0,
            by_invoice,
            secret: SecretString::default(),
            steps: Vec::new(),
            deliveries: 0,
            has_lost: false,
            compared: (String::new(), 0, Vec::new()),
        };
        history.set_up(seed);
        history
    }

    fn set_up(&mut self, seed: u64) {
        for (plan, amount) in [("small", 900), ("large", 2900)] {
            self.post("products", &format!("id=p_{plan}&name={plan}"));
            let form = format!("product=p_{plan}&currency=eur&unit_amount={amount}&recurring[interval]=month&metadata[howdah_plan]={plan}");
            let price = self.post("prices", &form).id().to_owned();
            self.platform.prices.push((plan.to_owned(), price));
        }
        let events: String = WANTED.iter().map(|it| format!("&enabled_events[]={it}")).collect();
        let endpoint = self.post("webhook_endpoints", &format!("url=https://howdah.example/{events}"));
        self.secret = endpoint.text("secret").to_owned().into();
        self.simulator.set_delivery(Delivery { doubled: 0.3, lost: 0.05, delayed: 0.1, shuffled: true, held: false, seed });
    }

    /// As somebody does in Stripe's dashboard.
    pub(crate) fn post(&self, path: &str, form: &str) -> Value {
        let Ok(form) = Form::parse(form) else { return Value::Null };
        match self.simulator.call(Verb::Post, &format!("/v1/{path}"), &form, None) {
            Outcome::Reply { reply, .. } => reply.body,
            Outcome::Held(_) | Outcome::Dropped => Value::Null,
        }
    }

    /// Plays it to its end.
    ///
    /// # Errors
    /// The first rule that was broken.
    pub fn play(&mut self) -> Result<(), Violation> {
        self.begin()?;
        while self.now() < START + MONTHS * 30 * DAY {
            if self.dice.once_in(ACTS) {
                self.act()?;
                // What follows soon, follows soon.
                let soon = self.dice.between(1, 3600);
                self.passes(soon)?;
            }
            // Now and then an answer is slow, and somebody pays meanwhile.
            self.platform.is_slow = self.dice.once_in(10);
            if !self.platform.slow.is_empty() && self.dice.once_in(3) {
                self.cards_are_good()?;
            }
            self.passes(TICK)?;
        }
        self.platform.is_slow = false;
        self.settles()
    }

    /// The steps, the last ones last.
    #[must_use]
    pub fn steps(&self) -> &[String] {
        &self.steps
    }

    pub(crate) fn now(&self) -> i64 {
        self.platform.now.timestamp()
    }

    pub(crate) fn is_up(&self) -> bool {
        self.now() >= self.away_until && self.now() >= self.asleep_until
    }

    pub(crate) fn tell(&mut self, step: impl FnOnce() -> String) {
        let text = format!("{}: {}", day(self.platform.now, time(START)), step());
        self.steps.push(text);
    }

    /// Time passes on both sides, and what is due is done.
    pub(crate) fn passes(&mut self, seconds: i64) -> Result<(), Violation> {
        let was_up = self.is_up();
        wire::at_once(self.simulator.advance(seconds));
        self.platform.now = time(self.simulator.world().now);
        self.simulator.down(self.now() < self.away_until);
        self.deliver();
        if self.now() >= self.asleep_until {
            self.works()?;
        }
        let passed = if was_up && self.is_up() { seconds } else { 0 };
        self.look(passed)
    }

    fn deliver(&mut self) {
        let is_there = self.now() >= self.asleep_until;
        for parcel in self.simulator.due_parcels() {
            let taken = is_there && self.platform.take(&parcel.payload, &parcel.signature, &self.secret);
            let answer = if is_there { Some(if taken { 200 } else { 503 }) } else { None };
            self.simulator.note(parcel.number, answer);
        }
        let world = self.simulator.world();
        let newest = world.outbox.newest(1).next().map_or(0, |it| it.number + 1);
        let mut fresh = world.outbox.newest(newest - self.deliveries);
        self.has_lost |= fresh.any(|it| it.answer == Answer::Lost);
        self.deliveries = newest;
    }

    /// `hourly::tick` and the jobs that it enqueues. What fails is tried again by the next one.
    fn works(&mut self) -> Result<(), Violation> {
        self.tries(Platform::handle_events)?;
        // What was read before that comes late.
        self.tries(Platform::fold_slow)?;
        self.tries(Platform::look_after_endings)?;
        self.tries(Platform::free_abandoned)?;
        if self.has_to_sweep() && self.tries(Platform::sweep)?.is_some() {
            self.has_lost = false;
            self.tries(Platform::handle_events)?;
        }
        let now = self.platform.now;
        if self.platform.record.reconciled_at.is_none_or(|it| now - it >= TimeDelta::days(1)) {
            self.compares()?;
        }
        Ok(())
    }

    /// One that would find nothing is left out.
    fn has_to_sweep(&self) -> bool {
        let now = self.platform.now;
        let is_waiting = self.simulator.world().outbox.next_at().is_some();
        let is_overdue = self.platform.record.checkouts.iter().any(|it| it.ended_at.is_none() && it.expires < now);
        self.has_lost || is_waiting || is_overdue
    }

    /// One that would find what the last one found, which was nothing, is left out.
    fn compares(&mut self) -> Result<(), Violation> {
        let newest = self.simulator.world().store.all("event").next_back().map(|it| it.id().to_owned()).unwrap_or_default();
        let folded = self.platform.record.customer.as_ref().map_or(0, |it| it.read_folded);
        let state = (newest, folded, self.platform.record.servers.values().map(|it| it.desired).collect());
        if self.compared == state {
            self.platform.record.reconciled_at = Some(self.platform.now);
        } else if self.tries(Platform::reconcile)? == Some(0) {
            self.compared = state;
        }
        Ok(())
    }

    /// Has the platform do something; `None` where it couldn't.
    pub(crate) fn tries<T>(&mut self, work: impl FnOnce(&mut Platform) -> Result<T, Trouble>) -> Result<Option<T>, Violation> {
        let begun = |it: &Platform| it.record.customer.as_ref().map_or(0, |it| it.reads_begun);
        let before = begun(&self.platform);
        let done = work(&mut self.platform);
        for number in before + 1..=begun(&self.platform) {
            self.watch.read_begins(&self.simulator.world(), number);
        }
        if let Err(trouble) = &done {
            let text = format!("  it fails: {trouble:?}");
            self.tell(|| text);
        }
        self.look(0)?;
        Ok(done.ok())
    }

    fn look(&mut self, passed: i64) -> Result<(), Violation> {
        self.watch.check(&self.simulator.world(), &self.platform.record, self.platform.folded, passed)
    }

    /// Nothing goes wrong any more: all that is known on one side is known on the other.
    fn settles(&mut self) -> Result<(), Violation> {
        self.away_until = 0;
        self.asleep_until = 0;
        self.platform.lives = None;
        self.simulator.down(false);
        self.simulator.set_delivery(Delivery::default());
        for _ in 0..SETTLES / TICK {
            self.passes(TICK)?;
        }
        // A failure that was planned may still wait for its request.
        let mut differences = None;
        for _ in 0..20 {
            differences = differences.or(self.tries(Platform::differences)?);
        }
        if differences.as_ref().is_none_or(|it| !it.is_empty()) {
            return Err(Violation { rule: "in the end nothing differs", what: format!("{differences:#?}") });
        }
        self.watch.check_settled(&self.simulator.world(), &self.platform.record)?;
        self.watch.check_charges(&self.simulator.world(), &self.platform.record)
    }
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}
