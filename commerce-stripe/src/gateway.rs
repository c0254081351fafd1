//! The gateway: what a shop asks, in Stripe's requests, and what Stripe answers, in the shop's words.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use commerce_core::{
    currency::Currency,
    gateway::{
        Abilities, Amounts, GatewayError, Headers, Notice, PaymentGateway, ProviderAccount,
        ProviderPayment, ProviderRefund, TransactionPage, TransactionQuery, Vault, WebhookError,
    },
    order::Order,
    payment::{Operation, Payment, PaymentFlow, Refund, RefundStatus},
    text::{GatewayName, Label},
    time::Timestamp,
};
use stripe_core::{payment_intent::CapturePaymentIntent, refund::CreateRefund};

use crate::{
    amount::amounts,
    config::{ConfigError, StripeConfig},
    failure::{Failure, Meaning},
    object,
    request::{self, amount},
    secret::WebhookSecret,
    state::{PAYMENT_ID, REFUND_ID, Reader, in_path, label, reference},
    transport::{Call, Transport},
    webhook,
};

/// How long Stripe recognizes a key. It says "at least 24 hours"; an hour is left for clocks and for
/// requests on their way.
const KEYS_KEPT: Duration = Duration::from_secs(23 * 60 * 60);

/// Takes payments through Stripe. Clones are the same gateway, with the same connections.
///
/// It does not run without a tokio runtime, whose timers and sockets it uses.
#[derive(Debug, Clone)]
pub struct StripeGateway {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    name: GatewayName,
    webhook_secrets: Vec<WebhookSecret>,
    account: ProviderAccount,
    pub(crate) transport: Transport,
    pub(crate) reader: Reader,
}

impl StripeGateway {
    /// A gateway with this configuration. It asks Stripe nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(config: StripeConfig) -> Result<Self, ConfigError> {
        let transport = Transport::new(&config)?;
        let livemode = config.secret_key.livemode();
        let account = ProviderAccount { id: config.account.clone(), livemode };
        let inner = Inner {
            name: config.name,
            webhook_secrets: config.webhook_secrets,
            account,
            transport,
            reader: Reader { account: config.account, livemode },
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Inner {
    /// The error of a change, with the state of the intent that Stripe tells along with it.
    fn declined(&self, failure: Failure) -> GatewayError {
        let told = failure.error().and_then(|error| error.payment_intent.as_deref());
        let state = told.and_then(|intent| self.reader.intent(intent).ok());
        failure.of_change(state)
    }

    /// The state that an intent tells, for a payment whose page stands for all.
    pub(crate) fn seen(
        &self,
        payment: &Payment,
        intent: &object::Intent,
    ) -> Result<ProviderPayment, Failure> {
        let mut state = self.reader.intent(intent)?;
        if let Some(page) = reference(payment, "cs_") {
            state.references.insert(0, label(page)?);
        }
        Ok(state)
    }

    /// The intent of a payment that was made; `None` if there is none yet.
    async fn intent_of(
        &self,
        call: &Call<'_>,
        payment: &Payment,
    ) -> Result<Option<Label>, Failure> {
        let is_intent = |reference: &&Label| reference.starts_with("pi_");
        if let Some(known) = payment.references.iter().find(is_intent) {
            return Ok(Some(known.clone()));
        }
        let found = self.find(call, payment).await?;
        Ok(found.and_then(|state| state.references.iter().find(is_intent).cloned()))
    }

    /// The error of a change that Stripe refused without a code that says why, or because it is too
    /// much: if the payment's state does not allow it, that is why.
    async fn refused(
        &self,
        call: &Call<'_>,
        payment: &Payment,
        failure: Failure,
        allows: impl Fn(&ProviderPayment) -> bool,
    ) -> GatewayError {
        if matches!(failure.meaning(), Meaning::TooMuch | Meaning::Invalid | Meaning::Refused)
            && let Ok(Some(state)) = self.find(call, payment).await
            && !allows(&state)
        {
            return GatewayError::Stale(failure.into());
        }
        self.declined(failure)
    }

    async fn capture(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let call = self.transport.call();
        let wanted = amount(operation.amount).map_err(|failure| failure.of_change(None))?;
        let intent = self.intent_of(&call, payment).await.map_err(Failure::of_question)?;
        let intent = intent.ok_or_else(nothing)?;
        let path = in_path(&intent).map_err(|failure| failure.of_change(None))?;
        let request = CapturePaymentIntent::new(path)
            .amount_to_capture(wanted)
            .expand(vec!["latest_charge".to_owned()]);
        let done = call.change::<object::Intent>(&request, &operation.key).await;
        match done.and_then(|intent| self.seen(payment, &intent)) {
            Ok(state) => Ok(state),
            Err(failure) => {
                let asked = operation.amount.minor();
                let allows = |state: &ProviderPayment| state.capturable.minor() >= asked;
                Err(self.refused(&call, payment, failure, allows).await)
            }
        }
    }

    async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
        operation: &Operation,
    ) -> Result<ProviderRefund, GatewayError> {
        let call = self.transport.call();
        let wanted = amount(refund.amount).map_err(|failure| failure.of_change(None))?;
        let intent = self.intent_of(&call, payment).await.map_err(Failure::of_question)?;
        let intent = intent.ok_or_else(nothing)?;
        let metadata = HashMap::from([
            (PAYMENT_ID.to_owned(), payment.id.to_string()),
            (REFUND_ID.to_owned(), refund.id.to_string()),
        ]);
        let request = CreateRefund::new()
            .payment_intent(intent.to_string())
            .amount(wanted)
            .metadata(metadata);
        let done = call.change::<object::Refund>(&request, &operation.key).await;
        match done.and_then(|refund| self.reader.refund(&refund)) {
            Ok(refund) => Ok(refund),
            Err(failure) => {
                let asked = refund.amount.minor().into();
                let allows = |state: &ProviderPayment| left(state) >= asked;
                Err(self.refused(&call, payment, failure, allows).await)
            }
        }
    }
}

/// What was taken and not given back.
fn left(state: &ProviderPayment) -> i128 {
    let given = state.refunds.iter().filter(|refund| refund.status != RefundStatus::Failed);
    let given = given.map(|refund| i128::from(refund.amount.minor())).sum::<i128>();
    i128::from(state.captured.minor()) - given
}

/// There is nothing at Stripe that could be changed.
pub(crate) fn nothing() -> GatewayError {
    GatewayError::Stale("there is no such payment at Stripe".into())
}

#[async_trait]
impl PaymentGateway for StripeGateway {
    fn name(&self) -> GatewayName {
        self.inner.name.clone()
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            online: true,
            later_capture: true,
            partial_capture: true,
            direct: true,
            hosted: true,
            keys_kept: KEYS_KEPT,
        }
    }

    fn takes(&self, currency: Currency) -> Option<Amounts> {
        amounts(currency)
    }

    fn account(&self) -> ProviderAccount {
        self.inner.account.clone()
    }

    async fn create(
        &self,
        order: &Order,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let inner = &self.inner;
        let call = inner.transport.call();
        let made = match &payment.flow {
            PaymentFlow::Hosted { return_url, cancel_url } => {
                let request = request::session(order, payment, return_url, cancel_url)
                    .map_err(|failure| failure.of_change(None))?;
                let made = call.change::<object::Session>(&request, &operation.key).await;
                made.and_then(|session| inner.reader.session(&session))
            }
            PaymentFlow::Direct | PaymentFlow::Saved { .. } => {
                let request =
                    request::intent(order, payment).map_err(|failure| failure.of_change(None))?;
                let made = call.change::<object::Intent>(&request, &operation.key).await;
                made.and_then(|intent| inner.reader.intent(&intent))
            }
        };
        made.map_err(|failure| inner.declined(failure))
    }

    async fn fetch(&self, payment: &Payment) -> Result<Option<ProviderPayment>, GatewayError> {
        let call = self.inner.transport.call();
        self.inner.find(&call, payment).await.map_err(Failure::of_question)
    }

    async fn capture(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        self.inner.capture(payment, operation).await
    }

    async fn void(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        self.inner.void(payment, operation).await
    }

    async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
        operation: &Operation,
    ) -> Result<ProviderRefund, GatewayError> {
        self.inner.refund(payment, refund, operation).await
    }

    async fn notice(
        &self,
        headers: &Headers,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notice, WebhookError> {
        let inner = &self.inner;
        webhook::verified(headers, body, &inner.webhook_secrets, now, &inner.account)
    }

    async fn transactions(
        &self,
        query: &TransactionQuery,
    ) -> Result<TransactionPage, GatewayError> {
        self.inner.transactions(query).await
    }

    fn vault(&self) -> Option<Arc<dyn Vault>> {
        Some(Arc::new(self.clone()))
    }
}
