//! Discounts: what is taken off a line, an order or shipping.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::AdjustmentKind;
use crate::{
    currency::Currency,
    money::{Money, MoneyError},
    rounding::{Rounding, div_round},
    text::Label,
};

/// Something taken off a price, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// What the customer reads.
    pub label: Label,
    /// Where it comes from: [`Discount::MANUAL`], or the id of a promotion.
    pub source: Label,
    /// How much it is.
    pub value: DiscountValue,
}

/// How much a discount takes off. It never takes more than there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DiscountValue {
    /// An amount, zero or more: of the whole line, not of each unit.
    Amount(Money),
    /// Percent of what former discounts left, 0 to 100 with at most
    /// [`DiscountValue::SCALE_MAX`] decimal places; rounded once, on the whole line or order.
    Percent(Decimal),
}

/// Why a discount has no meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscountError {
    /// The amount is below zero.
    #[error("a discount must not be negative")]
    Negative,
    /// The percentage is out of range.
    #[error("a percentage must be from 0 to 100 with at most 6 decimal places")]
    PercentOutOfRange,
    /// The amount is in another currency, or too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Discount {
    /// The source of a discount that a person gave by hand.
    pub const MANUAL: &'static str = "manual";

    /// The kind of adjustment that it makes.
    pub fn kind(&self) -> AdjustmentKind {
        if self.source.as_str() == Self::MANUAL {
            AdjustmentKind::Manual
        } else {
            AdjustmentKind::Promotion
        }
    }
}

impl DiscountValue {
    /// The most decimal places of a percentage.
    pub const SCALE_MAX: u32 = 6;

    /// How many minor units it takes off `left` minor units: from none to all of them.
    ///
    /// # Errors
    /// [`DiscountError`], when it has no meaning in this currency.
    pub(super) fn off(
        &self,
        left: i64,
        currency: Currency,
        rounding: Rounding,
    ) -> Result<i64, DiscountError> {
        let off = match self {
            Self::Amount(amount) => amount.minor_in(currency)?,
            Self::Percent(percent) => {
                let percent = percent.normalize();
                if percent.is_sign_negative() && !percent.is_zero()
                    || percent > Decimal::ONE_HUNDRED
                    || percent.scale() > Self::SCALE_MAX
                {
                    return Err(DiscountError::PercentOutOfRange);
                }
                let whole = 100 * 10i128.pow(percent.scale());
                div_round(i128::from(left) * percent.mantissa(), whole, rounding)
                    .and_then(|off| i64::try_from(off).ok())
                    .ok_or(MoneyError::Overflow)?
            }
        };
        if off < 0 { Err(DiscountError::Negative) } else { Ok(off.min(left)) }
    }
}
