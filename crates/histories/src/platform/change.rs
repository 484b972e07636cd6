//! `app::billing::change`: another plan, an end, and that end taken back.

use chrono::{DateTime, Utc};
use howdah_billing::subscription::{self, Change, NewItem, Proration};
use howdah_billing::{BillingError, Operation};
use howdah_domain::billing::facts::{Sold, Subscription, SubscriptionStatus};
use howdah_domain::{Desired, InstanceId};

use super::{Platform, Trouble};
use crate::wire;

impl Platform {
    /// Answers the subscription that was changed.
    pub fn change_plan(&mut self, id: InstanceId, plan: &str, as_of: DateTime<Utc>) -> Result<String, Trouble> {
        let row = self.changing(id)?;
        if self.record.servers.get(&id).is_some_and(|it| it.plan == plan) {
            return Err(Trouble::Conflict("same_plan"));
        }
        let to = NewItem { price: self.price(plan)?, quantity: 1 };
        let changes = vec![match row.items.iter().find(|it| matches!(it.sold, Sold::Plan(_))) {
            Some(item) => Change::Set { item: item.id.clone(), to },
            None => Change::Add(to),
        }];
        let operation = self.begin(Some(id), "change", format!("{plan} {as_of}"))?;
        let proration = if row.status == SubscriptionStatus::Trialing { Proration::None } else { Proration::Now { as_of } };
        let made = subscription::change(&self.stripe, &row.id, &changes, proration, Operation::new(operation.id, "change"));
        let made = wire::at_once(made).map(drop);
        self.ended(operation.id, made)?;
        Ok(row.id)
    }

    pub fn cancel(&mut self, id: InstanceId) -> Result<String, Trouble> {
        let row = self.changing(id)?;
        let operation = self.begin(Some(id), "end", format!("{} ends", row.id))?;
        let made = subscription::cancel_at_period_end(&self.stripe, &row.id, Operation::new(operation.id, "cancel"));
        let made = wire::at_once(made).map(drop);
        self.ended(operation.id, made)?;
        Ok(row.id)
    }

    pub fn take_back_cancel(&mut self, id: InstanceId) -> Result<String, Trouble> {
        let row = self.changing(id)?;
        let operation = self.begin(Some(id), "end", format!("{} goes on", row.id))?;
        let made = subscription::take_back(&self.stripe, &row.id, Operation::new(operation.id, "take-back"));
        let made = wire::at_once(made).map(drop);
        self.ended(operation.id, made)?;
        Ok(row.id)
    }

    fn changing(&self, id: InstanceId) -> Result<Subscription, Trouble> {
        use SubscriptionStatus::{Active, PastDue, Trialing};
        let server = self.record.servers.get(&id).ok_or(Trouble::Conflict("not_found"))?;
        if server.gone_at.is_some() || matches!(server.desired, Desired::Deleted { .. }) {
            return Err(Trouble::Conflict("leaving"));
        }
        let subscriptions = self.record.subscriptions_of(id);
        let live = subscriptions.into_iter().find(|it| matches!(it.status, Trialing | Active | PastDue));
        live.cloned().ok_or(Trouble::Conflict("not_subscribed"))
    }

    fn ended(&mut self, operation: uuid::Uuid, made: Result<(), BillingError>) -> Result<(), Trouble> {
        self.commits()?;
        match made {
            Ok(()) => self.record.end_operation(operation),
            Err(error) => {
                if !error.passes() {
                    self.record.end_operation(operation);
                }
                return Err(error.into());
            }
        }
        self.sync()
    }
}
