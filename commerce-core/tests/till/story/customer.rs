//! What customers do: they buy, pay on the shop's page or on one of the provider's, and bring things
//! back.

use commerce_core::{
    access::Caller,
    cart::CreateCart,
    gateway::{ProviderPayment, ProviderStatus},
    id::CustomerId,
    order::OrderInputs,
    payment::PaymentFlow,
};
use pollster::block_on;

use super::{
    super::{
        audit::ensure,
        request::{Ask, DIRECT, by, hosted},
    },
    Act, Story,
};

impl Story {
    /// A guest fills a cart, in which nothing goes wrong, and checks it out.
    pub(super) fn checkout(&mut self) -> Act {
        match self.dice.below(8) {
            0 => return self.sell_to(None),
            1 => {
                let customer = self.somebody();
                return self.sell_to(Some(customer));
            }
            _ => {}
        }
        let w = &self.till.sound;
        let (guest, cart) = w.guest();
        for _ in 0..1 + self.dice.below(2) {
            let (variant, _) = *self.dice.pick(&self.goods).unwrap();
            // It is refused if there are not so many.
            let _ = w.add(&guest, cart, variant, self.dice.up_to(3));
        }
        w.ready(&guest, cart);
        let choice = by(self.flow());
        self.ask(&guest, Ask::Checkout { cart, choice })
    }

    /// Somebody sells on the telephone: two prices of one thing are two lines. Whom the shop knows can
    /// pay by what they saved.
    fn sell_to(&mut self, customer: Option<CustomerId>) -> Act {
        let w = &self.till.sound;
        let request = CreateCart { customer_id: customer, ..CreateCart::default() };
        let made = block_on(w.shop.create_cart(&w.system, &request)).unwrap();
        let (cart, (variant, _)) = (made.cart.id, *self.dice.pick(&self.goods).unwrap());
        for price in [1_234, 999] {
            let _ = w.add_at(cart, variant, self.dice.up_to(2), price);
        }
        w.ready(&w.system, cart);
        let flow = self.saved(customer).unwrap_or_else(|| self.flow());
        self.ask(&Caller::system(), Ask::Checkout { cart, choice: by(flow) })
    }

    /// Somebody whom the shop knows.
    fn somebody(&mut self) -> CustomerId {
        if self.customers.is_empty() || self.dice.one_in(4) {
            let email = format!("{}@example.com", self.customers.len());
            let (_, id) = self.till.sound.customer(&email);
            self.customers.push(id);
        }
        *self.dice.pick(&self.customers).unwrap()
    }

    /// The back office begins to keep a card for somebody.
    pub(super) fn save(&mut self) -> Act {
        let customer = self.somebody();
        self.ask(&Caller::system(), Ask::SaveMethod { customer })
    }

    /// A card of somebody's, entered now if none was before, where the provider knows them; or, once in
    /// a while, one of somebody else's, which must be refused.
    fn saved(&mut self, customer: Option<CustomerId>) -> Option<PaymentFlow> {
        let mut id = customer?;
        if self.dice.one_in(8) {
            id = *self.dice.pick(&self.customers).unwrap();
        }
        let w = &self.till.sound;
        let reference = self.till.provider_reference(id)?;
        let kept = block_on(w.shop.saved_methods(&w.system, id)).unwrap();
        let method = match kept.into_iter().next() {
            Some(kept) => kept.method.id,
            None => self.till.bank.save(&reference),
        };
        Some(PaymentFlow::Saved { method })
    }

    /// The back office has an order paid in another way.
    pub(super) fn pay_again(&mut self) -> Option<Act> {
        let of = self.some_order()?;
        let flow = match self.dice.one_in(2) {
            true => self.saved(of.order.customer_id),
            false => None,
        };
        let flow = flow.unwrap_or_else(|| self.flow());
        Some(self.ask(&Caller::system(), Ask::PayAgain { order: of.order.id, choice: by(flow) }))
    }

    /// In which way somebody pays.
    fn flow(&mut self) -> PaymentFlow {
        if self.dice.one_in(3) { hosted() } else { DIRECT }
    }

    /// Somebody confirms a payment that waits for them.
    pub(super) fn confirm(&mut self) -> Option<Act> {
        let of = self.about.as_ref().and_then(|of| of.payments.last()).map(|it| it.id);
        let waits = |it: &ProviderPayment| it.status == ProviderStatus::RequiresAction;
        let id = of.or_else(|| self.some_payment(waits).map(|(id, _)| id))?;
        let slowly = self.till.bank.page_until(id).is_some() && self.dice.one_in(3);
        Some(Act::Pay { id, slowly })
    }

    /// A customer brings everything back, one unit after the other: all of the money goes back.
    pub(super) fn bring_everything_back(&mut self) -> Result<(), String> {
        let whole = |of: &OrderInputs| {
            let all = of.order.paid_total == of.order.total && of.order.total.is_positive();
            let one = of.payments.len() == 1 && of.payments[0].disputes.is_empty();
            all && one && of.payments[0].refunds.is_empty()
        };
        let mut orders = self.orders();
        orders.retain(|of| whole(of) && of.order.cancelled_at.is_none());
        let Some(of) = self.dice.pick(&orders).cloned() else { return Ok(()) };
        let order = of.order.id;
        let mut asked = Vec::new();
        for line in &of.order.lines {
            for _ in 0..line.quantity.get() {
                let ask = Ask::RefundUnits { order, line: line.id, units: 1 };
                asked.push(self.ask(&Caller::system(), ask));
            }
        }
        self.till.fate.tell("everything comes back");
        let fate = self.till.fate.clone();
        fate.calmly(|| asked.into_iter().try_for_each(|act| self.act(vec![act])))?;
        let after = self.till.order(order);
        let payment = &after.payments[0];
        // A refund that the bank declined may be asked for again.
        if payment.refunds.iter().all(|refund| refund.counts()) {
            let back = payment.refunded.minor() + payment.being_refunded().minor();
            let total = after.order.total.minor();
            ensure!(
                back == total,
                "everything of {order} came back, and {back} of {total} is given"
            );
        }
        Ok(())
    }
}
