//! What a shop is configured with: its currency, its taxes, its ways of shipping, its terms and its
//! limits. All of it is data, read with everything else in one snapshot.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    cart::MergeStrategy,
    currency::Currency,
    error::{FieldError, Rejection},
    inventory::Location,
    order::PaymentTerms,
    patch::{patch, set},
    payment::CapturePolicy,
    pricing::{Destination, PricingPolicy, ShippingMethod, TaxTable},
    text::{GatewayName, Label},
    version::Versioned,
};

/// How much of everything there may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most lines of a cart, at most 2,000.
    pub lines_max: usize,
    /// The most units of a line, at most 1,000,000,000.
    pub line_quantity_max: i64,
    /// The days after which a cart that nobody touches expires, from 1 to 3,650.
    pub cart_idle_days: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lines_max: 2_000, line_quantity_max: 1_000_000, cart_idle_days: 30 }
    }
}

impl Limits {
    /// The most lines that a shop may allow.
    pub const LINES_CEILING: usize = 2_000;

    /// How long a cart lives that nobody touches.
    pub fn cart_idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.cart_idle_days) * 86_400)
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
    /// Its ways of shipping. With none, what needs shipping is sent free of charge.
    #[serde(default)]
    pub shipping_methods: Vec<ShippingMethod>,
    /// The gateways that can be paid by, with the terms of each.
    #[serde(default = "manual_prepaid")]
    pub payment_terms: BTreeMap<GatewayName, PaymentTerms>,
    /// When the money of each gateway's payments is taken; as soon as the customer has agreed where
    /// nothing is said. What cannot wait is taken at once in any case.
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
        pub pricing: Option<PricingPolicy>,
        /// All of its taxes.
        pub taxes: Option<TaxTable>,
        /// All of its ways of shipping.
        pub shipping_methods: Option<Vec<ShippingMethod>>,
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
        pub limits: Option<Limits>,
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

    /// The configuration after a change. What is no longer offered is no longer captured either.
    #[must_use]
    pub fn patch(&self, patch: PatchShop) -> Self {
        let mut shop = self.clone();
        set(&mut shop.name, patch.name);
        set(&mut shop.currency, patch.currency);
        set(&mut shop.home, patch.home);
        set(&mut shop.pricing, patch.pricing);
        set(&mut shop.taxes, patch.taxes);
        set(&mut shop.shipping_methods, patch.shipping_methods);
        let given = patch.payment_terms.iter().flatten();
        let removed: Vec<_> = given.filter(|(_, to)| to.is_none()).map(|(name, _)| name).collect();
        shop.capture.retain(|gateway, _| !removed.contains(&gateway));
        merge(&mut shop.payment_terms, patch.payment_terms);
        merge(&mut shop.capture, patch.capture);
        set(&mut shop.cart_merge, patch.cart_merge);
        set(&mut shop.limits, patch.limits);
        shop
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

    #[test]
    fn a_gateway_is_offered_and_withdrawn() {
        let shop = Shop::new("Test", Currency::EUR).unwrap();
        let patch = |text: &str| serde_json::from_str::<PatchShop>(text).unwrap();
        let cards = shop.patch(patch(
            r#"{"payment_terms": {"stripe": {"kind": "prepaid", "days": 1}},
                "capture": {"stripe": "on_fulfillment"}}"#,
        ));
        let stripe = GatewayName::new("stripe").unwrap();
        assert_eq!(cards.payment_terms.len(), 2, "manual stays");
        assert_eq!(cards.payment_terms[&stripe].days(), 1);
        assert_eq!(cards.capture[&stripe], CapturePolicy::OnFulfillment);
        let soon = cards.patch(patch(r#"{"capture": {"stripe": null}}"#));
        assert_eq!(soon, Shop { capture: BTreeMap::new(), ..cards.clone() });
        let without = cards.patch(patch(r#"{"payment_terms": {"stripe": null}}"#));
        assert_eq!(without, shop);
        let none = shop.patch(patch(r#"{"payment_terms": {"manual": null}}"#));
        assert!(none.check().is_err());
        let unknown = shop.patch(patch(r#"{"capture": {"stripe": "manual"}}"#));
        assert!(unknown.check().is_err());
        assert_eq!(shop.patch(PatchShop::default()), shop);
        assert!(serde_json::from_str::<PatchShop>(r#"{"name": null}"#).is_err());
    }
}
