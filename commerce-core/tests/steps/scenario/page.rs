//! Payments on a page of the provider, which closes after a day.

use commerce_core::payment::CapturePolicy;

use super::{CALLED_OFF, SOLD, Scenario};
use crate::{
    till::{
        DAY, MINUTE,
        request::{Ask, by, hosted},
    },
    trial::{Stop, Trial},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a page on which the customer pays",
        capture: CapturePolicy::Automatic,
        replies: &[],
        play: |t| {
            t.checkout_by(hosted())?;
            t.till.bank.pay(t.payment()?, t.till.sound.now());
            t.deliver()?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "a page on which money is set aside, and a capture",
        capture: CapturePolicy::Manual,
        replies: &[],
        play: |t| {
            let order = t.checkout_by(hosted())?;
            t.till.bank.pay(t.payment()?, t.till.sound.now());
            t.deliver()?;
            // What was told may not have been written down. Whoever captures waits until it is.
            t.till.wait(2 * MINUTE);
            t.sweep();
            t.done("capture", Ask::Capture { order, minor: None })?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "a page that closes before anybody pays",
        capture: CapturePolicy::Automatic,
        replies: &[],
        play: |t| {
            t.checkout_by(hosted())?;
            t.closes()?;
            t.till.wait(2 * DAY);
            t.sweep();
            Ok(CALLED_OFF)
        },
    },
    Scenario {
        name: "a page that is open when its order is cancelled",
        capture: CapturePolicy::Automatic,
        replies: &[],
        play: |t| {
            let order = t.checkout_by(hosted())?;
            t.done("cancel", Ask::Cancel { order })?;
            t.till.bank.pay(t.payment()?, t.till.sound.now());
            Ok(CALLED_OFF)
        },
    },
    Scenario {
        name: "a page that closes while its transfer is under way",
        capture: CapturePolicy::Automatic,
        replies: &[],
        play: |t| {
            t.checkout_by(hosted())?;
            t.till.bank.pay_slowly(t.payment()?, t.till.sound.now());
            t.till.wait(3 * DAY);
            t.sweep();
            t.till.bank.decide(t.till.sound.now());
            t.deliver()?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "a page that closed, and was paid all the same",
        capture: CapturePolicy::Automatic,
        replies: &[],
        play: |t| {
            t.checkout_by(hosted())?;
            t.closes()?;
            t.comes_late()?;
            t.deliver()?;
            Ok(SOLD)
        },
    },
    Scenario {
        name: "another page in the place of one that is open",
        capture: CapturePolicy::Automatic,
        replies: &[],
        play: |t| {
            let order = t.checkout_by(hosted())?;
            let first = t.payment()?;
            t.till.wait(MINUTE);
            t.done("pay again", Ask::PayAgain { order, choice: by(hosted()) })?;
            for page in [first, t.payment()?] {
                t.till.bank.pay(page, t.till.sound.now());
            }
            t.deliver()?;
            Ok(SOLD)
        },
    },
];

impl Trial {
    /// The provider closes a page that nobody paid on, and tells.
    fn closes(&self) -> Result<(), Stop> {
        self.till.wait(DAY);
        self.till.bank.close_pages(self.till.sound.now());
        self.deliver()
    }
}
