//! Full-text search of the catalogue: what a word is, what matches, and what matches better. Stores
//! find candidates in their own way; the words and the ranking are the same in all of them.

use crate::catalog::{Product, Variant};

/// A search ranks at most so many products that match, the newest, and at most so many that
/// [match by name](Rank::by_name), the newest of those. However large a shop is, a search
/// so costs the same, and what has a word in its title is not crowded out by what mentions it.
pub const CANDIDATES_MAX: usize = 200;
/// The most words of a search; further ones are ignored.
pub const WORDS_MAX: usize = 16;

/// The words of a text: runs of letters and digits, in lower case.
///
/// ```
/// let words: Vec<_> = commerce_core::search::words("Men's T-Shirt, XL").collect();
/// assert_eq!(words, ["men", "s", "t", "shirt", "xl"]);
/// ```
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// The words of a search, each once, at most [`WORDS_MAX`].
pub fn query(text: &str) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for word in words(text) {
        if distinct.len() < WORDS_MAX && !distinct.contains(&word) {
            distinct.push(word);
        }
    }
    distinct
}

/// Of products that match, the newest first, keeps those that a search ranks.
pub fn keep_candidates<T>(newest_first: &mut Vec<T>, by_name: impl Fn(&T) -> bool) {
    let (mut all, mut named) = (0, 0);
    newest_first.retain(|product| {
        let is_named = by_name(product);
        all += 1;
        named += usize::from(is_named);
        all <= CANDIDATES_MAX || is_named && named <= CANDIDATES_MAX
    });
}

/// What a product is found by, field by field, as words with a space between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// Its variants' SKUs and barcodes.
    pub skus: String,
    /// Its tags, vendor and type.
    pub tags: String,
    /// Its descriptions, without HTML tags.
    pub description: String,
}

impl Document {
    /// What a product with these variants is found by.
    pub fn of<'a>(product: &Product, variants: impl IntoIterator<Item = &'a Variant>) -> Self {
        let codes = variants
            .into_iter()
            .flat_map(|variant| std::iter::once(&*variant.sku).chain(variant.barcode.as_deref()));
        Self::with_codes(product, codes)
    }

    /// What a product is found by whose variants have these SKUs and barcodes.
    pub fn with_codes<'a>(product: &Product, codes: impl IntoIterator<Item = &'a str>) -> Self {
        let tags = product
            .tags
            .iter()
            .chain(&product.vendor)
            .chain(&product.product_type)
            .map(|label| &**label);
        let description = std::iter::once(&*product.description)
            .chain(product.short_description.as_deref())
            .map(without_tags);
        Self {
            title: join(std::iter::once(&*product.title)),
            skus: join(codes),
            tags: join(tags),
            description: join(description),
        }
    }

    /// How well it matches the words of a [`query`]; `None` if one of them is neither one of its
    /// words nor the beginning of one.
    pub fn rank(&self, query: &[String]) -> Option<Rank> {
        let fields = [&self.title, &self.skus, &self.tags, &self.description];
        rank(fields.map(String::as_str), query)
    }
}

/// How well a document matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    /// More for better. A word counts where it weighs most: in the title or a SKU 8, in a tag 4, in
    /// the description 1; a whole word counts twice as much as a beginning.
    pub score: u32,
    /// Whether each word is in the title, a SKU, a barcode, a tag, the vendor or the type, or begins
    /// a word there.
    pub by_name: bool,
}

/// What the fields of a [`Document`] weigh, in their order.
const WEIGHTS: [u32; 4] = [8, 8, 4, 1];
/// A word of a description has less.
const OF_NAMES: u32 = 4;

/// As [`Document::rank`], of the fields of a document: its title, SKUs, tags and description. A store
/// may put ASCII punctuation of its own between the words, or before them.
pub fn rank(fields: [&str; 4], query: &[String]) -> Option<Rank> {
    query.iter().try_fold(Rank { score: 0, by_name: true }, |sum, word| {
        let mut best = 0;
        for (text, weight) in fields.iter().zip(WEIGHTS) {
            // The texts that weigh least are the longest: what can gain nothing is not looked at.
            if best < WHOLE * weight {
                best = best.max(weight * found(text, word));
            }
        }
        if best == 0 {
            return None;
        }
        Some(Rank { score: sum.score + best, by_name: sum.by_name && best >= OF_NAMES })
    })
}

/// How much more a whole word counts than a beginning.
const WHOLE: u32 = 2;

/// Whether a text has a word, [`WHOLE`], the beginning of one, 1, or neither, 0.
fn found(text: &str, word: &str) -> u32 {
    // A byte of a letter or digit beyond ASCII is none of ASCII.
    let parts = |byte: Option<&u8>| byte.is_none_or(|b| b.is_ascii() && !b.is_ascii_alphanumeric());
    let bytes = text.as_bytes();
    let mut best = 0;
    for (start, _) in text.match_indices(word) {
        if parts(start.checked_sub(1).and_then(|before| bytes.get(before))) {
            if parts(bytes.get(start + word.len())) {
                return WHOLE;
            }
            best = 1;
        }
    }
    best
}

fn join<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let mut joined = String::new();
    for text in texts {
        for word in words(text.as_ref()) {
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(&word);
        }
    }
    joined
}

fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        rest = match tag.split_once('>') {
            Some((_, after)) => after,
            None => tag,
        };
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        Document {
            title: join(["Red T-Shirt"]),
            skus: join(["TS-RED-XL"]),
            tags: join(["summer", "Cotton"]),
            description: join([without_tags("<p class=\"blue\">Soft & <b>light</b></p>")]),
        }
    }

    #[test]
    fn every_word_must_match_and_the_better_place_counts() {
        let score = |text: &str| document().rank(&query(text)).map(|rank| rank.score);
        assert_eq!(score("red"), Some(16));
        assert_eq!(score("shi"), Some(8));
        assert_eq!(score("cotton"), Some(8));
        assert_eq!(score("light"), Some(2));
        assert_eq!(score("red light"), Some(18));
        assert_eq!(score("red green"), None);
        assert_eq!(score("ts-red"), Some(32));
    }

    #[test]
    fn a_word_of_the_description_alone_is_no_name() {
        let by_name = |text: &str| document().rank(&query(text)).map(|rank| rank.by_name);
        assert_eq!(by_name("red ts-red cot"), Some(true));
        assert_eq!(by_name("light"), Some(false));
        assert_eq!(by_name("red light"), Some(false));
        assert_eq!(by_name("hirt"), None);
    }

    #[test]
    fn a_word_begins_where_another_ends_and_nowhere_else() {
        assert_eq!(found("cotton shirt", "cotton"), 2);
        assert_eq!(found("=cotton =shirt", "shirt"), 2);
        assert_eq!(found("cottons cotton", "cotton"), 2);
        assert_eq!(found("cottons", "cotton"), 1);
        assert_eq!(found("overcotton", "cotton"), 0);
        assert_eq!(found("écotton", "cotton"), 0);
        assert_eq!(found("cottoné", "cotton"), 1);
        assert_eq!(found("aaa", "aa"), 1);
        assert_eq!(found("", "aa"), 0);
    }

    #[test]
    fn tags_of_html_are_not_words() {
        assert_eq!(document().rank(&query("blue")), None);
        assert_eq!(document().rank(&query("class")), None);
        assert_eq!(join([without_tags("a < b")]), "a b");
    }
}
