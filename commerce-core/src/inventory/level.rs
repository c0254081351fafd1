//! How many units of a variant a place has, and the moves that change it.

use serde::{Deserialize, Serialize};

use super::{Movement, Reason};
use crate::{
    id::{LocationId, MovementId, OrderId, VariantId},
    text::Note,
    time::Timestamp,
};

/// Names a level: a variant at a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LevelKey {
    /// The variant.
    pub variant_id: VariantId,
    /// The place.
    pub location_id: LocationId,
}

/// How many units of a variant a place has. Of a place that never had any there is no level, which
/// means the same as one of zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevel {
    /// The variant.
    pub variant_id: VariantId,
    /// The place.
    pub location_id: LocationId,
    /// The units that are there, from 0.
    pub on_hand: i64,
    /// The part of them that is promised to orders, from 0 to `on_hand`.
    pub held: i64,
}

/// Why a move cannot be made: it would leave fewer than no units available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// The level that is short.
    pub level: LevelKey,
    /// The units that the move needs.
    pub wanted: i64,
    /// The units that are available.
    pub available: i64,
}

/// A change of one level, with the reason for which it is made.
///
/// The store applies it to whatever the level is at that instant, and refuses it if the level would
/// leave its bounds: `0 ≤ held ≤ on_hand ≤` [`StockLevel::UNITS_MAX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockMove {
    /// The level that changes.
    pub level: LevelKey,
    /// The units that come, negative for those that go. If not 0, the move is a row of the ledger.
    pub on_hand: i64,
    /// The units that are newly promised, negative for those that no longer are.
    pub held: i64,
    /// The units on hand that the level must have when the move is made. With it a level can be set
    /// rather than moved; if it has changed meanwhile, that is a conflict.
    pub expected_on_hand: Option<i64>,
    /// The id of the ledger's row.
    pub movement_id: MovementId,
    /// Why the units come or go.
    pub reason: Reason,
    /// The order that it is for.
    pub order_id: Option<OrderId>,
    /// What the back office noted.
    pub note: Option<Note>,
}

impl StockLevel {
    /// The most units that a place can have of a variant: 10¹².
    pub const UNITS_MAX: i64 = 1_000_000_000_000;

    /// The level of a place that never had any.
    pub fn zero(key: LevelKey) -> Self {
        Self { variant_id: key.variant_id, location_id: key.location_id, on_hand: 0, held: 0 }
    }

    /// Which level this is.
    pub fn key(&self) -> LevelKey {
        LevelKey { variant_id: self.variant_id, location_id: self.location_id }
    }

    /// The units that are there and not promised.
    pub fn available(&self) -> i64 {
        self.on_hand - self.held
    }

    /// The level after a difference.
    ///
    /// # Errors
    /// [`Shortage`] when a bound would be left: too few units available, or too many on hand.
    pub fn moved(&self, on_hand: i64, held: i64) -> Result<Self, Shortage> {
        let moved = Self {
            on_hand: self.on_hand.saturating_add(on_hand),
            held: self.held.saturating_add(held),
            ..*self
        };
        if moved.held >= 0 && moved.available() >= 0 && moved.on_hand <= Self::UNITS_MAX {
            Ok(moved)
        } else {
            Err(Shortage {
                level: self.key(),
                wanted: held.saturating_sub(on_hand),
                available: self.available(),
            })
        }
    }
}

impl StockMove {
    /// The ledger's row of this move, if units come or go.
    pub fn movement(&self, at: Timestamp) -> Option<Movement> {
        (self.on_hand != 0).then(|| Movement {
            id: self.movement_id,
            variant_id: self.level.variant_id,
            location_id: self.level.location_id,
            delta: self.on_hand,
            reason: self.reason,
            order_id: self.order_id,
            note: self.note.clone(),
            at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Moment;

    fn level(on_hand: i64, held: i64) -> StockLevel {
        let mut moment = Moment::new(Timestamp::UNIX_EPOCH, [1; 16]);
        StockLevel { variant_id: moment.id(), location_id: moment.id(), on_hand, held }
    }

    #[test]
    fn a_level_stays_within_its_bounds() {
        assert_eq!(level(5, 2).moved(0, 3).unwrap().available(), 0);
        assert_eq!(level(5, 2).moved(-3, 0).unwrap().available(), 0);
        assert_eq!(level(5, 2).moved(-2, -2).unwrap(), level(3, 0));
        for (on_hand, held) in [(0, 4), (-4, 0), (0, -3), (-5, -2), (i64::MAX, 0), (i64::MIN, 0)] {
            let shortage = level(4, 1).moved(on_hand, held);
            assert!(shortage.is_err(), "{on_hand} {held}: {shortage:?}");
        }
    }

    #[test]
    fn a_shortage_says_what_was_wanted_and_what_there_is() {
        let shortage = level(5, 2).moved(0, 4).unwrap_err();
        assert_eq!((shortage.wanted, shortage.available), (4, 3));
        let shortage = level(5, 2).moved(-7, 0).unwrap_err();
        assert_eq!((shortage.wanted, shortage.available), (7, 3));
    }
}
