//! An online gateway in memory, for tests.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{GatewayAnswer, GatewayError, PaymentGateway};
use crate::{
    id::{PaymentId, RefundId},
    money::Money,
    order::Order,
    payment::{Payment, PaymentInput, Refund},
    text::{GatewayName, Label, Url},
};

/// What a [`ScriptedGateway`] does at its next new call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It does what it is asked; a new payment is authorized.
    Accept,
    /// It takes the money of a new payment at once.
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
/// left. A call that is made again for the same payment, or refund, gets the first answer again and
/// moves no money, as the contract of a [`PaymentGateway`] asks; one that could not be reached was
/// never made. Clones are the same gateway, so that a test can keep one and give one away.
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
    /// What was answered to each call, so that it is answered again.
    answered: HashMap<Call, Result<GatewayAnswer, Label>>,
    /// What was taken and not given back, in minor units.
    kept: HashMap<PaymentId, i64>,
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
        self.state().kept.get(&payment).copied().unwrap_or(0)
    }

    // What a panic of another test leaves behind is whole: every change is one statement.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a call. `done` is what happens to the payment if the gateway does what it is asked;
    /// `moved` is the money that moves then.
    fn answer(
        &self,
        call: Call,
        payment: &Payment,
        done: PaymentInput,
        moved: i64,
    ) -> Result<GatewayAnswer, GatewayError> {
        let mut state = self.state();
        state.calls.push(call);
        if let Some(answer) = state.answered.get(&call) {
            return answer.clone().map_err(|reason| GatewayError::Declined { reason });
        }
        let mut reply = state.script.pop_front().unwrap_or(Reply::Accept);
        let mut lost = false;
        while let Reply::Lost(inside) = reply {
            (reply, lost) = (*inside, true);
        }
        let answer = match act(reply, call, payment, done) {
            Act::Answer(answer) => Ok(*answer),
            Act::Decline(reason) => Err(reason),
            Act::Nothing(error) => return Err(error),
        };
        if let Ok(GatewayAnswer { input: Some(input), .. }) = &answer {
            let moved = match input {
                PaymentInput::Capture => payment.amount.minor(),
                PaymentInput::Refund(_) => moved,
                _ => 0,
            };
            *state.kept.entry(payment.id).or_default() += moved;
        }
        state.answered.insert(call, answer.clone());
        if lost {
            return Err(GatewayError::OutcomeUnknown("the answer was lost".into()));
        }
        answer.map_err(|reason| GatewayError::Declined { reason })
    }
}

enum Act {
    Answer(Box<GatewayAnswer>),
    Decline(Label),
    Nothing(GatewayError),
}

fn act(reply: Reply, call: Call, payment: &Payment, done: PaymentInput) -> Act {
    let is_new = matches!(call, Call::Create(_));
    let answer = |input| GatewayAnswer {
        input: Some(input),
        provider_ref: Some(payment.id.into()),
        ..GatewayAnswer::default()
    };
    let answer = match reply {
        Reply::Accept => answer(done),
        Reply::Decline { reason } => return Act::Decline(reason),
        Reply::Capture if is_new => answer(PaymentInput::Capture),
        Reply::Process if is_new => answer(PaymentInput::Process),
        Reply::RequireAction { client_secret, redirect_url } if is_new => GatewayAnswer {
            client_secret: Some(client_secret),
            redirect_url,
            ..answer(PaymentInput::RequireAction)
        },
        Reply::Capture | Reply::Process | Reply::RequireAction { .. } => {
            return Act::Nothing(GatewayError::Unsupported(
                "the script has this for a new payment",
            ));
        }
        Reply::Unavailable | Reply::Lost(_) => {
            return Act::Nothing(GatewayError::Unavailable("the gateway is down".into()));
        }
    };
    Act::Answer(Box::new(answer))
}

#[async_trait]
impl PaymentGateway for ScriptedGateway {
    fn name(&self) -> GatewayName {
        self.name.clone()
    }

    fn is_online(&self) -> bool {
        true
    }

    async fn create(&self, payment: &Payment, _: &Order) -> Result<GatewayAnswer, GatewayError> {
        self.answer(Call::Create(payment.id), payment, PaymentInput::Authorize, 0)
    }

    async fn capture(&self, payment: &Payment) -> Result<GatewayAnswer, GatewayError> {
        self.answer(Call::Capture(payment.id), payment, PaymentInput::Capture, 0)
    }

    async fn void(&self, payment: &Payment) -> Result<GatewayAnswer, GatewayError> {
        self.answer(Call::Void(payment.id), payment, PaymentInput::Void, 0)
    }

    async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
    ) -> Result<GatewayAnswer, GatewayError> {
        let back = refund.amount.checked_neg().map_or(0, Money::minor);
        let input = PaymentInput::Refund(refund.clone());
        self.answer(Call::Refund(refund.id), payment, input, back)
    }
}
