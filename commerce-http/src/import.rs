//! Imports what other shop systems export.
//!
//! [`ShopifyFile::open`] and [`import_file`] are all that a command line needs; [`run`] is the same without a file and without
//! texts; [`Mapped::of_shopify`] says what becomes of each column.

mod claims;
mod finding;
mod job;
mod late;
mod mapping;
mod report;
mod run;
mod seen;
pub mod shopify;
mod summary;

pub use finding::{Finding, Severity};
pub use mapping::{Mapped, Places};
pub use report::{Ending, ShopifyFile, import_file, write_summary};
pub use run::{Options, Progress, StopCause, Stopped, Update, run};
pub use summary::{Counts, Summary};
