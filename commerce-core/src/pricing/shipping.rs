//! Shipping methods: whom they serve and what they cost.

use serde::{Deserialize, Serialize};

use super::Destination;
use crate::{
    currency::Currency,
    id::ShippingMethodId,
    money::{Money, MoneyError},
    text::{Country, Label, TaxClass},
};

/// A way to send goods, in one currency. A shop that sells in two has a method for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShippingMethod {
    /// Names the method.
    pub id: ShippingMethodId,
    /// What the customer reads.
    pub name: Label,
    /// What it costs.
    pub rate: ShippingRate,
    /// Where it goes; everywhere when empty.
    #[serde(default)]
    pub countries: Vec<Country>,
    /// The class by which it is taxed; not taxed without.
    #[serde(default)]
    pub tax_class: Option<TaxClass>,
    /// Whether it is on offer.
    #[serde(default = "yes")]
    pub active: bool,
}

fn yes() -> bool {
    true
}

/// How a method's price is found. Prices are as all prices of the shop: with tax or without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ShippingRate {
    /// The same for every order.
    Flat {
        /// The price.
        price: Money,
    },
    /// Nothing from a threshold on.
    FreeFrom {
        /// The price below the threshold.
        price: Money,
        /// What the goods must cost, after discounts, to be sent for nothing.
        threshold: Money,
    },
    /// By the weight of what is sent.
    ByWeight {
        /// The prices up to each weight, in rising order; heavier than the last is not served.
        steps: Vec<WeightStep>,
    },
}

/// A row in a table of weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightStep {
    /// The most that it carries, in grams, this weight included.
    pub up_to_grams: i64,
    /// The price.
    pub price: Money,
}

/// Why a shipping method is not well formed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShippingError {
    /// A price or a threshold is below zero.
    #[error("prices and thresholds must not be negative")]
    Negative,
    /// Prices are in several currencies, or too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The table of weights has no row, or more than [`ShippingRate::STEPS_MAX`].
    #[error("a table of weights has 1 to 1,000 steps")]
    StepCount,
    /// The weights do not rise from above zero.
    #[error("the weights must be positive and rise from step to step")]
    StepsNotRising,
    /// There are more countries than [`ShippingMethod::COUNTRIES_MAX`].
    #[error("a method names at most 300 countries")]
    TooManyCountries,
    /// A country is named twice.
    #[error("{0} is named twice")]
    DuplicateCountry(Country),
}

/// Why a method does not serve an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShippingRefusal {
    /// It is not on offer.
    #[error("the shipping method is not available")]
    Inactive,
    /// It does not go there.
    #[error("the shipping method does not go to {0}")]
    Country(Country),
    /// Its prices are in another currency.
    #[error("the shipping method is priced in {0}")]
    Currency(Currency),
    /// The goods are heavier than it carries.
    #[error("the shipping method carries at most {up_to_grams} g, not {grams} g")]
    TooHeavy {
        /// The weight of the goods.
        grams: i64,
        /// The most that it carries.
        up_to_grams: i64,
    },
}

impl ShippingRate {
    /// The most steps in a table of weights.
    pub const STEPS_MAX: usize = 1_000;

    fn amounts(&self) -> impl Iterator<Item = Money> {
        let (one, two, steps) = match self {
            Self::Flat { price } => (Some(*price), None, &[][..]),
            Self::FreeFrom { price, threshold } => (Some(*price), Some(*threshold), &[][..]),
            Self::ByWeight { steps } => (None, None, steps.as_slice()),
        };
        one.into_iter().chain(two).chain(steps.iter().map(|step| step.price))
    }

    /// The currency of its prices; none for a table of weights without a step.
    pub fn currency(&self) -> Option<Currency> {
        self.amounts().next().map(Money::currency)
    }
}

impl ShippingMethod {
    /// The most countries that one method names.
    pub const COUNTRIES_MAX: usize = 300;

    /// Checks what a person entered.
    ///
    /// # Errors
    /// [`ShippingError`] for the first thing that is not right.
    pub fn validate(&self) -> Result<(), ShippingError> {
        let currency = self.rate.currency().ok_or(ShippingError::StepCount)?;
        for amount in self.rate.amounts() {
            if amount.minor_in(currency)? < 0 {
                return Err(ShippingError::Negative);
            }
        }
        if let ShippingRate::ByWeight { steps } = &self.rate {
            if steps.len() > ShippingRate::STEPS_MAX {
                return Err(ShippingError::StepCount);
            }
            let mut before = 0;
            for step in steps {
                if step.up_to_grams <= before {
                    return Err(ShippingError::StepsNotRising);
                }
                before = step.up_to_grams;
            }
        }
        if self.countries.len() > Self::COUNTRIES_MAX {
            return Err(ShippingError::TooManyCountries);
        }
        let mut seen = std::collections::HashSet::new();
        match self.countries.iter().find(|country| !seen.insert(*country)) {
            Some(country) => Err(ShippingError::DuplicateCountry(country.clone())),
            None => Ok(()),
        }
    }

    /// What it costs to send goods that cost `goods` after discounts and weigh `grams`, to a
    /// destination; one that is not known yet is not checked.
    ///
    /// # Errors
    /// [`ShippingRefusal`] when the method does not serve that.
    pub fn price(
        &self,
        goods: Money,
        grams: i64,
        destination: Option<&Destination>,
    ) -> Result<Money, ShippingRefusal> {
        if !self.active {
            return Err(ShippingRefusal::Inactive);
        }
        if let Some(Destination { country, .. }) = destination
            && !self.countries.is_empty()
            && !self.countries.contains(country)
        {
            return Err(ShippingRefusal::Country(country.clone()));
        }
        if let Some(amount) = self.rate.amounts().find(|a| a.currency() != goods.currency()) {
            return Err(ShippingRefusal::Currency(amount.currency()));
        }
        match &self.rate {
            ShippingRate::Flat { price } => Ok(*price),
            ShippingRate::FreeFrom { price, threshold } => {
                let free = goods.minor() >= threshold.minor();
                Ok(if free { Money::zero(goods.currency()) } else { *price })
            }
            ShippingRate::ByWeight { steps } => steps
                .iter()
                .find(|step| grams <= step.up_to_grams)
                .map(|step| step.price)
                .ok_or_else(|| ShippingRefusal::TooHeavy {
                    grams,
                    up_to_grams: steps.last().map_or(0, |step| step.up_to_grams),
                }),
        }
    }
}
