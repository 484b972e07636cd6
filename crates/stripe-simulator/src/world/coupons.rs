//! Coupons, promotion codes, and what they take off an invoice.

use serde_json::{Value, json};

use super::World;
use super::periods::share;
use crate::error::ApiError;
use crate::json::Fields;

impl World {
    /// The coupon that a customer's code stands for, with the promotion code's id.
    pub fn coupon_of_code(&self, code: &str) -> Result<(Value, String), ApiError> {
        let found = self.store.all("promotion_code").rev().find(|it| it.flag("active") && it.text("code").eq_ignore_ascii_case(code));
        let promotion = found.ok_or_else(|| ApiError::invalid(format!("The promotion code {code} is not known, or no longer valid.")))?;
        let coupon = self.object_for("coupon", promotion.text("promotion.coupon"), "promotion_code")?.clone();
        self.redeemable(&coupon)?;
        self.code_redeemable(promotion)?;
        Ok((coupon, promotion.id().to_owned()))
    }

    fn code_redeemable(&self, promotion: &Value) -> Result<(), ApiError> {
        let exhausted = promotion.is_set("max_redemptions") && promotion.int("times_redeemed") >= promotion.int("max_redemptions");
        let late = promotion.is_set("expires_at") && promotion.int("expires_at") < self.now;
        if exhausted || late || !promotion.flag("active") {
            let message = format!("The promotion code {} is no longer valid.", promotion.text("code"));
            return Err(ApiError::invalid(message).code("promotion_code_expired"));
        }
        Ok(())
    }

    fn redeemable(&self, coupon: &Value) -> Result<(), ApiError> {
        let exhausted = coupon.is_set("max_redemptions") && coupon.int("times_redeemed") >= coupon.int("max_redemptions");
        let late = coupon.is_set("redeem_by") && coupon.int("redeem_by") < self.now;
        if exhausted || late {
            return Err(ApiError::invalid(format!("Coupon {} has expired or is used up.", coupon.id())).code("coupon_expired"));
        }
        Ok(())
    }

    /// Redeems a coupon for a subscription; gives the discount's id.
    pub fn discount(&mut self, coupon: &str, promotion_code: Option<&str>, customer: &str) -> Result<String, ApiError> {
        let mut coupon = self.object_for("coupon", coupon, "coupon")?.clone();
        self.redeemable(&coupon)?;
        if let Some(code) = promotion_code {
            let mut promotion = self.object_for("promotion_code", code, "promotion_code")?.clone();
            self.code_redeemable(&promotion)?;
            promotion["times_redeemed"] = json!(promotion.int("times_redeemed") + 1);
            self.store.put(promotion);
        }
        let months = coupon.int("duration_in_months");
        let recurring = json!({"interval": "month", "interval_count": months});
        let end = if coupon.text("duration") == "repeating" {
            json!(super::periods::period_end(self.now, self.now, &recurring))
        } else {
            Value::Null
        };
        let mut discount = discount_shape(&self.new_id("di"), coupon.id(), self.now);
        discount["customer"] = json!(customer);
        discount["end"] = end;
        discount["promotion_code"] = json!(promotion_code);
        coupon["times_redeemed"] = json!(coupon.int("times_redeemed") + 1);
        self.store.put(coupon);
        let id = discount.id().to_owned();
        self.store.put(discount);
        Ok(id)
    }

    /// What a coupon takes off `amount` of `currency`.
    pub fn reduction(&self, coupon: &Value, amount: i64, currency: &str) -> i64 {
        let percent = coupon["percent_off"].as_f64().unwrap_or_default();
        if percent > 0.0 {
            // Stripe keeps two decimals of a percentage.
            return share(amount.max(0), (percent * 100.0).round() as i64, 10_000);
        }
        if coupon.text("currency") == currency { coupon.int("amount_off").min(amount.max(0)) } else { 0 }
    }

    pub(super) fn discount_amounts(&self, invoice: &Value, subtotal: i64) -> Vec<Value> {
        let discountable = invoice.list("lines").iter().filter(|it| it.flag("discountable"));
        let mut left = discountable.map(|it| it.int("amount")).sum::<i64>().min(subtotal);
        let mut amounts = Vec::new();
        for discount in invoice.list("discounts").iter().filter_map(|it| self.store.find(it.as_str()?)) {
            let Some(coupon) = self.store.find(discount.text("source.coupon")) else { continue };
            let amount = self.reduction(coupon, left, invoice.text("currency"));
            left -= amount;
            amounts.push(json!({"amount": amount, "discount": discount["id"]}));
        }
        amounts
    }

    /// The discounts that an invoice made now gets; those for one invoice are used up by it.
    pub(super) fn take_discounts(&mut self, subscription: &mut Value) -> Vec<Value> {
        let current: Vec<Value> = subscription.list("discounts").to_vec();
        let (now, store) = (self.now, &self.store);
        let coupon = |discount: &Value| store.find(discount.text("source.coupon")).cloned().unwrap_or_default();
        let found = |id: &Value| id.as_str().and_then(|id| store.find(id)).cloned().unwrap_or_default();
        let valid: Vec<Value> = current.into_iter().filter(|id| !found(id).is_set("end") || found(id).int("end") > now).collect();
        let kept: Vec<Value> = valid.iter().filter(|id| coupon(&found(id)).text("duration") != "once").cloned().collect();
        subscription["discounts"] = json!(kept);
        valid
    }
}

fn discount_shape(id: &str, coupon: &str, start: i64) -> Value {
    json!({
        "id": id, "object": "discount", "checkout_session": null, "customer": null, "end": null, "invoice": null, "invoice_item": null,
        "promotion_code": null, "source": {"coupon": coupon, "type": "coupon"}, "start": start, "subscription": null,
        "subscription_item": null,
    })
}
