//! Stock: where it is, how much of it is promised, and how every change of it came about.
//!
//! Physical stock is a ledger of [`Movement`]s; a [`StockLevel`]'s `on_hand` is their sum. What is
//! promised to orders are their holds; `held` is the sum of those. A level is never read, changed
//! and written back: a commit carries [`StockMove`]s, differences with a floor that the store
//! checks when it applies them.

mod level;
mod location;
mod low;
mod movement;

pub use level::{LevelKey, Shortage, StockLevel, StockMove};
pub use location::{
    Allocate, ByPriority, CreateLocation, Location, PatchLocation, Placement, available,
};
pub use low::LowStock;
pub use movement::{AdjustStock, Movement, Reason, SetStock};

pub(crate) use location::{first, in_order, take};
