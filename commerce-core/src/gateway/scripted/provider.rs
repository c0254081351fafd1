//! The provider behind a [`ScriptedGateway`](super::ScriptedGateway), with books of its own.

use std::collections::{BTreeMap, HashMap};

use super::{Call, Reply};
use crate::{
    gateway::{
        GatewayError, Headers, Notice, ProviderAccount, ProviderPayment, ProviderRefund,
        ProviderStatus, Subject, Transaction, TransactionKind, TransactionPage, TransactionQuery,
        WebhookError,
    },
    id::PaymentId,
    money::Money,
    payment::{
        CaptureMode, Decline, DeclineCode, DisputeStatus, Operation, Payment, PaymentFlow, Refund,
        RefundStatus,
    },
    secret::Digest,
    text::{IdempotencyKey, Label},
    time::Timestamp,
};

/// A call that carries a key.
pub(super) struct Asked<'a> {
    pub(super) call: Call,
    pub(super) payment: &'a Payment,
    pub(super) refund: Option<&'a Refund>,
    pub(super) operation: &'a Operation,
}

#[derive(Debug, Clone)]
pub(super) enum Answer {
    Payment(ProviderPayment),
    Refund(ProviderRefund),
}

/// Why a call has no effect, now and whenever it is repeated.
#[derive(Debug, Clone)]
pub(super) enum Refusal {
    Declined(Decline, Option<Box<ProviderPayment>>),
    Stale(&'static str),
    Unsupported(&'static str),
    Refused,
}

impl From<Refusal> for GatewayError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Declined(decline, state) => Self::Declined { decline, state },
            Refusal::Stale(why) => Self::Stale(why.into()),
            Refusal::Unsupported(why) => Self::Unsupported(why),
            Refusal::Refused => Self::Refused("the shop may not do this".into()),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Provider {
    /// What was asked under each key, and answered, so that it is answered again.
    answered: HashMap<IdempotencyKey, (Call, Money, Result<Answer, Refusal>)>,
    payments: BTreeMap<PaymentId, Kept>,
    pub(super) told: Vec<Notice>,
}

#[derive(Debug)]
struct Kept {
    payment: ProviderPayment,
    capture: CaptureMode,
    /// When money was taken, and how much.
    charges: Vec<(Timestamp, Money)>,
    /// The latest time that was heard of.
    at: Timestamp,
}

/// The account of every scripted gateway: no money moves.
pub(super) fn account() -> ProviderAccount {
    ProviderAccount { id: None, livemode: false }
}

/// What was taken for a payment and not given back.
pub(super) fn kept(payment: &ProviderPayment) -> i64 {
    let back = payment.refunds.iter().filter(|refund| refund.status != RefundStatus::Failed);
    payment.captured.minor() - back.map(|refund| refund.amount.minor()).sum::<i64>()
}

const SIGNATURE: &str = "scripted-signature";

/// What the provider tells, as it is sent.
pub(super) fn sign(notice: &Notice) -> (Headers, Vec<u8>) {
    let body = serde_json::to_vec(notice).unwrap_or_default();
    (Headers::from_iter([(SIGNATURE, signature(&body))]), body)
}

fn signature(body: &[u8]) -> String {
    format!("{:?}", Digest::of(body))
}

/// Reads what was sent.
pub(super) fn notice(headers: &Headers, body: &[u8]) -> Result<Notice, WebhookError> {
    if headers.get(SIGNATURE) != Some(signature(body).as_str()) {
        return Err(WebhookError::Unverified("its signature is another"));
    }
    serde_json::from_slice(body).map_err(|error| WebhookError::Malformed(Box::new(error)))
}

impl Provider {
    pub(super) fn payment(&self, id: PaymentId) -> Option<&ProviderPayment> {
        self.payments.get(&id).map(|kept| &kept.payment)
    }

    pub(super) fn payments(&self) -> impl Iterator<Item = (&PaymentId, &ProviderPayment)> {
        self.payments.iter().map(|(id, kept)| (id, &kept.payment))
    }

    pub(super) fn forget_keys(&mut self) {
        self.answered.clear();
    }

    pub(super) fn pay(&mut self, id: PaymentId) -> bool {
        let waits = |kept: &&mut Kept| kept.payment.status == ProviderStatus::RequiresAction;
        let Some(kept) = self.payments.get_mut(&id).filter(|kept| waits(kept)) else {
            return false;
        };
        kept.payment.failure = None;
        match kept.capture {
            CaptureMode::Automatic => kept.take(kept.payment.amount, kept.at),
            CaptureMode::Manual => kept.set_aside(),
        }
        self.tell(id);
        true
    }

    pub(super) fn change(&mut self, id: PaymentId, act: impl FnOnce(&mut ProviderPayment)) -> bool {
        let Some(kept) = self.payments.get_mut(&id) else { return false };
        let before = kept.payment.captured.minor();
        act(&mut kept.payment);
        let taken = kept.payment.captured.minor() - before;
        if taken > 0 {
            kept.charges.push((kept.at, Money::new(taken, kept.payment.amount.currency())));
        }
        self.tell(id);
        true
    }

    fn tell(&mut self, id: PaymentId) {
        // No two providers tell the same event.
        let n = self.told.len() + 1;
        let texts = [format!("evt_{n}_{id}"), "payment.changed".to_owned()].map(Label::new);
        let reference = self.payment(id).and_then(|payment| payment.references.first().cloned());
        if let ([Ok(event_id), Ok(kind)], Some(reference)) = (texts, reference) {
            let subject = Subject { references: vec![reference], payment_id: Some(id) };
            let subject = Some(subject);
            self.told.push(Notice { event_id, kind, account: account(), subject });
        }
    }

    /// What was answered to the same call before.
    pub(super) fn answered(
        &self,
        asked: &Asked<'_>,
    ) -> Result<Option<Result<Answer, Refusal>>, GatewayError> {
        match self.answered.get(&asked.operation.key) {
            None => Ok(None),
            Some((call, amount, answer))
                if *call == asked.call && *amount == asked.operation.amount =>
            {
                Ok(Some(answer.clone()))
            }
            Some(_) => Err(GatewayError::Refused("the key was used for another request".into())),
        }
    }

    /// Answers a new call, and remembers what.
    pub(super) fn answer(&mut self, asked: &Asked<'_>, reply: Reply) -> Result<Answer, Refusal> {
        let answer = self.act(asked, reply);
        let Asked { call, payment, operation, .. } = asked;
        if answer.is_ok() || self.payments.contains_key(&payment.id) {
            self.tell(payment.id);
        }
        let kept = (*call, operation.amount, answer.clone());
        self.answered.insert(operation.key.clone(), kept);
        answer
    }

    fn act(&mut self, asked: &Asked<'_>, reply: Reply) -> Result<Answer, Refusal> {
        let (payment, now) = (asked.payment, asked.operation.begun_at);
        if reply == Reply::Refuse {
            return Err(Refusal::Refused);
        }
        if let Reply::Decline { reason } = reply {
            let decline = Decline { code: DeclineCode::Declined, reason };
            let saved = matches!(payment.flow, PaymentFlow::Saved { .. });
            let state = (saved && matches!(asked.call, Call::Create(_))).then(|| {
                let mut kept = Kept::new(payment, ProviderStatus::RequiresAction, now);
                kept.payment.failure = Some(decline.clone());
                let state = kept.payment.clone();
                self.payments.insert(payment.id, kept);
                Box::new(state)
            });
            return Err(Refusal::Declined(decline, state));
        }
        if let Call::Create(id) = asked.call {
            let kept = begin(payment, reply, now)?;
            let state = kept.payment.clone();
            self.payments.insert(id, kept);
            return Ok(Answer::Payment(state));
        }
        let kept = self.payments.get_mut(&payment.id);
        let kept = kept.ok_or(Refusal::Stale("there is no such payment"))?;
        kept.at = kept.at.max(now);
        match (asked.call, asked.refund, reply) {
            (Call::Capture(_), _, Reply::Accept) => kept.capture(asked.operation.amount, now)?,
            (Call::Void(_), _, Reply::Accept) => kept.void()?,
            (Call::Refund(_), Some(refund), Reply::Accept) => {
                return kept.refund(refund, RefundStatus::Succeeded).map(Answer::Refund);
            }
            (Call::Refund(_), Some(refund), Reply::Process) => {
                return kept.refund(refund, RefundStatus::Pending).map(Answer::Refund);
            }
            _ => return Err(Refusal::Unsupported("the script has this for a new payment")),
        }
        Ok(Answer::Payment(kept.payment.clone()))
    }

    /// What moved money, and when.
    pub(super) fn transactions(&self) -> Vec<Transaction> {
        let mut items = Vec::new();
        for (id, Kept { payment, charges, .. }) in &self.payments {
            let one = |kind, reference: &Label, refund_id, amount, at| Transaction {
                reference: reference.clone(),
                kind,
                payment_references: payment.references.clone(),
                payment_id: Some(*id),
                refund_id,
                amount,
                at,
            };
            for (reference, (at, amount)) in payment.references.iter().cycle().zip(charges) {
                items.push(one(TransactionKind::Charge, reference, None, *amount, *at));
            }
            for refund in payment.refunds.iter().filter(|it| it.status != RefundStatus::Failed) {
                let (kind, at) = (TransactionKind::Refund, refund.created_at);
                items.push(one(kind, &refund.reference, refund.refund_id, refund.amount, at));
            }
            let kept = DisputeStatus::Won;
            for dispute in payment.disputes.iter().filter(|it| it.status != kept) {
                let kind = TransactionKind::Dispute;
                items.push(one(kind, &dispute.reference, None, dispute.amount, dispute.opened_at));
            }
        }
        items
    }
}

/// So many movements are on one page.
const PAGE: usize = 10;

/// One page of what moved money in a period.
pub(super) fn page(mut items: Vec<Transaction>, query: &TransactionQuery) -> TransactionPage {
    items.retain(|item| query.from <= item.at && item.at < query.until);
    let after = query.after.as_ref().and_then(|after| after.parse().ok()).unwrap_or(0);
    let next = after + PAGE;
    let next = if next < items.len() { Label::new(next.to_string()).ok() } else { None };
    TransactionPage { items: items.into_iter().skip(after).take(PAGE).collect(), next }
}

/// A new payment, as a reply makes it.
fn begin(payment: &Payment, reply: Reply, now: Timestamp) -> Result<Kept, Refusal> {
    let mut kept = Kept::new(payment, ProviderStatus::RequiresAction, now);
    match reply {
        Reply::Accept if payment.capture == CaptureMode::Automatic => {
            kept.take(payment.amount, now);
        }
        Reply::Accept | Reply::Authorize => kept.set_aside(),
        Reply::Capture => kept.take(payment.amount, now),
        Reply::RequireAction { client_secret, redirect_url } => {
            kept.payment.client_secret = Some(client_secret);
            kept.payment.redirect_url = redirect_url;
        }
        Reply::Process => kept.payment.status = ProviderStatus::Processing,
        Reply::Decline { .. } | Reply::Refuse | Reply::Unavailable | Reply::Lost(_) => {
            return Err(Refusal::Unsupported("the script has no answer here"));
        }
    }
    Ok(kept)
}

impl Kept {
    fn new(payment: &Payment, status: ProviderStatus, now: Timestamp) -> Self {
        let made = ProviderPayment::new(payment.id.into(), account(), status, payment.amount);
        Self { payment: made, capture: payment.capture, charges: Vec::new(), at: now }
    }

    fn set_aside(&mut self) {
        self.payment.status = ProviderStatus::Authorized;
        self.payment.capturable = self.payment.amount;
    }

    fn take(&mut self, amount: Money, at: Timestamp) {
        let taken = self.payment.captured.minor() + amount.minor();
        self.payment.captured = Money::new(taken, amount.currency());
        self.payment.capturable = Money::zero(amount.currency());
        self.payment.status = ProviderStatus::Captured;
        self.charges.push((at, amount));
    }

    fn capture(&mut self, amount: Money, at: Timestamp) -> Result<(), Refusal> {
        if !amount.is_positive() || amount.minor() > self.payment.capturable.minor() {
            return Err(Refusal::Stale("so much is not set aside"));
        }
        self.take(amount, at);
        Ok(())
    }

    fn void(&mut self) -> Result<(), Refusal> {
        match self.payment.status {
            ProviderStatus::RequiresAction | ProviderStatus::Authorized => {}
            ProviderStatus::Voided | ProviderStatus::Expired | ProviderStatus::Failed => {
                return Err(Refusal::Stale("it is over"));
            }
            ProviderStatus::Processing | ProviderStatus::Captured => {
                return Err(Refusal::Stale("it is being taken, or was"));
            }
        }
        self.payment.capturable = Money::zero(self.payment.amount.currency());
        self.payment.status = ProviderStatus::Voided;
        Ok(())
    }

    fn refund(&mut self, refund: &Refund, status: RefundStatus) -> Result<ProviderRefund, Refusal> {
        if refund.amount.minor() > kept(&self.payment) {
            return Err(Refusal::Stale("so much is not left"));
        }
        let given = ProviderRefund {
            reference: refund.id.into(),
            refund_id: Some(refund.id),
            amount: refund.amount,
            status,
            failure: None,
            created_at: refund.created_at,
        };
        self.payment.refunds.push(given.clone());
        Ok(given)
    }
}
