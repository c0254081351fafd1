//! The body of a request, byte by byte.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{FromRequest, Request},
    http::header,
};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

use crate::problem::{Code, Members, Problem};

/// What a body may be; the server puts it among the extensions of a request that has one.
#[derive(Debug, Clone, Copy)]
pub struct BodyRules {
    /// The largest body, in bytes.
    pub bytes_max: usize,
    /// The time in which it must arrive.
    pub within: Duration,
}

impl Default for BodyRules {
    /// One mebibyte within 15 seconds.
    fn default() -> Self {
        Self { bytes_max: 1 << 20, within: Duration::from_secs(15) }
    }
}

/// How much of a body that nobody wants is read and thrown away, in bytes: most clients read the answer
/// only once they have sent all.
const DISCARDED_MAX: usize = 64 << 20;

/// A body on its way to whoever reads it. What they leave of it is given back.
struct Lent {
    body: Body,
    /// Whether the client sends it: one that asks before it does may be answered instead.
    comes: bool,
    left: Arc<Mutex<Option<Body>>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.comes = true;
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.comes && !self.body.is_end_stream() {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            *left = Some(mem::take(&mut self.body));
        }
    }
}

/// What is left of a body once a request is answered.
#[derive(Debug)]
pub(crate) struct Rest(Arc<Mutex<Option<Body>>>);

impl Rest {
    /// Of a request's body, which goes on to whoever takes the request.
    pub(crate) fn of(request: &mut Request) -> Self {
        let left = Arc::default();
        let comes = !request.headers().contains_key(header::EXPECT);
        let body = mem::take(request.body_mut());
        *request.body_mut() = Body::new(Lent { body, comes, left: Arc::clone(&left) });
        Self(left)
    }

    /// Reads it and throws it away, until then and no more than so much of it.
    pub(crate) async fn discard(self, until: Instant) {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut body) = left else { return };
        let all = async {
            let mut discarded = 0_usize;
            while let Some(Ok(frame)) = body.frame().await {
                discarded = discarded.saturating_add(frame.data_ref().map_or(0, Bytes::len));
                if discarded > DISCARDED_MAX {
                    return;
                }
            }
        };
        // Whoever is too slow finds the connection closed.
        let _ = tokio::time::timeout_at(until.into(), all).await;
    }
}

/// A body as it came, of whatever type: `MAX` bytes at most, however many the server takes elsewhere.
#[derive(Debug, Clone)]
pub struct Raw<const MAX: usize>(pub Vec<u8>);

impl<const MAX: usize, S: Send + Sync> FromRequest<S> for Raw<MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        whole(request, Some(MAX)).await.map(Self)
    }
}

/// Reads all of a body, of at most so many bytes or as many as the server takes.
pub(super) async fn whole(request: Request, at_most: Option<usize>) -> Result<Vec<u8>, Problem> {
    let BodyRules { bytes_max, within } = request.extensions().get().copied().unwrap_or_default();
    let bytes_max = at_most.unwrap_or(bytes_max);
    // A client that asks before it sends need not send what is too large.
    let asks = request.headers().contains_key(header::EXPECT);
    if asks && request.body().size_hint().lower() > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
        return Err(too_large(bytes_max));
    }
    tokio::time::timeout(within, read(request.into_body(), bytes_max)).await.map_err(|_| {
        Problem::new(Code::RequestTimeout, "The body of the request came too slowly.")
    })?
}

async fn read(mut body: Body, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(expected.min(bytes_max).min(64 << 10));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Problem::new(Code::MalformedRequest, "The body of the request broke off.")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > bytes_max.saturating_sub(bytes.len()) {
            return Err(too_large(bytes_max));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn too_large(bytes_max: usize) -> Problem {
    let detail = format!("The body of the request is larger than {bytes_max} bytes.");
    let members = Members { bytes_max: Some(bytes_max), ..Members::default() };
    Problem::new(Code::PayloadTooLarge, detail).with(members)
}
