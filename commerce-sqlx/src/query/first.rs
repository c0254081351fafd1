//! The first rows of a list, and which way to them is short.
//!
//! For columns with an index of their own the planner knows how many rows have a value, and chooses.
//! Of words it knows nothing but the most common: whatever begins a word might be anywhere, and it would
//! go through a whole table in the order of the list in search of five rows that the index of words
//! has at hand. So where a list is of what has some words, the statement itself looks at the first
//! rows. If the words are common among them, it goes on in the order of the list, for so many rows as
//! it should take. If they are not, or it has not found enough by then, all that has the words is
//! looked up and sorted. What is not wanted is never begun, whatever the planner expected.

use super::{Select, Sort, Sql};

/// So many rows of a list are looked at to see whether words are common.
const SAMPLE: usize = 200;
/// They are if so many of these rows have them.
const COMMON: usize = 4;
/// For each row that is wanted, so many are gone through at most: twice as many as it takes if words are
/// hardly common.
const ROWS_EACH: usize = 100;

impl Sort<'_> {
    /// The first rows of a list as `key` and `id`, at most so many.
    pub(super) fn first<'a>(self, mut select: Select<'a>, limit: usize) -> Sql<'a> {
        let Self { key, id, .. } = self;
        let direction = self.direction();
        let columns = format!("{key} AS key, {id} AS id");
        let order = format!("ORDER BY {key} {direction}, {id} {direction}");
        let Some(words) = select.words.take() else {
            return select.sql(columns, &format!("{order} LIMIT {limit}"));
        };
        let unindexed = std::mem::take(&mut select.unindexed);
        let mut has = words.clone();
        for condition in &unindexed {
            has.text(" AND ");
            has.push(condition.clone());
        }
        let by_key = format!("ORDER BY key {direction}, id {direction} LIMIT {limit}");

        let mut sql = Sql::new("WITH sample AS MATERIALIZED (SELECT count(*) AS found FROM (");
        sql.push(select.clone().sql(marked("", words.clone()), &format!("{order} LIMIT {SAMPLE}")));
        sql.text(") AS s WHERE has), near AS MATERIALIZED (SELECT key, id FROM (");
        let mut near = select.clone();
        near.when(format!("(SELECT found >= {COMMON} FROM sample)"), []);
        let rows = limit.saturating_mul(ROWS_EACH);
        sql.push(near.sql(marked(&format!("{columns}, "), has), &format!("{order} LIMIT {rows}")));
        sql.text(&format!(
            ") AS n WHERE has {by_key}),
            enough AS MATERIALIZED (SELECT count(*) = {limit} AS enough FROM near)
            SELECT key, id FROM near WHERE (SELECT enough FROM enough)
            UNION ALL (SELECT key, id FROM ("
        ));
        select.when("NOT (SELECT enough FROM enough)", []);
        let from = select.row_by_row.take().unwrap_or(select.from);
        let all = Select { from, words: Some(words), unindexed, ..select };
        // The planner does not see through the `OFFSET`, and cannot wish for rows that are in order.
        sql.push(all.sql(columns, "OFFSET 0"));
        sql.text(&format!(") AS a {by_key})"));
        sql
    }
}

/// Columns, and whether something is true of the row as `has`.
fn marked<'a>(columns: &str, condition: Sql<'a>) -> Sql<'a> {
    let mut sql = Sql::new(format!("{columns}("));
    sql.push(condition);
    sql.text(") AS has");
    sql
}
