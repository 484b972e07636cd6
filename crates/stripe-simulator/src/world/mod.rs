//! The simulated account: its objects, its clock, and what falls due when. Nothing here does I/O; what is to be delivered is put into
//! the outbox, and [`crate::deliveries`] carries it out.

mod agenda;
mod checkout;
mod coupons;
mod customers;
mod dice;
mod disputes;
mod invoices;
mod lines;
mod methods;
mod outbox;
mod payments;
mod periods;
mod preview;
mod proration;
mod rules;
mod store;
mod subscriptions;
mod updates;

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value, json};

pub use agenda::Due;
pub use checkout::Payment;
pub use dice::Dice;
pub use methods::Instrument;
pub use outbox::{Answer, Delivery, Message, Outbox};
pub use payments::{Presence, Verdict};
pub use rules::{AfterRetries, Rules};
pub use subscriptions::{NewItem, NewSubscription};
pub use updates::{Change, ItemChange};

use crate::API_VERSION;
use crate::error::ApiError;
use crate::json::Fields;
use agenda::Agenda;
use store::Store;

#[derive(Clone)]
pub struct World {
    pub now: i64,
    pub rules: Rules,
    /// Where the simulator is reached; pages' addresses begin with it.
    pub base_url: String,
    pub store: Store,
    pub outbox: Outbox,
    /// How each payment method behaves when it is charged.
    pub wallet: HashMap<String, Instrument>,
    /// What the next charges will come to, whatever they are made with.
    pub outcomes: VecDeque<Instrument>,
    /// The request that is being answered, for its events.
    pub caller: Caller,
    agenda: Agenda,
    dice: Dice,
}

#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub request: Option<String>,
    pub idempotency_key: Option<String>,
}

impl World {
    pub fn new(now: i64, seed: u64, rules: Rules) -> Self {
        Self {
            now,
            rules,
            base_url: String::new(),
            store: Store::default(),
            outbox: Outbox::new(seed),
            wallet: HashMap::new(),
            outcomes: VecDeque::new(),
            caller: Caller::default(),
            agenda: Agenda::default(),
            dice: Dice::new(seed),
        }
    }

    /// `sub_` and 24 letters, as Stripe's.
    pub fn new_id(&mut self, prefix: &str) -> String {
        format!("{prefix}_{}", self.dice.word(24))
    }

    pub fn object(&self, kind: &str, id: &str) -> Result<&Value, ApiError> {
        self.object_for(kind, id, "id")
    }

    /// The object that a parameter names.
    pub fn object_for(&self, kind: &str, id: &str, param: &str) -> Result<&Value, ApiError> {
        self.store.get(kind, id).filter(|it| !it.flag("deleted")).ok_or_else(|| ApiError::no_such(noun(kind), id, param))
    }

    /// A copy of an object that is there by construction; changed, it is put back.
    fn copy(&self, id: &str) -> Value {
        self.store.find(id).cloned().unwrap_or_default()
    }

    pub fn emit(&mut self, kind: &str, object: &Value) {
        self.emit_with(kind, object, None);
    }

    /// Stores the object and says what of it changed, if anything did.
    pub fn save_changed(&mut self, kind: &str, object: Value) {
        let before = self.copy(object.id());
        let previous = changed(&before, &object);
        self.store.put(object.clone());
        if !previous.is_empty() {
            self.emit_with(kind, &object, Some(Value::Object(previous)));
        }
    }

    fn emit_with(&mut self, kind: &str, object: &Value, previous: Option<Value>) {
        let mut data = json!({"object": shown(object)});
        if let Some(previous) = previous {
            data["previous_attributes"] = previous;
        }
        let event = json!({
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": false,
            "pending_webhooks": 0,
            "request": {"id": self.caller.request, "idempotency_key": self.caller.idempotency_key},
            "type": kind,
        });
        let endpoints: Vec<String> = self.store.all("webhook_endpoint").filter(|it| wants(it, kind)).map(|it| it.id().to_owned()).collect();
        for endpoint in endpoints {
            self.outbox.post(event.id(), &endpoint, self.now);
        }
        self.store.put(event);
    }

    /// An event again, to every endpoint that wants its kind.
    pub fn resend(&mut self, event: &str) -> Result<usize, ApiError> {
        let kind = self.object("event", event)?.text("type").to_owned();
        let endpoints: Vec<String> =
            self.store.all("webhook_endpoint").filter(|it| wants(it, &kind)).map(|it| it.id().to_owned()).collect();
        endpoints.iter().for_each(|it| self.outbox.resend(event, it, self.now));
        Ok(endpoints.len())
    }

    /// Moves the clock to the next thing that is due by `until` and does it; `false` where nothing is.
    pub fn step(&mut self, until: i64) -> bool {
        let Some((at, due)) = self.agenda.next_by(until) else { return false };
        self.now = self.now.max(at);
        self.perform(due);
        true
    }

    pub fn next_due(&self) -> Option<i64> {
        self.agenda.next_at()
    }
}

fn wants(endpoint: &Value, kind: &str) -> bool {
    endpoint.status() == "enabled" && endpoint.list("enabled_events").iter().any(|it| it == "*" || it == kind)
}

/// An object as Stripe shows it: members that begin with `_` are the simulator's own.
pub fn shown(object: &Value) -> Value {
    match object {
        Value::Object(members) => {
            members.iter().filter(|(key, _)| !key.starts_with('_')).map(|(key, value)| (key.clone(), value.clone())).collect()
        }
        other => other.clone(),
    }
}

/// The former values of what differs.
fn changed(before: &Value, after: &Value) -> Map<String, Value> {
    let nothing = Map::new();
    let (before, after) = (before.as_object().unwrap_or(&nothing), after.as_object().unwrap_or(&nothing));
    let differs = before.iter().filter(|(key, value)| !key.starts_with('_') && after.get(*key) != Some(value));
    differs.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Stripe's word for a kind of object in its errors.
fn noun(kind: &str) -> &str {
    match kind {
        "payment_method" => "PaymentMethod",
        "promotion_code" => "promotion code",
        other => other,
    }
}
