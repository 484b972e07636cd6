//! An account to try things on, and an endpoint that hears of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use howdah_stripe_simulator::{Fields, Payment, Rules, Running, Settings, Simulator};
use serde_json::Value;

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;
/// 15 January 2027, 12:00 UTC.
pub const START: i64 = 1_800_014_400;

pub struct Account {
    pub running: Running,
    pub http: reqwest::Client,
}

impl Account {
    pub async fn open() -> Self {
        Self::with(Rules::default()).await
    }

    pub async fn with(rules: Rules) -> Self {
        Self::set(Settings { start: Some(START), rules, ..Settings::default() }).await
    }

    pub async fn set(settings: Settings) -> Self {
        let running = Simulator::start(settings).await.expect("the simulator starts");
        let policy = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().redirect(policy).timeout(Duration::from_secs(20)).build().expect("a client");
        Self { running, http }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.base_url)
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.bearer_auth("sk_test_simulator").send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.expect("JSON"))
    }

    pub async fn try_post(&self, path: &str, form: &str) -> (u16, Value) {
        self.send(self.http.post(self.url(path)).body(form.to_owned())).await
    }

    pub async fn post(&self, path: &str, form: &str) -> Value {
        let (status, body) = self.try_post(path, form).await;
        assert_eq!(status, 200, "{path} {form}: {body:#}");
        body
    }

    pub async fn try_get(&self, path: &str) -> (u16, Value) {
        self.send(self.http.get(self.url(path))).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.try_get(path).await;
        assert_eq!(status, 200, "{path}: {body:#}");
        body
    }

    pub async fn delete(&self, path: &str) -> Value {
        let (status, body) = self.send(self.http.delete(self.url(path))).await;
        assert_eq!(status, 200, "{path}: {body:#}");
        body
    }

    /// A monthly price in euros, by the name of its product.
    pub async fn price(&self, name: &str, amount: i64) -> String {
        let product = self.post("/v1/products", &format!("name={name}")).await;
        let form = format!("product={}&currency=eur&unit_amount={amount}&recurring[interval]=month", product.id());
        self.post("/v1/prices", &form).await.id().to_owned()
    }

    pub async fn customer(&self, card: &str) -> String {
        let form = format!("email=ana@example.org&payment_method={card}");
        let customer = self.post("/v1/customers", &form).await.id().to_owned();
        let methods = self.get(&format!("/v1/customers/{customer}/payment_methods")).await;
        let form = format!("invoice_settings[default_payment_method]={}", methods["data"][0].id());
        self.post(&format!("/v1/customers/{customer}"), &form).await;
        customer
    }

    /// A subscription of one price, paid with the customer's card.
    pub async fn subscribe(&self, customer: &str, price: &str, more: &str) -> Value {
        self.post("/v1/subscriptions", &format!("customer={customer}&items[0][price]={price}{more}")).await
    }

    pub async fn subscription(&self, id: &str) -> Value {
        self.get(&format!("/v1/subscriptions/{id}?expand[]=latest_invoice")).await
    }

    pub async fn session(&self, price: &str, more: &str) -> String {
        let form = format!("mode=subscription&line_items[0][price]={price}&success_url=https://howdah.example/done{more}");
        self.post("/v1/checkout/sessions", &form).await.id().to_owned()
    }

    pub async fn events(&self, query: &str) -> Vec<String> {
        let list = self.get(&format!("/v1/events?limit=100{query}")).await;
        list.list("data").iter().rev().map(|it| it.text("type").to_owned()).collect()
    }

    /// An endpoint of the account that hears `events`.
    pub async fn hear(&self, events: &str) -> Endpoint {
        let mut endpoint = Endpoint::listen().await;
        let made = self.post("/v1/webhook_endpoints", &format!("url={}&{events}", endpoint.url)).await;
        endpoint.secret = made.text("secret").to_owned();
        endpoint
    }
}

pub fn card(number: &str) -> Payment {
    Payment { method: Some(number.to_owned()), email: Some("ana@example.org".to_owned()), ..Payment::default() }
}

#[derive(Clone)]
pub struct Heard {
    pub payload: String,
    pub signature: String,
    /// Path and query that it was sent to.
    pub target: String,
}

impl Heard {
    pub fn event(&self) -> Value {
        serde_json::from_str(&self.payload).expect("an event")
    }
}

pub struct Endpoint {
    pub url: String,
    pub secret: String,
    state: Arc<State>,
}

struct State {
    heard: Mutex<Vec<Heard>>,
    answer: Mutex<u16>,
}

impl Endpoint {
    pub async fn listen() -> Self {
        let state = Arc::new(State { heard: Mutex::default(), answer: Mutex::new(200) });
        let data = web::Data::from(state.clone());
        let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(take)))
            .workers(1)
            .disable_signals()
            .bind("127.0.0.1:0")
            .expect("a port");
        let url = format!("http://{}/hook", server.addrs()[0]);
        tokio::spawn(server.run());
        Self { url, secret: String::new(), state }
    }

    /// What it answers from now on.
    pub fn answer(&self, status: u16) {
        *self.state.answer.lock().expect("a lock") = status;
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.state.heard.lock().expect("a lock").clone()
    }

    pub fn types(&self) -> Vec<String> {
        self.heard().iter().map(|it| it.event().text("type").to_owned()).collect()
    }
}

async fn take(state: web::Data<State>, request: HttpRequest, payload: String) -> HttpResponse {
    let signature = request.headers().get("Stripe-Signature").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let target = request.uri().to_string();
    state.heard.lock().expect("a lock").push(Heard { payload, signature, target });
    let status = *state.answer.lock().expect("a lock");
    HttpResponse::build(StatusCode::from_u16(status).expect("a status")).finish()
}
