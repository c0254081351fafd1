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
    customer::{CreateCustomer, Customer},
    gateway::{
        Abilities, Amounts, GatewayError, Headers, Notice, PaymentGateway, ProviderAccount,
        ProviderPayment, ProviderRefund, Reply, SaveMethod, SavedMethod, ScriptedGateway, Setup,
        TransactionPage, TransactionQuery, Vault, WebhookError,
    },
    order::{Order, PaymentTerms},
    payment::{Operation, Payment, Refund},
    shop::Shop,
    store::{CustomerRef, OrderQuery, PageRequest},
    text::{GatewayName, IdempotencyKey, Label, Url},
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
use tokio::{
    runtime::Runtime,
    sync::{Notify, Semaphore},
};
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
        Some(Arc::new(*self))
    }
}

#[async_trait]
impl Vault for &'static SlowGateway {
    async fn create_customer(
        &self,
        customer: &Customer,
        key: &IdempotencyKey,
    ) -> Result<Label, GatewayError> {
        self.inner.create_customer(customer, key).await
    }
    async fn erase_customer(&self, customer: &Label) -> Result<(), GatewayError> {
        self.asked.notify_one();
        self.may_answer.acquire().await.unwrap().forget();
        self.inner.erase_customer(customer).await
    }
    async fn create_setup(
        &self,
        customer: &Label,
        return_url: Option<Url>,
        key: &IdempotencyKey,
    ) -> Result<Setup, GatewayError> {
        self.inner.create_setup(customer, return_url, key).await
    }
    async fn methods(&self, customer: &Label) -> Result<Vec<SavedMethod>, GatewayError> {
        self.inner.methods(customer).await
    }
    async fn remove_method(&self, customer: &Label, method: &Label) -> Result<bool, GatewayError> {
        self.inner.remove_method(customer, method).await
    }
}

impl SlowGateway {
    /// A shop that takes what this gateway does.
    fn shop() -> (&'static Self, TestShop) {
        let name = GatewayName::new("slow").unwrap();
        let inner = ScriptedGateway::new(name.clone());
        let (asked, may_answer) = (Notify::new(), Semaphore::new(0));
        let gateway: &'static Self = Box::leak(Box::new(Self { asked, may_answer, inner }));
        let mut terms = settings().payment_terms;
        terms.insert(name, PaymentTerms::default());
        let settings = Shop { payment_terms: terms, ..settings() };
        let shop = TestShop::with(settings, |commerce| commerce.with_gateway(gateway));
        (gateway, shop)
    }

    /// Sends a request and hangs up while the gateway is asked; waits until no work goes on.
    async fn hung_up_on(&self, shop: &TestShop, request: Request<Body>) {
        let app = App::new(shop.commerce.clone());
        let tasks = app.tasks().clone();
        let mut router = app::router(app, Limits::default(), &[]);
        let answer = router.call(request);
        tokio::select! {
            _ = answer => panic!("answered before the gateway"),
            () = self.asked.notified() => {}
        }
        // The future of the handler is dropped here, as axum does when a client hangs up.
        self.may_answer.add_permits(1);
        tasks.ended().await;
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_client_that_hangs_up_while_a_customer_is_erased_has_erased_them_all_the_same() {
    let (gateway, shop) = SlowGateway::shop();
    let (commerce, system) = (&shop.commerce, &Caller::system());
    runtime().block_on(async {
        let ada = commerce.create_customer(system, &CreateCustomer::default()).await.unwrap().id;
        let save = SaveMethod { gateway: gateway.name(), return_url: None };
        commerce.save_method(system, ada, &save).await.unwrap();
        let by = CustomerRef::Id(ada);
        let known = commerce.customer(system, &by).await.unwrap();
        let reference = &known.provider_references[&gateway.name()];
        gateway.inner.save(reference).unwrap();
        let request = Request::delete(format!("/api/v1/customers/{ada}"))
            .header("authorization", &shop.bearer)
            .body(Body::empty())
            .unwrap();
        gateway.hung_up_on(&shop, request).await;
        assert!(gateway.inner.save(reference).is_none(), "gone at the gateway");
        let gone = commerce.customer(system, &by).await;
        assert!(gone.is_err(), "{gone:?}");
    });
}

#[test]
fn a_client_that_hangs_up_during_checkout_has_ordered_all_the_same() {
    let (gateway, shop) = SlowGateway::shop();
    let client_secret = Label::new("secret of the device").unwrap();
    gateway.inner.script([Reply::RequireAction { client_secret, redirect_url: None }]);
    let shirt = shop.sell("SHIRT", 1999, 5);
    runtime().block_on(async {
        let mut cart: CreateCart = serde_json::from_value(destination()).unwrap();
        cart.lines.push(AddLine::new(shirt, 1).unwrap());
        let made = shop.commerce.create_cart(&Caller::anonymous(), &cart).await.unwrap();
        let request = Request::post(format!("/api/v1/carts/{}/checkout", made.cart.id))
            .header("cart-token", made.token.as_deref().unwrap())
            .header("idempotency-key", "k")
            .header("content-type", "application/json")
            .body(Body::from(r#"{"payment":{"gateway":"slow"}}"#))
            .unwrap();
        gateway.hung_up_on(&shop, request).await;
        let query = OrderQuery { filter: Default::default(), page: PageRequest::first(10) };
        let orders = shop.commerce.orders(&Caller::system(), &query).await.unwrap();
        let order = orders.items.first().unwrap();
        let secret = order.payments[0].client_secret.as_ref();
        assert_eq!(secret.map(Label::as_str), Some("secret of the device"));
        assert_eq!(shop.stock(shirt), (5, 1, 4));
    });
}
