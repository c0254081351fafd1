//! Refunds: money given back.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    card::Aftermath,
    currency,
    error::{ApiError, Result},
    params::{Metadata, Params},
    table::Object,
    world::{Due, World},
};

/// How long the fake's banks take over a refund, in seconds.
const REFUND_TAKES: i64 = 60;

/// Money given back, or let go of before it was taken.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    object: &'static str,
    pub(crate) amount: i64,
    pub(crate) balance_transaction: Option<String>,
    pub(crate) charge: String,
    created: i64,
    pub(crate) currency: String,
    destination_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_balance_transaction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
    pub(crate) metadata: Metadata,
    pub(crate) payment_intent: String,
    reason: Option<&'static str>,
    receipt_number: (),
    source_transfer_reversal: (),
    pub(crate) status: &'static str,
    transfer_reversal: (),
}

impl Object for Refund {
    const KIND: &'static str = "refund";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl World {
    pub(crate) fn create_refund(&mut self, params: &mut Params) -> Result<Value> {
        let intent = params.text("payment_intent")?;
        let charge = params.text("charge")?;
        let amount = params.integer("amount")?;
        let reasons = ["duplicate", "fraudulent", "requested_by_customer"];
        let reason = params.choice("reason", &reasons)?;
        let mut metadata = Metadata::new();
        params.metadata(&mut metadata)?;
        params.clone().finish()?;
        let charge = match (charge, intent) {
            (Some(charge), _) => charge,
            (None, Some(intent)) => {
                let found = self.intents.get(&intent, "payment_intent")?;
                found.latest_charge.clone().ok_or_else(|| {
                    ApiError::refused(format!(
                        "This PaymentIntent ({intent}) does not have a successful charge to refund."
                    ))
                })?
            }
            (None, None) => {
                let message = "One of the following params should be provided for this request: \
                               payment_intent or charge.";
                return Err(ApiError::invalid("payment_intent", message));
            }
        };
        let found = self.charges.get(&charge, "charge")?;
        let (currency, aftermath) = (found.currency.clone(), found.aftermath);
        if found.status != "succeeded" || !found.captured {
            let message = format!(
                "Charge {charge} has not been captured, so it cannot be refunded. Cancel its \
                 PaymentIntent instead."
            );
            return Err(ApiError::refused(message));
        }
        let left = found.amount - found.amount_refunded;
        if left == 0 {
            let message = format!("Charge {charge} has already been refunded.");
            return Err(ApiError::state("charge_already_refunded", message));
        }
        if found.disputed && self.is_withdrawn(&charge) {
            let message = format!("Charge {charge} has been charged back; cannot issue a refund.");
            return Err(ApiError::state("charge_disputed", message));
        }
        let amount = amount.unwrap_or(left);
        currency::check(amount, &currency, "amount")?;
        if amount == 0 {
            return Err(ApiError::invalid("amount", "Invalid positive integer"));
        }
        if amount > left {
            let message = format!(
                "Refund amount ({}) is greater than unrefunded amount on charge ({}).",
                currency::show(amount, &currency),
                currency::show(left, &currency)
            );
            return Err(ApiError::refused(message));
        }
        *params = Params::default();

        let status = match aftermath {
            Aftermath::RefundPending => "pending",
            _ => "succeeded",
        };
        let id = self.new_refund(&charge, amount, status, reason, metadata);
        let transaction = self.book("refund", &id, -amount, 0, &currency);
        if let Some(refund) = self.refunds.find_mut(&id) {
            refund.balance_transaction = Some(transaction);
        }
        match aftermath {
            Aftermath::RefundPending => self.later(REFUND_TAKES, Due::SucceedRefund(id.clone())),
            Aftermath::RefundFails => self.later(REFUND_TAKES, Due::FailRefund(id.clone())),
            _ => {}
        }
        self.tell_refund("refund.created", &id);
        self.tell_charge("charge.refunded", &charge);
        self.refunds.get(&id, "refund").map(Refund::json)
    }

    /// Lets go of what was set aside and never taken. As at Stripe, it looks like a refund.
    pub(super) fn release(&mut self, charge: &str, amount: i64) {
        self.new_refund(charge, amount, "succeeded", None, Metadata::new());
        self.tell_charge("charge.refunded", charge);
    }

    fn new_refund(
        &mut self,
        charge: &str,
        amount: i64,
        status: &'static str,
        reason: Option<&'static str>,
        metadata: Metadata,
    ) -> String {
        let id = self.ids.draw("re_");
        let now = self.now();
        let Some(found) = self.charges.find_mut(charge) else { return id };
        found.amount_refunded += amount;
        found.refunded = found.amount_refunded == found.amount;
        let refund = Refund {
            id: id.clone(),
            object: "refund",
            amount,
            balance_transaction: None,
            charge: charge.to_owned(),
            created: now,
            currency: found.currency.clone(),
            destination_details: Some(json!({
                "card": { "reference_status": "pending", "reference_type":
                    "acquirer_reference_number", "type": "refund" },
                "type": "card",
            })),
            failure_balance_transaction: None,
            failure_reason: None,
            metadata,
            payment_intent: found.payment_intent.clone(),
            reason,
            receipt_number: (),
            source_transfer_reversal: (),
            status,
            transfer_reversal: (),
        };
        self.refunds.insert(refund);
        id
    }

    /// A refund that was pending went through.
    pub(crate) fn succeed_refund(&mut self, id: &str) {
        let Some(refund) = self.refunds.find_mut(id).filter(|refund| refund.status == "pending")
        else {
            return;
        };
        refund.status = "succeeded";
        self.tell_refund("refund.updated", id);
        self.tell_refund("charge.refund.updated", id);
    }

    /// A refund came back, even one that had succeeded: its money is on the account again.
    pub(crate) fn fail_refund(&mut self, id: &str) {
        let Some(refund) = self
            .refunds
            .find(id)
            .filter(|refund| matches!(refund.status, "pending" | "succeeded"))
            .cloned()
        else {
            return;
        };
        let back = self.book("refund_failure", id, refund.amount, 0, &refund.currency);
        if let Some(refund) = self.refunds.find_mut(id) {
            refund.status = "failed";
            refund.failure_reason = Some("expired_or_canceled_card");
            refund.failure_balance_transaction = Some(back);
        }
        if let Some(charge) = self.charges.find_mut(&refund.charge) {
            charge.amount_refunded -= refund.amount;
            charge.refunded = false;
        }
        self.tell_refund("refund.failed", id);
        self.tell_refund("refund.updated", id);
        self.tell_refund("charge.refund.updated", id);
    }

    pub(crate) fn list_refunds(&self, params: &mut Params) -> Result<Value> {
        let (charge, intent) = (params.text("charge")?, params.text("payment_intent")?);
        self.refunds.page(params, "/v1/refunds", |refund| {
            charge.as_ref().is_none_or(|charge| refund.charge == *charge)
                && intent.as_ref().is_none_or(|intent| refund.payment_intent == *intent)
        })
    }

    fn tell_refund(&mut self, kind: &str, id: &str) {
        if let Some(object) = self.refunds.find(id).map(Refund::json) {
            self.tell(kind, object);
        }
    }
}
