//! The write-ahead log, and how it comes into the file while commits go on.
//!
//! A log begins anew only when all of it is in the file and somebody writes then. So a thread of its
//! own brings most of it in, beside the commits, and the writer the little that they add meanwhile,
//! between two of them.

use std::{
    sync::mpsc::{self, SyncSender},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;

use crate::codec;

/// Pages of the log that are brought in together: those that are written again and again reach the
/// file once in this many.
pub(crate) const PAGES: i64 = 4_000;

/// The thread that brings the log in. Dropping it lets it finish.
#[derive(Debug)]
pub(crate) struct Log {
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// Brings the log in on a connection of its own.
    pub(crate) fn start(connection: Connection) -> std::io::Result<Self> {
        // Nothing waits in it: whoever asks while the thread is at work asks again.
        let (ask, asked) = mpsc::sync_channel(0);
        let thread =
            thread::Builder::new().name("commerce-sqlite-log".to_owned()).spawn(move || {
                for () in asked {
                    bring_in(&connection);
                }
            })?;
        Ok(Self { ask: Some(ask), thread: Some(thread) })
    }

    /// Has the log brought in if it is long: what the writer does between two transactions.
    pub(crate) fn tend(&self, writer: &Connection) {
        let length = codec::first(writer, "PRAGMA wal_checkpoint(NOOP)", [], |row| {
            row.skip(1);
            Ok((row.i64()?, row.i64()?))
        });
        let Ok(Some((pages, brought_in))) = length else { return };
        if pages - brought_in >= PAGES {
            if let Some(ask) = &self.ask {
                let _ = ask.try_send(());
            }
        } else if pages >= PAGES {
            bring_in(writer);
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn bring_in(connection: &Connection) {
    // What cannot be brought in stays in the log, where everybody finds it, and is tried again.
    let _ = codec::first(connection, "PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_tended_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
                 PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x)",
            )
            .unwrap();
        let log = Log::start(Connection::open(&path).unwrap()).unwrap();
        let length = || {
            let pages = |row: &rusqlite::Row<'_>| row.get::<_, i64>(1);
            writer.query_row("PRAGMA wal_checkpoint(NOOP)", [], pages).unwrap()
        };
        for _ in 0..3 {
            let mut longest = 0;
            let begins_anew = (0..100 * PAGES).any(|_| {
                codec::run(&writer, "INSERT INTO t VALUES (zeroblob(3000))", []).unwrap();
                log.tend(&writer);
                let now = length();
                let shorter = now < longest;
                longest = now;
                shorter
            });
            assert!(begins_anew, "the log has {longest} pages");
        }
    }
}
