//! When the shop is told that a variant is low.

use super::{Location, StockLevel};
use crate::{
    catalog::Variant,
    id::{LocationId, VariantId},
    version::Versioned,
};

/// Has a commit tell `stock.low` if its moves leave fewer units of a variant available than the
/// threshold, and there were not fewer before: the same units and the same threshold by which
/// variants are listed as low, so it is told once, when the variant gets onto that list by a move.
///
/// The units are counted when the commit is applied, so those who sell at once from different places
/// tell it once. The threshold and the places are those that were read: of a place that is opened,
/// closed or gets its first units at that instant, the next move takes notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LowStock {
    /// The variant.
    pub variant_id: VariantId,
    /// It is low when fewer units than this are available.
    pub threshold: i64,
    /// The places whose units are available.
    pub locations: Vec<LocationId>,
}

impl LowStock {
    /// A variant with its stock and the shop's locations. A variant whose stock is not counted, or
    /// that has no threshold, is never low.
    pub fn of<'a>(
        variant: &Variant,
        levels: impl IntoIterator<Item = &'a StockLevel>,
        locations: &[Versioned<Location>],
    ) -> Option<Self> {
        let (variant_id, threshold) = (variant.id, variant.low_stock_threshold);
        if !variant.track_inventory || threshold <= 0 {
            return None;
        }
        let active = |id: &LocationId| locations.iter().any(|it| it.id == *id && it.active);
        let of_it = levels.into_iter().filter(|level| level.variant_id == variant_id);
        let locations = of_it.map(|level| level.location_id).filter(active).collect();
        Some(Self { variant_id, threshold, locations })
    }
}
