//! How many units of something: a whole number, one or more.

use std::{fmt, num::NonZeroU32};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of units, from 1 to [`Quantity::MAX`]. A shop may set a lower limit for a line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(NonZeroU32);

/// Why a number is not a [`Quantity`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to 1,000,000,000")]
pub struct QuantityError;

impl Quantity {
    /// One unit.
    pub const ONE: Self = Self(NonZeroU32::MIN);
    /// The most units that one value may stand for: 1,000,000,000.
    pub const MAX: i64 = 1_000_000_000;

    /// Wraps a number of units.
    ///
    /// # Errors
    /// Outside 1 to [`Quantity::MAX`].
    pub fn new(units: i64) -> Result<Self, QuantityError> {
        u32::try_from(units)
            .ok()
            .filter(|units| i64::from(*units) <= Self::MAX)
            .and_then(NonZeroU32::new)
            .map(Self)
            .ok_or(QuantityError)
    }

    /// The number of units.
    pub fn get(self) -> i64 {
        i64::from(self.0.get())
    }

    /// Both together.
    ///
    /// # Errors
    /// Above [`Quantity::MAX`].
    pub fn checked_add(self, other: Self) -> Result<Self, QuantityError> {
        Self::new(self.get() + other.get())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<i64> for Quantity {
    type Error = QuantityError;
    fn try_from(units: i64) -> Result<Self, QuantityError> {
        Self::new(units)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.get())
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Through `i64` a float, a string and a number past its range are refused by serde itself.
        let units = i64::deserialize(deserializer)?;
        Self::new(units).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_in_range_parse() {
        for good in ["1", "1000000000"] {
            assert!(serde_json::from_str::<Quantity>(good).is_ok(), "{good}");
        }
        for bad in ["0", "-1", "1.0", "1e3", "\"1\"", "1000000001", "9223372036854775808", "null"] {
            assert!(serde_json::from_str::<Quantity>(bad).is_err(), "{bad}");
        }
    }
}
