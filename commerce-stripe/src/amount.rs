//! Amounts as Stripe writes them: <https://docs.stripe.com/currencies>.
//!
//! Stripe's minor units are those of ISO 4217 but for a few: Madagascar's ariary is taken in whole
//! units; Iceland's króna and Uganda's shilling, which have no minor unit, are written as if they had
//! hundredths, always 00; and of the currencies with thousandths only whole hundredths are taken.

use commerce_core::{currency::Currency, gateway::Amounts, money::Money};

/// The most of any payment, in Stripe's minor unit: twelve digits. What an account, a network or a method
/// takes may be less, and only Stripe can say.
const MOST: i64 = 999_999_999_999;

/// How many decimal digits Stripe's minor unit of a currency has; `None` if Stripe does not say, and
/// a mistake would be one by a factor of ten or more.
fn exponent(currency: Currency) -> Option<u32> {
    match currency.code() {
        "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => Some(0),
        "ISK" | "UGX" => Some(2),
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => Some(3),
        _ if currency.exponent() == 2 => Some(2),
        _ => None,
    }
}

/// Of how many of its own minor units Stripe's amounts are multiples.
fn step(currency: Currency) -> i64 {
    match currency.code() {
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 10,
        _ => 1,
    }
}

/// The least of a payment, in Stripe's minor unit, where Stripe names it. What is paid out in another
/// currency must come to the least of that one, which only Stripe can say.
fn least(currency: Currency) -> i64 {
    match currency.code() {
        "ARS" | "AUD" | "BRL" | "CAD" | "CHF" | "COP" | "EUR" | "IDR" | "ILS" | "INR" | "JPY"
        | "KRW" | "NZD" | "PHP" | "RUB" | "SGD" | "USD" | "ZAR" => 50,
        "GBP" => 30,
        "AED" | "MYR" | "PLN" | "RON" => 200,
        "DKK" => 250,
        "NOK" | "SEK" => 300,
        "HKD" => 400,
        "MXN" | "THB" => 1_000,
        "CZK" => 1_500,
        "HUF" => 17_500,
        _ => 1,
    }
}

/// What can be taken of a currency at all, in our minor unit; `None` if nothing.
pub(crate) fn amounts(currency: Currency) -> Option<Amounts> {
    let (ours, theirs) = (u32::from(currency.exponent()), exponent(currency)?);
    let (least, step) = (least(currency), step(currency));
    Some(match theirs.checked_sub(ours) {
        Some(more) => {
            let parts = 10_i64.checked_pow(more)?;
            let (up, rest) = (least / parts, least % parts);
            Amounts {
                least: up + i64::from(rest > 0),
                most: MOST / parts,
                step: (step / parts).max(1),
            }
        }
        None => {
            let parts = 10_i64.checked_pow(ours - theirs)?;
            Amounts { least: least * parts, most: MOST * parts, step: step * parts }
        }
    })
}

/// An amount in Stripe's minor unit; `None` if Stripe cannot take it to the last unit of ours.
pub(crate) fn to_stripe(amount: Money) -> Option<i64> {
    let (ours, theirs) = (u32::from(amount.currency().exponent()), exponent(amount.currency())?);
    let minor = amount.minor();
    let converted = match theirs.checked_sub(ours) {
        Some(more) => minor.checked_mul(10_i64.checked_pow(more)?)?,
        None => {
            let parts = 10_i64.checked_pow(ours - theirs)?;
            (minor % parts == 0).then_some(minor / parts)?
        }
    };
    (converted % step(amount.currency()) == 0).then_some(converted)
}

/// An amount of Stripe's; `None` if it is in a currency that nobody knows, or in a part of our minor
/// unit.
pub(crate) fn from_stripe(amount: i64, currency: &str) -> Option<Money> {
    let currency = Currency::parse(&currency.to_ascii_uppercase()).ok()?;
    let (ours, theirs) = (u32::from(currency.exponent()), exponent(currency)?);
    let minor = match ours.checked_sub(theirs) {
        Some(more) => amount.checked_mul(10_i64.checked_pow(more)?)?,
        None => {
            let parts = 10_i64.checked_pow(theirs - ours)?;
            (amount % parts == 0).then_some(amount / parts)?
        }
    };
    Some(Money::new(minor, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, currency: &str) -> Money {
        Money::new(minor, Currency::parse(currency).unwrap())
    }

    #[test]
    fn the_examples_of_stripes_documentation() {
        // 10 USD, 500 JPY, 5 ISK, 5 UGX; 5.124 KWD must be rounded, 5.120 need not.
        assert_eq!(to_stripe(money(1000, "USD")), Some(1000));
        assert_eq!(to_stripe(money(500, "JPY")), Some(500));
        assert_eq!(to_stripe(money(5, "ISK")), Some(500));
        assert_eq!(to_stripe(money(5, "UGX")), Some(500));
        assert_eq!(to_stripe(money(5124, "KWD")), None);
        assert_eq!(to_stripe(money(5120, "KWD")), Some(5120));
        // The ariary has hundredths on paper.
        assert_eq!(to_stripe(money(500, "MGA")), Some(5));
        assert_eq!(to_stripe(money(550, "MGA")), None);
        // Thousandths and more that Stripe's documentation does not name.
        assert_eq!(to_stripe(money(1000, "IQD")), None);
        assert_eq!(to_stripe(money(1000, "CLF")), None);
    }

    // <https://docs.stripe.com/currencies>: those without a minor unit, those written as if they had one,
    // and those with thousandths.
    #[test]
    fn every_currency_of_stripes_lists_is_written_as_they_say() {
        let units = |code: &str, whole: i64| {
            let currency = Currency::parse(code).unwrap();
            let minor = 10_i64.pow(u32::from(currency.exponent())) * whole;
            to_stripe(Money::new(minor, currency))
        };
        for code in [
            "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV",
            "XAF", "XOF", "XPF",
        ] {
            assert_eq!(units(code, 7), Some(7), "{code}");
        }
        for code in ["EUR", "USD", "GBP", "CHF", "ISK", "UGX", "HUF", "TWD"] {
            assert_eq!(units(code, 7), Some(700), "{code}");
        }
        for code in ["BHD", "JOD", "KWD", "OMR", "TND"] {
            assert_eq!(units(code, 7), Some(7_000), "{code}");
            assert_eq!(to_stripe(money(7_001, code)), None, "{code}");
            assert_eq!(to_stripe(money(7_010, code)), Some(7_010), "{code}");
        }
        assert_eq!(to_stripe(money(i64::MAX, "ISK")), None, "it is not cut");
    }

    #[test]
    fn what_is_taken_of_a_currency_is_what_can_be_written_within_stripes_bounds() {
        for currency in Currency::iter() {
            let Some(Amounts { least, most, step }) = amounts(currency) else {
                assert_eq!(to_stripe(Money::new(100_000, currency)), None, "{currency:?}");
                continue;
            };
            let theirs = |minor| to_stripe(Money::new(minor, currency));
            let code = currency.code();
            assert!(theirs(least.max(step)).is_some_and(|least| least >= 1), "{code}");
            assert!(theirs(most - most % step).is_some_and(|most| most <= MOST), "{code}");
            assert!(theirs(most - most % step + step).is_none_or(|over| over > MOST), "{code}");
            for minor in [step, 7 * step, 1_000 * step] {
                assert!(theirs(minor).is_some(), "{code}");
                assert!(step == 1 || theirs(minor + 1).is_none(), "{code}");
            }
        }
        let of = |code: &str| amounts(Currency::parse(code).unwrap()).unwrap();
        assert_eq!(of("EUR"), Amounts { least: 50, most: MOST, step: 1 });
        assert_eq!(of("JPY").least, 50);
        assert_eq!(of("GBP").least, 30);
        assert_eq!(of("ISK"), Amounts { least: 1, most: 9_999_999_999, step: 1 });
        assert_eq!(of("MGA"), Amounts { least: 100, most: 100 * MOST, step: 100 });
        assert_eq!(of("KWD").step, 10);
    }

    #[test]
    fn every_amount_that_stripe_takes_comes_back() {
        for currency in Currency::iter() {
            for minor in [0, 1, 7, 10, 99, 100, 12_345, 123_400, -100, i64::MAX] {
                let amount = Money::new(minor, currency);
                if let Some(theirs) = to_stripe(amount) {
                    let code = currency.code().to_ascii_lowercase();
                    assert_eq!(from_stripe(theirs, &code), Some(amount), "{amount}");
                }
            }
        }
        assert_eq!(from_stripe(501, "isk"), None);
        assert_eq!(from_stripe(1, "xxx"), None);
    }
}
