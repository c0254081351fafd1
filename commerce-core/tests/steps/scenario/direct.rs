//! Payments on the shop's own page: all that is asked of a card.

use commerce_core::payment::CapturePolicy;

use super::{CALLED_OFF, SOLD, Scenario, accepts, asks_the_customer, declines, processes};
use crate::{
    till::{
        DAY,
        request::{Ask, DIRECT, by},
    },
    trial::{End, PRICE, TOTAL},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a checkout that is paid at once",
        capture: CapturePolicy::Automatic,
        replies: &[],
        play: |t| {
            t.checkout()?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "a capture",
        capture: CapturePolicy::Manual,
        replies: &[],
        play: |t| {
            let order = t.checkout()?;
            t.done("capture", Ask::Capture { order, minor: None })?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "a capture of a part",
        capture: CapturePolicy::Manual,
        replies: &[],
        play: |t| {
            let order = t.checkout()?;
            t.done("capture", Ask::Capture { order, minor: Some(1_000) })?;
            Ok(End { kept: 1_000, cancelled: false })
        },
    },
    Scenario {
        name: "a capture when it is sent",
        capture: CapturePolicy::OnFulfillment,
        replies: &[],
        play: |t| {
            let order = t.checkout()?;
            t.done("fulfil", Ask::Fulfill { order })?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "a void",
        capture: CapturePolicy::Manual,
        replies: &[],
        play: |t| {
            let order = t.checkout()?;
            t.done("void", Ask::Void { order })?;
            Ok(CALLED_OFF)
        },
    },
    Scenario {
        name: "a cancellation",
        capture: CapturePolicy::Manual,
        replies: &[],
        play: |t| {
            let order = t.checkout()?;
            t.done("cancel", Ask::Cancel { order })?;
            Ok(CALLED_OFF)
        },
    },
    Scenario {
        name: "a refund of a part",
        capture: CapturePolicy::Automatic,
        replies: &[],
        play: |t| {
            let order = t.checkout()?;
            t.done("refund", Ask::RefundAmount { order, minor: 500 })?;
            Ok(End { kept: TOTAL - 500, cancelled: false })
        },
    },
    Scenario {
        name: "a refund of a unit that the provider takes its time for",
        capture: CapturePolicy::Automatic,
        replies: &[accepts, processes],
        play: |t| {
            let order = t.checkout()?;
            let line = t.till.order(order).order.lines[0].id;
            t.done("refund", Ask::RefundUnits { order, line, units: 1 })?;
            t.till.bank.decide(t.till.sound.now());
            Ok(End { kept: TOTAL - PRICE, cancelled: false })
        },
    },
    Scenario {
        name: "a payment that the customer confirms, and webhooks",
        capture: CapturePolicy::Automatic,
        replies: &[asks_the_customer],
        play: |t| {
            t.checkout()?;
            t.till.bank.pay(t.payment()?, t.till.sound.now());
            t.deliver()?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "a payment that the customer confirms, and no webhook",
        capture: CapturePolicy::Automatic,
        replies: &[asks_the_customer],
        play: |t| {
            t.checkout()?;
            t.till.bank.pay(t.payment()?, t.till.sound.now());
            Ok(SOLD)
        },
    },
    Scenario {
        name: "a payment that nobody confirms",
        capture: CapturePolicy::Automatic,
        replies: &[asks_the_customer],
        play: |t| {
            t.checkout()?;
            t.till.wait(3 * DAY);
            t.sweep();
            Ok(CALLED_OFF)
        },
    },
    Scenario {
        name: "a payment that is confirmed when its time is over",
        capture: CapturePolicy::Automatic,
        replies: &[asks_the_customer],
        play: |t| {
            t.checkout()?;
            t.till.wait(3 * DAY);
            t.till.bank.pay(t.payment()?, t.till.sound.now());
            t.sweep();
            Ok(SOLD)
        },
    },
    Scenario {
        name: "money that comes after its order lapsed, while the goods are there",
        capture: CapturePolicy::Automatic,
        replies: &[asks_the_customer],
        play: |t| {
            t.lapsed()?;
            t.comes_late()?;
            t.deliver()?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "money that comes after its order lapsed, when the goods are gone",
        capture: CapturePolicy::Automatic,
        replies: &[asks_the_customer],
        play: |t| {
            t.lapsed()?;
            t.till.sound.set_stock(t.variant, 1, None);
            t.units.set(1);
            t.comes_late()?;
            t.deliver()?;
            Ok(CALLED_OFF)
        },
    },
    Scenario {
        name: "another card after a decline",
        capture: CapturePolicy::Automatic,
        replies: &[declines],
        play: |t| {
            let order = t.declined()?;
            t.done("pay again", Ask::PayAgain { order, choice: by(DIRECT) })?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "another card in the place of one that was not confirmed",
        capture: CapturePolicy::Automatic,
        replies: &[asks_the_customer],
        play: |t| {
            let order = t.checkout()?;
            t.done("pay again", Ask::PayAgain { order, choice: by(DIRECT) })?;
            Ok(SOLD)
        },
    },
];
