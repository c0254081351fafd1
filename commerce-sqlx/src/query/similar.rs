//! Products with names like the words of a search, for where nothing has the words themselves.
//!
//! PostgreSQL can tell by `pg_trgm`, an extension that comes with it and is installed for each database
//! (see [`is_possible`]). Each word must be like some part of the title, vendor or type: both are taken
//! apart into runs of three letters, and enough of the word's must be there.

use commerce_core::store::{Page, ProductInputs, ProductQuery};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{Sql, product::matching, ranked::best};
use crate::{
    cell::Cell,
    codec,
    error::{OpenError, Result},
};

/// Where the extension's functions are.
#[derive(Debug, Clone)]
pub(crate) struct Trigrams {
    schema: String,
}

/// What the names of a product `p` are; its index has the same expression.
const NAMES: &str = "(p.title_key || ' ' || coalesce(p.vendor_key, '') || ' ' || \
    coalesce(p.type_key, ''))";
/// How much of a word must be there, as a setting of the connections that ask.
pub(crate) const LIKENESS: (&str, &str) = ("pg_trgm.word_similarity_threshold", "0.3");
/// What a search for what is like the words finds at most.
const FOUND_MAX: usize = commerce_core::search::CANDIDATES_MAX;

/// Finds the extension, and the index that uses it.
pub(crate) async fn find(connection: &mut PgConnection) -> Result<Option<Trigrams>, OpenError> {
    const FOUND: &str = "SELECT quote_ident(n.nspname) FROM pg_extension AS e
        JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_trgm' AND has_schema_privilege(n.oid, 'USAGE')
        AND to_regclass('commerce_products_by_names') IS NOT NULL";
    let schema: Option<String> = sqlx::query_scalar(FOUND).fetch_optional(connection).await?;
    Ok(schema.map(|schema| Trigrams { schema }))
}

/// Whether the database has the extension or the user may install it; without it, nothing is found by what
/// is only like it.
pub(crate) async fn is_possible(connection: &mut PgConnection) -> Result<bool, OpenError> {
    // It is of the kind that whoever may create something in the database may install.
    const POSSIBLE: &str = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm')
        OR EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm')
        AND has_database_privilege(current_database(), 'CREATE')";
    Ok(sqlx::query_scalar(POSSIBLE).fetch_one(connection).await?)
}

/// Sees to it that names can be compared, where that is possible.
pub(crate) async fn prepare(connection: &mut PgConnection) -> Result<Option<Trigrams>, OpenError> {
    let mut transaction = connection.begin().await?;
    match install(&mut transaction).await {
        Ok(()) => transaction.commit().await?,
        // Some right is missing after all, or there is no schema `public`.
        Err(sqlx::Error::Database(_)) => transaction.rollback().await?,
        Err(error) => return Err(error.into()),
    }
    find(connection).await
}

async fn install(transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    // Shops of one database share the extension.
    const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('commerce pg_trgm', 0))";
    sqlx::query(LOCK).execute(&mut *transaction).await?;
    const CREATE: &str = "CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public";
    sqlx::raw_sql(CREATE).execute(&mut *transaction).await?;
    const WHERE: &str = "SELECT quote_ident(n.nspname) FROM pg_extension AS e
        JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'";
    let schema: String = sqlx::query_scalar(WHERE).fetch_one(&mut *transaction).await?;
    let index = format!(
        "CREATE INDEX IF NOT EXISTS commerce_products_by_names ON commerce_products
            USING gin ({} {schema}.gin_trgm_ops)
            WITH (fastupdate = on, gin_pending_list_limit = 256)",
        NAMES.replace("p.", "")
    );
    sqlx::raw_sql(AssertSqlSafe(index)).execute(transaction).await?;
    Ok(())
}

/// The products that are most like the words. Their keys are below those of any that match.
pub(super) async fn products(
    connection: &mut PgConnection,
    query: &ProductQuery,
    words: &[String],
    trigrams: &Trigrams,
) -> Result<Page<ProductInputs>> {
    let Trigrams { schema } = trigrams;
    let word = |word: &String| Cell::Made(word.clone()).into();
    let mut like = matching(query, &[]);
    for it in words {
        like.when(format!("? OPERATOR({schema}.<%) {NAMES}"), [word(it)]);
    }
    let likeness = format!("{schema}.word_similarity(?, {NAMES})");
    let likeness = vec![likeness; words.len()].join(" + ");
    let score =
        format!("least(-1, (1000 * ({likeness}) / {})::bigint - 1000) AS key", words.len().max(1));
    let columns = Sql::with(format!("p.id, {score}"), words.iter().map(word));
    let best_first = format!("ORDER BY key DESC, p.id DESC LIMIT {}", codec::count(FOUND_MAX));
    best(connection, query, like.sql(columns, &best_first)).await
}
