//! What is counted: requests by route, and how long they took.
//!
//! Everything goes to the recorder that the process has installed, as the `metrics` crate has it;
//! a server without one counts nothing and pays next to nothing.

use std::{
    collections::HashMap,
    sync::{OnceLock, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    Router,
    http::{Method, header},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics::{Counter, Histogram, Unit};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// Counts requests, by `method`, `route` and `status`.
pub const REQUESTS: &str = "http_requests_total";
/// The time from a request's head to its answer's, in seconds, by `method` and `route`.
pub const DURATION: &str = "http_request_duration_seconds";

/// Counts what happened in the shop, by `type` of event.
pub const EVENTS: &str = "commerce_events_total";

/// Counts what payment gateways were asked, by `gateway`, `operation` and `outcome`.
pub const GATEWAY_CALLS: &str = "commerce_gateway_calls_total";
/// How long payment gateways took, in seconds, by `gateway` and `operation`.
pub const GATEWAY_DURATION: &str = "commerce_gateway_call_duration_seconds";
/// Counts the webhooks that came, by `gateway`, `kind` (empty where it is not believed) and `outcome`.
pub const WEBHOOKS: &str = "commerce_webhooks_total";
/// Counts how webhooks were handled, by `gateway` and `outcome`.
pub const WEBHOOKS_HANDLED: &str = "commerce_webhooks_handled_total";

/// Bounds of the histogram, in seconds: from a read in memory to the longest that is tolerated.
const BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Installs the process's recorder, once; later calls give the same.
///
/// # Errors
/// When the process has a recorder of another kind.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new().set_buckets(BUCKETS)?.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)?;
    metrics::describe_counter!(REQUESTS, "Requests answered.");
    metrics::describe_counter!(EVENTS, "Events of the shop, such as order.placed.");
    metrics::describe_counter!(GATEWAY_CALLS, "What payment gateways were asked.");
    metrics::describe_counter!(WEBHOOKS, "Webhooks that came, and whether they were believed.");
    metrics::describe_counter!(WEBHOOKS_HANDLED, "Webhooks that were handled.");
    metrics::describe_histogram!(DURATION, Unit::Seconds, "Time from request to answer.");
    metrics::describe_histogram!(GATEWAY_DURATION, Unit::Seconds, "Time of a gateway's answer.");
    Ok(HANDLE.get_or_init(|| handle).clone())
}

/// How often samples are folded into the histograms. They are kept one by one until then, and a
/// server that nobody scrapes must not fill its memory with them.
const UPKEEP_EVERY: Duration = Duration::from_secs(1);

/// Keeps the recorder small, for ever.
pub async fn upkeep(handle: PrometheusHandle) {
    let mut due = tokio::time::interval(UPKEEP_EVERY);
    loop {
        due.tick().await;
        handle.run_upkeep();
    }
}

/// Answers with what the recorder has counted, in the text format of Prometheus.
pub(crate) fn answer(handle: &PrometheusHandle) -> Response {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, TEXT)], handle.render()).into_response()
}

/// `GET /metrics` alone, for an address of its own.
pub(crate) fn router(handle: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(async move || answer(&handle)))
}

/// The series of one route, looked up once and kept: finding one by its labels costs more than a
/// small request.
#[derive(Debug, Default)]
pub(crate) struct RequestSeries(RwLock<HashMap<Box<str>, Vec<Series>>>);

#[derive(Clone)]
struct Series {
    method: &'static str,
    status: u16,
    requests: Counter,
    duration: Histogram,
}

impl std::fmt::Debug for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.status)
    }
}

impl RequestSeries {
    /// Counts one request. `route` is a template, so that series stay few.
    pub(crate) fn record(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let method = method_label(method);
        let find = |all: &HashMap<Box<str>, Vec<Series>>| {
            all.get(route)?.iter().find(|s| s.method == method && s.status == status).cloned()
        };
        let known = find(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let series = known.unwrap_or_else(|| {
            let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
            let series = Series::new(method, route, status);
            all.entry(route.into()).or_default().push(series.clone());
            series
        });
        series.requests.increment(1);
        series.duration.record(took);
    }
}

impl Series {
    fn new(method: &'static str, route: &str, status: u16) -> Self {
        let route = route.to_owned();
        Self {
            method,
            status,
            requests: metrics::counter!(
                REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string()
            ),
            duration: metrics::histogram!(DURATION, "method" => method, "route" => route),
        }
    }
}

/// The method as a label; one label for all that no route knows, because clients choose them.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
