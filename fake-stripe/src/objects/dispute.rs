//! Disputes: a customer asks their bank for the money back.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    card::Aftermath,
    error::{ApiError, Result},
    params::{Metadata, Params},
    table::{Object, Table},
    world::World,
};

use super::{BalanceTransaction, Charge};

/// What a dispute costs, in the minor unit of its currency.
const FEE: i64 = 1500;
/// How long a shop has to answer, in seconds: nine days.
const ANSWER_WITHIN: i64 = 9 * 24 * 60 * 60;

/// A customer asks their bank for the money back.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Dispute {
    pub(crate) id: String,
    object: &'static str,
    amount: i64,
    balance_transactions: Vec<BalanceTransaction>,
    pub(crate) charge: String,
    created: i64,
    currency: String,
    enhanced_eligibility_types: Vec<String>,
    evidence: Value,
    evidence_details: Value,
    is_charge_refundable: bool,
    livemode: bool,
    metadata: Metadata,
    network_reason_code: Option<String>,
    payment_intent: String,
    payment_method_details: Value,
    reason: &'static str,
    pub(crate) status: &'static str,
}

impl Object for Dispute {
    const KIND: &'static str = "dispute";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Dispute {
    /// Whether it is only a question, for which no money was withdrawn.
    fn is_inquiry(&self) -> bool {
        self.status.starts_with("warning")
    }

    fn is_closed(&self) -> bool {
        matches!(self.status, "won" | "lost" | "warning_closed")
    }
}

fn find_open(disputes: &Table<Dispute>, charge: &str) -> bool {
    disputes.iter().any(|dispute| dispute.charge == charge && !dispute.is_closed())
}

impl World {
    /// What the customer of a test card does after a charge.
    pub(super) fn dispute_as_the_card_does(&mut self, charge: &str) {
        let aftermath = self.charges.find(charge).map(|charge| charge.aftermath);
        let opened = match aftermath {
            Some(Aftermath::Dispute(reason)) => self.dispute(charge, reason, false),
            Some(Aftermath::Inquiry(reason)) => self.dispute(charge, reason, true),
            _ => return,
        };
        drop(opened);
    }

    /// Opens a dispute about all of a charge.
    pub(crate) fn dispute(
        &mut self,
        charge: &str,
        reason: &'static str,
        inquiry: bool,
    ) -> Result<String> {
        let found: Charge = self.charges.get(charge, "charge")?.clone();
        if found.status != "succeeded" || !found.captured || find_open(&self.disputes, charge) {
            return Err(ApiError::refused(format!("Charge {charge} cannot be disputed.")));
        }
        let id = self.ids.draw("du_");
        let mut transactions = Vec::new();
        if !inquiry {
            let booked = self.book("adjustment", &id, -found.amount_captured, FEE, &found.currency);
            transactions.extend(self.transactions.find(&booked).cloned());
        }
        let now = self.now();
        self.disputes.insert(Dispute {
            id: id.clone(),
            object: "dispute",
            amount: found.amount_captured,
            balance_transactions: transactions,
            charge: charge.to_owned(),
            created: now,
            currency: found.currency.clone(),
            enhanced_eligibility_types: Vec::new(),
            evidence: json!({ "enhanced_evidence": {}, "uncategorized_text": null }),
            evidence_details: json!({
                "due_by": now + ANSWER_WITHIN, "enhanced_eligibility": {}, "has_evidence": false,
                "past_due": false, "submission_count": 0,
            }),
            is_charge_refundable: inquiry,
            livemode: false,
            metadata: Metadata::new(),
            network_reason_code: None,
            payment_intent: found.payment_intent,
            payment_method_details: json!({
                "card": { "brand": "visa", "case_type": if inquiry { "inquiry" } else { "chargeback" },
                    "network": "visa", "network_reason_code": null },
                "type": "card",
            }),
            reason,
            status: if inquiry { "warning_needs_response" } else { "needs_response" },
        });
        if let Some(charge) = self.charges.find_mut(charge) {
            charge.disputed = true;
        }
        self.tell_dispute("charge.dispute.created", &id);
        if !inquiry {
            self.tell_dispute("charge.dispute.funds_withdrawn", &id);
        }
        Ok(id)
    }

    /// The bank decides about a dispute.
    pub(crate) fn decide_dispute(&mut self, id: &str, won: bool) -> Result<Value> {
        let dispute = self.disputes.get(id, "dispute")?;
        if dispute.is_closed() {
            return Err(ApiError::refused("This dispute is already closed."));
        }
        let (inquiry, amount) = (dispute.is_inquiry(), dispute.amount);
        let currency = dispute.currency.clone();
        if won && !inquiry {
            let booked = self.book("adjustment", id, amount, -FEE, &currency);
            let transaction = self.transactions.find(&booked).cloned();
            if let Some(dispute) = self.disputes.find_mut(id) {
                dispute.balance_transactions.extend(transaction);
            }
        }
        let dispute = self.disputes.get_mut(id, "dispute")?;
        dispute.status = match (inquiry, won) {
            (true, _) => "warning_closed",
            (false, true) => "won",
            (false, false) => "lost",
        };
        if won && !inquiry {
            self.tell_dispute("charge.dispute.funds_reinstated", id);
        }
        self.tell_dispute("charge.dispute.closed", id);
        self.disputes.get(id, "dispute").map(Dispute::json)
    }

    /// Takes evidence. The texts that decide a dispute are those of Stripe's test mode:
    /// `winning_evidence` and `losing_evidence`.
    pub(crate) fn update_dispute(&mut self, id: &str, params: &mut Params) -> Result<Value> {
        let mut metadata = self.disputes.get(id, "dispute")?.metadata.clone();
        params.metadata(&mut metadata)?;
        let submit = params.boolean("submit")?.unwrap_or(true);
        let evidence = params.group("evidence")?;
        params.clone().finish()?;
        let text = evidence.map(|mut evidence| {
            let text = evidence.text("uncategorized_text")?;
            evidence.finish().map(|()| text)
        });
        let text = text.transpose()?.flatten();
        *params = Params::default();
        let dispute = self.disputes.get_mut(id, "dispute")?;
        dispute.metadata = metadata;
        let Some(text) = text else { return Ok(dispute.json()) };
        if dispute.is_closed() {
            return Err(ApiError::refused("This dispute is already closed."));
        }
        dispute.evidence = json!({ "enhanced_evidence": {}, "uncategorized_text": text });
        if submit {
            dispute.status =
                if dispute.is_inquiry() { "warning_under_review" } else { "under_review" };
            self.tell_dispute("charge.dispute.updated", id);
            match text.as_str() {
                "winning_evidence" => return self.decide_dispute(id, true),
                "losing_evidence" => return self.decide_dispute(id, false),
                _ => {}
            }
        }
        self.disputes.get(id, "dispute").map(Dispute::json)
    }

    /// Whether the money of a charge was withdrawn by a dispute and not reinstated.
    pub(super) fn is_withdrawn(&self, charge: &str) -> bool {
        self.disputes.iter().any(|dispute| {
            dispute.charge == charge && !dispute.is_inquiry() && dispute.status != "won"
        })
    }

    pub(crate) fn list_disputes(&self, params: &mut Params) -> Result<Value> {
        let (charge, intent) = (params.text("charge")?, params.text("payment_intent")?);
        self.disputes.page(params, "/v1/disputes", |dispute| {
            charge.as_ref().is_none_or(|charge| dispute.charge == *charge)
                && intent.as_ref().is_none_or(|intent| dispute.payment_intent == *intent)
        })
    }

    fn tell_dispute(&mut self, kind: &str, id: &str) {
        if let Some(object) = self.disputes.find(id).map(Dispute::json) {
            self.tell(kind, object);
        }
    }
}
