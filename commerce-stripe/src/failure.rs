//! What a call that came to nothing means: one total mapping.

use std::{error::Error as StdError, fmt, time::Duration};

use commerce_core::gateway::{GatewayError, ProviderPayment};

use crate::{decline::decline, object::ErrorObject};

pub(crate) type Source = Box<dyn StdError + Send + Sync>;

/// Why a call came to nothing.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) what: What,
    /// Whether an earlier try of the same call may have had its effect.
    pub(crate) lost_before: bool,
}

/// Why one try came to nothing.
#[derive(Debug)]
pub(crate) enum What {
    /// No connection was made: nobody heard the request.
    NotSent(Source),
    /// The request was sent, at least in part, and no whole answer came.
    Lost(Source),
    /// An answer came that is not what Stripe says: a proxy's page, or JSON without what is needed.
    Unreadable { status: u16, request_id: Option<String>, source: Source },
    /// Stripe said no.
    Answered(Box<Answered>),
    /// The request was never made, as it could not be right.
    Impossible(&'static str),
}

/// Stripe said no.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) error: ErrorObject,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    /// Whether Stripe wants the request to be made again, if it says so.
    pub(crate) should_retry: Option<bool>,
}

/// What is known of the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The customer's bank, card or account does not allow it. Nothing happened.
    Declined,
    /// The object's state does not allow it. Nothing happened.
    Stale,
    /// There is no such object. Nothing happened.
    Missing,
    /// It is never possible.
    Unsupported(&'static str),
    /// It is more than is taken, or than there is. Nothing happened.
    TooMuch,
    /// What is asked for is not accepted. Nothing happened.
    Invalid,
    /// The shop is not accepted until somebody mends something. Nothing happened.
    Refused,
    /// Nobody looked at the request. Nothing happened.
    Unavailable,
    /// The same request is being carried out: it may have happened, or may yet.
    InFlight,
    /// It may have happened.
    Unknown,
}

impl What {
    /// What this try alone means.
    fn meaning(&self) -> Meaning {
        match self {
            Self::NotSent(_) => Meaning::Unavailable,
            // A success that cannot be read had its effect; of a proxy's page nobody knows.
            Self::Lost(_) | Self::Unreadable { .. } => Meaning::Unknown,
            Self::Answered(answered) => answered.meaning(),
            Self::Impossible(why) => Meaning::Unsupported(why),
        }
    }

    /// Whether the same request, with the same key, may do better in a moment.
    pub(crate) fn is_worth_retrying(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::Lost(_) => true,
            Self::Unreadable { status, .. } => *status >= 500,
            Self::Impossible(_) => false,
            Self::Answered(answered) => answered.should_retry.unwrap_or(match answered.status {
                409 | 429 => true,
                status => status >= 500,
            }),
        }
    }

    /// Whether it may have had its effect.
    pub(crate) fn may_have_happened(&self) -> bool {
        matches!(self.meaning(), Meaning::InFlight | Meaning::Unknown)
    }

    /// How long Stripe wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered(answered) => answered.retry_after,
            _ => None,
        }
    }
}

impl Answered {
    /// See <https://docs.stripe.com/error-handling> and <https://docs.stripe.com/error-codes>.
    fn meaning(&self) -> Meaning {
        let (kind, code) = (self.error.kind.as_deref(), self.error.code.as_deref());
        match (self.status, kind, code) {
            (402, ..) | (_, Some("card_error"), _) => Meaning::Declined,
            (_, _, Some("idempotency_key_in_use")) => Meaning::InFlight,
            // Another request had the key: what became of that is not said here.
            (_, Some("idempotency_error"), _) => Meaning::Unknown,
            (429, ..) | (_, _, Some("lock_timeout" | "rate_limit")) => Meaning::Unavailable,
            (401 | 403, ..) => Meaning::Refused,
            (404, _, Some("resource_missing")) | (_, _, Some("resource_missing")) => {
                Meaning::Missing
            }
            (
                400..=499,
                _,
                Some(
                    "payment_intent_unexpected_state"
                    | "setup_intent_unexpected_state"
                    | "charge_already_captured"
                    | "charge_already_refunded"
                    | "charge_disputed"
                    | "charge_expired_for_capture"
                    | "charge_not_refundable"
                    | "refund_disputed_payment",
                ),
            ) => Meaning::Stale,
            (400..=499, _, Some("amount_too_small")) => {
                Meaning::Unsupported("the amount is less than Stripe takes in this currency")
            }
            (400..=499, _, Some("amount_too_large")) => Meaning::TooMuch,
            (400..=499, _, Some("payment_intent_incompatible_payment_method")) => Meaning::Declined,
            // Stripe waits for another service, or two requests met.
            (409 | 424, ..) => Meaning::Unknown,
            (400..=499, ..) => Meaning::Invalid,
            // Remembered under the key or not: it was begun.
            _ => Meaning::Unknown,
        }
    }
}

impl Failure {
    pub(crate) fn impossible(why: &'static str) -> Self {
        Self { what: What::Impossible(why), lost_before: false }
    }

    /// An answer that lacks what is needed.
    pub(crate) fn unreadable(source: impl Into<Source>) -> Self {
        let source = source.into();
        let what = What::Unreadable { status: 200, request_id: None, source };
        Self { what, lost_before: false }
    }

    /// What all tries together mean.
    pub(crate) fn meaning(&self) -> Meaning {
        match self.what.meaning() {
            // What would have been said to the lost try, too: what Stripe decides when it looks at a
            // request it decides the same way again.
            decided @ (Meaning::Declined | Meaning::Unsupported(_) | Meaning::Unknown) => decided,
            // It is what keeps the lost try's answer.
            Meaning::InFlight => Meaning::InFlight,
            // The lost try may be why the state does not allow it any more.
            _ if self.lost_before => Meaning::Unknown,
            meaning => meaning,
        }
    }

    /// What Stripe said, if it said anything.
    pub(crate) fn error(&self) -> Option<&ErrorObject> {
        match &self.what {
            What::Answered(answered) => Some(&answered.error),
            _ => None,
        }
    }

    /// Whether what was to go is not there any more, be it because an earlier try took it away.
    pub(crate) fn is_gone(&self) -> bool {
        match &self.what {
            What::Answered(answered) => match answered.meaning() {
                Meaning::Missing => true,
                Meaning::Invalid => self.lost_before && answered.status == 400,
                _ => false,
            },
            _ => false,
        }
    }

    /// The error of a call that wanted to change something.
    pub(crate) fn of_change(self, state: Option<ProviderPayment>) -> GatewayError {
        let retry_after = self.what.retry_after();
        match self.meaning() {
            Meaning::Declined => {
                let (code, decline_code) = match self.error() {
                    Some(error) => (error.code.as_deref(), error.decline_code.as_deref()),
                    None => (None, None),
                };
                match decline(code, decline_code) {
                    Ok(decline) => GatewayError::Declined { decline, state: state.map(Box::new) },
                    Err(error) => GatewayError::OutcomeUnknown(error.into()),
                }
            }
            Meaning::Stale => GatewayError::Stale(self.into()),
            Meaning::Unsupported(why) => GatewayError::Unsupported(why),
            Meaning::TooMuch => {
                GatewayError::Unsupported("the amount is more than Stripe takes in this currency")
            }
            Meaning::Missing | Meaning::Invalid => GatewayError::Invalid(self.into()),
            Meaning::Refused => GatewayError::Refused(self.into()),
            Meaning::Unavailable => GatewayError::Unavailable { source: self.into(), retry_after },
            Meaning::InFlight => GatewayError::InFlight(self.into()),
            Meaning::Unknown => GatewayError::OutcomeUnknown(self.into()),
        }
    }

    /// The error of a call that wanted to know something.
    pub(crate) fn of_question(self) -> GatewayError {
        let retry_after = self.what.retry_after();
        match self.meaning() {
            Meaning::Refused | Meaning::Invalid | Meaning::Missing => {
                GatewayError::Refused(self.into())
            }
            Meaning::Declined
            | Meaning::Stale
            | Meaning::Unsupported(_)
            | Meaning::TooMuch
            | Meaning::Unavailable
            | Meaning::InFlight
            | Meaning::Unknown => GatewayError::Unavailable { source: self.into(), retry_after },
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = |id: &Option<String>| id.clone().unwrap_or_else(|| "unknown".to_owned());
        match &self.what {
            What::NotSent(_) => f.write_str("no connection to Stripe")?,
            What::Lost(_) => f.write_str("Stripe's answer was lost")?,
            What::Unreadable { status, request_id, .. } => {
                let id = request(request_id);
                write!(f, "Stripe's answer cannot be read (status {status}, request {id})")?;
            }
            What::Answered(answered) => {
                let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
                let error = &answered.error;
                // About a parameter it may repeat what was sent: a customer's address, an amount.
                let message = error.message.clone().filter(|_| error.param.is_none());
                write!(
                    f,
                    "Stripe answered {}: {} {} {} (param {}, request {})",
                    answered.status,
                    word(&error.kind),
                    word(&error.code),
                    word(&message),
                    word(&error.param),
                    request(&answered.request_id),
                )?;
            }
            What::Impossible(why) => f.write_str(why)?,
        }
        if self.lost_before { f.write_str(", after an answer that was lost") } else { Ok(()) }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.what {
            What::NotSent(source) | What::Lost(source) | What::Unreadable { source, .. } => {
                Some(source.as_ref())
            }
            What::Answered(_) | What::Impossible(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, kind: &str, code: &str) -> Failure {
        let word = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let error = ErrorObject { kind: word(kind), code: word(code), ..ErrorObject::default() };
        let answered =
            Answered { status, error, request_id: None, retry_after: None, should_retry: None };
        Failure { what: What::Answered(Box::new(answered)), lost_before: false }
    }

    #[test]
    fn every_answer_means_something_and_again_after_a_loss() {
        use Meaning::*;
        let small = Unsupported("the amount is less than Stripe takes in this currency");
        let invalid = "invalid_request_error";
        for (status, kind, code, alone, after_a_loss) in [
            (402, "card_error", "card_declined", Declined, Declined),
            (402, "", "", Declined, Declined),
            (400, "card_error", "expired_card", Declined, Declined),
            (400, invalid, "payment_intent_incompatible_payment_method", Declined, Declined),
            (400, invalid, "payment_intent_unexpected_state", Stale, Unknown),
            (400, invalid, "setup_intent_unexpected_state", Stale, Unknown),
            (400, invalid, "charge_already_captured", Stale, Unknown),
            (400, invalid, "charge_already_refunded", Stale, Unknown),
            (400, invalid, "charge_disputed", Stale, Unknown),
            (400, invalid, "charge_expired_for_capture", Stale, Unknown),
            (400, invalid, "charge_not_refundable", Stale, Unknown),
            (400, invalid, "refund_disputed_payment", Stale, Unknown),
            (400, invalid, "amount_too_small", small, small),
            (400, invalid, "amount_too_large", TooMuch, Unknown),
            (400, invalid, "lock_timeout", Unavailable, Unknown),
            (400, invalid, "rate_limit", Unavailable, Unknown),
            (400, invalid, "idempotency_key_in_use", InFlight, InFlight),
            (400, invalid, "resource_missing", Missing, Unknown),
            (500, invalid, "charge_already_refunded", Unknown, Unknown),
            (499, "", "", Invalid, Unknown),
            (400, invalid, "email_invalid", Invalid, Unknown),
            (400, invalid, "parameter_unknown", Invalid, Unknown),
            (400, invalid, "", Invalid, Unknown),
            (400, "idempotency_error", "", Unknown, Unknown),
            (401, invalid, "", Refused, Unknown),
            (403, invalid, "", Refused, Unknown),
            (404, invalid, "resource_missing", Missing, Unknown),
            (404, invalid, "", Invalid, Unknown),
            (409, "idempotency_error", "idempotency_key_in_use", InFlight, InFlight),
            (409, "", "", Unknown, Unknown),
            (413, "", "", Invalid, Unknown),
            (424, "api_error", "", Unknown, Unknown),
            (429, invalid, "rate_limit", Unavailable, Unknown),
            (429, invalid, "lock_timeout", Unavailable, Unknown),
            (500, "api_error", "", Unknown, Unknown),
            (502, "", "", Unknown, Unknown),
            (503, "api_error", "", Unknown, Unknown),
            (302, "", "", Unknown, Unknown),
            (100, "", "", Unknown, Unknown),
        ] {
            let mut failure = answered(status, kind, code);
            assert_eq!(failure.meaning(), alone, "{status} {kind} {code}");
            failure.lost_before = true;
            assert_eq!(failure.meaning(), after_a_loss, "{status} {kind} {code}");
        }
        // Nothing panics, whatever comes.
        for status in 0..=1000 {
            answered(status, "new_error", "new_code").meaning();
        }
    }

    #[test]
    fn what_is_known_of_the_outcome_is_all_that_the_shop_hears() {
        let word = |error: GatewayError| match error {
            GatewayError::Declined { .. } => "declined",
            GatewayError::Stale(_) => "stale",
            GatewayError::Unsupported(_) => "unsupported",
            GatewayError::Invalid(_) => "invalid",
            GatewayError::Refused(_) => "refused",
            GatewayError::Unavailable { .. } => "unavailable",
            GatewayError::InFlight(_) => "in flight",
            GatewayError::OutcomeUnknown(_) => "unknown",
        };
        let (invalid, down) = ("invalid_request_error", "unavailable");
        for (status, kind, code, change, question) in [
            (402, "card_error", "card_declined", "declined", down),
            (400, invalid, "charge_already_refunded", "stale", down),
            (400, invalid, "amount_too_small", "unsupported", down),
            (400, invalid, "amount_too_large", "unsupported", down),
            (400, invalid, "email_invalid", "invalid", "refused"),
            (400, invalid, "resource_missing", "invalid", "refused"),
            (409, "idempotency_error", "idempotency_key_in_use", "in flight", down),
            (401, invalid, "", "refused", "refused"),
            (429, invalid, "rate_limit", down, down),
            (500, "api_error", "", "unknown", down),
        ] {
            let of = || answered(status, kind, code);
            assert_eq!(word(of().of_change(None)), change, "{status} {code}");
            assert_eq!(word(of().of_question()), question, "{status} {code}");
        }
        let alone = |what| Failure { what, lost_before: false };
        assert_eq!(word(alone(What::NotSent("x".into())).of_change(None)), down);
        assert_eq!(word(alone(What::Lost("x".into())).of_change(None)), "unknown");
        assert_eq!(word(Failure::unreadable("x").of_change(None)), "unknown");
        assert_eq!(word(Failure::impossible("x").of_change(None)), "unsupported");
        let lost_before = Failure { lost_before: true, ..alone(What::NotSent("x".into())) };
        assert_eq!(word(lost_before.of_change(None)), "unknown");
    }

    #[test]
    fn how_long_stripe_wants_to_be_left_alone_is_passed_on() {
        let pause = Some(Duration::from_secs(7));
        let busy = || {
            let mut failure = answered(429, "", "rate_limit");
            if let What::Answered(answered) = &mut failure.what {
                answered.retry_after = pause;
            }
            failure
        };
        for error in [busy().of_change(None), busy().of_question()] {
            assert!(
                matches!(error, GatewayError::Unavailable { retry_after, .. } if retry_after == pause)
            );
        }
    }

    #[test]
    fn what_was_sent_is_not_repeated_to_a_log() {
        let told = |param: Option<&str>| {
            let mut failure = answered(400, "invalid_request_error", "email_invalid");
            if let What::Answered(answered) = &mut failure.what {
                answered.error.message = Some("Invalid email address: ada@example".to_owned());
                answered.error.param = param.map(str::to_owned);
            }
            failure.to_string()
        };
        let named = told(Some("customer_email"));
        assert!(named.contains("email_invalid") && named.contains("param customer_email"));
        assert!(!named.contains("ada@example"), "{named}");
        assert!(told(None).contains("Invalid email address"), "the account's own trouble is told");
    }

    #[test]
    fn what_is_to_go_is_gone_if_stripe_does_not_know_it_or_an_earlier_try_may_have_done_it() {
        let gone = |status, code, lost_before| {
            Failure { lost_before, ..answered(status, "invalid_request_error", code) }.is_gone()
        };
        for lost_before in [false, true] {
            assert!(gone(404, "resource_missing", lost_before));
            assert!(!gone(401, "", lost_before) && !gone(403, "", lost_before));
            assert!(!gone(500, "", lost_before) && !gone(429, "rate_limit", lost_before));
            assert!(!Failure { lost_before, ..Failure::unreadable("x") }.is_gone());
        }
        // Stripe has no code for what is not attached to anybody any more.
        assert!(gone(400, "", true) && !gone(400, "", false));
    }

    #[test]
    fn only_what_may_do_better_is_tried_again() {
        for (status, again) in
            [(400, false), (402, false), (404, false), (409, true), (429, true), (500, true)]
        {
            let page = What::Unreadable { status, request_id: None, source: "a page".into() };
            assert_eq!(page.is_worth_retrying(), status >= 500, "{status}");
            assert_eq!(answered(status, "", "").what.is_worth_retrying(), again, "{status}");
        }
        let mut failure = answered(500, "", "");
        if let What::Answered(answered) = &mut failure.what {
            answered.should_retry = Some(false);
        }
        assert!(!failure.what.is_worth_retrying());
        if let What::Answered(answered) = &mut failure.what {
            (answered.status, answered.should_retry) = (400, Some(true));
        }
        assert!(failure.what.is_worth_retrying());
        assert!(What::Lost("x".into()).is_worth_retrying());
        assert!(What::NotSent("x".into()).is_worth_retrying());
        assert!(!What::Impossible("x").is_worth_retrying());
    }
}
