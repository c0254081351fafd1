//! Payments from their beginning to their end, through a fake Stripe.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::time::Duration;

use commerce_core::{
    currency::Currency,
    gateway::{GatewayError, PaymentGateway as _, ProviderStatus},
    money::Money,
    payment::{DeclineCode, DisputeStatus, Payment, PaymentFlow, RefundStatus},
    text::Url,
};
use fake_stripe::{Call, FakeStripe, Fault, Operation};
use serde_json::Value;
use support::{Bench, config, eur, euros, hosted, label, manual, order, payment, refund, word};

#[tokio::test]
async fn a_customer_pays_on_the_shops_page() {
    let bench = Bench::open().await;
    let order = euros().await;
    let state = bench.create(&order, &payment(&order, 1)).await.unwrap();
    assert_eq!(state.status, ProviderStatus::RequiresAction);
    assert_eq!((state.amount, state.captured), (eur(7_490), eur(0)));
    assert!(!state.account.livemode);
    let secret = state.client_secret.unwrap();
    let payment = Payment { references: state.references, ..payment(&order, 1) };
    let intent = payment.references[0].as_str();
    assert!(secret.starts_with(intent));
    let seen = &bench.stripe.payment_intents()[0];
    assert_eq!(seen["metadata"]["payment_id"], payment.id.to_string());
    assert_eq!(seen["metadata"]["order_number"], order.number.to_string());
    assert_eq!(seen["shipping"]["address"]["city"], "Berlin");

    // A card that is refused leaves the payment open for another.
    bench.stripe.confirm(intent, "pm_card_chargeDeclinedInsufficientFunds").unwrap_err();
    let state = bench.fetch(&payment).await;
    assert_eq!(state.status, ProviderStatus::RequiresAction);
    assert_eq!(state.failure.unwrap().code, DeclineCode::InsufficientFunds);
    assert!(state.client_secret.is_some());
    bench.stripe.confirm(intent, "pm_card_visa").unwrap();
    let state = bench.fetch(&payment).await;
    assert_eq!((state.status, state.captured), (ProviderStatus::Captured, eur(7_490)));
    assert_eq!((state.failure, state.client_secret), (None, None));
    assert!(state.references[1].starts_with("ch_"));

    let half = refund(eur(3_745), 1);
    let given = bench.refund(&payment, &half).await.unwrap();
    assert_eq!((given.refund_id, given.status), (Some(half.id), RefundStatus::Succeeded));
    assert_eq!(bench.fetch(&payment).await.refunds, [given]);
    assert_eq!(bench.stripe.kept("eur"), 3_745);
    assert_eq!(word(&bench.refund(&payment, &refund(eur(3_746), 2)).await), "stale");
    bench.refund(&payment, &refund(eur(3_745), 3)).await.unwrap();
    assert_eq!(word(&bench.refund(&payment, &refund(eur(1), 4)).await), "stale");
    assert_eq!(bench.stripe.kept("eur"), 0);
}

#[tokio::test]
async fn money_is_set_aside_and_taken_in_part() {
    let bench = Bench::open().await;
    let order = euros().await;
    let payment = bench.paid(&order, manual(payment(&order, 1)), "pm_card_visa").await;
    let held = bench.fetch(&payment).await;
    assert_eq!((held.status, held.capturable), (ProviderStatus::Authorized, eur(7_490)));
    assert!(held.capture_before.is_some());
    assert_eq!(word(&bench.capture(&payment, eur(7_491)).await), "stale");
    let operation = support::operation(
        &payment,
        commerce_core::payment::OperationKind::Capture,
        2,
        eur(5_000),
        None,
    );
    let taken = bench.gateway.capture(&payment, &operation).await.unwrap();
    assert_eq!((taken.status, taken.captured), (ProviderStatus::Captured, eur(5_000)));
    // What was let go of is no refund.
    let seen = bench.fetch(&payment).await;
    assert_eq!((seen.captured, seen.capturable, seen.refunds.len()), (eur(5_000), eur(0), 0));
    let given = refund(eur(5_000), 1);
    bench.refund(&payment, &given).await.unwrap();
    assert_eq!(bench.fetch(&payment).await.refunds.len(), 1);
    assert_eq!(bench.stripe.kept("eur"), 0);
    assert_eq!(word(&bench.void(&payment).await), "stale");
}

#[tokio::test]
async fn a_payment_is_called_off_before_and_after_the_card_was_entered() {
    let bench = Bench::open().await;
    let order = euros().await;
    let open = bench.made(&order, payment(&order, 1)).await;
    assert_eq!(bench.void(&open).await.unwrap().status, ProviderStatus::Voided);
    assert!(bench.stripe.confirm(&open.references[0], "pm_card_visa").is_err());
    // Again, under the same key and under another: it is off already.
    assert_eq!(bench.void(&open).await.unwrap().status, ProviderStatus::Voided);

    let held = bench.paid(&order, manual(payment(&order, 2)), "pm_card_visa").await;
    let off = bench.void(&held).await.unwrap();
    assert_eq!((off.status, off.capturable), (ProviderStatus::Voided, eur(0)));
    assert_eq!(word(&bench.capture(&held, eur(7_490)).await), "stale");

    let lapsed = bench.paid(&order, manual(payment(&order, 3)), "pm_card_visa").await;
    bench.stripe.advance(Duration::from_secs(8 * 24 * 60 * 60));
    assert_eq!(bench.fetch(&lapsed).await.status, ProviderStatus::Expired);
    assert_eq!(bench.void(&lapsed).await.unwrap().status, ProviderStatus::Expired);
    assert_eq!(bench.stripe.kept("eur"), 0);
}

#[tokio::test]
async fn stripe_is_asked_for_what_there_is_and_no_more() {
    let bench = Bench::open().await;
    let order = euros().await;
    let open = bench.made(&order, payment(&order, 1)).await;
    let paid = bench.paid(&order, payment(&order, 2), "pm_card_visa").await;
    let disputed = bench.paid(&order, payment(&order, 3), "pm_card_createDispute").await;
    let held = bench.paid(&order, manual(payment(&order, 4)), "pm_card_visa").await;
    let before = bench.stripe.calls().len();
    for payment in [&open, &paid, &disputed] {
        bench.fetch(payment).await;
    }
    // What it is called is known of all of these.
    bench.refund(&paid, &refund(eur(1), 1)).await.unwrap();
    bench.capture(&held, eur(1)).await.unwrap();
    let calls = bench.stripe.calls();
    let asked: Vec<_> = calls[before..].iter().map(|call| call.operation).collect();
    let expected = [
        Operation::RetrievePaymentIntent,
        Operation::RetrievePaymentIntent,
        Operation::ListRefunds,
        Operation::RetrievePaymentIntent,
        Operation::ListRefunds,
        Operation::ListDisputes,
        Operation::CreateRefund,
        Operation::CapturePaymentIntent,
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_refund_that_fails_later_is_told() {
    let bench = Bench::open().await;
    let order = euros().await;
    let payment = bench.paid(&order, payment(&order, 1), "pm_card_refundFail").await;
    let back = refund(eur(7_490), 1);
    assert_eq!(bench.refund(&payment, &back).await.unwrap().status, RefundStatus::Succeeded);
    bench.stripe.advance(Duration::from_secs(60));
    let failed = &bench.fetch(&payment).await.refunds[0];
    assert_eq!((failed.refund_id, failed.status), (Some(back.id), RefundStatus::Failed));
    assert!(failed.failure.is_some());
    // Its money can be given back again.
    bench.refund(&payment, &refund(eur(7_490), 2)).await.unwrap();
}

#[tokio::test]
async fn a_dispute_is_told_and_stops_refunds() {
    let bench = Bench::open().await;
    let order = euros().await;
    let payment = bench.paid(&order, payment(&order, 1), "pm_card_createDispute").await;
    let dispute = &bench.fetch(&payment).await.disputes[0];
    assert_eq!((dispute.status, dispute.amount), (DisputeStatus::Open, eur(7_490)));
    assert_eq!(dispute.reason, Some(label("fraudulent")));
    assert_eq!(word(&bench.refund(&payment, &refund(eur(1), 1)).await), "stale");
    bench.stripe.decide_dispute(&dispute.reference, true).unwrap();
    assert_eq!(bench.fetch(&payment).await.disputes[0].status, DisputeStatus::Won);
    bench.refund(&payment, &refund(eur(1), 2)).await.unwrap();

    let asked = bench.paid(&order, support::payment(&order, 2), "pm_card_createDisputeInquiry");
    let asked = asked.await;
    assert!(bench.fetch(&asked).await.disputes.is_empty());
}

#[tokio::test]
async fn amounts_are_stripes_where_they_go_and_ours_where_they_come_back() {
    for (code, theirs) in
        [("EUR", 7_490), ("JPY", 7_490), ("ISK", 749_000), ("UGX", 749_000), ("KWD", 7_490)]
    {
        let bench = Bench::open().await;
        let currency = Currency::parse(code).unwrap();
        let order = order(currency).await;
        let payment = bench.paid(&order, payment(&order, 1), "pm_card_visa").await;
        assert_eq!(bench.stripe.kept(&code.to_lowercase()), theirs, "{code}");
        assert_eq!(bench.fetch(&payment).await.captured, Money::new(7_490, currency));
        // Of a thousandth Stripe takes nothing, and of the ariary only whole ones.
        let one = refund(Money::new(1, currency), 1);
        let expected = if code == "KWD" { "unsupported" } else { "done" };
        assert_eq!(word(&bench.refund(&payment, &one).await), expected, "{code}");
    }
    let bench = Bench::open().await;
    let order = order(Currency::parse("MGA").unwrap()).await;
    let made = bench.create(&order, &payment(&order, 1)).await;
    assert_eq!(word(&made), "unsupported", "74.90 ariary are no whole ones");
    let order = self::order(Currency::parse("IQD").unwrap()).await;
    assert_eq!(word(&bench.create(&order, &payment(&order, 1)).await), "unsupported");
}

#[tokio::test]
async fn what_is_too_small_or_too_large_is_not_possible_and_who_is_not_known_is_refused() {
    let bench = Bench::open().await;
    let order = euros().await;
    let tiny = Payment { amount: eur(1), ..payment(&order, 1) };
    assert_eq!(word(&bench.create(&order, &tiny).await), "unsupported");
    let huge = Payment { amount: eur(100_000_000), ..payment(&order, 2) };
    assert_eq!(word(&bench.create(&order, &huge).await), "unsupported");
    let made = bench.made(&order, payment(&order, 3)).await;
    // The key is another account's: what is known to exist does not, and waits for a person.
    let stripe = FakeStripe::builder().secret_key(bench.stripe.secret_key()).start().await.unwrap();
    let mut moved = config(&bench.stripe);
    moved.api = Some(Url::new(stripe.url()).unwrap());
    let other = commerce_stripe::StripeGateway::new(moved).unwrap();
    assert_eq!(other.fetch(&made).await.unwrap(), None);
    // The key is none.
    let mut wrong = config(&bench.stripe);
    wrong.secret_key = commerce_stripe::SecretKey::new("sk_test_wrong").unwrap();
    let wrong = commerce_stripe::StripeGateway::new(wrong).unwrap();
    let Err(GatewayError::Refused(source)) = wrong.fetch(&made).await else {
        panic!("it should have been refused")
    };
    assert!(!format!("{source} {source:?} {wrong:?}").contains("sk_test_wrong"));
}

#[tokio::test]
async fn what_the_key_may_not_do_is_refused_and_the_payment_goes_on() {
    let bench = Bench::open().await;
    let order = euros().await;
    let forbid = |operation| bench.stripe.fail(operation, Fault::Forbidden, 1);
    let page = bench.made(&order, hosted(payment(&order, 1))).await;
    forbid(Operation::ExpireCheckoutSession);
    assert_eq!(word(&bench.void(&page).await), "refused");
    let held = bench.paid(&order, manual(payment(&order, 2)), "pm_card_visa").await;
    forbid(Operation::CancelPaymentIntent);
    assert_eq!(word(&bench.void(&held).await), "refused");
    // All that there is is allowed, and a cent more is not.
    forbid(Operation::CapturePaymentIntent);
    assert_eq!(word(&bench.capture(&held, eur(7_490)).await), "refused");
    bench.capture(&held, eur(5_000)).await.unwrap();
    forbid(Operation::CreateRefund);
    assert_eq!(word(&bench.refund(&held, &refund(eur(5_000), 1)).await), "refused");
    assert_eq!(word(&bench.refund(&held, &refund(eur(5_001), 1)).await), "stale");
    // What is on its way back is spoken for; what came back is not.
    let pending = bench.paid(&order, payment(&order, 3), "pm_card_pendingRefund").await;
    bench.refund(&pending, &refund(eur(1_000), 2)).await.unwrap();
    assert_eq!(word(&bench.refund(&pending, &refund(eur(6_491), 3)).await), "stale");
    let failed = bench.paid(&order, payment(&order, 4), "pm_card_refundFail").await;
    bench.refund(&failed, &refund(eur(1_000), 4)).await.unwrap();
    bench.stripe.advance(Duration::from_secs(60));
    forbid(Operation::CreateRefund);
    assert_eq!(word(&bench.refund(&failed, &refund(eur(7_490), 5)).await), "refused");
}

#[tokio::test]
async fn the_books_list_what_moved_money() {
    let bench = Bench::open().await;
    let order = euros().await;
    let paid = bench.paid(&order, payment(&order, 1), "pm_card_visa").await;
    let given = refund(eur(1_000), 1);
    bench.refund(&paid, &given).await.unwrap();
    let part = bench.paid(&order, manual(payment(&order, 2)), "pm_card_visa").await;
    bench.capture(&part, eur(5_000)).await.unwrap();
    let disputed = bench.paid(&order, payment(&order, 3), "pm_card_createDispute").await;
    let failing = bench.paid(&order, payment(&order, 4), "pm_card_refundFail").await;
    bench.refund(&failing, &refund(eur(500), 2)).await.unwrap();
    bench.paid(&order, manual(payment(&order, 5)), "pm_card_visa").await;
    bench
        .stripe
        .confirm(
            &bench.made(&order, payment(&order, 6)).await.references[0],
            "pm_card_chargeDeclined",
        )
        .unwrap_err();
    bench.stripe.advance(Duration::from_secs(60));
    // Nothing of ours.
    let stranger = support::foreign_charge(&bench.stripe).await;

    let rows = support::books(&bench).await;
    let row = |kind: &str, payment: Option<&Payment>, refund: Option<String>, minor: i64| {
        (kind.to_owned(), payment.map(|payment| payment.id), refund, minor)
    };
    let mut expected = vec![
        row("Charge", Some(&paid), None, 7_490),
        row("Refund", Some(&paid), Some(given.id.to_string()), 1_000),
        row("Charge", Some(&part), None, 5_000),
        row("Charge", Some(&disputed), None, 7_490),
        row("Dispute", None, None, 7_490),
        row("Charge", Some(&failing), None, 7_490),
        row("Charge", None, None, 12_345),
    ];
    let mut seen: Vec<_> = rows
        .iter()
        .map(|row| {
            let refund = row.refund_id.map(|id| id.to_string());
            (format!("{:?}", row.kind), row.payment_id, refund, row.amount.minor())
        })
        .collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
    let dispute = rows.iter().find(|row| row.payment_id.is_none() && row.amount == eur(7_490));
    assert_eq!(dispute.unwrap().payment_references[0], disputed.references[0]);
    let foreign = rows.iter().find(|row| row.amount == eur(12_345)).unwrap();
    assert_eq!(foreign.payment_references[0].as_str(), stranger);
}

#[tokio::test]
async fn a_page_shows_lines_that_sum_to_the_total() {
    let bench = Bench::open().await;
    let mut order = euros().await;
    let shown = async |order: &commerce_core::order::Order,
                       payment: Payment|
           -> Vec<(String, Value, Value)> {
        let made = bench.made(order, hosted(payment)).await;
        let id = made.references[0].to_string();
        let items = support::line_items(&bench.stripe, &id).await;
        items["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| {
                let name = item["description"].as_str().unwrap().to_owned();
                (name, item["quantity"].clone(), item["amount_total"].clone())
            })
            .collect()
    };
    let line =
        |name: &str, quantity: i64, total: i64| (name.to_owned(), quantity.into(), total.into());
    assert_eq!(
        shown(&order, payment(&order, 1)).await,
        [line("Mug", 2, 2_500), line("Pot", 1, 4_990)]
    );
    // A discount that does not divide by the units, and shipping.
    order.lines[0].total = eur(2_333);
    order.shipping = Some(support::shipping(490));
    order.total = eur(2_333 + 4_990 + 490);
    let whole = payment(&order, 2);
    assert_eq!(
        shown(&order, whole).await,
        [line("2 × Mug", 1, 2_333), line("Pot", 1, 4_990), line("Standard", 1, 490)]
    );
    // Rounded down, in part, or with more lines than Stripe takes: one line.
    let name = format!("Order {}", order.number);
    let part = Payment { amount: eur(1_000), ..payment(&order, 3) };
    assert_eq!(shown(&order, part).await, [line(&name, 1, 1_000)]);
    order.rounding = eur(-3);
    order.total = eur(7_810);
    assert_eq!(shown(&order, payment(&order, 4)).await, [line(&name, 1, 7_810)]);
    order.rounding = eur(2);
    order.total = eur(7_815);
    assert_eq!(shown(&order, payment(&order, 5)).await[3], line("Rounding", 1, 2));
    // What costs nothing besides is not shown; what is bought tells its options, as far as there is room.
    (order.shipping, order.rounding) = (Some(support::shipping(0)), eur(0));
    order.lines[0].options = vec![label("blue"), label("large")];
    order.lines[1].title = label(&"ä".repeat(250));
    order.total = eur(2_333 + 4_990);
    let exact = line(&"ä".repeat(250), 1, 4_990);
    let blue = line("2 × Mug (blue, large)", 1, 2_333);
    assert_eq!(shown(&order, payment(&order, 6)).await, [blue.clone(), exact]);
    order.lines[1].options = vec![label("tall")];
    let short = line(&format!("{}…", "ä".repeat(249)), 1, 4_990);
    assert_eq!(shown(&order, payment(&order, 7)).await, [blue, short]);
    order.lines[0].title = label(&"ö".repeat(250));
    order.shipping.as_mut().unwrap().name = label(&"ü".repeat(251));
    order.shipping.as_mut().unwrap().total = eur(1);
    let named = Payment { amount: eur(7_324), ..payment(&order, 10) };
    let names = shown(&order, named).await.into_iter().map(|(name, ..)| name);
    let cut = format!("2 × {}…", "ö".repeat(245));
    let expected = [cut, format!("{}…", "ä".repeat(249)), format!("{}…", "ü".repeat(249))];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    order.shipping = None;
    // As many lines as Stripe takes, and one more.
    let pot = order.lines[1].clone();
    order.lines.extend(std::iter::repeat_n(pot.clone(), 98));
    order.total = eur(2_333 + 99 * 4_990);
    assert_eq!(shown(&order, payment(&order, 8)).await.len(), 100);
    order.lines.push(pot);
    order.total = eur(2_333 + 100 * 4_990);
    assert_eq!(shown(&order, payment(&order, 9)).await, [line(&name, 1, 501_333)]);
}

#[tokio::test]
async fn a_customer_pays_on_a_page_of_stripes() {
    let bench = Bench::open().await;
    let order = euros().await;
    let state = bench.create(&order, &hosted(payment(&order, 1))).await.unwrap();
    assert_eq!((state.status, state.client_secret), (ProviderStatus::RequiresAction, None));
    let url = state.redirect_url.unwrap();
    assert!(url.starts_with(bench.stripe.url()));
    let seen = &bench.stripe.checkout_sessions()[0];
    assert_eq!(seen["customer_email"], "ada@example.com");
    assert_eq!(seen["adaptive_pricing"]["enabled"], false, "what was agreed is to be paid");
    let page = Payment { references: state.references, ..hosted(payment(&order, 1)) };
    let session = page.references[0].to_string();
    bench.stripe.pay_session(&session, "pm_card_chargeDeclined").unwrap_err();
    let state = bench.fetch(&page).await;
    assert_eq!((state.status, state.redirect_url), (ProviderStatus::RequiresAction, Some(url)));
    assert_eq!(state.failure.unwrap().code, DeclineCode::Declined);
    let back = bench.stripe.pay_session(&session, "pm_card_visa").unwrap();
    assert_eq!(back, "https://shop.example/thanks");
    let state = bench.fetch(&page).await;
    assert_eq!((state.status, state.captured), (ProviderStatus::Captured, eur(7_490)));
    assert_eq!(bench.stripe.payment_intents()[0]["shipping"]["address"]["city"], "Berlin");
    let kinds: Vec<&str> = state.references.iter().map(|label| &label[..3]).collect();
    assert_eq!(kinds, ["cs_", "pi_", "ch_"]);
    // Captured, and refunded, by what the page is called.
    bench.refund(&page, &refund(eur(7_490), 1)).await.unwrap();
    assert_eq!(bench.stripe.kept("eur"), 0);
    assert_eq!(word(&bench.void(&page).await), "stale");
}

#[tokio::test]
async fn a_page_that_was_called_off_is_paid_by_nobody() {
    let bench = Bench::open().await;
    let order = euros().await;
    let page = bench.made(&order, hosted(payment(&order, 1))).await;
    let session = page.references[0].to_string();
    // The customer is at their bank.
    bench.stripe.pay_session(&session, "pm_card_authenticationRequired").unwrap();
    let intent = bench.fetch(&page).await.references[1].to_string();
    assert_eq!(bench.void(&page).await.unwrap().status, ProviderStatus::Voided);
    assert!(bench.stripe.authenticate(&intent, true).is_err());
    assert!(bench.stripe.pay_session(&session, "pm_card_visa").is_err());
    assert_eq!(bench.void(&page).await.unwrap().status, ProviderStatus::Voided);

    let late = bench.made(&order, hosted(payment(&order, 2))).await;
    bench.stripe.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(bench.fetch(&late).await.status, ProviderStatus::Voided);
    assert_eq!(bench.void(&late).await.unwrap().status, ProviderStatus::Voided);

    // Money that was set aside on the page is let go of.
    let held = bench.made(&order, hosted(manual(payment(&order, 3)))).await;
    bench.stripe.pay_session(&held.references[0], "pm_card_visa").unwrap();
    assert_eq!(bench.fetch(&held).await.status, ProviderStatus::Authorized);
    assert_eq!(bench.void(&held).await.unwrap().status, ProviderStatus::Voided);
    assert_eq!(bench.stripe.kept("eur"), 0);
}

#[tokio::test]
async fn a_debit_from_a_page_is_told_when_it_settles() {
    let bench = Bench::open().await;
    let order = order(Currency::USD).await;
    for (number, method, ends) in [
        (1, "pm_usBankAccount_success", ProviderStatus::Captured),
        (2, "pm_usBankAccount_accountClosed", ProviderStatus::Failed),
    ] {
        let page = bench.made(&order, hosted(payment(&order, number))).await;
        bench.stripe.pay_session(&page.references[0], method).unwrap();
        let state = bench.fetch(&page).await;
        assert_eq!(state.status, ProviderStatus::Processing);
        assert_eq!(word(&bench.void(&page).await), "stale");
        let before = support::books(&bench).await;
        assert!(bench.stripe.settle(&state.references[1]));
        assert_eq!(bench.fetch(&page).await.status, ends);
        // Stripe has it in its books from the first day, and takes it out again.
        let moved = support::books(&bench).await.len() - before.len();
        assert_eq!(moved, usize::from(ends == ProviderStatus::Captured));
    }
    let cancelled = |call: &Call| call.operation == Operation::CancelPaymentIntent;
    assert!(!bench.stripe.calls().iter().any(cancelled), "money on its way is not called back");
}

#[tokio::test]
async fn a_page_leads_back_to_whole_addresses_only() {
    let bench = Bench::open().await;
    let order = euros().await;
    let shop = "https://shop.example/";
    for (back, away) in [("/thanks", shop), (shop, "/cart")] {
        let [return_url, cancel_url] = [back, away].map(|url| Url::new(url).unwrap());
        let flow = PaymentFlow::Hosted { return_url, cancel_url };
        let payment = Payment { flow, ..payment(&order, 1) };
        assert_eq!(word(&bench.create(&order, &payment).await), "unsupported", "{back} {away}");
    }
}

#[tokio::test]
async fn a_page_is_paid_or_lapses_while_it_is_being_closed() {
    let order = euros().await;
    let visa = Some("pm_card_visa");
    for (number, page, paid_by, expected) in [
        (1, manual(hosted(payment(&order, 1))), visa, "done"),
        (2, hosted(payment(&order, 2)), visa, "stale"),
        (3, hosted(payment(&order, 3)), None, "done"),
    ] {
        let bench = Bench::open().await;
        let page = bench.made(&order, page).await;
        bench.stripe.fail(Operation::ExpireCheckoutSession, Fault::Hold, 1);
        let void = bench.void(&page);
        tokio::pin!(void);
        let mut over = false;
        let voided = loop {
            tokio::select! {
                biased;
                voided = &mut void => break voided,
                () = tokio::task::yield_now() => {}
            }
            // It was seen to be open, and the customer or the clock is faster than what follows.
            let seen = bench
                .stripe
                .calls()
                .iter()
                .any(|call| call.operation == Operation::RetrieveCheckoutSession);
            if over {
                bench.stripe.release();
            } else if seen {
                match paid_by {
                    Some(card) => {
                        drop(bench.stripe.pay_session(&page.references[0], card).unwrap())
                    }
                    None => bench.stripe.advance(Duration::from_secs(24 * 60 * 60)),
                }
                over = true;
            }
        };
        assert_eq!(word(&voided), expected, "{number}");
        let kept = if expected == "done" { 0 } else { 7_490 };
        assert_eq!(bench.stripe.kept("eur"), kept);
        // Asked again, it says the same.
        assert_eq!(word(&bench.void(&page).await), expected);
    }
}

#[tokio::test]
async fn money_lapses_while_it_is_being_let_go() {
    let bench = Bench::open().await;
    let order = euros().await;
    let held = bench.paid(&order, manual(payment(&order, 1)), "pm_card_visa").await;
    let before = bench.stripe.calls().len();
    bench.stripe.fail(Operation::CancelPaymentIntent, Fault::Hold, 1);
    let void = bench.void(&held);
    tokio::pin!(void);
    let mut over = false;
    let voided = loop {
        tokio::select! {
            biased;
            voided = &mut void => break voided,
            () = tokio::task::yield_now() => {}
        }
        // It was seen to be set aside.
        if over {
            bench.stripe.release();
        } else if bench.stripe.calls().len() > before {
            bench.stripe.advance(Duration::from_secs(8 * 24 * 60 * 60));
            over = true;
        }
    };
    // Whoever asks is told that it is not to be let go any more, and by its state why.
    assert_eq!(word(&voided), "stale");
    assert_eq!(bench.fetch(&held).await.status, ProviderStatus::Expired);
    assert_eq!(bench.void(&held).await.unwrap().status, ProviderStatus::Expired);
}

#[tokio::test]
async fn what_stripe_does_not_know_any_more_is_none() {
    let bench = Bench::open().await;
    let order = euros().await;
    for (gone, flow) in
        [("pi_gone", payment(&order, 1)), ("cs_test_gone", hosted(payment(&order, 1)))]
    {
        let payment = Payment { references: vec![label(gone)], ..flow };
        assert_eq!(bench.gateway.fetch(&payment).await.unwrap(), None, "{gone}");
        // Nothing can come of it, and whoever asks why is told so.
        assert_eq!(word(&bench.void(&payment).await), "stale", "{gone}");
    }
    let never = payment(&order, 2);
    assert_eq!(word(&bench.capture(&never, eur(1)).await), "stale", "it was never made");
    assert_eq!(word(&bench.refund(&never, &refund(eur(1), 1)).await), "stale");
}
