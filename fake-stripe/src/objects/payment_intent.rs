//! Payment intents: what a shop wants to be paid, and how far it has come.

mod confirm;
mod settle;

use serde::Serialize;
use serde_json::{Value, json};

use super::shared::{NextAction, Shipping};
use crate::{
    currency,
    error::{ApiError, Result},
    params::{Metadata, Params},
    table::Object,
    world::World,
};

pub(super) use confirm::Confirm;
pub(super) use settle::HOLD_LASTS;

/// What a shop wants to be paid.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PaymentIntent {
    pub(crate) id: String,
    object: &'static str,
    pub(crate) allowed_payment_method_types: Option<Vec<String>>,
    pub(crate) amount: i64,
    pub(crate) amount_capturable: i64,
    amount_details: Value,
    pub(crate) amount_received: i64,
    application: (),
    application_fee_amount: (),
    pub(crate) automatic_payment_methods: Option<Value>,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) cancellation_reason: Option<&'static str>,
    pub(crate) capture_method: &'static str,
    pub(crate) client_secret: String,
    confirmation_method: &'static str,
    pub(crate) created: i64,
    pub(crate) currency: String,
    pub(crate) customer: Option<String>,
    customer_account: (),
    pub(crate) description: Option<String>,
    excluded_payment_method_types: (),
    pub(crate) last_payment_error: Option<Value>,
    pub(crate) latest_charge: Option<String>,
    livemode: bool,
    pub(crate) metadata: Metadata,
    pub(crate) next_action: Option<NextAction>,
    on_behalf_of: (),
    pub(crate) payment_method: Option<String>,
    payment_method_configuration_details: (),
    payment_method_options: Value,
    pub(crate) payment_method_types: Vec<String>,
    processing: (),
    pub(crate) receipt_email: Option<String>,
    review: (),
    pub(crate) setup_future_usage: Option<&'static str>,
    pub(crate) shipping: Option<Shipping>,
    source: (),
    statement_descriptor: Option<String>,
    statement_descriptor_suffix: Option<String>,
    pub(crate) status: &'static str,
    transfer_data: (),
    transfer_group: Option<String>,
    /// The hosted page that it belongs to.
    #[serde(skip)]
    pub(crate) session: Option<String>,
}

impl Object for PaymentIntent {
    const KIND: &'static str = "payment_intent";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

/// What an intent is made with; a hosted page makes them, too.
#[derive(Debug, Default)]
pub(super) struct NewIntent {
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) customer: Option<String>,
    pub(super) capture_method: Option<&'static str>,
    pub(super) description: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) types: Vec<String>,
    pub(super) receipt_email: Option<String>,
    pub(super) setup_future_usage: Option<&'static str>,
    pub(super) shipping: Option<Shipping>,
    pub(super) statement_descriptor: Option<String>,
    pub(super) statement_descriptor_suffix: Option<String>,
    pub(super) transfer_group: Option<String>,
    pub(super) session: Option<String>,
}

impl NewIntent {
    /// Reads what stands beside the amount, in a request or under `payment_intent_data`.
    pub(super) fn details(&mut self, params: &mut Params) -> Result<()> {
        self.capture_method =
            params.choice("capture_method", &["automatic", "automatic_async", "manual"])?;
        self.description = params.text("description")?;
        params.metadata(&mut self.metadata)?;
        self.receipt_email = params.text("receipt_email")?;
        self.setup_future_usage =
            params.choice("setup_future_usage", &["off_session", "on_session"])?;
        self.shipping = Shipping::of(params)?;
        self.statement_descriptor = params.text("statement_descriptor")?;
        self.statement_descriptor_suffix = params.text("statement_descriptor_suffix")?;
        self.transfer_group = params.text("transfer_group")?;
        Ok(())
    }
}

/// The kinds of payment methods that a request asks for, by either name of the parameter.
pub(super) fn types_of(params: &mut Params) -> Result<Vec<String>> {
    let mut types = params.texts("allowed_payment_method_types")?;
    types.extend(params.texts("payment_method_types")?);
    for kind in &types {
        if !matches!(kind.as_str(), "card" | "us_bank_account" | "link") {
            let message = format!("The payment method type \"{kind}\" is invalid.");
            return Err(ApiError::invalid("payment_method_types", message));
        }
    }
    Ok(types)
}

impl World {
    pub(crate) fn create_intent(&mut self, params: &mut Params) -> Result<Value> {
        let mut new = NewIntent {
            amount: params.integer("amount")?.ok_or_else(|| ApiError::missing_param("amount"))?,
            currency: currency::parse(&params.required("currency")?)?,
            customer: params.text("customer")?,
            ..NewIntent::default()
        };
        currency::check_charge(new.amount, &new.currency, "amount")?;
        new.details(params)?;
        new.types = types_of(params)?;
        let automatic = params.group("automatic_payment_methods")?.map(|mut group| {
            let enabled = group.boolean("enabled")?.unwrap_or(false);
            let redirects =
                group.choice("allow_redirects", &["always", "never"])?.unwrap_or("always");
            group.finish()?;
            Ok(json!({ "enabled": enabled, "allow_redirects": redirects }))
        });
        let automatic = automatic.transpose()?;
        params.choice("confirmation_method", &["automatic"])?;
        drop(params.group("payment_method_options")?);
        if let Some(customer) = &new.customer {
            self.customer(customer)?;
        }
        let method = params.text("payment_method")?;
        let confirm = params.boolean("confirm")?.unwrap_or(false);
        let how = Confirm::of(params)?;
        if !confirm && how.is_asked() {
            let message = "You can only pass in off_session, return_url or error_on_requires_action \
                           when confirm=true.";
            return Err(ApiError::invalid("confirm", message));
        }
        params.clone().finish()?;

        let method =
            method.map(|name| self.method_for(&name, new.customer.as_deref())).transpose()?;
        let id = self.new_intent(new);
        if let Some(intent) = self.intents.find_mut(&id) {
            intent.automatic_payment_methods = automatic;
        }
        if let Some(method) = method {
            self.give_method(&id, method)?;
        }
        *params = Params::default();
        if confirm {
            self.confirm_intent(&id, &how)?;
        }
        self.intent_json(&id)
    }

    /// Makes an intent, and tells of it.
    pub(super) fn new_intent(&mut self, new: NewIntent) -> String {
        let id = self.ids.draw("pi_");
        let secret = self.ids.draw("secret_");
        let all_types = || {
            let debit = (new.currency == "usd").then(|| "us_bank_account".to_owned());
            std::iter::once("card".to_owned()).chain(debit).collect()
        };
        let asked = Some(new.types.clone()).filter(|types| !types.is_empty());
        let intent = PaymentIntent {
            id: id.clone(),
            object: "payment_intent",
            payment_method_types: asked.clone().unwrap_or_else(all_types),
            allowed_payment_method_types: asked,
            amount: new.amount,
            amount_capturable: 0,
            amount_details: json!({ "tip": {} }),
            amount_received: 0,
            application: (),
            application_fee_amount: (),
            automatic_payment_methods: None,
            canceled_at: None,
            cancellation_reason: None,
            capture_method: new.capture_method.unwrap_or("automatic_async"),
            client_secret: format!("{id}_{secret}"),
            confirmation_method: "automatic",
            created: self.now(),
            currency: new.currency,
            customer: new.customer,
            customer_account: (),
            description: new.description,
            excluded_payment_method_types: (),
            last_payment_error: None,
            latest_charge: None,
            livemode: false,
            metadata: new.metadata,
            next_action: None,
            on_behalf_of: (),
            payment_method: None,
            payment_method_configuration_details: (),
            payment_method_options: json!({
                "card": { "installments": null, "mandate_options": null, "network": null,
                    "request_three_d_secure": "automatic" }
            }),
            processing: (),
            receipt_email: new.receipt_email,
            review: (),
            setup_future_usage: new.setup_future_usage,
            shipping: new.shipping,
            source: (),
            statement_descriptor: new.statement_descriptor,
            statement_descriptor_suffix: new.statement_descriptor_suffix,
            status: "requires_payment_method",
            transfer_data: (),
            transfer_group: new.transfer_group,
            session: new.session,
        };
        self.intents.insert(intent);
        self.tell_intent("payment_intent.created", &id);
        id
    }

    pub(crate) fn update_intent(&mut self, id: &str, params: &mut Params) -> Result<Value> {
        let intent = self.intents.get(id, "intent")?;
        let (currency, customer) = (intent.currency.clone(), intent.customer.clone());
        let open = matches!(
            intent.status,
            "requires_payment_method" | "requires_confirmation" | "requires_action"
        );
        let mut metadata = intent.metadata.clone();
        params.metadata(&mut metadata)?;
        let description = params.text("description")?;
        let amount = params.integer("amount")?;
        let method = params.text("payment_method")?;
        params.clone().finish()?;
        if let Some(amount) = amount {
            currency::check_charge(amount, &currency, "amount")?;
        }
        if (amount.is_some() || method.is_some()) && !open {
            return Err(self.unexpected(id, "update"));
        }
        let method = method.map(|name| self.method_for(&name, customer.as_deref())).transpose()?;
        if let Some(method) = method {
            self.give_method(id, method)?;
        }
        let intent = self.intents.get_mut(id, "intent")?;
        intent.metadata = metadata;
        intent.description = description.or_else(|| intent.description.take());
        intent.amount = amount.unwrap_or(intent.amount);
        *params = Params::default();
        self.intent_json(id)
    }

    /// Names the payment method that an intent is to be paid with.
    pub(super) fn give_method(&mut self, id: &str, method: String) -> Result<()> {
        let kind = self.methods.get(&method, "payment_method")?.kind();
        let intent = self.intents.get_mut(id, "intent")?;
        if !intent.payment_method_types.iter().any(|allowed| allowed == kind) {
            let types = intent.payment_method_types.join(", ");
            let message = format!(
                "The PaymentMethod provided ({kind}) is not allowed for this PaymentIntent. Please \
                 attach a PaymentMethod of one of the following types: {types}."
            );
            return Err(ApiError::state("payment_intent_incompatible_payment_method", message));
        }
        intent.payment_method = Some(method);
        if intent.status == "requires_payment_method" {
            intent.status = "requires_confirmation";
        }
        Ok(())
    }

    pub(crate) fn list_intents(&self, params: &mut Params) -> Result<Value> {
        let customer = params.text("customer")?;
        self.intents.page(params, "/v1/payment_intents", |intent| {
            customer.is_none() || intent.customer == customer
        })
    }

    pub(crate) fn intent_json(&self, id: &str) -> Result<Value> {
        self.intents.get(id, "intent").map(PaymentIntent::json)
    }

    /// Tells of something that happened to an intent.
    pub(super) fn tell_intent(&mut self, kind: &str, id: &str) {
        if let Some(object) = self.intents.find(id).map(PaymentIntent::json) {
            self.tell(kind, object);
        }
    }

    /// The refusal of something that the state of an intent does not allow.
    pub(super) fn unexpected(&self, id: &str, verb: &str) -> ApiError {
        let intent = self.intents.find(id);
        let status = intent.map_or("unknown", |intent| intent.status);
        let message =
            format!("You cannot {verb} this PaymentIntent because it has a status of {status}.");
        let error = ApiError::state("payment_intent_unexpected_state", message);
        match intent {
            Some(intent) => error.about("payment_intent", intent.json()),
            None => error,
        }
    }
}
