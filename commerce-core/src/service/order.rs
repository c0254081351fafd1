//! Orders after checkout.

use super::{Commerce, Done, shop::require_version};
use crate::{
    access::Caller,
    error::{Error, Rejection},
    gateway::{GatewayError, PaymentGateway, ProviderPayment, ProviderStatus},
    id::{Moment, OrderId, RefundId},
    money::Money,
    order::{CancelOrder, Changed, Deliver, FulfillOrder, Order, OrderInputs, OrderView},
    payment::{
        CreateRefund, Operation, OperationKind, OperationStatus, Payment, PaymentInput,
        PaymentStatus,
    },
    secret::Digest,
    store::{Decision, OrderQuery, OrderRef, Page},
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
    /// [`Rejection::Forbidden`] for those who have no orders of their own; [`Error`].
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
        let page = self.queries.orders(&query).await?;
        let items = page.items.iter().map(|inputs| seen(caller, inputs)).collect();
        Ok(Page { items, next: page.next, total: page.total })
    }

    /// Takes an order's money: for a payment that people operate by hand, notes that it came.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`], [`Rejection::VersionMismatch`];
    /// [`Rejection::InvalidTransition`] when the order is cancelled or its payment is not one to
    /// capture; [`Rejection::PaymentDeclined`]; [`Error`].
    pub async fn capture(
        &self,
        caller: &Caller,
        id: OrderId,
        expected: Option<Version>,
    ) -> Result<Done<OrderView>, Error> {
        caller.require_back_office()?;
        self.run_outside(caller, &("capture", id), |mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                require_version(expected, inputs.order.version)?;
                inputs.order.require_open()?;
                let payment = Order::live_payment(&inputs)?;
                // What cannot be captured is refused before the gateway hears of it.
                payment.apply(&PaymentInput::Capture, moment.now())?;
                let operation =
                    operation(payment, OperationKind::Capture, payment.amount, None, &mut moment);
                let state = self.gateway_of(payment)?.capture(payment, &operation).await;
                let state = state.map_err(gateway_failed)?;
                let (id, input) = (payment.id, heard(payment, &state));
                let (input, state) = (input.as_ref(), Some(&state));
                decided(&inputs, Order::apply_answer(&inputs, id, input, state, &mut moment)?)
            })
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
        self.run_outside(caller, &("refund", id, request), |mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                require_version(expected, inputs.order.version)?;
                let payment = Order::live_payment(&inputs)?;
                let mut refund = Order::refund(&inputs, request, &mut moment)?;
                if let Some(id) = refund_id(caller, payment, request) {
                    refund.id = id;
                }
                let input = PaymentInput::Refund(refund.clone());
                payment.apply(&input, moment.now())?;
                let (id, kind) = (payment.id, OperationKind::Refund);
                let operation =
                    operation(payment, kind, refund.amount, Some(refund.id), &mut moment);
                let given = self.gateway_of(payment)?.refund(payment, &refund, &operation).await;
                given.map_err(gateway_failed)?;
                decided(&inputs, Order::apply_answer(&inputs, id, Some(&input), None, &mut moment)?)
            })
        })
        .await
    }

    /// Calls an order off, or what is named of it, and releases its stock.
    ///
    /// # Errors
    /// As [`Order::cancel`]; [`Rejection::Forbidden`], [`Rejection::NotFound`],
    /// [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn cancel_order(
        &self,
        caller: &Caller,
        id: OrderId,
        request: &CancelOrder,
        expected: Option<Version>,
    ) -> Result<Done<OrderView>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("cancel_order", id, request), |mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                require_version(expected, inputs.order.version)?;
                decided(&inputs, Order::cancel(&inputs, request, &mut moment)?)
            })
        })
        .await
    }

    /// Sends some or all of an order.
    ///
    /// # Errors
    /// As [`Order::fulfill`]; [`Rejection::Forbidden`], [`Rejection::NotFound`],
    /// [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn fulfill_order(
        &self,
        caller: &Caller,
        id: OrderId,
        request: &FulfillOrder,
        expected: Option<Version>,
    ) -> Result<Done<OrderView>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("fulfill_order", id, request), |mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                require_version(expected, inputs.order.version)?;
                let setup = self.setup().await?;
                let waiting: Vec<_> = inputs
                    .order
                    .lines
                    .iter()
                    .filter(|line| line.backordered > 0)
                    .map(|line| line.variant_id)
                    .collect();
                let sellables = match waiting.as_slice() {
                    [] => Vec::new(),
                    variants => self.store.sellables(variants).await?,
                };
                let strategy = &*self.strategy;
                let decision =
                    Order::fulfill(&inputs, request, &setup, &sellables, strategy, &mut moment)?;
                decided(&inputs, decision)
            })
        })
        .await
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

    pub(super) fn gateway_of(&self, payment: &Payment) -> Result<&dyn PaymentGateway, Error> {
        self.gateways.get(&payment.gateway).map(|gateway| &**gateway).ok_or_else(|| {
            let why = format!("the shop no longer has the gateway {}", payment.gateway);
            Rejection::transition("payment", why).into()
        })
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

/// The id of a refund that is asked for under a key. Repeated, it is the same, so that a gateway
/// whose answer was lost knows it again and gives the money back once.
fn refund_id(caller: &Caller, payment: &Payment, request: &CreateRefund) -> Option<RefundId> {
    let key = caller.key.as_ref()?;
    let asked = format!("{} {} {} {request:?}", caller.scope(), key.as_str(), payment.id);
    let [seed @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        *Digest::of(asked.as_bytes()).as_bytes();
    let id = Moment::new(payment.created_at, seed).id();
    // A key that was forgotten since may ask for another.
    payment.refunds.iter().all(|refund| refund.id != id).then_some(id)
}

/// What the back office sees of an order after something was decided about it.
pub(super) fn decided(
    inputs: &OrderInputs,
    decision: Decision<Changed>,
) -> Result<Decision<OrderView>, Error> {
    let Decision { output: Changed { order, payments }, commit } = decision;
    let version = inputs.order.version;
    let version = if order == *inputs.order.value { version } else { version.next() };
    Ok(Decision { output: OrderView::for_back_office(&order, version, &payments), commit })
}

pub(super) fn gateway_failed(error: GatewayError) -> Error {
    match error {
        GatewayError::Declined { decline, .. } => {
            Rejection::PaymentDeclined { reason: decline.reason.to_string() }.into()
        }
        GatewayError::Unsupported(why) => Rejection::transition("payment", why).into(),
        GatewayError::Stale(_) => {
            Rejection::transition("payment", "its state at the provider does not allow it").into()
        }
        GatewayError::Unavailable { source, .. } | GatewayError::Refused(source) => {
            Error::GatewayUnavailable(source)
        }
        GatewayError::OutcomeUnknown(source) => Error::OutcomeUnknown(source),
    }
}

/// The first try of something that a gateway is asked.
pub(super) fn operation(
    payment: &Payment,
    kind: OperationKind,
    amount: Money,
    refund_id: Option<RefundId>,
    moment: &mut Moment,
) -> Operation {
    Operation {
        id: moment.id(),
        kind,
        attempt: 1,
        amount,
        refund_id,
        key: Operation::key_of(payment.id, kind, refund_id, 1),
        status: OperationStatus::Open,
        failure: None,
        begun_at: moment.now(),
        ended_at: None,
    }
}

/// What has happened to a payment, by its state at the provider.
pub(super) fn heard(payment: &Payment, state: &ProviderPayment) -> Option<PaymentInput> {
    let (status, input) = match state.status {
        ProviderStatus::RequiresAction => {
            (PaymentStatus::RequiresAction, PaymentInput::RequireAction)
        }
        ProviderStatus::Processing => (PaymentStatus::Processing, PaymentInput::Process),
        ProviderStatus::Authorized => (PaymentStatus::Authorized, PaymentInput::Authorize),
        ProviderStatus::Captured => (PaymentStatus::Paid, PaymentInput::Capture),
        ProviderStatus::Failed => {
            let reason = state.failure.as_ref()?.reason.clone();
            (PaymentStatus::Failed, PaymentInput::Fail { reason })
        }
        ProviderStatus::Voided | ProviderStatus::Expired => {
            (PaymentStatus::Voided, PaymentInput::Void)
        }
    };
    (payment.status != status).then_some(input)
}
