//! Units of weight.

use rust_decimal::Decimal;

/// A unit of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WeightUnit {
    /// `g`
    Gram,
    /// `kg`
    Kilogram,
    /// `oz`, the avoirdupois ounce: a sixteenth of a pound.
    Ounce,
    /// `lb`, the avoirdupois pound: exactly 453.59237 g by the international yard and pound
    /// agreement of 1959.
    Pound,
}

impl WeightUnit {
    /// The unit's symbol: `g`, `kg`, `oz` or `lb`.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Gram => "g",
            Self::Kilogram => "kg",
            Self::Ounce => "oz",
            Self::Pound => "lb",
        }
    }

    /// The unit with this symbol, in any letter case.
    pub fn from_symbol(symbol: &str) -> Option<Self> {
        [Self::Gram, Self::Kilogram, Self::Ounce, Self::Pound]
            .into_iter()
            .find(|unit| symbol.eq_ignore_ascii_case(unit.symbol()))
    }

    /// How many grams one of the unit weighs, exactly.
    ///
    /// ```
    /// use commerce_http::import::shopify::WeightUnit;
    /// use rust_decimal::Decimal;
    /// let ounces = Decimal::from(16);
    /// assert_eq!(WeightUnit::Ounce.grams() * ounces, WeightUnit::Pound.grams());
    /// ```
    pub fn grams(self) -> Decimal {
        match self {
            Self::Gram => Decimal::ONE,
            Self::Kilogram => Decimal::ONE_THOUSAND,
            Self::Ounce => Decimal::new(28_349_523_125, 9),
            Self::Pound => Decimal::new(45_359_237, 5),
        }
    }
}
