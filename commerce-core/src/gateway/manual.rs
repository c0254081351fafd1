//! The gateway that people operate by hand.

use async_trait::async_trait;

use super::{GatewayAnswer, GatewayError, PaymentGateway};
use crate::{
    order::Order,
    payment::{Payment, PaymentInput, Refund},
    text::GatewayName,
};

/// Cash on delivery, bank transfer, an invoice: money moves outside, and the back office notes that
/// it has. Whether an order is sent before is a matter of its
/// [`PaymentTerms`](crate::order::PaymentTerms).
#[derive(Debug, Clone, Copy, Default)]
pub struct ManualGateway;

#[async_trait]
impl PaymentGateway for ManualGateway {
    fn name(&self) -> GatewayName {
        GatewayName::manual()
    }

    fn is_online(&self) -> bool {
        false
    }

    async fn create(&self, _: &Payment, _: &Order) -> Result<GatewayAnswer, GatewayError> {
        Ok(GatewayAnswer::default())
    }

    async fn capture(&self, _: &Payment) -> Result<GatewayAnswer, GatewayError> {
        Ok(GatewayAnswer { input: Some(PaymentInput::Capture), ..GatewayAnswer::default() })
    }

    async fn void(&self, _: &Payment) -> Result<GatewayAnswer, GatewayError> {
        Ok(GatewayAnswer { input: Some(PaymentInput::Void), ..GatewayAnswer::default() })
    }

    async fn refund(&self, _: &Payment, refund: &Refund) -> Result<GatewayAnswer, GatewayError> {
        let input = Some(PaymentInput::Refund(refund.clone()));
        Ok(GatewayAnswer { input, ..GatewayAnswer::default() })
    }
}
