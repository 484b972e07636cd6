//! Nobody pays for a server that leaves: its subscription ends with the period that is paid, or at once when the server is gone. Whoever
//! takes the leaving back has it go on.

use howdah_billing::{Operation, subscription};
use howdah_db::models::billing::{BillingCustomer, BillingOperation, SubscriptionRow};
use serde_json::{Value, json};

use super::operation::begin;
use super::sync::sync;
use crate::{App, Error};

/// At one tick.
const MOST: i64 = 200;

/// One that fails holds up no other, and is tried again by the next tick.
pub(super) async fn look_after(app: &App) -> Result<(), Error> {
    let mut conn = app.conn().await?;
    let leaving = SubscriptionRow::of_leaving(&mut conn, MOST).await?;
    let staying = SubscriptionRow::of_staying(&mut conn, MOST).await?;
    drop(conn);
    for (row, is_gone) in leaving {
        told(&row, end(app, &row, is_gone).await);
    }
    for row in staying {
        told(&row, go_on(app, &row).await);
    }
    Ok(())
}

fn told(row: &SubscriptionRow, result: Result<(), Error>) {
    if let Err(error) = result {
        tracing::warn!(subscription = row.id, error = error.internal_text(), "a subscription could not follow its server");
    }
}

async fn end(app: &App, row: &SubscriptionRow, is_gone: bool) -> Result<(), Error> {
    let stripe = &app.billing()?.stripe;
    if is_gone {
        subscription::cancel_now(stripe, &row.id).await?;
        return sync(app, &row.customer_id).await.map(drop);
    }
    let asked = asked(app, row, "cancel", json!({"leaving": true})).await?;
    subscription::cancel_at_period_end(stripe, &row.id, Operation::new(asked.id, "cancel")).await?;
    ended(app, row, &asked).await
}

/// Only what ended because the server left: what its people ended, they take back.
async fn go_on(app: &App, row: &SubscriptionRow) -> Result<(), Error> {
    let last = BillingOperation::newest_about(&mut *app.conn().await?, &row.id).await?;
    if last.is_none_or(|it| it.kind != "cancel" || it.wanted["leaving"] != Value::Bool(true)) {
        return Ok(());
    }
    let asked = asked(app, row, "take_back", json!({"leaving": false})).await?;
    subscription::take_back(&app.billing()?.stripe, &row.id, Operation::new(asked.id, "take-back")).await?;
    ended(app, row, &asked).await
}

async fn asked(app: &App, row: &SubscriptionRow, kind: &str, wanted: Value) -> Result<BillingOperation, Error> {
    let missing = || Error::internal(format!("{} is of no server", row.id));
    let instance = row.instance_id.ok_or_else(missing)?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let customer = BillingCustomer::by_id(conn, &row.customer_id).await?.ok_or_else(missing)?;
        begin(app, conn, customer.account_id, Some(instance), kind, wanted).await
    })
    .await
}

async fn ended(app: &App, row: &SubscriptionRow, asked: &BillingOperation) -> Result<(), Error> {
    BillingOperation::made(&mut *app.conn().await?, asked.id, &row.id, app.now()).await?;
    sync(app, &row.customer_id).await.map(drop)
}
