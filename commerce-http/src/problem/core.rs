//! What the shop's refusals and failures are to a client: the one place that decides it.

use commerce_core::error::{Error, FieldError, Rejection};

use super::{Code, Members, Part, Presumed, Problem};

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let pause = error.retry_after().map(|pause| pause.as_millis().div_ceil(1_000));
        let problem = match error {
            Error::Rejected(rejection) => rejection.into(),
            Error::Contention => Self::new(
                Code::Unavailable,
                "Too many others change the same thing at this moment. Nothing was written.",
            ),
            Error::Unavailable(_) => Self::unavailable(error),
            Error::GatewayUnavailable(_) => Self::new(
                Code::Unavailable,
                "The payment provider is out of reach for the moment. Send the same request with the \
                 same Idempotency-Key: it goes on from where it is.",
            )
            .caused_by(error),
            Error::InFlight => Self::new(
                Code::IdempotencyInFlight,
                "The first request is still being carried out. Send the same request with the same \
                 Idempotency-Key in a moment: it tells what came of it.",
            ),
            Error::OutcomeUnknown(_) => Self::new(
                Code::OutcomeUnknown,
                "It is not known whether this was done. Send the same request with the same \
                 Idempotency-Key: it will not be done twice.",
            )
            .caused_by(error),
            // What is not known here is a fault to be mended, not the client's.
            error => Self::internal(error),
        };
        match pause {
            Some(seconds) => problem.retry_after(u32::try_from(seconds).unwrap_or(u32::MAX)),
            None => problem,
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let detail = sentence(&rejection);
        match rejection {
            Rejection::NotFound { .. } => Self::new(Code::NotFound, detail),
            Rejection::Forbidden => Self::new(Code::Forbidden, detail),
            Rejection::Invalid(errors) => invalid(errors),
            Rejection::InsufficientStock { variant_id, sku, wanted, available } => {
                Self::new(Code::InsufficientStock, detail).with(Members {
                    variant_id: Some(variant_id),
                    sku: Some(sku),
                    wanted: Some(wanted),
                    available: Some(available),
                    ..Members::default()
                })
            }
            Rejection::NotForSale { variant_id, sku, .. } => Self::new(Code::NotForSale, detail)
                .with(Members {
                    variant_id: Some(variant_id),
                    sku: Some(sku),
                    ..Members::default()
                }),
            Rejection::CartEmpty => Self::new(Code::CartEmpty, detail),
            Rejection::CartClosed => Self::new(Code::CartClosed, detail),
            Rejection::PriceChanged { expected, actual } => Self::new(Code::PriceChanged, detail)
                .with(presumed(Presumed::Total(expected), Presumed::Total(actual))),
            Rejection::VersionMismatch { expected, actual } => {
                Self::stale().with(presumed(Presumed::Version(expected), Presumed::Version(actual)))
            }
            Rejection::Taken { what, value } => Self::new(Code::Conflict, detail).with(Members {
                what: Some(what),
                value: Some(value),
                ..Members::default()
            }),
            Rejection::InvalidTransition { .. } => Self::new(Code::InvalidTransition, detail),
            Rejection::PaymentDeclined { decline, order_id } => {
                Self::new(Code::PaymentDeclined, detail).with(Members {
                    decline_code: Some(decline.code),
                    reason: Some(decline.reason),
                    order_id: Some(order_id),
                    ..Members::default()
                })
            }
            Rejection::WebhookUnverified { .. } => Self::new(Code::SignatureInvalid, detail),
            Rejection::WebhookUnreadable { .. } => Self::new(Code::MalformedRequest, detail),
            Rejection::KeyReused => Self::new(Code::IdempotencyKeyReused, detail),
            Rejection::KeyMissing => Self::new(Code::IdempotencyKeyMissing, detail),
            unknown => Self::internal(unknown),
        }
    }
}

fn presumed(expected: Presumed, actual: Presumed) -> Members {
    Members { expected: Some(expected), actual: Some(actual), ..Members::default() }
}

/// The refusal as a sentence for people.
fn sentence(rejection: &Rejection) -> String {
    let text = rejection.to_string();
    // It may end with what somebody else said.
    let mut chars = text.trim_end_matches('.').chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).chain(['.']).collect(),
        None => text,
    }
}

fn invalid(errors: Vec<FieldError>) -> Problem {
    let problem = Problem::new(Code::ValidationFailed, "Some values are missing or not valid.");
    errors.into_iter().fold(problem, |problem, FieldError { pointer, detail }| {
        match pointer.strip_prefix("/headers/") {
            Some(name) => {
                problem.error(Part::Header, format!("/{}", name.to_ascii_lowercase()), detail)
            }
            None => problem.error(Part::Body, pointer, detail),
        }
    })
}

#[cfg(test)]
mod tests {
    use axum::{http::header, response::IntoResponse};
    use commerce_core::{
        currency::Currency,
        id::Moment,
        money::Money,
        payment::{Decline, DeclineCode},
        store::StoreError,
        text::Sku,
        time::Timestamp,
        version::Version,
    };
    use serde_json::json;

    use super::*;

    /// One of each. A variant that is added belongs here, too.
    fn all() -> Vec<(Error, Code)> {
        let mut moment = Moment::new(Timestamp::UNIX_EPOCH, [0; 16]);
        let (variant_id, order_id) = (moment.id(), moment.id());
        let reason = "Too few funds.".parse().unwrap();
        let decline = Decline { code: DeclineCode::InsufficientFunds, reason };
        let sku = || Sku::new("A-1").unwrap();
        let euros = |amount| Money::new(amount, Currency::EUR);
        let store = || StoreError::unavailable("/var/secret.db is gone");
        let short =
            Rejection::InsufficientStock { variant_id, sku: sku(), wanted: 3, available: 2 };
        let stale =
            Rejection::VersionMismatch { expected: Version::new(1), actual: Version::new(2) };
        let rejections = [
            (Rejection::NotFound { what: "cart" }, Code::NotFound),
            (Rejection::Forbidden, Code::Forbidden),
            (Rejection::invalid("/lines/0/quantity", "is wrong"), Code::ValidationFailed),
            (short, Code::InsufficientStock),
            (Rejection::NotForSale { variant_id, sku: sku(), why: "it is old" }, Code::NotForSale),
            (Rejection::CartEmpty, Code::CartEmpty),
            (Rejection::CartClosed, Code::CartClosed),
            (Rejection::PriceChanged { expected: euros(1), actual: euros(2) }, Code::PriceChanged),
            (stale, Code::VersionMismatch),
            (Rejection::Taken { what: "sku", value: "A-1".to_owned() }, Code::Conflict),
            (Rejection::transition("order", "it is cancelled"), Code::InvalidTransition),
            (Rejection::PaymentDeclined { decline, order_id }, Code::PaymentDeclined),
            (Rejection::WebhookUnverified { why: "it is old" }, Code::SignatureInvalid),
            (Rejection::WebhookUnreadable { why: "it is long" }, Code::MalformedRequest),
            (Rejection::KeyReused, Code::IdempotencyKeyReused),
            (Rejection::KeyMissing, Code::IdempotencyKeyMissing),
        ];
        let errors = [
            (Error::Contention, Code::Unavailable),
            (Error::Unavailable(store()), Code::Unavailable),
            (Error::GatewayUnavailable("secret.example is down".into()), Code::Unavailable),
            (Error::InFlight, Code::IdempotencyInFlight),
            (Error::OutcomeUnknown(store().into()), Code::OutcomeUnknown),
            (Error::Internal("a bug in /src/secret".into()), Code::Internal),
        ];
        let rejections = rejections.map(|(rejection, code)| (Error::from(rejection), code));
        rejections.into_iter().chain(errors).collect()
    }

    #[test]
    fn every_error_has_its_code_and_tells_no_secret() {
        for (error, code) in all() {
            let text = error.to_string();
            let problem = Problem::from(error);
            assert_eq!(problem.code(), code, "{text}");
            let body = serde_json::to_string(&problem).unwrap();
            assert!(!body.contains("secret"), "{body}");
            assert!(problem.detail().ends_with('.') && !problem.detail().ends_with(".."), "{body}");
            assert!(problem.detail().starts_with(char::is_uppercase), "{body}");
            let response = problem.into_response();
            let waits = response.headers().contains_key(header::RETRY_AFTER);
            let again = response.status() == 503 || code == Code::IdempotencyInFlight;
            assert_eq!(waits, again, "{text}");
        }
    }

    #[test]
    fn what_a_client_needs_to_go_on_stands_in_members() {
        let of = |code| {
            let (error, _) = all().into_iter().find(|(_, c)| *c == code).unwrap();
            serde_json::to_value(Problem::from(error)).unwrap()
        };
        let short = of(Code::InsufficientStock);
        assert_eq!(short["sku"], "A-1");
        assert_eq!((&short["wanted"], &short["available"]), (&json!(3), &json!(2)));
        let changed = of(Code::PriceChanged);
        assert_eq!(changed["expected"], json!({"amount": 1, "currency": "EUR"}));
        assert_eq!(changed["actual"], json!({"amount": 2, "currency": "EUR"}));
        let declined = of(Code::PaymentDeclined);
        assert_eq!(declined["decline_code"], "insufficient_funds");
        assert!(declined["order_id"].as_str().unwrap().starts_with("ord_"));
        assert_eq!(of(Code::ValidationFailed)["errors"][0]["pointer"], "/lines/0/quantity");
        assert_eq!(of(Code::VersionMismatch)["actual"], 2);
    }

    #[test]
    fn a_key_that_is_wrong_is_found_in_its_header() {
        let refused = Rejection::invalid("/headers/Idempotency-Key", "must be longer");
        let problem = Problem::from(refused);
        let error = problem.errors().first().unwrap();
        assert_eq!((error.part, error.pointer.as_str()), (Part::Header, "/idempotency-key"));
    }
}
