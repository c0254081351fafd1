//! What people and providers do, and what must come of it.

use commerce_core::{
    gateway::{ProviderStatus, Reply},
    payment::CapturePolicy,
};

use crate::{
    support::eur,
    till::{
        DAY,
        request::{Ask, DIRECT},
    },
    trial::{End, PRICE, Stop, TOTAL, Trial},
};

/// What happens.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) capture: CapturePolicy,
    /// What the provider does at its first new calls; later it does what it is asked.
    pub(crate) replies: &'static [fn() -> Reply],
    pub(crate) play: fn(&Trial) -> Result<End, Stop>,
}

fn asks_the_customer() -> Reply {
    Reply::RequireAction { client_secret: "sesame".parse().unwrap(), redirect_url: None }
}

fn declines() -> Reply {
    Reply::Decline { reason: "no funds".parse().unwrap() }
}

fn processes() -> Reply {
    Reply::Process
}

fn accepts() -> Reply {
    Reply::Accept
}

const SOLD: End = End { kept: TOTAL, cancelled: false };
const CALLED_OFF: End = End { kept: 0, cancelled: true };

pub(crate) const SCENARIOS: &[Scenario] = &[
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
            t.done("pay again", Ask::PayAgain { order, flow: DIRECT })?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "another card in the place of one that was not confirmed",
        capture: CapturePolicy::Automatic,
        replies: &[asks_the_customer],
        play: |t| {
            let order = t.checkout()?;
            t.done("pay again", Ask::PayAgain { order, flow: DIRECT })?;
            Ok(SOLD)
        },
    },
];

impl Trial {
    /// An order that nobody paid in time.
    fn lapsed(&self) -> Result<(), Stop> {
        self.checkout()?;
        self.till.wait(3 * DAY);
        self.till.fate.calmly(|| self.till.sweep())?;
        Ok(())
    }

    /// The provider took the money all the same.
    fn comes_late(&self) -> Result<(), Stop> {
        let id = self.payment()?;
        self.till.bank.change(id, |payment| {
            payment.status = ProviderStatus::Captured;
            payment.captured = eur(TOTAL);
        });
        Ok(())
    }
}
