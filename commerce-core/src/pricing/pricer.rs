//! The work of pricing, step by step.

use std::collections::HashMap;

use super::{
    Adjustment, AdjustmentKind, AllocationBasis, CrossBorder, Destination, Discount, DiscountError,
    PricingError, Quote, QuoteLine, QuoteRequest, QuoteShipping, RoundingLevel, TaxSummary,
    levy::{Item, Levy, taxes},
    tax::Entry,
};
use crate::{
    allocation::allocate_within,
    money::{Money, MoneyError},
    rounding::{div_round, round_to_increment},
    text::{Label, TaxClass},
};

/// Prices an order. See the [module](super) for the order of work.
///
/// # Errors
/// [`PricingError`]: what has no meaning or cannot be computed exactly is refused.
///
/// ```
/// use commerce_core::{currency::Currency::USD, id::*, money::Money, pricing::*};
/// use commerce_core::{quantity::Quantity, time::Timestamp};
///
/// let line = PricedLine {
///     id: Moment::new(Timestamp::UNIX_EPOCH, [0; 16]).id(),
///     unit_price: Money::new(7_00, USD),
///     agreed: false,
///     quantity: Quantity::new(2).unwrap(),
///     tax_class: None,
///     grams: 0,
///     requires_shipping: false,
///     discounts: vec![Discount {
///         label: "Seconds".parse().unwrap(),
///         source: Discount::MANUAL.parse().unwrap(),
///         value: DiscountValue::Percent("2.63".parse().unwrap()),
///     }],
/// };
/// let (policy, taxes) = (PricingPolicy::default(), TaxTable::default());
/// let quote = quote(&QuoteRequest::new(USD, &[line], &policy, &taxes)).unwrap();
/// assert_eq!(quote.total, Money::new(13_63, USD));
/// assert_eq!(quote.lines[0].adjustments[0].amount, Money::new(-37, USD));
/// ```
pub fn quote(request: &QuoteRequest<'_>) -> Result<Quote, PricingError> {
    let pricer = Pricer { request, rules: Rules::of(request)? };
    let mut lines = pricer.lines()?;
    pricer.discount_order(&mut lines)?;
    let shipping = pricer.shipping(&lines)?;
    pricer.close(lines, shipping)
}

/// What the law makes of the goods of one tax class.
#[derive(Default)]
struct Rule<'a> {
    levy: Levy<'a>,
    /// By which fraction prices are multiplied on their way across a border.
    conversion: Option<(i128, i128)>,
}

struct Rules<'a> {
    by_class: HashMap<&'a TaxClass, Rule<'a>>,
    untaxed: Rule<'a>,
}

impl<'a> Rules<'a> {
    fn of(request: &QuoteRequest<'a>) -> Result<Self, PricingError> {
        let QuoteRequest { policy, taxes, home, destination, .. } = *request;
        let included = policy.prices_include_tax;
        let to = if included { destination.or(home) } else { destination };
        let from = home.filter(|_| included && policy.cross_border == CrossBorder::SameNet);
        let levy = |class, at: Option<&'a Destination>| match at {
            Some(at) => Levy::new(taxes.entries(class, at)).ok_or(PricingError::TooLarge),
            None => Ok(Levy::default()),
        };
        let mut rules = Self { by_class: HashMap::new(), untaxed: Rule::default() };
        let shipping = request.shipping.and_then(|method| method.tax_class.as_ref());
        let classes = request.lines.iter().filter_map(|line| line.tax_class.as_ref());
        for class in classes.chain(shipping) {
            if rules.by_class.contains_key(class) {
                continue;
            }
            let mut rule = Rule { levy: levy(class, to)?, conversion: None };
            if from.is_some() && from != to {
                let home = levy(class, from)?;
                rule.conversion = rule.levy.conversion_from(&home).ok_or(PricingError::TooLarge)?;
            }
            rules.by_class.insert(class, rule);
        }
        Ok(rules)
    }

    fn find(&self, class: Option<&TaxClass>) -> &Rule<'a> {
        class.and_then(|class| self.by_class.get(class)).unwrap_or(&self.untaxed)
    }
}

/// A line, or shipping, on its way to its total, in minor units.
struct Draft<'p> {
    rule: &'p Rule<'p>,
    unit_price: i64,
    quantity: i64,
    subtotal: i64,
    /// What the discounts so far left.
    left: i64,
    adjustments: Vec<Adjustment>,
}

impl<'p> Draft<'p> {
    fn item(&self) -> Item<'p> {
        Item { amount: self.left, quantity: self.quantity, levy: &self.rule.levy }
    }
}

struct Pricer<'r, 'a> {
    request: &'r QuoteRequest<'a>,
    rules: Rules<'a>,
}

impl Pricer<'_, '_> {
    fn money(&self, minor: impl Into<i128>) -> Result<Money, PricingError> {
        Ok(Money::from_minor(minor, self.request.currency)?)
    }

    fn sum(&self, amounts: impl Iterator<Item = Money>) -> Result<Money, PricingError> {
        Ok(Money::try_sum(amounts, self.request.currency)?)
    }

    fn lines(&self) -> Result<Vec<Draft<'_>>, PricingError> {
        let QuoteRequest { currency, lines, order_discounts, .. } = *self.request;
        let draft = |line: &super::PricedLine| {
            let unit = line.unit_price.minor_in(currency)?;
            if unit < 0 {
                return Err(PricingError::NegativePrice(line.id));
            }
            let rule = self.rules.find(line.tax_class.as_ref());
            let adjustments = line.discounts.len() + order_discounts.len() + rule.levy.len();
            let conversion = rule.conversion.filter(|_| !line.agreed);
            let mut draft = self.draft(rule, conversion, unit, line.quantity.get(), adjustments)?;
            self.discount(&mut draft, &line.discounts)?;
            Ok(draft)
        };
        lines.iter().map(draft).collect()
    }

    /// The price of so many units, before discounts.
    fn draft<'p>(
        &self,
        rule: &'p Rule<'p>,
        conversion: Option<(i128, i128)>,
        unit: i64,
        quantity: i64,
        adjustments: usize,
    ) -> Result<Draft<'p>, PricingError> {
        let policy = self.request.policy;
        let convert = |price: i128| match conversion {
            None => Some(price),
            Some((num, den)) => div_round(price.checked_mul(num)?, den, policy.rounding),
        };
        // Products of 64-bit numbers fit 128 bits.
        let (exact, quantity_128) = (i128::from(unit), i128::from(quantity));
        let unit = self.money(convert(exact).ok_or(PricingError::TooLarge)?)?.minor();
        let subtotal = match policy.level {
            RoundingLevel::Unit => Some(i128::from(unit) * quantity_128),
            _ => convert(exact * quantity_128),
        };
        let subtotal = self.money(subtotal.ok_or(PricingError::TooLarge)?)?.minor();
        let adjustments = Vec::with_capacity(adjustments);
        Ok(Draft { rule, unit_price: unit, quantity, subtotal, left: subtotal, adjustments })
    }

    fn discount(&self, draft: &mut Draft<'_>, discounts: &[Discount]) -> Result<(), PricingError> {
        for discount in discounts {
            let off = self.off(discount, draft.left)?;
            self.take(draft, discount, off);
        }
        Ok(())
    }

    fn off(&self, discount: &Discount, left: i64) -> Result<i64, PricingError> {
        let QuoteRequest { currency, policy, .. } = *self.request;
        discount.value.off(left, currency, policy.rounding).map_err(|source| match source {
            DiscountError::Money(error @ MoneyError::CurrencyMismatch { .. }) => error.into(),
            source => PricingError::Discount { label: discount.label.clone(), source },
        })
    }

    fn take(&self, draft: &mut Draft<'_>, discount: &Discount, off: i64) {
        if off != 0 {
            draft.left -= off;
            draft.adjustments.push(Adjustment {
                kind: discount.kind(),
                label: discount.label.clone(),
                source: discount.source.clone(),
                amount: Money::new(-off, self.request.currency),
                included: false,
            });
        }
    }

    /// What the goods cost after the discounts so far.
    fn goods(&self, lines: &[Draft<'_>]) -> Result<Money, PricingError> {
        self.money(lines.iter().map(|line| i128::from(line.left)).sum::<i128>())
    }

    fn discount_order(&self, lines: &mut [Draft<'_>]) -> Result<(), PricingError> {
        let policy = self.request.policy;
        for discount in self.request.order_discounts {
            let off = self.off(discount, self.goods(lines)?.minor())?;
            let weight = |line: &Draft<'_>| {
                let weight = match policy.allocation_basis {
                    AllocationBasis::Listed => Some(line.left),
                    AllocationBasis::Gross => line.item().gross(policy),
                    AllocationBasis::Net => line.item().net(policy),
                };
                // A line that has something left can give it, even if its net rounds to nothing.
                weight.map(|weight| weight.max(line.left.min(1)))
            };
            let weights: Option<Vec<i64>> = lines.iter().map(weight).collect();
            let weights = weights.ok_or(PricingError::TooLarge)?;
            let ceilings: Vec<i64> = lines.iter().map(|line| line.left).collect();
            for (line, off) in lines.iter_mut().zip(allocate_within(off, &weights, &ceilings)?) {
                self.take(line, discount, off);
            }
        }
        Ok(())
    }

    fn shipping(&self, lines: &[Draft<'_>]) -> Result<Option<Draft<'_>>, PricingError> {
        let QuoteRequest { currency, shipping, shipping_discounts, destination, .. } =
            *self.request;
        let Some(method) = shipping.filter(|_| self.request.requires_shipping()) else {
            return Ok(None);
        };
        let price = method.price(self.goods(lines)?, self.request.grams()?, destination)?;
        let price = price.minor_in(currency)?;
        if price < 0 {
            return Err(PricingError::NegativeShipping(method.id));
        }
        let rule = self.rules.find(method.tax_class.as_ref());
        let adjustments = 1 + shipping_discounts.len() + rule.levy.len();
        let mut draft = self.draft(rule, rule.conversion, price, 1, adjustments)?;
        draft.adjustments.push(Adjustment {
            kind: AdjustmentKind::Shipping,
            label: method.name.clone(),
            source: Label::from(method.id),
            amount: Money::new(draft.subtotal, currency),
            included: false,
        });
        self.discount(&mut draft, shipping_discounts)?;
        Ok(Some(draft))
    }

    /// Adds the taxes and sums up.
    fn close(
        &self,
        drafts: Vec<Draft<'_>>,
        shipping: Option<Draft<'_>>,
    ) -> Result<Quote, PricingError> {
        let QuoteRequest { currency, policy, .. } = *self.request;
        let items: Vec<Item<'_>> = drafts.iter().chain(&shipping).map(Draft::item).collect();
        let mut taxes = taxes(&items, policy).ok_or(PricingError::TooLarge)?.into_iter();
        let mut by_rate = Vec::new();

        let mut lines = Vec::with_capacity(drafts.len());
        for (line, mut draft) in self.request.lines.iter().zip(drafts) {
            let shares = taxes.next().unwrap_or_default();
            let Amounts { subtotal, discount_total, tax_total, total } =
                self.amounts(&mut draft, &shares, &mut by_rate)?;
            let unit_price = Money::new(draft.unit_price, currency);
            let (id, quantity, adjustments) = (line.id, line.quantity, draft.adjustments);
            lines.push(QuoteLine {
                id,
                unit_price,
                quantity,
                subtotal,
                discount_total,
                tax_total,
                total,
                adjustments,
            });
        }
        let shipping = match self.request.shipping.zip(shipping) {
            None => None,
            Some((method, mut draft)) => {
                let shares = taxes.next().unwrap_or_default();
                let Amounts { subtotal, discount_total, tax_total, total } =
                    self.amounts(&mut draft, &shares, &mut by_rate)?;
                let (name, adjustments) = (method.name.clone(), draft.adjustments);
                Some(QuoteShipping {
                    method: method.id,
                    name,
                    subtotal,
                    discount_total,
                    tax_total,
                    total,
                    adjustments,
                })
            }
        };

        let shipping_total = match &shipping {
            Some(shipping) => shipping.subtotal.checked_sub(shipping.discount_total)?,
            None => Money::zero(currency),
        };
        let shipping_tax = shipping.iter().map(|shipping| shipping.tax_total);
        let shipping_gross = shipping.iter().map(|shipping| shipping.total);
        let total = self.sum(lines.iter().map(|line| line.total).chain(shipping_gross))?;
        let payable = match policy.cash_increment {
            Some(coin) if coin.currency() == currency => {
                round_to_increment(total, coin.minor(), policy.rounding)?
            }
            _ => total,
        };
        by_rate.sort_unstable_by_key(|rate| rate.entry.position);
        Ok(Quote {
            currency,
            subtotal: self.sum(lines.iter().map(|line| line.subtotal))?,
            discount_total: self.sum(lines.iter().map(|line| line.discount_total))?,
            shipping_total,
            tax_total: self.sum(lines.iter().map(|line| line.tax_total).chain(shipping_tax))?,
            tax_included: policy.prices_include_tax,
            total,
            rounding: payable.checked_sub(total)?,
            payable,
            taxes: by_rate.into_iter().map(|rate| self.summary(rate)).collect::<Result<_, _>>()?,
            lines,
            shipping,
        })
    }

    /// The amounts of a draft, with the tax by each rate written on it and added to the rate.
    fn amounts<'p>(
        &self,
        draft: &mut Draft<'p>,
        shares: &[i64],
        by_rate: &mut Vec<ByRate<'p>>,
    ) -> Result<Amounts, PricingError> {
        let included = self.request.policy.prices_include_tax;
        let tax: i128 = shares.iter().map(|share| i128::from(*share)).sum();
        let left = i128::from(draft.left);
        let (net, total) = if included { (left - tax, left) } else { (left, left + tax) };
        for (entry, share) in draft.rule.levy.entries().zip(shares) {
            let source = match by_rate.iter_mut().find(|r| r.entry.position == entry.position) {
                Some(rate) => {
                    rate.net += net;
                    rate.tax += i128::from(*share);
                    rate.source.clone()
                }
                None => {
                    let source = Label::from(entry.rate.id);
                    let (tax, first) = (i128::from(*share), source.clone());
                    by_rate.push(ByRate { entry, source, net, tax });
                    first
                }
            };
            draft.adjustments.push(Adjustment {
                kind: AdjustmentKind::Tax,
                label: entry.rate.label.clone(),
                source,
                amount: self.money(*share)?,
                included,
            });
        }
        Ok(Amounts {
            subtotal: self.money(draft.subtotal)?,
            discount_total: self.money(draft.subtotal - draft.left)?,
            tax_total: self.money(tax)?,
            total: self.money(total)?,
        })
    }

    fn summary(&self, rate: ByRate<'_>) -> Result<TaxSummary, PricingError> {
        Ok(TaxSummary {
            id: rate.entry.rate.id,
            label: rate.entry.rate.label.clone(),
            rate: rate.entry.rate.rate,
            net: self.money(rate.net)?,
            amount: self.money(rate.tax)?,
        })
    }
}

struct Amounts {
    subtotal: Money,
    discount_total: Money,
    tax_total: Money,
    total: Money,
}

/// One rate over the whole quote.
struct ByRate<'p> {
    entry: &'p Entry,
    /// The rate's id as a label, made once.
    source: Label,
    net: i128,
    tax: i128,
}
