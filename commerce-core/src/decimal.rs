//! Decimal numbers: texts in requests and answers, because a number of JSON is not exact everywhere.

use rust_decimal::Decimal;
use serde::{Deserializer, de};

use crate::text::visit_str;

/// Reads a number of digits alone, with a sign and a point at most. The document describes the form as
/// `openapi::forms::DECIMAL`.
pub(crate) fn exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    visit_str(deserializer, |text| {
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.".contains(&b));
        let number = Decimal::from_str_exact(text).ok().filter(|_| plain);
        number.ok_or_else(|| de::Error::custom("must be a decimal number such as \"1.5\""))
    })
}
