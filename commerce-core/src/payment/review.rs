//! What a person must look at, and what they say of it.

use serde::{Deserialize, Serialize};

use super::{Payment, Refund, RefundStatus, state::Input};
use crate::{
    error::Rejection,
    gateway::{ProviderPayment, ProviderStatus},
    id::{Moment, PaymentId},
    money::Money,
    text::{Label, Note},
    time::Timestamp,
};

/// Why a person must look at a payment: what the provider says of it cannot be right. Nothing is sent
/// for it, and nothing of what the provider says is taken over, until the two agree again or somebody
/// [closes](ReviewPayment) the review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReviewReason {
    /// It belongs to another account, or is money of the test mode in a shop that sells, or the other
    /// way round.
    WrongAccount,
    /// It is for money of another currency.
    WrongCurrency,
    /// It is for another amount, or more was taken than it is for.
    WrongAmount,
    /// More was given back than was taken.
    OverRefunded,
    /// It has more refunds or disputes than a payment can have here
    /// ([`REFUNDS_MAX`](Payment::REFUNDS_MAX), [`DISPUTES_MAX`](Payment::DISPUTES_MAX)): those that came
    /// last are not in the books.
    TooMany,
    /// The provider does not know it any more.
    Missing,
}

impl ReviewReason {
    /// The reason's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WrongAccount => "wrong_account",
            Self::WrongCurrency => "wrong_currency",
            Self::WrongAmount => "wrong_amount",
            Self::OverRefunded => "over_refunded",
            Self::TooMany => "too_many",
            Self::Missing => "missing",
        }
    }
}

/// That a person must look at a payment, or has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Review {
    /// Why.
    pub reason: ReviewReason,
    /// When somebody closed it. From then on the same reason does not put the payment up any more.
    pub closed_at: Option<Timestamp>,
    /// What they remarked.
    pub note: Option<Note>,
}

/// Closes the review of a payment: it stands as the books have it, whatever its provider says of it for
/// the same reason, and its order goes on. What was set aside counts as let go, and a refund that was on
/// its way as given up.
///
/// This is for what cannot come right by itself: a payment that the provider does not know, one of
/// another account, amount or currency that was settled with the customer by hand. One that was closed
/// can be closed anew, to write more of it off.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ReviewPayment {
    /// Which; the latest that is in review if absent.
    pub payment_id: Option<PaymentId>,
    /// How much of what was taken the shop does not have any more, because it was given back by other
    /// ways or is lost: it is booked as a refund that no gateway is asked for. Nothing if absent.
    pub written_off: Option<Money>,
    /// A remark, which only the back office sees.
    pub note: Option<Note>,
}

impl Payment {
    /// Puts it up for a person to look at, unless one has, for the same reason.
    pub(super) fn put_up(&mut self, reason: ReviewReason) {
        let seen = self.review.as_ref().is_some_and(|it| it.reason == reason && it.is_closed());
        if !seen {
            self.review = Some(Review { reason, closed_at: None, note: None });
            self.advance(Input::Review);
        }
    }

    /// Why a person must look at it; `None` if nobody must, or somebody has.
    pub fn in_review(&self) -> Option<ReviewReason> {
        self.review.as_ref().filter(|it| !it.is_closed()).map(|it| it.reason)
    }

    /// Takes over what a person says who has looked at it. `seen` is its state at the provider, as far
    /// as there is one.
    pub(crate) fn close_review(
        &mut self,
        request: &ReviewPayment,
        seen: Option<&ProviderPayment>,
        moment: &mut Moment,
    ) -> Result<(), Rejection> {
        let refuse = |why: String| Err(Rejection::transition("payment", why));
        let Some(Review { reason, .. }) = self.review else {
            return refuse(format!("it is {} and not in review", self.status.as_str()));
        };
        if let Some(operation) = self.open_operations().next() {
            return Err(operation.in_the_way());
        }
        if seen.is_some_and(may_bring_money) {
            return refuse("its provider can still take money for it: void it first".to_owned());
        }
        let now = moment.now();
        let pending = self.refunds.iter_mut().filter(|it| it.status == RefundStatus::Pending);
        for refund in pending {
            refund.status = RefundStatus::Failed;
            let why = Label::trusted("it was given up in the review of its payment");
            refund.failure = Some(why);
        }
        if let Some(amount) = request.written_off {
            self.write_off(amount, moment)?;
        }
        self.released = self.minor(self.authorized.minor() - self.captured.minor());
        self.capture_before = None;
        self.review = Some(Review { reason, closed_at: Some(now), note: request.note.clone() });
        self.advance(if self.captured.is_zero() { Input::Void } else { Input::CaptureAll });
        // How much of it was taken or given back is seen from the amounts.
        self.count_refunds();
        Ok(())
    }

    /// Books that money is gone which no gateway is asked to give back.
    fn write_off(&mut self, amount: Money, moment: &mut Moment) -> Result<(), Rejection> {
        let minor = amount.minor_in(self.amount.currency());
        let minor = minor.map_err(|error| Rejection::invalid("/written_off", error))?;
        if minor <= 0 {
            return Err(Rejection::invalid("/written_off", "must be more than 0"));
        }
        let given = Refund::pending(amount, moment);
        self.note_refund(Refund { status: RefundStatus::Succeeded, ..given })
    }
}

impl Review {
    /// Whether somebody has closed it.
    pub fn is_closed(&self) -> bool {
        self.closed_at.is_some()
    }
}

/// Whether money can come of a payment at its provider that has not.
fn may_bring_money(seen: &ProviderPayment) -> bool {
    let waits = matches!(
        seen.status,
        ProviderStatus::RequiresAction | ProviderStatus::Processing | ProviderStatus::Authorized
    );
    waits || seen.capturable.is_positive()
}
