//! Full-text search: which products are found, and in which order.

use super::{
    Bench,
    list_products::listed,
    make::{Make, at, commit, label, prose, sku},
};
use crate::{
    catalog::{Product, Variant},
    currency::Currency,
    id::ProductId,
    search::CANDIDATES_MAX,
    store::{Commit, PageRequest, ProductFilter, ProductQuery, ProductSort},
};

fn query(text: &str) -> ProductQuery {
    ProductQuery {
        filter: ProductFilter { text: Some(text.to_owned()), ..ProductFilter::default() },
        currency: Currency::EUR,
        sort: None,
        descending: false,
        page: PageRequest::first(100),
    }
}

/// Fails unless a text finds these products, the best first, in pages of every size.
async fn finds(t: &Bench<'_>, text: &str, expected: &[&Product]) {
    let expected: Vec<_> = expected.iter().map(|product| product.id).collect();
    for limit in [1, 3, 100] {
        let found = listed(t, &query(text), limit).await;
        assert_eq!(found, expected, "for {text:?}, {limit} at a time");
    }
}

async fn titled<const N: usize>(t: &Bench<'_>, make: &mut Make, titles: [&str; N]) -> [Product; N] {
    let products = titles.map(|title| Product { title: label(title), ..make.product() });
    let mut commit = commit();
    for product in &products {
        commit.insert(product.clone());
    }
    t.commit(&commit).await;
    products
}

pub(super) async fn finds_words_and_their_beginnings(t: &Bench<'_>) {
    let mut make = Make::new();
    let [red, redder, shirt, _] =
        titled(t, &mut make, ["Red T-Shirt", "Redder", "shirts", "Bored"]).await;
    finds(t, "red", &[&red, &redder]).await;
    finds(t, "RED!", &[&red, &redder]).await;
    finds(t, "redd", &[&redder]).await;
    finds(t, "shirt", &[&red, &shirt]).await;
    finds(t, "hirt", &[]).await;
    finds(t, "redders", &[]).await;
}

pub(super) async fn wants_every_word(t: &Bench<'_>) {
    let mut make = Make::new();
    let [both, _, _] =
        titled(t, &mut make, ["red cotton shirt", "red silk shirt", "blue cotton shirt"]).await;
    finds(t, "red cotton", &[&both]).await;
    finds(t, "cotton, RED", &[&both]).await;
    finds(t, "red cotton wool", &[]).await;
    let tagged = Product {
        title: label("Hat"),
        tags: vec![label("red")],
        description: prose("all cotton"),
        ..make.product()
    };
    t.insert(tagged.clone()).await;
    finds(t, "red cotton", &[&both, &tagged]).await;
}

pub(super) async fn ranks_by_where_a_word_is(t: &Bench<'_>) {
    let mut make = Make::new();
    let title = Product { title: label("alpha"), ..make.product() };
    let title_start = Product { title: label("alphabet"), ..make.product() };
    let tag_start = Product { tags: vec![label("alphabet")], ..make.product() };
    let described = Product { description: prose("of alpha"), ..make.product() };
    let described_start = Product { short_description: Some(prose("alphabet")), ..make.product() };
    let coded = make.product();
    let variant = Variant { sku: sku("ALPHA-1"), ..make.variant(&coded) };
    let mut commit = commit();
    for product in [&described_start, &described, &tag_start, &title_start, &title, &coded] {
        commit.insert(product.clone());
    }
    commit.insert(variant);
    t.commit(&commit).await;
    // 16 for a word of a title or a SKU, 8 and 4 for beginnings, 2 and 1 in a description. Equal
    // ones come the newest first.
    let expected = [&coded, &title, &title_start, &tag_start, &described, &described_start];
    finds(t, "alpha", &expected).await;
    finds(t, "ALPHA alpha", &expected).await;
}

pub(super) async fn ranks_tags_vendors_and_types_between(t: &Bench<'_>) {
    let mut make = Make::new();
    let title_start = Product { title: label("betamax"), ..make.product() };
    let tagged = Product { tags: vec![label("Beta")], ..make.product() };
    let vendor = Product { vendor: Some(label("Beta Ltd")), ..make.product() };
    let kind = Product { product_type: Some(label("Beta")), ..make.product() };
    let described = Product { description: prose("beta"), ..make.product() };
    let mut commit = commit();
    for product in [&title_start, &tagged, &vendor, &kind, &described] {
        commit.insert(product.clone());
    }
    t.commit(&commit).await;
    finds(t, "beta", &[&kind, &vendor, &tagged, &title_start, &described]).await;
}

pub(super) async fn puts_the_newest_first_of_equals(t: &Bench<'_>) {
    let mut make = Make::new();
    let all: Vec<_> = (0..7)
        .map(|n| Product { title: label("same"), created_at: at(n), ..make.product() })
        .collect();
    let mut commit = commit();
    for place in [3, 6, 0, 2, 5, 1, 4] {
        commit.insert(Product::clone(&all[place]));
    }
    t.commit(&commit).await;
    finds(t, "same", &all.iter().rev().collect::<Vec<_>>()).await;
    let turned = ProductQuery { descending: true, ..query("same") };
    let newest: Vec<_> = all.iter().rev().map(|product| product.id).collect();
    assert_eq!(listed(t, &turned, 3).await, newest, "a ranking is not turned round");
}

pub(super) async fn finds_skus_and_barcodes(t: &Bench<'_>) {
    let mut make = Make::new();
    let product = make.product();
    let variant = Variant {
        sku: sku("TS/RED-XL"),
        barcode: Some(label("4006381333931")),
        active: false,
        ..make.variant(&product)
    };
    t.insert(product.clone()).await;
    t.insert(variant.clone()).await;
    for text in ["ts/red-xl", "TS", "xl red", "4006381333931", "40063"] {
        finds(t, text, &[&product]).await;
    }
    t.replace(&Variant { sku: sku("NEW"), barcode: None, ..variant.clone() }).await;
    finds(t, "ts/red-xl", &[]).await;
    finds(t, "40063", &[]).await;
    finds(t, "new", &[&product]).await;
    let mut commit = commit();
    commit.remove(&t.read(&variant).await);
    t.commit(&commit).await;
    finds(t, "new", &[]).await;
}

pub(super) async fn similar_names_stand_in_where_nothing_matches(t: &Bench<'_>) {
    let mut make = Make::new();
    let [shirt, near, _] =
        titled(t, &mut make, ["Linen Shirt", "Linens and Shirts", "Steel Lamp"]).await;
    let similar = |text: &str| ProductQuery {
        filter: ProductFilter { similar: true, ..query(text).filter },
        ..query(text)
    };
    for limit in [1, 100] {
        // Where something matches, that is all.
        assert_eq!(listed(t, &similar("linens"), limit).await, [near.id]);
        assert_eq!(listed(t, &similar("linen shirt"), limit).await, [shirt.id, near.id]);
        assert!(listed(t, &query("linnen shirt"), limit).await.is_empty(), "nobody asked for it");
        let sorted = ProductQuery { sort: Some(ProductSort::Title), ..similar("linnen shirt") };
        assert!(listed(t, &sorted, limit).await.is_empty());
        let found = listed(t, &similar("linnen shirt"), limit).await;
        assert!(found.is_empty() || found == [shirt.id, near.id], "{found:?}");
        assert!(listed(t, &similar("xyzzy"), limit).await.is_empty());
    }
}

pub(super) async fn follows_every_change(t: &Bench<'_>) {
    let mut make = Make::new();
    let [product] = titled(t, &mut make, ["first"]).await;
    let mut now = Product { title: label("second"), ..product.clone() };
    t.replace(&now).await;
    finds(t, "first", &[]).await;
    finds(t, "second", &[&product]).await;
    now.tags = vec![label("third")];
    now.description = prose("fourth");
    t.replace(&now).await;
    finds(t, "third fourth", &[&product]).await;
    now.tags.clear();
    t.replace(&now).await;
    finds(t, "third", &[]).await;
    let mut commit = commit();
    commit.remove(&t.read(&product).await);
    t.commit(&commit).await;
    finds(t, "second", &[]).await;
    t.insert(product.clone()).await;
    finds(t, "second", &[]).await;
    finds(t, "first", &[&product]).await;
}

pub(super) async fn knows_no_tags_of_html(t: &Bench<'_>) {
    let mut make = Make::new();
    let description = prose("<p class=\"blue\">Soft &amp; <b>light</b>weight</p>");
    let product = Product { description, ..make.product() };
    t.insert(product.clone()).await;
    finds(t, "soft light weight", &[&product]).await;
    finds(t, "class", &[]).await;
    finds(t, "blue", &[]).await;
}

pub(super) async fn takes_letters_as_they_are(t: &Bench<'_>) {
    let mut make = Make::new();
    let [cafe, plain, russian, chinese] =
        titled(t, &mut make, ["Café Übung", "cafe ubung", "Красная рубашка", "红色衬衫"]).await;
    finds(t, "café", &[&cafe]).await;
    finds(t, "CAFÉ übung", &[&cafe]).await;
    finds(t, "cafe", &[&plain]).await;
    finds(t, "КРАС", &[&russian]).await;
    finds(t, "红色", &[&chinese]).await;
    finds(t, "衬衫", &[]).await;
}

pub(super) async fn knows_no_operators(t: &Bench<'_>) {
    let mut make = Make::new();
    let [both, not] = titled(t, &mut make, ["red and blue", "red not blue or near"]).await;
    finds(t, "red AND blue", &[&both]).await;
    finds(t, "red NOT blue", &[&not]).await;
    finds(t, "blue OR near", &[&not]).await;
    for text in ["\"red", "red*", "^red", "title:red", "-red", "red)", "NEAR(red", "'red'", "red\0"]
    {
        let words = crate::search::query(text);
        let expected: &[&Product] = match words.as_slice() {
            [one] if one == "red" => &[&not, &both],
            [near, _] if near == "near" => &[&not],
            _ => &[],
        };
        finds(t, text, expected).await;
    }
}

pub(super) async fn of_no_word_finds_everything(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = titled(t, &mut make, ["one", "two", "three"]).await;
    for text in ["", " ", "!?", "–"] {
        finds(t, text, &[&all[2], &all[1], &all[0]]).await;
    }
}

pub(super) async fn ignores_words_past_its_bound(t: &Bench<'_>) {
    let mut make = Make::new();
    let words: Vec<String> = (0..20).map(|n| format!("w{n}x")).collect();
    let [product] = titled(t, &mut make, [&words[..16].join(" ")]).await;
    finds(t, &words.join(" "), &[&product]).await;
    finds(t, &words[4..].join(" "), &[]).await;
}

pub(super) async fn is_combined_with_filters_and_orders(t: &Bench<'_>) {
    let mut make = Make::new();
    let [b, a, _] = titled(t, &mut make, ["red b", "red a", "blue"]).await;
    let sorted = ProductQuery { sort: Some(ProductSort::Title), ..query("red") };
    assert_eq!(listed(t, &sorted, 1).await, [a.id, b.id]);
    let turned = ProductQuery { descending: true, ..sorted.clone() };
    assert_eq!(listed(t, &turned, 1).await, [b.id, a.id]);
    t.replace(&Product { featured: true, ..b.clone() }).await;
    let mut featured = query("red");
    featured.filter.featured = Some(true);
    assert_eq!(listed(t, &featured, 1).await, [b.id]);
}

/// One product more than a search looks at; the oldest ones would be the best.
async fn crowd(t: &Bench<'_>, make: &mut Make) -> Vec<ProductId> {
    let mut ids = Vec::new();
    let mut commit: Commit = commit();
    for n in 0..CANDIDATES_MAX + 5 {
        let title = if n < 5 { "many" } else { "manyfold" };
        let created_at = at(i64::try_from(n).unwrap());
        let product = Product { title: label(title), created_at, ..make.product() };
        ids.push(product.id);
        commit.insert(product);
    }
    t.commit(&commit).await;
    ids
}

pub(super) async fn looks_at_the_newest_that_match(t: &Bench<'_>) {
    let mut make = Make::new();
    let mut newest = crowd(t, &mut make).await;
    titled(t, &mut make, ["other"]).await;
    newest.drain(..5);
    newest.reverse();
    assert_eq!(listed(t, &query("many"), 100).await, newest);
}

pub(super) async fn looks_at_names_however_old(t: &Bench<'_>) {
    let mut make = Make::new();
    let [by_title, _] = titled(t, &mut make, ["rare many", "rare"]).await;
    let by_tag = Product { tags: vec![label("Many")], ..make.product() };
    t.insert(by_tag.clone()).await;
    let mut mentions = Vec::new();
    let mut commit: Commit = commit();
    for n in 0..CANDIDATES_MAX + 5 {
        let created_at = at(1 + i64::try_from(n).unwrap());
        let product = Product { description: prose("many"), created_at, ..make.product() };
        mentions.push(product.id);
        commit.insert(product);
    }
    t.commit(&commit).await;
    let newest = mentions.iter().rev().take(CANDIDATES_MAX).copied();
    let expected: Vec<_> = [by_title.id, by_tag.id].into_iter().chain(newest).collect();
    assert_eq!(listed(t, &query("many"), 100).await, expected);
    assert_eq!(listed(t, &query("many rare"), 100).await, [by_title.id]);
}

pub(super) async fn in_another_order_looks_at_all(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = crowd(t, &mut make).await;
    let sorted = ProductQuery { sort: Some(ProductSort::CreatedAt), ..query("many") };
    assert_eq!(listed(t, &sorted, 100).await, all);
}
