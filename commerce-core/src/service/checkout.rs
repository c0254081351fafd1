//! Placing an order.

use serde::{Deserialize, Serialize};

use super::{
    Commerce, Done, internal,
    order::{decided, gateway_failed},
};
use crate::{
    access::Caller,
    checkout::{PlaceOrder, place},
    error::{Error, Rejection},
    id::{CartId, OrderId},
    order::{Order, OrderView, PaymentView},
    store::{Decision, OrderRef},
    text::IdempotencyKey,
    version::Version,
};

/// An order that was placed, with its payment unless there is nothing to pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlacedView {
    /// The order.
    pub order: OrderView,
    /// Its payment.
    pub payment: Option<PaymentView>,
}

impl Commerce {
    /// Makes an order of a cart, and begins its payment.
    ///
    /// The order and its payment are committed before the gateway is called, so that whatever
    /// happens then, the two can be brought together again.
    ///
    /// # Errors
    /// As [`place`]; [`Rejection::NotFound`] for somebody else's cart;
    /// [`Rejection::PaymentDeclined`] when the gateway declines; [`Error`].
    pub async fn place_order(
        &self,
        caller: &Caller,
        cart: CartId,
        request: &PlaceOrder,
    ) -> Result<Done<PlacedView>, Error> {
        let name = &request.payment.gateway;
        let mut placed = self
            .run(caller, &("place_order", cart, request), |mut moment| {
                Box::pin(async move {
                    if !self.gateways.contains_key(name) {
                        let detail = format!("must be one of: {}", self.gateway_names());
                        return Err(Rejection::invalid("/payment/gateway", detail).into());
                    }
                    let inputs = self.cart_inputs(caller, cart, &[]).await?;
                    let decision = place(&inputs, request, &*self.strategy, &mut moment)?;
                    let Decision { output, commit } = decision;
                    let order = OrderView::new(&output.order, Version::FIRST, &output.payment);
                    let payment = order.payments.last().cloned();
                    Ok(Decision { output: PlacedView { order, payment }, commit })
                })
            })
            .await?;
        let online = self.gateways.get(name).is_some_and(|gateway| gateway.is_online());
        if online && placed.payment.is_some() {
            placed.output = self.begin_payment(placed.output.order.id).await?;
        }
        Ok(placed)
    }

    fn gateway_names(&self) -> String {
        self.gateways.keys().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Asks the gateway to begin an order's payment. It is safe to ask again: the payment's id tells
    /// the gateway that it is the same one, and what was answered once is remembered, so that
    /// whoever repeats a checkout sees the first answer, whatever became of the order since.
    async fn begin_payment(&self, id: OrderId) -> Result<PlacedView, Error> {
        let key = IdempotencyKey::new(format!("begin payment of {id}")).map_err(internal)?;
        let caller = &Caller::system().with_key(key);
        let done = self
            .run_outside(caller, &("begin_payment", id), |mut moment| {
                Box::pin(async move {
                    let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                    let payment = Order::live_payment(&inputs)?;
                    let answer = self.gateway_of(payment)?.create(payment, &inputs.order).await;
                    let answer = answer.map_err(gateway_failed)?;
                    let decision = Order::apply_answer(&inputs, payment.id, &answer, &mut moment)?;
                    let Decision { output: order, commit } = decided(&inputs, decision)?;
                    // The answer is the customer's.
                    let order = OrderView { cancel_note: None, ..order };
                    let payment = order.payments.last().cloned();
                    Ok(Decision { output: PlacedView { order, payment }, commit })
                })
            })
            .await?;
        Ok(done.output)
    }
}
