//! An online gateway in memory, for tests.

mod provider;
mod vault;

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use self::{
    provider::{Answer, Asked, Provider, Refusal},
    vault::Safe,
};
use super::{
    Abilities, Amounts, GatewayError, Headers, Notice, PaymentGateway, ProviderAccount,
    ProviderPayment, ProviderRefund, SavedMethod, Transaction, TransactionPage, TransactionQuery,
    Vault, WebhookError,
};
use crate::{
    currency::Currency,
    id::{PaymentId, RefundId},
    order::Order,
    payment::{Operation, Payment, Refund},
    text::{GatewayName, Label, Url},
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
    /// It works on it, and will say later what came of it: of a new payment, or of a refund.
    Process,
    /// It refuses; nothing happens. A new payment by a saved method is there all the same, and can be
    /// paid by another.
    Decline {
        /// Why, fit to be shown to the customer.
        reason: Label,
    },
    /// It does not accept the request; nothing happens, however often it is asked for under that key.
    Refuse,
    /// It cannot be reached; nothing happens.
    Unavailable,
    /// It does what the reply inside says, but its answer is lost on the way.
    Lost(Box<Reply>),
}

/// What happens to a call of a [`ScriptedGateway`] on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does not reach the gateway, and whoever called knows.
    Unreached,
    /// It does not reach the gateway, and nobody knows.
    LostBefore,
    /// It reaches the gateway, and its answer is lost.
    LostAfter,
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
/// Behind it is a provider with books of its own, which a test can change and compare: customers
/// [pay](Self::pay), people and banks [change](Self::change) things there, and each change makes a
/// webhook, which a test [hands over](Self::webhook) once, twice, late or never.
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
    amounts: Option<Amounts>,
    state: Arc<Mutex<State>>,
}

type Dice = Box<dyn FnMut(Call) -> Option<Fault> + Send>;
type Clerk = Box<dyn FnMut(&mut Vec<Transaction>) + Send>;

#[derive(Default)]
struct State {
    script: VecDeque<Reply>,
    calls: Vec<Call>,
    dice: Option<Dice>,
    clerk: Option<Clerk>,
    provider: Provider,
    safe: Safe,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl State {
    /// Hears of a call, unless it is lost on the way; answers whether what it answers will be.
    fn hear(&mut self, call: Call) -> Result<bool, GatewayError> {
        self.calls.push(call);
        match self.dice.as_mut().and_then(|dice| dice(call)) {
            None => Ok(false),
            Some(Fault::LostAfter) => Ok(true),
            Some(Fault::LostBefore) => Err(lost()),
            Some(Fault::Unreached) => Err(GatewayError::unavailable("the gateway is down")),
        }
    }
}

fn lost() -> GatewayError {
    GatewayError::OutcomeUnknown("the answer was lost".into())
}

impl ScriptedGateway {
    /// A gateway that accepts everything.
    pub fn new(name: GatewayName) -> Self {
        Self { name, amounts: Some(Amounts::ALL), state: Arc::default() }
    }

    /// The gateway as one that takes these amounts of every currency alone, or none.
    #[must_use]
    pub fn taking(self, amounts: Option<Amounts>) -> Self {
        Self { amounts, ..self }
    }

    /// Adds to what it does at its next new calls, in this order.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state().script.extend(replies);
    }

    /// Decides the fault of each call from now on, look-ups too.
    pub fn roll(&self, dice: impl FnMut(Call) -> Option<Fault> + Send + 'static) {
        self.state().dice = Some(Box::new(dice));
    }

    /// Every call that was made, the first one first, repetitions and faults too.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// What it took for a payment and did not give back, in minor units: the customer's side of the
    /// books.
    pub fn kept(&self, payment: PaymentId) -> i64 {
        self.state().provider.payment(payment).map_or(0, provider::kept)
    }

    /// Its payments, as they are in the provider's books.
    pub fn payments(&self) -> Vec<(PaymentId, ProviderPayment)> {
        self.state().provider.payments().map(|(id, payment)| (*id, payment.clone())).collect()
    }

    /// The customer confirms a payment that waits for them; answers whether there was such a one.
    pub fn pay(&self, payment: PaymentId) -> bool {
        self.state().provider.pay(payment)
    }

    /// Something happens to a payment at the provider that the shop did not ask for: somebody works
    /// there by hand, a bank decides, time passes. Answers whether there is such a payment.
    pub fn change(&self, payment: PaymentId, act: impl FnOnce(&mut ProviderPayment)) -> bool {
        self.state().provider.change(payment, act)
    }

    /// A customer enters a card on the provider's page, to be kept for them.
    pub fn save(&self, customer: &Label) -> Option<SavedMethod> {
        self.state().safe.save(customer)
    }

    /// Forgets the keys of all calls, as providers do after a day.
    pub fn forget_keys(&self) {
        self.state().provider.forget_keys();
    }

    /// The webhooks that there are so far: one for each change of a payment, and what else was
    /// [told](Self::tell).
    pub fn webhooks(&self) -> usize {
        self.state().provider.told.len()
    }

    /// The headers and the body of a webhook, the first one at 0.
    pub fn webhook(&self, n: usize) -> Option<(Headers, Vec<u8>)> {
        self.state().provider.told.get(n).map(provider::sign)
    }

    /// The provider tells something besides, such as of a payment that the shop did not make.
    pub fn tell(&self, notice: Notice) {
        self.state().provider.told.push(notice);
    }

    /// Changes what its books say that moved, each time that they are read from now on.
    pub fn change_books(&self, clerk: impl FnMut(&mut Vec<Transaction>) + Send + 'static) {
        self.state().clerk = Some(Box::new(clerk));
    }

    // What a panic of another test leaves behind is whole: every change is one statement.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a call that carries a key.
    fn answer(
        &self,
        call: Call,
        payment: &Payment,
        refund: Option<&Refund>,
        operation: &Operation,
    ) -> Result<Answer, GatewayError> {
        let state = &mut *self.state();
        let mut lost_after = state.hear(call)?;
        let asked = Asked { call, payment, refund, operation };
        if matches!(call, Call::Create(_)) && !state.safe.has_method_of(payment) {
            return Err(GatewayError::Refused("the customer has no such method".into()));
        }
        let answer = match state.provider.answered(&asked)? {
            Some(answer) => answer,
            None => {
                let mut reply = state.script.pop_front().unwrap_or(Reply::Accept);
                while let Reply::Lost(inside) = reply {
                    (reply, lost_after) = (*inside, true);
                }
                if reply == Reply::Unavailable {
                    return Err(GatewayError::unavailable("the gateway is down"));
                }
                state.provider.answer(&asked, reply)
            }
        };
        if lost_after { Err(lost()) } else { answer.map_err(Refusal::into) }
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

    fn takes(&self, _: Currency) -> Option<Amounts> {
        self.amounts
    }

    fn account(&self) -> ProviderAccount {
        provider::account()
    }

    async fn create(
        &self,
        _: &Order,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        payment_of(self.answer(Call::Create(payment.id), payment, None, operation)?)
    }

    async fn fetch(&self, payment: &Payment) -> Result<Option<ProviderPayment>, GatewayError> {
        let mut state = self.state();
        if state.hear(Call::Fetch(payment.id)).unwrap_or(true) {
            return Err(GatewayError::unavailable("the gateway is down"));
        }
        Ok(state.provider.payment(payment.id).cloned())
    }

    async fn capture(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        payment_of(self.answer(Call::Capture(payment.id), payment, None, operation)?)
    }

    async fn void(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        payment_of(self.answer(Call::Void(payment.id), payment, None, operation)?)
    }

    async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
        operation: &Operation,
    ) -> Result<ProviderRefund, GatewayError> {
        match self.answer(Call::Refund(refund.id), payment, Some(refund), operation)? {
            Answer::Refund(refund) => Ok(refund),
            Answer::Payment(_) => Err(GatewayError::Refused("the key was used otherwise".into())),
        }
    }

    async fn notice(
        &self,
        headers: &Headers,
        body: &[u8],
        _: Timestamp,
    ) -> Result<Notice, WebhookError> {
        provider::notice(headers, body)
    }

    async fn transactions(
        &self,
        query: &TransactionQuery,
    ) -> Result<TransactionPage, GatewayError> {
        let state = &mut *self.state();
        let mut moved = state.provider.transactions();
        if let Some(clerk) = &mut state.clerk {
            clerk(&mut moved);
        }
        Ok(provider::page(moved, query))
    }

    fn vault(&self) -> Option<Arc<dyn Vault>> {
        Some(Arc::new(self.clone()))
    }
}
