//! Servers that share a shop and nothing else.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    buyers::post,
    common::{Schema, Server, address, run},
    left_out, output, program,
    support::{Answer, Process, agent},
};

/// Somebody who asks servers, as whom a header tells.
struct Client(&'static str, String);

impl Client {
    fn send(&self, server: &Process, method: &str, path: &str, body: Option<Value>) -> Answer {
        let url = format!("http://{}/api/v1{path}", server.address);
        let request = ureq::http::Request::builder().method(method).uri(url);
        let request = request.header(self.0, &self.1);
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

const EXPORT: &str = "Handle,Title,Variant SKU,Variant Price,Status\n\
    lamp,Lamp,LAMP-1,49.90,active\nstool,Stool,STOOL-1,89.00,active\n";

#[test]
fn two_servers_are_one_shop_and_either_can_go() {
    if left_out() {
        return;
    }
    let (folder, schema) = (tempfile::tempdir().unwrap(), Schema::new());
    let shop = ["--database", &address(), "--postgres-schema", &schema.name];
    let serve = || {
        let mut command = program(folder.path());
        command.args(["serve", "--demo", "--listen", "127.0.0.1:0"]).args(shop);
        Process::start(command)
    };
    // They start at the same time, and in the same folder.
    let [mut one, other] = std::thread::scope(|scope| {
        [scope.spawn(serve), scope.spawn(serve)].map(|server| server.join().unwrap())
    });
    assert!(one.greeting.contains(&format!("schema     {}", schema.name)), "{}", one.greeting);
    assert!(!one.greeting.contains("data  "), "{}", one.greeting);
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is kept here");
    for server in [&one, &other] {
        let ready = format!("http://{}/readyz", server.address);
        assert_eq!(Answer::of(agent().get(ready).call()).status, 200);
    }

    let (code, token, error) =
        output(program(folder.path()).args(["token", "create", "--scope", "admin"]).args(shop));
    assert_eq!((code, error.as_str()), (0, ""));
    let office = Client("authorization", format!("Bearer {}", token.trim_end()));
    fs::write(folder.path().join("export.csv"), EXPORT).unwrap();
    let import = || {
        let mut command = program(folder.path());
        output(command.args(["import", "shopify", "export.csv"]).args(shop))
    };
    let (code, out, error) = import();
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("products: 2 created"), "{out}");
    assert!(import().1.contains("2 unchanged"));
    let nobody = Client("x-client", "test".to_owned());
    let found = |server: &Process| {
        let list = nobody.send(server, "GET", "/products?limit=50&sort=title", None).json();
        list["items"].as_array().unwrap().clone()
    };
    let products = found(&one);
    assert_eq!(products.len(), 14, "the demo is loaded once, and the file");
    assert_eq!(found(&other), products);

    // The cart is filled at one, bought at the other, and looked at here and there.
    let towel = &nobody.send(&one, "GET", "/products/linen-tea-towel", None).json()["variants"][0];
    let settings = office.send(&other, "GET", "/shop", None).json();
    let cart = nobody.send(
        &one,
        "POST",
        "/carts",
        Some(json!({
            "lines": [{ "variant_id": towel["id"], "quantity": 3 }],
            "email": "guest@example.com",
            "shipping_address":
                { "name": "G. Guest", "line1": "Street 1", "city": "Berlin", "country": "DE" },
            "shipping_method": settings["shipping_methods"][0]["id"],
        })),
    );
    assert_eq!(cart.status, 201, "{}", cart.text());
    let cart = cart.json();
    let guest = Client("cart-token", cart["token"].as_str().unwrap().to_owned());
    let checkout = format!("/carts/{}/checkout", cart["id"].as_str().unwrap());
    let pay = || Some(json!({ "payment": { "gateway": "manual" } }));
    let order = guest.send(&other, "POST", &checkout, pay());
    assert_eq!(order.status, 201, "{}", order.text());
    one.child.kill().unwrap();
    one.child.wait().unwrap();
    let third = serve();
    for server in [&other, &third] {
        let again = guest.send(server, "POST", &checkout, pay());
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.body, order.body);
        let orders = office.send(server, "GET", "/orders?total=true", None).json();
        assert_eq!(orders["total"], 1);
        assert_eq!(found(server).len(), 14);
    }
}

/// Waits until a server says that it is ready, or that it is not.
fn becomes(server: &Process, status: u16) {
    let (agent, until) = (agent(), Instant::now() + Duration::from_secs(30));
    let ready = format!("http://{}/readyz", server.address);
    while Answer::of(agent.get(&ready).call()).status != status {
        assert!(Instant::now() < until, "{status} is not said");
    }
}

#[test]
fn a_server_whose_database_takes_no_writes_is_not_ready() {
    if left_out() {
        return;
    }
    let (folder, database) = (tempfile::tempdir().unwrap(), Server::start(""));
    let mut command = program(folder.path());
    command.args(["--listen", "127.0.0.1:0", "--database", &database.address]);
    let server = Process::start(command);
    let client = Client("x-client", "test".to_owned());
    let writes = || {
        let carts = format!("http://{}/api/v1/carts", server.address);
        let cart = post(&agent(), &carts, &[], &json!({})).unwrap();
        assert_eq!(cart.status, 201, "{}", cart.text());
    };
    becomes(&server, 200);
    writes();
    // It is told to refuse writes, as some do whose disk is nearly full.
    let mut admin = database.connect();
    run(&mut admin, "ALTER SYSTEM SET default_transaction_read_only = on");
    run(&mut admin, "SELECT pg_reload_conf()");
    becomes(&server, 503);
    assert_eq!(client.send(&server, "GET", "/products", None).status, 200, "reading goes on");
    run(&mut admin, "ALTER SYSTEM RESET default_transaction_read_only");
    run(&mut admin, "SELECT pg_reload_conf()");
    becomes(&server, 200);
    writes();
    // It follows another one, until it takes that one's place.
    let signal = database.data().join("standby.signal");
    run(&mut admin, &format!("COPY (SELECT) TO '{}'", signal.display()));
    database.crash();
    becomes(&server, 503);
    assert_eq!(client.send(&server, "GET", "/products", None).status, 200, "reading goes on");
    run(&mut database.connect(), "SELECT pg_promote()");
    becomes(&server, 200);
    writes();
}
