//! Stands between a store and its server: counts round trips, and cuts the line when told.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};

use super::{address, block_on};

/// What the proxy has seen, and what it is told.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// How often the server has said that it is ready for the next question.
    pub(crate) round_trips: AtomicU64,
    /// Whether the next `COMMIT` is handed on and its answer is not.
    pub(crate) cut_at_commit: AtomicBool,
    /// Whether answers are swallowed: the line is there, and nothing is said on it.
    pub(crate) silent: AtomicBool,
    /// After how many round trips the line falls silent; 0 for never.
    pub(crate) silent_after: AtomicU64,
    /// By how many milliseconds the server's clock seems to be ahead, where it is asked for the time alone.
    pub(crate) clock_ahead: AtomicI64,
    /// Whether what is set for a session is left out, as some poolers do.
    pub(crate) forgets_options: AtomicBool,
}

impl Line {
    /// The round trips since this was asked last.
    pub(crate) fn count(&self) -> u64 {
        self.round_trips.swap(0, Ordering::SeqCst)
    }
}

/// The way to the server through a proxy, which lives as long as the program.
pub(crate) fn proxy() -> (PgConnectOptions, Arc<Line>) {
    let line = Arc::new(Line::default());
    let server: PgConnectOptions = address().parse().unwrap();
    let listener = block_on(TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
    let port = listener.local_addr().unwrap().port();
    let through = server.clone().host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable);
    // A socket, if the server has one, would come before the host.
    let through = match server.get_socket() {
        None => through,
        Some(_) => PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username(server.get_username())
            .database(server.get_database().unwrap_or("postgres"))
            .ssl_mode(PgSslMode::Disable),
    };
    let seen = Arc::clone(&line);
    super::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, seen) = (server.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                match server.get_socket() {
                    Some(folder) => {
                        let socket = folder.join(format!(".s.PGSQL.{}", server.get_port()));
                        connect(client, UnixStream::connect(socket).await.unwrap(), seen).await;
                    }
                    None => {
                        let to = (server.get_host(), server.get_port());
                        connect(client, TcpStream::connect(to).await.unwrap(), seen).await;
                    }
                }
            });
        }
    });
    (through, line)
}

async fn connect<S>(client: TcpStream, server: S, line: Arc<Line>)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let (cut, cut_here) = (Arc::new(AtomicBool::new(false)), Arc::clone(&line));
    let asked = Arc::clone(&cut);
    let questions = async move {
        let Ok(length) = from_client.read_u32().await else { return };
        let mut hello = vec![0; usize::try_from(length).unwrap() - 4];
        let _ = from_client.read_exact(&mut hello).await;
        if cut_here.forgets_options.load(Ordering::SeqCst) {
            hello = without_options(&hello);
        }
        let length = u32::try_from(hello.len()).unwrap() + 4;
        let _ = to_server.write_all(&[&length.to_be_bytes(), &*hello].concat()).await;
        let mut bytes = vec![0; 65_536];
        while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
            let said = &bytes[..count];
            let commit = said.windows(6).any(|word| word == b"COMMIT");
            if commit && cut_here.cut_at_commit.swap(false, Ordering::SeqCst) {
                asked.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(said).await.is_err() {
                break;
            }
        }
    };
    let answers = async move {
        // The first answer to a question about encryption would be a single letter; none is asked.
        while let Ok(kind) = from_server.read_u8().await {
            let Ok(length) = from_server.read_u32().await else { break };
            let mut rest = vec![0; usize::try_from(length).unwrap() - 4];
            if from_server.read_exact(&mut rest).await.is_err() {
                break;
            }
            if cut.load(Ordering::SeqCst) {
                break;
            }
            if line.silent.load(Ordering::SeqCst) {
                continue;
            }
            if kind == b'Z' {
                let trips = 1 + line.round_trips.fetch_add(1, Ordering::SeqCst);
                if trips == line.silent_after.load(Ordering::SeqCst) {
                    line.silent.store(true, Ordering::SeqCst);
                }
            }
            if kind == b'D' {
                rest = moved(rest, line.clock_ahead.load(Ordering::SeqCst));
            }
            let length = u32::try_from(rest.len()).unwrap() + 4;
            let mut message = vec![kind];
            message.extend_from_slice(&length.to_be_bytes());
            message.extend_from_slice(&rest);
            if to_client.write_all(&message).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = questions => {}
        () = answers => {}
    }
}

/// What a client says first, without its `options`: a version, and texts in pairs, each with a zero byte
/// at its end.
fn without_options(hello: &[u8]) -> Vec<u8> {
    let (version, texts) = hello.split_at(4);
    let texts: Vec<_> = texts.split(|byte| *byte == 0).collect();
    let mut kept = version.to_vec();
    for pair in texts.chunks_exact(2).filter(|pair| !pair[0].is_empty() && pair[0] != b"options") {
        kept.extend(pair.iter().flat_map(|text| [text, &[0][..]].concat()));
    }
    kept.push(0);
    kept
}

/// A row in which there is nothing but a time in milliseconds since 1970, as text, with another time; any
/// other as it is.
fn moved(row: Vec<u8>, by: i64) -> Vec<u8> {
    /// How many columns there are, and how long the first one is.
    const TIME_ALONE: [u8; 6] = [0, 1, 0, 0, 0, 13];
    let text = row.strip_prefix(&TIME_ALONE).and_then(|text| str::from_utf8(text).ok());
    match text.and_then(|text| text.parse::<i64>().ok()) {
        Some(time) => [&TIME_ALONE[..], (time + by).to_string().as_bytes()].concat(),
        None => row,
    }
}
