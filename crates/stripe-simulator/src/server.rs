//! The simulator as it runs: one world behind a lock, served over HTTP and moved by whoever started it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use anyhow::Context;
use reqwest::Url;
use serde_json::Value;

use crate::api::{self, Verb};
use crate::clock::{OffsetFile, machine_now};
use crate::error::ApiError;
use crate::form::Form;
use crate::traffic::{Failure, Fault, Reply, Traffic};
use crate::world::{Caller, Delivery, Instrument, Payment, Rules, World};
use crate::{control, http, pages};

/// An endpoint that takes longer has not answered.
const ENDPOINT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Settings {
    pub listen: String,
    pub secret_key: String,
    /// Where the clock begins, in seconds; the machine's time if nothing is said.
    pub start: Option<i64>,
    /// Whether the clock goes with the machine's, besides being moved.
    pub runs: bool,
    /// Whether webhooks go out by themselves, or only by `deliver_pending` and `advance`.
    pub delivers: bool,
    /// By which others share the clock: it is where this says, and says where it is when it has been moved here.
    pub clock_offset_file: Option<OffsetFile>,
    /// Events go here instead of to their endpoints, whose path is kept, as `stripe listen --forward-to` does it.
    pub forward_to: Option<Url>,
    pub seed: u64,
    pub rules: Rules,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            secret_key: "sk_test_simulator".to_owned(),
            start: None,
            runs: false,
            delivers: false,
            clock_offset_file: None,
            forward_to: None,
            seed: 1,
            rules: Rules::default(),
        }
    }
}

/// What a request comes to: an answer, or a closed connection.
pub enum Outcome {
    Reply {
        reply: Reply,
        replayed: bool,
    },
    /// An answer that goes out with [`Simulator::release`].
    Held(Reply),
    Dropped,
}

pub struct Simulator {
    world: Mutex<World>,
    traffic: Mutex<Traffic>,
    pub(crate) settings: Settings,
    /// Sends webhooks; a simulator without a port sends none.
    pub(crate) http: Option<reqwest::Client>,
    held: Mutex<Vec<(String, Reply)>>,
    pub(crate) released: tokio::sync::Notify,
    /// One at a time carries out what is due, so that nothing is sent twice by accident.
    pub(crate) carrier: tokio::sync::Mutex<()>,
    pub(crate) posted: tokio::sync::Notify,
}

impl Simulator {
    /// A simulator without a port, for histories that run in one process by the thousand: requests are [`Simulator::call`], webhooks
    /// are taken with [`Simulator::due_parcels`], and the clock moves by [`Simulator::advance`] all the same.
    pub fn new(settings: Settings) -> Self {
        Self::made(settings, None)
    }

    fn made(settings: Settings, http: Option<reqwest::Client>) -> Self {
        let shared = settings.clock_offset_file.as_ref().and_then(OffsetFile::read).map(|ahead| machine_now().saturating_add(ahead));
        let start = shared.or(settings.start).unwrap_or_else(machine_now);
        let world = Mutex::new(World::new(start, settings.seed, settings.rules.clone()));
        let (traffic, carrier, posted) = (Mutex::default(), tokio::sync::Mutex::default(), tokio::sync::Notify::new());
        let (held, released) = (Mutex::default(), tokio::sync::Notify::new());
        Self { world, traffic, settings, http, held, released, carrier, posted }
    }

    /// Starts to listen.
    pub async fn start(settings: Settings) -> anyhow::Result<Running> {
        // Another crate of the process may have installed it before.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = reqwest::Client::builder().timeout(ENDPOINT_TIMEOUT).build().context("failed to build the client for webhooks")?;
        let simulator = Arc::new(Self::made(settings, Some(http)));
        let data = web::Data::from(simulator.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(1 << 20))
                .wrap(from_fn(pages::unless_down))
                .configure(control::routes)
                .configure(pages::routes)
                .configure(http::routes)
        })
        .workers(1)
        .shutdown_timeout(1)
        .disable_signals()
        .bind(&simulator.settings.listen)
        .with_context(|| format!("failed to listen on {}", simulator.settings.listen))?;
        let address = server.addrs().first().copied().context("the server has no address")?;
        let base_url = format!("http://{address}");
        simulator.world().base_url.clone_from(&base_url);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(async move { drop(server.await) });
        let mut tasks = Vec::new();
        if simulator.settings.delivers {
            tasks.push(tokio::spawn(simulator.clone().deliver_for_ever()));
        }
        if simulator.settings.runs {
            tasks.push(tokio::spawn(simulator.clone().run_the_clock()));
        }
        Ok(Running { base_url, simulator, handle, tasks })
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request to the API, whoever brought it. `path` begins with `/v1/`.
    pub fn call(&self, verb: Verb, path: &str, form: &Form, key: Option<&str>) -> Outcome {
        let now = self.world().now;
        let request_id = self.world().new_id("req");
        let refusal = |error: ApiError| reply(Err(error), &request_id);
        let (limit, planned) = (self.world().rules.requests_per_second, self.traffic().planned(verb.name(), path));
        if self.traffic().down {
            return refusal(ApiError::unavailable()).into();
        }
        if planned == Some(Failure::DropBefore) {
            return Outcome::Dropped;
        }
        if planned == Some(Failure::TooMany) || self.traffic().is_too_fast(machine_now(), limit) {
            return refusal(ApiError::too_many()).into();
        }
        let key = key.filter(|_| verb == Verb::Post);
        if let Some(key) = key {
            let fingerprint = format!("{} {path} {}", verb.name(), form.fingerprint());
            match self.traffic().begin(key, &fingerprint, now) {
                Ok(None) => {}
                Ok(Some(reply)) => return Outcome::Reply { reply, replayed: true },
                Err(error) => return refusal(error).into(),
            }
        }
        let answer = match planned {
            Some(Failure::ErrorBefore) => Err(ApiError::server()),
            _ => self.act(verb, path, form, key, &request_id),
        };
        let answer = if planned == Some(Failure::ErrorAfter) { Err(ApiError::server()) } else { answer };
        let reply = reply(answer, &request_id);
        if planned == Some(Failure::Held) {
            self.lock_held().push((key.unwrap_or_default().to_owned(), reply.clone()));
            return Outcome::Held(reply);
        }
        if let Some(key) = key {
            self.traffic().finish(key, &reply);
        }
        if planned == Some(Failure::DropAfter) { Outcome::Dropped } else { reply.into() }
    }

    fn act(&self, verb: Verb, path: &str, form: &Form, key: Option<&str>, request_id: &str) -> api::Answer {
        let mut world = self.world();
        world.caller = Caller { request: Some(request_id.to_owned()), idempotency_key: key.map(str::to_owned) };
        let answer = api::answer(&mut world, verb, path.trim_start_matches("/v1/"), form);
        world.caller = Caller::default();
        drop(world);
        self.posted.notify_one();
        answer
    }

    /// The customer presses the button of a Checkout page.
    pub fn pay(&self, session: &str, payment: &Payment) -> Result<(), ApiError> {
        let paid = self.world().complete(session, payment);
        self.posted.notify_one();
        paid
    }

    pub fn set_delivery(&self, delivery: Delivery) {
        self.world().outbox.set(delivery);
    }

    pub fn fail_next(&self, fault: Fault) {
        self.traffic().faults.push(fault);
    }

    pub fn down(&self, down: bool) {
        self.traffic().down = down;
    }

    /// What the next charges come to, whatever they are made with.
    pub fn plan_outcomes(&self, outcomes: impl IntoIterator<Item = Instrument>) {
        self.world().outcomes.extend(outcomes);
    }

    /// Lets the answers go that [`Failure::Held`] keeps.
    pub fn release(&self) {
        for (key, reply) in self.lock_held().drain(..) {
            self.traffic().finish(&key, &reply);
        }
        self.released.notify_waiters();
    }

    fn lock_held(&self) -> MutexGuard<'_, Vec<(String, Reply)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run_the_clock(self: Arc<Self>) {
        let mut before = machine_now();
        let mut beat = tokio::time::interval(Duration::from_secs(1));
        loop {
            beat.tick().await;
            let after = machine_now();
            match self.settings.clock_offset_file {
                Some(_) => self.follow(after).await,
                None => self.advance(after - before).await,
            }
            before = after;
        }
    }

    pub(crate) fn share_clock(&self, ahead: i64) {
        if let Some(file) = &self.settings.clock_offset_file
            && let Err(error) = file.write(ahead)
        {
            tracing::warn!(%error, file = %file.0.display(), "failed to tell others of the clock");
        }
    }
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self::Reply { reply, replayed: false }
    }
}

pub(crate) fn reply(answer: Result<Value, ApiError>, request_id: &str) -> Reply {
    let request_id = request_id.to_owned();
    match answer {
        Ok(body) => Reply { status: 200, body, request_id },
        Err(error) => Reply { status: error.status, body: error.body(), request_id },
    }
}

/// A simulator that listens; dropped, it stops.
pub struct Running {
    pub base_url: String,
    pub simulator: Arc<Simulator>,
    handle: ServerHandle,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl std::ops::Deref for Running {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.simulator
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The command is sent when the future is made; nobody waits for its end.
        drop(self.handle.stop(false));
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
