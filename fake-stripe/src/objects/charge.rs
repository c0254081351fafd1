//! Charges: each try to take an intent's money.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    payment_intent::HOLD_LASTS,
    shared::{BillingDetails, Shipping},
};
use crate::{
    card::{Aftermath, Decline},
    error::Result,
    params::{Metadata, Params},
    table::Object,
    world::World,
};

/// One try to take an intent's money.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    object: &'static str,
    pub(crate) amount: i64,
    pub(crate) amount_captured: i64,
    /// As at Stripe, what was let go of uncaptured counts as refunded.
    pub(crate) amount_refunded: i64,
    application: (),
    application_fee: (),
    application_fee_amount: (),
    pub(crate) balance_transaction: Option<String>,
    billing_details: BillingDetails,
    calculated_statement_descriptor: (),
    pub(crate) captured: bool,
    pub(crate) created: i64,
    pub(crate) currency: String,
    pub(crate) customer: Option<String>,
    description: Option<String>,
    pub(crate) disputed: bool,
    failure_balance_transaction: (),
    pub(crate) failure_code: Option<&'static str>,
    pub(crate) failure_message: Option<&'static str>,
    fraud_details: Value,
    livemode: bool,
    metadata: Metadata,
    on_behalf_of: (),
    outcome: Option<Value>,
    pub(crate) paid: bool,
    pub(crate) payment_intent: String,
    pub(crate) payment_method: Option<String>,
    payment_method_details: Value,
    radar_options: Value,
    receipt_email: Option<String>,
    receipt_number: (),
    receipt_url: (),
    pub(crate) refunded: bool,
    review: (),
    shipping: Option<Shipping>,
    source: (),
    source_transfer: (),
    statement_descriptor: (),
    statement_descriptor_suffix: (),
    pub(crate) status: &'static str,
    transfer_data: (),
    transfer_group: (),
    #[serde(skip)]
    pub(crate) aftermath: Aftermath,
}

impl Object for Charge {
    const KIND: &'static str = "charge";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

/// What a charge is when it is made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Paying {
    Captured,
    Authorized,
    Pending,
    Refused(Decline),
}

impl World {
    /// Charges an intent's payment method, or tries to.
    pub(super) fn new_charge(&mut self, intent: &str, paying: Paying) -> String {
        let Some(intent) = self.intents.find(intent).cloned() else { return String::new() };
        let method = intent.payment_method.as_ref().and_then(|id| self.methods.find(id)).cloned();
        let now = self.now();
        let id = self.ids.draw("ch_");
        let (status, failure) = match paying {
            Paying::Captured | Paying::Authorized => ("succeeded", None),
            Paying::Pending => ("pending", None),
            Paying::Refused(decline) => ("failed", Some(decline)),
        };
        let outcome = match failure {
            None => json!({
                "advice_code": null, "network_advice_code": null, "network_decline_code": null,
                "network_status": "approved_by_network", "reason": null, "risk_level": "normal",
                "risk_score": 12, "seller_message": "Payment complete.", "type": "authorized",
            }),
            Some(decline) => json!({
                "advice_code": null, "network_advice_code": null, "network_decline_code": null,
                "network_status": "declined_by_network",
                "reason": decline.decline_code.unwrap_or(decline.code), "risk_level": "normal",
                "risk_score": 12, "seller_message": "The bank declined the payment.",
                "type": "issuer_declined",
            }),
        };
        let charge = Charge {
            id: id.clone(),
            object: "charge",
            amount: intent.amount,
            amount_captured: 0,
            amount_refunded: 0,
            application: (),
            application_fee: (),
            application_fee_amount: (),
            balance_transaction: None,
            billing_details: method.as_ref().map(|m| m.billing_details.clone()).unwrap_or_default(),
            calculated_statement_descriptor: (),
            captured: false,
            created: now,
            currency: intent.currency.clone(),
            customer: intent.customer.clone(),
            description: intent.description.clone(),
            disputed: false,
            failure_balance_transaction: (),
            failure_code: failure.map(|decline| decline.code),
            failure_message: failure.map(|decline| decline.message),
            fraud_details: json!({}),
            livemode: false,
            metadata: intent.metadata.clone(),
            on_behalf_of: (),
            outcome: Some(outcome),
            paid: matches!(paying, Paying::Captured | Paying::Authorized),
            payment_intent: intent.id.clone(),
            payment_method: intent.payment_method.clone(),
            payment_method_details: method.as_ref().map_or(Value::Null, |method| {
                let before = matches!(paying, Paying::Authorized).then(|| now + HOLD_LASTS);
                method.details(before)
            }),
            radar_options: json!({}),
            receipt_email: intent.receipt_email.clone(),
            receipt_number: (),
            receipt_url: (),
            refunded: false,
            review: (),
            shipping: intent.shipping.clone(),
            source: (),
            source_transfer: (),
            statement_descriptor: (),
            statement_descriptor_suffix: (),
            status,
            transfer_data: (),
            transfer_group: (),
            aftermath: method.map_or(Aftermath::Nothing, |method| method.card.aftermath),
        };
        let currency = charge.currency.clone();
        self.charges.insert(charge);
        if matches!(paying, Paying::Pending) {
            // It is in the books from the first day, and is taken out of them again if it fails.
            self.book_charge("payment", &id, intent.amount, &currency);
        }
        if let Some(intent) = self.intents.find_mut(&intent.id) {
            intent.latest_charge = Some(id.clone());
        }
        if matches!(paying, Paying::Captured) {
            self.capture_charge(&id, intent.amount);
        }
        id
    }

    /// Takes so much of a charge, and lets go of the rest.
    pub(super) fn capture_charge(&mut self, id: &str, amount: i64) {
        let Some(charge) = self.charges.find_mut(id) else { return };
        charge.paid = true;
        charge.status = "succeeded";
        let currency = charge.currency.clone();
        if charge.balance_transaction.is_none() {
            self.book_charge("charge", id, amount, &currency);
        }
        self.release_charge(id, amount);
    }

    fn book_charge(&mut self, kind: &'static str, id: &str, amount: i64, currency: &str) {
        let fee = amount * 29 / 1000 + 30.min(amount);
        let transaction = self.book(kind, id, amount, fee, currency);
        if let Some(charge) = self.charges.find_mut(id) {
            charge.captured = true;
            charge.amount_captured = amount;
            charge.balance_transaction = Some(transaction);
        }
    }

    /// Lets go of what was set aside beyond the amount that was taken.
    pub(super) fn release_charge(&mut self, id: &str, taken: i64) {
        let Some(charge) = self.charges.find(id) else { return };
        let rest = charge.amount - taken;
        if charge.status == "succeeded" && rest > 0 {
            self.release(id, rest);
        }
    }

    /// A pending charge failed.
    pub(super) fn fail_charge(&mut self, id: &str, decline: Decline) {
        let Some(charge) = self.charges.find_mut(id) else { return };
        charge.status = "failed";
        charge.failure_code = Some(decline.code);
        charge.failure_message = Some(decline.message);
        let (amount, currency) = (charge.amount, charge.currency.clone());
        self.book("payment_failure_refund", id, -amount, 0, &currency);
        self.tell_charge("charge.failed", id);
    }

    pub(crate) fn list_charges(&self, params: &mut Params) -> Result<Value> {
        let (customer, intent) = (params.text("customer")?, params.text("payment_intent")?);
        self.charges.page(params, "/v1/charges", |charge| {
            (customer.is_none() || charge.customer == customer)
                && intent.as_ref().is_none_or(|intent| charge.payment_intent == *intent)
        })
    }

    pub(super) fn tell_charge(&mut self, kind: &str, id: &str) {
        if let Some(object) = self.charges.find(id).map(Charge::json) {
            self.tell(kind, object);
        }
    }
}
