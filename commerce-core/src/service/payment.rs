//! Taking money and giving it back: what a gateway is to do is written down, then it is asked, then
//! what it said is written down. Whoever dies in between leaves enough for others to go on.

use std::time::Duration;

use super::{Commerce, Done, internal, order::decided, shop::require_version};
use crate::{
    access::Caller,
    error::{Error, Rejection},
    gateway::{GatewayError, PaymentGateway},
    id::{Moment, OperationId, OrderId, PaymentId},
    inventory::first,
    order::{Begun, Books, Order, OrderInputs, OrderView, Shelf},
    payment::{
        CapturePayment, CapturePolicy, CreateRefund, Heard, Operation, OperationKind,
        OperationStatus, Payment, VoidPayment,
    },
    secret::Digest,
    store::{Commit, Decision, OrderRef},
    text::GatewayName,
    version::Version,
};

/// What becomes of an operation that the provider knows nothing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carry {
    /// Whoever wants it is there: it is asked for again.
    On,
    /// A payment that was to be created is given up once it is that old, because whoever wanted it has
    /// gone. Everything else is asked for again.
    Until(Duration),
}

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
    /// How long whoever checks out may come back for the answer of a gateway that was lost. After that
    /// a payment that the gateway knows nothing of is given up.
    pub const CREATE_AGAIN_FOR: Duration = Duration::from_secs(15 * 60);
    /// How long before its end a provider's memory of a key is no longer relied on.
    const KEYS_MARGIN: Duration = Duration::from_secs(3_600);

    /// Takes an order's money: what is set aside for it, or, for a payment that people operate by
    /// hand, notes that it came.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`], [`Rejection::VersionMismatch`];
    /// [`Rejection::InvalidTransition`] when the order is cancelled, its payment is not one to
    /// capture, or has less left than that; [`Rejection::PaymentDeclined`]; [`Error`].
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
    /// [`Rejection::InvalidTransition`] when it has brought money, or may at this moment; [`Error`].
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
        let to = if request.restock {
            first(&self.setup().await?.locations).map(|it| it.id)
        } else {
            None
        };
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

    /// Finds out what came of everything that is open on an order's payments but refunds, of which
    /// any number can be.
    pub(super) async fn resolve(&self, inputs: &OrderInputs) -> Result<(), Error> {
        for payment in &inputs.payments {
            let open = payment.open_operations().filter(|it| it.kind != OperationKind::Refund);
            let begun = open.map(|it| Begun { payment_id: payment.id, operation_id: it.id });
            let begun: Vec<_> = begun.collect();
            let carry = Carry::Until(Payment::CALL_LASTS);
            self.carry_through(inputs.order.id, begun, false, carry).await?;
        }
        Ok(())
    }

    /// Carries operations through, and then what follows from them. `fresh` are those that were
    /// written down a moment ago by whoever calls, and that no gateway can have heard of.
    ///
    /// # Errors
    /// What keeps the operations themselves from being carried through. What follows from them can
    /// wait.
    pub(super) async fn carry_through(
        &self,
        order: OrderId,
        begun: Vec<Begun>,
        fresh: bool,
        carry: Carry,
    ) -> Result<(), Error> {
        let mut follow = Vec::new();
        for begun in begun {
            follow.extend(self.perform(order, begun, fresh, carry).await?);
        }
        while let Some(begun) = follow.pop() {
            if let Ok(more) = self.perform(order, begun, true, carry).await {
                follow.extend(more);
            }
        }
        Ok(())
    }

    /// Asks a gateway for what is written down, and writes down what it says. What may have been asked
    /// before is looked up first. Answers what follows from it.
    async fn perform(
        &self,
        order: OrderId,
        mut begun: Begun,
        mut fresh: bool,
        carry: Carry,
    ) -> Result<Vec<Begun>, Error> {
        let mut follow = Vec::new();
        let mut looked_up = false;
        loop {
            let inputs = self.order_inputs(&Caller::system(), &OrderRef::Id(order)).await?;
            let payment = inputs.payment(Some(begun.payment_id))?;
            let open = payment.operation(begun.operation_id).filter(|it| it.is_open());
            let Some(operation) = open else { return Ok(follow) };
            let gateway = self.gateway_of(payment)?;
            if !fresh && !looked_up {
                let heard = self.look_up(gateway, order, payment).await?;
                follow.extend(self.book(order, payment.id, None, heard).await?);
                looked_up = true;
                continue;
            }
            let age = self.clock.now().as_millis() - operation.begun_at.as_millis();
            let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
            if let Carry::Until(end) = carry
                && !fresh
                && operation.kind == OperationKind::Create
            {
                if age >= end {
                    follow.extend(self.lapse(order, begun).await?);
                }
                return Ok(follow);
            }
            let keys_kept = gateway.abilities().keys_kept.saturating_sub(Self::KEYS_MARGIN);
            if !fresh && age >= keys_kept {
                let mut again = self.retry(order, begun).await?.into_iter();
                let Some(next) = again.next() else { return Ok(follow) };
                follow.extend(again);
                (begun, fresh) = (next, true);
                continue;
            }
            let asked = Some(operation.id);
            let (heard, failed) = match ask(gateway, &inputs.order, payment, operation).await {
                Ok(heard) => (heard, None),
                // What it is now says whether that is because it was done before.
                Err(GatewayError::Stale(_)) => {
                    let found = self.look_up(gateway, order, payment).await?;
                    follow.extend(self.lapse_as_found(order, begun, &found).await?);
                    return Ok(follow);
                }
                Err(error @ (GatewayError::Unsupported(_) | GatewayError::Refused(_))) => {
                    (Heard::Refused, Some(error))
                }
                Err(error) => (Heard::Silence, Some(error)),
            };
            // Money that is not given back by us may have been by others: for both there was no room.
            let found = match heard {
                Heard::Declined(..) | Heard::Refused if operation.kind == OperationKind::Refund => {
                    Some(self.look_up(gateway, order, payment).await?)
                }
                _ => None,
            };
            let heard: Vec<_> =
                [(asked, heard)].into_iter().chain(found.map(|it| (None, it))).collect();
            follow.extend(self.book_all(order, payment.id, &heard).await?);
            return failed.map_or(Ok(follow), |error| Err(gateway_failed(error)));
        }
    }

    /// Asks what a payment is at its provider. That nobody answers is written down, so that it is not
    /// asked again at once.
    pub(super) async fn look_up(
        &self,
        gateway: &dyn PaymentGateway,
        order: OrderId,
        payment: &Payment,
    ) -> Result<Heard, Error> {
        match gateway.fetch(payment).await {
            Ok(found) => Ok(Heard::Found(found.map(Box::new))),
            Err(error) => {
                self.book(order, payment.id, None, Heard::Silence).await?;
                Err(gateway_failed(error))
            }
        }
    }

    /// Writes down what was heard. It may be written down twice, and by several at once.
    pub(super) async fn book(
        &self,
        order: OrderId,
        payment: PaymentId,
        asked: Option<OperationId>,
        heard: Heard,
    ) -> Result<Vec<Begun>, Error> {
        self.book_all(order, payment, &[(asked, heard)]).await
    }

    /// Writes down what was heard one after the other, at once. Each comes with the operation that it
    /// is the answer to.
    async fn book_all(
        &self,
        order: OrderId,
        payment: PaymentId,
        heard: &[(Option<OperationId>, Heard)],
    ) -> Result<Vec<Begun>, Error> {
        self.write_books(order, &|books, moment| {
            heard
                .iter()
                .try_for_each(|(asked, heard)| self.hear(books, payment, *asked, heard, moment))
        })
        .await
    }

    fn hear(
        &self,
        books: &mut Books<'_>,
        payment: PaymentId,
        asked: Option<OperationId>,
        heard: &Heard,
        moment: &mut Moment,
    ) -> Result<(), Rejection> {
        let gateway = &books.payment(payment)?.gateway;
        let account = self.gateways.get(gateway).map(|gateway| gateway.account());
        books.hear(payment, asked, heard, &account.unwrap_or_default(), moment)
    }

    async fn lapse(&self, order: OrderId, begun: Begun) -> Result<Vec<Begun>, Error> {
        self.write_books(order, &|books, moment| books.lapse(begun, moment.now())).await
    }

    /// Ends an operation that is not possible, unless what was found says that it was done. What was
    /// found counts once more after that: only then is there room for what others gave back.
    async fn lapse_as_found(
        &self,
        order: OrderId,
        begun: Begun,
        found: &Heard,
    ) -> Result<Vec<Begun>, Error> {
        self.write_books(order, &|books, moment| {
            self.hear(books, begun.payment_id, None, found, moment)?;
            books.lapse(begun, moment.now())?;
            self.hear(books, begun.payment_id, None, found, moment)
        })
        .await
    }

    async fn retry(&self, order: OrderId, begun: Begun) -> Result<Vec<Begun>, Error> {
        self.write_books(order, &|books, moment| books.retry(begun, moment)).await
    }

    /// Changes an order's books, and answers what follows.
    async fn write_books(
        &self,
        order: OrderId,
        change: &(dyn Fn(&mut Books<'_>, &mut Moment) -> Result<(), Rejection> + Sync),
    ) -> Result<Vec<Begun>, Error> {
        let system = &Caller::system();
        let done = self.run_alone(|mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(system, &OrderRef::Id(order)).await?;
                let mut books = Books::open(&inputs, moment.now());
                change(&mut books, &mut moment)?;
                let (setup, sellables);
                let shelf = if inputs.order.cancelled_at.is_some() {
                    let variants: Vec<_> =
                        inputs.order.lines.iter().map(|line| line.variant_id).collect();
                    setup = self.setup().await?;
                    sellables = self.store.sellables(&variants).await?;
                    let strategy = &*self.strategy;
                    Some(Shelf { setup: &setup, sellables: &sellables, strategy })
                } else {
                    None
                };
                let Decision { output, commit } = books.close(shelf.as_ref(), &mut moment)?;
                Ok(Decision { output: output.begun, commit })
            })
        });
        done.await
    }

    /// Looks at a payment of which something is still to be heard; answers whether it was due.
    pub(super) async fn check_payment(&self, id: PaymentId) -> Result<bool, Error> {
        let Some(inputs) = self.store.order(&OrderRef::Payment(id)).await? else {
            return Ok(false);
        };
        let payment = inputs.payment(Some(id))?;
        if payment.check_at.is_none_or(|at| at > self.clock.now()) {
            return Ok(false);
        }
        if let Err(error) = self.check(&inputs, payment).await {
            // It must not come again at once, whatever keeps it.
            self.book(inputs.order.id, id, None, Heard::Silence).await?;
            return Err(error);
        }
        Ok(true)
    }

    /// Carries through what is open on a payment, and otherwise looks it up.
    pub(super) async fn check(&self, inputs: &OrderInputs, payment: &Payment) -> Result<(), Error> {
        let order = inputs.order.id;
        if let Err(error) = self.gateway_of(payment) {
            self.book(order, payment.id, None, Heard::Silence).await?;
            return Err(error);
        }
        let open: Vec<_> = payment
            .open_operations()
            .map(|operation| Begun { payment_id: payment.id, operation_id: operation.id })
            .collect();
        let carry = Carry::Until(Self::CREATE_AGAIN_FOR);
        if !open.is_empty() {
            return self.carry_through(order, open, false, carry).await;
        }
        let mut follow = self.refresh(order, payment).await?;
        follow.extend(self.void_forgotten(order, payment.id).await?);
        self.carry_through(order, follow, true, carry).await
    }

    /// Looks a payment up and writes down what it is at its provider; answers what follows. What is
    /// open on it is left to whoever asked for it.
    pub(super) async fn refresh(
        &self,
        order: OrderId,
        payment: &Payment,
    ) -> Result<Vec<Begun>, Error> {
        let heard = self.look_up(self.gateway_of(payment)?, order, payment).await?;
        self.book(order, payment.id, None, heard).await
    }

    /// Calls a payment off that its customer has forgotten, if the order does not lapse with it:
    /// nobody looks at it for ever.
    async fn void_forgotten(
        &self,
        order: OrderId,
        payment: PaymentId,
    ) -> Result<Vec<Begun>, Error> {
        self.write_books(order, &|books, moment| {
            let of = books.payment(payment)?;
            if books.order().is_forgotten(of, moment.now()) {
                let amount = of.amount;
                books.begin(payment, OperationKind::Void, amount, None, moment)?;
            }
            Ok(())
        })
        .await
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

    pub(super) fn gateway_of(&self, payment: &Payment) -> Result<&dyn PaymentGateway, Error> {
        self.gateways.get(&payment.gateway).map(|gateway| &**gateway).ok_or_else(|| {
            let why = format!("the shop no longer has the gateway {}", payment.gateway);
            Rejection::transition("payment", why).into()
        })
    }
}

/// Asks a gateway for an operation.
async fn ask(
    gateway: &dyn PaymentGateway,
    order: &Order,
    payment: &Payment,
    operation: &Operation,
) -> Result<Heard, GatewayError> {
    let said = match operation.kind {
        OperationKind::Create => gateway.create(order, payment, operation).await,
        OperationKind::Capture => gateway.capture(payment, operation).await,
        OperationKind::Void => gateway.void(payment, operation).await,
        OperationKind::Refund => {
            let refund = operation.refund_id.and_then(|id| payment.refund(id));
            let refund = refund.ok_or(GatewayError::Unsupported("there is no such refund"))?;
            match gateway.refund(payment, refund, operation).await {
                Ok(refund) => return Ok(Heard::Refund(refund)),
                Err(error) => Err(error),
            }
        }
    };
    match said {
        Ok(state) => Ok(Heard::Payment(Box::new(state))),
        Err(GatewayError::Declined { decline, state }) => Ok(Heard::Declined(decline, state)),
        Err(error) => Err(error),
    }
}

/// The operation that was begun for a request before.
fn begun(inputs: &OrderInputs, id: OperationId) -> Option<Begun> {
    let of = inputs.payments.iter().find(|payment| payment.operation(id).is_some())?;
    Some(Begun { payment_id: of.id, operation_id: id })
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

/// Refuses unless an operation was done.
pub(super) fn outcome(payment: &Payment, id: OperationId, order: OrderId) -> Result<(), Error> {
    let Some(operation) = payment.operation(id) else {
        return Err(internal("the operation is gone"));
    };
    let refused = |why: &str| Err(Rejection::transition("payment", why).into());
    match operation.status {
        OperationStatus::Done => Ok(()),
        OperationStatus::Declined => {
            let decline = operation.failure.clone();
            let decline = decline.ok_or_else(|| internal("a decline without a reason"))?;
            Err(Rejection::PaymentDeclined { decline, order_id: order }.into())
        }
        OperationStatus::Refused => refused("its gateway does not accept this"),
        OperationStatus::Lapsed => refused("its state at the gateway does not allow this any more"),
        OperationStatus::Open => {
            Err(Error::OutcomeUnknown("the gateway has not said what came of it".into()))
        }
    }
}

pub(super) fn gateway_failed(error: GatewayError) -> Error {
    match error {
        GatewayError::Unsupported(why) => Rejection::transition("payment", why).into(),
        GatewayError::Unavailable { source, .. } | GatewayError::Refused(source) => {
            Error::GatewayUnavailable(source)
        }
        error @ (GatewayError::Declined { .. }
        | GatewayError::Stale(_)
        | GatewayError::OutcomeUnknown(_)) => Error::OutcomeUnknown(Box::new(error)),
    }
}
