//! What is given back, for what and of which payment.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    error::Rejection,
    id::{Moment, OrderId, PaymentId},
    order::{FulfillOrder, Order, OrderInputs},
    payment::{CreateRefund, Payment, PaymentStatus, Refund, RefundStatus},
    pricing::{Adjustment, AdjustmentKind},
    rounding::Rounding,
    shop::Setup,
    store::OrderRef,
};
use pollster::block_on;
use support::*;

/// An order of seven shirts and its payment, which was taken.
struct Sold {
    w: World,
    inputs: OrderInputs,
}

impl Sold {
    fn new() -> Self {
        let w = World::new();
        let shirt = w.sell("SHIRT", 1_000, 9);
        let id = w.buy(&[(shirt, 7)]).id;
        w.capture(id).unwrap();
        let inputs = block_on(w.shop.store().order(&OrderRef::Id(id))).unwrap().unwrap();
        Self { w, inputs }
    }

    fn id(&self) -> OrderId {
        self.inputs.order.id
    }

    /// The line costs so much, of which so much are two taxes, and something was taken off before.
    fn costs(&mut self, total: i64, taxes: [i64; 2], rounding: Rounding) {
        changed(&mut self.inputs.order, |order| {
            order.pricing.rounding = rounding;
            let adjust = |kind, source: &str, minor| Adjustment {
                kind,
                label: source.parse().unwrap(),
                source: source.parse().unwrap(),
                amount: eur(minor),
                included: true,
            };
            let line = &mut order.lines[0];
            line.total = eur(total);
            line.adjustments = vec![
                adjust(AdjustmentKind::Promotion, "sale", -5),
                adjust(AdjustmentKind::Tax, "state", taxes[0]),
                adjust(AdjustmentKind::Tax, "city", taxes[1]),
            ];
        });
    }

    fn moment(&self) -> Moment {
        Moment::new(self.w.now(), [self.inputs.payments[0].refunds.len() as u8; 16])
    }

    fn decide(&self, request: &CreateRefund) -> Result<(PaymentId, Refund), Rejection> {
        Order::refund(&self.inputs, request, Some(self.w.main_location()), &mut self.moment())
    }

    /// Decides to give so many units back, and what becomes of that.
    fn give(&mut self, units: i64, status: RefundStatus) -> Refund {
        let line = self.inputs.order.lines[0].id;
        let (_, refund) = self.decide(&refund_units(&[(line, units)])).unwrap();
        let given = Refund { status, ..refund.clone() };
        changed(&mut self.inputs.payments[0], |payment| payment.refunds.push(given));
        refund
    }
}

/// What of an amount falls to the first of seven units, rounded to the nearest, a half up.
fn first_of_seven(total: i64, units: i64) -> i64 {
    (2 * total * units + 7) / 14
}

#[test]
fn units_and_their_taxes_end_exactly_at_what_was_paid_in_whatever_steps() {
    use RefundStatus::{Failed, Pending, Succeeded};
    let (total, taxes) = (1_000, [159, 3]);
    for steps in [&[7][..], &[1; 7], &[2, 1, 3, 1], &[3, 3, 1], &[6, 1]] {
        let mut sold = Sold::new();
        sold.costs(total, taxes, Rounding::HalfUp);
        let mut before = 0;
        for (step, units) in steps.iter().enumerate() {
            // One that comes to nothing takes nothing of the others.
            sold.give(*units, Failed);
            let status = if step % 2 == 0 { Pending } else { Succeeded };
            let given = sold.give(*units, status);
            let part = |of| first_of_seven(of, before + units) - first_of_seven(of, before);
            let line = &given.lines[0];
            assert_eq!((given.amount, line.amount), (eur(part(total)), eur(part(total))));
            let told: Vec<_> =
                line.taxes.iter().map(|tax| (tax.source.as_str(), tax.amount)).collect();
            assert_eq!(told, [("state", eur(part(taxes[0]))), ("city", eur(part(taxes[1])))]);
            before += units;
        }
        let counted = || sold.inputs.payments[0].refunds.iter().filter(|it| it.counts());
        assert_eq!(counted().map(|it| it.amount.minor()).sum::<i64>(), total);
        let parts = counted().flat_map(|it| &it.lines[0].taxes);
        assert_eq!(parts.map(|tax| tax.amount.minor()).sum::<i64>(), taxes.iter().sum::<i64>());
        let line = sold.inputs.order.lines[0].id;
        let more = sold.decide(&refund_units(&[(line, 1)]));
        assert!(matches!(more, Err(Rejection::InvalidTransition { .. })));
    }
}

#[test]
fn what_is_given_back_is_rounded_as_the_order_was() {
    for (rounding, first) in [(Rounding::Up, 143), (Rounding::Down, 142), (Rounding::HalfUp, 143)] {
        let mut sold = Sold::new();
        sold.costs(1_000, [0, 0], rounding);
        assert_eq!(sold.give(1, RefundStatus::Pending).amount, eur(first), "{rounding:?}");
        assert_eq!(sold.give(6, RefundStatus::Pending).amount, eur(1_000 - first));
    }
}

#[test]
fn a_unit_that_costs_nothing_is_given_back_for_nothing_and_no_less() {
    let mut sold = Sold::new();
    sold.costs(1, [0, 0], Rounding::HalfUp);
    let amounts: Vec<_> =
        (0..7).map(|_| sold.give(1, RefundStatus::Pending).amount.minor()).collect();
    assert_eq!(amounts, [0, 0, 0, 1, 0, 0, 0]);
    // A later one that came to nothing leaves more given than the units so far are worth.
    let mut sold = Sold::new();
    sold.costs(1_000, [0, 0], Rounding::HalfUp);
    sold.give(3, RefundStatus::Succeeded);
    sold.give(1, RefundStatus::Succeeded);
    changed(&mut sold.inputs.payments[0], |payment| {
        payment.refunds[1].amount = eur(600);
        payment.refunds[1].lines[0].amount = eur(600);
    });
    assert_eq!(sold.give(1, RefundStatus::Pending).amount, eur(0));
}

#[test]
fn what_came_back_is_put_on_the_shelf_if_it_is_named_and_asked_for() {
    let sold = Sold::new();
    let units = refund_units(&[(sold.inputs.order.lines[0].id, 1)]);
    let restock = |request: CreateRefund| CreateRefund { restock: true, ..request };
    let shelf = Some(sold.w.main_location());
    for (request, to) in [(units.clone(), None), (restock(units), shelf)] {
        assert_eq!(sold.decide(&request).unwrap().1.restock_to, to, "{request:?}");
    }
}

/// The order with payments that have brought so much, the oldest first.
fn paid_by(sold: &Sold, brought: &[i64]) -> OrderInputs {
    let mut inputs = sold.inputs.clone();
    let mut moment = Moment::new(sold.w.now(), [9; 16]);
    inputs.payments = brought
        .iter()
        .map(|minor| {
            let mut payment = sold.inputs.payments[0].clone();
            changed(&mut payment, |payment| {
                (payment.id, payment.captured) = (moment.id(), eur(*minor));
                if *minor == 0 {
                    payment.status = PaymentStatus::Voided;
                }
            });
            payment
        })
        .collect();
    inputs
}

#[test]
fn a_refund_is_of_the_payment_that_is_named_or_the_latest_with_enough_or_the_one_with_most() {
    let sold = Sold::new();
    let decide = |inputs: &OrderInputs, request: &CreateRefund| {
        let (id, refund) = Order::refund(inputs, request, None, &mut sold.moment()).unwrap();
        let place = inputs.payments.iter().position(|payment| payment.id == id).unwrap();
        (place, refund.amount.minor())
    };
    let of = |minor: i64| refund_of(minor);
    let all = CreateRefund::default();
    let inputs = paid_by(&sold, &[1_000, 3_000, 2_000]);
    for (request, place, amount) in [
        (of(1), 2, 1),
        (of(2_000), 2, 2_000),
        (of(2_001), 1, 2_001),
        (of(3_000), 1, 3_000),
        (of(9_000), 1, 9_000),
        (all.clone(), 2, 2_000),
        (CreateRefund { payment_id: Some(inputs.payments[0].id), ..of(2_000) }, 0, 2_000),
        (refund_units(&[(inputs.order.lines[0].id, 3)]), 1, 3_000),
    ] {
        assert_eq!(decide(&inputs, &request), (place, amount), "{request:?}");
    }
    // Of what is spent or over nothing is left.
    let mut inputs = paid_by(&sold, &[0, 1_000, 2_000, 0]);
    let (_, spent) = sold.decide(&of(2_000)).unwrap();
    changed(&mut inputs.payments[2], |payment| payment.refunds.push(spent));
    assert_eq!(decide(&inputs, &all), (1, 1_000));
    assert_eq!(decide(&inputs, &of(1_500)), (1, 1_500));
    changed(&mut inputs.payments[1], |payment| payment.captured = eur(0));
    assert_eq!(decide(&inputs, &of(1)), (1, 1), "of one that is not over, whatever is left of it");
    let over = paid_by(&sold, &[0, 0]);
    let refused = Order::refund(&over, &all, None, &mut sold.moment());
    assert!(matches!(refused, Err(Rejection::InvalidTransition { .. })));
}

#[test]
fn what_is_about_to_be_given_back_is_not_sent() {
    let mut sold = Sold::new();
    sold.give(4, RefundStatus::Pending);
    let locations = block_on(sold.w.shop.locations(&sold.w.system)).unwrap();
    let shop = block_on(sold.w.shop.shop()).unwrap();
    let setup = Setup { shop, locations };
    let strategy = &commerce_core::inventory::ByPriority;
    let send = |inputs: &OrderInputs, request: &FulfillOrder| {
        Order::fulfill(inputs, request, &setup, &[], strategy, &mut sold.moment())
            .map(|decided| decided.output.order.lines[0].fulfilled)
    };
    let line = sold.inputs.order.lines[0].id;
    assert_eq!(send(&sold.inputs, &FulfillOrder::default()).unwrap(), 3);
    let more = send(&sold.inputs, &parts(&[(line, 4)]));
    assert!(matches!(more, Err(Rejection::InvalidTransition { .. })), "{more:?}");
    let mut settled = sold.inputs.clone();
    changed(&mut settled.payments[0], |payment: &mut Payment| {
        payment.refunds[0].status = RefundStatus::Failed;
    });
    assert_eq!(send(&settled, &FulfillOrder::default()).unwrap(), 7, "that came to nothing");
    assert_eq!(sold.w.seen(sold.id()).lines[0].fulfilled, 0, "nothing was decided for good");
}
