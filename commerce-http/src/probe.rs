//! Asking a server how it fares, for whoever watches over its process and has no client of its own.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the server that listens here is ready, as `GET /readyz` says.
///
/// # Errors
/// When it is not, or does not answer within a few seconds.
pub(crate) fn ready(listen: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&reachable(listen), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut line = [0; 12];
    stream.read_exact(&mut line)?;
    if &line == b"HTTP/1.1 200" {
        return Ok(());
    }
    Err(io::Error::other("the server says so"))
}

/// Where a server is found that may listen on every address.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_found_here() {
        let found = |listen: &str| reachable(listen.parse().unwrap()).to_string();
        assert_eq!(found("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(found("[::]:8080"), "[::1]:8080");
        assert_eq!(found("10.0.0.7:8080"), "10.0.0.7:8080");
    }
}
