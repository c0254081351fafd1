//! A large shop on a server that notes the plan of every statement, and what the plans tell.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use commerce_core::{
    Commerce,
    access::{Caller, Scope},
    checkout::PlaceOrder,
    id::{Id, LocationId, VariantId},
    store::Store,
    text::{IdempotencyKey, Label},
};
use commerce_sqlx::PgStore;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::common::{
    Server, block_on,
    many::copies,
    run,
    shop::{cart, sell, shop},
};

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
pub(crate) struct Large {
    _server: Server,
    pub(crate) store: PgStore,
    pub(crate) shop: Commerce,
    /// Where all is.
    pub(crate) location: LocationId,
    log: PathBuf,
    admin: PgConnection,
}

/// Words of products and customers: some that all have, that two have, that only the newest have and
/// that only the oldest have.
const WORDS: &str = "' common:3' || format(' rare%s:3', n % 5000)
    || CASE WHEN n <= 15 THEN ' recent:3' ELSE '' END
    || CASE WHEN n > 9900 THEN ' outdated:3' ELSE '' END";

/// The number of a location where little is.
pub(crate) const FAR: u32 = 9_999;

/// The id of a row that was copied, in SQL and here.
const ID: &str = "lpad(to_hex(n), 32, '0')::uuid";

pub(crate) fn id<T: Id>(number: u32) -> T {
    T::from_uuid(Uuid::from_u128(number.into()))
}

impl Large {
    /// A shop in which everything was sold once, and all of that many times over.
    pub(crate) fn fill() -> Self {
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
        let location = block_on(store.setup()).unwrap().unwrap().locations[0].id;
        let mut large = Self { _server: server, store, shop, location, log, admin };
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
        let far = format!("lpad(to_hex({FAR}), 32, '0')::uuid");
        let before = "o.at - n * interval '1 s'";
        copy("commerce_outcomes", &[("key", "'key-' || n"), ("at", before)]);
        copy("commerce_outbox", &[("position", "1000 + n")]);
        run(
            &mut self.admin,
            &format!(
                "INSERT INTO commerce_locations SELECT r.* FROM commerce_locations AS o,
                    jsonb_populate_record(o, jsonb_build_object('id', {far})) AS r;
                INSERT INTO commerce_stock_levels SELECT {ID}, {far}, 5, 0
                    FROM generate_series(100, 2000, 100) AS n;
                INSERT INTO commerce_product_tags
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
    pub(crate) fn plans(&self, ask: impl FnOnce()) -> Vec<Value> {
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
    pub(crate) fn looks_at<T>(
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
    pub(crate) fn follows<T>(&self, indexes: &[&str], ask: impl Future<Output = T>) -> T {
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
