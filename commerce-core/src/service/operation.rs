//! Carrying through what a gateway was asked for: it is looked up if it may have been asked before, asked
//! under the key that was written down, and what it says is written down. Whoever dies in between leaves
//! enough for others to go on.

use std::time::Duration;

use super::{Commerce, internal};
use crate::{
    access::Caller,
    error::{Error, Rejection},
    gateway::{GatewayError, PaymentGateway},
    id::{Moment, OperationId, OrderId, PaymentId},
    order::{Begun, Books, Order, OrderInputs, Shelf},
    payment::{Decline, Heard, Operation, OperationKind, OperationStatus, Payment},
    store::{Decision, OrderRef},
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

impl Commerce {
    /// How long whoever checks out may come back for the answer of a gateway that was lost. After that
    /// a payment that the gateway knows nothing of is given up.
    pub const CREATE_AGAIN_FOR: Duration = Duration::from_secs(15 * 60);
    /// The shortest time after which whoever waits for a gateway had better ask again.
    const AGAIN_AFTER: Duration = Duration::from_secs(1);
    /// How long before its end a provider's memory of a key is no longer relied on.
    const KEYS_MARGIN: Duration = Duration::from_secs(3_600);

    /// Finds out what came of everything that is open on an order's payments but refunds, of which
    /// any number can be. What somebody is asking for at this moment stays open.
    pub(super) async fn resolve(&self, inputs: &OrderInputs) -> Result<(), Error> {
        for payment in &inputs.payments {
            let open = payment.open_operations().filter(|it| it.kind != OperationKind::Refund);
            let begun = open.map(|it| Begun { payment_id: payment.id, operation_id: it.id });
            let begun: Vec<_> = begun.collect();
            let carry = Carry::Until(Payment::CALL_LASTS);
            match self.carry_through(inputs.order.id, begun, false, carry).await {
                Ok(()) | Err(Error::InFlight) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Carries operations through, and then what follows from them. `fresh` are those that were
    /// written down a moment ago by whoever calls, and that no gateway can have heard of.
    ///
    /// # Errors
    /// What keeps it from being known what came of the operations: [`Error::InFlight`] for one that
    /// somebody is asking for at this moment, or that takes another key within minutes. What the gateway refuses is no error here, but the
    /// operation's [`outcome`]. What follows from them can wait.
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
        let mut _asked = self.asking.begin(begun.operation_id, self.clock.now())?;
        loop {
            let inputs = self.order_inputs(&Caller::system(), &OrderRef::Id(order)).await?;
            let payment = inputs.payment(Some(begun.payment_id))?;
            let open = payment.operation(begun.operation_id).filter(|it| it.is_open());
            let Some(operation) = open else { return Ok(follow) };
            let gateway = self.gateway_of(payment)?;
            let age = self.clock.now().as_millis() - operation.begun_at.as_millis();
            let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
            // Whoever comes back each time after as long again does so twice as seldom each time.
            let pause = age.clamp(Self::AGAIN_AFTER, Payment::CHECK_EVERY);
            if !fresh && !looked_up {
                let heard = self.look_up(gateway, order, payment).await;
                let heard = heard.map_err(|error| error.paused(pause))?;
                follow.extend(self.book(order, payment.id, None, heard).await?);
                looked_up = true;
                continue;
            }
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
                _asked = self.asking.begin(next.operation_id, self.clock.now())?;
                (begun, fresh) = (next, true);
                continue;
            }
            // By the time that another key takes the place of this one, what anybody asked under it has
            // arrived, and is found.
            if !fresh && age >= keys_kept.saturating_sub(Payment::CALL_LASTS * 2) {
                return Err(Error::InFlight);
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
                Err(error) => match refusal(&error) {
                    Some(why) => (Heard::Refused(why), None),
                    None => (Heard::Silence, Some(error)),
                },
            };
            // Money that is not given back by us may have been by others: for both there was no room.
            let found = match heard {
                Heard::Declined(..) | Heard::Refused(_)
                    if operation.kind == OperationKind::Refund =>
                {
                    Some(self.look_up(gateway, order, payment).await?)
                }
                _ => None,
            };
            let heard: Vec<_> =
                [(asked, heard)].into_iter().chain(found.map(|it| (None, it))).collect();
            follow.extend(self.book_all(order, payment.id, &heard).await?);
            return failed.map_or(Ok(follow), |error| Err(gateway_failed(error).paused(pause)));
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

    pub(super) fn gateway_of(&self, payment: &Payment) -> Result<&dyn PaymentGateway, Error> {
        self.gateways.get(&payment.gateway).map(|gateway| &**gateway).ok_or_else(|| {
            let why = format!("the shop no longer has the gateway {}", payment.gateway);
            Rejection::transition("payment", why).into()
        })
    }
}

/// Asks a gateway for an operation.
pub(super) async fn ask(
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

/// Refuses unless an operation was done. Whoever asks hears the same, however often and whenever they do.
pub(super) fn outcome(payment: &Payment, id: OperationId, order: OrderId) -> Result<(), Error> {
    let Some(operation) = payment.last_try(id) else {
        return Err(internal("the operation is gone"));
    };
    let failure = || operation.failure.clone().unwrap_or_else(|| Decline::unaccepted(None));
    let refused = |why: String| Err(Rejection::transition("payment", why).into());
    match (operation.status, operation.kind) {
        (OperationStatus::Done, _) => Ok(()),
        // To whoever pays it is the same who says no: the order is there, and there are other ways.
        (OperationStatus::Declined, _) | (OperationStatus::Refused, OperationKind::Create) => {
            Err(Rejection::PaymentDeclined { decline: failure(), order_id: order }.into())
        }
        (OperationStatus::Refused, kind) => {
            let (kind, reason) = (kind.as_str(), failure().reason);
            let reason = reason.trim_end_matches('.');
            refused(format!("its gateway refused to {kind} it, and nothing was done: {reason}"))
        }
        (OperationStatus::Lapsed, _) => {
            refused("its state at the gateway does not allow this any more".to_owned())
        }
        (OperationStatus::Open, _) => {
            Err(Error::OutcomeUnknown("the gateway has not said what came of it".into()))
        }
    }
}

/// Why a gateway will never do what it was asked, if that is what it says.
fn refusal(error: &GatewayError) -> Option<Decline> {
    match error {
        GatewayError::Unsupported(why) => Some(Decline::unaccepted(Some(why))),
        GatewayError::Invalid(_) | GatewayError::Refused(_) => Some(Decline::unaccepted(None)),
        GatewayError::Declined { .. }
        | GatewayError::Stale(_)
        | GatewayError::Unavailable { .. }
        | GatewayError::InFlight(_)
        | GatewayError::OutcomeUnknown(_) => None,
    }
}

pub(super) fn gateway_failed(error: GatewayError) -> Error {
    match error {
        GatewayError::Unsupported(why) => Rejection::transition("payment", why).into(),
        GatewayError::Invalid(_) => {
            Rejection::transition("payment", "its provider does not accept what was asked for")
                .into()
        }
        GatewayError::InFlight(_) => Error::InFlight,
        GatewayError::Unavailable { source, .. } | GatewayError::Refused(source) => {
            Error::GatewayUnavailable(source)
        }
        error @ (GatewayError::Declined { .. }
        | GatewayError::Stale(_)
        | GatewayError::OutcomeUnknown(_)) => Error::OutcomeUnknown(Box::new(error)),
    }
}
