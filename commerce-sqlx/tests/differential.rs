//! The same history on the store in memory and on the one in PostgreSQL: every answer, every list and
//! every page must be the same.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{fmt::Debug, sync::Arc, time::Duration};

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, ChangeLine, CreateCart, PatchCart},
    catalog::{
        CreateCategory, CreateProduct, CreateVariant, PatchProduct, PatchVariant, ProductStatus,
    },
    checkout::PlaceOrder,
    currency::Currency,
    customer::{CreateCustomer, PatchCustomer, PutAddress},
    id::{CartId, CategoryId, CustomerId, Id, LineId, LocationId, OrderId, ProductId, VariantId},
    inputs::{SeededIds, SteppedClock},
    inventory::{AdjustStock, SetStock},
    order::{CancelOrder, Deliver, FulfillOrder, OrderStatus},
    payment::CreateRefund,
    secret::Secret,
    shop::Shop,
    store::{
        Cursor, CustomerRef, MemoryStore, MovementFilter, OrderFilter, OrderQuery, OrderRef,
        PageRequest, ProductFilter, ProductQuery, ProductRef, ProductSort, Purge, StockFilter,
        VariantRef,
    },
    text::{Email, IdempotencyKey, Label, Sku, Slug},
};
use proptest::prelude::*;
use serde_json::{Value, json};

mod common;

use common::{Schema, block_on};

/// The random numbers of one history, so that a failing one comes again.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }

    fn number(&mut self, n: i64) -> i64 {
        i64::try_from(self.below(usize::try_from(n).unwrap())).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        if of.is_empty() { None } else { Some(of[self.below(of.len())].clone()) }
    }

    fn some(&mut self, of: &[&str], percent: usize) -> Vec<String> {
        of.iter().filter(|_| self.chance(percent)).map(|it| (*it).to_owned()).collect()
    }
}

const WORDS: &[&str] =
    &["Red", "Shirt", "shirts", "Blau", "Größe", "ÄRMEL", "नमस्ते", "XL-5", "T-Shirt", "Ⅷ", "straße"];
const CURRENCIES: &[Currency] = &[Currency::EUR, Currency::USD, Currency::JPY];

/// One shop on two stores.
struct Twins {
    memory: Commerce,
    postgres: Commerce,
    clocks: [Arc<SteppedClock>; 2],
    dice: Dice,
    system: Caller,
    products: Vec<ProductId>,
    variants: Vec<VariantId>,
    categories: Vec<CategoryId>,
    locations: Vec<LocationId>,
    customers: Vec<CustomerId>,
    carts: Vec<(Caller, CartId)>,
    lines: Vec<(CartId, LineId)>,
    orders: Vec<OrderId>,
    position: u64,
    _schema: Schema,
}

/// Asks both shops, compares what they answer, and gives it.
macro_rules! both {
    ($twins:expr, |$shop:ident| $ask:expr) => {{
        let answers = {
            let $shop = &$twins.memory;
            let a = block_on($ask);
            let $shop = &$twins.postgres;
            let b = block_on($ask);
            (a, b)
        };
        same(stringify!($ask), &answers.0, &answers.1);
        answers.0
    }};
}

fn same<T: Debug>(what: &str, memory: &T, postgres: &T) {
    let (memory, postgres) = (format!("{memory:#?}"), format!("{postgres:#?}"));
    if memory != postgres {
        let line = memory.lines().zip(postgres.lines()).find(|(a, b)| a != b);
        panic!("{what}\n first difference {line:?}\n memory {memory}\n postgres {postgres}");
    }
}

impl Twins {
    fn open(seed: u64) -> Self {
        let (store, schema) = common::store();
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        let clocks = [Arc::new(SteppedClock::new(now)), Arc::new(SteppedClock::new(now))];
        let memory = Commerce::new(MemoryStore::new(), clocks[0].clone(), SeededIds::new(seed));
        let postgres = Commerce::new(store, clocks[1].clone(), SeededIds::new(seed));
        let mut twins = Self {
            memory,
            postgres,
            clocks,
            dice: Dice(seed),
            system: Caller::system(),
            products: vec![],
            variants: vec![],
            categories: vec![],
            locations: vec![],
            customers: vec![],
            carts: vec![],
            lines: vec![],
            orders: vec![],
            position: 0,
            _schema: schema,
        };
        let page = PageRequest { total: true, ..PageRequest::first(3) };
        let _ = both!(twins, |shop| shop
            .queries()
            .stock(&StockFilter { location_id: None, low: true }, &page));
        let kind = twins.dice.one(&["prepaid", "on_delivery"]).unwrap();
        let terms = json!({"manual": {"kind": kind, "days": 3}});
        let shop: Shop = serde_json::from_value(json!({
            "name": "Twins", "currency": "EUR", "payment_terms": terms,
            "taxes": [{"id": id(1, "tax"), "label": "VAT", "rate": "0.19", "country": "DE"}],
            "shipping_methods": [{"id": id(2, "ship"), "name": "Post",
                "rate": {"type": "flat", "price": {"amount": 490, "currency": "EUR"}}}],
        }))
        .unwrap();
        let setup = block_on(twins.memory.open(shop.clone())).unwrap();
        block_on(twins.postgres.open(shop)).unwrap();
        twins.locations.push(setup.locations[0].id);
        twins
    }

    fn words(&mut self, most: usize) -> String {
        let count = 1 + self.dice.below(most);
        (0..count).map(|_| self.dice.one(WORDS).unwrap()).collect::<Vec<_>>().join(" ")
    }

    fn variant(&mut self, options: usize) -> Value {
        let price = |currency: &str, amount: i64| json!({"amount": {"amount": amount, "currency": currency}});
        let mut variant = json!({
            "sku": format!("{}-{}", self.dice.one(WORDS).unwrap(), self.dice.below(60)),
            "options": (0..options).map(|_| self.dice.one(&["S", "M", "L"]).unwrap()).collect::<Vec<_>>(),
            "track_inventory": self.dice.chance(80),
            "backorder": if self.dice.chance(20) { "allow" } else { "deny" },
            "low_stock_threshold": self.dice.number(8),
            "active": self.dice.chance(85),
            "requires_shipping": self.dice.chance(80),
            "weight_grams": self.dice.number(5000),
            "metadata": if self.dice.chance(30) { json!({"b": [1, null], "a": {"x": "y"}}) } else { json!({}) },
        });
        if self.dice.chance(85) {
            variant["price"] = json!({"amount": self.dice.number(5000), "currency": "EUR"});
            if self.dice.chance(30) {
                variant["compare_at_price"] = json!({"amount": 9000, "currency": "EUR"});
            }
        }
        let mut prices = vec![];
        if self.dice.chance(30) {
            prices.push(price("USD", self.dice.number(5000)));
        }
        if self.dice.chance(15) {
            prices.push(price("JPY", self.dice.number(50)));
        }
        variant["prices"] = json!(prices);
        if self.dice.chance(40) {
            variant["barcode"] = json!(format!("{:013}", self.dice.below(1000)));
            variant["cost"] = json!({"amount": 5, "currency": "USD"});
            variant["dimensions"] = json!({"length_mm": 1, "width_mm": 2, "height_mm": 3});
            variant["tax_code"] = json!("T1");
        }
        variant
    }

    fn product_fields(&mut self) -> Value {
        let categories = self.categories.clone();
        let mut fields = json!({
            "title": self.words(3),
            "description": format!("<p>{}</p>", self.words(6)),
            "status": self.dice.one(&["draft", "active", "active", "active", "archived"]),
            "tags": self.dice.some(WORDS, 20),
            "featured": self.dice.chance(30),
            "categories": categories.into_iter().filter(|_| self.dice.chance(40)).collect::<Vec<_>>(),
            "related": self.products.iter().take(2).map(|id| json!({"product_id": id, "relation": "up_sell"})).collect::<Vec<_>>(),
            "seo": {"title": "Seo"},
            "attributes": {"weight": {"type": "number", "value": "1.50"}, "ok": {"type": "boolean", "value": true}},
            "metadata": {"k": 1.5},
        });
        if self.dice.chance(60) {
            fields["vendor"] = json!(self.dice.one(&["Acme", "ACME", "Größe"]));
        }
        if self.dice.chance(60) {
            fields["product_type"] = json!(self.dice.one(&["Shoes", "shoes", "Hats"]));
        }
        if self.dice.chance(50) {
            fields["short_description"] = json!(self.words(3));
        }
        fields
    }

    fn address(&mut self) -> Value {
        let country = self.dice.one(&["DE", "US"]).unwrap();
        json!({"name": "A B", "line1": "Street 1", "city": "Town", "country": country, "postal_code": "1"})
    }

    fn step(&mut self) {
        let system = self.system.clone();
        match self.dice.below(40) {
            0..=3 => {
                let mut fields = self.product_fields();
                fields["slug"] = json!(format!("p-{}", self.dice.below(80)));
                let options = self.dice.below(3);
                fields["options"] = json!(
                    (0..options).map(|n| json!({"name": format!("o{n}")})).collect::<Vec<_>>()
                );
                fields["images"] = json!(
                    (0..self.dice.below(3))
                        .map(|n| json!({"url": format!("https://e.com/{n}.jpg"), "alt": "x"}))
                        .collect::<Vec<_>>()
                );
                let count = self.dice.below(4);
                fields["variants"] =
                    json!((0..count).map(|_| self.variant(options)).collect::<Vec<_>>());
                let request: CreateProduct = serde_json::from_value(fields).unwrap();
                if let Ok(made) = both!(self, |shop| shop.create_product(&system, &request)) {
                    self.products.push(made.id);
                    self.variants.extend(made.variants.iter().map(|variant| variant.id));
                }
            }
            4 | 5 => {
                let Some(id) = self.dice.one(&self.products) else { return };
                let mut fields = self.product_fields();
                let keep: Vec<String> = fields.as_object().unwrap().keys().cloned().collect();
                for key in keep {
                    if self.dice.chance(60) {
                        fields.as_object_mut().unwrap().remove(&key);
                    }
                }
                fields.as_object_mut().unwrap().remove("related");
                let request: PatchProduct = serde_json::from_value(fields).unwrap();
                let _ = both!(self, |shop| shop.patch_product(&system, id, &request, None));
            }
            6 => {
                let Some(id) = self.dice.one(&self.products) else { return };
                let place = self.dice.below(3);
                let image = json!({"url": "https://e.com/new.png", "position": place});
                let image = serde_json::from_value(image).unwrap();
                let made = both!(self, |shop| shop.add_image(&system, id, &image, None));
                if let Ok(made) = made
                    && self.dice.chance(50)
                {
                    let image = made.images[self.dice.below(made.images.len())].id;
                    let _ = both!(self, |shop| shop.remove_image(&system, id, image, None));
                }
            }
            7 => {
                let Some(id) = self.dice.one(&self.products) else { return };
                let request = self.variant(0);
                let request: CreateVariant = serde_json::from_value(request).unwrap();
                if let Ok(made) = both!(self, |shop| shop.create_variant(&system, id, &request)) {
                    self.variants.push(made.id);
                }
            }
            8 | 9 => {
                let Some(id) = self.dice.one(&self.variants) else { return };
                let mut fields = json!({});
                match self.dice.below(7) {
                    0 => {
                        fields["sku"] = json!(format!("{}-{}", self.words(2), self.dice.below(99)))
                    }
                    1 => fields["active"] = json!(self.dice.chance(50)),
                    2 => {
                        fields["price"] = json!({"amount": self.dice.number(9000), "currency": self.dice.one(CURRENCIES)})
                    }
                    3 => fields["track_inventory"] = json!(self.dice.chance(50)),
                    4 => fields["low_stock_threshold"] = json!(self.dice.number(30)),
                    5 => fields["prices"] = json!([]),
                    _ => fields["barcode"] = json!("4711 neu"),
                }
                let request: PatchVariant = serde_json::from_value(fields).unwrap();
                let _ = both!(self, |shop| shop.patch_variant(&system, id, &request, None));
            }
            10 => {
                let parent =
                    if self.dice.chance(50) { self.dice.one(&self.categories) } else { None };
                let request: CreateCategory = serde_json::from_value(json!({
                    "title": self.words(2), "parent_id": parent, "position": self.dice.number(3),
                    "slug": format!("c-{}", self.dice.below(20)),
                    "image": {"url": "https://e.com/c.png"},
                }))
                .unwrap();
                if let Ok(made) = both!(self, |shop| shop.create_category(&system, &request)) {
                    self.categories.push(made.id);
                }
            }
            11 => {
                let Some(id) = self.dice.one(&self.categories) else { return };
                let parent = self.dice.one(&self.categories);
                let request = serde_json::from_value(
                    json!({"parent_id": parent, "active": self.dice.chance(50)}),
                )
                .unwrap();
                let _ = both!(self, |shop| shop.patch_category(&system, id, &request, None));
                if self.dice.chance(20) {
                    let _ = both!(self, |shop| shop.remove_category(&system, id, None));
                }
            }
            12..=15 => {
                let Some(id) = self.dice.one(&self.variants) else { return };
                let location = self.dice.one(&self.locations);
                let request: SetStock = serde_json::from_value(
                    json!({"location": location, "on_hand": self.dice.number(30), "note": "counted"}),
                )
                .unwrap();
                let _ = both!(self, |shop| shop.set_stock(&system, id, &request));
            }
            16 => {
                let Some(id) = self.dice.one(&self.variants) else { return };
                let location = self.dice.one(&self.locations);
                let request: AdjustStock = serde_json::from_value(
                    json!({"location": location, "delta": self.dice.number(20) - 10, "reason": "damaged"}),
                )
                .unwrap();
                let _ = both!(self, |shop| shop.adjust_stock(&system, id, &request));
            }
            17 => {
                if self.locations.len() < 4 {
                    let request = serde_json::from_value(
                        json!({"name": self.words(2), "priority": self.dice.number(3), "active": self.dice.chance(70)}),
                    )
                    .unwrap();
                    let made = both!(self, |shop| shop.create_location(&system, &request)).unwrap();
                    self.locations.push(made.id);
                } else {
                    let id = self.dice.one(&self.locations).unwrap();
                    let request =
                        serde_json::from_value(json!({"active": self.dice.chance(70)})).unwrap();
                    let _ = both!(self, |shop| shop.patch_location(&system, id, &request, None));
                }
            }
            18 => {
                let request: CreateCustomer = serde_json::from_value(json!({
                    "email": format!("Kunde{}@Example.com", self.dice.below(6)),
                    "external_id": if self.dice.chance(50) { Some(self.dice.below(9).to_string()) } else { None },
                    "name": "K", "note": "n",
                }))
                .unwrap();
                if let Ok(made) = both!(self, |shop| shop.create_customer(&system, &request)) {
                    self.customers.push(made.id);
                }
            }
            19 => {
                let Some(id) = self.dice.one(&self.customers) else { return };
                let address = PutAddress {
                    id: None,
                    address: serde_json::from_value(self.address()).unwrap(),
                    default_shipping: self.dice.chance(50),
                    default_billing: self.dice.chance(50),
                };
                let made = both!(self, |shop| shop.put_address(&system, id, &address));
                if let Ok(made) = made
                    && self.dice.chance(40)
                {
                    let address = self.dice.one(&made.addresses).unwrap().id;
                    let _ = both!(self, |shop| shop.remove_address(&system, id, address));
                }
                let request: PatchCustomer = serde_json::from_value(
                    json!({"email": format!("neu{}@example.com", self.dice.below(4))}),
                )
                .unwrap();
                let _ = both!(self, |shop| shop.patch_customer(&system, id, &request, None));
            }
            20 | 21 => {
                let caller = match self.dice.below(3) {
                    0 => Caller::anonymous(),
                    1 => system.clone(),
                    _ => match self.dice.one(&self.customers) {
                        Some(id) => Caller::customer(id),
                        None => Caller::anonymous(),
                    },
                };
                let request = CreateCart {
                    currency: if self.dice.chance(20) { Some(Currency::USD) } else { None },
                    ..CreateCart::default()
                };
                if let Ok(made) = both!(self, |shop| shop.create_cart(&caller, &request)) {
                    let owner = match &made.token {
                        Some(token) => Caller::guest(&token.parse::<Secret>().unwrap()),
                        None => caller,
                    };
                    self.carts.push((owner, made.cart.id));
                }
            }
            22..=26 => {
                let Some((caller, cart)) = self.dice.one(&self.carts) else { return };
                let Some(variant) = self.dice.one(&self.variants) else { return };
                let mut line = AddLine::new(variant, 1 + self.dice.number(6)).unwrap();
                if caller == system && self.dice.chance(40) {
                    line.unit_price = Some(commerce_core::money::Money::new(7, Currency::EUR));
                }
                if let Ok(view) = both!(self, |shop| shop.add_line(&caller, cart, &line)) {
                    self.lines.extend(view.lines.iter().map(|line| (cart, line.id)));
                }
            }
            27 => {
                let Some((cart, line)) = self.dice.one(&self.lines) else { return };
                let Some((caller, _)) = self.carts.iter().find(|(_, id)| *id == cart).cloned()
                else {
                    return;
                };
                let request: ChangeLine =
                    serde_json::from_value(json!({"quantity": 1 + self.dice.number(9)})).unwrap();
                let _ = both!(self, |shop| shop.change_line(&caller, cart, line, &request));
                match self.dice.below(4) {
                    0 => drop(both!(self, |shop| shop.remove_line(&caller, cart, line))),
                    1 => drop(both!(self, |shop| shop.clear_cart(&caller, cart))),
                    _ => {}
                }
            }
            28 | 29 => {
                let Some((caller, cart)) = self.dice.one(&self.carts) else { return };
                let mut fields =
                    json!({"email": "Gast@Example.com", "discount_codes": ["X"], "note": "bitte"});
                fields["shipping_address"] = self.address();
                fields["shipping_method"] = json!(id(2, "ship"));
                let request: PatchCart = serde_json::from_value(fields).unwrap();
                let _ = both!(self, |shop| shop.patch_cart(&caller, cart, &request));
            }
            30 => {
                let Some((guest, cart)) = self.dice.one(&self.carts) else { return };
                let Some(customer) = self.dice.one(&self.customers) else { return };
                let customer = Caller::customer(customer);
                let _ = both!(self, |shop| shop.merge_cart(&customer, &guest, cart));
            }
            31..=33 => {
                let Some((mut caller, cart)) = self.dice.one(&self.carts) else { return };
                if self.dice.chance(50) {
                    let key = format!("key-0123456789-{}", self.dice.below(30));
                    caller = caller.with_key(IdempotencyKey::new(key).unwrap());
                }
                let request = PlaceOrder::default();
                if let Ok(placed) = both!(self, |shop| shop.place_order(&caller, cart, &request)) {
                    self.orders.push(placed.order.id);
                }
            }
            34 => {
                let Some(order) = self.dice.one(&self.orders) else { return };
                let _ = both!(self, |shop| shop.capture(&system, order, None));
                if self.dice.chance(40) {
                    let request: CreateRefund = serde_json::from_value(
                        json!({"amount": {"amount": 1 + self.dice.number(900), "currency": "EUR"}, "reason": "r"}),
                    )
                    .unwrap();
                    let _ = both!(self, |shop| shop.refund(&system, order, &request, None));
                }
            }
            35 => {
                let Some(order) = self.dice.one(&self.orders) else { return };
                let request: CancelOrder =
                    serde_json::from_value(json!({"reason": "shop"})).unwrap();
                let _ = both!(self, |shop| shop.cancel_order(&system, order, &request, None));
            }
            36 => {
                let Some(order) = self.dice.one(&self.orders) else { return };
                let view = both!(self, |shop| shop.order(&system, &OrderRef::Id(order))).unwrap();
                let part = self.dice.chance(50);
                let lines: Vec<_> = if part {
                    view.lines
                        .iter()
                        .take(1)
                        .map(|line| json!({"line_id": line.id, "quantity": 1}))
                        .collect()
                } else {
                    vec![]
                };
                let request: FulfillOrder = serde_json::from_value(
                    json!({"lines": lines, "tracking": {"number": "123", "carrier": "DHL"}}),
                )
                .unwrap();
                let _ = both!(self, |shop| shop.fulfill_order(&system, order, &request, None));
                if self.dice.chance(50) {
                    let deliver = Deliver { fulfillment_id: None };
                    let _ = both!(self, |shop| shop.deliver_order(&system, order, deliver, None));
                }
            }
            37 => {
                if self.dice.chance(20) {
                    let days = self.dice.next() % 20;
                    self.advance(Duration::from_secs(days * 86_400));
                }
                let limit = 1 + self.dice.below(5);
                let _ = both!(self, |shop| shop.sweep(limit));
            }
            38 => {
                if self.dice.chance(20) {
                    let now = commerce_core::inputs::Clock::now(&self.clocks[0]);
                    let purge = Purge {
                        outcomes_before: now.saturating_sub(Duration::from_secs(86_400)),
                        outbox_through: self.position / 2,
                        carts_before: now.saturating_sub(Duration::from_secs(86_400)),
                    };
                    let _ = both!(self, |shop| shop.purge(&purge));
                }
            }
            _ => self.compare(),
        }
        if self.dice.chance(70) {
            let millis = self.dice.next() % 3;
            self.advance(Duration::from_millis(millis));
        }
    }

    fn advance(&self, by: Duration) {
        self.clocks.iter().for_each(|clock| clock.advance(by));
    }

    /// Goes through lists page by page.
    fn compare(&mut self) {
        for _ in 0..4 {
            let query = self.product_query();
            let mut after: Option<Cursor> = None;
            loop {
                let mut query = query.clone();
                query.page.after = after;
                let page = both!(self, |shop| shop.queries().products(&query)).unwrap();
                after = page.next;
                if after.is_none() || self.dice.chance(10) {
                    break;
                }
            }
        }
        let mut query = OrderQuery {
            filter: OrderFilter {
                status: self
                    .dice
                    .one(&[
                        None,
                        None,
                        Some(OrderStatus::Pending),
                        Some(OrderStatus::Confirmed),
                        Some(OrderStatus::Cancelled),
                        Some(OrderStatus::Processing),
                        Some(OrderStatus::Delivered),
                    ])
                    .unwrap(),
                customer_id: if self.dice.chance(30) {
                    self.dice.one(&self.customers)
                } else {
                    None
                },
                email: if self.dice.chance(30) {
                    Some(Email::new("gast@example.com").unwrap())
                } else {
                    None
                },
                placed_from: None,
                placed_before: if self.dice.chance(30) {
                    Some("2026-11-21T10:00:01Z".parse().unwrap())
                } else {
                    None
                },
            },
            page: PageRequest { total: self.dice.chance(50), ..PageRequest::first(2) },
        };
        loop {
            let page = both!(self, |shop| shop.queries().orders(&query)).unwrap();
            query.page.after = page.next;
            if query.page.after.is_none() {
                break;
            }
        }
        let filter = StockFilter {
            location_id: if self.dice.chance(50) { self.dice.one(&self.locations) } else { None },
            low: self.dice.chance(50),
        };
        let mut request = PageRequest { total: self.dice.chance(50), ..PageRequest::first(3) };
        loop {
            let page = both!(self, |shop| shop.queries().stock(&filter, &request)).unwrap();
            request.after = page.next;
            if request.after.is_none() {
                break;
            }
        }
        if let Some(variant_id) = self.dice.one(&self.variants) {
            let filter = MovementFilter {
                variant_id,
                location_id: if self.dice.chance(50) {
                    self.dice.one(&self.locations)
                } else {
                    None
                },
            };
            let mut request = PageRequest { total: true, ..PageRequest::first(2) };
            loop {
                let page = both!(self, |shop| shop.queries().movements(&filter, &request)).unwrap();
                request.after = page.next;
                if request.after.is_none() {
                    break;
                }
            }
            both!(self, |shop| shop.store().variant(&VariantRef::Id(variant_id))).unwrap();
            let sku = Sku::new(format!("Red-{}", self.dice.below(60))).unwrap();
            both!(self, |shop| shop.store().variant(&VariantRef::Sku(sku.clone()))).unwrap();
        }
        let slug = Slug::new(format!("p-{}", self.dice.below(80))).unwrap();
        both!(self, |shop| shop.store().product(&ProductRef::Slug(slug.clone()))).unwrap();
        if let Some(id) = self.dice.one(&self.products) {
            both!(self, |shop| shop.store().product(&ProductRef::Id(id))).unwrap();
        }
        both!(self, |shop| async {
            let mut all = shop.store().categories().await?;
            all.sort_by_key(|category| category.id);
            Ok::<_, commerce_core::store::StoreError>(all)
        })
        .unwrap();
        if let Some((_, cart)) = self.dice.one(&self.carts) {
            both!(self, |shop| shop.store().cart(cart)).unwrap();
            both!(self, |shop| async {
                let mut inputs = shop
                    .store()
                    .checkout_inputs(cart, &self.variants[..self.variants.len() / 2])
                    .await?;
                if let Some(inputs) = &mut inputs {
                    inputs.sellables.sort_by_key(|sellable| sellable.variant.id);
                }
                Ok::<_, commerce_core::store::StoreError>(inputs)
            })
            .unwrap();
        }
        if let Some(customer) = self.dice.one(&self.customers) {
            both!(self, |shop| shop.store().open_cart(customer)).unwrap();
            both!(self, |shop| shop.store().customer(&CustomerRef::Id(customer))).unwrap();
            let email = Email::new("kunde1@example.COM").unwrap();
            both!(self, |shop| shop.store().customer(&CustomerRef::Email(email.clone()))).unwrap();
            let external = Label::new("3").unwrap();
            both!(self, |shop| shop.store().customer(&CustomerRef::ExternalId(external.clone())))
                .unwrap();
        }
        if let Some(order) = self.dice.one(&self.orders) {
            both!(self, |shop| shop.store().order(&OrderRef::Id(order))).unwrap();
        }
        let now = commerce_core::inputs::Clock::now(&self.clocks[0]);
        let later = now.saturating_add(Duration::from_secs(86_400 * 40));
        let limit = 1 + self.dice.below(20);
        both!(self, |shop| shop.store().due(later, limit)).unwrap();
        let after = self.position.saturating_sub(5);
        let entries = both!(self, |shop| shop.store().outbox(after, 500)).unwrap();
        self.position = entries.last().map_or(self.position, |entry| entry.position);
    }

    fn product_query(&mut self) -> ProductQuery {
        let categories = match self.dice.below(6) {
            0 => self.dice.one(&self.categories).map(|id| vec![id]),
            1 => Some(self.categories.clone()),
            _ => None,
        };
        let label = |text: &str| Label::new(text).unwrap();
        let bool = |dice: &mut Dice, percent| dice.chance(percent).then(|| dice.chance(50));
        let filter = ProductFilter {
            status: self
                .dice
                .one(&[None, Some(ProductStatus::Active), Some(ProductStatus::Draft)])
                .unwrap(),
            categories,
            tag: if self.dice.chance(20) {
                self.dice.one(&[label("red"), label("GRÖSSE"), label("größe"), label("xl-5")])
            } else {
                None
            },
            vendor: if self.dice.chance(20) { Some(label("acme")) } else { None },
            product_type: if self.dice.chance(20) { Some(label("SHOES")) } else { None },
            text: if self.dice.chance(50) {
                self.dice
                    .one(&[
                        "shirt",
                        "SHI",
                        "red s",
                        "größe",
                        "नमस्",
                        "ä t",
                        "xl 5",
                        "stra",
                        "ⅷ",
                        "",
                        "4711",
                        "p",
                    ])
                    .map(str::to_owned)
            } else {
                None
            },
            min_price: if self.dice.chance(15) { Some(self.dice.number(3000)) } else { None },
            max_price: if self.dice.chance(15) { Some(self.dice.number(5000)) } else { None },
            in_stock: bool(&mut self.dice, 20),
            featured: bool(&mut self.dice, 20),
        };
        ProductQuery {
            filter,
            currency: self.dice.one(CURRENCIES).unwrap(),
            sort: self
                .dice
                .one(&[
                    None,
                    Some(ProductSort::CreatedAt),
                    Some(ProductSort::Price),
                    Some(ProductSort::Title),
                ])
                .unwrap(),
            descending: self.dice.chance(50),
            page: PageRequest {
                total: self.dice.chance(40),
                ..PageRequest::first(1 + self.dice.below(5))
            },
        }
    }
}

fn id(number: u128, prefix: &str) -> String {
    format!("{prefix}_{number:032x}")
}

#[test]
fn an_id_of_the_tests_is_one() {
    let parsed: ProductId = id(7, "prod").parse().unwrap();
    assert_eq!(parsed.uuid().as_u128(), 7);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn both_stores_answer_alike(seed: u64) {
        let mut twins = Twins::open(seed);
        for _ in 0..400 {
            twins.step();
        }
        twins.compare();
    }
}
