//! What answers look like: examples that were heard from a shop.
//!
//! `tests/cards/examples.rs` keeps the shop, and fails once it answers otherwise than the file says.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::{
    Content, RefOr, Response,
    example::{Example, ExampleBuilder},
};

use crate::problem::Code;

/// The file, without which the document would be poorer and no less right: a test asks whether it can be
/// read.
static EXAMPLES: LazyLock<Examples> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

#[derive(Debug, Default, Deserialize)]
struct Examples {
    /// By the name of the schema.
    answers: BTreeMap<String, Value>,
    /// By the code.
    problems: BTreeMap<String, Value>,
}

/// Gives an answer its example, and one with problems an example of each.
pub(super) fn illustrate(response: &mut Response, codes: &[Code]) {
    for content in response.content.values_mut() {
        let RefOr::T(content) = content else { continue };
        if codes.is_empty() {
            let heard = schema_of(content).and_then(|name| EXAMPLES.answers.get(name));
            content.example = content.example.take().or_else(|| heard.cloned());
        } else {
            content.examples.extend(codes.iter().filter_map(of_problem));
        }
    }
}

/// The name of the schema of a body.
fn schema_of(content: &Content) -> Option<&str> {
    match &content.schema {
        Some(RefOr::Ref(schema)) => schema.ref_location.rsplit('/').next(),
        _ => None,
    }
}

fn of_problem(code: &Code) -> Option<(String, RefOr<Example>)> {
    let problem = EXAMPLES.problems.get(code.as_str())?.clone();
    let example = ExampleBuilder::new().summary(code.title()).value(Some(problem));
    Some((code.to_string(), example.build().into()))
}
