//! What is wrong with a database is said at the start, on one line, without its password.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    sync::LazyLock,
    thread,
};

use super::{
    common::{Server, run},
    left_out, output, program,
    support::{Answer, Process, agent, commerce},
};

#[track_caller]
pub(super) fn says(command: &mut Command, url: &str, why: &str) {
    let (code, out, error) = output(command.args(["--listen", "127.0.0.1:0", "--database", url]));
    assert_eq!((code, out.as_str()), (1, ""), "{error}");
    assert!(error.starts_with("error: cannot open postgres"), "{error}");
    assert!(error.contains(why), "{why} in {error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

/// A server that asks for passwords, has TLS, and forgets nothing.
struct Careful {
    server: Server,
    port: u16,
}

static CAREFUL: LazyLock<Careful> = LazyLock::new(|| {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    // Its socket keeps the number that others expect; only the other way in has this one.
    let settings = format!("-c fsync=on -c listen_addresses=127.0.0.1 -c port={port}");
    let server = Server::start_at(port, &settings);
    let mut admin = server.connect();
    let data = server.data();
    let data = data.display();
    let make = "umask 077; openssl req -new -x509 -days 30 -nodes -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -addext basicConstraints=CA:FALSE -keyout server.key -out server.crt 2>/dev/null";
    run(
        &mut admin,
        &format!(
            "COPY (SELECT) TO PROGRAM 'cd {data} && {make}';
            COPY (SELECT unnest(ARRAY['local all all trust',
                'hostssl all all all scram-sha-256', 'hostnossl all open all scram-sha-256']))
                TO '{data}/pg_hba.conf'"
        ),
    );
    run(&mut admin, "ALTER SYSTEM SET ssl = on");
    run(
        &mut admin,
        "SELECT pg_reload_conf();
        CREATE ROLE shop LOGIN PASSWORD 'hunter2'; GRANT CREATE ON DATABASE postgres TO shop;
        CREATE ROLE open LOGIN PASSWORD 'hunter2'; GRANT CREATE ON DATABASE postgres TO open;
        CREATE ROLE shy LOGIN PASSWORD 'hunter2'; GRANT CREATE ON DATABASE postgres TO shy",
    );
    run(&mut admin, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'");
    Careful { server, port }
});

impl Careful {
    fn url(&self, user: &str, rest: &str) -> String {
        format!("postgres://{user}@localhost:{}/{rest}", self.port)
    }
}

#[test]
fn what_is_wrong_is_told() {
    if left_out() {
        return;
    }
    let careful = &*CAREFUL;
    let folder = tempfile::tempdir().unwrap();
    let ours = || commerce(folder.path());
    let mut admin = careful.server.connect();
    run(
        &mut admin,
        "CREATE SCHEMA taken; CREATE TABLE taken.mine (x int);
        GRANT USAGE ON SCHEMA taken TO shop; CREATE SCHEMA closed",
    );
    let schema = |name: &str| {
        let mut command = ours();
        command.args(["--postgres-schema", name]);
        command
    };
    let url = careful.url("shop:hunter2", "postgres");
    says(&mut ours(), "postgres://shop:hunter2@localhost:bad/shop", "cannot be understood");
    says(&mut ours(), "postgres://shop:hunter2@localhost:1/shop", "Connection refused");
    says(&mut ours(), "postgres://shop:hunter2@no.such.host.invalid/shop", "no.such.host.invalid");
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = web.local_addr().unwrap().port();
    let answer = thread::spawn(move || {
        let (mut client, _) = web.accept().unwrap();
        client.read_exact(&mut [0; 8]).unwrap();
        client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let why = "what answers is no PostgreSQL server, or not understood: unexpected response from \
        SSLRequest: 0x48\n";
    says(&mut ours(), &format!("postgres://shop:hunter2@127.0.0.1:{port}/shop"), why);
    answer.join().unwrap();
    let wrong = careful.url("shop:hunter2hunter2", "postgres");
    says(&mut ours(), &wrong, "password authentication failed for user \"shop\"");
    let missing = careful.url("shop:hunter2", "no_such_database");
    says(&mut ours(), &missing, "database \"no_such_database\" does not exist");
    let latin = careful.url("shop:hunter2", "latin");
    says(&mut ours(), &latin, "the database has the encoding LATIN1; a shop needs UTF8");
    says(&mut schema("Shop"), &url, "`Shop` cannot be the name of a shop's schema");
    says(&mut schema("taken"), &url, "the schema `taken` belongs to another program");
    says(&mut schema("closed"), &url, "the user lacks the right USAGE on `closed`");
    run(&mut admin, "REVOKE CREATE ON DATABASE postgres FROM shop");
    says(&mut schema("new"), &url, "permission denied for database postgres");
    run(&mut admin, "GRANT CREATE ON DATABASE postgres TO shop");
    let read_only = format!("{url}?options=-c%20default_transaction_read_only%3Don");
    says(&mut schema("new"), &read_only, "the database is read-only");
    let forgetful = format!("{url}?options=-c%20synchronous_commit%3Doff");
    let why = "runs with `synchronous_commit` off, so that acknowledged orders can be lost; \
        `postgres_allow_data_loss` permits that";
    says(&mut schema("new"), &forgetful, why);

    // A shop, and then one that is newer, and one whose user may only look.
    let list = ["token", "list", "--postgres-schema", "shop", "--database", &url];
    let (code, ..) = output(ours().args(list));
    assert_eq!(code, 0);
    run(&mut admin, "REVOKE INSERT ON shop.commerce_orders FROM shop");
    says(&mut schema("shop"), &url, "the user lacks the right INSERT on `commerce_orders`");
    run(&mut admin, "GRANT INSERT ON shop.commerce_orders TO shop");
    run(&mut admin, "INSERT INTO shop.commerce_migrations (number) VALUES (99)");
    says(&mut schema("shop"), &url, "have version 99, and this program knows only version");
}

#[test]
fn a_server_that_forgets_is_refused_unless_it_is_asked_for() {
    if left_out() {
        return;
    }
    // That of the other tests may be somebody else's, and a careful one.
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start("-c fsync=off"));
    let mut careful = commerce(folder.path());
    says(
        careful.args(["--postgres-schema", "shop"]),
        &server.address,
        "the server runs with `fsync` off, so that acknowledged orders can be lost; \
            `postgres_allow_data_loss` permits that",
    );
    let mut told = program(folder.path());
    told.args(["--listen", "127.0.0.1:0", "--database", &server.address]);
    Process::start({
        told.args(["--postgres-schema", "shop"]);
        told
    });
}

#[test]
fn a_standby_is_refused() {
    if left_out() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start("-c fsync=on");
    let mut admin = server.connect();
    let signal = server.data().join("standby.signal");
    run(&mut admin, &format!("COPY (SELECT) TO '{}'", signal.display()));
    server.crash();
    says(&mut commerce(folder.path()), &server.address, "the database is read-only: a standby");
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for() {
    if left_out() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://shop:hunter2@{}/shop", silent.local_addr().unwrap());
    says(&mut commerce(folder.path()), &url, "the database did not answer in time");
}

#[test]
fn the_line_is_encrypted_as_it_is_asked() {
    if left_out() {
        return;
    }
    let careful = &*CAREFUL;
    let folder = tempfile::tempdir().unwrap();
    let ours = || {
        let mut command = commerce(folder.path());
        command.args(["--postgres-schema", "lines"]);
        command
    };
    let root = folder.path().join("root.crt");
    fs::copy(careful.server.data().join("server.crt"), &root).unwrap();
    let root = format!("sslrootcert={}", root.display());
    let url = |user: &str, mode: &str| careful.url(user, &format!("postgres?sslmode={mode}"));
    let opens = |url: &str| {
        let list = ["token", "list", "--postgres-schema", "lines", "--database", url];
        let (code, _, error) = output(commerce(folder.path()).args(list));
        assert_eq!(code, 0, "{url}: {error}");
    };
    // This one may not speak in the clear.
    let shop = |mode: &str| url("shop:hunter2", mode);
    says(&mut ours(), &shop("disable"), "no encryption");
    opens(&shop("prefer"));
    opens(&shop("require"));
    opens(&format!("{}&{root}", shop("verify-ca")));
    opens(&format!("{}&{root}", shop("verify-full")));
    says(&mut ours(), &shop("verify-full"), "certificate");
    let other_name = format!("{}&{root}", shop("verify-full")).replace("localhost", "127.0.0.1");
    says(&mut ours(), &other_name, "certificate not valid for name");
    opens(&format!("{}&{root}", shop("verify-ca")).replace("localhost", "127.0.0.1"));
    says(&mut ours(), &shop("sometimes"), "cannot be understood");
    // Who may, does.
    run(
        &mut careful.server.connect(),
        "GRANT ALL ON SCHEMA lines TO open; GRANT ALL ON ALL TABLES IN SCHEMA lines TO open",
    );
    opens(&url("open:hunter2", "disable"));
}

#[test]
fn no_password_is_shown() {
    if left_out() {
        return;
    }
    let careful = &*CAREFUL;
    let folder = tempfile::tempdir().unwrap();
    let url = careful.url("shy:hunter2", "postgres?pasword=hunter2&application_name=till");
    let mut command = commerce(folder.path());
    command.args(["--listen", "127.0.0.1:0", "--postgres-schema", "shown"]);
    command.env("COMMERCE_DATABASE", &url).env("COMMERCE_LOG_LEVEL", "trace");
    let log = folder.path().join("log");
    let server = Process::start_with_log(command, Stdio::from(fs::File::create(&log).unwrap()));
    assert!(server.greeting.contains("postgres://shy:***@localhost"), "{}", server.greeting);
    let ready = format!("http://{}/readyz", server.address);
    assert_eq!(Answer::of(agent().get(&ready).call()).status, 200);
    // Nor when the database is away, and something is told about it.
    let mut admin = careful.server.connect();
    run(&mut admin, "ALTER ROLE shy RENAME TO gone");
    let end =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'gone'";
    run(&mut admin, end);
    let answer = Answer::of(agent().get(&ready).call());
    run(&mut admin, "ALTER ROLE gone RENAME TO shy; ALTER ROLE shy PASSWORD 'hunter2'");
    answer.problem(503, "unavailable");
    let known = format!("{}{}", server.greeting, answer.text());
    drop(server);
    let log = fs::read_to_string(log).unwrap();
    let told: Vec<_> = log.lines().filter(|line| line.contains("is not known")).collect();
    assert!(matches!(told[..], [one] if one.contains("pasword")), "{told:?}");
    for text in [known, log] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    let config = output(commerce(folder.path()).arg("config").env("COMMERCE_DATABASE", &url)).1;
    assert!(config.contains("postgres://shy:***@localhost") && !config.contains("hunter2"));
}
