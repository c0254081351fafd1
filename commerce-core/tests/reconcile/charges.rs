//! What an order was charged, once or twice.

use super::*;

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
