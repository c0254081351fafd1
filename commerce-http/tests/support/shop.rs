//! A shop behind a real server, its back office, and its guests.

use std::sync::{Arc, Mutex};

use commerce_core::{
    Commerce,
    access::{Caller, Scope},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    currency::Currency,
    id::VariantId,
    inputs::{SeededIds, SteppedClock},
    inventory::SetStock,
    money::Money,
    shop::Shop,
    text::Label,
};
use commerce_http::{
    app::{self, App},
    frame::Limits,
    tasks::Tasks,
};
use pollster::block_on;
use serde_json::{Value, json};

use super::{
    Answer, Server, agent,
    contract::Contract,
    store::{self, Kept},
    transcript::Transcript,
};

/// What sending costs in [`settings`]: 10 EUR, nothing from 100 EUR on.
pub const PARCEL: &str = "ship_0190a000000070008000000000000001";

/// A shop that adds 15 % of tax and sends parcels.
pub fn settings() -> Shop {
    let euros = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    let settings = json!({
        "name": "Test",
        "currency": "EUR",
        "taxes": [
            { "id": "tax_0190a000000070008000000000000001", "label": "Tax 15 %", "rate": "0.15" },
        ],
        "shipping_methods": [
            { "id": PARCEL, "name": "Parcel", "tax_class": "standard",
              "rate": { "type": "free_from", "price": euros(1000), "threshold": euros(10_000) } },
            { "id": "ship_0190a000000070008000000000000002", "name": "Courier to Iceland",
              "countries": ["IS"], "rate": { "type": "flat", "price": euros(9900) } },
        ],
    });
    serde_json::from_value(settings).unwrap()
}

pub struct TestShop {
    pub server: Server,
    pub commerce: Commerce,
    pub clock: Arc<SteppedClock>,
    /// The work that goes on after an answer.
    pub tasks: Tasks,
    /// The value of `Authorization` that stands for the back office.
    pub bearer: String,
    transcript: Transcript,
    _kept: Kept,
}

impl TestShop {
    pub fn open() -> Self {
        Self::with(settings(), |commerce| commerce)
    }

    pub fn with(settings: Shop, change: impl FnOnce(Commerce) -> Commerce) -> Self {
        let clock = Arc::new(SteppedClock::new("2026-11-21T10:00:00Z".parse().unwrap()));
        let (commerce, kept) = store::open(clock.clone(), SeededIds::new(7));
        let commerce = change(commerce);
        block_on(commerce.open(settings)).unwrap();
        let label = Label::new("tests").unwrap();
        let token = block_on(commerce.create_token(&Caller::system(), &label, Scope::Admin));
        let bearer = format!("Bearer {}", token.unwrap().token);
        let app = App::new(commerce.clone());
        let tasks = app.tasks().clone();
        let server = Server::start(app::router(app, Limits::default(), &[]));
        let transcript = Transcript::begin();
        Self { server, commerce, clock, tasks, bearer, transcript, _kept: kept }
    }

    /// The server is started again, with something else of [`Commerce`].
    pub fn restart(&mut self, change: impl FnOnce(Commerce) -> Commerce) {
        self.commerce = change(self.commerce.clone());
        let app = App::new(self.commerce.clone());
        self.tasks = app.tasks().clone();
        self.server = Server::start(app::router(app, Limits::default(), &[]));
    }

    /// Puts a product of one variant up for sale.
    pub fn sell(&self, sku: &str, cents: i64, units: i64) -> VariantId {
        let system = Caller::system();
        let variant = CreateVariant::new(sku, Money::new(cents, Currency::EUR)).unwrap();
        let product = CreateProduct {
            status: ProductStatus::Active,
            variants: vec![variant],
            ..CreateProduct::new(sku).unwrap()
        };
        let product = block_on(self.commerce.create_product(&system, &product)).unwrap();
        let id = product.variants[0].id;
        let stock: SetStock = serde_json::from_value(json!({ "on_hand": units })).unwrap();
        block_on(self.commerce.set_stock(&system, id, &stock)).unwrap();
        id
    }

    /// On hand, held and available.
    pub fn stock(&self, variant: VariantId) -> (i64, i64, i64) {
        let stock = block_on(self.commerce.stock_of(&Caller::system(), variant)).unwrap();
        (stock.on_hand, stock.held, stock.available)
    }

    /// Sends a request below the base path. Whatever is answered must be documented.
    #[track_caller]
    pub fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let url = self.server.url(&format!("/api/v1{path}"));
        let request = ureq::http::Request::builder().method(method).uri(url);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = Answer::of(match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                agent().run(request.body(body.to_string()).unwrap())
            }
            None => agent().run(request.body(()).unwrap()),
        });
        Contract::of_server().check(method, &format!("/api/v1{path}"), &answer);
        self.transcript.note(method, path, &answer);
        answer
    }

    /// Notes something else that is to be the same on each store.
    pub fn tell(&self, what: &str) {
        self.transcript.tell(what);
    }

    #[track_caller]
    pub fn office(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.call(method, path, &[("authorization", &self.bearer)], body)
    }

    /// As the back office, with a key of its own.
    #[track_caller]
    pub fn keyed_office(&self, path: &str, body: Option<&Value>) -> Answer {
        static COUNT: Mutex<u32> = Mutex::new(0);
        let key = {
            let mut count = COUNT.lock().unwrap();
            *count += 1;
            format!("office-{count}")
        };
        let headers = [("authorization", self.bearer.as_str()), ("idempotency-key", &key)];
        self.call("POST", path, &headers, body)
    }

    /// A guest with an empty cart.
    pub fn guest(&self) -> Guest<'_> {
        let made = self.call("POST", "/carts", &[], None);
        assert_eq!(made.status, 201, "{}", made.text());
        let cart = made.json();
        Guest {
            shop: self,
            path: format!("/carts/{}", cart["id"].as_str().unwrap()),
            token: cart["token"].as_str().unwrap().to_owned(),
        }
    }
}

/// Somebody with a cart.
pub struct Guest<'a> {
    pub shop: &'a TestShop,
    /// The path of the cart.
    pub path: String,
    pub token: String,
}

impl Guest<'_> {
    #[track_caller]
    pub fn call(&self, method: &str, below: &str, body: Option<&Value>) -> Answer {
        let path = format!("{}{below}", self.path);
        self.shop.call(method, &path, &[("cart-token", &self.token)], body)
    }

    #[track_caller]
    pub fn add(&self, variant: VariantId, quantity: i64) -> Value {
        let line = json!({ "variant_id": variant, "quantity": quantity });
        let answer = self.call("POST", "/lines", Some(&line));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Says where to and how.
    #[track_caller]
    pub fn complete(&self) -> Value {
        let answer = self.call("PATCH", "", Some(&destination()));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    #[track_caller]
    pub fn check_out(&self, key: &str, body: &Value) -> Answer {
        let path = format!("{}/checkout", self.path);
        let headers = [("cart-token", self.token.as_str()), ("idempotency-key", key)];
        self.shop.call("POST", &path, &headers, Some(body))
    }

    /// Buys and gives the order.
    #[track_caller]
    pub fn buy(&self, variant: VariantId, quantity: i64) -> Value {
        self.add(variant, quantity);
        self.complete();
        let placed = self.check_out("buy", &manual());
        assert_eq!(placed.status, 201, "{}", placed.text());
        placed.json()["order"].clone()
    }
}

pub fn destination() -> Value {
    json!({
        "email": "guest@example.com",
        "shipping_address":
            { "name": "G. Guest", "line1": "Street 1", "city": "Berlin", "country": "DE" },
        "shipping_method": PARCEL,
    })
}

pub fn manual() -> Value {
    json!({ "payment": { "gateway": "manual" } })
}
