//! Events: what happened, for those who listen.

use serde::Serialize;
use serde_json::Value;

use crate::{
    error::Result,
    fault::WebhookFault,
    params::Params,
    table::Object,
    webhook::Delivery,
    world::{API_VERSION, World},
};

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    object: &'static str,
    api_version: &'static str,
    created: i64,
    data: Data,
    livemode: bool,
    pub(crate) pending_webhooks: usize,
    request: Request,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[derive(Debug, Clone, Serialize)]
struct Data {
    /// The object as it was then.
    object: Value,
}

#[derive(Debug, Clone, Default, Serialize)]
struct Request {
    id: Option<String>,
    idempotency_key: Option<String>,
}

impl Object for Event {
    const KIND: &'static str = "event";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Event {
    /// The id of the object that it is about.
    pub(crate) fn object_id(&self) -> &str {
        self.data.object.get("id").and_then(Value::as_str).unwrap_or_default()
    }
}

impl World {
    /// Tells of something that happened, and sends it to every endpoint that listens for it.
    pub(super) fn tell(&mut self, kind: &str, object: Value) {
        let id = self.ids.draw("evt_");
        let now = self.now();
        let listening: Vec<String> = self
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.listens_for(kind))
            .map(|endpoint| endpoint.id.clone())
            .collect();
        let request = match self.request.clone() {
            Some((id, key)) => Request { id: Some(id), idempotency_key: key },
            None => Request::default(),
        };
        self.events.insert(Event {
            id: id.clone(),
            object: "event",
            api_version: API_VERSION,
            created: now,
            data: Data { object },
            livemode: false,
            pending_webhooks: listening.len(),
            request,
            kind: kind.to_owned(),
        });
        for endpoint in listening {
            let delivery = Delivery::new(&id, &endpoint, now);
            match self.faults.take_webhook(kind) {
                None => self.deliveries.push_back(delivery),
                Some(WebhookFault::Never) => {}
                Some(WebhookFault::Twice) => {
                    self.deliveries.push_back(delivery.clone());
                    self.deliveries.push_back(delivery);
                }
                Some(WebhookFault::Late { seconds }) => {
                    let late = i64::try_from(seconds).unwrap_or(i64::MAX);
                    let at = now.saturating_add(late);
                    self.deliveries.push_back(Delivery { due_at: at, ..delivery });
                }
            }
        }
    }

    pub(crate) fn list_events(&self, params: &mut Params) -> Result<Value> {
        let kind = params.text("type")?;
        let kinds = params.texts("types")?;
        self.events.page(params, "/v1/events", |event| {
            kind.as_ref().is_none_or(|kind| event.kind == *kind)
                && (kinds.is_empty() || kinds.contains(&event.kind))
        })
    }
}
