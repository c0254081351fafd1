//! A database for each test: a schema of its own on a server that all tests of a program share.

#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

pub(crate) mod many;
pub(crate) mod proxy;
pub(crate) mod shop;
pub(crate) mod spare;

use std::{
    future::poll_fn,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    pin::pin,
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use commerce_sqlx::{OpenOptions, PgStore};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{runtime::Runtime, task::JoinHandle};

/// The runtime that all stores of a test program live on.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Runs a future to its end, on whatever thread that is no worker of the runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/with-postgres");

/// A server of this program's own. Its standard input is a pipe that nobody writes to: when this
/// program ends, however it does, the pipe ends too, and with it the server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: String,
    process: Child,
}

impl Server {
    /// Starts one with these settings beside those of `scripts/with-postgres`, such as
    /// `-c fsync=on`; it is started again if it ends.
    pub(crate) fn start(settings: &str) -> Self {
        Self::start_at(5432, settings)
    }

    /// As [`start`](Self::start), with another port than the usual one in the name of its socket.
    pub(crate) fn start_at(port: u16, settings: &str) -> Self {
        Self::start_by(port, settings, &mut Command::new(SCRIPT))
    }

    /// One that has made many things before: those that it makes now have numbers from this one on.
    pub(crate) fn of_numbers_from(number: u32) -> Self {
        let mut command = Command::new(SCRIPT);
        Self::start_by(5432, "", command.env("POSTGRES_NUMBERS_FROM", number.to_string()))
    }

    /// One that has a small disk beside its own, of so many megabytes, with its log on it if that is said.
    pub(crate) fn with_disk(megabytes: u32, log: bool, settings: &str) -> Self {
        let mut command = Command::new(SCRIPT);
        command.env("POSTGRES_DISK", megabytes.to_string());
        if log {
            command.env("POSTGRES_WAL", "small");
        }
        Self::start_by(5432, settings, &mut command)
    }

    fn start_by(port: u16, settings: &str, command: &mut Command) -> Self {
        let mut process = command
            .args(["sh", "-c", "echo \"$DATABASE_URL\"; exec cat >/dev/null"])
            .env_remove("DATABASE_URL")
            .env("POSTGRES_SETTINGS", settings)
            .env("POSTGRES_RESTARTS", "1")
            .env("PGPORT", port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(!address.trim().is_empty(), "there is no PostgreSQL server; see above");
        let address = address.trim().replace("localhost", &format!("localhost:{port}"));
        Self { address, process }
    }

    /// A connection of its administrator.
    pub(crate) fn connect(&self) -> PgConnection {
        block_on(PgConnection::connect(&self.address)).unwrap()
    }

    /// The folder in which it keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        let (_, folder) = self.address.split_once("host=").unwrap();
        Path::new(folder).join("data")
    }

    /// The small disk, if it has one, as the server sees it.
    pub(crate) fn disk(&self) -> PathBuf {
        self.data().with_file_name("small")
    }

    /// What the server sees, from here: it may have been mounted for it alone.
    pub(crate) fn seen(&self, path: &Path) -> PathBuf {
        let root = format!("/proc/{}/root", self.process.id());
        Path::new(&root).join(path.strip_prefix("/").unwrap())
    }

    /// Ends it at once, as `pg_ctl stop -m immediate` does; answers when it is there again.
    pub(crate) fn crash(&self) {
        let pid = || {
            let file = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
            file.lines().next().map(str::to_owned)
        };
        let old = pid().unwrap();
        assert!(Command::new("kill").args(["-s", "QUIT", &old]).status().unwrap().success());
        until("the server is not there again", || {
            pid().is_some_and(|now| now != old)
                && block_on(PgConnection::connect(&self.address)).is_ok()
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start(""));

/// The address of the server: the one that `DATABASE_URL` names, or one that is started.
pub(crate) fn address() -> String {
    std::env::var("DATABASE_URL").unwrap_or_else(|_| SERVER.address.clone())
}

/// A schema that goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) name: String,
}

impl Schema {
    /// A name that no other test has.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { name: format!("commerce_test_{}_{count}", std::process::id()) }
    }

    /// How a store in it is opened. What is tested is the end of processes, not the loss of power.
    pub(crate) fn options(&self) -> OpenOptions {
        PgStore::options().schema(&self.name).allow_data_loss()
    }

    /// A store in it.
    pub(crate) fn open(&self) -> PgStore {
        block_on(self.options().open(&address())).unwrap()
    }

    /// A connection whose search path it is.
    pub(crate) fn connect(&self) -> PgConnection {
        let options: PgConnectOptions = address().parse().unwrap();
        let options = options.options([("search_path", format!("\"{}\"", self.name))]);
        block_on(PgConnection::connect_with(&options)).unwrap()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let drop = format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.name);
        block_on(async {
            let mut connection = PgConnection::connect(&address()).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await.unwrap();
        });
    }
}

/// A store, and the schema that goes with it.
pub(crate) fn store() -> (PgStore, Schema) {
    let schema = Schema::new();
    (schema.open(), schema)
}

/// Runs statements without parameters.
pub(crate) fn run(connection: &mut PgConnection, sql: &str) {
    block_on(sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection)).unwrap();
}

/// One number.
pub(crate) fn number(connection: &mut PgConnection, sql: &str) -> i64 {
    block_on(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection)).unwrap()
}

/// Waits until it is so; whatever it is, it takes no minute.
pub(crate) fn until(what_else: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what_else}");
        std::thread::yield_now();
    }
}

/// Runs a future beside the test.
pub(crate) fn spawn<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    RUNTIME.spawn(future)
}

/// Polls a future so many times, and drops it.
pub(crate) async fn polled<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut done = 0;
    poll_fn(|context| {
        if done == polls {
            return Poll::Ready(None);
        }
        done += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}
