//! Rows by the thousand, made of one that the shop itself has written.

/// The statement that copies the first row of a table so many times, with other values in some of its
/// columns. In the values, `n` counts the copies from 1, and `o` is the row.
pub(crate) fn copies(table: &str, times: usize, values: &[(&str, &str)]) -> String {
    let values: Vec<_> =
        values.iter().map(|(column, value)| format!("'{column}', {value}")).collect();
    format!(
        "INSERT INTO {table} SELECT r.* FROM {table} AS o, generate_series(1, {times}) AS n,
            jsonb_populate_record(o, jsonb_build_object({})) AS r
        WHERE o.ctid = (SELECT ctid FROM {table} LIMIT 1)",
        values.join(", ")
    )
}
