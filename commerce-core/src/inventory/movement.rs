//! The ledger of physical stock, and the requests by which the back office writes to it.

use serde::{Deserialize, Serialize};

use super::{StockLevel, StockMove};
use crate::{
    error::Rejection,
    id::{LocationId, Moment, MovementId, OrderId, VariantId},
    text::Note,
    time::Timestamp,
};

/// Why units came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// They were delivered to the shop.
    Received,
    /// They were sent to a customer.
    Sold,
    /// A customer sent them back.
    Returned,
    /// They were counted, and it was another number.
    Counted,
    /// They were broken, lost or stolen.
    Damaged,
    /// Another reason, which the note gives.
    Adjusted,
}

impl Reason {
    /// The reason's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Sold => "sold",
            Self::Returned => "returned",
            Self::Counted => "counted",
            Self::Damaged => "damaged",
            Self::Adjusted => "adjusted",
        }
    }

    /// Refuses units that come for a reason for which they go, and the other way round: what was
    /// entered wrongly is adjusted.
    fn check(self, delta: i64) -> Result<(), Rejection> {
        let detail = match self {
            Self::Received | Self::Returned if delta < 0 => "is one for which units come, not go",
            Self::Sold | Self::Damaged if delta > 0 => "is one for which units go, not come",
            _ => return Ok(()),
        };
        Err(Rejection::invalid("/reason", format!("`{}` {detail}", self.as_str())))
    }
}

/// One row of the ledger of physical stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Movement {
    /// Its id.
    pub id: MovementId,
    /// The variant that moved.
    pub variant_id: VariantId,
    /// The place that it moved into or out of.
    pub location_id: LocationId,
    /// The units that came, negative for those that went.
    pub delta: i64,
    /// Why.
    pub reason: Reason,
    /// The order that it was for.
    pub order_id: Option<OrderId>,
    /// What the back office noted.
    pub note: Option<Note>,
    /// When.
    pub at: Timestamp,
}

/// Says how many units of a variant a place has: a count.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetStock {
    /// The place; the shop's first one if absent.
    #[serde(default, alias = "location_id")]
    pub location: Option<LocationId>,
    /// The units that are there, from 0 to 1,000,000,000,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000_000_i64))]
    pub on_hand: i64,
    /// Why it is another number than before.
    #[serde(default = "counted")]
    pub reason: Reason,
    /// A remark for the ledger.
    #[serde(default)]
    pub note: Option<Note>,
}

/// Adds units of a variant to a place, or takes some away.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AdjustStock {
    /// The place; the shop's first one if absent.
    #[serde(default, alias = "location_id")]
    pub location: Option<LocationId>,
    /// The units that come, negative for those that go; not 0.
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64)
    )]
    pub delta: i64,
    /// Why: received and returned units come, sold and damaged ones go.
    pub reason: Reason,
    /// A remark for the ledger.
    #[serde(default)]
    pub note: Option<Note>,
}

fn counted() -> Reason {
    Reason::Counted
}

impl SetStock {
    /// So many units at the shop's first location, as they were counted.
    pub fn new(on_hand: i64) -> Self {
        Self { location: None, on_hand, reason: counted(), note: None }
    }

    /// The move that takes a level to the count, if it is another.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] when the count is out of bounds, or below what is held for orders, or the
    /// reason is none for which there are more units than before, or fewer.
    pub fn decide(
        &self,
        level: &StockLevel,
        moment: &mut Moment,
    ) -> Result<Option<StockMove>, Rejection> {
        if !(0..=StockLevel::UNITS_MAX).contains(&self.on_hand) {
            let detail = format!("must be from 0 to {}", StockLevel::UNITS_MAX);
            return Err(Rejection::invalid("/on_hand", detail));
        }
        if self.on_hand < level.held {
            let detail = format!("must be at least {}, which orders hold", level.held);
            return Err(Rejection::invalid("/on_hand", detail));
        }
        let delta = self.on_hand - level.on_hand;
        self.reason.check(delta)?;
        let change = StockMove {
            level: level.key(),
            on_hand: delta,
            held: 0,
            expected_on_hand: Some(level.on_hand),
            movement_id: moment.id(),
            reason: self.reason,
            order_id: None,
            note: self.note.clone(),
        };
        Ok((delta != 0).then_some(change))
    }
}

impl AdjustStock {
    /// So many units more, or fewer, at the shop's first location.
    pub fn new(delta: i64, reason: Reason) -> Self {
        Self { location: None, delta, reason, note: None }
    }

    /// The move that adds or takes the units.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] when the difference is 0 or out of bounds, leaves more than
    /// [`StockLevel::UNITS_MAX`], or is not one that the reason makes.
    pub fn decide(&self, level: &StockLevel, moment: &mut Moment) -> Result<StockMove, Rejection> {
        let max = StockLevel::UNITS_MAX;
        if self.delta == 0 || self.delta.unsigned_abs() > max.unsigned_abs() {
            let detail = format!("must be from -{max} to {max}, and not 0");
            return Err(Rejection::invalid("/delta", detail));
        }
        if self.delta > max - level.on_hand {
            return Err(Rejection::invalid("/delta", format!("must leave at most {max} units")));
        }
        self.reason.check(self.delta)?;
        Ok(StockMove {
            level: level.key(),
            on_hand: self.delta,
            held: 0,
            expected_on_hand: None,
            movement_id: moment.id(),
            reason: self.reason,
            order_id: None,
            note: self.note.clone(),
        })
    }
}
