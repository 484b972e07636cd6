//! The nightly comparison of three: what the payment provider has, what our record says, and what runs. Where they agree there is
//! nothing; where they do not, each difference has a name, what it is about, and what is to be done.
//!
//! It decides nothing by itself: its remedies are a fresh read, a sync, the cancelling of a duplicate, or somebody's eyes.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Subscription, SubscriptionStatus};
use super::fold::{goes_on, runs};
use super::policy::Access;
use crate::ids::InstanceId;
use crate::lifecycle::words;
use crate::money::{Money, MoneyError};

/// A server as the record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub instance: InstanceId,
    /// The subscription that its standing is of.
    pub subscription: Option<Paid>,
    /// What it may do, by its standing and all overrides.
    pub access: Access,
    /// Something is under way (a launch, a closing, a sync): what runs may differ for a while.
    pub is_changing: bool,
}

/// A subscription as the record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    pub id: String,
    pub status: SubscriptionStatus,
    /// All of its items in a month.
    pub monthly: Money,
}

/// A server as it was seen in its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    pub instance: InstanceId,
    pub power: Power,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Power {
    Suspended,
    ReadOnly,
    Running,
}

words! {
    Kind {
        /// It does more than is paid for.
        RunningUnpaid = "running_unpaid",
        /// It does less than is paid for.
        PaidNotRunning = "paid_not_running",
        /// The provider asks money for a server that the record does not have, or for none.
        UnknownSubscription = "unknown_subscription",
        /// The record has a subscription that the provider does not list.
        MissingSubscription = "missing_subscription",
        /// Two ask money for one server.
        DuplicateSubscription = "duplicate_subscription",
        StatusDiffers = "status_differs",
        AmountsDiffer = "amounts_differ",
        /// It runs, and the record does not have it.
        UnknownServer = "unknown_server",
    }
}

words! {
    Remedy {
        /// Read it anew from the provider and fold it: a delivery was lost.
        Read = "read",
        /// Bring the server to what the record says.
        Sync = "sync",
        /// Cancel this one, and give back what it took.
        CancelDuplicate = "cancel_duplicate",
        /// An operator has to look: nothing is done by itself.
        Look = "look",
    }
}

impl Kind {
    #[must_use]
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::RunningUnpaid | Self::PaidNotRunning => Remedy::Sync,
            Self::StatusDiffers | Self::AmountsDiffer => Remedy::Read,
            Self::DuplicateSubscription => Remedy::CancelDuplicate,
            // A subscription that vanished may be another account's key: nobody loses a server by that.
            Self::MissingSubscription | Self::UnknownSubscription | Self::UnknownServer => Remedy::Look,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    pub kind: Kind,
    pub instance: Option<InstanceId>,
    pub subscription: Option<String>,
    /// For operators' eyes.
    pub sentence: String,
}

impl Difference {
    fn of(kind: Kind, instance: Option<InstanceId>, subscription: Option<&str>, sentence: String) -> Self {
        Self { kind, instance, subscription: subscription.map(str::to_owned), sentence }
    }
}

/// All differences between the three, in an order that does not depend on theirs. A whole list of each is needed.
///
/// # Errors
/// Where a subscription's amounts can't be added up.
pub fn differences(provider: &[Subscription], record: &[Recorded], runs: &[Running]) -> Result<Vec<Difference>, MoneyError> {
    let recorded: BTreeMap<InstanceId, &Recorded> = record.iter().map(|it| (it.instance, it)).collect();
    let mut found = BTreeSet::new();
    for subscription in provider {
        found.extend(of_subscription(subscription, provider, &recorded)?);
    }
    let listed: BTreeSet<&str> = provider.iter().map(|it| it.id.as_str()).collect();
    for (server, paid) in record.iter().filter_map(|it| it.subscription.as_ref().map(|paid| (it, paid))) {
        if !listed.contains(paid.id.as_str()) {
            let sentence = format!("the record has {} as {:?}, and the provider does not list it", paid.id, paid.status);
            found.insert(Difference::of(Kind::MissingSubscription, Some(server.instance), Some(&paid.id), sentence));
        }
    }
    let powers: BTreeMap<InstanceId, Power> = runs.iter().map(|it| (it.instance, it.power)).collect();
    found.extend(powers.iter().filter(|(instance, _)| !recorded.contains_key(instance)).map(|(instance, power)| {
        Difference::of(Kind::UnknownServer, Some(*instance), None, format!("it is {power:?} and not in the record"))
    }));
    found.extend(recorded.values().filter_map(|it| of_power(it, powers.get(&it.instance).copied())));
    Ok(found.into_iter().collect())
}

fn of_subscription(
    subscription: &Subscription,
    provider: &[Subscription],
    recorded: &BTreeMap<InstanceId, &Recorded>,
) -> Result<Option<Difference>, MoneyError> {
    let (id, status) = (subscription.id.as_str(), subscription.status);
    let Some(server) = subscription.instance.and_then(|it| recorded.get(&it)) else {
        let sentence = || format!("{id} is {status:?}, and its server is not in the record");
        return Ok(goes_on(status).then(|| Difference::of(Kind::UnknownSubscription, subscription.instance, Some(id), sentence())));
    };
    let differs = |kind, sentence| Ok(Some(Difference::of(kind, Some(server.instance), Some(id), sentence)));
    match &server.subscription {
        Some(paid) if paid.id == id && paid.status != status => {
            differs(Kind::StatusDiffers, format!("the record has {id} as {:?}, and the provider as {status:?}", paid.status))
        }
        Some(paid) if paid.id == id && goes_on(status) => {
            let items = subscription.items.iter().map(|it| it.unit.part(it.quantity.into(), 1)).collect::<Result<Vec<_>, _>>()?;
            let monthly = Money::sum(items, subscription.currency)?;
            if monthly == paid.monthly {
                return Ok(None);
            }
            differs(Kind::AmountsDiffer, format!("{id} is {monthly} a month, and {} in the record", paid.monthly))
        }
        Some(paid) if paid.id == id => Ok(None),
        Some(paid) if goes_on(status) && provider.iter().any(|it| it.id == paid.id && runs(it.status)) => {
            differs(Kind::DuplicateSubscription, format!("{id} is {status:?} beside {}", paid.id))
        }
        // Beside one that has ended, an order that is not paid yet is the customer's way back.
        Some(paid) if runs(status) => differs(Kind::StatusDiffers, format!("{id} is {status:?}, and the record goes by {}", paid.id)),
        None if goes_on(status) => differs(Kind::StatusDiffers, format!("{id} is {status:?}, and the record knows of none")),
        Some(_) | None => Ok(None),
    }
}

fn of_power(server: &Recorded, power: Option<Power>) -> Option<Difference> {
    if server.is_changing {
        return None;
    }
    let wanted = match server.access {
        Access::Run => Power::Running,
        Access::ReadOnly => Power::ReadOnly,
        Access::Suspend(_) => Power::Suspended,
    };
    // One that is nowhere does no more than one that stands still.
    let is = power.unwrap_or(Power::Suspended);
    let kind = match is.cmp(&wanted) {
        std::cmp::Ordering::Less => Kind::PaidNotRunning,
        std::cmp::Ordering::Equal => return None,
        std::cmp::Ordering::Greater => Kind::RunningUnpaid,
    };
    let seen = power.map_or_else(|| "nowhere".to_owned(), |it| format!("{it:?}"));
    Some(Difference::of(kind, Some(server.instance), None, format!("it is {seen}, and should be {wanted:?}")))
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
