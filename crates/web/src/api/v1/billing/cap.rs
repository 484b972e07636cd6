//! `PUT` and `DELETE /instances/{id}/billing/cap`: the most that usage beyond the plan may cost in a period.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, billing};
use howdah_domain::{Currency, Money};

use super::wire::{Amount, Bill};
use crate::body::Json;
use crate::caller::Caller;
use crate::problem::{Problem, invalid};
use crate::resource::id;

/// Set the most that usage beyond the plan may cost in a period. 0: nothing ever does.
#[utoipa::path(
    put, path = "/api/v1/instances/{id}/billing/cap", tag = "billing", operation_id = "setSpendingCap",
    request_body = Amount,
    responses((status = 200, description = "The bill, as it is now.", body = Bill))
)]
pub async fn set(caller: Caller, app: web::Data<App>, request: HttpRequest, body: Json<Amount>) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let bill = billing::bill(&app, &caller, id).await?;
    let Amount { currency, minor } = &body.value;
    let wrong = |sentence: &str| invalid("currency", "malformed", sentence);
    let currency: Currency = currency.parse().map_err(|_| wrong("A currency is three capital letters of ISO 4217."))?;
    if let Some(paid) = bill.subscription.map(|it| it.monthly.currency).filter(|it| *it != currency) {
        return Err(wrong(&format!("The limit is of the currency that is paid in: {paid}.")).into());
    }
    billing::set_cap(&app, &caller, id, Some(Money::new(*minor, currency))).await?;
    Ok(HttpResponse::Ok().json(Bill::from(billing::bill(&app, &caller, id).await?)))
}

/// Lift that limit.
#[utoipa::path(
    delete, path = "/api/v1/instances/{id}/billing/cap", tag = "billing", operation_id = "liftSpendingCap",
    responses((status = 200, description = "The bill, as it is now.", body = Bill))
)]
pub async fn lift(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    billing::bill(&app, &caller, id).await?;
    billing::set_cap(&app, &caller, id, None).await?;
    Ok(HttpResponse::Ok().json(Bill::from(billing::bill(&app, &caller, id).await?)))
}
