//! Rounding: always exact before it, always by a named rule.

use serde::{Deserialize, Serialize};

use crate::money::{Money, MoneyError};

/// What becomes of a part of a minor unit. Negative amounts mirror positive ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest; a half away from zero.
    #[default]
    HalfUp,
    /// To the nearest; a half to the even neighbour.
    HalfEven,
    /// To the nearest; a half towards zero.
    HalfDown,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

/// `num / den` as a whole number by the given rule.
///
/// `None` when `den` is zero or the answer is past [`i128::MAX`].
///
/// ```
/// use commerce_core::rounding::{Rounding, div_round};
///
/// assert_eq!(div_round(-5, 2, Rounding::HalfUp), Some(-3));
/// assert_eq!(div_round(-5, 2, Rounding::HalfEven), Some(-2));
/// assert_eq!(div_round(1, 0, Rounding::Down), None);
/// ```
pub fn div_round(num: i128, den: i128, rounding: Rounding) -> Option<i128> {
    // Dividing 64-bit numbers is several times faster, and amounts nearly always are.
    let (quotient, rest) = match (u64::try_from(num), u64::try_from(den)) {
        (Ok(num), Ok(den)) => {
            (i128::from(num.checked_div(den)?), i128::from(num.checked_rem(den)?))
        }
        _ => (num.checked_div(den)?, num.checked_rem(den)?),
    };
    if rest == 0 {
        return Some(quotient);
    }
    let rest = rest.unsigned_abs();
    let up_to_next = den.unsigned_abs() - rest;
    let away = match rounding {
        Rounding::HalfUp => rest >= up_to_next,
        Rounding::HalfEven => rest > up_to_next || (rest == up_to_next && quotient % 2 != 0),
        Rounding::HalfDown => rest > up_to_next,
        Rounding::Up => true,
        Rounding::Down => false,
    };
    let unit = if (num < 0) == (den < 0) { 1 } else { -1 };
    if away { quotient.checked_add(unit) } else { Some(quotient) }
}

/// The multiple of `increment_minor` minor units that the rule leads to: 4.92 to 0.05 is 4.90.
///
/// # Errors
/// [`MoneyError::InvalidIncrement`] when the increment is not positive; [`MoneyError::Overflow`]
/// when the multiple is past [`Money::MINOR_MAX`].
pub fn round_to_increment(
    amount: Money,
    increment_minor: i64,
    rounding: Rounding,
) -> Result<Money, MoneyError> {
    if increment_minor <= 0 {
        return Err(MoneyError::InvalidIncrement);
    }
    let increment = i128::from(increment_minor);
    div_round(i128::from(amount.minor()), increment, rounding)
        .and_then(|steps| steps.checked_mul(increment))
        .ok_or(MoneyError::Overflow)
        .and_then(|minor| Money::from_minor(minor, amount.currency()))
}

#[cfg(test)]
mod tests {
    use Rounding::{Down, HalfDown, HalfEven, HalfUp, Up};
    use proptest::prelude::*;

    use super::*;

    const ALL: [Rounding; 5] = [HalfUp, HalfEven, HalfDown, Up, Down];

    #[test]
    fn halves_and_what_lies_beside_them() {
        let cases = [
            (24, [2, 2, 2, 3, 2]),
            (25, [3, 2, 2, 3, 2]),
            (26, [3, 3, 3, 3, 2]),
            (35, [4, 4, 3, 4, 3]),
            (30, [3; 5]),
        ];
        for (num, wanted) in cases {
            for (rounding, wanted) in ALL.into_iter().zip(wanted) {
                assert_eq!(div_round(num, 10, rounding), Some(wanted), "{num} {rounding:?}");
                assert_eq!(div_round(-num, 10, rounding), Some(-wanted), "-{num} {rounding:?}");
                assert_eq!(div_round(num, -10, rounding), Some(-wanted), "{num}/-10 {rounding:?}");
            }
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        for rounding in ALL {
            assert_eq!(div_round(i128::MAX, 1, rounding), Some(i128::MAX));
            assert_eq!(div_round(i128::MIN, -1, rounding), None);
            assert_eq!(div_round(i128::MIN, 0, rounding), None);
            assert!(div_round(1, i128::MIN, rounding).is_some());
        }
    }

    #[test]
    fn names_in_json() {
        let json = serde_json::to_string(&ALL).unwrap();
        assert_eq!(json, r#"["half_up","half_even","half_down","up","down"]"#);
    }

    proptest! {
        #[test]
        fn it_is_the_neighbour_that_the_rule_names(
            num in -(1i128 << 100)..1 << 100,
            den in prop_oneof![1..100i128, 1..1i128 << 90],
        ) {
            for rounding in ALL {
                let got = div_round(num, den, rounding).unwrap();
                let off = got * den - num;
                prop_assert!(off.abs() < den);
                prop_assert_eq!(div_round(-num, den, rounding), Some(-got));
                match rounding {
                    Up => prop_assert!(off * num.signum() >= 0),
                    Down => prop_assert!(off * num.signum() <= 0),
                    HalfUp => prop_assert!(2 * off * num.signum() > -den && 2 * off.abs() <= den),
                    HalfDown => prop_assert!(2 * off * num.signum() < den && 2 * off.abs() <= den),
                    HalfEven => prop_assert!(2 * off.abs() < den || got % 2 == 0),
                }
            }
        }
    }
}
