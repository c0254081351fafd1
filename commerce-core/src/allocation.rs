//! Splitting an amount into parts that sum to it exactly.
//!
//! Shares are by largest remainder: each part first gets its exact share cut to a whole number, and
//! what is left goes one by one to the parts that lost most, the lowest index first among equals.
//! A negative amount mirrors a positive one.

use std::cmp::Ordering;

use crate::rounding::{Rounding, div_round};

/// Why an amount could not be split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllocationError {
    /// There is something to split and no part to give it to.
    #[error("there is nothing to allocate the amount to")]
    NoParts,
    /// A weight or a ceiling is below zero.
    #[error("weights and ceilings must not be negative")]
    Negative,
    /// There are more ceilings than weights, or fewer.
    #[error("there must be one ceiling for each weight")]
    CeilingsMismatch,
    /// Units are counted wrongly: below zero, or more than there are.
    #[error("the units must be within the whole")]
    UnitsOutOfRange,
    /// Amount times weights is past what can be counted.
    #[error("the amount or the weights are too large")]
    TooLarge,
}

/// Splits `amount` by `weights`: one part each, in their order.
///
/// A weight of zero gets nothing, unless all are zero, which counts as all the same.
///
/// # Errors
/// [`AllocationError::Negative`] for a negative weight, [`AllocationError::NoParts`] when there are
/// no weights but an amount, [`AllocationError::TooLarge`] when the products do not fit 128 bits
/// (never with 64-bit weights).
///
/// ```
/// use commerce_core::allocation::allocate;
///
/// assert_eq!(allocate(1000, &[50, 50, 50]).unwrap(), [334, 333, 333]);
/// assert_eq!(allocate(-300, &[4000, 2000, 2000]).unwrap(), [-150, -75, -75]);
/// ```
pub fn allocate<W: Copy + Into<i128>>(
    amount: i64,
    weights: &[W],
) -> Result<Vec<i64>, AllocationError> {
    let mut parts = vec![0; weights.len()];
    let open = (0..).zip(weights).map(|(index, &weight)| Part { index, weight: weight.into() });
    let open: Vec<Part> = open.collect();
    share(amount, open, &mut parts)?;
    Ok(parts)
}

/// Splits `amount` by `weights` as [`allocate`] does, but gives no part more than its ceiling; what
/// a full part cannot take goes to the others by their weights. When the ceilings together are
/// below the amount, all parts that have a weight are filled and the parts sum to less than it.
///
/// Ceilings are magnitudes: they bound a negative amount from below. A floor under a price is the
/// ceiling `price − floor` on what is taken off it.
///
/// # Errors
/// As [`allocate`]; [`AllocationError::CeilingsMismatch`], [`AllocationError::Negative`] for a
/// negative ceiling.
pub fn allocate_within<W: Copy + Into<i128>>(
    amount: i64,
    weights: &[W],
    ceilings: &[i64],
) -> Result<Vec<i64>, AllocationError> {
    if weights.len() != ceilings.len() {
        return Err(AllocationError::CeilingsMismatch);
    }
    if ceilings.iter().any(|ceiling| *ceiling < 0) {
        return Err(AllocationError::Negative);
    }
    let all_zero = weights.iter().all(|&weight| weight.into() == 0);
    let mut open: Vec<(Part, i64)> = (0..)
        .zip(weights)
        .zip(ceilings)
        .map(|((index, &weight), &ceiling)| {
            (Part { index, weight: if all_zero { 1 } else { weight.into() } }, ceiling)
        })
        .filter(|(part, _)| part.weight != 0)
        .collect();
    if open.iter().any(|(part, _)| part.weight < 0) {
        return Err(AllocationError::Negative);
    }
    // Parts fill up in the order of ceiling / weight. Once a part's exact share fits under its
    // ceiling, so do those of all after it, and also when rounded up, as ceilings are whole.
    open.sort_by(|(a, a_ceiling), (b, b_ceiling)| {
        compare_fractions((i128::from(*a_ceiling), a.weight), (i128::from(*b_ceiling), b.weight))
    });
    let mut parts = vec![0; weights.len()];
    let mut weight_left = sum(open.iter().map(|(part, _)| part.weight))?;
    let mut left = i128::from(amount.unsigned_abs());
    let mut filled = 0;
    for (part, ceiling) in &open {
        let ceiling = i128::from(*ceiling);
        if compare_fractions((left, weight_left), (ceiling, part.weight)).is_lt() {
            break;
        }
        put(&mut parts, part.index, if amount < 0 { -ceiling } else { ceiling })?;
        left -= ceiling;
        weight_left -= part.weight;
        filled += 1;
    }
    let mut open: Vec<Part> = open.into_iter().skip(filled).map(|(part, _)| part).collect();
    if !open.is_empty() {
        open.sort_unstable_by_key(|part| part.index);
        let left = i64::try_from(if amount < 0 { -left } else { left });
        share(left.map_err(|_| AllocationError::TooLarge)?, open, &mut parts)?;
    }
    Ok(parts)
}

/// The part of `total` that falls to `now` units of `of`, after `before` units got theirs: what
/// rounds for all units so far, less what rounded for those before. So parts taken in any steps
/// sum to the total exactly.
///
/// # Errors
/// [`AllocationError::UnitsOutOfRange`] unless `before` and `now` are zero or more, `of` is
/// positive, and `before + now` is at most `of`.
///
/// ```
/// use commerce_core::{allocation::cumulative_part, rounding::Rounding};
///
/// // Three units were 290.00 together; they are refunded one by one.
/// let part = |before| cumulative_part(29_000, before, 1, 3, Rounding::HalfUp).unwrap();
/// assert_eq!([part(0), part(1), part(2)], [9_667, 9_666, 9_667]);
/// ```
pub fn cumulative_part(
    total: i64,
    before: i64,
    now: i64,
    of: i64,
    rounding: Rounding,
) -> Result<i64, AllocationError> {
    let after = before.checked_add(now).filter(|after| *after <= of);
    let (Some(after), true) = (after, before >= 0 && now >= 0 && of > 0) else {
        return Err(AllocationError::UnitsOutOfRange);
    };
    let until = |units: i64| {
        div_round(i128::from(total) * i128::from(units), of.into(), rounding)
            .and_then(|part| i64::try_from(part).ok())
            .ok_or(AllocationError::TooLarge)
    };
    // Both have the sign of the total and are no further from zero than it.
    Ok(until(after)? - until(before)?)
}

struct Part {
    index: usize,
    weight: i128,
}

/// Shares `amount` among the open parts, which are in the order of their index.
fn share(amount: i64, mut open: Vec<Part>, parts: &mut [i64]) -> Result<(), AllocationError> {
    if open.iter().any(|part| part.weight < 0) {
        return Err(AllocationError::Negative);
    }
    let mut weights = sum(open.iter().map(|part| part.weight))?;
    if weights == 0 {
        for part in &mut open {
            part.weight = 1;
            weights += 1;
        }
    }
    let magnitude = i128::from(amount.unsigned_abs());
    let signed = |part: i128| if amount < 0 { -part } else { part };
    let mut left = magnitude;
    for part in &mut open {
        let product = magnitude.checked_mul(part.weight).ok_or(AllocationError::TooLarge)?;
        let (whole, rest) = divide(product, weights).ok_or(AllocationError::NoParts)?;
        put(parts, part.index, signed(whole))?;
        left -= whole;
        part.weight = rest;
    }
    if left > 0 {
        // Stable, so that equals stay in the order of their index.
        open.sort_by_key(|part| std::cmp::Reverse(part.weight));
        let more = usize::try_from(left).map_err(|_| AllocationError::TooLarge)?;
        if more > open.len() {
            return Err(AllocationError::NoParts);
        }
        for part in open.iter().take(more) {
            let had = parts.get(part.index).copied().unwrap_or_default();
            put(parts, part.index, i128::from(had) + signed(1))?;
        }
    }
    Ok(())
}

fn put(parts: &mut [i64], index: usize, part: i128) -> Result<(), AllocationError> {
    let part = i64::try_from(part).map_err(|_| AllocationError::TooLarge)?;
    parts.get_mut(index).map(|slot| *slot = part).ok_or(AllocationError::NoParts)
}

fn sum(mut weights: impl Iterator<Item = i128>) -> Result<i128, AllocationError> {
    weights.try_fold(0i128, i128::checked_add).ok_or(AllocationError::TooLarge)
}

/// Dividing 64-bit numbers is several times faster, and nearly all of them are.
fn divide(num: i128, den: i128) -> Option<(i128, i128)> {
    match (u64::try_from(num), u64::try_from(den)) {
        (Ok(num), Ok(den)) => Some((num.checked_div(den)?.into(), num.checked_rem(den)?.into())),
        _ => Some((num.checked_div(den)?, num.checked_rem(den)?)),
    }
}

/// Orders a/b and c/d, all zero or more and b and d positive, without a product that could
/// overflow: by their whole parts, then by the reciprocals of the rests, as Euclid does.
pub(crate) fn compare_fractions((a, b): (i128, i128), (c, d): (i128, i128)) -> Ordering {
    let whole = (a / b).cmp(&(c / d));
    match (a % b, c % d) {
        _ if whole.is_ne() => whole,
        (0, 0) => Ordering::Equal,
        (0, _) => Ordering::Less,
        (_, 0) => Ordering::Greater,
        (a, c) if b == d => a.cmp(&c),
        (a, c) => compare_fractions((d, c), (b, a)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_split_is_an_error() {
        assert_eq!(allocate::<i64>(0, &[]), Ok(vec![]));
        assert_eq!(allocate::<i64>(1, &[]), Err(AllocationError::NoParts));
        assert_eq!(allocate(1, &[1, -1]), Err(AllocationError::Negative));
        assert_eq!(allocate(2, &[i128::MAX]), Err(AllocationError::TooLarge));
        assert_eq!(allocate(1, &[i128::MAX, 1]), Err(AllocationError::TooLarge));
        assert_eq!(allocate(i64::MIN, &[i64::MAX, 0]), Ok(vec![i64::MIN, 0]));
        assert_eq!(allocate_within(1, &[1, -1], &[1, 1]), Err(AllocationError::Negative));
        assert_eq!(allocate_within(1, &[1], &[-1]), Err(AllocationError::Negative));
        assert_eq!(allocate_within(1, &[1], &[]), Err(AllocationError::CeilingsMismatch));
        for (before, now, of) in [(-1, 1, 3), (0, -1, 3), (2, 2, 3), (0, 0, 0), (i64::MAX, 1, 3)] {
            let part = cumulative_part(100, before, now, of, Rounding::HalfUp);
            assert_eq!(part, Err(AllocationError::UnitsOutOfRange));
        }
    }

    fn weights() -> impl Strategy<Value = Vec<i64>> {
        let weight = prop_oneof![Just(0), 0..10i64, 0..=i64::MAX];
        prop::collection::vec(weight, 1..30)
    }

    /// The definition, step by step: give the next unit to the part that lacks most.
    fn naive_within(amount: i64, weights: &[i64], ceilings: &[i64]) -> i64 {
        let all_zero = weights.iter().all(|w| *w == 0);
        let room = weights.iter().zip(ceilings).filter(|(w, _)| all_zero || **w > 0);
        room.map(|(_, c)| i128::from(*c)).sum::<i128>().min(amount.into()) as i64
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_amount_and_lie_beside_their_exact_share(
            amount: i64, weights in weights(),
        ) {
            let parts = allocate(amount, &weights).unwrap();
            prop_assert_eq!(parts.iter().map(|p| i128::from(*p)).sum::<i128>(), amount.into());
            let total: i128 = weights.iter().map(|w| i128::from(*w)).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                if total > 0 {
                    // |part − amount × weight / total| < 1, without the fraction.
                    let exact = i128::from(amount) * i128::from(*weight);
                    prop_assert!((i128::from(*part) * total - exact).abs() < total);
                    prop_assert!(*weight > 0 || *part == 0);
                }
            }
        }

        #[test]
        fn negative_amounts_mirror(amount in 0..i64::MAX, weights in weights()) {
            let mirrored: Vec<i64> =
                allocate(-amount, &weights).unwrap().into_iter().map(|part| -part).collect();
            prop_assert_eq!(allocate(amount, &weights).unwrap(), mirrored);
        }

        #[test]
        fn weights_matter_only_in_proportion(
            amount: i64, weights in prop::collection::vec(0..1000i64, 1..20), times in 1..1000i64,
        ) {
            let scaled: Vec<i64> = weights.iter().map(|w| w * times).collect();
            prop_assert_eq!(allocate(amount, &weights), allocate(amount, &scaled));
        }

        #[test]
        fn a_heavier_part_never_gets_less(amount in 0..i64::MAX, weights in weights()) {
            let parts = allocate(amount, &weights).unwrap();
            for (a, x) in parts.iter().zip(&weights) {
                for (b, y) in parts.iter().zip(&weights) {
                    prop_assert!(x <= y || a >= b || a.abs_diff(*b) <= 1);
                }
            }
        }

        #[test]
        fn ceilings_hold_and_as_much_as_fits_is_given(
            amount in 0..1000i64,
            lines in prop::collection::vec((0..50i64, 0..100i64), 1..20),
        ) {
            let (weights, ceilings): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
            let parts = allocate_within(amount, &weights, &ceilings).unwrap();
            prop_assert!(parts.iter().zip(&ceilings).all(|(p, c)| (0..=*c).contains(p)));
            prop_assert_eq!(parts.iter().sum::<i64>(), naive_within(amount, &weights, &ceilings));
            let mirrored = allocate_within(-amount, &weights, &ceilings).unwrap();
            prop_assert!(parts.iter().zip(&mirrored).all(|(a, b)| *a == -b));
            // A part below its ceiling has no less, in proportion, than a full one; up to one unit.
            for ((p, w), c) in parts.iter().zip(&weights).zip(&ceilings) {
                for (q, v) in parts.iter().zip(&weights) {
                    prop_assert!(*w == 0 || p == c || (p + 1) * v > (q - 1) * w);
                }
            }
        }

        #[test]
        fn ceilings_that_do_not_bind_change_nothing(amount: i64, weights in weights()) {
            let ceilings = vec![i64::MAX; weights.len()];
            let amount = amount.max(-i64::MAX);
            prop_assert_eq!(
                allocate_within(amount, &weights, &ceilings), allocate(amount, &weights)
            );
        }

        #[test]
        fn any_steps_of_units_close_exactly(
            total: i64, steps in prop::collection::vec(0..100i64, 1..20), even: bool,
        ) {
            let of = steps.iter().sum::<i64>().max(1);
            let rounding = if even { Rounding::HalfEven } else { Rounding::Up };
            let mut before = 0;
            let mut given = 0i128;
            for now in steps {
                let part = cumulative_part(total, before, now, of, rounding).unwrap();
                prop_assert!(part == 0 || (part > 0) == (total > 0));
                given += i128::from(part);
                before += now;
            }
            prop_assert!(before < of || given == i128::from(total));
        }

        #[test]
        fn fractions_compare_as_their_cross_products(
            a in 0..1i128 << 60, b in 1..1i128 << 60, c in 0..1i128 << 60, d in 1..1i128 << 60,
        ) {
            prop_assert_eq!(compare_fractions((a, b), (c, d)), (a * d).cmp(&(c * b)));
        }
    }
}
