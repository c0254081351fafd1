//! A payment gateway that is watched: every attempt is counted, timed and logged.

use std::{fmt::Display, sync::Arc, time::Instant};

use async_trait::async_trait;
use commerce_core::{
    currency::Currency,
    customer::Customer,
    gateway::{
        Abilities, Amounts, GatewayError, Headers, Notice, PaymentGateway, ProviderAccount,
        ProviderPayment, ProviderRefund, SavedMethod, Setup, TransactionPage, TransactionQuery,
        Vault, WebhookError,
    },
    order::Order,
    payment::{Operation, Payment, Refund},
    text::{GatewayName, IdempotencyKey, Label, Url},
    time::Timestamp,
};

use crate::{
    frame::chain,
    metrics::{GATEWAY_CALLS, GATEWAY_DURATION, WEBHOOKS},
};

/// A gateway, and a watch over it.
///
/// Each call, of the gateway or of its vault, is a line of the log under the target
/// `commerce_http::gateway`, with what was asked, for which payment or customer, what came of it and how
/// long it took. No secret, no amount and nothing of a customer but an id is in it.
#[derive(Debug, Clone)]
pub struct Watched<G> {
    inner: G,
    watch: Watch,
}

impl<G: PaymentGateway> Watched<G> {
    /// Watches a gateway.
    pub fn new(inner: G) -> Self {
        Self { watch: Watch { gateway: inner.name() }, inner }
    }
}

/// The vault of a gateway that is watched.
#[derive(Debug)]
struct WatchedVault {
    inner: Arc<dyn Vault>,
    watch: Watch,
}

/// Who notes what a gateway is asked.
#[derive(Debug, Clone)]
struct Watch {
    gateway: GatewayName,
}

impl Watch {
    /// Waits for an attempt, and notes what came of it.
    async fn note<T>(
        &self,
        operation: &'static str,
        subject: &(dyn Display + Sync),
        attempt: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        let began = Instant::now();
        let result = attempt.await;
        let took = began.elapsed();
        let gateway = self.gateway.as_str();
        let error = result.as_ref().err();
        let outcome = error.map_or("done", outcome);
        metrics::counter!(
            GATEWAY_CALLS,
            "gateway" => gateway.to_owned(), "operation" => operation, "outcome" => outcome
        )
        .increment(1);
        metrics::histogram!(
            GATEWAY_DURATION,
            "gateway" => gateway.to_owned(), "operation" => operation
        )
        .record(took);
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match error {
            Some(error) if needs_somebody(error) => tracing::warn!(
                target: "commerce_http::gateway",
                gateway, operation, %subject, outcome, milliseconds, why = chain(error), "asked"
            ),
            _ => tracing::info!(
                target: "commerce_http::gateway",
                gateway, operation, %subject, outcome, milliseconds, "asked"
            ),
        }
        result
    }
}

/// What came of an attempt, in a word.
fn outcome(error: &GatewayError) -> &'static str {
    match error {
        GatewayError::Declined { .. } => "declined",
        GatewayError::Stale(_) => "stale",
        GatewayError::Unsupported(_) => "unsupported",
        GatewayError::Invalid(_) => "invalid",
        GatewayError::Refused(_) => "refused",
        GatewayError::Unavailable { .. } => "unavailable",
        GatewayError::InFlight(_) => "in_flight",
        GatewayError::OutcomeUnknown(_) => "unknown",
    }
}

/// Whether whoever runs the shop wants to know why.
fn needs_somebody(error: &GatewayError) -> bool {
    match error {
        GatewayError::Declined { .. }
        | GatewayError::Stale(_)
        | GatewayError::Unsupported(_)
        | GatewayError::InFlight(_) => false,
        GatewayError::Invalid(_)
        | GatewayError::Refused(_)
        | GatewayError::Unavailable { .. }
        | GatewayError::OutcomeUnknown(_) => true,
    }
}

#[async_trait]
impl<G: PaymentGateway> PaymentGateway for Watched<G> {
    fn name(&self) -> GatewayName {
        self.watch.gateway.clone()
    }

    fn abilities(&self) -> Abilities {
        self.inner.abilities()
    }

    fn takes(&self, currency: Currency) -> Option<Amounts> {
        self.inner.takes(currency)
    }

    fn account(&self) -> ProviderAccount {
        self.inner.account()
    }

    async fn create(
        &self,
        order: &Order,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let attempt = self.inner.create(order, payment, operation);
        self.watch.note("create", &payment.id, attempt).await
    }

    async fn fetch(&self, payment: &Payment) -> Result<Option<ProviderPayment>, GatewayError> {
        self.watch.note("fetch", &payment.id, self.inner.fetch(payment)).await
    }

    async fn capture(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        self.watch.note("capture", &payment.id, self.inner.capture(payment, operation)).await
    }

    async fn void(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        self.watch.note("void", &payment.id, self.inner.void(payment, operation)).await
    }

    async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
        operation: &Operation,
    ) -> Result<ProviderRefund, GatewayError> {
        let attempt = self.inner.refund(payment, refund, operation);
        self.watch.note("refund", &payment.id, attempt).await
    }

    async fn notice(
        &self,
        headers: &Headers,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notice, WebhookError> {
        let result = self.inner.notice(headers, body, now).await;
        // Only what the provider has signed may choose a label.
        let (kind, outcome) = match &result {
            Ok(notice) => (notice.kind.as_str(), "verified"),
            Err(WebhookError::Unverified(_)) => ("", "unverified"),
            Err(WebhookError::Malformed(_)) => ("", "malformed"),
            Err(WebhookError::Unavailable(_)) => ("", "unavailable"),
            Err(WebhookError::Unsupported) => ("", "unsupported"),
        };
        let gateway = self.watch.gateway.as_str();
        metrics::counter!(
            WEBHOOKS,
            "gateway" => gateway.to_owned(), "kind" => kind.to_owned(), "outcome" => outcome
        )
        .increment(1);
        match &result {
            Ok(notice) => tracing::info!(
                target: "commerce_http::gateway",
                gateway, kind, event = %notice.event_id, outcome, "told"
            ),
            Err(error) => tracing::warn!(
                target: "commerce_http::gateway",
                gateway, outcome, why = chain(error), "told"
            ),
        }
        result
    }

    async fn transactions(
        &self,
        query: &TransactionQuery,
    ) -> Result<TransactionPage, GatewayError> {
        self.watch.note("transactions", &query.from, self.inner.transactions(query)).await
    }

    fn vault(&self) -> Option<Arc<dyn Vault>> {
        let inner = self.inner.vault()?;
        Some(Arc::new(WatchedVault { inner, watch: self.watch.clone() }))
    }
}

#[async_trait]
impl Vault for WatchedVault {
    async fn create_customer(
        &self,
        customer: &Customer,
        key: &IdempotencyKey,
    ) -> Result<Label, GatewayError> {
        let attempt = self.inner.create_customer(customer, key);
        self.watch.note("create_customer", &customer.id, attempt).await
    }

    async fn erase_customer(&self, customer: &Label) -> Result<(), GatewayError> {
        self.watch.note("erase_customer", customer, self.inner.erase_customer(customer)).await
    }

    async fn create_setup(
        &self,
        customer: &Label,
        return_url: Option<Url>,
        key: &IdempotencyKey,
    ) -> Result<Setup, GatewayError> {
        let attempt = self.inner.create_setup(customer, return_url, key);
        self.watch.note("create_setup", customer, attempt).await
    }

    async fn methods(&self, customer: &Label) -> Result<Vec<SavedMethod>, GatewayError> {
        self.watch.note("methods", customer, self.inner.methods(customer)).await
    }

    async fn remove_method(&self, customer: &Label, method: &Label) -> Result<bool, GatewayError> {
        let attempt = self.inner.remove_method(customer, method);
        self.watch.note("remove_method", customer, attempt).await
    }
}
