//! A gateway before a fake Stripe, and orders to pay.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency,
    customer::Address,
    gateway::{GatewayError, Headers, PaymentGateway, ProviderPayment, ProviderRefund},
    id::{Moment, OperationId, PaymentId, RefundId},
    inputs::{SeededIds, SteppedClock},
    money::Money,
    order::Order,
    payment::{
        CaptureMode, Operation, OperationKind, OperationStatus, Payment, PaymentFlow, Refund,
        RefundStatus,
    },
    shop::Shop,
    store::{MemoryStore, OrderRef},
    text::{GatewayName, Label, Url},
    time::Timestamp,
};
use commerce_stripe::{Patience, SecretKey, StripeConfig, StripeGateway, WebhookSecret};
use fake_stripe::FakeStripe;

/// The same time for the shop and for Stripe.
pub const NOW: i64 = 1_790_000_000;

pub fn now() -> Timestamp {
    Timestamp::from_millis(NOW * 1_000).unwrap()
}

pub fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

/// An impatient gateway before a fake Stripe whose clock stands.
pub struct Bench {
    pub stripe: FakeStripe,
    pub gateway: StripeGateway,
}

pub fn config(stripe: &FakeStripe) -> StripeConfig {
    let key = SecretKey::new(stripe.secret_key()).unwrap();
    let mut config = StripeConfig::new(GatewayName::new("stripe").unwrap(), key);
    config.api = Some(Url::new(stripe.url()).unwrap());
    config.webhook_secrets = WebhookSecret::list("whsec_test").unwrap();
    config.patience = Patience {
        connect: Duration::from_secs(2),
        answer: Duration::from_millis(250),
        call: Duration::from_secs(5),
        between: Duration::from_millis(1),
        tries_max: 3,
    };
    config
}

impl Bench {
    pub async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut StripeConfig)) -> Self {
        let stripe = FakeStripe::builder().seed(1).clock_at(NOW).start().await.unwrap();
        let mut config = config(&stripe);
        change(&mut config);
        let gateway = StripeGateway::new(config).unwrap();
        Self { stripe, gateway }
    }

    pub async fn create(
        &self,
        order: &Order,
        payment: &Payment,
    ) -> Result<ProviderPayment, GatewayError> {
        let operation = operation(payment, OperationKind::Create, 1, payment.amount, None);
        self.gateway.create(order, payment, &operation).await
    }

    pub async fn capture(
        &self,
        payment: &Payment,
        amount: Money,
    ) -> Result<ProviderPayment, GatewayError> {
        let operation = operation(payment, OperationKind::Capture, 1, amount, None);
        self.gateway.capture(payment, &operation).await
    }

    pub async fn void(&self, payment: &Payment) -> Result<ProviderPayment, GatewayError> {
        let operation = operation(payment, OperationKind::Void, 1, payment.amount, None);
        self.gateway.void(payment, &operation).await
    }

    pub async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
    ) -> Result<ProviderRefund, GatewayError> {
        let operation =
            operation(payment, OperationKind::Refund, 1, refund.amount, Some(refund.id));
        self.gateway.refund(payment, refund, &operation).await
    }

    /// What Stripe says of a payment that it has.
    pub async fn fetch(&self, payment: &Payment) -> ProviderPayment {
        self.gateway.fetch(payment).await.unwrap().unwrap()
    }

    /// Makes a payment, and notes what Stripe calls it.
    pub async fn made(&self, order: &Order, mut payment: Payment) -> Payment {
        let state = self.create(order, &payment).await.unwrap();
        payment.references = state.references;
        payment
    }

    /// Makes a payment on the shop's own page that its customer pays by a card.
    pub async fn paid(&self, order: &Order, payment: Payment, card: &str) -> Payment {
        let mut payment = self.made(order, payment).await;
        self.stripe.confirm(&payment.references[0], card).unwrap();
        payment.references = self.fetch(&payment).await.references;
        payment
    }
}

/// A refund and a payment are as good as any; their ids follow from a number.
pub fn payment(order: &Order, number: u8) -> Payment {
    let mut moment = Moment::new(now(), [number; 16]);
    let gateway = GatewayName::new("stripe").unwrap();
    Payment::new(moment.id::<PaymentId>(), order.id, gateway, order.total, now())
}

pub fn manual(payment: Payment) -> Payment {
    Payment { capture: CaptureMode::Manual, ..payment }
}

pub fn hosted(payment: Payment) -> Payment {
    let flow = PaymentFlow::Hosted {
        return_url: Url::new("https://shop.example/thanks").unwrap(),
        cancel_url: Url::new("https://shop.example/cart").unwrap(),
    };
    Payment { flow, ..payment }
}

pub fn refund(amount: Money, number: u32) -> Refund {
    let mut moment = Moment::new(now(), u128::from(number).to_be_bytes());
    let id = moment.id::<RefundId>();
    Refund {
        id,
        amount,
        status: RefundStatus::Pending,
        lines: Vec::new(),
        restock_to: None,
        reason: None,
        reference: None,
        failure: None,
        created_at: now(),
    }
}

pub fn operation(
    payment: &Payment,
    kind: OperationKind,
    attempt: u32,
    amount: Money,
    refund: Option<RefundId>,
) -> Operation {
    Operation {
        id: Moment::new(now(), [99; 16]).id::<OperationId>(),
        kind,
        attempt,
        amount,
        refund_id: refund,
        key: Operation::key_of(payment.id, kind, refund, attempt),
        status: OperationStatus::Open,
        failure: None,
        begun_at: now(),
        ended_at: None,
    }
}

/// An order of two mugs and a pot, placed in a shop in memory.
pub async fn order(currency: Currency) -> Order {
    let shop = Commerce::new(MemoryStore::new(), SteppedClock::new(now()), SeededIds::new(1));
    let office = Caller::system();
    shop.open(Shop::new("Corner shop", currency).unwrap()).await.unwrap();
    let mut lines = Vec::new();
    for (title, sku, price, units) in [("Mug", "MUG", 1_250, 2), ("Pot", "POT", 4_990, 1)] {
        let made = CreateProduct {
            status: ProductStatus::Active,
            variants: vec![CreateVariant::new(sku, Money::new(price, currency)).unwrap()],
            ..CreateProduct::new(title).unwrap()
        };
        let made = shop.create_product(&office, &made).await.unwrap().variants[0].id;
        shop.receive_stock(&office, None, &[(made, 10)], None).await.unwrap();
        lines.push(AddLine::new(made, units).unwrap());
    }
    let cart = CreateCart {
        lines,
        email: Some("ada@example.com".parse().unwrap()),
        shipping_address: Some(Address::new("Ada", "Street 1", "Berlin", "DE").unwrap()),
        ..CreateCart::default()
    };
    let visitor = Caller::anonymous();
    let cart = shop.create_cart(&visitor, &cart).await.unwrap();
    let guest = cart.caller(&visitor);
    let placed = shop.place_order(&guest, cart.cart.id, &PlaceOrder::default()).await.unwrap();
    let found = shop.store().order(&OrderRef::Id(placed.order.id)).await.unwrap().unwrap();
    found.order.value.as_ref().clone()
}

pub async fn euros() -> Order {
    order(Currency::EUR).await
}

pub fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

/// The word of an error.
pub fn word<T: std::fmt::Debug>(result: &Result<T, GatewayError>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(GatewayError::Declined { .. }) => "declined",
        Err(GatewayError::Stale(_)) => "stale",
        Err(GatewayError::Unsupported(_)) => "unsupported",
        Err(GatewayError::Invalid(_)) => "invalid",
        Err(GatewayError::Refused(_)) => "refused",
        Err(GatewayError::Unavailable { .. }) => "unavailable",
        Err(GatewayError::InFlight(_)) => "in flight",
        Err(GatewayError::OutcomeUnknown(_)) => "unknown",
    }
}

/// Somebody of the shop's.
pub fn customer() -> commerce_core::customer::Customer {
    commerce_core::customer::Customer {
        id: Moment::new(now(), [7; 16]).id(),
        email: Some("ada@example.com".parse().unwrap()),
        email_verified: true,
        name: Some(label("Ada Lovelace")),
        phone: Some(label("+44 20 7946 0958")),
        external_id: None,
        provider_references: BTreeMap::new(),
        addresses: Vec::new(),
        note: None,
        created_at: now(),
        updated_at: now(),
    }
}

pub fn shipping(minor: i64) -> commerce_core::pricing::QuoteShipping {
    commerce_core::pricing::QuoteShipping {
        method: Moment::new(now(), [8; 16]).id(),
        name: label("Standard"),
        subtotal: eur(minor),
        discount_total: eur(0),
        tax_total: eur(0),
        total: eur(minor),
        adjustments: Vec::new(),
    }
}

/// Asks the fake for something by itself, without the gateway.
pub async fn ask(stripe: &FakeStripe, path: &str, form: Option<&str>) -> String {
    use http_body_util::{BodyExt as _, Full};
    use hyper::{Request, body::Bytes};
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    let url = format!("{}/v1{path}", stripe.url());
    let (request, body) = match form {
        Some(form) => (Request::post(url), Bytes::from(form.to_owned())),
        None => (Request::get(url), Bytes::new()),
    };
    let request = request
        .header("authorization", format!("Bearer {}", stripe.secret_key()))
        .body(Full::new(body))
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

pub async fn line_items(stripe: &FakeStripe, session: &str) -> serde_json::Value {
    let path = format!("/checkout/sessions/{session}/line_items");
    serde_json::from_str(&ask(stripe, &path, None).await).unwrap()
}

/// A charge that the shop knows nothing of; answers its intent.
pub async fn foreign_charge(stripe: &FakeStripe) -> String {
    let form = "amount=12345&currency=eur&payment_method=pm_card_visa&confirm=true";
    let made = ask(stripe, "/payment_intents", Some(form)).await;
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    made["id"].as_str().unwrap().to_owned()
}

/// All of Stripe's books.
pub async fn books(bench: &Bench) -> Vec<commerce_core::gateway::Transaction> {
    let mut rows = Vec::new();
    let mut query = commerce_core::gateway::TransactionQuery {
        from: now(),
        until: now().saturating_add(Duration::from_secs(3_600)),
        after: None,
    };
    loop {
        let page = bench.gateway.transactions(&query).await.unwrap();
        rows.extend(page.items);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return rows,
        }
    }
}

/// The webhooks that came to an endpoint, in the order in which they came.
pub type Received = Arc<Mutex<Vec<(Headers, Bytes)>>>;

/// An endpoint that answers every webhook, and its address.
pub async fn endpoint() -> (Received, String) {
    async fn take(State(received): State<Received>, headers: HeaderMap, body: Bytes) {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        received.lock().unwrap().push((headers, body));
    }
    let received = Received::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(take)).with_state(Arc::clone(&received));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (received, url)
}

/// An endpoint that hears of everything, and a gateway that has its secret.
pub async fn listening(bench: &Bench) -> (Received, StripeGateway) {
    let (received, url) = endpoint().await;
    let endpoint = bench.stripe.listen(&url, &["*"]);
    let mut config = config(&bench.stripe);
    config.webhook_secrets = vec![WebhookSecret::new(&endpoint.secret).unwrap()];
    (received, StripeGateway::new(config).unwrap())
}
