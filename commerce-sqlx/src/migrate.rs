//! The versions of the tables, and the way from each to the next.

use sqlx::{Connection, PgConnection};

use crate::error::OpenError;

/// A change of the tables: the version that it leads to, and its statements.
pub(crate) type Migration = (i64, &'static str);

/// What changes the tables, oldest first; each is applied once.
const MIGRATIONS: &[Migration] = &[(1, include_str!("../migrations/0001_shop.sql"))];

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
    migrate(connection, MIGRATIONS).await
}

/// Applies those of the changes that have not been applied.
pub(crate) async fn migrate(
    connection: &mut PgConnection,
    migrations: &[Migration],
) -> Result<(), OpenError> {
    let newest = newest(migrations);
    if known_version(connection, newest).await? == newest {
        return Ok(());
    }
    let mut transaction = if connection.is_in_transaction() {
        connection.begin().await?
    } else {
        // In another isolation it would see what there was before it waited.
        connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?
    };
    // The lock comes first and the look after it: whoever waited finds the work done.
    const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('commerce ' || \
        coalesce(current_schema(), ''), 0))";
    sqlx::query(LOCK).execute(&mut *transaction).await?;
    let found = known_version(&mut transaction, newest).await?;
    for (number, sql) in migrations.iter().filter(|(number, _)| *number > found) {
        sqlx::raw_sql(*sql).execute(&mut *transaction).await?;
        const NOTE: &str = "CREATE TABLE IF NOT EXISTS commerce_migrations (
            number bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())";
        sqlx::raw_sql(NOTE).execute(&mut *transaction).await?;
        const DONE: &str = "INSERT INTO commerce_migrations (number) VALUES ($1)";
        sqlx::query(DONE).bind(number).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// Whether there is nothing to make or to bring up to date.
pub(crate) async fn is_up_to_date(connection: &mut PgConnection) -> Result<bool, OpenError> {
    Ok(version(connection).await? == newest(MIGRATIONS))
}

/// The newest version of the tables that there is a way to.
fn newest(migrations: &[Migration]) -> i64 {
    migrations.last().map_or(0, |(number, _)| *number)
}

/// The version of the tables; 0 where there are none.
async fn version(connection: &mut PgConnection) -> Result<i64, OpenError> {
    known_version(connection, newest(MIGRATIONS)).await
}

/// The version of the tables, which must not be newer than what is known.
async fn known_version(connection: &mut PgConnection, known: i64) -> Result<i64, OpenError> {
    // Not by `to_regclass`, which may remember from before the lock that there is none.
    const THERE: &str = "SELECT EXISTS (SELECT FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema() AND c.relname = 'commerce_migrations')";
    const NUMBER: &str = "SELECT coalesce(max(number), 0) FROM commerce_migrations";
    if !sqlx::query_scalar::<_, bool>(THERE).fetch_one(&mut *connection).await? {
        return Ok(0);
    }
    let found = sqlx::query_scalar(NUMBER).fetch_one(connection).await?;
    if found > known {
        return Err(OpenError::SchemaTooNew { found, known });
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
        let create = format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"");
        sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut *transaction).await?;
        transaction.commit().await?;
    } else if version(connection).await? == 0 {
        const USAGE: &str = "SELECT has_schema_privilege($1, 'USAGE')";
        if !sqlx::query_scalar(USAGE).bind(schema).fetch_one(&mut *connection).await? {
            let on = schema.to_owned();
            return Err(OpenError::MissingRight { right: "USAGE".to_owned(), on });
        }
        let tables: bool =
            sqlx::query_scalar(TABLES).bind(schema).fetch_one(&mut *connection).await?;
        // Another server may just have made them.
        if tables && version(connection).await? == 0 {
            return Err(OpenError::OtherProgram { schema: schema.to_owned() });
        }
    }
    migrate_in(connection).await
}

/// Refuses a user who may not do with the tables all that a shop does.
pub(crate) async fn check_rights(connection: &mut PgConnection) -> Result<(), OpenError> {
    const MISSING: &str = "SELECT it.privilege, c.oid::regclass::text
        FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS it (privilege)
        CROSS JOIN pg_class AS c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
        AND c.relname LIKE 'commerce\\_%' AND c.relname <> 'commerce_migrations'
        AND NOT has_table_privilege(c.oid, it.privilege) ORDER BY 2, 1 LIMIT 1";
    let missing: Option<(String, String)> =
        sqlx::query_as(MISSING).fetch_optional(connection).await?;
    missing.map_or(Ok(()), |(right, on)| Err(OpenError::MissingRight { right, on }))
}

/// Refuses a session that is not set as it was asked to be: it would make a shop, without a word, among
/// the tables of others.
pub(crate) async fn check_session(
    connection: &mut PgConnection,
    search_path: &str,
) -> Result<(), OpenError> {
    const FOUND: &str = "SELECT current_setting('search_path')";
    let found: String = sqlx::query_scalar(FOUND).fetch_one(connection).await?;
    if found == search_path { Ok(()) } else { Err(OpenError::Unset { found }) }
}

/// Refuses a server that this crate does not know, that cannot be written to, or that forgets.
pub(crate) async fn check_server(
    connection: &mut PgConnection,
    durable: bool,
) -> Result<(), OpenError> {
    const SERVER: &str = "SELECT current_setting('server_version_num')::bigint,
        current_setting('server_version'), current_setting('server_encoding'),
        pg_is_in_recovery() OR current_setting('transaction_read_only')::bool";
    const FORGETFUL: &str = "SELECT name FROM pg_settings WHERE setting = 'off'
        AND name IN ('fsync', 'synchronous_commit', 'full_page_writes') ORDER BY name LIMIT 1";
    let (number, found, encoding, read_only): (i64, String, String, bool) =
        sqlx::query_as(SERVER).fetch_one(&mut *connection).await?;
    if number < 150_000 {
        return Err(OpenError::ServerTooOld { found });
    }
    if encoding != "UTF8" {
        return Err(OpenError::Encoding { found: encoding });
    }
    if read_only {
        return Err(OpenError::ReadOnly);
    }
    let off: Option<String> = sqlx::query_scalar(FORGETFUL).fetch_optional(connection).await?;
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
