//! The quote: what everything costs, and why.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    Destination, Discount, DiscountError, PricingPolicy, ShippingMethod, ShippingRefusal, TaxTable,
};
use crate::{
    allocation::AllocationError,
    currency::Currency,
    id::{LineId, ShippingMethodId, TaxRateId},
    money::{Money, MoneyError},
    quantity::Quantity,
    text::{Label, TaxClass},
};

/// A line to be priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedLine {
    /// Names the line.
    pub id: LineId,
    /// The price of one unit, zero or more, as the shop lists it.
    pub unit_price: Money,
    /// Whether the price was agreed for this sale. It stays what it is then, wherever the goods go.
    pub agreed: bool,
    /// The number of units.
    pub quantity: Quantity,
    /// The class by which it is taxed; not taxed without.
    pub tax_class: Option<TaxClass>,
    /// The weight of one unit in grams, zero or more.
    pub grams: i64,
    /// Whether it is sent; what is not has no weight and no part in shipping.
    pub requires_shipping: bool,
    /// What is taken off this line, in this order.
    pub discounts: Vec<Discount>,
}

/// All that a quote depends on.
#[derive(Debug, Clone, Copy)]
pub struct QuoteRequest<'a> {
    /// The currency of every amount.
    pub currency: Currency,
    /// The lines.
    pub lines: &'a [PricedLine],
    /// What is taken off the order, in this order, after the lines' own discounts.
    pub order_discounts: &'a [Discount],
    /// How the goods are sent; not charged when no line requires it.
    pub shipping: Option<&'a ShippingMethod>,
    /// What is taken off shipping, in this order.
    pub shipping_discounts: &'a [Discount],
    /// Where the goods go. While it is not known, no tax is added; taxes that prices include are
    /// those at home.
    pub destination: Option<&'a Destination>,
    /// Where the shop is at home, whose taxes its prices include.
    pub home: Option<&'a Destination>,
    /// How the shop rounds, allocates and includes tax.
    pub policy: &'a PricingPolicy,
    /// The tax rates.
    pub taxes: &'a TaxTable,
}

/// What an order costs, with every amount explained.
///
/// `subtotal − discount_total + shipping_total = total`, plus `tax_total` where `tax_included` is
/// false; each is the exact sum of the same field of `lines` and `shipping`. Likewise
/// `subtotal` and all [adjustments](Adjustment) that are not `included` sum to `total`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quote {
    /// The currency of every amount.
    pub currency: Currency,
    /// The lines, in the order of the request.
    pub lines: Vec<QuoteLine>,
    /// Shipping, where a method was chosen and something is sent.
    pub shipping: Option<QuoteShipping>,
    /// The taxes, each once, in the order of the shop's table.
    pub taxes: Vec<TaxSummary>,
    /// What the lines cost before discounts.
    pub subtotal: Money,
    /// What was taken off the lines: zero or more.
    pub discount_total: Money,
    /// What shipping costs after its discounts.
    pub shipping_total: Money,
    /// All taxes, on lines and shipping.
    pub tax_total: Money,
    /// Whether the taxes are inside the prices already.
    pub tax_included: bool,
    /// The sum of all.
    pub total: Money,
    /// What rounding to cash adds to the total, or takes off it.
    pub rounding: Money,
    /// What the customer pays: `total + rounding`.
    pub payable: Money,
}

/// A line of a [`Quote`]: `total = subtotal − discount_total`, plus `tax_total` where tax is added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuoteLine {
    /// Names the line.
    pub id: LineId,
    /// The price of one unit. Where a price was converted across a border (see
    /// [`SameNet`](super::CrossBorder::SameNet)) it is rounded, and `subtotal` is not a multiple of it.
    pub unit_price: Money,
    /// The number of units.
    pub quantity: Quantity,
    /// What the units cost before discounts.
    pub subtotal: Money,
    /// What was taken off, also the line's part of the order's discounts: zero or more.
    pub discount_total: Money,
    /// The taxes.
    pub tax_total: Money,
    /// What the line costs.
    pub total: Money,
    /// What made `total` of `subtotal`, in the order in which it was applied.
    pub adjustments: Vec<Adjustment>,
}

/// The shipping of a quote: `total = subtotal − discount_total`, plus `tax_total` where tax is
/// added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuoteShipping {
    /// Names the method.
    pub method: ShippingMethodId,
    /// What the customer reads.
    pub name: Label,
    /// What it costs before discounts.
    pub subtotal: Money,
    /// What was taken off: zero or more.
    pub discount_total: Money,
    /// The taxes on it.
    pub tax_total: Money,
    /// What it costs.
    pub total: Money,
    /// What `total` is made of: the method's price first, then what was applied to it.
    pub adjustments: Vec<Adjustment>,
}

/// One reason why a price is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Adjustment {
    /// What it is.
    pub kind: AdjustmentKind,
    /// What the customer reads.
    pub label: Label,
    /// Where it comes from: `manual`, or the id of a promotion, a tax rate or a shipping method.
    pub source: Label,
    /// What it adds; a discount is negative.
    pub amount: Money,
    /// Whether it is inside the price already: a tax to know of, not to add.
    pub included: bool,
}

/// What an adjustment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentKind {
    /// A discount by a promotion.
    Promotion,
    /// A discount given by hand.
    Manual,
    /// The price of shipping.
    Shipping,
    /// A tax.
    Tax,
}

/// What one tax rate made of a whole quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxSummary {
    /// Names the rate.
    pub id: TaxRateId,
    /// What the customer reads.
    pub label: Label,
    /// The tax on 1.
    pub rate: Decimal,
    /// What all lines and shipping under this rate cost without any tax.
    pub net: Money,
    /// The tax.
    pub amount: Money,
}

/// Why there is no quote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// The price of a line is below zero.
    #[error("the price of {0} is negative")]
    NegativePrice(LineId),
    /// The weight of a line is below zero.
    #[error("the weight of {0} is negative")]
    NegativeWeight(LineId),
    /// An amount is in another currency than the quote.
    #[error("expected an amount in {expected}, not in {found}")]
    CurrencyMismatch {
        /// The currency of the quote.
        expected: Currency,
        /// The currency of the amount.
        found: Currency,
    },
    /// A discount has no meaning.
    #[error("the discount {label:?} does not apply")]
    Discount {
        /// Its label.
        label: Label,
        /// Why.
        source: DiscountError,
    },
    /// The shipping method does not serve this order.
    #[error(transparent)]
    Shipping(#[from] ShippingRefusal),
    /// The price of shipping is below zero.
    #[error("the price of {0} is negative")]
    NegativeShipping(ShippingMethodId),
    /// The policy's increment for cash is not positive.
    #[error("the smallest coin must be positive")]
    InvalidCashIncrement,
    /// An amount is past [`Money::MINOR_MAX`], or too large to be multiplied exactly.
    #[error("the amounts are too large")]
    TooLarge,
}

impl From<MoneyError> for PricingError {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::CurrencyMismatch { expected, found } => {
                Self::CurrencyMismatch { expected, found }
            }
            MoneyError::InvalidIncrement => Self::InvalidCashIncrement,
            MoneyError::Overflow | MoneyError::NotDecimal | MoneyError::TooPrecise { .. } => {
                Self::TooLarge
            }
        }
    }
}

impl From<AllocationError> for PricingError {
    fn from(_: AllocationError) -> Self {
        // Weights and ceilings here are never negative and always as many: only size is left.
        Self::TooLarge
    }
}

impl<'a> QuoteRequest<'a> {
    /// A request with nothing but lines.
    pub fn new(
        currency: Currency,
        lines: &'a [PricedLine],
        policy: &'a PricingPolicy,
        taxes: &'a TaxTable,
    ) -> Self {
        Self {
            currency,
            lines,
            order_discounts: &[],
            shipping: None,
            shipping_discounts: &[],
            destination: None,
            home: None,
            policy,
            taxes,
        }
    }

    /// Whether any line is sent.
    pub fn requires_shipping(&self) -> bool {
        self.lines.iter().any(|line| line.requires_shipping)
    }

    /// The weight of all that is sent.
    ///
    /// # Errors
    /// [`PricingError::NegativeWeight`] or [`PricingError::TooLarge`].
    pub fn grams(&self) -> Result<i64, PricingError> {
        let sent = self.lines.iter().filter(|line| line.requires_shipping);
        sent.into_iter().try_fold(0i64, |grams, line| {
            if line.grams < 0 {
                return Err(PricingError::NegativeWeight(line.id));
            }
            line.grams
                .checked_mul(line.quantity.get())
                .and_then(|more| grams.checked_add(more))
                .ok_or(PricingError::TooLarge)
        })
    }
}
