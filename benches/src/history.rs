//! The customers of a shop of any size, and what they have ordered: copies of orders that were placed
//! and sent once, each of other goods, by somebody else and at its own time.
//!
//! Like the catalogue it follows from numbers, and the store itself writes it.

use std::sync::Arc;

use commerce_core::{
    Commerce,
    access::Caller,
    cart::Cart,
    catalog::{Product, Variant},
    checkout::PlaceOrder,
    customer::{CreateCustomer, Customer},
    id::{Id, LocationId, OrderId},
    inventory::{LevelKey, Reason, StockMove},
    order::{Deliver, FulfillOrder, Order, OrderInputs, OrderLine, OrderStatus, order_number},
    payment::{CapturePayment, Payment},
    store::{
        Commit, Cursor, CursorKey, CustomerQuery, CustomerRef, OrderFilter, OrderQuery, OrderRef,
        PageRequest, Store,
    },
    text::OrderNumber,
};
use pollster::block_on;

use crate::{
    Fixture,
    catalogue::{Catalogue, VARIANTS_EACH, moment},
    scale::{self, Timed, deep, time},
};

/// Orders of each customer.
const ORDERS_EACH: usize = 5;
/// Of so many orders, one is still to be sent.
const OPEN_OF: usize = 20;
/// Orders a commit: each is three records.
const COMMITTED: usize = Commit::WRITES_MAX / 3;
/// A word of the names of one customer in five.
pub const COMMON_NAME: &str = "ada";
/// A word of the names of five customers, however many there are.
pub const RARE_NAME: &str = "zephyrine";

const FIRST_NAMES: [&str; 5] = ["Ada", "Grace", "Alan", "Barbara", "Edsger"];
const LAST_NAMES: [&str; 7] =
    ["Lovelace", "Hopper", "Turing", "Liskov", "Dijkstra", "Hamilton", "Knuth"];

/// So many orders of a catalogue's goods, by a fifth as many customers.
#[derive(Debug)]
pub struct History<'a> {
    orders: usize,
    catalogue: &'a Catalogue,
}

/// An order and what belongs to it.
#[derive(Debug, Clone, PartialEq)]
struct Placed {
    order: Order,
    payment: Payment,
    cart: Cart,
}

impl Placed {
    /// As it is stored.
    fn read(store: &dyn Store, id: OrderId) -> Self {
        let found = block_on(store.order(&OrderRef::Id(id))).unwrap().unwrap();
        let OrderInputs { order, payments } = found;
        let cart = block_on(store.cart(order.value.cart_id)).unwrap().unwrap();
        Self {
            order: Arc::unwrap_or_clone(order.value),
            payment: Arc::unwrap_or_clone(payments.into_iter().next().unwrap().value),
            cart: Arc::unwrap_or_clone(cart.value),
        }
    }

    /// The same for other goods, by somebody else, at another time.
    fn copy(&self, number: usize, customer: &Customer, goods: &(Product, Vec<Variant>)) -> Self {
        let mut moment = moment(number, 4);
        let now = moment.now();
        let mut placed = self.clone();
        let Self { order, payment, cart } = &mut placed;
        order.id = moment.id();
        order.number = order_number(&mut moment);
        cart.id = moment.id();
        payment.id = moment.id();
        cart.order_id = Some(order.id);
        order.cart_id = cart.id;
        payment.order_id = order.id;
        (order.secret, cart.secret) = (None, None);
        order.customer_id = Some(customer.id);
        cart.customer_id = order.customer_id;
        order.email = customer.email.clone();
        cart.email = order.email.clone();
        (order.placed_at, order.updated_at) = (now, now);
        (cart.created_at, cart.updated_at) = (now, now);
        (payment.created_at, payment.updated_at) = (now, now);
        let (product, variants) = goods;
        let chosen = variants.iter().cycle().skip(number % variants.len());
        for ((line, of_cart), variant) in order.lines.iter_mut().zip(&mut cart.lines).zip(chosen) {
            line.id = moment.id();
            of_cart.id = line.id;
            line.variant_id = variant.id;
            of_cart.variant_id = variant.id;
            line.product_id = product.id;
            line.sku = variant.sku.clone();
            line.title = product.title.clone();
            line.options = variant.options.clone();
        }
        for parcel in &mut order.fulfillments {
            let lines = order.lines.iter().map(|line| line.id);
            parcel.lines.iter_mut().zip(lines).for_each(|(sent, id)| sent.line_id = id);
        }
        placed
    }

    /// What it moves in stock: what was sent has gone, what is still to be sent is held.
    fn moves(&self, number: usize, location_id: LocationId) -> Vec<StockMove> {
        let mut moment = moment(number, 5);
        let line = |line: &OrderLine| StockMove {
            level: LevelKey { variant_id: line.variant_id, location_id },
            on_hand: -line.fulfilled,
            held: line.held(),
            expected_on_hand: None,
            movement_id: moment.id(),
            reason: Reason::Sold,
            order_id: Some(self.order.id),
            note: None,
        };
        self.order.lines.iter().map(line).collect()
    }
}

impl<'a> History<'a> {
    /// A history of so many orders, at least five.
    pub fn of_orders(orders: usize, catalogue: &'a Catalogue) -> Self {
        Self { orders: orders.max(ORDERS_EACH), catalogue }
    }

    fn customers(&self) -> usize {
        self.orders / ORDERS_EACH
    }

    /// A customer, by their number. Later numbers are newer.
    fn customer(&self, number: usize) -> Customer {
        let first = FIRST_NAMES[number % FIRST_NAMES.len()];
        let last = LAST_NAMES[number % LAST_NAMES.len()];
        let rare = number.is_multiple_of(self.customers().div_ceil(5));
        let middle = if rare { RARE_NAME } else { "" };
        let email = format!("{first}.{last}.{number}@example.com");
        let request = CreateCustomer {
            email: Some(email.parse().unwrap()),
            name: Some(format!("{first} {middle} {last}").parse().unwrap()),
            external_id: Some(format!("C-{number:07}").parse().unwrap()),
            ..CreateCustomer::default()
        };
        Customer::create(request, &mut moment(number, 6))
    }

    fn customer_of(&self, order: usize) -> Customer {
        self.customer(order % self.customers())
    }

    /// Writes it into a shop that sells the catalogue.
    ///
    /// # Panics
    /// When the shop refuses it.
    pub fn fill(&self, shop: &Commerce) {
        let store = &**shop.store();
        let location = block_on(store.setup()).unwrap().unwrap().locations[0].id;
        let numbers: Vec<usize> = (0..self.customers()).collect();
        for some in numbers.chunks(Commit::WRITES_MAX) {
            let mut commit = Commit::at(moment(some[0], 0).now());
            for number in some {
                commit.insert(self.customer(*number));
            }
            block_on(store.commit(&commit)).unwrap();
        }
        let templates = self.templates(shop);
        let mut goods = Goods::default();
        let numbers: Vec<usize> = (0..self.orders).collect();
        for some in numbers.chunks(COMMITTED) {
            let mut commit = Commit::at(moment(some[0], 0).now());
            for number in some {
                let placed = self.placed(&templates, &mut goods, *number);
                for change in placed.moves(*number, location) {
                    commit.stock(change);
                }
                commit.insert(placed.order);
                commit.insert(placed.payment);
                commit.insert(placed.cart);
            }
            block_on(store.commit(&commit)).unwrap();
        }
    }

    /// An order that is still to be sent, and one that has arrived.
    fn templates(&self, shop: &Commerce) -> [Placed; 2] {
        let office = Caller::system();
        let fixture = Fixture::new(shop.clone(), 0);
        let (_, variants) = self.catalogue.product(0);
        let [open, arrived] = [0, 1].map(|_| {
            let visitor = Caller::anonymous();
            let request = fixture.request_of([variants[0].id, variants[1].id]);
            let made = block_on(shop.create_cart(&visitor, &request)).unwrap();
            let (guest, cart) = (made.caller(&visitor), made.cart.id);
            let placed = block_on(shop.place_order(&guest, cart, &PlaceOrder::default()));
            placed.unwrap().order.id
        });
        block_on(shop.capture(&office, arrived, &CapturePayment::default(), None)).unwrap();
        block_on(shop.fulfill_order(&office, arrived, &FulfillOrder::default(), None)).unwrap();
        block_on(shop.deliver_order(&office, arrived, Deliver::default(), None)).unwrap();
        [open, arrived].map(|id| Placed::read(&**shop.store(), id))
    }

    fn placed(&self, [open, arrived]: &[Placed; 2], goods: &mut Goods, number: usize) -> Placed {
        let template = if number.is_multiple_of(OPEN_OF) { open } else { arrived };
        template.copy(number, &self.customer_of(number), goods.of(self.catalogue, number))
    }

    /// What the back office looks at.
    ///
    /// # Panics
    /// When the shop refuses it.
    pub fn times(&self, shop: &Commerce) -> Vec<Timed> {
        let office = Caller::system();
        let some = |draw| scale::some(draw, self.orders);
        let mut times = Vec::new();
        let orders = |filter: OrderFilter, after: Option<Cursor>| {
            let page = PageRequest { after, ..PageRequest::first(20) };
            let found = block_on(shop.orders(&office, &OrderQuery { filter, page })).unwrap();
            assert!(!found.items.is_empty());
        };
        let any = OrderFilter::default();
        for status in [None, Some(OrderStatus::Delivered), Some(self.open_status(shop))] {
            let filter = OrderFilter { status, ..any.clone() };
            let which = status.map_or("all", OrderStatus::as_str);
            // The newest come first.
            let deep = self.place(self.orders - deep(self.orders));
            for (place, after) in [("first", None), ("deep", Some(deep))] {
                let time = time(|_| orders(filter.clone(), after.clone()));
                times.push((format!("{place} page of orders, {which}"), time));
            }
        }
        let of_customer = time(|draw| {
            let customer_id = Some(self.customer_of(some(draw)).id);
            orders(OrderFilter { customer_id, ..any.clone() }, None);
        });
        times.push(("orders of a customer".to_owned(), of_customer));
        let by_email = time(|draw| {
            orders(OrderFilter { email: self.customer_of(some(draw)).email, ..any.clone() }, None);
        });
        times.push(("orders by e-mail".to_owned(), by_email));
        let by_number = time(|draw| {
            let by = OrderRef::Number(self.number(some(draw)));
            block_on(shop.order(&office, &by)).unwrap();
        });
        times.push(("order by number".to_owned(), by_number));
        let customer = time(|draw| {
            let by = CustomerRef::Email(self.customer_of(some(draw)).email.unwrap());
            block_on(shop.customer(&office, &by)).unwrap();
        });
        times.push(("customer by e-mail".to_owned(), customer));
        for (what, text) in [
            ("all", None),
            ("rare word", Some(RARE_NAME)),
            ("common word", Some(COMMON_NAME)),
            ("two words", Some("ada c 0000000")),
        ] {
            let time = time(|_| {
                let text = text.map(str::to_owned);
                let query = CustomerQuery { text, page: PageRequest::first(20) };
                let found = block_on(shop.customers(&office, &query)).unwrap();
                assert!(!found.items.is_empty());
            });
            times.push((format!("page of customers, {what}"), time));
        }
        times
    }

    /// The status of those orders that are still to be sent.
    fn open_status(&self, shop: &Commerce) -> OrderStatus {
        let by = OrderRef::Number(self.number(0));
        block_on(shop.order(&Caller::system(), &by)).unwrap().status
    }

    fn number(&self, order: usize) -> OrderNumber {
        let mut moment = moment(order, 4);
        let _: OrderId = moment.id();
        order_number(&mut moment)
    }

    /// Where an order stands among all.
    fn place(&self, order: usize) -> Cursor {
        let mut moment = moment(order, 4);
        let key = CursorKey::Number(moment.now().as_millis());
        Cursor { key, id: moment.id::<OrderId>().uuid() }
    }
}

/// What was made last of a catalogue: orders that follow each other are of the same goods.
#[derive(Default)]
struct Goods {
    made: Option<(usize, (Product, Vec<Variant>))>,
}

impl Goods {
    fn of(&mut self, catalogue: &Catalogue, order: usize) -> &(Product, Vec<Variant>) {
        let number = order / VARIANTS_EACH % catalogue.products();
        if self.made.as_ref().is_some_and(|(made, _)| *made != number) {
            self.made = None;
        }
        &self.made.get_or_insert_with(|| (number, catalogue.product(number))).1
    }
}
