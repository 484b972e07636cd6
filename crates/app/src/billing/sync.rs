//! A customer's subscriptions and invoices, read whole and folded into the record.
//!
//! Reads are numbered before they begin, and one that began before what was folded in last is dropped: a slow answer never takes the
//! place of a newer one. Nothing is decided while the provider is away: the record stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use howdah_billing::{BillingError, invoice, subscription};
use howdah_db::Conn;
use howdah_db::models::billing::{BillingCustomer, LedgerEntry, SubscriptionRow};
use howdah_db::models::instance::Instance;
use howdah_domain::billing::facts::{Invoice, Subscription};
use howdah_domain::billing::fold;
use uuid::Uuid;

use super::{Billing, ledger, rows, standing, usage};
use crate::{App, Error};

/// Entries of the ledger in one statement.
const POSTED_TOGETHER: usize = 500;

/// All of a customer's, in one read.
struct Whole {
    subscriptions: Vec<Subscription>,
    invoices: Vec<Invoice>,
}

/// What a sync came to, in a sentence for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Synced {
    /// How many servers it was of.
    Folded(usize),
    /// A read that began later was folded in before.
    Overtaken,
    /// Nobody of ours.
    Unknown,
}

impl Synced {
    pub fn sentence(&self) -> String {
        match self {
            Self::Folded(1) => "Read anew; one server is of it.".to_owned(),
            Self::Folded(servers) => format!("Read anew; {servers} servers are of it."),
            Self::Overtaken => "A newer read was there before.".to_owned(),
            Self::Unknown => "It is of no customer of this platform.".to_owned(),
        }
    }
}

pub(super) async fn sync(app: &App, customer: &str) -> Result<Synced, Error> {
    let billing = app.billing()?;
    let Some(number) = BillingCustomer::begin_read(&mut *app.conn().await?, customer).await? else { return Ok(Synced::Unknown) };
    // No connection is held while the provider is asked.
    let whole = read(billing, customer).await?;
    let mut conn = app.conn().await?;
    let (synced, duplicates) = howdah_db::transaction(&mut conn, async |conn| fold_in(app, conn, customer, number, &whole).await).await?;
    drop(conn);
    for duplicate in duplicates {
        // Two tabs: the server has another one that runs. What was paid for this one is an operator's to give back.
        tracing::warn!(subscription = duplicate, "a second subscription of one server is cancelled");
        subscription::cancel_now(&billing.stripe, &duplicate).await?;
    }
    usage::charge(app, billing, &whole.subscriptions, &whole.invoices).await?;
    Ok(synced)
}

async fn read(billing: &Billing, customer: &str) -> Result<Whole, BillingError> {
    let (subscriptions, invoices) =
        tokio::try_join!(subscription::of_customer(&billing.stripe, customer), invoice::of_customer(&billing.stripe, customer))?;
    Ok(Whole { subscriptions, invoices })
}

/// Also answers the subscriptions that go on beside one that runs.
async fn fold_in(app: &App, conn: &mut Conn, customer: &str, number: i64, whole: &Whole) -> Result<(Synced, Vec<String>), Error> {
    let Some(row) = BillingCustomer::lock(conn, customer).await? else { return Ok((Synced::Unknown, Vec::new())) };
    if row.read_folded >= number {
        return Ok((Synced::Overtaken, Vec::new()));
    }
    let mut servers: BTreeMap<String, Option<Uuid>> = BTreeMap::new();
    for known in SubscriptionRow::of_customer(conn, customer).await? {
        servers.insert(known.id, known.instance_id);
    }
    for it in &whole.subscriptions {
        let instance = server_of(conn, &row, it).await?;
        servers.insert(it.id.clone(), instance);
        rows::subscription(it, instance, app.now()).put(conn).await?;
    }
    let mut entries = Vec::new();
    for it in &whole.invoices {
        rows::invoice(it, app.now()).put(conn).await?;
        let instance = it.subscription.as_ref().and_then(|id| servers.get(id)).copied().flatten();
        entries.extend(ledger::entries_of(app, it, instance)?);
    }
    for some in entries.chunks(POSTED_TOGETHER) {
        LedgerEntry::post(conn, some).await?;
    }
    let ids: BTreeSet<Uuid> = servers.values().copied().flatten().collect();
    let mut duplicates = Vec::new();
    for server in &ids {
        duplicates.extend(fold_one(app, conn, *server, whole).await?);
    }
    let currency = whole.subscriptions.first().map(|it| it.currency.to_string());
    BillingCustomer::folded(conn, customer, number, currency.as_deref(), app.now()).await?;
    Ok((Synced::Folded(ids.len()), duplicates))
}

/// By the metadata, where that names a server of this account: whoever can write there may name any.
async fn server_of(conn: &mut Conn, customer: &BillingCustomer, it: &Subscription) -> Result<Option<Uuid>, Error> {
    let Some(id) = it.instance else { return Ok(None) };
    let instance = Instance::by_id(conn, id.as_uuid()).await?;
    Ok(instance.filter(|it| it.account_id == customer.account_id).map(|it| it.id))
}

async fn fold_one(app: &App, conn: &mut Conn, server: Uuid, whole: &Whole) -> Result<Vec<String>, Error> {
    let Some(instance) = Instance::lock(conn, server).await?.filter(|it| it.tombstoned_at.is_none()) else { return Ok(Vec::new()) };
    let known: Vec<String> = SubscriptionRow::of_instance(conn, server).await?.into_iter().map(|it| it.id).collect();
    let of_it: Vec<Subscription> = whole.subscriptions.iter().filter(|it| known.contains(&it.id)).cloned().collect();
    // What was given back is not read: it counts as paid, to the end of its period.
    let read = fold::Read { subscriptions: &of_it, invoices: &whole.invoices, refunded: &[], known: &known, now: app.now() };
    let grant = standing::grant(conn, &instance).await?;
    match fold::standing(&read, grant.as_ref()) {
        Ok(folded) => {
            let chosen = of_it.iter().find(|it| Some(&it.id) == folded.subscription.as_ref());
            standing::apply(app, conn, instance, &folded, chosen).await?;
            Ok(folded.duplicates)
        }
        Err(missing) => {
            tracing::warn!(instance.id = %server, error = %missing, "a server's standing stays as it was");
            Ok(Vec::new())
        }
    }
}
