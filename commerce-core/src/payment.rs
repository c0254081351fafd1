//! A payment: one way in which an order's money is to come, and how far it has.
//!
//! The state at the provider is the truth, and [`merge`](Payment::merge) takes it over: whatever call,
//! webhook or look-up brought it, late, twice or out of order, a payment only moves forward. What a
//! provider is asked is an [`Operation`], which is written down before it is asked.

mod choice;
mod decline;
mod dispute;
mod flow;
mod merge;
mod operation;
mod refund;
mod review;
mod state;
mod view;

pub use choice::{CapturePayment, Means, PaymentChoice, VoidPayment};
pub use decline::{Decline, DeclineCode};
pub use dispute::{Dispute, DisputeStatus};
pub use flow::{CaptureMode, CapturePolicy, PaymentFlow};
pub use operation::{Heard, Operation, OperationKind, OperationStatus};
pub use refund::{CreateRefund, Refund, RefundLine, RefundStatus, RefundTax, RefundedLine};
pub use review::{Review, ReviewPayment, ReviewReason};
pub use state::PaymentStatus;
pub use view::{OperationView, PaymentView, RefundView};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    error::Rejection,
    id::{OperationId, OrderId, PaymentId, RefundId},
    money::Money,
    text::{GatewayName, Label, Url},
    time::{Timestamp, doubled},
};

/// One way in which an order's money is to come.
///
/// `refunded + being refunded ≤ captured`, `captured + released ≤ authorized ≤ amount`: a commit that
/// breaks this is refused, by every store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// The order that it pays.
    pub order_id: OrderId,
    /// The gateway that it goes through.
    pub gateway: GatewayName,
    /// In which way the customer pays.
    pub flow: PaymentFlow,
    /// When the money is to be taken. Where that is later, a provider may keep methods from the customer that
    /// cannot wait; what one takes at once all the same is booked as taken.
    pub capture: CaptureMode,
    /// What the provider calls the customer, if they are known there.
    pub customer_reference: Option<Label>,
    /// Whether the method that it is paid by is to be kept for the customer.
    pub save_method: bool,
    /// How far it has come.
    pub status: PaymentStatus,
    /// What it is for.
    pub amount: Money,
    /// What was ever set aside for it, or taken without that.
    pub authorized: Money,
    /// What of that was let go without being taken.
    pub released: Money,
    /// What was taken.
    pub captured: Money,
    /// What was given back: the sum of the refunds that succeeded.
    pub refunded: Money,
    /// When what is set aside is let go by itself.
    pub capture_before: Option<Timestamp>,
    /// When the shop last heard that money was taken.
    pub captured_at: Option<Timestamp>,
    /// The refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// What customers' banks took back, or want to, oldest first.
    pub disputes: Vec<Dispute>,
    /// What the gateway was asked, oldest first.
    pub operations: Vec<Operation>,
    /// What the provider calls it and the objects that belong to it, the one that stands for all
    /// first; empty until that is known. No two payments of a gateway share one.
    pub references: Vec<Label>,
    /// What the customer's device needs in order to pay.
    pub client_secret: Option<Label>,
    /// Where the customer is sent in order to pay.
    pub redirect_url: Option<Url>,
    /// Why the last try to pay it was declined, if it was.
    pub failure: Option<Decline>,
    /// What a person must look at, if its status says so, or has looked at.
    pub review: Option<Review>,
    /// When the provider is asked about it if nothing is heard before.
    pub check_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Payment {
    /// The most refunds of one payment.
    pub const REFUNDS_MAX: usize = 1_000;
    /// The most disputes of one payment.
    pub const DISPUTES_MAX: usize = 100;
    /// The most operations of one payment.
    pub const OPERATIONS_MAX: usize = 5_000;
    /// The most references of one payment.
    pub const REFERENCES_MAX: usize = 32;

    /// How long money stays set aside where the provider does not say: as long as the card networks
    /// let most authorizations stand.
    pub const AUTHORIZATION_LASTS: Duration = Duration::from_secs(7 * 86_400);
    /// How long a call to a gateway may be on its way. What was not heard of by then was not done,
    /// unless the provider knows of it.
    pub const CALL_LASTS: Duration = Duration::from_secs(60);
    /// The longest time between two looks at a payment of which something is still to be heard.
    pub const CHECK_EVERY: Duration = Duration::from_secs(6 * 3_600);

    /// A payment that nothing has been heard of.
    pub fn new(
        id: PaymentId,
        order_id: OrderId,
        gateway: GatewayName,
        amount: Money,
        now: Timestamp,
    ) -> Self {
        let zero = Money::zero(amount.currency());
        Self {
            id,
            order_id,
            gateway,
            flow: PaymentFlow::default(),
            capture: CaptureMode::default(),
            customer_reference: None,
            save_method: false,
            status: PaymentStatus::Pending,
            amount,
            authorized: zero,
            released: zero,
            captured: zero,
            refunded: zero,
            capture_before: None,
            captured_at: None,
            refunds: Vec::new(),
            disputes: Vec::new(),
            operations: Vec::new(),
            references: Vec::new(),
            client_secret: None,
            redirect_url: None,
            failure: None,
            review: None,
            check_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    fn minor(&self, minor: i64) -> Money {
        Money::new(minor, self.amount.currency())
    }

    /// What is about to be given back: the sum of the refunds that are pending.
    pub fn being_refunded(&self) -> Money {
        let pending = self.refunds.iter().filter(|it| it.status == RefundStatus::Pending);
        self.minor(pending.map(|refund| refund.amount.minor()).sum())
    }

    /// What was taken and not given back.
    pub fn kept(&self) -> Money {
        self.minor(self.captured.minor() - self.refunded.minor())
    }

    /// What is in the hands of banks that dispute it, or that won.
    pub fn disputed(&self) -> Money {
        let disputed = self.disputes.iter().filter(|it| it.status != DisputeStatus::Won);
        self.minor(disputed.map(|dispute| dispute.amount.minor()).sum())
    }

    /// What can still be given back: neither on its way back, nor in the hands of a bank that disputes
    /// it.
    pub fn refundable(&self) -> Money {
        let (back, disputed) = (self.being_refunded(), self.disputed());
        self.minor((self.kept().minor() - back.minor() - disputed.minor()).max(0))
    }

    /// Why so much of it is not given back.
    pub(crate) fn not_refundable(&self) -> Rejection {
        if self.captured.is_zero() {
            let why = format!("it is {} and nothing of it was taken", self.status.as_str());
            return Rejection::transition("payment", why);
        }
        let spoken_for = [
            (self.refunded, "given back"),
            (self.being_refunded(), "on its way back"),
            (self.disputed(), "disputed by the customer's bank"),
        ];
        let spoken_for = spoken_for.iter().filter(|(amount, _)| amount.is_positive());
        let spoken_for: Vec<_> =
            spoken_for.map(|(amount, what)| format!("{amount} is {what}")).collect();
        let left = self.refundable();
        let why = match spoken_for.as_slice() {
            [] => format!("only {left} of it is left to refund"),
            all => format!("only {left} of it is left to refund: {}", all.join(", ")),
        };
        Rejection::transition("payment", why)
    }

    /// What can be taken of it now: what is set aside, or, where people operate the gateway, what did
    /// not come yet.
    pub fn capturable(&self) -> Money {
        let of = match self.status {
            PaymentStatus::Pending if !self.is_online() => self.amount,
            PaymentStatus::Authorized
            | PaymentStatus::PartiallyCaptured
            | PaymentStatus::PartiallyRefunded => self.authorized,
            _ => return self.minor(0),
        };
        self.minor(of.minor() - self.captured.minor() - self.released.minor())
    }

    /// Whether it goes through a gateway that is asked, and not one that people operate.
    pub fn is_online(&self) -> bool {
        self.operations.iter().any(|operation| operation.kind == OperationKind::Create)
    }

    /// Whether it can still bring money, or has.
    pub fn is_live(&self) -> bool {
        !matches!(
            self.status,
            PaymentStatus::Failed | PaymentStatus::Voided | PaymentStatus::Expired
        )
    }

    /// Whether it is live and brought nothing: what must be called off before nothing can come of it.
    pub fn is_outstanding(&self) -> bool {
        self.is_live() && self.captured.is_zero()
    }

    /// One of its operations.
    pub fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == id)
    }

    /// One of its refunds.
    pub fn refund(&self, id: RefundId) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.id == id)
    }

    /// The operations of which it is not known yet what came of them, the oldest first.
    pub fn open_operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|operation| operation.is_open())
    }

    /// Whether its gateway was asked to call it off, and that came to nothing.
    pub(crate) fn is_held_on_to(&self) -> bool {
        let last = self.operations.last();
        last.is_some_and(|it| it.kind == OperationKind::Void && it.came_to_nothing())
    }

    /// Which bound its amounts break, if they do.
    pub(crate) fn broken(&self) -> Option<&'static str> {
        let [authorized, released, captured, refunded, amount] =
            [self.authorized, self.released, self.captured, self.refunded, self.amount]
                .map(|amount| i128::from(amount.minor()));
        let back = refunded + i128::from(self.being_refunded().minor());
        if [authorized, released, captured, refunded].iter().any(|amount| *amount < 0) {
            Some("a payment with an amount below nothing")
        } else if back > captured {
            Some("a payment of which more is given back than was taken")
        } else if captured + released > authorized || authorized > amount {
            Some("a payment of which more is taken than was set aside, or than it is for")
        } else {
            None
        }
    }

    /// When the provider is to be asked about it if nothing is heard before: the longer nothing has
    /// happened, the more seldom. `silent` if it was asked now and did not answer.
    pub(crate) fn next_check(&self, now: Timestamp, silent: bool) -> Option<Timestamp> {
        if !self.is_online() {
            return None;
        }
        // Nobody asks for what was given up any more, but somebody may have been asking at that moment:
        // that no payment was made of it is certain once that cannot arrive any more.
        let certain = self.unheard_since().map(|since| since.saturating_add(Self::CALL_LASTS * 2));
        if let Some(certain) = certain.filter(|certain| *certain > now) {
            return Some(certain);
        }
        let unsettled = self.open_operations().next().is_some()
            || self.refunds.iter().any(|refund| refund.status == RefundStatus::Pending)
            || self.status == PaymentStatus::Authorized && self.is_held_on_to();
        let waits = match self.status {
            PaymentStatus::Pending
            | PaymentStatus::RequiresAction
            | PaymentStatus::Processing
            | PaymentStatus::NeedsReview => true,
            PaymentStatus::Authorized
            | PaymentStatus::PartiallyCaptured
            | PaymentStatus::PartiallyRefunded
                if !unsettled =>
            {
                let until = self.capture_before.filter(|_| self.capturable().is_positive())?;
                if until > now {
                    return Some(until);
                }
                true
            }
            _ => unsettled || silent && certain.is_some(),
        };
        let quiet = now.as_millis().saturating_sub(self.updated_at.as_millis()).max(0);
        let quiet = Duration::from_millis(u64::try_from(quiet).unwrap_or(u64::MAX));
        // Nor is what was refused asked for again and again: each time after twice as long.
        let refused = self.operations.iter().rev().take_while(|it| it.came_to_nothing()).count();
        let pause = doubled(Self::CALL_LASTS, u32::try_from(refused).unwrap_or(u32::MAX));
        waits.then(|| now.saturating_add(quiet.max(pause).min(Self::CHECK_EVERY)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{currency::Currency::EUR, gateway::ProviderAccount, id::Moment};

    #[test]
    fn what_is_refused_is_asked_for_more_and_more_seldom() {
        let mut moment = Moment::new(Timestamp::UNIX_EPOCH, [1; 16]);
        let (id, order, amount) = (moment.id(), moment.id(), Money::new(100, EUR));
        let gateway = GatewayName::new("card").unwrap();
        let mut payment = Payment::new(id, order, gateway, amount, moment.now());
        payment.begin(OperationKind::Create, amount, None, None, &mut moment).unwrap();
        let account = ProviderAccount { id: None, livemode: true };
        let mut minutes = Vec::new();
        for _ in 0..10 {
            let asked = payment.operations.last().map(|operation| operation.id);
            let refused = Heard::Refused(Decline::unaccepted(None));
            payment.hear(asked, &refused, &account, &mut moment);
            payment.status = PaymentStatus::RequiresAction;
            let next = payment.next_check(moment.now(), false).unwrap();
            minutes.push(next.as_millis() / 60_000);
            payment.begin(OperationKind::Void, amount, None, None, &mut moment).unwrap();
        }
        assert_eq!(minutes, [2, 4, 8, 16, 32, 64, 128, 256, 360, 360]);
    }
}
