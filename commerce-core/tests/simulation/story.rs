//! Random histories of a shop over a store that fails, beside a model that is too simple to be
//! wrong. After every step both must agree on every unit and every cent.
//!
//! `SIMULATION_STORIES` says how many stories are told. A story that fails is made as short as it
//! can be, and printed.

use std::time::Duration;

use commerce_core::{
    Error,
    access::Caller,
    cart::{AddLine, ChangeLine, CreateCart, PatchCart},
    catalog::{Backorder, CreateVariant, PatchVariant},
    checkout::PlaceOrder,
    error::Rejection,
    event::Event,
    id::{CartId, LocationId, VariantId},
    inventory::PatchLocation,
    order::{CancelOrder, Deliver, FulfillOrder, OrderView, PaymentTerms},
    payment::{CapturePayment, CreateRefund},
    pricing::{ShippingMethod, ShippingRate, TaxRate, TaxTable},
    quantity::Quantity,
    store::{MovementFilter, PageRequest},
    text::GatewayName,
};
use pollster::block_on;
use proptest::prelude::*;

use crate::{
    Kept, STORIES, fresh,
    model::{self, Goods, LOCATIONS, Model, SHOPPERS, VARIANTS},
    support::{
        faults::{Fault, Shared},
        *,
    },
};

/// One thing that somebody does. Numbers that name something are taken modulo how many there are.
#[derive(Debug, Clone, Copy)]
enum Step {
    Receive { variant: usize, location: usize, units: i64 },
    Adjust { variant: usize, location: usize, delta: i64 },
    Count { variant: usize, location: usize, units: i64 },
    Switch { location: usize, active: bool },
    Reprice { variant: usize, price: i64 },
    Terms { on_delivery: bool },
    Add { shopper: usize, variant: usize, units: i64 },
    Change { shopper: usize, line: usize, units: i64 },
    Remove { shopper: usize, line: usize },
    Checkout { shopper: usize },
    Capture { order: usize },
    Cancel { order: usize },
    CancelUnits { order: usize, line: usize, units: i64 },
    FulfillAll { order: usize },
    Fulfill { order: usize, line: usize, units: i64 },
    Deliver { order: usize },
    RefundAll { order: usize },
    RefundAmount { order: usize, minor: i64 },
    RefundUnits { order: usize, line: usize, units: i64 },
    Wait { hours: u64 },
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let (nth, units) = (0..64usize, 1..9i64);
    let stock = (nth.clone(), nth.clone());
    prop_oneof![
        4 => (stock.clone(), 1..30i64).prop_map(|((variant, location), units)| Receive { variant, location, units }),
        2 => (stock.clone(), -8..8i64).prop_map(|((variant, location), delta)| Adjust { variant, location, delta }),
        1 => (stock, 0..12i64).prop_map(|((variant, location), units)| Count { variant, location, units }),
        1 => (nth.clone(), any::<bool>()).prop_map(|(location, active)| Switch { location, active }),
        1 => (nth.clone(), prop_oneof![Just(0), 1..9_999i64]).prop_map(|(variant, price)| Reprice { variant, price }),
        1 => any::<bool>().prop_map(|on_delivery| Terms { on_delivery }),
        12 => (nth.clone(), nth.clone(), units.clone()).prop_map(|(shopper, variant, units)| Add { shopper, variant, units }),
        2 => (nth.clone(), nth.clone(), units.clone()).prop_map(|(shopper, line, units)| Change { shopper, line, units }),
        1 => (nth.clone(), nth.clone()).prop_map(|(shopper, line)| Remove { shopper, line }),
        8 => nth.clone().prop_map(|shopper| Checkout { shopper }),
        5 => nth.clone().prop_map(|order| Capture { order }),
        2 => nth.clone().prop_map(|order| Cancel { order }),
        3 => (nth.clone(), nth.clone(), units.clone()).prop_map(|(order, line, units)| CancelUnits { order, line, units }),
        3 => nth.clone().prop_map(|order| FulfillAll { order }),
        4 => (nth.clone(), nth.clone(), units.clone()).prop_map(|(order, line, units)| Fulfill { order, line, units }),
        2 => nth.clone().prop_map(|order| Deliver { order }),
        1 => nth.clone().prop_map(|order| RefundAll { order }),
        1 => (nth.clone(), -1..20_000i64).prop_map(|(order, minor)| RefundAmount { order, minor }),
        3 => (nth.clone(), nth, units).prop_map(|(order, line, units)| RefundUnits { order, line, units }),
        3 => (1..60u64).prop_map(|hours| Wait { hours }),
        3 => Just(Sweep),
    ]
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        12 => Just(None),
        1 => Just(Some(Fault::Conflict)),
        1 => Just(Some(Fault::Unavailable)),
        1 => Just(Some(Fault::LostBefore)),
        1 => Just(Some(Fault::LostAfter)),
    ]
}

/// Asks until there is an answer: whatever the store did, the key finds it.
fn settle<T: std::fmt::Debug>(ask: impl Fn() -> Result<T, Error>) -> Result<T, Rejection> {
    for _ in 0..1_000 {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(Error::Rejected(rejection)) => return Err(rejection),
            Err(Error::OutcomeUnknown(_) | Error::Unavailable(_) | Error::Contention) => {}
            Err(fault) => panic!("{fault:?}"),
        }
    }
    panic!("never an answer");
}

/// A shopper's cart, if they have one.
struct Basket {
    who: Caller,
    cart: CartId,
}

struct Simulation {
    w: World,
    /// The same shop, without its faults.
    sound: World,
    variants: Vec<VariantId>,
    locations: Vec<LocationId>,
    shoppers: Vec<Caller>,
    baskets: Vec<Option<Basket>>,
    orders: Vec<OrderView>,
    model: Model,
    steps: usize,
    _kept: Kept,
}

impl Simulation {
    fn new(faults: Vec<Option<Fault>>) -> Self {
        let (store, kept) = fresh();
        let store = Shared::over(store);
        let w = World::over(store.clone(), 1);
        let sound = World::over(store.sound(), 2);
        w.configure(|shop| {
            let rate = TaxRate {
                id: "tax_00000000000000000000000000000001".parse().unwrap(),
                label: "VAT".parse().unwrap(),
                class: None,
                country: None,
                region: None,
                rate: "0.19".parse().unwrap(),
                compound: false,
                replaces_country: false,
            };
            shop.taxes = TaxTable::new([rate]).unwrap();
            shop.shipping_methods = vec![ShippingMethod {
                id: "ship_00000000000000000000000000000001".parse().unwrap(),
                name: "Parcel".parse().unwrap(),
                rate: ShippingRate::FreeFrom {
                    price: eur(model::SHIPPING),
                    threshold: eur(model::FREE_FROM),
                },
                countries: vec![],
                tax_class: None,
                active: true,
            }];
            shop.limits.cart_idle_days = model::IDLE_DAYS as u32;
            let terms = PaymentTerms::Prepaid { days: model::TERMS_DAYS as u32 };
            shop.payment_terms.insert(GatewayName::manual(), terms);
        });
        let goods = Goods::all();
        let list = |(n, goods): (usize, &Goods)| {
            let backorder = if goods.backorder { Backorder::Allow } else { Backorder::Deny };
            w.list(CreateVariant {
                backorder,
                track_inventory: goods.tracked,
                requires_shipping: goods.sent,
                ..CreateVariant::new(format!("V{n}"), eur(goods.price)).unwrap()
            })
        };
        let variants = goods.iter().enumerate().map(list).collect();
        let locations = vec![w.main_location(), w.location("Far", 1)];
        assert_eq!(locations.len(), LOCATIONS);
        let shopper = |n: usize| match n {
            0 | 1 => w.customer(&format!("shopper{n}@example.com")).0,
            _ => Caller::anonymous(),
        };
        let shoppers = (0..SHOPPERS).map(shopper).collect();
        // However bad the store is, now and then it works.
        let mut faults = faults.into_iter().chain([None]).cycle();
        store.roll(move || faults.next().flatten());
        let model = Model::new(goods, w.now().as_millis());
        let baskets = (0..SHOPPERS).map(|_| None).collect();
        Self {
            w,
            sound,
            variants,
            locations,
            shoppers,
            baskets,
            orders: vec![],
            model,
            steps: 0,
            _kept: kept,
        }
    }

    /// The back office, with a key for this step alone.
    fn staff(&self) -> Caller {
        self.w.system.clone().with_key(key(&format!("step {}", self.steps)))
    }

    fn keyed(&self, who: &Caller, what: &str) -> Caller {
        who.clone().with_key(key(&format!("{what} of step {:08}", self.steps)))
    }

    /// The shopper's cart, made if there is none.
    fn basket(&mut self, shopper: usize) {
        if self.baskets[shopper].is_some() {
            return;
        }
        let who = self.keyed(&self.shoppers[shopper], "create cart");
        let request = CreateCart {
            email: Some("shopper@example.com".parse().unwrap()),
            shipping_address: Some(address("DE")),
            billing_address: Some(address("DE")),
            shipping_method: Some("ship_00000000000000000000000000000001".parse().unwrap()),
            ..CreateCart::default()
        };
        let made = settle(|| block_on(self.w.shop.create_cart(&who, &request))).unwrap();
        let who = match &made.token {
            Some(token) => Caller::guest(&token.parse().unwrap()),
            None => self.shoppers[shopper].clone(),
        };
        let cart = made.cart.id;
        let nothing = PatchCart::default();
        let patching = self.keyed(&who, "patch cart");
        settle(|| block_on(self.w.shop.patch_cart(&patching, cart, &nothing, None))).unwrap();
        self.baskets[shopper] = Some(Basket { who, cart });
        self.model.new_cart(shopper);
    }

    /// Does the step, after which low stock is told unless nothing moved.
    fn take(&mut self, step: Step) {
        let before = std::array::from_fn(|v| self.model.available(v));
        self.act(step);
        if !matches!(step, Step::Switch { .. }) {
            self.model.note_lows(before);
        }
    }

    /// Does the step in the shop and in the model; both must come to the same.
    fn act(&mut self, step: Step) {
        self.steps += 1;
        let staff = self.staff();
        let agree = |shop: Option<Rejection>, model: bool| {
            assert_eq!(shop.is_none(), model, "the shop: {shop:?}");
        };
        match step {
            Step::Receive { variant, location, units } => {
                let (v, l) = (variant % VARIANTS, location % LOCATIONS);
                let units_of = [(self.variants[v], units)];
                let at = Some(self.locations[l]);
                settle(|| block_on(self.w.shop.receive_stock(&staff, at, &units_of, None)))
                    .unwrap();
                agree(None, self.model.adjust(v, l, units));
            }
            Step::Adjust { variant, location, delta } => {
                let (v, l) = (variant % VARIANTS, location % LOCATIONS);
                let request = adjustment(delta, Some(self.locations[l]));
                let id = self.variants[v];
                let done = settle(|| block_on(self.w.shop.adjust_stock(&staff, id, &request)));
                agree(done.err(), delta != 0 && self.model.adjust(v, l, delta));
            }
            Step::Count { variant, location, units } => {
                let (v, l) = (variant % VARIANTS, location % LOCATIONS);
                let request = count(units, Some(self.locations[l]));
                let id = self.variants[v];
                let done = settle(|| block_on(self.w.shop.set_stock(&staff, id, &request)));
                agree(done.err(), self.model.count(v, l, units));
            }
            Step::Switch { location, active } => {
                let l = location % LOCATIONS;
                let patch = PatchLocation { active: Some(active), ..PatchLocation::default() };
                let id = self.locations[l];
                settle(|| block_on(self.w.shop.patch_location(&staff, id, &patch, None))).unwrap();
                self.model.active[l] = active;
            }
            Step::Reprice { variant, price } => {
                let v = variant % VARIANTS;
                let patch = PatchVariant { price: Some(eur(price)), ..PatchVariant::default() };
                let id = self.variants[v];
                settle(|| block_on(self.w.shop.patch_variant(&staff, id, &patch, None))).unwrap();
                self.model.goods[v].price = price;
            }
            Step::Terms { on_delivery } => {
                let days = model::TERMS_DAYS as u32;
                let terms = if on_delivery {
                    PaymentTerms::OnDelivery { days }
                } else {
                    PaymentTerms::Prepaid { days }
                };
                self.sound.configure(|shop| {
                    shop.payment_terms.insert(GatewayName::manual(), terms);
                });
                self.model.on_delivery = on_delivery;
            }
            Step::Add { shopper, variant, units } => {
                let (s, v) = (shopper % SHOPPERS, variant % VARIANTS);
                self.basket(s);
                let Some(Basket { who, cart }) = &self.baskets[s] else { return };
                let who = self.keyed(who, "add");
                let line = AddLine::new(self.variants[v], units).unwrap();
                let done = settle(|| block_on(self.w.shop.add_line(&who, *cart, &line, None)));
                agree(done.err(), self.model.add(s, v, units));
            }
            Step::Change { shopper, line, units } => {
                let s = shopper % SHOPPERS;
                let Some((who, cart, id, n)) = self.line(s, line) else { return };
                let request = ChangeLine { quantity: Quantity::new(units).unwrap() };
                let done =
                    settle(|| block_on(self.w.shop.change_line(&who, cart, id, &request, None)));
                agree(done.err(), self.model.change(s, n, units));
            }
            Step::Remove { shopper, line } => {
                let s = shopper % SHOPPERS;
                let Some((who, cart, id, n)) = self.line(s, line) else { return };
                settle(|| block_on(self.w.shop.remove_line(&who, cart, id, None))).unwrap();
                self.model.remove(s, n);
            }
            Step::Checkout { shopper } => {
                let s = shopper % SHOPPERS;
                let Some(Basket { who, cart }) = &self.baskets[s] else { return };
                let who = self.keyed(who, "checkout");
                let request = PlaceOrder::default();
                let done = settle(|| block_on(self.w.shop.place_order(&who, *cart, &request)));
                let placed = self.model.checkout(s);
                if let Ok(placed) = &done {
                    self.orders.push(placed.order.clone());
                    self.baskets[s] = None;
                }
                agree(done.err(), placed);
            }
            Step::Capture { order } => {
                let Some((o, id)) = self.order(order) else { return };
                let done = settle(|| {
                    block_on(self.w.shop.capture(&staff, id, &CapturePayment::default(), None))
                });
                agree(done.err(), self.model.capture(o));
            }
            Step::Cancel { order } => {
                let Some((o, id)) = self.order(order) else { return };
                let request = CancelOrder::default();
                let cancel = || block_on(self.w.shop.cancel_order(&staff, id, &request, None));
                agree(settle(cancel).err(), self.model.cancel(o, None));
            }
            Step::CancelUnits { order, line, units } => {
                let Some((o, id)) = self.order(order) else { return };
                let n = line % self.orders[o].lines.len();
                let request = cancel_units(&[(self.orders[o].lines[n].id, units)]);
                let cancel = || block_on(self.w.shop.cancel_order(&staff, id, &request, None));
                agree(settle(cancel).err(), self.model.cancel(o, Some((n, units))));
            }
            Step::FulfillAll { order } => {
                let Some((o, id)) = self.order(order) else { return };
                let request = FulfillOrder::default();
                let fulfill = || block_on(self.w.shop.fulfill_order(&staff, id, &request, None));
                agree(settle(fulfill).err(), self.model.fulfill(o, None));
            }
            Step::Fulfill { order, line, units } => {
                let Some((o, id)) = self.order(order) else { return };
                let n = line % self.orders[o].lines.len();
                let request = parts(&[(self.orders[o].lines[n].id, units)]);
                let fulfill = || block_on(self.w.shop.fulfill_order(&staff, id, &request, None));
                agree(settle(fulfill).err(), self.model.fulfill(o, Some((n, units))));
            }
            Step::Deliver { order } => {
                let Some((o, id)) = self.order(order) else { return };
                let request = Deliver { fulfillment_id: None };
                let deliver = || block_on(self.w.shop.deliver_order(&staff, id, request, None));
                agree(settle(deliver).err(), self.model.deliver(o));
            }
            Step::RefundAll { order } => {
                let Some((o, _)) = self.order(order) else { return };
                let all = self.model.kept(o);
                self.refund(o, &CreateRefund::default(), all, None);
            }
            Step::RefundAmount { order, minor } => {
                let Some((o, _)) = self.order(order) else { return };
                self.refund(o, &refund_of(minor), minor, None);
            }
            Step::RefundUnits { order, line, units } => {
                let Some((o, _)) = self.order(order) else { return };
                let n = line % self.orders[o].lines.len();
                let request = refund_units(&[(self.orders[o].lines[n].id, units)]);
                self.refund(o, &request, 0, Some((n, units)));
            }
            Step::Wait { hours } => {
                self.w.clock.advance(Duration::from_secs(hours * 3_600));
                self.model.now = self.w.now().as_millis();
            }
            Step::Sweep => {
                settle(|| block_on(self.w.shop.sweep(1_000))).unwrap();
                for shopper in self.model.sweep() {
                    self.baskets[shopper] = None;
                }
            }
        }
    }

    fn refund(&mut self, o: usize, request: &CreateRefund, minor: i64, of: Option<(usize, i64)>) {
        let (staff, id) = (self.staff(), self.orders[o].id);
        let done = settle(|| block_on(self.w.shop.refund(&staff, id, request, None)));
        let model = self.model.refund(o, minor, of);
        assert_eq!(done.is_ok(), model, "the shop: {:?}", done.err());
    }

    fn order(&self, order: usize) -> Option<(usize, commerce_core::id::OrderId)> {
        let o = order.checked_rem(self.orders.len())?;
        Some((o, self.orders[o].id))
    }

    fn line(
        &self,
        s: usize,
        line: usize,
    ) -> Option<(Caller, CartId, commerce_core::id::LineId, usize)> {
        let Basket { who, cart } = self.baskets[s].as_ref()?;
        let view = self.sound.cart(who, *cart).unwrap();
        let n = line.checked_rem(view.lines.len())?;
        Some((self.keyed(who, "line"), *cart, view.lines[n].id, n))
    }

    /// Compares everything.
    fn check(&self) {
        for (v, id) in self.variants.iter().enumerate() {
            let mut available = 0;
            for (l, location) in self.locations.iter().enumerate() {
                let (on_hand, held) = (self.model.on_hand[v][l], self.model.held(v, l));
                assert_eq!(self.sound.stock_at(*id, *location), (on_hand, held), "V{v} at {l}");
                assert!(0 <= held && held <= on_hand);
                available += if self.model.active[l] { on_hand - held } else { 0 };
            }
            assert_eq!(self.sound.stock(*id).2, available, "available of V{v}");
        }
        for (s, basket) in self.baskets.iter().enumerate() {
            if let Some(Basket { who, cart }) = basket {
                let view = self.sound.cart(who, *cart).unwrap();
                let lines = view.lines.iter().map(|line| line.quantity.get());
                let model = self.model.carts[s].as_ref().unwrap();
                assert!(lines.eq(model.lines.iter().map(|(_, units)| *units)));
                assert_eq!(view.total.minor(), self.model.total(&model.lines).total);
            }
        }
        for (o, placed) in self.orders.iter().enumerate() {
            let order = self.sound.seen(placed.id);
            self.check_order(o, &order);
            // What was agreed at checkout never changes.
            assert_eq!((order.total, &order.taxes), (placed.total, &placed.taxes));
            assert_eq!(order.shipping, placed.shipping);
        }
    }

    fn check_order(&self, o: usize, order: &OrderView) {
        let model = &self.model.orders[o];
        let amounts = [order.total, order.paid_total, order.refunded_total, order.tax_total];
        let expected = [model.sum.total, model.paid, model.refunded, model.sum.tax].map(eur);
        assert_eq!(amounts, expected, "amounts of order {o}");
        assert_eq!(order.status, model.status(), "status of order {o}");
        assert_eq!(order.payment_status, model.payment_status(), "payment of order {o}");
        assert_eq!(order.fulfillment_status, model.fulfillment_status());
        assert_eq!(order.expires_at.map(|at| at.as_millis()), model.deadline());
        let lines = order
            .lines
            .iter()
            .map(|l| (l.quantity.get(), l.fulfilled, l.cancelled, l.backordered, l.refunded));
        let expected = model.lines.iter();
        let expected = expected.map(|l| (l.units, l.sent, l.cancelled, l.backordered, l.refunded));
        assert_eq!(lines.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "lines of order {o}");
        // The parts sum to the whole.
        let mut whole = order.shipping.as_ref().map_or(0, |shipping| shipping.total.minor());
        for line in &order.lines {
            let parts: i64 = line.adjustments.iter().map(|part| part.amount.minor()).sum();
            assert_eq!(line.subtotal.minor() + parts, line.total.minor());
            assert_eq!(line.unit_price.minor() * line.quantity.get(), line.subtotal.minor());
            whole += line.total.minor();
        }
        assert_eq!(whole + order.rounding.minor(), order.total.minor());
        assert_eq!(order.taxes.iter().map(|tax| tax.amount.minor()).sum::<i64>(), model.sum.tax);
        let captured: i64 = order.payments.iter().map(|payment| payment.captured.minor()).sum();
        assert_eq!(captured, model.paid);
    }

    /// At the end of the story: the ledger and the events tell the same.
    fn check_books(&self) {
        for (v, id) in self.variants.iter().enumerate() {
            let filter = MovementFilter { variant_id: *id, location_id: None };
            let mut page = PageRequest::first(100);
            let (mut sum, mut sold) = (0, 0);
            loop {
                let found =
                    block_on(self.sound.shop.stock_movements(&self.sound.system, &filter, &page));
                let found = found.unwrap();
                for row in &found.items {
                    sum += row.delta;
                    sold += if row.order_id.is_some() { -row.delta } else { 0 };
                }
                match found.next {
                    Some(next) => page.after = Some(next),
                    None => break,
                }
            }
            assert_eq!(sum, self.model.on_hand[v].iter().sum::<i64>(), "ledger of V{v}");
            let sent: i64 = self.model.sent(v);
            assert_eq!(sold, if self.model.goods[v].tracked { sent } else { 0 });
        }
        let events = self.sound.commits_after(0);
        let count = |name: &str| events.iter().flatten().filter(|e| name_of(e) == name).count();
        let orders = &self.model.orders;
        assert_eq!(count("order.placed"), orders.len());
        assert_eq!(count("order.cancelled"), orders.iter().filter(|order| order.cancelled).count());
        let reductions: usize = orders.iter().map(|order| order.reductions).sum();
        assert_eq!(count("order.partially_cancelled"), reductions);
        assert_eq!(count("order.paid"), orders.iter().filter(|order| order.was_paid()).count());
        let parcels: usize = orders.iter().map(|order| order.parcels).sum();
        assert_eq!(count("order.fulfilled"), parcels);
        let refunds: usize = orders.iter().map(|order| order.refunds).sum();
        assert_eq!(count("order.refunded"), refunds);
        for (v, id) in self.variants.iter().enumerate() {
            let lows = events.iter().flatten().filter(
                |event| matches!(event, Event::StockLow { variant_id, .. } if variant_id == id),
            );
            assert_eq!(lows.count(), self.model.lows[v], "low stock of V{v}");
            for (l, location) in self.locations.iter().enumerate() {
                let last = events.iter().flatten().rev().find_map(|event| match event {
                    Event::StockChanged { variant_id, location_id, on_hand, held, .. }
                        if variant_id == id && location_id == location =>
                    {
                        Some((*on_hand, *held))
                    }
                    _ => None,
                });
                let level = (self.model.on_hand[v][l], self.model.held(v, l));
                assert_eq!(last.unwrap_or_default(), level, "the last that was told of V{v}");
            }
        }
    }
}

fn config() -> ProptestConfig {
    let stories = std::env::var("SIMULATION_STORIES").ok();
    let cases = stories.map_or(STORIES, |stories| stories.parse().unwrap());
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_shop_and_a_naive_model_agree_after_every_step(
        story in prop::collection::vec(step(), 1..160),
        faults in prop::collection::vec(fault(), 1..40),
    ) {
        let mut simulation = Simulation::new(faults);
        for step in story {
            simulation.take(step);
            simulation.check();
        }
        simulation.check_books();
    }
}
