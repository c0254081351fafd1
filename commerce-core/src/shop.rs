//! What a shop is configured with: its currency, its taxes, its ways of shipping, its terms and its
//! limits. All of it is data, read with everything else in one snapshot.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    cart::MergeStrategy,
    currency::Currency,
    error::{FieldError, Rejection},
    id::Moment,
    inventory::Location,
    order::PaymentTerms,
    patch::{patch, set},
    payment::CapturePolicy,
    pricing::{
        Destination, PatchPricingPolicy, PricingPolicy, ShippingMethod, ShippingMethodFields,
        TaxRate, TaxRateFields, TaxTable,
    },
    text::{GatewayName, Label},
    version::Versioned,
};

/// How much of everything there may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most lines of a cart, at most 2,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_000))]
    pub lines_max: usize,
    /// The most units of a line, at most 1,000,000,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000_000))]
    pub line_quantity_max: i64,
    /// The days after which a cart that nobody touches expires, from 1 to 3,650.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3_650))]
    pub cart_idle_days: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lines_max: 2_000, line_quantity_max: 1_000_000, cart_idle_days: 30 }
    }
}

patch! {
    /// Changes some of how much of everything there may be.
    pub struct PatchLimits {
        /// The most lines of a cart, at most 2,000.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_000))]
        pub lines_max: Option<usize>,
        /// The most units of a line, at most 1,000,000,000.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000_000))]
        pub line_quantity_max: Option<i64>,
        /// The days after which a cart that nobody touches expires, from 1 to 3,650.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3_650))]
        pub cart_idle_days: Option<u32>,
    }
}

impl Limits {
    /// The most lines that a shop may allow.
    pub const LINES_CEILING: usize = 2_000;

    /// How long a cart lives that nobody touches.
    pub fn cart_idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.cart_idle_days) * 86_400)
    }

    fn patch(&mut self, patch: PatchLimits) {
        set(&mut self.lines_max, patch.lines_max);
        set(&mut self.line_quantity_max, patch.line_quantity_max);
        set(&mut self.cart_idle_days, patch.cart_idle_days);
    }
}

/// What a shop is configured with.
///
/// A new shop has a currency and no taxes, no shipping methods, and sells by the `manual` gateway,
/// paid within a week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Shop {
    /// Its name for people.
    pub name: Label,
    /// The currency of carts that name none.
    pub currency: Currency,
    /// Where it is: the place whose taxes are inside its prices, where they are.
    #[serde(default)]
    pub home: Option<Destination>,
    /// How prices are rounded and split.
    #[serde(default)]
    pub pricing: PricingPolicy,
    /// Its taxes.
    #[serde(default)]
    pub taxes: TaxTable,
    /// Its ways of shipping. With none, what needs shipping is sent free of charge; where any are on
    /// offer, one of them is in the shop's own currency.
    #[serde(default)]
    pub shipping_methods: Vec<ShippingMethod>,
    /// The gateways that can be paid by, with the terms of each.
    #[serde(default = "manual_prepaid")]
    pub payment_terms: BTreeMap<GatewayName, PaymentTerms>,
    /// When the money of each gateway's payments is taken; as soon as the customer has agreed where
    /// nothing is said. Where it is taken later, a gateway's provider may offer those methods alone that can
    /// wait.
    #[serde(default)]
    pub capture: BTreeMap<GatewayName, CapturePolicy>,
    /// What becomes of a guest's cart when its owner signs in.
    #[serde(default)]
    pub cart_merge: MergeStrategy,
    /// How much of everything there may be.
    #[serde(default)]
    pub limits: Limits,
}

patch! {
    /// Changes some of what a shop is configured with.
    pub struct PatchShop {
        /// Its name for people.
        pub name: Option<Label>,
        /// The currency of carts that name none.
        pub currency: Option<Currency>,
        /// Where it is.
        pub home: Option<Option<Destination>>,
        /// How prices are rounded and split.
        pub pricing: Option<PatchPricingPolicy>,
        /// All of its taxes.
        pub taxes: Option<Vec<TaxRateFields>>,
        /// All of its ways of shipping. Where any are active, one of them must be priced in the shop's
        /// currency.
        pub shipping_methods: Option<Vec<ShippingMethodFields>>,
        /// The terms of the gateways that are named; with null one is not offered any more.
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::terms_by_gateway))]
        pub payment_terms: Option<BTreeMap<GatewayName, Option<PaymentTerms>>>,
        /// When the money of payments is taken, by the gateways that are named; with null as soon as
        /// the customer has agreed.
        #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::capture_by_gateway))]
        pub capture: Option<BTreeMap<GatewayName, Option<CapturePolicy>>>,
        /// What becomes of a guest's cart when its owner signs in.
        pub cart_merge: Option<MergeStrategy>,
        /// How much of everything there may be.
        pub limits: Option<PatchLimits>,
    }
}

/// Sets what is named with a value, and removes what is named with none.
fn merge<T>(all: &mut BTreeMap<GatewayName, T>, change: Option<BTreeMap<GatewayName, Option<T>>>) {
    for (gateway, value) in change.into_iter().flatten() {
        match value {
            Some(value) => drop(all.insert(gateway, value)),
            None => drop(all.remove(&gateway)),
        }
    }
}

/// Arranges the rates of a request.
fn tax_table(rates: Vec<TaxRate>) -> Result<TaxTable, Rejection> {
    let ids: Vec<_> = rates.iter().map(|rate| rate.id).collect();
    TaxTable::new(rates).map_err(|error| {
        // Of two with one id it is the later that is too many.
        let place = error.rate().and_then(|id| ids.iter().rposition(|it| *it == id));
        let pointer = place.map_or("/taxes".to_owned(), |index| format!("/taxes/{index}"));
        Rejection::invalid(pointer, error)
    })
}

fn manual_prepaid() -> BTreeMap<GatewayName, PaymentTerms> {
    BTreeMap::from([(GatewayName::manual(), PaymentTerms::default())])
}

impl Shop {
    /// The most shipping methods.
    pub const SHIPPING_METHODS_MAX: usize = 500;

    /// A new shop.
    ///
    /// # Errors
    /// When the name breaks the rules of a [`Label`].
    pub fn new(name: impl AsRef<str>, currency: Currency) -> Result<Self, crate::text::TextError> {
        Ok(Self {
            name: Label::new(name)?,
            currency,
            home: None,
            pricing: PricingPolicy::default(),
            taxes: TaxTable::default(),
            shipping_methods: Vec::new(),
            payment_terms: manual_prepaid(),
            capture: BTreeMap::new(),
            cart_merge: MergeStrategy::default(),
            limits: Limits::default(),
        })
    }

    /// The configuration after a change, whose new taxes and shipping methods are given their ids.
    /// What is no longer offered is no longer captured either.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] with every field that breaks a bound.
    pub fn patch(&self, patch: PatchShop, moment: &mut Moment) -> Result<Self, Rejection> {
        let mut shop = self.clone();
        set(&mut shop.name, patch.name);
        set(&mut shop.currency, patch.currency);
        set(&mut shop.home, patch.home);
        shop.pricing.patch(patch.pricing.unwrap_or_default());
        if let Some(rates) = patch.taxes {
            shop.taxes = tax_table(rates.into_iter().map(|rate| rate.named(moment)).collect())?;
        }
        if let Some(methods) = patch.shipping_methods {
            shop.shipping_methods = methods.into_iter().map(|it| it.named(moment)).collect();
        }
        let given = patch.payment_terms.iter().flatten();
        let removed: Vec<_> = given.filter(|(_, to)| to.is_none()).map(|(name, _)| name).collect();
        shop.capture.retain(|gateway, _| !removed.contains(&gateway));
        merge(&mut shop.payment_terms, patch.payment_terms);
        merge(&mut shop.capture, patch.capture);
        set(&mut shop.cart_merge, patch.cart_merge);
        shop.limits.patch(patch.limits.unwrap_or_default());
        shop.check()?;
        Ok(shop)
    }

    /// Whether carts that name no currency can be sent by a method, if those on offer are priced in any.
    fn ships_in_its_currency(&self) -> bool {
        let on_offer = self.shipping_methods.iter().filter(|method| method.active);
        let mut currencies = on_offer.filter_map(|method| method.rate.currency()).peekable();
        currencies.peek().is_none() || currencies.any(|currency| currency == self.currency)
    }

    /// Refuses a configuration that breaks a bound.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] with every field that does.
    pub fn check(&self) -> Result<(), Rejection> {
        let mut errors = Vec::new();
        let mut refuse = |pointer: String, detail: String| {
            errors.push(FieldError::new(pointer, detail));
        };
        if self.limits.lines_max > Limits::LINES_CEILING || self.limits.lines_max == 0 {
            let detail = format!("must be from 1 to {}", Limits::LINES_CEILING);
            refuse("/limits/lines_max".to_owned(), detail);
        }
        if !(1..=crate::quantity::Quantity::MAX).contains(&self.limits.line_quantity_max) {
            let detail = "must be from 1 to 1,000,000,000".to_owned();
            refuse("/limits/line_quantity_max".to_owned(), detail);
        }
        if !(1..=3_650).contains(&self.limits.cart_idle_days) {
            refuse("/limits/cart_idle_days".to_owned(), "must be from 1 to 3,650".to_owned());
        }
        if self.shipping_methods.len() > Self::SHIPPING_METHODS_MAX {
            let detail = format!("must have at most {} entries", Self::SHIPPING_METHODS_MAX);
            refuse("/shipping_methods".to_owned(), detail);
        }
        for (index, method) in self.shipping_methods.iter().enumerate() {
            if let Err(error) = method.validate() {
                refuse(format!("/shipping_methods/{index}"), error.to_string());
            }
            if self.shipping_methods.iter().take(index).any(|other| other.id == method.id) {
                refuse(format!("/shipping_methods/{index}/id"), "must be unique".to_owned());
            }
        }
        if !self.ships_in_its_currency() {
            let code = self.currency.code();
            let detail =
                format!("must have an active method priced in {code}, the shop's currency");
            refuse("/shipping_methods".to_owned(), detail);
        }
        if self.pricing.cash_increment.is_some_and(|coin| !coin.is_positive()) {
            refuse("/pricing/cash_increment".to_owned(), "must be more than 0".to_owned());
        }
        if self.payment_terms.is_empty() {
            refuse("/payment_terms".to_owned(), "must name a gateway".to_owned());
        }
        for (gateway, terms) in &self.payment_terms {
            if !(1..=PaymentTerms::DAYS_MAX).contains(&terms.days()) {
                let detail = format!("must be from 1 to {} days", PaymentTerms::DAYS_MAX);
                refuse(format!("/payment_terms/{gateway}"), detail);
            }
        }
        for gateway in self.capture.keys() {
            if !self.payment_terms.contains_key(gateway) {
                let detail = "must be a gateway that can be paid by".to_owned();
                refuse(format!("/capture/{gateway}"), detail);
            }
        }
        Rejection::unless_valid(errors)
    }
}

/// The shop's configuration with its locations: small, read often, changed rarely.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The configuration.
    pub shop: Versioned<Shop>,
    /// The locations, in no order.
    pub locations: Vec<Versioned<Location>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn patched(shop: &Shop, patch: &str) -> Result<Shop, Rejection> {
        let mut moment = Moment::new(Timestamp::UNIX_EPOCH, [7; 16]);
        shop.patch(serde_json::from_str(patch).unwrap(), &mut moment)
    }

    #[test]
    fn a_gateway_is_offered_and_withdrawn() {
        let shop = Shop::new("Test", Currency::EUR).unwrap();
        let cards = patched(
            &shop,
            r#"{"payment_terms": {"stripe": {"kind": "prepaid", "days": 1}},
                "capture": {"stripe": "on_fulfillment"}}"#,
        )
        .unwrap();
        let stripe = GatewayName::new("stripe").unwrap();
        assert_eq!(cards.payment_terms.len(), 2, "manual stays");
        assert_eq!(cards.payment_terms[&stripe].days(), 1);
        assert_eq!(cards.capture[&stripe], CapturePolicy::OnFulfillment);
        let soon = patched(&cards, r#"{"capture": {"stripe": null}}"#).unwrap();
        assert_eq!(soon, Shop { capture: BTreeMap::new(), ..cards.clone() });
        let without = patched(&cards, r#"{"payment_terms": {"stripe": null}}"#).unwrap();
        assert_eq!(without, shop);
        assert!(patched(&shop, r#"{"payment_terms": {"manual": null}}"#).is_err());
        assert!(patched(&shop, r#"{"capture": {"stripe": "manual"}}"#).is_err());
        assert_eq!(patched(&shop, "{}").unwrap(), shop);
        assert!(serde_json::from_str::<PatchShop>(r#"{"name": null}"#).is_err());
    }

    #[test]
    fn what_is_not_named_stays_as_it_is() {
        let mut shop = Shop::new("Test", Currency::EUR).unwrap();
        for (patch, whole) in [
            (r#"{"pricing": {"prices_include_tax": true}}"#, r#"{"prices_include_tax": true}"#),
            (r#"{"pricing": {"level": "unit", "cross_border": "same_net"}}"#, ""),
            (
                r#"{"pricing": {"rounding": "half_even", "included_rounds": "net",
                    "allocation_basis": "gross", "cash_increment": {"amount": 5, "currency": "EUR"}}}"#,
                r#"{"prices_include_tax": true, "level": "unit", "cross_border": "same_net",
                    "rounding": "half_even", "included_rounds": "net", "allocation_basis": "gross",
                    "cash_increment": {"amount": 5, "currency": "EUR"}}"#,
            ),
            (
                r#"{"pricing": {"cash_increment": null}}"#,
                r#"{"prices_include_tax": true, "level": "unit", "cross_border": "same_net",
                    "rounding": "half_even", "included_rounds": "net", "allocation_basis": "gross"}"#,
            ),
        ] {
            shop = patched(&shop, patch).unwrap();
            if !whole.is_empty() {
                assert_eq!(shop.pricing, serde_json::from_str(whole).unwrap());
            }
        }
        for (patch, limits) in [
            (r#"{"limits": {"lines_max": 6}}"#, [6, 1_000_000, 30]),
            (r#"{"limits": {"line_quantity_max": 7}}"#, [6, 7, 30]),
            (r#"{"limits": {"cart_idle_days": 8}}"#, [6, 7, 8]),
            (r#"{"limits": {}}"#, [6, 7, 8]),
        ] {
            shop = patched(&shop, patch).unwrap();
            let Limits { lines_max, line_quantity_max, cart_idle_days } = shop.limits;
            assert_eq!([lines_max as i64, line_quantity_max, cart_idle_days.into()], limits);
        }
        assert!(serde_json::from_str::<PatchShop>(r#"{"pricing": {"level": null}}"#).is_err());
    }

    #[test]
    fn what_is_new_is_given_its_id_and_what_has_one_keeps_it() {
        let shop = Shop::new("Test", Currency::EUR).unwrap();
        let parcel = r#""name": "Parcel", "rate": {"type": "flat",
            "price": {"amount": 490, "currency": "EUR"}}"#;
        let vat = r#""label": "VAT", "country": "DE", "rate": "0.19""#;
        let text = format!(r#"{{"shipping_methods": [{{{parcel}}}], "taxes": [{{{vat}}}]}}"#);
        let one = patched(&shop, &text).unwrap();
        let [method, rate] = [
            one.shipping_methods[0].id.to_string(),
            one.taxes.rates().next().unwrap().id.to_string(),
        ];
        let text = format!(
            r#"{{"shipping_methods": [{{"id": "{method}", {parcel}}}, {{{parcel}}}],
                "taxes": [{{{vat}}}, {{"id": "{rate}", {vat}}}]}}"#
        );
        // At another moment, as every request has.
        let mut later = Moment::new(Timestamp::UNIX_EPOCH, [8; 16]);
        let two = one.patch(serde_json::from_str(&text).unwrap(), &mut later).unwrap();
        assert_eq!(two.shipping_methods[0], one.shipping_methods[0]);
        assert_ne!(two.shipping_methods[1].id, one.shipping_methods[0].id);
        assert_eq!(two.taxes.rates().nth(1), one.taxes.rates().next());
        let read: Shop = serde_json::from_str(&serde_json::to_string(&two).unwrap()).unwrap();
        assert_eq!(read, two);
    }

    #[test]
    fn where_methods_are_on_offer_one_is_in_the_shops_currency() {
        let shop = Shop::new("Test", Currency::USD).unwrap();
        let flat = |currency: &str, active: bool| {
            let rate = format!(
                r#"{{"type": "flat", "price": {{"amount": 490, "currency": "{currency}"}}}}"#
            );
            format!(r#"{{"name": "Parcel", "active": {active}, "rate": {rate}}}"#)
        };
        let with = |methods: &[String]| {
            patched(&shop, &format!(r#"{{"shipping_methods": [{}]}}"#, methods.join(", ")))
        };
        let refused = Rejection::invalid(
            "/shipping_methods",
            "must have an active method priced in USD, the shop's currency",
        );
        assert_eq!(with(&[flat("EUR", true)]), Err(refused.clone()));
        assert_eq!(with(&[flat("EUR", true), flat("USD", false)]), Err(refused));
        assert!(with(&[flat("EUR", true), flat("USD", true)]).is_ok());
        assert!(with(&[]).is_ok(), "all is sent for nothing");
        assert!(with(&[flat("EUR", false)]).is_ok(), "nothing is sent");
        // Nor may the currency change from under them.
        let dollars = with(&[flat("USD", true)]).unwrap();
        assert!(patched(&dollars, r#"{"currency": "EUR"}"#).is_err());
        let methods = flat("EUR", true);
        let both = format!(r#"{{"currency": "EUR", "shipping_methods": [{methods}]}}"#);
        assert!(patched(&dollars, &both).is_ok());
    }

    #[test]
    fn what_is_wrong_with_a_tax_is_said_of_that_one() {
        let shop = Shop::new("Test", Currency::EUR).unwrap();
        let at = |taxes: &str| match patched(&shop, &format!(r#"{{"taxes": [{taxes}]}}"#)) {
            Err(Rejection::Invalid(errors)) => errors[0].pointer.clone(),
            other => panic!("{other:?}"),
        };
        let good = r#"{"id": "tax_00000000000000000000000000000001", "label": "A", "rate": "0.1"}"#;
        let high = r#"{"label": "B", "rate": "11"}"#;
        assert_eq!(at(&format!("{good}, {high}, {high}")), "/taxes/1");
        assert_eq!(at(&format!("{good}, {good}")), "/taxes/1");
        let many = vec![r#"{"label": "C", "rate": "0.1"}"#; TaxTable::RATES_MAX + 1].join(",");
        assert_eq!(at(&many), "/taxes");
    }
}
