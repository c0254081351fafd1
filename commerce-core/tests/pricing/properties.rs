//! What holds for every quote.

use commerce_core::{
    currency::Currency,
    money::Money,
    pricing::{
        AllocationBasis, CrossBorder, Discount, IncludedRounds, PricedLine, PricingError, Quote,
        RoundingLevel, ShippingRate, TaxRate, TaxTable,
    },
    rounding::{Rounding, div_round},
};
use proptest::{prelude::*, sample::select};

use crate::case::{Case, eur, explained, id, less, line, of_class, off, percent, tax, tax_at};

const CLASSES: [&str; 3] = ["standard", "reduced", "zero"];

fn roundings() -> impl Strategy<Value = Rounding> {
    use Rounding::{Down, HalfDown, HalfEven, HalfUp, Up};
    select(vec![HalfUp, HalfEven, HalfDown, Up, Down])
}

fn discounts() -> impl Strategy<Value = Vec<Discount>> {
    let percentage = (0..=10_000i64).prop_map(|p| percent(&format!("{}.{:02}", p / 100, p % 100)));
    let discount = prop_oneof![(0..5_000i64).prop_map(off), percentage];
    prop::collection::vec(discount, 0..3)
}

fn lines(max: usize) -> impl Strategy<Value = Vec<PricedLine>> {
    let price = prop_oneof![Just(0), 1..10i64, 0..100_000i64];
    let line = (price, 1..30i64, select(&CLASSES[..]), discounts())
        .prop_map(|(price, units, class, off)| less(&off, of_class(class, line(price, units))));
    prop::collection::vec(line, 0..max)
}

/// Rates at home, next door and in its region, and elsewhere; some of them compound or high.
fn rates() -> impl Strategy<Value = Vec<TaxRate>> {
    let place = select(&["DE", "CA", "CA/QC", "FI"][..]);
    let class = select(&["standard", "reduced", ""][..]);
    let rate = prop_oneof![0..300_000u32, 0..=10_000_000u32];
    let rate = (place, class, rate, any::<bool>()).prop_map(|(place, class, rate, compound)| {
        let rate = format!("{}.{:06}", rate / 1_000_000, rate % 1_000_000);
        TaxRate { compound, ..tax_at(place, class, &rate) }
    });
    prop::collection::vec(rate, 0..8).prop_filter("at most so many compound rates", |rates| {
        rates.iter().filter(|rate| rate.compound).count() <= TaxTable::COMPOUND_MAX
    })
}

fn cases() -> impl Strategy<Value = Case> {
    use RoundingLevel::{Document, Jurisdiction, Line, Unit};
    let policy = (
        roundings(),
        select(vec![Unit, Line, Jurisdiction, Document]),
        select(vec![IncludedRounds::Net, IncludedRounds::Tax]),
        select(vec![AllocationBasis::Listed, AllocationBasis::Gross, AllocationBasis::Net]),
        any::<bool>(),
        select(vec![CrossBorder::SameGross, CrossBorder::SameNet]),
        prop::option::of(select(vec![5i64, 10, 100])),
    );
    let shipping = (prop::option::of(0..5_000i64), discounts());
    let to = select(&["DE", "CA", "CA/QC", "US"][..]);
    (lines(12), discounts(), rates(), shipping, to, policy).prop_map(
        |(lines, order, taxes, (shipping, shipping_discounts), to, policy)| {
            let mut case = Case::of(&lines).taxed(&taxes).discounts(&order).to(to).from("DE");
            case.shipping_discounts = shipping_discounts;
            if let Some(price) = shipping {
                case = case.flat(price, "standard");
            }
            case.policy(|p| {
                let (rounding, level, sides, basis, included, border, coin) = policy;
                (p.rounding, p.level, p.included_rounds) = (rounding, level, sides);
                (p.allocation_basis, p.prices_include_tax) = (basis, included);
                (p.cross_border, p.cash_increment) = (border, coin.map(eur));
            })
        },
    )
}

/// Every amount of a quote but those of its lines.
fn totals(quote: &Quote) -> [i64; 7] {
    [
        quote.subtotal,
        quote.discount_total,
        quote.shipping_total,
        quote.tax_total,
        quote.total,
        quote.rounding,
        quote.payable,
    ]
    .map(Money::minor)
}

#[test]
fn a_fourth_compound_rate_in_a_place_is_refused() {
    let rates = |places: &[&str]| {
        let rate = |(n, place): (usize, &&str)| TaxRate {
            id: id(n),
            compound: true,
            ..tax_at(place, "standard", "0.05")
        };
        TaxTable::new(places.iter().enumerate().map(rate))
    };
    assert!(rates(&["CA", "CA", "CA/QC", "DE", "DE", "DE"]).is_ok());
    assert!(rates(&["CA", "CA", "CA/QC", "CA/QC"]).is_err());
    assert!(rates(&["DE", "DE", "DE", "DE"]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_quote_is_explained_to_the_cent(case in cases()) {
        explained(&case.try_quote().unwrap())?;
    }

    #[test]
    fn a_quote_reads_back_from_json(case in cases()) {
        let quote = case.try_quote().unwrap();
        let json = serde_json::to_string(&quote).unwrap();
        prop_assert_eq!(serde_json::from_str::<Quote>(&json).unwrap(), quote);
    }

    /// Where order discounts leave no cent to be given to one of several equal remainders, nothing
    /// depends on which line comes first.
    #[test]
    fn the_order_of_lines_does_not_matter(case in cases(), seed: u64) {
        let mut case = case;
        case.order_discounts.clear();
        let before = case.try_quote().unwrap();
        let mut keys: Vec<u64> = (0..case.lines.len() as u64).collect();
        keys.iter_mut().for_each(|key| *key = (*key + 1).wrapping_mul(seed | 1) >> 7);
        let mut shuffled: Vec<_> = keys.into_iter().zip(case.lines.clone()).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        case.lines = shuffled.into_iter().map(|(_, line)| line).collect();
        let after = case.try_quote().unwrap();
        prop_assert_eq!(&before.taxes, &after.taxes);
        prop_assert_eq!(totals(&before), totals(&after));
    }

    /// With an order discount it may matter which of two lines gives the odd cent, as another tax
    /// is due on it; the discount itself, and the tax of the document, do not change.
    #[test]
    fn the_order_of_lines_never_changes_the_discount(case in cases()) {
        let mut case = case.policy(|policy| policy.level = RoundingLevel::Document);
        case.shipping = None;
        case.taxes = vec![tax_at("DE", "", "0.19"), tax_at("CA", "", "0.09975")];
        let before = case.try_quote().unwrap();
        case.lines.reverse();
        prop_assert_eq!(totals(&before), totals(&case.try_quote().unwrap()));
    }

    /// Rule 7: so many units are priced as one thing of that price.
    #[test]
    fn units_are_priced_together(case in cases()) {
        let case = case.policy(|policy| if policy.level == RoundingLevel::Unit {
            policy.level = RoundingLevel::Line;
        });
        let mut whole = case.clone();
        for line in &mut whole.lines {
            line.unit_price = line.unit_price.checked_mul(line.quantity.get()).unwrap();
            line.quantity = commerce_core::quantity::Quantity::ONE;
        }
        let (case, whole) = (case.try_quote().unwrap(), whole.try_quote().unwrap());
        prop_assert_eq!(totals(&case), totals(&whole));
        for (line, whole) in case.lines.iter().zip(&whole.lines) {
            prop_assert_eq!(&line.adjustments, &whole.adjustments);
        }
    }

    /// What is computed exactly grows in proportion: with prices in hundreds of cents and rates and
    /// percentages in whole percents there is nothing to round.
    #[test]
    fn exact_amounts_scale(
        prices in prop::collection::vec((0..1_000i64, 1..9i64), 1..9),
        rate in 0..100u32, off in 0..=100u32, times in 1..50i64,
    ) {
        let case = |unit: i64| {
            let off = percent(&off.to_string());
            let line = |(price, units): &(i64, i64)| {
                less(std::slice::from_ref(&off), line(price * unit, *units))
            };
            let lines: Vec<_> = prices.iter().map(line).collect();
            let rate = format!("0.{rate:02}");
            totals(&Case::of(&lines).taxed(&[tax("", &rate)]).quote())
        };
        prop_assert_eq!(case(10_000).map(|amount| amount * times), case(10_000 * times));
    }

    /// Tax inside a price never changes it. One side is rounded, the other is the rest, and on the
    /// document the sum is.
    #[test]
    fn included_tax_is_inside(
        prices in prop::collection::vec(0..10_000_000i64, 1..9),
        rate in prop_oneof![select(vec![40_000i64, 200_000, 250_000]), 0..=1_000_000i64],
        net: bool, document: bool, rounding in roundings(),
    ) {
        let text = format!("{}.{:06}", rate / 1_000_000, rate % 1_000_000);
        let lines: Vec<_> = prices.iter().map(|price| line(*price, 1)).collect();
        let quote = Case::of(&lines)
            .taxed(&[tax("", &text)])
            .included()
            .policy(|p| {
                p.rounding = rounding;
                p.level = if document { RoundingLevel::Document } else { RoundingLevel::Line };
                p.included_rounds = if net { IncludedRounds::Net } else { IncludedRounds::Tax };
            })
            .quote();
        let round = |price: i64| {
            let share = i128::from(if net { 1_000_000 } else { rate });
            let rounded = div_round(i128::from(price) * share, i128::from(1_000_000 + rate), rounding);
            let rounded = rounded.unwrap() as i64;
            if net { price - rounded } else { rounded }
        };
        let total: i64 = prices.iter().sum();
        let tax = if document { round(total) } else { prices.into_iter().map(round).sum() };
        prop_assert_eq!((quote.tax_total.minor(), quote.total.minor()), (tax, total));
        prop_assert_eq!(quote.taxes[0].net.minor(), total - tax);
    }

    /// A document's tax is its exact tax, rounded once for each rate; that of each line is its own
    /// exact tax, cut or raised to a whole number.
    #[test]
    fn a_document_rounds_each_rate_once(
        prices in prop::collection::vec((0..100_000i64, any::<bool>()), 1..20),
        standard in prop_oneof![Just(50_000i64), 0..=400_000i64],
        everything in prop_oneof![Just(50_000i64), 0..=400_000i64],
        rounding in roundings(),
    ) {
        let text = |rate: i64| format!("0.{rate:06}");
        let class = |taxed: &bool| if *taxed { "standard" } else { "books" };
        let lines: Vec<_> =
            prices.iter().map(|(price, taxed)| of_class(class(taxed), line(*price, 1))).collect();
        let quote = Case::of(&lines)
            .taxed(&[
                tax_at("CA", "standard", &text(standard)),
                tax_at("CA/QC", "", &text(everything)),
            ])
            .to("CA/QC")
            .policy(|p| (p.level, p.rounding) = (RoundingLevel::Document, rounding))
            .quote();
        let round = |sum: i64, rate| {
            div_round(i128::from(sum * rate), 1_000_000, rounding).unwrap() as i64
        };
        let sum: i64 = prices.iter().map(|(price, _)| price).sum();
        let taxed: i64 = prices.iter().filter(|(_, taxed)| *taxed).map(|(price, _)| price).sum();
        prop_assert_eq!(quote.tax_total.minor(), round(taxed, standard) + round(sum, everything));
        for (line, (price, taxed)) in quote.lines.iter().zip(&prices) {
            let rates = if *taxed { vec![standard, everything] } else { vec![everything] };
            prop_assert_eq!(line.adjustments.len(), rates.len());
            for (tax, rate) in line.adjustments.iter().zip(rates) {
                prop_assert!((tax.amount.minor() * 1_000_000 - price * rate).abs() < 1_000_000);
            }
        }
    }

    #[test]
    fn a_discount_of_everything_leaves_nothing(case in cases()) {
        let mut case = case;
        case.order_discounts.push(percent("100"));
        case.shipping_discounts.push(off(Money::MINOR_MAX));
        prop_assert_eq!(case.total(), 0);
    }

    /// Whatever the size, there is an exact quote or an error; never a wrong amount, never a panic.
    #[test]
    fn amounts_of_every_size(
        case in cases(),
        huge in prop::collection::vec((0..=i64::MAX, 1..=1_000_000_000i64), 1..5),
    ) {
        let mut case = case;
        case.lines.extend(huge.into_iter().map(|(price, units)| {
            let price = price >> (units % 63);
            PricedLine { grams: price, ..line(price, units) }
        }));
        match case.try_quote() {
            Ok(quote) => explained(&quote)?,
            Err(error) => prop_assert_eq!(error, PricingError::TooLarge),
        }
    }
}

#[test]
fn a_hundred_million_dollars_are_priced_under_every_policy() {
    let price = 10_000_000_000;
    for level in [
        RoundingLevel::Unit,
        RoundingLevel::Line,
        RoundingLevel::Jurisdiction,
        RoundingLevel::Document,
    ] {
        let case = Case::of(&[line(price, 7), of_class("reduced", line(price + 1, 3))])
            .taxed(&[
                tax_at("CA", "standard", "0.123457"),
                tax_at("CA", "reduced", "0.054321"),
                TaxRate { compound: true, ..tax_at("CA/QC", "", "0.099751") },
                TaxRate { compound: true, ..tax_at("CA/QC", "", "0.087503") },
            ])
            .to("CA/QC")
            .discounts(&[percent("12.345678")])
            .policy(|policy| policy.level = level);
        assert!(case.total() > 7 * price);
        assert!(case.included().total() < 10 * price);
    }
}

mod bad_input {
    use super::*;

    #[test]
    fn negative_and_huge_amounts() {
        let error = |lines: &[PricedLine]| Case::of(lines).try_quote().unwrap_err();
        assert!(matches!(error(&[line(-1, 1)]), PricingError::NegativePrice(_)));
        assert_eq!(error(&[line(i64::MIN, 1)]), PricingError::TooLarge);
        assert_eq!(error(&[line(Money::MINOR_MAX, 2)]), PricingError::TooLarge);
        let most = line(Money::MINOR_MAX, 1);
        assert_eq!(error(&[most.clone(), line(1, 1)]), PricingError::TooLarge);
        assert_eq!(Case::of(&[most]).total(), Money::MINOR_MAX);
        let light = PricedLine { grams: -1, ..line(1, 1) };
        let case = Case::of(&[light]).flat(1, "");
        assert!(matches!(case.try_quote(), Err(PricingError::NegativeWeight(_))));
        let case = Case::of(&[PricedLine { grams: i64::MAX, ..line(1, 2) }]).flat(1, "");
        assert_eq!(case.try_quote(), Err(PricingError::TooLarge));
    }

    #[test]
    fn mixed_currencies() {
        let dollar = Money::new(1, Currency::USD);
        let mixed =
            PricingError::CurrencyMismatch { expected: Currency::EUR, found: Currency::USD };
        let case = Case::of(&[PricedLine { unit_price: dollar, ..line(1, 1) }]);
        assert_eq!(case.try_quote(), Err(mixed.clone()));
        let off =
            Discount { value: commerce_core::pricing::DiscountValue::Amount(dollar), ..off(1) };
        let case = Case::of(&[line(1, 1)]).discounts(&[off]);
        assert_eq!(case.try_quote(), Err(mixed));
        let case = Case::of(&[line(1, 1)]).ship(ShippingRate::Flat { price: dollar }, "");
        assert!(matches!(case.try_quote(), Err(PricingError::Shipping(_))));
        // A coin of another currency rounds nothing.
        let case = Case::of(&[line(1, 1)]);
        let coin = Some(Money::new(5, Currency::USD));
        assert_eq!(case.policy(|policy| policy.cash_increment = coin).quote().payable, eur(1));
    }

    #[test]
    fn discounts_shipping_and_coins_without_meaning() {
        for bad in [off(-1), percent("-0.01"), percent("100.01"), percent("0.0000001")] {
            let case = Case::of(&[line(100, 1)]).discounts(&[bad]);
            assert!(matches!(case.try_quote(), Err(PricingError::Discount { .. })));
        }
        let case = Case::of(&[line(1, 1)]).flat(-1, "");
        assert!(matches!(case.try_quote(), Err(PricingError::NegativeShipping(_))));
        for coin in [0, -5] {
            let case = Case::of(&[line(1, 1)]).policy(|p| p.cash_increment = Some(eur(coin)));
            assert_eq!(case.try_quote(), Err(PricingError::InvalidCashIncrement));
        }
    }
}

/// Each rate's odd cent would fall to the same line, which has but one.
#[test]
fn taxes_of_a_document_never_exceed_the_price_that_includes_them() {
    let document = |lines: &[PricedLine], taxes: &[TaxRate]| {
        let case = Case::of(lines).taxed(taxes).included();
        let quote = case.policy(|policy| policy.level = RoundingLevel::Document).quote();
        quote.lines.iter().map(|line| line.tax_total.minor()).collect::<Vec<_>>()
    };
    let cents = document(&vec![line(1, 1); 12], &[tax("", "0.05"), tax("", "0.09975")]);
    assert_eq!(cents, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // 0.50 four times, which rounds to 1, and 3.90, of six cents.
    let five = || tax("", "5");
    let rest = TaxRate { compound: true, ..tax("", "1.857142") };
    assert_eq!(document(&[line(6, 1)], &[five(), five(), five(), five(), rest]), [6]);
}

#[test]
fn before_the_destination_is_known_tax_is_what_it_is_at_home() {
    let case = Case { destination: None, ..Case::of(&[line(1190, 1)]).taxed(&[tax("", "0.19")]) };
    assert_eq!((case.tax(), case.clone().from("DE").tax()), (0, 0));
    let included = case.included();
    assert_eq!((included.tax(), included.from("DE").tax()), (0, 190));
}

#[test]
fn nothing_to_price_costs_nothing() {
    let case = Case::of(&[]).taxed(&[tax("", "0.2")]).flat(500, "").discounts(&[off(100)]);
    let quote = case.quote();
    assert_eq!((quote.total, quote.shipping), (eur(0), None));
    let download = PricedLine { requires_shipping: false, ..line(100, 1) };
    let quote = Case { lines: vec![download], ..case }.quote();
    assert_eq!((quote.total, quote.shipping), (eur(0), None));
}
