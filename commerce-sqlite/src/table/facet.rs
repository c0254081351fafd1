//! What lists of products are filtered by: each a line of one text, which stands beside the order in the
//! indexes of lists.

use commerce_core::{
    catalog::Product,
    id::{CategoryId, Id},
    text::Label,
};

/// Of featured products.
pub(crate) const FEATURED: &str = "\nf\n";

/// A line with the end of that before it. No label has such an end in it.
fn line(kind: char, key: &str) -> String {
    format!("\n{kind}:{key}\n")
}

/// Of a vendor's products.
pub(crate) fn vendor(key: &str) -> String {
    line('v', key)
}

/// Of products of a type.
pub(crate) fn kind(key: &str) -> String {
    line('k', key)
}

/// Of products with a tag.
pub(crate) fn tag(key: &str) -> String {
    line('t', key)
}

/// Of products in a category.
pub(crate) fn category(id: CategoryId) -> String {
    line('c', id.uuid().simple().encode_lower(&mut [0; 32]))
}

/// All of a product.
pub(crate) fn all(product: &Product) -> String {
    let key = |label: &Label| label.to_lowercase();
    let featured = product.featured.then(|| FEATURED.to_owned());
    let lines = featured
        .into_iter()
        .chain(product.vendor.iter().map(|it| vendor(&key(it))))
        .chain(product.product_type.iter().map(|it| kind(&key(it))))
        .chain(product.tags.iter().map(|it| tag(&key(it))))
        .chain(product.categories.iter().map(|it| category(*it)));
    let mut all = String::new();
    for line in lines {
        // One end of a line parts two of them.
        all.push_str(line.get(usize::from(!all.is_empty())..).unwrap_or_default());
    }
    all
}
