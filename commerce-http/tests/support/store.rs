//! The store behind a shop: in memory, or another that the tests are run on once more.

use std::{
    env,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use commerce_core::{
    Commerce,
    inputs::{SeededIds, SteppedClock},
    store::MemoryStore,
};
use commerce_sqlite::SqliteStore;
use commerce_sqlx::PgStore;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Names the store: `memory`, `sqlite` or the address of a PostgreSQL server.
pub const VARIABLE: &str = "COMMERCE_TEST_STORE";

/// What must live as long as a shop.
#[derive(Debug)]
pub struct Kept(Option<TempDir>);

/// Where the store in PostgreSQL lives.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A shop with nothing in it.
pub fn open(clock: Arc<SteppedClock>, ids: SeededIds) -> (Commerce, Kept) {
    match env::var(VARIABLE).as_deref() {
        Err(_) | Ok("memory") => (Commerce::new(MemoryStore::new(), clock, ids), Kept(None)),
        Ok("sqlite") => {
            let folder = tempfile::tempdir().unwrap();
            let store = SqliteStore::open(folder.path().join("shop.db")).unwrap();
            (Commerce::new(store, clock, ids), Kept(Some(folder)))
        }
        Ok(address) => {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            // Several test programs may be one, each of which counts for itself.
            let program = module_path!().replace("::", "_");
            let schema = format!("commerce_test_{}_{program}_{count}", std::process::id());
            let options = PgStore::options().schema(schema).allow_data_loss();
            let store = RUNTIME.block_on(options.open(address)).unwrap();
            (Commerce::new(store, clock, ids), Kept(None))
        }
    }
}
