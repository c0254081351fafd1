//! Servers that are killed, a database that crashes, connections that are ended, all while 32 customers buy
//! at each server, and the last unit of many things that many want.
//!
//! Each goes on for a few rounds, or for as many as `KILLS`, `CRASHES`, `STORMS` and `RACES` say;
//! `scripts/campaigns` sets them.

#![allow(clippy::print_stdout, reason = "campaigns tell how they went")]

use std::sync::{
    RwLock,
    atomic::{AtomicUsize, Ordering},
};

use commerce_core::{access::Caller, id::VariantId};

use super::{
    buyers::{Buyers, Cart, Place, post, times},
    common::{Schema, Server, address, block_on, number, shop, until},
    left_out,
    support::agent,
};

#[test]
fn a_server_that_is_killed_loses_no_order() {
    if left_out() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (_database, place) = careful();
    drop(place.shop());
    let kills = times("KILLS", 3);
    // Only one of two is killed at a time, with its 32 customers, so that somebody buys all the while.
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
        until("there is nothing to end", || {
            hit += number(&mut admin, end);
            hit >= 64
        });
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

/// How many lines can be open at once, as the system tells, less what else is open.
fn lines_max() -> usize {
    const ELSE: usize = 100;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = files.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
    soft.map_or(150, |files| files.saturating_sub(ELSE).max(1))
}

/// Does something with each of many, all of them at once.
fn all_at_once<T: Sync, O: Send>(all: &[T], work: impl Fn(&T) -> O + Sync) -> Vec<O> {
    let (work, gate) = (&work, &RwLock::new(()));
    std::thread::scope(|scope| {
        let closed = gate.write().unwrap();
        let start = |it| {
            let small = std::thread::Builder::new().stack_size(256 << 10);
            let work = move || {
                drop(gate.read());
                work(it)
            };
            small.spawn_scoped(scope, work).unwrap()
        };
        let working: Vec<_> = all.iter().map(start).collect();
        drop(closed);
        working.into_iter().map(|it| it.join().unwrap()).collect()
    })
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
    // As many at once as files can be open; each of them asks for several, if there are more.
    let count = buyers.min(lines_max());
    let numbers: Vec<_> = (0..count).collect();
    let mut doors: Vec<_> = all_at_once(&numbers, |number| {
        let server = servers[number % servers.len()].address.to_string();
        let mut door = Door { agent: agent(), server, carts: Vec::new() };
        let mine = (*number..buyers).step_by(count);
        door.carts = mine.map(|_| door.fill(variant)).collect();
        door
    });
    for race in 1..=races {
        let key = &format!("race-{race}");
        let winners: Vec<_> = all_at_once(&doors, |door| door.race(key))
            .into_iter()
            .enumerate()
            .flat_map(|(door, carts)| carts.into_iter().map(move |cart| (door, cart)))
            .collect();
        let [(door, cart)] = winners[..] else { panic!("{winners:?} have the last unit") };
        place.check(race);
        // One more, for which whoever was lucky comes again.
        block_on(shop.receive_stock(&Caller::system(), None, &[(variant, 1)], None)).unwrap();
        doors[door].carts[cart] = doors[door].fill(variant);
    }
    println!(
        "{races} races of {buyers} buyers at 3 servers, {count} at a time: one order each, clean refusals else"
    );
}
