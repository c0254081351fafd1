//! The gateway that people operate by hand.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Abilities, Amounts, GatewayError, Headers, Notice, PaymentGateway, ProviderAccount,
    ProviderPayment, ProviderRefund, ProviderStatus, TransactionPage, TransactionQuery, Vault,
    WebhookError,
};
use crate::{
    currency::Currency,
    money::Money,
    order::Order,
    payment::{Operation, Payment, Refund, RefundStatus},
    text::GatewayName,
    time::Timestamp,
};

/// Cash on delivery, bank transfer, an invoice: money moves outside, and the back office notes that
/// it has. Whether an order is sent before is a matter of its
/// [`PaymentTerms`](crate::order::PaymentTerms).
///
/// It does whatever it is told, because it was done already. The books of the shop are the only ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct ManualGateway;

fn account() -> ProviderAccount {
    ProviderAccount { id: None, livemode: true }
}

fn noted(payment: &Payment, status: ProviderStatus) -> ProviderPayment {
    let state = ProviderPayment::new(payment.id.into(), account(), status, payment.amount);
    ProviderPayment { references: Vec::new(), captured: payment.captured, ..state }
}

#[async_trait]
impl PaymentGateway for ManualGateway {
    fn name(&self) -> GatewayName {
        GatewayName::manual()
    }

    fn abilities(&self) -> Abilities {
        Abilities::by_hand()
    }

    fn takes(&self, _: Currency) -> Option<Amounts> {
        Some(Amounts::ALL)
    }

    fn account(&self) -> ProviderAccount {
        account()
    }

    async fn create(
        &self,
        _: &Order,
        payment: &Payment,
        _: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        Ok(noted(payment, ProviderStatus::RequiresAction))
    }

    async fn fetch(&self, _: &Payment) -> Result<Option<ProviderPayment>, GatewayError> {
        Ok(None)
    }

    async fn capture(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let (taken, now) = (payment.captured.minor(), operation.amount.minor());
        let currency = payment.amount.currency();
        let captured = Money::new(taken.saturating_add(now), currency);
        let rest = payment.amount.minor().saturating_sub(captured.minor());
        let capturable = Money::new(rest, currency);
        Ok(ProviderPayment { captured, capturable, ..noted(payment, ProviderStatus::Captured) })
    }

    async fn void(
        &self,
        payment: &Payment,
        _: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        Ok(noted(payment, ProviderStatus::Voided))
    }

    async fn refund(
        &self,
        _: &Payment,
        refund: &Refund,
        _: &Operation,
    ) -> Result<ProviderRefund, GatewayError> {
        Ok(ProviderRefund {
            reference: refund.id.into(),
            refund_id: Some(refund.id),
            amount: refund.amount,
            status: RefundStatus::Succeeded,
            failure: None,
            created_at: refund.created_at,
        })
    }

    async fn notice(&self, _: &Headers, _: &[u8], _: Timestamp) -> Result<Notice, WebhookError> {
        Err(WebhookError::Unsupported)
    }

    async fn transactions(&self, _: &TransactionQuery) -> Result<TransactionPage, GatewayError> {
        Err(GatewayError::Unsupported("there are no books but those of the shop"))
    }

    fn vault(&self) -> Option<Arc<dyn Vault>> {
        None
    }
}
