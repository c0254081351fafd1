//! A shop in a hundred lines: no versions, no store, no ids. Numbers name everything.

use commerce_core::{
    order::{FulfillmentStatus, OrderStatus},
    payment::PaymentStatus,
};

pub(crate) const VARIANTS: usize = 4;
pub(crate) const LOCATIONS: usize = 2;
pub(crate) const SHOPPERS: usize = 5;
pub(crate) const SHIPPING: i64 = 500;
pub(crate) const FREE_FROM: i64 = 20_000;
pub(crate) const TERMS_DAYS: i64 = 3;
pub(crate) const IDLE_DAYS: i64 = 5;
/// That of a variant of which nothing else is said.
const THRESHOLD: i64 = 5;

const DAY: i64 = 86_400_000;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Goods {
    pub(crate) price: i64,
    pub(crate) tracked: bool,
    pub(crate) backorder: bool,
    pub(crate) sent: bool,
}

impl Goods {
    pub(crate) fn all() -> Vec<Self> {
        let plain = Self { price: 1999, tracked: true, backorder: false, sent: true };
        vec![
            plain,
            Self { price: 333, ..plain },
            Self { price: 5001, backorder: true, ..plain },
            Self { price: 999, tracked: false, sent: false, ..plain },
        ]
    }
}

#[derive(Debug)]
pub(crate) struct Cart {
    pub(crate) lines: Vec<(usize, i64)>,
    touched: i64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum {
    pub(crate) tax: i64,
    pub(crate) total: i64,
}

#[derive(Debug)]
pub(crate) struct Line {
    variant: usize,
    pub(crate) units: i64,
    total: i64,
    holds: [i64; LOCATIONS],
    pub(crate) backordered: i64,
    pub(crate) sent: i64,
    pub(crate) cancelled: i64,
    pub(crate) refunded: i64,
}

impl Line {
    fn left(&self) -> i64 {
        self.units - self.sent - self.cancelled
    }

    /// One unit after the other: first what is waited for, then what the last place keeps.
    fn call_off(&mut self, units: i64) {
        for _ in 0..units {
            self.cancelled += 1;
            if self.backordered > 0 {
                self.backordered -= 1;
            } else if let Some(held) = self.holds.iter_mut().rev().find(|held| **held > 0) {
                *held -= 1;
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) lines: Vec<Line>,
    pub(crate) sum: Sum,
    pub(crate) paid: i64,
    pub(crate) refunded: i64,
    pub(crate) cancelled: bool,
    pub(crate) parcels: usize,
    pub(crate) refunds: usize,
    pub(crate) reductions: usize,
    arrived: usize,
    on_delivery: bool,
    placed: i64,
}

impl Order {
    pub(crate) fn was_paid(&self) -> bool {
        self.paid == self.sum.total
    }

    fn unsent(&self) -> bool {
        self.parcels == 0
    }

    fn may_ship(&self) -> bool {
        let refunded = self.paid > 0 && self.refunded == self.paid;
        (self.was_paid() || self.on_delivery) && !refunded
    }

    pub(crate) fn deadline(&self) -> Option<i64> {
        let waits = !self.cancelled && !self.was_paid() && self.unsent();
        waits.then_some(self.placed + TERMS_DAYS * DAY)
    }

    pub(crate) fn payment_status(&self) -> PaymentStatus {
        match (self.was_paid(), self.cancelled) {
            (false, true) => PaymentStatus::Voided,
            (false, false) => PaymentStatus::Pending,
            (true, _) if self.refunded == 0 => PaymentStatus::Paid,
            (true, _) if self.refunded == self.paid => PaymentStatus::Refunded,
            (true, _) => PaymentStatus::PartiallyRefunded,
        }
    }

    pub(crate) fn fulfillment_status(&self) -> FulfillmentStatus {
        if self.unsent() {
            FulfillmentStatus::Unfulfilled
        } else if self.lines.iter().all(|line| line.left() == 0) {
            FulfillmentStatus::Fulfilled
        } else {
            FulfillmentStatus::Partial
        }
    }

    pub(crate) fn status(&self) -> OrderStatus {
        if self.cancelled {
            return OrderStatus::Cancelled;
        }
        if self.payment_status() == PaymentStatus::Refunded {
            return OrderStatus::Refunded;
        }
        match self.fulfillment_status() {
            FulfillmentStatus::Fulfilled if self.arrived == self.parcels => OrderStatus::Delivered,
            FulfillmentStatus::Fulfilled => OrderStatus::Shipped,
            FulfillmentStatus::Partial => OrderStatus::Processing,
            FulfillmentStatus::Unfulfilled if self.may_ship() => OrderStatus::Confirmed,
            FulfillmentStatus::Unfulfilled => OrderStatus::Pending,
        }
    }

    /// Whether nothing of it was sent, nor ever will be.
    fn is_nothing(&self) -> bool {
        self.unsent() && self.lines.iter().all(|line| line.left() == 0)
    }

    fn call_off_all(&mut self) {
        for line in &mut self.lines {
            line.call_off(line.left());
        }
    }

    fn cancel(&mut self) {
        self.cancelled = true;
        self.call_off_all();
    }
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) goods: Vec<Goods>,
    pub(crate) on_hand: [[i64; LOCATIONS]; VARIANTS],
    pub(crate) active: [bool; LOCATIONS],
    pub(crate) carts: Vec<Option<Cart>>,
    pub(crate) orders: Vec<Order>,
    pub(crate) on_delivery: bool,
    /// How often the shop was told that a variant has become low.
    pub(crate) lows: [usize; VARIANTS],
    pub(crate) now: i64,
}

impl Model {
    pub(crate) fn new(goods: Vec<Goods>, now: i64) -> Self {
        Self {
            goods,
            on_hand: [[0; LOCATIONS]; VARIANTS],
            active: [true; LOCATIONS],
            carts: (0..SHOPPERS).map(|_| None).collect(),
            orders: vec![],
            on_delivery: false,
            lows: [0; VARIANTS],
            now,
        }
    }

    pub(crate) fn held(&self, v: usize, l: usize) -> i64 {
        let lines = self.orders.iter().flat_map(|order| &order.lines);
        lines.filter(|line| line.variant == v).map(|line| line.holds[l]).sum()
    }

    fn free(&self, v: usize, l: usize) -> i64 {
        if self.active[l] { self.on_hand[v][l] - self.held(v, l) } else { 0 }
    }

    pub(crate) fn available(&self, v: usize) -> i64 {
        (0..LOCATIONS).map(|l| self.free(v, l)).sum()
    }

    /// Counts the variants that have become low since so many units were available.
    pub(crate) fn note_lows(&mut self, before: [i64; VARIANTS]) {
        for (v, before) in before.into_iter().enumerate() {
            let became = before >= THRESHOLD && self.available(v) < THRESHOLD;
            self.lows[v] += usize::from(became && self.goods[v].tracked);
        }
    }

    pub(crate) fn sent(&self, v: usize) -> i64 {
        let lines = self.orders.iter().flat_map(|order| &order.lines);
        lines.filter(|line| line.variant == v).map(|line| line.sent).sum()
    }

    pub(crate) fn adjust(&mut self, v: usize, l: usize, delta: i64) -> bool {
        let ok = self.on_hand[v][l] + delta >= self.held(v, l);
        self.on_hand[v][l] += if ok { delta } else { 0 };
        ok
    }

    pub(crate) fn count(&mut self, v: usize, l: usize, units: i64) -> bool {
        self.adjust(v, l, units - self.on_hand[v][l])
    }

    fn obtainable(&self, v: usize, units: i64) -> bool {
        let goods = self.goods[v];
        !goods.tracked || goods.backorder || units <= self.available(v)
    }

    pub(crate) fn new_cart(&mut self, s: usize) {
        self.carts[s] = Some(Cart { lines: vec![], touched: self.now });
    }

    pub(crate) fn add(&mut self, s: usize, v: usize, units: i64) -> bool {
        let lines = &self.carts[s].as_ref().unwrap().lines;
        match lines.iter().position(|(variant, _)| *variant == v) {
            Some(n) => {
                let sum = lines[n].1 + units;
                self.obtainable(v, sum) && self.set(s, n, sum)
            }
            None => {
                let ok = self.obtainable(v, units);
                if ok {
                    let cart = self.carts[s].as_mut().unwrap();
                    cart.lines.push((v, units));
                    cart.touched = self.now;
                }
                ok
            }
        }
    }

    fn set(&mut self, s: usize, n: usize, units: i64) -> bool {
        let cart = self.carts[s].as_mut().unwrap();
        cart.lines[n].1 = units;
        cart.touched = self.now;
        true
    }

    pub(crate) fn change(&mut self, s: usize, n: usize, units: i64) -> bool {
        let (v, before) = self.carts[s].as_ref().unwrap().lines[n];
        (units <= before || self.obtainable(v, units)) && self.set(s, n, units)
    }

    pub(crate) fn remove(&mut self, s: usize, n: usize) {
        let cart = self.carts[s].as_mut().unwrap();
        cart.lines.remove(n);
        cart.touched = self.now;
    }

    fn line_total(&self, v: usize, units: i64) -> (i64, i64) {
        let price = self.goods[v].price * units;
        // 19 %, half up.
        let tax = (price * 19 + 50) / 100;
        (price, tax)
    }

    pub(crate) fn total(&self, lines: &[(usize, i64)]) -> Sum {
        let (mut goods, mut tax) = (0, 0);
        for (v, units) in lines {
            let (price, more) = self.line_total(*v, *units);
            goods += price;
            tax += more;
        }
        let sent = lines.iter().any(|(v, _)| self.goods[*v].sent);
        let shipping = if sent && goods < FREE_FROM { SHIPPING } else { 0 };
        Sum { tax, total: goods + tax + shipping }
    }

    /// Units from each location, the first one first, and those that are missing.
    fn take(&self, v: usize, units: i64) -> ([i64; LOCATIONS], i64) {
        let (mut taken, mut missing) = ([0; LOCATIONS], units);
        for (l, taken) in taken.iter_mut().enumerate() {
            *taken = missing.min(self.free(v, l));
            missing -= *taken;
        }
        (taken, missing)
    }

    pub(crate) fn checkout(&mut self, s: usize) -> bool {
        let lines = self.carts[s].as_ref().unwrap().lines.clone();
        if lines.is_empty() || !lines.iter().all(|(v, units)| self.obtainable(*v, *units)) {
            return false;
        }
        let place = |&(variant, units): &(usize, i64)| {
            let tracked = self.goods[variant].tracked;
            let (holds, backordered) =
                if tracked { self.take(variant, units) } else { ([0; LOCATIONS], 0) };
            let (price, tax) = self.line_total(variant, units);
            Line {
                variant,
                units,
                total: price + tax,
                holds,
                backordered,
                sent: 0,
                cancelled: 0,
                refunded: 0,
            }
        };
        let order = Order {
            lines: lines.iter().map(place).collect(),
            sum: self.total(&lines),
            paid: 0,
            refunded: 0,
            cancelled: false,
            parcels: 0,
            refunds: 0,
            reductions: 0,
            arrived: 0,
            on_delivery: self.on_delivery,
            placed: self.now,
        };
        self.orders.push(order);
        self.carts[s] = None;
        true
    }

    pub(crate) fn capture(&mut self, o: usize) -> bool {
        let order = &mut self.orders[o];
        let ok = !order.cancelled && !order.was_paid();
        if ok {
            order.paid = order.sum.total;
        }
        ok
    }

    pub(crate) fn cancel(&mut self, o: usize, part: Option<(usize, i64)>) -> bool {
        let order = &mut self.orders[o];
        let left: i64 = order.lines.iter().map(Line::left).sum();
        let too_many = part.is_some_and(|(n, units)| units > order.lines[n].left());
        if order.cancelled || too_many {
            return false;
        }
        let whole = part.is_none_or(|(_, units)| units == left) && order.unsent();
        if whole {
            if order.refunded < order.paid {
                return false;
            }
            order.cancel();
            return true;
        }
        if left == 0 || order.unsent() && !order.may_ship() {
            return false;
        }
        match part {
            Some((n, units)) => order.lines[n].call_off(units),
            None => order.call_off_all(),
        }
        order.reductions += 1;
        true
    }

    pub(crate) fn fulfill(&mut self, o: usize, part: Option<(usize, i64)>) -> bool {
        let order = &self.orders[o];
        let parts: Vec<(usize, i64)> = match part {
            Some(part) => vec![part],
            None => {
                let rest = order.lines.iter().enumerate().map(|(n, l)| (n, l.left()));
                rest.filter(|(_, units)| *units > 0).collect()
            }
        };
        let too_many = parts.iter().any(|(n, units)| *units > order.lines[*n].left());
        if order.cancelled || !order.may_ship() || parts.is_empty() || too_many {
            return false;
        }
        // First find out, then do: each variant is in one line alone.
        let mut leaving = Vec::new();
        for (n, units) in &parts {
            let line = &order.lines[*n];
            if !self.goods[line.variant].tracked {
                continue;
            }
            let (mut held, mut missing) = ([0; LOCATIONS], *units);
            for (l, held) in held.iter_mut().enumerate() {
                *held = missing.min(line.holds[l]);
                missing -= *held;
            }
            let (fresh, short) = self.take(line.variant, missing);
            if short > 0 {
                return false;
            }
            leaving.push((*n, held, fresh, missing));
        }
        let order = &mut self.orders[o];
        for (n, held, fresh, missing) in leaving {
            let line = &mut order.lines[n];
            line.backordered -= missing;
            for l in 0..LOCATIONS {
                line.holds[l] -= held[l];
                self.on_hand[line.variant][l] -= held[l] + fresh[l];
            }
        }
        for (n, units) in parts {
            order.lines[n].sent += units;
        }
        order.parcels += 1;
        true
    }

    pub(crate) fn deliver(&mut self, o: usize) -> bool {
        let order = &mut self.orders[o];
        let ok = !order.cancelled && order.arrived < order.parcels;
        order.arrived = order.parcels;
        ok
    }

    pub(crate) fn kept(&self, o: usize) -> i64 {
        self.orders[o].paid - self.orders[o].refunded
    }

    pub(crate) fn refund(&mut self, o: usize, minor: i64, of: Option<(usize, i64)>) -> bool {
        let kept = self.kept(o);
        let order = &mut self.orders[o];
        let mut minor = minor;
        if let Some((n, units)) = of {
            let line = &order.lines[n];
            if line.refunded + units > line.units {
                return false;
            }
            // Half up, so that all units together are the line.
            let until = |units: i64| (line.total * units * 2 + line.units) / (line.units * 2);
            minor = until(line.refunded + units) - until(line.refunded);
        }
        if minor <= 0 || minor > kept {
            return false;
        }
        if let Some((n, units)) = of {
            order.lines[n].refunded += units;
        }
        order.refunded += minor;
        order.refunds += 1;
        // What is refunded and was not sent never will be.
        let left: i64 = order.lines.iter().map(Line::left).sum();
        let all = order.refunded == order.paid;
        if all {
            order.call_off_all();
        }
        for line in &mut order.lines {
            line.call_off(line.refunded - line.sent - line.cancelled);
        }
        let called_off = order.lines.iter().map(Line::left).sum::<i64>() < left;
        if called_off && (all || !order.is_nothing()) {
            order.reductions += 1;
        } else if called_off {
            order.cancelled = true;
        }
        true
    }

    /// Ends what is due; answers whose carts.
    pub(crate) fn sweep(&mut self) -> Vec<usize> {
        let now = self.now;
        for order in &mut self.orders {
            if order.deadline().is_some_and(|at| at <= now) {
                order.cancel();
            }
        }
        let idle = |cart: &Option<Cart>| {
            cart.as_ref().is_some_and(|cart| cart.touched + IDLE_DAYS * DAY <= now)
        };
        let ended: Vec<_> = (0..SHOPPERS).filter(|s| idle(&self.carts[*s])).collect();
        for s in &ended {
            self.carts[*s] = None;
        }
        ended
    }
}
