//! Taxes: which rates apply where, and what each makes of an amount.

use std::{collections::HashMap, collections::HashSet, sync::Arc};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    decimal::exact,
    id::{Moment, TaxRateId},
    text::{Country, Label, Region, TaxClass},
};

/// Where goods go, as far as tax and shipping care.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// The country.
    pub country: Country,
    /// The part of the country, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
}

/// A tax: how much of what, and where.
///
/// A rate *matches* goods and a destination when its class, country and region, as far as it has
/// them, are theirs. How a region is written does not matter: `CA`, `ca` and `US-CA` are one. Of those
/// that match, the following apply, together:
///
/// 1. Rates without a country are for the rest of the world: they apply only where no rate with a
///    country matches.
/// 2. In one place (the same country and region), rates with a class stand in for those without:
///    `reduced` 7 % beside 19 % for everything.
/// 3. Those of the country and those of the region apply both (GST and QST), unless one of the
///    region's says that it replaces the country's (HST).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaxRate {
    /// Names the rate.
    pub id: TaxRateId,
    /// What the customer reads, such as `VAT 19 %`.
    pub label: Label,
    /// The class of goods that it is for; all of them without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<TaxClass>,
    /// The country where it is due; without, wherever no rate of the country matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// The part of the country where it is due; without, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The tax on 1: 0.19 for 19 %. From 0 to 10 with at most 6 decimal places. In JSON it is a string,
    /// which is exact, and not a number.
    #[serde(deserialize_with = "exact")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Rate))]
    pub rate: Decimal,
    /// Whether it is due on the price together with the taxes before it, not on the price alone.
    /// Compound rates come after all others, in the order of the table.
    #[serde(default)]
    pub compound: bool,
    /// Whether it takes the place of the rates of the whole country in its region.
    #[serde(default)]
    pub replaces_country: bool,
}

/// A tax rate as a request describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaxRateFields {
    /// The rate that this is from now on; absent for a new one, which is given its id.
    #[serde(default)]
    pub id: Option<TaxRateId>,
    /// What the customer reads, such as `VAT 19 %`.
    pub label: Label,
    /// The class of goods that it is for; all of them without.
    #[serde(default)]
    pub class: Option<TaxClass>,
    /// The country where it is due; without, wherever no rate of the country matches.
    #[serde(default)]
    pub country: Option<Country>,
    /// The part of the country where it is due; without, all of it.
    #[serde(default)]
    pub region: Option<Region>,
    /// The tax on 1: 0.19 for 19 %. From 0 to 10 with at most 6 decimal places. In JSON it is a string,
    /// which is exact, and not a number.
    #[serde(deserialize_with = "exact")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Rate))]
    pub rate: Decimal,
    /// Whether it is due on the price together with the taxes before it, not on the price alone.
    #[serde(default)]
    pub compound: bool,
    /// Whether it takes the place of the rates of the whole country in its region.
    #[serde(default)]
    pub replaces_country: bool,
}

impl TaxRateFields {
    /// The rate; with an id of the moment where it has none.
    #[must_use]
    pub fn named(self, moment: &mut Moment) -> TaxRate {
        let Self { id, label, class, country, region, rate, compound, replaces_country } = self;
        let id = id.unwrap_or_else(|| moment.id());
        TaxRate { id, label, class, country, region, rate, compound, replaces_country }
    }
}

/// Why rates make no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaxError {
    /// The rate is below 0, above 10, or too precise.
    #[error("the rate must be from 0 to 10 with at most 6 decimal places")]
    RateOutOfRange(TaxRateId),
    /// There are two rates with this id.
    #[error("{0} is there twice")]
    Duplicate(TaxRateId),
    /// The rate has a region and no country.
    #[error("a region needs its country")]
    RegionWithoutCountry(TaxRateId),
    /// The rate replaces those of the country and is one of them.
    #[error("only a region's rate can replace those of the country")]
    ReplacesWithoutRegion(TaxRateId),
    /// More than [`TaxTable::COMPOUND_MAX`] compound rates of one class apply together.
    #[error("at most 3 compound rates of a class may apply together")]
    TooManyCompound(TaxRateId),
    /// There are more rates than [`TaxTable::RATES_MAX`].
    #[error("there are more than 10,000 tax rates")]
    TooMany,
}

impl TaxError {
    /// The rate that is not right, where it is one.
    pub fn rate(&self) -> Option<TaxRateId> {
        match self {
            Self::RateOutOfRange(id)
            | Self::Duplicate(id)
            | Self::RegionWithoutCountry(id)
            | Self::ReplacesWithoutRegion(id)
            | Self::TooManyCompound(id) => Some(*id),
            Self::TooMany => None,
        }
    }
}

impl TaxRate {
    /// The most decimal places of a rate: a ten-thousandth of a percent.
    pub const SCALE_MAX: u32 = 6;

    fn check(&self) -> Result<(), TaxError> {
        let rate = self.rate.normalize();
        if rate < Decimal::ZERO || rate > Decimal::TEN || rate.scale() > Self::SCALE_MAX {
            Err(TaxError::RateOutOfRange(self.id))
        } else if self.region.is_some() && self.country.is_none() {
            Err(TaxError::RegionWithoutCountry(self.id))
        } else if self.replaces_country && self.region.is_none() {
            Err(TaxError::ReplacesWithoutRegion(self.id))
        } else {
            Ok(())
        }
    }
}

/// All tax rates of a shop, arranged for fast look-up. In JSON it is the list of rates.
#[derive(Debug, Clone, Default)]
pub struct TaxTable {
    rates: Vec<Arc<Entry>>,
    places: HashMap<Place, Vec<Arc<Entry>>>,
}

/// A country, and one of its regions as they are compared.
type Place = (Option<Country>, Option<String>);

fn place(country: &Country, region: Option<&Region>) -> Place {
    (Some(country.clone()), region.map(|region| region.normalized(country)))
}

/// A rate and its position in the table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) position: usize,
    pub(super) rate: TaxRate,
}

impl TaxTable {
    /// The most rates in one table.
    pub const RATES_MAX: usize = 10_000;
    /// The most compound rates of one class in a country and one of its regions together. Beyond
    /// that a tax is no longer an exact fraction of 128 bits; no country comes near.
    pub const COMPOUND_MAX: usize = 3;

    /// Whether there is no rate in it.
    pub fn is_empty(&self) -> bool {
        self.rates.is_empty()
    }

    /// Checks and arranges the rates.
    ///
    /// # Errors
    /// [`TaxError`] for the first rate that is not right.
    pub fn new(rates: impl IntoIterator<Item = TaxRate>) -> Result<Self, TaxError> {
        let mut table = Self::default();
        let mut ids = HashSet::new();
        for (position, rate) in rates.into_iter().enumerate() {
            rate.check()?;
            if position == Self::RATES_MAX {
                return Err(TaxError::TooMany);
            }
            if !ids.insert(rate.id) {
                return Err(TaxError::Duplicate(rate.id));
            }
            let place = match &rate.country {
                Some(country) => place(country, rate.region.as_ref()),
                None => (None, None),
            };
            let entry = Arc::new(Entry { position, rate });
            table.places.entry(place).or_default().push(Arc::clone(&entry));
            table.rates.push(entry);
        }
        table.check_compound()?;
        Ok(table)
    }

    fn check_compound(&self) -> Result<(), TaxError> {
        // The last compound rate of the class that has most of them in a place, and how many.
        let most = |place: &Place| {
            let mut classes: HashMap<_, (usize, TaxRateId)> = HashMap::new();
            for Entry { rate, .. } in self.places.get(place).into_iter().flatten().map(|e| &**e) {
                if rate.compound {
                    let class = classes.entry(&rate.class).or_insert((0, rate.id));
                    *class = (class.0 + 1, rate.id);
                }
            }
            classes.into_values().max_by_key(|(count, id)| (*count, *id))
        };
        for place in self.places.keys() {
            let Some((count, id)) = most(place) else { continue };
            let above = match place {
                (country, Some(_)) => most(&(country.clone(), None)).map_or(0, |(count, _)| count),
                (_, None) => 0,
            };
            if above + count > Self::COMPOUND_MAX {
                return Err(TaxError::TooManyCompound(id));
            }
        }
        Ok(())
    }

    /// The rates, in the order in which they were given.
    pub fn rates(&self) -> impl ExactSizeIterator<Item = &TaxRate> {
        self.rates.iter().map(|entry| &entry.rate)
    }

    /// The rates that apply to goods of a class at a destination: simple ones before compound
    /// ones, and among each the country's before the region's, in the order of the table.
    pub fn applying(&self, class: &TaxClass, to: &Destination) -> Vec<&TaxRate> {
        self.entries(class, to).into_iter().map(|entry| &entry.rate).collect()
    }

    pub(super) fn entries(&self, class: &TaxClass, to: &Destination) -> Vec<&Entry> {
        let mut entries = self.matching(class, &place(&to.country, None));
        if to.region.is_some() {
            let region = self.matching(class, &place(&to.country, to.region.as_ref()));
            if region.iter().any(|entry| entry.rate.replaces_country) {
                entries = region;
            } else {
                entries.extend(region);
            }
        }
        if entries.is_empty() {
            entries = self.matching(class, &(None, None));
        }
        entries.sort_by_key(|entry| entry.rate.compound);
        entries
    }

    fn matching(&self, class: &TaxClass, place: &Place) -> Vec<&Entry> {
        let Some(place) = self.places.get(place) else { return Vec::new() };
        let with = |class: Option<&TaxClass>| -> Vec<&Entry> {
            let of_class = |entry: &&Arc<Entry>| entry.rate.class.as_ref() == class;
            place.iter().filter(of_class).map(|entry| &**entry).collect()
        };
        let own = with(Some(class));
        if own.is_empty() { with(None) } else { own }
    }
}

impl PartialEq for TaxTable {
    fn eq(&self, other: &Self) -> bool {
        self.rates().eq(other.rates())
    }
}

impl Eq for TaxTable {}

impl Serialize for TaxTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rates())
    }
}

impl<'de> Deserialize<'de> for TaxTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::<TaxRate>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    /// A rate at `DE`, `CA/QC`, or anywhere (empty).
    fn rate(number: u8, at: &str, class: &str, rate: &str) -> TaxRate {
        let (country, region) = at.split_once('/').unwrap_or((at, ""));
        TaxRate {
            id: Moment::new(Timestamp::UNIX_EPOCH, [number; 16]).id(),
            label: rate.parse().unwrap(),
            class: class.parse().ok(),
            country: country.parse().ok(),
            region: region.parse().ok(),
            rate: rate.parse().unwrap(),
            compound: false,
            replaces_country: false,
        }
    }

    fn applying(table: &TaxTable, class: &str, at: &str) -> String {
        let (country, region) = at.split_once('/').unwrap_or((at, ""));
        let to = Destination { country: country.parse().unwrap(), region: region.parse().ok() };
        let rates = table.applying(&class.parse().unwrap(), &to);
        rates.iter().map(|rate| &*rate.label).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_applies_where() {
        let table = TaxTable::new([
            rate(1, "", "", "0.15"),
            rate(2, "DE", "", "0.19"),
            rate(3, "DE", "reduced", "0.07"),
            TaxRate { compound: true, ..rate(4, "CA/QC", "", "0.09975") },
            rate(5, "CA", "", "0.05"),
            TaxRate { replaces_country: true, ..rate(6, "CA/ON", "", "0.13") },
            rate(7, "CA/ON", "books", "0.02"),
            rate(8, "US/CA", "", "0.06"),
            rate(9, "US/CA", "", "0.0125"),
            rate(10, "FR", "reduced", "0.055"),
        ])
        .unwrap();
        for (class, at, wanted) in [
            ("standard", "JP", "0.15"),
            ("standard", "DE", "0.19"),
            ("standard", "DE/BE", "0.19"),
            ("reduced", "DE", "0.07"),
            ("standard", "CA/QC", "0.05 0.09975"),
            ("standard", "CA/BC", "0.05"),
            ("standard", "CA/ON", "0.13"),
            ("books", "CA/ON", "0.05 0.02"),
            ("standard", "US/CA", "0.06 0.0125"),
            ("standard", "US/OR", "0.15"),
            ("reduced", "FR", "0.055"),
            ("standard", "FR", "0.15"),
        ] {
            assert_eq!(applying(&table, class, at), wanted, "{class} {at}");
        }
        // However the region is written, here and there.
        let loose = TaxTable::new([
            rate(1, "US/us-ca", "", "0.06"),
            rate(2, "US/Ca", "", "0.0125"),
            rate(3, "IE/IE-", "", "0.23"),
        ])
        .unwrap();
        for at in ["US/CA", "US/ca", "US/US-CA"] {
            assert_eq!(applying(&loose, "standard", at), "0.06 0.0125", "{at}");
        }
        assert_eq!(applying(&loose, "standard", "US/MX-CA"), "");
        assert_eq!(applying(&loose, "standard", "IE/ie-"), "0.23");
        assert_eq!(applying(&TaxTable::default(), "standard", "DE"), "");
    }

    #[test]
    fn rates_without_meaning_are_refused() {
        let good = rate(1, "CA/QC", "", "10");
        assert!(TaxTable::new([good.clone()]).is_ok());
        for bad in ["-0.01", "10.000001", "0.0000001"] {
            let bad = TaxRate { rate: bad.parse().unwrap(), ..good.clone() };
            assert_eq!(TaxTable::new([bad]), Err(TaxError::RateOutOfRange(good.id)));
        }
        let twice = [good.clone(), TaxRate { country: None, region: None, ..good.clone() }];
        assert_eq!(TaxTable::new(twice), Err(TaxError::Duplicate(good.id)));
        let nowhere = TaxRate { country: None, ..good.clone() };
        assert_eq!(TaxTable::new([nowhere]), Err(TaxError::RegionWithoutCountry(good.id)));
        let replaces = TaxRate { region: None, replaces_country: true, ..good.clone() };
        assert_eq!(TaxTable::new([replaces]), Err(TaxError::ReplacesWithoutRegion(good.id)));
        let mut moment = Moment::new(Timestamp::UNIX_EPOCH, [0; 16]);
        let many = (0..=TaxTable::RATES_MAX).map(|_| TaxRate { id: moment.id(), ..good.clone() });
        assert_eq!(TaxTable::new(many), Err(TaxError::TooMany));
    }

    #[test]
    fn in_json_it_is_the_list_of_rates() {
        let table = TaxTable::new([rate(1, "DE", "", "0.190"), rate(2, "", "books", "0")]).unwrap();
        let json = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<TaxTable>(&json).unwrap(), table);
        let one =
            r#"{"id": "tax_00000000000000000000000000000000", "label": "VAT", "rate": "0.19"}"#;
        assert!(serde_json::from_str::<TaxTable>(&format!("[{one}]")).is_ok());
        for bad in [
            format!("[{one}, {one}]"),
            format!("[{}]", one.replace("\"0.19\"", "\"11\"")),
            format!("[{}]", one.replace("\"0.19\"", "0.19")),
            format!("[{}]", one.replace("rate", "amount")),
        ] {
            assert!(serde_json::from_str::<TaxTable>(&bad).is_err(), "{bad}");
        }
    }
}
