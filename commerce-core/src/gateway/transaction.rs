//! What moved money in a provider's books.

use serde::{Deserialize, Serialize};

use crate::{
    id::{PaymentId, RefundId},
    money::Money,
    text::Label,
    time::Timestamp,
};

/// What kind of movement it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    /// Money was taken from a customer. Money that was only set aside is no movement.
    Charge,
    /// Money was given back.
    Refund,
    /// Money was taken back by a customer's bank.
    Dispute,
}

impl TransactionKind {
    /// The kind's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
        }
    }
}

/// A movement of money in a provider's books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// What the provider calls it: the charge, the refund, the dispute.
    pub reference: Label,
    /// What kind of movement it is.
    pub kind: TransactionKind,
    /// What the provider calls the payment that it belongs to, as in
    /// [`ProviderPayment::references`](super::ProviderPayment::references).
    pub payment_references: Vec<Label>,
    /// The shop's id of the payment; `None` if it was not made by the shop.
    pub payment_id: Option<PaymentId>,
    /// The shop's id of the refund; `None` if it is none or was not made by the shop.
    pub refund_id: Option<RefundId>,
    /// How much moved, more than 0; of a charge what was taken, whatever was given back since. Tries
    /// that came to nothing are no movement.
    pub amount: Money,
    /// When.
    pub at: Timestamp,
}

/// Which movements are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionQuery {
    /// From this time on.
    pub from: Timestamp,
    /// Before this time.
    pub until: Timestamp,
    /// The page after the one that ended with this; the first one if absent.
    pub after: Option<Label>,
}

/// A page of movements, in no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionPage {
    /// The movements.
    pub items: Vec<Transaction>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Label>,
}
