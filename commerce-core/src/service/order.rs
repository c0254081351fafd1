//! Orders after checkout.

use super::{
    Commerce, Done,
    operation::{Carry, outcome},
    shop::require_version,
};
use crate::{
    access::Caller,
    error::{Error, Rejection},
    id::{Moment, OrderId},
    order::{Begun, CancelOrder, Changed, Deliver, FulfillOrder, Order, OrderInputs, OrderView},
    store::{Commit, Decision, OrderQuery, OrderRef, Page},
    version::Version,
};

impl Commerce {
    /// An order.
    ///
    /// # Errors
    /// [`Rejection::NotFound`], also for somebody else's; [`Error`].
    pub async fn order(&self, caller: &Caller, by: &OrderRef) -> Result<OrderView, Error> {
        let inputs = self.order_inputs(caller, by).await?;
        Ok(seen(caller, &inputs))
    }

    /// Orders, the newest first. A customer sees their own, whatever they ask for.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`] for those who have no orders of their own; [`Rejection::Invalid`] for a
    /// limit out of its bounds; [`Error`].
    pub async fn orders(
        &self,
        caller: &Caller,
        query: &OrderQuery,
    ) -> Result<Page<OrderView>, Error> {
        let mut query = query.clone();
        if let crate::access::Actor::Customer(id) = caller.actor {
            query.filter.customer_id = Some(id);
        } else {
            caller.require_back_office()?;
        }
        query.page.check()?;
        let page = self.queries.orders(&query).await?;
        let items = page.items.iter().map(|inputs| seen(caller, inputs)).collect();
        Ok(Page { items, next: page.next, total: page.total })
    }

    /// Calls an order off, or what is named of it, and releases its stock. A payment that could still
    /// bring money is called off first, and stock is released only once that is certain.
    ///
    /// # Errors
    /// As [`Order::cancel`], and [`Commerce::void`] for the payment; [`Rejection::Forbidden`], [`Rejection::NotFound`],
    /// [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn cancel_order(
        &self,
        caller: &Caller,
        id: OrderId,
        request: &CancelOrder,
        expected: Option<Version>,
    ) -> Result<Done<OrderView>, Error> {
        caller.require_back_office()?;
        let what = ("cancel_order", id, request);
        if let Some(done) = self.replayed_to(caller, &what).await? {
            return Ok(done);
        }
        let voided = self.void_to_cancel(id, request, expected).await?;
        // What was voided has changed the order, and this is the same cancellation still.
        let expected = expected.filter(|_| !voided);
        self.run(caller, &what, |mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                require_version(expected, inputs.order.version)?;
                let decision = Order::cancel(&inputs, request, &mut moment)?;
                if !decision.output.begun.is_empty() {
                    let why = "another was begun at this moment: try again";
                    return Err(Rejection::transition("payment", why).into());
                }
                decided(&inputs, decision)
            })
        })
        .await
    }

    /// Has the payments called off that must be before an order can be; answers whether there were
    /// any.
    pub(super) async fn void_to_cancel(
        &self,
        id: OrderId,
        request: &CancelOrder,
        expected: Option<Version>,
    ) -> Result<bool, Error> {
        let system = &Caller::system();
        let inputs = self.order_inputs(system, &OrderRef::Id(id)).await?;
        if !inputs.payments.iter().any(|payment| payment.is_online() && payment.is_outstanding()) {
            return Ok(false);
        }
        self.resolve(&inputs).await?;
        let voids = self.run_alone(|mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(system, &OrderRef::Id(id)).await?;
                require_version(expected, inputs.order.version)?;
                let Decision { output, commit } = Order::cancel(&inputs, request, &mut moment)?;
                let none = output.begun.is_empty();
                let commit = if none { Commit::at(moment.now()) } else { commit };
                Ok(Decision { output: output.begun, commit })
            })
        });
        let voids = voids.await?;
        let any = !voids.is_empty();
        self.carry_through(id, voids.clone(), true, Carry::On).await?;
        let inputs = self.order_inputs(system, &OrderRef::Id(id)).await?;
        for Begun { payment_id, operation_id } in voids {
            outcome(inputs.payment(Some(payment_id))?, operation_id, id)?;
        }
        Ok(any)
    }

    /// Sends some or all of an order. Where the shop takes its money at that moment, it is taken
    /// first.
    ///
    /// # Errors
    /// As [`Order::fulfill`] and, where money is taken, [`Commerce::capture`]; [`Rejection::Forbidden`], [`Rejection::NotFound`],
    /// [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn fulfill_order(
        &self,
        caller: &Caller,
        id: OrderId,
        request: &FulfillOrder,
        expected: Option<Version>,
    ) -> Result<Done<OrderView>, Error> {
        caller.require_back_office()?;
        let what = ("fulfill_order", id, request);
        if let Some(done) = self.replayed_to(caller, &what).await? {
            return Ok(done);
        }
        let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
        let mut expected = expected;
        if inputs.payments.iter().any(|it| it.is_online() && it.capturable().is_positive()) {
            require_version(expected, inputs.order.version)?;
            // Nobody is charged for what cannot be sent.
            self.decide_to_fulfill(&inputs, request, &mut self.moment()).await?;
            self.capture_to_ship(&inputs).await?;
            expected = None;
        }
        self.run(caller, &what, |mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                require_version(expected, inputs.order.version)?;
                decided(&inputs, self.decide_to_fulfill(&inputs, request, &mut moment).await?)
            })
        })
        .await
    }

    async fn decide_to_fulfill(
        &self,
        inputs: &OrderInputs,
        request: &FulfillOrder,
        moment: &mut Moment,
    ) -> Result<Decision<Changed>, Error> {
        let setup = self.setup().await?;
        let lines = inputs.order.lines.iter().filter(|line| line.backordered > 0);
        let waiting: Vec<_> = lines.map(|line| line.variant_id).collect();
        let sellables = match waiting.as_slice() {
            [] => Vec::new(),
            variants => self.store.sellables(variants).await?,
        };
        Ok(Order::fulfill(inputs, request, &setup, &sellables, &*self.strategy, moment)?)
    }

    /// Notes that what was sent has arrived.
    ///
    /// # Errors
    /// As [`Order::deliver`]; [`Rejection::Forbidden`], [`Rejection::NotFound`],
    /// [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn deliver_order(
        &self,
        caller: &Caller,
        id: OrderId,
        request: Deliver,
        expected: Option<Version>,
    ) -> Result<Done<OrderView>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("deliver_order", id, request), |moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                require_version(expected, inputs.order.version)?;
                decided(&inputs, Order::deliver(&inputs, request, moment.now())?)
            })
        })
        .await
    }

    pub(super) async fn order_inputs(
        &self,
        caller: &Caller,
        by: &OrderRef,
    ) -> Result<OrderInputs, Error> {
        let found = self.store.order(by).await?;
        found
            .filter(|inputs| caller.owns(inputs.order.customer_id, inputs.order.secret))
            .ok_or_else(|| Rejection::NotFound { what: "order" }.into())
    }
}

fn seen(caller: &Caller, inputs: &OrderInputs) -> OrderView {
    let (order, version) = (&inputs.order, inputs.order.version);
    let payments = inputs.payments.iter().map(|payment| payment.value.as_ref());
    if caller.is_back_office() {
        OrderView::for_back_office(order, version, payments)
    } else {
        OrderView::new(order, version, payments)
    }
}

/// What the back office sees of an order after something was decided about it.
pub(super) fn decided(
    inputs: &OrderInputs,
    decision: Decision<Changed>,
) -> Result<Decision<OrderView>, Error> {
    let Decision { output: Changed { order, payments, .. }, commit } = decision;
    let version = inputs.order.version;
    let version = if order == *inputs.order.value { version } else { version.next() };
    Ok(Decision { output: OrderView::for_back_office(&order, version, &payments), commit })
}
