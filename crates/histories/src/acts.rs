//! What customers, banks, Stripe and operators do, as the dice say.

use howdah_domain::InstanceId;
use howdah_stripe_simulator::{Failure, Fault, Fields, Instrument, Payment, Presence, World};
use serde_json::json;

use crate::history::{DAY, HOUR, History};
use crate::platform::{Platform, Trouble};
use crate::watch::Violation;

const GOOD: &str = "4242424242424242";
const CARDS: [&str; 8] = [
    GOOD,
    GOOD,
    GOOD,
    "4000000000000341",
    // Each payment is confirmed by its customer.
    "4000002760003184",
    "4000002500003155",
    "DE89370400440532013000",
    "DE62370400440532013001",
];

impl History {
    /// A server, and mostly its first payment.
    pub(crate) fn begin(&mut self) -> Result<(), Violation> {
        let server = self.launches();
        self.opens(server)?;
        if !self.dice.once_in(5) {
            self.uses_a_tab(GOOD)?;
        }
        self.passes(60)
    }

    pub(crate) fn act(&mut self) -> Result<(), Violation> {
        let Some(server) = self.any_server() else { return Ok(()) };
        match self.dice.below(100) {
            0..6 => self.launches_another(),
            6..14 => self.opens(server),
            14..24 => {
                let card = self.dice.one_of(&CARDS).copied().unwrap_or(GOOD);
                self.uses_a_tab(card)
            }
            24..32 => self.cards_fail(),
            32..44 => self.cards_are_good(),
            44..50 => self.pays_by_hand(),
            50..61 => self.changes(server),
            61..65 => self.cancels(server),
            65..71 => self.takes_back(server),
            71..72 => self.is_deleted_in_the_dashboard(),
            72..76 => self.is_refunded(),
            76..78 => self.is_disputed(),
            78..82 => self.goes_away(),
            82..91 => self.fails_next(),
            91..96 => {
                self.platform.lives = Some(u32::try_from(self.dice.below(6)).unwrap_or_default());
                self.tell(|| "the process will be killed".to_owned());
                Ok(())
            }
            _ => self.sleeps(),
        }
    }

    fn any_server(&mut self) -> Option<InstanceId> {
        let is_there = |it: &&crate::record::Server| it.gone_at.is_none();
        let there: Vec<InstanceId> = self.platform.record.servers.values().filter(is_there).map(|it| it.id).collect();
        if there.is_empty() { Some(self.launches()) } else { self.dice.one_of(&there).copied() }
    }

    /// Something is asked for on a page of ours, which is there or not.
    fn asks<T>(&mut self, work: impl FnOnce(&mut Platform) -> Result<T, Trouble>) -> Result<Option<T>, Violation> {
        if self.now() < self.asleep_until { Ok(None) } else { self.tries(work) }
    }

    fn launches(&mut self) -> InstanceId {
        let server = self.platform.launch();
        self.tell(|| format!("{server} is launched"));
        server
    }

    fn launches_another(&mut self) -> Result<(), Violation> {
        if self.platform.record.servers.values().filter(|it| it.gone_at.is_none()).count() < 3 {
            let server = self.launches();
            self.opens(server)?;
        }
        Ok(())
    }

    /// The page to pay at; now and then in two tabs, or minutes before its end and again after it.
    fn opens(&mut self, server: InstanceId) -> Result<(), Violation> {
        self.tell(|| format!("{server} is to be paid for"));
        if self.by_invoice {
            return self.asks(|it| it.order_by_invoice(server)).map(drop);
        }
        self.opens_a_tab(server)?;
        if self.dice.once_in(10) {
            let minutes = self.dice.between(22 * 60 + 50, 23 * 60 + 5);
            self.passes(minutes * 60)?;
            self.opens_a_tab(server)?;
            self.uses_a_tab(GOOD)?;
            return self.uses_a_tab(GOOD);
        }
        if self.dice.once_in(3) {
            self.opens_a_tab(server)?;
        }
        if self.dice.once_in(2) { Ok(()) } else { self.uses_a_tab(GOOD) }
    }

    fn opens_a_tab(&mut self, server: InstanceId) -> Result<(), Violation> {
        let page = self.asks(|it| it.pay(server))?;
        if let Some(page) = page.filter(|page| !self.tabs.iter().any(|(_, tab)| tab == page)) {
            self.tell(|| format!("{page} is open"));
            self.tabs.push((server, page));
        }
        Ok(())
    }

    fn uses_a_tab(&mut self, card: &str) -> Result<(), Violation> {
        // The newest ones; what was used can't be used again.
        let newest = self.tabs.len().saturating_sub(3);
        let Some((server, session)) = self.dice.one_of(&self.tabs[newest..]).cloned() else { return Ok(()) };
        if self.now() < self.away_until {
            return Ok(());
        }
        let payment = Payment {
            method: Some(card.to_owned()),
            country: Some("DE".to_owned()),
            authenticated: !self.dice.once_in(3),
            ..Payment::default()
        };
        let is_paid = self.simulator.pay(&session, &payment).is_ok();
        self.tell(|| format!("{session} of {server} is used with {card}: {is_paid}"));
        if is_paid && self.dice.once_in(2) {
            self.asks(|it| it.finish(&session))?;
        }
        Ok(())
    }

    /// With all that there is to pay with.
    fn set_wallet(&mut self, to: impl Fn(Instrument) -> Instrument) {
        for instrument in self.simulator.world().wallet.values_mut() {
            *instrument = to(*instrument);
        }
    }

    fn cards_fail(&mut self) -> Result<(), Violation> {
        let next = *self
            .dice
            .one_of(&[Instrument::Declined, Instrument::InsufficientFunds, Instrument::AuthenticateAlways])
            .unwrap_or(&Instrument::Declined);
        self.set_wallet(|it| if matches!(it, Instrument::BankGood | Instrument::BankFails) { Instrument::BankFails } else { next });
        self.tell(|| format!("cards: {next:?}"));
        Ok(())
    }

    pub(crate) fn cards_are_good(&mut self) -> Result<(), Violation> {
        self.set_wallet(
            |it| if matches!(it, Instrument::BankGood | Instrument::BankFails) { Instrument::BankGood } else { Instrument::Good },
        );
        self.tell(|| "cards are good again".to_owned());
        if self.dice.once_in(3) { Ok(()) } else { self.pays_by_hand() }
    }

    /// What is open is paid on Stripe's page, or by a transfer.
    fn pays_by_hand(&mut self) -> Result<(), Violation> {
        if self.now() < self.away_until {
            return Ok(());
        }
        let by_transfer = self.dice.once_in(3);
        let mut world = self.simulator.world();
        let open: Vec<String> = world.store.all("invoice").filter(|it| it.status() == "open").map(|it| it.id().to_owned()).collect();
        let mut paid = Vec::new();
        for id in open {
            let done = if by_transfer { world.pay_out_of_band(&id) } else { world.pay(&id, None, Presence::OnSession) };
            paid.push((id, done.is_ok()));
        }
        drop(world);
        self.tell(|| format!("open invoices are paid by hand: {paid:?}"));
        Ok(())
    }

    /// Asked for again where no answer came.
    fn twice<T>(&mut self, mut work: impl FnMut(&mut Platform) -> Result<T, Trouble>) -> Result<Option<T>, Violation> {
        match self.asks(&mut work)? {
            None if !self.dice.once_in(4) => self.asks(&mut work),
            done => Ok(done),
        }
    }

    fn changes(&mut self, server: InstanceId) -> Result<(), Violation> {
        let Some(plan) = self.platform.record.servers.get(&server).map(|it| if it.plan == "small" { "large" } else { "small" }) else {
            return Ok(());
        };
        let as_of = self.platform.now;
        self.tell(|| format!("{server} is to be {plan}"));
        // It may well be done, whatever is answered.
        for it in self.platform.record.subscriptions_of(server) {
            self.watch.agreed.entry(it.id.clone()).or_default().insert(format!("{plan} {as_of}"));
        }
        self.twice(|it| it.change_plan(server, plan, as_of)).map(drop)
    }

    fn cancels(&mut self, server: InstanceId) -> Result<(), Violation> {
        self.tell(|| format!("{server} is cancelled"));
        let done = self.twice(|it| it.cancel(server))?;
        self.is_as_confirmed(done.as_deref(), true)?;
        // In two minds.
        if self.dice.once_in(3) {
            self.takes_back(server)?;
            self.passes(HOUR)?;
            let done = self.asks(|it| it.cancel(server))?;
            return self.is_as_confirmed(done.as_deref(), true);
        }
        Ok(())
    }

    fn takes_back(&mut self, server: InstanceId) -> Result<(), Violation> {
        self.tell(|| format!("{server} is not cancelled after all"));
        let done = self.twice(|it| it.take_back_cancel(server))?;
        self.is_as_confirmed(done.as_deref(), false)
    }

    /// What was confirmed to its customer is so at Stripe.
    fn is_as_confirmed(&self, subscription: Option<&str>, ends: bool) -> Result<(), Violation> {
        let Some(id) = subscription else { return Ok(()) };
        let world = self.simulator.world();
        let Some(it) = world.store.find(id) else { return Ok(()) };
        if it.status() == "canceled" || it.flag("cancel_at_period_end") == ends {
            return Ok(());
        }
        let what = format!("{id}: it was confirmed that it {}, and that is not so", if ends { "ends" } else { "goes on" });
        Err(Violation { rule: "what is confirmed is so", what })
    }

    fn is_deleted_in_the_dashboard(&mut self) -> Result<(), Violation> {
        let id = self.any(|world| ids(world, "subscription", |it| !["canceled", "incomplete_expired"].contains(&it.status())));
        if let Some(id) = id {
            let done = self.simulator.world().cancel(&id, false, false).is_ok();
            self.tell(|| format!("{id} is deleted in the dashboard: {done}"));
        }
        Ok(())
    }

    fn is_refunded(&mut self) -> Result<(), Violation> {
        let id = self.any(|world| ids(world, "charge", |it| it.flag("paid") && !it.flag("refunded")));
        if let Some(id) = id {
            let done = self.simulator.world().refund(&id, None, Some("requested_by_customer"), json!({})).is_ok();
            self.tell(|| format!("{id} is refunded: {done}"));
        }
        Ok(())
    }

    fn is_disputed(&mut self) -> Result<(), Violation> {
        let id = self.any(|world| ids(world, "charge", |it| it.flag("paid") && !it.flag("disputed")));
        if let Some(id) = id {
            let done = self.simulator.world().dispute(&id, "fraudulent").is_ok();
            self.tell(|| format!("{id} is disputed: {done}"));
        }
        Ok(())
    }

    fn any(&mut self, list: impl FnOnce(&World) -> Vec<String>) -> Option<String> {
        let all = list(&self.simulator.world());
        self.dice.one_of(&all).cloned()
    }

    fn goes_away(&mut self) -> Result<(), Violation> {
        let hours = if self.dice.once_in(3) { 96 } else { 1 };
        self.away_until = self.now() + hours * HOUR;
        self.simulator.down(true);
        self.tell(|| format!("Stripe is away for {hours} hours"));
        Ok(())
    }

    fn sleeps(&mut self) -> Result<(), Violation> {
        let seconds = self.dice.between(HOUR, 2 * DAY);
        self.asleep_until = self.now() + seconds;
        self.tell(|| format!("our process is away for {} hours", seconds / HOUR));
        Ok(())
    }

    fn fails_next(&mut self) -> Result<(), Violation> {
        const ALL: [Failure; 6] =
            [Failure::DropBefore, Failure::DropAfter, Failure::DropAfter, Failure::ErrorBefore, Failure::ErrorAfter, Failure::TooMany];
        let failure = self.dice.one_of(&ALL).copied().unwrap_or(Failure::DropBefore);
        let method = if self.dice.once_in(3) { None } else { Some("POST".to_owned()) };
        self.tell(|| format!("the next request fails: {failure:?} {method:?}"));
        self.simulator.fail_next(Fault { path: String::new(), method, failure, times: 1, after: 0 });
        Ok(())
    }
}

fn ids(world: &World, kind: &str, is_wanted: impl Fn(&serde_json::Value) -> bool) -> Vec<String> {
    world.store.all(kind).filter(|it| is_wanted(it)).map(|it| it.id().to_owned()).collect()
}
