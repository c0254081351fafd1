//! The body of a request, byte by byte.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequest, Request},
    http::header,
};
use http_body_util::BodyExt;

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

/// How much of a body that is too large is read and thrown away, in bytes: most clients read the
/// answer only once they have sent all.
const DISCARDED_MAX: usize = 64 << 20;

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
    let mut discarded = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Problem::new(Code::MalformedRequest, "The body of the request broke off.")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if discarded == 0 && data.len() <= bytes_max.saturating_sub(bytes.len()) {
            bytes.extend_from_slice(&data);
        } else {
            discarded = discarded.saturating_add(data.len());
            bytes = Vec::new();
            if discarded > DISCARDED_MAX {
                break;
            }
        }
    }
    if discarded > 0 {
        return Err(too_large(bytes_max));
    }
    Ok(bytes)
}

fn too_large(bytes_max: usize) -> Problem {
    let detail = format!("The body of the request is larger than {bytes_max} bytes.");
    let members = Members { bytes_max: Some(bytes_max), ..Members::default() };
    Problem::new(Code::PayloadTooLarge, detail).with(members)
}
