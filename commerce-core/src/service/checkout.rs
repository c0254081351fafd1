//! Placing an order.

use serde::{Deserialize, Serialize};

use super::{Commerce, Done, order::gateway_failed};
use crate::{
    access::Caller,
    checkout::{PlaceOrder, place},
    error::{Error, Rejection},
    id::{CartId, OrderId},
    order::{Order, OrderView, PaymentView},
    store::{Decision, OrderRef},
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
        let gateway = self.gateways.get(&request.payment.gateway);
        let Some(gateway) = gateway else {
            let detail = format!("must be one of: {}", self.gateway_names());
            return Err(Rejection::invalid("/payment/gateway", detail).into());
        };
        let mut placed = self
            .run(caller, &("place_order", cart, request), |mut moment| {
                Box::pin(async move {
                    let inputs = self.cart_inputs(caller, cart, &[]).await?;
                    let decision = place(&inputs, request, &*self.strategy, &mut moment)?;
                    let Decision { output, commit } = decision;
                    let order = OrderView::new(&output.order, Version::FIRST, &output.payment);
                    let payment = order.payments.last().cloned();
                    Ok(Decision { output: PlacedView { order, payment }, commit })
                })
            })
            .await?;
        if gateway.is_online() && placed.payment.is_some() {
            placed.output = self.begin_payment(placed.output.order.id).await?;
        }
        Ok(placed)
    }

    fn gateway_names(&self) -> String {
        self.gateways.keys().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Asks the gateway to begin an order's payment. It is safe to ask again: the payment's id tells
    /// the gateway that it is the same one.
    async fn begin_payment(&self, id: OrderId) -> Result<PlacedView, Error> {
        let caller = Caller::system();
        let caller = &caller;
        let done = self
            .run(caller, &("begin_payment", id), |moment| {
                Box::pin(async move {
                    let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                    let payment = Order::live_payment(&inputs)?;
                    let gateway = self.gateway_of(payment)?;
                    let answer = gateway.create(payment, &inputs.order).await;
                    let answer = answer.map_err(gateway_failed)?;
                    let Decision { output, commit } =
                        Order::apply_answer(&inputs, payment.id, &answer, moment.now())?;
                    let version = inputs.order.version.next();
                    let order = OrderView::new(&output.order, version, &output.payments);
                    let payment = order.payments.last().cloned();
                    Ok(Decision { output: PlacedView { order, payment }, commit })
                })
            })
            .await?;
        Ok(done.output)
    }
}
