//! Stripe's objects, as far as a shop reads them.
//!
//! Answers are read leniently on purpose: what is not needed is not named, what may be absent is
//! optional. The library's own types ask for every field that Stripe's description of its API has today,
//! and an answer that lacked one would be lost although its effect was had.

use std::collections::HashMap;

use serde::Deserialize;

/// Key and value pairs that the shop gave an object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Metadata(Option<HashMap<String, String>>);

impl Metadata {
    /// One of the shop's ids.
    pub(crate) fn id<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.0.as_ref()?.get(name)?.parse().ok()
    }
}

/// Another object: its id, or all of it where that was asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Reference<T> {
    Id(String),
    Object(Box<T>),
}

impl<T: Named> Reference<T> {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Object(object) => object.id(),
        }
    }

    pub(crate) fn object(&self) -> Option<&T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

/// Something that only a customer's device is to see.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Hidden(pub(crate) String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// An object with an id.
pub(crate) trait Named {
    fn id(&self) -> &str;
}

macro_rules! named {
    ($($name:ident),*) => {$(
        impl Named for $name {
            fn id(&self) -> &str {
                &self.id
            }
        }
    )*};
}
named!(Any, Intent, Session, Charge, Refund, Dispute, Method);

/// An object of which only the id counts.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Any {
    pub(crate) id: String,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    #[serde(default)]
    pub(crate) has_more: bool,
}

/// A payment intent.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Intent {
    pub(crate) id: String,
    pub(crate) amount: i64,
    #[serde(default)]
    pub(crate) amount_capturable: i64,
    #[serde(default)]
    pub(crate) amount_received: i64,
    pub(crate) cancellation_reason: Option<String>,
    pub(crate) client_secret: Option<Hidden>,
    pub(crate) currency: String,
    pub(crate) last_payment_error: Option<ErrorObject>,
    pub(crate) latest_charge: Option<Reference<Charge>>,
    pub(crate) livemode: Option<bool>,
    #[serde(default)]
    pub(crate) metadata: Metadata,
    pub(crate) status: String,
}

/// A page on which a customer pays.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) amount_total: Option<i64>,
    pub(crate) currency: Option<String>,
    pub(crate) livemode: Option<bool>,
    #[serde(default)]
    pub(crate) metadata: Metadata,
    pub(crate) payment_intent: Option<Reference<Intent>>,
    pub(crate) status: Option<String>,
    pub(crate) url: Option<String>,
}

/// One try to take an intent's money.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) amount: i64,
    #[serde(default)]
    pub(crate) amount_captured: i64,
    pub(crate) currency: String,
    #[serde(default)]
    pub(crate) disputed: bool,
    #[serde(default)]
    pub(crate) metadata: Metadata,
    #[serde(default)]
    pub(crate) paid: bool,
    pub(crate) payment_intent: Option<Reference<Any>>,
    pub(crate) payment_method_details: Option<MethodDetails>,
    pub(crate) status: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct MethodDetails {
    pub(crate) card: Option<CardDetails>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct CardDetails {
    /// When a hold lapses, in seconds since 1970.
    pub(crate) capture_before: Option<i64>,
}

/// Money given back, or let go of before it was taken.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) balance_transaction: Option<Reference<Any>>,
    pub(crate) charge: Option<Reference<Any>>,
    pub(crate) created: i64,
    pub(crate) currency: String,
    pub(crate) failure_reason: Option<String>,
    #[serde(default)]
    pub(crate) metadata: Metadata,
    pub(crate) payment_intent: Option<Reference<Any>>,
    pub(crate) status: Option<String>,
}

/// A customer asked their bank for the money back.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Dispute {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) charge: Option<Reference<Any>>,
    pub(crate) created: i64,
    pub(crate) currency: String,
    pub(crate) payment_intent: Option<Reference<Any>>,
    pub(crate) reason: Option<String>,
    pub(crate) status: String,
}

/// A card, or another way to pay, that is kept for a customer.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Method {
    pub(crate) id: String,
    pub(crate) card: Option<MethodCard>,
    pub(crate) customer: Option<Reference<Any>>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct MethodCard {
    pub(crate) brand: Option<String>,
    pub(crate) exp_month: Option<u8>,
    pub(crate) exp_year: Option<u16>,
    pub(crate) last4: Option<String>,
}

/// A payment method is to be kept for later.
#[derive(Debug, Deserialize)]
pub(crate) struct SetupIntent {
    pub(crate) id: String,
    pub(crate) client_secret: Option<Hidden>,
}

/// What stands under `error`, and why the last try to pay an intent failed.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ErrorObject {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) decline_code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) param: Option<String>,
    /// The intent that it is about. It is left out where it cannot be read.
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) payment_intent: Option<Box<Intent>>,
}

/// The body of an answer that is no success.
#[derive(Debug, Deserialize)]
pub(crate) struct ErrorBody {
    pub(crate) error: ErrorObject,
}

/// Something that an error can do without.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_whatever_it_comes_with() {
        for intent in ["null", "7", r#"{"id":7}"#, r#""pi_1""#] {
            let body = format!(r#"{{"error":{{"code":"x","payment_intent":{intent},"new":1}}}}"#);
            let read: ErrorBody = serde_json::from_str(&body).unwrap();
            assert_eq!(read.error.code.as_deref(), Some("x"), "{intent}");
            assert!(read.error.payment_intent.is_none(), "{intent}");
        }
        let intent = r#"{"id":"pi_1","amount":1,"currency":"eur","status":"canceled"}"#;
        let body = format!(r#"{{"error":{{"payment_intent":{intent}}}}}"#);
        let read: ErrorBody = serde_json::from_str(&body).unwrap();
        assert_eq!(read.error.payment_intent.unwrap().id, "pi_1");
    }

    #[test]
    fn a_customers_secret_is_not_printed() {
        let intent =
            r#"{"id":"pi_1","amount":1,"currency":"eur","status":"x","client_secret":"pst"}"#;
        let intent: Intent = serde_json::from_str(intent).unwrap();
        assert_eq!(intent.client_secret.as_ref().unwrap().0, "pst");
        assert!(!format!("{intent:?}").contains("pst"));
    }

    #[test]
    fn an_object_is_named_expanded_or_not() {
        for text in [r#""ch_1""#, r#"{"id":"ch_1","amount":1,"currency":"eur"}"#] {
            let charge: Reference<Charge> = serde_json::from_str(text).unwrap();
            assert_eq!((charge.id(), charge.object().is_some()), ("ch_1", text.starts_with('{')));
        }
        let metadata: Metadata = serde_json::from_str(r#"{"n":"7","x":"y"}"#).unwrap();
        assert_eq!((metadata.id("n"), metadata.id::<u8>("x")), (Some(7), None));
        assert_eq!(Metadata::default().id::<u8>("n"), None);
    }
}
