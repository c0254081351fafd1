//! A quote and all that it depends on, in few words.

use commerce_core::{
    currency::Currency,
    id::{Id, LineId, ShippingMethodId, TaxRateId},
    money::Money,
    pricing::{
        AdjustmentKind, Destination, Discount, DiscountValue, PricedLine, PricingError,
        PricingPolicy, Quote, QuoteRequest, ShippingMethod, ShippingRate, TaxRate, TaxTable, quote,
    },
    quantity::Quantity,
};
use proptest::prelude::*;

pub(crate) const EUR: Currency = Currency::EUR;

pub(crate) fn id<T: Id>(number: usize) -> T {
    format!("{}_{:032x}", T::PREFIX, number).parse().unwrap()
}

pub(crate) fn eur(minor: i64) -> Money {
    Money::new(minor, EUR)
}

/// So many units of goods of class `standard` at this price.
pub(crate) fn line(price: i64, quantity: i64) -> PricedLine {
    PricedLine {
        agreed: false,
        id: id(0),
        unit_price: eur(price),
        quantity: Quantity::new(quantity).unwrap(),
        tax_class: Some("standard".parse().unwrap()),
        grams: 100,
        requires_shipping: true,
        discounts: vec![],
    }
}

pub(crate) fn of_class(class: &str, line: PricedLine) -> PricedLine {
    PricedLine { tax_class: Some(class.parse().unwrap()), ..line }
}

pub(crate) fn less(discounts: &[Discount], line: PricedLine) -> PricedLine {
    PricedLine { discounts: discounts.to_vec(), ..line }
}

pub(crate) fn off(minor: i64) -> Discount {
    Discount {
        label: "Off".parse().unwrap(),
        source: Discount::MANUAL.parse().unwrap(),
        value: DiscountValue::Amount(eur(minor)),
    }
}

pub(crate) fn percent(percent: &str) -> Discount {
    Discount {
        label: "Percent off".parse().unwrap(),
        source: "promo_1".parse().unwrap(),
        value: DiscountValue::Percent(percent.parse().unwrap()),
    }
}

/// A rate for one class, or for all, where [`place`] is.
pub(crate) fn tax(class: &str, rate: &str) -> TaxRate {
    TaxRate {
        id: id(0),
        label: format!("VAT {rate}").parse().unwrap(),
        class: class.parse().ok(),
        country: Some(place("DE").country),
        region: None,
        rate: rate.parse().unwrap(),
        compound: false,
        replaces_country: false,
    }
}

/// A country, or one of its regions: `DE`, `CA/QC`.
pub(crate) fn place(text: &str) -> Destination {
    let (country, region) = text.split_once('/').unwrap_or((text, ""));
    Destination { country: country.parse().unwrap(), region: region.parse().ok() }
}

pub(crate) fn tax_at(at: &str, class: &str, rate: &str) -> TaxRate {
    let Destination { country, region } = place(at);
    TaxRate { country: Some(country), region, ..tax(class, rate) }
}

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) lines: Vec<PricedLine>,
    pub(crate) taxes: Vec<TaxRate>,
    pub(crate) order_discounts: Vec<Discount>,
    pub(crate) shipping: Option<ShippingMethod>,
    pub(crate) shipping_discounts: Vec<Discount>,
    pub(crate) destination: Option<Destination>,
    pub(crate) home: Option<Destination>,
    pub(crate) policy: PricingPolicy,
}

impl Case {
    pub(crate) fn of(lines: &[PricedLine]) -> Self {
        Self {
            lines: lines.to_vec(),
            taxes: vec![],
            order_discounts: vec![],
            shipping: None,
            shipping_discounts: vec![],
            destination: Some(place("DE")),
            home: None,
            policy: PricingPolicy::default(),
        }
    }

    pub(crate) fn taxed(mut self, taxes: &[TaxRate]) -> Self {
        self.taxes = taxes.to_vec();
        self
    }

    /// Prices include their tax, and the shop is at home where [`place`]s it.
    pub(crate) fn included(mut self) -> Self {
        self.policy.prices_include_tax = true;
        self
    }

    pub(crate) fn policy(mut self, change: impl FnOnce(&mut PricingPolicy)) -> Self {
        change(&mut self.policy);
        self
    }

    pub(crate) fn to(mut self, destination: &str) -> Self {
        self.destination = Some(place(destination));
        self
    }

    pub(crate) fn from(mut self, home: &str) -> Self {
        self.home = Some(place(home));
        self
    }

    pub(crate) fn discounts(mut self, discounts: &[Discount]) -> Self {
        self.order_discounts = discounts.to_vec();
        self
    }

    pub(crate) fn ship(mut self, rate: ShippingRate, class: &str) -> Self {
        self.shipping = Some(ShippingMethod {
            id: id::<ShippingMethodId>(1),
            name: "Parcel".parse().unwrap(),
            rate,
            countries: vec![],
            tax_class: class.parse().ok(),
            active: true,
        });
        self
    }

    pub(crate) fn flat(self, price: i64, class: &str) -> Self {
        self.ship(ShippingRate::Flat { price: eur(price) }, class)
    }

    pub(crate) fn less_shipping(mut self, discounts: &[Discount]) -> Self {
        self.shipping_discounts = discounts.to_vec();
        self
    }

    pub(crate) fn try_quote(&self) -> Result<Quote, PricingError> {
        let numbered = self.taxes.iter().cloned().enumerate();
        let taxes =
            TaxTable::new(numbered.map(|(n, rate)| TaxRate { id: id::<TaxRateId>(n), ..rate }));
        let numbered = self.lines.iter().cloned().enumerate();
        let lines: Vec<PricedLine> =
            numbered.map(|(n, line)| PricedLine { id: id::<LineId>(n), ..line }).collect();
        quote(&QuoteRequest {
            order_discounts: &self.order_discounts,
            shipping: self.shipping.as_ref(),
            shipping_discounts: &self.shipping_discounts,
            destination: self.destination.as_ref(),
            home: self.home.as_ref(),
            ..QuoteRequest::new(EUR, &lines, &self.policy, &taxes.unwrap())
        })
    }

    /// The quote, whose parts are known to sum to the whole.
    pub(crate) fn quote(&self) -> Quote {
        let quote = self.try_quote().unwrap();
        explained(&quote).unwrap();
        quote
    }

    pub(crate) fn total(&self) -> i64 {
        self.quote().total.minor()
    }

    pub(crate) fn tax(&self) -> i64 {
        self.quote().tax_total.minor()
    }

    pub(crate) fn line_totals(&self) -> Vec<i64> {
        self.quote().lines.iter().map(|line| line.total.minor()).collect()
    }
}

/// The promises of a quote: no amount is negative, each total is the sum of its parts, and the
/// adjustments account for every cent of it.
pub(crate) fn explained(quote: &Quote) -> Result<(), TestCaseError> {
    let sum = |amounts: &mut dyn Iterator<Item = Money>| amounts.map(Money::minor).sum::<i64>();
    let tax_added = |tax: Money| if quote.tax_included { 0 } else { tax.minor() };
    let mut taxes = 0;
    let mut total = quote.subtotal.minor();
    for line in &quote.lines {
        let added = sum(&mut line.adjustments.iter().filter(|a| !a.included).map(|a| a.amount));
        let discounts = line.adjustments.iter().filter(|a| a.kind != AdjustmentKind::Tax);
        let tax = line.adjustments.iter().filter(|a| a.kind == AdjustmentKind::Tax);
        prop_assert_eq!(line.subtotal.minor() + added, line.total.minor());
        prop_assert_eq!(-sum(&mut discounts.map(|a| a.amount)), line.discount_total.minor());
        prop_assert_eq!(sum(&mut tax.map(|a| a.amount)), line.tax_total.minor());
        prop_assert_eq!(
            line.subtotal.minor() - line.discount_total.minor() + tax_added(line.tax_total),
            line.total.minor()
        );
        for amount in [line.subtotal, line.discount_total, line.tax_total, line.total] {
            prop_assert!(!amount.is_negative() && amount.currency() == quote.currency);
        }
        prop_assert!(!quote.tax_included || line.tax_total.minor() <= line.total.minor());
        total += added;
    }
    let mut parts = [0; 5];
    for line in &quote.lines {
        let line = [line.subtotal, line.discount_total, line.tax_total, line.total];
        parts.iter_mut().zip(line).for_each(|(part, amount)| *part += amount.minor());
    }
    if let Some(shipping) = &quote.shipping {
        let added = sum(&mut shipping.adjustments.iter().filter(|a| !a.included).map(|a| a.amount));
        prop_assert_eq!(added, shipping.total.minor());
        prop_assert!(!shipping.total.is_negative() && !shipping.tax_total.is_negative());
        parts[2] += shipping.tax_total.minor();
        parts[3] += shipping.total.minor();
        parts[4] = shipping.subtotal.minor() - shipping.discount_total.minor();
        total += added;
    }
    taxes += sum(&mut quote.taxes.iter().map(|tax| tax.amount));
    let whole =
        [quote.subtotal, quote.discount_total, quote.tax_total, quote.total, quote.shipping_total];
    prop_assert_eq!(whole.map(Money::minor), parts);
    prop_assert_eq!(taxes, quote.tax_total.minor());
    prop_assert_eq!(total, quote.total.minor());
    prop_assert_eq!(
        quote.subtotal.minor() - quote.discount_total.minor()
            + quote.shipping_total.minor()
            + tax_added(quote.tax_total),
        quote.total.minor()
    );
    prop_assert_eq!(quote.total.minor() + quote.rounding.minor(), quote.payable.minor());
    Ok(())
}
