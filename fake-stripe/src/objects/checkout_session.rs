//! Checkout sessions: a page of Stripe's on which a customer pays.

mod create;
mod visit;

use serde::Serialize;
use serde_json::{Value, json};

use super::{payment_intent::NewIntent, shared::Address};
use crate::{
    error::{ApiError, Result},
    params::{Metadata, Params},
    table::Object,
    world::World,
};

pub(crate) use visit::Visit;

/// A page on which a customer pays.
#[derive(Debug, Serialize)]
pub(crate) struct CheckoutSession {
    pub(crate) id: String,
    object: &'static str,
    adaptive_pricing: Value,
    after_expiration: (),
    allow_promotion_codes: (),
    amount_subtotal: i64,
    pub(crate) amount_total: i64,
    automatic_tax: Value,
    billing_address_collection: (),
    pub(crate) cancel_url: Option<String>,
    client_reference_id: Option<String>,
    client_secret: (),
    collected_information: (),
    consent: (),
    consent_collection: (),
    created: i64,
    pub(crate) currency: String,
    currency_conversion: (),
    custom_fields: Vec<Value>,
    custom_text: Value,
    pub(crate) customer: Option<String>,
    customer_creation: Option<&'static str>,
    pub(crate) customer_details: Option<CustomerDetails>,
    pub(crate) customer_email: Option<String>,
    discounts: Vec<Value>,
    pub(crate) expires_at: i64,
    invoice: (),
    invoice_creation: Value,
    livemode: bool,
    locale: Option<String>,
    metadata: Metadata,
    pub(crate) mode: &'static str,
    origin_context: (),
    pub(crate) payment_intent: Option<String>,
    payment_link: (),
    payment_method_collection: &'static str,
    payment_method_configuration_details: (),
    payment_method_options: Value,
    payment_method_types: Vec<String>,
    pub(crate) payment_status: &'static str,
    permissions: (),
    phone_number_collection: Value,
    recovered_from: (),
    saved_payment_method_options: (),
    setup_intent: (),
    shipping_address_collection: (),
    shipping_cost: Option<Value>,
    shipping_options: Vec<Value>,
    pub(crate) status: &'static str,
    submit_type: Option<String>,
    subscription: (),
    pub(crate) success_url: String,
    total_details: Value,
    ui_mode: &'static str,
    pub(crate) url: Option<String>,
    wallet_options: (),
    #[serde(skip)]
    pub(crate) items: Vec<Item>,
    /// What is sent besides, and what that costs.
    #[serde(skip)]
    pub(crate) shipping: Option<(String, i64)>,
    /// What the intent is made with, once a customer pays.
    #[serde(skip)]
    intent: NewIntent,
}

/// Something on the page that costs money.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    id: String,
    price_id: String,
    product_id: String,
    pub(crate) name: String,
    pub(crate) unit_amount: i64,
    pub(crate) quantity: i64,
}

/// Who paid.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct CustomerDetails {
    address: Address,
    business_name: (),
    email: Option<String>,
    individual_name: (),
    name: Option<String>,
    phone: (),
    tax_exempt: &'static str,
    tax_ids: Vec<String>,
}

impl Item {
    pub(crate) fn amount(&self) -> i64 {
        self.unit_amount * self.quantity
    }
}

impl Object for CheckoutSession {
    const KIND: &'static str = "checkout.session";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl CheckoutSession {
    /// What is on the page.
    pub(crate) fn line_items(&self) -> Value {
        let data: Vec<Value> = self.items.iter().map(|item| self.item_json(item)).collect();
        let url = format!("/v1/checkout/sessions/{}/line_items", self.id);
        json!({ "object": "list", "url": url, "has_more": false, "data": data })
    }

    fn item_json(&self, item: &Item) -> Value {
        json!({
            "id": item.id, "object": "item", "adjustable_quantity": null, "amount_discount": 0,
            "amount_subtotal": item.amount(), "amount_tax": 0, "amount_total": item.amount(),
            "currency": self.currency, "description": item.name, "metadata": {},
            "quantity": item.quantity,
            "price": {
                "id": item.price_id, "object": "price", "active": false,
                "billing_scheme": "per_unit", "created": self.created, "currency": self.currency,
                "custom_unit_amount": null, "livemode": false, "lookup_key": null, "metadata": {},
                "nickname": null, "product": item.product_id, "recurring": null,
                "tax_behavior": "unspecified", "tiers_mode": null, "transform_quantity": null,
                "type": "one_time", "unit_amount": item.unit_amount,
                "unit_amount_decimal": item.unit_amount.to_string(),
            },
        })
    }
}

impl World {
    pub(crate) fn list_sessions(&self, params: &mut Params) -> Result<Value> {
        let (intent, customer) = (params.text("payment_intent")?, params.text("customer")?);
        let status = params.text("status")?;
        self.sessions.page(params, "/v1/checkout/sessions", |session| {
            (intent.is_none() || session.payment_intent == intent)
                && (customer.is_none() || session.customer == customer)
                && status.as_ref().is_none_or(|status| session.status == status)
        })
    }

    pub(crate) fn session_json(&self, id: &str) -> Result<Value> {
        self.sessions.get(id, "session").map(Object::json)
    }

    pub(crate) fn expire_session(&mut self, id: &str, params: &mut Params) -> Result<Value> {
        std::mem::take(params).finish()?;
        let status = self.sessions.get(id, "session")?.status;
        if status != "open" {
            let message = format!(
                "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout \
                 Session has a status of {status}."
            );
            return Err(ApiError::refused(message));
        }
        self.expire_session_if_open(id);
        self.session_json(id)
    }

    /// Ends a page, and the intent of a customer who did not get to the end of it.
    pub(crate) fn expire_session_if_open(&mut self, id: &str) {
        let Some(session) = self.sessions.find_mut(id).filter(|session| session.status == "open")
        else {
            return;
        };
        session.status = "expired";
        session.url = None;
        let intent = session.payment_intent.clone();
        if let Some(intent) = intent {
            self.end_intent(&intent, Some("abandoned"));
        }
        self.tell_session("checkout.session.expired", id);
    }

    /// The intent of a page was paid, is being paid, or its money is set aside: the page is done.
    pub(super) fn complete_session(&mut self, intent: &str) {
        let Some(intent) = self.intents.find(intent) else { return };
        let Some(id) = intent.session.clone() else { return };
        let paid = intent.status == "succeeded";
        if let Some(session) = self.sessions.find_mut(&id) {
            session.status = "complete";
            session.url = None;
            session.payment_status = if paid { "paid" } else { "unpaid" };
        }
        self.tell_session("checkout.session.completed", &id);
    }

    /// A payment that took a while came to its end.
    pub(super) fn settle_session(&mut self, id: &str, paid: bool) {
        if let Some(session) = self.sessions.find_mut(id) {
            session.payment_status = if paid { "paid" } else { "unpaid" };
        }
        let kind = match paid {
            true => "checkout.session.async_payment_succeeded",
            false => "checkout.session.async_payment_failed",
        };
        self.tell_session(kind, id);
    }

    fn tell_session(&mut self, kind: &str, id: &str) {
        if let Some(object) = self.sessions.find(id).map(Object::json) {
            self.tell(kind, object);
        }
    }
}
