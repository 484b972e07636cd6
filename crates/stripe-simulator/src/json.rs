//! Reading Stripe's objects, which are kept as the JSON that they are sent as: every member here was written by this crate.

use serde_json::Value;

pub trait Fields {
    /// A member's text, empty where it is null or missing.
    fn text(&self, name: &str) -> &str;
    fn int(&self, name: &str) -> i64;
    fn flag(&self, name: &str) -> bool;
    /// A member that is a list, or that is one of Stripe's list objects.
    fn list(&self, name: &str) -> &[Value];
    fn is_set(&self, name: &str) -> bool;
    fn id(&self) -> &str {
        self.text("id")
    }
    fn status(&self) -> &str {
        self.text("status")
    }
}

impl Fields for Value {
    fn text(&self, name: &str) -> &str {
        member(self, name).as_str().unwrap_or_default()
    }

    fn int(&self, name: &str) -> i64 {
        member(self, name).as_i64().unwrap_or_default()
    }

    fn flag(&self, name: &str) -> bool {
        member(self, name).as_bool().unwrap_or_default()
    }

    fn list(&self, name: &str) -> &[Value] {
        let member = member(self, name);
        member.as_array().or_else(|| member["data"].as_array()).map_or(&[], Vec::as_slice)
    }

    fn is_set(&self, name: &str) -> bool {
        !member(self, name).is_null()
    }
}

/// `parent.subscription_details.subscription` goes down the tree.
fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    name.split('.').fold(value, |value, part| &value[part])
}
