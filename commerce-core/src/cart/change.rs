//! Requests that make and change a cart, and what they come to.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Cart, CartLine, CartStatus, CheckoutInputs, Origin, by_variant};
use crate::{
    access::Caller,
    catalog::{Backorder, Sellable},
    currency::Currency,
    customer::{Address, BookedAddress, Customer},
    error::{FieldError, Rejection},
    id::{CustomerId, LineId, Moment, ShippingMethodId, VariantId},
    inventory::available,
    money::Money,
    patch::{patch, set},
    quantity::Quantity,
    secret::Digest,
    shop::Setup,
    text::{Email, Label, Note},
    time::Timestamp,
};

/// Makes a cart. A signed-in customer who has an open one gets that instead. What is not said of a
/// customer's cart, the customer's profile and default addresses say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CreateCart {
    /// The currency of its prices; the shop's if absent.
    pub currency: Option<Currency>,
    /// What is in it from the start.
    pub lines: Vec<AddLine>,
    /// Whose it is; only the back office may say so.
    pub customer_id: Option<CustomerId>,
    /// Where the customer can be reached.
    pub email: Option<Email>,
    /// Where it is to be sent.
    pub shipping_address: Option<Address>,
    /// Where the bill is to be sent.
    pub billing_address: Option<Address>,
    /// How it is to be sent.
    pub shipping_method: Option<ShippingMethodId>,
    /// What the customer noted.
    pub note: Option<Note>,
}

/// Puts units of a variant into a cart. If it has some already, they add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddLine {
    /// What is wanted.
    pub variant_id: VariantId,
    /// How many more units.
    pub quantity: Quantity,
    /// The price of a unit; only the back office may set one.
    #[serde(default)]
    pub unit_price: Option<Money>,
}

/// Changes a line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeLine {
    /// How many units from now on.
    pub quantity: Quantity,
}

patch! {
    /// Changes what a cart says besides its lines: what is absent stays, what is null is cleared.
    pub struct PatchCart {
        /// Where the customer can be reached.
        pub email: Option<Option<Email>>,
        /// Where it is to be sent.
        pub shipping_address: Option<Option<Address>>,
        /// Where the bill is to be sent.
        pub billing_address: Option<Option<Address>>,
        /// How it is to be sent.
        pub shipping_method: Option<Option<ShippingMethodId>>,
        /// The discount codes that the customer entered: all of them.
        pub discount_codes: Option<Vec<Label>>,
        /// What the customer noted.
        pub note: Option<Option<Note>>,
    }
}

impl CreateCart {
    /// The request with what it does not say taken from what is known of the customer.
    #[must_use]
    pub fn with_defaults_of(mut self, customer: &Customer) -> Self {
        let default = |of: fn(&BookedAddress) -> bool| {
            customer.addresses.iter().find(|entry| of(entry)).map(|entry| entry.address.clone())
        };
        self.email = self.email.or_else(|| customer.email.clone());
        self.shipping_address =
            self.shipping_address.or_else(|| default(|entry| entry.default_shipping));
        self.billing_address =
            self.billing_address.or_else(|| default(|entry| entry.default_billing));
        self
    }
}

impl AddLine {
    /// Some units of a variant at the shop's price.
    ///
    /// # Errors
    /// When the quantity is out of bounds.
    pub fn new(variant_id: VariantId, units: i64) -> Result<Self, crate::quantity::QuantityError> {
        Ok(Self { variant_id, quantity: Quantity::new(units)?, unit_price: None })
    }

    /// The same units at a price that the back office sets.
    #[must_use]
    pub fn at(self, unit_price: Money) -> Self {
        Self { unit_price: Some(unit_price), ..self }
    }
}

impl Cart {
    /// The cart that a request describes. `secret` is the digest of the secret that it answers to,
    /// where nobody is known to own it.
    ///
    /// # Errors
    /// As [`Cart::add_line`] and [`Cart::patch`]; [`Rejection::Forbidden`] when a client names a
    /// customer.
    pub fn create(
        request: &CreateCart,
        setup: &Setup,
        sellables: &[Sellable],
        caller: &Caller,
        secret: Option<Digest>,
        moment: &mut Moment,
    ) -> Result<Self, Rejection> {
        let back_office = caller.is_back_office();
        if request.customer_id.is_some() && !back_office {
            return Err(Rejection::Forbidden);
        }
        let customer_id = match caller.actor {
            crate::access::Actor::Customer(id) => Some(id),
            _ => request.customer_id,
        };
        let now = moment.now();
        let mut cart = Self {
            id: moment.id(),
            status: CartStatus::Open,
            origin: if back_office { Origin::BackOffice } else { Origin::Storefront },
            currency: request.currency.unwrap_or(setup.shop.currency),
            customer_id,
            secret,
            lines: Vec::with_capacity(request.lines.len()),
            email: request.email.clone(),
            shipping_address: request.shipping_address.clone(),
            billing_address: request.billing_address.clone(),
            shipping_method: request.shipping_method,
            discount_codes: Vec::new(),
            note: request.note.clone(),
            order_id: None,
            created_at: now,
            updated_at: now,
            expires_at: now.saturating_add(setup.shop.limits.cart_idle()),
        };
        cart.check_shipping_method(setup)?;
        let mut places = HashMap::with_capacity(request.lines.len());
        for (index, line) in request.lines.iter().enumerate() {
            let place =
                *places.entry((line.variant_id, line.unit_price)).or_insert(cart.lines.len());
            cart.put_line(place, line, setup, caller, moment).map_err(|e| at_line(index, e))?;
        }
        cart.check_variants(request.lines.iter().map(|line| line.variant_id), setup, sellables)?;
        Ok(cart)
    }

    /// The cart with more units of a variant; those that it has already add up. What is compared
    /// with the stock is their sum.
    ///
    /// # Errors
    /// [`Rejection::CartClosed`], [`Rejection::NotFound`] for a variant that does not exist,
    /// [`Rejection::NotForSale`], [`Rejection::InsufficientStock`], [`Rejection::Invalid`] when a
    /// limit of the shop would be passed or a price is set in what is no draft,
    /// [`Rejection::Forbidden`] when a client sets one.
    pub fn add_line(
        inputs: &CheckoutInputs,
        request: &AddLine,
        caller: &Caller,
        moment: &mut Moment,
    ) -> Result<Self, Rejection> {
        let mut cart = inputs.cart.value.as_ref().clone();
        cart.require_open()?;
        let same = |line: &CartLine| {
            line.variant_id == request.variant_id && line.set_price == request.unit_price
        };
        let place = cart.lines.iter().position(same).unwrap_or(cart.lines.len());
        cart.put_line(place, request, &inputs.setup, caller, moment)?;
        cart.check_variants([request.variant_id], &inputs.setup, &inputs.sellables)?;
        cart.touch(&inputs.setup, moment.now());
        Ok(cart)
    }

    /// The cart with another number of units in a line.
    ///
    /// # Errors
    /// As [`Cart::add_line`]; [`Rejection::NotFound`] for a line that it does not have.
    pub fn change_line(
        inputs: &CheckoutInputs,
        line_id: LineId,
        request: &ChangeLine,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        let mut cart = inputs.cart.value.as_ref().clone();
        cart.require_open()?;
        let Some(line) = cart.lines.iter_mut().find(|line| line.id == line_id) else {
            return Err(Rejection::NotFound { what: "line" });
        };
        let fewer = request.quantity <= line.quantity;
        line.quantity = request.quantity;
        let variant_id = line.variant_id;
        // Taking units out must work even where the rest can no longer be had.
        if !fewer {
            check_quantity(request.quantity, &inputs.setup)?;
            cart.check_variants([variant_id], &inputs.setup, &inputs.sellables)?;
        }
        cart.touch(&inputs.setup, now);
        Ok(cart)
    }

    /// The cart without a line.
    ///
    /// # Errors
    /// [`Rejection::CartClosed`]; [`Rejection::NotFound`] for a line that it does not have.
    pub fn remove_line(
        &self,
        line_id: LineId,
        setup: &Setup,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        self.require_open()?;
        let mut cart = self.clone();
        cart.lines.retain(|line| line.id != line_id);
        if cart.lines.len() == self.lines.len() {
            return Err(Rejection::NotFound { what: "line" });
        }
        cart.touch(setup, now);
        Ok(cart)
    }

    /// The cart without any lines.
    ///
    /// # Errors
    /// [`Rejection::CartClosed`].
    pub fn clear(&self, setup: &Setup, now: Timestamp) -> Result<Self, Rejection> {
        self.require_open()?;
        let mut cart = self.clone();
        cart.lines.clear();
        cart.touch(setup, now);
        Ok(cart)
    }

    /// The cart after a change of what it says besides its lines.
    ///
    /// # Errors
    /// [`Rejection::CartClosed`]; [`Rejection::Invalid`] for a shipping method that the shop does
    /// not have, or too many discount codes.
    pub fn patch(
        &self,
        request: &PatchCart,
        setup: &Setup,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        self.require_open()?;
        let mut cart = self.clone();
        set(&mut cart.email, request.email.clone());
        set(&mut cart.shipping_address, request.shipping_address.clone());
        set(&mut cart.billing_address, request.billing_address.clone());
        set(&mut cart.shipping_method, request.shipping_method);
        set(&mut cart.discount_codes, request.discount_codes.clone());
        set(&mut cart.note, request.note.clone());
        if cart.discount_codes.len() > Self::DISCOUNT_CODES_MAX {
            let detail = format!("must have at most {} entries", Self::DISCOUNT_CODES_MAX);
            return Err(Rejection::invalid("/discount_codes", detail));
        }
        cart.check_shipping_method(setup)?;
        cart.touch(setup, now);
        Ok(cart)
    }

    pub(super) fn touch(&mut self, setup: &Setup, now: Timestamp) {
        self.updated_at = now.max(self.updated_at);
        self.expires_at = self.updated_at.saturating_add(setup.shop.limits.cart_idle());
    }

    fn check_shipping_method(&self, setup: &Setup) -> Result<(), Rejection> {
        let Some(id) = self.shipping_method else { return Ok(()) };
        let methods = &setup.shop.shipping_methods;
        if methods.iter().any(|method| method.id == id && method.active) {
            Ok(())
        } else {
            Err(Rejection::invalid("/shipping_method", "must be one of the shop's methods"))
        }
    }

    /// Puts units into the line at a place, which has the same variant and price, or after all
    /// others.
    fn put_line(
        &mut self,
        place: usize,
        request: &AddLine,
        setup: &Setup,
        caller: &Caller,
        moment: &mut Moment,
    ) -> Result<(), Rejection> {
        if let Some(price) = request.unit_price {
            if !caller.is_back_office() {
                return Err(Rejection::Forbidden);
            }
            if self.origin != Origin::BackOffice {
                let detail = "can be set in a draft alone: this cart is a customer's";
                return Err(Rejection::invalid("/unit_price", detail));
            }
            if price.currency() != self.currency {
                let detail = format!("must be in {}, like the cart", self.currency.code());
                return Err(Rejection::invalid("/unit_price", detail));
            }
            if price.is_negative() {
                return Err(Rejection::invalid("/unit_price", "must not be negative"));
            }
        }
        let quantity = match self.lines.get_mut(place) {
            Some(line) => {
                let before = line.quantity;
                line.quantity = before.checked_add(request.quantity).map_err(|_| {
                    let more = Quantity::MAX - before.get();
                    let detail = format!("must be at most {more}, as {before} are in the line");
                    Rejection::invalid("/quantity", detail)
                })?;
                line.quantity
            }
            None => {
                if self.lines.len() >= setup.shop.limits.lines_max {
                    let max = setup.shop.limits.lines_max;
                    let detail = format!("a cart has at most {max} lines");
                    return Err(Rejection::invalid("", detail));
                }
                self.lines.push(CartLine {
                    id: moment.id(),
                    variant_id: request.variant_id,
                    quantity: request.quantity,
                    set_price: request.unit_price,
                });
                request.quantity
            }
        };
        check_quantity(quantity, setup)
    }

    /// Refuses variants of the cart that it cannot have, or not as many units of.
    fn check_variants(
        &self,
        variants: impl IntoIterator<Item = VariantId>,
        setup: &Setup,
        sellables: &[Sellable],
    ) -> Result<(), Rejection> {
        let (sellables, wanted) = (by_variant(sellables), self.wanted());
        let at_shops_price: HashSet<_> =
            self.lines.iter().filter(|l| l.set_price.is_none()).map(|l| l.variant_id).collect();
        for id in variants {
            // A client must not learn of goods that it cannot see.
            let seen =
                |sellable: &&&Sellable| self.origin == Origin::BackOffice || sellable.is_visible();
            let Some(sellable) = sellables.get(&id).filter(seen) else {
                return Err(Rejection::NotFound { what: "variant" });
            };
            if at_shops_price.contains(&id) {
                sellable.price(self.currency)?;
            } else {
                sellable.require_active()?;
            }
            check_stock(sellable, wanted.get(&id).copied().unwrap_or(0), setup)?;
        }
        Ok(())
    }
}

/// The units of a variant that can be had, if they are counted at all.
pub(super) fn obtainable(sellable: &Sellable, setup: &Setup) -> Option<i64> {
    let variant = &sellable.variant;
    let counted = variant.track_inventory && variant.backorder == Backorder::Deny;
    counted.then(|| available(&sellable.levels, &setup.locations))
}

/// Refuses more units of a variant than can be had.
///
/// # Errors
/// [`Rejection::InsufficientStock`].
pub(crate) fn check_stock(
    sellable: &Sellable,
    wanted: i64,
    setup: &Setup,
) -> Result<(), Rejection> {
    match obtainable(sellable, setup) {
        Some(available) if wanted > available => Err(Rejection::InsufficientStock {
            variant_id: sellable.variant.id,
            sku: sellable.variant.sku.clone(),
            wanted,
            available,
        }),
        _ => Ok(()),
    }
}

fn check_quantity(quantity: Quantity, setup: &Setup) -> Result<(), Rejection> {
    let max = setup.shop.limits.line_quantity_max;
    if quantity.get() <= max {
        return Ok(());
    }
    Err(Rejection::invalid("/quantity", format!("a line has at most {max} units")))
}

fn at_line(index: usize, rejection: Rejection) -> Rejection {
    match rejection {
        Rejection::Invalid(errors) => Rejection::Invalid(
            errors
                .into_iter()
                .map(|e| FieldError::new(format!("/lines/{index}{}", e.pointer), e.detail))
                .collect(),
        ),
        other => other,
    }
}
