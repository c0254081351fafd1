//! A shop in one SQLite file.

mod cache;
mod codec;
mod error;
mod migrate;
mod open;
mod query;
mod read;
mod store;
mod system;
mod table;
mod view;
mod write;
mod writer;

use std::path::Path;

use commerce_core::Commerce;

pub use error::OpenError;
pub use migrate::migrate_in;
pub use open::{Durability, OpenOptions};
pub use read::{
    read_cart_in, read_checkout_inputs_in, read_customer_in, read_open_cart_in, read_order_in,
    read_outcome_in, read_product_in, read_sellables_in, read_setup_in, read_variant_in,
};
pub use store::SqliteStore;
pub use system::{SystemClock, SystemIds};
pub use write::commit_in;

/// Opens a shop in a file, or makes it: the store with the machine's clock and randomness.
///
/// # Errors
/// [`OpenError`] says what is wrong with the file; nothing of it was changed then.
pub fn open(path: impl AsRef<Path>) -> Result<Commerce, OpenError> {
    Ok(Commerce::new(SqliteStore::open(path)?, SystemClock, SystemIds))
}
