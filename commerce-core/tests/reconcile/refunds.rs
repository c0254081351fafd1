//! Refunds, whoever made them.

use super::*;

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
