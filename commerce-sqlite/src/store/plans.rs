//! What reads and commits cost: each goes to the rows that it names, and how many statements a checkout
//! takes follows from its lines and from nothing else.

use std::path::PathBuf;

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency,
    customer::CreateCustomer,
    id::{ApiTokenId, CartId, CategoryId, Id, PaymentId, VariantId, WebhookId},
    money::Money,
    secret::Digest,
    shop::Shop,
    store::{
        ApiTokenRef, CategoryRef, Commit, CustomerRef, OrderRef, OutcomeKey, ProductRef, Purge,
        Store, StoreResult, VariantRef, WebhookRef,
    },
    text::{GatewayName, Label},
    time::Timestamp,
};
use pollster::block_on;
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    SqliteStore, SystemClock, SystemIds,
    codec::plan,
    query::plans::check,
    read_checkout_inputs_in,
    table::journal::{self, Purged},
    write::{Batch, Trust},
};

/// As many lines as the largest cart here has.
const LINES: usize = 20;

/// A shop with enough to sell for the largest cart.
struct Furnished {
    shop: Commerce,
    variants: Vec<VariantId>,
    folder: TempDir,
}

impl Furnished {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("shop.db")).unwrap();
        let shop = Commerce::new(store, SystemClock, SystemIds);
        let system = &Caller::system();
        block_on(shop.open(Shop::new("Plans", Currency::EUR).unwrap())).unwrap();
        let sell = |number| {
            let sku = format!("SKU-{number}");
            let price = Money::new(1_999, Currency::EUR);
            let product = CreateProduct {
                status: ProductStatus::Active,
                variants: vec![CreateVariant::new(&sku, price).unwrap()],
                ..CreateProduct::new(&sku).unwrap()
            };
            block_on(shop.create_product(system, &product)).unwrap().variants[0].id
        };
        let variants: Vec<_> = (0..LINES).map(sell).collect();
        let units: Vec<_> = variants.iter().map(|id| (*id, 1_000)).collect();
        block_on(shop.receive_stock(system, None, &units, None)).unwrap();
        Self { shop, variants, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    /// The same file, and nothing kept of it.
    fn cold(&self) -> SqliteStore {
        SqliteStore::open(self.path()).unwrap()
    }

    fn connection(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        connection
    }

    /// A cart with so many lines, ready to be checked out.
    fn cart(&self, lines: usize) -> CartId {
        let lines = self.variants.iter().take(lines).map(|id| AddLine::new(*id, 1).unwrap());
        let cart = CreateCart { lines: lines.collect(), ..CreateCart::default() };
        block_on(self.shop.create_cart(&Caller::system(), &cart)).unwrap().cart.id
    }

    /// What checking a cart out commits, under a key.
    fn checkout(&self, cart: CartId) -> Commit {
        let inputs = read_checkout_inputs_in(&self.connection(), cart, &[]).unwrap().unwrap();
        let caller = Caller::system().with_key(format!("check out {cart}").parse().unwrap());
        self.shop.decide_order(&caller, &inputs, &PlaceOrder::default()).unwrap().commit
    }
}

/// Writes a commit as the writer does.
fn write(connection: &Connection, commit: &Commit) {
    let mut batch = Batch::default();
    batch.write(connection, commit, Trust::Keys).unwrap();
    batch.finish(connection).unwrap();
}

/// Refuses a read that goes through a table which grows with the shop, or that is not found by what each
/// of `by` says.
#[track_caller]
fn seeks<T>(what: &str, by: &[&str], read: impl Future<Output = StoreResult<T>>) -> T {
    let (steps, found) = plan::of(|| block_on(read).unwrap());
    refuse_scans(what, &steps);
    for by in by {
        assert!(steps.iter().any(|(step, _)| step.contains(by)), "{what} not by {by}: {steps:#?}");
    }
    found
}

/// The counters, the one row of the shop and its locations are read whole.
#[track_caller]
fn refuse_scans(what: &str, steps: &[(String, String)]) {
    const WHOLE: [&str; 3] =
        ["SCAN commerce_counters", "SCAN commerce_locations", "SCAN commerce_shop"];
    assert!(!steps.is_empty(), "{what} asks nothing");
    let others = steps.iter().filter(|(step, _)| !WHOLE.contains(&&**step));
    let others: Vec<_> = others.cloned().collect();
    if !others.is_empty() {
        check(what, &others, false);
    }
}

fn id<T: Id>() -> T {
    T::from_uuid(Uuid::from_u128(7))
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

#[test]
fn products_and_their_variants_are_sought() {
    let shop = Furnished::new();
    let store = &shop.cold();
    let variant = shop.variants[0];
    let found = seeks("variant", &["(id=?)"], store.variant(&VariantRef::Id(variant))).unwrap();
    let sku = VariantRef::Sku(found.variant.sku.clone());
    seeks("variant by SKU", &["(sku=?)", "(variant_id=?)"], store.variant(&sku)).unwrap();
    let two = &shop.variants[..2];
    assert_eq!(seeks("sellables", &["(id=?)"], store.sellables(two)).len(), 2);
    let by = ["(id=?)", "(product_id=?)", "(variant_id=?)"];
    let by_id = ProductRef::Id(found.variant.product_id);
    let product = seeks("product", &by, store.product(&by_id)).unwrap();
    let by_slug = ProductRef::Slug(product.product.slug.clone());
    let store = &shop.cold();
    let by = ["(slug=?)", "(product_id=?)", "(variant_id=?)"];
    seeks("product by slug", &by, store.product(&by_slug)).unwrap();
    let shown = store.product_with_setup(&by_slug);
    seeks("product with setup", &["(slug=?)", "SCAN commerce_shop"], shown).unwrap();
    let kept = store.product(&by_slug);
    seeks("product that is kept", &["(product_id=?)", "(variant_id=?)"], kept).unwrap();
    let none = CategoryRef::Id(id::<CategoryId>());
    seeks("category", &["(id=?)"], store.category(&none));
    let none = CategoryRef::Slug("none".parse().unwrap());
    seeks("category by slug", &["(slug=?)"], store.category(&none));
    // All of them are asked for, and kept.
    for whole in
        [&["SCAN commerce_counters", "SCAN commerce_categories"][..], &["SCAN commerce_counters"]]
    {
        let (steps, _) = plan::of(|| block_on(store.categories()).unwrap());
        assert_eq!(steps.iter().map(|(step, _)| &**step).collect::<Vec<_>>(), whole);
    }
}

#[test]
fn carts_orders_and_customers_are_sought() {
    let shop = Furnished::new();
    let system = &Caller::system();
    let [cart, placed] = [2, 2].map(|lines| shop.cart(lines));
    let placed = block_on(shop.shop.place_order(system, placed, &PlaceOrder::default())).unwrap();
    let ada = CreateCustomer {
        email: Some("ada@example.com".parse().unwrap()),
        external_id: Some(label("K-1")),
        ..CreateCustomer::default()
    };
    let ada = block_on(shop.shop.create_customer(system, &ada)).unwrap().id;
    let store = &shop.cold();

    seeks("setup", &["SCAN commerce_shop", "SCAN commerce_locations"], store.setup()).unwrap();
    seeks("cart", &["(id=?)", "(cart_id=?)"], store.cart(cart)).unwrap();
    seeks("open cart", &["commerce_carts_open_of_customer (customer_id=?)"], store.open_cart(ada));
    let by = ["commerce_carts USING PRIMARY KEY (id=?)", "(cart_id=?)", "(variant_id=?)"];
    let also = &shop.variants[2..4];
    let inputs = seeks("checkout inputs", &by, store.checkout_inputs(cart, also)).unwrap();
    assert_eq!(inputs.sellables.len(), 4);
    let connection = shop.connection();
    let embedders = async { read_checkout_inputs_in(&connection, cart, also) };
    seeks("checkout inputs of an embedder", &by, embedders).unwrap();

    let number = OrderRef::Number(placed.order.number.clone());
    let payment = OrderRef::Payment(placed.payment.as_ref().unwrap().id);
    let reference = OrderRef::Reference(GatewayName::manual(), label("none"));
    let parts = ["(order_id=?)", "(payment_id=?)"];
    seeks("order", &parts, store.order(&OrderRef::Id(placed.order.id))).unwrap();
    seeks("order by number", &["(number=?)"], store.order(&number)).unwrap();
    let by = ["commerce_payments USING PRIMARY KEY (id=?)"];
    seeks("order by payment", &by, store.order(&payment)).unwrap();
    let by = ["(gateway=? AND reference=?)"];
    assert!(seeks("order by reference", &by, store.order(&reference)).is_none());

    let by = ["(id=?)", "(customer_id=?)"];
    let found = seeks("customer", &by, store.customer(&CustomerRef::Id(ada))).unwrap();
    let email = CustomerRef::Email(found.email.clone().unwrap());
    seeks("customer by e-mail", &["(email_key=?)"], store.customer(&email)).unwrap();
    let external = CustomerRef::ExternalId(label("K-1"));
    seeks("customer by number", &["(external_id=?)"], store.customer(&external)).unwrap();
}

#[test]
fn what_stands_beside_records_is_sought() {
    let shop = Furnished::new();
    let store = &shop.cold();
    seeks("token", &["(id=?)"], store.api_token(&ApiTokenRef::Id(id::<ApiTokenId>())));
    let digest = ApiTokenRef::Digest(Digest::from_bytes([7; 32]));
    seeks("token by digest", &["(digest=?)"], store.api_token(&digest));
    seeks("webhook", &["(id=?)"], store.webhook(&WebhookRef::Id(id::<WebhookId>())));
    let event = WebhookRef::Event(GatewayName::manual(), label("evt_1"));
    seeks("webhook by event", &["(gateway=? AND event_id=?)"], store.webhook(&event));
    let key = OutcomeKey { scope: "s".to_owned(), key: "k".parse().unwrap() };
    seeks("outcome", &["(scope=? AND key=?)"], store.outcome(&key));
    seeks("subscription", &["(name=?)"], store.subscription(&label("mail")));
    seeks("ready", &["SCAN commerce_counters"], store.ready());
    let none = OrderRef::Payment(id::<PaymentId>());
    seeks("order of no payment", &["(id=?)"], store.order(&none));

    let by = ["commerce_outbox USING INTEGER PRIMARY KEY (rowid>?)"];
    assert!(!seeks("outbox", &by, store.outbox(0, 10)).is_empty());
    let by = ["orders_due (exp", "carts_due (exp", "payments_due (che", "webhooks_due (due"];
    seeks("due", &by, store.due(Timestamp::MAX, 10));
    let (steps, _) = plan::of(|| {
        block_on(store.outbox(0, 10)).unwrap();
        block_on(store.due(Timestamp::MAX, 10)).unwrap();
    });
    assert!(steps.iter().all(|(step, _)| !step.contains("TEMP B-TREE")), "{steps:#?}");
}

#[test]
fn a_checkout_and_a_purge_touch_the_rows_that_they_name() {
    let shop = Furnished::new();
    let commit = shop.checkout(shop.cart(LINES));
    let connection = shop.connection();
    let (steps, ()) = plan::of(|| write(&connection, &commit));
    refuse_scans("checkout", &steps);
    let closed = |step: &str| step.contains("commerce_carts USING PRIMARY KEY (id=?)");
    assert!(
        steps.iter().any(|(step, sql)| closed(step) && sql.starts_with("UPDATE")),
        "{steps:#?}"
    );

    let all = Purge {
        outcomes_before: Timestamp::MAX,
        outbox_through: u64::MAX,
        carts_before: Timestamp::MAX,
        webhooks_before: Timestamp::MAX,
    };
    let mut purged = Purged::default();
    let (steps, ()) = plan::of(|| journal::purge(&connection, &all, &mut purged).unwrap());
    refuse_scans("purge", &steps);
    for by in ["outcomes_by_age (at<?)", "webhooks_done (updated_at<?)", "(id>?)", "(cart_id=?)"] {
        assert!(steps.iter().any(|(step, _)| step.contains(by)), "not by {by}: {steps:#?}");
    }
    assert!(purged.count > 2, "an outcome, an entry of the outbox and a cart");
}

/// What is read for a checkout takes as many statements whatever is in the cart. What is written takes as
/// many, and for each line four: its stock is read and written, and it and what is held for it are added.
#[test]
fn a_checkout_takes_four_statements_a_line_and_as_many_besides_whatever_is_in_it() {
    let shop = Furnished::new();
    let store = shop.cold();
    for (lines, reads) in [(2, 9), (LINES, 7), (2, 6), (LINES, 6)] {
        let cart = shop.cart(lines);
        // The setup is read once, and what variants sell once for each of them.
        let inputs = || block_on(store.checkout_inputs(cart, &[])).unwrap().unwrap();
        let (read, inputs) = plan::statements_of(inputs);
        assert_eq!(inputs.cart.lines.len(), lines);
        assert_eq!(read.len(), reads, "{lines} lines: {read:#?}");
        let commit = shop.checkout(cart);
        let connection = shop.connection();
        let (written, ()) = plan::statements_of(|| write(&connection, &commit));
        assert_eq!(written.len(), 9 + 4 * lines, "{lines} lines: {written:#?}");
    }
}
