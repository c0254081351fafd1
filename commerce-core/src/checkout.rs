//! Checkout: what a cart costs, and the decision to make an order of it.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::{
    cart::{Cart, CartStatus, CartView, CheckoutInputs, Origin},
    catalog::{Backorder, Sellable},
    error::{FieldError, Rejection},
    event::Event,
    id::{Moment, ShippingMethodId, VariantId},
    inventory::{
        Allocate, LevelKey, LowStock, Placement, Reason, StockLevel, StockMove, available,
        in_order, take,
    },
    money::Money,
    order::{Hold, Order, OrderLine, order_number},
    payment::{Means, Payment, PaymentChoice, PaymentStatus},
    pricing::{PricedLine, PricingError, Quote, QuoteLine, QuoteRequest, ShippingRefusal, quote},
    store::{Commit, Decision},
    text::GatewayName,
};

/// Makes an order of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    /// How it is to be paid.
    #[serde(default)]
    pub payment: PaymentChoice,
    /// The total that the customer agreed to; if it is another by now, nothing is placed.
    #[serde(default)]
    pub expected_total: Option<Money>,
}

impl Default for PlaceOrder {
    fn default() -> Self {
        Self::paid_by(GatewayName::manual())
    }
}

impl PlaceOrder {
    /// Makes an order that is paid by a gateway.
    pub fn paid_by(gateway: GatewayName) -> Self {
        Self { payment: PaymentChoice::new(gateway), expected_total: None }
    }
}

/// An order that was placed, with its payment unless there is nothing to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The order.
    pub order: Order,
    /// Its payment.
    pub payment: Option<Payment>,
}

/// What a cart costs by the prices of the moment.
///
/// # Errors
/// [`Rejection::NotForSale`] for a line that cannot be bought, and what
/// [`quote`] refuses: a shipping method that does not serve the cart, an amount that is too large.
pub fn price(inputs: &CheckoutInputs) -> Result<Quote, Rejection> {
    price_with(inputs, &inputs.by_variant())
}

fn price_with(
    inputs: &CheckoutInputs,
    sellables: &HashMap<VariantId, &Sellable>,
) -> Result<Quote, Rejection> {
    let lines = inputs
        .cart
        .lines
        .iter()
        .map(|line| {
            let sellable =
                sellables.get(&line.variant_id).ok_or(Rejection::NotFound { what: "variant" })?;
            let unit_price = match line.set_price {
                Some(price) => {
                    sellable.require_active()?;
                    price
                }
                None => sellable.price(inputs.cart.currency)?.amount,
            };
            let priced = priced(line.id, line.quantity, unit_price, sellable);
            Ok(PricedLine { agreed: line.set_price.is_some(), ..priced })
        })
        .collect::<Result<Vec<_>, Rejection>>()?;
    price_lines(inputs, &lines, inputs.cart.shipping_method).map_err(refused)
}

pub(crate) fn priced(
    id: crate::id::LineId,
    quantity: crate::quantity::Quantity,
    unit_price: Money,
    sellable: &Sellable,
) -> PricedLine {
    let variant = &sellable.variant;
    PricedLine {
        id,
        unit_price,
        agreed: false,
        quantity,
        tax_class: variant.taxable.then(|| sellable.tax_class.clone()),
        grams: variant.grams,
        requires_shipping: variant.requires_shipping,
        discounts: Vec::new(),
    }
}

pub(crate) fn price_lines(
    inputs: &CheckoutInputs,
    lines: &[PricedLine],
    method: Option<ShippingMethodId>,
) -> Result<Quote, PricingError> {
    let shop = &inputs.setup.shop;
    let destination = inputs.cart.destination();
    let sent = lines.iter().any(|line| line.requires_shipping);
    let shipping = match method.filter(|_| sent) {
        None => None,
        Some(id) => {
            let found = shop.shipping_methods.iter().find(|method| method.id == id);
            // One that the shop had and took away must not make shipping free.
            Some(found.ok_or(ShippingRefusal::Unknown)?)
        }
    };
    quote(&QuoteRequest {
        currency: inputs.cart.currency,
        lines,
        order_discounts: &[],
        shipping,
        shipping_discounts: &[],
        destination: destination.as_ref(),
        home: shop.home.as_ref(),
        policy: &shop.pricing,
        taxes: &shop.taxes,
    })
}

fn refused(error: PricingError) -> Rejection {
    match error {
        PricingError::Shipping(why) => Rejection::invalid("/shipping_method", why),
        other => Rejection::invalid("", other),
    }
}

impl Cart {
    /// Where it goes, as far as tax and shipping care: what was said of shipping, else of billing.
    pub fn destination(&self) -> Option<crate::pricing::Destination> {
        self.shipping_address.as_ref().or(self.billing_address.as_ref()).map(|to| to.destination())
    }

    /// Refuses a cart that lacks something an order needs. What the back office drafts may lack
    /// everything but lines.
    fn check_complete(
        &self,
        inputs: &CheckoutInputs,
        sellables: &HashMap<VariantId, &Sellable>,
    ) -> Result<(), Rejection> {
        if self.lines.is_empty() {
            return Err(Rejection::CartEmpty);
        }
        if self.origin == Origin::BackOffice {
            return Ok(());
        }
        let mut errors = Vec::new();
        if self.email.is_none() {
            errors.push(FieldError::new("/email", "is needed to check out"));
        }
        let sent = self.lines.iter().any(|line| {
            sellables.get(&line.variant_id).is_some_and(|s| s.variant.requires_shipping)
        });
        if sent && self.shipping_address.is_none() {
            errors.push(FieldError::new("/shipping_address", "is needed to check out"));
        }
        // A shop whose methods are all switched off sends nothing, rather than all of it for free.
        let shop = &inputs.setup.shop;
        if sent && !shop.shipping_methods.is_empty() && self.shipping_method.is_none() {
            let detail = match CartView::shipping_options(inputs)?.is_empty() {
                true => {
                    "is needed to check out, but none of the shop's serves this address and these goods"
                }
                false => "is needed to check out",
            };
            errors.push(FieldError::new("/shipping_method", detail));
        }
        // Nobody saves a tax by not saying where they are.
        if !sent && !shop.taxes.is_empty() && self.destination().is_none() {
            errors.push(FieldError::new("/billing_address", "is needed to check out"));
        }
        Rejection::unless_valid(errors)
    }
}

/// Decides to make an order of a cart: prices are frozen, stock is held until the order is paid or
/// its time is up, and the cart is closed. `means` are those of the gateway that is to be paid by.
///
/// # Errors
/// [`Rejection::CartClosed`], [`Rejection::CartEmpty`], [`Rejection::Invalid`] when the cart lacks
/// something or is to be paid in a way that is not offered, [`Rejection::NotForSale`],
/// [`Rejection::InsufficientStock`], [`Rejection::PriceChanged`].
pub fn place(
    inputs: &CheckoutInputs,
    request: &PlaceOrder,
    means: &Means,
    strategy: &dyn Allocate,
    moment: &mut Moment,
) -> Result<Decision<Placed>, Rejection> {
    let cart = &inputs.cart;
    cart.require_open()?;
    let sellables = inputs.by_variant();
    cart.check_complete(inputs, &sellables)?;
    let quote = price_with(inputs, &sellables)?;
    if let Some(expected) = request.expected_total
        && expected != quote.payable
    {
        return Err(Rejection::PriceChanged { expected, actual: quote.payable });
    }
    let gateway = &request.payment.gateway;
    let Some(terms) = inputs.setup.shop.payment_terms.get(gateway).copied() else {
        let detail = format!("must be one that the shop takes, not {gateway}");
        return Err(Rejection::invalid("/payment/gateway", detail));
    };
    let now = moment.now();
    let mut commit = Commit::at(now);
    let id = moment.id();
    let mut stock = Stock { inputs, strategy, free: BTreeMap::new() };
    let mut lines = Vec::with_capacity(cart.lines.len());
    for (cart_line, quoted) in cart.lines.iter().zip(quote.lines) {
        let sellable =
            *sellables.get(&cart_line.variant_id).ok_or(Rejection::NotFound { what: "variant" })?;
        let (holds, backordered) = stock.take(sellable, quoted.quantity.get())?;
        for hold in &holds {
            commit.stock(StockMove {
                level: LevelKey { variant_id: cart_line.variant_id, location_id: hold.location_id },
                on_hand: 0,
                held: hold.quantity,
                expected_on_hand: None,
                movement_id: moment.id(),
                reason: Reason::Sold,
                order_id: Some(id),
                note: None,
            });
        }
        commit.watch(LowStock::of(&sellable.variant, &sellable.levels, &inputs.setup.locations));
        lines.push(freeze(quoted, sellable, holds, backordered));
    }
    let to_pay = quote.payable.is_positive();
    let mut order = Order {
        id,
        number: order_number(moment),
        cart_id: cart.id,
        origin: cart.origin,
        customer_id: cart.customer_id,
        secret: cart.secret,
        email: cart.email.clone(),
        currency: cart.currency,
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
        pricing: inputs.setup.shop.pricing.clone(),
        shipping_address: cart.shipping_address.clone(),
        billing_address: cart.billing_address.clone(),
        note: cart.note.clone(),
        terms,
        payment_status: if to_pay { PaymentStatus::Pending } else { PaymentStatus::Paid },
        paid_total: Money::zero(cart.currency),
        refunded_total: Money::zero(cart.currency),
        authorized_total: Money::zero(cart.currency),
        fulfillments: Vec::new(),
        placed_at: now,
        expires_at: None,
        cancelled_at: None,
        cancel_reason: None,
        cancel_note: None,
        history: Vec::new(),
        updated_at: now,
    };
    let policy = inputs.setup.shop.capture.get(gateway).copied().unwrap_or_default();
    let choose = || Payment::choose(&request.payment, id, order.total, policy, means, moment);
    let payment = to_pay.then(choose).transpose()?;
    order.expires_at = order.deadline(payment.as_slice());
    order.note("order.placed", now);
    commit.event(Event::OrderPlaced {
        order_id: order.id,
        number: order.number.clone(),
        cart_id: cart.id,
        customer_id: cart.customer_id,
        total: order.total,
    });
    if !to_pay {
        order.note("order.paid", now);
        commit.event(Event::OrderPaid {
            order_id: order.id,
            number: order.number.clone(),
            paid_total: order.paid_total,
        });
    }
    let closed = Cart {
        status: CartStatus::Completed,
        order_id: Some(id),
        updated_at: now.max(cart.updated_at),
        ..cart.value.as_ref().clone()
    };
    commit.event(Event::CartCompleted { cart_id: cart.id, order_id: id });
    commit.replace(cart, closed);
    commit.insert(order.clone());
    if let Some(payment) = &payment {
        commit.insert(payment.clone());
    }
    Ok(Decision { output: Placed { order, payment }, commit })
}

fn freeze(line: QuoteLine, sellable: &Sellable, holds: Vec<Hold>, backordered: i64) -> OrderLine {
    let variant = &sellable.variant;
    OrderLine {
        id: line.id,
        variant_id: variant.id,
        product_id: variant.product_id,
        sku: variant.sku.clone(),
        title: sellable.title.clone(),
        options: variant.options.clone(),
        image: sellable.image.clone(),
        quantity: line.quantity,
        unit_price: line.unit_price,
        subtotal: line.subtotal,
        discount_total: line.discount_total,
        tax_total: line.tax_total,
        total: line.total,
        adjustments: line.adjustments,
        requires_shipping: variant.requires_shipping,
        track_inventory: variant.track_inventory,
        holds,
        backordered,
        fulfilled: 0,
        cancelled: 0,
        refunded: 0,
    }
}

/// The stock that is still free while an order's lines take theirs: two lines of one variant take
/// from the same levels.
struct Stock<'a> {
    inputs: &'a CheckoutInputs,
    strategy: &'a dyn Allocate,
    free: BTreeMap<VariantId, Vec<StockLevel>>,
}

impl Stock<'_> {
    /// The units that are held for a line, and those that it must wait for.
    fn take(&mut self, sellable: &Sellable, wanted: i64) -> Result<(Vec<Hold>, i64), Rejection> {
        let variant = &sellable.variant;
        if !variant.track_inventory {
            return Ok((Vec::new(), 0));
        }
        let locations = &self.inputs.setup.locations;
        let levels =
            self.free.entry(variant.id).or_insert_with(|| in_order(&sellable.levels, locations));
        let hold =
            |taken: Placement| Hold { location_id: taken.location_id, quantity: taken.quantity };
        let holds: Vec<Hold> = take(self.strategy, wanted, levels).into_iter().map(hold).collect();
        let missing = wanted - holds.iter().map(|hold| hold.quantity).sum::<i64>();
        if missing > 0 && variant.backorder == Backorder::Deny {
            return Err(Rejection::InsufficientStock {
                variant_id: variant.id,
                sku: variant.sku.clone(),
                wanted: self.inputs.cart.wanted().get(&variant.id).copied().unwrap_or(wanted),
                available: available(&sellable.levels, locations),
            });
        }
        Ok((holds, missing))
    }
}
