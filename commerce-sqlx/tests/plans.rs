//! What is asked of a large shop follows the index that is meant for it, as the server itself tells: it
//! notes the plan of every statement that the store sends.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use commerce_core::{
    Commerce,
    access::{Caller, Scope},
    cart::AddLine,
    catalog::{CreateProduct, CreateVariant, Product, ProductStatus, Variant},
    checkout::PlaceOrder,
    currency::Currency,
    id::{Id, Moment, VariantId},
    inputs::Clock,
    money::Money,
    order::OrderStatus,
    secret::Digest,
    store::{
        ApiTokenRef, Commit, Cursor, CursorKey, CustomerQuery, CustomerRef, MovementFilter,
        OrderFilter, OrderQuery, OrderRef, OutcomeKey, PageRequest, PaymentQuery, ProductFilter,
        ProductQuery, ProductRef, ProductSort, Purge, Queries, StockFilter, Store, VariantRef,
        WebhookQuery, WebhookRef,
    },
    text::{IdempotencyKey, Label},
    time::Timestamp,
    webhook::WebhookStatus,
};
use commerce_sqlx::{PgStore, SystemClock};
use common::{
    Server, block_on,
    many::copies,
    run,
    shop::{cart, sell, shop},
};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Rows of each kind.
const MANY: usize = 10_000;

/// The rows that may be looked at for one page, or one commit.
const LOOKED_AT_MAX: u64 = 2_500;

/// Tables that are small in every shop, or are read whole because all of them is wanted.
const SMALL: [&str; 5] = [
    "commerce_api_tokens",
    "commerce_categories",
    "commerce_counters",
    "commerce_locations",
    "commerce_shop",
];

/// A large shop on a server that tells its plans.
struct Large {
    _server: Server,
    store: PgStore,
    shop: Commerce,
    log: PathBuf,
    admin: PgConnection,
}

/// Words of products and customers: some that all have, that two have, that only the newest have and
/// that only the oldest have.
const WORDS: &str = "' common:3' || format(' rare%s:3', n % 5000)
    || CASE WHEN n <= 15 THEN ' recent:3' ELSE '' END
    || CASE WHEN n > 9900 THEN ' outdated:3' ELSE '' END";

/// The id of a row that was copied, in SQL and here.
const ID: &str = "lpad(to_hex(n), 32, '0')::uuid";

fn id<T: Id>(number: u32) -> T {
    T::from_uuid(Uuid::from_u128(number.into()))
}

impl Large {
    /// A shop in which everything was sold once, and all of that many times over.
    fn fill() -> Self {
        let server = Server::start(
            "-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 \
             -c auto_explain.log_format=json -c auto_explain.log_analyze=on \
             -c auto_explain.log_timing=off -c auto_explain.log_wal=on -c autovacuum=off",
        );
        let schema = "commerce";
        let options = PgStore::options().schema(schema).allow_data_loss();
        let store = block_on(options.open(&server.address)).unwrap();
        let shop = shop(store.clone());
        let log = server.data().with_file_name("log");
        let admin = server.connect();
        let mut large = Self { _server: server, store, shop, log, admin };
        run(&mut large.admin, &format!("SET search_path = {schema}"));
        let variant = sell(&large.shop, "A", 1_000);
        block_on(large.sell_once(variant));
        large.multiply();
        large
    }

    async fn sell_once(&self, variant: VariantId) {
        let (guest, cart) = cart(&self.shop, &[(variant, 1)]).await;
        let guest = guest.with_key(IdempotencyKey::new("key").unwrap());
        self.shop.place_order(&guest, cart, &PlaceOrder::default()).await.unwrap();
        let label = Label::new("till").unwrap();
        self.shop.create_token(&Caller::system(), &label, Scope::Admin).await.unwrap();
    }

    fn multiply(&mut self) {
        let words = format!("format('=title%s:1A =sold:1A', n) || {WORDS}");
        let mut copy = |table, values: &[_]| run(&mut self.admin, &copies(table, MANY, values));
        copy(
            "commerce_products",
            &[
                ("id", ID),
                ("slug", "'slug-' || n"),
                ("title_key", "CASE WHEN n % 1000 = 1 THEN 'kaleidoscope ' ELSE 'title ' END || n"),
                ("status", "CASE WHEN n % 10 = 0 THEN 'draft' ELSE 'active' END"),
                ("vendor_key", "'vendor ' || n % 100"),
                ("type_key", "'type ' || n % 100"),
                ("featured", "n % 100 = 0"),
                ("created_at", "o.created_at - n * interval '1 s'"),
                ("words", &words),
            ],
        );
        copy(
            "commerce_variants",
            &[
                ("id", ID),
                ("product_id", ID),
                ("sku", "'SKU-' || n"),
                ("low", "n % 100 = 0"),
                ("low_stock_threshold", "CASE WHEN n % 100 = 0 THEN 2000 ELSE 0 END"),
            ],
        );
        copy("commerce_variant_prices", &[("variant_id", ID)]);
        copy("commerce_product_prices", &[("product_id", ID), ("amount", "n")]);
        copy("commerce_stock_levels", &[("variant_id", ID)]);
        let few = "lpad(to_hex(1 + n % 500), 32, '0')::uuid";
        copy("commerce_stock_movements", &[("id", ID), ("variant_id", few)]);
        copy(
            "commerce_carts",
            &[
                ("id", ID),
                ("customer_id", ID),
                ("status", "CASE WHEN n % 2 = 0 THEN 'open' ELSE 'completed' END"),
                ("updated_at", "o.updated_at + n * interval '1 s'"),
                ("expires_at", "o.expires_at + n * interval '1 s'"),
            ],
        );
        copy("commerce_cart_lines", &[("cart_id", ID)]);
        copy(
            "commerce_orders",
            &[
                ("id", ID),
                ("cart_id", ID),
                ("number", "'N-' || n"),
                ("status", "CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'delivered' END"),
                ("customer_id", few),
                ("email_key", "format('c%s@example.com', n % 1000)"),
                ("placed_at", "o.placed_at - n * interval '1 s'"),
                ("expires_at", "o.placed_at + n * interval '1 day'"),
            ],
        );
        copy("commerce_order_lines", &[("order_id", ID)]);
        copy("commerce_holds", &[("order_id", ID)]);
        let check_at = "o.created_at + n * interval '1 day'";
        let gateway = "CASE WHEN n % 10 = 0 THEN 'stripe' ELSE 'manual' END";
        copy(
            "commerce_payments",
            &[
                ("id", ID),
                ("order_id", ID),
                ("check_at", check_at),
                ("gateway", gateway),
                ("updated_at", "o.updated_at - n * interval '1 s'"),
            ],
        );
        let before = "o.at - n * interval '1 s'";
        copy("commerce_outcomes", &[("key", "'key-' || n"), ("at", before)]);
        copy("commerce_outbox", &[("position", "1000 + n")]);
        run(
            &mut self.admin,
            &format!(
                "INSERT INTO commerce_product_tags
                    SELECT {ID}, 0, 'Tag', 'tag ' || n % 2000 FROM generate_series(1, {MANY}) AS n;
                INSERT INTO commerce_product_categories
                    SELECT {ID}, 0, lpad(to_hex(n % 2000), 32, '0')::uuid
                    FROM generate_series(1, {MANY}) AS n;
                INSERT INTO commerce_product_images
                    SELECT {ID}, 0, {ID}, 'https://example.com/' || n, NULL
                    FROM generate_series(1, {MANY}) AS n;
                INSERT INTO commerce_payment_references
                    SELECT {ID}, 0, 'stripe', 'pi_' || n FROM generate_series(1, {MANY}) AS n;
                INSERT INTO commerce_payment_operations
                    SELECT {ID}, 0, {ID}, 'create', 1, 1, NULL, 'key', 'done', NULL, NULL, now(), now()
                    FROM generate_series(1, {MANY}) AS n;
                INSERT INTO commerce_refunds
                    SELECT {ID}, 0, {ID}, 1, 'failed', NULL, NULL, NULL, NULL, now(), '[]'
                    FROM generate_series(1, {MANY}) AS n;
                INSERT INTO commerce_disputes
                    SELECT {ID}, 0, 'dp_' || n, 1, 'won', NULL, now()
                    FROM generate_series(1, {MANY}) AS n;
                INSERT INTO commerce_fulfillments
                    SELECT {ID}, 0, {ID}, NULL, NULL, NULL, now(), NULL, '[]'
                    FROM generate_series(1, {MANY}) AS n;
                INSERT INTO commerce_webhooks
                    SELECT {ID}, 1, 'stripe', 'evt_' || n, 'charge.refunded', NULL, true, NULL, '',
                        CASE WHEN n % 50 = 0 THEN 'parked' ELSE 'handled' END, 1, NULL, CASE WHEN n % 2 = 0 THEN now() + n * interval '1 day' END,
                        now(), now() + n * interval '1 s', n
                    FROM generate_series(1, {MANY}) AS n;
                INSERT INTO commerce_customers (id, version, email, email_key, email_verified,
                    external_id, provider_references, created_at, updated_at, own_words)
                    SELECT {ID}, 1, format('c%s@example.com', n), format('c%s@example.com', n),
                         false, 'C-' || n, '{{}}', now() - n * interval '1 s', now(), {WORDS}
                         FROM generate_series(1, {MANY}) AS n;
                INSERT INTO commerce_customer_addresses
                    SELECT {ID}, 0, {ID}, 'Ada', NULL, '1', NULL, 'Berlin', NULL, NULL, 'DE', NULL,
                        false, false FROM generate_series(1, {MANY}) AS n;
                ANALYZE"
            ),
        );
    }

    /// The plans of all statements that are sent meanwhile.
    fn plans(&self, ask: impl FnOnce()) -> Vec<Value> {
        let mut log = File::open(&self.log).unwrap();
        log.seek(SeekFrom::End(0)).unwrap();
        ask();
        let mut told = String::new();
        log.read_to_string(&mut told).unwrap();
        let mut plans = Vec::new();
        let mut lines = told.lines().peekable();
        while let Some(line) = lines.next() {
            if line.ends_with("plan:") {
                let mut plan = String::new();
                while let Some(line) = lines.next_if(|line| line.starts_with('\t')) {
                    plan.push_str(line);
                }
                plans.push(serde_json::from_str(&plan).unwrap());
            }
        }
        plans
    }

    /// The rows of some table that what is asked looks at, and the steps of its statements that are run,
    /// with the rows that come of them.
    fn looks_at<T>(
        &self,
        table: &str,
        ask: impl Future<Output = T>,
    ) -> (u64, BTreeMap<String, u64>) {
        let plans = self.plans(|| {
            block_on(ask);
        });
        let (mut rows, mut steps) = (0, BTreeMap::new());
        for plan in &plans {
            walk(&plan["Plan"], &mut |node| {
                if node["Relation Name"] == table {
                    rows += looked_at(node);
                }
                if let Some(step) = node["Subplan Name"].as_str() {
                    steps.insert(step.to_owned(), node["Actual Rows"].as_u64().unwrap());
                }
            });
        }
        (rows, steps)
    }

    /// Checks that nothing of what is asked goes through a large table, and that these indexes are
    /// used.
    #[track_caller]
    fn follows<T>(&self, indexes: &[&str], ask: impl Future<Output = T>) -> T {
        let mut answer = None;
        let plans = self.plans(|| answer = Some(block_on(ask)));
        assert!(!plans.is_empty());
        let (mut used, mut scanned) = (BTreeSet::new(), BTreeSet::new());
        for plan in &plans {
            walk(&plan["Plan"], &mut |node| {
                let text = |key: &str| node[key].as_str().unwrap_or_default().to_owned();
                used.insert(text("Index Name"));
                let table = text("Relation Name");
                if SMALL.contains(&table.as_str()) {
                    return;
                }
                if text("Node Type") == "Seq Scan" || looked_at(node) > LOOKED_AT_MAX {
                    scanned.insert(table);
                }
            });
        }
        assert!(scanned.is_empty(), "goes through {scanned:?}: {plans:#?}");
        for index in indexes {
            let index = format!("commerce_{index}");
            assert!(used.contains(&index), "{index} is not among {used:?}: {plans:#?}");
        }
        answer.unwrap()
    }
}

/// The rows that a part of a plan has looked at.
fn looked_at(node: &Value) -> u64 {
    let of = |key: &str| node[key].as_u64().unwrap_or_default();
    let rows = of("Actual Rows") + of("Rows Removed by Filter");
    rows * of("Actual Loops")
}

/// Goes through the parts of a plan that have run.
fn walk(node: &Value, each: &mut impl FnMut(&Value)) {
    if node["Actual Loops"] == 0 {
        return;
    }
    each(node);
    for below in node["Plans"].as_array().into_iter().flatten() {
        walk(below, each);
    }
}

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
        let one = StockFilter { sku: Some("SKU-7".parse().unwrap()), ..all };
        large.follows(&[], store.stock(&one, &page)).unwrap();
    }
    let filter = MovementFilter { variant_id: id(7), location_id: None };
    let page = PageRequest::first(20);
    let movements = store.movements(&filter, &page);
    let found = large.follows(&["stock_movements_by_variant"], movements).unwrap();
    assert_eq!(found.items.len(), 20);
}

/// What a commit locks, asks and writes.
fn commits(large: &Large) {
    let shop = &large.shop;
    let (guest, cart) = block_on(cart(shop, &[(id(7), 1)]));
    let line = AddLine::new(id(8), 1).unwrap();
    let added = shop.add_line(&guest, cart, &line);
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
