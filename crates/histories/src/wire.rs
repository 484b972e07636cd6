//! The way from `howdah-billing` to the simulated Stripe, without a socket between them.

use std::sync::Arc;

use futures::FutureExt;
use howdah_billing::Stripe;
use howdah_billing::in_process::Got;
use howdah_stripe_simulator::{Form, Outcome, Simulator, Verb};

#[must_use]
pub fn connect(simulator: Arc<Simulator>) -> Stripe {
    Stripe::in_process(Box::new(move |sent| {
        let verb = match sent.method.as_str() {
            "GET" => Verb::Get,
            "DELETE" => Verb::Delete,
            _ => Verb::Post,
        };
        let form = Form::parse(&sent.form).ok()?;
        match simulator.call(verb, &sent.path, &form, sent.key.as_deref()) {
            Outcome::Reply { reply, replayed } => {
                Some(Got { status: reply.status, replayed, body: serde_json::to_vec(&reply.body).ok()?.into() })
            }
            Outcome::Held(_) | Outcome::Dropped => None,
        }
    }))
}

/// What comes of a future that has nothing to wait for.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing waits where all is in one process")
}
