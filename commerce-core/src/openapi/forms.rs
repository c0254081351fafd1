//! The forms of texts, as far as JSON Schema can say them.
//!
//! A schema describes what is sent and what is answered alike. So it refuses nothing that a type takes:
//! where a rule cannot be said in full, the schema says less. A rule that counts bytes is such a one, as
//! JSON Schema counts characters: of those there are never more. Patterns keep to what the dialects of
//! regular expressions have in common.

use std::ops::RangeInclusive;

use utoipa::openapi::{
    ObjectBuilder, RefOr,
    schema::{Schema, SchemaType, Type},
};

use crate::country::CODES;

/// What a text looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// As a regular expression says.
    Pattern(&'static str),
    /// It is one of these.
    OneOf(&'static [&'static str]),
}

impl Form {
    /// The schema of a text of this form.
    pub(crate) fn schema(self, about: &str, chars: RangeInclusive<usize>) -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .description(Some(about))
            .min_length(Some(*chars.start()))
            .max_length(Some(*chars.end()));
        match self {
            Self::Pattern(pattern) => text.pattern(Some(pattern)),
            Self::OneOf(texts) => text.enum_values(Some(texts.iter().copied())),
        }
        .into()
    }
}

/// Control characters and, as `char::is_whitespace` has it, white space: for a class of a pattern.
macro_rules! blank {
    () => {
        r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    };
}

/// What an e-mail address has neither before its last @ nor after it.
macro_rules! no_address {
    () => {
        concat!(blank!(), r#"<>()\[\],;:\\"@"#)
    };
}

pub(crate) const ONE_LINE: Form =
    Form::Pattern(concat!("^[^", blank!(), r"]([^\x00-\x1f\x7f-\x9f]*[^", blank!(), "])?$"));

pub(crate) const PROSE: Form = Form::Pattern(r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$");

/// Exact up to U+00FF; which letters are lower-case beyond that, a pattern cannot say everywhere.
pub(crate) const SLUG: Form = Form::Pattern(
    r"^[^\x00-\x2c\x2e\x2f\x3a-\x5e\x60\x7b-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf-\xde\xf7]+$",
);

pub(crate) const URL: Form = Form::Pattern(concat!("^(https?://|/)[^", blank!(), "]*$"));

pub(crate) const EMAIL: Form = Form::Pattern(concat!(
    "^[^",
    no_address!(),
    "]{1,64}@[^.",
    no_address!(),
    r"]{1,63}(\.[^.",
    no_address!(),
    "]{1,63})+$"
));

pub(crate) const COUNTRY: Form = Form::OneOf(&CODES);

pub(crate) const KEY: Form = Form::Pattern(r"^[a-z0-9_\-]+$");

pub(crate) const ORDER_NUMBER: Form = Form::Pattern(r"^[A-Z0-9\-]+$");

pub(crate) const PRINTABLE: Form = Form::Pattern(r"^[\x20-\x7e]+$");

/// A decimal number of digits alone, with a sign and a point at most.
pub(crate) const DECIMAL: &str = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)$";

#[cfg(test)]
pub(crate) mod tests {
    use std::{fmt, str::FromStr};

    use proptest::{prelude::*, string::string_regex, test_runner::TestRunner};
    use regex::Regex;
    use serde_json::{Value, json};
    use utoipa::ToSchema;

    use crate::{
        catalog::AttributeValue,
        id,
        openapi::{Decimal, Rate},
        pricing::TaxRateFields,
        text,
    };

    /// A type of text: its schema, and what it takes.
    pub(crate) struct Kind {
        name: String,
        schema: Value,
        takes: fn(&str) -> bool,
    }

    impl fmt::Debug for Kind {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.name)
        }
    }

    impl Kind {
        pub(crate) fn of<T: ToSchema + FromStr>() -> Self {
            Self::taken_by::<T>(|text| T::from_str(text).is_ok())
        }

        fn taken_by<T: ToSchema>(takes: fn(&str) -> bool) -> Self {
            let schema = serde_json::to_value(T::schema()).unwrap();
            Self { name: T::name().into_owned(), schema, takes }
        }

        fn number(&self, name: &str) -> Option<usize> {
            Some(self.schema[name].as_u64()?.try_into().unwrap())
        }

        fn pattern(&self) -> Option<&str> {
            self.schema["pattern"].as_str()
        }

        /// Whether the schema takes a text.
        fn allows(&self) -> impl Fn(&str) -> bool + use<> {
            let min = self.number("minLength").unwrap_or(0);
            let max = self.number("maxLength").unwrap_or(usize::MAX);
            let pattern = self.pattern().map(|pattern| Regex::new(pattern).unwrap());
            let values = self.schema["enum"].as_array().cloned();
            move |text| {
                (min..=max).contains(&text.chars().count())
                    && pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
                    && values.as_ref().is_none_or(|values| values.contains(&text.into()))
            }
        }

        /// Texts of all kinds, and such as have the form or almost.
        fn texts(&self) -> BoxedStrategy<String> {
            let fitting = match (self.pattern(), self.schema["enum"].as_array()) {
                (Some(pattern), _) => {
                    let inner = pattern.strip_prefix('^').unwrap().strip_suffix('$').unwrap();
                    string_regex(inner).unwrap().boxed()
                }
                (None, Some(values)) => prop::sample::select(values.clone())
                    .prop_map(|value| value.as_str().unwrap().to_owned())
                    .boxed(),
                (None, None) => panic!("{self:?} says nothing of its form"),
            };
            let plain = fitting.clone().prop_map(|text| {
                text.chars().map(|c| if c.is_ascii() { c } else { 'x' }).collect()
            });
            let max = self.number("maxLength").unwrap_or(20);
            let odd = prop::sample::select(vec![
                ' ', '\t', '\n', '\u{7f}', '\u{85}', '\u{a0}', '\u{2028}', '\u{3000}', '\u{feff}',
                '-', '_', '.', '/', ':', '@', '"', 'a', 'Z', '0', 'ª', 'µ', 'ß', 'Ä', 'ö', '÷',
                '€',
            ]);
            let disturbed = (fitting.clone(), any::<prop::sample::Index>(), odd.clone()).prop_map(
                |(text, at, odd)| {
                    let mut chars: Vec<char> = text.chars().collect();
                    chars.insert(at.index(chars.len() + 1), odd);
                    chars.into_iter().collect()
                },
            );
            prop_oneof![
                4 => fitting,
                2 => plain,
                4 => disturbed,
                1 => any::<String>(),
                1 => "[ -~]{0,8}",
                1 => prop::collection::vec(odd, 0..4).prop_map(|odd| odd.into_iter().collect()),
                1 => (max.saturating_sub(1)..max + 2, "[a-zA-Z0-9]")
                    .prop_map(|(length, text)| text.repeat(length)),
            ]
            .boxed()
        }
    }

    fn check(kind: &Kind, exact: impl Fn(&str) -> bool) {
        let allows = kind.allows();
        let (texts, mut runner) = (kind.texts(), TestRunner::default());
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..1_000 {
            let text = texts.new_tree(&mut runner).unwrap().current();
            let (allowed, takes) = (allows(&text), (kind.takes)(&text));
            assert!(allowed || !takes, "{kind:?} takes {text:?}, which its schema refuses");
            assert!(
                takes || !allowed || !exact(&text),
                "{kind:?} refuses {text:?}, which its schema allows"
            );
            match takes {
                true => taken += 1,
                false => refused += 1,
            }
        }
        assert!(taken >= 5 && refused >= 5, "{kind:?}: {taken} taken, {refused} refused");
    }

    #[test]
    fn a_schema_refuses_what_its_type_refuses_and_nothing_else() {
        for kind in text::kinds().iter().chain(&id::kinds()) {
            // Beyond that a rule that counts bytes differs from one that counts characters.
            check(kind, |text| match kind.name.as_str() {
                "Slug" => text.chars().all(|c| c <= '\u{ff}'),
                "Email" | "Note" | "Prose" => text.is_ascii(),
                _ => true,
            });
        }
    }

    #[test]
    fn a_schema_refuses_the_numbers_that_its_type_refuses() {
        let decimal = Kind::taken_by::<Decimal>(|text| {
            let number = json!({ "type": "number", "value": text });
            serde_json::from_value::<AttributeValue>(number).is_ok()
        });
        let rate = Kind::taken_by::<Rate>(|text| {
            let rate = json!({ "label": "Tax", "rate": text });
            serde_json::from_value::<TaxRateFields>(rate).is_ok()
        });
        // So many digits fit.
        for kind in [decimal, rate] {
            check(&kind, |text| text.len() <= 20);
        }
    }
}
