//! Full-text search of the catalogue: what a word is, what matches, and what matches better. Stores
//! find candidates in their own way; the words and the ranking are the same in all of them.

use crate::catalog::{Product, Variant};

/// A search ranks at most so many products that match, the newest, and at most so many that
/// [match by name](Document::matches_by_name), the newest of those. However large a shop is, a search
/// so costs the same, and what has a word in its title is not crowded out by what mentions it.
pub const CANDIDATES_MAX: usize = 250;
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

    /// How well it matches the words of a [`query`], more for better; `None` if one of them is
    /// neither one of its words nor the beginning of one.
    ///
    /// A word counts where it weighs most: in the title or a SKU 8, in a tag 4, in the description
    /// 1; a whole word counts twice as much as a beginning.
    pub fn score(&self, query: &[String]) -> Option<u32> {
        let fields = [(&self.title, 8), (&self.skus, 8), (&self.tags, 4), (&self.description, 1)];
        query.iter().try_fold(0, |sum, word| {
            let best = fields
                .iter()
                .filter_map(|(text, weight)| {
                    let mut found = None;
                    for other in text.split(' ').filter(|other| other.starts_with(word.as_str())) {
                        if other.len() == word.len() {
                            return Some(weight * 2);
                        }
                        found = Some(*weight);
                    }
                    found
                })
                .max()?;
            Some(sum + best)
        })
    }

    /// Whether each word of a [`query`] is in the title, a SKU, a barcode, a tag, the vendor or the
    /// type, or begins a word there.
    pub fn matches_by_name(&self, query: &[String]) -> bool {
        let names = [&self.title, &self.skus, &self.tags];
        query.iter().all(|word| names.iter().any(|text| has(text, word)))
    }
}

/// Whether a text of words with a space between them has one that begins so.
fn has(text: &str, beginning: &str) -> bool {
    text.split(' ').any(|word| word.starts_with(beginning))
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
        let score = |text: &str| document().score(&query(text));
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
        let by_name = |text: &str| document().matches_by_name(&query(text));
        assert!(by_name("red ts-red cot"));
        assert!(!by_name("light"));
        assert!(!by_name("red light"));
        assert!(!by_name("hirt"));
    }

    #[test]
    fn tags_of_html_are_not_words() {
        assert_eq!(document().score(&query("blue")), None);
        assert_eq!(document().score(&query("class")), None);
        assert_eq!(join([without_tags("a < b")]), "a b");
    }
}
