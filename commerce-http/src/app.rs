//! What handlers share, and the router made of them.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header},
};
use commerce_core::Commerce;
use futures_util::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tower::util::{MapRequestLayer, MapResponseLayer};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{And, NotForContentType, Predicate, SizeAbove},
    },
};

use crate::{
    cors::{self, Origin},
    docs, etag,
    frame::{FrameLayer, Limits},
    pages::Pages,
    routes, storefront,
    tasks::Tasks,
};

/// Asks whether the store can be reached and takes writes.
#[derive(Clone)]
pub struct Readiness(Arc<dyn Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>);

type BoxError = Box<dyn Error + Send + Sync>;

impl Readiness {
    /// How long an answer is waited for. Whoever asks has a server to choose, and other things to do: a
    /// store that takes as long is out of reach for customers as well.
    pub const PATIENCE: Duration = Duration::from_secs(2);

    /// Asks by calling `probe`.
    pub fn new<P, F, E>(probe: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self(Arc::new(move || {
            let asked = probe();
            Box::pin(async move { asked.await.map_err(Into::into) })
        }))
    }

    /// Asks now, and waits [`Readiness::PATIENCE`] for an answer.
    ///
    /// # Errors
    /// What keeps the store from being reached.
    pub async fn ask(&self) -> Result<(), BoxError> {
        timeout(Self::PATIENCE, (self.0)()).await.map_err(|_| "the store does not answer")?
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readiness")
    }
}

/// The most webhooks that are looked into at once. A provider that has been away sends them all at a
/// time, and does not like to be asked as fast.
const WEBHOOKS_AT_ONCE: usize = 16;

/// The state of every handler; cheap to clone.
#[derive(Debug, Clone)]
pub struct App(Arc<Shared>);

#[derive(Debug, Clone)]
struct Shared {
    commerce: Commerce,
    readiness: Readiness,
    metrics: Option<Metrics>,
    tasks: Tasks,
    pages: Arc<Pages>,
    /// Places for webhooks that are looked into as soon as they are recorded.
    webhooks: Arc<Semaphore>,
    demo: bool,
}

#[derive(Clone)]
struct Metrics(PrometheusHandle);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl App {
    /// A shop without metrics, ready while its store answers and takes writes.
    pub fn new(commerce: Commerce) -> Self {
        let asked = commerce.clone();
        let readiness = Readiness::new(move || {
            let commerce = asked.clone();
            async move { commerce.ready().await }
        });
        Self(Arc::new(Shared {
            commerce,
            readiness,
            metrics: None,
            tasks: Tasks::new(),
            pages: Arc::default(),
            webhooks: Arc::new(Semaphore::new(WEBHOOKS_AT_ONCE)),
            demo: false,
        }))
    }

    /// Asks this instead of the store whether requests can be served.
    #[must_use]
    pub fn with_readiness(mut self, readiness: Readiness) -> Self {
        Arc::make_mut(&mut self.0).readiness = readiness;
        self
    }

    /// Answers `GET /metrics` with what this recorder has counted.
    #[must_use]
    pub fn with_metrics(mut self, handle: PrometheusHandle) -> Self {
        Arc::make_mut(&mut self.0).metrics = Some(Metrics(handle));
        self
    }

    /// Serves a page to buy in at `/demo`.
    #[must_use]
    pub fn with_demo(mut self) -> Self {
        Arc::make_mut(&mut self.0).demo = true;
        self
    }

    /// The shop.
    pub fn commerce(&self) -> &Commerce {
        &self.0.commerce
    }

    /// Whether the store can be reached.
    pub fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    /// The recorder behind `GET /metrics`, if it is served here.
    pub fn metrics(&self) -> Option<&PrometheusHandle> {
        self.0.metrics.as_ref().map(|Metrics(handle)| handle)
    }

    /// A place to look into a webhook at once, given back when dropped; `None` if all are taken.
    pub(crate) fn place_for_webhook(&self) -> Option<OwnedSemaphorePermit> {
        self.0.webhooks.clone().try_acquire_owned().ok()
    }

    /// The pages of products that shop clients look at.
    pub(crate) fn pages(&self) -> &Pages {
        &self.0.pages
    }

    /// The work that finishes although its client hung up.
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }
}

/// The whole server as one router: every route, the documents, and what each request passes
/// through. Nest it in an axum application of your own, or give it to [`crate::server::serve`].
///
/// Install a recorder of the `metrics` crate, if any, before the first request.
pub fn router(app: App, limits: Limits, origins: &[Origin]) -> Router {
    let (api, _) = routes::routes().split_for_parts();
    let demo = if app.0.demo { storefront::router() } else { Router::new() };
    let router = api
        .with_state(app)
        .merge(docs::router())
        .merge(demo)
        // Its own, or it would take over that of a router that it is nested in.
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(FrameLayer::new(limits))
        .layer((
            MapRequestLayer::new(takes_any_encoding),
            MapResponseLayer::new(etag::weaken),
            compression(),
        ));
    match cors::layer(origins) {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// The smallest answer that is compressed, in bytes: below, it fits in one packet either way.
const COMPRESSED_BYTES_MIN: u64 = 1024;

/// Forgets what encodings a client takes if it refuses some. An answer as it is serves a client that says
/// no to it better than none: the compression would say 406 of what was done already.
fn takes_any_encoding(mut request: Request) -> Request {
    let refuses = |coding: &str| {
        let weights = coding.split(';').skip(1).filter_map(|it| it.trim().split_once('='));
        let is_zero = |weight: &str| weight.trim().bytes().all(|b| b"0.".contains(&b));
        weights.into_iter().any(|(_, weight)| is_zero(weight))
    };
    let mut values = request.headers().get_all(header::ACCEPT_ENCODING).iter();
    if values.any(|it| it.to_str().is_ok_and(|codings| codings.split(',').any(refuses))) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    request
}

/// gzip at its fastest: most of the gain for little time.
fn compression() -> CompressionLayer<And<SizeAbove, NotForContentType>> {
    let worth_it = SizeAbove::new(COMPRESSED_BYTES_MIN).and(NotForContentType::IMAGES);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth_it)
}

#[cfg(test)]
pub(crate) mod tests {
    use commerce_core::{
        currency::Currency,
        inputs::{SeededIds, SteppedClock},
        shop::Shop,
        store::MemoryStore,
        time::Timestamp,
    };

    use super::*;

    /// An open shop in memory, with nothing in it.
    pub(crate) async fn app() -> App {
        let clock = SteppedClock::new(Timestamp::UNIX_EPOCH);
        let commerce = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1));
        commerce.open(Shop::new("Test", Currency::EUR).unwrap()).await.unwrap();
        App::new(commerce)
    }
}
