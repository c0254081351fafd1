//! What a hosted page shows: lines that sum exactly to what is to be paid.

use commerce_core::{
    money::Money,
    order::{Order, OrderLine},
    payment::Payment,
};
use stripe_checkout::checkout_session::{
    CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData, ProductData,
};

use crate::{
    amount::to_stripe,
    failure::Failure,
    request::{amount, currency},
};

/// The most lines that Stripe takes.
const ITEMS_MAX: usize = 100;
/// The longest name of a line, in characters.
const NAME_MAX: usize = 250;

/// Something on the page, in Stripe's minor unit.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    name: String,
    unit_amount: i64,
    quantity: u64,
}

/// The lines of a hosted page: those of the order, each at what is to be paid for it with its discounts
/// and taxes, and shipping. Where they cannot be shown so that they sum to the payment — it pays a part
/// of the order, the total was rounded down, there are more than Stripe takes — one line says it all.
pub(crate) fn line_items(
    order: &Order,
    payment: &Payment,
) -> Result<Vec<CreateCheckoutSessionLineItems>, Failure> {
    let total = amount(payment.amount)?;
    let currency = currency(payment)?;
    let items = itemized(order)
        .filter(|items| items.len() <= ITEMS_MAX && sum(items) == Some(total))
        .unwrap_or_else(|| {
            vec![Item { name: format!("Order {}", order.number), unit_amount: total, quantity: 1 }]
        });
    let shown = items.into_iter().map(|item| {
        let mut price = CreateCheckoutSessionLineItemsPriceData::new(currency.clone());
        price.product_data = Some(ProductData::new(item.name));
        price.unit_amount = Some(item.unit_amount);
        let mut shown = CreateCheckoutSessionLineItems::new();
        shown.price_data = Some(price);
        shown.quantity = Some(item.quantity);
        shown
    });
    Ok(shown.collect())
}

fn sum(items: &[Item]) -> Option<i64> {
    items.iter().try_fold(0_i64, |sum, item| {
        sum.checked_add(item.unit_amount.checked_mul(i64::try_from(item.quantity).ok()?)?)
    })
}

/// The order's lines, shipping and rounding; `None` if one of them cannot be shown.
fn itemized(order: &Order) -> Option<Vec<Item>> {
    let mut items: Vec<Item> = order.lines.iter().map(line).collect::<Option<_>>()?;
    let mut add = |name: &str, amount: Money| {
        // Without what is less than nothing, the lines do not sum to the payment.
        let unit_amount = to_stripe(amount)?;
        if unit_amount > 0 {
            items.push(Item { name: short(name), unit_amount, quantity: 1 });
        }
        Some(())
    };
    if let Some(shipping) = &order.shipping {
        add(&shipping.name, shipping.total)?;
    }
    add("Rounding", order.rounding)?;
    Some(items)
}

fn line(line: &OrderLine) -> Option<Item> {
    let total = to_stripe(line.total)?;
    let quantity = line.quantity.get();
    let mut name = line.title.to_string();
    if !line.options.is_empty() {
        let options: Vec<&str> = line.options.iter().map(AsRef::as_ref).collect();
        name = format!("{name} ({})", options.join(", "));
    }
    // A unit's price is shown if each costs the same to the last unit; else the line is one thing.
    let each = Money::new(line.total.minor() / quantity, line.total.currency());
    match to_stripe(each).filter(|each| each.checked_mul(quantity) == Some(total)) {
        Some(unit_amount) => {
            Some(Item { name: short(&name), unit_amount, quantity: u64::try_from(quantity).ok()? })
        }
        None => {
            let name = short(&format!("{quantity} × {name}"));
            Some(Item { name, unit_amount: total, quantity: 1 })
        }
    }
}

fn short(name: &str) -> String {
    if name.chars().count() <= NAME_MAX {
        return name.to_owned();
    }
    let mut name: String = name.chars().take(NAME_MAX - 1).collect();
    name.push('…');
    name
}
