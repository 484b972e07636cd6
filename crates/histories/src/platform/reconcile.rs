//! `app::billing::reconcile`: every night what Stripe has, what the record says and what runs are compared.

use howdah_billing::subscription;
use howdah_domain::billing::facts::Subscription;
use howdah_domain::billing::policy::access;
use howdah_domain::billing::reconcile::{self, Difference, Paid, Power, Recorded, Remedy, Running};
use howdah_domain::money::Money;
use howdah_domain::{Desired, InstanceId};

use super::standing::allowed;
use super::{Platform, Trouble};
use crate::wire;

impl Platform {
    /// What differs now; nothing is done about it.
    pub fn differences(&mut self) -> Result<Vec<Difference>, Trouble> {
        let Some(customer) = self.record.customer.as_ref().map(|it| it.id.clone()) else { return Ok(Vec::new()) };
        let provider = wire::at_once(subscription::of_customer(&self.stripe, &customer))?;
        let (record, runs) = self.ours();
        reconcile::differences(&provider, &record, &runs).map_err(|_| Trouble::Conflict("amounts"))
    }

    /// `reconcile::run`; answers how many differences there were.
    pub fn reconcile(&mut self) -> Result<usize, Trouble> {
        let found = self.differences()?;
        for it in &found {
            let is_of_one_that_went = it.instance.is_some_and(|id| self.record.servers.contains_key(&id));
            if is_of_one_that_went || matches!(it.kind.remedy(), Remedy::Read | Remedy::CancelDuplicate) {
                self.sync()?;
            }
        }
        self.record.reconciled_at = Some(self.now);
        Ok(found.len())
    }

    fn ours(&self) -> (Vec<Recorded>, Vec<Running>) {
        let (mut record, mut runs) = (Vec::new(), Vec::new());
        for server in self.record.servers.values().filter(|it| it.gone_at.is_none()) {
            let instance: InstanceId = server.id;
            let is_held = allowed(server.desired).is_none();
            let folded = server.folded.as_ref().and_then(|it| it.subscription.as_ref());
            let subscription = folded.and_then(|id| self.record.subscriptions.get(id)).and_then(|it| paid(&it.facts));
            if !self.record.subscriptions.values().any(|it| it.server == Some(instance)) {
                continue;
            }
            // What is wanted runs at once here.
            let power = match server.desired {
                Desired::Running => Power::Running,
                Desired::ReadOnly { .. } => Power::ReadOnly,
                Desired::Suspended { .. } | Desired::Deleted { .. } => Power::Suspended,
            };
            let access = access(&self.facts(server)).access;
            record.push(Recorded { instance, subscription, access, is_changing: is_held || !server.was_launched });
            runs.push(Running { instance, power });
        }
        (record, runs)
    }
}

fn paid(it: &Subscription) -> Option<Paid> {
    let items = it.items.iter().map(|item| item.unit.part(item.quantity.into(), 1)).collect::<Result<Vec<_>, _>>().ok()?;
    Some(Paid { id: it.id.clone(), status: it.status, monthly: Money::sum(items, it.currency).ok()? })
}
