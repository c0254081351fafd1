//! Placing an order, and paying it.

use serde::{Deserialize, Serialize};

use super::{
    Attempt, Commerce, Done,
    cart::may_use,
    internal,
    operation::{Carry, outcome},
    remember, remembered,
    shop::require_version,
};
use crate::{
    access::Caller,
    cart::CheckoutInputs,
    checkout::{PlaceOrder, place},
    currency::Currency,
    error::{Error, Rejection},
    id::{CartId, Moment, OrderId, PaymentId},
    order::{Begun, Books, Order, OrderInputs, OrderView},
    payment::{CapturePolicy, Means, OperationKind, Payment, PaymentChoice, PaymentView},
    store::{Commit, Decision, OrderRef},
    text::{GatewayName, IdempotencyKey, Label},
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

impl PlacedView {
    /// What its owner sees of an order and one of its payments.
    fn of(inputs: &OrderInputs, payment: PaymentId) -> Self {
        let payments = inputs.payments.iter().map(|payment| payment.value.as_ref());
        let order = OrderView::new(&inputs.order, inputs.order.version, payments);
        let payment = order.payments.iter().find(|it| it.id == payment).cloned();
        Self { order, payment }
    }
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
    /// [`Rejection::PaymentDeclined`] when the gateway declines or does not accept the payment: the
    /// order is placed then, and waits; [`Error::InFlight`]; [`Error`].
    pub async fn place_order(
        &self,
        caller: &Caller,
        cart: CartId,
        request: &PlaceOrder,
    ) -> Result<Done<PlacedView>, Error> {
        self.place_order_at(caller, cart, request, None).await
    }

    /// As [`place_order`](Self::place_order). `expected` is the version of the cart that the caller read,
    /// if it must be unchanged since.
    ///
    /// # Errors
    /// As [`place_order`](Self::place_order); [`Rejection::VersionMismatch`].
    pub async fn place_order_at(
        &self,
        caller: &Caller,
        cart: CartId,
        request: &PlaceOrder,
        expected: Option<Version>,
    ) -> Result<Done<PlacedView>, Error> {
        let what = place_order(cart, request);
        let mut payer = None;
        if request.payment.needs_payer() {
            // Whoever asks again is answered although the method is gone by now.
            if let Some(mut placed) = self.replayed_to(caller, &what).await? {
                self.start_payment(&request.payment.gateway, &mut placed).await?;
                return Ok(placed);
            }
            let inputs = self.cart_inputs(caller, cart, &[]).await?;
            payer = self.payer(&request.payment, inputs.cart.customer_id).await?;
        }
        let payer = payer.as_ref();
        let mut placed = self
            .run(caller, &what, |mut moment| {
                Box::pin(async move {
                    let inputs = self.cart_inputs(caller, cart, &[]).await?;
                    require_version(expected, inputs.cart.version)?;
                    self.placed(&inputs, request, payer, &mut moment)
                })
            })
            .await?;
        self.start_payment(&request.payment.gateway, &mut placed).await?;
        Ok(placed)
    }

    /// Decides what [`place_order`](Self::place_order) would commit, from what the embedder has
    /// read: for a checkout inside a transaction of the embedder's own. Nothing is written, and no
    /// gateway is called, nor asked for what it keeps: a saved method cannot be paid by.
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
        let mut decision = self.placed(inputs, request, None, &mut moment)?;
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
        payer: Option<&Label>,
        moment: &mut Moment,
    ) -> Result<Decision<PlacedView>, Error> {
        let means = self.means(&request.payment.gateway, inputs.cart.currency, payer)?;
        let Decision { output, commit } = place(inputs, request, &means, &*self.strategy, moment)?;
        let order = OrderView::new(&output.order, Version::FIRST, &output.payment);
        let payment = order.payments.last().cloned();
        Ok(Decision { output: PlacedView { order, payment }, commit })
    }

    fn gateway_names(&self) -> String {
        self.gateways.keys().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// What the gateway of a payment can do and takes, and what it knows of whoever pays.
    fn means(
        &self,
        name: &GatewayName,
        currency: Currency,
        payer: Option<&Label>,
    ) -> Result<Means, Rejection> {
        let gateway = self.gateways.get(name).ok_or_else(|| {
            let detail = format!("must be one of: {}", self.gateway_names());
            Rejection::invalid("/payment/gateway", detail)
        })?;
        Ok(Means {
            abilities: gateway.abilities(),
            amounts: gateway.takes(currency),
            customer_reference: payer.cloned(),
        })
    }

    /// Pays an order in another way: after a payment that came to nothing, or in the place of one that
    /// was not finished, which is called off first.
    ///
    /// # Errors
    /// [`Rejection::NotFound`] for somebody else's order; [`Rejection::InvalidTransition`] when it is
    /// cancelled, is paid, or may be paid at this moment; [`Rejection::Invalid`] for a way that is not
    /// offered; [`Rejection::VersionMismatch`]; [`Rejection::PaymentDeclined`]; [`Error::InFlight`];
    /// [`Error`].
    pub async fn pay_order(
        &self,
        caller: &Caller,
        id: OrderId,
        choice: &PaymentChoice,
        expected: Option<Version>,
    ) -> Result<Done<PlacedView>, Error> {
        let what = ("pay_order", id, choice);
        let mut placed = match self.replayed_to(caller, &what).await? {
            Some(placed) => placed,
            None => {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                require_version(expected, inputs.order.version)?;
                let mut moment = self.moment();
                let payer = self.payer(choice, inputs.order.customer_id).await?;
                let payer = payer.as_ref();
                self.check_choice(&inputs, choice, payer, &mut moment)?;
                self.void_to_pay(&inputs).await?;
                let add = |mut moment: Moment| -> Attempt<'_, PlacedView> {
                    Box::pin(async move {
                        let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                        self.add_payment(&inputs, choice, payer, &mut moment).await
                    })
                };
                self.run(caller, &what, add).await?
            }
        };
        self.start_payment(&choice.gateway, &mut placed).await?;
        Ok(placed)
    }

    /// Refuses a choice before anything is called off for it.
    fn check_choice(
        &self,
        inputs: &OrderInputs,
        choice: &PaymentChoice,
        payer: Option<&Label>,
        moment: &mut Moment,
    ) -> Result<(), Error> {
        let means = self.means(&choice.gateway, inputs.order.currency, payer)?;
        let (order, left) = (&inputs.order, inputs.left_to_pay());
        order.require_open()?;
        if !left.is_positive() {
            return Err(Rejection::transition("order", "it is paid").into());
        }
        Payment::choose(choice, order.id, left, CapturePolicy::default(), &means, moment)?;
        Ok(())
    }

    async fn add_payment(
        &self,
        inputs: &OrderInputs,
        choice: &PaymentChoice,
        payer: Option<&Label>,
        moment: &mut Moment,
    ) -> Result<Decision<PlacedView>, Error> {
        let means = self.means(&choice.gateway, inputs.order.currency, payer)?;
        let setup = self.setup().await?;
        let Decision { output, commit } = Order::pay(inputs, choice, &setup.shop, &means, moment)?;
        let order = OrderView::new(&output.order, inputs.order.version.next(), &output.payments);
        let payment = order.payments.last().cloned();
        Ok(Decision { output: PlacedView { order, payment }, commit })
    }

    /// Has an order's payments called off that are not finished, so that it is never paid twice.
    async fn void_to_pay(&self, inputs: &OrderInputs) -> Result<(), Error> {
        let id = inputs.order.id;
        self.resolve(inputs).await?;
        let system = &Caller::system();
        let voids = self.run_alone(|mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(system, &OrderRef::Id(id)).await?;
                let mut books = Books::open(&inputs, moment.now());
                for payment in &inputs.payments {
                    if payment.is_online() && payment.is_outstanding() {
                        let (kind, amount) = (OperationKind::Void, payment.amount);
                        books.begin(payment.id, kind, amount, None, &mut moment)?;
                    }
                }
                let Decision { output, commit } = books.close(None, &mut moment)?;
                Ok(Decision { output: output.begun, commit })
            })
        });
        let voids = voids.await?;
        self.carry_through(id, voids.clone(), true, Carry::On).await?;
        let inputs = self.order_inputs(system, &OrderRef::Id(id)).await?;
        for Begun { payment_id, operation_id } in voids {
            outcome(inputs.payment(Some(payment_id))?, operation_id, id)?;
        }
        Ok(())
    }

    /// Asks the gateway of a payment that was just written down to begin it, if it has to be asked.
    /// What was answered once is remembered, so that whoever repeats a checkout sees the first answer,
    /// whatever became of the order since.
    async fn start_payment(
        &self,
        gateway: &GatewayName,
        placed: &mut Done<PlacedView>,
    ) -> Result<(), Error> {
        let online = self.gateways.get(gateway).is_some_and(|it| it.abilities().online);
        let Some(payment) = placed.output.payment.as_ref().filter(|_| online) else {
            return Ok(());
        };
        let (order, payment) = (placed.output.order.id, payment.id);
        let key = IdempotencyKey::new(format!("start {payment}")).map_err(internal)?;
        let caller = &Caller::system().with_key(key);
        let what = ("start_payment", payment);
        if let Some(done) = self.replayed_to::<PlacedView>(caller, &what).await? {
            placed.output = done.output;
            return Ok(());
        }
        let inputs = self.order_inputs(caller, &OrderRef::Id(order)).await?;
        let read = inputs.payment(Some(payment))?;
        let create = read.operations.iter().find(|it| it.kind == OperationKind::Create);
        let operation_id = create.ok_or_else(|| internal("a payment that was not begun"))?.id;
        let begun = Begun { payment_id: payment, operation_id };
        // Whoever has just written it down is the first to ask.
        let fresh = !placed.replayed;
        self.carry_through(order, vec![begun], fresh, Carry::On).await?;
        let done = self.run(caller, &what, |moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(order)).await?;
                let read = inputs.payment(Some(payment))?;
                match outcome(read, operation_id, order) {
                    // One that was declined at first may have been paid by another card since. One that
                    // was not accepted stays so.
                    Err(Error::Rejected(declined @ Rejection::PaymentDeclined { .. }))
                        if read.authorized.is_zero() =>
                    {
                        return Err(declined.into());
                    }
                    Err(unknown @ Error::OutcomeUnknown(_)) => return Err(unknown),
                    // That it came to nothing in another way, its status says.
                    Ok(()) | Err(_) => {}
                }
                let output = PlacedView::of(&inputs, payment);
                Ok(Decision { output, commit: Commit::at(moment.now()) })
            })
        });
        placed.output = done.await?.output;
        Ok(())
    }
}
