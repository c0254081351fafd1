//! Shipping methods: whom they serve and what they cost.

use serde::{Deserialize, Serialize};

use super::Destination;
use crate::{
    currency::Currency,
    id::{Moment, ShippingMethodId},
    money::{Money, MoneyError},
    text::{Country, Label, TaxClass},
};

/// A way to send goods, in one currency. A shop that sells in two has a method for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

/// A shipping method as a request describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ShippingMethodFields {
    /// The method that this is from now on; absent for a new one, which is given its id.
    #[serde(default)]
    pub id: Option<ShippingMethodId>,
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

impl ShippingMethodFields {
    /// The method; with an id of the moment where it has none.
    #[must_use]
    pub fn named(self, moment: &mut Moment) -> ShippingMethod {
        let Self { id, name, rate, countries, tax_class, active } = self;
        let id = id.unwrap_or_else(|| moment.id());
        ShippingMethod { id, name, rate, countries, tax_class, active }
    }
}

fn yes() -> bool {
    true
}

/// How a method's price is found. Prices are as all prices of the shop: with tax or without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case", try_from = "RateForm")]
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
        #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1000))]
        steps: Vec<WeightStep>,
    },
}

/// A [`ShippingRate`] as it is written: read field by field, so that what is wrong with one is said of
/// that one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateForm {
    r#type: RateType,
    price: Option<Money>,
    threshold: Option<Money>,
    steps: Option<Vec<WeightStep>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RateType {
    Flat,
    FreeFrom,
    ByWeight,
}

impl TryFrom<RateForm> for ShippingRate {
    type Error = &'static str;

    fn try_from(form: RateForm) -> Result<Self, &'static str> {
        match (form.r#type, form.price, form.threshold, form.steps) {
            (RateType::Flat, Some(price), None, None) => Ok(Self::Flat { price }),
            (RateType::Flat, ..) => Err("a flat rate has a price and nothing else"),
            (RateType::FreeFrom, Some(price), Some(threshold), None) => {
                Ok(Self::FreeFrom { price, threshold })
            }
            (RateType::FreeFrom, ..) => {
                Err("a rate that is free from a threshold has that and a price, and nothing else")
            }
            (RateType::ByWeight, None, None, Some(steps)) => Ok(Self::ByWeight { steps }),
            (RateType::ByWeight, ..) => Err("a rate by weight has steps and nothing else"),
        }
    }
}

/// A row in a table of weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WeightStep {
    /// The most that it carries, in grams, this weight included.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 9_223_372_036_854_775_807_i64))]
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
    /// The shop does not have it any more.
    #[error("the shop has no such shipping method")]
    Unknown,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::Moment, time::Timestamp};

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::EUR)
    }

    fn method(rate: ShippingRate) -> ShippingMethod {
        ShippingMethod {
            id: Moment::new(Timestamp::UNIX_EPOCH, [1; 16]).id(),
            name: "Parcel".parse().unwrap(),
            rate,
            countries: vec!["DE".parse().unwrap(), "AT".parse().unwrap()],
            tax_class: None,
            active: true,
        }
    }

    fn by_weight(steps: &[(i64, i64)]) -> ShippingMethod {
        let step = |&(up_to_grams, price)| WeightStep { up_to_grams, price: eur(price) };
        method(ShippingRate::ByWeight { steps: steps.iter().map(step).collect() })
    }

    #[test]
    fn prices_at_their_edges() {
        let free = method(ShippingRate::FreeFrom { price: eur(1000), threshold: eur(10_000) });
        let price = |goods| free.price(eur(goods), 0, None);
        assert_eq!((price(9_999), price(10_000)), (Ok(eur(1000)), Ok(eur(0))));
        let table = by_weight(&[(1_000, 500), (5_000, 900)]);
        let price = |grams| table.price(eur(1), grams, None);
        assert_eq!(
            [price(0), price(1_000), price(1_001), price(5_000)].map(Result::unwrap),
            [500, 500, 900, 900].map(eur)
        );
        assert_eq!(
            price(5_001),
            Err(ShippingRefusal::TooHeavy { grams: 5_001, up_to_grams: 5_000 })
        );
    }

    #[test]
    fn whom_it_does_not_serve() {
        let flat = method(ShippingRate::Flat { price: eur(500) });
        let to = |country: &str| Destination { country: country.parse().unwrap(), region: None };
        assert_eq!(flat.price(eur(1), 0, Some(&to("AT"))), Ok(eur(500)));
        let refusal = flat.price(eur(1), 0, Some(&to("US")));
        assert_eq!(refusal, Err(ShippingRefusal::Country("US".parse().unwrap())));
        let everywhere = ShippingMethod { countries: vec![], ..flat.clone() };
        assert_eq!(everywhere.price(eur(1), 0, Some(&to("US"))), Ok(eur(500)));
        let dollars = flat.price(Money::new(1, Currency::USD), 0, None);
        assert_eq!(dollars, Err(ShippingRefusal::Currency(Currency::EUR)));
        let closed = ShippingMethod { active: false, ..flat };
        assert_eq!(closed.price(eur(1), 0, None), Err(ShippingRefusal::Inactive));
    }

    #[test]
    fn what_is_not_well_formed() {
        assert_eq!(by_weight(&[(1, 0), (2, 5), (3, 5)]).validate(), Ok(()));
        let many: Vec<_> = (1..=1_001).map(|grams| (grams, 1)).collect();
        for (steps, error) in [
            (&[][..], ShippingError::StepCount),
            (&many, ShippingError::StepCount),
            (&[(0, 1)], ShippingError::StepsNotRising),
            (&[(2, 1), (2, 1)], ShippingError::StepsNotRising),
            (&[(1, -1)], ShippingError::Negative),
            (&[(1, i64::MAX)], ShippingError::Money(MoneyError::Overflow)),
        ] {
            assert_eq!(by_weight(steps).validate(), Err(error));
        }
        let mixed =
            ShippingRate::FreeFrom { price: eur(1), threshold: Money::new(1, Currency::USD) };
        assert!(matches!(method(mixed).validate(), Err(ShippingError::Money(_))));
        let mut twice = method(ShippingRate::Flat { price: eur(0) });
        twice.countries.push("DE".parse().unwrap());
        let error = ShippingError::DuplicateCountry("DE".parse().unwrap());
        assert_eq!(twice.validate(), Err(error));
        twice.countries = (0..301).map(|_| "DE".parse().unwrap()).collect();
        assert_eq!(twice.validate(), Err(ShippingError::TooManyCountries));
    }

    #[test]
    fn json_names_the_kind_of_rate() {
        let json = r#"{
            "id": "ship_00000000000000000000000000000000", "name": "Parcel",
            "rate": {
                "type": "free_from",
                "price": {"amount": 1000, "currency": "EUR"},
                "threshold": {"amount": 10000, "currency": "EUR"}
            }
        }"#;
        let method: ShippingMethod = serde_json::from_str(json).unwrap();
        assert!(method.active && method.countries.is_empty());
        let again = serde_json::to_string(&method).unwrap();
        assert_eq!(serde_json::from_str::<ShippingMethod>(&again).unwrap(), method);
        for (good, bad) in [("free_from", "free"), ("threshold", "limit"), ("1000,", "10.5,")] {
            let bad = json.replacen(good, bad, 1);
            assert!(serde_json::from_str::<ShippingMethod>(&bad).is_err(), "{bad}");
        }
    }
}
