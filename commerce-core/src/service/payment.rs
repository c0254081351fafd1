//! Taking money and giving it back: what a gateway is to do is written down, and then
//! [carried through](super::operation).

use super::{
    Commerce, Done, internal,
    operation::{Carry, ask, gateway_failed, outcome},
    order::decided,
    shop::require_version,
};
use crate::{
    access::Caller,
    error::{Error, Rejection},
    id::{Moment, OperationId, OrderId},
    inventory::first,
    order::{Begun, Books, Order, OrderInputs, OrderView},
    payment::{
        CapturePayment, CapturePolicy, CreateRefund, Heard, OperationKind, ReviewPayment,
        VoidPayment,
    },
    secret::Digest,
    store::{Commit, Decision, OrderRef},
    text::GatewayName,
    version::Version,
};

/// How an operation is begun: the books, and the id that follows from the request, if any does.
type Plan<'a> = &'a (
        dyn Fn(
    &mut Books<'_>,
    &OrderInputs,
    Option<OperationId>,
    &mut Moment,
) -> Result<Begun, Rejection>
            + Sync
    );

impl Commerce {
    /// Takes an order's money: what is set aside for it, or, for a payment that people operate by
    /// hand, notes that it came.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`], [`Rejection::VersionMismatch`];
    /// [`Rejection::InvalidTransition`] when the order is cancelled, its payment is not one to
    /// capture, has less left than that, or its gateway refuses; [`Rejection::PaymentDeclined`];
    /// [`Error::InFlight`]; [`Error`].
    pub async fn capture(
        &self,
        caller: &Caller,
        id: OrderId,
        request: &CapturePayment,
        expected: Option<Version>,
    ) -> Result<Done<OrderView>, Error> {
        caller.require_back_office()?;
        self.operate(
            caller,
            &("capture", id, request),
            id,
            expected,
            &|books, inputs, op, moment| {
                books.order().require_open()?;
                let payment = inputs.payment(request.payment_id)?;
                let amount = request.amount.unwrap_or_else(|| payment.capturable());
                books.begin(payment.id, OperationKind::Capture, amount, op, moment)
            },
        )
        .await
    }

    /// Calls one of an order's payments off before it brought money. The order stays, and can be paid
    /// in another way.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`], [`Rejection::VersionMismatch`];
    /// [`Rejection::InvalidTransition`] when it has brought money, may at this moment, or its gateway
    /// refuses; [`Error::InFlight`]; [`Error`].
    pub async fn void(
        &self,
        caller: &Caller,
        id: OrderId,
        request: &VoidPayment,
        expected: Option<Version>,
    ) -> Result<Done<OrderView>, Error> {
        caller.require_back_office()?;
        self.operate(caller, &("void", id, request), id, expected, &|books, inputs, op, moment| {
            let payment = inputs.payment(request.payment_id)?;
            books.begin(payment.id, OperationKind::Void, payment.amount, op, moment)
        })
        .await
    }

    /// Gives some or all of an order's money back.
    ///
    /// # Errors
    /// As [`Order::refund`] and [`Commerce::capture`].
    pub async fn refund(
        &self,
        caller: &Caller,
        id: OrderId,
        request: &CreateRefund,
        expected: Option<Version>,
    ) -> Result<Done<OrderView>, Error> {
        caller.require_back_office()?;
        let to = first(&self.setup().await?.locations).map(|it| it.id);
        self.operate(
            caller,
            &("refund", id, request),
            id,
            expected,
            &|books, inputs, op, moment| {
                let (payment, refund) = Order::refund(inputs, request, to, moment)?;
                books.begin_refund(payment, refund, op, moment)
            },
        )
        .await
    }

    /// Closes the review of one of an order's payments, which then stands as the books have it. Its
    /// provider is asked once more before, if the shop still has the gateway.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`], [`Rejection::VersionMismatch`]; as
    /// [`Books::review`]; [`Error`].
    pub async fn review(
        &self,
        caller: &Caller,
        id: OrderId,
        request: &ReviewPayment,
        expected: Option<Version>,
    ) -> Result<Done<OrderView>, Error> {
        caller.require_back_office()?;
        let asked = &("review", id, request);
        if let Some(done) = self.replayed_to(caller, asked).await? {
            return Ok(done);
        }
        let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
        require_version(expected, inputs.order.version)?;
        let payment = inputs.reviewed_payment(request.payment_id)?;
        let seen = &match self.gateway_of(payment) {
            Ok(gateway) => {
                let heard = self.look_up(gateway, id, payment).await?;
                let follow = self.book(id, payment.id, None, heard.clone()).await?;
                self.carry_through(id, follow, true, Carry::On).await?;
                Some(heard)
            }
            Err(_) => None,
        };
        self.run(caller, asked, |mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                let payment = inputs.payment(Some(payment.id))?;
                let mut books = Books::open(&inputs, moment.now());
                let state = match seen {
                    Some(Heard::Found(state)) => state.as_deref(),
                    Some(_) => None,
                    // Nobody is left who could say what came of what was asked.
                    None => {
                        for operation in payment.open_operations() {
                            let of = Begun { payment_id: payment.id, operation_id: operation.id };
                            books.lapse(of, moment.now())?;
                        }
                        None
                    }
                };
                books.review(payment.id, request, state, &mut moment)?;
                decided(&inputs, books.close(None, &mut moment)?)
            })
        })
        .await
    }

    /// Has a gateway do something for an order.
    async fn operate(
        &self,
        caller: &Caller,
        request: &(dyn std::fmt::Debug + Sync),
        id: OrderId,
        expected: Option<Version>,
        plan: Plan<'_>,
    ) -> Result<Done<OrderView>, Error> {
        if let Some(done) = self.replayed_to(caller, request).await? {
            return Ok(done);
        }
        let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
        let operation_id = operation_id(caller, request, &inputs.order);
        let begun = match operation_id.and_then(|id| begun(&inputs, id)) {
            Some(begun) => (begun, false),
            None => {
                require_version(expected, inputs.order.version)?;
                self.resolve(&inputs).await?;
                let mut moment = self.moment();
                let mut books = Books::open(&inputs, moment.now());
                let of = plan(&mut books, &inputs, operation_id, &mut moment);
                if let Ok(begun) = of
                    && !inputs.payment(Some(begun.payment_id))?.is_online()
                {
                    return self.operate_by_hand(caller, request, id, expected, plan).await;
                }
                (self.begin(id, operation_id, plan).await?, true)
            }
        };
        let (begun, fresh) = begun;
        self.carry_through(id, vec![begun], fresh, Carry::On).await?;
        self.run(caller, request, |moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                let payment = inputs.payment(Some(begun.payment_id))?;
                outcome(payment, begun.operation_id, id)?;
                let version = inputs.order.version;
                let payments = inputs.payments.iter().map(|payment| payment.value.as_ref());
                let output = OrderView::for_back_office(&inputs.order, version, payments);
                Ok(Decision { output, commit: Commit::at(moment.now()) })
            })
        })
        .await
    }

    /// As [`operate`](Self::operate), with a gateway that is part of the program: one commit.
    async fn operate_by_hand(
        &self,
        caller: &Caller,
        request: &(dyn std::fmt::Debug + Sync),
        id: OrderId,
        expected: Option<Version>,
        plan: Plan<'_>,
    ) -> Result<Done<OrderView>, Error> {
        self.run(caller, request, |mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                require_version(expected, inputs.order.version)?;
                let operation_id = operation_id(caller, request, &inputs.order);
                let mut books = Books::open(&inputs, moment.now());
                let begun = plan(&mut books, &inputs, operation_id, &mut moment)?;
                let payment = books.payment(begun.payment_id)?;
                let operation = payment.operation(begun.operation_id);
                let operation = operation.ok_or_else(|| internal("the operation is gone"))?;
                let gateway = self.gateway_of(payment)?;
                let heard = ask(gateway, books.order(), payment, operation).await;
                let heard = heard.map_err(gateway_failed)?;
                let (account, of) = (gateway.account(), begun.payment_id);
                books.hear(of, Some(begun.operation_id), &heard, &account, &mut moment)?;
                outcome(books.payment(of)?, begun.operation_id, id)?;
                let mut decision = books.close(None, &mut moment)?;
                decision.output.begun.clear();
                decided(&inputs, decision)
            })
        })
        .await
    }

    /// Writes down what a gateway is to be asked for.
    async fn begin(
        &self,
        id: OrderId,
        operation_id: Option<OperationId>,
        plan: Plan<'_>,
    ) -> Result<Begun, Error> {
        let system = &Caller::system();
        let done = self.run_alone(|mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(system, &OrderRef::Id(id)).await?;
                // Somebody with the same request was faster.
                if let Some(begun) = operation_id.and_then(|id| begun(&inputs, id)) {
                    return Ok(Decision { output: begun, commit: Commit::at(moment.now()) });
                }
                let mut books = Books::open(&inputs, moment.now());
                let output = plan(&mut books, &inputs, operation_id, &mut moment)?;
                let commit = books.close(None, &mut moment)?.commit;
                Ok(Decision { output, commit })
            })
        });
        done.await
    }

    /// Takes the money of an order of which something is about to be sent, where the shop's
    /// configuration says that it is taken then.
    pub(super) async fn capture_to_ship(&self, inputs: &OrderInputs) -> Result<(), Error> {
        // What an earlier try has asked for is found out first, so that it is not asked for twice, nor
        // refused because it was done.
        self.resolve(inputs).await?;
        let by = OrderRef::Id(inputs.order.id);
        let inputs = &self.order_inputs(&Caller::system(), &by).await?;
        let setup = self.setup().await?;
        let policy = |gateway: &GatewayName| setup.shop.capture.get(gateway).copied();
        for payment in &inputs.payments {
            let wanted = policy(&payment.gateway) == Some(CapturePolicy::OnFulfillment);
            if wanted && payment.is_online() && payment.capturable().is_positive() {
                let payment_id = Some(payment.id);
                let request = CapturePayment { payment_id, ..CapturePayment::default() };
                self.capture(&Caller::system(), inputs.order.id, &request, None).await?;
            }
        }
        Ok(())
    }
}

/// The operation that was begun for a request before.
fn begun(inputs: &OrderInputs, id: OperationId) -> Option<Begun> {
    inputs.payments.iter().find_map(|payment| {
        let operation_id = payment.last_try(id)?.id;
        Some(Begun { payment_id: payment.id, operation_id })
    })
}

/// The id of an operation that is asked for under a key. Repeated, it is the same, so that it is done
/// once, whatever became of the answer.
fn operation_id(
    caller: &Caller,
    request: &(dyn std::fmt::Debug + Sync),
    order: &Order,
) -> Option<OperationId> {
    let key = caller.key.as_ref()?;
    let asked = format!("{} {} {} {request:?}", caller.scope(), key.as_str(), order.id);
    let [seed @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        *Digest::of(asked.as_bytes()).as_bytes();
    Some(Moment::new(order.placed_at, seed).id())
}
