//! `PUT` and `DELETE /instances/{id}/grant`: a server runs free of charge.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use howdah_app::billing::{self, GrantRequest};
use howdah_app::{App, instances};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::v1::instances::wire::Instance;
use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// Why a server runs free of charge, and until when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// Without it, or null: until somebody ends it.
    #[serde(default)]
    until: Option<DateTime<Utc>>,
}

/// Let a server run free of charge, whatever its bill says: for operators. It takes the place of a grant before.
#[utoipa::path(
    put, path = "/api/v1/instances/{id}/grant", tag = "billing", operation_id = "grantServer",
    request_body = NewGrant,
    responses((status = 200, description = "The server, as it is now.", body = Instance))
)]
pub async fn grant(caller: Caller, app: web::Data<App>, request: HttpRequest, body: Json<NewGrant>) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let NewGrant { reason, until } = body.value;
    billing::grant(&app, &caller, id, &GrantRequest { reason, until }).await?;
    Ok(HttpResponse::Ok().json(Instance::from(instances::get(&app, &caller, id).await?)))
}

/// End a grant now: from then on the bill decides, and nothing is counted from before. For operators.
#[utoipa::path(
    delete, path = "/api/v1/instances/{id}/grant", tag = "billing", operation_id = "endGrant",
    responses((status = 200, description = "The server, as it is now.", body = Instance))
)]
pub async fn end(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    billing::end_grant(&app, &caller, id).await?;
    Ok(HttpResponse::Ok().json(Instance::from(instances::get(&app, &caller, id).await?)))
}
