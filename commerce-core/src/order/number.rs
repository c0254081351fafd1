//! Order numbers: short, unique, not guessable, and made without asking anybody.

use crate::{id::Moment, text::OrderNumber, time::Timestamp};

// Crockford's base 32: no I, L, O or U, which people take for something else.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A fresh order number: the day, and 40 random bits in Crockford's base 32.
///
/// A running number would be a counter that every checkout of the shop has to wait for, and would
/// tell every customer how much the shop sells. Numbers are unique because the store refuses a
/// second one; at a million orders a day that happens about once in two days, and the order is then
/// decided again with another number.
///
/// ```
/// use commerce_core::{id::Moment, order::order_number, time::Timestamp};
/// let number = order_number(&mut Moment::new("2026-11-21T10:00:00Z".parse().unwrap(), [5; 16]));
/// assert!(number.starts_with("261121-"));
/// assert_eq!(number.len(), 15);
/// ```
pub fn order_number(moment: &mut Moment) -> OrderNumber {
    let date = date(moment.now());
    let bits = moment.bits();
    let digits = (0..8).map(|place| {
        let index = (bits >> (place * 5)) & 31;
        DIGITS.get(index as usize).copied().map_or('0', char::from)
    });
    let number: String = date.chars().chain(['-']).chain(digits).collect();
    // Digits, a dash and capital letters: within the rules of an order number.
    OrderNumber::trusted(&number)
}

fn date(at: Timestamp) -> String {
    let text = at.to_string();
    text.chars().take(10).skip(2).filter(char::is_ascii_digit).collect()
}
