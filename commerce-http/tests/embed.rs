//! The shop's router inside a program of somebody else's.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use axum::{Router, body::Body, extract::State, http::Request, routing::get};
use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    currency::Currency,
    gateway::{
        Abilities, Amounts, GatewayError, Headers, Notice, PaymentGateway, ProviderAccount,
        ProviderPayment, ProviderRefund, Reply, ScriptedGateway, TransactionPage, TransactionQuery,
        Vault, WebhookError,
    },
    order::{Order, PaymentTerms},
    payment::{Operation, Payment, Refund},
    shop::Shop,
    store::{OrderQuery, PageRequest},
    text::{GatewayName, Label},
    time::Timestamp,
};
use commerce_http::{
    app::{self, App},
    frame::Limits,
};
use serde_json::json;
use support::{
    Answer, Server, agent,
    shop::{TestShop, destination, settings},
};
use tokio::sync::{Notify, Semaphore};
use tower::Service;

#[test]
fn the_router_is_mounted_in_an_application_of_another() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    // The host has its own state, routes and layers, and its own way to the same shop.
    #[derive(Clone)]
    struct Host(Commerce);
    let own = get(async |State(host): State<Host>| host.0.shop().await.unwrap().name.to_string());
    let shops = app::router(App::new(shop.commerce.clone()), Limits::default(), &[]);
    let host = Router::new()
        .route("/about", own)
        .with_state(Host(shop.commerce.clone()))
        .nest("/shop", shops);
    let server = Server::start(host);
    assert_eq!(server.get("/about").text(), "Test");
    assert_eq!(server.get("/shop/healthz").status, 200);
    assert_eq!(server.get("/shop/docs/").status, 200);
    assert_eq!(server.get("/shop/api/v1/openapi.json").status, 200);
    server.get("/shop/api/v1/nowhere").problem(404, "not_found");
    assert_eq!(server.get("/nowhere").text(), "", "the host's own answer");
    let lines = json!({ "lines": [{ "variant_id": shirt, "quantity": 1 }] }).to_string();
    let made = server.post("/shop/api/v1/carts", Some("application/json"), lines.as_bytes());
    assert_eq!(made.status, 201, "{}", made.text());
    // The address is relative, so that it holds wherever the router is mounted.
    let address = server.url(&format!("/shop/api/v1/{}", made.header("location")));
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let read = Answer::of(agent().get(address).header("cart-token", token).call());
    assert_eq!(read.json()["id"], made.json()["id"]);
    server.get("/shop/api/v1/shop/profile?colour=red").problem(422, "validation_failed");
}

/// A gateway that is asked and does not answer until it may.
#[derive(Debug)]
struct SlowGateway {
    asked: Notify,
    may_answer: Semaphore,
    inner: ScriptedGateway,
}

#[async_trait]
impl PaymentGateway for &'static SlowGateway {
    fn name(&self) -> GatewayName {
        self.inner.name()
    }
    fn abilities(&self) -> Abilities {
        self.inner.abilities()
    }
    fn takes(&self, currency: Currency) -> Option<Amounts> {
        self.inner.takes(currency)
    }
    fn account(&self) -> ProviderAccount {
        self.inner.account()
    }
    async fn create(
        &self,
        order: &Order,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        self.asked.notify_one();
        self.may_answer.acquire().await.unwrap().forget();
        self.inner.create(order, payment, operation).await
    }
    async fn fetch(&self, payment: &Payment) -> Result<Option<ProviderPayment>, GatewayError> {
        self.inner.fetch(payment).await
    }
    async fn capture(&self, _: &Payment, _: &Operation) -> Result<ProviderPayment, GatewayError> {
        Err(GatewayError::Unsupported("capture"))
    }
    async fn void(&self, _: &Payment, _: &Operation) -> Result<ProviderPayment, GatewayError> {
        Err(GatewayError::Unsupported("void"))
    }
    async fn refund(
        &self,
        _: &Payment,
        _: &Refund,
        _: &Operation,
    ) -> Result<ProviderRefund, GatewayError> {
        Err(GatewayError::Unsupported("refund"))
    }
    async fn notice(&self, _: &Headers, _: &[u8], _: Timestamp) -> Result<Notice, WebhookError> {
        Err(WebhookError::Unsupported)
    }
    async fn transactions(&self, _: &TransactionQuery) -> Result<TransactionPage, GatewayError> {
        Err(GatewayError::Unsupported("transactions"))
    }
    fn vault(&self) -> Option<Arc<dyn Vault>> {
        None
    }
}

#[test]
fn a_client_that_hangs_up_during_checkout_has_ordered_all_the_same() {
    let inner = ScriptedGateway::new(GatewayName::new("slow").unwrap());
    let client_secret = Label::new("secret of the device").unwrap();
    inner.script([Reply::RequireAction { client_secret, redirect_url: None }]);
    let (asked, may_answer) = (Notify::new(), Semaphore::new(0));
    let gateway: &'static SlowGateway =
        Box::leak(Box::new(SlowGateway { asked, may_answer, inner }));
    let mut terms = settings().payment_terms;
    terms.insert(GatewayName::new("slow").unwrap(), PaymentTerms::default());
    let settings = Shop { payment_terms: terms, ..settings() };
    let shop = TestShop::with(settings, |commerce| commerce.with_gateway(gateway));
    let shirt = shop.sell("SHIRT", 1999, 5);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cart: CreateCart = serde_json::from_value(destination()).unwrap();
        cart.lines.push(AddLine::new(shirt, 1).unwrap());
        let made = shop.commerce.create_cart(&Caller::anonymous(), &cart).await.unwrap();
        let app = App::new(shop.commerce.clone());
        let tasks = app.tasks().clone();
        let mut router = app::router(app, Limits::default(), &[]);
        let request = Request::post(format!("/api/v1/carts/{}/checkout", made.cart.id))
            .header("cart-token", made.token.as_deref().unwrap())
            .header("idempotency-key", "k")
            .header("content-type", "application/json")
            .body(Body::from(r#"{"payment":{"gateway":"slow"}}"#))
            .unwrap();
        let answer = router.call(request);
        tokio::select! {
            _ = answer => panic!("answered before the gateway"),
            () = gateway.asked.notified() => {}
        }
        // The future of the handler is dropped here, as axum does when a client hangs up.
        gateway.may_answer.add_permits(1);
        tasks.ended().await;
        let query = OrderQuery { filter: Default::default(), page: PageRequest::first(10) };
        let orders = shop.commerce.orders(&Caller::system(), &query).await.unwrap();
        let order = orders.items.first().unwrap();
        let secret = order.payments[0].client_secret.as_ref();
        assert_eq!(secret.map(Label::as_str), Some("secret of the device"));
        assert_eq!(shop.stock(shirt), (5, 1, 4));
    });
}
