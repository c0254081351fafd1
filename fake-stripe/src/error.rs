//! Errors, in Stripe's shape.

use serde_json::{Map, Value, json};

use crate::card::Decline;

/// What a request comes to.
pub(crate) type Result<T> = std::result::Result<T, ApiError>;

/// An error that a request is answered with.
#[derive(Debug, Clone)]
pub(crate) struct ApiError(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: u16,
    fields: Map<String, Value>,
    /// Whether it was found before anything was tried, so that no key remembers it.
    before_execution: bool,
    should_retry: Option<bool>,
}

impl ApiError {
    fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        let mut fields = Map::new();
        fields.insert("type".into(), kind.into());
        fields.insert("message".into(), message.into().into());
        Self(Box::new(Parts { status, fields, before_execution: false, should_retry: None }))
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.fields.insert(name.into(), value.into());
        self
    }

    /// The same error with this code.
    pub(crate) fn code(self, code: &str) -> Self {
        let doc_url = format!("https://docs.stripe.com/error-codes#{}", code.replace('_', "-"));
        self.with("code", code).with("doc_url", doc_url)
    }

    fn early(mut self) -> Self {
        self.0.before_execution = true;
        self
    }

    fn retry(mut self, should: bool) -> Self {
        self.0.should_retry = Some(should);
        self
    }

    /// A parameter that is wrong.
    pub(crate) fn invalid(param: impl AsRef<str>, message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message).with("param", param.as_ref()).early()
    }

    /// A parameter that is absent.
    pub(crate) fn missing_param(param: &str) -> Self {
        Self::invalid(param, format!("Missing required param: {param}.")).code("parameter_missing")
    }

    /// A parameter that does not exist.
    pub(crate) fn unknown(param: &str) -> Self {
        Self::invalid(param, format!("Received unknown parameter: {param}"))
            .code("parameter_unknown")
    }

    /// A request that the state of an object does not allow.
    pub(crate) fn state(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message).code(code)
    }

    /// A request that is not possible, for a reason that has no code.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// An object that does not exist.
    pub(crate) fn missing(kind: &str, id: &str, param: &str) -> Self {
        Self::new(404, "invalid_request_error", format!("No such {kind}: '{id}'"))
            .with("param", param)
            .code("resource_missing")
    }

    /// An address that does not exist.
    pub(crate) fn no_route(method: &str, path: &str) -> Self {
        let message = format!("Unrecognized request URL ({method}: {path}).");
        Self::new(404, "invalid_request_error", message).early()
    }

    /// No key, or not the right one.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, "invalid_request_error", message).early()
    }

    /// A key that may not do this.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "invalid_request_error", message).early()
    }

    /// A card that was refused.
    pub(crate) fn card(decline: &Decline) -> Self {
        let error = Self::new(402, "card_error", decline.message).code(decline.code);
        match decline.decline_code {
            Some(code) => error.with("decline_code", code),
            None => error,
        }
    }

    /// The same error, naming an object that it is about: a charge, a payment intent.
    pub(crate) fn about(self, name: &str, object: Value) -> Self {
        self.with(name, object)
    }

    /// Too many requests at once.
    pub(crate) fn rate_limit() -> Self {
        let message = "Too many requests hit the API too quickly. We recommend an exponential \
                       backoff of your requests.";
        Self::new(429, "invalid_request_error", message).code("rate_limit").early()
    }

    /// Something went wrong on Stripe's side, once it had begun.
    pub(crate) fn internal() -> Self {
        let message = "An unknown error occurred. If this persists, please contact support.";
        Self::new(500, "api_error", message)
    }

    /// Nobody looked at the request.
    pub(crate) fn unavailable() -> Self {
        Self::new(503, "api_error", "The API is temporarily unavailable.").early().retry(true)
    }

    /// A key that was used for another request.
    pub(crate) fn key_reused(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were \
             first used with. Try using a key other than '{key}' if you meant to execute a \
             different request."
        );
        Self::new(400, "idempotency_error", message).early()
    }

    /// A key whose request is still going on.
    pub(crate) fn key_in_use(key: &str) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key (that \
             probably means you submitted twice, and the other request is still going through): \
             {key}. Please try again later."
        );
        Self::new(409, "idempotency_error", message)
            .code("idempotency_key_in_use")
            .early()
            .retry(true)
    }

    pub(crate) fn status(&self) -> u16 {
        self.0.status
    }

    pub(crate) fn is_before_execution(&self) -> bool {
        self.0.before_execution
    }

    pub(crate) fn should_retry(&self) -> Option<bool> {
        self.0.should_retry
    }

    /// What stands under `error`.
    pub(crate) fn object(&self) -> Value {
        Value::Object(self.0.fields.clone())
    }

    /// The whole body.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.object() })
    }
}
