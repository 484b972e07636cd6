//! What is paid, with Stripe as the simulator has it: its API, its clock, and what it tells.

mod bad_days;
mod changing;
mod paying;
mod way_down;

use std::sync::{Arc, Mutex};

use actix_web::{App as Web, HttpRequest, HttpResponse, HttpServer, web};
use chrono::TimeDelta;
use howdah_app::billing::{self, Billing, Intake, IntakeError};
use howdah_app::instances::{self, LaunchRequest};
use howdah_app::jobs::{BillingUpkeep, HandleBillingEvents, LookAfterEndings, SendMails};
use howdah_app::worker::{Worker, WorkerSettings};
use howdah_app::{Actor, App, Config, Once};
use howdah_billing::{Settings, Stripe};
use howdah_db::models::billing::SubscriptionRow;
use howdah_db::models::instance::Instance;
use howdah_domain::{Clock, Desired, InstanceId, Standing};
use howdah_stripe_simulator::{Form, Outcome, Payment, Running, Settings as SimulatorSettings, Simulator, Verb};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::ground::{Ground, INGRESS};

pub const DOMAIN: &str = "birds.fedi.localhost";
pub const GOOD: &str = "4242424242424242";
/// Stripe's names of a card that is good, and of one that can be attached and is declined when it is charged.
pub const VISA: &str = "pm_card_visa";
pub const DECLINED: &str = "pm_card_chargeCustomerFail";

/// A platform that is paid through a simulated Stripe, and hears of it.
pub struct Paid {
    pub ground: Ground,
    pub stripe: Running,
    pub customer: Actor,
    intake: Arc<Mutex<Option<Intake>>>,
    /// Of the webhook's endpoint.
    pub secret: String,
}

impl Paid {
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut Billing)) -> Self {
        let mut ground = Ground::with(WorkerSettings::default(), false).await;
        let start = Some(ground.clock.now().timestamp());
        let stripe = Simulator::start(SimulatorSettings { start, ..SimulatorSettings::default() }).await.unwrap();
        let intake = Arc::new(Mutex::new(None));
        let endpoint = listen(intake.clone());
        let config = Config { dashboard_url: endpoint, ..(*ground.worker.app.config).clone() };
        let app = App { config: Arc::new(config), ..ground.worker.app.clone() };
        let secret = brought(&app, &stripe).await;
        let mut billing = Billing::new(client(&stripe), vec![secret.clone().into()], "EUR".parse().unwrap());
        change(&mut billing);
        let app = App { billing: Some(Arc::new(billing)), ..app };
        *intake.lock().unwrap() = Some(Intake::start(&app));
        let before = &ground.worker;
        ground.worker = Arc::new(Worker {
            app,
            clusters: before.clusters.clone(),
            outside: before.outside.clone(),
            mailer: before.mailer.clone(),
            relay: before.relay.clone(),
            settings: before.settings.clone(),
        });
        let customer = ground.stranger("ada@birds.example").await;
        Self { ground, stripe, customer, intake, secret }
    }

    pub fn app(&self) -> &App {
        &self.ground.worker.app
    }

    pub fn intake(&self) -> Intake {
        self.intake.lock().unwrap().clone().unwrap()
    }

    /// By the customer: it waits to be paid for.
    pub async fn launch(&self, domain: &str) -> InstanceId {
        let request = LaunchRequest {
            domain: domain.to_owned(),
            plan: "small".to_owned(),
            owner_username: "ada".to_owned(),
            owner_email: "owner@example.org".to_owned(),
            ..LaunchRequest::default()
        };
        match instances::launch(self.app(), &self.customer, &request, None).await.unwrap() {
            Once::Done(launched) => launched.instance,
            Once::Again { .. } => panic!("no key was given"),
        }
    }

    /// The customer goes to the page, and pays with this card.
    pub async fn pay_with(&self, id: InstanceId, card: &str) -> String {
        let url = billing::pay(self.app(), &self.customer, id, None).await.unwrap().url;
        let session = url.rsplit('/').next().unwrap().to_owned();
        let payment = Payment { method: Some(card.to_owned()), country: Some("DE".to_owned()), ..Payment::default() };
        self.stripe.pay(&session, &payment).unwrap();
        session
    }

    /// Paid for, up, and reached from outside.
    pub async fn running(&self, card: &str) -> InstanceId {
        let id = self.launch(DOMAIN).await;
        self.pay_with(id, card).await;
        self.told().await;
        self.ground.outside.lead(DOMAIN, INGRESS);
        *self.ground.outside.answers.lock().unwrap() = true;
        self.ground.settle_until(id, async || self.row(id).await.first_answered_at.is_some()).await;
        id
    }

    /// What Stripe has to tell is told and handled.
    pub async fn told(&self) {
        self.stripe.deliver_pending().await;
        self.handled().await;
    }

    pub async fn handled(&self) {
        HandleBillingEvents::default().work(&self.ground.worker).await.unwrap();
    }

    /// Day by day: Stripe does and tells what is due, and the worker ticks.
    pub async fn days(&self, days: i64) {
        for _ in 0..days {
            self.pass(TimeDelta::days(1)).await;
        }
    }

    pub async fn pass(&self, time: TimeDelta) {
        self.ground.clock.advance(time);
        self.stripe.advance(time.num_seconds()).await;
        self.handled().await;
        self.ground.tick().await;
        // While the provider is away it fails, and is tried again by the next tick.
        let _ = BillingUpkeep::default().work(&self.ground.worker).await;
        LookAfterEndings::default().work(&self.ground.worker).await.unwrap();
        SendMails::default().work(&self.ground.worker).await.unwrap();
    }

    pub async fn row(&self, id: InstanceId) -> Instance {
        self.ground.row(id).await
    }

    pub async fn desired(&self, id: InstanceId) -> Desired {
        self.row(id).await.desired().unwrap()
    }

    pub async fn standing(&self, id: InstanceId) -> Standing {
        self.row(id).await.standing().unwrap()
    }

    pub async fn subscriptions(&self, id: InstanceId) -> Vec<SubscriptionRow> {
        SubscriptionRow::of_instance(&mut *self.ground.conn().await, id.as_uuid()).await.unwrap()
    }

    /// As somebody with the key would ask, who is not us.
    pub fn ask(&self, verb: Verb, path: &str, form: &str) -> Value {
        match self.stripe.call(verb, path, &Form::parse(form).unwrap(), None) {
            Outcome::Reply { reply, .. } if reply.status == 200 => reply.body,
            Outcome::Reply { reply, .. } => panic!("{path} {form}: {:#}", reply.body),
            Outcome::Held(_) | Outcome::Dropped => panic!("{path}: not answered"),
        }
    }

    /// Every one there is.
    pub fn all(&self, path: &str) -> Vec<Value> {
        self.ask(Verb::Get, path, "limit=100")["data"].as_array().cloned().unwrap_or_default()
    }

    /// In Stripe's portal.
    pub fn change_card(&self, customer: &str, token: &str) {
        let method = self.ask(Verb::Post, &format!("/v1/payment_methods/{token}/attach"), &format!("customer={customer}"));
        let method = method["id"].as_str().unwrap();
        self.ask(Verb::Post, &format!("/v1/customers/{customer}"), &format!("invoice_settings[default_payment_method]={method}"));
        for subscription in self.ask(Verb::Get, "/v1/subscriptions", &format!("customer={customer}"))["data"].as_array().unwrap() {
            let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
            self.ask(Verb::Post, &path, &format!("default_payment_method={method}"));
        }
    }

    pub fn pay_open_invoices(&self, customer: &str) {
        for invoice in self.ask(Verb::Get, "/v1/invoices", &format!("customer={customer}&status=open"))["data"].as_array().unwrap() {
            self.ask(Verb::Post, &format!("/v1/invoices/{}/pay", invoice["id"].as_str().unwrap()), "");
        }
    }

    /// Subjects of what was sent, in order.
    pub fn mails(&self) -> Vec<String> {
        self.ground.mailer.sent.lock().unwrap().iter().map(|it| it.subject.clone()).collect()
    }
}

pub fn client(stripe: &Running) -> Stripe {
    let key = SecretString::from("sk_test_simulator".to_owned());
    Stripe::new(&Settings { base_url: Some(stripe.base_url.parse().unwrap()), ..Settings::new(key) }).unwrap()
}

/// The catalogue, and the secret of the endpoint that came with it. A second time, nothing is to be done.
async fn brought(app: &App, stripe: &Running) -> String {
    let billing = Billing::new(client(stripe), Vec::new(), "EUR".parse().unwrap());
    let app = App { billing: Some(Arc::new(billing)), ..app.clone() };
    let changes = billing::plan_catalogue(&app).await.unwrap();
    assert!(changes.len() > 10);
    let applied = billing::apply_catalogue(&app, &changes).await.unwrap();
    applied.outcome.unwrap();
    assert_eq!(billing::plan_catalogue(&app).await.unwrap(), [], "done twice, it changes nothing");
    applied.endpoint_secret.unwrap().expose_secret().to_owned()
}

/// Where Stripe tells things: answered as the pages' own route answers.
fn listen(intake: Arc<Mutex<Option<Intake>>>) -> String {
    let server = HttpServer::new(move || {
        let intake = intake.clone();
        Web::new().route(
            billing::WEBHOOK,
            web::post().to(move |request: HttpRequest, body: web::Bytes| {
                let intake = intake.lock().unwrap().clone();
                async move {
                    let signature = request.headers().get("Stripe-Signature").and_then(|it| it.to_str().ok()).unwrap_or_default();
                    let Some(intake) = intake else { return HttpResponse::ServiceUnavailable().finish() };
                    match intake.take(&body, signature).await {
                        Ok(()) => HttpResponse::Ok().finish(),
                        Err(IntakeError::App(_)) => HttpResponse::ServiceUnavailable().finish(),
                        Err(IntakeError::Rejected(_) | IntakeError::Foreign) => HttpResponse::BadRequest().finish(),
                    }
                }
            }),
        )
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    format!("http://{address}")
}
