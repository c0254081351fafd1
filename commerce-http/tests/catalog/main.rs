//! The catalogue, its stock, the shop's configuration and its customers, over real connections.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod categories;
mod contract;
mod customers;
mod filters;
mod products;
mod schemas;
mod shop;
mod stock;
#[path = "../support/mod.rs"]
mod support;
mod variants;

use std::time::Duration;

use commerce_core::{currency::Currency, shop::Shop};
use serde_json::{Value, json};
use support::{Answer, shop::TestShop};

/// A new shop, and how the back office and others speak to it.
struct Fixture(TestShop);

/// What a request is made of besides its method and address.
#[derive(Default)]
struct Sent<'a> {
    headers: &'a [(&'a str, &'a str)],
    body: Option<Value>,
}

impl Fixture {
    fn open() -> Self {
        Self(TestShop::with(Shop::new("Test", Currency::EUR).unwrap(), |commerce| commerce))
    }

    fn bearer(&self) -> &str {
        &self.0.bearer
    }

    /// A moment passes, for what is sorted by time.
    fn tick(&self) {
        self.0.clock.advance(Duration::from_millis(1));
    }

    #[track_caller]
    fn send(&self, method: &str, path: &str, sent: Sent<'_>) -> Answer {
        self.0.call(method, path, sent.headers, sent.body.as_ref())
    }

    /// What anybody reads.
    #[track_caller]
    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Sent::default())
    }

    /// What the back office reads.
    #[track_caller]
    fn staff_get(&self, path: &str) -> Answer {
        self.send("GET", path, Sent { headers: &[("authorization", self.bearer())], body: None })
    }

    /// What the back office writes.
    #[track_caller]
    fn staff(&self, method: &str, path: &str, body: impl Into<Option<Value>>) -> Answer {
        let headers: &[_] = &[("authorization", self.bearer())];
        self.send(method, path, Sent { headers, body: body.into() })
    }

    /// As [`Self::staff`], with another header.
    #[track_caller]
    fn staff_with(
        &self,
        header: (&str, &str),
        method: &str,
        path: &str,
        body: impl Into<Option<Value>>,
    ) -> Answer {
        let headers: &[_] = &[("authorization", self.bearer()), header];
        self.send(method, path, Sent { headers, body: body.into() })
    }

    /// Makes something; a millisecond passes.
    #[track_caller]
    fn create(&self, path: &str, body: Value) -> Value {
        self.tick();
        let answer = self.staff("POST", path, body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// An active product of one variant, with units in stock.
    #[track_caller]
    fn sell(&self, title: &str, price: i64, units: i64, more: Value) -> Value {
        let mut product = json!({
            "title": title,
            "status": "active",
            "variants": [{ "sku": title.to_uppercase(), "price": eur(price) }],
        });
        product.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let product = self.create("/products", product);
        if units > 0 {
            let path = format!("/variants/{}/stock", id(&product["variants"][0]));
            assert_eq!(self.staff("PUT", &path, json!({ "on_hand": units })).status, 200);
        }
        product
    }

    /// The slugs of a list.
    #[track_caller]
    fn slugs(&self, path: &str) -> Vec<String> {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        slugs(&answer.json())
    }
}

fn slugs(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
}

fn eur(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

fn id(record: &Value) -> &str {
    record["id"].as_str().unwrap()
}

/// The pointers of a problem's errors.
#[track_caller]
fn pointers(answer: &Answer) -> Vec<String> {
    let problem = answer.problem(422, "validation_failed");
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}
