//! The comparison of a shop's books with those of a gateway's provider, for a period.
//!
//! Movements are found in the books by what the provider calls them and by the shop's ids that it was
//! given. The two sides date them by their own clocks, and the shop hears of some of them late. So more
//! than the period is looked at before something is missed, and where even that does not tell, the
//! payment's state at the provider does.

mod comparison;

pub(crate) use comparison::{Comparison, States};

use std::time::Duration;

use serde::Serialize;

use crate::{
    gateway::TransactionKind,
    id::{OrderId, PaymentId, RefundId},
    money::Money,
    text::{GatewayName, Label, OrderNumber},
    time::Timestamp,
};

/// In what the two sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// Money moved at the provider, and the books know nothing of it.
    UnknownToShop,
    /// The books say that money moved, and the provider does not.
    MissingAtProvider,
    /// It is another amount.
    AmountDiffers,
    /// It is another currency.
    CurrencyDiffers,
    /// More was taken for an order than it comes to, by several charges, and not given back.
    ChargedTwice,
}

impl DifferenceKind {
    /// The kind's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownToShop => "unknown_to_shop",
            Self::MissingAtProvider => "missing_at_provider",
            Self::AmountDiffers => "amount_differs",
            Self::CurrencyDiffers => "currency_differs",
            Self::ChargedTwice => "charged_twice",
        }
    }
}

/// One difference between the two sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Difference {
    /// In what they differ.
    pub kind: DifferenceKind,
    /// What kind of movement it is about.
    pub movement: TransactionKind,
    /// When it was there; when it was booked, if it is missing there.
    pub at: Timestamp,
    /// What the provider calls it, as far as that is known.
    pub reference: Option<Label>,
    /// The number of the order, if it is known whose it is.
    pub order_number: Option<OrderNumber>,
    /// The order.
    pub order_id: Option<OrderId>,
    /// The payment, also one that the shop does not know but the provider names.
    pub payment_id: Option<PaymentId>,
    /// The refund, if it is one that the shop made.
    pub refund_id: Option<RefundId>,
    /// What the provider says that moved; of a charge, all that was taken for the payment.
    pub provider: Option<Money>,
    /// What the books say that moved.
    pub booked: Option<Money>,
}

/// What moved in all, of one kind and currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MovementSum {
    /// The kind.
    pub movement: TransactionKind,
    /// What moved at the provider.
    pub provider: Money,
    /// What the books have for the same movements, and of what is missing at the provider.
    pub booked: Money,
}

/// The two sides of a period, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reconciliation {
    /// The gateway.
    pub gateway: GatewayName,
    /// From this time on.
    pub from: Timestamp,
    /// Before this time.
    pub until: Timestamp,
    /// How many movements the provider has in the period.
    pub transactions: u64,
    /// Their sums, by kind and currency.
    pub sums: Vec<MovementSum>,
    /// Every difference, by time.
    pub differences: Vec<Difference>,
}

impl Reconciliation {
    /// How far before and after the period the provider's books are looked at before something is
    /// missed.
    pub const MARGIN: Duration = Duration::from_secs(86_400);

    /// Whether there is no difference.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }
}
