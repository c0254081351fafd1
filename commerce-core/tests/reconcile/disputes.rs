//! Disputes, lost and won.

use super::*;

#[test]
fn a_dispute_that_the_provider_does_not_have_is_missing() {
    let (shop, _, payment) = busy();
    shop.gateway.change(payment, |payment| payment.disputes.clear());
    let expected = (DifferenceKind::MissingAtProvider, TransactionKind::Dispute, None, Some(300));
    assert_eq!(told(only(&compare_now(&shop))), expected);
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
