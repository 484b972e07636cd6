//! `GET /instances/{id}/billing`.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, billing};

use super::wire::Bill;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// What a server costs and why, what comes next, and its invoices.
#[utoipa::path(
    get, path = "/api/v1/instances/{id}/billing", tag = "billing", operation_id = "showBill",
    responses(
        (status = 200, description = "The bill.", body = Bill),
    )
)]
pub async fn show(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let bill = billing::bill(&app, &caller, id(&request, "server")?).await?;
    Ok(HttpResponse::Ok().json(Bill::from(bill)))
}
