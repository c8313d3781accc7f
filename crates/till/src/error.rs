//! Refusals in the provider's own shape.

use serde_json::{Map, Value, json};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError(Box<Refusal>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    status: u16,
    kind: &'static str,
    code: Option<&'static str>,
    decline_code: Option<&'static str>,
    param: Option<String>,
    message: String,
    /// The payment that was tried.
    payment_intent: Option<Value>,
}

impl ApiError {
    fn new(status: u16, kind: &'static str, code: Option<&'static str>, message: String) -> ApiError {
        ApiError(Box::new(Refusal {
            status,
            kind,
            code,
            decline_code: None,
            param: None,
            message,
            payment_intent: None,
        }))
    }

    /// Names the parameter that it is about.
    pub(crate) fn about(mut self, param: &str) -> ApiError {
        self.0.param = Some(param.to_owned());
        self
    }

    /// The parameter that it is about.
    #[cfg(test)]
    pub(crate) fn param(&self) -> Option<&str> {
        self.0.param.as_deref()
    }

    pub(crate) fn status(&self) -> u16 {
        self.0.status
    }

    /// Something cannot be done.
    pub(crate) fn invalid(message: &str) -> ApiError {
        ApiError::new(400, "invalid_request_error", None, message.to_owned())
    }

    /// Something cannot be done, with a code.
    pub(crate) fn refused(code: &'static str, message: &str) -> ApiError {
        ApiError::new(400, "invalid_request_error", Some(code), message.to_owned())
    }

    /// A parameter is of the wrong kind.
    pub(crate) fn parameter(param: &str, expected: &str) -> ApiError {
        let message = format!("Invalid {param}: expected {expected}");
        ApiError::invalid(&message).about(param)
    }

    /// A parameter is not there.
    pub(crate) fn missing(param: &str) -> ApiError {
        let message = format!("Missing required param: {param}.");
        ApiError::refused("parameter_missing", &message).about(param)
    }

    /// A parameter is not known.
    pub(crate) fn unknown_parameter(param: &str) -> ApiError {
        let message = format!("Received unknown parameter: {param}");
        ApiError::refused("parameter_unknown", &message).about(param)
    }

    /// There is no such object.
    pub(crate) fn no_such(what: &str, id: &str, param: &str) -> ApiError {
        let message = format!("No such {what}: '{id}'");
        ApiError::new(404, "invalid_request_error", Some("resource_missing"), message).about(param)
    }

    /// There is no such address.
    pub(crate) fn no_such_address(method: &str, path: &str) -> ApiError {
        let message = format!("Unrecognized request URL ({method}: {path}).");
        ApiError::new(404, "invalid_request_error", None, message)
    }

    /// The key is wrong.
    pub(crate) fn unauthorized() -> ApiError {
        ApiError::new(401, "invalid_request_error", None, "Invalid API Key provided.".to_owned())
    }

    /// The same idempotency key, another request.
    pub(crate) fn key_reused() -> ApiError {
        let message =
            "Keys for idempotent requests can only be used with the same parameters they were first used with.";
        ApiError::new(400, "idempotency_error", None, message.to_owned())
    }

    /// The card was refused.
    pub(crate) fn card(refusal: CardRefusal, payment_intent: Value) -> ApiError {
        let mut error = ApiError::new(402, "card_error", Some(refusal.code), refusal.message.to_owned());
        error.0.decline_code = refusal.decline_code;
        error.0.payment_intent = Some(payment_intent);
        error
    }

    /// A fault that a switch asks for.
    pub(crate) fn fault(status: u16, kind: &'static str, code: Option<&'static str>) -> ApiError {
        ApiError::new(status, kind, code, "A switch of the test provider asks for this.".to_owned())
    }

    /// The body of the answer.
    pub(crate) fn shown(&self) -> Value {
        let refusal = &*self.0;
        let mut error = Map::new();
        error.insert("type".to_owned(), json!(refusal.kind));
        error.insert("message".to_owned(), json!(refusal.message));
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                error.insert(name.to_owned(), value);
            }
        };
        add("code", refusal.code.map(Value::from));
        add("decline_code", refusal.decline_code.map(Value::from));
        add("param", refusal.param.clone().map(Value::from));
        add("payment_intent", refusal.payment_intent.clone());
        json!({ "error": error })
    }
}

/// Why a card is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CardRefusal {
    pub(crate) code: &'static str,
    pub(crate) decline_code: Option<&'static str>,
    pub(crate) message: &'static str,
}

impl CardRefusal {
    /// As the payment's `last_payment_error`.
    pub(crate) fn shown(self) -> Value {
        json!({"type": "card_error", "code": self.code, "decline_code": self.decline_code, "message": self.message})
    }
}
