//! Server processes of one shop: this bench, run again by itself.
//!
//! Each opens the store, says that it is ready, waits for a word, does its share of the work by its
//! share of the callers, and says that it is done. So what is measured is what processes do to each
//! other in one database, and not how they start.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdout, Command, Stdio},
    time::Instant,
};

use commerce_benches::{
    callers,
    checkout::{place, shop},
    postgres::Postgres,
};
use commerce_core::{
    access::Caller,
    id::CartId,
    store::{ProductRef, Store},
    text::{IdempotencyKey, Slug},
};
use commerce_sqlx::PgStore;

use crate::Server;

/// The first argument of a process that was run by another.
const WORKER: &str = "worker";

/// What processes do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// Carts are checked out.
    Checkouts,
    /// Products are looked up by their slugs.
    Products,
}

impl Work {
    /// What a process is told.
    fn name(self) -> &'static str {
        match self {
            Self::Checkouts => "checkouts",
            Self::Products => "products",
        }
    }
}

/// How much of it there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) work: Work,
    pub(crate) pieces: usize,
    pub(crate) callers: usize,
}

/// A process, which ends with this value.
struct Worker {
    process: Child,
    said: BufReader<ChildStdout>,
}

impl Worker {
    fn start(database: &str, load: Load, share: usize, of: usize) -> Self {
        let Load { work, pieces, callers } = load;
        let numbers = [pieces, callers, share, of].map(|number| number.to_string());
        let mut process = Command::new(env::current_exe().unwrap())
            .args([WORKER, database, work.name()])
            .args(numbers)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        Self { process, said }
    }

    /// Waits until it says something, which it does when it is ready and when it is done.
    fn wait(&mut self) {
        let mut line = String::new();
        assert!(self.said.read_line(&mut line).unwrap() > 0, "a process has failed");
    }

    fn begin(&mut self) {
        self.process.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends when nobody has anything to say to it any more.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Load {
    /// How much of it so many processes do in a second, together.
    pub(crate) fn rate(self, database: &str, processes: usize) -> f64 {
        let start = |share| Worker::start(database, self, share, processes);
        let mut workers: Vec<_> = (0..processes).map(start).collect();
        workers.iter_mut().for_each(Worker::wait);
        let started = Instant::now();
        workers.iter_mut().for_each(Worker::begin);
        workers.iter_mut().for_each(Worker::wait);
        self.pieces as f64 / started.elapsed().as_secs_f64()
    }
}

/// Does the share of a process that was run by another; answers whether this is one.
pub(crate) fn serve() -> bool {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [worker, database, work, numbers @ ..] = &arguments[..] else { return false };
    if worker != WORKER {
        return false;
    }
    let numbers: Vec<usize> = numbers.iter().map(|number| number.parse().unwrap()).collect();
    let [pieces, callers, share, of]: [usize; 4] = numbers.try_into().unwrap();
    let server = Server(Postgres::named());
    let store = server.open(database);
    let mine = |all: Vec<String>| -> Vec<(usize, String)> {
        all.into_iter().enumerate().cycle().take(pieces).filter(|(n, _)| n % of == share).collect()
    };
    // The first callers' shares are the larger ones, if they cannot be the same.
    let callers = callers / of + usize::from(share < callers % of);
    if work == Work::Checkouts.name() {
        let carts = "SELECT replace(id::text, '-', '') FROM commerce_carts ORDER BY id";
        let carts = mine(server.0.texts(Some(database), carts));
        let carts: Vec<_> = carts.into_iter().map(cart).collect();
        say_and_wait();
        place(&[shop(store.clone())], callers, &carts);
    } else {
        const SLUGS: &str = "SELECT slug FROM commerce_products ORDER BY id";
        let slugs = mine(server.0.texts(Some(database), SLUGS));
        // The connections are there by then, and the statement is prepared on each.
        read(&server, &store, callers, slugs[..slugs.len() / 10].to_vec());
        say_and_wait();
        read(&server, &store, callers, slugs);
    }
    println!("done");
    // The one who asked is told before the connections are closed.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    server.0.block_on(store.close());
    true
}

fn cart((number, id): (usize, String)) -> (Caller, CartId) {
    let key = IdempotencyKey::new(format!("checkout-{number:08}")).unwrap();
    (Caller::system().with_key(key), format!("cart_{id}").parse().unwrap())
}

/// Looks products up, on the runtime that the store was opened on.
fn read(server: &Server, store: &PgStore, callers: usize, slugs: Vec<(usize, String)>) {
    let store = store.clone();
    let slugs: Vec<Slug> = slugs.into_iter().map(|(_, slug)| slug.parse().unwrap()).collect();
    server.0.block_on(callers::together(callers, slugs, move |slug| {
        let store = store.clone();
        async move {
            assert!(store.product(&ProductRef::Slug(slug)).await.unwrap().is_some());
        }
    }));
}

fn say_and_wait() {
    println!("ready");
    let mut word = String::new();
    assert!(std::io::stdin().read_line(&mut word).unwrap() > 0, "nobody asks any more");
}

impl Server {
    /// How often transactions in a database waited for each other in a circle.
    pub(crate) fn deadlocks(&self, database: &str) -> i64 {
        let sql =
            format!("SELECT deadlocks::text FROM pg_stat_database WHERE datname = '{database}'");
        self.0.texts(None, &sql).concat().parse().unwrap()
    }
}
