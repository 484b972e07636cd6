//! Proration: what is left of a period is credited at the old price and charged at the new one, to the second.

use chrono::DateTime;
use serde_json::{Value, json};

use super::World;
use super::lines::pricing;
use super::periods::share;
use super::subscriptions::period_of;
use crate::json::Fields;

impl World {
    /// Invoice items for what changes at `at`. A period that begins anew is paid as a whole, so only the old one is credited then.
    pub(super) fn prorate(&mut self, before: &Value, after: &Value, at: i64, resets: bool) {
        let (start, end) = period_of(before);
        let at = at.clamp(start, end);
        let same = |it: &Value, other: &Value| {
            it["id"] == other["id"] && it["price"]["id"] == other["price"]["id"] && it["quantity"] == other["quantity"]
        };
        let (old, new) = (before.list("items"), after.list("items"));
        let gone = old.iter().filter(|it| resets || !new.iter().any(|other| same(it, other)));
        let come = new.iter().filter(|it| !resets && !old.iter().any(|other| same(it, other)));
        let day = DateTime::from_timestamp(at, 0).map(|it| it.format("%-d %b %Y").to_string()).unwrap_or_default();
        let mut changes = Vec::new();
        for item in gone {
            changes.push((item, -1, format!("Unused time on {} after {day}", self.product_name(&item["price"]))));
        }
        for item in come {
            changes.push((item, 1, format!("Remaining time on {} after {day}", self.product_name(&item["price"]))));
        }
        for (item, sign, description) in changes {
            let whole = item["price"].int("unit_amount") * item.int("quantity");
            let amount = sign * share(self.discounted(before, whole), end - at, end - start);
            self.proration_item(before, item, amount, &description, (at, end));
        }
    }

    /// Nothing is credited that was not charged: what a subscription has off, its prorations have off.
    fn discounted(&self, subscription: &Value, amount: i64) -> i64 {
        let coupons =
            subscription.list("discounts").iter().filter_map(|it| self.store.find(self.store.find(it.as_str()?)?.text("source.coupon")));
        coupons.filter(|it| it.is_set("percent_off")).fold(amount, |left, coupon| left - self.reduction(coupon, left, ""))
    }

    fn proration_item(&mut self, subscription: &Value, item: &Value, amount: i64, description: &str, period: (i64, i64)) {
        let mut object = self.invoice_item_shape(subscription.text("customer"), subscription.text("currency"), amount);
        object["description"] = json!(description);
        object["discountable"] = json!(false);
        object["parent"] = json!({"type": "subscription_details",
            "subscription_details": {"subscription": subscription["id"], "subscription_item": item["id"]}});
        object["period"] = json!({"start": period.0, "end": period.1});
        object["pricing"] = pricing(Some(&item["price"]), amount, item.int("quantity"));
        object["proration"] = json!(true);
        object["quantity"] = item["quantity"].clone();
        object["quantity_decimal"] = json!(item.int("quantity").to_string());
        self.store.put(object.clone());
        self.emit("invoiceitem.created", &object);
    }

    pub fn invoice_item_shape(&mut self, customer: &str, currency: &str, amount: i64) -> Value {
        json!({
            "id": self.new_id("ii"), "object": "invoiceitem", "amount": amount, "currency": currency, "customer": customer,
            "customer_account": null, "date": self.now, "description": null, "discountable": true, "discounts": [], "invoice": null,
            "livemode": false, "metadata": {}, "net_amount": amount, "parent": null, "period": {"start": self.now, "end": self.now},
            "pricing": pricing(None, amount, 1), "proration": false, "quantity": 1, "quantity_decimal": "1",
            "tax_rates": [], "test_clock": null,
        })
    }
}
