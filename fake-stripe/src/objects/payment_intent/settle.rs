//! What becomes of an intent that was confirmed: its debit settles, its hold is captured, called off
//! or lapses.

use serde_json::Value;

use crate::{
    card::Outcome,
    error::{ApiError, Result},
    params::Params,
    world::World,
};

/// How long a hold on a card lasts, in seconds: seven days, as for most cards at Stripe.
pub(in crate::objects) const HOLD_LASTS: i64 = 7 * 24 * 60 * 60;

impl World {
    pub(crate) fn capture_intent(&mut self, id: &str, params: &mut Params) -> Result<Value> {
        let intent = self.intents.get(id, "intent")?;
        let (capturable, currency) = (intent.amount_capturable, intent.currency.clone());
        let is_held = intent.status == "requires_capture";
        let amount = params.integer("amount_to_capture")?.unwrap_or(capturable);
        params.choice("final_capture", &["true"])?;
        let mut metadata = intent.metadata.clone();
        params.metadata(&mut metadata)?;
        params.clone().finish()?;
        if !is_held {
            return Err(self.unexpected(id, "capture"));
        }
        crate::currency::check(amount, &currency, "amount_to_capture")?;
        if amount == 0 {
            return Err(ApiError::invalid(
                "amount_to_capture",
                "This value must be greater than 0.",
            ));
        }
        if amount > capturable {
            let message = format!(
                "The capture amount ({amount}) is greater than the amount capturable ({capturable})."
            );
            return Err(ApiError::invalid("amount_to_capture", message).code("amount_too_large"));
        }
        let intent = self.intents.get_mut(id, "intent")?;
        intent.status = "succeeded";
        intent.amount_capturable = 0;
        intent.amount_received = amount;
        intent.metadata = metadata;
        let (charge, session) = (intent.latest_charge.clone(), intent.session.clone());
        *params = Params::default();
        if let Some(charge) = charge {
            self.capture_charge(&charge, amount);
            self.tell_charge("charge.captured", &charge);
            self.tell_intent("payment_intent.succeeded", id);
            self.dispute_as_the_card_does(&charge);
        }
        if let Some(session) = session.and_then(|session| self.sessions.find_mut(&session)) {
            session.payment_status = "paid";
        }
        self.intent_json(id)
    }

    pub(crate) fn cancel_intent(&mut self, id: &str, params: &mut Params) -> Result<Value> {
        let reasons = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];
        let reason = params.choice("cancellation_reason", &reasons)?;
        params.clone().finish()?;
        let intent = self.intents.get(id, "intent")?;
        let open = matches!(
            intent.status,
            "requires_payment_method"
                | "requires_confirmation"
                | "requires_action"
                | "requires_capture"
        );
        if !open {
            return Err(self.unexpected(id, "cancel"));
        }
        if intent.session.is_some() && intent.status != "requires_capture" {
            let message = "You cannot cancel a PaymentIntent that was created by a Checkout \
                           Session. Expire the Checkout Session instead.";
            return Err(ApiError::refused(message));
        }
        *params = Params::default();
        self.end_intent(id, reason);
        self.intent_json(id)
    }

    /// Ends an intent, and lets go of what was set aside for it.
    pub(in crate::objects) fn end_intent(&mut self, id: &str, reason: Option<&'static str>) {
        let now = self.now();
        let Some(intent) = self.intents.find_mut(id) else { return };
        intent.status = "canceled";
        intent.amount_capturable = 0;
        intent.canceled_at = Some(now);
        intent.cancellation_reason = reason;
        intent.next_action = None;
        if let Some(charge) = intent.latest_charge.clone() {
            self.release_charge(&charge, 0);
        }
        self.tell_intent("payment_intent.canceled", id);
    }

    /// The hold on a card lapses, if it is still there.
    pub(crate) fn release_authorization(&mut self, id: &str) {
        let intent = self.intents.find(id);
        if let Some(intent) = intent.filter(|intent| intent.status == "requires_capture") {
            if let Some(charge) = intent.latest_charge.clone() {
                self.tell_charge("charge.expired", &charge);
            }
            self.end_intent(id, Some("automatic"));
        }
    }

    /// A bank debit comes to its end, if it is still going on.
    pub(crate) fn settle_intent(&mut self, id: &str) {
        let Some(intent) = self.intents.find(id).filter(|intent| intent.status == "processing")
        else {
            return;
        };
        let (session, charge) = (intent.session.clone(), intent.latest_charge.clone());
        let outcome = intent
            .payment_method
            .as_ref()
            .and_then(|method| self.methods.find(method))
            .map(|method| method.card.outcome);
        let refused = match outcome {
            Some(Outcome::Process(Some(Err(decline)))) => Some(decline),
            _ => None,
        };
        if let Some(decline) = refused {
            if let Some(charge) = charge {
                self.fail_charge(&charge, decline);
            }
            drop(self.decline_intent(id, &decline, false));
        } else {
            if let Some(intent) = self.intents.find_mut(id) {
                intent.status = "succeeded";
                intent.amount_received = intent.amount;
            }
            let amount = self.intents.find(id).map_or(0, |intent| intent.amount);
            if let Some(charge) = charge {
                self.capture_charge(&charge, amount);
                self.tell_charge("charge.succeeded", &charge);
            }
            self.tell_intent("payment_intent.succeeded", id);
        }
        if let Some(session) = session {
            self.settle_session(&session, refused.is_none());
        }
    }
}
