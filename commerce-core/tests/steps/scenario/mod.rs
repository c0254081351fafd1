//! What people and providers do, and what must come of it.

mod direct;
mod page;
mod saved;

use commerce_core::{
    gateway::{ProviderStatus, Reply},
    payment::CapturePolicy,
};

use crate::{
    support::eur,
    till::DAY,
    trial::{End, Stop, TOTAL, Trial},
};

/// What happens.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) capture: CapturePolicy,
    /// What the provider does at its first new calls; later it does what it is asked.
    pub(crate) replies: &'static [fn() -> Reply],
    pub(crate) play: fn(&Trial) -> Result<End, Stop>,
}

pub(crate) fn scenarios() -> Vec<&'static Scenario> {
    [direct::SCENARIOS, page::SCENARIOS, saved::SCENARIOS].into_iter().flatten().collect()
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
