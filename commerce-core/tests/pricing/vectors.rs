//! Published examples, each with its source. Half-up by line, tax added, unless a test says
//! otherwise.

use commerce_core::{
    allocation::{allocate, allocate_within, cumulative_part},
    currency::Currency,
    money::Money,
    pricing::{
        AllocationBasis, CrossBorder, IncludedRounds, PricedLine, RoundingLevel, ShippingRate,
        TaxRate,
    },
    rounding::{Rounding, round_to_increment},
};

use crate::case::{Case, eur, less, line, of_class, off, percent, tax, tax_at};

fn compound(rate: TaxRate) -> TaxRate {
    TaxRate { compound: true, ..rate }
}

mod currencies {
    use super::*;

    /// Stripe, "Supported currencies"; Datatrans, "Currencies".
    #[test]
    fn minor_units() {
        let minor = |text, currency| Money::parse_decimal(text, currency).unwrap().minor();
        assert_eq!(minor("10", Currency::USD), 1000);
        assert_eq!(minor("500", Currency::JPY), 500);
        assert_eq!(minor("0.250", Currency::KWD), 250);
    }

    /// Stripe, "Three-decimal currencies": the least digit must be 0. (How an amount is sent is the
    /// gateway's; what rounds to what is ours.)
    #[test]
    fn stripe_three_decimals() {
        let dinar = Money::parse_decimal("5.124", Currency::KWD).unwrap();
        let round = |rounding| round_to_increment(dinar, 10, rounding).unwrap().minor();
        assert_eq!((round(Rounding::HalfUp), round(Rounding::Up)), (5120, 5130));
    }

    /// Microsoft Dynamics, "Currency rounding"; 987.345 has three decimals, as dinars do.
    #[test]
    fn dynamics_increments() {
        let amount = Money::parse_decimal("987.345", Currency::KWD).unwrap();
        let modes = [Rounding::HalfUp, Rounding::Down, Rounding::Up];
        let round = |increment| modes.map(|m| round_to_increment(amount, increment, m).unwrap());
        let dinars =
            |texts: [&str; 3]| texts.map(|text| Money::parse_decimal(text, Currency::KWD).unwrap());
        assert_eq!(round(50), dinars(["987.35", "987.30", "987.35"]));
        assert_eq!(round(250), dinars(["987.25", "987.25", "987.50"]));
    }
}

mod taxes {
    use super::*;

    /// Stax Bill: banker's rounding.
    #[test]
    fn stax_bill_half_even() {
        for text in ["7.355", "7.365"] {
            let rounded =
                Money::round_decimal(text.parse().unwrap(), Currency::USD, Rounding::HalfEven);
            assert_eq!(rounded.unwrap().minor(), 736);
        }
        let case = Case::of(&[line(1750, 1), line(1750, 1), line(1750, 1), line(1750, 1)])
            .taxed(&[tax("standard", "0.07")])
            .policy(|policy| policy.rounding = Rounding::HalfEven);
        assert_eq!(case.tax(), 488);
        assert_eq!(case.policy(|policy| policy.level = RoundingLevel::Document).tax(), 490);
    }

    /// Wafeq: two rates.
    #[test]
    fn wafeq() {
        let case = Case::of(&[of_class("five", line(4530, 1)), of_class("ten", line(3345, 1))])
            .taxed(&[tax("five", "0.05"), tax("ten", "0.10")]);
        let quote = case.quote();
        assert_eq!([227, 335], [0, 1].map(|line| quote.lines[line].tax_total.minor()));
        assert_eq!((quote.tax_total.minor(), quote.total.minor()), (562, 8437));
        let even = case.policy(|policy| policy.rounding = Rounding::HalfEven);
        assert_eq!(even.tax(), 560);
    }

    /// Stripe Tax: rounding by line.
    #[test]
    fn stripe() {
        let quote =
            Case::of(&[line(43, 1), line(484, 1)]).taxed(&[tax("standard", "0.15")]).quote();
        assert_eq!([6, 73], [0, 1].map(|line| quote.lines[line].tax_total.minor()));
        assert_eq!(quote.total.minor(), 606);
    }

    /// commercetools: by line, by unit.
    #[test]
    fn commercetools_levels() {
        let case = Case::of(&[line(108, 3)]).taxed(&[tax("standard", "0.19")]);
        assert_eq!(case.total(), 386);
        assert_eq!(case.policy(|policy| policy.level = RoundingLevel::Unit).total(), 387);
    }

    /// Sylius: half-up at the half.
    #[test]
    fn sylius_half() {
        let tax_on = |price| Case::of(&[line(price, 1)]).taxed(&[tax("standard", "0.10")]).tax();
        assert_eq!((tax_on(4595), tax_on(4594)), (460, 459));
    }

    /// Medusa 14818: taxed goods and untaxed shipping.
    #[test]
    fn medusa_14818() {
        let quote =
            Case::of(&[line(2499, 1)]).taxed(&[tax("standard", "0.1075")]).flat(644, "").quote();
        assert_eq!((quote.tax_total.minor(), quote.total.minor()), (269, 3412));
    }

    /// Vendure: price calculation.
    #[test]
    fn vendure_added() {
        let case = |quantity| Case::of(&[line(123, quantity)]).taxed(&[tax("standard", "0.2")]);
        let quote = case(3).quote();
        assert_eq!((quote.subtotal.minor(), quote.total.minor()), (369, 443));
        assert_eq!(case(1).total(), 148);
    }

    /// Vendure: one and two tax lines.
    #[test]
    fn vendure_two_rates() {
        let lines = [line(1000, 2), line(3499, 1)];
        let one = Case::of(&lines).taxed(&[tax("", "0.04")]);
        assert_eq!(one.total(), 5719);
        let two = one.taxed(&[tax("", "0.04"), tax("", "0.045")]);
        assert_eq!(two.total(), 5966);
        assert_eq!(two.policy(|policy| policy.level = RoundingLevel::Jurisdiction).total(), 5966);
    }

    /// Sylius: tax included in the price.
    #[test]
    fn sylius_included() {
        let tax_in = |lines: &[_]| Case::of(lines).taxed(&[tax("", "0.2")]).included().tax();
        assert_eq!(tax_in(&[line(1970, 1)]), 328);
        assert_eq!(tax_in(&[line(1970, 2)]), 657);
        assert_eq!(tax_in(&[line(1970, 1), line(1970, 1)]), 656);
    }

    /// Revenu Québec: GST and QST.
    #[test]
    fn quebec() {
        let case = Case::of(&[line(10_000, 1)])
            .taxed(&[tax_at("CA", "", "0.05"), tax_at("CA/QC", "", "0.09975")])
            .to("CA/QC");
        for level in [RoundingLevel::Line, RoundingLevel::Jurisdiction, RoundingLevel::Document] {
            let quote = case.clone().policy(|policy| policy.level = level).quote();
            let amounts: Vec<i64> = quote.taxes.iter().map(|tax| tax.amount.minor()).collect();
            assert_eq!((amounts, quote.total.minor()), (vec![500, 998], 11_498));
        }
    }

    /// Compound rates.
    #[test]
    fn compound_rates() {
        let quote = Case::of(&[line(10_000, 1)])
            .taxed(&[tax("", "0.10"), compound(tax("", "0.05")), compound(tax("", "0.02"))])
            .quote();
        let amounts: Vec<i64> = quote.taxes.iter().map(|tax| tax.amount.minor()).collect();
        assert_eq!((amounts, quote.tax_total.minor()), (vec![1000, 550, 231], 1781));
    }

    /// Solidus: 5 % included, and added.
    #[test]
    fn solidus_five_percent() {
        let added = |price| Case::of(&[line(price, 1)]).taxed(&[tax("", "0.05")]);
        assert_eq!([6000, 3000, 2900].map(|price| added(price).included().tax()), [286, 143, 138]);
        assert_eq!(added(2900).tax(), 145);
    }

    /// Included: three rates.
    #[test]
    fn included_rates() {
        for (price, rate, wanted) in [(2400, "0.2", 400), (8000, "0.05", 381), (2400, "0.175", 357)]
        {
            let quote = Case::of(&[line(price, 1)]).taxed(&[tax("", rate)]).included().quote();
            assert_eq!((quote.tax_total.minor(), quote.total.minor()), (wanted, price));
        }
    }

    /// Zuora: which of net and tax is rounded.
    #[test]
    fn zuora_sides() {
        let case = Case::of(&[line(299, 1)]).taxed(&[tax("", "0.04")]).included();
        for level in [
            RoundingLevel::Unit,
            RoundingLevel::Line,
            RoundingLevel::Jurisdiction,
            RoundingLevel::Document,
        ] {
            let tax = |side| {
                let change = |policy: &mut commerce_core::pricing::PricingPolicy| {
                    (policy.level, policy.included_rounds) = (level, side);
                };
                case.clone().policy(change).tax()
            };
            assert_eq!((tax(IncludedRounds::Net), tax(IncludedRounds::Tax)), (11, 12), "{level:?}");
        }
    }

    /// Solidus: the same net where another tax is due.
    #[test]
    fn solidus_cross_border() {
        let case = Case::of(&[line(1000, 1)])
            .taxed(&[tax("", "0.19"), tax_at("FI", "", "0.24")])
            .included()
            .policy(|policy| policy.cross_border = CrossBorder::SameNet)
            .from("DE");
        let net_tax_total = |to| {
            let quote = case.clone().to(to).quote();
            let (tax, total) = (quote.tax_total.minor(), quote.total.minor());
            (total - tax, tax, total)
        };
        assert_eq!(net_tax_total("DE"), (840, 160, 1000));
        assert_eq!(net_tax_total("FI"), (840, 202, 1042));
        assert_eq!(net_tax_total("US"), (840, 0, 840));
        // The other policy: everybody pays the same.
        let same = case.policy(|policy| policy.cross_border = CrossBorder::SameGross);
        assert_eq!((same.clone().to("FI").total(), same.to("US").total()), (1000, 1000));
        // Nor does a price change that was agreed for this sale, beside one that does.
        let agreed = PricedLine { agreed: true, ..line(1000, 3) };
        let mixed = Case::of(&[line(1000, 3), agreed])
            .taxed(&[tax("", "0.19"), tax_at("FI", "", "0.24")])
            .included()
            .policy(|policy| policy.cross_border = CrossBorder::SameNet)
            .from("DE");
        for (to, total) in [("DE", 3000), ("FI", 3126), ("US", 2521)] {
            let quote = mixed.clone().to(to).quote();
            let lines: Vec<_> = quote.lines.iter().map(|line| line.total.minor()).collect();
            assert_eq!(lines, [total, 3000], "{to}");
        }
    }

    /// Vendure 2662: the net of a line, not of a unit.
    #[test]
    fn vendure_2662() {
        let case = Case::of(&[line(3823, 10)]).taxed(&[tax("", "0.2")]).included().from("DE");
        let quote = case.quote();
        assert_eq!(quote.total.minor(), 38_230);
        assert_eq!(quote.total.minor() - quote.tax_total.minor(), 31_858);
        // Nor where the net is what is paid.
        let abroad = case.to("US").policy(|policy| policy.cross_border = CrossBorder::SameNet);
        assert_eq!(abroad.total(), 31_858);
    }

    /// Vendure: shipping with tax.
    #[test]
    fn vendure_shipping() {
        let case = Case::of(&[line(0, 1)]).taxed(&[tax("", "0.2")]).flat(500, "standard");
        assert_eq!(case.quote().shipping.unwrap().total.minor(), 600);
        let shipping = case.included().quote().shipping.unwrap();
        assert_eq!(shipping.total.minor() - shipping.tax_total.minor(), 417);
    }

    /// Sylius: a shipping discount comes before its tax.
    #[test]
    fn sylius_shipping_discount() {
        let tax_on = |price| {
            Case::of(&[line(0, 1)])
                .taxed(&[tax("", "0.10")])
                .flat(price, "standard")
                .less_shipping(&[percent("10")])
                .tax()
        };
        assert_eq!((tax_on(5106), tax_on(5104)), (460, 459));
    }

    /// Canada: cash is rounded to five cents, after tax.
    #[test]
    fn canada_cash() {
        let case = Case::of(&[line(183, 1), line(286, 1)])
            .taxed(&[tax("", "0.05")])
            .policy(|policy| policy.cash_increment = Some(eur(5)));
        let quote = case.quote();
        assert_eq!([quote.total, quote.rounding, quote.payable].map(Money::minor), [492, -2, 490]);
    }

    /// Odoo: line against document, and a coupon of 100 %.
    #[test]
    fn odoo() {
        let case = Case::of(&[line(1150, 1), line(1150, 1)]).taxed(&[tax("", "0.15")]);
        let document = case.clone().policy(|policy| policy.level = RoundingLevel::Document);
        assert_eq!((case.total(), document.total()), (2646, 2645));
        for case in [case, document] {
            assert_eq!(case.discounts(&[percent("100")]).total(), 0);
        }
    }

    /// Sylius: a rate is applied to the total, not to each unit.
    #[test]
    fn sylius_convert_the_total() {
        let total = |quantity| Case::of(&[less(&[percent("2.63")], line(700, quantity))]).total();
        assert_eq!((total(1), total(2)), (682, 1363));
    }
}

mod allocation {
    use super::*;

    fn split(amount: i64, weights: &[i64]) -> Vec<i64> {
        allocate(amount, weights).unwrap()
    }

    /// Vendure `prorate`, Sylius `ProportionalIntegerDistributor`.
    #[test]
    fn vendure_sylius_proportions() {
        assert_eq!(split(300, &[4000, 2000, 2000]), [150, 75, 75]);
        assert_eq!(split(-300, &[4000, 2000, 2000]), [-150, -75, -75]);
        assert_eq!(split(299, &[1000, 1000, 1000]), [100, 100, 99]);
        assert_eq!(split(300, &[4300, 1400, 2300]), [161, 53, 86]);
    }

    /// Vendure `prorate`.
    #[test]
    fn vendure_prorate() {
        assert_eq!(split(93, &[10, 20, 10, 30, 50, 20, 10, 40]), [5, 10, 5, 15, 24, 10, 5, 19]);
        assert_eq!(split(10, &[0, 0]), [5, 5]);
    }

    /// moneyphp, `Money::allocate` and `allocateTo`.
    #[test]
    fn moneyphp() {
        assert_eq!(split(5, &[70, 30]), [4, 1]);
        assert_eq!(split(5, &[30, 70]), [2, 3]);
        assert_eq!(split(800, &[1, 1, 1]), [267, 267, 266]);
    }

    /// Solidus, `DistributedAmountsHandler`: the same as an order's discount.
    #[test]
    fn solidus_distributed() {
        let discounts = |prices: &[i64], amount| {
            let lines: Vec<_> = prices.iter().map(|price| line(*price, 1)).collect();
            let quote = Case::of(&lines).discounts(&[off(amount)]).quote();
            quote.lines.iter().map(|line| line.discount_total.minor()).collect::<Vec<_>>()
        };
        assert_eq!(discounts(&[5000, 5000, 5000], 1000), [334, 333, 333]);
        assert_eq!(discounts(&[15_000, 5_000, 10_000], 1500), [750, 250, 500]);
    }

    /// Sylius `MinimumPriceDistributor`: a price is never taken below its minimum.
    #[test]
    fn sylius_minimum_prices() {
        let prices = [10, 20, 50, 30];
        let room = [10, 20 - 19, 0, 30 - 26];
        assert_eq!(allocate_within(-12, &prices, &room).unwrap(), [-7, -1, 0, -4]);
        assert_eq!(allocate_within(-20, &prices, &room).unwrap(), [-10, -1, 0, -4]);
        assert_eq!(allocate_within(12, &prices, &room).unwrap(), [7, 1, 0, 4]);
        assert_eq!(allocate_within(20, &prices, &room).unwrap(), [10, 1, 0, 4]);
    }

    /// Sylius: two order promotions and tax.
    #[test]
    fn sylius_two_promotions() {
        let case = Case::of(&[line(5605, 2), line(5604, 1)])
            .taxed(&[tax("", "0.10")])
            .discounts(&[off(1010), off(1010)]);
        let quote = case.quote();
        assert_eq!((quote.tax_total.minor(), quote.total.minor()), (1479, 16_273));
    }

    /// Vendure: an order discount over mixed rates, by gross and by net.
    #[test]
    fn vendure_bases() {
        let case = Case::of(&[
            less(&[percent("15")], of_class("twenty", line(1000, 2))),
            of_class("ten", line(3499, 1)),
            of_class("ten", line(255, 4)),
        ])
        .taxed(&[tax("twenty", "0.2"), tax("ten", "0.1")])
        .discounts(&[off(500)]);
        for (basis, total) in [
            (AllocationBasis::Gross, 6446),
            (AllocationBasis::Net, 6448),
            (AllocationBasis::Listed, 6448),
        ] {
            let quote = case.clone().policy(|policy| policy.allocation_basis = basis).quote();
            assert_eq!(quote.subtotal.minor() - quote.discount_total.minor(), 5719);
            assert_eq!(quote.total.minor(), total, "{basis:?}");
        }
    }
}

mod promotions {
    use super::*;

    /// Saleor: a percentage by line, and on the sum.
    #[test]
    fn saleor_percentage() {
        let prices = [106, 206, 306, 406];
        let discount = |case: Case| case.quote().discount_total.minor();
        let by_line = prices.map(|price| less(&[percent("10")], line(price, 1)));
        assert_eq!(discount(Case::of(&by_line)), 104);
        let on_sum = Case::of(&prices.map(|price| line(price, 1))).discounts(&[percent("10")]);
        assert_eq!(discount(on_sum), 102);
    }

    /// Sylius: priorities. (Which of them apply is the promotions' matter.)
    #[test]
    fn sylius_priorities() {
        let total = |discounts: &[_]| {
            let on_order = Case::of(&[line(10_000, 1)]).discounts(discounts).total();
            assert_eq!(on_order, Case::of(&[less(discounts, line(10_000, 1))]).total());
            on_order
        };
        assert_eq!(total(&[percent("20"), off(1000)]), 7000);
        assert_eq!(total(&[off(1000), percent("20")]), 7200);
        assert_eq!(total(&[percent("20")]), 8000);
    }

    /// Sylius: a chain of catalogue promotions.
    #[test]
    fn sylius_catalogue_chain() {
        let chain = [off(1000), percent("50"), off(500), percent("25")];
        assert_eq!(Case::of(&[less(&chain, line(10_000, 1))]).total(), 3000);
    }

    /// Sylius: half off, then free shipping above 100.
    #[test]
    fn sylius_half_then_free_shipping() {
        let total = |price| {
            let free_from = ShippingRate::FreeFrom { price: eur(1000), threshold: eur(10_000) };
            Case::of(&[line(price, 1)]).discounts(&[percent("50")]).ship(free_from, "").total()
        };
        assert_eq!((total(12_000), total(24_000)), (7_000, 12_000));
    }

    /// Shopify: discounts on a product, an order, shipping.
    #[test]
    fn shopify_combinations() {
        let lines = [less(&[off(2000)], line(10_000, 1)), line(5_000, 1), line(20_000, 1)];
        let case = Case::of(&lines).flat(2000, "");
        let quote = case.clone().discounts(&[percent("10")]).quote();
        assert_eq!(quote.subtotal.minor() - quote.discount_total.minor(), 29_700);
        assert_eq!(quote.total.minor(), 31_700);
        let free = case.discounts(&[off(1000)]).less_shipping(&[percent("100")]);
        assert_eq!(free.total(), 32_000);
    }

    /// Vendure: half off 3 × 500. (That the next promotion then fails is the promotions' matter.)
    #[test]
    fn vendure_half() {
        assert_eq!(Case::of(&[less(&[percent("50")], line(50_000, 3))]).total(), 75_000);
    }

    /// Sylius: never below zero.
    #[test]
    fn sylius_never_negative() {
        assert_eq!(Case::of(&[line(10_000, 1)]).discounts(&[off(20_000)]).total(), 0);
        assert_eq!(Case::of(&[less(&[off(20_000)], line(10_000, 1))]).total(), 0);
    }

    /// Medusa 12226: a discount on a price that includes tax.
    #[test]
    fn medusa_12226() {
        let quote = Case::of(&[line(119_000, 1)])
            .taxed(&[tax("", "0.19")])
            .included()
            .discounts(&[off(11_900)])
            .quote();
        assert_eq!((quote.total.minor(), quote.tax_total.minor()), (107_100, 17_100));
        assert_eq!(quote.taxes[0].net.minor(), 90_000);
    }
}

mod refunds {
    use super::*;

    /// Solidus 512: a line is refunded with its part of the order's discount.
    #[test]
    fn solidus_512() {
        let case = Case::of(&[line(600, 1), line(400, 1)]).discounts(&[percent("10")]);
        assert_eq!(case.line_totals(), [540, 360]);
    }

    /// 3 × 100 less 10, refunded one by one: as three lines, and as three units of one line, whose
    /// parts are cumulative and so close in every mode; rounded down they come in this order.
    #[test]
    fn three_less_ten() {
        let lines = Case::of(&[line(10_000, 1), line(10_000, 1), line(10_000, 1)]);
        assert_eq!(lines.discounts(&[off(1000)]).line_totals(), [9_666, 9_667, 9_667]);
        let total = Case::of(&[less(&[off(1000)], line(10_000, 3))]).total();
        assert_eq!(total, 29_000);
        let parts = |rounding| {
            [0, 1, 2].map(|before| cumulative_part(total, before, 1, 3, rounding).unwrap())
        };
        assert_eq!(parts(Rounding::Down), [9_666, 9_667, 9_667]);
        assert_eq!(parts(Rounding::HalfUp), [9_667, 9_666, 9_667]);
    }
}
