//! Products by how well they match: of those that have the words of a search, the newest, and the newest
//! of those that have them all in their names.

use commerce_core::{
    search::CANDIDATES_MAX,
    store::{Page, ProductInputs, ProductQuery},
};
use sqlx::PgConnection;

use super::{
    KeyKind, List, Select, Sort, Sql, Words, count, page, parts,
    product::{self, WORDS},
};
use crate::{
    error::Result,
    table::{document, product::read},
};

/// Ranks what is selected.
pub(super) async fn products(
    connection: &mut PgConnection,
    query: &ProductQuery,
    select: Select<'_>,
    words: &[String],
) -> Result<Page<ProductInputs>> {
    best(connection, query, candidates(select, words)).await
}

/// A page of the products that were found, with an `id` and a `key`: the better, the higher it is.
pub(super) async fn best(
    connection: &mut PgConnection,
    query: &ProductQuery,
    found: Sql<'_>,
) -> Result<Page<ProductInputs>> {
    let select = Select::from("found AS f");
    let sort = Sort { key: "f.key", kind: KeyKind::Int, id: "f.id", descending: true };
    let list = List {
        found: Some(found),
        count: query.page.total.then(|| count(select.clone())),
        rows: sort.keys(select, &query.page),
        sort,
        named: Some(product::named()),
    };
    page(connection, &query.page, list, read).await
}

/// The products that are ranked, and how well they match.
fn candidates<'a>(select: Select<'a>, words: &[String]) -> Sql<'a> {
    let sort = Sort { key: "p.created_at", kind: KeyKind::Time, id: "p.id", descending: true };
    let mut steps = vec![
        ("places", Sql::with(document::PLACES, [document::parts(words).into()])),
        ("newest", sort.first(select.clone(), CANDIDATES_MAX)),
        ("scored", scored("newest").into()),
    ];
    let mut found = Sql::new("SELECT key, id FROM scored");
    if !words.is_empty() {
        // Of those by name some are among the newest already; what is missing is older. If there are not so
        // many, nothing is older, and if nothing is missing, what is older is never begun.
        let queries = document::query_by_name(words);
        let older = Select { words: Some(Words { column: WORDS, queries }), ..select }
            .only(format!("(SELECT count(*) = {CANDIDATES_MAX} FROM newest)"))
            .only(
                "(p.created_at, p.id) < (SELECT key, id FROM newest
                ORDER BY key, id LIMIT 1)",
            );
        let missing = format!(
            "SELECT id FROM older ORDER BY key DESC, id DESC
            LIMIT (SELECT {CANDIDATES_MAX} - count(*) FILTER (WHERE by_name) FROM scored)"
        );
        steps.push(("older", sort.first(older, CANDIDATES_MAX)));
        steps.push(("missing", missing.into()));
        found.text(&format!(" UNION ALL SELECT key, id FROM ({}) AS m", scored("missing")));
    }
    parts(steps, found)
}

/// How well those products of a step match, and whether all words are in their names.
fn scored(of: &str) -> String {
    let (score, of_names) = (document::SCORE, document::OF_NAMES);
    // One by one, by their ids: a join might go through all products for so many.
    format!(
        "SELECT c.id, s.key, s.by_name FROM {of} AS c CROSS JOIN LATERAL (
            SELECT coalesce(sum(w.score), 0)::bigint AS key, bool_and(w.score >= {of_names}) AS by_name
            FROM (SELECT {score} AS score FROM commerce_products AS p CROSS JOIN places AS q
                WHERE p.id = c.id OFFSET 0) AS w) AS s"
    )
}
