//! What a gateway is asked to do for a payment, with the key by which it knows that it was asked
//! before.

use serde::{Deserialize, Serialize};

use super::{
    Decline, Payment, PaymentFlow, PaymentStatus, RefundStatus, ReviewReason, state::Input,
};
use crate::{
    error::Rejection,
    gateway::{ProviderAccount, ProviderPayment, ProviderRefund, ProviderStatus},
    id::{Moment, OperationId, PaymentId, RefundId},
    money::Money,
    text::{IdempotencyKey, Label},
    time::Timestamp,
};

/// What a gateway is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// To begin taking the money.
    Create,
    /// To take money that was set aside.
    Capture,
    /// To call the payment off.
    Void,
    /// To give money back.
    Refund,
}

impl OperationKind {
    /// The kind's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
        }
    }
}

/// What came of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OperationStatus {
    /// It is not known yet: the gateway may have been asked, and may have done it.
    Open,
    /// The gateway did it.
    Done,
    /// The gateway refused, as the customer's bank, card or account does not allow it.
    Declined,
    /// The gateway did not accept the request.
    Refused,
    /// It was not done, and is not to be done any more. If the provider turns out to have made a payment
    /// that was given up so, its creation is done after all.
    Lapsed,
}

impl OperationStatus {
    /// The status's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Declined => "declined",
            Self::Refused => "refused",
            Self::Lapsed => "lapsed",
        }
    }
}

/// Something that a gateway is asked to do for a payment. It is committed before the gateway hears of
/// it, so that nothing can happen there that nobody here knows to look for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// What is asked.
    pub kind: OperationKind,
    /// Which try of the same it is, from 1. Asking again for an answer that was lost is the same try;
    /// asking again after a refusal is the next one.
    pub attempt: u32,
    /// How much is asked for.
    pub amount: Money,
    /// The refund that it is for.
    pub refund_id: Option<RefundId>,
    /// The provider's idempotency key of it.
    pub key: IdempotencyKey,
    /// What came of it.
    pub status: OperationStatus,
    /// Why it was declined or not accepted, fit to be shown to the customer.
    pub failure: Option<Decline>,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it was known what came of it.
    pub ended_at: Option<Timestamp>,
}

impl Operation {
    /// The key of an operation: the same for the same try of the same thing, and for no other.
    ///
    /// ```
    /// use commerce_core::{id::{Moment, PaymentId}, payment::{Operation, OperationKind}, time::Timestamp};
    /// let payment: PaymentId = "pay_019aa5a2f5e07c3c9d3b6f1f0a6c2e11".parse()?;
    /// let key = Operation::key_of(payment, OperationKind::Capture, None, 2);
    /// assert_eq!(key.as_str(), "pay_019aa5a2f5e07c3c9d3b6f1f0a6c2e11-capture-2");
    /// # Ok::<(), commerce_core::id::IdError>(())
    /// ```
    pub fn key_of(
        payment: PaymentId,
        kind: OperationKind,
        refund: Option<RefundId>,
        attempt: u32,
    ) -> IdempotencyKey {
        let kind = kind.as_str();
        IdempotencyKey::trusted(&match refund {
            Some(refund) => format!("{payment}-{kind}-{refund}-{attempt}"),
            None => format!("{payment}-{kind}-{attempt}"),
        })
    }

    /// Whether it is not known yet what came of it.
    pub fn is_open(&self) -> bool {
        self.status == OperationStatus::Open
    }

    /// Why nothing else is done while it is open.
    pub(super) fn in_the_way(&self) -> Rejection {
        let why = format!("the gateway is asked to {} it", self.kind.as_str());
        Rejection::transition("payment", why)
    }

    /// Whether it is known that it was not done.
    pub(crate) fn came_to_nothing(&self) -> bool {
        match self.status {
            OperationStatus::Open | OperationStatus::Done => false,
            OperationStatus::Declined | OperationStatus::Refused | OperationStatus::Lapsed => true,
        }
    }
}

/// What was heard from a gateway about a payment.
#[derive(Debug, Clone)]
pub enum Heard {
    /// The payment, as an operation left it.
    Payment(Box<ProviderPayment>),
    /// The refund, as an operation made it.
    Refund(ProviderRefund),
    /// What was found when it was looked up: the payment with all of its refunds, or that there is
    /// none.
    Found(Option<Box<ProviderPayment>>),
    /// An operation was declined.
    Declined(Decline, Option<Box<ProviderPayment>>),
    /// An operation is not possible, or was not accepted.
    Refused(Decline),
    /// Nothing.
    Silence,
}

impl Payment {
    /// Writes down that the gateway is to be asked for something.
    pub(crate) fn begin(
        &mut self,
        kind: OperationKind,
        amount: Money,
        refund_id: Option<RefundId>,
        id: Option<OperationId>,
        moment: &mut Moment,
    ) -> Result<OperationId, Rejection> {
        if self.operations.len() >= Self::OPERATIONS_MAX {
            let why = format!("it has more than {} operations", Self::OPERATIONS_MAX);
            return Err(Rejection::transition("payment", why));
        }
        let same = |it: &&Operation| it.kind == kind && it.refund_id == refund_id;
        let before = self.operations.iter().filter(same).count();
        let attempt = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
        let id = id.unwrap_or_else(|| moment.id());
        self.operations.push(Operation {
            id,
            kind,
            attempt,
            amount,
            refund_id,
            key: Operation::key_of(self.id, kind, refund_id, attempt),
            status: OperationStatus::Open,
            failure: None,
            begun_at: moment.now(),
            ended_at: None,
        });
        Ok(id)
    }

    /// Calls a payment off that people operate: nobody else has to be asked.
    pub(crate) fn void_by_hand(&mut self, moment: &mut Moment) -> Result<(), Rejection> {
        let id = self.begin(OperationKind::Void, self.amount, None, None, moment)?;
        self.end(Some(id), OperationStatus::Done, None, moment.now());
        self.advance(Input::Void);
        self.updated_at = moment.now().max(self.updated_at);
        Ok(())
    }

    /// Refuses while the gateway may be creating, capturing or voiding it: one of these at a time.
    pub(crate) fn require_idle(&self) -> Result<(), Rejection> {
        match self.open_operations().find(|operation| operation.kind != OperationKind::Refund) {
            None => Ok(()),
            Some(operation) => Err(operation.in_the_way()),
        }
    }

    /// Takes over what was heard, and what that says of the operations that are open. `asked` is the
    /// operation that it is the answer to.
    pub(crate) fn hear(
        &mut self,
        asked: Option<OperationId>,
        heard: &Heard,
        account: &ProviderAccount,
        moment: &mut Moment,
    ) {
        let now = moment.now();
        match heard {
            Heard::Payment(state) => {
                let before = self.captured;
                let again = self.take_up();
                *self = self.merge(state, account, moment);
                for id in asked.into_iter().chain(again) {
                    self.judge(Some(id), before, state, now);
                }
            }
            Heard::Found(Some(state)) => {
                let before = self.captured;
                self.take_up();
                *self = self.merge(state, account, moment);
                for id in self.open_ids() {
                    self.judge(Some(id), before, state, now);
                }
            }
            Heard::Found(None) => self.miss(now),
            Heard::Refund(refund) => {
                self.merge_refund(refund, moment);
                self.count_refunds();
                self.end(asked, OperationStatus::Done, None, now);
            }
            Heard::Declined(decline, state) => {
                if let Some(state) = state {
                    self.take_up();
                    *self = self.merge(state, account, moment);
                }
                if self.end(asked, OperationStatus::Declined, Some(decline), now) {
                    self.give_up(asked, Some(&decline.reason));
                }
            }
            Heard::Refused(why) => {
                if self.end(asked, OperationStatus::Refused, Some(why), now) {
                    self.give_up(asked, Some(&why.reason));
                }
            }
            Heard::Silence => {}
        }
    }

    /// Ends an operation that the provider knows nothing of: it was not done.
    pub(crate) fn lapse(&mut self, id: OperationId, now: Timestamp) {
        if self.end(Some(id), OperationStatus::Lapsed, None, now) {
            self.give_up(Some(id), None);
        }
    }

    /// Ends an operation that is to be asked for once more, under another key.
    pub(crate) fn retry(
        &mut self,
        id: OperationId,
        moment: &mut Moment,
    ) -> Result<Option<OperationId>, Rejection> {
        let Some(operation) = self.operation(id).filter(|it| it.is_open()).cloned() else {
            return Ok(None);
        };
        self.end(Some(id), OperationStatus::Lapsed, None, moment.now());
        self.begin(operation.kind, operation.amount, operation.refund_id, None, moment).map(Some)
    }

    /// As what an operation was asked for last: itself, or the one that took its place once its key was
    /// too old to be used.
    pub(crate) fn last_try(&self, id: OperationId) -> Option<&Operation> {
        let mut later = self.operations.iter().skip_while(|it| it.id != id);
        let mut last = later.next()?;
        let (kind, refund_id) = (last.kind, last.refund_id);
        for next in later.filter(|it| it.kind == kind && it.refund_id == refund_id) {
            let lapsed = last.status == OperationStatus::Lapsed;
            if !lapsed || last.ended_at.is_none_or(|ended| ended < next.begun_at) {
                break;
            }
            last = next;
        }
        Some(last)
    }

    /// When it was given up because its provider knew nothing of it; `None` if it was not, or the
    /// provider has turned out to know it. A request that was on its way then can still have arrived.
    pub(super) fn unheard_since(&self) -> Option<Timestamp> {
        let unheard = self.status == PaymentStatus::Failed && self.references.is_empty();
        self.last_create().filter(|it| unheard && it.status == OperationStatus::Lapsed)?.ended_at
    }

    fn last_create(&self) -> Option<&Operation> {
        self.operations.iter().rfind(|it| it.kind == OperationKind::Create)
    }

    /// Begins again what was given up because nobody knew of it: somebody does. Answers what is open
    /// again by that.
    fn take_up(&mut self) -> Option<OperationId> {
        self.unheard_since()?;
        let id = self.last_create()?.id;
        let create = self.operations.iter_mut().find(|it| it.id == id)?;
        (create.status, create.ended_at) = (OperationStatus::Open, None);
        self.status = PaymentStatus::Pending;
        Some(id)
    }

    fn open_ids(&self) -> Vec<OperationId> {
        self.open_operations().map(|operation| operation.id).collect()
    }

    /// Ends an operation; answers whether it was open.
    fn end(
        &mut self,
        id: Option<OperationId>,
        status: OperationStatus,
        failure: Option<&Decline>,
        now: Timestamp,
    ) -> bool {
        let open = self.operations.iter_mut().find(|it| Some(it.id) == id && it.is_open());
        let Some(operation) = open else { return false };
        operation.status = status;
        operation.failure = failure.cloned();
        operation.ended_at = Some(now.max(operation.begun_at));
        true
    }

    /// Ends an operation if the payment's state at the provider says what came of it.
    fn judge(
        &mut self,
        id: Option<OperationId>,
        captured_before: Money,
        seen: &ProviderPayment,
        now: Timestamp,
    ) {
        let open = id.and_then(|id| self.operation(id)).filter(|operation| operation.is_open());
        let Some(operation) = open else { return };
        let (status, failure) = match operation.kind {
            OperationKind::Create => {
                let charged = matches!(self.flow, PaymentFlow::Saved { .. });
                let waits = seen.status == ProviderStatus::RequiresAction;
                match seen.failure.as_ref().filter(|_| charged && waits) {
                    Some(decline) => (OperationStatus::Declined, Some(decline.clone())),
                    None => (OperationStatus::Done, None),
                }
            }
            OperationKind::Capture if self.captured.minor() > captured_before.minor() => {
                (OperationStatus::Done, None)
            }
            OperationKind::Capture
                if !self.is_live() || self.in_review().is_none() && self.capturable().is_zero() =>
            {
                (OperationStatus::Lapsed, None)
            }
            OperationKind::Void if !self.is_live() => (OperationStatus::Done, None),
            OperationKind::Void if self.captured.is_positive() => (OperationStatus::Lapsed, None),
            OperationKind::Refund
                if seen.refunds.iter().any(|it| it.refund_id == operation.refund_id) =>
            {
                (OperationStatus::Done, None)
            }
            OperationKind::Capture | OperationKind::Void | OperationKind::Refund => return,
        };
        self.end(id, status, failure.as_ref(), now);
    }

    /// Takes over that the provider does not know it.
    fn miss(&mut self, now: Timestamp) {
        if !self.references.is_empty() {
            if self.is_live() {
                self.put_up(ReviewReason::Missing);
            }
            return;
        }
        // What was never made is called off by that.
        for id in self.open_ids() {
            let is_void = self.operation(id).is_some_and(|it| it.kind == OperationKind::Void);
            if is_void && self.end(Some(id), OperationStatus::Done, None, now) {
                self.advance(Input::Void);
            }
        }
    }

    /// What follows from an operation that was not done and will not be.
    fn give_up(&mut self, id: Option<OperationId>, reason: Option<&Label>) {
        let found = self.operations.iter().find(|operation| Some(operation.id) == id);
        let Some(operation) = found else { return };
        let refund_id = operation.refund_id;
        match operation.kind {
            OperationKind::Create => {
                self.failure = operation.failure.clone().or(self.failure.take());
                // What it is called is known if there is something that can still be paid.
                if self.references.is_empty() {
                    self.advance(Input::Fail);
                }
            }
            OperationKind::Capture | OperationKind::Void => {}
            OperationKind::Refund => {
                let refund = self.refunds.iter_mut().find(|it| Some(it.id) == refund_id);
                if let Some(refund) = refund.filter(|it| it.status == RefundStatus::Pending) {
                    refund.status = RefundStatus::Failed;
                    refund.failure = reason.cloned();
                }
                self.count_refunds();
            }
        }
    }
}
