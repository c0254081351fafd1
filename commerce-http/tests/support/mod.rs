//! A real server on a real port, and clients for it.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

pub mod contract;
pub mod shop;
pub mod store;
pub mod transcript;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread::JoinHandle,
    time::Duration,
};

use axum::Router;
use commerce_http::{
    server::{Ending, serve},
    tasks::Tasks,
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot};

/// A router that is served on a thread of its own until the end of the test.
pub struct Server {
    pub address: SocketAddr,
    pub tasks: Tasks,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Ending>>,
}

impl Server {
    pub fn start(router: Router) -> Self {
        Self::with_grace(router, Tasks::new(), Duration::from_secs(20))
    }

    pub fn with_grace(router: Router, tasks: Tasks, grace: Duration) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let of_server = tasks.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            let ending = runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let stop = async {
                    let _ = stopped.await;
                };
                serve(listener, router, of_server, grace, stop).await
            });
            runtime.shutdown_background();
            ending
        });
        Self { address: told.recv().unwrap(), tasks, stop: Some(stop), thread: Some(thread) }
    }

    /// Asks the server to stop, without waiting.
    pub fn ask_to_stop(&mut self) {
        self.stop.take();
    }

    /// Waits for the end after [`Self::ask_to_stop`].
    pub fn ending(mut self) -> Ending {
        self.thread.take().unwrap().join().unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        Answer::of(agent().get(self.url(path)).call())
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = agent().get(self.url(path));
        Answer::of(headers.iter().fold(request, |r, (name, value)| r.header(*name, *value)).call())
    }

    pub fn post(&self, path: &str, content_type: Option<&str>, body: &[u8]) -> Answer {
        let request = agent().post(self.url(path));
        let request = match content_type {
            Some(content_type) => request.header("content-type", content_type),
            None => request,
        };
        Answer::of(request.send(body))
    }

    pub fn connect(&self) -> TcpStream {
        connect(self.address)
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    // A test that would wait for ever fails instead.
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn of(outcome: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Self {
        let (parts, mut body) = outcome.unwrap().into_parts();
        let body = body.with_config().limit(100 << 20).read_to_vec().unwrap();
        Self { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that it is a problem with this status and code, complete and with an id.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert!(!self.header("x-request-id").is_empty());
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["code"], code);
        assert_eq!(problem["type"], format!("/problems/{code}"));
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        problem
    }
}

/// Sends a raw request and reads until the server closes the connection.
pub fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address);
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The binary, serving; killed at the end of the test.
pub struct Process {
    pub child: Child,
    pub address: SocketAddr,
    pub greeting: String,
}

pub fn commerce(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_commerce"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COMMERCE_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder);
    command
}

impl Process {
    pub fn start(command: Command) -> Self {
        Self::start_with_log(command, Stdio::piped())
    }

    pub fn start_with_log(mut command: Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut greeting = String::new();
        while !greeting.contains("  token ") {
            let Some(line) = lines.next() else {
                let mut why = String::new();
                child.stderr.take().unwrap().read_to_string(&mut why).unwrap();
                panic!("the server did not start: {why}");
            };
            greeting.push_str(&line.unwrap());
            greeting.push('\n');
        }
        let (_, rest) = greeting.split_once("http://").unwrap();
        let address = rest.lines().next().unwrap().parse().unwrap();
        Self { child, address, greeting }
    }

    /// Sends a signal by name.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
