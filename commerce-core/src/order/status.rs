//! The words for how far an order has come.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a person sees of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// It waits for its money.
    Pending,
    /// It can be sent.
    Confirmed,
    /// A part of it was sent.
    Processing,
    /// All of it was sent.
    Shipped,
    /// All of it has arrived.
    Delivered,
    /// It was called off, or lapsed.
    Cancelled,
    /// Its money was given back.
    Refunded,
}

impl OrderStatus {
    /// The status's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Processing => "processing",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }
}

/// How far an order has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FulfillmentStatus {
    /// Not at all.
    Unfulfilled,
    /// In part.
    Partial,
    /// Wholly.
    Fulfilled,
}

impl FulfillmentStatus {
    /// The status's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unfulfilled => "unfulfilled",
            Self::Partial => "partial",
            Self::Fulfilled => "fulfilled",
        }
    }
}

/// When an order is to be paid, and whether it is sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", from = "TermsForm")]
pub enum PaymentTerms {
    /// It is paid within some days and not sent before; then it lapses.
    Prepaid {
        /// The days, from 1 to 3,650.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3_650))]
        days: u32,
    },
    /// It is paid once it is there, or later by invoice. If it is not sent within some days, it
    /// lapses.
    OnDelivery {
        /// The days, from 1 to 3,650.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3_650))]
        days: u32,
    },
}

/// [`PaymentTerms`] as they are written: read field by field, so that what is wrong with one is said
/// of that one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TermsForm {
    kind: TermsKind,
    days: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum TermsKind {
    Prepaid,
    OnDelivery,
}

impl From<TermsForm> for PaymentTerms {
    fn from(TermsForm { kind, days }: TermsForm) -> Self {
        match kind {
            TermsKind::Prepaid => Self::Prepaid { days },
            TermsKind::OnDelivery => Self::OnDelivery { days },
        }
    }
}

impl Default for PaymentTerms {
    fn default() -> Self {
        Self::Prepaid { days: 7 }
    }
}

impl PaymentTerms {
    /// The longest terms.
    pub const DAYS_MAX: u32 = 3_650;

    /// The days after which an order lapses.
    pub fn days(self) -> u32 {
        match self {
            Self::Prepaid { days } | Self::OnDelivery { days } => days,
        }
    }

    /// The time after which an order lapses.
    pub fn within(self) -> Duration {
        Duration::from_secs(u64::from(self.days()) * 86_400)
    }
}
