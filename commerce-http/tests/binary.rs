//! The program `commerce` as people run it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

#[cfg(unix)]
use std::os::unix::process::CommandExt as _;
use std::{
    fs,
    io::{Read, Write},
    process::Stdio,
};

use commerce_core::{
    access::Caller,
    store::{PageRequest, ProductQuery, ProductRef},
    text::Slug,
};
use pollster::block_on;
use serde_json::{Value, json};
use support::{Answer, Process, agent, commerce};

fn output(command: &mut std::process::Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn its_health_is_told_by_the_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    let health = |listen: &str| {
        let mut command = commerce(folder.path());
        output(command.args(["health", "--listen", listen]))
    };
    let mut command = commerce(folder.path());
    command.args(["--listen", "127.0.0.1:0"]);
    let server = Process::start(command);
    let listen = server.address.to_string();
    let everywhere = format!("0.0.0.0:{}", server.address.port());
    for listen in [&listen, &everywhere] {
        assert_eq!(health(listen), (0, String::new(), String::new()));
    }
    drop(server);
    let (code, out, error) = health(&listen);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(error.starts_with(&format!("error: {listen} is not ready: ")), "{error}");
    // What answers is not a shop that can sell.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = other.local_addr().unwrap().to_string();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap();
    });
    let (code, _, error) = health(&listen);
    let why = format!("error: {listen} is not ready: the server says so\n");
    assert_eq!((code, error), (1, why));
    answering.join().unwrap();
}

#[test]
#[cfg(unix)]
fn it_greets_serves_logs_and_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = commerce(folder.path());
    command
        .args(["--listen", "127.0.0.1:0", "--data", "deep/my shop"])
        .env("COMMERCE_LOG_FORMAT", "json")
        .arg0("./the-shop");
    let mut server = Process::start(command);
    let data = folder.path().canonicalize().unwrap().join("deep/my shop");
    for part in [
        format!("listening  http://{}", server.address),
        format!("docs       http://{}/docs", server.address),
        format!("data       {}", data.display()),
        format!("token      ./the-shop token create --scope admin --data '{}'", data.display()),
    ] {
        assert!(server.greeting.contains(&part), "{part} in {}", server.greeting);
    }
    let url = format!("http://{}/api/v1/openapi.json?token=hunter2", server.address);
    let request = agent().get(url).header("authorization", "Bearer hunter2");
    assert_eq!(Answer::of(request.header("x-request-id", "it-1").call()).status, 200);
    server.signal("TERM");
    let mut log = String::new();
    server.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(server.child.wait().unwrap().success(), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
    let line = log.lines().find(|line| line.contains("it-1")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["method"], "GET");
    assert_eq!(line["route"], "/api/v1/openapi.json");
    assert_eq!(line["status"], 200);
    assert!(line["latency_us"].is_u64());
}

#[test]
#[cfg(unix)]
fn a_token_is_made_as_the_greeting_says() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("a shop's program");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_commerce"), program).unwrap();
    let mut command = commerce(folder.path());
    command.args(["--listen", "127.0.0.1:0", "--data", "data"]).arg0("./a shop's program");
    let server = Process::start(command);
    let line = server.greeting.lines().find_map(|line| line.strip_prefix("  token ")).unwrap();
    let mut shell = std::process::Command::new("sh");
    let (code, token, error) = output(shell.args(["-c", line]).current_dir(folder.path()));
    assert_eq!((code, token.trim_end().len()), (0, 64), "{error}");
    let orders = agent().get(format!("http://{}/api/v1/orders", server.address));
    let orders = orders.header("authorization", format!("Bearer {}", token.trim_end()));
    assert_eq!(Answer::of(orders.call()).status, 200);
}

#[test]
#[cfg(unix)]
fn a_gateway_that_is_offered_and_not_there_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let serve = || {
        let mut command = commerce(folder.path());
        command.args(["--listen", "127.0.0.1:0"]);
        Process::start(command)
    };
    let log_of = |mut server: Process| {
        server.signal("TERM");
        let mut log = String::new();
        server.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    };
    let warning = "the shop offers the gateway `strpie`, which this server does not have";
    let server = serve();
    let create = ["token", "create", "--scope", "admin"];
    let (_, token, _) = output(commerce(folder.path()).args(create));
    let patch = json!({ "payment_terms": { "strpie": { "kind": "prepaid", "days": 1 } } });
    let request = agent().patch(format!("http://{}/api/v1/shop", server.address));
    let request = request.header("authorization", format!("Bearer {}", token.trim()));
    let request = request.header("content-type", "application/json");
    assert_eq!(Answer::of(request.send(patch.to_string())).status, 200);
    let log = log_of(server);
    assert_eq!(log.matches(warning).count(), 1, "{log}");
    let log = log_of(serve());
    assert_eq!(log.matches(warning).count(), 1, "{log}");
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = commerce(folder.path());
        command.args(["--listen", "127.0.0.1:0"]);
        command
    };
    let first = Process::start(start());
    let (code, out, error) = output(&mut start());
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(error.starts_with("error: another commerce server runs on "), "{error}");
    assert!(error.contains("commerce-data"), "{error}");
    // Nor is one with the same database below another data folder.
    let shared = ["--listen", "127.0.0.1:0", "--database", "sqlite:x.db", "--data"];
    let mut third = commerce(folder.path());
    let _third = Process::start({
        third.args(shared).arg("third");
        third
    });
    let (code, _, error) = output(commerce(folder.path()).args(shared).arg("fourth"));
    assert_eq!(code, 1);
    assert!(error.contains("another commerce server runs on") && error.contains("x.db"), "{error}");
    // Nor one that names the file of the first, nor one beside another that has named its own.
    let listen = ["--listen", "127.0.0.1:0"];
    let refused = |arguments: &[&str]| {
        let (code, _, error) = output(commerce(folder.path()).args(listen).args(arguments));
        assert_eq!(code, 1, "{error}");
        let path = "commerce.db: stop it";
        assert!(
            error.contains("another commerce server runs on") && error.contains(path),
            "{error}"
        );
    };
    refused(&["--data", "fifth", "--database", "sqlite:commerce-data/commerce.db"]);
    fs::create_dir(folder.path().join("sixth")).unwrap();
    let mut sixth = commerce(folder.path());
    sixth.args(listen).args(["--data", "fifth", "--database", "sqlite:sixth/commerce.db"]);
    let _sixth = Process::start(sixth);
    refused(&["--data", "sixth"]);
    // A server that was killed leaves nothing behind that would refuse the next.
    drop(first);
    Process::start(start());
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_shows_nothing_but_what_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let line = format!("{} health --listen {listen}", env!("CARGO_BIN_EXE_commerce"));
    let mut terminal = std::process::Command::new("script");
    terminal.args(["-qec", &line, "/dev/null"]).current_dir(folder.path());
    let (code, shown, _) = output(terminal.stdin(Stdio::null()));
    assert_eq!(code, 1, "{shown}");
    assert!(shown.starts_with(&format!("error: {listen} is not ready: ")), "{shown}");
    assert_eq!(shown.lines().count(), 1, "{shown}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, error) = output(commerce(folder.path()).args(["serve", "--listen", &address]));
    assert_eq!(code, 1);
    assert!(error.starts_with(&format!("error: cannot listen on {address}: ")), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn a_data_folder_that_cannot_be_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let (code, _, error) = output(commerce(folder.path()).args(["--data", "file/shop"]));
    assert_eq!(code, 1);
    assert!(error.starts_with("error: cannot create the data folder file/shop: "), "{error}");
}

#[test]
fn an_export_can_be_piped_in() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("export.csv"), EXPORT).unwrap();
    let piped = fs::File::open(folder.path().join("export.csv")).unwrap();
    let (code, out, error) =
        output(commerce(folder.path()).args(["import", "shopify", "-"]).stdin(piped));
    assert_eq!((code, error.as_str()), (0, ""), "{out}");
    let again = output(commerce(folder.path()).args(["import", "shopify", "export.csv"]));
    assert!(out.contains("0 failed") && again.1.contains("0 created"), "{out}{}", again.1);
    let empty = ["import", "shopify", "-"];
    let (code, _, error) = output(commerce(folder.path()).args(empty).stdin(Stdio::null()));
    assert_eq!(code, 2);
    assert!(error.starts_with("error: -: "), "{error}");
}

#[test]
fn a_folder_that_a_database_would_need_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("export.csv"), EXPORT).unwrap();
    let database = ["--database", "sqlite:nodir/x.db"];
    let import = ["import", "shopify", "export.csv", "--dry-run"];
    for (arguments, status) in
        [(&["serve", "--listen", "127.0.0.1:0"][..], 1), (&["token", "list"], 1), (&import, 2)]
    {
        let (code, _, error) = output(commerce(folder.path()).args(arguments).args(database));
        assert_eq!(code, status);
        let expected = "error: there is no folder nodir for the database file: make it first\n";
        assert_eq!(error, expected);
    }
    assert!(!folder.path().join("nodir").exists());
}

#[test]
fn settings_that_cannot_be_used_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("commerce.toml"), "lisen = \"127.0.0.1:1\"\n").unwrap();
    let (code, _, error) = output(commerce(folder.path()).env("COMMERCE_LISTEN", "here"));
    assert_eq!(code, 2);
    assert!(error.contains("unknown setting `lisen` (file "), "{error}");
    assert!(error.contains("commerce.toml); did you mean `listen`?"), "{error}");
    assert!(error.contains("(environment variable COMMERCE_LISTEN)"), "{error}");
    let (code, _, error) = output(commerce(folder.path()).args(["--config", "none.toml"]));
    assert_eq!(code, 2);
    assert!(error.contains("cannot read the configuration file none.toml: "), "{error}");
    fs::write(folder.path().join("broken.toml"), "listen = \n").unwrap();
    let (code, _, error) = output(commerce(folder.path()).args(["--config", "broken.toml"]));
    assert_eq!(code, 2);
    assert!(error.trim_end().ends_with("broken.toml)"), "{error}");
    assert!(error.lines().all(|line| !line.trim_start().starts_with('(')), "{error}");
    let (code, _, error) = output(commerce(folder.path()).env("COMMERCE_LOG_FORMAT", "xml"));
    assert_eq!(code, 2);
    assert!(!error.contains("``"), "{error}");
    let (code, _, _) = output(commerce(folder.path()).arg("sell"));
    assert_eq!(code, 2);
}

#[test]
fn the_settings_in_force_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("commerce.toml"), "body_limit = 4096\n").unwrap();
    let mut command = commerce(folder.path());
    command.args(["config", "--listen", "127.0.0.1:9"]).env("COMMERCE_DEMO", "true");
    command.env("COMMERCE_DATABASE", "postgres://shop:hunter2@db.example/shop");
    let (code, out, error) = output(&mut command);
    assert_eq!(code, 0, "{error}");
    for (key, value, source) in [
        ("body_limit", "4096", "file "),
        ("listen", "\"127.0.0.1:9\"", "flag --listen"),
        ("demo", "true", "environment variable COMMERCE_DEMO"),
        ("database", "\"postgres://shop:***@db.example/shop\"", "environment variable"),
        ("metrics", "true", "default"),
    ] {
        let line = out.lines().find(|line| line.starts_with(&format!("{key} = {value}")));
        assert!(line.is_some_and(|line| line.contains(&format!("# {source}"))), "{key} in {out}");
    }
    assert!(!out.contains("hunter2"));
    // What no server would start with is printed, and is no success.
    for (name, value) in [
        ("COMMERCE_STRIPE_SECRET_KEY", "foo"),
        ("COMMERCE_STRIPE_SECRET_KEY_FILE", "nowhere"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_x"),
    ] {
        let mut command = commerce(folder.path());
        let (code, out, error) = output(command.arg("config").env(name, value));
        assert_eq!(code, 2, "{name}");
        assert!(out.contains("body_limit") && error.contains("stripe_"), "{error}");
    }
}

#[test]
fn metrics_can_have_an_address_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = commerce(folder.path());
    command.args(["--listen", "127.0.0.1:0"]).env("COMMERCE_METRICS_LISTEN", free.to_string());
    let server = Process::start(command);
    let get = |url: String| Answer::of(agent().get(url).call());
    get(format!("http://{}/metrics", server.address)).problem(404, "not_found");
    let counted = get(format!("http://{free}/metrics"));
    assert!(
        counted
            .text()
            .contains(r#"http_requests_total{method="GET",route="/metrics",status="404"} 1"#)
    );
}

#[test]
fn the_document_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = output(commerce(folder.path()).arg("openapi"));
    assert_eq!(code, 0);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(document["paths"]["/readyz"]["get"]["responses"]["503"].is_object());
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "it leaves nothing behind");
}

#[test]
#[cfg(target_os = "linux")]
fn a_log_that_cannot_be_written_stops_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = commerce(folder.path());
    command.args(["--listen", "127.0.0.1:0"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let server = Process::start_with_log(command, full.into());
    let url = format!("http://{}/healthz", server.address);
    assert_eq!(Answer::of(agent().get(url).call()).status, 200);
}

/// A client of a running program.
struct Client<'a> {
    server: &'a Process,
    header: (&'static str, String),
}

impl Client<'_> {
    fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let url = format!("http://{}/api/v1{path}", self.server.address);
        let (name, value) = &self.header;
        let request = ureq::http::Request::builder().method(method).uri(url).header(*name, value);
        Answer::of(match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                let request = request.header("idempotency-key", "0123456789abcdef");
                agent().run(request.body(body.to_string()).unwrap())
            }
            None => agent().run(request.body(()).unwrap()),
        })
    }
}

const EXPORT: &str = "Handle,Title,Variant SKU,Variant Price,Status,Variant Inventory Qty\n\
    lamp,Lamp,LAMP-1,49.90,active,4\nstool,Stool,STOOL-1,89.00,active,6\n";

#[test]
fn a_dry_run_makes_no_shop() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("export.csv"), EXPORT).unwrap();
    let import = ["import", "shopify", "export.csv", "--dry-run"];
    let (code, out, error) = output(commerce(folder.path()).args(import));
    assert_eq!((code, error.as_str()), (0, ""));
    assert!(out.contains("products: 2 created"), "{out}");
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["export.csv"]);
}

#[test]
fn a_file_that_is_none_makes_no_shop() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("other.csv"), "Name,Price\nx,1\n").unwrap();
    for (file, why) in [
        ("missing.csv", "error: missing.csv: the file cannot be read: No such file or directory"),
        ("other.csv", "error: other.csv: not a Shopify product export: no column Handle"),
    ] {
        let import = ["import", "shopify", file, "--data", "data"];
        let (code, out, error) = output(commerce(folder.path()).args(import));
        assert_eq!((code, out.as_str()), (2, ""), "{error}");
        assert!(error.starts_with(why), "{error}");
    }
    let (code, out, error) =
        output(commerce(folder.path()).args(["token", "list", "--data", "data"]));
    assert_eq!((code, out.as_str(), error.as_str()), (0, "", ""));
    assert!(!folder.path().join("data").exists());
}

#[test]
fn an_import_that_cannot_begin_is_told_from_one_that_left_products_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("export.csv"), EXPORT).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    fs::write(folder.path().join("other.db"), "something else, and more than a header of it")
        .unwrap();
    fs::write(folder.path().join("odd.csv"), format!("{EXPORT}rug,Rug,RUG-1,dear,active,1\n"))
        .unwrap();
    let import = |file: &str, flags: &[&str]| {
        output(commerce(folder.path()).args(["import", "shopify", file]).args(flags))
    };
    for flags in [
        ["--data", "file"],
        ["--database", "sqlite:other.db"],
        ["--database", "sqlite:none/shop.db"],
        ["--database", "postgres://nobody@127.0.0.1:1/none"],
        ["--database", "cloud:shop"],
    ] {
        let (code, out, error) = import("export.csv", &flags);
        assert_eq!((code, out.as_str()), (2, ""), "{flags:?}: {error}");
        assert!(error.starts_with("error: "), "{flags:?}: {error}");
    }
    let (code, out, error) = import("odd.csv", &[]);
    assert_eq!(code, 1, "{error}");
    assert!(out.contains("products: 2 created"), "{out}");
    // Of other commands, 1 says that they failed.
    let list = ["token", "list", "--database", "sqlite:other.db"];
    assert_eq!(output(commerce(folder.path()).args(list)).0, 1);
}

#[test]
fn a_shop_that_an_import_makes_has_the_currency_of_its_prices() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("export.csv"), EXPORT).unwrap();
    let import = |data: &str, flags: &[&str]| {
        let mut command = commerce(folder.path());
        command.args(["import", "shopify", "export.csv", "--data", data]).args(flags);
        let (code, out, error) = output(&mut command);
        assert_eq!((code, error.as_str()), (0, ""));
        out
    };
    let currency = |data: &str| {
        let shop = commerce_sqlite::open(folder.path().join(data).join("commerce.db")).unwrap();
        block_on(shop.shop()).unwrap().currency.code()
    };
    for flags in [&["--currency", "EUR", "--dry-run"][..], &["--currency", "EUR"]] {
        let out = import("euros", flags);
        assert!(out.contains("prices in EUR") && !out.contains("note:"), "{out}");
    }
    assert_eq!(currency("euros"), "EUR");
    import("dollars", &[]);
    assert_eq!(currency("dollars"), "USD");
    // One that is there stays as it is.
    let out = import("dollars", &["--currency", "EUR"]);
    assert!(out.contains("note: the shop's currency is USD"), "{out}");
    assert_eq!(currency("dollars"), "USD");
}

#[test]
#[cfg(unix)]
fn a_shop_sells_is_filled_and_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let serve = || {
        let mut command = commerce(folder.path());
        command.args(["--demo", "--listen", "127.0.0.1:0"]);
        Process::start(command)
    };
    let mut server = serve();
    // A token is made beside the running server, and is all that is printed.
    let (code, token, error) =
        output(commerce(folder.path()).args(["token", "create", "--scope", "admin"]));
    assert_eq!((code, error.as_str()), (0, ""));
    assert_eq!((token.lines().count(), token.trim_end().len()), (1, 64), "{token}");
    let listed = || output(commerce(folder.path()).args(["token", "list"])).1;
    let list = listed();
    let fields: Vec<_> = list.trim_end().split('\t').collect();
    assert_eq!((list.lines().count(), fields[1], fields[3]), (1, "admin", "in force"), "{list}");
    assert!(!list.contains(token.trim_end()));
    let (code, other, _) = output(
        commerce(folder.path()).args(["token", "create", "--scope", "admin", "--label", "till"]),
    );
    assert_eq!(code, 0);
    let till = listed().lines().find(|line| line.ends_with("\ttill")).unwrap().to_owned();
    let till = till.split('\t').next().unwrap().to_owned();
    let (code, ..) = output(commerce(folder.path()).args(["token", "revoke", &till]));
    assert_eq!(code, 0);
    assert!(listed().lines().any(|line| line.starts_with(&till) && line.contains("\trevoked 2")));
    let withdrawn = ("authorization", format!("Bearer {}", other.trim_end()));
    let withdrawn = Client { server: &server, header: withdrawn };
    assert_eq!(withdrawn.send("GET", "/orders", None).status, 401);
    let (code, _, error) = output(commerce(folder.path()).args([
        "token",
        "revoke",
        "tok_00000000000000000000000000000007",
    ]));
    assert_eq!(code, 1);
    assert!(error.contains("there is no such token"), "{error}");
    let bearer = ("authorization", format!("Bearer {}", token.trim_end()));
    let office = Client { server: &server, header: bearer.clone() };
    assert_eq!(office.send("GET", "/orders?total=true", None).json()["total"], 0);

    // Another program reads the same file.
    let file = folder.path().join("commerce-data/commerce.db");
    let shop = commerce_sqlite::open(&file).unwrap();
    let towel = ProductRef::Slug(Slug::new("linen-tea-towel").unwrap());
    let towel = block_on(shop.product(&Caller::anonymous(), &towel, None)).unwrap();
    let parcel = block_on(shop.shop()).unwrap().shipping_methods[0].id;
    let nobody = Client { server: &server, header: ("x-client", "test".to_owned()) };
    let cart = nobody.send(
        "POST",
        "/carts",
        Some(json!({
            "lines": [{ "variant_id": towel.variants[0].id, "quantity": 3 }],
            "email": "guest@example.com",
            "shipping_address":
                { "name": "G. Guest", "line1": "Street 1", "city": "Berlin", "country": "DE" },
            "shipping_method": parcel,
        })),
    );
    assert_eq!(cart.status, 201, "{}", cart.text());
    let cart = cart.json();
    assert_eq!(cart["total"], json!({ "amount": 3 * 1200 + 490, "currency": "EUR" }));
    let secret = cart["token"].as_str().unwrap().to_owned();
    let guest = Client { server: &server, header: ("cart-token", secret.clone()) };
    let checkout = format!("/carts/{}/checkout", cart["id"].as_str().unwrap());
    let order = guest.send("POST", &checkout, Some(json!({ "payment": { "gateway": "manual" } })));
    assert_eq!(order.status, 201, "{}", order.text());
    let path = format!("/orders/{}", order.json()["order"]["number"].as_str().unwrap());

    fs::write(folder.path().join("export.csv"), EXPORT).unwrap();
    let import = |flags: &[&str]| {
        output(commerce(folder.path()).args(["import", "shopify", "export.csv"]).args(flags))
    };
    let (code, out, error) = import(&["--dry-run"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("products: 2 created"), "{out}");
    let (code, out, error) = import(&[]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("products: 2 created"), "{out}");
    let office = Client { server: &server, header: bearer.clone() };
    let first = office.send("POST", "/locations", Some(json!({ "name": "New", "priority": -1 })));
    assert_eq!(first.status, 201, "{}", first.text());
    for flags in [&[][..], &["--keep-stock"]] {
        let (_, out, _) = import(flags);
        assert!(out.contains("products: 0 created, 0 updated, 2 unchanged"), "{out}");
        assert!(out.contains("stock levels: 0 set"), "{out}");
    }
    let (code, _, error) = import(&["--currency", "coins"]);
    assert_eq!(code, 2);
    let expected = "invalid value 'coins' for '--currency <CODE>': must be the ISO 4217 code";
    assert!(error.contains(expected), "{error}");

    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    let server = serve();
    let guest = Client { server: &server, header: ("cart-token", secret) };
    assert_eq!(guest.send("GET", &path, None).json(), order.json()["order"]);
    let again = guest.send("POST", &checkout, Some(json!({ "payment": { "gateway": "manual" } })));
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &order.body));
    let office = Client { server: &server, header: bearer };
    assert_eq!(office.send("GET", "/orders?total=true", None).json()["total"], 1);
    let all = ProductQuery {
        filter: Default::default(),
        currency: commerce_core::currency::Currency::EUR,
        sort: Some(Default::default()),
        descending: false,
        page: PageRequest { total: true, ..PageRequest::first(1) },
    };
    let count = block_on(shop.queries().products(&all)).unwrap().total;
    assert_eq!(count, Some(14), "the demo is loaded once");
}

#[test]
fn a_file_that_is_no_shop_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = "not a database, but what somebody wrote\n".repeat(100);
    fs::write(folder.path().join("notes.db"), &text).unwrap();
    let (code, out, error) = output(commerce(folder.path()).args([
        "--listen",
        "127.0.0.1:0",
        "--database",
        "sqlite:notes.db",
    ]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(error.starts_with("error: cannot open sqlite:notes.db: "), "{error}");
    assert_eq!(fs::read_to_string(folder.path().join("notes.db")).unwrap(), text);
}
