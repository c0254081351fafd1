//! The states of a payment and what leads from one to another.

use serde::{Deserialize, Serialize};

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
    /// It came to nothing.
    Failed,
    /// The money is set aside and can be taken.
    Authorized,
    /// It was called off before any money was taken.
    Voided,
    /// The money was set aside and let go again, because nobody took it in time.
    Expired,
    /// A part of the money was taken.
    PartiallyCaptured,
    /// The money was taken.
    Paid,
    /// A part of it was given back.
    PartiallyRefunded,
    /// All of it was given back.
    Refunded,
    /// What the gateway says of it cannot be right: a person must look at it.
    NeedsReview,
}

/// Something that happens to a payment: what the state machine looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    /// The gateway wants the customer to do something.
    RequireAction,
    /// The gateway is working on it.
    Process,
    /// The gateway set the money aside.
    Authorize,
    /// More of the money was taken, but not all.
    CapturePart,
    /// The rest of the money was taken.
    CaptureAll,
    /// It came to nothing.
    Fail,
    /// It was called off.
    Void,
    /// What was set aside was let go.
    Expire,
    /// What is given back changed to nothing, as a refund came to nothing afterwards.
    RefundNone,
    /// What is given back changed to a part of what was taken.
    RefundPart,
    /// What is given back changed to all that was taken.
    RefundAll,
    /// What the gateway says cannot be right.
    Review,
}

impl PaymentStatus {
    /// Every status, in the order of a payment's life.
    pub const ALL: [Self; 12] = [
        Self::Pending,
        Self::RequiresAction,
        Self::Processing,
        Self::Failed,
        Self::Authorized,
        Self::Voided,
        Self::Expired,
        Self::PartiallyCaptured,
        Self::Paid,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::NeedsReview,
    ];

    /// The status's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::Failed => "failed",
            Self::Authorized => "authorized",
            Self::Voided => "voided",
            Self::Expired => "expired",
            Self::PartiallyCaptured => "partially_captured",
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::NeedsReview => "needs_review",
        }
    }

    /// How far a payment in it has come. What is heard late leads to no lower one, except that a
    /// provider that says again what it said of a payment in review brings it back to where it is.
    pub fn rank(self) -> u8 {
        match self {
            Self::NeedsReview => 0,
            Self::Pending => 1,
            Self::RequiresAction | Self::Processing => 2,
            Self::Failed => 3,
            Self::Authorized => 4,
            Self::Voided | Self::Expired => 5,
            Self::PartiallyCaptured => 6,
            Self::Paid => 7,
            Self::PartiallyRefunded | Self::Refunded => 8,
        }
    }

    /// The status that an input leads to; `None` if it leads nowhere from this one, because it is old
    /// news or contradicts what is known better.
    ///
    /// Money is known best. A payment that was given up, called off or let go and was then paid is
    /// paid, whatever is to become of the money; one that was given up only because nobody knew of it
    /// can also still turn out to be authorized.
    pub(crate) fn after(self, input: Input) -> Option<Self> {
        use Input as I;
        match (self, input) {
            (Self::Pending | Self::Processing | Self::NeedsReview, I::RequireAction) => {
                Some(Self::RequiresAction)
            }
            (Self::Pending | Self::RequiresAction | Self::NeedsReview, I::Process) => {
                Some(Self::Processing)
            }
            (
                Self::Pending
                | Self::RequiresAction
                | Self::Processing
                | Self::Failed
                | Self::NeedsReview,
                I::Authorize,
            ) => Some(Self::Authorized),
            (
                Self::Pending
                | Self::RequiresAction
                | Self::Processing
                | Self::Failed
                | Self::Authorized
                | Self::Voided
                | Self::Expired
                | Self::NeedsReview,
                I::CapturePart,
            ) => Some(Self::PartiallyCaptured),
            (
                Self::Pending
                | Self::RequiresAction
                | Self::Processing
                | Self::Failed
                | Self::Authorized
                | Self::Voided
                | Self::Expired
                | Self::PartiallyCaptured
                | Self::NeedsReview,
                I::CaptureAll,
            ) => Some(Self::Paid),
            (Self::Refunded, I::CapturePart | I::CaptureAll) => Some(Self::PartiallyRefunded),
            (
                Self::Pending | Self::RequiresAction | Self::Processing | Self::NeedsReview,
                I::Fail,
            ) => Some(Self::Failed),
            (
                Self::Pending
                | Self::RequiresAction
                | Self::Processing
                | Self::Authorized
                | Self::NeedsReview,
                I::Void,
            ) => Some(Self::Voided),
            (
                Self::Pending
                | Self::RequiresAction
                | Self::Processing
                | Self::Authorized
                | Self::NeedsReview,
                I::Expire,
            ) => Some(Self::Expired),
            (Self::PartiallyRefunded | Self::Refunded, I::RefundNone) => Some(Self::Paid),
            (
                Self::PartiallyCaptured | Self::Paid | Self::Refunded | Self::NeedsReview,
                I::RefundPart,
            ) => Some(Self::PartiallyRefunded),
            (
                Self::PartiallyCaptured | Self::Paid | Self::PartiallyRefunded | Self::NeedsReview,
                I::RefundAll,
            ) => Some(Self::Refunded),
            (
                Self::Pending
                | Self::RequiresAction
                | Self::Processing
                | Self::Failed
                | Self::Authorized
                | Self::Voided
                | Self::Expired
                | Self::PartiallyCaptured
                | Self::Paid
                | Self::PartiallyRefunded
                | Self::Refunded,
                I::Review,
            ) => Some(Self::NeedsReview),

            // Where it is already.
            (Self::RequiresAction, I::RequireAction)
            | (Self::Processing, I::Process)
            | (Self::Authorized, I::Authorize)
            | (Self::PartiallyCaptured | Self::PartiallyRefunded, I::CapturePart)
            | (Self::Paid | Self::PartiallyRefunded, I::CaptureAll)
            | (Self::Failed, I::Fail)
            | (Self::Voided, I::Void)
            | (Self::Expired, I::Expire)
            | (Self::PartiallyRefunded, I::RefundPart)
            | (Self::Refunded, I::RefundAll)
            | (Self::NeedsReview, I::Review) => None,

            // Old news.
            (
                Self::Failed
                | Self::Authorized
                | Self::Voided
                | Self::Expired
                | Self::PartiallyCaptured
                | Self::Paid
                | Self::PartiallyRefunded
                | Self::Refunded,
                I::RequireAction | I::Process,
            )
            | (
                Self::Voided
                | Self::Expired
                | Self::PartiallyCaptured
                | Self::Paid
                | Self::PartiallyRefunded
                | Self::Refunded,
                I::Authorize,
            )
            | (Self::Paid, I::CapturePart) => None,

            // Money that was set aside or taken is not undone by these, and what was given up, called
            // off or let go is over for one reason alone.
            (
                Self::Authorized
                | Self::Voided
                | Self::Expired
                | Self::PartiallyCaptured
                | Self::Paid
                | Self::PartiallyRefunded
                | Self::Refunded,
                I::Fail,
            )
            | (
                Self::Failed
                | Self::Expired
                | Self::PartiallyCaptured
                | Self::Paid
                | Self::PartiallyRefunded
                | Self::Refunded,
                I::Void,
            )
            | (
                Self::Failed
                | Self::Voided
                | Self::PartiallyCaptured
                | Self::Paid
                | Self::PartiallyRefunded
                | Self::Refunded,
                I::Expire,
            ) => None,

            // Nothing was taken that could be given back, or was.
            (
                Self::Pending
                | Self::RequiresAction
                | Self::Processing
                | Self::Failed
                | Self::Authorized
                | Self::Voided
                | Self::Expired,
                I::RefundNone | I::RefundPart | I::RefundAll,
            )
            | (Self::PartiallyCaptured | Self::Paid | Self::NeedsReview, I::RefundNone) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUTS: [Input; 12] = [
        Input::RequireAction,
        Input::Process,
        Input::Authorize,
        Input::CapturePart,
        Input::CaptureAll,
        Input::Fail,
        Input::Void,
        Input::Expire,
        Input::RefundNone,
        Input::RefundPart,
        Input::RefundAll,
        Input::Review,
    ];

    /// The abbreviation of a status in the table below.
    fn short(status: PaymentStatus) -> &'static str {
        match status {
            PaymentStatus::Pending => "pe",
            PaymentStatus::RequiresAction => "ra",
            PaymentStatus::Processing => "pr",
            PaymentStatus::Failed => "fa",
            PaymentStatus::Authorized => "au",
            PaymentStatus::Voided => "vo",
            PaymentStatus::Expired => "ex",
            PaymentStatus::PartiallyCaptured => "pc",
            PaymentStatus::Paid => "pa",
            PaymentStatus::PartiallyRefunded => "pf",
            PaymentStatus::Refunded => "re",
            PaymentStatus::NeedsReview => "nr",
        }
    }

    // One column for each input, in the order above; `-` where it leads nowhere.
    #[test]
    fn every_pair_of_state_and_input() {
        use PaymentStatus::*;
        #[rustfmt::skip]
        let table: [(PaymentStatus, &str); 12] = [
            (Pending,           "ra pr au pc pa fa vo ex - - - nr"),
            (RequiresAction,    "- pr au pc pa fa vo ex - - - nr"),
            (Processing,        "ra - au pc pa fa vo ex - - - nr"),
            (Failed,            "- - au pc pa - - - - - - nr"),
            (Authorized,        "- - - pc pa - vo ex - - - nr"),
            (Voided,            "- - - pc pa - - - - - - nr"),
            (Expired,           "- - - pc pa - - - - - - nr"),
            (PartiallyCaptured, "- - - - pa - - - - pf re nr"),
            (Paid,              "- - - - - - - - - pf re nr"),
            (PartiallyRefunded, "- - - - - - - - pa - re nr"),
            (Refunded,          "- - - pf pf - - - pa pf - nr"),
            (NeedsReview,       "ra pr au pc pa fa vo ex - pf re -"),
        ];
        for (status, row) in table {
            let row: Vec<_> = row.split(' ').collect();
            assert_eq!(row.len(), INPUTS.len(), "{status:?}");
            for (input, expected) in INPUTS.into_iter().zip(row) {
                let after = status.after(input).map_or("-", short);
                assert_eq!(after, expected, "{status:?} {input:?}");
            }
        }
    }

    #[test]
    fn nothing_leads_to_a_lower_rank_but_what_takes_something_back() {
        for status in PaymentStatus::ALL {
            for input in INPUTS {
                let Some(after) = status.after(input) else { continue };
                let back = matches!(input, Input::Review | Input::RefundNone);
                assert!(back || after.rank() >= status.rank(), "{status:?} {input:?} {after:?}");
            }
        }
    }

    #[test]
    fn every_status_has_its_word() {
        for status in PaymentStatus::ALL {
            let word = serde_json::to_string(&status).unwrap();
            assert_eq!(word, format!("\"{}\"", status.as_str()));
        }
    }
}
