//! Webhooks on their way: signed as Stripe signs, sent, and the clock that moves between them.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use sha2::Sha256;

use crate::api::pending_event;
use crate::clock::{OffsetFile, machine_now};
use crate::json::Fields;
use crate::server::Simulator;

/// One delivery as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub number: usize,
    pub url: String,
    pub payload: String,
    /// The `Stripe-Signature` header.
    pub signature: String,
}

/// `t=…,v1=…` over the raw payload. <https://docs.stripe.com/webhooks#verify-manually>
pub fn sign(payload: &str, secret: &str, at: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length will do");
    mac.update(format!("{at}.{payload}").as_bytes());
    format!("t={at},v1={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}

impl Simulator {
    /// What is due to be sent now. Whoever takes it says with [`Simulator::note`] how it went; what is not noted stays due.
    pub fn due_parcels(&self) -> Vec<Parcel> {
        if self.traffic().down {
            return Vec::new();
        }
        let mut world = self.world();
        let now = world.now;
        let messages = world.outbox.take_due(now);
        let mut parcels = Vec::with_capacity(messages.len());
        for message in messages {
            let (event, endpoint) = (world.store.find(&message.event), world.store.find(&message.endpoint));
            if let (Some(event), Some(endpoint)) = (event, endpoint) {
                let payload = serde_json::to_string_pretty(&pending_event(&world, event)).unwrap_or_default();
                let signature = sign(&payload, endpoint.text("_secret"), machine_now());
                parcels.push(Parcel { number: message.number, url: endpoint.text("url").to_owned(), payload, signature });
            } else {
                // The endpoint was deleted in the meantime.
                world.outbox.drop_message(message.number);
            }
        }
        parcels
    }

    /// The status that an endpoint answered with, none where no answer came.
    pub fn note(&self, number: usize, status: Option<u16>) {
        let mut world = self.world();
        let now = world.now;
        world.outbox.note(number, status, now);
    }

    /// Sends what is due by now, once; gives the number of deliveries tried.
    pub async fn deliver_pending(&self) -> usize {
        let _turn = self.carrier.lock().await;
        let Some(http) = &self.http else { return 0 };
        let parcels = self.due_parcels();
        let tried = parcels.len();
        for parcel in parcels {
            let request = http.post(self.destination(&parcel.url)).header("Stripe-Signature", parcel.signature);
            let request = request.header("Content-Type", "application/json; charset=utf-8").header("User-Agent", "Stripe/1.0 (simulator)");
            let status = request.body(parcel.payload).send().await.ok().map(|it| it.status().as_u16());
            self.note(parcel.number, status);
        }
        tried
    }

    /// Where a delivery goes: to the endpoint, or to the same path of where all are forwarded.
    fn destination(&self, endpoint: &str) -> String {
        let (Some(forward), Ok(endpoint)) = (&self.settings.forward_to, endpoint.parse::<Url>()) else { return endpoint.to_owned() };
        let mut destination = forward.clone();
        destination.set_path(endpoint.path());
        destination.set_query(endpoint.query());
        destination.into()
    }

    /// Moves the clock forward, and does and delivers what is due on the way, in order.
    pub async fn advance(&self, seconds: i64) {
        let machine = machine_now();
        self.follow(machine).await;
        let until = self.world().now.saturating_add(seconds.max(0));
        self.lead(until, machine).await;
    }

    pub async fn advance_to(&self, until: i64) {
        let machine = machine_now();
        self.follow(machine).await;
        self.lead(until, machine).await;
    }

    /// Goes to where whoever shares the clock has moved it. It never goes back: until their time has come to its own, it stands still.
    pub(crate) async fn follow(&self, machine: i64) {
        if let Some(ahead) = self.settings.clock_offset_file.as_ref().and_then(OffsetFile::read) {
            self.pass(machine.saturating_add(ahead), |_| {}).await;
        }
    }

    /// Moves by hand: whoever shares the clock goes along, so that what is delivered on the way comes at its time.
    async fn lead(&self, until: i64, machine: i64) {
        self.pass(until, |now| self.share_clock(now - machine)).await;
    }

    async fn pass(&self, until: i64, passed: impl Fn(i64)) {
        loop {
            if let Some(now) = self.next_to_send(until) {
                passed(now);
                self.deliver_pending().await;
            } else if !self.world().step(until) {
                break;
            }
        }
        let now = {
            let mut world = self.world();
            world.now = world.now.max(until);
            world.now
        };
        passed(now);
    }

    /// Where a delivery is due before anything else is: its time, at which the clock is then.
    fn next_to_send(&self, until: i64) -> Option<i64> {
        if self.http.is_none() || self.traffic().down {
            return None;
        }
        let mut world = self.world();
        let at = world.outbox.next_at().filter(|it| *it <= until)?;
        if world.next_due().is_some_and(|due| due < at) {
            return None;
        }
        world.now = world.now.max(at);
        Some(world.now)
    }

    pub(crate) async fn deliver_for_ever(self: Arc<Self>) {
        loop {
            self.posted.notified().await;
            while self.deliver_pending().await > 0 {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_stripes() {
        // Made with Python: hmac.new(b"whsec_test", b'1492774577.{"id":"evt_1"}', "sha256").hexdigest()
        let expected = "t=1492774577,v1=7656fc2882a7ca0a651666b36bf2f2f22ee204f54f608f227498a2419f2890b2";
        assert_eq!(sign("{\"id\":\"evt_1\"}", "whsec_test", 1_492_774_577), expected);
    }
}
