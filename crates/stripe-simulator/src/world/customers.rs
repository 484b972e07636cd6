//! Customers, and the tax ids that they give.

use serde_json::{Value, json};

use super::World;
use crate::error::ApiError;

impl World {
    pub fn customer_shape(&mut self) -> Value {
        json!({
            "id": self.new_id("cus"), "object": "customer", "address": null, "balance": 0, "created": self.now,
            "currency": null, "customer_account": null, "default_source": null, "delinquent": false, "description": null, "discount": null,
            "email": null, "invoice_prefix": self.dice.word(8).to_uppercase(),
            "invoice_settings": {"custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null},
            "livemode": false, "metadata": {}, "name": null, "next_invoice_sequence": 1, "phone": null, "preferred_locales": [],
            "shipping": null, "tax_exempt": "none", "test_clock": null,
        })
    }

    pub fn add_tax_id(&mut self, customer: &str, kind: &str, value: &str) -> Result<Value, ApiError> {
        let country = value.get(..2).filter(|_| kind == "eu_vat");
        if kind == "eu_vat" && !country.is_some_and(|it| it.bytes().all(|it| it.is_ascii_uppercase())) {
            return Err(ApiError::invalid(format!("Invalid value for eu_vat: {value}")).code("tax_id_invalid").named("value"));
        }
        let tax_id = json!({
            "id": self.new_id("txi"), "object": "tax_id", "country": country, "created": self.now, "customer": customer,
            "customer_account": null, "livemode": false, "owner": {"customer": customer, "type": "customer"}, "type": kind, "value": value,
            "verification": {"status": "pending", "verified_address": null, "verified_name": null},
        });
        self.store.put(tax_id.clone());
        self.emit("customer.tax_id.created", &tax_id);
        Ok(tax_id)
    }
}
