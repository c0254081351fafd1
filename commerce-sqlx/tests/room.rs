//! A database that takes fewer connections than a store may make: what is written comes first.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use commerce_core::{
    event::Event,
    store::{Commit, CommitError, Store},
    time::Timestamp,
};
use commerce_sqlx::PgStore;
use common::{Server, block_on, number, run, shop::shop};

#[test]
fn who_reads_yields_to_who_writes() {
    // Some are kept for the administrator; the store takes all others if it is let.
    let server = Server::start("-c max_connections=6 -c superuser_reserved_connections=2");
    let role = "CREATE ROLE shop LOGIN; GRANT CREATE ON DATABASE postgres TO shop";
    run(&mut server.connect(), role);
    let options = PgStore::options().allow_data_loss().connections(32);
    let options = options.connect_timeout(Duration::from_secs(1));
    let address = server.address.replace("postgres@", "shop@");
    let store = block_on(options.open(&address)).unwrap();
    shop(store.clone());
    let over = Arc::new(AtomicBool::new(false));
    let readers = (0..64).map(|_| {
        let (store, over) = (store.clone(), Arc::clone(&over));
        async move {
            while !over.load(Ordering::SeqCst) {
                match store.setup().await {
                    Ok(setup) => assert!(setup.is_some()),
                    Err(error) => assert!(!error.is_corrupt(), "{error:?}"),
                }
            }
        }
    });
    let readers = block_on(async { readers.map(tokio::spawn).collect::<Vec<_>>() });
    let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
    commit.event(Event::ShopUpdated);
    for _ in 0..3 {
        block_on(store.commit(&commit)).unwrap();
        // All connections are lost, and all want one at once.
        server.crash();
        // The first may find out only now that its connection was lost, at any point.
        match block_on(store.commit(&commit)) {
            Ok(()) | Err(CommitError::OutcomeUnknown(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    over.store(true, Ordering::SeqCst);
    for reader in readers {
        block_on(reader).unwrap();
    }
    block_on(store.close());
    let told = "SELECT count(*) FROM commerce.commerce_outbox";
    assert!(number(&mut server.connect(), told) >= 4);
}
