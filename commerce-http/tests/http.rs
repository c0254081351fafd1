//! What every request meets, over real connections.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{Read, Write},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use axum::{
    Router,
    routing::{get, post},
};
use commerce_core::{
    Commerce,
    inputs::{SeededIds, SteppedClock},
    store::MemoryStore,
    time::Timestamp,
};
use commerce_http::{
    app::{self, App, Readiness},
    etag::{IfMatch, IfNoneMatch},
    extract::{IdempotencyKey, Json, Path, Query},
    frame::{FrameLayer, Limits},
    metrics,
    problem::{Code, Problem},
    server::Ending,
    tasks::Tasks,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::{Answer, Server, agent, raw};
use tokio::sync::Semaphore;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    lines: Vec<Line>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    sku: String,
    quantity: u32,
}

/// A shop in memory that nobody has opened.
fn ready() -> App {
    let clock = SteppedClock::new(Timestamp::UNIX_EPOCH);
    App::new(Commerce::new(MemoryStore::new(), clock, SeededIds::new(1)))
}

fn shop() -> Server {
    Server::start(app::router(ready(), Limits::default(), &[]))
}

fn framed(router: Router, limits: Limits) -> Server {
    Server::start(router.layer(FrameLayer::new(limits)))
}

/// Routes that take and refuse what the resources will.
fn samples() -> Router {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        #[serde(default)]
        min: i64,
    }
    Router::new()
        .route("/orders", post(async |Json(order): Json<Order>| Json(order)))
        .route("/list", get(async |Query(filter): Query<Filter>| Json(json!(filter.min))))
        .route("/orders/{id}", get(async |Path(id): Path<u32>| Json(json!(id))))
        .route("/keyed", post(async |key: IdempotencyKey| key.0.to_string()))
        .route("/text", post(async |_: String| ()))
        .route("/panic", get(async || -> () { panic!("secret of the house") }))
        .route("/fault", get(async || Problem::internal("/var/secret.db is gone")))
        .route("/bare", get(async || axum::http::StatusCode::IM_A_TEAPOT))
        .route(
            "/thing",
            get(async |known: IfNoneMatch| known.answer(7, &"thing"))
                .put(async |version: IfMatch| version.check(7)),
        )
}

#[test]
fn axums_own_refusals_are_problems() {
    let server = shop();
    let problem = server.get("/nowhere").problem(404, "not_found");
    assert!(!problem.to_string().contains("nowhere"));
    let answer = Answer::of(agent().delete(server.url("/healthz")).call());
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD");
    server.get("/docs/nowhere").problem(404, "not_found");
    server.get("/api/v1/nowhere").problem(404, "not_found");
    let server = framed(samples(), Limits::default());
    server.get("/bare").problem_of_status(418);
    server.post("/text", None, b"\xff").problem(400, "malformed_request");
    server.get("/orders/%ff").problem(400, "malformed_request");
    server.get("/orders/x").problem(404, "not_found");
}

trait ProblemOfStatus {
    fn problem_of_status(&self, status: u16);
}

impl ProblemOfStatus for Answer {
    /// A status that no code has: the nearest code, which says its own status.
    #[track_caller]
    fn problem_of_status(&self, status: u16) {
        let problem = self.json();
        assert_eq!(problem["code"], "malformed_request", "for {status}");
        assert_eq!(u64::from(self.status), problem["status"].as_u64().unwrap());
    }
}

#[test]
fn bodies_are_refused_for_what_is_wrong_with_them() {
    let server = framed(samples(), Limits { body_bytes_max: 2048, ..Limits::default() });
    let json = Some("application/json");
    let good = br#"{"lines":[{"sku":"a","quantity":1}]}"#;
    assert_eq!(server.post("/orders", json, good).status, 200);
    server.post("/orders", None, good).problem(415, "unsupported_media_type");
    server.post("/orders", Some("text/plain"), good).problem(415, "unsupported_media_type");
    server.post("/orders", json, b"{").problem(400, "malformed_request");
    server.post("/orders", json, b"").problem(400, "malformed_request");
    let deep = "[".repeat(2000);
    server.post("/orders", json, deep.as_bytes()).problem(400, "malformed_request");
    let twice = br#"{"lines":[],"lines":[]}"#;
    let problem = server.post("/orders", json, twice).problem(400, "malformed_request");
    assert_eq!(problem["errors"][0]["pointer"], "/lines");
    let wrong = br#"{"lines":[{"sku":"a","quantity":0.5}]}"#;
    let problem = server.post("/orders", json, wrong).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/lines/0/quantity");
    assert_eq!(problem["errors"][0]["in"], "body");
    // What is compressed is not taken, and says so; neither is a list in the place of an object.
    let encoded = |encoding: &str| {
        let request =
            agent().post(server.url("/orders")).header("content-type", "application/json");
        Answer::of(request.header("content-encoding", encoding).send(&good[..]))
    };
    assert_eq!(encoded("Identity").status, 200);
    let problem = encoded("gzip").problem(415, "unsupported_media_type");
    assert!(problem["detail"].as_str().unwrap().contains("Content-Encoding"));
    let list = br#"{"lines":[["a",1]]}"#;
    let problem = server.post("/orders", json, list).problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/lines/0");
    let large = vec![b' '; 2049];
    server.post("/orders", json, &large).problem(413, "payload_too_large");
    let problem = server.get("/list?max=1").problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/max");
    assert_eq!(problem["errors"][0]["in"], "query");
    server.post("/keyed", None, b"").problem(400, "idempotency_key_missing");
}

#[test]
fn a_body_of_ten_megabytes_gets_its_answer_although_it_is_sent_first() {
    let server = framed(samples(), Limits::default());
    let large = vec![b' '; 10 << 20];
    for _ in 0..3 {
        let answer = server.post("/orders", Some("application/json"), &large);
        answer.problem(413, "payload_too_large");
    }
    // Nor does it matter whether anybody looked at it.
    for path in ["/nowhere", "/keyed"] {
        let answer = server.post(path, Some("application/json"), &large);
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
    }
    // The same without a length that tells ahead.
    let mut stream = server.connect();
    let head = "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..10 {
        stream.write_all(b"100000\r\n").unwrap();
        stream.write_all(&vec![b' '; 1 << 20]).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[test]
fn a_client_that_asks_first_does_not_send_what_is_too_large() {
    let server = framed(samples(), Limits::default());
    let head = b"POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
        content-length: 10000000\r\nexpect: 100-continue\r\n\r\n";
    let answer = raw(server.address, head);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[test]
fn a_body_that_does_not_come_is_the_clients_fault() {
    let limits = Limits { request_timeout: Duration::from_millis(200), ..Limits::default() };
    let server = framed(samples(), limits);
    let head = b"POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
        content-length: 9\r\n\r\n{";
    let answer = raw(server.address, head);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("request_timeout"), "{answer}");
}

#[test]
fn nonsense_instead_of_http_is_refused() {
    let server = shop();
    for nonsense in ["\0\0\0\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET\r\n\r\n"] {
        assert!(raw(server.address, nonsense.as_bytes()).starts_with("HTTP/1.1 400 "));
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(70_000));
    assert!(raw(server.address, long.as_bytes()).starts_with("HTTP/1.1 414 "));
    let many: String = (0..200).map(|i| format!("x-{i}: y\r\n")).collect();
    let many = format!("GET /healthz HTTP/1.1\r\n{many}\r\n");
    assert!(raw(server.address, many.as_bytes()).starts_with("HTTP/1.1 431 "));
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn nonsense_takes_nothing_from_the_requests_before_it() {
    let server = framed(samples(), Limits::default());
    let body = r#"{"lines":[]}"#;
    let order = format!(
        "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answers = raw(server.address, format!("{order}{order}\0\0\r\n\r\n").as_bytes());
    let statuses: Vec<_> =
        answers.lines().filter_map(|line| line.split_once("HTTP/1.1 ")?.1.get(..3)).collect();
    assert_eq!(statuses, ["200", "200", "400"], "{answers}");
    assert_eq!(answers.matches(body).count(), 2, "{answers}");
}

#[test]
fn a_head_that_is_too_large_gets_a_problem() {
    let server = shop();
    let address = |length: usize| format!("/{}", "x".repeat(length - 1));
    server.get(&address(8192)).problem(404, "not_found");
    server.get(&address(8193)).problem(414, "address_too_long");
    server
        .get(&format!("/api/v1/products?q={}", "x".repeat(60_000)))
        .problem(414, "address_too_long");
    let headers = |bytes: usize| {
        let head = format!("GET /healthz HTTP/1.1\r\nx-large: {}\r\n", "y".repeat(bytes));
        raw(server.address, format!("{head}connection: close\r\n\r\n").as_bytes())
    };
    assert!(headers(32_000).starts_with("HTTP/1.1 200 "));
    for bytes in [33_000, 300_000] {
        let answer = headers(bytes);
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        assert!(answer.contains("headers_too_large"), "{answer}");
    }
}

#[test]
fn a_panic_and_a_fault_tell_nothing_of_the_inside() {
    let server = framed(samples(), Limits::default());
    for path in ["/panic", "/fault"] {
        let problem = server.get(path).problem(500, "internal");
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
}

#[test]
fn a_request_has_an_id() {
    let server = shop();
    let first = server.get("/healthz");
    let second = server.get("/healthz");
    assert_eq!(first.header("x-request-id").len(), 16);
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    let own = server.get_with("/nowhere", &[("x-request-id", "trace-42")]);
    assert_eq!(own.header("x-request-id"), "trace-42");
    let odd = server.get_with("/healthz", &[("x-request-id", "a b\"c")]);
    assert_eq!(odd.header("x-request-id").len(), 16);
}

#[test]
fn health_and_readiness() {
    let reachable = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let store = reachable.clone();
    let readiness = Readiness::new(move || {
        let reachable = store.load(std::sync::atomic::Ordering::SeqCst);
        async move { if reachable { Ok(()) } else { Err("the disk /dev/sdb is gone") } }
    });
    let server =
        Server::start(app::router(ready().with_readiness(readiness), Limits::default(), &[]));
    assert_eq!(server.get("/healthz").json(), json!({"status": "ok"}));
    assert_eq!(server.get("/readyz").json(), json!({"status": "ok"}));
    reachable.store(false, std::sync::atomic::Ordering::SeqCst);
    let answer = server.get("/readyz");
    let problem = answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!problem.to_string().contains("sdb"));
    assert_eq!(server.get("/healthz").status, 200);
    server.get("/metrics").problem(404, "not_found");
}

#[test]
fn a_store_that_does_not_answer_is_not_ready() {
    let readiness = Readiness::new(std::future::pending::<Result<(), String>>);
    let server =
        Server::start(app::router(ready().with_readiness(readiness), Limits::default(), &[]));
    let asked = std::time::Instant::now();
    server.get("/readyz").problem(503, "unavailable");
    assert!(asked.elapsed() < 5 * Readiness::PATIENCE);
}

#[test]
fn metrics_count_by_route_and_not_by_path() {
    let app = ready().with_metrics(metrics::install().unwrap());
    let server = Server::start(app::router(app, Limits::default(), &[]));
    for code in Code::ALL {
        assert_eq!(server.get(&code.type_uri()).status, 200);
    }
    server.get("/not-in-labels");
    let method = b"BREW /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(raw(server.address, method).starts_with("HTTP/1.1 405 "));
    let answer = server.get("/metrics");
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = answer.text();
    let line = |start: &str| {
        let line = text.lines().find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("no {start} in {text}"))
    };
    let requests = r#"http_requests_total{method="GET",route="/problems/{code}",status="200"}"#;
    assert!(line(requests).ends_with(&format!(" {}", Code::ALL.len())));
    line(r#"http_request_duration_seconds_bucket{method="GET",route="/problems/{code}",le="#);
    line(r#"http_requests_total{method="GET",route="unknown",status="404"}"#);
    line(r#"http_requests_total{method="other",route="/healthz",status="405"}"#);
    assert!(!text.contains("not-in-labels") && !text.contains("BREW"));
}

#[test]
fn browsers_of_other_sites_are_let_in_by_configuration_alone() {
    let preflight = |server: &Server, origin: &str| {
        let request = ureq::http::Request::builder()
            .method("OPTIONS")
            .uri(server.url("/api/v1/openapi.json"))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "cart-token,idempotency-key")
            .body(())
            .unwrap();
        Answer::of(agent().run(request))
    };
    let closed = shop();
    assert_eq!(preflight(&closed, "https://a.example").header("access-control-allow-origin"), "");
    let origins = ["https://a.example".parse().unwrap()];
    let open = Server::start(app::router(ready(), Limits::default(), &origins));
    let allowed = preflight(&open, "https://a.example");
    assert_eq!(allowed.header("access-control-allow-origin"), "https://a.example");
    assert!(allowed.header("access-control-allow-headers").contains("cart-token"));
    assert_eq!(preflight(&open, "https://b.example").header("access-control-allow-origin"), "");
    // Problems, too, can be read by the site.
    let refused = open.get_with("/nowhere", &[("origin", "https://a.example")]);
    refused.problem(404, "not_found");
    assert_eq!(refused.header("access-control-allow-origin"), "https://a.example");
    assert!(refused.header("access-control-expose-headers").contains("x-request-id"));
}

#[test]
fn answers_are_compressed_where_it_pays() {
    let server = shop();
    let gzip = [("accept-encoding", "gzip")];
    let plain = server.get("/api/v1/openapi.json");
    assert_eq!(plain.header("content-encoding"), "");
    let small = server.get_with("/api/v1/openapi.json", &gzip);
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.header("vary").to_lowercase().contains("accept-encoding"));
    assert!(small.body.len() * 2 < plain.body.len());
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&small.body[..]).read_to_end(&mut text).unwrap();
    assert_eq!(text, plain.body);
    // Other bytes have another tag, and a client is known by either.
    let tags = [plain.header("etag"), small.header("etag")];
    assert_eq!(tags[1], format!("W/{}", tags[0]));
    for tag in tags {
        let known = [("accept-encoding", "gzip"), ("if-none-match", tag)];
        assert_eq!(server.get_with("/api/v1/openapi.json", &known).status, 304);
    }
    assert_eq!(server.get_with("/healthz", &gzip).header("content-encoding"), "");
    // Whoever refuses what there is gets it as it is: it may be the answer to what was done.
    for refusing in
        ["identity;q=0", "*;q=0", "br, *; q=0.0", "gzip;q=0,identity;q=0", "zstd;Q=0.5, *;q=0"]
    {
        let answer = server.get_with("/healthz", &[("accept-encoding", refusing)]);
        assert_eq!((answer.status, answer.header("content-encoding")), (200, ""), "{refusing}");
    }
    for taking in ["gzip;q=0.001", "*", "br;q=0.5, *"] {
        let answer = server.get_with("/api/v1/openapi.json", &[("accept-encoding", taking)]);
        assert_eq!((answer.status, answer.header("content-encoding")), (200, "gzip"), "{taking}");
    }
}

#[test]
fn entity_tags() {
    let server = framed(samples(), Limits::default());
    let first = server.get("/thing");
    let etag = first.header("etag");
    assert!(etag.starts_with("\"7."), "{etag}");
    let again = server.get_with("/thing", &[("if-none-match", etag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), etag);
    let put = |version: &str| {
        let request = agent().put(server.url("/thing")).header("if-match", version);
        Answer::of(request.send_empty())
    };
    assert_eq!(put(etag).status, 200);
    put("\"6\"").problem(412, "version_mismatch");
    put("6").problem(422, "validation_failed");
}

#[test]
fn every_answer_carries_the_headers_of_safety() {
    let server = shop();
    for path in ["/healthz", "/nowhere", "/docs/", "/api/v1/openapi.json"] {
        let answer = server.get(path);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
    assert_eq!(server.get("/healthz").header("cache-control"), "no-store");
}

#[test]
fn the_docs_page_loads_nothing_from_elsewhere() {
    let server = shop();
    assert_eq!(server.get("/docs").header("location"), "docs/");
    let page = server.get("/docs/");
    assert!(page.header("content-type").starts_with("text/html"));
    let mut files = 0;
    for (at, name) in page.text().match_indices("=\"./").chain(page.text().match_indices("=\"")) {
        let rest = &page.text()[at + name.len()..];
        let link = &rest[..rest.find('"').unwrap()];
        assert!(!link.contains("//"), "{link}");
        if link.ends_with(".js") || link.ends_with(".css") {
            files += 1;
            assert_eq!(server.get(&format!("/docs/{}", link.trim_start_matches("./"))).status, 200);
        }
    }
    assert!(files >= 3);
    let start = server.get("/docs/swagger-initializer.js");
    assert!(start.text().contains("../api/v1/openapi.json"));
    let document: Value = server.get("/api/v1/openapi.json").json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
}

/// A route whose work waits for a permit, and what is told of its way: that it was `begun`, that
/// its handler was `left`, and that it `finished`.
fn slow(tasks: &Tasks) -> (Router, Arc<Semaphore>, Receiver<&'static str>) {
    struct Left(Sender<&'static str>);
    impl Drop for Left {
        fn drop(&mut self) {
            let _ = self.0.send("left");
        }
    }
    let gate = Arc::new(Semaphore::new(0));
    let (tell, told) = channel();
    let (of_route, tasks) = (gate.clone(), tasks.clone());
    let route = get(move || {
        let (gate, tell, tasks) = (of_route.clone(), tell.clone(), tasks.clone());
        async move {
            let _left = Left(tell.clone());
            let work = async move {
                tell.send("begun").unwrap();
                gate.acquire().await.unwrap().forget();
                tell.send("finished").unwrap();
            };
            tasks.run_to_end(work).await;
            "done"
        }
    });
    (Router::new().route("/slow", route).route("/healthz", get(async || "ok")), gate, told)
}

const SLOW: &[u8] = b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[test]
fn work_finishes_although_its_client_hangs_up() {
    let tasks = Tasks::new();
    let (router, gate, told) = slow(&tasks);
    let server = Server::with_grace(
        router.layer(FrameLayer::new(Limits { in_flight_max: 1, ..Limits::default() })),
        tasks,
        Duration::from_secs(20),
    );
    let mut client = server.connect();
    client.write_all(SLOW).unwrap();
    assert_eq!(told.recv(), Ok("begun"));
    // The one place is taken, except for who asks for the server's health.
    let busy = server.get("/slow");
    busy.problem(503, "overloaded");
    assert_eq!(busy.header("retry-after"), "1");
    assert_eq!(server.get("/healthz").status, 200);
    drop(client);
    assert_eq!(told.recv(), Ok("left"));
    gate.add_permits(1);
    assert_eq!(told.recv(), Ok("finished"));
    // Its place is given back, the moment after it is left.
    gate.add_permits(1);
    let mut answers = (0..10_000).map(|_| server.get("/slow"));
    assert_eq!(answers.find(|answer| answer.status != 503).unwrap().text(), "done");
}

#[test]
fn an_answer_that_takes_too_long_is_a_503_and_its_work_goes_on() {
    let tasks = Tasks::new();
    let (router, gate, told) = slow(&tasks);
    let limits = Limits { request_timeout: Duration::from_millis(100), ..Limits::default() };
    let server =
        Server::with_grace(router.layer(FrameLayer::new(limits)), tasks, Duration::from_secs(20));
    let answer = server.get("/slow");
    answer.problem(503, "timed_out");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!([told.recv(), told.recv()], [Ok("begun"), Ok("left")]);
    gate.add_permits(1);
    assert_eq!(told.recv(), Ok("finished"));
}

#[test]
fn a_server_that_stops_answers_what_was_begun() {
    let tasks = Tasks::new();
    let (router, gate, told) = slow(&tasks);
    let mut server = Server::with_grace(router, tasks, Duration::from_secs(20));
    let mut idle = server.connect();
    let mut client = server.connect();
    client.write_all(SLOW).unwrap();
    assert_eq!(told.recv(), Ok("begun"));
    server.ask_to_stop();
    // An idle connection is closed, which shows that the server is stopping.
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    gate.add_permits(1);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"), "{answer}");
    assert_eq!(server.ending(), Ending::Graceful);
}

#[test]
fn a_server_that_stops_waits_for_work_whose_client_is_gone() {
    let tasks = Tasks::new();
    let (router, gate, told) = slow(&tasks);
    let mut server = Server::with_grace(router, tasks, Duration::from_secs(20));
    let mut client = server.connect();
    client.write_all(SLOW).unwrap();
    assert_eq!(told.recv(), Ok("begun"));
    drop(client);
    assert_eq!(told.recv(), Ok("left"));
    let mut idle = server.connect();
    server.ask_to_stop();
    // An idle connection is closed, which shows that the server is stopping.
    assert!(matches!(idle.read(&mut [0; 1]), Ok(0) | Err(_)));
    gate.add_permits(1);
    assert_eq!(server.ending(), Ending::Graceful);
    assert_eq!(told.try_recv(), Ok("finished"));
}

#[test]
fn the_grace_period_ends() {
    let tasks = Tasks::new();
    let (router, _gate, told) = slow(&tasks);
    let mut server = Server::with_grace(router, tasks, Duration::from_millis(50));
    let mut client = server.connect();
    client.write_all(SLOW).unwrap();
    assert_eq!(told.recv(), Ok("begun"));
    server.ask_to_stop();
    assert_eq!(server.ending(), Ending::Forced);
}
