//! A shop, and customers who buy from it over HTTP whatever becomes of its servers and its database.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    sync::{
        Arc, Condvar, Mutex, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use commerce_core::{Commerce, id::VariantId};
use commerce_sqlx::PgStore;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{
    common::{block_on, number, shop},
    program,
    support::{Answer, Process},
};

/// How soon everybody must be able to buy again.
pub(crate) const RECOVERY: Duration = Duration::from_secs(10);
/// How many buy at once at each server.
const CUSTOMERS: usize = 32;
const UNITS: i64 = 10_000_000;

/// How often something is done: as the variable says, or else so often.
pub(crate) fn times(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).map_or(otherwise, |times| times.parse().unwrap())
}

/// Where a shop is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) address: String,
    pub(crate) schema: String,
}

impl Place {
    /// A connection whose search path it is.
    pub(crate) fn connect(&self) -> PgConnection {
        let options: PgConnectOptions = self.address.parse().unwrap();
        let options = options.options([("search_path", &self.schema)]);
        block_on(PgConnection::connect_with(&options)).unwrap()
    }

    /// The shop, beside its servers.
    pub(crate) fn shop(&self) -> Commerce {
        let options = PgStore::options().schema(&self.schema).allow_data_loss();
        shop::shop(block_on(options.open(&self.address)).unwrap())
    }

    /// A server of the shop.
    pub(crate) fn serve(&self, folder: &Path) -> Process {
        self.serve_with(folder, &[])
    }

    /// As [`serve`](Self::serve), with further settings.
    pub(crate) fn serve_with(&self, folder: &Path, settings: &[(&str, &str)]) -> Process {
        let mut command = program(folder);
        command.envs(settings.iter().copied());
        command.args(["serve", "--listen", "127.0.0.1:0", "--database", &self.address]);
        command.args(["--postgres-schema", &self.schema]);
        // Nobody reads what it logs.
        Process::start_with_log(command, Stdio::null())
    }

    /// What the database's clock says, in microseconds since 1970.
    fn time(&self) -> i64 {
        let time = "SELECT (1000000 * extract(epoch FROM clock_timestamp()))::bigint";
        number(&mut self.connect(), time)
    }

    /// Checks that nobody has left a transaction open that began before this time, when everybody has done
    /// something since.
    fn check_ended(&self, before: i64) {
        let open = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'
                AND application_name = 'commerce' AND xact_start < to_timestamp({before} / 1e6)"
        );
        assert_eq!(number(&mut self.connect(), &open), 0, "a transaction is left open");
    }

    /// Waits until nobody is at work in the shop, and checks that its books balance, with so many
    /// orders of one unit.
    pub(crate) fn check(&self, orders: usize) {
        let mut watch = self.connect();
        let busy = format!(
            "SELECT count(*) FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
                WHERE c.relnamespace = '{}'::regnamespace AND l.pid <> pg_backend_pid()",
            self.schema
        );
        let asked = Instant::now();
        while number(&mut watch, &busy) > 0 {
            assert!(asked.elapsed() < RECOVERY, "a transaction is left open");
        }
        shop::check_balances(&mut watch);
        let count = "SELECT count(*) FROM commerce_orders";
        let orders = i64::try_from(orders).unwrap();
        assert_eq!(number(&mut watch, count), orders);
        let held = "SELECT coalesce(sum(held), 0)::bigint FROM commerce_stock_levels";
        assert_eq!(number(&mut watch, held), orders);
        let money = "SELECT coalesce(sum(total - 1999), 0)::bigint FROM commerce_orders";
        assert_eq!(number(&mut watch, money), 0);
    }
}

/// Sends a request, which may not be answered.
pub(crate) fn post(
    agent: &ureq::Agent,
    url: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Option<Answer> {
    let request = ureq::http::Request::post(url).header("content-type", "application/json");
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let (parts, mut body) = agent.run(request.body(body.to_string()).unwrap()).ok()?.into_parts();
    let whole = body.read_to_vec().ok()?;
    Some(Answer::of(Ok(ureq::http::Response::from_parts(parts, ureq::Body::builder().data(whole)))))
}

/// A guest's cart that is ready for the checkout.
#[derive(Debug, Clone)]
pub(crate) struct Cart {
    path: String,
    token: String,
}

impl Cart {
    /// What a cart of one unit is asked for by.
    pub(crate) fn request(variant: VariantId) -> Value {
        json!({
            "lines": [{ "variant_id": variant, "quantity": 1 }],
            "email": "guest@example.com",
            "shipping_address":
                { "name": "G. Guest", "line1": "Street 1", "city": "Berlin", "country": "DE" },
        })
    }

    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 201, "{}", answer.text());
        let cart = answer.json();
        Self {
            path: format!("/api/v1/carts/{}/checkout", cart["id"].as_str().unwrap()),
            token: cart["token"].as_str().unwrap().to_owned(),
        }
    }

    /// Asks once for the order.
    pub(crate) fn check_out(&self, agent: &ureq::Agent, server: &str, key: &str) -> Option<Answer> {
        let headers = [("cart-token", self.token.as_str()), ("idempotency-key", key)];
        let body = json!({ "payment": { "gateway": "manual" } });
        post(agent, &format!("http://{server}{}", self.path), &headers, &body)
    }
}

/// A key that nobody else has.
fn key() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("key-{:016}", COUNT.fetch_add(1, Ordering::SeqCst))
}

/// An order, and the answer that told of it.
struct Bought {
    cart: Cart,
    key: String,
    answer: Vec<u8>,
}

/// Many who buy at once. Whatever is not answered, or put off, they ask again, under the same key.
pub(crate) struct Buyers {
    /// The servers. Who finds one locked waits until there is another in its place.
    pub(crate) servers: Vec<RwLock<Process>>,
    variant: VariantId,
    bought: Mutex<BTreeMap<usize, Vec<Arc<Bought>>>>,
    any: Condvar,
    over: AtomicBool,
}

/// Lets everybody go home, however it ends.
struct Closing<'a>(&'a Buyers);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(2 * RECOVERY))
        .build()
        .into()
}

impl Buyers {
    /// Lets them buy while something goes wrong so many times, and each time waits until everybody
    /// has bought again. Checks that what they were told is so; answers how many orders they made,
    /// and how long it took at most until everybody could buy again.
    pub(crate) fn endure(
        place: &Place,
        servers: Vec<Process>,
        rounds: usize,
        wrong: impl Fn(&Self, usize),
    ) -> (usize, Duration) {
        let variant = shop::sell(&place.shop(), "MUG", UNITS);
        let buyers = Self {
            servers: servers.into_iter().map(RwLock::new).collect(),
            variant,
            bought: Mutex::default(),
            any: Condvar::new(),
            over: AtomicBool::new(false),
        };
        let customers = CUSTOMERS * buyers.servers.len();
        let longest = std::thread::scope(|scope| {
            let _closing = Closing(&buyers);
            for customer in 0..customers {
                let buyers = &buyers;
                scope.spawn(move || buyers.buy(customer));
            }
            let (mut longest, mut asked_again) = (Duration::ZERO, BTreeMap::new());
            for round in 0..rounds {
                // At another point of their work each time.
                let before: usize = buyers.counts().values().sum();
                buyers.until("nobody buys", |now| {
                    now.len() == customers && now.values().sum::<usize>() >= before + round * 7 % 30
                });
                let (began, at) = (Instant::now(), place.time());
                wrong(&buyers, round);
                let before = buyers.counts();
                buyers.until("somebody cannot buy again", |now| {
                    before.iter().all(|(customer, count)| now[customer] > *count)
                });
                longest = longest.max(began.elapsed());
                place.check_ended(at);
                shop::check_balances(&mut place.connect());
                asked_again = buyers.ask_again(&asked_again);
            }
            longest
        });
        buyers.ask_again(&BTreeMap::new());
        let orders = buyers.counts().values().sum();
        place.check(orders);
        (orders, longest)
    }

    fn counts(&self) -> BTreeMap<usize, usize> {
        let bought = self.bought.lock().unwrap();
        bought.iter().map(|(customer, orders)| (*customer, orders.len())).collect()
    }

    /// Waits until it is so, but no longer than everybody may have to wait.
    fn until(&self, what: &str, so: impl Fn(&BTreeMap<usize, usize>) -> bool) {
        let until = Instant::now() + RECOVERY;
        while !so(&self.counts()) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what}: {:?}", self.counts());
            let bought = self.bought.lock().unwrap();
            drop(self.any.wait_timeout(bought, left.min(Duration::from_millis(50))).unwrap());
        }
    }

    fn buy(&self, customer: usize) {
        let agent = agent();
        let request = Cart::request(self.variant);
        while !self.over.load(Ordering::SeqCst) {
            let cart_key = key();
            let made = self.ask(customer, |server| {
                let url = format!("http://{server}/api/v1/carts");
                post(&agent, &url, &[("idempotency-key", &cart_key)], &request)
            });
            let (cart, key) = (Cart::of(&made), key());
            let placed = self.ask(customer, |server| cart.check_out(&agent, server, &key));
            assert_eq!(placed.status, 201, "{}", placed.text());
            self.keep(customer, Bought { cart, key, answer: placed.body });
        }
    }

    fn keep(&self, customer: usize, order: Bought) {
        self.bought.lock().unwrap().entry(customer).or_default().push(Arc::new(order));
        self.any.notify_all();
    }

    /// Asks until there is an answer that is none of "later".
    fn ask(&self, customer: usize, ask: impl Fn(&str) -> Option<Answer>) -> Answer {
        let server = &self.servers[customer % self.servers.len()];
        let began = Instant::now();
        loop {
            let address = server.read().unwrap().address.to_string();
            match ask(&address) {
                Some(answer) if !is_later(&answer) => return answer,
                later => assert!(began.elapsed() < 3 * RECOVERY, "{later:?}"),
            }
        }
    }

    /// Whoever has an order is told the same of it again, to the byte, but for the first ones, so many of each;
    /// answers how many each has by then.
    fn ask_again(&self, but: &BTreeMap<usize, usize>) -> BTreeMap<usize, usize> {
        let bought = self.bought.lock().unwrap().clone();
        std::thread::scope(|scope| {
            for (customer, orders) in &bought {
                scope.spawn(move || {
                    let agent = agent();
                    let before = but.get(customer).copied().unwrap_or_default();
                    for order in &orders[before..] {
                        let Bought { cart, key, answer } = &**order;
                        let again =
                            self.ask(*customer, |server| cart.check_out(&agent, server, key));
                        assert_eq!(again.status, 201, "{}", again.text());
                        assert_eq!(again.header("idempotency-replayed"), "true");
                        assert_eq!(&again.body, answer);
                    }
                });
            }
        });
        bought.into_iter().map(|(customer, orders)| (customer, orders.len())).collect()
    }
}

/// Whether an answer says that the same may be asked again.
fn is_later(answer: &Answer) -> bool {
    let later = answer.status == 503 || answer.status == 409;
    let codes = ["unavailable", "outcome_unknown", "idempotency_in_flight"];
    later && answer.json()["code"].as_str().is_some_and(|code| codes.contains(&code))
}
