//! The versions of the tables, and the way from each to the next.

use sqlx::{Connection, PgConnection};

use crate::{codec, error::OpenError};

/// What changes the tables, oldest first; each is applied once.
const MIGRATIONS: &[(i64, &str)] = &[(1, include_str!("../migrations/0001_shop.sql"))];

/// The newest version of the tables that this program knows.
pub(crate) const NEWEST: i64 = 1;

/// Makes the tables of a shop in the first schema of the connection's search path, or brings them up
/// to date.
///
/// All of them are called `commerce_…`, so that they can stand beside the embedder's own. Inside a
/// transaction it is a part of that; outside it is one of its own. It is safe to call at every
/// start, also from many servers at once: one of them does the work while the others wait.
///
/// ```no_run
/// # async fn migrate() -> Result<(), Box<dyn std::error::Error>> {
/// use sqlx::Connection;
/// let mut connection = sqlx::PgConnection::connect("postgres://localhost/mine").await?;
/// commerce_sqlx::migrate_in(&mut connection).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`OpenError::SchemaTooNew`] when a newer program has changed the tables; [`OpenError::Refused`];
/// [`OpenError::Database`].
pub async fn migrate_in(connection: &mut PgConnection) -> Result<(), OpenError> {
    if version(connection).await? == NEWEST {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    // The lock comes first and the look after it: whoever waited finds the work done.
    const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('commerce ' || \
        coalesce(current_schema(), ''), 0))";
    sqlx::query(LOCK).execute(&mut *transaction).await?;
    let found = version(&mut transaction).await?;
    for (number, sql) in MIGRATIONS.iter().filter(|(number, _)| *number > found) {
        sqlx::raw_sql(*sql).execute(&mut *transaction).await?;
        const NOTE: &str = "CREATE TABLE IF NOT EXISTS commerce_migrations (
            number bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())";
        sqlx::raw_sql(NOTE).execute(&mut *transaction).await?;
        const DONE: &str = "INSERT INTO commerce_migrations (number) VALUES ($1)";
        sqlx::query(DONE).bind(number).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// The version of the tables; 0 where there are none.
pub(crate) async fn version(connection: &mut PgConnection) -> Result<i64, OpenError> {
    const THERE: &str = "SELECT to_regclass(quote_ident(current_schema()) || \
        '.commerce_migrations') IS NOT NULL";
    const NUMBER: &str = "SELECT coalesce(max(number), 0) FROM commerce_migrations";
    let there: Option<bool> = sqlx::query_scalar(THERE).fetch_one(&mut *connection).await?;
    if there != Some(true) {
        return Ok(0);
    }
    let found = sqlx::query_scalar(NUMBER).fetch_one(connection).await?;
    if found > NEWEST {
        return Err(OpenError::SchemaTooNew { found, known: NEWEST });
    }
    Ok(found)
}

/// Makes the schema and the tables of a shop, or brings them up to date; refuses a schema that has
/// other tables and no shop.
pub(crate) async fn migrate_schema(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<(), OpenError> {
    const THERE: &str = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
    const TABLES: &str = "SELECT EXISTS (SELECT FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1)";
    let there: bool = sqlx::query_scalar(THERE).bind(schema).fetch_one(&mut *connection).await?;
    if !there {
        let mut transaction = connection.begin().await?;
        // Two servers that start together would both make it: one waits for the other here.
        const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('commerce ' || $1, 0))";
        sqlx::query(LOCK).bind(schema).execute(&mut *transaction).await?;
        let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut *transaction).await?;
        transaction.commit().await?;
    } else if version(connection).await? == 0 {
        let tables: bool =
            sqlx::query_scalar(TABLES).bind(schema).fetch_one(&mut *connection).await?;
        // Another server may just have made them.
        if tables && version(connection).await? == 0 {
            return Err(OpenError::OtherProgram { schema: schema.to_owned() });
        }
    }
    migrate_in(connection).await
}

/// Refuses a server that this crate does not know, that cannot be written to, or that forgets.
pub(crate) async fn check_server(
    connection: &mut PgConnection,
    durable: bool,
) -> Result<(), OpenError> {
    const SETTINGS: &str = "SELECT current_setting('server_version_num')::bigint,
        current_setting('server_version'), pg_is_in_recovery(),
        current_setting('fsync'), current_setting('synchronous_commit'),
        current_setting('full_page_writes')";
    let found = codec::first(connection, SETTINGS, [], |row| {
        let (number, version, standby) = (row.i64()?, row.str()?.to_owned(), row.bool()?);
        let mut off = None;
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            if row.str()? == "off" {
                off = off.or(Some(setting));
            }
        }
        Ok((number, version, standby, off))
    })
    .await;
    let (number, found, standby, off) = match found {
        Ok(Some(settings)) => settings,
        Ok(None) => return Err(OpenError::Database(sqlx::Error::RowNotFound)),
        Err(crate::error::Error::Database(error)) => return Err(error.into()),
        Err(error) => return Err(OpenError::Database(sqlx::Error::Decode(error.into()))),
    };
    if number < 150_000 {
        return Err(OpenError::ServerTooOld { found });
    }
    if standby {
        return Err(OpenError::ReadOnly);
    }
    match off {
        Some(setting) if durable => Err(OpenError::NotDurable { setting }),
        _ => Ok(()),
    }
}

/// Whether a text can be the name of a shop's schema, without quotation marks anywhere.
pub(crate) fn is_schema_name(name: &str) -> bool {
    let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    name.len() <= 63
        && name.bytes().all(rest)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.starts_with("pg_")
        && name != "information_schema"
}
