//! A line of an order: what was bought, frozen, and how far it has come.

use serde::{Deserialize, Serialize};

use crate::{
    error::Rejection,
    id::{LineId, LocationId, ProductId, VariantId},
    money::Money,
    pricing::Adjustment,
    quantity::Quantity,
    text::{Label, Sku, Url},
};

/// Units that a location keeps for a line until they are sent or released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The place.
    pub location_id: LocationId,
    /// The units, from 1.
    pub quantity: i64,
}

/// What was bought, with a copy of all that an order needs when the catalogue has moved on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Its id: that of the cart's line.
    pub id: LineId,
    /// What was bought.
    pub variant_id: VariantId,
    /// The product that it is a variant of.
    pub product_id: ProductId,
    /// Its SKU.
    pub sku: Sku,
    /// The product's title.
    pub title: Label,
    /// The values of its options.
    pub options: Vec<Label>,
    /// The picture that showed it.
    pub image: Option<Url>,
    /// How many units.
    pub quantity: Quantity,
    /// The price of a unit.
    pub unit_price: Money,
    /// All units at that price.
    pub subtotal: Money,
    /// What was taken off.
    pub discount_total: Money,
    /// The taxes.
    pub tax_total: Money,
    /// What is to be paid for the line.
    pub total: Money,
    /// How the total comes about.
    pub adjustments: Vec<Adjustment>,
    /// Whether it is sent to the customer.
    pub requires_shipping: bool,
    /// Whether its stock is counted.
    pub track_inventory: bool,
    /// The units that are kept for it.
    pub holds: Vec<Hold>,
    /// The units that were sold without being in stock, and are still to be received.
    pub backordered: i64,
    /// The units that were sent.
    pub fulfilled: i64,
    /// The units that were called off before they were sent, and never will be.
    pub cancelled: i64,
    /// The units whose money was given back: each of them was sent or called off.
    pub refunded: i64,
}

impl OrderLine {
    /// The units that are kept for it.
    pub fn held(&self) -> i64 {
        self.holds.iter().map(|hold| hold.quantity).sum()
    }

    /// The units that are still to be sent. Where stock is counted, each of them is either kept for
    /// it or backordered.
    pub fn outstanding(&self) -> i64 {
        self.quantity.get() - self.fulfilled - self.cancelled
    }

    /// Refuses to do something with more of its units than are left to do it with.
    pub(super) fn require(&self, units: i64, left: i64, what: &str) -> Result<(), Rejection> {
        if units <= left {
            return Ok(());
        }
        let why = format!("only {left} of {} are left to {what}", self.sku);
        Err(Rejection::transition("order", why))
    }

    /// Calls off some of the units that are still to be sent, those first that it waits for, then
    /// those that the last of its places keeps; answers what is no longer kept.
    pub(super) fn call_off(&mut self, units: i64) -> Vec<Hold> {
        self.cancelled += units;
        let mut left = units - units.min(self.backordered);
        self.backordered -= units - left;
        let mut freed = Vec::new();
        for hold in self.holds.iter_mut().rev() {
            let quantity = left.min(hold.quantity);
            if quantity > 0 {
                hold.quantity -= quantity;
                left -= quantity;
                freed.push(Hold { location_id: hold.location_id, quantity });
            }
        }
        self.holds.retain(|hold| hold.quantity > 0);
        freed
    }
}
