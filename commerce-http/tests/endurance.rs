//! The program where things go wrong around it: it is killed, its disk is full, its files are not its
//! own or not what they were.
//!
//! `KILLS` says how often the server is killed.

// Its disk is filled by a limit on the size of files, which `prlimit` sets.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    collections::HashMap,
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use commerce_core::{
    Commerce,
    access::Caller,
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    currency::Currency,
    id::VariantId,
    money::Money,
    shop::Shop,
    store::{OrderFilter, OrderQuery, PageRequest, VariantRef},
};
use commerce_sqlite::rusqlite::Connection;
use pollster::block_on;
use serde_json::{Value, json};
use support::{Answer, Process, agent, commerce};

const UNITS: i64 = 1_000_000;

/// A shop that sells one thing, in the data folder of a server that is yet to start.
fn stock(folder: &Path) {
    let data = folder.join("commerce-data");
    fs::create_dir(&data).unwrap();
    let shop = commerce_sqlite::open(data.join("commerce.db")).unwrap();
    block_on(shop.open(Shop::new("Test", Currency::EUR).unwrap())).unwrap();
    let mug = CreateProduct {
        status: ProductStatus::Active,
        variants: vec![CreateVariant::new("MUG", Money::new(1250, Currency::EUR)).unwrap()],
        ..CreateProduct::new("Mug").unwrap()
    };
    let office = Caller::system();
    let mug = block_on(shop.create_product(&office, &mug)).unwrap().variants[0].id;
    block_on(shop.receive_stock(&office, None, &[(mug, UNITS)], None)).unwrap();
}

/// The same shop beside the server.
fn beside(folder: &Path) -> (Commerce, VariantId) {
    let shop = commerce_sqlite::open(folder.join("commerce-data/commerce.db")).unwrap();
    let mug = VariantRef::Sku("MUG".parse().unwrap());
    let mug = block_on(shop.variant(&Caller::system(), &mug)).unwrap().id;
    (shop, mug)
}

/// Checks that so many orders of one unit are there, that the stock says the same, and that the file
/// is whole.
fn check_books(folder: &Path, orders: usize) {
    let (shop, mug) = beside(folder);
    let page = PageRequest { total: true, ..PageRequest::first(1) };
    let query = OrderQuery { filter: OrderFilter::default(), page };
    let listed = block_on(shop.orders(&Caller::system(), &query)).unwrap();
    let orders = i64::try_from(orders).unwrap();
    assert_eq!(listed.total.map(|total| i64::try_from(total).unwrap()), Some(orders));
    let stock = block_on(shop.stock_of(&Caller::system(), mug)).unwrap();
    assert_eq!((stock.on_hand, stock.held), (UNITS, orders));
    let file = Connection::open(folder.join("commerce-data/commerce.db")).unwrap();
    let state: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(state, "ok");
}

fn serve(folder: &Path) -> Process {
    let mut command = commerce(folder);
    command.args(["--listen", "127.0.0.1:0"]);
    Process::start(command)
}

/// Asks a server, which may be dead before it answers.
fn ask(server: &str, path: &str, header: (&str, &str), body: &Value) -> Option<Answer> {
    let request = agent().post(format!("http://{server}/api/v1{path}"));
    let request = request.header("content-type", "application/json").header(header.0, header.1);
    let request = request.header("idempotency-key", "0123456789abcdef");
    let (parts, mut body) = request.send(body.to_string()).ok()?.into_parts();
    let whole = body.read_to_vec().ok()?;
    Some(Answer::of(Ok(ureq::http::Response::from_parts(parts, ureq::Body::builder().data(whole)))))
}

/// A guest's cart that is ready for the checkout.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Cart {
    path: String,
    token: String,
}

impl Cart {
    /// `None` when the server does not make one.
    fn fill(server: &str, mug: VariantId) -> Option<Self> {
        let body = json!({
            "lines": [{ "variant_id": mug, "quantity": 1 }],
            "email": "guest@example.com",
            "shipping_address":
                { "name": "G. Guest", "line1": "Street 1", "city": "Berlin", "country": "DE" },
        });
        // Each cart has a key of its own, or it would be the first one again.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let key = format!("cart-{:016}", COUNT.fetch_add(1, Ordering::SeqCst));
        let request = agent().post(format!("http://{server}/api/v1/carts"));
        let request = request.header("content-type", "application/json");
        let answer = request.header("idempotency-key", key).send(body.to_string()).ok()?;
        let cart: Value = serde_json::from_slice(&answer.into_body().read_to_vec().ok()?).ok()?;
        Some(Self {
            path: format!("/carts/{}/checkout", cart["id"].as_str()?),
            token: cart["token"].as_str()?.to_owned(),
        })
    }

    fn check_out(&self, server: &str) -> Option<Answer> {
        let body = json!({ "payment": { "gateway": "manual" } });
        ask(server, &self.path, ("cart-token", &self.token), &body)
    }
}

fn kills() -> usize {
    std::env::var("KILLS").map_or(5, |kills| kills.parse().unwrap())
}

#[test]
fn a_server_that_is_killed_forgets_no_order_and_makes_none_twice() {
    let folder = tempfile::tempdir().unwrap();
    stock(folder.path());
    let mug = beside(folder.path()).1;
    let mut orders = 0;
    for round in 1..=kills() {
        let mut server = serve(folder.path());
        let address = &server.address.to_string();
        let asked = Mutex::new(Vec::new());
        let answered = Mutex::new(HashMap::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some(cart) = Cart::fill(address, mug) {
                        asked.lock().unwrap().push(cart.clone());
                        let Some(answer) = cart.check_out(address) else { return };
                        assert_eq!(answer.status, 201, "{}", answer.text());
                        answered.lock().unwrap().insert(cart, answer.body);
                    }
                });
            }
            // At another point of its work each time.
            while answered.lock().unwrap().len() < round * 7 % 30 {
                std::thread::yield_now();
            }
            server.child.kill().unwrap();
            server.child.wait().unwrap();
        });
        let (asked, answered) = (asked.into_inner().unwrap(), answered.into_inner().unwrap());
        orders += asked.len();
        let server = serve(folder.path());
        for cart in asked {
            let again = cart.check_out(&server.address.to_string()).unwrap();
            assert_eq!(again.status, 201, "{}", again.text());
            if let Some(first) = answered.get(&cart) {
                assert_eq!(again.header("idempotency-replayed"), "true");
                assert_eq!(&again.body, first);
            }
        }
    }
    check_books(folder.path(), orders);
}

/// Lets a process make no file longer than this: what is beyond fails, as on a disk without room.
fn limit_files(server: &Process, bytes: &str) {
    let id = server.child.id().to_string();
    let args = ["--pid", &id, &format!("--fsize={bytes}:")];
    assert!(Command::new("prlimit").args(args).status().unwrap().success());
}

#[test]
fn a_full_disk_is_told_loses_nothing_and_is_forgotten_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    stock(folder.path());
    let mug = beside(folder.path()).1;
    let program = commerce(folder.path());
    // Without this the system would kill it.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program.get_program());
    command.args(["--listen", "127.0.0.1:0"]).current_dir(folder.path());
    let server = Process::start_with_log(command, Stdio::null());
    let address = &server.address.to_string();
    let carts: Vec<_> = (0..40).map(|_| Cart::fill(address, mug).unwrap()).collect();
    let log = folder.path().join("commerce-data/commerce.db-wal");
    limit_files(&server, &(fs::metadata(log).unwrap().len() + 200_000).to_string());
    let mut placed = HashMap::new();
    let mut refused = Vec::new();
    for cart in carts {
        let answer = cart.check_out(address).unwrap();
        if answer.status == 201 {
            placed.insert(cart, answer.body);
            continue;
        }
        let code = answer.json()["code"].as_str().unwrap().to_owned();
        assert!(matches!(code.as_str(), "unavailable" | "outcome_unknown"), "{code}");
        let problem = answer.problem(503, &code);
        assert!(!problem.to_string().contains("disk"), "the inside is nobody's business");
        assert!(!answer.header("retry-after").is_empty());
        refused.push(cart);
    }
    assert!(!placed.is_empty() && refused.len() > 10, "{} and {}", placed.len(), refused.len());
    let url = format!("http://{address}/api/v1/products");
    assert_eq!(Answer::of(agent().get(url).call()).status, 200, "reading goes on");

    limit_files(&server, "unlimited");
    for cart in &refused {
        assert_eq!(cart.check_out(address).unwrap().status, 201);
    }
    for (cart, first) in &placed {
        assert_eq!(&cart.check_out(address).unwrap().body, first);
    }
    drop(server);
    check_books(folder.path(), placed.len() + refused.len());
}

/// The program as somebody who may not write everywhere, as the administrator of a system may.
fn as_nobody(folder: &Path) -> Command {
    let mut command = commerce(folder);
    if fs::metadata(folder).unwrap().uid() == 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
        // Where others can start it, too.
        let copy = folder.join("program");
        if !copy.exists() {
            fs::copy(command.get_program(), &copy).unwrap();
        }
        command = Command::new(copy);
        command.current_dir(folder).uid(65_534).gid(65_534);
    }
    command.args(["--listen", "127.0.0.1:0"]);
    command
}

#[track_caller]
fn refused(mut command: Command, why: &str) {
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(output.stdout.is_empty());
    assert!(error.starts_with(&format!("error: {why}")), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn files_that_cannot_be_written_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    stock(&locked);
    let data = locked.join("commerce-data");
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let with = |args: [&str; 2]| {
        let mut command = as_nobody(folder.path());
        command.args(args);
        command
    };
    // A folder in which nothing can be made, one in which no file can, and a file that can only be
    // read.
    mode(&data, 0o555);
    mode(&locked, 0o555);
    refused(with(["--data", "locked/new"]), "cannot create the data folder locked/new: ");
    refused(with(["--data", "locked/commerce-data"]), "cannot write to the data folder /");
    mode(&data, 0o777);
    mode(&data.join("commerce.db"), 0o444);
    refused(with(["--data", "locked/commerce-data"]), "cannot open sqlite:");
    mode(&data.join("commerce.db"), 0o666);
    mode(&locked, 0o755);
    // Somebody else's file that may be written is none that is refused.
    let mut command = as_nobody(folder.path());
    command.args(["--data", "locked/commerce-data"]);
    Process::start(command);
}

#[test]
fn a_database_that_is_not_the_shops_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    stock(folder.path());
    let in_folder = |name: &str| folder.path().join(name);
    fs::create_dir(in_folder("folder.db")).unwrap();
    Connection::open(in_folder("other.db")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    fs::copy(in_folder("commerce-data/commerce.db"), in_folder("newer.db")).unwrap();
    let newer = Connection::open(in_folder("newer.db")).unwrap();
    newer.execute("INSERT INTO commerce_migrations VALUES (99)", []).unwrap();
    drop(newer);
    let whole = fs::read(in_folder("commerce-data/commerce.db")).unwrap();
    fs::write(in_folder("broken.db"), [&whole[..100], &[0xa5; 8_000], &whole[8_100..]].concat())
        .unwrap();
    for (name, why) in [
        ("folder.db", "cannot be written"),
        ("other.db", "is a database of another program"),
        ("newer.db", "have version 99, and this program knows only version 1"),
        ("broken.db", "is damaged"),
    ] {
        let before = fs::read(in_folder(name)).ok();
        let mut command = commerce(folder.path());
        command.args(["--listen", "127.0.0.1:0", "--database", &format!("sqlite:{name}")]);
        let output = command.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {error}");
        assert!(error.starts_with(&format!("error: cannot open sqlite:{name}: ")), "{error}");
        assert!(error.contains(why) && error.lines().count() == 1, "{error}");
        assert_eq!(fs::read(in_folder(name)).ok(), before, "{name}");
    }
}
