//! `commerce reconcile`: the shop's books beside those of a gateway's provider.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
    time::Duration,
};

use commerce_core::{
    gateway::TransactionKind,
    money::Money,
    reconciliation::{Difference, MovementSum, Reconciliation},
    time::Timestamp,
};

const DAY: Duration = Duration::from_secs(86_400);

/// A day in UTC, written `2026-11-21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Timestamp);

/// Why a text is not a [`Day`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a day, such as 2026-11-21")]
pub struct DayError;

impl Day {
    /// The day of a time.
    pub fn of(time: Timestamp) -> Self {
        let into_day = time.as_millis().rem_euclid(86_400_000);
        let into_day = Duration::from_millis(u64::try_from(into_day).unwrap_or(0));
        Self(time.saturating_sub(into_day))
    }

    /// The day before.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(DAY))
    }

    /// How many days it comes after the first of 1970; 0 before that.
    pub fn number(self) -> u64 {
        u64::try_from(self.0.as_millis().div_euclid(86_400_000)).unwrap_or(0)
    }

    /// When it begins.
    pub fn begins(self) -> Timestamp {
        self.0
    }

    /// When the next one begins.
    pub fn ends(self) -> Timestamp {
        self.0.saturating_add(DAY)
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        if text.len() != "2026-11-21".len() {
            return Err(DayError);
        }
        format!("{text}T00:00:00Z").parse().map(Self).map_err(|_| DayError)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0.to_string();
        f.write_str(time.split('T').next().unwrap_or_default())
    }
}

/// The days that are meant, both included: yesterday where nothing is said, and up to yesterday where
/// only the first is, or that day alone if it is later. `None` if the last comes before the first.
pub fn days(from: Option<Day>, until: Option<Day>, now: Timestamp) -> Option<(Day, Day)> {
    let yesterday = Day::of(now).before();
    let from = from.or(until).unwrap_or(yesterday);
    let until = until.unwrap_or(yesterday.max(from));
    (from <= until).then_some((from, until))
}

/// The comparison as text for people.
pub fn report(found: &Reconciliation) -> String {
    let Reconciliation { gateway, from, until, transactions, sums, differences } = found;
    let mut text =
        format!("{gateway} from {from} to {until}: {transactions} movements at the provider\n");
    for MovementSum { movement, provider, booked } in sums {
        let (movement, provider, booked) =
            (word(*movement), provider.to_string(), booked.to_string());
        let _ = writeln!(text, "  {movement:8} provider {provider:>16}   books {booked:>16}");
    }
    match differences.len() {
        0 => text.push_str("no difference"),
        1 => text.push_str("1 difference:"),
        count => {
            let _ = write!(text, "{count} differences:");
        }
    }
    for difference in differences {
        let _ = write!(text, "\n  {}", line(difference));
    }
    text
}

/// A difference on one line.
pub(crate) fn line(difference: &Difference) -> String {
    let Difference { kind, movement, at, reference, provider, booked, .. } = difference;
    let amount = |side: &Option<Money>| side.map_or("nothing".to_owned(), |it| it.to_string());
    let mut line = format!(
        "{} of a {}: provider {}, books {}; at {at}",
        kind.as_str().replace('_', " "),
        word(*movement),
        amount(provider),
        amount(booked),
    );
    let named = [
        ("", reference.as_ref().map(ToString::to_string)),
        ("order ", difference.order_number.as_ref().map(ToString::to_string)),
        ("", difference.payment_id.map(|id| id.to_string())),
        ("", difference.refund_id.map(|id| id.to_string())),
    ];
    for (what, name) in named {
        if let Some(name) = name {
            let _ = write!(line, ", {what}{name}");
        }
    }
    line
}

fn word(movement: TransactionKind) -> &'static str {
    match movement {
        TransactionKind::Charge => "charge",
        TransactionKind::Refund => "refund",
        TransactionKind::Dispute => "dispute",
    }
}

#[cfg(test)]
mod tests {
    use commerce_core::{currency::Currency, reconciliation::DifferenceKind};

    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_written_as_one_would() {
        assert_eq!(day("2024-02-29").to_string(), "2024-02-29");
        assert_eq!(day("2024-02-29").ends(), day("2024-03-01").begins());
        for bad in ["", "2026-2-1", "2026-02-30", "yesterday", "2026-11-21T10:00:00Z", "21.11.2026"]
        {
            assert_eq!(bad.parse::<Day>(), Err(DayError), "{bad}");
        }
        let before = "1969-12-31T23:59:59.999Z".parse().unwrap();
        assert_eq!(Day::of(before).to_string(), "1969-12-31");
        let numbers = ["1969-12-31", "1970-01-01", "1970-01-02", "2024-02-29"];
        assert_eq!(numbers.map(|text| day(text).number()), [0, 0, 1, 19_782]);
    }

    #[test]
    fn yesterday_is_meant_where_nothing_is_said() {
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        let meant = |from: &str, until: &str| {
            let days = days(from.parse().ok(), until.parse().ok(), now)?;
            Some(format!("{} {}", days.0, days.1))
        };
        for (from, until, expected) in [
            ("", "", "2026-11-20 2026-11-20"),
            ("2026-11-01", "", "2026-11-01 2026-11-20"),
            ("2026-11-21", "", "2026-11-21 2026-11-21"),
            ("", "2026-11-05", "2026-11-05 2026-11-05"),
            ("2026-11-01", "2026-11-02", "2026-11-01 2026-11-02"),
        ] {
            assert_eq!(meant(from, until).as_deref(), Some(expected), "{from} {until}");
        }
        assert_eq!(meant("2026-11-02", "2026-11-01"), None);
    }

    #[test]
    fn every_difference_is_a_line() {
        let euros = |minor| Money::new(minor, Currency::EUR);
        let difference = Difference {
            kind: DifferenceKind::AmountDiffers,
            movement: TransactionKind::Charge,
            at: day("2026-11-20").begins(),
            reference: Some("ch_1".parse().unwrap()),
            order_number: None,
            order_id: None,
            payment_id: None,
            refund_id: None,
            provider: Some(euros(1_250)),
            booked: None,
        };
        let found = Reconciliation {
            gateway: "stripe".parse().unwrap(),
            from: day("2026-11-20").begins(),
            until: day("2026-11-20").ends(),
            transactions: 1,
            sums: vec![MovementSum {
                movement: TransactionKind::Charge,
                provider: euros(1_250),
                booked: euros(0),
            }],
            differences: vec![difference],
        };
        assert_eq!(
            report(&found),
            "stripe from 2026-11-20T00:00:00.000Z to 2026-11-21T00:00:00.000Z: 1 movements at the \
             provider\n  charge   provider        12.50 EUR   books         0.00 EUR\n1 difference:\n  \
             amount differs of a charge: provider 12.50 EUR, books nothing; at \
             2026-11-20T00:00:00.000Z, ch_1"
        );
        let none = Reconciliation { differences: Vec::new(), ..found };
        assert!(report(&none).ends_with("\nno difference"));
    }
}
