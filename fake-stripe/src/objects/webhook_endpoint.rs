//! Webhook endpoints: who listens.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    error::{ApiError, Result},
    params::{Metadata, Params},
    table::Object,
    world::World,
};

/// How long a secret that was replaced still signs, in seconds: a day.
const OLD_SECRET_SIGNS: i64 = 24 * 60 * 60;

/// An address that events are sent to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WebhookEndpoint {
    pub(crate) id: String,
    object: &'static str,
    api_version: Option<String>,
    application: (),
    created: i64,
    description: Option<String>,
    enabled_events: Vec<String>,
    livemode: bool,
    metadata: Metadata,
    status: &'static str,
    pub(crate) url: String,
    /// What it signs with, the newest last, and until when.
    #[serde(skip)]
    secrets: Vec<(String, Option<i64>)>,
    #[serde(skip)]
    deleted: bool,
}

impl Object for WebhookEndpoint {
    const KIND: &'static str = "webhook endpoint";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl WebhookEndpoint {
    pub(crate) fn listens_for(&self, kind: &str) -> bool {
        !self.deleted && self.enabled_events.iter().any(|event| event == "*" || event == kind)
    }

    /// What its webhooks are signed with now, one signature for each.
    pub(crate) fn secrets(&self, now: i64) -> Vec<&str> {
        let valid = self.secrets.iter().filter(|(_, until)| until.is_none_or(|until| now < until));
        valid.map(|(secret, _)| secret.as_str()).collect()
    }
}

impl World {
    /// An endpoint whose webhooks are signed with this secret, or with a new one.
    pub(crate) fn add_endpoint(
        &mut self,
        url: &str,
        events: Vec<String>,
        secret: Option<String>,
    ) -> (String, String) {
        let id = self.ids.draw("we_");
        let secret = secret.unwrap_or_else(|| self.ids.draw("whsec_"));
        self.endpoints.insert(WebhookEndpoint {
            id: id.clone(),
            object: "webhook_endpoint",
            api_version: None,
            application: (),
            created: self.now(),
            description: None,
            enabled_events: events,
            livemode: false,
            metadata: Metadata::new(),
            status: "enabled",
            url: url.to_owned(),
            secrets: vec![(secret.clone(), None)],
            deleted: false,
        });
        (id, secret)
    }

    /// Gives an endpoint a new secret; for a day the old one signs as well.
    pub(crate) fn roll_secret(&mut self, id: &str) -> Result<String> {
        let until = self.now() + OLD_SECRET_SIGNS;
        let secret = self.ids.draw("whsec_");
        let endpoint = self.endpoints.get_mut(id, "webhook_endpoint")?;
        for (_, ends) in &mut endpoint.secrets {
            ends.get_or_insert(until);
        }
        endpoint.secrets.push((secret.clone(), None));
        Ok(secret)
    }

    pub(crate) fn create_endpoint(&mut self, params: &mut Params) -> Result<Value> {
        let url = params.required("url")?;
        let events = params.texts("enabled_events")?;
        let description = params.text("description")?;
        let api_version = params.text("api_version")?;
        let mut metadata = Metadata::new();
        params.metadata(&mut metadata)?;
        std::mem::take(params).finish()?;
        if events.is_empty() {
            return Err(ApiError::missing_param("enabled_events"));
        }
        if !url.starts_with("http://") {
            let message = "The fake sends webhooks to addresses that begin with http:// only.";
            return Err(ApiError::invalid("url", message).code("url_invalid"));
        }
        let (id, secret) = self.add_endpoint(&url, events, None);
        let endpoint = self.endpoints.get_mut(&id, "webhook_endpoint")?;
        endpoint.metadata = metadata;
        endpoint.description = description;
        endpoint.api_version = api_version;
        let mut json = endpoint.json();
        if let Some(fields) = json.as_object_mut() {
            fields.insert("secret".into(), secret.into());
        }
        Ok(json)
    }

    pub(crate) fn delete_endpoint(&mut self, id: &str) -> Result<Value> {
        self.endpoint(id)?;
        self.endpoints.get_mut(id, "webhook_endpoint")?.deleted = true;
        Ok(json!({ "id": id, "object": "webhook_endpoint", "deleted": true }))
    }

    pub(crate) fn list_endpoints(&self, params: &mut Params) -> Result<Value> {
        self.endpoints.page(params, "/v1/webhook_endpoints", |endpoint| !endpoint.deleted)
    }

    /// An endpoint that was not deleted.
    pub(crate) fn endpoint(&self, id: &str) -> Result<&WebhookEndpoint> {
        let found = self.endpoints.find(id).filter(|endpoint| !endpoint.deleted);
        found.ok_or_else(|| ApiError::missing("webhook endpoint", id, "webhook_endpoint"))
    }
}
