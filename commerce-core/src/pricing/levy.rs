//! The arithmetic of taxes: exact fractions of amounts, rounded where the policy says.

use std::collections::BTreeMap;

use super::{IncludedRounds, PricingPolicy, RoundingLevel, tax::Entry};
use crate::{
    allocation::{allocate, compare_fractions},
    rounding::div_round,
};

/// All that is due on goods of one class at one place: of a net of `net`, each rate takes its share
/// and all together `tax`.
#[derive(Debug)]
pub(super) struct Levy<'a> {
    shares: Vec<(&'a Entry, i128)>,
    net: i128,
    tax: i128,
}

impl Default for Levy<'_> {
    fn default() -> Self {
        Self { shares: Vec::new(), net: 1, tax: 0 }
    }
}

impl<'a> Levy<'a> {
    /// The levy of rates in the order in which they apply; `None` when its fractions are too fine.
    pub(super) fn new(entries: Vec<&'a Entry>) -> Option<Self> {
        let mut levy = Self::default();
        for entry in entries {
            let rate = entry.rate.rate.normalize();
            let one = 10i128.checked_pow(rate.scale())?;
            let base = levy.whole(entry.rate.compound)?;
            let share = base.checked_mul(rate.mantissa())?;
            levy.shares.push((entry, share));
            let (last, before) = levy.shares.split_last_mut()?;
            for (_, share) in before {
                *share = share.checked_mul(one)?;
            }
            levy.tax = levy.tax.checked_mul(one)?.checked_add(last.1)?;
            levy.net = levy.net.checked_mul(one)?;
            levy.reduce();
        }
        Some(levy)
    }

    fn reduce(&mut self) {
        let all = self.shares.iter().fold(self.net, |all, (_, share)| gcd(all, *share));
        if all > 1 {
            self.net /= all;
            self.tax /= all;
            for (_, share) in &mut self.shares {
                *share /= all;
            }
        }
    }

    /// The number of rates.
    pub(super) fn len(&self) -> usize {
        self.shares.len()
    }

    /// The rates, in the order in which they apply.
    pub(super) fn entries(&self) -> impl Iterator<Item = &'a Entry> {
        self.shares.iter().map(|(entry, _)| *entry)
    }

    /// Of which amount the shares are: the net to which tax is added, or the gross that has it.
    fn whole(&self, included: bool) -> Option<i128> {
        if included { self.net.checked_add(self.tax) } else { Some(self.net) }
    }

    /// The fraction that turns a price with `home`'s tax into one of the same net with this tax;
    /// `Some(None)` when they are the same, and `None` when the fraction is too fine.
    pub(super) fn conversion_from(&self, home: &Self) -> Option<Option<(i128, i128)>> {
        let num = self.whole(true)?.checked_mul(home.net)?;
        let den = self.net.checked_mul(home.whole(true)?)?;
        let both = gcd(num, den);
        Some((num != den).then(|| (num / both, den / both)))
    }
}

/// An amount on which a levy is due: a line's, or shipping's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'l> {
    /// What it costs after discounts, in minor units.
    pub(super) amount: i64,
    /// The number of units that it is for.
    pub(super) quantity: i64,
    /// What is due.
    pub(super) levy: &'l Levy<'l>,
}

impl Item<'_> {
    /// What it costs without tax, rounded by line.
    pub(super) fn net(&self, policy: &PricingPolicy) -> Option<i64> {
        if policy.prices_include_tax {
            self.amount.checked_sub(self.tax(1, policy)?)
        } else {
            Some(self.amount)
        }
    }

    /// What it costs with tax, rounded by line.
    pub(super) fn gross(&self, policy: &PricingPolicy) -> Option<i64> {
        if policy.prices_include_tax {
            Some(self.amount)
        } else {
            self.amount.checked_add(self.tax(1, policy)?)
        }
    }

    /// All its tax, rounded on one of so many equal parts and multiplied.
    fn tax(&self, parts: i64, policy: &PricingPolicy) -> Option<i64> {
        let whole = self.levy.whole(policy.prices_include_tax)?;
        round_tax(self.amount, parts, (self.levy.tax, whole), policy)
    }

    /// The tax by each rate, at every level but the document's.
    fn shares(&self, policy: &PricingPolicy) -> Option<Vec<i64>> {
        let shares = &self.levy.shares;
        if shares.is_empty() {
            return Some(Vec::new());
        }
        if policy.level == RoundingLevel::Jurisdiction {
            let included = policy.prices_include_tax;
            let whole = self.levy.whole(included)?;
            let mut room = if included { self.amount } else { i64::MAX };
            let taxes = shares.iter().map(|(_, share)| {
                let tax = round_tax(self.amount, 1, (*share, whole), policy)?.min(room);
                room -= tax;
                Some(tax)
            });
            return taxes.collect();
        }
        let parts = if policy.level == RoundingLevel::Unit { self.quantity } else { 1 };
        let tax = self.tax(parts, policy)?;
        if shares.len() == 1 {
            return Some(vec![tax]);
        }
        let weights: Vec<i128> = shares.iter().map(|(_, share)| *share).collect();
        allocate(tax, &weights).ok()
    }
}

/// `amount × share / whole`, rounded on one of so many equal parts and multiplied; of a price that
/// includes its tax never more than it, and by its net where the policy rounds that.
fn round_tax(
    amount: i64,
    parts: i64,
    (share, whole): (i128, i128),
    policy: &PricingPolicy,
) -> Option<i64> {
    if share == 0 {
        return Some(0);
    }
    let (amount, parts) = (i128::from(amount), i128::from(parts));
    let rounded = |share: i128| {
        div_round(amount.checked_mul(share)?, whole.checked_mul(parts)?, policy.rounding)?
            .checked_mul(parts)
    };
    let tax = match (policy.prices_include_tax, policy.included_rounds) {
        (false, _) => rounded(share)?,
        (true, IncludedRounds::Tax) => rounded(share)?.min(amount),
        (true, IncludedRounds::Net) => (amount - rounded(whole - share)?).max(0),
    };
    i64::try_from(tax).ok()
}

/// The taxes of each item, by each rate of its levy; `None` when amounts are too large.
pub(super) fn taxes(items: &[Item<'_>], policy: &PricingPolicy) -> Option<Vec<Vec<i64>>> {
    if policy.level == RoundingLevel::Document {
        document(items, policy)
    } else {
        items.iter().map(|item| item.shares(policy)).collect()
    }
}

/// One item's part in a rate whose tax is rounded once for the whole document: exactly
/// `whole + rest / of`.
struct Part {
    item: usize,
    share: usize,
    amount: i64,
    whole: i64,
    rest: i128,
    of: i128,
}

fn document(items: &[Item<'_>], policy: &PricingPolicy) -> Option<Vec<Vec<i64>>> {
    let included = policy.prices_include_tax;
    let mut by_rate: BTreeMap<usize, Vec<Part>> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let of = item.levy.whole(included)?;
        for (index, (entry, share)) in item.levy.shares.iter().enumerate() {
            let exact = i128::from(item.amount).checked_mul(*share)?;
            by_rate.entry(entry.position).or_default().push(Part {
                item: at,
                share: index,
                amount: item.amount,
                whole: i64::try_from(exact / of).ok()?,
                rest: exact % of,
                of,
            });
        }
    }
    let mut taxes: Vec<Vec<i64>> = items.iter().map(|item| vec![0; item.levy.len()]).collect();
    // What a price that includes its taxes can still hold of them.
    let mut rooms: Vec<i64> =
        items.iter().map(|item| if included { item.amount } else { i64::MAX }).collect();
    for mut parts in by_rate.into_values() {
        let mut left = rounded_sum(&parts, policy)?;
        for part in &parts {
            let room = rooms.get_mut(part.item)?;
            let tax = part.whole.min(*room);
            *taxes.get_mut(part.item)?.get_mut(part.share)? = tax;
            *room -= tax;
            left = left.checked_sub(tax)?;
        }
        // Largest remainder; stable, so that the first of equals comes first.
        parts.sort_by(|a, b| compare_fractions((b.rest, b.of), (a.rest, a.of)));
        let mut before = None;
        while left > 0 && before != Some(left) {
            before = Some(left);
            for part in &parts {
                let room = rooms.get_mut(part.item)?;
                if left > 0 && *room > 0 {
                    *taxes.get_mut(part.item)?.get_mut(part.share)? += 1;
                    *room -= 1;
                    left -= 1;
                }
            }
        }
    }
    Some(taxes)
}

/// The sum of the exact parts, rounded once.
fn rounded_sum(parts: &[Part], policy: &PricingPolicy) -> Option<i64> {
    let mut of = 1i128;
    for part in parts {
        if of % part.of != 0 {
            of = of.checked_mul(part.of / gcd(of, part.of))?;
        }
    }
    let (mut gross, mut whole, mut rest) = (0i128, 0i128, 0i128);
    for part in parts {
        gross += i128::from(part.amount);
        whole += i128::from(part.whole);
        rest = rest.checked_add(part.rest.checked_mul(of / part.of)?)?;
    }
    (whole, rest) = (whole + rest / of, rest % of);
    if rest > 0 {
        // A price is whole, so its net is between the same two numbers, seen from the other side.
        let nets = policy.prices_include_tax && policy.included_rounds == IncludedRounds::Net;
        let (lower, part) = if nets { (gross - whole - 1, of - rest) } else { (whole, rest) };
        // Whether the lower number is odd decides about a half under half-even.
        let odd = lower.rem_euclid(2);
        let up = div_round(odd.checked_mul(of)?.checked_add(part)?, of, policy.rounding)? - odd;
        whole += if nets { 1 - up } else { up };
    }
    i64::try_from(whole).ok()
}

/// The greatest number that divides both, neither of which is negative.
fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
