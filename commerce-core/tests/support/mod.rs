//! A shop in memory that stands still until it is told otherwise, and few words to use it with.

#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

pub(crate) mod cards;
pub(crate) mod faults;

use std::{sync::Arc, time::Duration};

use commerce_core::{
    Commerce, Done, Error, PlacedView,
    access::Caller,
    cart::{AddLine, CartView, ChangeLine, CreateCart, PatchCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency,
    customer::{Address, CreateCustomer},
    error::Rejection,
    event::Event,
    id::{CartId, CustomerId, LineId, LocationId, OrderId, VariantId},
    inputs::{Clock, SeededIds, SteppedClock},
    inventory::{AdjustStock, CreateLocation, Reason, SetStock},
    money::Money,
    order::{CancelLine, CancelOrder, CancelReason, Deliver, FulfillLine, FulfillOrder, OrderView},
    payment::{CapturePayment, CreateRefund, RefundLine},
    quantity::Quantity,
    secret::Secret,
    shop::Shop,
    store::{MemoryStore, OrderRef, Queries, Store},
    text::IdempotencyKey,
    time::Timestamp,
    version::Versioned,
};
use pollster::block_on;

pub(crate) const EUR: Currency = Currency::EUR;

pub(crate) fn eur(minor: i64) -> Money {
    Money::new(minor, EUR)
}

pub(crate) fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).unwrap()
}

pub(crate) fn address(country: &str) -> Address {
    Address {
        name: "Ada".parse().unwrap(),
        company: None,
        line1: "Street 1".parse().unwrap(),
        line2: None,
        city: "Town".parse().unwrap(),
        region: None,
        postal_code: None,
        country: country.parse().unwrap(),
        phone: None,
    }
}

pub(crate) fn count(on_hand: i64, location: Option<LocationId>) -> SetStock {
    SetStock { location, on_hand, reason: Reason::Counted, note: None }
}

pub(crate) fn adjustment(delta: i64, location: Option<LocationId>) -> AdjustStock {
    AdjustStock { location, delta, reason: Reason::Adjusted, note: None }
}

pub(crate) fn parts(lines: &[(LineId, i64)]) -> FulfillOrder {
    let part = |&(line_id, units): &(LineId, i64)| FulfillLine {
        line_id,
        quantity: Quantity::new(units).unwrap(),
    };
    FulfillOrder { lines: lines.iter().map(part).collect(), tracking: None }
}

pub(crate) fn cancel_units(lines: &[(LineId, i64)]) -> CancelOrder {
    let part = |&(line_id, units): &(LineId, i64)| CancelLine {
        line_id,
        quantity: Quantity::new(units).unwrap(),
    };
    let lines = lines.iter().map(part).collect();
    CancelOrder { lines, ..CancelOrder::new(CancelReason::Shop) }
}

pub(crate) fn refund_of(minor: i64) -> CreateRefund {
    CreateRefund { amount: Some(eur(minor)), ..CreateRefund::default() }
}

pub(crate) fn refund_units(lines: &[(LineId, i64)]) -> CreateRefund {
    let part = |&(line_id, units): &(LineId, i64)| RefundLine {
        line_id,
        quantity: Quantity::new(units).unwrap(),
    };
    CreateRefund { lines: lines.iter().map(part).collect(), ..CreateRefund::default() }
}

/// The domain's refusal, which the result must be.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Rejection {
    match result {
        Err(Error::Rejected(rejection)) => rejection,
        other => panic!("not refused: {other:?}"),
    }
}

/// The units wanted and available of a refusal for want of stock.
#[track_caller]
pub(crate) fn short<T: std::fmt::Debug>(result: Result<T, Error>) -> (i64, i64) {
    match refused(result) {
        Rejection::InsufficientStock { wanted, available, .. } => (wanted, available),
        other => panic!("not for want of stock: {other:?}"),
    }
}

/// The pointers of the fields that are refused.
#[track_caller]
pub(crate) fn invalid<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    match refused(result) {
        Rejection::Invalid(errors) => errors.into_iter().map(|error| error.pointer).collect(),
        other => panic!("not for a field: {other:?}"),
    }
}

/// Whether the state of a thing does not allow what was asked.
#[track_caller]
pub(crate) fn not_now<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    matches!(refused(result), Rejection::InvalidTransition { .. })
}

/// A shop in euros with one location, no taxes and no shipping methods.
pub(crate) struct World {
    pub(crate) shop: Commerce,
    pub(crate) clock: Arc<SteppedClock>,
    pub(crate) system: Caller,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::over(MemoryStore::new(), 1)
    }

    pub(crate) fn over(store: impl Store + Queries, seed: u64) -> Self {
        let clock = Arc::new(SteppedClock::new("2026-11-21T10:00:00Z".parse().unwrap()));
        let shop = Commerce::new(store, clock.clone(), SeededIds::new(seed));
        block_on(shop.open(Shop::new("Test", EUR).unwrap())).unwrap();
        Self { shop, clock, system: Caller::system() }
    }

    /// The same shop with something else of [`Commerce`].
    pub(crate) fn with(self, change: impl FnOnce(Commerce) -> Commerce) -> Self {
        Self { shop: change(self.shop), ..self }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn days(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 86_400));
    }

    pub(crate) fn configure(&self, change: impl FnOnce(&mut Shop)) {
        let mut shop = block_on(self.shop.shop()).unwrap().value.as_ref().clone();
        change(&mut shop);
        block_on(self.shop.put_shop(&self.system, &shop, None)).unwrap();
    }

    pub(crate) fn location(&self, name: &str, priority: i32) -> LocationId {
        let request = CreateLocation { name: name.parse().unwrap(), priority, active: true };
        block_on(self.shop.create_location(&self.system, &request)).unwrap().id
    }

    pub(crate) fn main_location(&self) -> LocationId {
        let locations = block_on(self.shop.locations(&self.system)).unwrap();
        locations.iter().find(|location| location.name.as_str() == "Main").unwrap().id
    }

    /// An active product with this one variant.
    pub(crate) fn list(&self, variant: CreateVariant) -> VariantId {
        let product = CreateProduct {
            status: ProductStatus::Active,
            variants: vec![variant.clone()],
            ..CreateProduct::new(&*variant.sku).unwrap()
        };
        let product = block_on(self.shop.create_product(&self.system, &product)).unwrap();
        product.variants.first().unwrap().id
    }

    pub(crate) fn sell_as(&self, variant: CreateVariant, units: i64) -> VariantId {
        let id = self.list(variant);
        self.set_stock(id, units, None);
        id
    }

    pub(crate) fn sell(&self, sku: &str, price: i64, units: i64) -> VariantId {
        self.sell_as(CreateVariant::new(sku, eur(price)).unwrap(), units)
    }

    pub(crate) fn set_stock(&self, variant: VariantId, units: i64, location: Option<LocationId>) {
        let request = count(units, location);
        block_on(self.shop.set_stock(&self.system, variant, &request)).unwrap();
    }

    /// On hand, held and available.
    pub(crate) fn stock(&self, variant: VariantId) -> (i64, i64, i64) {
        let stock = block_on(self.shop.stock_of(&self.system, variant)).unwrap();
        (stock.on_hand, stock.held, stock.available)
    }

    /// On hand and held at one location.
    pub(crate) fn stock_at(&self, variant: VariantId, location: LocationId) -> (i64, i64) {
        let stock = block_on(self.shop.stock_of(&self.system, variant)).unwrap();
        let level = stock.levels.iter().find(|level| level.location_id == location);
        level.map_or((0, 0), |level| (level.on_hand, level.held))
    }

    pub(crate) fn guest(&self) -> (Caller, CartId) {
        let request = CreateCart::default();
        let made = block_on(self.shop.create_cart(&Caller::anonymous(), &request)).unwrap();
        let secret: Secret = made.token.as_ref().unwrap().parse().unwrap();
        (Caller::guest(&secret), made.cart.id)
    }

    pub(crate) fn customer(&self, email: &str) -> (Caller, CustomerId) {
        let request =
            CreateCustomer { email: Some(email.parse().unwrap()), ..CreateCustomer::default() };
        let id = block_on(self.shop.create_customer(&self.system, &request)).unwrap().id;
        (Caller::customer(id), id)
    }

    pub(crate) fn cart_of(&self, customer: &Caller) -> CartId {
        block_on(self.shop.create_cart(customer, &CreateCart::default())).unwrap().cart.id
    }

    pub(crate) fn draft(&self) -> CartId {
        self.cart_of(&self.system)
    }

    pub(crate) fn add(
        &self,
        who: &Caller,
        cart: CartId,
        variant: VariantId,
        units: i64,
    ) -> Result<CartView, Error> {
        let line = AddLine::new(variant, units).unwrap();
        block_on(self.shop.add_line(who, cart, &line, None)).map(|done| done.output)
    }

    pub(crate) fn add_at(
        &self,
        cart: CartId,
        variant: VariantId,
        units: i64,
        price: i64,
    ) -> Result<CartView, Error> {
        let line =
            AddLine { unit_price: Some(eur(price)), ..AddLine::new(variant, units).unwrap() };
        block_on(self.shop.add_line(&self.system, cart, &line, None)).map(|done| done.output)
    }

    pub(crate) fn change(
        &self,
        who: &Caller,
        cart: CartId,
        line: LineId,
        units: i64,
    ) -> Result<CartView, Error> {
        let request = ChangeLine { quantity: Quantity::new(units).unwrap() };
        block_on(self.shop.change_line(who, cart, line, &request, None)).map(|done| done.output)
    }

    pub(crate) fn patch(
        &self,
        who: &Caller,
        cart: CartId,
        patch: &PatchCart,
    ) -> Result<CartView, Error> {
        block_on(self.shop.patch_cart(who, cart, patch, None)).map(|done| done.output)
    }

    /// Says who and where, which a storefront's checkout needs.
    pub(crate) fn ready(&self, who: &Caller, cart: CartId) {
        self.ready_in(who, cart, "DE");
    }

    pub(crate) fn ready_in(&self, who: &Caller, cart: CartId, country: &str) {
        let patch = PatchCart {
            email: Some(Some("ada@example.com".parse().unwrap())),
            shipping_address: Some(Some(address(country))),
            ..PatchCart::default()
        };
        self.patch(who, cart, &patch).unwrap();
    }

    pub(crate) fn cart(&self, who: &Caller, cart: CartId) -> Result<CartView, Error> {
        block_on(self.shop.cart(who, cart))
    }

    pub(crate) fn place(&self, who: &Caller, cart: CartId) -> Result<Done<PlacedView>, Error> {
        block_on(self.shop.place_order(who, cart, &PlaceOrder::default()))
    }

    /// A guest's order of these variants.
    pub(crate) fn buy(&self, lines: &[(VariantId, i64)]) -> OrderView {
        self.buy_as_guest(lines).1
    }

    pub(crate) fn buy_as_guest(&self, lines: &[(VariantId, i64)]) -> (Caller, OrderView) {
        let (guest, cart) = self.guest();
        for (variant, units) in lines {
            self.add(&guest, cart, *variant, *units).unwrap();
        }
        self.ready(&guest, cart);
        let order = self.place(&guest, cart).unwrap().output.order;
        (guest, order)
    }

    pub(crate) fn order(&self, who: &Caller, id: OrderId) -> Result<OrderView, Error> {
        block_on(self.shop.order(who, &OrderRef::Id(id)))
    }

    pub(crate) fn seen(&self, id: OrderId) -> OrderView {
        self.order(&self.system, id).unwrap()
    }

    pub(crate) fn capture(&self, id: OrderId) -> Result<OrderView, Error> {
        block_on(self.shop.capture(&self.system, id, &CapturePayment::default(), None))
            .map(|done| done.output)
    }

    pub(crate) fn refund(&self, id: OrderId, request: &CreateRefund) -> Result<OrderView, Error> {
        block_on(self.shop.refund(&self.system, id, request, None)).map(|done| done.output)
    }

    pub(crate) fn cancel(&self, id: OrderId) -> Result<OrderView, Error> {
        self.cancel_as(id, &CancelOrder::new(CancelReason::Shop))
    }

    pub(crate) fn cancel_units(
        &self,
        id: OrderId,
        lines: &[(LineId, i64)],
    ) -> Result<OrderView, Error> {
        self.cancel_as(id, &cancel_units(lines))
    }

    pub(crate) fn cancel_as(&self, id: OrderId, request: &CancelOrder) -> Result<OrderView, Error> {
        block_on(self.shop.cancel_order(&self.system, id, request, None)).map(|done| done.output)
    }

    pub(crate) fn fulfill(&self, id: OrderId, request: &FulfillOrder) -> Result<OrderView, Error> {
        block_on(self.shop.fulfill_order(&self.system, id, request, None)).map(|done| done.output)
    }

    pub(crate) fn fulfill_all(&self, id: OrderId) -> Result<OrderView, Error> {
        self.fulfill(id, &FulfillOrder::default())
    }

    pub(crate) fn deliver(&self, id: OrderId) -> Result<OrderView, Error> {
        let request = Deliver { fulfillment_id: None };
        block_on(self.shop.deliver_order(&self.system, id, request, None)).map(|done| done.output)
    }

    /// Orders and carts that a sweep ended.
    pub(crate) fn sweep(&self) -> (usize, usize) {
        let swept = block_on(self.shop.sweep(1_000)).unwrap();
        (swept.orders, swept.carts)
    }

    /// How far the outbox has come.
    pub(crate) fn position(&self) -> u64 {
        let entries = block_on(self.shop.store().outbox(0, usize::MAX)).unwrap();
        entries.last().map_or(0, |entry| entry.position)
    }

    /// The events of every commit after a place.
    pub(crate) fn commits_after(&self, position: u64) -> Vec<Vec<Event>> {
        let entries = block_on(self.shop.store().outbox(position, usize::MAX)).unwrap();
        entries.into_iter().map(|entry| entry.events).collect()
    }

    /// The names of the events that doing something brings about, in their order.
    pub(crate) fn events_of<T>(&self, act: impl FnOnce() -> T) -> Vec<String> {
        let before = self.position();
        act();
        self.commits_after(before).iter().flatten().map(name_of).collect()
    }
}

/// Changes what was read.
pub(crate) fn changed<T: Clone>(of: &mut Versioned<T>, change: impl FnOnce(&mut T)) {
    let mut value = of.value.as_ref().clone();
    change(&mut value);
    *of = Versioned::new(of.version, value);
}

pub(crate) fn name_of(event: &Event) -> String {
    let json = serde_json::to_value(event).unwrap();
    json.get("type").unwrap().as_str().unwrap().to_owned()
}
