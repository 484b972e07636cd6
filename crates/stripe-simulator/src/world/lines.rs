//! Lines of an invoice, and the sums under them.

use serde_json::{Value, json};

use super::World;
use crate::json::Fields;

/// What a line is made from.
pub struct Line {
    pub amount: i64,
    pub currency: String,
    pub description: String,
    pub period: (i64, i64),
    pub price: Option<Value>,
    pub quantity: i64,
    pub proration: bool,
    pub discountable: bool,
    pub metadata: Value,
    pub source: Source,
}

pub enum Source {
    SubscriptionItem { subscription: String, item: String },
    InvoiceItem { item: String, subscription: Option<String> },
}

impl World {
    pub(super) fn line(&mut self, invoice: &Value, line: Line) -> Value {
        let parent = match &line.source {
            Source::SubscriptionItem { subscription, item } => json!({
                "invoice_item_details": null,
                "subscription_item_details": {"invoice_item": null, "proration": line.proration,
                    "proration_details": {"credited_items": null}, "subscription": subscription, "subscription_item": item},
                "type": "subscription_item_details",
            }),
            Source::InvoiceItem { item, subscription } => json!({
                "invoice_item_details": {"invoice_item": item, "proration": line.proration,
                    "proration_details": {"credited_items": null}, "subscription": subscription},
                "subscription_item_details": null,
                "type": "invoice_item_details",
            }),
        };
        let subscription = match line.source {
            Source::SubscriptionItem { subscription, .. } => Some(subscription),
            Source::InvoiceItem { subscription, .. } => subscription,
        };
        json!({
            "id": self.new_id("il"),
            "object": "line_item",
            "amount": line.amount,
            "currency": line.currency,
            "description": line.description,
            "discount_amounts": [],
            "discountable": line.discountable,
            "discounts": [],
            "invoice": invoice["id"],
            "livemode": false,
            "metadata": line.metadata,
            "parent": parent,
            "period": {"start": line.period.0, "end": line.period.1},
            "pretax_credit_amounts": [],
            "pricing": pricing(line.price.as_ref(), line.amount, line.quantity),
            "quantity": line.quantity,
            "quantity_decimal": line.quantity.to_string(),
            "subscription": subscription,
            "subtotal": line.amount,
            "taxes": [],
        })
    }

    /// A full period of each item.
    pub(super) fn renewal_lines(&mut self, invoice: &Value, subscription: &Value, period: (i64, i64)) -> Vec<Value> {
        let mut lines = Vec::new();
        for item in subscription.list("items") {
            let (price, quantity) = (item["price"].clone(), item.int("quantity"));
            let free = subscription.status() == "trialing";
            let amount = if free { 0 } else { price.int("unit_amount") * quantity };
            let product = self.product_name(&price);
            let description = if free { format!("Trial period for {product}") } else { format!("{quantity} × {product}") };
            let source = Source::SubscriptionItem { subscription: subscription.id().to_owned(), item: item.id().to_owned() };
            let currency = price.text("currency").to_owned();
            let (proration, discountable, metadata) = (false, true, item["metadata"].clone());
            let line =
                Line { amount, currency, description, period, price: Some(price), quantity, proration, discountable, metadata, source };
            lines.push(self.line(invoice, line));
        }
        lines
    }

    /// What waits for the next invoice of the subscription, taken onto this one.
    pub fn pending_lines(&mut self, invoice: &Value, subscription: Option<&str>) -> Vec<Value> {
        let customer = invoice.text("customer");
        let belongs = |item: &&Value| {
            let of = item.text("parent.subscription_details.subscription");
            !item.is_set("invoice") && item["currency"] == invoice["currency"] && (of.is_empty() || Some(of) == subscription)
        };
        let items: Vec<Value> = self.store.of_customer("invoiceitem", customer).filter(belongs).cloned().collect();
        items.into_iter().map(|item| self.take_item(invoice, item)).collect()
    }

    /// Puts an invoice item onto an invoice.
    pub(super) fn take_item(&mut self, invoice: &Value, mut item: Value) -> Value {
        item["invoice"] = invoice["id"].clone();
        let pricing = item["pricing"].clone();
        let subscription = Some(item.text("parent.subscription_details.subscription").to_owned()).filter(|it| !it.is_empty());
        let line = Line {
            amount: item.int("amount"),
            currency: item.text("currency").to_owned(),
            description: item.text("description").to_owned(),
            period: (item.int("period.start"), item.int("period.end")),
            price: None,
            quantity: item.int("quantity"),
            proration: item.flag("proration"),
            discountable: item.flag("discountable"),
            metadata: item["metadata"].clone(),
            source: Source::InvoiceItem { item: item.id().to_owned(), subscription },
        };
        self.store.put(item);
        let mut line = self.line(invoice, line);
        line["pricing"] = pricing;
        line
    }

    pub fn put_on_draft(&mut self, mut draft: Value, item: Value) {
        let line = self.take_item(&draft, item);
        if let Some(lines) = draft["lines"]["data"].as_array_mut() {
            lines.push(line);
        }
        self.sum(&mut draft);
        self.save_changed("invoice.updated", draft);
    }

    pub fn take_off_draft(&mut self, mut draft: Value, item: &str) {
        if let Some(lines) = draft["lines"]["data"].as_array_mut() {
            lines.retain(|it| it.text("parent.invoice_item_details.invoice_item") != item);
        }
        self.sum(&mut draft);
        self.save_changed("invoice.updated", draft);
    }

    pub(super) fn product_name(&self, price: &Value) -> String {
        self.store.find(price.text("product")).map_or_else(|| price.id().to_owned(), |it| it.text("name").to_owned())
    }

    /// Sums a draft anew: lines, discounts, what the customer has in credit.
    pub(super) fn sum(&self, invoice: &mut Value) {
        let subtotal: i64 = invoice.list("lines").iter().map(|it| it.int("amount")).sum();
        let amounts = self.discount_amounts(invoice, subtotal);
        let total = subtotal - amounts.iter().map(|it| it.int("amount")).sum::<i64>();
        let starting = invoice.int("starting_balance");
        let due = (total + starting).max(0);
        invoice["subtotal"] = json!(subtotal);
        invoice["subtotal_excluding_tax"] = json!(subtotal);
        invoice["total_discount_amounts"] = json!(amounts);
        invoice["total"] = json!(total);
        invoice["total_excluding_tax"] = json!(total);
        invoice["amount_due"] = json!(due);
        invoice["amount_remaining"] = json!(due);
    }
}

pub(super) fn pricing(price: Option<&Value>, amount: i64, quantity: i64) -> Value {
    match price {
        Some(price) => json!({"price_details": {"price": price["id"], "product": price["product"]}, "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"]}),
        None => json!({"type": "price_details", "unit_amount_decimal": (amount / quantity.max(1)).to_string()}),
    }
}
