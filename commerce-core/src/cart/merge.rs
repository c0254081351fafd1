//! What becomes of a guest's cart when its owner signs in and has another.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Cart, CartLine, CartStatus, CheckoutInputs, obtainable};
use crate::{error::Rejection, id::Moment, quantity::Quantity};

/// What becomes of the lines of a guest's cart when its owner signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MergeStrategy {
    /// Both carts' lines are kept, and units of the same variant add up, as far as there is stock.
    #[default]
    Combine,
    /// Both carts' lines are kept; of the same variant, the larger number of units.
    Larger,
    /// The guest's cart replaces the customer's.
    KeepGuest,
    /// The customer's cart stays as it was.
    KeepCustomer,
}

/// Both carts after a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The customer's cart.
    pub customer: Cart,
    /// The guest's cart, closed.
    pub guest: Cart,
}

impl Cart {
    /// Moves a guest's lines into a customer's cart. Units for which there is no stock, or no room,
    /// stay behind: a sign-in must not fail for want of stock. What else the guest said is kept
    /// where the customer's cart says nothing.
    ///
    /// `inputs` are those of the customer's cart, with what the guest's lines sell.
    ///
    /// # Errors
    /// [`Rejection::CartClosed`] when either is closed; [`Rejection::Invalid`] when their currencies
    /// differ.
    pub fn merge(
        inputs: &CheckoutInputs,
        guest: &Self,
        strategy: MergeStrategy,
        moment: &mut Moment,
    ) -> Result<Merged, Rejection> {
        let mut customer = inputs.cart.value.as_ref().clone();
        customer.require_open()?;
        guest.require_open()?;
        if guest.currency != customer.currency {
            return Err(Rejection::invalid("", "the carts have different currencies"));
        }
        let own = inputs.cart.value.as_ref();
        match strategy {
            MergeStrategy::KeepCustomer => {}
            MergeStrategy::KeepGuest => {
                customer.lines.clear();
                customer.take_lines(guest, strategy, inputs, moment);
                customer.say_as(guest, own);
            }
            MergeStrategy::Combine | MergeStrategy::Larger => {
                customer.take_lines(guest, strategy, inputs, moment);
                customer.say_as(own, guest);
            }
        }
        customer.touch(&inputs.setup, moment.now());
        let mut guest = guest.clone();
        guest.status = CartStatus::Merged;
        guest.updated_at = moment.now().max(guest.updated_at);
        Ok(Merged { customer, guest })
    }

    fn take_lines(
        &mut self,
        guest: &Self,
        strategy: MergeStrategy,
        inputs: &CheckoutInputs,
        moment: &mut Moment,
    ) {
        let sellables = inputs.by_variant();
        let limits = &inputs.setup.shop.limits;
        let mut wanted = self.wanted();
        let mut places: HashMap<_, _> =
            self.lines.iter().enumerate().map(|(place, line)| (line.variant_id, place)).collect();
        for line in &guest.lines {
            let Some(sellable) = sellables.get(&line.variant_id) else { continue };
            if sellable.price(self.currency).is_err() {
                continue;
            }
            let has = wanted.entry(line.variant_id).or_default();
            let more = match strategy {
                MergeStrategy::Larger => line.quantity.get() - *has,
                _ => line.quantity.get(),
            };
            let room = obtainable(sellable, &inputs.setup)
                .unwrap_or(i64::MAX)
                .min(limits.line_quantity_max);
            let Ok(quantity) = Quantity::new((*has + more).min(room)) else { continue };
            if quantity.get() <= *has {
                continue;
            }
            let place = *places.entry(line.variant_id).or_insert(self.lines.len());
            match self.lines.get_mut(place) {
                Some(own) => own.quantity = quantity,
                None if place >= limits.lines_max => {
                    places.remove(&line.variant_id);
                    continue;
                }
                None => {
                    let id = moment.id();
                    self.lines.push(CartLine { id, quantity, set_price: None, ..line.clone() });
                }
            }
            *has = quantity.get();
        }
    }

    /// Says besides its lines what the first says, else what the second says.
    fn say_as(&mut self, first: &Self, second: &Self) {
        fn either<T: Clone>(first: &Option<T>, second: &Option<T>) -> Option<T> {
            first.as_ref().or(second.as_ref()).cloned()
        }
        self.email = either(&first.email, &second.email);
        self.shipping_address = either(&first.shipping_address, &second.shipping_address);
        self.billing_address = either(&first.billing_address, &second.billing_address);
        self.shipping_method = either(&first.shipping_method, &second.shipping_method);
        self.note = either(&first.note, &second.note);
        self.discount_codes = first.discount_codes.clone();
        for code in &second.discount_codes {
            let room = self.discount_codes.len() < Self::DISCOUNT_CODES_MAX;
            if room && !self.discount_codes.contains(code) {
                self.discount_codes.push(code.clone());
            }
        }
    }
}
