//! The server: what answers where, what stands before it, and how it stops.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, PathConfig, QueryConfig, ServiceConfig, route};
use actix_web::{HttpResponse, HttpServer, web};
use howdah_app::App;
use howdah_app::billing::WEBHOOK;
use tokio::sync::watch;
use tracing_actix_web::TracingLogger;

use crate::limits::{Limits, Rate, by_address};
use crate::pages::Platform;
use crate::problem::Problem;
use crate::request_log::PathOnly;
use crate::resource::resource;
use crate::streams::Streams;
use crate::{api, headers, health, openapi, pages, webhooks};

#[derive(Clone, Debug)]
pub struct Settings {
    pub address: SocketAddr,
    /// Threads that answer requests.
    pub workers: usize,
    /// Of one address, or one network of version 6; of the network of 48 bits around that, four times as much.
    pub address_rate: Rate,
    /// Of one token.
    pub token_rate: Rate,
    /// A proxy of ours stands before this server and says in `X-Forwarded-For` for whom it asks.
    pub trusts_forwarded: bool,
    /// Streams of events that may be open at once.
    pub streams: usize,
    /// And of one account.
    pub streams_of_one: usize,
    /// Origins of the payment provider's pages: where forms of the pages of a server's bill may lead on to.
    pub payment_pages: Vec<String>,
}

impl Settings {
    /// What does for an installation with some thousand servers.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        let rate = |burst, per_second| Rate {
            burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN),
            per_second: NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN),
        };
        Self {
            address,
            workers: 2,
            address_rate: rate(200, 50),
            token_rate: rate(100, 20),
            trusts_forwarded: false,
            streams: 500,
            streams_of_one: 20,
            payment_pages: Vec::new(),
        }
    }
}

/// A server that has its port and answers once it is run.
pub struct Bound {
    server: Server,
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    limits: Data<Limits>,
}

/// # Errors
/// Where the address can't be had.
pub fn bind(app: App, settings: &Settings) -> io::Result<Bound> {
    let (stop, stopping) = watch::channel(false);
    let limits = Data::new(Limits::new(settings.address_rate, settings.token_rate, settings.trusts_forwarded));
    let streams = Data::new(Streams::new(settings.streams, settings.streams_of_one, stopping));
    let events = Data::new(webhooks::Events::start(&app));
    let payment_pages = Data::new(pages::PaymentPages(settings.payment_pages.clone()));
    let (app, of_each, platform) = (Data::new(app), limits.clone(), Data::new(Platform::default()));
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(app.clone())
            .app_data(of_each.clone())
            .app_data(streams.clone())
            .app_data(platform.clone())
            .app_data(events.clone())
            .app_data(payment_pages.clone())
            .configure(routes)
            .wrap(from_fn(pages::admit))
            .wrap(from_fn(by_address))
            .wrap(from_fn(pages::dress))
            .wrap(from_fn(headers::secure))
            .wrap(TracingLogger::<PathOnly>::new())
    })
    .workers(settings.workers)
    .client_request_timeout(Duration::from_secs(10))
    .shutdown_timeout(15)
    .disable_signals()
    .bind(settings.address)?;
    let addresses = server.addrs();
    Ok(Bound { server: server.run(), addresses, stop, limits })
}

impl Bound {
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers until `shutdown`; then what was asked is still answered, for at most 15 s.
    ///
    /// # Errors
    /// Where the server breaks down.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let handle = self.server.handle();
        let stopper = async {
            shutdown.await;
            self.stop.send_replace(true);
            handle.stop(true).await;
        };
        let limits = self.limits;
        tokio::select! {
            (ended, ()) = async { tokio::join!(self.server, stopper) } => ended,
            () = async move { limits.forget_forever().await } => Ok(()),
        }
    }
}

/// Binds and runs.
///
/// # Errors
/// Where the address can't be had, or the server breaks down.
pub async fn serve(app: App, settings: &Settings, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    bind(app, settings)?.run(shutdown).await
}

fn routes(config: &mut ServiceConfig) {
    config
        .app_data(QueryConfig::default().error_handler(|_, _| Problem::malformed("The query can't be read.").into()))
        .app_data(PathConfig::default().error_handler(|_, _| Problem::no_such_page().into()))
        .configure(api::v1::routes)
        .configure(pages::routes)
        .service(resource(WEBHOOK, [(actix_web::http::Method::POST, || route().to(webhooks::take))]))
        .service(resource("/api/openapi.json", [(actix_web::http::Method::GET, || route().to(description))]))
        .service(resource("/health", [(actix_web::http::Method::GET, || route().to(health::health))]))
        .service(resource("/ready", [(actix_web::http::Method::GET, || route().to(health::ready))]))
        .default_service(web::route().to(async || Err::<HttpResponse, Problem>(Problem::no_such_page())));
}

async fn description() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::json())
}
