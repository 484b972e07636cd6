//! `/health`: this process answers. `/ready`: and its database does, so that requests may be sent here.

use actix_web::{HttpResponse, web};
use howdah_app::App;
use serde_json::json;

use crate::problem::Problem;

pub async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

pub async fn ready(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    match app.database.conn().await {
        Ok(_) => Ok(HttpResponse::Ok().json(json!({"status": "ready"}))),
        Err(error) => {
            tracing::warn!(error = error.to_string(), "not ready");
            Err(Problem::not_ready())
        }
    }
}
