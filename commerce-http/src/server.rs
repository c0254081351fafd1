//! Serving a router over TCP, from the first connection to a graceful end.

use std::{io, pin::pin, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::tasks::Tasks;

/// The time in which the head of a request must arrive, and for which a connection may idle.
const HEAD_WITHIN: Duration = Duration::from_secs(60);

/// The pause after the system refused a connection for want of files or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Every request that was begun was answered, and all work finished.
    Graceful,
    /// The grace period ran out on open connections or work.
    Forced,
}

/// Serves `router` until `stop` is done, then for at most `grace` what was begun by then:
/// requests are answered, and the work in `tasks` comes to its end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tasks: Tasks,
    grace: Duration,
    stop: impl Future<Output = ()>,
) -> Ending {
    let mut stop = pin!(stop);
    let (stopping, cut_off) = (CancellationToken::new(), CancellationToken::new());
    let connections = TaskTracker::new();
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let connection =
                        connection(stream, router.clone(), stopping.clone(), cut_off.clone());
                    connections.spawn(connection);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    stopping.cancel();
    connections.close();
    let ended = async {
        connections.wait().await;
        tasks.ended().await;
    };
    let ending = match tokio::time::timeout(grace, ended).await {
        Ok(()) => Ending::Graceful,
        Err(_) => Ending::Forced,
    };
    cut_off.cancel();
    ending
}

/// Serves `router` for as long as the runtime lives.
pub(crate) async fn serve_forever(listener: TcpListener, router: Router) {
    serve(listener, router, Tasks::new(), Duration::ZERO, std::future::pending()).await;
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

async fn connection(
    stream: TcpStream,
    router: Router,
    stopping: CancellationToken,
    cut_off: CancellationToken,
) {
    // What is not HTTP, such as a head without an end or with a hundred headers and more, hyper
    // answers by itself: a bare status, then the end of the connection. A head that does not come is
    // not answered at all.
    // Answers are written whole; waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let mut stopping = pin!(stopping.cancelled_owned());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = &mut stopping => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = cut_off.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = crate::frame::chain(&error), "connection broke");
    }
}

/// The system's wishes that the process end: SIGINT (Ctrl-C) and SIGTERM.
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl StopSignals {
    /// Listens from now on, within a tokio runtime.
    ///
    /// # Errors
    /// When the system does not let the process listen for signals.
    pub fn new() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
