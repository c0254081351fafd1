//! The states of a payment and what leads from one to another.

use serde::{Deserialize, Serialize};

use super::Refund;
use crate::text::Label;

/// How far a payment has come; of an order, how far its payments together have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Nothing has been heard of it.
    Pending,
    /// The customer must do something: confirm, or pay on another page.
    RequiresAction,
    /// The gateway is working on it.
    Processing,
    /// The money is set aside and can be taken.
    Authorized,
    /// The money was taken.
    Paid,
    /// A part of it was given back.
    PartiallyRefunded,
    /// All of it was given back.
    Refunded,
    /// It came to nothing.
    Failed,
    /// It was called off before any money was taken.
    Voided,
}

/// Something that happens to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentInput {
    /// The gateway wants the customer to do something.
    RequireAction,
    /// The gateway is working on it.
    Process,
    /// The gateway set the money aside.
    Authorize,
    /// All of the money was taken.
    Capture,
    /// It came to nothing.
    Fail {
        /// Why, fit to be shown to the customer.
        reason: Label,
    },
    /// It was called off.
    Void,
    /// Some of the money was given back.
    Refund(Refund),
}

/// [`PaymentInput`] without what it carries: what the state machine looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputKind {
    RequireAction,
    Process,
    Authorize,
    Capture,
    Fail,
    Void,
    Refund,
}

impl PaymentInput {
    pub(crate) fn kind(&self) -> InputKind {
        match self {
            Self::RequireAction => InputKind::RequireAction,
            Self::Process => InputKind::Process,
            Self::Authorize => InputKind::Authorize,
            Self::Capture => InputKind::Capture,
            Self::Fail { .. } => InputKind::Fail,
            Self::Void => InputKind::Void,
            Self::Refund(_) => InputKind::Refund,
        }
    }

    /// What happens to the payment, as the end of "it cannot be …".
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::RequireAction => "put back to the customer",
            Self::Process => "processed",
            Self::Authorize => "authorized",
            Self::Capture => "captured",
            Self::Fail { .. } => "failed",
            Self::Void => "voided",
            Self::Refund(_) => "refunded",
        }
    }
}

impl PaymentStatus {
    /// Every status, in the order of a payment's life.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::RequiresAction,
        Self::Processing,
        Self::Authorized,
        Self::Paid,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Failed,
        Self::Voided,
    ];

    /// The status's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::Authorized => "authorized",
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Failed => "failed",
            Self::Voided => "voided",
        }
    }

    /// The status that an input leads to, if this one allows it. How far a refund leads depends on
    /// its amount; here it is always partial.
    pub(crate) fn after(self, input: InputKind) -> Option<Self> {
        use InputKind as I;
        match (self, input) {
            (Self::Pending, I::RequireAction) => Some(Self::RequiresAction),
            (Self::Pending | Self::RequiresAction, I::Process) => Some(Self::Processing),
            (Self::Pending | Self::RequiresAction | Self::Processing, I::Authorize) => {
                Some(Self::Authorized)
            }
            (
                Self::Pending | Self::RequiresAction | Self::Processing | Self::Authorized,
                I::Capture,
            ) => Some(Self::Paid),
            (Self::Pending | Self::RequiresAction | Self::Processing, I::Fail) => {
                Some(Self::Failed)
            }
            (
                Self::Pending | Self::RequiresAction | Self::Processing | Self::Authorized,
                I::Void,
            ) => Some(Self::Voided),
            (Self::Paid | Self::PartiallyRefunded, I::Refund) => Some(Self::PartiallyRefunded),
            (Self::RequiresAction | Self::Processing | Self::Authorized, I::RequireAction)
            | (Self::Processing | Self::Authorized, I::Process)
            | (Self::Authorized, I::Authorize | I::Fail)
            | (
                Self::Pending | Self::RequiresAction | Self::Processing | Self::Authorized,
                I::Refund,
            )
            | (
                Self::Paid | Self::PartiallyRefunded | Self::Refunded | Self::Failed | Self::Voided,
                I::RequireAction | I::Process | I::Authorize | I::Capture | I::Fail | I::Void,
            )
            | (Self::Refunded | Self::Failed | Self::Voided, I::Refund) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUTS: [InputKind; 7] = [
        InputKind::RequireAction,
        InputKind::Process,
        InputKind::Authorize,
        InputKind::Capture,
        InputKind::Fail,
        InputKind::Void,
        InputKind::Refund,
    ];

    // One letter for each input, in the order above; `-` where it is refused.
    #[test]
    fn every_pair_of_state_and_input() {
        let table: [(PaymentStatus, [&str; 7]); 9] = {
            use PaymentStatus::*;
            let (a, p, t, f, v) = ("requires_action", "processing", "paid", "failed", "voided");
            let (u, r) = ("authorized", "partially_refunded");
            [
                (Pending, [a, p, u, t, f, v, "-"]),
                (RequiresAction, ["-", p, u, t, f, v, "-"]),
                (Processing, ["-", "-", u, t, f, v, "-"]),
                (Authorized, ["-", "-", "-", t, "-", v, "-"]),
                (Paid, ["-", "-", "-", "-", "-", "-", r]),
                (PartiallyRefunded, ["-", "-", "-", "-", "-", "-", r]),
                (Refunded, ["-"; 7]),
                (Failed, ["-"; 7]),
                (Voided, ["-"; 7]),
            ]
        };
        for (status, expected) in table {
            for (input, expected) in INPUTS.into_iter().zip(expected) {
                let after = status.after(input).map_or("-", PaymentStatus::as_str);
                assert_eq!(after, expected, "{status:?} {input:?}");
            }
        }
    }
}
