//! Cards that the provider keeps for customers: saved, paid by, forgotten.

use commerce_core::{
    cart::CreateCart,
    id::{CartId, CustomerId, OrderId},
    payment::{CapturePolicy, PaymentChoice, PaymentFlow},
    text::Label,
};
use pollster::block_on;

use super::{SOLD, Scenario, asks_the_customer, declines};
use crate::{
    till::request::{Answer, Ask, DIRECT, by},
    trial::{BOUGHT, Stop, Trial},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a card that is saved, pays a draft and is forgotten",
        capture: CapturePolicy::Automatic,
        replies: &[],
        play: |t| {
            let customer = t.customer();
            let (method, of) = t.keep(customer)?;
            let cart = t.draft(customer);
            t.done("charge", Ask::Checkout { cart, choice: by(saved(&method)) })?;
            t.done("forget", Ask::Forget { customer, method: method.clone() })?;
            match t.till.bank.kept(&of).contains(&method) {
                true => Err(Stop::Wrong(format!("{method} is forgotten, and kept"))),
                false => Ok(SOLD),
            }
        },
    },
    Scenario {
        name: "a card that is saved in the place of one that was not confirmed",
        capture: CapturePolicy::Automatic,
        replies: &[asks_the_customer],
        play: |t| {
            let customer = t.customer();
            let order = t.telephone(t.draft(customer), by(DIRECT))?;
            let (method, _) = t.keep(customer)?;
            t.done("charge", Ask::PayAgain { order, choice: by(saved(&method)) })?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "a saved card that is declined, and that its owner then confirms",
        capture: CapturePolicy::Automatic,
        replies: &[declines],
        play: |t| {
            let customer = t.customer();
            let (method, _) = t.keep(customer)?;
            let cart = t.draft(customer);
            match t.ask("charge", Ask::Checkout { cart, choice: by(saved(&method)) })? {
                Answer::Refused(_) => {}
                answer => return Err(Stop::Wrong(format!("the charge is {answer:?}"))),
            }
            t.till.bank.pay(t.payment()?, t.till.sound.now());
            t.deliver()?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "a card that is kept as it pays",
        capture: CapturePolicy::Automatic,
        replies: &[],
        play: |t| {
            let cart = t.draft(t.customer());
            t.telephone(cart, PaymentChoice { save_method: true, ..by(DIRECT) })?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "a customer who is erased, with the card that paid",
        capture: CapturePolicy::Automatic,
        replies: &[],
        play: |t| {
            let customer = t.customer();
            let (method, of) = t.keep(customer)?;
            t.telephone(t.draft(customer), by(saved(&method)))?;
            t.done("erase", Ask::Erase { customer })?;
            match t.till.bank.kept(&of).as_slice() {
                [] => Ok(SOLD),
                left => Err(Stop::Wrong(format!("{customer} is erased, and {left:?} kept"))),
            }
        },
    },
];

fn saved(method: &Label) -> PaymentFlow {
    PaymentFlow::Saved { method: method.clone() }
}

impl Trial {
    /// Somebody whom the shop knows, and the provider does not.
    fn customer(&self) -> CustomerId {
        self.till.sound.customer(&format!("{}@example.com", self.cart)).1
    }

    /// What a customer orders on the telephone.
    fn draft(&self, customer: CustomerId) -> CartId {
        let w = &self.till.sound;
        let request = CreateCart { customer_id: Some(customer), ..CreateCart::default() };
        let cart = block_on(w.shop.create_cart(&w.system, &request)).unwrap().cart.id;
        w.add(&w.system, cart, self.variant, BOUGHT).unwrap();
        w.ready(&w.system, cart);
        cart
    }

    /// The back office begins to keep a card, and its owner enters it; answers what the provider calls
    /// both.
    fn keep(&self, customer: CustomerId) -> Result<(Label, Label), Stop> {
        self.done("save", Ask::SaveMethod { customer })?;
        let of = self.till.provider_reference(customer).ok_or_else(|| "unknown".to_owned())?;
        Ok((self.till.bank.save(&of), of))
    }

    /// The back office checks a draft out.
    fn telephone(&self, cart: CartId, choice: PaymentChoice) -> Result<OrderId, Stop> {
        self.done("sell", Ask::Checkout { cart, choice })?;
        Ok(self.order()?.order.id)
    }
}
