//! A client that costs little, so that what is measured is the server.
//!
//! It speaks just enough HTTP/1.1: one request after the other over one connection, answers with a
//! `content-length`.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection that is kept.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    /// Where in `received` the answer stands.
    answer: std::ops::Range<usize>,
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: &'a [u8],
}

impl Client {
    /// Connects.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, received: vec![0; 65_536], answer: 0..0 }
    }

    /// Sends a request, and waits for its answer.
    ///
    /// # Panics
    /// When the connection breaks, or the answer has no `content-length`.
    pub async fn ask(&mut self, request: &[u8]) -> Answer<'_> {
        self.stream.write_all(request).await.unwrap();
        let mut filled = 0;
        let mut head: Option<(u16, usize, usize)> = None;
        loop {
            if filled == self.received.len() {
                self.received.resize(2 * filled, 0);
            }
            let count = self.stream.read(&mut self.received[filled..]).await.unwrap();
            assert!(count > 0, "the server closed the connection");
            filled += count;
            if head.is_none() {
                head = parse(&self.received[..filled]);
            }
            if let Some((status, begin, length)) = head
                && filled >= begin + length
            {
                self.answer = begin..begin + length;
                return Answer { status, body: &self.received[self.answer.clone()] };
            }
        }
    }
}

/// The status, where the body begins, and its length; `None` before the head is complete.
fn parse(received: &[u8]) -> Option<(u16, usize, usize)> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = str::from_utf8(&received[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.get(9..12)).unwrap().parse().unwrap();
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map(|(_, value)| value.trim().parse().unwrap());
    Some((status, end + 4, length.expect("an answer without content-length")))
}

/// The bytes of a request. `headers` are whole lines.
pub fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let about = if body.is_empty() {
        String::new()
    } else {
        format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len())
    };
    format!("{method} {path} HTTP/1.1\r\nhost: bench\r\n{about}{headers}\r\n{body}").into_bytes()
}
