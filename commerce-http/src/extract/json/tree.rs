//! From the bytes of a body to the value that they are.

use std::{borrow::Cow, cell::Cell, fmt};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::super::push;
use crate::problem::{Code, Part, Problem};

/// The value that a body is. Refuses what is not JSON by RFC 8259, objects that repeat a key, nesting
/// deeper than 127, and numbers that would lose digits.
pub(super) fn read(body: &[u8]) -> Result<Value, Problem> {
    let refused = Cell::new(None);
    let mut json = serde_json::Deserializer::from_slice(body);
    let root = Place { parent: None, step: Step::Index(0), refused: &refused };
    let outcome = root.deserialize(&mut json).and_then(|tree| json.end().map(|()| tree));
    outcome.map_err(|error| match refused.take() {
        Some(refused) => refused.into(),
        None if body.is_empty() => {
            Problem::new(Code::MalformedRequest, "The request has no body; it must be JSON.")
        }
        None => {
            Problem::new(Code::MalformedRequest, format!("The body is not valid JSON: {error}."))
        }
    })
}

/// What is JSON and refused nevertheless, each with its pointer.
enum Refused {
    RepeatedKey(String),
    WideNumber(String),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::RepeatedKey(pointer) => Self::new(
                Code::MalformedRequest,
                "An object repeats a key.",
            )
            .error(Part::Body, pointer, "stands twice in the same object"),
            Refused::WideNumber(pointer) => {
                Self::new(Code::ValidationFailed, "A number is too large.").error(
                    Part::Body,
                    pointer,
                    "must have at most 64 bits, or be a string, which keeps every digit",
                )
            }
        }
    }
}

/// The first number that an integer of 64 bits cannot be.
const WIDE: f64 = 18_446_744_073_709_551_616.0;

/// A value on the way down from the root, and what was refused of it.
#[derive(Clone, Copy)]
struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step<'a>,
    refused: &'a Cell<Option<Refused>>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Index(usize),
    Key(&'a str),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        let Some(parent) = self.parent else { return String::new() };
        let mut pointer = parent.pointer();
        match self.step {
            Step::Index(index) => push(&mut pointer, &index.to_string()),
            Step::Key(key) => push(&mut pointer, key),
        }
        pointer
    }

    fn child<'a>(&'a self, step: Step<'a>) -> Place<'a> {
        Place { parent: Some(self), step, refused: self.refused }
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        // An integer that has more than 64 bits comes as this as well, and would lose digits.
        if number.abs() >= WIDE {
            self.refused.set(Some(Refused::WideNumber(self.pointer())));
            return Err(E::custom("wide number"));
        }
        Ok(number.into())
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self.child(Step::Index(values.len())))? {
            values.push(value);
        }
        Ok(values.into())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(Key(key)) = object.next_key()? {
            let place = self.child(Step::Key(&key));
            if members.contains_key(&*key) {
                self.refused.set(Some(Refused::RepeatedKey(place.pointer())));
                return Err(A::Error::custom("repeated key"));
            }
            let value = object.next_value_seed(place)?;
            members.insert(key.into_owned(), value);
        }
        Ok(members.into())
    }
}
