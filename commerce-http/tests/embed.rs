//! The shop's router inside a program of somebody else's.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use async_trait::async_trait;
use axum::{Router, body::Body, extract::State, http::Request, routing::get};
use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    gateway::{GatewayAnswer, GatewayError, PaymentGateway},
    order::{Order, PaymentTerms},
    payment::{Payment, Refund},
    shop::Shop,
    store::{OrderQuery, PageRequest},
    text::{GatewayName, Label},
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
}

/// A gateway that is asked and does not answer until it may.
#[derive(Debug)]
struct SlowGateway {
    asked: Notify,
    may_answer: Semaphore,
}

#[async_trait]
impl PaymentGateway for &'static SlowGateway {
    fn name(&self) -> GatewayName {
        GatewayName::new("slow").unwrap()
    }
    fn is_online(&self) -> bool {
        true
    }
    async fn create(&self, _: &Payment, _: &Order) -> Result<GatewayAnswer, GatewayError> {
        self.asked.notify_one();
        self.may_answer.acquire().await.unwrap().forget();
        let client_secret = Some(Label::new("secret of the device").unwrap());
        Ok(GatewayAnswer { client_secret, ..GatewayAnswer::default() })
    }
    async fn capture(&self, _: &Payment) -> Result<GatewayAnswer, GatewayError> {
        Err(GatewayError::Unsupported("capture"))
    }
    async fn void(&self, _: &Payment) -> Result<GatewayAnswer, GatewayError> {
        Err(GatewayError::Unsupported("void"))
    }
    async fn refund(&self, _: &Payment, _: &Refund) -> Result<GatewayAnswer, GatewayError> {
        Err(GatewayError::Unsupported("refund"))
    }
}

#[test]
fn a_client_that_hangs_up_during_checkout_has_ordered_all_the_same() {
    let gateway: &'static SlowGateway =
        Box::leak(Box::new(SlowGateway { asked: Notify::new(), may_answer: Semaphore::new(0) }));
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
