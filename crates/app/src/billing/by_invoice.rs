//! A server is paid for by invoices that are sent: for those who can't pay by card.

use howdah_billing::Operation;
use howdah_billing::customer::Address;
use howdah_billing::subscription::{self, NewByInvoice, NewItem};
use howdah_db::models::billing::BillingOperation;
use howdah_db::models::instance::Instance;
use howdah_domain::InstanceId;
use howdah_domain::billing::facts::Sold;
use howdah_domain::money::Currency;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::checkout::{may_be_paid, payable};
use super::operation::{begin, customer};
use super::sync::sync;
use crate::{Actor, App, Error, FieldError, instances};

/// Days to pay an invoice.
pub const DAYS_UNTIL_DUE: u32 = 30;

/// As it was typed.
#[derive(Debug, Clone, Default)]
pub struct InvoiceOrder {
    /// The buyer's own, on each invoice.
    pub order_number: String,
    pub line1: String,
    pub line2: String,
    pub postal_code: String,
    pub city: String,
    /// ISO 3166-1, two letters.
    pub country: String,
    pub currency: Option<Currency>,
}

/// Orders the server's plan, to be paid by invoices that are sent. It starts at once: the first invoice is due in 30 days.
///
/// # Errors
/// As [`super::pay`]; [`Error::Invalid`] with every field that is missing or too long.
pub async fn order_by_invoice(app: &App, actor: &Actor, id: InstanceId, order: &InvoiceOrder) -> Result<(), Error> {
    actor.may_pay()?;
    let billing = app.billing()?;
    let address = address(order)?;
    let server = payable(&mut *app.conn().await?, actor, id).await?;
    let customer = customer(app, billing, actor).await?;
    let currency = match customer.currency.as_deref().map(str::parse) {
        Some(fixed) => fixed.map_err(Error::internal)?,
        None => order.currency.unwrap_or(billing.currency),
    };
    let price = billing.price(&Sold::Plan(server.plan.clone()), currency).await?;
    let number = Some(order.order_number.trim().to_owned()).filter(|it| !it.is_empty());
    // Another address is another request; whose it is stays with the provider.
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(format!("{order:?}")));
    let mut conn = app.conn().await?;
    let asked = howdah_db::transaction(&mut conn, async |conn| {
        let server = Instance::lock(conn, server.id).await?.ok_or(Error::NotFound { what: "server" })?;
        may_be_paid(conn, &server).await?;
        let wanted = json!({"price": price.id, "plan": server.plan, "digest": digest});
        let asked = begin(app, conn, server.account_id, Some(server.id), "subscribe", wanted).await?;
        instances::audit(app, conn, instances::audit_actor(actor), "billing.order_by_invoice", &server, json!({"price": price.id})).await?;
        Ok::<_, Error>(asked)
    })
    .await?;
    drop(conn);
    let new = NewByInvoice {
        customer: customer.id.clone(),
        instance: id,
        items: vec![NewItem { price: price.id, quantity: 1 }],
        description: server.domain.clone(),
        days_until_due: DAYS_UNTIL_DUE,
        order_number: number,
        address,
        automatic_tax: billing.automatic_tax,
    };
    let made = subscription::create_by_invoice(&billing.stripe, &new, Operation::new(asked.id, "subscribe")).await?;
    BillingOperation::made(&mut *app.conn().await?, asked.id, &made.id, app.now()).await?;
    sync(app, &customer.id).await.map(drop)
}

fn address(order: &InvoiceOrder) -> Result<Address, Error> {
    let mut fields = Vec::new();
    let mut field = |field: &'static str, text: &str, label: &str, is_needed: bool| {
        let text = text.trim().to_owned();
        if is_needed && text.is_empty() {
            fields.push(FieldError { field, reason: "missing", sentence: format!("An invoice needs {label}.") });
        } else if text.chars().count() > 200 {
            fields.push(FieldError { field, reason: "too_long", sentence: format!("Use at most 200 characters for {label}.") });
        }
        text
    };
    let line1 = field("line1", &order.line1, "a street and number, or a name and what is below it", true);
    let line2 = field("line2", &order.line2, "the second line", false);
    let postal_code = field("postal_code", &order.postal_code, "the postal code", false);
    let city = field("city", &order.city, "a city", true);
    field("order_number", &order.order_number, "the order number", false);
    let country = order.country.trim().to_ascii_uppercase();
    if !(country.len() == 2 && country.bytes().all(|it| it.is_ascii_uppercase())) {
        let sentence = "The country is two letters, as in addresses of the internet: DE, FR, US.".to_owned();
        fields.push(FieldError { field: "country", reason: "unknown", sentence });
    }
    if !fields.is_empty() {
        return Err(Error::Invalid { fields });
    }
    let some = |text: String| Some(text).filter(|it| !it.is_empty());
    Ok(Address { line1, line2: some(line2), postal_code: some(postal_code), city, state: None, country })
}
