//! What is asked of the provider is in the record before it is asked, under the id that makes asking twice the same as once.

use chrono::TimeDelta;
use howdah_billing::customer;
use howdah_db::models::account::Account;
use howdah_db::models::billing::{BillingCustomer, BillingOperation};
use howdah_db::models::person::Person;
use howdah_db::{Conn, QueryErrorExt};
use howdah_domain::AccountId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Billing;
use crate::{Actor, App, Error};

/// The provider knows an idempotency key for a day.
const ASKED_AGAIN: TimeDelta = TimeDelta::hours(20);

/// One takes the other back: whoever wants one wants the other no more.
const OPPOSITES: [&str; 2] = ["cancel", "take_back"];

/// The one of its kind that was asked for before and is not known to have been answered, or a new one.
pub(super) async fn begin(
    app: &App,
    conn: &mut Conn,
    account: Uuid,
    instance: Option<Uuid>,
    kind: &str,
    wanted: Value,
) -> Result<BillingOperation, Error> {
    let open = BillingOperation::open(conn, account, instance, kind).await?;
    let open = open.filter(|it| it.wanted == wanted && app.now() - it.created_at < ASKED_AGAIN);
    let kinds: &[&str] = if OPPOSITES.contains(&kind) { &OPPOSITES } else { &[kind] };
    BillingOperation::give_up_others(conn, instance, account, kinds, open.as_ref().map(|it| it.id), app.now()).await?;
    if let Some(open) = open {
        return Ok(open);
    }
    let row = BillingOperation {
        id: new_id(app),
        account_id: account,
        instance_id: instance,
        kind: kind.to_owned(),
        wanted,
        created_at: app.now(),
        ended_at: None,
        made: None,
        failed: None,
    };
    row.insert(conn).await?;
    Ok(row)
}

/// A UUIDv7: the provider is searched for what was made since the time in it.
pub(super) fn new_id(app: &App) -> Uuid {
    howdah_domain::OperationId::generate(app.now(), &*app.randomness).as_uuid()
}

/// The account's customer at the provider, made where there is none.
pub(super) async fn customer(app: &App, billing: &Billing, actor: &Actor) -> Result<BillingCustomer, Error> {
    let account = actor.account.as_uuid();
    let mut conn = app.conn().await?;
    if let Some(known) = BillingCustomer::of_account(&mut conn, account).await? {
        return Ok(known);
    }
    let (operation, name, email) = howdah_db::transaction(&mut conn, async |conn| {
        let locked = Account::lock(conn, account).await?.ok_or(Error::NotFound { what: "account" })?;
        let person = Person::by_id(conn, actor.person.as_uuid()).await?.ok_or(Error::NotFound { what: "person" })?;
        let operation = begin(app, conn, account, None, "customer", json!({})).await?;
        Ok::<_, Error>((operation, locked.name, person.email))
    })
    .await?;
    drop(conn);
    let asked = howdah_billing::Operation::new(operation.id, "customer");
    let made = customer::ensure(&billing.stripe, AccountId::from_uuid(account), &email, &name, asked).await?;
    let mut conn = app.conn().await?;
    keep_customer(app, &mut conn, account, operation.id, &made.id).await
}

/// Whoever asked at the same time has kept the same one.
async fn keep_customer(app: &App, conn: &mut Conn, account: Uuid, operation: Uuid, made: &str) -> Result<BillingCustomer, Error> {
    howdah_db::transaction(conn, async |conn| {
        let row = BillingCustomer {
            id: made.to_owned(),
            account_id: account,
            currency: None,
            created_at: app.now(),
            read_at: None,
            reads_begun: 0,
            read_folded: 0,
            replaced_at: None,
        };
        row.insert(conn).await.map_err(|error| match error.unique_violation() {
            Some(_) => Error::internal("an account has two customers at the payment provider"),
            None => error.into(),
        })?;
        BillingOperation::made(conn, operation, made, app.now()).await?;
        BillingCustomer::by_id(conn, made).await?.ok_or_else(|| Error::internal("a customer that was kept is not there"))
    })
    .await
}
