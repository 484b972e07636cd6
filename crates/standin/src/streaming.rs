//! The streaming process: a program of its own, with the two stores and nothing else of the server's secrets.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde::Deserialize;

use crate::config::StreamingConfig;
use crate::database::Pool;
use crate::faults::Fault;
use crate::jobs::Jobs;

struct Streaming {
    config: StreamingConfig,
    database: Pool,
}

#[derive(Deserialize)]
struct Token {
    access_token: Option<String>,
}

pub async fn serve(config: StreamingConfig) -> anyhow::Result<()> {
    config.faults.start_slowly().await?;
    config.faults.fail_at(Fault::StreamingCrash)?;
    // The real one connects before it listens, and exits where it can't.
    drop(crate::database::connect(&config.database).await?);
    Jobs::connect(&config.redis).await?.ping().await?;
    let port = config.port;
    let state = web::Data::new(Streaming { database: Pool::new(&config.database, config.database.pool), config });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .route("/api/v1/streaming/health", web::get().to(|| async { HttpResponse::Ok().content_type("text/plain").body("OK") }))
            .route("/metrics", web::get().to(metrics))
            .route("/api/v1/streaming", web::get().to(stream))
            .route("/api/v1/streaming/{tail:.*}", web::get().to(stream))
    })
    .workers(1)
    .shutdown_timeout(5)
    .bind(("0.0.0.0", port))?
    .run();
    tracing::info!("Streaming API now listening on 0.0.0.0:{port}");
    Ok(server.await?)
}

async fn metrics(state: web::Data<Streaming>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(format!(
        "# TYPE pg_pool_max_connections gauge\npg_pool_max_connections {}\n# TYPE connected_clients gauge\nconnected_clients{{type=\"websocket\"}} 0\n",
        state.config.database.pool
    ))
}

/// A token is looked up directly in PostgreSQL; without a good one there is nothing to hear, with one there is only silence.
async fn stream(state: web::Data<Streaming>, query: web::Query<Token>, request: HttpRequest) -> HttpResponse {
    let bearer = request.headers().get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ").map(str::to_owned));
    let Some(token) = bearer.or_else(|| query.into_inner().access_token) else {
        return HttpResponse::Unauthorized().json(serde_json::json!({"error": "Missing access token"}));
    };
    match known(&state, &token).await {
        Ok(true) => HttpResponse::Ok().content_type("text/event-stream").body(":)\n"),
        Ok(false) => HttpResponse::Unauthorized().json(serde_json::json!({"error": "Invalid access token"})),
        Err(error) => {
            tracing::error!("{error:#}");
            HttpResponse::InternalServerError().finish()
        }
    }
}

async fn known(state: &Streaming, token: &str) -> anyhow::Result<bool> {
    let client = state.database.get().await?;
    let row = client.query_opt("SELECT 1 FROM oauth_access_tokens WHERE token = $1 AND revoked_at IS NULL", &[&token]).await?;
    Ok(row.is_some())
}
