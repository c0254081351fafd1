//! What a provider says of a payment, taken over: one promise after the other, each with a payment of
//! 100 and what is heard of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{slice, time::Duration};

use commerce_core::{
    currency::Currency,
    gateway::{ProviderAccount, ProviderDispute, ProviderPayment, ProviderRefund, ProviderStatus},
    id::{Moment, RefundId},
    money::Money,
    payment::{
        Decline, DeclineCode, DisputeStatus, Payment, PaymentStatus, Refund, RefundStatus,
        ReviewReason,
    },
    text::{GatewayName, Label},
    time::Timestamp,
};
use support::eur;

fn at(seconds: i64) -> Moment {
    Moment::new(Timestamp::from_millis(seconds * 1_000).unwrap(), [1; 16])
}

fn account() -> ProviderAccount {
    ProviderAccount { id: Some(label("acct_1")), livemode: true }
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn new() -> Payment {
    let mut moment = at(0);
    Payment::new(moment.id(), moment.id(), GatewayName::manual(), eur(100), moment.now())
}

/// What is heard: how far it is, and what was taken and can be taken.
fn said(status: ProviderStatus, captured: i64, capturable: i64) -> ProviderPayment {
    ProviderPayment {
        captured: eur(captured),
        capturable: eur(capturable),
        ..ProviderPayment::new(label("pi_1"), account(), status, eur(100))
    }
}

fn paid() -> ProviderPayment {
    said(ProviderStatus::Captured, 100, 0)
}

fn set_aside() -> ProviderPayment {
    said(ProviderStatus::Authorized, 0, 100)
}

fn given(reference: &str, minor: i64, status: RefundStatus) -> ProviderRefund {
    ProviderRefund {
        reference: label(reference),
        refund_id: None,
        amount: eur(minor),
        status,
        failure: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// A refund that the shop has asked for.
fn asked(minor: i64, status: RefundStatus, reference: Option<&str>) -> Refund {
    Refund {
        id: at(1).id(),
        amount: eur(minor),
        status,
        lines: Vec::new(),
        restock_to: None,
        reason: None,
        reference: reference.map(label),
        failure: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// A payment once all of this was heard, a second after the other.
fn heard(mut payment: Payment, all: &[ProviderPayment]) -> Payment {
    for (second, state) in (1..).zip(all) {
        payment = payment.merge(state, &account(), &mut at(second));
    }
    payment
}

fn with_refunds(refunds: impl IntoIterator<Item = ProviderRefund>) -> ProviderPayment {
    ProviderPayment { refunds: refunds.into_iter().collect(), ..paid() }
}

#[test]
fn a_review_ends_when_the_two_agree_again_and_loses_nothing() {
    let given = || given("re_1", 30, RefundStatus::Succeeded);
    let wrong = ProviderPayment { amount: eur(99), ..paid() };
    let reviewed = heard(new(), &[paid(), with_refunds([given()]), wrong]);
    assert_eq!(reviewed.status, PaymentStatus::NeedsReview);
    assert_eq!(reviewed.in_review(), Some(ReviewReason::WrongAmount));
    assert_eq!((reviewed.captured, reviewed.refunded), (eur(100), eur(30)), "they stay");
    let again = heard(reviewed, &[with_refunds([given()])]);
    assert_eq!((again.status, again.in_review()), (PaymentStatus::PartiallyRefunded, None));

    let wrong = ProviderPayment { amount: eur(99), ..paid() };
    assert_eq!(heard(new(), &[paid(), wrong, paid()]).status, PaymentStatus::Paid);
    for (state, status) in [
        (set_aside(), PaymentStatus::Authorized),
        (paid(), PaymentStatus::Paid),
        (said(ProviderStatus::Captured, 40, 60), PaymentStatus::PartiallyCaptured),
        (said(ProviderStatus::Voided, 0, 0), PaymentStatus::Voided),
    ] {
        let foreign = ProviderAccount { livemode: false, ..account() };
        let wrong = ProviderPayment { account: foreign, ..state.clone() };
        // One that came to nothing is another account's as well as nobody's.
        if status != PaymentStatus::Voided {
            let reviewed = heard(new(), slice::from_ref(&wrong));
            assert_eq!(reviewed.in_review(), Some(ReviewReason::WrongAccount));
            assert!(reviewed.authorized.is_zero() && reviewed.capture_before.is_none());
        }
        let again = heard(new(), &[wrong, state]);
        assert_eq!((again.status, again.in_review()), (status, None));
    }
}

#[test]
fn what_cannot_be_right_is_known_by_each_of_its_amounts() {
    let usd = |minor| Money::new(minor, Currency::USD);
    let refund = ProviderRefund { amount: usd(1), ..given("re_1", 1, RefundStatus::Succeeded) };
    let dispute = ProviderDispute { amount: usd(1), ..disputed(DisputeStatus::Open, None) };
    let wrong = [
        (ProviderPayment { amount: usd(100), ..paid() }, ReviewReason::WrongCurrency),
        (ProviderPayment { captured: usd(100), ..paid() }, ReviewReason::WrongCurrency),
        (ProviderPayment { capturable: usd(0), ..paid() }, ReviewReason::WrongCurrency),
        (with_refunds([refund]), ReviewReason::WrongCurrency),
        (ProviderPayment { disputes: vec![dispute], ..paid() }, ReviewReason::WrongCurrency),
        (ProviderPayment { amount: eur(101), ..paid() }, ReviewReason::WrongAmount),
        (ProviderPayment { amount: eur(99), ..set_aside() }, ReviewReason::WrongAmount),
        (said(ProviderStatus::Captured, 101, 0), ReviewReason::WrongAmount),
        (said(ProviderStatus::Captured, -1, 0), ReviewReason::WrongAmount),
        (said(ProviderStatus::Authorized, 0, 101), ReviewReason::WrongAmount),
        (
            ProviderPayment { amount: eur(99), ..said(ProviderStatus::Captured, 40, 0) },
            ReviewReason::WrongAmount,
        ),
        (said(ProviderStatus::Captured, 60, 41), ReviewReason::WrongAmount),
    ];
    for (state, reason) in wrong {
        let found = heard(new(), slice::from_ref(&state));
        assert_eq!((found.status, found.in_review()), (PaymentStatus::NeedsReview, Some(reason)));
        assert!(found.captured.is_zero() && found.refunds.is_empty(), "{state:?}");
    }
    let all = heard(new(), &[said(ProviderStatus::Captured, 60, 40)]);
    assert_eq!((all.captured, all.capturable()), (eur(60), eur(40)));
    assert_eq!(all.status, PaymentStatus::PartiallyCaptured);
}

#[test]
fn what_came_to_nothing_is_over_whatever_it_was_for() {
    let over = [
        (ProviderStatus::Voided, PaymentStatus::Voided),
        (ProviderStatus::Failed, PaymentStatus::Failed),
        (ProviderStatus::Expired, PaymentStatus::Expired),
    ];
    for (status, expected) in over {
        let nothing = ProviderPayment { amount: eur(1), ..said(status, 0, 0) };
        assert_eq!(heard(new(), &[nothing]).status, expected);
        // Where money is, or was, it is not nothing.
        for (captured, capturable) in [(1, 0), (0, 1)] {
            let some = ProviderPayment { amount: eur(1), ..said(status, captured, capturable) };
            assert_eq!(heard(new(), &[some]).in_review(), Some(ReviewReason::WrongAmount));
        }
        let gone = ProviderPayment { amount: eur(1), ..said(status, 0, 0) };
        let found = heard(new(), &[paid(), gone]);
        assert_eq!((found.status, found.captured), (PaymentStatus::NeedsReview, eur(100)));
    }
    let waits = ProviderPayment { amount: eur(1), ..said(ProviderStatus::RequiresAction, 0, 0) };
    assert_eq!(heard(new(), &[waits]).in_review(), Some(ReviewReason::WrongAmount));
}

#[test]
fn the_time_of_the_money_is_when_it_was_first_heard_of() {
    let part = said(ProviderStatus::Captured, 40, 60);
    assert_eq!(heard(new(), &[set_aside()]).captured_at, None);
    let seconds = |all: &[ProviderPayment]| heard(new(), all).captured_at.unwrap().as_millis();
    assert_eq!(seconds(&[set_aside(), part.clone()]), 2_000);
    assert_eq!(seconds(&[part.clone(), part.clone(), part.clone()]), 1_000, "no news");
    assert_eq!(seconds(&[part.clone(), paid(), part]), 2_000, "more of it, and then old news");
}

#[test]
fn what_is_let_go_is_counted_only_where_that_is_certain() {
    use ProviderStatus::{Authorized, Captured, Expired, Processing, Voided};
    let released = |all: &[ProviderPayment]| {
        let found = heard(new(), all);
        (found.released.minor(), found.capturable().minor())
    };
    assert_eq!(released(&[set_aside()]), (0, 100));
    assert_eq!(released(&[set_aside(), said(Captured, 60, 0)]), (40, 0), "the rest is let go");
    assert_eq!(released(&[set_aside(), said(Captured, 60, 40)]), (0, 40), "or kept");
    assert_eq!(released(&[set_aside(), said(Captured, 60, 30)]), (10, 30), "or some of it");
    for over in [Voided, Expired] {
        assert_eq!(released(&[set_aside(), said(over, 0, 0)]), (100, 0));
    }
    // Whoever asks too early may not see yet what is set aside.
    for early in [Authorized, Processing] {
        assert_eq!(released(&[set_aside(), said(early, 0, 0)]).0, 0, "{early:?}");
    }
    // What is set aside again after it was called off is taken without being let go.
    assert_eq!(released(&[set_aside(), said(Voided, 0, 0), paid()]), (0, 0));
    // Old news changes nothing.
    let all = [set_aside(), said(Captured, 60, 0), said(Captured, 60, 40), set_aside()];
    assert_eq!(released(&all), (40, 0));
}

#[test]
fn money_is_set_aside_until_the_provider_says_or_as_long_as_is_usual() {
    let usual = Payment::AUTHORIZATION_LASTS;
    let [first, later] = [at(1), at(2)].map(|moment| moment.now().saturating_add(usual));
    let until = |all: &[ProviderPayment]| heard(new(), all).capture_before;
    assert_eq!(until(&[set_aside()]), Some(first));
    assert_eq!(until(&[set_aside(), set_aside()]), Some(first), "it is not longer for being seen");
    let day = at(86_400).now();
    let exact = ProviderPayment { capture_before: Some(day), ..set_aside() };
    assert_eq!(until(slice::from_ref(&exact)), Some(day));
    assert_eq!(until(&[set_aside(), exact.clone()]), Some(day));
    assert_eq!(until(&[exact.clone(), set_aside()]), Some(day), "what was said once stays");
    assert_eq!(until(&[exact, paid()]), None, "nothing is set aside any more");
    let waits = said(ProviderStatus::RequiresAction, 0, 0);
    assert_eq!(until(&[waits, set_aside()]), Some(later));
    // Nor is it longer because a person had to look at it.
    let part = || said(ProviderStatus::Captured, 40, 60);
    let refunds = vec![asked(30, RefundStatus::Succeeded, None)];
    let back = Payment { refunds, ..heard(new(), &[part()]) };
    let more = vec![given("re_1", 20, RefundStatus::Succeeded)];
    let over = ProviderPayment { refunds: more, ..part() };
    let reviewed = heard(back, slice::from_ref(&over));
    assert_eq!(reviewed.status, PaymentStatus::NeedsReview);
    assert_eq!(heard(reviewed, &[over, part()]).capture_before, Some(first));
}

#[test]
fn it_is_called_by_at_most_so_many_names_each_once_and_the_first_stays_first() {
    let names = |from: usize, to: usize| ProviderPayment {
        references: (from..to).map(|n| label(&format!("pi_{n}"))).collect(),
        ..set_aside()
    };
    let found = heard(new(), &[names(0, 2), names(1, 3), names(0, 40)]);
    assert_eq!(found.references.len(), Payment::REFERENCES_MAX);
    let expected: Vec<_> = names(0, Payment::REFERENCES_MAX).references;
    assert_eq!(found.references, expected);
}

#[test]
fn what_the_customer_needs_is_what_was_said_first() {
    let waits = |secret: &str| ProviderPayment {
        client_secret: Some(label(secret)),
        redirect_url: Some(format!("https://pay.example/{secret}").parse().unwrap()),
        ..said(ProviderStatus::RequiresAction, 0, 0)
    };
    let found = heard(new(), &[waits("a"), waits("b"), said(ProviderStatus::Processing, 0, 0)]);
    assert_eq!(found.client_secret, Some(label("a")));
    assert_eq!(found.redirect_url.unwrap().as_str(), "https://pay.example/a");
}

#[test]
fn why_it_was_declined_is_known_until_it_is_paid() {
    let decline = Decline { code: DeclineCode::Declined, reason: label("no funds") };
    let waits = || said(ProviderStatus::RequiresAction, 0, 0);
    let declined = ProviderPayment { failure: Some(decline.clone()), ..waits() };
    let failure = |all: &[ProviderPayment]| heard(new(), all).failure;
    assert_eq!(failure(slice::from_ref(&declined)), Some(decline.clone()));
    assert_eq!(failure(&[declined.clone(), waits()]), Some(decline.clone()));
    let over = said(ProviderStatus::Voided, 0, 0);
    assert_eq!(failure(&[declined.clone(), over]), Some(decline.clone()));
    let other = Decline { reason: label("too late"), ..decline };
    let later = ProviderPayment { failure: Some(other.clone()), ..waits() };
    assert_eq!(failure(&[declined.clone(), later]), Some(other));
    let given = given("re_1", 100, RefundStatus::Succeeded);
    let part = said(ProviderStatus::Captured, 40, 60);
    for money in [set_aside(), part, paid(), with_refunds([given])] {
        assert_eq!(failure(&[declined.clone(), money]), None);
    }
}

#[test]
fn more_given_back_than_was_taken_is_reviewed_and_not_booked() {
    let all = given("re_1", 100, RefundStatus::Succeeded);
    let found = heard(new(), &[with_refunds([all.clone()])]);
    assert_eq!((found.status, found.refunded), (PaymentStatus::Refunded, eur(100)), "all of it");
    let more = given("re_2", 1, RefundStatus::Pending);
    let found = heard(found, &[with_refunds([all.clone(), more.clone()])]);
    assert_eq!((found.status, found.refunds.len()), (PaymentStatus::NeedsReview, 1));
    assert_eq!(found.in_review(), Some(ReviewReason::OverRefunded));
    // One that failed makes room, in whatever order they are told, and needs none itself.
    let failed = given("re_1", 100, RefundStatus::Failed);
    for refunds in [[failed.clone(), more.clone()], [more.clone(), failed.clone()]] {
        let found = heard(found.clone(), &[with_refunds(refunds)]);
        assert_eq!((found.status, found.in_review()), (PaymentStatus::Paid, None));
        assert_eq!(found.being_refunded(), eur(1));
    }
    let failed = given("re_3", 100, RefundStatus::Failed);
    let found = heard(new(), &[with_refunds([all.clone()]), with_refunds([all.clone(), failed])]);
    assert_eq!((found.in_review(), found.refunds.len()), (None, 1), "nor is it a refund of ours");
    // How much was taken may be older news than what was given back.
    let part = said(ProviderStatus::Captured, 40, 60);
    let found = heard(new(), &[paid(), ProviderPayment { refunds: vec![all], ..part }]);
    assert_eq!((found.status, found.in_review()), (PaymentStatus::Refunded, None));
}

#[test]
fn a_refund_of_others_waits_while_one_of_ours_may_not_have_been_made() {
    let by_hand = || given("re_hand", 60, RefundStatus::Succeeded);
    // Nobody has heard of ours: it may take the place of the other, or never have been made.
    let unheard = Payment {
        refunds: vec![asked(50, RefundStatus::Pending, None)],
        ..heard(new(), &[paid()])
    };
    let found = heard(unheard, &[with_refunds([by_hand()])]);
    assert_eq!((found.status, found.in_review()), (PaymentStatus::Paid, None));
    assert_eq!(found.refunds.len(), 1, "there is no room for both");
    // One that the provider has told of, or that was given up, is certain.
    for (status, reference) in
        [(RefundStatus::Pending, Some("re_ours")), (RefundStatus::Succeeded, None)]
    {
        let certain =
            Payment { refunds: vec![asked(50, status, reference)], ..heard(new(), &[paid()]) };
        let found = heard(certain, &[with_refunds([by_hand()])]);
        assert_eq!(found.status, PaymentStatus::NeedsReview, "{status:?}");
        assert_eq!(found.in_review(), Some(ReviewReason::OverRefunded), "{status:?}");
    }
}

#[test]
fn a_refund_that_was_given_up_unheard_may_turn_up_after_all() {
    let failure = Some(label("declined"));
    let lost = Refund { failure, ..asked(60, RefundStatus::Failed, None) };
    let id: RefundId = lost.id;
    let payment = || Payment { refunds: vec![lost.clone()], ..heard(new(), &[paid()]) };
    let turns_up = |status| ProviderRefund { refund_id: Some(id), ..given("re_1", 60, status) };
    for (status, refunded, being) in
        [(RefundStatus::Succeeded, 60, 0), (RefundStatus::Pending, 0, 60)]
    {
        let found = heard(payment(), &[with_refunds([turns_up(status)])]);
        assert_eq!((found.refunded, found.being_refunded()), (eur(refunded), eur(being)));
        assert_eq!(found.refunds.len(), 1, "it is the same");
        assert_eq!(found.refunds[0].reference, Some(label("re_1")));
        assert_eq!(found.refunds[0].failure, None, "it did not fail");
    }
    // Unless there is no room for it any more.
    let taken = given("re_2", 50, RefundStatus::Succeeded);
    let both = with_refunds([taken.clone(), turns_up(RefundStatus::Succeeded)]);
    for late in [both, with_refunds([turns_up(RefundStatus::Succeeded)])] {
        let found = heard(payment(), &[with_refunds([taken.clone()]), late]);
        assert_eq!(
            (found.in_review(), found.refunded),
            (Some(ReviewReason::OverRefunded), eur(50))
        );
    }
}

#[test]
fn a_refund_only_moves_forward_but_for_one_that_a_bank_sends_back() {
    use RefundStatus::{Failed, Pending, Succeeded};
    let cases = [
        (Pending, Pending, Pending),
        (Pending, Succeeded, Succeeded),
        (Pending, Failed, Failed),
        (Succeeded, Pending, Succeeded),
        (Succeeded, Succeeded, Succeeded),
        (Succeeded, Failed, Failed),
        (Failed, Pending, Failed),
        (Failed, Succeeded, Failed),
        (Failed, Failed, Failed),
    ];
    for (before, seen, after) in cases {
        let known = asked(30, before, Some("re_1"));
        let payment = Payment { refunds: vec![known], ..heard(new(), &[paid()]) };
        let failure = (seen == Failed).then(|| label("lost"));
        let seen = ProviderRefund { failure, ..given("re_1", 30, seen) };
        let found = heard(payment, &[with_refunds([seen.clone()])]);
        let refund = &found.refunds[0];
        assert_eq!(refund.status, after, "{before:?} {:?}", seen.status);
        let failure = seen.failure.clone().filter(|_| after == Failed);
        assert_eq!(refund.failure, failure);
        let brief = ProviderRefund { failure: None, ..seen };
        let again = heard(found, &[with_refunds([brief])]);
        assert_eq!(again.refunds[0].failure, failure, "what was said once stays");
    }
}

#[test]
fn a_refund_that_failed_is_not_booked_again_and_a_person_sees_if_both_it_and_its_like_were_made() {
    use RefundStatus::{Failed, Succeeded};
    let first = |status| given("re_1", 60, status);
    let second = || given("re_2", 60, Succeeded);
    let failed =
        Payment { refunds: vec![asked(60, Failed, Some("re_1"))], ..heard(new(), &[paid()]) };
    let found = heard(failed, &[with_refunds([first(Failed), second()])]);
    assert_eq!((found.status, found.refunded), (PaymentStatus::PartiallyRefunded, eur(60)));
    // An answer that was long on its way tells what was before.
    let late = heard(found.clone(), &[with_refunds([first(Succeeded)])]);
    assert_eq!((late.in_review(), late.refunded), (None, eur(60)));
    // One that knows of both does not.
    let both = heard(found, &[with_refunds([first(Succeeded), second()])]);
    assert_eq!(both.status, PaymentStatus::NeedsReview);
    assert_eq!(both.in_review(), Some(ReviewReason::OverRefunded));
    assert_eq!((both.refunded, both.being_refunded()), (eur(60), eur(0)), "no more than is there");
    let settled = heard(both, &[with_refunds([first(Failed), second()])]);
    assert_eq!((settled.status, settled.in_review()), (PaymentStatus::PartiallyRefunded, None));
}

#[test]
fn a_refund_that_failed_makes_a_payment_what_it_was_before() {
    let given = |status| given("re_1", 30, status);
    let state = |captured, status| ProviderPayment {
        refunds: vec![given(status)],
        ..said(ProviderStatus::Captured, captured, 0)
    };
    for (captured, before) in [(100, PaymentStatus::Paid), (60, PaymentStatus::PartiallyCaptured)] {
        let found = heard(new(), &[state(captured, RefundStatus::Succeeded)]);
        assert_eq!(found.status, PaymentStatus::PartiallyRefunded);
        let found = heard(found, &[state(captured, RefundStatus::Failed)]);
        assert_eq!((found.status, found.refunded), (before, eur(0)));
    }
}

fn disputed(status: DisputeStatus, reason: Option<&str>) -> ProviderDispute {
    ProviderDispute {
        reference: label("dp_1"),
        amount: eur(10),
        status,
        reason: reason.map(label),
        opened_at: Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(1)),
    }
}

#[test]
fn a_dispute_is_known_once_and_its_reason_is_what_was_said_first() {
    let with = |disputes: Vec<_>| ProviderPayment { disputes, ..paid() };
    let opened = |reason| with(vec![disputed(DisputeStatus::Open, reason)]);
    let found = heard(new(), &[opened(None), opened(Some("fraudulent")), opened(Some("other"))]);
    assert_eq!(found.disputes.len(), 1);
    assert_eq!(found.disputes[0].reason, Some(label("fraudulent")));
    assert_eq!(found.refundable(), eur(90));
    // It is open no more once it was decided; but a bank may decide again, for the other side.
    let decided = |status| with(vec![disputed(status, None)]);
    let story = [opened(None), decided(DisputeStatus::Lost), opened(None)];
    let found = heard(new(), &story);
    assert_eq!(found.disputes[0].status, DisputeStatus::Lost);
    let found = heard(found, &[decided(DisputeStatus::Won)]);
    assert_eq!((found.disputes[0].status, found.refundable()), (DisputeStatus::Won, eur(100)));
}

#[test]
fn more_disputes_than_there_can_be_are_for_a_person_to_see() {
    let with = |many: usize| {
        let disputes = (0..many).map(|n| ProviderDispute {
            reference: label(&format!("dp_{n}")),
            ..disputed(DisputeStatus::Won, None)
        });
        ProviderPayment { disputes: disputes.collect(), ..paid() }
    };
    let most = Payment::DISPUTES_MAX;
    let found = heard(new(), &[with(most)]);
    assert_eq!((found.disputes.len(), found.in_review()), (most, None));
    for found in [heard(found, &[with(most + 1)]), heard(new(), &[with(most + 1)])] {
        assert_eq!((found.disputes.len(), found.status), (most, PaymentStatus::NeedsReview));
        assert_eq!(found.in_review(), Some(ReviewReason::TooMany));
    }
}

#[test]
fn more_refunds_than_there_can_be_are_for_a_person_to_see() {
    let with = |many: usize| {
        with_refunds((0..many).map(|n| ProviderRefund {
            amount: eur(i64::from(n % 10 == 0 && n < Payment::REFUNDS_MAX)),
            ..given(&format!("re_{n}"), 0, RefundStatus::Succeeded)
        }))
    };
    let most = Payment::REFUNDS_MAX;
    let found = heard(new(), &[with(most)]);
    assert_eq!((found.refunds.len(), found.refunded, found.in_review()), (most, eur(100), None));
    for found in [heard(found, &[with(most + 1)]), heard(new(), &[with(most + 1)])] {
        assert_eq!((found.refunds.len(), found.refunded), (most, eur(100)));
        assert_eq!(found.status, PaymentStatus::NeedsReview);
        assert_eq!(found.in_review(), Some(ReviewReason::TooMany));
    }
    // One more that failed is none.
    let failed = given("re_failed", 1, RefundStatus::Failed);
    let mut seen = with(most);
    seen.refunds.push(failed);
    assert_eq!(heard(new(), &[seen]).in_review(), None);
}
