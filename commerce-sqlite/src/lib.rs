//! A shop in one SQLite file: the default store of `commerce-core`.
//!
//! ```
//! use commerce_core::{currency::Currency, shop::Shop};
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("shop.db");
//! let shop = commerce_sqlite::open(&path)?;
//! # pollster::block_on(async {
//! shop.open(Shop::new("Corner shop", Currency::EUR)?).await?;
//! assert_eq!(shop.shop().await?.name.as_str(), "Corner shop");
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it works
//! One thread writes. It takes whatever waits in its queue, judges each commit by
//! [`apply`](commerce_core::store::apply) over the database, writes the rows that differ, and makes
//! the whole batch durable at once before it answers anybody. Nobody waits for a batch to fill, so a
//! single caller pays for one disk write, and many callers share one. A stock level that many
//! commits of a batch move is read once and written once.
//!
//! Reads run on a few connections of their own, on the thread that asks, each in one snapshot. What a commit
//! will be decided by, an order or the inputs of a checkout, is read on the connection that writes while that
//! has nothing to write. The setup, the categories and what variants sell are kept decoded; a counter in each
//! snapshot says whether they were written since, so other processes may write the same file at the same time.
//!
//! No async runtime is needed: the futures work under any.
//!
//! # In the embedder's own database
//! All tables are called `commerce_…`, so they can stand beside others. [`migrate_in`] makes them,
//! [`commit_in`] applies a commit inside the embedder's own transaction, and `read_…_in` read there.
//! The order and the embedder's own row are then both there or both absent:
//!
//! ```
//! use commerce_core::{Commerce, access::Caller, checkout::PlaceOrder, id::CartId};
//! use commerce_sqlite::{
//!     commit_in, read_checkout_inputs_in,
//!     rusqlite::{Connection, TransactionBehavior},
//! };
//!
//! fn check_out(
//!     connection: &mut Connection,
//!     shop: &Commerce,
//!     caller: &Caller,
//!     cart: CartId,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
//!     let inputs = read_checkout_inputs_in(&transaction, cart, &[])?.ok_or("no such cart")?;
//!     let decision = shop.decide_order(caller, &inputs, &PlaceOrder::default())?;
//!     transaction.execute("INSERT INTO bonus_points (points) VALUES (10)", [])?;
//!     commit_in(&transaction, &decision.commit)?;
//!     transaction.commit()?;
//!     Ok(())
//! }
//! ```
//!
//! # Asking with SQL
//! Ids are 16 bytes, and `lower(hex(id))` is the id of the API without its prefix. Times are
//! milliseconds since 1970 in UTC, amounts whole minor units of the currency beside them. Read as
//! much as you like; write only through this crate, which keeps what is derived in step.

mod cache;
mod codec;
mod error;
mod log;
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
/// The version of `rusqlite` whose connections this crate takes.
pub use rusqlite;

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
