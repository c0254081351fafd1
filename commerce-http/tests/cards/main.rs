//! Cards, over real connections: a shop, and a fake Stripe that misbehaves.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod demo;
mod examples;
mod failures;
mod methods;
mod office;
mod pay;
mod refused;
#[path = "../support/mod.rs"]
mod support;
mod watched;
mod webhooks;

use std::{sync::LazyLock, time::Duration};

use commerce_core::{
    Commerce,
    id::VariantId,
    reconciliation::Reconciliation,
    shop::Shop,
    text::{GatewayName, Url},
    time::Timestamp,
};
use commerce_http::watched::Watched;
use commerce_stripe::{Patience, SecretKey, StripeConfig, StripeGateway, WebhookSecret};
use fake_stripe::FakeStripe;
use serde_json::{Value, json};
use support::{
    Answer, agent,
    shop::{Guest, TestShop, settings},
};
use tokio::runtime::Runtime;

/// Where the fake lives, and whatever talks to it outside the server.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// What webhooks are signed with.
const SECRET: &str = "whsec_test";

/// A shop that takes cards, and one thing to buy.
struct CardShop {
    shop: TestShop,
    stripe: FakeStripe,
    shirt: VariantId,
}

impl CardShop {
    fn open() -> Self {
        Self::capturing(&json!({}))
    }

    /// A shop that takes the money as `capture` of its configuration says.
    fn capturing(capture: &Value) -> Self {
        // The clock of the shop begins there.
        let start: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let builder = FakeStripe::builder().seed(1).clock_at(start.as_millis() / 1_000);
        let stripe = RUNTIME.block_on(builder.start()).unwrap();
        let gateway = gateway("stripe", &stripe);
        let mut shop = serde_json::to_value(settings()).unwrap();
        shop["payment_terms"]["stripe"] = json!({ "kind": "prepaid", "days": 1 });
        shop["capture"] = capture.clone();
        let shop: Shop = serde_json::from_value(shop).unwrap();
        let join = |commerce: Commerce| commerce.with_gateway(Watched::new(gateway));
        let shop = TestShop::with(shop, join);
        stripe.listen_with(&shop.server.url("/api/v1/webhooks/stripe"), &["*"], SECRET);
        let shirt = shop.sell("SHIRT", 5_000, 10);
        Self { shop, stripe, shirt }
    }

    /// A guest with two shirts, ready to pay: 100.00, 15 % tax, free shipping.
    fn guest(&self) -> Guest<'_> {
        let guest = self.shop.guest();
        guest.add(self.shirt, 2);
        guest.complete();
        guest
    }

    /// Places an order that is to be paid on the shop's page.
    #[track_caller]
    fn placed(&self, guest: &Guest<'_>) -> Value {
        let placed = guest.check_out("buy with a card", &direct());
        assert_eq!(placed.status, 201, "{}", placed.text());
        placed.json()
    }

    /// Places an order and pays it.
    #[track_caller]
    fn paid(&self, guest: &Guest<'_>) -> Value {
        let placed = self.placed(guest);
        self.stripe.confirm(intent(&placed), "pm_card_visa").unwrap();
        self.settled();
        self.order(guest, &placed)
    }

    /// Waits until the shop has heard all that happened, and dealt with it.
    fn settled(&self) {
        RUNTIME.block_on(async {
            self.stripe.webhooks_sent().await;
            self.shop.tasks.ended().await;
        });
    }

    /// Time passes for everybody, and what is due by then is done.
    fn wait(&self, time: Duration) {
        self.shop.clock.advance(time);
        self.stripe.advance(time);
        RUNTIME.block_on(async {
            // What cannot be dealt with now is due again later.
            for _ in 0..20 {
                let _ = self.shop.commerce.sweep(100).await;
            }
        });
    }

    /// The order as its owner sees it.
    #[track_caller]
    fn order(&self, guest: &Guest<'_>, placed: &Value) -> Value {
        let path = path(placed);
        let read = self.shop.call("GET", &path, &[("cart-token", &guest.token)], None);
        assert_eq!(read.status, 200, "{}", read.text());
        read.json()
    }

    /// The day's books beside Stripe's.
    fn compared(&self) -> Reconciliation {
        let day = |text: &str| text.parse().unwrap();
        let stripe = GatewayName::new("stripe").unwrap();
        let (from, until) = (day("2026-11-21T00:00:00Z"), day("2026-11-23T00:00:00Z"));
        RUNTIME.block_on(self.shop.commerce.reconcile(&stripe, from, until)).unwrap()
    }

    /// Checks that money, order and stock are in step with Stripe, which keeps so many cents.
    #[track_caller]
    fn in_step(&self, kept: i64) {
        assert_eq!(self.stripe.kept("eur"), kept);
        let compared = self.compared();
        assert!(compared.agrees(), "{compared:#?}");
    }
}

/// A gateway that does not wait for long.
fn gateway(name: &str, stripe: &FakeStripe) -> StripeGateway {
    let key = SecretKey::new(stripe.secret_key()).unwrap();
    let mut config = StripeConfig::new(GatewayName::new(name).unwrap(), key);
    config.api = Some(Url::new(stripe.url()).unwrap());
    config.webhook_secrets = WebhookSecret::list(SECRET).unwrap();
    config.patience = Patience {
        answer: Duration::from_millis(500),
        between: Duration::from_millis(1),
        ..Patience::default()
    };
    StripeGateway::new(config).unwrap()
}

/// What the cart of [`CardShop::guest`] comes to.
const TOTAL: i64 = 11_500;

fn direct() -> Value {
    json!({ "payment": { "gateway": "stripe" } })
}

fn hosted() -> Value {
    let flow = json!({
        "kind": "hosted",
        "return_url": "https://shop.example/thanks?x=1",
        "cancel_url": "https://shop.example/cart",
    });
    json!({ "payment": { "gateway": "stripe", "flow": flow } })
}

fn eur(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

/// The path of an order, or of the order of a checkout.
fn path(of: &Value) -> String {
    let order = of.get("order").unwrap_or(of);
    format!("/orders/{}", order["id"].as_str().unwrap())
}

/// The intent behind a client secret.
fn intent(placed: &Value) -> &str {
    let secret = placed["payment"]["client_secret"].as_str().unwrap();
    secret.split_once("_secret_").unwrap().0
}

/// Fills in the page to pay on as a browser would.
fn pay_on_page(url: &str, card: &str) -> Answer {
    let form = format!("email=guest%40example.com&card_number={card}&expiry=12%2F34&cvc=123");
    let form_type = "application/x-www-form-urlencoded";
    Answer::of(agent().post(url).header("content-type", form_type).send(form))
}
