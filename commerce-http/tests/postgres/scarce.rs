//! A database that has no room, on its disk or for connections.

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    time::Instant,
};

use commerce_core::id::VariantId;
use sqlx::{Connection, PgConnection};

use super::{
    buyers::{Buyers, Cart, Place, RECOVERY, post},
    common::{Server, block_on, run, shop, until},
    left_out,
    refused::says,
    support::{Answer, agent, commerce},
};

/// Whether tests of a full disk are knowingly left out, where nobody may make a small one.
fn no_disk() -> bool {
    std::env::var("TEST_WITHOUT_FULL_DISK").is_ok_and(|value| value == "1")
}

/// What takes the room of a server's small disk.
struct Filler(PathBuf);

impl Filler {
    /// Leaves so many bytes.
    fn fill(database: &Server, left: u64) -> Self {
        let path = database.seen(&database.disk()).join("filler");
        let mut filler = File::create(&path).unwrap();
        while filler.write_all(&[0; 4_096]).is_ok() {}
        let length = filler.metadata().unwrap().len();
        filler.set_len(length.saturating_sub(left)).unwrap();
        Self(path)
    }

    fn empty(self) {
        fs::remove_file(self.0).unwrap();
    }
}

/// Somebody who places orders at a server.
struct Buyer {
    agent: ureq::Agent,
    address: String,
    variant: VariantId,
}

impl Buyer {
    fn fill(&self) -> Option<Cart> {
        let url = format!("http://{}/api/v1/carts", self.address);
        let answer = post(&self.agent, &url, &[], &Cart::request(self.variant)).unwrap();
        (answer.status == 201).then(|| Cart::of(&answer))
    }

    /// What is answered to a cart that is checked out; nothing if it is told clearly to come again.
    fn buy(&self, cart: &Cart) -> Option<Vec<u8>> {
        let answer = cart.check_out(&self.agent, &self.address, "key").unwrap();
        if answer.status == 201 {
            return Some(answer.body);
        }
        let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
        assert!(["unavailable", "outcome_unknown"].contains(&code.as_str()), "{}", answer.text());
        let problem = answer.problem(503, &code).to_string();
        for word in ["disk", "space", "wal", "file"] {
            assert!(!problem.contains(word), "the inside is nobody's business: {problem}");
        }
        assert!(!answer.header("retry-after").is_empty());
        None
    }

    /// Buys what is in a cart as soon as that can be.
    fn come_again(&self, cart: &Cart) -> Vec<u8> {
        let mut bought = None;
        until("there is room, and nothing is sold", || {
            bought = self.buy(cart);
            bought.is_some()
        });
        bought.unwrap()
    }

    /// Once there is room, who was refused has what they wanted, who bought hears the same, and there is
    /// nothing else.
    fn all_come_again(&self, place: &Place, placed: &[(Cart, Vec<u8>)], refused: &[Cart]) {
        for cart in refused {
            self.come_again(cart);
        }
        for (cart, first) in placed {
            assert_eq!(&self.come_again(cart), first);
        }
        place.check(placed.len() + refused.len());
    }
}

#[test]
fn a_full_disk_is_told_loses_nothing_and_is_forgotten_once_there_is_room() {
    if left_out() || no_disk() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let database = Server::with_disk(32, false, "-c fsync=on");
    let place = Place { address: database.address.clone(), schema: "commerce".to_owned() };
    let mut admin = database.connect();
    let location = database.disk();
    run(&mut admin, &format!("CREATE TABLESPACE small LOCATION '{}'", location.display()));
    run(&mut admin, "ALTER DATABASE postgres SET default_tablespace = small");
    let variant = shop::sell(&place.shop(), "MUG", 1_000_000);
    let server = place.serve(folder.path());
    let buyer = Buyer { agent: agent(), address: server.address.to_string(), variant };
    let carts: Vec<_> = (0..300).map(|_| buyer.fill().unwrap()).collect();
    let filler = Filler::fill(&database, 300_000);
    let (mut placed, mut refused) = (Vec::new(), Vec::new());
    for cart in carts {
        match buyer.buy(&cart) {
            Some(answer) => placed.push((cart, answer)),
            None => refused.push(cart),
        }
    }
    assert!(!placed.is_empty() && refused.len() > 10, "{} and {}", placed.len(), refused.len());
    let url = format!("http://{}/api/v1/products", buyer.address);
    assert_eq!(Answer::of(buyer.agent.get(url).call()).status, 200, "reading goes on");
    filler.empty();
    buyer.all_come_again(&place, &placed, &refused);
}

/// A server whose log has no room ends itself, and cannot start before there is some.
#[test]
fn a_log_without_room_is_told_loses_nothing_and_is_forgotten_once_there_is_room() {
    if left_out() || no_disk() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let database =
        Server::with_disk(32, true, "-c fsync=on -c min_wal_size=2MB -c max_wal_size=8MB");
    let place = Place { address: database.address.clone(), schema: "commerce".to_owned() };
    let variant = shop::sell(&place.shop(), "MUG", 1_000_000);
    let server = place.serve(folder.path());
    let buyer = Buyer { agent: agent(), address: server.address.to_string(), variant };
    let (mut placed, mut refused) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        let cart = buyer.fill().unwrap();
        placed.push((cart.clone(), buyer.buy(&cart).unwrap()));
    }
    let kept: Vec<_> = (0..3).map(|_| buyer.fill().unwrap()).collect();
    let filler = Filler::fill(&database, 100_000);
    let asked = Instant::now();
    while let Some(cart) = buyer.fill() {
        assert!(asked.elapsed() < 6 * RECOVERY, "the log has room for {}", placed.len());
        match buyer.buy(&cart) {
            Some(answer) => placed.push((cart, answer)),
            None => refused.push(cart),
        }
        if !refused.is_empty() {
            break;
        }
    }
    // It stays so, and everybody is told in time.
    for cart in kept {
        assert_eq!(buyer.buy(&cart), None);
        refused.push(cart);
    }
    filler.empty();
    buyer.all_come_again(&place, &placed, &refused);
}

#[test]
fn few_connections_are_enough_and_none_is_told() {
    if left_out() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let database =
        Server::start("-c fsync=on -c max_connections=24 -c superuser_reserved_connections=10");
    let mut admin = database.connect();
    run(&mut admin, "CREATE ROLE shop LOGIN; GRANT CREATE ON DATABASE postgres TO shop");
    let place = Place { address: database.address.clone(), schema: "commerce".to_owned() };
    let address = database.address.replace("postgres@", "shop@");
    let ours = Place { address: address.clone(), schema: "commerce".to_owned() };
    drop(ours.shop());
    let connect = || block_on(PgConnection::connect(&address));
    let mut taken: Vec<_> = std::iter::from_fn(|| connect().ok()).collect();
    assert!(taken.len() > 8, "{}", taken.len());
    says(&mut commerce(folder.path()), &address, "remaining connection slots are reserved");
    // As few as a server works with, and far fewer than there are customers.
    taken.truncate(taken.len() - 6);
    let few = [("COMMERCE_POSTGRES_CONNECTIONS", "4")];
    let servers = vec![ours.serve_with(folder.path(), &few)];
    Buyers::endure(&place, servers, 2, |_, _| {});
    drop(taken);
}
