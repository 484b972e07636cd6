//! A server is paid for: a page of the provider's, one a server at a time, and what happens when the customer comes back from it.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use howdah_billing::catalogue::{self, CataloguePrice};
use howdah_billing::checkout::{self, CheckoutStatus, NewCheckout};
use howdah_billing::subscription::NewItem;
use howdah_billing::{BillingError, Operation};
use howdah_db::Conn;
use howdah_db::models::billing::{BillingOperation, Checkout, SubscriptionRow};
use howdah_db::models::instance::Instance;
use howdah_domain::billing::facts::Sold;
use howdah_domain::money::Currency;
use howdah_domain::{Desired, Hold, InstanceId};
use serde_json::json;

use super::sync::sync;
use super::{Billing, operation, rows};
use crate::{Actor, App, Error, instances};

/// As long as the provider keeps a page.
const OPEN_FOR: TimeDelta = TimeDelta::hours(23);
/// One that ends in less is not shown any more.
const LEAST_LEFT: TimeDelta = TimeDelta::minutes(5);
/// How long what is sold is remembered.
const PRICES_FOR: Duration = Duration::from_secs(300);

/// What is sold now.
#[derive(Debug, Clone)]
pub(super) struct Prices {
    read: Instant,
    all: Vec<CataloguePrice>,
}

/// Where the customer pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payable {
    pub url: String,
}

impl Billing {
    /// The price of a plan or add-on that is sold now.
    pub(super) async fn price(&self, sold: &Sold, currency: Currency) -> Result<CataloguePrice, Error> {
        let is_it = |it: &&CataloguePrice| it.sold == *sold && it.amount.currency == currency;
        if let Some(prices) = self.prices.read().await.as_ref().filter(|it| it.read.elapsed() < PRICES_FOR)
            && let Some(found) = prices.all.iter().find(is_it)
        {
            return Ok(found.clone());
        }
        let all = catalogue::prices(&self.stripe).await?;
        let found = all.iter().find(is_it).cloned();
        *self.prices.write().await = Some(Prices { read: Instant::now(), all });
        found.ok_or_else(|| {
            let sentence = format!("This can't be paid for in {currency} at the moment: its price is missing. The support was told.");
            tracing::error!(?sold, %currency, "a price of the catalogue is missing at the payment provider: run `howdah admin billing-sync`");
            Error::Conflict { reason: "price_missing", sentence }
        })
    }
}

/// A page at which the server is paid for: the one that is open, or a new one. Asked for in two tabs, it is the same.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`]; [`Error::Conflict`] for a server that is paid for, granted or leaving, where billing is off, and
/// where its plan has no price; [`Error::Unavailable`] while the provider is away.
pub async fn pay(app: &App, actor: &Actor, id: InstanceId, currency: Option<Currency>) -> Result<Payable, Error> {
    actor.may_pay()?;
    let billing = app.billing()?;
    let server = payable(&mut *app.conn().await?, actor, id).await?;
    if let Some(open) = Checkout::open(&mut *app.conn().await?, server.id).await? {
        if open.expires_at >= app.now() + LEAST_LEFT {
            return Ok(Payable { url: open.url });
        }
        shut(app, billing, &open).await?;
        may_be_paid(&mut *app.conn().await?, &server).await?;
    }
    let customer = operation::customer(app, billing, actor).await?;
    let currency = match customer.currency.as_deref().map(str::parse) {
        // The provider mixes none on a customer.
        Some(fixed) => fixed.map_err(Error::internal)?,
        None => currency.unwrap_or(billing.currency),
    };
    let price = billing.price(&Sold::Plan(server.plan.clone()), currency).await?;
    let mut conn = app.conn().await?;
    let asked = howdah_db::transaction(&mut conn, async |conn| {
        let server = Instance::lock(conn, server.id).await?.ok_or(Error::NotFound { what: "server" })?;
        may_be_paid(conn, &server).await?;
        let wanted = json!({"price": price.id, "plan": server.plan, "trial": trial(billing, &server).map(|it| it.days)});
        operation::begin(app, conn, server.account_id, Some(server.id), "checkout", wanted).await
    })
    .await?;
    drop(conn);
    let new = new(app, billing, &customer.id, (&server, &price), &asked);
    let opened = checkout::open(&billing.stripe, &new, Operation::new(asked.id, "checkout")).await?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| keep(app, conn, &server, &asked, &opened).await).await
}

/// A server that ran is no trial.
pub(super) fn trial(billing: &Billing, server: &Instance) -> Option<checkout::Trial> {
    billing.trial.filter(|_| server.launched_at.is_none())
}

/// The same for the same operation: asked again, it must be the same request.
fn new(
    app: &App,
    billing: &Billing,
    customer: &str,
    (server, price): (&Instance, &CataloguePrice),
    asked: &BillingOperation,
) -> NewCheckout {
    let page = format!("{}/servers/{}/billing", app.config.dashboard_url, server.slug);
    NewCheckout {
        customer: customer.to_owned(),
        instance: InstanceId::from_uuid(server.id),
        items: vec![NewItem { price: price.id.clone(), quantity: 1 }],
        description: server.domain.clone(),
        trial: trial(billing, server),
        success_url: format!("{page}/done?session={{CHECKOUT_SESSION_ID}}"),
        cancel_url: page,
        expires_at: asked.created_at + OPEN_FOR,
        automatic_tax: billing.automatic_tax,
        allow_promotion_codes: true,
        tax_id_collection: true,
    }
}

pub(super) async fn payable(conn: &mut Conn, actor: &Actor, id: InstanceId) -> Result<Instance, Error> {
    let server = instances::seen_by(conn, actor, id).await?;
    if server.account_id != actor.account.as_uuid() {
        let sentence = "A server is paid for by its own account. An operator can grant it.";
        return Err(Error::Forbidden { reason: "owners_only", sentence });
    }
    may_be_paid(conn, &server).await?;
    Ok(server)
}

pub(super) async fn may_be_paid(conn: &mut Conn, server: &Instance) -> Result<(), Error> {
    let conflict = |reason, sentence: &str| Err(Error::Conflict { reason, sentence: sentence.to_owned() });
    if server.tombstoned_at.is_some() || matches!(server.desired()?, Desired::Deleted { .. }) {
        return conflict("leaving", "This server is on its way out: take that back first.");
    }
    if matches!(server.desired()?, Desired::Suspended { by: Hold::Approval }) {
        return conflict("awaiting_approval", "An operator looks at this server first. Nothing is to be paid before that.");
    }
    if SubscriptionRow::of_instance(conn, server.id).await?.iter().any(rows::is_subscribed) {
        return conflict("subscribed", "This server has a subscription. Pay what is open of it, or change its means of payment.");
    }
    Ok(())
}

/// One page at a time, also in the last minutes of one: what was paid on it meanwhile counts.
async fn shut(app: &App, billing: &Billing, open: &Checkout) -> Result<(), Error> {
    let closed = checkout::expire(&billing.stripe, &open.id, Operation::new(open.operation_id, "expire")).await?;
    settle(app, &closed).await
}

async fn keep(
    app: &App,
    conn: &mut Conn,
    server: &Instance,
    asked: &BillingOperation,
    opened: &checkout::Checkout,
) -> Result<Payable, Error> {
    BillingOperation::made(conn, asked.id, &opened.id, app.now()).await?;
    let Some(url) = opened.url.clone().filter(|_| opened.status == CheckoutStatus::Open) else {
        let sentence = "This page was used or is over. Look at the server's bill, and try again if it is not paid for.".to_owned();
        return Err(Error::Conflict { reason: "checkout_over", sentence });
    };
    let row = Checkout {
        id: opened.id.clone(),
        instance_id: server.id,
        operation_id: asked.id,
        url: url.clone(),
        expires_at: opened.expires,
        ended_at: None,
        outcome: None,
    };
    if let Some(other) = Checkout::open(conn, server.id).await?.filter(|it| it.id != row.id) {
        Checkout::end(conn, &other.id, "expired", app.now()).await?;
    }
    row.insert(conn).await?;
    Ok(Payable { url })
}

/// The customer comes back from the provider's page: the same sync that an event brings, so that nobody waits for that.
///
/// # Errors
/// [`Error::NotFound`] for a page that is not of a server that the actor sees.
pub async fn finish(app: &App, actor: &Actor, session: &str) -> Result<InstanceId, Error> {
    actor.may_read()?;
    let billing = app.billing()?;
    let known = Checkout::by_id(&mut *app.conn().await?, session).await?.map(|it| InstanceId::from_uuid(it.instance_id));
    if let Some(known) = known {
        // Before anybody else's is asked for.
        instances::seen_by(&mut *app.conn().await?, actor, known).await?;
    }
    let not_found = || Error::NotFound { what: "page to pay at" };
    let theirs = match checkout::get(&billing.stripe, session).await {
        Err(BillingError::Missing { .. } | BillingError::NotAnId { .. }) => return Err(not_found()),
        theirs => theirs?,
    };
    // A page that was opened a moment before we were killed is not in the record, and is its server's all the same.
    let server = known.or(theirs.instance).ok_or_else(not_found)?;
    instances::seen_by(&mut *app.conn().await?, actor, server).await?;
    settle(app, &theirs).await?;
    Ok(server)
}

/// Notes what became of a page, and reads what its customer has by it.
pub(super) async fn settle(app: &App, theirs: &checkout::Checkout) -> Result<(), Error> {
    let outcome = match theirs.status {
        CheckoutStatus::Open => None,
        CheckoutStatus::Complete => Some("complete"),
        CheckoutStatus::Expired => Some("expired"),
    };
    if let Some(outcome) = outcome {
        Checkout::end(&mut *app.conn().await?, &theirs.id, outcome, app.now()).await?;
    }
    if let Some(customer) = &theirs.customer {
        sync(app, customer).await?;
    }
    Ok(())
}
