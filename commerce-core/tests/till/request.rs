//! What people ask of a shop, so that they can ask the same once more.

use commerce_core::{
    Commerce, Done, Error,
    access::Caller,
    checkout::PlaceOrder,
    error::Rejection,
    gateway::SaveMethod,
    id::{CartId, CustomerId, LineId, OrderId},
    order::{CancelOrder, CancelReason, FulfillOrder},
    payment::{
        CapturePayment, CreateRefund, PaymentChoice, PaymentFlow, ReviewPayment, VoidPayment,
    },
    text::Label,
};
use serde::Serialize;

use super::wire;
use crate::support::{cancel_units, eur, parts, refund_of, refund_units};

/// On the shop's own page.
pub(crate) const DIRECT: PaymentFlow = PaymentFlow::Direct;

/// On a page of the provider.
pub(crate) fn hosted() -> PaymentFlow {
    PaymentFlow::Hosted {
        return_url: "https://shop.example/thanks".parse().unwrap(),
        cancel_url: "https://shop.example/cart".parse().unwrap(),
    }
}

/// By the gateway, in a way.
pub(crate) fn by(flow: PaymentFlow) -> PaymentChoice {
    PaymentChoice { flow, ..PaymentChoice::new(wire()) }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ask {
    Checkout { cart: CartId, choice: PaymentChoice },
    PayAgain { order: OrderId, choice: PaymentChoice },
    SaveMethod { customer: CustomerId },
    Forget { customer: CustomerId, method: Label },
    Erase { customer: CustomerId },
    Capture { order: OrderId, minor: Option<i64> },
    Void { order: OrderId },
    Review { order: OrderId },
    RefundAll { order: OrderId },
    RefundAmount { order: OrderId, minor: i64 },
    RefundUnits { order: OrderId, line: LineId, units: i64 },
    Cancel { order: OrderId },
    CancelUnits { order: OrderId, line: LineId, units: i64 },
    Fulfill { order: OrderId },
    FulfillUnits { order: OrderId, line: LineId, units: i64 },
}

/// A request with the key that it is asked under, however often.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) who: Caller,
    pub(crate) ask: Ask,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// It was done; the answer as JSON.
    Done(String),
    /// It was refused.
    Refused(Rejection),
    /// Nobody knows; it may be asked once more.
    Unclear,
    /// Something that must never be answered.
    Wrong(String),
}

impl Request {
    pub(crate) async fn perform(&self, shop: &Commerce) -> Answer {
        let who = &self.who;
        match self.ask.clone() {
            Ask::Checkout { cart, choice } => {
                let request = PlaceOrder { payment: choice, expected_total: None };
                answer(shop.place_order(who, cart, &request).await)
            }
            Ask::PayAgain { order, choice } => {
                answer(shop.pay_order(who, order, &choice, None).await)
            }
            Ask::SaveMethod { customer } => {
                let request = SaveMethod { gateway: wire(), return_url: None };
                answer(shop.save_method(who, customer, &request).await)
            }
            Ask::Forget { customer, method } => {
                match shop.remove_method(who, customer, &method).await {
                    // Whoever asks again hears that it is gone.
                    Err(Error::Rejected(Rejection::NotFound { what: "payment method" })) => {
                        Answer::Done(String::new())
                    }
                    Ok(_) => Answer::Done(String::new()),
                    Err(error) => failed(error),
                }
            }
            Ask::Erase { customer } => answer(shop.erase_customer(who, customer, None).await),
            Ask::Capture { order, minor } => {
                let request = CapturePayment { amount: minor.map(eur), payment_id: None };
                answer(shop.capture(who, order, &request, None).await)
            }
            Ask::Void { order } => {
                answer(shop.void(who, order, &VoidPayment::default(), None).await)
            }
            Ask::Review { order } => {
                answer(shop.review(who, order, &ReviewPayment::default(), None).await)
            }
            Ask::RefundAll { order } => {
                answer(shop.refund(who, order, &self.marked(CreateRefund::default()), None).await)
            }
            Ask::RefundAmount { order, minor } => {
                answer(shop.refund(who, order, &self.marked(refund_of(minor)), None).await)
            }
            Ask::RefundUnits { order, line, units } => {
                let request = self.marked(refund_units(&[(line, units)]));
                answer(shop.refund(who, order, &request, None).await)
            }
            Ask::Cancel { order } => {
                let request = CancelOrder::new(CancelReason::Shop);
                answer(shop.cancel_order(who, order, &request, None).await)
            }
            Ask::CancelUnits { order, line, units } => {
                let request = cancel_units(&[(line, units)]);
                answer(shop.cancel_order(who, order, &request, None).await)
            }
            Ask::Fulfill { order } => {
                answer(shop.fulfill_order(who, order, &FulfillOrder::default(), None).await)
            }
            Ask::FulfillUnits { order, line, units } => {
                answer(shop.fulfill_order(who, order, &parts(&[(line, units)]), None).await)
            }
        }
    }

    /// The refund that says of itself who asked for it: by its key, which is another for each request.
    fn marked(&self, request: CreateRefund) -> CreateRefund {
        // One that is asked for again is the same, under whatever key.
        let words = self.who.key.as_ref().map(|key| key.as_str().split(" again ").next());
        let reason = words.flatten().map(|words| words.parse().unwrap());
        CreateRefund { reason, restock: !request.lines.is_empty(), ..request }
    }
}

fn answer<T: Serialize>(done: Result<Done<T>, Error>) -> Answer {
    match done {
        Ok(done) => Answer::Done(serde_json::to_string(&done.output).unwrap()),
        Err(error) => failed(error),
    }
}

fn failed(error: Error) -> Answer {
    match error {
        Error::Rejected(rejection) => Answer::Refused(rejection),
        Error::Contention
        | Error::Unavailable(_)
        | Error::GatewayUnavailable(_)
        | Error::InFlight
        | Error::OutcomeUnknown(_) => Answer::Unclear,
        wrong => Answer::Wrong(format!("{wrong:?}")),
    }
}
