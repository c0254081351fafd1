//! A payment of each kind against the real Stripe in its test mode, with a test key of yours in
//! `STRIPE_SECRET_KEY`; with `--fake`, against a fake one. It leaves test objects in the account.
//!
//! ```text
//! STRIPE_SECRET_KEY=sk_test_… scripts/check-stripe-live
//! ```

#![expect(clippy::print_stdout, reason = "a program that people read")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    error::Error,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use commerce_core::{
    currency::Currency,
    gateway::{PaymentGateway as _, ProviderStatus, TransactionKind, TransactionQuery},
    id::Moment,
    order::Order,
    payment::{OperationKind, Payment, PaymentFlow, RefundStatus},
    text::{GatewayName, Label, Url},
    time::Timestamp,
};
use commerce_stripe::{SecretKey, StripeConfig, StripeGateway};
use fake_stripe::FakeStripe;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Bytes};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use support::{customer, eur, hosted, manual, operation, order, refund};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(check())
}

/// Where Stripe is, and with which key.
struct Account {
    api: String,
    key: String,
    /// Its objects are gone with it.
    _fake: Option<FakeStripe>,
}

async fn account() -> Result<Account> {
    if std::env::args().any(|argument| argument == "--fake") {
        let fake = FakeStripe::start().await?;
        let (api, key) = (fake.url().to_owned(), fake.secret_key().to_owned());
        return Ok(Account { api, key, _fake: Some(fake) });
    }
    let key = std::env::var("STRIPE_SECRET_KEY").map_err(|_| "STRIPE_SECRET_KEY is not set")?;
    Ok(Account { api: "https://api.stripe.com".to_owned(), key, _fake: None })
}

impl Account {
    /// What a customer's device does with Stripe.js: it confirms an intent.
    async fn confirm(&self, kind: &str, id: &str, card: &str) -> Result<u16> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .build();
        let form = format!("payment_method={card}&return_url=https://example.com/");
        let request = Request::post(format!("{}/v1/{kind}/{id}/confirm", self.api))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form)))?;
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let answer = client.request(request).await?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await?;
        Ok(status)
    }
}

fn expect(what: &str, holds: bool) -> Result<()> {
    println!("{} {what}", if holds { "ok  " } else { "FAIL" });
    if holds { Ok(()) } else { Err(what.into()) }
}

/// Payments that no run before this one made.
struct Payments {
    moment: Moment,
    order: Order,
}

impl Payments {
    fn next(&mut self) -> Payment {
        let gateway = GatewayName::manual();
        let now = self.moment.now();
        Payment::new(self.moment.id(), self.order.id, gateway, self.order.total, now)
    }
}

async fn check() -> Result<()> {
    let account = account().await?;
    let key = SecretKey::new(&account.key)?;
    if key.livemode() {
        return Err("this is a live key: money would move".into());
    }
    let mut config = StripeConfig::new(GatewayName::new("stripe")?, key);
    config.api = Some(Url::new(&account.api)?);
    let stripe = StripeGateway::new(config)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now = Timestamp::from_millis(i64::try_from(since.as_millis())?)?;
    let mut seed = [0; 16];
    seed.copy_from_slice(&since.as_nanos().to_le_bytes());
    let mut payments =
        Payments { moment: Moment::new(now, seed), order: order(Currency::EUR).await };
    let order = payments.order.clone();
    let create =
        |payment: &Payment| operation(payment, OperationKind::Create, 1, payment.amount, None);

    let vault = stripe.vault().ok_or("no vault")?;
    let reference =
        vault.create_customer(&customer(), &format!("live-{}", since.as_nanos()).parse()?).await?;
    let setup = vault
        .create_setup(&reference, None, &format!("live-setup-{}", since.as_nanos()).parse()?)
        .await?;
    account.confirm("setup_intents", &setup.id, "pm_card_visa").await?;
    let methods = vault.methods(&reference).await?;
    expect("a card is kept", methods.len() == 1)?;
    let method: Label = methods.first().ok_or("no method")?.id.clone();
    let saved = |payment: Payment| Payment {
        flow: PaymentFlow::Saved { method: method.clone() },
        customer_reference: Some(reference.clone()),
        ..payment
    };

    let mut paid = saved(payments.next());
    let state = stripe.create(&order, &paid, &create(&paid)).await?;
    expect("a kept card is charged", state.status == ProviderStatus::Captured)?;
    let again = stripe.create(&order, &paid, &create(&paid)).await?;
    expect("once under its key", again.references == state.references)?;
    paid.references = state.references;
    for (number, amount) in [(1, eur(3_000)), (2, eur(4_490))] {
        let mut moment = Moment::new(now, seed);
        let back = commerce_core::payment::Refund { id: moment.id(), ..refund(amount, number) };
        let asked = operation(&paid, OperationKind::Refund, number, amount, Some(back.id));
        let given = stripe.refund(&paid, &back, &asked).await?;
        expect("a part is given back", given.status != RefundStatus::Failed)?;
    }
    let state = stripe.fetch(&paid).await?.ok_or("it is gone")?;
    expect("both refunds are told", state.refunds.len() == 2)?;

    let mut held = manual(saved(payments.next()));
    let state = stripe.create(&order, &held, &create(&held)).await?;
    expect("money is set aside", state.capturable == order.total)?;
    expect("until a time that is told", state.capture_before.is_some())?;
    held.references = state.references;
    let capture = operation(&held, OperationKind::Capture, 1, eur(5_000), None);
    let state = stripe.capture(&held, &capture).await?;
    expect("a part of it is taken", state.captured == eur(5_000))?;
    let state = stripe.fetch(&held).await?.ok_or("it is gone")?;
    expect("and the rest is no refund", state.refunds.is_empty())?;

    let mut off = manual(saved(payments.next()));
    off.references = stripe.create(&order, &off, &create(&off)).await?.references;
    let void = operation(&off, OperationKind::Void, 1, off.amount, None);
    let state = stripe.void(&off, &void).await?;
    expect("money that was set aside is let go", state.status == ProviderStatus::Voided)?;

    let direct = payments.next();
    stripe.create(&order, &direct, &create(&direct)).await?;
    let found = stripe.fetch(&direct).await?.ok_or("it was not found")?;
    expect("a payment is found by its id", found.client_secret.is_some())?;
    let intent = found.references.first().ok_or("no reference")?;
    let status = account.confirm("payment_intents", intent, "pm_card_chargeDeclined").await?;
    expect("a card is declined", status == 402)?;
    let state = stripe.fetch(&direct).await?.ok_or("it is gone")?;
    expect("which is told", state.failure.is_some())?;
    account.confirm("payment_intents", intent, "pm_card_visa").await?;
    let state = stripe.fetch(&direct).await?.ok_or("it is gone")?;
    expect("another card pays", state.status == ProviderStatus::Captured)?;

    let page = hosted(payments.next());
    let state = stripe.create(&order, &page, &create(&page)).await?;
    expect("a page to pay on has an address", state.redirect_url.is_some())?;
    let void = operation(&page, OperationKind::Void, 1, page.amount, None);
    let state = stripe.void(&page, &void).await?;
    expect("a page is closed", state.status == ProviderStatus::Voided)?;

    let hour = Duration::from_secs(3_600);
    let query = TransactionQuery {
        from: now.saturating_sub(hour),
        until: now.saturating_add(hour),
        after: None,
    };
    let books = stripe.transactions(&query).await?;
    let charged = books
        .items
        .iter()
        .any(|row| row.kind == TransactionKind::Charge && row.payment_id == Some(paid.id));
    expect("the books have the charge", charged)?;
    vault.erase_customer(&reference).await?;
    expect("a customer is erased", vault.methods(&reference).await?.is_empty())
}
