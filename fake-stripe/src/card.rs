//! Stripe's test cards, and what each of them does: <https://docs.stripe.com/testing>.

/// Why a card is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decline {
    pub(crate) code: &'static str,
    pub(crate) decline_code: Option<&'static str>,
    pub(crate) message: &'static str,
}

const fn decline(code: &'static str, decline_code: &'static str, message: &'static str) -> Decline {
    Decline { code, decline_code: Some(decline_code), message }
}

/// The card was refused, and no more is said.
pub(crate) const DECLINED: Decline =
    decline("card_declined", "generic_decline", "Your card was declined.");
/// The customer is not there to be asked.
pub(crate) const AUTHENTICATION_REQUIRED: Decline = decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
);
/// The customer was asked, and failed.
pub(crate) const AUTHENTICATION_FAILED: Decline = Decline {
    code: "payment_intent_authentication_failure",
    decline_code: None,
    message: "We are unable to authenticate your payment method. Please choose a different \
              payment method and try again.",
};
/// The bank of an account closed it.
pub(crate) const ACCOUNT_CLOSED: Decline = Decline {
    code: "account_closed",
    decline_code: None,
    message: "The customer's bank account has been closed.",
};
const INSUFFICIENT_FUNDS: Decline =
    decline("card_declined", "insufficient_funds", "Your card has insufficient funds.");

/// What happens when a payment method is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Approve,
    Decline(Decline),
    /// A bank debit, which takes a while and then succeeds, fails, or goes on for ever.
    Process(Option<std::result::Result<(), Decline>>),
}

/// When the customer must be asked by their bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authentication {
    Never,
    Always,
    /// Not once it was set up for later use.
    UnlessSetUp,
    /// Not while the customer is away, as if it had been set up.
    OnSession,
}

/// What happens after a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aftermath {
    Nothing,
    /// The customer disputes it for this reason.
    Dispute(&'static str),
    /// The customer's bank asks about it.
    Inquiry(&'static str),
    /// A refund is pending at first.
    RefundPending,
    /// A refund succeeds, and fails later.
    RefundFails,
}

/// A test card, or another test payment method.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Card {
    /// `pm_card_visa`; some have an older name besides.
    pub(crate) names: &'static [&'static str],
    /// Empty for what is no card.
    pub(crate) number: &'static str,
    pub(crate) brand: &'static str,
    pub(crate) funding: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) authentication: Authentication,
    pub(crate) aftermath: Aftermath,
    /// Whether keeping it for later is refused, too.
    pub(crate) refuses_setup: bool,
}

impl Card {
    const fn new(names: &'static [&'static str], number: &'static str) -> Self {
        Self {
            names,
            number,
            brand: "visa",
            funding: "credit",
            outcome: Outcome::Approve,
            authentication: Authentication::Never,
            aftermath: Aftermath::Nothing,
            refuses_setup: false,
        }
    }

    const fn brand(mut self, brand: &'static str, funding: &'static str) -> Self {
        (self.brand, self.funding) = (brand, funding);
        self
    }

    const fn declines(mut self, decline: Decline) -> Self {
        self.outcome = Outcome::Decline(decline);
        self.refuses_setup = true;
        self
    }

    const fn keeps(mut self) -> Self {
        self.refuses_setup = false;
        self
    }

    const fn asks(mut self, authentication: Authentication) -> Self {
        self.authentication = authentication;
        self
    }

    const fn then(mut self, aftermath: Aftermath) -> Self {
        self.aftermath = aftermath;
        self
    }

    const fn debit(
        names: &'static [&'static str],
        end: Option<std::result::Result<(), Decline>>,
    ) -> Self {
        Self { brand: "us_bank_account", outcome: Outcome::Process(end), ..Self::new(names, "") }
    }

    /// The kind of payment method that it is.
    pub(crate) fn kind(&self) -> &'static str {
        if self.number.is_empty() { "us_bank_account" } else { "card" }
    }

    /// Its last four digits.
    pub(crate) fn last4(&self) -> &'static str {
        self.number.get(self.number.len().wrapping_sub(4)..).unwrap_or("6789")
    }

    /// The card with this number, blanks aside.
    pub(crate) fn by_number(number: &str) -> Option<&'static Self> {
        let digits: String = number.chars().filter(|c| !c.is_whitespace()).collect();
        CARDS.iter().find(|card| !card.number.is_empty() && card.number == digits)
    }

    /// The card that Stripe calls `pm_card_…` or `tok_…`.
    pub(crate) fn by_name(name: &str) -> Option<&'static Self> {
        let name = match name.strip_prefix("tok_") {
            Some(token) => format!("pm_card_{token}"),
            None => name.to_owned(),
        };
        CARDS.iter().find(|card| card.names.contains(&name.as_str()))
    }
}

/// Whether a number could be a card's: its digits pass the check of Luhn (ISO/IEC 7812-1, annex B).
pub(crate) fn is_plausible(number: &str) -> bool {
    let digits: Option<Vec<u32>> =
        number.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits else { return false };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => *digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    (12..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

use Aftermath::{Dispute, Inquiry, RefundFails, RefundPending};
use Authentication::{Always, OnSession, UnlessSetUp};

static CARDS: &[Card] = &[
    Card::new(&["pm_card_visa", "pm_card_us"], "4242424242424242"),
    Card::new(&["pm_card_visa_debit"], "4000056655665556").brand("visa", "debit"),
    Card::new(&["pm_card_mastercard"], "5555555555554444").brand("mastercard", "credit"),
    Card::new(&["pm_card_mastercard_debit"], "5200828282828210").brand("mastercard", "debit"),
    Card::new(&["pm_card_mastercard_prepaid"], "5105105105105100").brand("mastercard", "prepaid"),
    Card::new(&["pm_card_amex"], "378282246310005").brand("amex", "credit"),
    Card::new(&["pm_card_discover"], "6011111111111117").brand("discover", "credit"),
    Card::new(&["pm_card_diners"], "3056930009020004").brand("diners", "credit"),
    Card::new(&["pm_card_jcb"], "3566002020360505").brand("jcb", "credit"),
    Card::new(&["pm_card_unionpay"], "6200000000000005").brand("unionpay", "credit"),
    Card::new(&["pm_card_bypassPending"], "4000000000000077"),
    // Refused.
    Card::new(&["pm_card_visa_chargeDeclined", "pm_card_chargeDeclined"], "4000000000000002")
        .declines(DECLINED),
    Card::new(
        &[
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "pm_card_chargeDeclinedInsufficientFunds",
        ],
        "4000000000009995",
    )
    .declines(INSUFFICIENT_FUNDS),
    Card::new(
        &["pm_card_visa_chargeDeclinedLostCard", "pm_card_chargeDeclinedLostCard"],
        "4000000000009987",
    )
    .declines(decline("card_declined", "lost_card", "Your card was declined.")),
    Card::new(
        &["pm_card_visa_chargeDeclinedStolenCard", "pm_card_chargeDeclinedStolenCard"],
        "4000000000009979",
    )
    .declines(decline("card_declined", "stolen_card", "Your card was declined.")),
    Card::new(
        &["pm_card_visa_chargeDeclinedFraudulent", "pm_card_chargeDeclinedFraudulent"],
        "4100000000000019",
    )
    .declines(decline("card_declined", "fraudulent", "Your card was declined.")),
    Card::new(&["pm_card_chargeDeclinedExpiredCard"], "4000000000000069").declines(Decline {
        code: "expired_card",
        decline_code: Some("expired_card"),
        message: "Your card has expired.",
    }),
    Card::new(&["pm_card_chargeDeclinedIncorrectCvc"], "4000000000000127").declines(Decline {
        code: "incorrect_cvc",
        decline_code: Some("incorrect_cvc"),
        message: "Your card's security code is incorrect.",
    }),
    Card::new(&["pm_card_chargeDeclinedProcessingError"], "4000000000000119").declines(Decline {
        code: "processing_error",
        decline_code: Some("processing_error"),
        message: "An error occurred while processing your card. Try again in a little bit.",
    }),
    Card::new(&["pm_card_visa_chargeDeclinedVelocityLimitExceeded"], "4000000000006975").declines(
        decline(
            "card_declined",
            "card_velocity_exceeded",
            "Your card was declined for making repeated attempts too frequently or exceeding its \
             amount limit.",
        ),
    ),
    Card::new(&["pm_card_chargeCustomerFail"], "4000000000000341").declines(DECLINED).keeps(),
    // Asked by the bank.
    Card::new(&["pm_card_authenticationRequired"], "4000002760003184").asks(Always),
    Card::new(&["pm_card_threeDSecure2Required"], "4000000000003220").asks(Always),
    Card::new(&["pm_card_authenticationRequiredOnSetup"], "4000002500003155").asks(UnlessSetUp),
    Card::new(&["pm_card_authenticationRequiredSetupForOffSession"], "4000003800000446")
        .asks(OnSession),
    Card::new(
        &["pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"],
        "4000008260003178",
    )
    .declines(INSUFFICIENT_FUNDS)
    .keeps()
    .asks(Always),
    Card::new(&["pm_card_threeDSecureRequiredChargeDeclined"], "4000008400001629")
        .declines(DECLINED)
        .keeps()
        .asks(Always),
    // Trouble afterwards.
    Card::new(&["pm_card_createDispute"], "4000000000000259").then(Dispute("fraudulent")),
    Card::new(&["pm_card_createDisputeProductNotReceived"], "4000000000002685")
        .then(Dispute("product_not_received")),
    Card::new(&["pm_card_createDisputeInquiry"], "4000000000001976").then(Inquiry("fraudulent")),
    Card::new(&["pm_card_pendingRefund"], "4000000000007726").then(RefundPending),
    Card::new(&["pm_card_refundFail"], "4000000000005126").then(RefundFails),
    // Debits from a bank account, which take a while.
    Card::debit(&["pm_usBankAccount_success", "pm_usBankAccount"], Some(Ok(()))),
    Card::debit(&["pm_usBankAccount_accountClosed"], Some(Err(ACCOUNT_CLOSED))),
    Card::debit(&["pm_usBankAccount_processing"], None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_is_found_by_its_names_and_its_number() {
        for card in CARDS {
            for name in card.names {
                assert_eq!(Card::by_name(name).map(|found| found.number), Some(card.number));
            }
            if card.kind() == "card" {
                assert!(is_plausible(card.number), "{}", card.number);
                let found = Card::by_number(card.number).unwrap();
                assert_eq!(found.names, card.names);
            }
        }
        assert_eq!(Card::by_name("tok_visa").unwrap().number, "4242424242424242");
        assert_eq!(Card::by_number("4242 4242 4242 4242").unwrap().last4(), "4242");
        assert!(Card::by_name("pm_card_nobody").is_none());
    }

    #[test]
    fn a_wrong_digit_is_no_card() {
        assert!(is_plausible("4242 4242 4242 4242"));
        for bad in ["4242424242424241", "", "4242", "4242x", "42424242424242424242"] {
            assert!(!is_plausible(bad), "{bad}");
        }
    }
}
