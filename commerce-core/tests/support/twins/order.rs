//! Orders, and what time does to them.

use std::time::Duration;

use commerce_core::{
    checkout::PlaceOrder,
    order::{CancelOrder, Deliver, FulfillOrder},
    payment::{CapturePayment, CreateRefund},
    store::{OrderRef, Purge},
    text::IdempotencyKey,
};
use serde_json::json;

use super::{Twins, block_on, same};

impl Twins {
    pub(crate) fn change_order(&mut self) {
        let system = self.system.clone();
        match self.dice.below(8) {
            0..=2 => {
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
            3 => {
                let Some(order) = self.dice.one(&self.orders) else { return };
                let _ = both!(self, |shop| shop.capture(
                    &system,
                    order,
                    &CapturePayment::default(),
                    None
                ));
                if self.dice.chance(40) {
                    let request: CreateRefund = serde_json::from_value(
                        json!({"amount": {"amount": 1 + self.dice.number(900), "currency": "EUR"}, "reason": "r"}),
                    )
                    .unwrap();
                    let _ = both!(self, |shop| shop.refund(&system, order, &request, None));
                }
            }
            4 => {
                let Some(order) = self.dice.one(&self.orders) else { return };
                let view = both!(self, |shop| shop.order(&system, &OrderRef::Id(order))).unwrap();
                let some = if self.dice.chance(60) { 1 } else { 0 };
                let lines: Vec<_> = view
                    .lines
                    .iter()
                    .take(some)
                    .map(|line| json!({"line_id": line.id, "quantity": 1}))
                    .collect();
                let mut request: CancelOrder =
                    serde_json::from_value(json!({"reason": "shop", "note": "n"})).unwrap();
                request.lines = serde_json::from_value(json!(lines)).unwrap();
                let _ = both!(self, |shop| shop.cancel_order(&system, order, &request, None));
            }
            5 => {
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
                let mut request: FulfillOrder = serde_json::from_value(
                    json!({"tracking": {"number": "123", "carrier": "DHL"}}),
                )
                .unwrap();
                request.lines = serde_json::from_value(json!(lines)).unwrap();
                let _ = both!(self, |shop| shop.fulfill_order(&system, order, &request, None));
                if self.dice.chance(50) {
                    let deliver = Deliver { fulfillment_id: None };
                    let _ = both!(self, |shop| shop.deliver_order(&system, order, deliver, None));
                }
            }
            6 => {
                if self.dice.chance(20) {
                    let days = self.dice.next() % 20;
                    self.advance(Duration::from_secs(days * 86_400));
                }
                let limit = 1 + self.dice.below(5);
                let _ = both!(self, |shop| shop.sweep(limit));
            }
            _ => {
                if self.dice.chance(20) {
                    let now = commerce_core::inputs::Clock::now(&self.clocks[0]);
                    let purge = Purge {
                        outcomes_before: now.saturating_sub(Duration::from_secs(86_400)),
                        outbox_through: self.position / 2,
                        carts_before: now.saturating_sub(Duration::from_secs(86_400)),
                        webhooks_before: now,
                    };
                    let _ = both!(self, |shop| shop.purge(&purge));
                }
            }
        }
    }
}
