//! Cards, holds, refunds and disputes, as a shop and its customers meet them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::time::Duration;

use fake_stripe::FakeStripe;
use support::{create, get, pay, text};

#[tokio::test]
async fn a_card_pays_and_the_books_agree() {
    let stripe = FakeStripe::start().await.unwrap();
    let intent = pay(&stripe, 1250, "pm_card_visa", "").await.ok();
    assert_eq!(intent.text("/status"), "succeeded");
    assert_eq!(intent.text("/amount_received"), "1250");
    let charge = get(&stripe, &format!("/charges/{}", intent.text("/latest_charge"))).await;
    assert_eq!(charge.text("/payment_method_details/card/last4"), "4242");
    let half = format!("payment_intent={}&amount=600", intent.id());
    let refund = create(&stripe, "/refunds", &half).await.ok();
    assert_eq!(refund.text("/status"), "succeeded");
    let form = format!("payment_intent={}&amount=651", intent.id());
    assert_eq!(create(&stripe, "/refunds", &form).await.status, 400);
    let rest = format!("payment_intent={}", intent.id());
    assert_eq!(create(&stripe, "/refunds", &rest).await.ok().text("/amount"), "650");
    assert_eq!(
        create(&stripe, "/refunds", &rest).await.error(),
        (400, "charge_already_refunded".into())
    );
    assert_eq!(stripe.kept("eur"), 0);
    let rows = get(&stripe, "/balance_transactions").await.json();
    let net: i64 =
        rows["data"].as_array().unwrap().iter().map(|row| row["amount"].as_i64().unwrap()).sum();
    assert_eq!(net, 0);
}

#[tokio::test]
async fn every_test_card_is_refused_as_stripe_says() {
    let stripe = FakeStripe::start().await.unwrap();
    for (card, code, decline_code) in [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    ] {
        let refused = pay(&stripe, 1000, card, "").await;
        assert_eq!(refused.error(), (402, code.into()), "{card}");
        assert_eq!(refused.text("/error/decline_code"), decline_code, "{card}");
        assert_eq!(refused.text("/error/type"), "card_error");
        let intent = refused.text("/error/payment_intent/id");
        let intent = get(&stripe, &format!("/payment_intents/{intent}")).await.ok();
        assert_eq!(intent.text("/status"), "requires_payment_method");
        assert_eq!(intent.text("/last_payment_error/decline_code"), decline_code);
        // The customer takes another card.
        let paid = stripe.confirm(&intent.id(), "pm_card_visa").unwrap();
        assert_eq!(text(&paid, "/status"), "succeeded");
    }
}

#[tokio::test]
async fn the_bank_asks_the_customer() {
    let stripe = FakeStripe::start().await.unwrap();
    let form = "&return_url=https://shop.example/back";
    let intent = pay(&stripe, 1000, "pm_card_authenticationRequired", form).await.ok();
    assert_eq!(intent.text("/status"), "requires_action");
    assert!(intent.text("/next_action/redirect_to_url/url").starts_with(stripe.url()));
    let failed = stripe.authenticate(&intent.id(), false).unwrap_err();
    assert_eq!(text(&failed.error, "/code"), "payment_intent_authentication_failure");
    stripe.confirm(&intent.id(), "pm_card_authenticationRequired").unwrap();
    stripe.authenticate(&intent.id(), true).unwrap();
    let intent = get(&stripe, &format!("/payment_intents/{}", intent.id())).await;
    assert_eq!(intent.text("/status"), "succeeded");
    // Nobody is there to be asked.
    let away = pay(&stripe, 1000, "pm_card_authenticationRequired", "&off_session=true").await;
    assert_eq!(away.error(), (402, "authentication_required".into()));
    assert_eq!(stripe.kept("eur"), 1000);
}

#[tokio::test]
async fn a_hold_is_captured_once_in_part_or_lapses() {
    let stripe = FakeStripe::start().await.unwrap();
    let manual = "&capture_method=manual";
    let intent = pay(&stripe, 1000, "pm_card_visa", manual).await.ok();
    assert_eq!(intent.text("/status"), "requires_capture");
    assert_eq!(intent.text("/amount_capturable"), "1000");
    assert_eq!(stripe.kept("eur"), 0);
    let path = format!("/payment_intents/{}/capture", intent.id());
    let too_much = create(&stripe, &path, "amount_to_capture=1001").await;
    assert_eq!(too_much.error(), (400, "amount_too_large".into()));
    let captured = create(&stripe, &path, "amount_to_capture=600").await.ok();
    assert_eq!(captured.text("/amount_received"), "600");
    let again = create(&stripe, &path, "").await;
    assert_eq!(again.error(), (400, "payment_intent_unexpected_state".into()));
    assert_eq!(again.text("/error/payment_intent/status"), "succeeded");
    assert_eq!(stripe.kept("eur"), 600);
    // What was let go of looks like a refund, and only what was taken can be given back.
    let charge = get(&stripe, &format!("/charges/{}", intent.text("/latest_charge"))).await;
    assert_eq!(charge.text("/amount_refunded"), "400");
    let form = format!("payment_intent={}&amount=601", intent.id());
    assert_eq!(create(&stripe, "/refunds", &form).await.status, 400);

    let intent = pay(&stripe, 1000, "pm_card_visa", manual).await.ok();
    let path = format!("/payment_intents/{}/cancel", intent.id());
    let cancelled = create(&stripe, &path, "cancellation_reason=abandoned").await.ok();
    assert_eq!(cancelled.text("/status"), "canceled");
    let lapsing = pay(&stripe, 1000, "pm_card_visa", manual).await.ok();
    stripe.advance(Duration::from_secs(7 * 24 * 60 * 60));
    let lapsed = get(&stripe, &format!("/payment_intents/{}", lapsing.id())).await;
    assert_eq!(lapsed.text("/status"), "canceled");
    assert_eq!(lapsed.text("/cancellation_reason"), "automatic");
    assert_eq!(stripe.kept("eur"), 600);
}

#[tokio::test]
async fn a_bank_debit_takes_a_while() {
    let stripe = FakeStripe::start().await.unwrap();
    let debit = async |card: &str| {
        let form = format!(
            "amount=500&currency=usd&payment_method={card}&confirm=true\
             &payment_method_types[]=us_bank_account"
        );
        create(&stripe, "/payment_intents", &form).await.ok().id()
    };
    let good = debit("pm_usBankAccount_success").await;
    let bad = debit("pm_usBankAccount_accountClosed").await;
    let status =
        async |id: &str| get(&stripe, &format!("/payment_intents/{id}")).await.text("/status");
    assert_eq!(status(&good).await, "processing");
    assert!(stripe.settle(&good));
    stripe.advance(Duration::from_secs(60));
    assert_eq!(status(&good).await, "succeeded");
    assert_eq!(status(&bad).await, "requires_payment_method");
    assert_eq!(stripe.kept("usd"), 500);
}

#[tokio::test]
async fn a_refund_fails_later_and_its_amount_can_be_refunded_again() {
    let stripe = FakeStripe::start().await.unwrap();
    let intent = pay(&stripe, 1000, "pm_card_refundFail", "").await.ok();
    let form = format!("payment_intent={}", intent.id());
    let refund = create(&stripe, "/refunds", &form).await.ok();
    assert_eq!((refund.text("/status"), stripe.kept("eur")), ("succeeded".into(), 0));
    stripe.advance(Duration::from_secs(60));
    let failed = get(&stripe, &format!("/refunds/{}", refund.id())).await;
    assert_eq!((failed.text("/status"), stripe.kept("eur")), ("failed".into(), 1000));
    assert_eq!(create(&stripe, "/refunds", &form).await.ok().text("/amount"), "1000");

    let intent = pay(&stripe, 1000, "pm_card_pendingRefund", "").await.ok();
    let form = format!("payment_intent={}", intent.id());
    let refund = create(&stripe, "/refunds", &form).await.ok();
    assert_eq!(refund.text("/status"), "pending");
    assert!(stripe.settle(&refund.id()));
    assert_eq!(
        get(&stripe, &format!("/refunds/{}", refund.id())).await.text("/status"),
        "succeeded"
    );
}

#[tokio::test]
async fn a_dispute_takes_the_money_and_gives_it_back_if_it_is_won() {
    let stripe = FakeStripe::start().await.unwrap();
    let intent = pay(&stripe, 1000, "pm_card_createDispute", "").await.ok();
    let dispute = stripe.disputes()[0].clone();
    assert_eq!(text(&dispute, "/status"), "needs_response");
    let form = format!("payment_intent={}", intent.id());
    assert_eq!(create(&stripe, "/refunds", &form).await.error(), (400, "charge_disputed".into()));
    let path = format!("/disputes/{}", text(&dispute, "/id"));
    let won = create(&stripe, &path, "evidence[uncategorized_text]=winning_evidence").await.ok();
    assert_eq!(won.text("/status"), "won");
    assert_eq!(create(&stripe, "/refunds", &form).await.ok().text("/amount"), "1000");
    assert!(stripe.decide_dispute(&won.id(), false).is_err());

    let other = pay(&stripe, 700, "pm_card_visa", "").await.ok();
    let dispute = stripe.dispute(&other.text("/latest_charge")).unwrap();
    let lost = create(&stripe, &format!("/disputes/{dispute}/close"), "").await.ok();
    assert_eq!(lost.text("/status"), "lost");
    let kinds: Vec<String> = stripe
        .events()
        .iter()
        .map(|event| text(event, "/type"))
        .filter(|kind| kind.starts_with("charge.dispute"))
        .collect();
    assert_eq!(
        kinds,
        [
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.updated",
            "charge.dispute.funds_reinstated",
            "charge.dispute.closed",
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.closed",
        ]
    );
}

#[tokio::test]
async fn a_card_is_kept_and_charged_while_its_owner_is_away() {
    let stripe = FakeStripe::start().await.unwrap();
    let customer = create(&stripe, "/customers", "email=a@example.com").await.ok().id();
    let setup = create(&stripe, "/setup_intents", &format!("customer={customer}")).await.ok();
    let card = "pm_card_authenticationRequiredOnSetup";
    assert_eq!(text(&stripe.confirm(&setup.id(), card).unwrap(), "/status"), "requires_action");
    stripe.authenticate(&setup.id(), true).unwrap();
    let kept =
        get(&stripe, &format!("/payment_methods?customer={customer}&type=card")).await.json();
    let method = text(&kept, "/data/0/id");
    let more = format!("&customer={customer}&off_session=true");
    assert_eq!(pay(&stripe, 900, &method, &more).await.ok().text("/status"), "succeeded");
    // It is theirs alone.
    assert_eq!(pay(&stripe, 900, &method, "").await.status, 400);
    create(&stripe, &format!("/payment_methods/{method}/detach"), "").await.ok();
    let kept = get(&stripe, &format!("/customers/{customer}/payment_methods")).await.json();
    assert_eq!(kept["data"].as_array().unwrap().len(), 0);
    let (path, form) =
        ("/payment_methods/pm_card_chargeDeclined/attach", format!("customer={customer}"));
    assert_eq!(create(&stripe, path, &form).await.status, 402);
}

#[tokio::test]
async fn lists_have_pages_in_either_direction() {
    let stripe = FakeStripe::builder().seed(7).clock_at(1_700_000_000).start().await.unwrap();
    for amount in 100..125 {
        pay(&stripe, amount, "pm_card_visa", "").await.ok();
        stripe.advance(Duration::from_secs(10));
    }
    let mut amounts = Vec::new();
    let mut path = "/charges?limit=10".to_owned();
    loop {
        let page = get(&stripe, &path).await.ok().json();
        let rows = page["data"].as_array().unwrap();
        amounts.extend(rows.iter().map(|row| row["amount"].as_i64().unwrap()));
        if page["has_more"] == false {
            break;
        }
        path = format!("/charges?limit=10&starting_after={}", text(rows.last().unwrap(), "/id"));
    }
    assert_eq!(amounts, (100..125).rev().collect::<Vec<i64>>());
    let charges = stripe.charges();
    let back = format!("/charges?limit=2&ending_before={}", text(&charges[0], "/id"));
    let page = get(&stripe, &back).await.ok().json();
    assert_eq!(
        (text(&page, "/data/0/amount"), text(&page, "/data/1/amount")),
        ("102".into(), "101".into())
    );
    let span =
        "/charges?created[gte]=1700000010&created[lt]=1700000030&expand[]=data.balance_transaction";
    let page = get(&stripe, span).await.ok().json();
    assert_eq!(page["data"].as_array().unwrap().len(), 2);
    assert_eq!(text(&page, "/data/0/balance_transaction/amount"), "102");
    for bad in [
        "limit=0",
        "limit=101",
        "starting_after=ch_none",
        "created[x]=1",
        "what=1",
        "expand[]=data.nothing",
    ] {
        let refused = get(&stripe, &format!("/charges?{bad}")).await;
        assert!((400..=404).contains(&refused.status), "{bad}");
    }
}

#[tokio::test]
async fn a_seed_and_a_clock_make_the_same_objects_again() {
    let run = async || {
        let stripe = FakeStripe::builder().seed(1).clock_at(1_700_000_000).start().await.unwrap();
        pay(&stripe, 1000, "pm_card_visa", "").await.ok().text
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn what_stripe_refuses_is_refused() {
    let stripe = FakeStripe::start().await.unwrap();
    for (form, code) in [
        ("currency=eur", "parameter_missing"),
        ("amount=100&currency=eur&amonut=1", "parameter_unknown"),
        ("amount=1.5&currency=eur", "parameter_invalid_integer"),
        ("amount=-1&currency=eur", "parameter_invalid_integer"),
        ("amount=49&currency=eur", "amount_too_small"),
        ("amount=100000000&currency=eur", "amount_too_large"),
        ("amount=100&currency=eur&customer=cus_none", "resource_missing"),
        ("amount=100&currency=eur&payment_method=pm_none", "resource_missing"),
    ] {
        let refused = create(&stripe, "/payment_intents", form).await;
        assert_eq!(refused.text("/error/code"), code, "{form}");
        assert_eq!(refused.text("/error/type"), "invalid_request_error");
    }
    assert!(stripe.payment_intents().is_empty());
    assert_eq!(get(&stripe, "/nothing").await.status, 404);
    let url = format!("{}/v1/charges", stripe.url());
    assert_eq!(support::browse(&url, None).await.status, 401);
}
