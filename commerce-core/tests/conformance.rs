//! The store in memory passes the conformance suite.

commerce_core::conformance::suite!(commerce_core::store::MemoryStore::new);
