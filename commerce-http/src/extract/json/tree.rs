//! From the bytes of a body to the value that they are.

use std::{borrow::Cow, cell::Cell, fmt};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::super::push;
use crate::problem::{Code, Part, Problem};

/// The value that a body is. Refuses what is not JSON by RFC 8259, objects that repeat a key, and
/// nesting deeper than 127.
pub(super) fn read(body: &[u8]) -> Result<Value, Problem> {
    let repeated = Cell::new(None);
    let mut json = serde_json::Deserializer::from_slice(body);
    let root = Place { parent: None, step: Step::Index(0), repeated: &repeated };
    let outcome = root.deserialize(&mut json).and_then(|tree| json.end().map(|()| tree));
    outcome.map_err(|error| match repeated.take() {
        Some(pointer) => Problem::new(Code::MalformedRequest, "An object repeats a key.").error(
            Part::Body,
            pointer,
            "stands twice in the same object",
        ),
        None if body.is_empty() => {
            Problem::new(Code::MalformedRequest, "The request has no body; it must be JSON.")
        }
        None => {
            Problem::new(Code::MalformedRequest, format!("The body is not valid JSON: {error}."))
        }
    })
}

/// A value on the way down from the root, and the pointer of the first repeated key.
#[derive(Clone, Copy)]
struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step<'a>,
    repeated: &'a Cell<Option<String>>,
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
        Place { parent: Some(self), step, repeated: self.repeated }
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
    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
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
                self.repeated.set(Some(place.pointer()));
                return Err(A::Error::custom("repeated key"));
            }
            let value = object.next_value_seed(place)?;
            members.insert(key.into_owned(), value);
        }
        Ok(members.into())
    }
}
