//! From the text of a cell to its value.

use rust_decimal::Decimal;

use super::{
    encoding::windows_1252,
    problem::Reason,
    product::{InventoryPolicy, ShopifyStatus, TAGS_MAX},
    weight::WeightUnit,
};

/// The most characters of a title, a name, a SKU or a tag.
pub(super) const LABEL_CHARS_MAX: usize = 255;

/// The most characters of the text of an image, which is Shopify's own limit
/// (<https://help.shopify.com/en/manual/products/product-media/add-alt-text>).
pub(super) const ALT_CHARS_MAX: usize = 512;

/// A text on one line of at most `chars_max` characters. Line ends and tabs in it become spaces.
pub(super) fn line(text: &str, chars_max: usize) -> Result<String, Reason> {
    let is_break = |c| matches!(c, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}');
    let parts = text.split(is_break).map(str::trim).filter(|part| !part.is_empty());
    let text =
        if text.contains(is_break) { parts.collect::<Vec<_>>().join(" ") } else { text.to_owned() };
    let text = mend(text);
    if text.chars().any(char::is_control) {
        return Err(Reason::ControlCharacter);
    }
    if text.chars().count() > chars_max {
        return Err(Reason::TooLong { chars_max });
    }
    Ok(text)
}

pub(super) fn label(text: &str) -> Result<String, Reason> {
    line(text, LABEL_CHARS_MAX)
}

/// A text of several lines. The vertical tabs and form feeds that word processors leave in it become
/// line ends.
pub(super) fn prose(text: &str) -> Result<String, Reason> {
    let text = mend(text.replace(['\u{b}', '\u{c}'], "\n"));
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Reason::ControlCharacter);
    }
    Ok(text)
}

/// Real exports have `™` as the control character U+0099: text in Windows-1252 was once taken for
/// Latin-1. The shop's texts have no control characters, so it is read as Windows-1252, as browsers do
/// where such a character is written by its number (HTML Standard, 13.2.5.80).
fn mend(text: String) -> String {
    match first_mended(&text) {
        Some(_) => text.chars().map(|c| u8::try_from(c).map_or(c, windows_1252)).collect(),
        None => text,
    }
}

/// The first character of a text that is read as another.
pub(super) fn first_mended(text: &str) -> Option<char> {
    text.chars().find(|c| ('\u{80}'..='\u{9f}').contains(c))
}

/// A code that an export may begin with an apostrophe, so that a spreadsheet keeps its zeros.
pub(super) fn code(text: &str) -> Result<String, Reason> {
    label(text.strip_prefix('\'').unwrap_or(text).trim())
}

pub(super) fn tags(text: &str) -> Result<Vec<String>, Reason> {
    let mut tags: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        if known.insert(tag.to_lowercase()) {
            if tags.len() >= TAGS_MAX {
                return Err(Reason::TagsTooMany);
            }
            tags.push(label(tag)?);
        }
    }
    Ok(tags)
}

pub(super) fn boolean(text: &str) -> Result<bool, Reason> {
    match () {
        () if text.eq_ignore_ascii_case("true") => Ok(true),
        () if text.eq_ignore_ascii_case("false") => Ok(false),
        () => Err(Reason::NotBoolean),
    }
}

pub(super) fn status(text: &str) -> Result<ShopifyStatus, Reason> {
    match text.to_ascii_lowercase().as_str() {
        "active" => Ok(ShopifyStatus::Active),
        "draft" => Ok(ShopifyStatus::Draft),
        "archived" => Ok(ShopifyStatus::Archived),
        "unlisted" => Ok(ShopifyStatus::Unlisted),
        _ => Err(Reason::NotStatus),
    }
}

/// The policy's name, or whether to continue selling, as the column's newer name asks.
pub(super) fn policy(text: &str) -> Result<InventoryPolicy, Reason> {
    match text.to_ascii_lowercase().as_str() {
        "deny" | "false" => Ok(InventoryPolicy::Deny),
        "continue" | "true" => Ok(InventoryPolicy::Continue),
        _ => Err(Reason::NotPolicy),
    }
}

pub(super) fn price(text: &str) -> Result<Decimal, Reason> {
    plain(text).filter(|price| *price <= Decimal::from(PRICE_MAX)).ok_or(Reason::NotPrice)
}

pub(super) fn weight(text: &str) -> Result<Decimal, Reason> {
    plain(text).filter(|weight| *weight <= Decimal::from(GRAMS_MAX)).ok_or(Reason::NotWeight)
}

pub(super) fn weight_unit(text: &str) -> Result<WeightUnit, Reason> {
    WeightUnit::from_symbol(text).ok_or(Reason::NotWeightUnit)
}

pub(super) fn quantity(text: &str) -> Result<i64, Reason> {
    whole(text).filter(|units| units.abs() <= QUANTITY_MAX).ok_or(Reason::NotQuantity)
}

pub(super) fn position(text: &str) -> Result<u32, Reason> {
    whole(text)
        .and_then(|position| u32::try_from(position).ok())
        .filter(|position| (1..=POSITION_MAX).contains(position))
        .ok_or(Reason::NotPosition)
}

pub(super) fn url(text: &str) -> Result<String, Reason> {
    let scheme = ["http://", "https://"].iter().find_map(|scheme| {
        let start = text.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(scheme)
    });
    let rest = scheme.and_then(|scheme| text.get(scheme.len()..)).unwrap_or_default();
    let odd = |c: char| c.is_control() || c.is_whitespace();
    match scheme {
        Some(scheme) if !rest.is_empty() && !rest.contains(odd) => Ok(format!("{scheme}{rest}")),
        _ => Err(Reason::NotUrl),
    }
    .and_then(|url| line(&url, URL_CHARS_MAX).map_err(|_| Reason::NotUrl))
}

const PRICE_MAX: i64 = 1_000_000_000_000;
const GRAMS_MAX: i64 = 1_000_000_000;
const QUANTITY_MAX: i64 = 1_000_000_000;
const POSITION_MAX: u32 = 1_000_000;
const URL_CHARS_MAX: usize = 2048;

/// Digits with at most one point among them, exactly; neither a sign nor an exponent.
fn plain(text: &str) -> Option<Decimal> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let points = text.bytes().filter(|byte| *byte == b'.').count();
    let ends_in_digit = text.bytes().next_back()?.is_ascii_digit();
    if digits + points != text.len() || points > 1 || !ends_in_digit {
        return None;
    }
    Decimal::from_str_exact(text).ok()
}

fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prices_are_plain_and_exact() {
        for (text, price) in
            [("19.99", "19.99"), ("0", "0"), ("5.", ""), (".5", "0.5"), ("1e3", "")]
        {
            assert_eq!(
                self::price(text).ok().map(|p| p.to_string()).unwrap_or_default(),
                price,
                "{text}"
            );
        }
        for bad in [
            "",
            ".",
            "-1",
            "+1",
            "1,000",
            "1_000",
            "$5",
            "1 0",
            "1.2.3",
            "NaN",
            "١",
            "1000000000000.01",
        ] {
            assert_eq!(price(bad), Err(Reason::NotPrice), "{bad}");
        }
        let long = format!("0.{}1", "0".repeat(27));
        assert_eq!(price(&long).unwrap().to_string(), long);
        assert_eq!(
            price(&format!("0.{}1", "0".repeat(28))),
            Err(Reason::NotPrice),
            "never rounded"
        );
    }

    #[test]
    fn whole_numbers_keep_their_bounds() {
        assert_eq!(quantity("-1000000000"), Ok(-1_000_000_000));
        for bad in ["", "-", "1.0", "+1", "1000000001", "9223372036854775808", "--1", "0x1"] {
            assert_eq!(quantity(bad), Err(Reason::NotQuantity), "{bad}");
        }
        assert_eq!(position("1"), Ok(1));
        assert_eq!(position("0"), Err(Reason::NotPosition));
    }

    #[test]
    fn codes_lose_the_apostrophe_of_spreadsheets() {
        assert_eq!(code("'00123"), Ok("00123".to_owned()));
        assert_eq!(code("'"), Ok(String::new()));
        assert_eq!(code("O'Hara"), Ok("O'Hara".to_owned()));
    }

    #[test]
    fn tags_are_split_trimmed_and_kept_once() {
        assert_eq!(tags(" Red, blue ,,red,RED , big blue").unwrap(), ["Red", "blue", "big blue"]);
        assert_eq!(
            tags(&(0..251).map(|i| format!("{i},")).collect::<String>()),
            Err(Reason::TagsTooMany)
        );
        assert!(tags(&"same,".repeat(1000)).is_ok());
    }

    #[test]
    fn texts() {
        assert_eq!(line("a\r\nb\tc", 5), Ok("a b c".to_owned()));
        assert_eq!(line("äöüäöü", 5), Err(Reason::TooLong { chars_max: 5 }));
        assert_eq!(label("a\0b"), Err(Reason::ControlCharacter));
        assert_eq!(prose("a\0b"), Err(Reason::ControlCharacter));
        assert_eq!(prose("a\r\n\tb\u{b}c"), Ok("a\r\n\tb\nc".to_owned()));
        assert_eq!(prose("Tape\u{99} é ™"), Ok("Tape™ é ™".to_owned()));
        assert_eq!(label("Tape\u{99}\u{c} é"), Ok("Tape™ é".to_owned()));
        assert_eq!(label("Tape\u{81}"), Err(Reason::ControlCharacter));
        assert_eq!(
            url("HTTPS://a.example/b.png?v=1"),
            Ok("https://a.example/b.png?v=1".to_owned())
        );
        for bad in
            ["", "a.png", "/a.png", "ftp://a/b", "https://", "https://a/b c", "http:/é", "éééé"]
        {
            assert_eq!(url(bad), Err(Reason::NotUrl), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_decimal_in_range_survives(minor in 0..1_000_000_000_000_i64, scale in 0..10_u32) {
            let decimal = Decimal::new(minor, scale);
            prop_assert_eq!(price(&decimal.to_string()), Ok(decimal));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}|[-+.0-9eE_ ]{0,40}") {
            let _ = (price(&text), quantity(&text), position(&text), url(&text), tags(&text), code(&text));
        }
    }
}
