//! The comparison of the books with the provider's: what agrees, and every kind of difference.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod charges;
mod days;
mod disputes;
mod refunds;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use commerce_core::{
    Error,
    currency::Currency,
    error::Rejection,
    gateway::{
        Call, ProviderDispute, ProviderRefund, ProviderStatus, Reply, Transaction, TransactionKind,
    },
    id::{Moment, OrderId, PaymentId},
    money::Money,
    order::PaymentTerms,
    payment::{CapturePayment, DisputeStatus, PaymentChoice, RefundStatus},
    reconciliation::{Difference, DifferenceKind, Reconciliation},
    text::{GatewayName, Label},
    time::Timestamp,
};
use pollster::block_on;
use support::{
    cards::{CardShop, card, label, waits},
    eur, invalid, refund_of, refused,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn compare(shop: &CardShop, from: Timestamp, until: Timestamp) -> Reconciliation {
    block_on(shop.world.shop.reconcile(&card(), from, until)).unwrap()
}

/// Compares the hour up to now, and the moment that it is.
fn compare_now(shop: &CardShop) -> Reconciliation {
    let now = shop.world.now();
    compare(shop, now.saturating_sub(HOUR), now.saturating_add(Duration::from_millis(1)))
}

/// A shop with a paid order of which 5.00 were given back and 3.00 are disputed, and one that is set
/// aside only.
fn busy() -> (CardShop, OrderId, PaymentId) {
    let shop = CardShop::new();
    shop.order(Reply::Authorize);
    let (order, payment) = shop.order(Reply::Capture);
    shop.world.refund(order, &refund_of(500)).unwrap();
    dispute(&shop, payment, 300);
    (shop, order, payment)
}

fn dispute(shop: &CardShop, payment: PaymentId, minor: i64) {
    let dispute = disputed(shop, "dp_1", minor);
    shop.gateway.change(payment, |payment| payment.disputes.push(dispute));
    shop.deliver_last();
}

fn disputed(shop: &CardShop, reference: &str, minor: i64) -> ProviderDispute {
    ProviderDispute {
        reference: label(reference),
        amount: eur(minor),
        status: DisputeStatus::Open,
        reason: None,
        opened_at: shop.world.now(),
    }
}

/// An order whose first payment was called off and whose second one took its money.
fn paid_by_another(shop: &CardShop) -> (OrderId, [PaymentId; 2]) {
    let (order, first) = shop.order(waits());
    // The first one is called off before the second is begun.
    shop.gateway.script([Reply::Accept, Reply::Capture]);
    let choice = PaymentChoice::new(card());
    let paid = shop.world.shop.pay_order(&shop.world.system, order, &choice, None);
    (order, [first, block_on(paid).unwrap().payment.as_ref().unwrap().id])
}

/// Whatever was asked of a payment, the provider takes its money all the same.
fn take(shop: &CardShop, payment: PaymentId) {
    shop.gateway.change(payment, |payment| {
        (payment.status, payment.captured) = (ProviderStatus::Captured, payment.amount);
    });
}

fn capture(shop: &CardShop, order: OrderId, minor: i64) {
    let request = CapturePayment { amount: Some(eur(minor)), ..CapturePayment::default() };
    block_on(shop.world.shop.capture(&shop.world.system, order, &request, None)).unwrap();
}

/// A refund that somebody makes on the provider's own page.
fn given_by_hand(shop: &CardShop, minor: i64) -> ProviderRefund {
    ProviderRefund {
        reference: label("re_by_hand"),
        refund_id: None,
        amount: eur(minor),
        status: RefundStatus::Succeeded,
        failure: None,
        created_at: shop.world.now(),
    }
}

fn fetched(shop: &CardShop) -> usize {
    shop.gateway.calls().iter().filter(|call| matches!(call, Call::Fetch(_))).count()
}

fn is(kind: TransactionKind) -> impl Fn(&Transaction) -> bool {
    move |moved| moved.kind == kind
}

/// The one difference that there is.
#[track_caller]
fn only(found: &Reconciliation) -> &Difference {
    assert_eq!(found.differences.len(), 1, "{:#?}", found.differences);
    &found.differences[0]
}

/// What of a difference tells it from another.
fn told(difference: &Difference) -> (DifferenceKind, TransactionKind, Option<i64>, Option<i64>) {
    let minor = |amount: Option<Money>| amount.map(Money::minor);
    (difference.kind, difference.movement, minor(difference.provider), minor(difference.booked))
}

#[test]
fn books_that_agree_have_equal_sums() {
    let (shop, _, _) = busy();
    // More than one page of the provider's books and of the shop's lists.
    for n in 0..130 {
        let (order, _) = shop.order(if n % 3 == 0 { Reply::Authorize } else { Reply::Capture });
        match n % 5 {
            0 if n % 3 == 0 => capture(&shop, order, 700),
            1 if n % 3 != 0 => drop(shop.world.refund(order, &refund_of(100 + n)).unwrap()),
            2 if n % 3 != 0 => {
                shop.gateway.script([Reply::Decline { reason: label("no") }]);
                shop.world.refund(order, &refund_of(100)).unwrap_err();
            }
            3 if n % 3 != 0 => {
                shop.gateway.script([Reply::Process]);
                shop.world.refund(order, &refund_of(100)).unwrap();
            }
            _ => {}
        }
        shop.minutes(u64::from(n % 7 == 0));
    }
    let found = compare_now(&shop);
    assert!(found.agrees(), "{:#?}", found.differences);
    let [charge, refund, dispute] = &found.sums[..] else {
        panic!("charges, refunds, disputes: {:?}", found.sums)
    };
    for sum in [charge, refund, dispute] {
        assert_eq!(sum.provider, sum.booked);
    }
    let kept: i64 = shop.gateway.payments().iter().map(|(id, _)| shop.gateway.kept(*id)).sum();
    assert_eq!(charge.provider.minor() - refund.provider.minor(), kept);
    assert_eq!(dispute.provider, eur(300));
    assert!(found.transactions > 100, "{}", found.transactions);
    assert!(compare(&shop, Timestamp::UNIX_EPOCH, Timestamp::MAX).agrees());
    let before = shop.world.now().saturating_sub(24 * HOUR);
    let nothing = compare(&shop, before.saturating_sub(HOUR), before);
    assert_eq!((nothing.transactions, nothing.sums.len(), nothing.agrees()), (0, 0, true));
}

#[test]
fn every_kind_of_difference_is_found_and_no_other() {
    use DifferenceKind::*;
    use TransactionKind::*;
    type Change = fn(&mut Vec<Transaction>);
    fn alter(moved: &mut [Transaction], kind: TransactionKind, change: fn(&mut Transaction)) {
        moved.iter_mut().filter(|moved| moved.kind == kind).for_each(change);
    }
    let cases: [(Change, _); 13] = [
        (
            |moved| moved.retain(|it| !is(Charge)(it)),
            (MissingAtProvider, Charge, None, Some(1_999)),
        ),
        (|moved| moved.retain(|it| !is(Refund)(it)), (MissingAtProvider, Refund, None, Some(500))),
        (
            |moved| alter(moved, Charge, |it| it.amount = eur(1_998)),
            (AmountDiffers, Charge, Some(1_998), Some(1_999)),
        ),
        (
            |moved| alter(moved, Charge, |it| it.amount = eur(2_000)),
            (AmountDiffers, Charge, Some(2_000), Some(1_999)),
        ),
        (
            |moved| alter(moved, Refund, |it| it.amount = eur(499)),
            (AmountDiffers, Refund, Some(499), Some(500)),
        ),
        (
            |moved| alter(moved, Dispute, |it| it.amount = eur(299)),
            (AmountDiffers, Dispute, Some(299), Some(300)),
        ),
        (
            |moved| alter(moved, Charge, |it| it.amount = Money::new(1_999, Currency::USD)),
            (CurrencyDiffers, Charge, Some(1_999), Some(1_999)),
        ),
        (
            |moved| {
                let taken = moved.iter().find(|it| is(Charge)(it)).unwrap().clone();
                let (reference, amount) = (label("ch_2"), Money::new(1_999, Currency::USD));
                moved.push(Transaction { reference, amount, ..taken });
            },
            (CurrencyDiffers, Charge, Some(1_999), Some(1_999)),
        ),
        (
            |moved| alter(moved, Refund, |it| it.amount = Money::new(500, Currency::USD)),
            (CurrencyDiffers, Refund, Some(500), Some(500)),
        ),
        (
            |moved| {
                let mut foreign = moved[0].clone();
                foreign.payment_id = None;
                foreign.payment_references = vec![label("pi_foreign")];
                foreign.amount = eur(42);
                moved.push(foreign);
            },
            (UnknownToShop, Charge, Some(42), None),
        ),
        (
            |moved| {
                let given = moved.iter().find(|it| is(Refund)(it)).unwrap().clone();
                let (reference, amount) = (label("re_by_hand"), eur(7));
                moved.push(Transaction { reference, amount, refund_id: None, ..given });
            },
            (UnknownToShop, Refund, Some(7), None),
        ),
        (
            |moved| {
                let taken = moved.iter().find(|it| is(Dispute)(it)).unwrap().clone();
                let (reference, amount) = (label("dp_2"), eur(9));
                moved.push(Transaction { reference, amount, ..taken });
            },
            (UnknownToShop, Dispute, Some(9), None),
        ),
        (
            |moved| {
                let twice = moved.iter().find(|it| is(Charge)(it)).unwrap().clone();
                moved.push(Transaction { reference: label("ch_2"), ..twice });
            },
            (ChargedTwice, Charge, Some(2 * 1_999 - 500 - 300), Some(1_999)),
        ),
    ];
    for (change, expected) in cases {
        let (shop, order, payment) = busy();
        shop.gateway.change_books(change);
        let found = compare_now(&shop);
        assert!(!found.agrees());
        let difference = only(&found);
        assert_eq!(told(difference), expected);
        let known = difference.order_id.is_some();
        assert_eq!(known, difference.payment_id == Some(payment), "{difference:?}");
        assert_eq!(difference.order_number, known.then(|| shop.world.seen(order).number));
        let differs = found.sums.iter().any(|sum| sum.provider != sum.booked);
        assert!(differs, "{:?}", found.sums);
    }
}

#[test]
fn money_of_which_nobody_was_told_differs_until_somebody_is() {
    let shop = CardShop::new();
    let (_, payment) = shop.order(waits());
    shop.gateway.pay(payment);
    let found = compare_now(&shop);
    let expected = (DifferenceKind::AmountDiffers, TransactionKind::Charge, Some(1_999), Some(0));
    assert_eq!(told(only(&found)), expected);
    shop.deliver_last();
    assert!(compare_now(&shop).agrees());
}

#[test]
fn what_agrees_is_not_asked_for() {
    let (shop, ..) = busy();
    let (order, _) = shop.order(Reply::Authorize);
    let before = fetched(&shop);
    assert!(compare_now(&shop).agrees());
    shop.world.days(5);
    shop.world.capture(order).unwrap();
    assert!(compare_now(&shop).agrees());
    assert_eq!(fetched(&shop), before);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let shop = CardShop::new();
    let now = shop.world.now();
    let compare = |gateway: &str, from, until| -> Result<Reconciliation, Error> {
        let gateway = GatewayName::new(gateway).unwrap();
        block_on(shop.world.shop.reconcile(&gateway, from, until))
    };
    let later = now.saturating_add(HOUR);
    assert_eq!(invalid(compare("card", now, now)), ["/until"]);
    assert_eq!(invalid(compare("card", later, now)), ["/until"]);
    let nobody = refused(compare("other", now, later));
    assert_eq!(nobody, Rejection::NotFound { what: "gateway" });
    assert!(support::not_now(compare("manual", now, later)));
    assert!(compare("card", Timestamp::MIN, Timestamp::MAX).unwrap().agrees());
}

#[test]
fn a_sum_past_its_bound_is_no_panic() {
    let shop = CardShop::new();
    let mut moment = Moment::new(shop.world.now(), [3; 16]);
    let foreign = Transaction {
        reference: Label::from(moment.id::<PaymentId>()),
        kind: TransactionKind::Charge,
        payment_references: Vec::new(),
        payment_id: Some(moment.id()),
        refund_id: None,
        amount: eur(i64::MAX),
        at: shop.world.now(),
    };
    shop.gateway.change_books(move |moved| moved.extend([foreign.clone(), foreign.clone()]));
    let now = shop.world.now();
    let found =
        block_on(shop.world.shop.reconcile(&card(), now, now.saturating_add(HOUR))).unwrap_err();
    assert!(matches!(found, Error::Internal(_)), "{found:?}");
}

#[test]
fn what_went_through_another_gateway_or_is_nobodys_on_another_day_is_not_told() {
    let (shop, ..) = busy();
    let manual = GatewayName::manual();
    shop.world.configure(|it| {
        it.payment_terms.insert(manual.clone(), PaymentTerms::default());
    });
    // The card's payment is called off, and the customer brings the money.
    let (order, _) = shop.order(waits());
    let choice = PaymentChoice::new(manual);
    block_on(shop.world.shop.pay_order(&shop.world.system, order, &choice, None)).unwrap();
    assert_eq!(shop.world.capture(order).unwrap().paid_total, eur(1_999));
    assert!(compare_now(&shop).agrees(), "of what people take this provider knows nothing");
    let before = shop.world.now().saturating_sub(2 * HOUR);
    shop.gateway.change_books(move |moved| {
        moved.push(Transaction {
            reference: label("ch_nobodys"),
            payment_references: vec![label("pi_nobodys")],
            payment_id: None,
            at: before,
            ..moved[0].clone()
        });
    });
    assert!(compare_now(&shop).agrees(), "it is of the hour before");
    let all = compare(&shop, Timestamp::UNIX_EPOCH, Timestamp::MAX);
    assert_eq!(only(&all).kind, DifferenceKind::UnknownToShop);
}
