//! Servers in processes of their own, and the memory of a process.

use std::{
    env,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A server that ends with this value.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Runs `commerce serve` on a data folder, as it is built beside the benches.
    ///
    /// # Panics
    /// When it is not built, or does not start.
    pub fn commerce(data: &Path) -> Self {
        Self::serve(["--data".as_ref(), data.as_os_str()])
    }

    /// Runs `commerce serve` on the database of an address.
    ///
    /// # Panics
    /// When it is not built, or does not start.
    pub fn on_database(address: &str) -> Self {
        Self::serve(["--database".as_ref(), address.as_ref()])
    }

    fn serve(arguments: [&OsStr; 2]) -> Self {
        let mut command = Command::new(binary());
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        Self::start(command)
    }

    /// Runs this bench again, as a server.
    ///
    /// # Panics
    /// When it does not start.
    pub fn again(arguments: &[&str]) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(arguments);
        Self::start(command)
    }

    /// Starts a server and waits until it says where it listens: `http://` and an address.
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let address = BufReader::new(stdout).lines().map_while(Result::ok).find_map(|line| {
            let (_, address) = line.split_once("http://")?;
            address.trim().parse().ok()
        });
        Self { child, address: address.expect("the server did not start") }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The memory that it has now, and the most that it had, in megabytes of 10⁶ bytes.
    ///
    /// # Panics
    /// When the system does not say.
    pub fn memory(&self) -> (f64, f64) {
        memory(self.child.id()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The memory that a process has now, and the most that it had, in megabytes of 10⁶ bytes; `None` once
/// it has ended.
///
/// # Panics
/// When the system does not say.
pub fn memory(process: u32) -> Option<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: f64 = line.trim_matches([':', ' ', '\t', 'k', 'B']).parse().unwrap();
        Some(kibibytes * 1024.0 / 1e6)
    };
    Some((of("VmRSS")?, of("VmHWM")?))
}

/// The binary `commerce`: Cargo puts it into the folder above that of the benches.
///
/// # Panics
/// When it is not built.
pub fn binary() -> PathBuf {
    let bench = env::current_exe().unwrap();
    let binary = bench.ancestors().nth(2).unwrap().join("commerce");
    assert!(
        binary.is_file(),
        "{} is not there: cargo build --release -p commerce-http",
        binary.display()
    );
    binary
}
