//! A shop that takes cards by a gateway in memory.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::{collections::BTreeMap, time::Duration};

use commerce_core::{
    access::Caller,
    checkout::PlaceOrder,
    gateway::{Reply, ScriptedGateway},
    id::{CartId, OrderId, PaymentId, VariantId},
    order::{OrderInputs, PaymentTerms},
    payment::Payment,
    store::OrderRef,
    text::{GatewayName, Label},
};
use pollster::block_on;

use super::{World, key};

pub(crate) fn card() -> GatewayName {
    GatewayName::new("card").unwrap()
}

pub(crate) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

/// Waits for the customer.
pub(crate) fn waits() -> Reply {
    Reply::RequireAction { client_secret: label("sesame"), redirect_url: None }
}

/// A shop that takes cards, with shirts at 19.99, whose orders lapse after a day.
pub(crate) struct CardShop {
    pub(crate) world: World,
    pub(crate) gateway: ScriptedGateway,
    pub(crate) shirt: VariantId,
}

impl CardShop {
    pub(crate) fn new() -> Self {
        Self::over(World::new())
    }

    pub(crate) fn over(world: World) -> Self {
        let gateway = ScriptedGateway::new(card());
        let world = world.with(|shop| shop.with_gateway(gateway.clone()));
        world.configure(|shop| {
            shop.payment_terms = BTreeMap::from([(card(), PaymentTerms::Prepaid { days: 1 })]);
        });
        let shirt = world.sell("SHIRT", 1_999, 1_000);
        Self { world, gateway, shirt }
    }

    /// The same shop with another gateway in the place of its own.
    pub(crate) fn with_gateway(self, gateway: ScriptedGateway) -> Self {
        let world = self.world.with(|shop| shop.with_gateway(gateway.clone()));
        Self { world, gateway, ..self }
    }

    /// A cart with one shirt, and a key to check it out with.
    pub(crate) fn cart(&self) -> (Caller, CartId) {
        let (guest, cart) = self.world.guest();
        self.world.add(&guest, cart, self.shirt, 1).unwrap();
        self.world.ready(&guest, cart);
        (guest.with_key(key("checkout")), cart)
    }

    /// An order whose payment the gateway answers so.
    pub(crate) fn order(&self, reply: Reply) -> (OrderId, PaymentId) {
        self.gateway.script([reply]);
        let (guest, cart) = self.cart();
        let request = PlaceOrder::paid_by(card());
        let placed = block_on(self.world.shop.place_order(&guest, cart, &request)).unwrap();
        (placed.order.id, placed.payment.as_ref().unwrap().id)
    }

    /// An order as it is stored.
    pub(crate) fn inputs(&self, by: OrderRef) -> OrderInputs {
        block_on(self.world.shop.store().order(&by)).unwrap().unwrap()
    }

    pub(crate) fn payment(&self, id: PaymentId) -> Payment {
        let inputs = self.inputs(OrderRef::Payment(id));
        inputs.payments.iter().find(|it| it.id == id).unwrap().value.as_ref().clone()
    }

    /// Delivers a webhook, as often as it comes.
    pub(crate) fn deliver(&self, n: usize) {
        let (headers, body) = self.gateway.webhook(n).unwrap();
        let shop = &self.world.shop;
        let receipt = block_on(shop.receive_webhook(&card(), &headers, &body)).unwrap();
        let due = block_on(shop.handle_webhook(receipt.id)).unwrap();
        assert_eq!(due, !receipt.repeated);
    }

    /// Delivers the webhook of what happened last.
    pub(crate) fn deliver_last(&self) {
        self.deliver(self.gateway.webhooks() - 1);
    }

    pub(crate) fn minutes(&self, minutes: u64) {
        self.world.clock.advance(Duration::from_secs(60 * minutes));
    }

    /// Sweeps until nothing is due.
    pub(crate) fn settle(&self) {
        for _ in 0..100 {
            let swept = block_on(self.world.shop.sweep(1_000)).unwrap();
            if swept.orders + swept.carts + swept.payments + swept.webhooks == 0 {
                return;
            }
        }
        panic!("something is due for ever");
    }
}
