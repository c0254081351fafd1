//! The shop that the benches sell from.
//!
//! It is an ordinary one: prices with VAT at two rates, a shipping method that is free above a
//! threshold, and as many variants and units as are asked for.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot set itself up has nothing to measure"
)]
#![allow(clippy::float_arithmetic, reason = "rates and times; money is counted elsewhere")]
#![allow(clippy::print_stdout, reason = "figures are printed")]

pub mod callers;
pub mod catalogue;
pub mod checkout;
pub mod client;
pub mod export;
pub mod figure;
pub mod history;
pub mod postgres;
pub mod purchase;
pub mod scale;
pub mod server;

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CheckoutInputs, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    currency::Currency::EUR,
    customer::Address,
    id::{CartId, ShippingMethodId, TaxRateId, VariantId},
    money::Money,
    shop::Shop,
};
use pollster::block_on;
use serde_json::json;

/// A shop with goods in it.
#[derive(Debug)]
pub struct Fixture {
    /// The shop.
    pub shop: Commerce,
    /// Its goods.
    pub variants: Vec<VariantId>,
    /// How its carts are sent.
    pub method: ShippingMethodId,
}

impl Fixture {
    /// Fills an empty shop with so many variants; with none, takes a shop as it is.
    pub fn new(shop: Commerce, variants: usize) -> Self {
        let office = Caller::system();
        let mut moment = shop.moment();
        let method: ShippingMethodId = moment.id();
        let mut vat = |class: &str, rate: &str| {
            let id: TaxRateId = moment.id();
            json!({ "id": id, "label": "VAT", "class": class, "country": "DE", "rate": rate })
        };
        let taxes = [vat("standard", "0.19"), vat("reduced", "0.07")];
        let config = json!({
            "name": "Bench", "currency": "EUR", "home": { "country": "DE" },
            "pricing": { "prices_include_tax": true },
            "taxes": taxes,
            "shipping_methods": [{ "id": method, "name": "Parcel", "tax_class": "standard",
                "rate": { "type": "free_from",
                    "price": Money::new(490, EUR), "threshold": Money::new(100_000, EUR) } }],
        });
        let config: Shop = serde_json::from_value(config).unwrap();
        let setup = block_on(shop.open(config)).unwrap();
        let method = setup.shop.shipping_methods[0].id;
        let variants: Vec<VariantId> = (0..variants)
            .map(|n| {
                let price = 500 + 7 * i64::try_from(n % 100).unwrap();
                let sku = format!("SKU-{n:07}");
                let variant = CreateVariant::new(&sku, Money::new(price, EUR)).unwrap();
                let class = if n % 3 == 0 { "reduced" } else { "standard" };
                let product = CreateProduct {
                    status: ProductStatus::Active,
                    tax_class: class.parse().unwrap(),
                    variants: vec![variant],
                    ..CreateProduct::new(format!("Thing number {n}")).unwrap()
                };
                block_on(shop.create_product(&office, &product)).unwrap().variants[0].id
            })
            .collect();
        for some in variants.chunks(10_000) {
            let units: Vec<_> = some.iter().map(|id| (*id, 1_000_000_000)).collect();
            block_on(shop.receive_stock(&office, None, &units, None)).unwrap();
        }
        Self { shop, variants, method }
    }

    /// A guest's cart, ready to be checked out, that begins at some variant and has so many lines.
    pub fn cart(&self, begin: usize, lines: usize) -> (Caller, CartId) {
        let visitor = Caller::anonymous();
        let made = block_on(self.shop.create_cart(&visitor, &self.request(begin, lines))).unwrap();
        (made.caller(&visitor), made.cart.id)
    }

    /// The request for such a cart.
    pub fn request(&self, begin: usize, lines: usize) -> CreateCart {
        let variants = self.variants.iter().cycle().skip(begin % self.variants.len());
        self.request_of(variants.take(lines).copied())
    }

    /// The request for a cart of two units each of some variants.
    pub fn request_of(&self, variants: impl IntoIterator<Item = VariantId>) -> CreateCart {
        CreateCart {
            lines: variants.into_iter().map(|id| AddLine::new(id, 2).unwrap()).collect(),
            email: Some("ada@example.com".parse().unwrap()),
            shipping_address: Some(Address::new("Ada", "Street 1", "Berlin", "DE").unwrap()),
            shipping_method: Some(self.method),
            ..CreateCart::default()
        }
    }

    /// What pricing and placing such a cart need.
    pub fn inputs(&self, lines: usize) -> CheckoutInputs {
        let (_, cart) = self.cart(0, lines);
        block_on(self.shop.store().checkout_inputs(cart, &[])).unwrap().unwrap()
    }
}
