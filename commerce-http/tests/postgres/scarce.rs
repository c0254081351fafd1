//! A database that has no room, on its disk or for connections.

#![allow(clippy::print_stderr, reason = "what cannot be tried is told")]

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::MetadataExt,
    path::Path,
    process::Command,
};

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::{
    buyers::{Buyers, Cart, Place, post},
    common::{Server, block_on, run, shop},
    left_out,
    refused::says,
    support::{Answer, agent, commerce},
};

/// A disk of some megabytes, which goes when it is dropped.
struct Disk(TempDir);

impl Disk {
    /// For whoever owns a folder; `None` where the system makes none for us.
    fn mount(megabytes: u32, owner: &Path) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let owner = fs::metadata(owner).unwrap();
        let options = format!("size={megabytes}m,uid={},gid={},mode=700", owner.uid(), owner.gid());
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path());
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }

    fn filler(&self) -> std::path::PathBuf {
        self.0.path().join("filler")
    }

    /// Leaves so many bytes.
    fn fill(&self, left: u64) {
        let mut filler = File::create(self.filler()).unwrap();
        while filler.write_all(&[0; 4_096]).is_ok() {}
        let length = filler.metadata().unwrap().len();
        filler.set_len(length.saturating_sub(left)).unwrap();
    }

    fn empty(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_told_loses_nothing_and_is_forgotten_once_there_is_room() {
    if left_out() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let database = Server::start("-c fsync=on");
    let Some(disk) = Disk::mount(32, &database.data()) else {
        eprintln!("a full disk is not tried: only root can make a small one");
        return;
    };
    let place = Place { address: database.address.clone(), schema: "commerce".to_owned() };
    let mut admin = database.connect();
    let location = disk.0.path().display();
    run(&mut admin, &format!("CREATE TABLESPACE small LOCATION '{location}'"));
    run(&mut admin, "ALTER DATABASE postgres SET default_tablespace = small");
    let variant = shop::sell(&place.shop(), "MUG", 1_000_000);
    let server = place.serve(folder.path());
    let address = server.address.to_string();
    let agent = agent();
    let carts: Vec<_> = (0..300)
        .map(|_| {
            let url = format!("http://{address}/api/v1/carts");
            Cart::of(&post(&agent, &url, &[], &Cart::request(variant)).unwrap())
        })
        .collect();
    disk.fill(300_000);
    let (mut placed, mut refused) = (Vec::new(), Vec::new());
    for cart in carts {
        let answer = cart.check_out(&agent, &address, "key").unwrap();
        if answer.status == 201 {
            placed.push((cart, answer.body));
        } else {
            let problem = answer.problem(503, "unavailable");
            assert!(!problem.to_string().contains("disk"), "the inside is nobody's business");
            assert!(!answer.header("retry-after").is_empty());
            refused.push(cart);
        }
    }
    assert!(!placed.is_empty() && refused.len() > 10, "{} and {}", placed.len(), refused.len());
    let url = format!("http://{address}/api/v1/products");
    assert_eq!(Answer::of(agent.get(url).call()).status, 200, "reading goes on");
    disk.empty();
    for cart in &refused {
        assert_eq!(cart.check_out(&agent, &address, "key").unwrap().status, 201);
    }
    for (cart, first) in &placed {
        assert_eq!(&cart.check_out(&agent, &address, "key").unwrap().body, first);
    }
    place.check(placed.len() + refused.len());
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
