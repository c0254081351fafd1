//! An online gateway in memory, for tests.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::{
    Abilities, GatewayError, Headers, Notice, PaymentGateway, ProviderAccount, ProviderPayment,
    ProviderRefund, ProviderStatus, TransactionPage, TransactionQuery, Vault, WebhookError,
};
use crate::{
    id::{PaymentId, RefundId},
    money::Money,
    order::Order,
    payment::{CaptureMode, Decline, DeclineCode, Operation, Payment, Refund, RefundStatus},
    text::{GatewayName, IdempotencyKey, Label, Url},
    time::Timestamp,
};

/// What a [`ScriptedGateway`] does at its next new call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It does what it is asked; the money of a new payment is set aside or taken as that wants.
    Accept,
    /// It sets the money of a new payment aside, whatever that wants.
    Authorize,
    /// It takes the money of a new payment at once, whatever that wants.
    Capture,
    /// The customer must do something first, such as confirm the payment on their device.
    RequireAction {
        /// What the customer's device needs for it.
        client_secret: Label,
        /// Where the customer is sent for it.
        redirect_url: Option<Url>,
    },
    /// It works on it, and will say later what came of it.
    Process,
    /// It refuses; nothing happens.
    Decline {
        /// Why, fit to be shown to the customer.
        reason: Label,
    },
    /// It cannot be reached; nothing happens.
    Unavailable,
    /// It does what the reply inside says, but its answer is lost on the way.
    Lost(Box<Reply>),
}

/// What a [`ScriptedGateway`] was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// To begin taking the money of a payment.
    Create(PaymentId),
    /// To say how far a payment has come.
    Fetch(PaymentId),
    /// To take the money.
    Capture(PaymentId),
    /// To call the payment off.
    Void(PaymentId),
    /// To give money back.
    Refund(RefundId),
}

/// An online gateway in memory whose answers a test can script: a card payment without a network.
///
/// Each new call takes the next [`Reply`] of the script, and [`Reply::Accept`] once there is none
/// left. A call that is made again under the same key gets the first answer again and moves no money,
/// as the contract of a [`PaymentGateway`] asks; one that could not be reached was never made. Clones
/// are the same gateway, so that a test can keep one and give one away.
///
/// ```
/// use commerce_core::{gateway::{Reply, ScriptedGateway}, text::GatewayName};
/// let gateway = ScriptedGateway::new(GatewayName::new("card")?);
/// gateway.script([Reply::Unavailable, Reply::Capture]);
/// assert!(gateway.calls().is_empty());
/// # Ok::<(), commerce_core::text::TextError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ScriptedGateway {
    name: GatewayName,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Reply>,
    calls: Vec<Call>,
    /// What was answered under each key, so that it is answered again.
    answered: HashMap<IdempotencyKey, Result<Answer, Refusal>>,
    payments: BTreeMap<PaymentId, ProviderPayment>,
}

#[derive(Debug, Clone)]
enum Answer {
    Payment(ProviderPayment),
    Refund(ProviderRefund),
}

/// Why a call has no effect, now and whenever it is repeated.
#[derive(Debug, Clone)]
enum Refusal {
    Declined(Decline),
    Stale(&'static str),
    Unsupported(&'static str),
}

impl From<Refusal> for GatewayError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Declined(decline) => Self::declined(decline),
            Refusal::Stale(why) => Self::Stale(why.into()),
            Refusal::Unsupported(why) => Self::Unsupported(why),
        }
    }
}

impl ScriptedGateway {
    /// A gateway that accepts everything.
    pub fn new(name: GatewayName) -> Self {
        Self { name, state: Arc::default() }
    }

    /// Adds to what it does at its next new calls, in this order.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state().script.extend(replies);
    }

    /// Every call that was made, the first one first, repetitions too.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// What it took for a payment and did not give back, in minor units: the customer's side of the
    /// books.
    pub fn kept(&self, payment: PaymentId) -> i64 {
        self.state().payments.get(&payment).map_or(0, kept)
    }

    // What a panic of another test leaves behind is whole: every change is one statement.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a call that carries a key.
    fn answer(
        &self,
        call: Call,
        key: &IdempotencyKey,
        act: impl FnOnce(&mut State, Reply) -> Result<Answer, Refusal>,
    ) -> Result<Answer, GatewayError> {
        let mut state = self.state();
        state.calls.push(call);
        if let Some(answer) = state.answered.get(key) {
            return answer.clone().map_err(GatewayError::from);
        }
        let mut reply = state.script.pop_front().unwrap_or(Reply::Accept);
        let mut lost = false;
        while let Reply::Lost(inside) = reply {
            (reply, lost) = (*inside, true);
        }
        if reply == Reply::Unavailable {
            return Err(GatewayError::unavailable("the gateway is down"));
        }
        let answer = match reply {
            Reply::Decline { reason } => {
                Err(Refusal::Declined(Decline { code: DeclineCode::Declined, reason }))
            }
            reply => act(&mut state, reply),
        };
        state.answered.insert(key.clone(), answer.clone());
        if lost {
            return Err(GatewayError::OutcomeUnknown("the answer was lost".into()));
        }
        Ok(answer?)
    }
}

fn kept(payment: &ProviderPayment) -> i64 {
    let back = payment.refunds.iter().filter(|refund| refund.status != RefundStatus::Failed);
    payment.captured.minor() - back.map(|refund| refund.amount.minor()).sum::<i64>()
}

/// The account of every scripted gateway: no money moves.
fn account() -> ProviderAccount {
    ProviderAccount { id: None, livemode: false }
}

/// A new payment, as a reply makes it.
fn begin(payment: &Payment, reply: Reply) -> Result<ProviderPayment, Refusal> {
    let status = match reply {
        Reply::Accept if payment.capture == CaptureMode::Automatic => ProviderStatus::Captured,
        Reply::Accept | Reply::Authorize => ProviderStatus::Authorized,
        Reply::Capture => ProviderStatus::Captured,
        Reply::RequireAction { .. } => ProviderStatus::RequiresAction,
        Reply::Process => ProviderStatus::Processing,
        Reply::Decline { .. } | Reply::Unavailable | Reply::Lost(_) => {
            return Err(Refusal::Unsupported("the script has no answer here"));
        }
    };
    let mut made = ProviderPayment::new(payment.id.into(), account(), status, payment.amount);
    match status {
        ProviderStatus::Captured => made.captured = payment.amount,
        ProviderStatus::Authorized => made.capturable = payment.amount,
        _ => {}
    }
    if let Reply::RequireAction { client_secret, redirect_url } = reply {
        made.client_secret = Some(client_secret);
        made.redirect_url = redirect_url;
    }
    Ok(made)
}

impl State {
    fn payment(&mut self, id: PaymentId) -> Result<&mut ProviderPayment, Refusal> {
        self.payments.get_mut(&id).ok_or(Refusal::Stale("there is no such payment"))
    }

    fn accepted(reply: &Reply) -> Result<(), Refusal> {
        match reply {
            Reply::Accept => Ok(()),
            _ => Err(Refusal::Unsupported("the script has this for a new payment")),
        }
    }

    fn capture(&mut self, id: PaymentId, amount: Money) -> Result<Answer, Refusal> {
        let payment = self.payment(id)?;
        if !amount.is_positive() || amount.minor() > payment.capturable.minor() {
            return Err(Refusal::Stale("so much is not set aside"));
        }
        payment.captured = Money::new(payment.captured.minor() + amount.minor(), amount.currency());
        payment.capturable = Money::zero(amount.currency());
        payment.status = ProviderStatus::Captured;
        Ok(Answer::Payment(payment.clone()))
    }

    fn void(&mut self, id: PaymentId) -> Result<Answer, Refusal> {
        let payment = self.payment(id)?;
        match payment.status {
            ProviderStatus::RequiresAction
            | ProviderStatus::Authorized
            | ProviderStatus::Voided
            | ProviderStatus::Expired
            | ProviderStatus::Failed => {}
            ProviderStatus::Processing | ProviderStatus::Captured => {
                return Err(Refusal::Stale("it is being taken, or was"));
            }
        }
        payment.capturable = Money::zero(payment.amount.currency());
        payment.status = ProviderStatus::Voided;
        Ok(Answer::Payment(payment.clone()))
    }

    fn refund(&mut self, id: PaymentId, refund: &Refund) -> Result<Answer, Refusal> {
        let payment = self.payment(id)?;
        if refund.amount.minor() > kept(payment) {
            return Err(Refusal::Stale("so much is not left"));
        }
        let given = ProviderRefund {
            reference: refund.id.into(),
            refund_id: Some(refund.id),
            amount: refund.amount,
            status: RefundStatus::Succeeded,
            failure: None,
            created_at: refund.created_at,
        };
        payment.refunds.push(given.clone());
        Ok(Answer::Refund(given))
    }
}

fn payment_of(answer: Answer) -> Result<ProviderPayment, GatewayError> {
    match answer {
        Answer::Payment(payment) => Ok(payment),
        Answer::Refund(_) => Err(GatewayError::Refused("the key was used for a refund".into())),
    }
}

#[async_trait]
impl PaymentGateway for ScriptedGateway {
    fn name(&self) -> GatewayName {
        self.name.clone()
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            online: true,
            later_capture: true,
            partial_capture: true,
            direct: true,
            hosted: true,
            keys_kept: Duration::from_secs(86_400),
        }
    }

    fn account(&self) -> ProviderAccount {
        account()
    }

    async fn create(
        &self,
        _: &Order,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let answer = self.answer(Call::Create(payment.id), &operation.key, |state, reply| {
            let made = begin(payment, reply)?;
            state.payments.insert(payment.id, made.clone());
            Ok(Answer::Payment(made))
        });
        payment_of(answer?)
    }

    async fn fetch(&self, payment: &Payment) -> Result<Option<ProviderPayment>, GatewayError> {
        let mut state = self.state();
        state.calls.push(Call::Fetch(payment.id));
        Ok(state.payments.get(&payment.id).cloned())
    }

    async fn capture(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let answer = self.answer(Call::Capture(payment.id), &operation.key, |state, reply| {
            State::accepted(&reply)?;
            state.capture(payment.id, operation.amount)
        });
        payment_of(answer?)
    }

    async fn void(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let answer = self.answer(Call::Void(payment.id), &operation.key, |state, reply| {
            State::accepted(&reply)?;
            state.void(payment.id)
        });
        payment_of(answer?)
    }

    async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
        operation: &Operation,
    ) -> Result<ProviderRefund, GatewayError> {
        let answer = self.answer(Call::Refund(refund.id), &operation.key, |state, reply| {
            State::accepted(&reply)?;
            state.refund(payment.id, refund)
        });
        match answer? {
            Answer::Refund(refund) => Ok(refund),
            Answer::Payment(_) => Err(GatewayError::Refused("the key was used otherwise".into())),
        }
    }

    async fn notice(&self, _: &Headers, _: &[u8], _: Timestamp) -> Result<Notice, WebhookError> {
        Err(WebhookError::Unsupported)
    }

    async fn transactions(&self, _: &TransactionQuery) -> Result<TransactionPage, GatewayError> {
        Ok(TransactionPage { items: Vec::new(), next: None })
    }

    fn vault(&self) -> Option<Arc<dyn Vault>> {
        None
    }
}
