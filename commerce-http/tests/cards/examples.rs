//! The examples of the document are what a shop answers: here is the shop.

use std::{collections::BTreeMap, env, fs, future::pending, mem, time::Duration};

use commerce_core::{
    access::{Caller, Scope},
    error::Error,
    text::Label,
};
use commerce_http::{
    app::{self, App, Readiness},
    frame::Limits,
    problem::Problem,
};
use fake_stripe::{Fault, Operation};
use pollster::block_on;
use serde_json::{Value, json};

use super::{
    CardShop, SECRET, direct, eur, hosted, intent,
    support::{Answer, Server, contract::Contract, raw, shop::manual},
};

/// The file that the document takes its examples from.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/openapi/examples.json");

/// Set, the file is written and not compared.
const RENEW: &str = "RENEW_EXAMPLES";

const JSON: Option<&str> = Some("application/json");

/// A shop, and what it was heard to answer: of each kind what it said last.
struct Heard {
    cards: CardShop,
    keys: u32,
    /// The code that the next answer is to have; empty if it is no problem.
    expected: &'static str,
    /// By the name of the schema.
    answers: BTreeMap<String, Value>,
    /// By the code.
    problems: BTreeMap<String, Value>,
}

impl Heard {
    fn begin() -> Self {
        let cards = CardShop::open();
        // They come when they are called for, so that what is answered is the same each time.
        cards.stripe.hold_webhooks(true);
        Self { cards, keys: 0, expected: "", answers: BTreeMap::new(), problems: BTreeMap::new() }
    }

    /// The next request is refused with this code.
    fn refused(&mut self, code: &'static str) -> &mut Self {
        self.expected = code;
        self
    }

    #[track_caller]
    fn keep(&mut self, method: &str, address: &str, answer: &Answer) -> Value {
        let (expected, body) = (mem::take(&mut self.expected), answer.json());
        let code = body.get("code").map_or("", |code| code.as_str().unwrap());
        assert_eq!(code, expected, "{method} {address}: {body}");
        if !code.is_empty() {
            self.problems.insert(code.to_owned(), body.clone());
            return body;
        }
        let operation = Contract::of_server().operation(method, address).unwrap();
        let content = &operation.value["responses"][answer.status.to_string()]["content"];
        let schema = content["application/json"]["schema"]["$ref"].as_str().unwrap();
        let name = schema.rsplit('/').next().unwrap();
        self.answers.insert(name.to_owned(), body.clone());
        body
    }

    /// What a request is answered with.
    #[track_caller]
    fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Option<Value>>,
    ) -> Value {
        let answer = self.cards.shop.call(method, path, headers, body.into().as_ref());
        self.keep(method, &format!("/api/v1{path}"), &answer)
    }

    /// What the back office is answered, under a key of its own.
    #[track_caller]
    fn office(&mut self, method: &str, path: &str, body: impl Into<Option<Value>>) -> Value {
        self.keys += 1;
        let (bearer, key) = (self.cards.shop.bearer.clone(), format!("office-{}", self.keys));
        self.send(method, path, &[("authorization", &bearer), ("idempotency-key", &key)], body)
    }

    /// What a guest is answered.
    #[track_caller]
    fn guest(&mut self, cart: &Value, path: &str, body: Value) -> Value {
        let method = if path.ends_with("/checkout") { "POST" } else { "PATCH" };
        let token = cart["token"].as_str().unwrap();
        let key = format!("a guest sends {body}");
        self.send(method, path, &[("cart-token", token), ("idempotency-key", &key)], body)
    }

    /// Stripe tells the shop of an event.
    fn told(&self, event: &Value) {
        let event = event.to_string();
        let signed = fake_stripe::signature(event.as_bytes(), &[SECRET], self.cards.stripe.now());
        let url = self.cards.shop.server.url("/api/v1/webhooks/stripe");
        let request = super::support::agent().post(url).header("stripe-signature", signed);
        assert_eq!(Answer::of(request.send(event.as_bytes())).status, 200);
        self.cards.settled();
    }

    /// A server of the same shop, held to other limits.
    fn limited(&self, limits: Limits) -> Server {
        let never = Readiness::new(pending::<Result<(), String>>);
        let app = App::new(self.cards.shop.commerce.clone()).with_readiness(never);
        Server::start(app::router(app, limits, &[]))
    }
}

fn id(of: &Value) -> &str {
    of["id"].as_str().unwrap()
}

fn address() -> Value {
    json!({
        "name": "Ada Lovelace", "line1": "Unter den Linden 1", "city": "Berlin",
        "postal_code": "10117", "country": "DE",
    })
}

/// A shop is furnished.
fn furnish(heard: &mut Heard) -> Value {
    let rate = json!({ "type": "free_from", "price": eur(490), "threshold": eur(10_000) });
    let shop = json!({
        "name": "Linen & Co",
        "home": { "country": "DE" },
        "taxes": [{ "label": "VAT 19 %", "country": "DE", "rate": "0.19" }],
        "shipping_methods": [
            { "name": "Parcel", "rate": rate, "tax_class": "standard", "countries": ["DE"] },
        ],
    });
    heard.office("PATCH", "/shop", shop);
    heard.send("GET", "/shop/profile", &[], None);
    let locations = heard.office("GET", "/locations", None);
    heard.office("GET", &format!("/locations/{}", id(&locations["items"][0])), None);
    let label = Label::new("Warehouse").unwrap();
    let system = Caller::system();
    let token = heard.cards.shop.commerce.create_token(&system, &label, Scope::Admin);
    let token = block_on(token).unwrap();
    heard.office("DELETE", &format!("/tokens/{}", token.id), None);
    heard.office("GET", "/tokens?limit=1", None);

    let category = heard.office("POST", "/categories", json!({ "title": "Shirts" }));
    heard.send("GET", "/categories", &[], None);
    let product = heard.office("POST", "/products", json!({
        "title": "Linen shirt",
        "status": "active",
        "vendor": "Acme",
        "product_type": "Shirts",
        "tags": ["linen", "summer"],
        "short_description": "Light and cool",
        "description": "<p>Light and cool.</p>",
        "categories": [id(&category)],
        "options": [{ "name": "Size" }],
        "attributes": { "fabric": { "type": "text", "value": "linen" } },
        "images": [{ "url": "/images/linen-shirt.jpg", "alt": "A linen shirt" }],
        "variants": [{
            "sku": "SHIRT-L", "options": ["L"], "price": eur(4_990), "compare_at_price": eur(5_990),
            "weight_grams": 240,
        }],
    }));
    let stock = format!("/variants/{}", id(&product["variants"][0]));
    heard.office("PUT", &format!("{stock}/stock"), json!({ "on_hand": 12, "note": "Counted" }));
    heard.office("GET", "/stock?sku=SHIRT-L", None);
    heard.office("GET", &format!("{stock}/stock_movements"), None);
    let shown = heard.send("GET", "/products/linen-shirt", &[], None);
    heard.send("GET", "/products?vendor=Acme", &[], None);
    let below = format!("/products/{}", id(&product));
    heard.send("GET", &format!("{below}/images"), &[], None);
    heard.send("GET", &format!("{below}/variants"), &[], None);
    heard.send("GET", &format!("{below}/variants/{}", id(&product["variants"][0])), &[], None);
    shown
}

/// A customer is entered, with a card.
fn enter(heard: &mut Heard) -> Value {
    let customer = json!({
        "email": "ada@example.com", "name": "Ada Lovelace", "external_id": "K-00417",
    });
    let customer = heard.office("POST", "/customers", customer);
    let path = format!("/customers/{}", id(&customer));
    let entered = json!({ "address": address(), "default_shipping": true });
    heard.office("POST", &format!("{path}/addresses"), entered);
    heard.office("GET", &format!("{path}/addresses"), None);
    let methods = format!("{path}/payment_methods");
    let setup = heard.office("POST", &methods, json!({ "gateway": "stripe" }));
    heard.cards.stripe.confirm(id(&setup), "pm_card_visa").unwrap();
    heard.office("GET", &methods, None);
    heard.office("GET", &path, None);
    heard.office("GET", "/customers", None);
    customer
}

fn choose_shipping(heard: &mut Heard, cart: &str, headers: &[(&str, &str)]) {
    let options = heard.send("GET", &format!("{cart}/shipping_options"), headers, None);
    let parcel = &options["items"][0]["id"];
    heard.send("PATCH", cart, headers, json!({ "shipping_method": parcel }));
}

/// A guest buys a shirt with a card, and it is sent.
fn sell(heard: &mut Heard, product: &Value) -> Value {
    let line = json!({ "variant_id": id(&product["variants"][0]), "quantity": 1 });
    let cart =
        json!({ "lines": [line], "email": "ada@example.com", "shipping_address": address() });
    let cart = heard.send("POST", "/carts", &[], cart);
    let path = format!("/carts/{}", id(&cart));
    let token = [("cart-token", cart["token"].as_str().unwrap())];
    choose_shipping(heard, &path, &token);

    let check_out = format!("{path}/checkout");
    let expected = json!({ "payment": { "gateway": "stripe" }, "expected_total": eur(5_990) });
    heard.refused("price_changed").guest(&cart, &check_out, expected);
    heard.refused("idempotency_key_missing").send("POST", &check_out, &token, direct());
    let placed = heard.guest(&cart, &check_out, direct());
    heard.refused("cart_closed").guest(&cart, &path, json!({ "note": "By the back door" }));

    heard.cards.stripe.confirm(intent(&placed), "pm_card_visa").unwrap();
    let events = heard.cards.stripe.events();
    heard.told(events.iter().find(|event| event["type"] == "payment_intent.succeeded").unwrap());
    let order = super::path(&placed);
    let tracking = json!({ "carrier": "DHL", "number": "00340434161094042557" });
    heard.office("POST", &format!("{order}/fulfillments"), json!({ "tracking": tracking }));
    heard.office("GET", "/orders", None);
    heard.refused("invalid_transition").office("POST", &format!("{order}/fulfillments"), None);
    cart
}

/// Stripe tells of a payment that the shop does not know.
fn wonder(heard: &mut Heard) {
    heard.told(&json!({
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "livemode": false,
        "data": { "object": { "id": "pi_1", "object": "payment_intent", "metadata": {} } },
    }));
    let webhooks = heard.office("GET", "/webhooks?status=parked", None);
    let webhook = format!("/webhooks/stripe/{}", id(&webhooks["items"][0]));
    heard.office("POST", &format!("{webhook}/retry"), None);
    heard.office("GET", &webhook, None);
}

/// The shop refuses what it is asked.
fn refuse(heard: &mut Heard, product: &Value, cart: &Value) {
    let token = [("cart-token", cart["token"].as_str().unwrap())];
    heard.refused("unauthenticated").send("GET", "/orders", &[], None);
    heard.refused("forbidden").send("GET", "/orders", &token, None);
    heard.refused("not_found").send("GET", "/nowhere", &[], None);
    heard.refused("conflict").office(
        "POST",
        "/categories",
        json!({ "title": "Blouses", "slug": "shirts" }),
    );
    let shirt = format!("/products/{}", id(product));
    let stale = [("authorization", &*heard.cards.shop.bearer.clone()), ("if-match", "\"1\"")];
    heard.office("PATCH", &shirt, json!({ "featured": true }));
    heard.refused("version_mismatch").send("PATCH", &shirt, &stale, json!({ "featured": false }));

    let line = |quantity: i64| {
        let line = json!({ "variant_id": id(&product["variants"][0]), "quantity": quantity });
        json!({ "lines": [line], "email": "ada@example.com", "shipping_address": address() })
    };
    // The examples of what succeeds are those from before.
    let before = heard.answers.clone();
    heard.refused("validation_failed").send("POST", "/carts", &[], line(0));
    heard.refused("insufficient_stock").send("POST", "/carts", &[], line(100));
    let key = [("idempotency-key", "one key for two carts")];
    heard.send("POST", "/carts", &key, line(1));
    heard.refused("idempotency_key_reused").send("POST", "/carts", &key, line(2));
    let empty = heard.send("POST", "/carts", &[], json!({ "email": "ada@example.com" }));
    heard.refused("cart_empty").guest(&empty, &format!("/carts/{}/checkout", id(&empty)), manual());
    decline(heard);
    let late = heard.send("POST", "/carts", &[], line(1));
    let path = format!("/carts/{}", id(&late));
    choose_shipping(heard, &path, &[("cart-token", late["token"].as_str().unwrap())]);
    heard.office("PATCH", &shirt, json!({ "status": "archived" }));
    heard.refused("not_for_sale").guest(&late, &format!("{path}/checkout"), manual());
    heard.answers = before;
}

/// Stripe refuses a card, and does not say what came of it.
fn decline(heard: &mut Heard) {
    let customer = heard.office("POST", "/customers", json!({ "email": "bo@example.com" }));
    let methods = format!("/customers/{}/payment_methods", id(&customer));
    let setup = heard.office("POST", &methods, json!({ "gateway": "stripe" }));
    heard.cards.stripe.confirm(id(&setup), "pm_card_chargeCustomerFail").unwrap();
    let method = heard.office("GET", &methods, None)["items"][0]["id"].clone();
    let line = json!({ "variant_id": heard.cards.shirt, "quantity": 1 });
    let draft = json!({
        "customer_id": id(&customer), "lines": [line], "shipping_address": address(),
    });
    let draft = |heard: &mut Heard| {
        let made = heard.office("POST", "/carts", draft.clone());
        let path = format!("/carts/{}", id(&made));
        let bearer = heard.cards.shop.bearer.clone();
        choose_shipping(heard, &path, &[("authorization", &bearer)]);
        format!("{path}/checkout")
    };
    let check_out = draft(heard);
    let flow = json!({ "kind": "saved", "method": method });
    heard.refused("payment_declined").office(
        "POST",
        &check_out,
        json!({ "payment": { "gateway": "stripe", "flow": flow } }),
    );
    let check_out = draft(heard);
    heard.cards.stripe.fail(Operation::CreateCheckoutSession, Fault::Unavailable, 3);
    heard.refused("outcome_unknown").office("POST", &check_out, hosted());
}

/// What is no request that the shop would look at, or comes at a bad time.
fn turn_away(heard: &mut Heard) {
    let carts = "/api/v1/carts";
    let server = &heard.cards.shop.server;
    let large = vec![b' '; Limits::default().body_bytes_max + 1];
    let limits = |milliseconds, in_flight_max| Limits {
        request_timeout: Duration::from_millis(milliseconds),
        in_flight_max,
        ..Limits::default()
    };
    let (busy, hasty) = (heard.limited(limits(20_000, 0)), heard.limited(limits(100, 10)));
    let slow = format!(
        "POST {carts} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: 9\r\n\r\n{{"
    );
    let slow = raw(hasty.address, slow.as_bytes());
    let mut problems: Vec<Value> = [
        server.post(carts, JSON, b"{\"lines\": ["),
        server.post(carts, Some("text/plain"), b"{}"),
        server.post(carts, JSON, &large),
        server.post("/api/v1/webhooks/stripe", JSON, b"{}"),
        server.get(&format!("/api/v1/products?q={}", "x".repeat(9_000))),
        server.get_with("/api/v1/products", &[("x-large", &"x".repeat(40_000))]),
        busy.get("/api/v1/products"),
        hasty.get("/readyz"),
    ]
    .iter()
    .map(Answer::json)
    .collect();
    problems.push(serde_json::from_str(slow.split_once("\r\n\r\n").unwrap().1).unwrap());
    // These are not to be had for asking, or at one moment alone.
    let in_flight = Problem::from(Error::InFlight);
    for problem in [Problem::internal("a fault"), Problem::unavailable("a fault"), in_flight] {
        problems.push(serde_json::to_value(problem).unwrap());
    }
    for problem in problems {
        heard.problems.insert(problem["code"].as_str().unwrap().to_owned(), problem);
    }
    let health = heard.cards.shop.server.get("/healthz");
    heard.keep("GET", "/healthz", &health);
}

#[test]
fn the_examples_are_what_a_shop_answers() {
    let mut heard = Heard::begin();
    let product = furnish(&mut heard);
    enter(&mut heard);
    let cart = sell(&mut heard, &product);
    wonder(&mut heard);
    refuse(&mut heard, &product, &cart);
    turn_away(&mut heard);
    let heard = json!({ "answers": heard.answers, "problems": heard.problems });
    if env::var_os(RENEW).is_some() {
        fs::write(FILE, format!("{heard:#}\n")).unwrap();
        return;
    }
    let kept: Value = serde_json::from_str(&fs::read_to_string(FILE).unwrap()).unwrap();
    for kind in ["answers", "problems"] {
        let (kept, heard) = (kept[kind].as_object().unwrap(), heard[kind].as_object().unwrap());
        let names = kept.keys().chain(heard.keys());
        for name in names {
            assert_eq!(
                kept.get(name),
                heard.get(name),
                "{kind}: {name} is answered otherwise by now. If it should be, {RENEW}=1 cargo test \
                 -p commerce-http --all-features --test cards examples renews the file"
            );
        }
    }
}
