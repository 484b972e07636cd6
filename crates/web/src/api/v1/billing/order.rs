//! `POST /instances/{id}/billing/order-by-invoice`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::billing::{BillView, InvoiceOrder};
use howdah_app::{App, billing, idempotency};
use serde::Deserialize;
use utoipa::ToSchema;

use super::wire::Bill;
use crate::body::Json;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, once};
use crate::problem::{Problem, invalid};
use crate::resource::id;

/// An order that is paid by invoices: the buyer's address, as it stands on them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvoiceOrder {
    /// The buyer's own, on each invoice.
    #[serde(default)]
    #[schema(max_length = 200)]
    order_number: String,
    #[schema(max_length = 200)]
    line1: String,
    #[serde(default)]
    #[schema(max_length = 200)]
    line2: String,
    #[serde(default)]
    #[schema(max_length = 200)]
    postal_code: String,
    #[schema(max_length = 200)]
    city: String,
    /// ISO 3166-1, two letters.
    #[schema(min_length = 2, max_length = 2)]
    country: String,
    /// ISO 4217; without it, the platform's.
    #[serde(default)]
    #[schema(min_length = 3, max_length = 3)]
    currency: Option<String>,
}

impl TryFrom<NewInvoiceOrder> for InvoiceOrder {
    type Error = Problem;

    fn try_from(it: NewInvoiceOrder) -> Result<Self, Problem> {
        let NewInvoiceOrder { order_number, line1, line2, postal_code, city, country, currency } = it;
        let currency = currency.as_deref().map(str::parse).transpose();
        let currency = currency.map_err(|_| invalid("currency", "malformed", "A currency is three capital letters of ISO 4217."))?;
        Ok(Self { order_number, line1, line2, postal_code, city, country, currency })
    }
}

/// Order a server's plan, to be paid by invoices that are sent.
///
/// It starts at once: the first invoice is due in 30 days.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/billing/order-by-invoice", tag = "billing", operation_id = "orderByInvoice",
    request_body = NewInvoiceOrder,
    responses((status = 201, description = "The bill, as it is now.", body = Bill))
)]
pub async fn order(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: Json<NewInvoiceOrder>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let asked = InvoiceOrder::try_from(body.value)?;
    let change = async {
        billing::order_by_invoice(&app, &caller, id, &asked).await?;
        billing::bill(&app, &caller, id).await
    };
    once(key, StatusCode::CREATED, |it: &BillView| Bill::from(it.clone()), async |key| idempotency::around(&app, key, change).await).await
}
