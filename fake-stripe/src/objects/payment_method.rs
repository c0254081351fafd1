//! Payment methods: a card, or a bank account, as the shop sees it.

use serde::Serialize;
use serde_json::{Value, json};

use super::shared::BillingDetails;
use crate::{
    card::{Card, Decline, Outcome, is_plausible},
    error::{ApiError, Result},
    params::{Metadata, Params},
    table::Object,
    world::World,
};

/// A card, or a bank account.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PaymentMethod {
    pub(crate) id: String,
    object: &'static str,
    allow_redisplay: &'static str,
    pub(crate) billing_details: BillingDetails,
    #[serde(rename = "card", skip_serializing_if = "Option::is_none")]
    card_json: Option<Value>,
    created: i64,
    pub(crate) customer: Option<String>,
    livemode: bool,
    metadata: Metadata,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    us_bank_account: Option<Value>,
    /// What it does.
    #[serde(skip)]
    pub(crate) card: &'static Card,
    /// Whether the customer agreed, with their bank, to later charges.
    #[serde(skip)]
    pub(crate) set_up: bool,
}

impl Object for PaymentMethod {
    const KIND: &'static str = "PaymentMethod";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

const INCORRECT_NUMBER: Decline = Decline {
    code: "incorrect_number",
    decline_code: None,
    message: "Your card number is incorrect.",
};
const NOT_A_TEST_CARD: Decline = Decline {
    code: "card_declined",
    decline_code: Some("test_mode_live_card"),
    message: "Your card was declined. Your request was in test mode, but used a non test card.",
};

/// The test card with a number that somebody typed.
pub(super) fn card_of_number(number: &str) -> Result<&'static Card> {
    if !is_plausible(number) {
        return Err(ApiError::card(&INCORRECT_NUMBER));
    }
    Card::by_number(number).ok_or_else(|| ApiError::card(&NOT_A_TEST_CARD))
}

impl PaymentMethod {
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    /// What a charge says of it, and when its hold lapses.
    pub(super) fn details(&self, capture_before: Option<i64>) -> Value {
        let Some(card) = &self.card_json else {
            return json!({ "type": self.kind, self.kind: self.us_bank_account });
        };
        let mut card = card.clone();
        if let Some(fields) = card.as_object_mut() {
            for name in ["networks", "three_d_secure_usage", "display_brand", "generated_from"] {
                fields.remove(name);
            }
            if let Some(before) = capture_before {
                fields.insert("capture_before".into(), before.into());
            }
            fields.insert("network".into(), self.card.brand.into());
            fields.insert("amount_authorized".into(), Value::Null);
            fields.insert("authorization_code".into(), Value::Null);
            fields.insert("installments".into(), Value::Null);
            fields.insert("mandate".into(), Value::Null);
            fields.insert("three_d_secure".into(), Value::Null);
        }
        json!({ "card": card, "type": "card" })
    }
}

impl World {
    pub(super) fn new_method(
        &mut self,
        card: &'static Card,
        billing_details: BillingDetails,
    ) -> String {
        let id = self.ids.draw("pm_");
        let kind = card.kind();
        let fingerprint = self.ids.draw("").chars().take(16).collect::<String>();
        let is_card = kind == "card";
        let card_json = is_card.then(|| {
            json!({
                "brand": card.brand,
                "checks": { "address_line1_check": null, "address_postal_code_check": null,
                    "cvc_check": "pass" },
                "country": "US", "display_brand": card.brand, "exp_month": 12, "exp_year": 2034,
                "fingerprint": fingerprint, "funding": card.funding, "generated_from": null,
                "last4": card.last4(),
                "networks": { "available": [card.brand], "preferred": null },
                "regulated_status": "unregulated",
                "three_d_secure_usage": { "supported": true },
                "wallet": null,
            })
        });
        let us_bank_account = (!is_card).then(|| {
            json!({
                "account_holder_type": "individual", "account_type": "checking",
                "bank_name": "STRIPE TEST BANK", "financial_connections_account": null,
                "fingerprint": fingerprint, "last4": card.last4(), "networks": null,
                "routing_number": "110000000", "status_details": {},
            })
        });
        self.methods.insert(PaymentMethod {
            id: id.clone(),
            object: "payment_method",
            allow_redisplay: "unspecified",
            billing_details,
            card_json,
            created: self.clock.now(),
            customer: None,
            livemode: false,
            metadata: Metadata::new(),
            kind,
            us_bank_account,
            card,
            set_up: false,
        });
        id
    }

    /// The payment method that a request names: one that there is, or a new one of a test card.
    ///
    /// # Errors
    /// When there is none, or it is kept for another customer.
    pub(super) fn method_for(&mut self, name: &str, customer: Option<&str>) -> Result<String> {
        if let Some(card) = Card::by_name(name) {
            return Ok(self.new_method(card, BillingDetails::default()));
        }
        let method = self.methods.get(name, "payment_method")?;
        if method.customer.is_some() && method.customer.as_deref() != customer {
            let message = "The PaymentMethod belongs to a Customer; please supply the Customer when \
                           using this PaymentMethod.";
            return Err(ApiError::refused(message));
        }
        Ok(method.id.clone())
    }

    pub(crate) fn create_method(&mut self, params: &mut Params) -> Result<Value> {
        params.choice("type", &["card"])?.ok_or_else(|| ApiError::missing_param("type"))?;
        let mut group = params.group("card")?.ok_or_else(|| ApiError::missing_param("card"))?;
        let (token, number) = (group.text("token")?, group.text("number")?);
        for name in ["exp_month", "exp_year", "cvc"] {
            group.text(name)?;
        }
        group.finish()?;
        let details = BillingDetails::of(params)?;
        let mut metadata = Metadata::new();
        params.metadata(&mut metadata)?;
        std::mem::take(params).finish()?;
        let card = match (token, number) {
            (Some(token), _) => Card::by_name(&token)
                .ok_or_else(|| ApiError::missing("token", &token, "card[token]"))?,
            (None, Some(number)) => card_of_number(&number)?,
            (None, None) => return Err(ApiError::missing_param("card[number]")),
        };
        let id = self.new_method(card, details);
        if let Some(method) = self.methods.find_mut(&id) {
            method.metadata = metadata;
        }
        self.method_json(&id)
    }

    pub(crate) fn attach_method(&mut self, name: &str, params: &mut Params) -> Result<Value> {
        let customer = params.required("customer")?;
        std::mem::take(params).finish()?;
        self.customer(&customer)?;
        let id = self.method_for(name, Some(&customer))?;
        let method = self.methods.get(&id, "payment_method")?;
        if let (true, Outcome::Decline(decline)) = (method.card.refuses_setup, method.card.outcome)
        {
            return Err(ApiError::card(&decline));
        }
        self.keep(&id, &customer);
        self.method_json(&id)
    }

    /// Keeps a payment method for a customer who agreed to later charges.
    pub(super) fn keep_method(&mut self, id: &str, customer: &str) {
        if let Some(method) = self.methods.find_mut(id) {
            method.set_up = true;
        }
        self.keep(id, customer);
    }

    fn keep(&mut self, id: &str, customer: &str) {
        let Some(method) = self.methods.find_mut(id).filter(|method| method.customer.is_none())
        else {
            return;
        };
        method.customer = Some(customer.to_owned());
        let object = method.json();
        self.tell("payment_method.attached", object);
    }

    pub(crate) fn detach_method(&mut self, id: &str, params: &mut Params) -> Result<Value> {
        std::mem::take(params).finish()?;
        if self.methods.get(id, "payment_method")?.customer.is_none() {
            let message = "The payment method you provided is not attached to a customer so \
                           detachment is impossible.";
            return Err(ApiError::refused(message));
        }
        self.forget_method(id);
        self.method_json(id)
    }

    pub(super) fn forget_method(&mut self, id: &str) {
        let Some(method) = self.methods.find_mut(id) else { return };
        method.customer = None;
        let object = method.json();
        self.tell("payment_method.detached", object);
    }

    /// The payment methods that are kept for a customer.
    pub(super) fn methods_of(&self, customer: &str) -> Vec<String> {
        let kept = self.methods.iter().filter(|m| m.customer.as_deref() == Some(customer));
        kept.map(|method| method.id.clone()).collect()
    }

    pub(crate) fn list_methods(&self, params: &mut Params, of: Option<&str>) -> Result<Value> {
        let customer = match of {
            Some(customer) => Some(customer.to_owned()),
            None => params.text("customer")?,
        };
        if let Some(customer) = &customer {
            self.customer(customer)?;
        }
        let kind = params.text("type")?;
        let url = match of {
            Some(customer) => format!("/v1/customers/{customer}/payment_methods"),
            None => "/v1/payment_methods".to_owned(),
        };
        self.methods.page(params, &url, |method| {
            customer.is_some()
                && method.customer == customer
                && kind.as_ref().is_none_or(|kind| method.kind == kind)
        })
    }

    pub(crate) fn method_json(&self, id: &str) -> Result<Value> {
        self.methods.get(id, "payment_method").map(Object::json)
    }
}
