//! Puma's part: pages, federation and API of one server, on one thread.

mod auth;
mod federation;
mod guard;
mod pages;
mod site;

use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, web};

pub use site::{Site, self_destructing};

use crate::config::Config;
use crate::faults::Fault;

/// Serves until it is told to stop (SIGTERM), finishing what it has begun.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    config.faults.start_slowly().await?;
    config.faults.fail_at(Fault::WebCrash)?;
    let port = config.port;
    let site = web::Data::new(Site::new(config)?);
    let watched = site.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(site.clone())
            .app_data(web::PayloadConfig::new(1 << 20))
            .wrap(from_fn(guard::self_destruct))
            .wrap(from_fn(guard::public_file))
            .wrap(from_fn(guard::https))
            .wrap(from_fn(guard::host))
            .configure(routes)
    })
    .workers(1)
    .shutdown_timeout(5)
    .bind(("0.0.0.0", port))?
    .run();
    tracing::info!("Puma starting in single mode... listening on http://0.0.0.0:{port}");
    if watched.config.faults.has(Fault::WebCrashAfterReady) {
        tokio::select! {
            stopped = server => Ok(stopped?),
            () = ready_for_a_while(&watched) => watched.config.faults.fail_at(Fault::WebCrashAfterReady),
        }
    } else {
        Ok(server.await?)
    }
}

/// Ends some seconds after the first health check was answered.
async fn ready_for_a_while(site: &Site) {
    site.answered_health.notified().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
}

fn routes(app: &mut web::ServiceConfig) {
    app.route("/health", web::get().to(pages::health))
        .route("/", web::get().to(pages::front))
        .route("/about", web::get().to(pages::front))
        .route("/@{name}", web::get().to(pages::profile))
        .route("/.well-known/webfinger", web::get().to(federation::webfinger))
        .route("/.well-known/host-meta", web::get().to(federation::host_meta))
        .route("/.well-known/nodeinfo", web::get().to(federation::nodeinfo_index))
        .route("/nodeinfo/2.0", web::get().to(federation::nodeinfo))
        .route("/api/v2/instance", web::get().to(federation::instance))
        .route("/api/v1/instance/rules", web::get().to(federation::rules))
        .route("/api/v1/instance/privacy_policy", web::get().to(federation::privacy_policy))
        .route("/users/{name}", web::get().to(federation::actor))
        .route("/users/{name}/outbox", web::get().to(federation::empty_collection))
        .route("/users/{name}/followers", web::get().to(federation::empty_collection))
        .route("/users/{name}/following", web::get().to(federation::empty_collection))
        .route("/inbox", web::post().to(federation::take_in))
        .route("/users/{name}/inbox", web::post().to(federation::take_in))
        .route("/standin/inbox", web::get().to(federation::taken_in))
        .route("/auth/sign_in", web::get().to(auth::sign_in_form))
        .route("/auth/sign_in", web::post().to(auth::sign_in))
        .route("/auth/password/new", web::get().to(auth::forgotten_form))
        .route("/auth/password/edit", web::get().to(auth::new_password_form))
        .route("/auth/password", web::post().to(auth::set_password))
        .route("/auth/password", web::put().to(auth::set_password))
        .default_service(web::to(|| async { HttpResponse::NotFound().content_type("text/html; charset=utf-8").body("<h1>404</h1>") }));
}
