//! Every night: what the provider has, what the record says, and what runs, compared one by one. What differs is read anew, or brought to
//! what the record says, and told.

use std::collections::BTreeSet;

use howdah_billing::subscription;
use howdah_db::models::billing::{BillingCustomer, InstanceBilling, Reconciliation, SubscriptionRow};
use howdah_db::models::instance::Instance;
use howdah_db::models::observation::Observation;
use howdah_domain::InstanceId;
use howdah_domain::billing::Access;
use howdah_domain::billing::policy::access;
use howdah_domain::billing::reconcile::{self, Difference, Paid, Power, Recorded, Remedy, Running};
use howdah_domain::money::Money;
use uuid::Uuid;

use super::operation::new_id;
use super::operator::DifferenceView;
use super::{Billing, rows, standing, sync::sync};
use crate::jobs::SyncInstance;
use crate::observer::translate;
use crate::{App, Error};

/// Customers that one page has.
const PAGE: i64 = 200;

/// Customer by customer: what is of one says nothing of another's.
pub(super) async fn run(app: &App) -> Result<(), Error> {
    let billing = app.billing()?;
    let began_at = app.now();
    let (mut compared, mut told) = (0, Vec::new());
    let mut after = String::new();
    loop {
        let page = BillingCustomer::page(&mut *app.conn().await?, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.clone();
        for customer in &page {
            match one(app, billing, customer).await {
                Ok((of_it, differences)) => {
                    compared += of_it;
                    told.extend(differences);
                }
                // The provider is away: all of it is for later.
                Err(error @ Error::Unavailable { .. }) => return Err(error),
                // One that can't be compared holds up no other.
                Err(error) => told.push(unreadable(customer, &error)),
            }
        }
    }
    let row = Reconciliation {
        id: new_id(app),
        began_at,
        ended_at: Some(app.now()),
        compared,
        differences: serde_json::to_value(&told).map_err(Error::internal)?,
    };
    Ok(row.insert(&mut *app.conn().await?).await?)
}

async fn one(app: &App, billing: &Billing, customer: &str) -> Result<(i64, Vec<DifferenceView>), Error> {
    let provider = subscription::of_customer(&billing.stripe, customer).await?;
    let (record, runs) = ours(app, customer).await?;
    let compared = i64::try_from(provider.len() + record.len()).unwrap_or(i64::MAX);
    let mut told = Vec::new();
    for it in reconcile::differences(&provider, &record, &runs).map_err(Error::internal)? {
        told.push(remedied(app, customer, it).await?);
    }
    Ok((compared, told))
}

fn unreadable(customer: &str, error: &Error) -> DifferenceView {
    let text = error.internal_text();
    tracing::warn!(customer, error = text, "a customer could not be compared");
    DifferenceView {
        kind: "unreadable".to_owned(),
        instance: None,
        subscription: None,
        sentence: format!("{customer} can't be compared: {text}"),
        done: "Nothing: an operator has to look.".to_owned(),
    }
}

/// The servers that a customer pays for, or did, as the record has them and as they were seen.
async fn ours(app: &App, customer: &str) -> Result<(Vec<Recorded>, Vec<Running>), Error> {
    let mut conn = app.conn().await?;
    let rows = SubscriptionRow::of_customer(&mut conn, customer).await?;
    let servers: BTreeSet<Uuid> = rows.iter().filter_map(|it| it.instance_id).collect();
    let (mut record, mut runs) = (Vec::new(), Vec::new());
    for id in servers {
        let Some(server) = Instance::by_id(&mut conn, id).await?.filter(|it| it.tombstoned_at.is_none()) else { continue };
        let folded = InstanceBilling::of(&conn, id).await?.and_then(|it| it.subscription_id);
        let seen = Observation::of(&mut conn, id).await?;
        let access = access(&standing::facts(app, &conn, &server).await?).access;
        let is_held = standing::allowed(&server)?.is_none();
        let is_changing =
            is_held || server.launched_at.is_none() || seen.as_ref().is_none_or(|it| it.observed_revision != Some(server.revision));
        let instance = InstanceId::from_uuid(id);
        if let Some(seen) = seen.as_ref().filter(|it| it.present) {
            runs.push(Running { instance, power: power(seen, access) });
        }
        let subscription = rows.iter().find(|it| Some(&it.id) == folded.as_ref()).map(paid).transpose()?;
        record.push(Recorded { instance, subscription, access, is_changing });
    }
    Ok((record, runs))
}

fn paid(row: &SubscriptionRow) -> Result<Paid, Error> {
    let currency = row.currency.parse().map_err(Error::internal)?;
    let status = rows::status_of(&row.status).ok_or_else(|| Error::internal(format!("`{}` is no state of a subscription", row.status)))?;
    Ok(Paid { id: row.id.clone(), status, monthly: Money::new(rows::monthly(row), currency) })
}

/// That no pod is left is seen; whether one that runs can be written to is its gate's matter.
fn power(seen: &Observation, access: Access) -> Power {
    let is_stopped = translate::stored(seen).is_some_and(|it| it.conditions.iter().any(|it| it.name == "Stopped" && it.met == Some(true)));
    match access {
        _ if is_stopped => Power::Suspended,
        Access::ReadOnly => Power::ReadOnly,
        Access::Run | Access::Suspend(_) => Power::Running,
    }
}

/// Reads anew what differs, and has the server brought to what the record says; what only people can decide is told.
async fn remedied(app: &App, customer: &str, it: Difference) -> Result<DifferenceView, Error> {
    let done = match it.kind.remedy() {
        Remedy::Read | Remedy::CancelDuplicate => sync(app, customer).await?.sentence(),
        Remedy::Sync => match it.instance {
            Some(instance) => {
                SyncInstance::of(instance.as_uuid()).enqueue(&mut *app.conn().await?).await?;
                "The server is brought to what the record says.".to_owned()
            }
            None => "Nothing: it is of no server.".to_owned(),
        },
        Remedy::Look => "Nothing: an operator has to look.".to_owned(),
    };
    tracing::warn!(kind = it.kind.as_str(), instance = ?it.instance, subscription = it.subscription, done, "provider, record and servers differ");
    Ok(DifferenceView {
        kind: it.kind.as_str().to_owned(),
        instance: it.instance,
        subscription: it.subscription,
        sentence: it.sentence,
        done,
    })
}
