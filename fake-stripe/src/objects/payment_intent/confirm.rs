//! Paying an intent: the customer confirms, is asked by their bank, and the card is charged.

use crate::{
    card::{self, Authentication, Decline, Outcome},
    error::{ApiError, Result},
    objects::{charge::Paying, shared::NextAction},
    params::Params,
    world::{Due, World},
};

/// How long the fake's banks take over a debit, in seconds.
const DEBIT_TAKES: i64 = 60;

/// How an intent is confirmed.
#[derive(Debug, Default)]
pub(in crate::objects) struct Confirm {
    off_session: bool,
    error_on_requires_action: bool,
    return_url: Option<String>,
}

impl Confirm {
    pub(in crate::objects) fn of(params: &mut Params) -> Result<Self> {
        Ok(Self {
            off_session: params.boolean("off_session")?.unwrap_or(false),
            error_on_requires_action: params.boolean("error_on_requires_action")?.unwrap_or(false),
            return_url: params.text("return_url")?,
        })
    }

    /// As a page of Stripe's does it, whence the customer goes on to the shop.
    pub(in crate::objects) fn on_page(return_url: String) -> Self {
        Self { return_url: Some(return_url), ..Self::default() }
    }

    /// Whether a request named any of it.
    pub(super) fn is_asked(&self) -> bool {
        self.off_session || self.error_on_requires_action || self.return_url.is_some()
    }
}

impl World {
    /// Confirms an intent for a request, or for a test that plays the customer.
    pub(crate) fn confirm(&mut self, id: &str, params: &mut Params) -> Result<serde_json::Value> {
        let intent = self.intents.get(id, "intent")?;
        let customer = intent.customer.clone();
        let method = params.text("payment_method")?;
        let how = Confirm::of(params)?;
        let future = params.choice("setup_future_usage", &["off_session", "on_session"])?;
        drop(params.group("payment_method_options")?);
        params.boolean("use_stripe_sdk")?;
        params.clone().finish()?;
        let open = matches!(
            self.intents.get(id, "intent")?.status,
            "requires_payment_method" | "requires_confirmation" | "requires_action"
        );
        if !open {
            return Err(self.unexpected(id, "confirm"));
        }
        let method = method.map(|name| self.method_for(&name, customer.as_deref())).transpose()?;
        if let Some(method) = method {
            self.give_method(id, method)?;
        }
        let intent = self.intents.get_mut(id, "intent")?;
        intent.setup_future_usage = future.or(intent.setup_future_usage);
        *params = Params::default();
        self.confirm_intent(id, &how)?;
        self.intent_json(id)
    }

    /// Confirms an intent that has its payment method.
    pub(in crate::objects) fn confirm_intent(&mut self, id: &str, how: &Confirm) -> Result<()> {
        let intent = self.intents.get(id, "intent")?;
        let Some(method) = &intent.payment_method else {
            let message = "You cannot confirm this PaymentIntent because it's missing a payment \
                           method. You can either update the PaymentIntent with a payment method \
                           and then confirm it again, or confirm it again directly with a payment \
                           method.";
            return Err(ApiError::state("payment_intent_unexpected_state", message));
        };
        let method = self.methods.get(method, "payment_method")?;
        let asks = match method.card.authentication {
            Authentication::Never => false,
            Authentication::Always => true,
            Authentication::UnlessSetUp => !method.set_up,
            Authentication::OnSession => !how.off_session,
        };
        if !asks {
            return self.charge_intent(id);
        }
        if how.off_session || how.error_on_requires_action {
            return Err(self.decline_intent(id, &card::AUTHENTICATION_REQUIRED, true));
        }
        let page = format!("{}/authenticate/{id}", self.url);
        let intent = self.intents.get_mut(id, "intent")?;
        intent.status = "requires_action";
        intent.next_action = Some(NextAction::authenticate(page, how.return_url.clone()));
        self.tell_intent("payment_intent.requires_action", id);
        Ok(())
    }

    /// The customer answered their bank, or did not.
    pub(crate) fn authenticate(&mut self, id: &str, succeeds: bool) -> Result<()> {
        if self.intents.get(id, "intent")?.status != "requires_action" {
            return Err(self.unexpected(id, "authenticate"));
        }
        if succeeds {
            return self.charge_intent(id);
        }
        Err(self.decline_intent(id, &card::AUTHENTICATION_FAILED, false))
    }

    fn charge_intent(&mut self, id: &str) -> Result<()> {
        let intent = self.intents.get(id, "intent")?;
        let Some(method) = intent.payment_method.clone() else { return Ok(()) };
        match self.methods.get(&method, "payment_method")?.card.outcome {
            Outcome::Approve => {
                self.approve_intent(id);
                Ok(())
            }
            Outcome::Decline(decline) => Err(self.decline_intent(id, &decline, true)),
            Outcome::Process(end) => {
                let charge = self.new_charge(id, Paying::Pending);
                if let Some(intent) = self.intents.find_mut(id) {
                    intent.status = "processing";
                    intent.next_action = None;
                    intent.last_payment_error = None;
                }
                self.tell_charge("charge.pending", &charge);
                self.tell_intent("payment_intent.processing", id);
                if end.is_some() {
                    self.later(DEBIT_TAKES, Due::Settle(id.to_owned()));
                }
                self.complete_session(id);
                Ok(())
            }
        }
    }

    /// The card was charged, or its money set aside.
    fn approve_intent(&mut self, id: &str) {
        let Some(intent) = self.intents.find(id) else { return };
        let manual = intent.capture_method == "manual";
        let (future, customer) = (intent.setup_future_usage, intent.customer.clone());
        let paying = if manual { Paying::Authorized } else { Paying::Captured };
        let charge = self.new_charge(id, paying);
        let Some(intent) = self.intents.find_mut(id) else { return };
        intent.next_action = None;
        intent.last_payment_error = None;
        if manual {
            intent.status = "requires_capture";
            intent.amount_capturable = intent.amount;
        } else {
            intent.status = "succeeded";
            intent.amount_received = intent.amount;
        }
        let method = intent.payment_method.clone();
        if let (Some(_), Some(customer), Some(method)) = (future, customer, method) {
            self.keep_method(&method, &customer);
        }
        self.tell_charge("charge.succeeded", &charge);
        if manual {
            self.tell_intent("payment_intent.amount_capturable_updated", id);
            self.later(super::settle::HOLD_LASTS, Due::ReleaseAuthorization(id.to_owned()));
        } else {
            self.tell_intent("payment_intent.succeeded", id);
        }
        self.complete_session(id);
        if !manual {
            self.dispute_as_the_card_does(&charge);
        }
    }

    /// The card was refused: the intent waits for another, and the error says why.
    pub(super) fn decline_intent(
        &mut self,
        id: &str,
        decline: &Decline,
        charged: bool,
    ) -> ApiError {
        let mut error = ApiError::card(decline);
        let method = self.intents.find(id).and_then(|intent| intent.payment_method.clone());
        if let Some(method) = method.and_then(|method| self.methods.find(&method)) {
            error = error.about("payment_method", crate::table::Object::json(method));
        }
        let charge = charged.then(|| self.new_charge(id, Paying::Refused(*decline)));
        if let Some(charge) = &charge {
            error = error.about("charge", charge.clone().into());
        }
        if let Some(intent) = self.intents.find_mut(id) {
            intent.status = "requires_payment_method";
            intent.payment_method = None;
            intent.next_action = None;
            intent.last_payment_error = Some(error.object());
        }
        if let Some(charge) = charge {
            self.tell_charge("charge.failed", &charge);
        }
        self.tell_intent("payment_intent.payment_failed", id);
        match self.intent_json(id) {
            Ok(intent) => error.about("payment_intent", intent),
            Err(_) => error,
        }
    }
}
