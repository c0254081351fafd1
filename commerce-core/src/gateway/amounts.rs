//! How much a gateway takes.

use crate::{error::Rejection, money::Money};

/// Which amounts of a currency a gateway takes, in the currency's minor unit. What is outside can never
/// be paid by it; what is inside may still be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// The least.
    pub least: i64,
    /// The most.
    pub most: i64,
    /// Of what every amount is a multiple; 1 if it takes all of them.
    pub step: i64,
}

impl Amounts {
    /// Whatever there is to pay.
    pub const ALL: Self = Self { least: 1, most: i64::MAX, step: 1 };

    /// Refuses an amount that is never taken.
    pub(crate) fn check(self, amount: Money) -> Result<(), Rejection> {
        let (minor, of) = (amount.minor(), |minor| Money::new(minor, amount.currency()));
        let bound = if minor < self.least {
            format!("{} or more", of(self.least))
        } else if minor > self.most {
            format!("{} or less", of(self.most))
        } else if minor.checked_rem(self.step).is_some_and(|rest| rest != 0) {
            format!("multiples of {}", of(self.step))
        } else {
            return Ok(());
        };
        let detail = format!("must be another: it takes {bound}, and {amount} is to be paid");
        Err(Rejection::invalid("/payment/gateway", detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;

    #[test]
    fn what_is_never_taken_is_refused_with_the_bound() {
        let amounts = Amounts { least: 50, most: 1_000, step: 10 };
        let refused =
            |minor| amounts.check(Money::new(minor, Currency::EUR)).unwrap_err().to_string();
        for (minor, bound) in
            [(40, "0.50 EUR or more"), (1_010, "10.00 EUR or less"), (55, "multiples of 0.10 EUR")]
        {
            assert!(refused(minor).contains(bound), "{}", refused(minor));
        }
        for minor in [50, 60, 1_000] {
            amounts.check(Money::new(minor, Currency::EUR)).unwrap();
        }
        for minor in [1, 7, i64::MAX] {
            Amounts::ALL.check(Money::new(minor, Currency::EUR)).unwrap();
        }
    }
}
