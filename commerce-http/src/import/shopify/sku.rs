//! SKUs for variants that have none.

use sha2::{Digest, Sha256};

/// The most characters of a SKU.
const CHARS_MAX: usize = 255;

/// A SKU for a variant without one: the product's handle and the variant's option values with `/`
/// between them.
///
/// The same input always gives the same SKU, and another input another: a `/` in a value is
/// written `~1` and a `~` as `~0` (RFC 6901). What would be longer than 255 characters, or would
/// not be text on one line, ends in a hash instead.
///
/// ```
/// use commerce_http::import::shopify::derive_sku;
/// assert_eq!(derive_sku("red-shirt", &["Large", "Slim"]), "red-shirt/Large/Slim");
/// assert_eq!(derive_sku("bowl", &[] as &[&str]), "bowl");
/// assert_eq!(derive_sku("glove", &["S/M"]), "glove/S~1M");
/// ```
pub fn derive_sku(handle: &str, option_values: &[impl AsRef<str>]) -> String {
    let mut sku = handle.replace('~', "~0").replace('/', "~1");
    for value in option_values {
        sku.push('/');
        sku.push_str(&value.as_ref().replace('~', "~0").replace('/', "~1"));
    }
    let fits = !sku.is_empty()
        && sku.trim() == sku
        && sku.chars().count() <= CHARS_MAX
        && !sku.chars().any(char::is_control);
    if fits {
        return sku;
    }
    let digest = Sha256::digest(sku.as_bytes());
    let hash: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
    let kept: String = sku
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(CHARS_MAX - 1 - hash.len())
        .collect();
    match kept.trim() {
        "" => hash,
        kept => format!("{kept}~{hash}"),
    }
}

#[cfg(test)]
mod tests {
    use commerce_core::text::Sku;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_one_keeps_its_beginning_and_stays_distinct() {
        let long = "x".repeat(300);
        let [a, b] = [derive_sku("mug", &[&long, "a"]), derive_sku("mug", &[&long, "b"])];
        assert!(a.starts_with("mug/xxx") && a.chars().count() == 255, "{a}");
        assert_ne!(a, b);
    }

    proptest! {
        #[test]
        fn every_input_gives_a_sku_of_its_own(
            a in ("[a~/ \n]{0,4}", prop::collection::vec("[a~/ ]{0,3}|\\PC{250,260}", 0..4)),
            b in ("[a~/ \n]{0,4}", prop::collection::vec("[a~/ ]{0,3}|\\PC{250,260}", 0..4)),
        ) {
            let [first, second] = [derive_sku(&a.0, &a.1), derive_sku(&b.0, &b.1)];
            prop_assert!(Sku::new(&first).is_ok(), "{first:?}");
            prop_assert_eq!(&first, &derive_sku(&a.0, &a.1));
            prop_assert_eq!(first == second, a == b);
        }
    }
}
