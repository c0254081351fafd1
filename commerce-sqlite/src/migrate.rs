//! The versions of the tables, and the way from each to the next.

use rusqlite::Connection;

use crate::error::OpenError;

/// What changes the tables, oldest first; each is applied once.
const MIGRATIONS: &[(u32, &str)] = &[(1, include_str!("../migrations/0001_shop.sql"))];

/// The newest version of the tables that this program knows.
pub(crate) const NEWEST: u32 = 1;

/// Makes the tables of a shop in an embedder's own database, or brings them up to date.
///
/// All of them are called `commerce_…`, so that they stand beside the embedder's own. Inside a
/// transaction it is a part of that; outside it is one of its own. It is safe to call at every
/// start, also from two processes at once.
///
/// ```
/// let connection = rusqlite::Connection::open_in_memory()?;
/// connection.execute_batch("CREATE TABLE orders (mine TEXT)")?;
/// commerce_sqlite::migrate_in(&connection)?;
/// commerce_sqlite::migrate_in(&connection)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`OpenError::SchemaTooNew`] when a newer program has changed the tables;
/// [`OpenError::LibraryTooOld`]; [`OpenError::Sqlite`].
pub fn migrate_in(connection: &Connection) -> Result<(), OpenError> {
    check_library()?;
    let own = connection.is_autocommit();
    if own && version(connection)? == NEWEST {
        return Ok(());
    }
    // The lock comes first and the look after it: whoever waited finds the work done.
    connection.execute_batch(if own { "BEGIN IMMEDIATE" } else { "SAVEPOINT commerce_migrate" })?;
    let applied = apply(connection);
    let end = match (&applied, own) {
        (Ok(()), true) => "COMMIT",
        (Ok(()), false) => "RELEASE commerce_migrate",
        (Err(_), true) => "ROLLBACK",
        (Err(_), false) => "ROLLBACK TO commerce_migrate; RELEASE commerce_migrate",
    };
    let ended = connection.execute_batch(end);
    applied?;
    if ended.is_err() && own {
        // What could not be committed must not stay open.
        let _ = connection.execute_batch("ROLLBACK");
    }
    Ok(ended?)
}

fn apply(connection: &Connection) -> Result<(), OpenError> {
    let found = version(connection)?;
    if found > NEWEST {
        return Err(OpenError::SchemaTooNew { found, known: NEWEST });
    }
    for (number, sql) in MIGRATIONS.iter().filter(|(number, _)| *number > found) {
        connection.execute_batch(sql)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS commerce_migrations (
                number INTEGER NOT NULL PRIMARY KEY
            ) STRICT",
        )?;
        connection.execute("INSERT INTO commerce_migrations (number) VALUES (?1)", [number])?;
    }
    Ok(())
}

/// The version of the tables; 0 where there are none.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    let there: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'commerce_migrations')",
        [],
        |row| row.get(0),
    )?;
    if !there {
        return Ok(0);
    }
    let sql = "SELECT coalesce(max(number), 0) FROM commerce_migrations";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Refuses a SQLite that can corrupt a database in WAL mode (the WAL-reset bug, fixed in 3.51.3).
pub(crate) fn check_library() -> Result<(), OpenError> {
    check_version(rusqlite::version_number(), rusqlite::version())
}

/// As [`check_library`], of a version as SQLite numbers it (3.51.3 is 3051003) and as people read it.
fn check_version(number: i32, found: &'static str) -> Result<(), OpenError> {
    const OLDEST: i32 = 3_051_003;
    if number >= OLDEST { Ok(()) } else { Err(OpenError::LibraryTooOld { found }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_can_corrupt_a_shop_is_refused() {
        for (number, found) in
            [(3_051_002, "3.51.2"), (3_050_007, "3.50.7"), (3_044_006, "3.44.6"), (0, "")]
        {
            let refused = check_version(number, found).unwrap_err().to_string();
            assert_eq!(refused, format!("SQLite {found} is too old; 3.51.3 or newer is needed"));
        }
        for (number, found) in [(3_051_003, "3.51.3"), (3_052_000, "3.52.0"), (4_000_000, "4.0.0")]
        {
            check_version(number, found).unwrap();
        }
        check_library().unwrap();
    }
}
