//! What lists cost: no statement goes through a table, and none that can be long is sorted.

use commerce_core::{
    catalog::ProductStatus,
    currency::Currency,
    id::{CategoryId, CustomerId, Id, LocationId, ProductId, VariantId},
    order::OrderStatus,
    search::query as words_of,
    store::{
        Cursor, CursorKey, CustomerQuery, MovementFilter, OrderFilter, OrderQuery, PageRequest,
        PaymentQuery, ProductFilter, ProductQuery, ProductSort, StockFilter, WebhookQuery,
    },
    text::{Email, GatewayName, Label},
    time::Timestamp,
    webhook::WebhookStatus,
};
use rusqlite::Connection;
use uuid::Uuid;

use crate::{
    codec::plan,
    migrate_in,
    table::{stock, variant, wanted::Wanted},
};

fn connection() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    migrate_in(&connection).unwrap();
    // One product, without a price in the currency that is asked for.
    let product = "INSERT INTO commerce_products
        VALUES (1, x'00000000000000000000000000000001', 1, 's', 't', 'active', 'c', 0, 0, NULL,
            NULL, 't', NULL, NULL, '', 'USD', 1, 1, '[]', '{}', '[]', '[]', '[]', '[]', NULL, '{}',
            '{}', '')";
    connection.execute(product, []).unwrap();
    connection
}

fn id<T: Id>() -> T {
    T::from_uuid(Uuid::from_u128(7))
}

fn pages(key: CursorKey) -> [PageRequest; 2] {
    let after = Some(Cursor { key, id: Uuid::from_u128(9) });
    [PageRequest::first(20), PageRequest { after, ..PageRequest::first(20) }]
}

/// Refuses plans that go through a table of the shop, and, if `ordered`, those that sort.
pub(crate) fn check(what: &str, steps: &[(String, String)], ordered: bool) {
    assert!(!steps.is_empty());
    for (step, sql) in steps {
        let of_request = step.contains("wanted") || step.contains("json_each");
        // The counters and the one row of the shop are small whatever the shop is.
        let small = step.contains("SCAN commerce_shop");
        let along_index = step.contains("USING INDEX") || step.contains("USING COVERING INDEX");
        let virtual_index = step.contains("VIRTUAL TABLE INDEX") && !step.ends_with("INDEX 0:");
        let derived =
            step.starts_with("SCAN (") || step.starts_with("SCAN c") && sql.contains("DISTINCT");
        assert!(
            !step.starts_with("SCAN")
                || of_request
                || small
                || along_index
                || virtual_index
                || derived,
            "{what}: {step} in {sql}"
        );
        let page = sql.contains("LIMIT 21");
        assert!(
            !(ordered && page && step.contains("TEMP B-TREE FOR ORDER BY")),
            "{what}: {step} in {sql}"
        );
    }
}

fn product_query(filter: ProductFilter, sort: Option<ProductSort>) -> ProductQuery {
    let page = PageRequest::first(20);
    ProductQuery { filter, currency: Currency::EUR, sort, descending: false, page }
}

#[test]
fn lists_of_products_follow_an_index() {
    let connection = connection();
    let label = || Label::new("x").unwrap();
    let filters = [
        ("all", ProductFilter::default()),
        (
            "category",
            ProductFilter { categories: Some(vec![id::<CategoryId>()]), ..Default::default() },
        ),
        ("tag", ProductFilter { tag: Some(label()), ..Default::default() }),
        ("vendor", ProductFilter { vendor: Some(label()), ..Default::default() }),
        ("type", ProductFilter { product_type: Some(label()), ..Default::default() }),
        ("featured", ProductFilter { featured: Some(true), ..Default::default() }),
    ];
    for (what, filter) in &filters {
        for status in [None, Some(ProductStatus::Active)] {
            for descending in [false, true] {
                for page in pages(CursorKey::Number(5)) {
                    let filter = ProductFilter { status, in_stock: Some(true), ..filter.clone() };
                    let query = product_query(filter, Some(ProductSort::CreatedAt));
                    let query = ProductQuery { page, descending, ..query };
                    let (steps, _) =
                        plan::of(|| super::product::products(&connection, &query).unwrap());
                    check(what, &steps, true);
                }
            }
        }
    }
    for sort in [ProductSort::Title, ProductSort::Price] {
        for status in [None, Some(ProductStatus::Active)] {
            for key in [CursorKey::Number(5), CursorKey::Number(i64::MAX)] {
                for page in pages(key) {
                    let query =
                        product_query(ProductFilter { status, ..Default::default() }, Some(sort));
                    let query = ProductQuery { page, ..query };
                    let (steps, _) =
                        plan::of(|| super::product::products(&connection, &query).unwrap());
                    check("sorted", &steps, true);
                }
            }
        }
    }
}

#[test]
fn what_costs_as_few_products_do_is_found_by_its_price() {
    let connection = connection();
    let prices = "WITH RECURSIVE it (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM it WHERE n < 3000)
        INSERT INTO commerce_product_prices SELECT randomblob(16), 'EUR', n, 'active', '' FROM it";
    connection.execute(prices, []).unwrap();
    let costing =
        |min, max| ProductFilter { min_price: min, max_price: max, ..ProductFilter::default() };
    for (sort, by_order) in
        [(ProductSort::CreatedAt, "products_by_age"), (ProductSort::Title, "products_by_title")]
    {
        for (filter, few) in [
            (costing(None, Some(2_500)), false),
            (costing(Some(2_501), None), true),
            (costing(Some(3_001), None), true),
            (costing(Some(700), Some(600)), true),
        ] {
            let query = product_query(filter, Some(sort));
            let (steps, _) = plan::of(|| super::product::products(&connection, &query).unwrap());
            let index = if few { "product_prices_by_amount" } else { by_order };
            let page = steps.iter().filter(|(_, sql)| sql.contains("LIMIT 21"));
            let along = page.filter(|(step, _)| step.contains(index));
            assert_eq!(along.count(), 1, "{query:?}: {steps:?}");
        }
    }
    // By the order of prices, they need not be sorted.
    let query = product_query(costing(Some(2_501), None), Some(ProductSort::Price));
    let (steps, _) = plan::of(|| super::product::products(&connection, &query).unwrap());
    check("by price", &steps, true);
}

#[test]
fn lists_of_products_with_several_filters_go_through_no_table() {
    let connection = connection();
    let label = || Some(Label::new("x").unwrap());
    let filter = ProductFilter {
        status: Some(ProductStatus::Active),
        categories: Some(vec![id(), CategoryId::from_uuid(Uuid::from_u128(8))]),
        tag: label(),
        vendor: label(),
        product_type: label(),
        text: Some("red shirt".to_owned()),
        similar: true,
        min_price: Some(1),
        max_price: Some(2),
        in_stock: Some(false),
        featured: Some(true),
    };
    for sort in
        [None, Some(ProductSort::CreatedAt), Some(ProductSort::Title), Some(ProductSort::Price)]
    {
        let mut query = product_query(filter.clone(), sort);
        query.page.total = true;
        let (steps, _) = plan::of(|| super::product::products(&connection, &query).unwrap());
        check("several", &steps, false);
    }
}

#[test]
fn every_filter_names_an_index_that_there_is() {
    let connection = connection();
    let filter = ProductFilter {
        categories: Some(vec![id()]),
        tag: Some(Label::new("x").unwrap()),
        vendor: Some(Label::new("x").unwrap()),
        product_type: Some(Label::new("x").unwrap()),
        min_price: Some(1),
        featured: Some(true),
        ..Default::default()
    };
    let words = words_of("a b");
    let all = super::product::Narrow::all(&product_query(filter.clone(), None), &words);
    assert_eq!(all.len(), 7);
    for sort in [ProductSort::CreatedAt, ProductSort::Title, ProductSort::Price] {
        for only in 0..all.len() {
            let (steps, _) = plan::of(|| {
                super::product::by(
                    &connection,
                    &product_query(filter.clone(), Some(sort)),
                    &all,
                    Some(only),
                )
                .unwrap()
            });
            check("one after the other", &steps, false);
        }
    }
}

#[test]
fn lists_in_another_order_look_up_no_product_to_pass_it_over() {
    let connection = connection();
    let label = || Some(Label::new("x").unwrap());
    let filter = ProductFilter {
        categories: Some(vec![id(), CategoryId::from_uuid(Uuid::from_u128(8))]),
        tag: label(),
        vendor: label(),
        product_type: label(),
        ..Default::default()
    };
    for sort in [ProductSort::Title, ProductSort::Price] {
        for status in [None, Some(ProductStatus::Active)] {
            for featured in [false, true] {
                let filter = ProductFilter { status, featured: Some(featured), ..filter.clone() };
                let query = product_query(filter, Some(sort));
                let all = super::product::Narrow::all(&query, &[]);
                let (steps, _) = plan::of(|| {
                    super::product::by(&connection, &query, &all, None).unwrap();
                });
                let (step, sql) = &steps[0];
                assert!(step.contains("USING COVERING INDEX"), "{step} in {sql}");
                let first = steps.iter().filter(|(_, other)| other == sql);
                let others =
                    first.filter(|(step, _)| step.contains("commerce") || step.contains(" p "));
                assert_eq!(others.count(), 1, "{steps:?}");
            }
        }
    }
}

#[test]
fn what_belongs_to_products_is_read_in_its_order() {
    let connection = connection();
    let two = [1, 2].map(|number| ProductId::from_uuid(Uuid::from_u128(number)));
    for wanted in [Wanted::one(two[0]), Wanted::new(two)] {
        let (steps, _) = plan::of(|| {
            variant::of_products(&connection, &wanted).unwrap();
            stock::levels_of_product(&connection, two[0]).unwrap();
        });
        check("variants", &steps, true);
        assert!(steps.iter().all(|(step, _)| !step.contains("TEMP B-TREE")), "{steps:?}");
    }
}

#[test]
fn lists_of_orders_follow_an_index() {
    let connection = connection();
    for status in [None, Some(OrderStatus::Pending)] {
        for customer_id in [None, Some(id::<CustomerId>())] {
            for email in [None, Some(Email::new("a@b.co").unwrap())] {
                for placed_from in [None, Some(Timestamp::UNIX_EPOCH)] {
                    for page in pages(CursorKey::Number(5)) {
                        let filter = OrderFilter {
                            status,
                            customer_id,
                            email: email.clone(),
                            placed_from,
                            placed_before: placed_from,
                            needs_review: None,
                        };
                        let query = OrderQuery { filter, page };
                        let (steps, _) =
                            plan::of(|| super::order::orders(&connection, &query).unwrap());
                        check("orders", &steps, true);
                    }
                }
            }
        }
    }
}

#[test]
fn orders_that_a_person_must_look_at_are_found_by_that() {
    let connection = connection();
    for page in pages(CursorKey::Number(5)) {
        let filter = OrderFilter { needs_review: Some(true), ..OrderFilter::default() };
        let query = OrderQuery { filter, page };
        let (steps, _) = plan::of(|| super::order::orders(&connection, &query).unwrap());
        check("orders in review", &steps, true);
        assert!(steps.iter().any(|(step, _)| step.contains("orders_in_review")), "{steps:?}");
    }
}

#[test]
fn lists_of_stock_follow_an_index() {
    let connection = connection();
    for low in [false, true] {
        for page in pages(CursorKey::Text("a".to_owned())) {
            let filter = StockFilter { low, ..StockFilter::default() };
            let (steps, _) = plan::of(|| super::stock::stock(&connection, &filter, &page).unwrap());
            check("stock", &steps, true);
            let location_id = Some(id::<LocationId>());
            let filter = StockFilter { location_id, low, ..StockFilter::default() };
            let (steps, _) = plan::of(|| super::stock::stock(&connection, &filter, &page).unwrap());
            check("stock at a place", &steps, low);
            let filter = StockFilter { sku: Some("A-1".parse().unwrap()), ..filter };
            let (steps, _) = plan::of(|| super::stock::stock(&connection, &filter, &page).unwrap());
            check("stock of a SKU", &steps, true);
        }
    }
    for location_id in [None, Some(id::<LocationId>())] {
        for page in pages(CursorKey::Number(5)) {
            let filter = MovementFilter { variant_id: id::<VariantId>(), location_id };
            let (steps, _) =
                plan::of(|| super::stock::movements(&connection, &filter, &page).unwrap());
            check("movements", &steps, true);
        }
    }
}

#[test]
fn lists_of_payments_and_webhooks_and_what_is_due_follow_an_index() {
    let connection = connection();
    for page in pages(CursorKey::Number(5)) {
        let query = PaymentQuery {
            gateway: GatewayName::manual(),
            updated_from: Timestamp::UNIX_EPOCH,
            created_before: Timestamp::MAX,
            page,
        };
        let (steps, _) = plan::of(|| super::order::payments(&connection, &query).unwrap());
        check("payments", &steps, true);
    }
    for status in [None, Some(WebhookStatus::Handled)] {
        for page in pages(CursorKey::Number(5)) {
            let query = WebhookQuery { status, page };
            let (steps, _) = plan::of(|| super::webhook::webhooks(&connection, &query).unwrap());
            check("webhooks", &steps, true);
        }
    }
    let (steps, _) =
        plan::of(|| crate::table::journal::due(&connection, Timestamp::MAX, 10).unwrap());
    check("due", &steps, true);
}

#[test]
fn lists_of_customers_and_tokens_follow_an_index() {
    let connection = connection();
    for text in [None, Some("ada"), Some("ada king")] {
        for page in pages(CursorKey::Number(5)) {
            let text = text.map(str::to_owned);
            let ordered = text.is_none();
            let query = CustomerQuery { text, page };
            let (steps, _) = plan::of(|| super::customer::customers(&connection, &query).unwrap());
            check("customers", &steps, ordered);
        }
    }
    for page in pages(CursorKey::Number(5)) {
        let (steps, _) = plan::of(|| super::customer::api_tokens(&connection, &page).unwrap());
        check("tokens", &steps, true);
    }
}
