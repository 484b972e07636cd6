//! `app::billing::standing`: a server's standing, and what it may do by it.

use chrono::{DateTime, Utc};
use howdah_domain::billing::facts::{Sold, Subscription};
use howdah_domain::billing::fold::Folded;
use howdah_domain::billing::fresh::{self, Next};
use howdah_domain::billing::{Access, BillingFacts};
use howdah_domain::{Desired, Hold, InstanceId, Standing};

use super::{Platform, TERMS};
use crate::record::{FoldedRow, Server};

impl Platform {
    /// `standing::facts`
    pub fn facts(&self, server: &Server) -> BillingFacts {
        let collection = match server.standing {
            Standing::PastDue { .. } | Standing::Lapsed { .. } => server.folded.as_ref().and_then(|it| it.collection),
            _ => None,
        };
        TERMS.facts(server.standing.clone(), collection, self.now)
    }

    pub(super) fn apply(&mut self, id: InstanceId, folded: &Folded, chosen: Option<&Subscription>) {
        let Some(server) = self.record.servers.get_mut(&id) else { return };
        server.standing = folded.standing.clone();
        if let Some(plan) = chosen.and_then(paid_plan) {
            server.plan = plan;
        }
        let suspended_at = server.suspended_at();
        server.folded = Some(FoldedRow { subscription: folded.subscription.clone(), collection: folded.collection, suspended_at });
        let facts = TERMS.facts(folded.standing.clone(), folded.collection, self.now);
        self.hold_to_standing(id, &facts, Some(self.now));
    }

    pub(super) fn hold_to_standing(&mut self, id: InstanceId, facts: &BillingFacts, read_at: Option<DateTime<Utc>>) {
        let Some(server) = self.record.servers.get(&id) else { return };
        let Some(current) = allowed(server.desired) else { return };
        let wanted = match fresh::next(current, facts, read_at) {
            Next::To(verdict) => verdict.access,
            Next::Keep | Next::Read => return,
        };
        let Ok(desired) = server.desired.hold_to(wanted) else { return };
        let now = self.now;
        let Some(server) = self.record.servers.get_mut(&id) else { return };
        server.desired = desired;
        server.was_launched |= wanted == Access::Run;
        note_suspension(server, wanted, now);
    }

    /// `ending::read_at`
    pub(super) fn read_at(&self, server: InstanceId) -> Option<DateTime<Utc>> {
        let is_known = self.record.subscriptions.values().any(|it| it.server == Some(server));
        self.record.customer.as_ref().filter(|_| is_known).and_then(|it| it.read_at)
    }
}

fn paid_plan(subscription: &Subscription) -> Option<String> {
    subscription.items.iter().rev().find_map(|it| match &it.sold {
        Sold::Plan(plan) => Some(plan.clone()),
        Sold::AddOn(_) | Sold::Unknown => None,
    })
}

/// `standing::allowed`
pub fn allowed(desired: Desired) -> Option<Access> {
    match desired {
        Desired::Running => Some(Access::Run),
        Desired::ReadOnly { by: Hold::Billing } => Some(Access::ReadOnly),
        Desired::Suspended { by: Hold::Billing } => Some(Access::Suspend(Hold::Billing)),
        Desired::ReadOnly { .. } | Desired::Suspended { .. } | Desired::Deleted { .. } => None,
    }
}

/// The time in which it can be taken along counts from when it really stood still.
fn note_suspension(server: &mut Server, access: Access, now: DateTime<Utc>) {
    let is_suspended = matches!(access, Access::Suspend(_));
    match &mut server.folded {
        Some(row) if is_suspended => {
            row.suspended_at.get_or_insert(now);
        }
        Some(row) => row.suspended_at = None,
        None if server.was_launched && is_suspended => {
            server.folded = Some(FoldedRow { suspended_at: Some(now), ..FoldedRow::default() });
        }
        None => {}
    }
}
