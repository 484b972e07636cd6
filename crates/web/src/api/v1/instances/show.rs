//! `GET /instances/{id}`: one server.

use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, instances};

use super::wire::Instance;
use crate::caller::Caller;
use crate::conditional::etag;
use crate::problem::Problem;
use crate::resource::id;

/// One server.
#[utoipa::path(
    get, path = "/api/v1/instances/{id}", tag = "instances", operation_id = "getInstance",
    responses((status = 200, description = "The server.", body = Instance, headers(("ETag" = String, description = "For If-Match."))))
)]
pub async fn show(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let view = instances::get(&app, &caller, id(&request, "server")?).await?;
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(view.revision))).json(Instance::from(view)))
}
