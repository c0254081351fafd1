//! What is asked of a large shop follows the index that is meant for it, as the server itself tells: it
//! notes the plan of every statement that the store sends.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
mod large;

use std::time::Duration;

use commerce_core::{
    cart::AddLine,
    catalog::{CreateProduct, CreateVariant, Product, ProductStatus, Variant},
    checkout::PlaceOrder,
    currency::Currency,
    id::Moment,
    inputs::Clock,
    money::Money,
    order::OrderStatus,
    secret::Digest,
    store::{
        ApiTokenRef, CategoryRef, Commit, Cursor, CursorKey, CustomerQuery, CustomerRef,
        MovementFilter, OrderFilter, OrderQuery, OrderRef, OutcomeKey, PageRequest, PaymentQuery,
        ProductFilter, ProductQuery, ProductRef, ProductSort, Purge, Queries, StockFilter, Store,
        VariantRef, WebhookQuery, WebhookRef,
    },
    text::{IdempotencyKey, Label},
    time::Timestamp,
    webhook::WebhookStatus,
};
use commerce_sqlx::SystemClock;
use common::{block_on, shop::cart};
use large::{FAR, Large, id};
use uuid::Uuid;

/// Words, and whether they are found by the index of words; else it is by that of the order.
const WAYS: [(&str, bool); 6] = [
    ("common", false),
    ("rare4321", true),
    ("recent", true),
    ("outdated", true),
    ("common rare", false),
    ("common rare4321", true),
];

/// Both a first page and a later one.
fn pages(key: CursorKey) -> [PageRequest; 2] {
    let after = Some(Cursor { key, id: Uuid::from_u128(5_000) });
    [PageRequest::first(20), PageRequest { after, ..PageRequest::first(20) }]
}

#[test]
fn what_is_asked_of_a_large_shop_follows_an_index() {
    let large = Large::fill();
    records(&large);
    products(&large);
    searches(&large);
    likeness(&large);
    lists(&large);
    commits(&large);
    imports(&large);
}

/// What is looked for by key.
fn records(large: &Large) {
    let store = &large.store;
    // Of one product: all that belongs to it.
    let product = ["variants_by_options", "variant_prices_pkey", "stock_levels_pkey"];
    let by = |index| [&product[..], &[index]].concat();
    let asked = ProductRef::Id(id(7));
    assert!(large.follows(&by("products_pkey"), store.product(&asked)).unwrap().is_some());
    let asked = ProductRef::Slug("slug-7".parse().unwrap());
    assert!(large.follows(&by("products_slug_key"), store.product(&asked)).unwrap().is_some());
    // A page shows it by what the shop is set to.
    for (asked, index) in [
        (ProductRef::Id(id(7)), "products_pkey"),
        (ProductRef::Slug("slug-7".parse().unwrap()), "products_slug_key"),
    ] {
        assert!(large.follows(&by(index), store.product_with_setup(&asked)).unwrap().is_some());
    }
    assert!(large.follows(&[], store.setup()).unwrap().is_some());
    large.follows(&[], store.ready()).unwrap();
    for (asked, index) in [
        (CategoryRef::Id(id(7)), "categories_pkey"),
        (CategoryRef::Slug("slug-7".parse().unwrap()), "categories_slug_key"),
    ] {
        assert!(large.follows(&[index], store.category(&asked)).unwrap().is_none());
    }
    assert!(large.follows(&[], store.categories()).unwrap().is_empty());
    for (asked, index) in [
        (VariantRef::Id(id(7)), "variants_pkey"),
        (VariantRef::Sku("SKU-7".parse().unwrap()), "variants_by_sku"),
    ] {
        let indexes = [index, "products_pkey", "stock_levels_pkey"];
        assert!(large.follows(&indexes, store.variant(&asked)).unwrap().is_some());
    }
    let some = [id(7), id(8)];
    let found = large.follows(&["variants_pkey"], store.sellables(&some)).unwrap();
    assert_eq!(found.len(), 2);
    let cart = ["carts_pkey", "cart_lines_pkey"];
    assert!(large.follows(&cart, store.cart(id(7))).unwrap().is_some());
    let open = ["carts_open_of_customer", "cart_lines_pkey"];
    assert!(large.follows(&open, store.open_cart(id(8))).unwrap().is_some());
    let inputs = ["carts_pkey", "cart_lines_pkey", "variants_pkey", "products_pkey"];
    assert!(large.follows(&inputs, store.checkout_inputs(id(8), &some)).unwrap().is_some());
    let order = ["order_lines_pkey", "holds_pkey", "payments_of_order"];
    for (asked, index) in [
        (OrderRef::Id(id(7)), "orders_pkey"),
        (OrderRef::Number("N-7".parse().unwrap()), "orders_number_key"),
        (OrderRef::Payment(id(7)), "payments_pkey"),
        (
            OrderRef::Reference("stripe".parse().unwrap(), Label::new("pi_7").unwrap()),
            "payment_references_gateway_reference_key",
        ),
    ] {
        let indexes = [&order[..], &[index]].concat();
        assert!(large.follows(&indexes, store.order(&asked)).unwrap().is_some());
    }
    for (asked, index) in [
        (CustomerRef::Id(id(7)), "customers_pkey"),
        (CustomerRef::Email("c7@example.com".parse().unwrap()), "customers_email_key_key"),
        (CustomerRef::ExternalId("C-7".parse().unwrap()), "customers_external_id_key"),
    ] {
        assert!(large.follows(&[index], store.customer(&asked)).unwrap().is_some());
    }
    let token = ApiTokenRef::Digest(Digest::of(b"token"));
    let index = ["api_tokens_digest_key"];
    assert!(large.follows(&index, store.api_token(&token)).unwrap().is_none());
    let key = OutcomeKey { scope: "scope".to_owned(), key: "key-7".parse().unwrap() };
    large.follows(&["outcomes_pkey"], store.outcome(&key)).unwrap();
    let name = Label::new("mail").unwrap();
    large.follows(&["subscriptions_pkey"], store.subscription(&name)).unwrap();
    for (asked, index) in [
        (WebhookRef::Id(id(7)), "webhooks_pkey"),
        (
            WebhookRef::Event("stripe".parse().unwrap(), Label::new("evt_7").unwrap()),
            "webhooks_gateway_event_id_key",
        ),
    ] {
        assert!(large.follows(&[index], store.webhook(&asked)).unwrap().is_some());
    }
    let due = ["orders_due", "carts_due", "payments_due", "webhooks_due"];
    let later = Timestamp::from_millis(4_000_000_000_000).unwrap();
    assert_eq!(large.follows(&due, store.due(later, 50)).unwrap().len(), 50);
    let outbox = store.outbox(2_000, 50);
    assert_eq!(large.follows(&["outbox_pkey"], outbox).unwrap().len(), 50);
}

fn products(large: &Large) {
    let store = &large.store;
    let active = ProductFilter { status: Some(ProductStatus::Active), ..Default::default() };
    // So few that going through all others for them would not do.
    let draft = ProductFilter { status: Some(ProductStatus::Draft), ..Default::default() };
    let label = |text: &str| Some(Label::new(text).unwrap());
    let text = |text: &str| ProductFilter { text: Some(text.to_owned()), ..active.clone() };
    let query = |filter: &ProductFilter, sort, page| ProductQuery {
        filter: filter.clone(),
        currency: Currency::EUR,
        sort,
        descending: sort == Some(ProductSort::CreatedAt),
        page,
    };
    let newest = Some(ProductSort::CreatedAt);
    for (filter, index) in [
        (ProductFilter::default(), "products_by_age"),
        (draft.clone(), "products_by_status"),
        (ProductFilter { vendor: label("Vendor 7"), ..active.clone() }, "products_by_vendor"),
        (ProductFilter { product_type: label("Type 7"), ..active.clone() }, "products_by_type"),
        (ProductFilter { featured: Some(true), ..active.clone() }, "products_featured"),
        (ProductFilter { tag: label("Tag 7"), ..active.clone() }, "product_tags_by_tag"),
        (
            ProductFilter { categories: Some(vec![id(7)]), ..active.clone() },
            "product_categories_by_category",
        ),
        (text("rare4321"), "products_by_words"),
    ] {
        for page in pages(CursorKey::Number(SystemClock.now().as_millis())) {
            large.follows(&[index], store.products(&query(&filter, newest, page))).unwrap();
        }
    }
    // A list is planned for its values, however often others were asked for.
    for number in 0..12 {
        let filter = ProductFilter { vendor: label(&format!("Vendor {number}")), ..active.clone() };
        let asked = query(&filter, Some(ProductSort::Title), PageRequest::first(20));
        let plans = large.plans(|| drop(block_on(store.products(&asked)).unwrap()));
        let plans: String = plans.iter().map(|plan| plan["Plan"].to_string()).collect();
        assert!(plans.contains(&format!("vendor {number}'")), "{plans}");
    }
    for (filter, index) in
        [(&ProductFilter::default(), "products_by_title"), (&draft, "products_by_status_and_title")]
    {
        for page in pages(CursorKey::Text("title 5".to_owned())) {
            let query = query(filter, Some(ProductSort::Title), page);
            large.follows(&[index], store.products(&query)).unwrap();
        }
    }
    for page in pages(CursorKey::Number(500)) {
        let query = query(&active, Some(ProductSort::Price), page);
        large.follows(&["product_prices_by_amount"], store.products(&query)).unwrap();
    }
    // Nearly everything can be bought.
    let in_stock = ProductFilter { in_stock: Some(true), ..active.clone() };
    for (sort, index, key) in [
        (newest, "products_by_age", CursorKey::Number(SystemClock.now().as_millis())),
        (
            Some(ProductSort::Title),
            "products_by_status_and_title",
            CursorKey::Text("title 5".to_owned()),
        ),
        (Some(ProductSort::Price), "product_prices_by_amount", CursorKey::Number(500)),
    ] {
        let indexes = [index, "variants_by_options", "stock_levels_pkey"];
        for page in pages(key) {
            let found = large.follows(&indexes, store.products(&query(&in_stock, sort, page)));
            assert_eq!(found.unwrap().items.len(), 20);
        }
    }
    // Prices that many products have are met with in any order; those that few have, or none, lead to
    // them. The dearest costs 10,000.
    let costing =
        |min, max| ProductFilter { min_price: min, max_price: max, ..ProductFilter::default() };
    for (sort, by_order, key) in [
        (None, "products_by_age", CursorKey::Number(1)),
        (newest, "products_by_age", CursorKey::Number(SystemClock.now().as_millis())),
        (Some(ProductSort::Title), "products_by_title", CursorKey::Text("title 5".to_owned())),
        (Some(ProductSort::Price), "product_prices_by_amount", CursorKey::Number(500)),
    ] {
        for page in pages(key) {
            for (filter, few) in [
                (costing(None, Some(9_000)), false),
                (costing(Some(9_990), None), true),
                (costing(Some(10_001), None), true),
                (costing(Some(700), Some(600)), true),
            ] {
                // For so many candidates as a search has, all products of a shop of this size are worth a
                // look.
                if sort.is_none() && !few {
                    continue;
                }
                let index = if few { "product_prices_by_amount" } else { by_order };
                large
                    .follows(&[index], store.products(&query(&filter, sort, page.clone())))
                    .unwrap();
            }
        }
    }
    for (words, by_words) in WAYS {
        for (sort, key) in [
            (None, CursorKey::Number(1)),
            (Some(ProductSort::CreatedAt), CursorKey::Number(SystemClock.now().as_millis())),
            (Some(ProductSort::Title), CursorKey::Text("title 5".to_owned())),
            (Some(ProductSort::Price), CursorKey::Number(500)),
        ] {
            // Among the newest these are common, and for so many candidates as a search has, all products
            // of a shop of this size are worth a look.
            if sort.is_none() && words == "recent" {
                continue;
            }
            for page in pages(key) {
                let by_order = match sort {
                    None | Some(ProductSort::CreatedAt) => "products_by_age",
                    Some(ProductSort::Title) => "products_by_title",
                    Some(ProductSort::Price) => "product_prices_by_amount",
                };
                let index = if by_words { "products_by_words" } else { by_order };
                let filter = ProductFilter { text: Some(words.to_owned()), ..Default::default() };
                large.follows(&[index], store.products(&query(&filter, sort, page))).unwrap();
            }
        }
    }
}

/// What somebody mistypes is looked for by the names that are like it.
fn likeness(large: &Large) {
    let filter =
        ProductFilter { text: Some("kalidoscope".to_owned()), similar: true, ..Default::default() };
    let page = PageRequest::first(20);
    let query =
        ProductQuery { filter, currency: Currency::EUR, sort: None, descending: false, page };
    let found = large.follows(&["products_by_names"], large.store.products(&query)).unwrap();
    assert_eq!(found.items.len(), 10);
}

/// What has words is gone through once, and of several words the rare ones lead to it.
fn searches(large: &Large) {
    let store = &large.store;
    let page = PageRequest::first(20);
    // A sample, as many candidates and one that has not the word, and each of them and of the page once
    // more; if there are few candidates, there are none that are older.
    for (words, most) in [("sold", 200 + 201 + 200 + 21), ("rare4321", 200 + 3 * 2)] {
        let filter = ProductFilter { text: Some(words.to_owned()), ..Default::default() };
        let page = page.clone();
        let currency = Currency::EUR;
        let query = ProductQuery { filter, currency, sort: None, descending: false, page };
        let (rows, steps) = large.looks_at("commerce_products", store.products(&query));
        assert!(rows <= most, "{rows} products for {words}: {steps:?}");
    }
    for (words, rare) in [("common rare4321", 2), ("common outdated", 100)] {
        let query = CustomerQuery { text: Some(words.to_owned()), page: page.clone() };
        let (rows, steps) = large.looks_at("commerce_customers", store.customers(&query));
        assert_eq!(steps["CTE few"], rare, "{words}: {steps:?}");
        // A sample, those that have the rare words, and a page of them.
        assert!(rows <= 200 + rare + 21, "{rows} customers for {words}");
    }
}

fn lists(large: &Large) {
    let store = &large.store;
    let any = OrderFilter::default();
    for (filter, index) in [
        (any.clone(), "orders_by_age"),
        (OrderFilter { status: Some(OrderStatus::Pending), ..any.clone() }, "orders_by_status"),
        (OrderFilter { customer_id: Some(id(7)), ..any.clone() }, "orders_of_customer"),
        (
            OrderFilter { email: Some("c7@example.com".parse().unwrap()), ..any.clone() },
            "orders_by_email",
        ),
    ] {
        for page in pages(CursorKey::Number(SystemClock.now().as_millis())) {
            let query = OrderQuery { filter: filter.clone(), page };
            let indexes = [index, "order_lines_pkey", "payments_of_order"];
            large.follows(&indexes, store.orders(&query)).unwrap();
            // Those of the page and the next one, each once.
            let (rows, _) = large.looks_at("commerce_orders", store.orders(&query));
            assert!(rows <= 21, "{rows} of {filter:?}");
        }
    }
    for page in pages(CursorKey::Number(SystemClock.now().as_millis())) {
        let filter = OrderFilter { needs_review: Some(true), ..any.clone() };
        let query = OrderQuery { filter, page };
        // None is, and so none is looked at.
        large.follows(&["orders_in_review"], store.orders(&query)).unwrap();
    }
    // What was placed in a time long ago.
    let ago = |seconds| Some(SystemClock.now().saturating_sub(Duration::from_secs(seconds)));
    let filter = OrderFilter { placed_from: ago(9_000), placed_before: ago(8_000), ..any };
    let query = OrderQuery { filter, page: PageRequest::first(20) };
    let found = large.follows(&["orders_by_age"], store.orders(&query)).unwrap();
    assert_eq!(found.items.len(), 20);
    assert_eq!(large.follows(&[], store.api_tokens(&query.page)).unwrap().items.len(), 1);
    for page in pages(CursorKey::Number(SystemClock.now().as_millis())) {
        let query = PaymentQuery {
            gateway: "stripe".parse().unwrap(),
            updated_from: Timestamp::UNIX_EPOCH,
            created_before: SystemClock.now(),
            page,
        };
        large.follows(&["payments_changed"], store.payments(&query)).unwrap();
    }
    for page in pages(CursorKey::Number(SystemClock.now().as_millis())) {
        let query = CustomerQuery { text: None, page: page.clone() };
        large.follows(&["customers_by_age"], store.customers(&query)).unwrap();
        for (words, by_words) in WAYS {
            let index = if by_words { "customers_by_words" } else { "customers_by_age" };
            let query = CustomerQuery { text: Some(words.to_owned()), page: page.clone() };
            large.follows(&[index], store.customers(&query)).unwrap();
        }
    }
    for page in pages(CursorKey::Number(5_000)) {
        for (status, index) in
            [(None, "webhooks_by_place"), (Some(WebhookStatus::Parked), "webhooks_by_status")]
        {
            let query = WebhookQuery { status, page: page.clone() };
            large.follows(&[index], store.webhooks(&query)).unwrap();
        }
    }
    for page in pages(CursorKey::Text("SKU-5".to_owned())) {
        let all = StockFilter::default();
        large.follows(&[], store.stock(&all, &page)).unwrap();
        let low = StockFilter { low: true, ..all.clone() };
        large.follows(&["variants_low"], store.stock(&low, &page)).unwrap();
        let one = StockFilter { sku: Some("SKU-7".parse().unwrap()), ..all.clone() };
        large.follows(&[], store.stock(&one, &page)).unwrap();
        // Where all is, and where little is.
        for (location, index) in
            [(large.location, "variants_tracked"), (id(FAR), "stock_levels_by_location")]
        {
            let there = StockFilter { location_id: Some(location), ..all.clone() };
            large.follows(&[index], store.stock(&there, &page)).unwrap();
        }
    }
    for location_id in [None, Some(large.location)] {
        let filter = MovementFilter { variant_id: id(7), location_id };
        let page = PageRequest::first(20);
        let movements = store.movements(&filter, &page);
        let found = large.follows(&["stock_movements_by_variant"], movements).unwrap();
        assert_eq!(found.items.len(), 20);
    }
}

/// What a commit locks, asks and writes.
fn commits(large: &Large) {
    let shop = &large.shop;
    let (guest, cart) = block_on(cart(shop, &[(id(7), 1)]));
    let line = AddLine::new(id(8), 1).unwrap();
    let added = shop.add_line(&guest, cart, &line, None);
    large.follows(&["carts_pkey", "cart_lines_pkey", "variants_pkey"], added).unwrap();
    let guest = guest.with_key(IdempotencyKey::new("another-key").unwrap());
    let request = PlaceOrder::default();
    let placed = shop.place_order(&guest, cart, &request);
    let indexes = [
        "carts_pkey",
        "stock_levels_pkey",
        "orders_cart_id_key",
        "orders_number_key",
        "outcomes_pkey",
    ];
    large.follows(&indexes, placed).unwrap();
    let now = SystemClock.now();
    let purge = Purge {
        outcomes_before: now,
        outbox_through: 1_500,
        carts_before: now,
        webhooks_before: now,
    };
    let indexes = ["outcomes_by_age", "outbox_pkey", "carts_closed", "webhooks_done"];
    large.follows(&indexes, large.store.purge(&purge)).unwrap();
}

/// An import of many products at once: what is done for each of them does not depend on how many come
/// with it or are there, and their words are not written into the index one by one.
fn imports(large: &Large) {
    const PRODUCTS: usize = 100;
    const WORDS: usize = 200;
    let words: Vec<_> = (0..WORDS).map(|number| format!("word{number}")).collect();
    let description = words.join(" ");
    let import = |number: usize, moment: &mut Moment, commit: &mut Commit| {
        let price = Money::new(1_000, Currency::EUR);
        let variant = CreateVariant::new(format!("import-{number}"), price).unwrap();
        let request = CreateProduct {
            description: description.parse().unwrap(),
            variants: vec![variant],
            ..CreateProduct::new(format!("Import {number}")).unwrap()
        };
        let product = Product::create(&request, moment).unwrap();
        let variant = Variant::create(&request.variants[0], &product, 0, moment).unwrap();
        commit.insert(product);
        commit.insert(variant)
    };
    let mut moment = large.shop.moment();
    let mut commit = Commit::at(moment.now());
    let imported: Vec<_> =
        (0..PRODUCTS).map(|number| import(number, &mut moment, &mut commit)).collect();
    let plans = large.plans(|| block_on(large.store.commit(&commit)).unwrap());
    let records: u64 = plans.iter().filter_map(|plan| plan["Plan"]["WAL Records"].as_u64()).sum();
    let product = records / u64::try_from(PRODUCTS).unwrap();
    assert!(product < u64::try_from(WORDS).unwrap(), "{product} records for each product");
    assert!(product > 10, "the server does not tell: {product}");
    // All of them again, for another price.
    let mut commit = Commit::at(moment.now());
    for variant in imported {
        let mut dearer = Variant::clone(&variant);
        dearer.prices[0].amount = Money::new(2_000, Currency::EUR);
        commit.replace(&variant, dearer);
    }
    let indexes = ["products_pkey", "variants_pkey", "variants_by_options", "product_prices_pkey"];
    large.follows(&indexes, large.store.commit(&commit)).unwrap();
}
