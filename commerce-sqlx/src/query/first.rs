//! The first rows of a list, and which way to them is short.
//!
//! For columns with an index of their own the planner knows how many rows have a value, and chooses.
//! Of words it knows nothing but the most common: whatever begins a word might be anywhere, and it would
//! go through a whole table in the order of the list in search of five rows that the index of words
//! has at hand. So where a list is of what has some words, the statement itself looks at the first
//! rows. If the words are common among them, it goes on in the order of the list, for so many rows as
//! it should take. If they are not, or it has not found enough by then, all that has the words is
//! looked up and sorted. What is not wanted is never begun, whatever the planner expected.
//!
//! To look up several words, the index gathers all that has each of them before it sees what has
//! all. Where one of them is a letter that stands in every row, that is the whole table, for the
//! sake of the few rows that have another. So the index is asked at first for those words alone that are
//! rare among the first rows, and what has these is looked at, unless it is much.

use super::{Select, Sort, Sql, parts};

/// So many rows of a list are looked at to see whether words are common.
const SAMPLE: usize = 200;
/// They are if so many of these rows have them.
const COMMON: usize = 4;
/// For each row that is wanted, so many are gone through at most: twice as many as it takes if words are
/// hardly common.
const ROWS_EACH: usize = 100;
/// Of the rows with those of several words that are rare, fewer are looked at one by one.
const FEW: usize = 500;

/// What is asked of the words of a row. It is no part of the plan, which would read it again for each
/// row.
const ASKED: &str = "(SELECT words FROM asked)";

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
        let column = words.column;
        let mut has = Sql::new(format!("{column} @@ {ASKED}"));
        for condition in std::mem::take(&mut select.unindexed) {
            has.text(" AND ");
            has.push(condition);
        }
        let marked = has.clone().between(&format!("{columns}, ("), ") AS has");
        let by_key = format!("ORDER BY key {direction}, id {direction} LIMIT {limit}");

        let words_of = format!("{column} AS words");
        let sample = select.clone().sql(words_of, &format!("{order} LIMIT {SAMPLE}"));
        let common =
            format!("SELECT count(*) >= {COMMON} AS it FROM sample WHERE words @@ {ASKED}");
        let rows = limit.saturating_mul(ROWS_EACH);
        let near = select
            .clone()
            .only("(SELECT it FROM common)")
            .sql(marked.clone(), &format!("{order} LIMIT {rows}"))
            .between("SELECT key, id FROM (", &format!(") AS n WHERE has {by_key}"));
        let enough = format!("SELECT count(*) = {limit} AS it FROM near");
        let mut steps = vec![
            ("asked", words.all().between("SELECT ", " AS words")),
            ("sample", sample),
            ("common", common.into()),
            ("near", near),
            ("enough", enough.into()),
        ];
        let mut found = Sql::new("SELECT key, id FROM near WHERE (SELECT it FROM enough)");

        // What is looked up comes in no order, and so does what is joined to it.
        let unordered = |select: &Select<'a>, wanted: &str| {
            let mut select = select.clone().only(wanted);
            select.from = select.row_by_row.take().unwrap_or(select.from);
            select
        };
        let mut wanted = "NOT (SELECT it FROM enough)".to_owned();
        if let Some(each) = words.each() {
            let rare = each.between(
                "SELECT string_agg(format('(%s)', word), ' & ')::tsquery AS words FROM unnest(",
                &format!(
                    ") AS w (word)
                    WHERE (SELECT count(*) FROM sample WHERE sample.words @@ word) < {COMMON}"
                ),
            );
            let few = unordered(&select, &wanted)
                .only(format!("{column} @@ (SELECT words FROM rare)"))
                .sql(marked, &format!("LIMIT {FEW}"));
            let seen = format!(
                "SELECT (SELECT words IS NOT NULL FROM rare) AND count(*) < {FEW} AS it FROM few"
            );
            steps.extend([("rare", rare), ("few", few), ("seen", seen.into())]);
            found.text(&format!(
                " UNION ALL (SELECT key, id FROM few WHERE has AND (SELECT it FROM seen) {by_key})"
            ));
            wanted.push_str(" AND NOT (SELECT it FROM seen)");
        }
        let mut all = unordered(&select, &wanted);
        all.conditions.push(has);
        // The planner does not see through the `OFFSET`, and cannot wish for rows that are in order.
        let all = all.sql(columns, "OFFSET 0");
        // Only one of the ways has found something, and the planner is told that it is no more than wanted.
        found.push(all.between(
            " UNION ALL (SELECT key, id FROM (",
            &format!(") AS a {by_key}) LIMIT {limit}"),
        ));
        parts(steps, found)
    }
}
