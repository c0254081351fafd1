//! From prices to a total in which every amount is explained.
//!
//! [`quote`] works in a fixed order, and each step sees what the former left:
//!
//! 1. the price of each line: unit price times quantity, at once;
//! 2. the line's own discounts, one after the other, never below zero;
//! 3. the order's discounts, one after the other, each allocated to the lines by largest remainder;
//! 4. shipping, by what the goods cost after discounts and by weight, and its discounts;
//! 5. tax on what is left of each line and of shipping;
//! 6. the total, and what rounding to cash makes of it.
//!
//! Amounts are exact fractions between the roundings that the [`PricingPolicy`] names. The policy
//! belongs on the order, so that an old order computes to the same cent.

mod discount;
mod levy;
mod policy;
mod pricer;
mod quote;
mod shipping;
mod tax;

pub use self::{
    discount::{Discount, DiscountError, DiscountValue},
    policy::{
        AllocationBasis, CrossBorder, IncludedRounds, PatchPricingPolicy, PricingPolicy,
        RoundingLevel,
    },
    pricer::quote,
    quote::{
        Adjustment, AdjustmentKind, PricedLine, PricingError, Quote, QuoteLine, QuoteRequest,
        QuoteShipping, TaxSummary,
    },
    shipping::{
        ShippingError, ShippingMethod, ShippingMethodFields, ShippingRate, ShippingRefusal,
        WeightStep,
    },
    tax::{Destination, TaxError, TaxRate, TaxRateFields, TaxTable},
};
