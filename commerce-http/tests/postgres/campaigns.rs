//! Servers that are killed, a database that crashes, connections that are ended, all while 32 customers
//! buy, and the last unit of many things that many want.
//!
//! Each goes on for a few rounds, or for as many as `KILLS`, `CRASHES`, `STORMS` and `RACES` say;
//! `scripts/campaigns` sets them.

#![allow(clippy::print_stdout, reason = "campaigns tell how they went")]

use std::sync::atomic::{AtomicUsize, Ordering};

use commerce_core::{access::Caller, id::VariantId};

use super::{
    buyers::{Buyers, Cart, Place, post, times},
    common::{Schema, Server, address, block_on, number, shop},
    left_out,
    support::agent,
};

#[test]
fn a_server_that_is_killed_loses_no_order() {
    if left_out() {
        return;
    }
    let (folder, schema) = (tempfile::tempdir().unwrap(), Schema::new());
    let place = Place { address: address(), schema: schema.name.clone() };
    drop(place.shop());
    let kills = times("KILLS", 3);
    // Only one of two is killed at a time, so that somebody buys all the while.
    let servers = vec![place.serve(folder.path()), place.serve(folder.path())];
    let (orders, longest) = Buyers::endure(&place, servers, kills, |buyers, round| {
        let mut server = buyers.servers[round % 2].write().unwrap();
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        *server = place.serve(folder.path());
    });
    println!("{kills} kills, {orders} orders, {longest:.1?} at most until all could buy again");
}

/// A database server that forgets nothing, with a shop in it.
fn careful() -> (Server, Place) {
    let server = Server::start("-c fsync=on");
    let place = Place { address: server.address.clone(), schema: "commerce".to_owned() };
    (server, place)
}

#[test]
fn a_database_that_crashes_loses_no_order() {
    if left_out() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (database, place) = careful();
    drop(place.shop());
    let crashes = times("CRASHES", 2);
    let servers = vec![place.serve(folder.path()), place.serve(folder.path())];
    let (orders, longest) = Buyers::endure(&place, servers, crashes, |_, _| database.crash());
    println!("{crashes} crashes, {orders} orders, {longest:.1?} at most until all could buy again");
}

#[test]
fn connections_that_are_ended_lose_no_order() {
    if left_out() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (database, place) = careful();
    drop(place.shop());
    let storms = times("STORMS", 3);
    let ended = AtomicUsize::new(0);
    let servers = vec![place.serve(folder.path()), place.serve(folder.path())];
    let (orders, longest) = Buyers::endure(&place, servers, storms, |_, _| {
        // Again and again, until each connection of both has been ended several times.
        let mut admin = database.connect();
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE application_name = 'commerce' AND pid <> pg_backend_pid()";
        let mut hit = 0;
        while hit < 64 {
            hit += number(&mut admin, end);
        }
        ended.fetch_add(usize::try_from(hit).unwrap(), Ordering::SeqCst);
    });
    println!(
        "{storms} storms, {} connections ended, {orders} orders, {longest:.1?} at most until all \
         could buy again",
        ended.into_inner()
    );
}

/// Somebody at one of the servers, with carts of several guests.
struct Door {
    agent: ureq::Agent,
    server: String,
    carts: Vec<Cart>,
}

impl Door {
    fn fill(&self, variant: VariantId) -> Cart {
        let url = format!("http://{}/api/v1/carts", self.server);
        Cart::of(&post(&self.agent, &url, &[], &Cart::request(variant)).unwrap())
    }

    /// Everybody wants it, each once; answers who got it, by their places.
    fn race(&self, key: &str) -> Vec<usize> {
        let mut winners = Vec::new();
        for (place, cart) in self.carts.iter().enumerate() {
            let answer = cart.check_out(&self.agent, &self.server, key).unwrap();
            if answer.status == 201 {
                winners.push(place);
            } else {
                answer.problem(409, "insufficient_stock");
            }
        }
        winners
    }
}

#[test]
fn three_servers_sell_the_last_unit_once() {
    if left_out() {
        return;
    }
    let (folder, schema) = (tempfile::tempdir().unwrap(), Schema::new());
    let place = Place { address: address(), schema: schema.name.clone() };
    let shop = place.shop();
    let (races, buyers) = (times("RACES", 2), times("BUYERS", 60));
    let servers: Vec<_> = (0..3).map(|_| place.serve(folder.path())).collect();
    let variant = shop::sell(&shop, "LAST", 1);
    // As many ask at once as files can be open; each of them asks for several.
    let count = buyers.min(150);
    let mut doors: Vec<_> = std::thread::scope(|scope| {
        let open = |number: usize| {
            let server = servers[number % servers.len()].address.to_string();
            let mut door = Door { agent: agent(), server, carts: Vec::new() };
            let mine = (number..buyers).step_by(count);
            door.carts = mine.map(|_| door.fill(variant)).collect();
            door
        };
        let doors: Vec<_> = (0..count).map(|number| scope.spawn(move || open(number))).collect();
        doors.into_iter().map(|door| door.join().unwrap()).collect()
    });
    for race in 1..=races {
        let key = &format!("race-{race}");
        let winners: Vec<_> = std::thread::scope(|scope| {
            let doors: Vec<_> =
                doors.iter().map(|door| scope.spawn(move || door.race(key))).collect();
            let winners = doors.into_iter().map(|door| door.join().unwrap()).enumerate();
            winners
                .flat_map(|(door, carts)| carts.into_iter().map(move |cart| (door, cart)))
                .collect()
        });
        let [(door, cart)] = winners[..] else { panic!("{winners:?} have the last unit") };
        place.check(race);
        // One more, for which whoever was lucky comes again.
        block_on(shop.receive_stock(&Caller::system(), None, &[(variant, 1)], None)).unwrap();
        doors[door].carts[cart] = doors[door].fill(variant);
    }
    println!("{races} races of {buyers} buyers at 3 servers: one order each, clean refusals else");
}
