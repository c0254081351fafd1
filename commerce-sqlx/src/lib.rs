//! A shop in a PostgreSQL database, which any number of servers may have open at once.
//!
//! ```no_run
//! # async fn open() -> Result<(), Box<dyn std::error::Error>> {
//! use commerce_core::{currency::Currency, shop::Shop};
//! let shop = commerce_sqlx::open("postgres://localhost/shop").await?;
//! shop.open(Shop::new("Corner shop", Currency::EUR)?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//! One task of each server writes. It takes whatever waits in its queue and makes it one transaction:
//! it locks and reads all that the commits name in one statement, judges them one after the other by
//! [`apply`](commerce_core::store::apply), and writes what they come to set by set, with one array for
//! each column, so that a hundred checkouts cost few more round trips than one. Nobody waits for a
//! batch to fill. Everybody locks in the same order, so that servers wait for each other but never in
//! a circle; what goes wrong all the same is tried again within bounds. What somebody else keeps locked
//! keeps only those who want the same, and they are told no when their time is over. The module
//! `writer` tells it in full.
//!
//! A read is one statement, with what belongs to a record as an array in a column of its own. It is
//! one snapshot and one round trip, and a caller who goes away in the middle leaves nothing behind.
//! Carts that are to be checked out are gathered like commits: whoever asks while others are being
//! read is read with all who ask meanwhile.
//!
//! # In the embedder's own database
//! All tables are called `commerce_…`, so they can stand beside others. [`migrate_in`] makes them,
//! [`commit_in`] applies a commit inside the embedder's own transaction, and `read_…_in` read there.
//! The order and the embedder's own row are then both there or both absent:
//!
//! ```no_run
//! use commerce_core::{checkout::{PlaceOrder, place}, id::Moment, inventory::ByPriority};
//! use commerce_core::{inputs::{Clock, IdSource}, payment::Means};
//! use commerce_sqlx::{SystemClock, SystemIds, commit_in, read_checkout_inputs_in};
//! use sqlx::Connection;
//!
//! # async fn check_out(
//! #     connection: &mut sqlx::PgConnection,
//! #     cart: commerce_core::id::CartId,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let mut transaction = connection.begin().await?;
//! let inputs = read_checkout_inputs_in(&mut transaction, cart, &[]).await?.ok_or("no such cart")?;
//! let [seed @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = SystemIds.bytes();
//! let mut moment = Moment::new(SystemClock.now(), seed);
//! let decision = place(&inputs, &PlaceOrder::default(), &Means::by_hand(), &ByPriority, &mut moment)?;
//! sqlx::query("INSERT INTO bonus_points (points) VALUES (10)").execute(&mut *transaction).await?;
//! commit_in(&mut transaction, &decision.commit).await?;
//! transaction.commit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Asking with SQL
//! Ids are UUIDs: `replace(id::text, '-', '')` is the id of the API without its prefix. Amounts are
//! whole minor units of the currency beside them. Read as much as you like; write only through this
//! crate, which keeps what is derived in step.

mod aside;
mod attempt;
mod batch;
mod cell;
mod clock;
mod codec;
mod draft;
mod embed;
mod error;
mod gather;
mod holders;
mod job;
mod keys;
mod listen;
mod lock;
mod migrate;
mod open;
mod parts;
mod pause;
mod query;
mod readers;
mod sets;
mod settle;
mod store;
mod system;
mod table;
mod view;
mod writer;

use commerce_core::Commerce;

pub use embed::{
    commit_in, read_cart_in, read_checkout_inputs_in, read_customer_in, read_open_cart_in,
    read_order_in, read_outcome_in, read_product_in, read_sellables_in, read_setup_in,
    read_variant_in,
};
pub use error::OpenError;
pub use migrate::migrate_in;
pub use open::OpenOptions;
pub use store::PgStore;
pub use system::{SystemClock, SystemIds};

/// Opens a shop in a database, or makes it: the store with the machine's clock and randomness.
///
/// # Errors
/// [`OpenError`] says what is wrong with the database.
pub async fn open(address: &str) -> Result<Commerce, OpenError> {
    Ok(Commerce::new(PgStore::open(address).await?, SystemClock, SystemIds))
}
