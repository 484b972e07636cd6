//! The part of Stripe's API v1 that is imitated, a file a family of objects. A handler reads the form, acts on the world, and gives the
//! object back; [`crate::server`] has dealt with keys, idempotency and planned failures by then.

mod catalogue;
mod checkout;
mod customers;
mod discounts;
mod events;
mod expand;
mod invoice_items;
mod invoices;
mod money;
mod page;
mod payment_methods;
mod portal;
mod subscription_items;
mod subscriptions;
mod webhook_endpoints;

use serde_json::Value;

pub use events::with_pending as pending_event;

use crate::error::ApiError;
use crate::form::Form;
use crate::world::World;

/// What a handler gives.
pub type Answer = Result<Value, ApiError>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Delete,
}

impl Verb {
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// `path` is what follows `/v1/`.
pub fn answer(world: &mut World, verb: Verb, path: &str, form: &Form) -> Answer {
    let parts: Vec<&str> = path.split('/').collect();
    let object = match parts[0] {
        "products" | "prices" => catalogue::route(world, verb, &parts, form),
        "customers" => customers::route(world, verb, &parts, form),
        "checkout" => checkout::route(world, verb, &parts, form),
        "subscriptions" => subscriptions::route(world, verb, &parts, form),
        "subscription_items" => subscription_items::route(world, verb, &parts, form),
        "invoices" => invoices::route(world, verb, &parts, form),
        "invoiceitems" => invoice_items::route(world, verb, &parts, form),
        "billing_portal" => portal::route(world, verb, &parts, form),
        "webhook_endpoints" => webhook_endpoints::route(world, verb, &parts, form),
        "events" => events::route(world, verb, &parts, form),
        "promotion_codes" | "coupons" => discounts::route(world, verb, &parts, form),
        "payment_methods" => payment_methods::route(world, verb, &parts, form),
        "refunds" | "disputes" | "charges" | "payment_intents" | "invoice_payments" => money::route(world, verb, &parts, form),
        _ => nowhere(verb, &parts),
    }?;
    expand::expand(world, object, &form.texts("expand"))
}

fn nowhere(verb: Verb, parts: &[&str]) -> Answer {
    Err(ApiError::no_such_path(verb.name(), &format!("/v1/{}", parts.join("/"))))
}

/// `{"id": …, "object": …, "deleted": true}`.
fn deleted(kind: &str, id: &str) -> Value {
    serde_json::json!({"id": id, "object": kind, "deleted": true})
}
