//! The parameters of a request, in Stripe's form encoding: `line_items[0][price_data][currency]`.

use std::collections::BTreeMap;

use crate::error::{ApiError, Result};

/// A name and what stands under it. Reading a parameter takes it out, so that what is left in the
/// end is what nobody knows, which Stripe refuses.
#[derive(Debug, Default, Clone)]
pub(crate) struct Params {
    /// The name of the whole, as Stripe writes it; empty at the root.
    name: String,
    fields: BTreeMap<String, Node>,
}

#[derive(Debug, Clone)]
enum Node {
    Text(String),
    Branch(BTreeMap<String, Node>),
}

impl Params {
    /// Reads a query or a form body.
    pub(crate) fn parse(encoded: &[u8]) -> Result<Self> {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            let path = path_of(&name).ok_or_else(|| ApiError::unknown(&name))?;
            insert(&mut fields, &path, value.into_owned()).ok_or_else(|| {
                ApiError::invalid(
                    &name,
                    "Invalid request: a parameter is both a value and a group.",
                )
            })?;
        }
        Ok(Self { name: String::new(), fields })
    }

    /// The parameters of a path or a handle, from name and value.
    pub(crate) fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let fields =
            pairs.into_iter().map(|(name, value)| (name.to_owned(), Node::Text(value))).collect();
        Self { name: String::new(), fields }
    }

    /// How Stripe writes the name of a parameter in here.
    pub(crate) fn name_of(&self, name: &str) -> String {
        if self.name.is_empty() { name.to_owned() } else { format!("{}[{name}]", self.name) }
    }

    /// A text; an empty one unsets, and counts as absent.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.fields.remove(name) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(Node::Branch(_)) => Err(ApiError::invalid(self.name_of(name), "Invalid string.")),
        }
    }

    /// A text that must be there.
    pub(crate) fn required(&mut self, name: &str) -> Result<String> {
        self.text(name)?.ok_or_else(|| ApiError::missing_param(&self.name_of(name)))
    }

    /// A whole number.
    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text.parse().map_err(|_| {
            ApiError::invalid(self.name_of(name), format!("Invalid integer: {text}"))
                .code("parameter_invalid_integer")
        })?;
        Ok(Some(number))
    }

    /// Yes or no.
    pub(crate) fn boolean(&mut self, name: &str) -> Result<Option<bool>> {
        match self.text(name)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => {
                Err(ApiError::invalid(self.name_of(name), format!("Invalid boolean: {text}")))
            }
        }
    }

    /// One of a few words.
    pub(crate) fn choice(
        &mut self,
        name: &str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = words.iter().find(|word| **word == text).copied();
        found.map(Some).ok_or_else(|| {
            let words = words.join(", ");
            ApiError::invalid(self.name_of(name), format!("Invalid {name}: must be one of {words}"))
        })
    }

    /// What stands under a name.
    pub(crate) fn group(&mut self, name: &str) -> Result<Option<Self>> {
        let full = self.name_of(name);
        match self.fields.remove(name) {
            None => Ok(None),
            Some(Node::Text(text)) if text.is_empty() => Ok(None),
            Some(Node::Text(_)) => Err(ApiError::invalid(full, "Invalid object.")),
            Some(Node::Branch(fields)) => Ok(Some(Self { name: full, fields })),
        }
    }

    /// The groups of a list, in order.
    pub(crate) fn groups(&mut self, name: &str) -> Result<Vec<Self>> {
        let Some(list) = self.group(name)? else { return Ok(Vec::new()) };
        list.in_order()?
            .into_iter()
            .map(|(name, node)| match node {
                Node::Branch(fields) => Ok(Self { name, fields }),
                Node::Text(_) => Err(ApiError::invalid(name, "Invalid object.")),
            })
            .collect()
    }

    /// The texts of a list, in order.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>> {
        let Some(list) = self.group(name)? else { return Ok(Vec::new()) };
        list.in_order()?
            .into_iter()
            .map(|(name, node)| match node {
                Node::Text(text) => Ok(text),
                Node::Branch(_) => Err(ApiError::invalid(name, "Invalid string.")),
            })
            .collect()
    }

    fn in_order(self) -> Result<Vec<(String, Node)>> {
        let mut items = Vec::new();
        for (index, node) in self.fields {
            let full = format!("{}[{index}]", self.name);
            let index: u32 =
                index.parse().map_err(|_| ApiError::invalid(&full, "Invalid array"))?;
            items.push((index, full, node));
        }
        items.sort_by_key(|(index, ..)| *index);
        Ok(items.into_iter().map(|(_, full, node)| (full, node)).collect())
    }

    /// Key and value pairs of the caller's own, put over those that are there; an empty value takes
    /// its key out.
    pub(crate) fn metadata(&mut self, metadata: &mut Metadata) -> Result<()> {
        let Some(group) = self.group("metadata")? else { return Ok(()) };
        for (key, node) in &group.fields {
            let full = group.name_of(key);
            let Node::Text(value) = node else {
                return Err(ApiError::invalid(full, "Metadata values must be strings."));
            };
            if key.chars().count() > 40 {
                return Err(ApiError::invalid(full, "Metadata keys can be up to 40 characters."));
            }
            if value.chars().count() > 500 {
                return Err(ApiError::invalid(
                    full,
                    "Metadata values can be up to 500 characters.",
                ));
            }
            if value.is_empty() {
                metadata.remove(key);
            } else {
                metadata.insert(key.clone(), value.clone());
            }
        }
        if metadata.len() > 50 {
            return Err(ApiError::invalid(
                "metadata",
                "You may only specify up to 50 metadata keys.",
            ));
        }
        Ok(())
    }

    /// Refuses what nobody took.
    pub(crate) fn finish(self) -> Result<()> {
        match self.fields.keys().next() {
            None => Ok(()),
            Some(name) => Err(ApiError::unknown(&self.name_of(name))),
        }
    }
}

/// Key and value pairs of the caller's own.
pub(crate) type Metadata = BTreeMap<String, String>;

/// `a[b][]` as `a`, `b` and the empty text.
fn path_of(name: &str) -> Option<Vec<&str>> {
    let path = match name.split_once('[') {
        None => vec![name],
        Some((first, rest)) => {
            std::iter::once(first).chain(rest.strip_suffix(']')?.split("][")).collect()
        }
    };
    let is_plain = |part: &&str| !part.contains(['[', ']']);
    (path.len() <= 10 && path.iter().all(is_plain)).then_some(path)
}

fn insert(fields: &mut BTreeMap<String, Node>, path: &[&str], value: String) -> Option<()> {
    let (name, rest) = path.split_first()?;
    // `a[]=x` is the next item of a list.
    let name = if name.is_empty() { fields.len().to_string() } else { (*name).to_owned() };
    if rest.is_empty() {
        return match fields.insert(name, Node::Text(value)) {
            Some(Node::Branch(_)) => None,
            _ => Some(()),
        };
    }
    match fields.entry(name).or_insert_with(|| Node::Branch(BTreeMap::new())) {
        Node::Branch(inner) => insert(inner, rest, value),
        Node::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_names_lists_and_metadata() {
        let body = "amount=1099&confirm=true&metadata[order]=7&metadata[gone]=\
            &items[10][name]=b&items[2][name]=a&types[]=card&types[]=link";
        let mut params = Params::parse(body.as_bytes()).unwrap();
        assert_eq!(params.integer("amount").unwrap(), Some(1099));
        assert_eq!(params.boolean("confirm").unwrap(), Some(true));
        let mut metadata = Metadata::from([("gone".into(), "x".into())]);
        params.metadata(&mut metadata).unwrap();
        assert_eq!(metadata, Metadata::from([("order".into(), "7".into())]));
        assert_eq!(params.texts("types").unwrap(), ["card", "link"]);
        let names: Vec<_> = params
            .groups("items")
            .unwrap()
            .into_iter()
            .map(|mut item| item.required("name").unwrap())
            .collect();
        assert_eq!(names, ["a", "b"]);
        params.finish().unwrap();
    }

    #[test]
    fn what_is_not_known_or_not_a_form_is_refused() {
        for bad in ["a[b=1", "a]b=1", "a=1&a[b]=2", "a[b]=2&a=1", "a[b]c=1"] {
            assert!(Params::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let params = Params::parse(b"shipping[name]=x").unwrap();
        assert!(params.finish().is_err());
        let mut params = Params::parse(b"n=1.5&b=yes").unwrap();
        assert!(params.integer("n").is_err());
        assert!(params.boolean("b").is_err());
    }
}
