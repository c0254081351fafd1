//! Adapters that ask a provider otherwise than they should.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use commerce_core::{
    currency::Currency,
    gateway::{
        Abilities, Amounts, GatewayError, Headers, Notice, PaymentGateway, ProviderAccount,
        ProviderPayment, ProviderRefund, ProviderStatus, TransactionPage, TransactionQuery, Vault,
        WebhookError,
    },
    id::{Id, Moment, PaymentId},
    inputs::{Clock, SteppedClock},
    money::Money,
    order::Order,
    payment::{Decline, DeclineCode, Operation, Payment, PaymentFlow, Refund},
    text::GatewayName,
    time::Timestamp,
};

use super::{super::wires::GatewayLine, Bug};

/// The adapter of a till, with a mistake if it is to have one.
#[derive(Debug, Clone)]
pub(crate) struct Adapter {
    pub(crate) bug: Option<Bug>,
    pub(crate) line: GatewayLine,
    pub(crate) clock: Arc<SteppedClock>,
    /// What webhooks told last, for those who believe them.
    told: Arc<Mutex<HashMap<PaymentId, ProviderPayment>>>,
    /// The payments of which a webhook was thrown away.
    thrown_away: Arc<Mutex<HashSet<PaymentId>>>,
}

impl Adapter {
    pub(crate) fn new(bug: Option<Bug>, line: GatewayLine, clock: Arc<SteppedClock>) -> Self {
        Self { bug, line, clock, told: Arc::default(), thrown_away: Arc::default() }
    }

    fn is(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// A webhook tells what a payment is.
    pub(crate) fn hear(&self, id: PaymentId, state: ProviderPayment) {
        self.told.lock().unwrap().insert(id, state);
    }

    /// A webhook about a payment that is not known yet is thrown away, and with it what the payment is
    /// called: whoever looks it up by that finds nothing.
    pub(crate) fn throw_away(&self, id: PaymentId) {
        self.thrown_away.lock().unwrap().insert(id);
    }

    /// The same call under another key.
    fn keyed(&self, operation: &Operation) -> Operation {
        let mut operation = operation.clone();
        if self.is(Bug::NewKeys) {
            let all = self.line.bank.books.calls().len();
            operation.key = format!("{}-{all}", operation.key.as_str()).parse().unwrap();
        }
        operation
    }

    fn answer<T>(&self, answer: Result<T, GatewayError>) -> Result<T, GatewayError> {
        match answer {
            Err(GatewayError::OutcomeUnknown(_)) if self.is(Bug::TimeoutMeansNo) => {
                let reason = "the bank did not answer".parse().unwrap();
                Err(GatewayError::declined(Decline { code: DeclineCode::Declined, reason }))
            }
            answer => answer,
        }
    }

    fn read(&self, payment: &Payment, mut state: ProviderPayment) -> ProviderPayment {
        if self.is(Bug::IgnoresCurrency) {
            let number = |of: Money| Money::new(of.minor(), payment.amount.currency());
            state.amount = number(state.amount);
            state.captured = number(state.captured);
            state.capturable = number(state.capturable);
        }
        state
    }

    /// Takes a session for ended that is not, or not for good.
    fn end_session(&self, payment: &Payment, state: &mut ProviderPayment) {
        let Some(until) = self.line.bank.page_until(payment.id) else { return };
        let hour = Duration::from_secs(3_600);
        let over = match state.status {
            ProviderStatus::RequiresAction if self.is(Bug::SessionMustBeOver) => {
                payment.created_at.saturating_add(hour) < self.clock.now()
            }
            ProviderStatus::Processing if self.is(Bug::TransfersAreNotAwaited) => {
                until <= self.clock.now()
            }
            _ => false,
        };
        if over {
            state.status = ProviderStatus::Voided;
        }
    }

    /// What the provider would make if it were asked for the same under another key.
    fn made_again(&self, payment: &Payment) -> Payment {
        let made = |(id, _): &(PaymentId, ProviderPayment)| *id == payment.id;
        let mut payment = payment.clone();
        if (self.is(Bug::NewKeys) || self.is(Bug::ChargesSavedAgain))
            && self.line.bank.books.payments().iter().any(made)
        {
            let seed = payment.id.uuid().into_bytes();
            payment.id = Moment::new(payment.created_at, seed).id();
        }
        payment
    }
}

#[async_trait]
impl PaymentGateway for Adapter {
    fn name(&self) -> GatewayName {
        self.line.name()
    }

    fn abilities(&self) -> Abilities {
        self.line.abilities()
    }

    fn takes(&self, currency: Currency) -> Option<Amounts> {
        self.line.takes(currency)
    }

    fn account(&self) -> ProviderAccount {
        self.line.account()
    }

    async fn create(
        &self,
        order: &Order,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let saved = matches!(payment.flow, PaymentFlow::Saved { .. });
        if saved && self.is(Bug::ChargesSavedAgain) {
            return match self.line.create(order, payment, operation).await {
                Err(GatewayError::OutcomeUnknown(_)) => {
                    let mut again = operation.clone();
                    again.key = format!("{}-again", operation.key.as_str()).parse().unwrap();
                    self.line.create(order, &self.made_again(payment), &again).await
                }
                answer => answer,
            };
        }
        let (payment, operation) = (self.made_again(payment), self.keyed(operation));
        let made = self.answer(self.line.create(order, &payment, &operation).await)?;
        Ok(self.read(&payment, made))
    }

    async fn fetch(&self, payment: &Payment) -> Result<Option<ProviderPayment>, GatewayError> {
        if self.is(Bug::TrustsWebhooks) {
            return Ok(self.told.lock().unwrap().get(&payment.id).cloned());
        }
        let thrown_away = self.thrown_away.lock().unwrap().contains(&payment.id);
        if (self.is(Bug::SearchLags) || thrown_away) && payment.references.is_empty() {
            return Ok(None);
        }
        let mut found = self.line.fetch(payment).await?;
        if let Some(state) = &mut found {
            self.end_session(payment, state);
        }
        Ok(found.map(|state| self.read(payment, state)))
    }

    async fn capture(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let answer = self.line.capture(payment, &self.keyed(operation)).await;
        Ok(self.read(payment, self.answer(answer)?))
    }

    async fn void(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        if self.is(Bug::VoidsLater)
            && let Some(mut state) = self.line.fetch(payment).await?
        {
            state.status = ProviderStatus::Voided;
            state.capturable = Money::zero(state.amount.currency());
            return Ok(state);
        }
        self.answer(self.line.void(payment, &self.keyed(operation)).await)
    }

    async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
        operation: &Operation,
    ) -> Result<ProviderRefund, GatewayError> {
        self.answer(self.line.refund(payment, refund, &self.keyed(operation)).await)
    }

    async fn notice(
        &self,
        headers: &Headers,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notice, WebhookError> {
        self.line.notice(headers, body, now).await
    }

    async fn transactions(
        &self,
        query: &TransactionQuery,
    ) -> Result<TransactionPage, GatewayError> {
        self.line.transactions(query).await
    }

    fn vault(&self) -> Option<Arc<dyn Vault>> {
        self.line.vault()
    }
}
