//! What handlers take from a request; whatever is wrong with it is answered by a [`Problem`].
//!
//! Rust types stay inside: where serde names one, the client reads "an object" or "an integer".

mod body;
mod header;
mod json;
mod path;
mod query;

pub(crate) use body::Rest;
pub use body::{BodyRules, Raw};
pub use header::{Bearer, CartToken, IdempotencyKey};
pub use json::Json;
pub(crate) use json::encode as encode_json;
pub use path::Path;
pub use query::Query;
pub(crate) use query::{parse as parse_query, refuse_unknown};

use serde_path_to_error::Segment;

use crate::problem::{Code, Part, Problem};

/// One problem for the value that serde stumbled over.
fn invalid<E>(part: Part, error: serde_path_to_error::Error<E>, message: &str) -> Problem {
    let mut pointer = pointer(error.path());
    // serde says of a field that is missing or repeated where it belongs; clients want to see the
    // field.
    let field = ["missing field `", "duplicate field `"];
    let field = field.iter().find_map(|what| message.strip_prefix(what)?.strip_suffix('`'));
    if let Some(name) = field {
        push(&mut pointer, name);
    }
    let detail = match part {
        Part::Query => "The query string is not valid.",
        _ => "Some values are missing or not valid.",
    };
    Problem::new(Code::ValidationFailed, detail).error(part, pointer, in_terms_of_json(message))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { variant } => push(&mut pointer, variant),
            Segment::Unknown => {}
        }
    }
    pointer
}

/// Adds one step to an RFC 6901 pointer.
fn push(pointer: &mut String, step: &str) {
    pointer.push('/');
    for c in step.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// The message of serde without the names of Rust types.
pub(crate) fn in_terms_of_json(message: &str) -> String {
    if message.starts_with("duplicate field `") {
        return "must stand only once".to_owned();
    }
    if message == "provided string was not `true` or `false`" {
        return "must be true or false".to_owned();
    }
    let Some((found, expected)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    // A variant is something of a product here.
    if let Some(value) = found.strip_prefix("unknown variant ") {
        return format!("unknown value {value}, expected {expected}");
    }
    let found = match found {
        "invalid type: null" => "cannot be null",
        "invalid type: map" => "invalid type: object",
        "invalid type: sequence" => "invalid type: list",
        found => found,
    };
    let kind = expected.strip_prefix("a ").unwrap_or(expected);
    let expected = match kind.split(' ').next().unwrap_or_default() {
        "struct" | "map" | "internally" | "adjacently" => "an object",
        "sequence" => "a list",
        "tuple" => "a list of another length",
        "enum" => "one of the values that the document lists",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128"
        | "usize" => "a whole number within bounds",
        "f32" | "f64" => "a number",
        _ => expected,
    };
    format!("{found}, expected {expected}")
}
