//! Why a card was refused: Stripe's codes in the shop's words.

use commerce_core::{
    payment::{Decline, DeclineCode},
    text::{Label, TextError},
};

/// What Stripe's `decline_code`, or its `code` where there is none, means for the customer. See
/// <https://docs.stripe.com/declines/codes>, which also says what a customer must not be told: that a
/// card is reported lost or stolen, or looks like fraud. A code that is new here is
/// [`DeclineCode::Declined`].
fn code(stripe: &str) -> DeclineCode {
    match stripe {
        "insufficient_funds" => DeclineCode::InsufficientFunds,
        "card_velocity_exceeded" | "withdrawal_count_limit_exceeded" | "amount_too_large" => {
            DeclineCode::LimitExceeded
        }
        "expired_card" | "invalid_expiry_month" | "invalid_expiry_year" => DeclineCode::ExpiredCard,
        "incorrect_number" | "invalid_number" => DeclineCode::IncorrectNumber,
        "incorrect_cvc" | "invalid_cvc" => DeclineCode::IncorrectSecurityCode,
        "authentication_required"
        | "authentication_not_handled"
        | "payment_intent_authentication_failure"
        | "setup_intent_authentication_failure"
        | "mobile_device_authentication_required" => DeclineCode::AuthenticationRequired,
        "card_not_supported"
        | "currency_not_supported"
        | "invalid_account"
        | "invalid_amount"
        | "not_permitted"
        | "service_not_allowed"
        | "transaction_not_allowed"
        | "payment_method_customer_decline"
        | "payment_intent_incompatible_payment_method" => DeclineCode::NotSupported,
        "approve_with_id"
        | "issuer_not_available"
        | "processing_error"
        | "reenter_transaction"
        | "try_again_later"
        | "payment_method_provider_timeout" => DeclineCode::TryAgain,
        _ => DeclineCode::Declined,
    }
}

/// What the customer reads. Stripe's own text is for developers in part, and in its language.
fn reason(code: DeclineCode) -> &'static str {
    match code {
        DeclineCode::Declined => "Your card was declined.",
        DeclineCode::InsufficientFunds => "Your card has insufficient funds.",
        DeclineCode::LimitExceeded => "A limit of your card is reached.",
        DeclineCode::ExpiredCard => "Your card has expired.",
        DeclineCode::IncorrectNumber => "Your card's number is incorrect.",
        DeclineCode::IncorrectSecurityCode => "Your card's security code is incorrect.",
        DeclineCode::AuthenticationRequired => {
            "Your bank wants you to confirm this payment, and you have not."
        }
        DeclineCode::NotSupported => "Your card does not support this kind of payment.",
        DeclineCode::TryAgain => "Your bank could not be reached. Please try again in a moment.",
    }
}

/// Why a payment was declined, by the two codes of Stripe's error.
pub(crate) fn decline(
    stripe_code: Option<&str>,
    decline_code: Option<&str>,
) -> Result<Decline, TextError> {
    let code = match (decline_code.map(code), stripe_code.map(code)) {
        // `card_declined` says less than the reason beside it.
        (Some(said), Some(DeclineCode::Declined) | None) => said,
        (Some(DeclineCode::Declined) | None, Some(said)) => said,
        (Some(said), Some(_)) => said,
        (None, None) => DeclineCode::Declined,
    };
    Ok(Decline { code, reason: Label::new(reason(code))? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thief_learns_nothing() {
        for secret in
            ["lost_card", "stolen_card", "fraudulent", "merchant_blacklist", "pickup_card"]
        {
            let told = decline(Some("card_declined"), Some(secret)).unwrap();
            assert_eq!(told, decline(Some("card_declined"), Some("generic_decline")).unwrap());
        }
    }

    // All of <https://docs.stripe.com/declines/codes>, and what of <https://docs.stripe.com/error-codes>
    // can be why a customer's payment fails.
    #[test]
    fn every_code_says_what_the_customer_can_do() {
        use DeclineCode::*;
        let all: [(DeclineCode, &[&str]); 9] = [
            (InsufficientFunds, &["insufficient_funds"]),
            (
                LimitExceeded,
                &["card_velocity_exceeded", "withdrawal_count_limit_exceeded", "amount_too_large"],
            ),
            (ExpiredCard, &["expired_card", "invalid_expiry_month", "invalid_expiry_year"]),
            (IncorrectNumber, &["incorrect_number", "invalid_number"]),
            (IncorrectSecurityCode, &["incorrect_cvc", "invalid_cvc"]),
            (
                AuthenticationRequired,
                &[
                    "authentication_required",
                    "authentication_not_handled",
                    "mobile_device_authentication_required",
                    "payment_intent_authentication_failure",
                    "setup_intent_authentication_failure",
                ],
            ),
            (
                NotSupported,
                &[
                    "card_not_supported",
                    "currency_not_supported",
                    "invalid_account",
                    "invalid_amount",
                    "not_permitted",
                    "service_not_allowed",
                    "transaction_not_allowed",
                    "payment_method_customer_decline",
                    "payment_intent_incompatible_payment_method",
                ],
            ),
            (
                TryAgain,
                &[
                    "approve_with_id",
                    "issuer_not_available",
                    "processing_error",
                    "reenter_transaction",
                    "try_again_later",
                    "payment_method_provider_timeout",
                ],
            ),
            (
                Declined,
                &[
                    "call_issuer",
                    "card_declined",
                    "do_not_honor",
                    "do_not_try_again",
                    "duplicate_transaction",
                    "fraudulent",
                    "generic_decline",
                    "incorrect_address",
                    "incorrect_pin",
                    "incorrect_zip",
                    "invalid_pin",
                    "lost_card",
                    "merchant_blacklist",
                    "new_account_information_available",
                    "no_action_taken",
                    "offline_pin_required",
                    "online_or_offline_pin_required",
                    "pickup_card",
                    "pin_try_exceeded",
                    "restricted_card",
                    "revocation_of_all_authorizations",
                    "revocation_of_authorization",
                    "security_violation",
                    "stolen_card",
                    "stop_payment_order",
                    "testmode_decline",
                    "brand_new",
                    "",
                ],
            ),
        ];
        for (meaning, codes) in all {
            for code in codes {
                let told = decline(Some("card_declined"), Some(code)).unwrap();
                assert_eq!((told.code, &*told.reason), (meaning, reason(meaning)), "{code}");
                assert_eq!(decline(Some(code), None).unwrap().code, meaning, "{code}");
            }
        }
    }

    #[test]
    fn the_closer_of_two_codes_counts() {
        let of = |code, decline_code| decline(code, decline_code).unwrap().code;
        let funds = Some("insufficient_funds");
        assert_eq!(of(Some("card_declined"), funds), DeclineCode::InsufficientFunds);
        assert_eq!(of(Some("expired_card"), Some("expired_card")), DeclineCode::ExpiredCard);
        assert_eq!(
            of(Some("incorrect_cvc"), Some("generic_decline")),
            DeclineCode::IncorrectSecurityCode
        );
        assert_eq!(of(Some("expired_card"), funds), DeclineCode::InsufficientFunds);
        assert_eq!(of(Some("processing_error"), None), DeclineCode::TryAgain);
        assert_eq!(of(None, None), DeclineCode::Declined);
        assert_eq!(of(Some("brand_new"), Some("newer")), DeclineCode::Declined);
    }
}
