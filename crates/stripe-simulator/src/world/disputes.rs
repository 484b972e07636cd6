//! Money that goes back: refunds, and disputes that the customer's bank opens.

use serde_json::{Value, json};

use super::World;
use crate::clock::DAY;
use crate::error::ApiError;
use crate::json::Fields;

impl World {
    pub fn dispute(&mut self, charge: &str, reason: &str) -> Result<Value, ApiError> {
        let mut charge = self.object_for("charge", charge, "charge")?.clone();
        if !charge.flag("paid") || charge.flag("disputed") {
            return Err(ApiError::invalid(format!("Charge {} can't be disputed: it was not paid, or is disputed already.", charge.id())));
        }
        charge["disputed"] = json!(true);
        let dispute = json!({
            "id": self.new_id("du"), "object": "dispute", "amount": charge["amount"], "balance_transactions": [], "charge": charge["id"],
            "created": self.now, "currency": charge["currency"], "enhanced_eligibility_types": [], "evidence": {"enhanced_evidence": {}},
            "evidence_details": {"due_by": self.now + 7 * DAY, "enhanced_eligibility": {}, "has_evidence": false, "past_due": false,
                "submission_count": 0},
            "is_charge_refundable": false, "livemode": false, "metadata": {}, "payment_intent": charge["payment_intent"],
            "reason": reason, "status": "needs_response",
        });
        self.store.put(charge);
        self.store.put(dispute.clone());
        self.emit("charge.dispute.created", &dispute);
        Ok(dispute)
    }

    pub fn close_dispute(&mut self, id: &str, won: bool) -> Result<Value, ApiError> {
        let mut dispute = self.object("dispute", id)?.clone();
        dispute["status"] = json!(if won { "won" } else { "lost" });
        self.store.put(dispute.clone());
        self.emit("charge.dispute.closed", &dispute);
        Ok(dispute)
    }

    pub fn refund(&mut self, charge: &str, amount: Option<i64>, reason: Option<&str>, metadata: Value) -> Result<Value, ApiError> {
        let mut charge = self.object_for("charge", charge, "charge")?.clone();
        let left = charge.int("amount_captured") - charge.int("amount_refunded");
        let amount = amount.unwrap_or(left);
        if left == 0 {
            return Err(ApiError::invalid(format!("Charge {} has already been refunded.", charge.id())).code("charge_already_refunded"));
        }
        if amount <= 0 || amount > left {
            return Err(
                ApiError::invalid(format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left})")).named("amount")
            );
        }
        charge["amount_refunded"] = json!(charge.int("amount_refunded") + amount);
        charge["refunded"] = json!(amount == left);
        let refund = json!({
            "id": self.new_id("re"), "object": "refund", "amount": amount, "balance_transaction": null, "charge": charge["id"],
            "created": self.now, "currency": charge["currency"], "metadata": metadata,
            "payment_intent": charge["payment_intent"], "reason": reason, "receipt_number": null, "source_transfer_reversal": null,
            "status": "succeeded", "transfer_reversal": null,
        });
        self.store.put(refund.clone());
        self.store.put(charge.clone());
        self.emit("refund.created", &refund);
        self.emit("charge.refunded", &charge);
        Ok(refund)
    }
}
