//! The choices of a shop that decide about a cent.

use serde::{Deserialize, Serialize};

use crate::{
    money::Money,
    patch::{patch, set},
    rounding::Rounding,
};

/// How a shop rounds, allocates and includes tax. Chosen once per shop and stored on each order.
///
/// The default adds tax, rounds half-up by line, and allocates by the prices as listed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PricingPolicy {
    /// How every amount is rounded.
    pub rounding: Rounding,
    /// Where tax is rounded.
    pub level: RoundingLevel,
    /// Which side of a price that includes tax is rounded.
    pub included_rounds: IncludedRounds,
    /// By what an order's discount is allocated to its lines.
    pub allocation_basis: AllocationBasis,
    /// Whether prices, of goods and of shipping, include their tax.
    pub prices_include_tax: bool,
    /// What happens to a price that includes tax where the tax is another.
    pub cross_border: CrossBorder,
    /// The smallest coin, such as 0.05 CAD: what is to be paid in its currency is rounded to a
    /// multiple of it, after everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cash_increment: Option<Money>,
}

patch! {
    /// Changes some of how a shop rounds, allocates and includes tax.
    pub struct PatchPricingPolicy {
        /// How every amount is rounded.
        pub rounding: Option<Rounding>,
        /// Where tax is rounded.
        pub level: Option<RoundingLevel>,
        /// Which side of a price that includes tax is rounded.
        pub included_rounds: Option<IncludedRounds>,
        /// By what an order's discount is allocated to its lines.
        pub allocation_basis: Option<AllocationBasis>,
        /// Whether prices, of goods and of shipping, include their tax.
        pub prices_include_tax: Option<bool>,
        /// What happens to a price that includes tax where the tax is another.
        pub cross_border: Option<CrossBorder>,
        /// The smallest coin.
        pub cash_increment: Option<Option<Money>>,
    }
}

impl PricingPolicy {
    pub(crate) fn patch(&mut self, patch: PatchPricingPolicy) {
        set(&mut self.rounding, patch.rounding);
        set(&mut self.level, patch.level);
        set(&mut self.included_rounds, patch.included_rounds);
        set(&mut self.allocation_basis, patch.allocation_basis);
        set(&mut self.prices_include_tax, patch.prices_include_tax);
        set(&mut self.cross_border, patch.cross_border);
        set(&mut self.cash_increment, patch.cash_increment);
    }
}

/// Where tax is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RoundingLevel {
    /// The tax of one unit, all rates together; a line's is that times its quantity.
    Unit,
    /// The tax of a line, all rates together; it is then split among them by largest remainder.
    #[default]
    Line,
    /// The tax of a line for each rate on its own.
    Jurisdiction,
    /// The tax of the whole document, once for each rate; it is then split among lines and
    /// shipping by largest remainder (EN 16931 rounds each category's tax so).
    Document,
}

/// Which side of a price that includes tax is rounded; the other is the rest of the price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum IncludedRounds {
    /// The price without tax.
    Net,
    /// The tax.
    #[default]
    Tax,
}

/// By what an order's discount is allocated to its lines. In each case it is what the discounts
/// before it left of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AllocationBasis {
    /// As prices are listed: with tax where they include it, without where it is added. A change
    /// of tax then never moves a discount from line to line.
    #[default]
    Listed,
    /// With tax, rounded by line.
    Gross,
    /// Without tax, rounded by line.
    Net,
}

/// What happens to a price that includes the tax of the shop's home when it is sold where another
/// tax, or none, is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CrossBorder {
    /// Every customer pays the same; what is left after tax differs.
    #[default]
    SameGross,
    /// The shop keeps the same net; the tax at home is taken out of the price and the tax at the
    /// destination put in.
    SameNet,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_the_default_and_what_is_unknown_refused() {
        assert_eq!(serde_json::from_str::<PricingPolicy>("{}").unwrap(), PricingPolicy::default());
        let policy: PricingPolicy = serde_json::from_str(
            r#"{"rounding": "half_even", "level": "document", "prices_include_tax": true,
                "cash_increment": {"amount": 5, "currency": "CAD"}}"#,
        )
        .unwrap();
        assert_eq!((policy.rounding, policy.level), (Rounding::HalfEven, RoundingLevel::Document));
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<PricingPolicy>(&json).unwrap(), policy);
        for bad in [r#"{"levels": "line"}"#, r#"{"level": "order"}"#, r#"{"rounding": null}"#] {
            assert!(serde_json::from_str::<PricingPolicy>(bad).is_err(), "{bad}");
        }
    }
}
