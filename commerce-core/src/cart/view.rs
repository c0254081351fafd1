//! A cart as its owner sees it: priced, with every amount explained.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Cart, CartStatus, CheckoutInputs, check_stock};
use crate::{
    catalog::Sellable,
    checkout::{price_lines, priced},
    currency::Currency,
    customer::Address,
    error::Rejection,
    id::{CartId, CustomerId, LineId, OrderId, ProductId, ShippingMethodId, VariantId},
    money::Money,
    pricing::{Adjustment, PricingError, Quote, QuoteShipping, ShippingMethod, TaxSummary},
    quantity::Quantity,
    text::{Email, Label, Note, Sku, Url},
    time::Timestamp,
    version::{Version, Versioned},
};

/// A cart as its owner sees it, at the prices of the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CartView {
    /// Its id.
    pub id: CartId,
    /// Whether it can still be changed and checked out.
    pub status: CartStatus,
    /// The currency of every amount.
    pub currency: Currency,
    /// Whose it is.
    pub customer_id: Option<CustomerId>,
    /// What is in it.
    pub lines: Vec<CartLineView>,
    /// What sending it costs.
    pub shipping: Option<QuoteShipping>,
    /// What each tax comes to.
    pub taxes: Vec<TaxSummary>,
    /// The lines at their prices.
    pub subtotal: Money,
    /// What is taken off.
    pub discount_total: Money,
    /// What sending it costs, after discounts.
    pub shipping_total: Money,
    /// All taxes.
    pub tax_total: Money,
    /// Whether the taxes are inside the other amounts.
    pub tax_included: bool,
    /// What rounding to cash adds, or takes off.
    pub rounding: Money,
    /// What is to be paid.
    pub total: Money,
    /// What stands in the way of checking it out.
    pub problems: Vec<CartProblem>,
    /// Where the customer can be reached.
    pub email: Option<Email>,
    /// Where it is to be sent.
    pub shipping_address: Option<Address>,
    /// Where the bill is to be sent.
    pub billing_address: Option<Address>,
    /// How it is to be sent.
    pub shipping_method: Option<ShippingMethodId>,
    /// The discount codes that the customer entered.
    pub discount_codes: Vec<Label>,
    /// What the customer noted.
    pub note: Option<Note>,
    /// The order that was placed from it.
    pub order_id: Option<OrderId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it expires if nobody touches it.
    pub expires_at: Timestamp,
    /// How often it was written.
    pub version: Version,
}

/// A line of a cart, priced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CartLineView {
    /// Its id.
    pub id: LineId,
    /// What is wanted.
    pub variant_id: VariantId,
    /// The product that it is a variant of; absent once it is gone.
    pub product_id: Option<ProductId>,
    /// Its SKU.
    pub sku: Option<Sku>,
    /// The product's title.
    pub title: Option<Label>,
    /// The values of its options.
    pub options: Vec<Label>,
    /// The picture that shows it.
    pub image: Option<Url>,
    /// How many units.
    pub quantity: Quantity,
    /// The price of a unit, rounded where it was converted for the country that it goes to.
    pub unit_price: Money,
    /// All units at that price, as it was before rounding.
    pub subtotal: Money,
    /// What is taken off.
    pub discount_total: Money,
    /// The taxes.
    pub tax_total: Money,
    /// What is to be paid for the line.
    pub total: Money,
    /// How the total comes about.
    pub adjustments: Vec<Adjustment>,
}

/// Something that stands in the way of checking a cart out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CartProblem {
    /// The line that it is about, if it is about one.
    pub line_id: Option<LineId>,
    /// What it is, for people.
    pub detail: String,
}

impl CartView {
    /// The cart at the prices of the moment. What cannot be bought any more costs nothing here and
    /// is named among the problems.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] when an amount is too large.
    pub fn of(inputs: &CheckoutInputs) -> Result<Self, Rejection> {
        Self::sent_by(inputs, inputs.cart.shipping_method)
    }

    /// The ways in which the cart can be sent, and the cart as it would be then.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(crate) fn shipping_options(
        inputs: &CheckoutInputs,
    ) -> Result<Vec<(ShippingMethod, Self)>, Rejection> {
        let mut options = Vec::new();
        for method in inputs.setup.shop.shipping_methods.iter().filter(|method| method.active) {
            let view = Self::sent_by(inputs, Some(method.id))?;
            let refused = view.problems.iter().any(|problem| problem.line_id.is_none());
            if !refused {
                options.push((method.clone(), view));
            }
        }
        Ok(options)
    }

    /// The cart as it would be if it were sent in another way.
    fn sent_by(
        inputs: &CheckoutInputs,
        method: Option<ShippingMethodId>,
    ) -> Result<Self, Rejection> {
        let cart = &inputs.cart;
        let (sellables, wanted) = (inputs.by_variant(), cart.wanted());
        let mut problems = Vec::new();
        let mut lines = Vec::with_capacity(cart.lines.len());
        for line in &cart.lines {
            let mut problem = |detail: String| {
                problems.push(CartProblem { line_id: Some(line.id), detail });
            };
            let Some(sellable) = sellables.get(&line.variant_id) else {
                problem(Rejection::NotFound { what: "variant" }.to_string());
                continue;
            };
            let price = match line.set_price {
                Some(price) => sellable.require_active().map(|()| price),
                None => sellable.price(cart.currency).map(|price| price.amount),
            };
            match price {
                Ok(price) => {
                    let wanted = wanted.get(&line.variant_id).copied().unwrap_or(0);
                    if cart.status == CartStatus::Open
                        && let Err(short) = check_stock(sellable, wanted, &inputs.setup)
                    {
                        problem(short.to_string());
                    }
                    lines.push(priced(line.id, line.quantity, price, sellable));
                }
                Err(refused) => problem(refused.to_string()),
            }
        }
        let quote = match price_lines(inputs, &lines, method) {
            Err(PricingError::Shipping(why)) => {
                problems.push(CartProblem { line_id: None, detail: why.to_string() });
                price_lines(inputs, &lines, None)?
            }
            other => other?,
        };
        let view = Self::new(&inputs.cart, &sellables, quote, problems);
        Ok(Self { shipping_method: method, ..view })
    }

    fn new(
        cart: &Versioned<Cart>,
        sellables: &HashMap<VariantId, &Sellable>,
        quote: Quote,
        problems: Vec<CartProblem>,
    ) -> Self {
        let nothing = Money::zero(cart.currency);
        let mut quoted = quote.lines.into_iter().peekable();
        let lines = cart
            .lines
            .iter()
            .map(|line| {
                let sellable = sellables.get(&line.variant_id);
                let mut view = CartLineView {
                    id: line.id,
                    variant_id: line.variant_id,
                    product_id: sellable.map(|s| s.variant.product_id),
                    sku: sellable.map(|s| s.variant.sku.clone()),
                    title: sellable.map(|s| s.title.clone()),
                    options: sellable.map(|s| s.variant.options.clone()).unwrap_or_default(),
                    image: sellable.and_then(|s| s.image.clone()),
                    quantity: line.quantity,
                    unit_price: nothing,
                    subtotal: nothing,
                    discount_total: nothing,
                    tax_total: nothing,
                    total: nothing,
                    adjustments: Vec::new(),
                };
                // The quote has the lines that can be bought, in the cart's order.
                if let Some(quoted) = quoted.next_if(|quoted| quoted.id == line.id) {
                    view.unit_price = quoted.unit_price;
                    view.subtotal = quoted.subtotal;
                    view.discount_total = quoted.discount_total;
                    view.tax_total = quoted.tax_total;
                    view.total = quoted.total;
                    view.adjustments = quoted.adjustments;
                }
                view
            })
            .collect();
        Self {
            id: cart.id,
            status: cart.status,
            currency: cart.currency,
            customer_id: cart.customer_id,
            lines,
            shipping: quote.shipping,
            taxes: quote.taxes,
            subtotal: quote.subtotal,
            discount_total: quote.discount_total,
            shipping_total: quote.shipping_total,
            tax_total: quote.tax_total,
            tax_included: quote.tax_included,
            rounding: quote.rounding,
            total: quote.payable,
            problems,
            email: cart.email.clone(),
            shipping_address: cart.shipping_address.clone(),
            billing_address: cart.billing_address.clone(),
            shipping_method: cart.shipping_method,
            discount_codes: cart.discount_codes.clone(),
            note: cart.note.clone(),
            order_id: cart.order_id,
            created_at: cart.created_at,
            updated_at: cart.updated_at,
            expires_at: cart.expires_at,
            version: cart.version,
        }
    }
}
