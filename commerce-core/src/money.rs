//! Amounts of money: whole minor units of one currency, and no floats.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser, ser::SerializeStruct};

use crate::{
    currency::Currency,
    rounding::{Rounding, div_round},
};

/// An amount in a currency's minor unit: 1999 of `USD` is 19.99 dollars, 500 of `JPY` 500 yen.
///
/// Every operation, and JSON in both directions, keeps amounts within ±[`Money::MINOR_MAX`], so
/// that every client reads them exactly. [`Money::new`] alone takes any number, and whatever is
/// done with an amount beyond the bound is an error.
///
/// In JSON it is `{"amount": 1999, "currency": "USD"}`. A float, an exponent, a string, a missing,
/// repeated or unknown field is refused.
///
/// ```
/// use commerce_core::{currency::Currency, money::Money};
///
/// let price: Money = serde_json::from_str(r#"{"amount": 1999, "currency": "USD"}"#).unwrap();
/// assert_eq!(price, Money::parse_decimal("19.99", Currency::USD).unwrap());
/// assert_eq!(price.checked_mul(3).unwrap().to_string(), "59.97 USD");
/// assert!(price.checked_add(Money::new(1999, Currency::EUR)).is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// It is past [`Money::MINOR_MAX`].
    #[error("the amount is too large")]
    Overflow,
    /// Two currencies do not mix.
    #[error("expected an amount in {expected}, not in {found}")]
    CurrencyMismatch {
        /// The currency of the first amount, or the one that was asked for.
        expected: Currency,
        /// The currency of the other.
        found: Currency,
    },
    /// The text is not a plain decimal number.
    #[error("must be a decimal number such as 19.99")]
    NotDecimal,
    /// The number has a part smaller than the currency's minor unit.
    #[error("must have at most {exponent} decimal places in {currency}")]
    TooPrecise {
        /// The currency.
        currency: Currency,
        /// Its number of decimal places.
        exponent: u8,
    },
    /// An increment to round to is not positive.
    #[error("the increment must be positive")]
    InvalidIncrement,
}

impl Money {
    /// The largest amount, in minor units: 2⁵³ − 1, the largest whole number that JSON carries to
    /// every client exactly (RFC 8259, section 6).
    pub const MINOR_MAX: i64 = (1 << 53) - 1;

    /// So many minor units of a currency.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// So many minor units, when they are within ±[`Money::MINOR_MAX`].
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] past that.
    pub fn from_minor(minor: impl Into<i128>, currency: Currency) -> Result<Self, MoneyError> {
        i64::try_from(minor.into())
            .map_err(|_| MoneyError::Overflow)
            .and_then(|minor| Self::new(minor, currency).bounded())
    }

    /// The number of minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether it is above zero.
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    fn bounded(self) -> Result<Self, MoneyError> {
        if self.minor.unsigned_abs() <= Self::MINOR_MAX.unsigned_abs() {
            Ok(self)
        } else {
            Err(MoneyError::Overflow)
        }
    }

    /// The amount's minor units, when it is in `currency` and within the bound.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::Overflow`].
    pub fn minor_in(self, currency: Currency) -> Result<i64, MoneyError> {
        if self.currency == currency {
            self.bounded().map(Self::minor)
        } else {
            Err(MoneyError::CurrencyMismatch { expected: currency, found: self.currency })
        }
    }

    /// Both together.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::Overflow`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        let minor = i128::from(self.minor) + i128::from(other.minor_in(self.currency)?);
        Self::from_minor(minor, self.currency)
    }

    /// This less the other.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::Overflow`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        let minor = i128::from(self.minor) - i128::from(other.minor_in(self.currency)?);
        Self::from_minor(minor, self.currency)
    }

    /// The same with the other sign.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when it was past the bound already.
    pub fn checked_neg(self) -> Result<Self, MoneyError> {
        Self::from_minor(-i128::from(self.minor), self.currency)
    }

    /// So many times the amount.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn checked_mul(self, times: i64) -> Result<Self, MoneyError> {
        Self::from_minor(i128::from(self.minor) * i128::from(times), self.currency)
    }

    /// The sum of amounts that are all in `currency`; nothing when there are none.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], or [`MoneyError::Overflow`] also on the way to the sum.
    pub fn try_sum(
        amounts: impl IntoIterator<Item = Self>,
        currency: Currency,
    ) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::checked_add)
    }

    /// Reads a plain decimal number of major units exactly: an optional `-`, digits, and an
    /// optional point with digits after it. Zeros past the currency's decimal places are fine
    /// (`500.00` in `JPY`).
    ///
    /// # Errors
    /// [`MoneyError::NotDecimal`]; [`MoneyError::TooPrecise`] when digits would be lost, see
    /// [`Money::round_decimal`]; [`MoneyError::Overflow`].
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, part) = match digits.split_once('.') {
            Some((_, "")) => return Err(MoneyError::NotDecimal),
            Some(split) => split,
            None => (digits, ""),
        };
        if whole.is_empty() || !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(MoneyError::NotDecimal);
        }
        let exponent = currency.exponent();
        let part = part.trim_end_matches('0');
        if part.len() > usize::from(exponent) {
            return Err(MoneyError::TooPrecise { currency, exponent });
        }
        let zeros = std::iter::repeat_n(b'0', usize::from(exponent) - part.len());
        let minor = whole
            .bytes()
            .chain(part.bytes())
            .chain(zeros)
            .try_fold(0i64, |minor, digit| {
                minor.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
            })
            .ok_or(MoneyError::Overflow)?;
        Self::from_minor(if negative { -minor } else { minor }, currency)
    }

    /// A decimal number of major units, exactly.
    ///
    /// # Errors
    /// [`MoneyError::TooPrecise`] when digits would be lost; [`MoneyError::Overflow`].
    pub fn from_decimal(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let exponent = currency.exponent();
        if amount.normalize().scale() > u32::from(exponent) {
            return Err(MoneyError::TooPrecise { currency, exponent });
        }
        Self::round_decimal(amount, currency, Rounding::Down)
    }

    /// A decimal number of major units, rounded to the currency's minor unit.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    ///
    /// ```
    /// use commerce_core::{currency::Currency, money::Money, rounding::Rounding};
    ///
    /// let money = Money::round_decimal("1.005".parse().unwrap(), Currency::EUR, Rounding::HalfUp);
    /// assert_eq!(money, Ok(Money::new(101, Currency::EUR)));
    /// ```
    pub fn round_decimal(
        amount: Decimal,
        currency: Currency,
        rounding: Rounding,
    ) -> Result<Self, MoneyError> {
        amount
            .mantissa()
            .checked_mul(10i128.pow(currency.exponent().into()))
            .zip(10i128.checked_pow(amount.scale()))
            .and_then(|(num, den)| div_round(num, den, rounding))
            .ok_or(MoneyError::Overflow)
            .and_then(|minor| Self::from_minor(minor, currency))
    }

    /// The amount in major units.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent().into())
    }
}

/// As people read it, in major units with the code: `19.99 USD`, `500 JPY`, `0.250 KWD`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let unit = 10u64.pow(exponent.into());
        let (sign, minor) = (if self.minor < 0 { "-" } else { "" }, self.minor.unsigned_abs());
        write!(f, "{sign}{}", minor / unit)?;
        if exponent > 0 {
            write!(f, ".{:0width$}", minor % unit, width = usize::from(exponent))?;
        }
        write!(f, " {}", self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What could not be read again must not be written.
        let Self { minor, currency } = self.bounded().map_err(ser::Error::custom)?;
        let mut fields = serializer.serialize_struct("Money", 2)?;
        fields.serialize_field("amount", &minor)?;
        fields.serialize_field("currency", currency.code())?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Money;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an integer amount and a currency")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Money, A::Error> {
                let (mut minor, mut currency) = (None, None);
                while let Some(field) = map.next_key()? {
                    let repeated = match field {
                        Field::Amount => minor.replace(map.next_value::<i64>()?).is_some(),
                        Field::Currency => currency.replace(map.next_value()?).is_some(),
                    };
                    if repeated {
                        return Err(de::Error::duplicate_field(field.name()));
                    }
                }
                let missing = |field: Field| de::Error::missing_field(field.name());
                let minor = minor.ok_or_else(|| missing(Field::Amount))?;
                let currency = currency.ok_or_else(|| missing(Field::Currency))?;
                Money::from_minor(minor, currency).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_struct("Money", &["amount", "currency"], Visitor)
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Amount,
    Currency,
}

impl Field {
    const fn name(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Currency => "currency",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_prints_with_the_decimal_places_of_its_currency() {
        for (money, text) in [
            (Money::new(1999, Currency::USD), "19.99 USD"),
            (Money::new(500, Currency::JPY), "500 JPY"),
            (Money::new(250, Currency::KWD), "0.250 KWD"),
            (Money::new(-5, Currency::EUR), "-0.05 EUR"),
            (Money::new(10_001, Currency::CLF), "1.0001 CLF"),
            (Money::new(i64::MIN, Currency::JPY), "-9223372036854775808 JPY"),
        ] {
            assert_eq!(money.to_string(), text);
        }
    }

    #[test]
    fn json_is_an_integer_and_a_code_and_nothing_else() {
        let money = Money::new(1999, Currency::USD);
        assert_eq!(serde_json::to_string(&money).unwrap(), r#"{"amount":1999,"currency":"USD"}"#);
        for good in [
            r#"{"amount": 1999, "currency": "USD"}"#,
            r#"{"currency": "USD", "amount": 1999}"#,
            r#"{"\u0061mount": 1999, "currency": "\u0055SD"}"#,
        ] {
            assert_eq!(serde_json::from_str::<Money>(good).unwrap(), money, "{good}");
            let value: serde_json::Value = serde_json::from_str(good).unwrap();
            assert_eq!(serde_json::from_value::<Money>(value).unwrap(), money, "{good}");
        }
        for bad in [
            r#"{"amount": 19.99, "currency": "USD"}"#,
            r#"{"amount": 1999.0, "currency": "USD"}"#,
            r#"{"amount": 1e3, "currency": "USD"}"#,
            r#"{"amount": "1999", "currency": "USD"}"#,
            r#"{"amount": null, "currency": "USD"}"#,
            r#"{"amount": 9007199254740992, "currency": "USD"}"#,
            r#"{"amount": -9007199254740992, "currency": "USD"}"#,
            r#"{"amount": 18446744073709551615, "currency": "USD"}"#,
            r#"{"amount": 1999, "currency": "usd"}"#,
            r#"{"amount": 1999, "currency": 840}"#,
            r#"{"amount": 1999}"#,
            r#"{"currency": "USD"}"#,
            r#"{"amount": 1999, "amount": 1999, "currency": "USD"}"#,
            r#"{"amount": 1999, "currency": "USD", "currency": "USD"}"#,
            r#"{"amount": 1999, "currency": "USD", "scale": 2}"#,
            r#"[1999, "USD"]"#,
            "1999",
            "null",
        ] {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
        assert!(serde_json::to_string(&Money::new(i64::MAX, Currency::USD)).is_err());
    }

    #[test]
    fn past_the_bound_is_an_error_and_never_wraps() {
        let most = Money::new(Money::MINOR_MAX, Currency::USD);
        let cent = Money::new(1, Currency::USD);
        assert_eq!(most.checked_add(cent), Err(MoneyError::Overflow));
        assert_eq!(most.checked_neg().unwrap().checked_sub(cent), Err(MoneyError::Overflow));
        assert_eq!(most.checked_mul(2), Err(MoneyError::Overflow));
        assert_eq!(most.checked_mul(i64::MIN), Err(MoneyError::Overflow));
        assert_eq!(Money::new(i64::MIN, Currency::USD).checked_neg(), Err(MoneyError::Overflow));
        assert_eq!(
            Money::new(i64::MAX, Currency::USD).checked_sub(most),
            Err(MoneyError::Overflow)
        );
        assert_eq!(Money::try_sum([most, cent], Currency::USD), Err(MoneyError::Overflow));
    }

    #[test]
    fn currencies_do_not_mix() {
        let mixed = [Money::new(1, Currency::USD), Money::new(1, Currency::EUR)];
        let error = MoneyError::CurrencyMismatch { expected: Currency::USD, found: Currency::EUR };
        assert_eq!(Money::try_sum(mixed, Currency::USD), Err(error.clone()));
        assert_eq!(mixed[0].checked_sub(mixed[1]), Err(error));
        assert_eq!(Money::try_sum([], Currency::EUR), Ok(Money::zero(Currency::EUR)));
    }

    #[test]
    fn decimals_read_exactly_or_not_at_all() {
        let parse = |text: &str, currency| Money::parse_decimal(text, currency).map(Money::minor);
        assert_eq!(parse("19.99", Currency::USD), Ok(1999));
        assert_eq!(parse("-0.5", Currency::USD), Ok(-50));
        assert_eq!(parse("007", Currency::USD), Ok(700));
        assert_eq!(parse("500.00", Currency::JPY), Ok(500));
        assert_eq!(parse("90071992547409.91", Currency::USD), Ok(Money::MINOR_MAX));
        assert_eq!(parse("90071992547409.92", Currency::USD), Err(MoneyError::Overflow));
        assert_eq!(parse(&"9".repeat(40), Currency::USD), Err(MoneyError::Overflow));
        let error = MoneyError::TooPrecise { currency: Currency::USD, exponent: 2 };
        assert_eq!(parse("1.005", Currency::USD), Err(error.clone()));
        assert_eq!(Money::from_decimal("1.005".parse().unwrap(), Currency::USD), Err(error));
        for bad in
            ["", "-", ".5", "5.", "+5", " 5", "5 ", "1,000", "1_000", "1e3", "٣", "$5", "--5"]
        {
            assert_eq!(parse(bad, Currency::USD), Err(MoneyError::NotDecimal), "{bad:?}");
        }
    }

    fn any_money() -> impl Strategy<Value = Money> {
        let currencies: Vec<_> = Currency::iter().collect();
        (-Money::MINOR_MAX..=Money::MINOR_MAX, prop::sample::select(currencies))
            .prop_map(|(minor, currency)| Money::new(minor, currency))
    }

    proptest! {
        #[test]
        fn every_form_reads_back(money in any_money()) {
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
            let text = money.to_string();
            let (digits, code) = text.split_once(' ').unwrap();
            prop_assert_eq!(code, money.currency().code());
            prop_assert_eq!(Money::parse_decimal(digits, money.currency()), Ok(money));
            prop_assert_eq!(Money::from_decimal(money.to_decimal(), money.currency()), Ok(money));
        }
    }
}
