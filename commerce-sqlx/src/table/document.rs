//! What products are found by: the words of the core's full-text search as a `tsvector`.
//!
//! The words are made by the core and given to PostgreSQL as they are, so that no language or
//! dictionary of the database has a say in them. Words of names, which are titles, codes, tags, vendors
//! and types, have a mark, so that to the index they are others than those of descriptions. Where among
//! the names a word stands is told by its weight: A in the title or a code, B elsewhere. A product's own
//! words and those of its variants' codes are kept apart, as the text form of a `tsvector`, and put
//! together whenever either changes.

use std::fmt::Write;

use commerce_core::{
    catalog::{Product, Variant},
    customer::Customer,
    search::{self, Document},
};

use crate::cell::{Array, Cell, Kind};

/// The most bytes of a word that count; PostgreSQL takes no longer ones.
const WORD_MAX: usize = 1_024;
/// The most bytes of the words of one product, and of its variants' codes: a `tsvector` has at most
/// 1 MiB. What comes after them is not found.
const OWN_MAX: usize = 600_000;
/// As [`OWN_MAX`], of the codes of all variants of a product.
pub(crate) const CODES_MAX: usize = 300_000;
/// What a word takes beside its letters.
const WORD_COST: usize = 12;

/// Marks a word as that of a name. No word has this character in it.
const NAME: &str = "=";

/// The part of a word that counts.
fn cut(word: &str) -> &str {
    let end = (0..=WORD_MAX).rev().find(|end| word.is_char_boundary(*end));
    word.get(..end.unwrap_or(0)).unwrap_or(word)
}

/// The words of a text of the core, each with a mark and at a place: a position, whose weight says what
/// it is.
fn add(words: &mut String, text: &str, mark: &str, place: &str, rest: &mut usize) {
    for word in text.split(' ').filter(|word| !word.is_empty()).map(cut) {
        let Some(left) = rest.checked_sub(word.len() + WORD_COST) else { return };
        *rest = left;
        // A word has no quotation mark in it, and writing to a string cannot fail.
        let _ = write!(words, "'{mark}{word}':{place} ");
    }
}

/// What a product itself is found by.
pub(crate) fn own_words(product: &Product) -> String {
    let document = Document::with_codes(product, []);
    let (mut words, mut rest) = (String::new(), OWN_MAX);
    add(&mut words, &document.title, NAME, "1A", &mut rest);
    add(&mut words, &document.tags, NAME, "2B", &mut rest);
    add(&mut words, &document.description, "", "3", &mut rest);
    words
}

/// What a variant's codes add to what its product is found by.
pub(crate) fn codes(variant: &Variant) -> String {
    let (mut words, mut rest) = (String::new(), CODES_MAX);
    for code in std::iter::once(&*variant.sku).chain(variant.barcode.as_deref()) {
        for word in search::words(code) {
            add(&mut words, &word, NAME, "1A", &mut rest);
        }
    }
    words
}

/// What a customer is found by.
pub(crate) fn customer_words(customer: &Customer) -> String {
    let (mut words, mut rest) = (String::new(), OWN_MAX);
    for word in customer.words() {
        add(&mut words, &word, "", "1", &mut rest);
    }
    words
}

/// What an index is asked for, word by word: products with a word that begins as each of these does.
pub(crate) fn query(words: &[String]) -> Vec<String> {
    each(words, |word| format!("('{word}':* | '{NAME}{word}':*)"))
}

/// As [`query`], of the words of names alone.
pub(crate) fn query_by_name(words: &[String]) -> Vec<String> {
    each(words, |word| format!("'{NAME}{word}':*"))
}

/// As [`query`], of customers.
pub(crate) fn query_of_customer(words: &[String]) -> Vec<String> {
    each(words, |word| format!("'{word}':*"))
}

fn each(words: &[String], query: impl Fn(&str) -> String) -> Vec<String> {
    words.iter().map(|word| query(cut(word))).collect()
}

/// What the words of a product are asked for each word of a search, to tell where it stands. The words
/// are one parameter, made by [`parts`].
pub(crate) const PLACES: &str = "SELECT format($$'=%s':A$$, q.w)::tsquery AS whole_title,
        format($$'=%1$s':*A | '=%1$s':B$$, q.w)::tsquery AS title_or_whole_tag,
        format($$'=%s':*B$$, q.w)::tsquery AS tag, format($$'%s'$$, q.w)::tsquery AS whole
    FROM unnest(?::text[]) AS q (w)";

/// How well a product `p` matches a word `q` of a search, as [`Document::rank`] says, by its [`PLACES`]:
/// the best place where it stands counts.
pub(crate) const SCORE: &str = "CASE WHEN p.words @@ q.whole_title THEN 16
    WHEN p.words @@ q.title_or_whole_tag THEN 8
    WHEN p.words @@ q.tag THEN 4
    WHEN p.words @@ q.whole THEN 2
    ELSE 1 END";
/// The least [`SCORE`] of a word of a name.
pub(crate) const OF_NAMES: i64 = 4;

/// The words of a search as [`PLACES`] wants them.
pub(crate) fn parts(words: &[String]) -> Array {
    Array::of(Kind::Text, words.iter().map(|word| Cell::Text(cut(word))))
}
