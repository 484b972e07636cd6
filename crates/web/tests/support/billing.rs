//! Billing, with Stripe as the simulator has it, or away.

use std::sync::Arc;

use howdah_app::App;
use howdah_app::billing::{self, Billing};
use howdah_billing::{Settings as Access, Stripe};
use howdah_domain::{Clock as _, Currency};
use howdah_stripe_simulator::{Payment, Running, Settings as SimulatorSettings, Simulator};
use howdah_testkit::app::TestApp;
use howdah_web::Settings;
use secrecy::SecretString;

use super::{Server, settings};

/// Of the webhook's endpoint.
pub const SECRET: &str = "whsec_tests";
const VISA: &str = "4242424242424242";

pub fn euro() -> Currency {
    "EUR".parse().unwrap()
}

/// Nobody listens where the provider should be.
pub fn away() -> Billing {
    of("http://127.0.0.1:1")
}

fn of(url: &str) -> Billing {
    let key = SecretString::from("sk_test_simulator");
    let settings = Access { base_url: Some(url.parse().unwrap()), ..Access::new(key) };
    Billing::new(Stripe::new(&settings).unwrap(), vec![SecretString::from(SECRET)], euro())
}

/// A platform that is paid through a simulated Stripe, whose clock is the test's.
pub struct Paid {
    pub test: TestApp,
    pub server: Server,
    pub stripe: Running,
}

impl Paid {
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut Billing)) -> Self {
        let mut test = TestApp::new().await;
        let start = Some(test.clock.now().timestamp());
        let stripe = Simulator::start(SimulatorSettings { start, ..SimulatorSettings::default() }).await.unwrap();
        let mut billing = of(&stripe.base_url);
        change(&mut billing);
        test.app.billing = Some(Arc::new(billing));
        let changes = billing::plan_catalogue(&test.app).await.unwrap();
        billing::apply_catalogue(&test.app, &changes).await.unwrap().outcome.unwrap();
        let server = Server::of(test.app.clone(), &Settings { payment_pages: vec![stripe.base_url.clone()], ..settings() });
        Self { test, server, stripe }
    }

    /// At the page, with a card that is good. Where it leads back to.
    pub fn pay_at(&self, page: &str) -> String {
        let session = page.rsplit('/').next().unwrap().to_owned();
        let payment = Payment { method: Some(VISA.to_owned()), country: Some("DE".to_owned()), ..Payment::default() };
        self.stripe.pay(&session, &payment).unwrap();
        session
    }

    /// The same record, and nobody at the provider's.
    pub fn without_stripe(&self) -> Server {
        Server::of(App { billing: Some(Arc::new(away())), ..self.test.app.clone() }, &settings())
    }
}
