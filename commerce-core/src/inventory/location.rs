//! Places that keep stock, and how the units of a line are taken from them.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use super::StockLevel;
use crate::{
    id::{LocationId, Moment},
    patch::{patch, set},
    text::{Label, TextError},
    time::Timestamp,
    version::Versioned,
};

/// A place that keeps stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Location {
    /// Its id.
    pub id: LocationId,
    /// Its name for people.
    pub name: Label,
    /// Lower ones give their stock first, equal ones by age.
    pub priority: i32,
    /// Whether its stock can be bought. That of an inactive place is not available.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Makes a location.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateLocation {
    /// Its name for people.
    pub name: Label,
    /// Lower ones give their stock first.
    #[serde(default)]
    pub priority: i32,
    /// Whether its stock can be bought.
    #[serde(default = "yes")]
    pub active: bool,
}

patch! {
    /// Changes a location: what is absent stays.
    pub struct PatchLocation {
        /// Its name for people.
        pub name: Option<Label>,
        /// Lower ones give their stock first.
        pub priority: Option<i32>,
        /// Whether its stock can be bought.
        pub active: Option<bool>,
    }
}

fn yes() -> bool {
    true
}

impl CreateLocation {
    /// An active location that gives its stock as soon as any other.
    ///
    /// # Errors
    /// When the name breaks the rules of a [`Label`].
    pub fn new(name: impl AsRef<str>) -> Result<Self, TextError> {
        Ok(Self { name: Label::new(name)?, priority: 0, active: true })
    }
}

impl Location {
    /// The most locations of a shop.
    pub const COUNT_MAX: usize = 1_000;

    /// The location that a request describes.
    pub fn create(request: CreateLocation, moment: &mut Moment) -> Self {
        Self {
            id: moment.id(),
            name: request.name,
            priority: request.priority,
            active: request.active,
            created_at: moment.now(),
            updated_at: moment.now(),
        }
    }

    /// The location after a change.
    #[must_use]
    pub fn patch(&self, patch: PatchLocation, now: Timestamp) -> Self {
        let mut location = self.clone();
        set(&mut location.name, patch.name);
        set(&mut location.priority, patch.priority);
        set(&mut location.active, patch.active);
        if location != *self {
            location.updated_at = now.max(self.updated_at);
        }
        location
    }
}

/// The units of a variant that can be bought: those available in the shop's active locations. It
/// means the same wherever the word is used.
pub fn available(levels: &[StockLevel], locations: &[Versioned<Location>]) -> i64 {
    let active = |level: &&StockLevel| {
        locations.iter().any(|location| location.id == level.location_id && location.active)
    };
    levels.iter().filter(active).map(StockLevel::available).sum()
}

/// Units that are taken from one location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The place.
    pub location_id: LocationId,
    /// The units, from 1.
    pub quantity: i64,
}

/// Chooses the locations that the units of a line are taken from.
///
/// # Contract
/// A pure function: the same arguments, the same answer. The placements name each location at most
/// once, ask of none more than it has available, and sum to `wanted` or, if there is not enough, to
/// all that there is. `levels` has the variant's levels in active locations that have some
/// available, in the shop's order of priority.
pub trait Allocate: Debug + Send + Sync + 'static {
    /// Takes up to `wanted` units from the levels.
    fn allocate(&self, wanted: i64, levels: &[StockLevel]) -> Vec<Placement>;
}

/// Takes from the first location all that it has, then from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByPriority;

impl Allocate for ByPriority {
    fn allocate(&self, wanted: i64, levels: &[StockLevel]) -> Vec<Placement> {
        let mut missing = wanted;
        let mut placements = Vec::with_capacity(1);
        for level in levels {
            let quantity = missing.min(level.available());
            if quantity > 0 {
                placements.push(Placement { location_id: level.location_id, quantity });
                missing -= quantity;
            }
        }
        placements
    }
}

/// Takes up to `wanted` units as a strategy says, and marks them as held in `levels`: so what is
/// taken next comes from what is left.
///
/// The strategy is somebody else's: what it says is never trusted with more than there is, nor to
/// leave what could be had.
pub(crate) fn take(
    strategy: &dyn Allocate,
    wanted: i64,
    levels: &mut Vec<StockLevel>,
) -> Vec<Placement> {
    levels.retain(|level| level.available() > 0);
    let mut missing = wanted;
    let mut taken: Vec<Placement> = Vec::with_capacity(1);
    let mut follow = |placements: Vec<Placement>, levels: &mut [StockLevel]| {
        for Placement { location_id, quantity } in placements {
            let level = levels.iter_mut().find(|level| level.location_id == location_id);
            let Some(level) = level else { continue };
            let quantity = quantity.min(level.available()).min(missing);
            if quantity <= 0 {
                continue;
            }
            level.held += quantity;
            missing -= quantity;
            match taken.iter_mut().find(|before| before.location_id == location_id) {
                Some(before) => before.quantity += quantity,
                None => taken.push(Placement { location_id, quantity }),
            }
        }
        missing
    };
    let missing = follow(strategy.allocate(wanted, levels), levels);
    if missing > 0 {
        follow(ByPriority.allocate(missing, levels), levels);
    }
    taken
}

/// The levels that may be taken from, in the shop's order of priority.
pub(crate) fn in_order(
    levels: &[StockLevel],
    locations: &[Versioned<Location>],
) -> Vec<StockLevel> {
    let mut ordered: Vec<_> = levels
        .iter()
        .filter(|level| level.available() > 0)
        .filter_map(|level| {
            let location = locations.iter().find(|place| place.id == level.location_id)?;
            location.active.then_some(((location.priority, location.id), *level))
        })
        .collect();
    ordered.sort_unstable_by_key(|(order, _)| *order);
    ordered.into_iter().map(|(_, level)| level).collect()
}

/// The location that stock arrives at when none is named: the first in the order of priority.
pub(crate) fn first(locations: &[Versioned<Location>]) -> Option<&Versioned<Location>> {
    locations.iter().filter(|l| l.active).min_by_key(|location| (location.priority, location.id))
}
