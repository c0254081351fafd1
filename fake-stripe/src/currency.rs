//! How Stripe writes amounts: <https://docs.stripe.com/currencies>.

use crate::error::{ApiError, Result};

/// Currencies whose amounts are whole units.
const ZERO_DECIMAL: [&str; 15] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];
/// Currencies of thousandths, of which only whole hundredths are taken.
const THREE_DECIMAL: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];
/// Currencies without a minor unit that are written as if they had hundredths, always 00.
const WHOLE_HUNDREDTHS: [&str; 2] = ["isk", "ugx"];
/// Every other currency that Stripe takes; all have hundredths.
const TWO_DECIMAL: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob \
    brl bsd bwp byn bzd cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel \
    gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad \
    mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln \
    qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah \
    uyu uzs wst xcd xcg yer zar zmw";
/// The least that can be charged where Stripe names it; elsewhere the fake takes 1.
const LEAST: [(&str, i64); 22] = [
    ("usd", 50),
    ("aed", 200),
    ("aud", 50),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("czk", 1500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17500),
    ("inr", 50),
    ("jpy", 50),
    ("mxn", 1000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("sgd", 50),
];

/// A currency that Stripe takes, in small letters.
pub(crate) fn parse(code: &str) -> Result<String> {
    let small = code.to_ascii_lowercase();
    let known = ZERO_DECIMAL.contains(&small.as_str())
        || THREE_DECIMAL.contains(&small.as_str())
        || WHOLE_HUNDREDTHS.contains(&small.as_str())
        || TWO_DECIMAL.split_whitespace().any(|known| known == small);
    if known {
        return Ok(small);
    }
    let message =
        format!("Invalid currency: {small}. Stripe currently supports these currencies: …");
    Err(ApiError::invalid("currency", message))
}

/// Refuses an amount that Stripe does not take in this currency.
pub(crate) fn check(amount: i64, currency: &str, param: &str) -> Result<()> {
    let invalid = |message: &str, code: &str| Err(ApiError::invalid(param, message).code(code));
    if amount < 0 {
        return invalid(
            "This value must be greater than or equal to 0.",
            "parameter_invalid_integer",
        );
    }
    if amount > 99_999_999 {
        return invalid("Amount must be no more than 99999999", "amount_too_large");
    }
    if THREE_DECIMAL.contains(&currency) && amount % 10 != 0 {
        let message = format!(
            "Invalid amount. The last digit of amounts in {} must be 0.",
            currency.to_uppercase()
        );
        return Err(ApiError::invalid(param, message));
    }
    if WHOLE_HUNDREDTHS.contains(&currency) && amount % 100 != 0 {
        let message = format!(
            "Invalid amount. Currency {} has become effectively zero-decimal and charged amounts \
             must be evenly divisible by 100.",
            currency.to_uppercase()
        );
        return Err(ApiError::invalid(param, message));
    }
    Ok(())
}

/// Refuses an amount that is too small to be charged.
pub(crate) fn check_charge(amount: i64, currency: &str, param: &str) -> Result<()> {
    check(amount, currency, param)?;
    let least = LEAST.iter().find(|(code, _)| *code == currency).map_or(1, |(_, least)| *least);
    if amount < least {
        let message = format!("Amount must be at least {} {currency}", show(least, currency));
        return Err(ApiError::invalid(param, message).code("amount_too_small"));
    }
    Ok(())
}

/// An amount for people: `12.50`.
pub(crate) fn show(amount: i64, currency: &str) -> String {
    let digits = if ZERO_DECIMAL.contains(&currency) {
        return amount.to_string();
    } else if THREE_DECIMAL.contains(&currency) {
        3
    } else {
        2
    };
    let text = format!("{:0>width$}", amount.unsigned_abs(), width = digits + 1);
    let (whole, part) = text.split_at(text.len() - digits);
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{whole}.{part}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_stripe_writes_them() {
        assert_eq!(show(1250, "usd"), "12.50");
        assert_eq!(show(5, "usd"), "0.05");
        assert_eq!(show(-5, "usd"), "-0.05");
        assert_eq!(show(500, "jpy"), "500");
        assert_eq!(show(500, "isk"), "5.00");
        assert_eq!(show(5120, "kwd"), "5.120");
    }

    #[test]
    fn the_special_cases_are_refused_as_stripe_refuses_them() {
        assert!(check(5120, "kwd", "amount").is_ok() && check(5124, "kwd", "amount").is_err());
        for currency in ["isk", "ugx"] {
            assert!(check(500, currency, "amount").is_ok());
            assert!(check(550, currency, "amount").is_err());
        }
        assert!(check(7, "jpy", "amount").is_ok() && check_charge(7, "jpy", "amount").is_err());
        assert!(check_charge(49, "usd", "amount").is_err());
        assert!(check_charge(100_000_000, "usd", "amount").is_err());
        assert!(parse("MGA").is_ok() && parse("xxx").is_err() && parse("").is_err());
    }
}
