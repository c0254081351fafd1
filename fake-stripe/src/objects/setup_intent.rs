//! Setup intents: keeping a payment method for later, without a charge.

use serde::Serialize;
use serde_json::{Value, json};

use super::{payment_intent::types_of, shared::NextAction};
use crate::{
    card::{self, Authentication, Decline, Outcome},
    error::{ApiError, Result},
    params::{Metadata, Params},
    table::Object,
    world::World,
};

/// A payment method is to be kept for later.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SetupIntent {
    pub(crate) id: String,
    object: &'static str,
    allowed_payment_method_types: Option<Vec<String>>,
    application: (),
    automatic_payment_methods: Option<Value>,
    cancellation_reason: Option<&'static str>,
    pub(crate) client_secret: String,
    created: i64,
    pub(crate) customer: Option<String>,
    description: Option<String>,
    flow_directions: (),
    last_setup_error: Option<Value>,
    latest_attempt: (),
    livemode: bool,
    mandate: (),
    metadata: Metadata,
    pub(crate) next_action: Option<NextAction>,
    on_behalf_of: (),
    payment_method: Option<String>,
    payment_method_configuration_details: (),
    payment_method_options: Value,
    payment_method_types: Vec<String>,
    single_use_mandate: (),
    pub(crate) status: &'static str,
    usage: &'static str,
}

impl Object for SetupIntent {
    const KIND: &'static str = "setupintent";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl World {
    pub(crate) fn create_setup(&mut self, params: &mut Params) -> Result<Value> {
        let customer = params.text("customer")?;
        let method = params.text("payment_method")?;
        let confirm = params.boolean("confirm")?.unwrap_or(false);
        let return_url = params.text("return_url")?;
        let usage =
            params.choice("usage", &["off_session", "on_session"])?.unwrap_or("off_session");
        let description = params.text("description")?;
        let mut metadata = Metadata::new();
        params.metadata(&mut metadata)?;
        let types = types_of(params)?;
        let automatic = params.group("automatic_payment_methods")?.map(|mut group| {
            let enabled = group.boolean("enabled")?.unwrap_or(false);
            let redirects =
                group.choice("allow_redirects", &["always", "never"])?.unwrap_or("always");
            group.finish()?;
            Ok(json!({ "enabled": enabled, "allow_redirects": redirects }))
        });
        let automatic = automatic.transpose()?;
        std::mem::take(params).finish()?;
        if let Some(customer) = &customer {
            self.customer(customer)?;
        }
        let method = method.map(|name| self.method_for(&name, customer.as_deref())).transpose()?;
        let id = self.ids.draw("seti_");
        let secret = self.ids.draw("secret_");
        let asked = Some(types).filter(|types| !types.is_empty());
        self.setups.insert(SetupIntent {
            id: id.clone(),
            object: "setup_intent",
            payment_method_types: asked.clone().unwrap_or_else(|| vec!["card".into()]),
            allowed_payment_method_types: asked,
            application: (),
            automatic_payment_methods: automatic,
            cancellation_reason: None,
            client_secret: format!("{id}_{secret}"),
            created: self.now(),
            customer,
            description,
            flow_directions: (),
            last_setup_error: None,
            latest_attempt: (),
            livemode: false,
            mandate: (),
            metadata,
            next_action: None,
            on_behalf_of: (),
            status: if method.is_some() {
                "requires_confirmation"
            } else {
                "requires_payment_method"
            },
            payment_method: method,
            payment_method_configuration_details: (),
            payment_method_options: json!({
                "card": { "mandate_options": null, "network": null,
                    "request_three_d_secure": "automatic" }
            }),
            single_use_mandate: (),
            usage,
        });
        self.tell_setup("setup_intent.created", &id);
        if confirm {
            self.confirm_with(&id, return_url)?;
        }
        self.setup_json(&id)
    }

    pub(crate) fn confirm_setup(&mut self, id: &str, params: &mut Params) -> Result<Value> {
        let customer = self.setups.get(id, "intent")?.customer.clone();
        let method = params.text("payment_method")?;
        let return_url = params.text("return_url")?;
        params.boolean("use_stripe_sdk")?;
        std::mem::take(params).finish()?;
        if let Some(name) = method {
            let method = self.method_for(&name, customer.as_deref())?;
            self.setups.get_mut(id, "intent")?.payment_method = Some(method);
        }
        self.confirm_with(id, return_url)?;
        self.setup_json(id)
    }

    fn confirm_with(&mut self, id: &str, return_url: Option<String>) -> Result<()> {
        let setup = self.setups.get(id, "intent")?;
        if matches!(setup.status, "succeeded" | "canceled") {
            return Err(self.unexpected_setup(id, "confirm"));
        }
        let Some(method) = &setup.payment_method else {
            let message =
                "You cannot confirm this SetupIntent because it's missing a payment method.";
            return Err(ApiError::state("setup_intent_unexpected_state", message));
        };
        let card = self.methods.get(method, "payment_method")?.card;
        if card.authentication != Authentication::Never {
            let page = format!("{}/authenticate/{id}", self.url);
            let setup = self.setups.get_mut(id, "intent")?;
            setup.status = "requires_action";
            setup.next_action = Some(NextAction::authenticate(page, return_url));
            self.tell_setup("setup_intent.requires_action", id);
            return Ok(());
        }
        self.end_setup(id)
    }

    /// The customer answered their bank, or did not.
    pub(crate) fn authenticate_setup(&mut self, id: &str, succeeds: bool) -> Result<()> {
        if self.setups.get(id, "intent")?.status != "requires_action" {
            return Err(self.unexpected_setup(id, "authenticate"));
        }
        if succeeds {
            return self.end_setup(id);
        }
        let decline =
            Decline { code: "setup_intent_authentication_failure", ..card::AUTHENTICATION_FAILED };
        Err(self.refuse_setup(id, &decline))
    }

    fn end_setup(&mut self, id: &str) -> Result<()> {
        let setup = self.setups.get(id, "intent")?;
        let Some(method) = setup.payment_method.clone() else { return Ok(()) };
        let customer = setup.customer.clone();
        let card = self.methods.get(&method, "payment_method")?.card;
        if let (true, Outcome::Decline(decline)) = (card.refuses_setup, card.outcome) {
            return Err(self.refuse_setup(id, &decline));
        }
        let setup = self.setups.get_mut(id, "intent")?;
        setup.status = "succeeded";
        setup.next_action = None;
        setup.last_setup_error = None;
        match customer {
            Some(customer) => self.keep_method(&method, &customer),
            None => {
                if let Some(method) = self.methods.find_mut(&method) {
                    method.set_up = true;
                }
            }
        }
        self.tell_setup("setup_intent.succeeded", id);
        Ok(())
    }

    fn refuse_setup(&mut self, id: &str, decline: &Decline) -> ApiError {
        let error = ApiError::card(decline);
        if let Some(setup) = self.setups.find_mut(id) {
            setup.status = "requires_payment_method";
            setup.payment_method = None;
            setup.next_action = None;
            setup.last_setup_error = Some(error.object());
        }
        self.tell_setup("setup_intent.setup_failed", id);
        match self.setup_json(id) {
            Ok(setup) => error.about("setup_intent", setup),
            Err(_) => error,
        }
    }

    pub(crate) fn cancel_setup(&mut self, id: &str, params: &mut Params) -> Result<Value> {
        let reasons = ["abandoned", "duplicate", "requested_by_customer"];
        let reason = params.choice("cancellation_reason", &reasons)?;
        std::mem::take(params).finish()?;
        if matches!(self.setups.get(id, "intent")?.status, "succeeded" | "canceled") {
            return Err(self.unexpected_setup(id, "cancel"));
        }
        let setup = self.setups.get_mut(id, "intent")?;
        setup.status = "canceled";
        setup.cancellation_reason = reason;
        setup.next_action = None;
        self.tell_setup("setup_intent.canceled", id);
        self.setup_json(id)
    }

    pub(crate) fn list_setups(&self, params: &mut Params) -> Result<Value> {
        let customer = params.text("customer")?;
        self.setups.page(params, "/v1/setup_intents", |setup| {
            customer.is_none() || setup.customer == customer
        })
    }

    pub(crate) fn setup_json(&self, id: &str) -> Result<Value> {
        self.setups.get(id, "intent").map(Object::json)
    }

    fn unexpected_setup(&self, id: &str, verb: &str) -> ApiError {
        let status = self.setups.find(id).map_or("unknown", |setup| setup.status);
        let message =
            format!("You cannot {verb} this SetupIntent because it has a status of {status}.");
        ApiError::state("setup_intent_unexpected_state", message)
    }

    fn tell_setup(&mut self, kind: &str, id: &str) {
        if let Some(object) = self.setups.find(id).map(Object::json) {
            self.tell(kind, object);
        }
    }
}
