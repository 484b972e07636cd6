//! Customers: one an account, with all that it pays for.

use howdah_domain::AccountId;
use stripe_core::customer::{CreateCustomer, ListCustomer, OptionalFieldsCustomerAddress, RetrieveCustomer, UpdateCustomer};
use stripe_types::RangeQueryTs;

use crate::operation::{metadata, metadata_of};
use crate::read::{all, ask, id, post};
use crate::{BillingError, Operation, Stripe, objects};

#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    pub id: String,
    /// By the metadata that we gave it; absent where somebody else made it.
    pub account: Option<AccountId>,
    pub email: Option<String>,
    pub name: Option<String>,
    /// Whether later invoices have something to be paid with.
    pub can_pay: bool,
}

impl std::fmt::Debug for Customer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Customer").field("id", &self.id).field("account", &self.account).finish_non_exhaustive()
    }
}

/// Whom and where invoices are for.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub line1: String,
    pub line2: Option<String>,
    pub postal_code: Option<String>,
    pub city: String,
    pub state: Option<String>,
    /// ISO 3166-1, two letters.
    pub country: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("country", &self.country).finish_non_exhaustive()
    }
}

/// The account's customer at Stripe: what this operation made before, or a new one.
///
/// # Errors
/// Where Stripe can't be asked or refuses.
pub async fn ensure(stripe: &Stripe, account: AccountId, email: &str, name: &str, operation: Operation) -> Result<Customer, BillingError> {
    if let Some(made) = made_by(stripe, account, email, operation).await? {
        return Ok(made);
    }
    let request = CreateCustomer::new()
        .email(email)
        .name(name)
        .metadata(metadata_of([(metadata::ACCOUNT, account.to_string()), (metadata::OPERATION, operation.id().to_string())]));
    let made = post(stripe, &request, operation.key()).await?;
    Ok(customer(&made))
}

/// Stripe lists customers by the time they were made, and not by metadata: none is older than the operation, but for a clock
/// that is slow.
async fn made_by(stripe: &Stripe, account: AccountId, email: &str, operation: Operation) -> Result<Option<Customer>, BillingError> {
    const SLOW_CLOCK: i64 = 3600;
    let request = ListCustomer::new().limit(100);
    let request = match operation.begun() {
        Some(begun) => request.created(RangeQueryTs::gte(begun.timestamp() - SLOW_CLOCK)),
        None => request.email(email),
    };
    let made: Vec<objects::Customer> = all(stripe, &request).await?;
    let found = made.iter().find(|it| crate::operation::made_by(it.metadata.as_ref(), operation));
    Ok(found.map(customer).filter(|it| it.account == Some(account)))
}

/// # Errors
/// [`BillingError::Missing`] where there is none of this id, or it was deleted.
pub async fn get(stripe: &Stripe, customer: &str) -> Result<Customer, BillingError> {
    let request = RetrieveCustomer::new(id("a customer", customer)?);
    let theirs: objects::Customer = ask(stripe, &request).await?;
    let missing = || BillingError::Missing { object: format!("customer: '{customer}'") };
    if theirs.deleted { Err(missing()) } else { Ok(self::customer(&theirs)) }
}

/// # Errors
/// Where Stripe can't be asked or refuses.
pub async fn update(stripe: &Stripe, customer: &str, email: &str, name: &str, operation: Operation) -> Result<Customer, BillingError> {
    let request = UpdateCustomer::new(id("a customer", customer)?).email(email).name(name);
    let theirs = post(stripe, &request, operation.key()).await?;
    Ok(self::customer(&theirs))
}

/// # Errors
/// Where Stripe can't be asked or refuses.
pub async fn set_address(stripe: &Stripe, customer: &str, address: &Address, operation: Operation) -> Result<Customer, BillingError> {
    let address = OptionalFieldsCustomerAddress {
        line1: Some(address.line1.clone()),
        line2: address.line2.clone(),
        postal_code: address.postal_code.clone(),
        city: Some(address.city.clone()),
        state: address.state.clone(),
        country: Some(address.country.clone()),
    };
    let request = UpdateCustomer::new(id("a customer", customer)?).address(address);
    let theirs = post(stripe, &request, operation.key_of("address")).await?;
    Ok(self::customer(&theirs))
}

fn customer(theirs: &objects::Customer) -> Customer {
    let by_invoices = theirs.invoice_settings.as_ref().and_then(|it| it.default_payment_method.as_ref()).is_some();
    Customer {
        id: theirs.id.clone(),
        account: theirs.metadata.as_ref().and_then(|it| it.get(metadata::ACCOUNT)).and_then(|it| it.parse().ok()),
        email: theirs.email.clone(),
        name: theirs.name.clone(),
        can_pay: by_invoices || theirs.default_source.is_some(),
    }
}
