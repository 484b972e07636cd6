//! Stripe's error envelope: a type, a code, a message, and the parameter it is about.

use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    pub status: u16,
    pub kind: &'static str,
    pub code: Option<&'static str>,
    pub decline_code: Option<&'static str>,
    pub message: String,
    pub param: Option<String>,
    /// The one that failed; boxed, since few errors have one.
    pub payment_intent: Option<Box<Value>>,
}

impl ApiError {
    fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, code: None, decline_code: None, message: message.into(), param: None, payment_intent: None }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    pub fn missing(param: &str) -> Self {
        Self::invalid(format!("Missing required param: {param}.")).code("parameter_missing").named(param)
    }

    pub fn unknown_parameter(param: &str) -> Self {
        Self::invalid(format!("Received unknown parameter: {param}")).code("parameter_unknown").named(param)
    }

    /// Nothing has this id. `noun` is Stripe's word for the kind of object.
    pub fn no_such(noun: &str, id: &str, param: &str) -> Self {
        let status = if param == "id" { 404 } else { 400 };
        Self::new(status, "invalid_request_error", format!("No such {noun}: '{id}'")).code("resource_missing").named(param)
    }

    pub fn no_such_path(method: &str, path: &str) -> Self {
        Self::new(404, "invalid_request_error", format!("Unrecognized request URL ({method}: {path})."))
    }

    pub fn wrong_key() -> Self {
        Self::new(401, "invalid_request_error", "Invalid API Key provided.")
    }

    pub fn idempotency(message: &str) -> Self {
        Self::new(400, "idempotency_error", message)
    }

    pub fn in_progress() -> Self {
        let message = "There is currently another in-progress request using this Stripe-Idempotency-Key.";
        Self::new(409, "idempotency_error", message).code("idempotency_key_in_use")
    }

    pub fn too_many() -> Self {
        Self::new(429, "invalid_request_error", "Too many requests hit the API too quickly. Retry with back-off.").code("rate_limit")
    }

    pub fn server() -> Self {
        Self::new(500, "api_error", "An unexpected error occurred in the simulated Stripe.")
    }

    pub fn unavailable() -> Self {
        Self::new(503, "api_error", "The simulated Stripe is down.")
    }

    pub fn card(code: &'static str, decline_code: Option<&'static str>, message: &str) -> Self {
        Self { decline_code, ..Self::new(402, "card_error", message) }.code(code)
    }

    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub fn named(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }

    /// What a customer has to confirm has another code where it is an invoice or a subscription that is paid.
    pub fn of(mut self, paid: &str) -> Self {
        if self.code == Some("authentication_required") {
            let invoice = paid == "invoice";
            self.code =
                Some(if invoice { "invoice_payment_intent_requires_action" } else { "subscription_payment_intent_requires_action" });
            self.message = "This payment requires additional user action before it can be completed successfully.".to_owned();
        }
        self
    }

    pub fn about(mut self, payment_intent: Value) -> Self {
        self.payment_intent = Some(Box::new(payment_intent));
        self
    }

    pub fn body(&self) -> Value {
        let mut error = json!({"type": self.kind, "message": self.message});
        let optional = [("code", self.code), ("decline_code", self.decline_code), ("param", self.param.as_deref())];
        for (name, value) in optional {
            if let Some(value) = value {
                error[name] = json!(value);
            }
        }
        if let Some(intent) = &self.payment_intent {
            error["payment_intent"] = Value::clone(intent);
        }
        json!({"error": error})
    }
}
