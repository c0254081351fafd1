//! Whether a large shop is as quick as a small one.
//!
//! ```text
//! cargo bench -p commerce-benches --bench scale [-- SMALL LARGE]
//! ```
//!
//! Two shops of so many variants, 1,000 and 1,000,000 unless said otherwise, stand in SQLite files
//! that are filled once and kept in the target folder. The same operations are timed on both, one
//! caller at a time, with the files in the system's memory; what is shown is the median. Then a server runs on the large one, and its
//! memory is read.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that fails has nothing to measure"
)]
#![allow(clippy::float_arithmetic, reason = "times; money is counted elsewhere")]
#![allow(clippy::print_stdout, reason = "figures are printed")]

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use commerce_benches::{
    Fixture,
    catalogue::{COMMON_WORD, Catalogue, EDITION, RARE_WORD, VENDORS},
    client::{Client, request},
    figure::{Report, Target, micros, number},
    server::Server,
};
use commerce_core::{
    Commerce,
    access::Caller,
    cart::AddLine,
    checkout::PlaceOrder,
    currency::Currency::EUR,
    id::{Id, VariantId},
    store::{Cursor, CursorKey, PageRequest, ProductFilter, ProductQuery, ProductSort},
    text::{IdempotencyKey, Slug},
};
use commerce_sqlite::{Durability, SqliteStore, SystemClock, SystemIds};
use pollster::block_on;
use rusqlite::Connection;

/// How much longer the large shop may take.
const SLOWER: f64 = 2.0;
/// Megabytes that a server of the large shop may need.
const MEMORY: f64 = 150.0;
/// Megabytes that a server that nobody asks may need.
const MEMORY_IDLE: f64 = 30.0;
/// How often each operation is timed.
const TIMES: usize = 400;

fn main() {
    let sizes: Vec<usize> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    let [small, large] = sizes.try_into().unwrap_or([1_000, 1_000_000]);
    let [few, many] = [small, large].map(|size| number(size as f64));
    let columns =
        ["median time, one caller", &format!("{many} variants"), &format!("{few} variants"), "×"];
    let mut report = Report::new("scale", "A large shop beside a small one", columns);
    let [small, large] = [small, large].map(Shop::open);
    for ((what, slow), (_, fast)) in large.times().into_iter().zip(small.times()) {
        let target = Some(Target::AtMost(SLOWER));
        report.figure(what, micros(slow), micros(fast), slow / fast, target);
    }
    let (now, most) = large.memory();
    let what = "memory of its server after work, MB";
    report.figure(what, format!("{now:.0}"), "", most, Some(Target::AtMost(MEMORY)));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (now, most) = idle(folder.path());
    let what = "memory of an idle server, MB";
    report.figure(what, "", format!("{now:.0}"), most, Some(Target::AtMost(MEMORY_IDLE)));
    report.note(format!("The large shop's file has {} MB.", number(large.megabytes())));
    report.finish();
}

/// What the bench knows of a product.
struct Item {
    id: uuid::Uuid,
    slug: Slug,
    created_at: i64,
    title: String,
    price: i64,
    vendor: usize,
    tags: Vec<commerce_core::text::Label>,
    category: commerce_core::id::CategoryId,
    variants: Vec<VariantId>,
}

struct Shop {
    data: PathBuf,
    fixture: Fixture,
    items: Vec<Item>,
    category: commerce_core::id::CategoryId,
}

impl Shop {
    /// Opens the shop of so many variants; fills it if that was not done before.
    fn open(variants: usize) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let data = folder.join(format!("scale-{variants}-{EDITION}-{:016x}", schema()));
        let catalogue = Catalogue::of_variants(variants);
        if !data.exists() {
            let part = data.with_extension("part");
            let _ = fs::remove_dir_all(&part);
            fs::create_dir_all(&part).unwrap();
            println!("filling {} …", data.display());
            let started = Instant::now();
            fill(&catalogue, &part.join("commerce.db"));
            println!("filled in {:.0} s", started.elapsed().as_secs_f64());
            fs::rename(&part, &data).unwrap();
        }
        let store = SqliteStore::open(data.join("commerce.db")).unwrap();
        let fixture = Fixture::new(commerce(store), 0);
        let items = (0..catalogue.products()).map(|number| item(&catalogue, number)).collect();
        Self { data, fixture, items, category: catalogue.category(3) }
    }

    fn megabytes(&self) -> f64 {
        fs::metadata(self.data.join("commerce.db")).unwrap().len() as f64 / 1e6
    }

    /// Every operation and its time, in microseconds.
    fn times(&self) -> Vec<(String, f64)> {
        let mut times = vec![("product by slug, over HTTP".to_owned(), self.look())];
        for (what, word) in [("rare", RARE_WORD), ("common", COMMON_WORD), ("title's", "linen")] {
            times.push((format!("search page of 20, {what} word"), self.search(word)));
        }
        let sorts = [
            ("newest", ProductSort::CreatedAt),
            ("price", ProductSort::Price),
            ("title", ProductSort::Title),
        ];
        for (by, sort) in sorts {
            for filter in ["all", "vendor", "tag", "category"] {
                let list = self.list(filter, sort);
                for (place, at) in [("first", None), ("deep", Some(deep(list.len())))] {
                    let after = at.map(|at| list[at].clone());
                    let time = self.page(filter, sort, after);
                    times.push((format!("{place} page by {by}, {filter}"), time));
                }
            }
        }
        times.push(("add to cart, durable".to_owned(), self.add_to_cart()));
        times.push(("checkout of two lines, durable".to_owned(), self.checkout()));
        times
    }

    fn some(&self, draw: usize) -> &Item {
        // A step without a common divisor with the length comes past all of them.
        &self.items[(draw * 7_919 + 13) % self.items.len()]
    }

    /// As a client sees it: within the shop the small one would have all its products in the cache.
    fn look(&self) -> f64 {
        let server = Server::commerce(&self.data);
        // What follows is not to measure how fast the disk is read.
        let file = self.data.join("commerce.db");
        io::copy(&mut fs::File::open(file).unwrap(), &mut io::sink()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut client = runtime.block_on(Client::connect(server.address()));
        time(|draw| {
            let path = format!("/api/v1/products/{}", self.some(draw).slug);
            let answer = runtime.block_on(client.ask(&request("GET", &path, "", "")));
            assert_eq!(answer.status, 200);
        })
    }

    fn query(&self, filter: ProductFilter, sort: Option<ProductSort>, after: Option<Cursor>) {
        let page = PageRequest { after, ..PageRequest::first(20) };
        let descending = sort == Some(ProductSort::CreatedAt);
        let query = ProductQuery { filter, currency: EUR, sort, descending, page };
        let found = block_on(self.fixture.shop.products(&Caller::anonymous(), &query)).unwrap();
        assert!(!found.items.is_empty());
    }

    fn search(&self, words: &str) -> f64 {
        time(|_| {
            let text = Some(words.to_owned());
            self.query(ProductFilter { text, ..ProductFilter::default() }, None, None);
        })
    }

    fn filter(&self, name: &str) -> ProductFilter {
        let mut filter = ProductFilter::default();
        match name {
            "vendor" => filter.vendor = Some(Catalogue::vendor(7)),
            "tag" => filter.tag = Some(Catalogue::tag(7)),
            "category" => filter.categories = Some(vec![self.category]),
            _ => {}
        }
        filter
    }

    /// The places in a list, in its order.
    fn list(&self, filter: &str, sort: ProductSort) -> Vec<Cursor> {
        let tag = Catalogue::tag(7);
        let mut items: Vec<&Item> = self
            .items
            .iter()
            .filter(|item| match filter {
                "vendor" => item.vendor == 7,
                "tag" => item.tags.contains(&tag),
                "category" => item.category == self.category,
                _ => true,
            })
            .collect();
        match sort {
            ProductSort::CreatedAt => {
                items.sort_by_key(|item| std::cmp::Reverse((item.created_at, item.id)));
            }
            ProductSort::Price => items.sort_by_key(|item| (item.price, item.id)),
            ProductSort::Title => items.sort_by_key(|item| (&item.title, item.id)),
        }
        let key = |item: &Item| match sort {
            ProductSort::CreatedAt => CursorKey::Number(item.created_at),
            ProductSort::Price => CursorKey::Number(item.price),
            ProductSort::Title => CursorKey::Text(item.title.clone()),
        };
        items.into_iter().map(|item| Cursor { key: key(item), id: item.id }).collect()
    }

    fn page(&self, filter: &str, sort: ProductSort, after: Option<Cursor>) -> f64 {
        time(|_| self.query(self.filter(filter), Some(sort), after.clone()))
    }

    fn add_to_cart(&self) -> f64 {
        let visitor = Caller::anonymous();
        let shop = &self.fixture.shop;
        let carts: Vec<_> = (0..TIMES + WARMING)
            .map(|draw| {
                let request = self.fixture.request_of([self.some(draw).variants[0]]);
                let made = block_on(shop.create_cart(&visitor, &request)).unwrap();
                (made.caller(&visitor), made.cart.id)
            })
            .collect();
        time(|draw| {
            let (guest, cart) = &carts[draw];
            let line = AddLine::new(self.some(draw + 1).variants[1], 1).unwrap();
            block_on(shop.add_line(guest, *cart, &line)).unwrap();
        })
    }

    fn checkout(&self) -> f64 {
        let visitor = Caller::anonymous();
        let shop = &self.fixture.shop;
        let carts: Vec<_> = (0..TIMES + WARMING)
            .map(|draw| {
                let variants = [self.some(draw).variants[0], self.some(draw + 1).variants[1]];
                let request = self.fixture.request_of(variants);
                let made = block_on(shop.create_cart(&visitor, &request)).unwrap();
                let key = IdempotencyKey::new(format!("checkout-{draw:08}")).unwrap();
                (made.caller(&visitor).with_key(key), made.cart.id)
            })
            .collect();
        time(|draw| {
            let (guest, cart) = &carts[draw];
            block_on(shop.place_order(guest, *cart, &PlaceOrder::default())).unwrap();
        })
    }

    /// The memory of a server that was asked for all kinds of pages by many clients at once, now and
    /// at its most.
    fn memory(&self) -> (f64, f64) {
        let server = Server::commerce(&self.data);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let slugs: Vec<_> = (0..4_000).map(|draw| self.some(draw).slug.to_string()).collect();
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for some in slugs.chunks(slugs.len() / 32) {
                let mut client = Client::connect(server.address()).await;
                let some = some.to_vec();
                tasks.spawn(async move {
                    for (turn, slug) in some.iter().enumerate() {
                        let path = match turn % 4 {
                            0 => format!("products/search?q={COMMON_WORD}"),
                            1 => "products?sort=price&limit=100".to_owned(),
                            2 => format!("products?vendor=Vendor%20{:02}", turn % VENDORS),
                            _ => format!("products/{slug}"),
                        };
                        let asked = request("GET", &format!("/api/v1/{path}"), "", "");
                        let answer = client.ask(&asked).await;
                        assert_eq!(answer.status, 200, "{path}");
                    }
                });
            }
            tasks.join_all().await;
        });
        server.memory()
    }
}

fn idle(data: &Path) -> (f64, f64) {
    let server = Server::commerce(data);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = Client::connect(server.address()).await;
        assert_eq!(client.ask(&request("GET", "/readyz", "", "")).await.status, 200);
    });
    server.memory()
}

/// A place deep in a list of so many, after which there is a whole page.
fn deep(length: usize) -> usize {
    (length * 4 / 5).min(length.saturating_sub(21))
}

/// Runs that are not timed, before those that are: caches are as full as in a shop that is at work.
const WARMING: usize = 400;

/// The median time of an operation, in microseconds. It is told its number.
fn time(mut operation: impl FnMut(usize)) -> f64 {
    (0..WARMING).for_each(&mut operation);
    let mut took: Vec<_> = (WARMING..WARMING + TIMES)
        .map(|draw| {
            let started = Instant::now();
            operation(draw);
            started.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[took.len() / 2].as_secs_f64() * 1e6
}

fn commerce(store: SqliteStore) -> Commerce {
    Commerce::new(store, SystemClock, SystemIds)
}

fn item(catalogue: &Catalogue, number: usize) -> Item {
    let (product, variants) = catalogue.product(number);
    let prices = variants.iter().filter_map(|variant| variant.price(EUR));
    Item {
        id: product.id.uuid(),
        created_at: product.created_at.as_millis(),
        title: product.title.to_lowercase(),
        price: prices.map(|price| price.amount.minor()).min().unwrap(),
        vendor: number % VENDORS,
        category: product.categories[0],
        variants: variants.iter().map(|variant| variant.id).collect(),
        tags: product.tags,
        slug: product.slug,
    }
}

fn fill(catalogue: &Catalogue, file: &Path) {
    let store = SqliteStore::options().durability(Durability::Process).open(file).unwrap();
    let fixture = Fixture::new(commerce(store), 0);
    let setup = block_on(fixture.shop.store().setup()).unwrap().unwrap();
    catalogue.fill(&**fixture.shop.store(), setup.locations[0].id);
    drop(fixture);
    let connection = Connection::open(file).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

/// A number for the schema of today's files: those of another are not used.
fn schema() -> u64 {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join("commerce.db");
    drop(SqliteStore::open(&file).unwrap());
    let connection = Connection::open(&file).unwrap();
    let sql = "SELECT coalesce(group_concat(sql), '') FROM sqlite_schema";
    let schema: String = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    let mut hasher = DefaultHasher::new();
    schema.hash(&mut hasher);
    hasher.finish()
}
