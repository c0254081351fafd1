//! A cart: what somebody wants to buy, at the prices of the day until checkout freezes them.

mod change;
mod merge;
mod view;

pub(crate) use change::check_stock;
use change::obtainable;
pub use change::{AddLine, ChangeLine, CreateCart, PatchCart};
pub use merge::{MergeStrategy, Merged};
pub use view::{CartLineView, CartProblem, CartView};

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    catalog::Sellable,
    currency::Currency,
    customer::Address,
    error::Rejection,
    id::{CartId, CustomerId, LineId, OrderId, ShippingMethodId, VariantId},
    money::Money,
    quantity::Quantity,
    secret::Digest,
    shop::Setup,
    text::{Email, Label, Note},
    time::Timestamp,
    version::Versioned,
};

/// Whether a cart can still be changed and checked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CartStatus {
    /// It can.
    Open,
    /// An order was placed from it.
    Completed,
    /// Its lines went into another cart.
    Merged,
    /// Nobody touched it for too long.
    Expired,
}

impl CartStatus {
    /// The status's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Completed => "completed",
            Self::Merged => "merged",
            Self::Expired => "expired",
        }
    }
}

/// Where a cart comes from, which decides what it may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A shop client: every price is the shop's, and whoever checks out says where to.
    #[default]
    Storefront,
    /// The back office, which drafts an order: it may set a price on a line, and leave out what a
    /// customer must say.
    BackOffice,
}

impl Origin {
    /// The origin's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Storefront => "storefront",
            Self::BackOffice => "back_office",
        }
    }
}

/// Some units of a variant in a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// Its id, which the order's line takes over.
    pub id: LineId,
    /// What is wanted.
    pub variant_id: VariantId,
    /// How many units.
    pub quantity: Quantity,
    /// The price of a unit that the back office set; the shop's price where there is none.
    pub set_price: Option<Money>,
}

/// What somebody wants to buy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// Its id.
    pub id: CartId,
    /// Whether it can still be changed and checked out.
    pub status: CartStatus,
    /// Where it comes from.
    pub origin: Origin,
    /// The currency of its prices.
    pub currency: Currency,
    /// Whose it is; of a guest's cart it is not known.
    pub customer_id: Option<CustomerId>,
    /// The digest of the secret that a guest's cart answers to.
    pub secret: Option<Digest>,
    /// What is wanted, at most one line for a variant and a set price.
    pub lines: Vec<CartLine>,
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
}

/// A cart with everything that pricing it and checking it out need, read in one snapshot.
#[derive(Debug, Clone)]
pub struct CheckoutInputs {
    /// The shop's configuration and locations.
    pub setup: Setup,
    /// The cart.
    pub cart: Versioned<Cart>,
    /// What the cart's lines, and the further variants that were asked for, sell. A variant that
    /// does not exist is absent.
    pub sellables: Vec<Sellable>,
}

impl CheckoutInputs {
    /// What each variant sells, by its id.
    pub fn by_variant(&self) -> HashMap<VariantId, &Sellable> {
        by_variant(&self.sellables)
    }
}

fn by_variant(sellables: &[Sellable]) -> HashMap<VariantId, &Sellable> {
    sellables.iter().map(|sellable| (sellable.variant.id, sellable)).collect()
}

impl Cart {
    /// The most discount codes of a cart.
    pub const DISCOUNT_CODES_MAX: usize = 20;

    /// Refuses a cart that can no longer be changed.
    ///
    /// # Errors
    /// [`Rejection::CartClosed`].
    pub fn require_open(&self) -> Result<(), Rejection> {
        if self.status == CartStatus::Open { Ok(()) } else { Err(Rejection::CartClosed) }
    }

    /// The units of each variant that all lines together want.
    pub fn wanted(&self) -> HashMap<VariantId, i64> {
        let mut wanted = HashMap::with_capacity(self.lines.len());
        for line in &self.lines {
            *wanted.entry(line.variant_id).or_default() += line.quantity.get();
        }
        wanted
    }
}
