//! Texts with rules: each is checked once, where it enters, and trusted ever after.

use std::{borrow::Borrow, fmt, ops::Deref, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{country::is_country, id::Id};

/// Why a text does not keep the rules of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {rule}")]
pub struct TextError {
    /// The rule, as the end of the sentence "must be …".
    pub rule: &'static str,
}

pub(crate) fn visit_str<'de, D, T>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, D::Error>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    struct Visitor;
    impl<'de> de::Visitor<'de> for Visitor {
        type Value = std::borrow::Cow<'de, str>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(text.into())
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(text.to_owned().into())
        }
        fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
            Ok(text.into())
        }
    }
    parse(&deserializer.deserialize_str(Visitor)?)
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

fn bytes(text: &str) -> usize {
    text.len()
}

fn one_line(text: &str) -> bool {
    text.trim() == text && !text.chars().any(char::is_control)
}

fn prose(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// A text with its rule in words, how long it may be, its form (one of `openapi::forms`, which says of the
/// rest what JSON Schema can) and the rest.
macro_rules! texts {
    ($(
        $(#[$doc:meta])*
        $name:ident = $rule:literal, $min:literal..=$max:literal $unit:ident, $form:ident,
            |$text:ident| $check:expr;
    )*) => {$(
        $(#[$doc])*
        ///
        #[doc = concat!("It is ", $rule, ".")]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and wraps it.
            ///
            /// # Errors
            #[doc = concat!("When the text is not ", $rule, ".")]
            pub fn new(text: impl AsRef<str>) -> Result<Self, TextError> {
                let $text = text.as_ref();
                let keeps = ($min..=$max).contains(&$unit($text)) && $check;
                if keeps { Ok(Self($text.into())) } else { Err(TextError { rule: $rule }) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = TextError;
            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = TextError;
            fn try_from(text: &str) -> Result<Self, TextError> {
                Self::new(text)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let rule = concat!("Must be ", $rule, ".");
                crate::openapi::forms::$form.schema(rule, $min..=$max)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                visit_str(deserializer, |text| Self::new(text).map_err(de::Error::custom))
            }
        }
    )*

        #[cfg(all(test, feature = "openapi"))]
        pub(crate) fn kinds() -> Vec<crate::openapi::Kind> {
            vec![$(crate::openapi::Kind::of::<$name>()),*]
        }
    };
}

texts! {
    /// A stock-keeping unit: what a shop calls one variant. Case matters.
    Sku = "1 to 255 characters on one line without space around them",
        1..=255 chars, ONE_LINE, |text| one_line(text);
    /// A short text on one line: a title, a name, a vendor, a tag.
    Label = "1 to 255 characters on one line without space around them",
        1..=255 chars, ONE_LINE, |text| one_line(text);
    /// What a picture shows, for those who cannot see it. The bound is that of Shopify, so that what is
    /// imported from there fits.
    AltText = "1 to 512 characters on one line without space around them",
        1..=512 chars, ONE_LINE, |text| one_line(text);
    /// A longer text of several lines, plain or HTML: a description.
    Prose = "at most 524,288 bytes without control characters",
        0..=524_288 bytes, PROSE, |text| prose(text);
    /// A remark of several lines: what a customer or the back office notes on something.
    Note = "at most 5,000 bytes without control characters",
        0..=5_000 bytes, PROSE, |text| prose(text);
    /// The part of an address on the web that names a product or a category.
    Slug = "1 to 255 lower-case letters, digits, - or _, such as red-shirt",
        1..=255 chars, SLUG, |text| text.chars().all(|c| c == '-' || c == '_'
            || (c.is_alphanumeric() && !c.is_uppercase()));
    /// An absolute address on the web, or a path on the shop's own site.
    Url = "an http or https address, or a path that begins with /, of at most 2,048 characters",
        1..=2_048 chars, URL, |text| one_line(text) && !text.contains(char::is_whitespace)
            && (text.starts_with("https://") || text.starts_with("http://") || text.starts_with('/'));
    /// An e-mail address.
    Email = "an e-mail address of at most 254 characters",
        1..=254 bytes, EMAIL, |text| is_email(text);
    /// A country by its ISO 3166-1 alpha-2 code, or by the one in use where there is none (`XK` for Kosovo).
    Country = "two capital letters, an ISO 3166-1 country code such as DE or GB",
        2..=2 chars, COUNTRY, |text| is_country(text);
    /// A part of a country: a state, province or region, by the part of its ISO 3166-2 code after
    /// the country (`CA` for California), or by name where there is none. Case does not matter.
    Region = "1 to 64 characters on one line without space around them",
        1..=64 chars, ONE_LINE, |text| one_line(text);
    /// Names a class of goods that are taxed alike, such as `standard` or `reduced`.
    TaxClass = "1 to 64 lower-case letters, digits, - or _",
        1..=64 chars, KEY, |text| key(text);
    /// Names a payment gateway, such as `manual` or `stripe`.
    GatewayName = "1 to 64 lower-case letters, digits, - or _",
        1..=64 chars, KEY, |text| key(text);
    /// The human-readable number of an order, such as `261121-7K2MQ9XD`.
    OrderNumber = "1 to 64 capital letters, digits or -",
        1..=64 chars, ORDER_NUMBER, |text| text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
    /// A client's key that makes repeating a request safe.
    IdempotencyKey = "1 to 255 printable ASCII characters",
        1..=255 chars, PRINTABLE, |text| text.bytes().all(|b| (0x20..=0x7e).contains(&b));
}

fn key(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}

// Deliberately loose: whether an address exists is known only once a message has reached it.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && local.len() <= 64
        && domain.split('.').count() >= 2
        && domain.split('.').all(|part| !part.is_empty() && part.len() <= 63)
        && !text.chars().any(|c| c.is_control() || c.is_whitespace() || "<>()[],;:\\\"".contains(c))
        && !local.contains('@')
}

impl Prose {
    /// The text that says nothing.
    pub fn empty() -> Self {
        Self("".into())
    }
}

impl Region {
    /// The region in the form in which two of a country are compared: lower case, without the country
    /// that an ISO 3166-2 code has in front.
    ///
    /// ```
    /// use commerce_core::text::{Country, Region};
    /// let us = Country::new("US")?;
    /// for text in ["CA", "ca", "US-CA"] {
    ///     assert_eq!(Region::new(text)?.normalized(&us), "ca");
    /// }
    /// # Ok::<(), commerce_core::text::TextError>(())
    /// ```
    pub fn normalized(&self, country: &Country) -> String {
        let region = self.to_lowercase();
        let part = region.strip_prefix(&country.to_lowercase());
        match part.and_then(|part| part.strip_prefix('-')) {
            Some(part) if !part.is_empty() => part.to_owned(),
            _ => region,
        }
    }
}

impl Email {
    /// The address in the form in which two of them are compared: lower case.
    pub fn normalized(&self) -> String {
        self.to_lowercase()
    }
}

/// An id is always a label.
impl<T: Id> From<T> for Label {
    fn from(id: T) -> Self {
        Self(id.to_string().into())
    }
}

impl TaxClass {
    /// The class of goods that nothing else was said about: `standard`.
    pub fn standard() -> Self {
        Self("standard".into())
    }
}

impl GatewayName {
    /// The gateway that people operate by hand: `manual`.
    pub fn manual() -> Self {
        Self("manual".into())
    }
}

impl Label {
    /// Wraps a text that was made within the rules.
    pub(crate) fn trusted(text: &str) -> Self {
        Self(text.into())
    }
}

impl IdempotencyKey {
    /// Wraps a key that was made within the rules.
    pub(crate) fn trusted(text: &str) -> Self {
        Self(text.into())
    }
}

impl OrderNumber {
    /// Wraps a number that was made within the rules.
    pub(crate) fn trusted(text: &str) -> Self {
        Self(text.into())
    }
}

impl Slug {
    /// The slug that a title suggests: letters and digits in lower case, everything else one `-`.
    ///
    /// `None` when the text has neither a letter nor a digit.
    ///
    /// ```
    /// use commerce_core::text::Slug;
    /// assert_eq!(Slug::suggest(" Red  Shirt (XL)!").unwrap().as_str(), "red-shirt-xl");
    /// assert_eq!(Slug::suggest("…"), None);
    /// ```
    pub fn suggest(text: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in text.chars().flat_map(char::to_lowercase) {
            if c.is_alphanumeric() && !c.is_uppercase() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        let slug: String = slug.chars().take(255).collect();
        Self::new(slug.trim_end_matches('-')).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_kept_at_their_edges() {
        assert!(Sku::new("x".repeat(255)).is_ok());
        for bad in ["", " x", "x ", "a\nb", &"x".repeat(256)] {
            assert!(Sku::new(bad).is_err(), "{bad:?}");
        }
        assert!(Prose::new("a\nb\tc").is_ok());
        assert!(Prose::new("a\0b").is_err());
        assert!(Slug::new("Ünder").is_err());
        assert!(Slug::new("ünder-1").is_ok());
    }

    #[test]
    fn addresses_of_mail() {
        for good in ["a@b.co", "first.last+tag@mail.example.com", "ü@münchen.de"] {
            assert!(Email::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "@b.co", "a@b", "a@@b.co", "a b@c.de", "a@b..c", "a@b.co\n"] {
            assert!(Email::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn wrong_text_is_refused_by_serde_with_its_rule() {
        let error = serde_json::from_str::<Country>("\"de\"").unwrap_err().to_string();
        assert!(error.contains("ISO 3166-1"), "{error}");
        assert!(serde_json::from_str::<Country>("5").is_err());
    }
}
