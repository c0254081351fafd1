//! Placing an order.

use serde::{Deserialize, Serialize};

use super::{
    Commerce, Done,
    cart::may_use,
    internal,
    order::{decided, gateway_failed, heard, operation},
    remember, remembered,
};
use crate::{
    access::Caller,
    cart::CheckoutInputs,
    checkout::{PlaceOrder, place},
    error::{Error, Rejection},
    id::{CartId, Moment, OrderId},
    order::{Order, OrderView, PaymentView},
    payment::OperationKind,
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

/// What a repetition must have in common with the first request.
fn place_order(cart: CartId, request: &PlaceOrder) -> (&'static str, CartId, &PlaceOrder) {
    ("place_order", cart, request)
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
        let mut placed = self
            .run(caller, &place_order(cart, request), |mut moment| {
                Box::pin(async move {
                    let inputs = self.cart_inputs(caller, cart, &[]).await?;
                    self.placed(&inputs, request, &mut moment)
                })
            })
            .await?;
        let name = &request.payment.gateway;
        let online = self.gateways.get(name).is_some_and(|gateway| gateway.abilities().online);
        if online && placed.payment.is_some() {
            placed.output = self.begin_payment(placed.output.order.id).await?;
        }
        Ok(placed)
    }

    /// Decides what [`place_order`](Self::place_order) would commit, from what the embedder has
    /// read: for a checkout inside a transaction of the embedder's own. Nothing is written, and no
    /// gateway is called.
    ///
    /// The commit remembers the answer under the caller's key. So `place_order`, asked the same
    /// under the same key once the transaction is durable, gives that answer again, and begins the
    /// payment if its gateway is an online one.
    ///
    /// # Errors
    /// As [`place`], such as [`Rejection::CartClosed`] for what was placed before;
    /// [`Rejection::NotFound`] for somebody else's cart; [`Error`].
    pub fn decide_order(
        &self,
        caller: &Caller,
        inputs: &CheckoutInputs,
        request: &PlaceOrder,
    ) -> Result<Decision<PlacedView>, Error> {
        if !may_use(caller, inputs) {
            return Err(Rejection::NotFound { what: "cart" }.into());
        }
        let mut moment = self.moment();
        let mut decision = self.placed(inputs, request, &mut moment)?;
        if let Some(key) = &caller.key {
            let key = remembered(caller, key, &place_order(inputs.cart.id, request))?;
            remember(&mut decision, &key, moment.now())?;
        }
        decision.commit.check_size()?;
        Ok(decision)
    }

    fn placed(
        &self,
        inputs: &CheckoutInputs,
        request: &PlaceOrder,
        moment: &mut Moment,
    ) -> Result<Decision<PlacedView>, Error> {
        if !self.gateways.contains_key(&request.payment.gateway) {
            let detail = format!("must be one of: {}", self.gateway_names());
            return Err(Rejection::invalid("/payment/gateway", detail).into());
        }
        let Decision { output, commit } = place(inputs, request, &*self.strategy, moment)?;
        let order = OrderView::new(&output.order, Version::FIRST, &output.payment);
        let payment = order.payments.last().cloned();
        Ok(Decision { output: PlacedView { order, payment }, commit })
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
                    let (id, amount, kind) = (payment.id, payment.amount, OperationKind::Create);
                    let operation = operation(payment, kind, amount, None, &mut moment);
                    let gateway = self.gateway_of(payment)?;
                    let state = gateway.create(&inputs.order, payment, &operation).await;
                    let state = state.map_err(gateway_failed)?;
                    let (input, state) = (heard(payment, &state), Some(&state));
                    let input = input.as_ref();
                    let decision = Order::apply_answer(&inputs, id, input, state, &mut moment)?;
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
