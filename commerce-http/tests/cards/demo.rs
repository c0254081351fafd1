//! The program with `--demo`: a fake Stripe inside, and a page to buy in.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::support::{Answer, Process, agent, commerce, shop::destination};
use super::{eur, pay_on_page};

fn program(folder: &Path) -> Command {
    let mut command = commerce(folder);
    // What the tests' own shell has set is not for this program.
    command.env_remove("STRIPE_SECRET_KEY").env_remove("STRIPE_WEBHOOK_SECRET");
    command
}

fn serve(folder: &Path) -> Process {
    let mut command = program(folder);
    command.args(["serve", "--demo", "--listen", "127.0.0.1:0"]);
    Process::start_with_log(command, Stdio::null())
}

/// What a command says: its exit status, standard output and standard error.
fn output(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Asks a server, as whom a header tells.
fn call(
    server: &Process,
    (name, value): (&str, &str),
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let url = format!("http://{}/api/v1{path}", server.address);
    let request = ureq::http::Request::builder().method(method).uri(url).header(name, value);
    Answer::of(match body {
        Some(body) => {
            let request = request.header("content-type", "application/json");
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let key = format!("key of the tests {}", COUNT.fetch_add(1, Ordering::Relaxed));
            let request = request.header("idempotency-key", key);
            agent().run(request.body(body.to_string()).unwrap())
        }
        None => agent().run(request.body(()).unwrap()),
    })
}

/// Places an order for two towels: the token that it answers to, and what was answered.
fn place(server: &Process) -> (String, Value) {
    let nobody = ("x-client", "test");
    let towel = call(server, nobody, "GET", "/products/linen-tea-towel", None).json();
    let mut cart = destination();
    cart["lines"] = json!([{ "variant_id": towel["variants"][0]["id"], "quantity": 2 }]);
    cart["shipping_method"] = json!("ship_0190a000000070008000000000000001");
    let cart = call(server, nobody, "POST", "/carts", Some(cart));
    assert_eq!(cart.status, 201, "{}", cart.text());
    let cart = cart.json();
    let token = cart["token"].as_str().unwrap().to_owned();
    let back = format!("http://{}/demo#order", server.address);
    let flow = json!({ "kind": "hosted", "return_url": back, "cancel_url": back });
    let checkout = format!("/carts/{}/checkout", cart["id"].as_str().unwrap());
    let pay = json!({ "payment": { "gateway": "stripe", "flow": flow } });
    let placed = call(server, ("cart-token", &token), "POST", &checkout, Some(pay));
    assert_eq!(placed.status, 201, "{}", placed.text());
    (token, placed.json())
}

/// Reads something until it is as it should be; a server tells nobody when it has heard of a payment.
fn read_until(
    server: &Process,
    reader: (&str, &str),
    path: &str,
    enough: impl Fn(&Value) -> bool,
) -> Value {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let read = call(server, reader, "GET", path, None).json();
        if enough(&read) {
            return read;
        }
        assert!(Instant::now() < until, "{read}");
        std::thread::yield_now();
    }
}

/// An order once it is paid so far.
fn order_once(server: &Process, token: &str, order: &Value, status: &str) -> Value {
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    read_until(server, ("cart-token", token), &path, |read| read["payment_status"] == status)
}

#[test]
fn a_person_buys_in_the_demo_and_the_books_agree() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let (_, cards) = server.greeting.split_once("a fake Stripe at ").unwrap();
    let (fake, key) = cards.lines().next().unwrap().split_once(" with the key ").unwrap();
    let (token, placed) = place(&server);
    assert_eq!(placed["order"]["total"], eur(2 * 1_200 + 490));
    let page = placed["payment"]["redirect_url"].as_str().unwrap();
    assert!(page.starts_with(fake), "{page}");
    let paid = pay_on_page(page, "4242424242424242");
    assert_eq!(paid.header("location"), format!("http://{}/demo#order", server.address));
    order_once(&server, &token, &placed["order"], "paid");

    let create = ["token", "create", "--scope", "admin"];
    let (_, office, _) = output(program(folder.path()).args(create));
    let office = format!("Bearer {}", office.trim_end());
    let refunds = format!("/orders/{}/refunds", placed["order"]["id"].as_str().unwrap());
    let half = json!({ "amount": eur(1_445) });
    let refunded = call(&server, ("authorization", &office), "POST", &refunds, Some(half));
    assert_eq!(refunded.status, 201, "{}", refunded.text());
    let order = order_once(&server, &token, &placed["order"], "partially_refunded");
    assert_eq!(order["payments"][0]["refunds"][0]["amount"], eur(1_445));

    let today = &order["placed_at"].as_str().unwrap()[..10];
    let compare = |json: &[&str]| {
        let mut command = program(folder.path());
        command.env("STRIPE_SECRET_KEY", key).env("COMMERCE_STRIPE_API", fake);
        output(command.args(["reconcile", "--from", today]).args(json))
    };
    let (code, out, error) = compare(&[]);
    assert_eq!(code, 0, "{out}{error}");
    assert!(out.contains("2 movements at the provider"), "{out}");
    assert!(out.contains("28.90 EUR") && out.ends_with("no difference\n"), "{out}");
    let (code, out, _) = compare(&["--json"]);
    let compared: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &compared["differences"]), (0, &json!([])));

    let metrics = Answer::of(agent().get(format!("http://{}/metrics", server.address)).call());
    for series in [
        r#"commerce_gateway_calls_total{gateway="stripe",operation="create",outcome="done"} 1"#,
        r#"commerce_gateway_calls_total{gateway="stripe",operation="refund",outcome="done"} 1"#,
        r#"commerce_webhooks_total{gateway="stripe",kind="checkout.session.completed",outcome="verified"} 1"#,
        r#"commerce_webhooks_handled_total{gateway="stripe",outcome="done"}"#,
    ] {
        assert!(metrics.text().contains(series), "{series} in {}", metrics.text());
    }

    // A charge that the shop knows nothing of is a difference.
    let form = "amount=777&currency=eur&payment_method=pm_card_visa&confirm=true\
        &return_url=https%3A%2F%2Fshop.example";
    let made = agent().post(format!("{fake}/v1/payment_intents"));
    let made = made.header("authorization", format!("Bearer {key}"));
    let made = made.header("content-type", "application/x-www-form-urlencoded").send(form);
    assert_eq!(Answer::of(made).status, 200);
    let (code, out, _) = compare(&[]);
    assert_eq!(code, 3, "{out}");
    assert!(
        out.contains("1 difference:\n  unknown to shop of a charge: provider 7.77 EUR"),
        "{out}"
    );
}

#[test]
fn a_demo_that_was_restarted_takes_cards_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = serve(folder.path());
    let (paid_token, paid) = place(&first);
    let page = paid["payment"]["redirect_url"].as_str().unwrap();
    assert_eq!(pay_on_page(page, "4242424242424242").status, 303);
    order_once(&first, &paid_token, &paid["order"], "paid");
    let create = ["token", "create", "--scope", "admin"];
    let (_, office, _) = output(program(folder.path()).args(create));
    let office = format!("Bearer {}", office.trim_end());
    // A payment that a webhook asks for when it is forgotten is one to look into.
    let kinds = ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"];
    read_until(&first, ("authorization", &office), "/webhooks", |list| {
        let all = list["items"].as_array().unwrap();
        kinds.iter().all(|kind| all.iter().any(|it| it["kind"] == *kind))
            && all.iter().all(|it| it["status"] != "received")
    });
    let (open_token, open) = place(&first);
    drop(first);

    // The fake has forgotten all of it.
    let second = serve(folder.path());
    let read = |token: &str, placed: &Value| {
        let path = format!("/orders/{}", placed["order"]["id"].as_str().unwrap());
        let read = call(&second, ("cart-token", token), "GET", &path, None);
        assert_eq!(read.status, 200, "{}", read.text());
        read.json()
    };
    assert_eq!(read(&paid_token, &paid)["payment_status"], "paid");
    assert_eq!(read(&open_token, &open)["payment_status"], "requires_action");
    let refunds = format!("/orders/{}/refunds", paid["order"]["id"].as_str().unwrap());
    let refused = call(&second, ("authorization", &office), "POST", &refunds, Some(json!({})));
    assert!([409, 503].contains(&refused.status), "{}", refused.text());
    assert_eq!(read(&paid_token, &paid)["payment_status"], "needs_review");
    let (token, placed) = place(&second);
    let page = placed["payment"]["redirect_url"].as_str().unwrap();
    assert_eq!(pay_on_page(page, "4242424242424242").status, 303);
    order_once(&second, &token, &placed["order"], "paid");
}

#[test]
fn the_page_is_served_by_a_demo_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    assert!(server.greeting.contains(&format!("demo       http://{}/demo\n", server.address)));
    let page = Answer::of(agent().get(format!("http://{}/demo", server.address)).call());
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    for part in ["default-src 'none'", "script-src 'sha256-", "connect-src 'self'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");

    let other = tempfile::tempdir().unwrap();
    let mut command = program(other.path());
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    let server = Process::start(command);
    assert!(!server.greeting.contains("demo") && !server.greeting.contains("Stripe"));
    let page = Answer::of(agent().get(format!("http://{}/demo", server.address)).call());
    page.problem(404, "not_found");
    let profile = call(&server, ("x-client", "test"), "GET", "/shop/profile", None);
    assert_eq!(profile.json()["payment_gateways"], json!(["manual"]));
}

#[test]
fn a_key_has_a_new_shop_offer_cards_and_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    command.env("STRIPE_SECRET_KEY", "sk_test_hunter2");
    command.env("STRIPE_WEBHOOK_SECRET", "whsec_hunter2,whsec_hunter3");
    let server = Process::start(command);
    let profile = call(&server, ("x-client", "test"), "GET", "/shop/profile", None);
    assert_eq!(profile.json()["payment_gateways"], json!(["manual", "stripe"]));
    let mut command = program(folder.path());
    command.env("STRIPE_SECRET_KEY", "sk_test_hunter2").arg("config");
    let (code, out, _) = output(&mut command);
    assert_eq!(code, 0);
    assert!(out.contains("stripe_secret_key = \"***\"") && !out.contains("hunter"), "{out}");
}

#[test]
fn keys_that_cannot_be_used_are_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (variables, why) in [
        (
            &[("STRIPE_SECRET_KEY", "pk_test_hunter2")][..],
            "`stripe_secret_key`: the secret key must",
        ),
        (
            &[("STRIPE_SECRET_KEY", "sk_test_x"), ("STRIPE_WEBHOOK_SECRET", "hunter2")],
            "`stripe_webhook_secrets`: a webhook secret must begin with whsec_",
        ),
        (
            &[("STRIPE_SECRET_KEY", "sk_test_x"), ("COMMERCE_STRIPE_API", "http://example.com")],
            "`stripe_api`: the address of the API must begin with https://",
        ),
        (&[("STRIPE_WEBHOOK_SECRET", "whsec_hunter2")], "and no `stripe_secret_key`"),
        (&[("COMMERCE_STRIPE_SECRET_KEY_FILE", "no/such")], "cannot read no/such"),
    ] {
        for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["reconcile"]] {
            let mut command = program(folder.path());
            let (code, out, error) =
                output(command.args(arguments).envs(variables.iter().copied()));
            assert_eq!((code, out.as_str()), (2, ""), "{error}");
            assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
        }
    }
}

#[test]
fn what_cannot_be_compared_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, error) = output(program(folder.path()).arg("reconcile"));
    assert_eq!(code, 1);
    assert!(error.contains("no gateway `stripe` here"), "{error}");
    let manual = ["reconcile", "--gateway", "manual"];
    let (code, _, error) = output(program(folder.path()).args(manual));
    assert_eq!(code, 1);
    assert!(error.starts_with("error: the shop cannot do this: "), "{error}");
    let backwards = ["--from", "2026-11-02", "--until", "2026-11-01"];
    let (code, _, error) = output(program(folder.path()).args(manual).args(backwards));
    assert_eq!(code, 1);
    assert_eq!(error, "error: the last day comes before the first\n");
    let (code, _, error) = output(program(folder.path()).args(manual).args(["--from", "today"]));
    assert_eq!(code, 2);
    assert!(error.contains("must be a day, such as 2026-11-21"), "{error}");
}
