//! What a customer does on a page.

use super::CustomerDetails;
use crate::{
    card::Card,
    error::{ApiError, Result},
    objects::{payment_intent::Confirm, payment_method::card_of_number, shared::BillingDetails},
    world::World,
};

/// Where a customer stands after something they did on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Visit {
    /// The payment is made, or under way: on to the shop.
    Done {
        /// The shop's address.
        url: String,
    },
    /// Their bank asks them something.
    Asked {
        /// Where it asks.
        url: String,
    },
}

impl World {
    /// A customer pays with a card of this number, or one that Stripe names, such as `pm_card_visa`.
    ///
    /// # Errors
    /// When the card is refused, or the page is done.
    pub(crate) fn pay_session(
        &mut self,
        id: &str,
        card: &str,
        email: Option<String>,
        name: Option<String>,
    ) -> Result<Visit> {
        let session = self.sessions.get(id, "session")?;
        if session.status != "open" {
            return Err(ApiError::refused("You're all done here. This page is no longer open."));
        }
        let card = match Card::by_name(card) {
            Some(card) => card,
            None => card_of_number(card)?,
        };
        let details = CustomerDetails {
            email: email.or_else(|| session.customer_email.clone()),
            name,
            tax_exempt: "none",
            ..CustomerDetails::default()
        };
        let return_url = session.success_url.replace("{CHECKOUT_SESSION_ID}", id);
        let billing = BillingDetails::by(details.name.clone(), details.email.clone());
        let intent = match session.payment_intent.clone() {
            Some(intent) => intent,
            None => self.intent_of_session(id),
        };
        if let Some(session) = self.sessions.find_mut(id) {
            session.customer_details = Some(details);
        }
        let method = self.new_method(card, billing);
        self.give_method(&intent, method)?;
        let how = Confirm::on_page(return_url.clone());
        self.confirm_intent(&intent, &how)?;
        if self.intents.get(&intent, "intent")?.status == "requires_action" {
            return Ok(Visit::Asked { url: format!("{}/authenticate/{intent}", self.url) });
        }
        Ok(Visit::Done { url: return_url })
    }

    /// Makes the intent of a page, which there is from the first try to pay.
    fn intent_of_session(&mut self, id: &str) -> String {
        let Some(session) = self.sessions.find_mut(id) else { return String::new() };
        let mut new = std::mem::take(&mut session.intent);
        let keeps = new.setup_future_usage.is_some() || session.customer_creation == Some("always");
        if new.customer.is_none() && keeps {
            new.customer = self.customer_of_session(id);
        }
        let intent = self.new_intent(new);
        if let Some(session) = self.sessions.find_mut(id) {
            session.payment_intent = Some(intent.clone());
        }
        intent
    }

    fn customer_of_session(&mut self, id: &str) -> Option<String> {
        let email = self.sessions.find(id)?.customer_email.clone();
        let email = email.map(|email| ("email", email));
        let mut params = crate::params::Params::of(email);
        let customer = self.create_customer(&mut params).ok()?;
        let customer = customer.get("id")?.as_str()?.to_owned();
        self.sessions.find_mut(id)?.customer = Some(customer.clone());
        Some(customer)
    }
}
