//! Webhooks: events on their way to those who listen.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use sha2::Sha256;

use crate::{fake::Shared, table::Object as _, world::World};

/// How long an endpoint may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How often an event is sent to an endpoint that does not take it, at most.
const ATTEMPTS_MAX: u32 = 16;
/// How long after the first try the second is made, in seconds; then twice as long, and so on.
const SECOND_TRY: i64 = 60;

/// An event on its way to an endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) event: String,
    pub(crate) endpoint: String,
    /// When it is sent, in seconds since 1970.
    pub(crate) due_at: i64,
    pub(crate) attempts: u32,
}

impl Delivery {
    pub(crate) fn new(event: &str, endpoint: &str, due_at: i64) -> Self {
        Self { event: event.to_owned(), endpoint: endpoint.to_owned(), due_at, attempts: 0 }
    }
}

/// An event that waits to be sent to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingWebhook {
    /// The event's id.
    pub event: String,
    /// What happened: `payment_intent.succeeded`.
    pub kind: String,
    /// The object that it is about.
    pub object: String,
    /// The address that it is sent to.
    pub url: String,
    /// How often it was sent and not taken.
    pub attempts: u32,
}

/// The value of the header `Stripe-Signature` for a body: the time, and one signature of each
/// secret. It is public so that a test can make good signatures, and bad ones.
///
/// ```
/// let header = fake_stripe::signature(b"{}", &["whsec_test"], 1_700_000_000);
/// assert!(header.starts_with("t=1700000000,v1="));
/// ```
pub fn signature(body: &[u8], secrets: &[&str], timestamp: i64) -> String {
    use std::fmt::Write as _;
    let mut header = format!("t={timestamp}");
    for secret in secrets {
        header.push_str(",v1=");
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { continue };
        mac.update(format!("{timestamp}.").as_bytes());
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            let _ = write!(header, "{byte:02x}");
        }
    }
    header
}

/// A request to an endpoint.
struct Webhook {
    url: String,
    body: String,
    signature: String,
}

impl World {
    /// The next delivery that is due, unless webhooks are held.
    pub(crate) fn next_delivery(&mut self) -> Option<Delivery> {
        if self.webhooks_held {
            return None;
        }
        let now = self.now();
        let at = self.deliveries.iter().position(|delivery| delivery.due_at <= now)?;
        self.deliveries.remove(at)
    }

    pub(crate) fn is_delivery_due(&self) -> bool {
        let now = self.now();
        !self.webhooks_held && self.deliveries.iter().any(|delivery| delivery.due_at <= now)
    }

    pub(crate) fn pending_webhooks(&self) -> Vec<PendingWebhook> {
        self.deliveries
            .iter()
            .filter_map(|delivery| {
                let event = self.events.find(&delivery.event)?;
                Some(PendingWebhook {
                    event: event.id.clone(),
                    kind: event.kind.clone(),
                    object: event.object_id().to_owned(),
                    url: self.endpoints.find(&delivery.endpoint)?.url.clone(),
                    attempts: delivery.attempts,
                })
            })
            .collect()
    }

    /// The deliveries of one event: those that wait, or, if none does, one to each endpoint that
    /// listens for it.
    pub(crate) fn deliveries_of(&mut self, event: &str) -> Vec<Delivery> {
        let (waiting, others) =
            self.deliveries.drain(..).partition::<Vec<_>, _>(|delivery| delivery.event == event);
        self.deliveries.extend(others);
        if !waiting.is_empty() {
            return waiting;
        }
        let Some(event) = self.events.find(event) else { return Vec::new() };
        let listening = self.endpoints.iter().filter(|endpoint| endpoint.listens_for(&event.kind));
        let now = self.now();
        listening.map(|endpoint| Delivery::new(&event.id, &endpoint.id, now)).collect()
    }

    fn webhook(&self, delivery: &Delivery) -> Option<Webhook> {
        let endpoint = self.endpoint(&delivery.endpoint).ok()?;
        let event: Value = self.events.find(&delivery.event)?.json();
        // Indented, as Stripe's are: who checks a signature over anything but the raw body fails.
        let body = serde_json::to_string_pretty(&event).ok()?;
        let secrets = endpoint.secrets(self.now());
        let signature = signature(body.as_bytes(), &secrets, self.clock.signs_at());
        Some(Webhook { url: endpoint.url.clone(), body, signature })
    }

    /// Notes what became of a delivery, and plans the next try.
    fn delivered(&mut self, delivery: Delivery, taken: bool) {
        if taken {
            if let Some(event) = self.events.find_mut(&delivery.event) {
                event.pending_webhooks = event.pending_webhooks.saturating_sub(1);
            }
        } else if delivery.attempts + 1 < ATTEMPTS_MAX {
            let wait = SECOND_TRY << delivery.attempts.min(10);
            let due_at = self.now().saturating_add(wait);
            let attempts = delivery.attempts + 1;
            self.deliveries.push_back(Delivery { due_at, attempts, ..delivery });
        }
    }
}

/// Sends webhooks.
#[derive(Debug, Clone)]
pub(crate) struct Sender(Client<HttpConnector, Full<Bytes>>);

impl Sender {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    /// Sends one event to one endpoint; says the status of the answer, if there was one.
    pub(crate) async fn send(&self, shared: &Shared, delivery: Delivery) -> Option<u16> {
        let webhook = shared.world().webhook(&delivery)?;
        let request = axum::http::Request::post(&webhook.url)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("stripe-signature", webhook.signature)
            .body(Full::new(Bytes::from(webhook.body)));
        let status = match request {
            Ok(request) => {
                let answer = tokio::time::timeout(ANSWER_WITHIN, self.0.request(request)).await;
                answer.ok().and_then(Result::ok).map(|answer| answer.status())
            }
            Err(_) => None,
        };
        let taken = status.is_some_and(|status| status.is_success());
        shared.world().delivered(delivery, taken);
        status.map(|status| status.as_u16())
    }

    /// Sends what is due, one after the other, for as long as the fake lives.
    pub(crate) async fn run(self, shared: Arc<Shared>) {
        loop {
            shared.world().catch_up();
            let next = {
                let mut world = shared.world();
                let next = world.next_delivery();
                shared.set_sending(next.is_some());
                next
            };
            match next {
                Some(delivery) => {
                    self.send(&shared, delivery).await;
                }
                None => {
                    shared.tell_idle();
                    // What falls due by the clock alone is looked for every second.
                    let _ = tokio::time::timeout(Duration::from_secs(1), shared.woken()).await;
                }
            }
        }
    }
}
