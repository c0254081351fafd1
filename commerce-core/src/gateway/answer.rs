//! What a provider says of a payment.

use serde::{Deserialize, Serialize};

use crate::{
    id::RefundId,
    money::Money,
    payment::{Decline, DisputeStatus, RefundStatus},
    text::{Label, Url},
    time::Timestamp,
};

/// Whose money it is, and whether it is money.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProviderAccount {
    /// The provider's name for the account; `None` where it is not said.
    pub id: Option<Label>,
    /// Whether money moves: `false` in the provider's test mode.
    pub livemode: bool,
}

impl ProviderAccount {
    /// Whether another account can be this one: the mode is the same, and so is the name where both
    /// say it.
    pub fn is(&self, other: &Self) -> bool {
        let named = |(a, b): (&Label, &Label)| a == b;
        self.livemode == other.livemode && self.id.as_ref().zip(other.id.as_ref()).is_none_or(named)
    }
}

/// How far a payment has come at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderStatus {
    /// It waits for the customer: to choose a card, to confirm, to pay on another page. Also after a
    /// card was declined, as long as another can be tried.
    RequiresAction,
    /// The provider works on it, and will say later what came of it.
    Processing,
    /// Money is set aside and can be taken.
    Authorized,
    /// Money was taken. What is set aside beside it can be taken, too.
    Captured,
    /// It came to nothing, for good.
    Failed,
    /// It was called off, or its time to be paid is over, before any money was taken.
    Voided,
    /// Money was set aside and was let go, because nobody took it in time.
    Expired,
}

/// One payment as it is at the provider.
///
/// Each answer is complete but for `refunds` and `disputes`, which only
/// [`fetch`](super::PaymentGateway::fetch) must tell all of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderPayment {
    /// What the provider calls it and the objects that belong to it, such as a page, an intent and a
    /// charge; at most [`Payment::REFERENCES_MAX`](crate::payment::Payment::REFERENCES_MAX). The
    /// first is the one that stands for all.
    pub references: Vec<Label>,
    /// The account that it belongs to.
    pub account: ProviderAccount,
    /// How far it has come.
    pub status: ProviderStatus,
    /// What it is for.
    pub amount: Money,
    /// What is set aside now and can still be taken.
    pub capturable: Money,
    /// What was taken so far; not less after a refund.
    pub captured: Money,
    /// When what is set aside is let go.
    pub capture_before: Option<Timestamp>,
    /// What the customer's device needs in order to pay.
    pub client_secret: Option<Label>,
    /// Where the customer is sent in order to pay.
    pub redirect_url: Option<Url>,
    /// Why the last try to pay it was declined, if it was.
    pub failure: Option<Decline>,
    /// Its refunds.
    pub refunds: Vec<ProviderRefund>,
    /// Its disputes.
    pub disputes: Vec<ProviderDispute>,
}

impl ProviderPayment {
    /// A payment of which nothing is known but what it is for.
    pub fn new(
        reference: Label,
        account: ProviderAccount,
        status: ProviderStatus,
        amount: Money,
    ) -> Self {
        let zero = Money::zero(amount.currency());
        Self {
            references: vec![reference],
            account,
            status,
            amount,
            capturable: zero,
            captured: zero,
            capture_before: None,
            client_secret: None,
            redirect_url: None,
            failure: None,
            refunds: Vec::new(),
            disputes: Vec::new(),
        }
    }
}

/// One refund as it is at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRefund {
    /// What the provider calls it.
    pub reference: Label,
    /// The shop's id of it; `None` if it was not made by the shop.
    pub refund_id: Option<RefundId>,
    /// How much.
    pub amount: Money,
    /// How far it has come.
    pub status: RefundStatus,
    /// Why it failed, if it did.
    pub failure: Option<Label>,
    /// When it was made there.
    pub created_at: Timestamp,
}

/// One dispute as it is at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderDispute {
    /// What the provider calls it.
    pub reference: Label,
    /// How much of the payment is disputed.
    pub amount: Money,
    /// How far it has come.
    pub status: DisputeStatus,
    /// The provider's word for what the customer says.
    pub reason: Option<Label>,
    /// When it was opened.
    pub opened_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_another_by_its_mode_or_its_name() {
        let account = |id: Option<&str>, livemode| ProviderAccount {
            id: id.map(|id| Label::new(id).unwrap()),
            livemode,
        };
        assert!(account(None, true).is(&account(Some("a"), true)));
        assert!(account(Some("a"), true).is(&account(Some("a"), true)));
        assert!(!account(Some("a"), true).is(&account(Some("b"), true)));
        assert!(!account(Some("a"), true).is(&account(Some("a"), false)));
    }
}
