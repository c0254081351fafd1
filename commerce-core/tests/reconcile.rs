//! The comparison of the books with the provider's: what agrees, and every kind of difference.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

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
fn a_dispute_that_the_provider_does_not_have_is_missing() {
    let (shop, _, payment) = busy();
    shop.gateway.change(payment, |payment| payment.disputes.clear());
    let expected = (DifferenceKind::MissingAtProvider, TransactionKind::Dispute, None, Some(300));
    assert_eq!(told(only(&compare_now(&shop))), expected);
}

#[test]
fn what_has_not_moved_yet_is_not_missing() {
    let (shop, ..) = busy();
    shop.gateway.change_books(|moved| moved.retain(|it| !is(TransactionKind::Dispute)(it)));
    assert!(compare_now(&shop).agrees(), "the bank has asked, and taken nothing back so far");
    let (order, _) = shop.order(Reply::Capture);
    shop.gateway.script([Reply::Process]);
    shop.world.refund(order, &refund_of(200)).unwrap();
    shop.gateway.change_books(|moved| {
        moved.retain(|it| !is(TransactionKind::Dispute)(it) && it.amount != eur(200));
    });
    assert!(compare_now(&shop).agrees(), "the refund is on its way");
}

#[test]
fn one_charge_of_more_than_the_order_comes_to_is_another_amount() {
    let shop = CardShop::new();
    shop.order(Reply::Capture);
    shop.gateway.change_books(|moved| moved[0].amount = eur(2_500));
    let expected =
        (DifferenceKind::AmountDiffers, TransactionKind::Charge, Some(2_500), Some(1_999));
    assert_eq!(told(only(&compare_now(&shop))), expected);
}

#[test]
fn a_refund_that_failed_at_the_provider_and_nobody_was_told_is_missing() {
    let (shop, _, payment) = busy();
    shop.gateway.change(payment, |payment| payment.refunds[0].status = RefundStatus::Failed);
    let found = compare_now(&shop);
    let expected = (DifferenceKind::MissingAtProvider, TransactionKind::Refund, None, Some(500));
    assert_eq!(told(only(&found)), expected);
    shop.deliver_last();
    assert!(compare_now(&shop).agrees(), "once that is told, the books agree");
}

#[test]
fn a_refund_that_came_to_nothing_in_the_books_and_moves_all_the_same_differs() {
    let (shop, _, payment) = busy();
    shop.gateway.change(payment, |payment| payment.refunds[0].status = RefundStatus::Failed);
    shop.deliver_last();
    assert!(compare_now(&shop).agrees());
    shop.gateway.change(payment, |payment| payment.refunds[0].status = RefundStatus::Succeeded);
    shop.deliver_last();
    let expected = (DifferenceKind::AmountDiffers, TransactionKind::Refund, Some(500), Some(0));
    assert_eq!(told(only(&compare_now(&shop))), expected);
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
fn an_order_that_is_paid_by_two_payments_is_charged_twice_until_one_is_given_back() {
    let shop = CardShop::new();
    let (_, [first, second]) = paid_by_another(&shop);
    assert!(compare_now(&shop).agrees());
    take(&shop, first);
    let found = compare_now(&shop);
    assert_eq!(only(&found).kind, DifferenceKind::ChargedTwice);
    assert_eq!(only(&found).provider, Some(eur(2 * 1_999)));
    shop.deliver_last();
    assert!(compare_now(&shop).agrees(), "what was taken twice is given back");
    assert_eq!(shop.gateway.kept(first) + shop.gateway.kept(second), 1_999);
}

#[test]
fn what_was_taken_twice_is_reckoned_by_the_side_that_knows_more_however_long_ago() {
    let shop = CardShop::new();
    let (order, [first, second]) = paid_by_another(&shop);
    shop.world.refund(order, &refund_of(500)).unwrap();
    shop.gateway.script([Reply::Decline { reason: label("no") }]);
    shop.world.refund(order, &refund_of(100)).unwrap_err();
    dispute(&shop, second, 300);
    let won = ProviderDispute { status: DisputeStatus::Won, ..disputed(&shop, "dp_2", 200) };
    shop.gateway.change(second, |payment| payment.disputes.push(won));
    shop.deliver_last();
    // Days later, of which the provider alone knows; of what was before it says nothing any more.
    shop.world.days(5);
    take(&shop, first);
    let (given, lost) = (given_by_hand(&shop, 70), disputed(&shop, "dp_3", 40));
    shop.gateway.change(first, |payment| {
        payment.refunds.push(given);
        payment.disputes.push(lost);
    });
    let now = shop.world.now();
    shop.gateway.change_books(move |moved| {
        moved.retain(|it| it.payment_id == Some(first));
        moved.iter_mut().for_each(|it| it.at = now);
    });
    let found = compare_now(&shop);
    let twice = |it: &&Difference| it.kind == DifferenceKind::ChargedTwice;
    let twice = found.differences.iter().find(twice).unwrap();
    assert_eq!(twice.provider, Some(eur(1_999 - 500 - 300 + 1_999 - 70 - 40)));
    assert_eq!((twice.payment_id, twice.booked), (Some(first), Some(eur(1_999))));
    assert_eq!(found.differences.len(), 3, "and that and the bank's are unknown to the shop");
}

#[test]
fn that_an_order_was_charged_twice_hides_no_other_difference() {
    let shop = CardShop::new();
    let (_, [first, second]) = paid_by_another(&shop);
    take(&shop, first);
    shop.gateway.change_books(move |moved| moved.retain(|it| it.payment_id == Some(first)));
    let found = compare_now(&shop);
    let kinds = found.differences.iter().map(|it| (it.kind, it.payment_id));
    let expected =
        [(DifferenceKind::MissingAtProvider, second), (DifferenceKind::ChargedTwice, first)];
    assert_eq!(kinds.collect::<Vec<_>>(), expected.map(|(kind, id)| (kind, Some(id))));
}

#[test]
fn a_second_charge_is_found_also_of_a_payment_that_was_made_long_before() {
    let shop = CardShop::new();
    let (order, _) = shop.order(Reply::Authorize);
    shop.world.days(5);
    capture(&shop, order, 700);
    shop.gateway.change_books(|moved| {
        let twice = Transaction { reference: label("ch_2"), ..moved[0].clone() };
        moved.push(twice);
    });
    let expected = (DifferenceKind::AmountDiffers, TransactionKind::Charge, Some(1_400), Some(700));
    assert_eq!(told(only(&compare_now(&shop))), expected);
}

#[test]
fn a_payment_that_is_taken_in_parts_counts_on_each_day_with_its_part() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(Reply::Authorize);
    capture(&shop, order, 700);
    let first = shop.world.now();
    shop.world.days(3);
    let second = shop.world.now();
    take(&shop, payment);
    shop.deliver_last();
    shop.gateway.change_books(move |moved| {
        moved.iter_mut().filter(|it| it.amount == eur(1_299)).for_each(|it| it.at = second);
    });
    for (day, part) in [(first, 700), (second, 1_299)] {
        let found = compare(&shop, day.saturating_sub(HOUR), day.saturating_add(HOUR));
        assert!(found.agrees(), "{:#?}", found.differences);
        let [sum] = &found.sums[..] else { panic!("charges alone: {:?}", found.sums) };
        assert_eq!((sum.provider, sum.booked), (eur(part), eur(part)));
    }
}

#[test]
fn what_is_missing_is_told_of_on_its_own_day_alone() {
    let (shop, order, payment) = busy();
    shop.gateway.change(payment, |payment| payment.disputes.clear());
    shop.gateway.change_books(|moved| moved.retain(|it| it.amount == eur(1)));
    let missing = compare_now(&shop).differences;
    assert_eq!(missing.len(), 3, "{missing:#?}");
    assert!(missing.iter().all(|it| it.kind == DifferenceKind::MissingAtProvider));
    shop.world.clock.advance(12 * HOUR);
    shop.world.refund(order, &refund_of(1)).unwrap();
    let later = compare_now(&shop);
    assert!(later.agrees() && later.transactions == 1, "{later:#?}");
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
fn a_refund_is_known_by_the_shops_id_or_by_what_the_provider_calls_it() {
    let (shop, order, payment) = busy();
    let given = given_by_hand(&shop, 70);
    shop.gateway.change(payment, |payment| payment.refunds.push(given));
    shop.deliver_last();
    shop.gateway.script([Reply::Lost(Box::new(Reply::Accept))]);
    shop.world.refund(order, &refund_of(30)).unwrap_err();
    let found = compare_now(&shop);
    assert!(found.agrees(), "{:#?}", found.differences);
    let refunds = found.sums.iter().find(|sum| sum.movement == TransactionKind::Refund).unwrap();
    assert_eq!(refunds.provider, eur(500 + 70 + 30));
}

#[test]
fn a_dispute_that_was_won_is_missing_until_that_is_told_and_differs_if_its_money_stays_away() {
    let (shop, _, payment) = busy();
    shop.gateway.change(payment, |payment| payment.disputes[0].status = DisputeStatus::Won);
    let missing = (DifferenceKind::MissingAtProvider, TransactionKind::Dispute, None, Some(300));
    assert_eq!(told(only(&compare_now(&shop))), missing);
    shop.deliver_last();
    assert!(compare_now(&shop).agrees());
    shop.gateway.change_books(|moved| {
        let charge = moved.iter().find(|it| is(TransactionKind::Charge)(it)).unwrap().clone();
        let (kind, reference) = (TransactionKind::Dispute, label("dp_1"));
        moved.push(Transaction { kind, reference, amount: eur(300), ..charge });
    });
    let differs = (DifferenceKind::AmountDiffers, TransactionKind::Dispute, Some(300), Some(0));
    assert_eq!(told(only(&compare_now(&shop))), differs);
}

#[test]
fn what_moves_before_midnight_and_is_booked_after_it_is_no_difference_on_either_day() {
    let shop = CardShop::new();
    let midnight: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    shop.world.clock.set(midnight.saturating_sub(Duration::from_secs(5)));
    let (order, payment) = shop.order(waits());
    shop.gateway.pay(payment);
    shop.world.clock.set(midnight.saturating_add(Duration::from_secs(5)));
    shop.deliver_last();
    shop.world.refund(order, &refund_of(100)).unwrap();
    let day = 24 * HOUR;
    let [before, after] = [midnight.saturating_sub(day), midnight]
        .map(|from| compare(&shop, from, from.saturating_add(day)));
    assert!(before.agrees() && after.agrees(), "{before:?} {after:?}");
    assert_eq!((before.transactions, after.transactions), (1, 1));
    assert_eq!(fetched(&shop), 1, "{:?}", shop.gateway.calls());
}

#[test]
fn what_was_taken_long_before_it_was_booked_is_looked_up() {
    let shop = CardShop::new();
    let (_, payment) = shop.order(waits());
    shop.gateway.pay(payment);
    // The webhook comes after five days; the order has lapsed meanwhile and is taken up again.
    shop.world.days(5);
    shop.deliver_last();
    let before = fetched(&shop);
    assert!(compare_now(&shop).agrees());
    assert_eq!(fetched(&shop), before + 1);
    shop.gateway.change(payment, |payment| {
        (payment.status, payment.captured) = (ProviderStatus::Voided, eur(0));
    });
    shop.gateway.change_books(Vec::clear);
    let expected = (DifferenceKind::MissingAtProvider, TransactionKind::Charge, None, Some(1_999));
    assert_eq!(told(only(&compare_now(&shop))), expected);
}

#[test]
fn a_refund_that_the_provider_made_much_later_is_looked_up() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(Reply::Capture);
    let asked = shop.world.now();
    shop.gateway.script([Reply::Unavailable]);
    shop.world.refund(order, &refund_of(500)).unwrap_err();
    shop.world.days(3);
    shop.settle();
    assert_eq!(shop.gateway.kept(payment), 1_499);
    // It moved days after it was asked for: not around the hour that is compared.
    shop.gateway.change_books(|moved| moved.retain(|it| !is(TransactionKind::Refund)(it)));
    let around = || compare(&shop, asked.saturating_sub(HOUR), asked.saturating_add(HOUR));
    assert!(around().agrees(), "{:#?}", around().differences);
    shop.gateway.change(payment, |payment| payment.refunds[0].status = RefundStatus::Failed);
    let missing = (DifferenceKind::MissingAtProvider, TransactionKind::Refund, None, Some(500));
    assert_eq!(told(only(&around())), missing, "it came to nothing, and nobody was told");
    let other = given_by_hand(&shop, 500);
    shop.gateway.change(payment, |payment| payment.refunds = vec![other]);
    assert_eq!(told(only(&around())), missing, "it was never made, but another");
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
