//! The hosted page, in a browser's hands.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::time::Duration;

use fake_stripe::FakeStripe;
use support::{Answer, browse, create, get, text};

const FORM: &str = "mode=payment&success_url=https://shop.example/done?s={CHECKOUT_SESSION_ID}\
    &cancel_url=https://shop.example/cart&customer_email=ada@example.com&metadata[order]=7\
    &line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=1250\
    &line_items[0][price_data][product_data][name]=Mug+%3Cblue%3E&line_items[0][quantity]=2\
    &line_items[1][price_data][currency]=eur&line_items[1][price_data][unit_amount]=99\
    &line_items[1][price_data][product_data][name]=Tax&line_items[1][quantity]=1\
    &shipping_options[0][shipping_rate_data][display_name]=Standard\
    &shipping_options[0][shipping_rate_data][type]=fixed_amount\
    &shipping_options[0][shipping_rate_data][fixed_amount][amount]=490\
    &shipping_options[0][shipping_rate_data][fixed_amount][currency]=eur\
    &payment_intent_data[metadata][payment]=pay_1";

async fn session(more: &str) -> (FakeStripe, Answer) {
    let stripe = FakeStripe::start().await.unwrap();
    let session = create(&stripe, "/checkout/sessions", &format!("{FORM}{more}")).await.ok();
    (stripe, session)
}

fn card(number: &str) -> String {
    format!("email=ada@example.com&card_number={number}&expiry=12/34&cvc=123&name=Ada")
}

async fn intent_of(stripe: &FakeStripe, session: &str) -> Answer {
    let session = get(stripe, &format!("/checkout/sessions/{session}")).await.ok();
    get(stripe, &format!("/payment_intents/{}", session.text("/payment_intent"))).await.ok()
}

fn kinds(stripe: &FakeStripe) -> Vec<String> {
    stripe.events().iter().map(|event| text(event, "/type")).collect()
}

#[tokio::test]
async fn a_customer_pays_on_the_page() {
    let (stripe, session) = session("").await;
    assert_eq!(session.text("/amount_total"), "3089");
    assert_eq!(session.text("/payment_intent"), "null");
    let page = browse(&session.text("/url"), None).await;
    for shown in ["2 × Mug &lt;blue&gt;", "25.00 EUR", "Standard", "4.90 EUR", "Pay 30.89 EUR"] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    let url = session.text("/url");
    let refused = browse(&url, Some(&card("4000 0000 0000 0002"))).await;
    assert_eq!(refused.status, 402);
    assert!(refused.text.contains("Your card was declined."));
    let nonsense = browse(&url, Some(&card("4242 4242 4242 4241"))).await;
    assert!(nonsense.text.contains("Your card number is incorrect."));
    let paid = browse(&url, Some(&card("4242 4242 4242 4242"))).await;
    let way = format!("https://shop.example/done?s={}", session.id());
    assert_eq!((paid.status, paid.header("location")), (303, Some(way.as_str())));
    let intent = intent_of(&stripe, &session.id()).await;
    assert_eq!(intent.text("/status"), "succeeded");
    assert_eq!(
        (intent.text("/amount"), intent.text("/metadata/payment")),
        ("3089".into(), "pay_1".into())
    );
    let done =
        get(&stripe, &format!("/checkout/sessions/{}?expand[]=line_items", session.id())).await;
    assert_eq!(
        (done.text("/status"), done.text("/payment_status")),
        ("complete".into(), "paid".into())
    );
    assert_eq!(done.text("/line_items/data/0/amount_total"), "2500");
    // A second click on a page that was left open pays nothing more.
    let again = browse(&url, Some(&card("4242 4242 4242 4242"))).await;
    assert!(again.text.contains("You're all done here"));
    assert_eq!(stripe.kept("eur"), 3089);
    assert_eq!(kinds(&stripe).last().unwrap(), "checkout.session.completed");
}

#[tokio::test]
async fn the_bank_asks_and_another_card_can_be_tried() {
    let (stripe, session) = session("").await;
    let url = session.text("/url");
    let asked = browse(&url, Some(&card("4000002760003184"))).await;
    let bank = asked.header("location").unwrap().to_owned();
    assert!(browse(&bank, None).await.text.contains("Do you want to pay 30.89 EUR?"));
    let failed = browse(&bank, Some("answer=fail")).await;
    assert_eq!(failed.status, 402);
    assert!(
        failed.text.contains("unable to authenticate") && failed.text.contains("action=\"/c/pay/")
    );
    let asked = browse(&url, Some(&card("4000002760003184"))).await;
    let done = browse(asked.header("location").unwrap(), Some("answer=complete")).await;
    assert!(done.header("location").unwrap().starts_with("https://shop.example/done?s=cs_test_"));
    assert_eq!(intent_of(&stripe, &session.id()).await.text("/status"), "succeeded");
    assert_eq!(stripe.payment_intents().len(), 1);
}

#[tokio::test]
async fn a_page_ends_by_time_or_by_request_and_nobody_pays_after() {
    let (stripe, first) = session("").await;
    let url = first.text("/url");
    browse(&url, Some(&card("4000002760003184"))).await;
    let intent = intent_of(&stripe, &first.id()).await;
    let cancel = create(&stripe, &format!("/payment_intents/{}/cancel", intent.id()), "").await;
    assert_eq!(cancel.status, 400, "{}", cancel.text);
    let path = format!("/checkout/sessions/{}/expire", first.id());
    assert_eq!(create(&stripe, &path, "").await.ok().text("/status"), "expired");
    assert_eq!(create(&stripe, &path, "").await.status, 400);
    assert_eq!(intent_of(&stripe, &first.id()).await.text("/status"), "canceled");
    assert!(stripe.authenticate(&intent.id(), true).is_err());
    assert!(browse(&url, None).await.text.contains("This page is expired."));

    let second = create(&stripe, "/checkout/sessions", FORM).await.ok();
    stripe.advance(Duration::from_secs(24 * 60 * 60));
    assert!(stripe.pay_session(&second.id(), "pm_card_visa").is_err());
    assert_eq!(stripe.kept("eur"), 0);
    assert_eq!(kinds(&stripe).iter().filter(|kind| *kind == "checkout.session.expired").count(), 2);
}

#[tokio::test]
async fn money_is_set_aside_on_the_page_and_taken_later() {
    let (stripe, session) = session("&payment_intent_data[capture_method]=manual").await;
    stripe.pay_session(&session.id(), "pm_card_visa").unwrap();
    let done = get(&stripe, &format!("/checkout/sessions/{}", session.id())).await;
    assert_eq!(
        (done.text("/status"), done.text("/payment_status")),
        ("complete".into(), "unpaid".into())
    );
    let intent = intent_of(&stripe, &session.id()).await;
    assert_eq!(intent.text("/status"), "requires_capture");
    create(&stripe, &format!("/payment_intents/{}/capture", intent.id()), "").await.ok();
    assert_eq!(stripe.kept("eur"), 3089);
}

#[tokio::test]
async fn a_debit_from_the_page_settles_later() {
    let form = FORM.replace("eur", "usd") + "&payment_method_types[]=us_bank_account";
    let stripe = FakeStripe::start().await.unwrap();
    for (card, ends) in [
        ("pm_usBankAccount_success", "checkout.session.async_payment_succeeded"),
        ("pm_usBankAccount_accountClosed", "checkout.session.async_payment_failed"),
    ] {
        let session = create(&stripe, "/checkout/sessions", &form).await.ok();
        stripe.pay_session(&session.id(), card).unwrap();
        let intent = intent_of(&stripe, &session.id()).await;
        assert_eq!(intent.text("/status"), "processing");
        assert!(stripe.settle(&intent.id()));
        assert_eq!(kinds(&stripe).last().unwrap(), ends);
    }
    assert_eq!(stripe.kept("usd"), 3089);
}

#[tokio::test]
async fn pages_that_cannot_be_are_refused() {
    let stripe = FakeStripe::start().await.unwrap();
    for (from, to) in [
        ("mode=payment", "mode=subscription"),
        ("success_url=https:", "success_url=ftp:"),
        ("[1][price_data][currency]=eur", "[1][price_data][currency]=usd"),
        ("unit_amount]=99", "unit_amount]=-99"),
        ("[quantity]=2", "[quantity]=0"),
        ("[quantity]=2", "[quantity]=2&expires_at=1"),
        ("&line_items[1][quantity]=1", ""),
        ("fixed_amount][currency]=eur", "fixed_amount][currency]=usd"),
    ] {
        let form = FORM.replace(from, to);
        assert_ne!(form, FORM);
        let refused = create(&stripe, "/checkout/sessions", &form).await;
        assert_eq!(refused.status, 400, "{to}: {}", refused.text);
    }
    assert!(stripe.checkout_sessions().is_empty());
}
