//! What a request costs through the REST server.
//!
//! ```text
//! cargo bench -p commerce-benches --bench http
//! ```
//!
//! The whole server, with its log and its metrics, runs in a process of its own on a SQLite file.
//! Clients keep a connection each and ask one thing after the other, over the loopback, on the same
//! processors. The floor of a product's page is a bare axum route that answers with the same JSON.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that fails has nothing to measure"
)]
#![allow(clippy::float_arithmetic, reason = "rates; money is counted elsewhere")]
#![allow(clippy::print_stdout, reason = "figures are printed")]

use std::{
    env, fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Json, Router, routing::get};
use commerce_benches::{
    Fixture,
    callers::Run,
    catalogue::Catalogue,
    client::{Client, request},
    figure::{Report, Target, micros, number, per_second},
    purchase::Purchase,
    server::Server,
};
use commerce_core::{
    Commerce,
    id::{ShippingMethodId, VariantId},
};
use commerce_sqlite::{SqliteStore, SystemClock, SystemIds};
use pollster::block_on;
use serde_json::Value;
use tokio::{net::TcpListener, runtime::Builder, task::JoinSet};

const VARIANTS: usize = 4_000;
const CLIENTS: usize = 32;
const ROUNDS: usize = 3;
/// How long each round asks.
const ASKING: Duration = Duration::from_secs(3);
/// What the rate of a product's page is to be of the floor's.
const SHARE: f64 = 0.4;
/// What a guest's checkouts a second are to be.
const CHECKOUTS: f64 = 1_000.0;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == "bare") {
        return bare(Path::new(&arguments[place + 1]));
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let shop = Shop::new(&folder.path().join("data"));
    let server = Server::commerce(&folder.path().join("data"));
    let columns = ["over HTTP, 32 clients", "shop", "floor", "judged"];
    let mut report = Report::new("http", "The REST server", columns);
    products(&mut report, &shop, server.address(), folder.path());
    checkouts(&mut report, &shop, server.address());
    report.finish();
}

/// What clients know of the shop.
struct Shop {
    slugs: Vec<String>,
    variants: Vec<VariantId>,
    method: ShippingMethodId,
}

impl Shop {
    fn new(data: &Path) -> Self {
        fs::create_dir_all(data).unwrap();
        let store = SqliteStore::open(data.join("commerce.db")).unwrap();
        let shop = Commerce::new(store, SystemClock, SystemIds);
        let fixture = Fixture::new(shop, 0);
        let setup = block_on(fixture.shop.store().setup()).unwrap().unwrap();
        let catalogue = Catalogue::of_variants(VARIANTS);
        catalogue.fill(&**fixture.shop.store(), setup.locations[0].id);
        let (mut slugs, mut variants) = (Vec::new(), Vec::new());
        for number in 0..catalogue.products() {
            let (product, some) = catalogue.product(number);
            slugs.push(product.slug.to_string());
            variants.extend(some.into_iter().map(|variant| variant.id));
        }
        Self { slugs, variants, method: fixture.method }
    }
}

/// The floor: answers with one JSON file's content, encoded anew for each request.
fn bare(file: &Path) {
    let answer: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let answer: &'static Value = Box::leak(Box::new(answer));
    let route = get(move || async move { Json(answer) });
    let router = Router::new().route("/products/{slug}", route);
    Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}

/// Clients who each ask for so long, with what one of them does again and again.
fn clients<W>(
    address: SocketAddr,
    clients: usize,
    asking: Duration,
    work: impl Fn(u64) -> W + Clone + Send + 'static,
) -> Run
where
    W: AsyncWork,
{
    let next = Arc::new(AtomicU64::new(0));
    // The clients share one thread: what they use of the processors, the server lacks.
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..clients {
            let (work, next) = (work.clone(), next.clone());
            tasks.spawn(async move {
                let mut client = Client::connect(address).await;
                let mut latencies = Vec::new();
                while started.elapsed() < asking {
                    let asked = Instant::now();
                    work(next.fetch_add(1, Ordering::Relaxed)).done(&mut client).await;
                    latencies.push(asked.elapsed());
                }
                latencies
            });
        }
        let mut latencies = Vec::new();
        while let Some(done) = tasks.join_next().await {
            latencies.append(&mut done.unwrap());
        }
        let elapsed = started.elapsed();
        latencies.sort_unstable();
        Run { elapsed, latencies }
    })
}

/// Something that a client does.
trait AsyncWork: Send {
    fn done(self, client: &mut Client) -> impl Future<Output = ()> + Send;
}

/// Looks at a product.
struct Look(Arc<Vec<Vec<u8>>>, u64);

impl AsyncWork for Look {
    async fn done(self, client: &mut Client) {
        let Self(requests, number) = self;
        let request = &requests[(number % requests.len() as u64) as usize];
        assert_eq!(client.ask(request).await.status, 200);
    }
}

fn products(report: &mut Report, shop: &Shop, address: SocketAddr, folder: &Path) {
    let asking = |base: &str| {
        let paths = shop.slugs.iter().map(|slug| format!("{base}/products/{slug}"));
        Arc::new(paths.map(|path| request("GET", &path, "", "")).collect::<Vec<_>>())
    };
    let body = folder.join("product.json");
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let bytes = runtime.block_on(async {
        let mut client = Client::connect(address).await;
        let answer = client.ask(&asking("/api/v1")[0]).await;
        fs::write(&body, answer.body).unwrap();
        answer.body.len()
    });
    let floor = Server::again(&["bare", body.to_str().unwrap()]);
    let (ours, bare) = (asking("/api/v1"), asking(""));
    let mut best: Option<Run> = None;
    let mut beside: Option<Run> = None;
    for _ in 0..ROUNDS {
        let works = ours.clone();
        keep(&mut best, clients(address, CLIENTS, ASKING, move |n| Look(works.clone(), n)));
        let works = bare.clone();
        let run = clients(floor.address(), CLIENTS, ASKING, move |n| Look(works.clone(), n));
        keep(&mut beside, run);
    }
    let (ours, floor) = (best.unwrap(), beside.unwrap());
    report.figure(
        "product by slug, beside a bare axum route",
        per_second(ours.rate()),
        per_second(floor.rate()),
        ours.rate() / floor.rate(),
        Some(Target::AtLeast(SHARE)),
    );
    report.note(format!(
        "A product's JSON has {} bytes. Half of the answers came within {}, 99 % within {}; of the \
         floor's, within {} and {}.",
        number(bytes as f64),
        micros(ours.percentile(0.5)),
        micros(ours.percentile(0.99)),
        micros(floor.percentile(0.5)),
        micros(floor.percentile(0.99)),
    ));
}

fn keep(best: &mut Option<Run>, run: Run) {
    if best.as_ref().is_none_or(|best| run.rate() > best.rate()) {
        *best = Some(run);
    }
}

impl AsyncWork for Purchase {
    async fn done(self, client: &mut Client) {
        self.make(client).await;
    }
}

fn checkouts(report: &mut Report, shop: &Shop, address: SocketAddr) {
    let (variants, method) = (Arc::new(shop.variants.clone()), shop.method);
    for (count, target) in [(1, None), (CLIENTS, Some(Target::AtLeast(CHECKOUTS)))] {
        let mut best: Option<Run> = None;
        for _ in 0..ROUNDS {
            let variants = variants.clone();
            let run = clients(address, count, ASKING, move |number| {
                let at = |n: u64| variants[(n % variants.len() as u64) as usize];
                Purchase { variants: [at(2 * number), at(2 * number + 1)], method, number }
            });
            keep(&mut best, run);
        }
        let run = best.unwrap();
        let what = format!("whole guest checkouts, {count} at a time");
        report.figure(what, per_second(run.rate()), "", run.rate(), target);
        report.note(format!(
            "{count} at a time: half of the checkouts, each of five requests, took at most {}, \
             99 % at most {}.",
            micros(run.percentile(0.5)),
            micros(run.percentile(0.99)),
        ));
    }
}
