//! Random histories: whatever is asked for in whatever order, the money adds up.

use howdah_stripe_simulator::{Fields, Form, Instrument, Outcome, Payment, Settings, Simulator, Verb};
use serde_json::Value;

use crate::support::{DAY, HOUR, START};

/// SplitMix64: one seed, one history.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % bound
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }
}

struct History {
    simulator: Simulator,
    dice: Dice,
    prices: [String; 2],
}

impl History {
    fn begin(seed: u64) -> Self {
        let settings = Settings { start: Some(START), seed, ..Settings::default() };
        let mut history = Self { simulator: Simulator::new(settings), dice: Dice(seed), prices: [String::new(), String::new()] };
        history.post("coupons", "id=half&percent_off=50&duration=repeating&duration_in_months=2");
        history.post("products", "id=small&name=Small");
        for (at, amount) in [900, 2900].into_iter().enumerate() {
            let form = format!("product=small&currency=eur&unit_amount={amount}&recurring[interval]=month");
            history.prices[at] = history.post("prices", &form).id().to_owned();
        }
        history
    }

    /// What a request gives; a refusal is an answer, too.
    fn post(&self, path: &str, form: &str) -> Value {
        self.call(Verb::Post, path, form)
    }

    fn call(&self, verb: Verb, path: &str, form: &str) -> Value {
        match self.simulator.call(verb, &format!("/v1/{path}"), &Form::parse(form).expect("a form"), None) {
            Outcome::Reply { reply, .. } if reply.status < 500 => reply.body,
            _ => panic!("{path} {form} has no answer"),
        }
    }

    fn all(&self, kind: &str) -> Vec<Value> {
        self.simulator.world().store.all(kind).cloned().collect()
    }

    async fn step(&mut self) {
        let subscriptions = self.all("subscription");
        let chosen = subscriptions.get(self.dice.below(subscriptions.len().max(1) as u64) as usize).cloned().unwrap_or_default();
        let (id, item) = (chosen.id().to_owned(), chosen["items"]["data"][0].id().to_owned());
        let price = self.prices[self.dice.below(2) as usize].clone();
        let customer = chosen.text("customer").to_owned();
        match self.dice.below(12) {
            0 => self.checkout(&price).await,
            1 => {
                let behavior = self.dice.one_of(&["create_prorations", "always_invoice", "none"]);
                let quantity = 1 + self.dice.below(3);
                let form =
                    format!("items[0][id]={item}&items[0][price]={price}&items[0][quantity]={quantity}&proration_behavior={behavior}");
                drop(self.post(&format!("subscriptions/{id}"), &form));
            }
            2 => {
                let ends = self.dice.one_of(&["true", "false"]);
                drop(self.post(&format!("subscriptions/{id}"), &format!("cancel_at_period_end={ends}")));
            }
            3 => drop(self.call(Verb::Delete, &format!("subscriptions/{id}"), "invoice_now=true&prorate=true")),
            4 => {
                let amount = 100 + self.dice.below(50);
                drop(self.post("invoiceitems", &format!("customer={customer}&amount={amount}&currency=eur")));
            }
            5 => drop(self.post(&format!("invoices/{}/pay", chosen.text("latest_invoice")), "")),
            6 => drop(self.post(&format!("invoices/{}/void", chosen.text("latest_invoice")), "")),
            7 => {
                let planned = [Instrument::Declined, Instrument::AuthenticateAlways, Instrument::InsufficientFunds];
                self.simulator.plan_outcomes([planned[self.dice.below(3) as usize]]);
            }
            8 => drop(self.post(
                "invoices/create_preview",
                &format!("subscription={id}&subscription_details[items][0][id]={item}&subscription_details[items][0][price]={price}"),
            )),
            9 => self.simulator.advance(HOUR).await,
            10 => self.simulator.advance(3 * DAY).await,
            _ => self.simulator.advance(31 * DAY).await,
        }
    }

    async fn checkout(&mut self, price: &str) {
        let more = self.dice.one_of(&["", "&subscription_data[trial_period_days]=14", "&discounts[0][coupon]=half"]);
        let form = format!("mode=subscription&line_items[0][price]={price}&success_url=https://howdah.example/{more}");
        let session = self.post("checkout/sessions", &form);
        let method = self.dice.one_of(&["4242424242424242", "4000000000000341", "DE89370400440532013000", "DE62370400440532013001"]);
        let payment = Payment { method: Some(method.to_owned()), email: Some("ana@example.org".to_owned()), ..Payment::default() };
        drop(self.simulator.pay(session.id(), &payment));
    }

    fn holds(&self) {
        let charges = self.all("charge");
        let payments = self.all("invoice_payment");
        for invoice in self.all("invoice") {
            let intents: Vec<&str> =
                payments.iter().filter(|it| it["invoice"] == invoice["id"]).map(|it| it.text("payment.payment_intent")).collect();
            let paid: Vec<&Value> = charges.iter().filter(|it| it.flag("paid") && intents.contains(&it.text("payment_intent"))).collect();
            let due = invoice.int("amount_due");
            let expected = usize::from(invoice.status() == "paid" && due > 0);
            assert_eq!(paid.len(), expected, "charges of {invoice:#}");
            assert!(paid.iter().all(|it| it.int("amount") == due));
            let lines: i64 = invoice.list("lines").iter().map(|it| it.int("amount")).sum();
            let off: i64 = invoice.list("total_discount_amounts").iter().map(|it| it.int("amount")).sum();
            assert_eq!(invoice.int("total"), lines - off);
            assert_eq!(due, (invoice.int("total") + invoice.int("starting_balance")).max(0));
        }
        for subscription in self.all("subscription") {
            let invoices = self.all("invoice");
            let own: Vec<&Value> =
                invoices.iter().filter(|it| it.text("parent.subscription_details.subscription") == subscription.id()).collect();
            if subscription.status() == "canceled" {
                // The one that its end was billed with is asked for all the same.
                let before = own.iter().filter(|it| it.int("created") < subscription.int("ended_at"));
                assert!(!before.into_iter().any(|it| it.flag("auto_advance")), "{subscription:#}");
            }
            let mut renewals: Vec<i64> =
                own.iter().filter(|it| it.text("billing_reason") == "subscription_cycle").map(|it| it.int("created")).collect();
            let all = renewals.len();
            renewals.dedup();
            assert_eq!(renewals.len(), all, "one renewal a period of {subscription:#}");
        }
    }
}

#[tokio::test]
async fn in_any_order_the_money_adds_up() {
    for seed in 0..50 {
        let mut history = History::begin(seed);
        let price = history.prices[0].clone();
        history.checkout(&price).await;
        for _ in 0..40 {
            history.step().await;
        }
        println!("seed {seed}: {} invoices", history.all("invoice").len());
        history.holds();
    }
}
