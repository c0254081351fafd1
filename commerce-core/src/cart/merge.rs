//! What becomes of a guest's cart when its owner signs in and has another.

use serde::{Deserialize, Serialize};

use super::{AddLine, Cart, CartStatus, CheckoutInputs};
use crate::{access::Caller, error::Rejection, id::Moment};

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
    /// stay behind: a sign-in must not fail for want of stock.
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
        let shopper = Caller::anonymous();
        if strategy == MergeStrategy::KeepGuest {
            customer.lines.clear();
        }
        if strategy != MergeStrategy::KeepCustomer {
            for line in &guest.lines {
                let before = customer.clone();
                let has = customer.wanted(line.variant_id);
                let wanted = match strategy {
                    MergeStrategy::Larger => line.quantity.get() - has,
                    _ => line.quantity.get(),
                };
                let Ok(add) = AddLine::new(line.variant_id, wanted) else { continue };
                let fits =
                    customer.put_line(&add, &inputs.setup, &shopper, moment).and_then(|()| {
                        customer.check_line(line.variant_id, &inputs.setup, &inputs.sellables)
                    });
                match fits {
                    Ok(()) => {}
                    Err(Rejection::InsufficientStock { available, .. }) => {
                        customer = before;
                        if let Ok(rest) = AddLine::new(line.variant_id, available - has) {
                            customer.put_line(&rest, &inputs.setup, &shopper, moment)?;
                        }
                    }
                    Err(_) => customer = before,
                }
            }
        }
        if customer.email.is_none() {
            customer.email = guest.email.clone();
        }
        if customer.shipping_address.is_none() {
            customer.shipping_address = guest.shipping_address.clone();
        }
        if customer.billing_address.is_none() {
            customer.billing_address = guest.billing_address.clone();
        }
        customer.touch(&inputs.setup, moment.now());
        let mut guest = guest.clone();
        guest.status = CartStatus::Merged;
        guest.updated_at = moment.now().max(guest.updated_at);
        Ok(Merged { customer, guest })
    }
}
