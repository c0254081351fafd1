//! On which day something moved.

use super::*;

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
