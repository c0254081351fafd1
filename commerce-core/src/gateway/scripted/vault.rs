//! What the provider behind a [`ScriptedGateway`] keeps for its customers.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::ScriptedGateway;
use crate::{
    customer::Customer,
    gateway::{GatewayError, SavedMethod, Setup, Vault},
    payment::{Payment, PaymentFlow},
    text::{IdempotencyKey, Label, Url},
};

/// The methods of each customer, the newest first.
#[derive(Debug, Default)]
pub(super) struct Safe {
    methods: BTreeMap<Label, Vec<SavedMethod>>,
    /// How many were ever saved, so that no two have the same name.
    saved: usize,
}

impl Safe {
    pub(super) fn save(&mut self, customer: &Label) -> Option<SavedMethod> {
        let methods = self.methods.get_mut(customer)?;
        self.saved += 1;
        let word = |text: String| Label::new(text).ok();
        let method = SavedMethod {
            id: word(format!("pm_{}", self.saved))?,
            kind: word("card".to_owned())?,
            brand: word("Visa".to_owned()),
            last4: word("4242".to_owned()),
            expires: Some((12, 2034)),
        };
        methods.insert(0, method.clone());
        Some(method)
    }

    /// Whether the method that a payment names, if it does, is one of its customer.
    pub(super) fn has_method_of(&self, payment: &Payment) -> bool {
        let PaymentFlow::Saved { method } = &payment.flow else { return true };
        let of = payment.customer_reference.as_ref().and_then(|of| self.methods.get(of));
        of.is_some_and(|methods| methods.iter().any(|it| it.id == *method))
    }
}

#[async_trait]
impl Vault for ScriptedGateway {
    async fn create_customer(
        &self,
        _: &Customer,
        key: &IdempotencyKey,
    ) -> Result<Label, GatewayError> {
        // The same key is the same customer, for ever.
        let reference = Label::new(format!("of {}", key.as_str()));
        let reference = reference.map_err(|error| GatewayError::Refused(error.into()))?;
        self.state().safe.methods.entry(reference.clone()).or_default();
        Ok(reference)
    }

    async fn erase_customer(&self, customer: &Label) -> Result<(), GatewayError> {
        self.state().safe.methods.remove(customer);
        Ok(())
    }

    async fn create_setup(
        &self,
        customer: &Label,
        _: Option<Url>,
        key: &IdempotencyKey,
    ) -> Result<Setup, GatewayError> {
        if !self.state().safe.methods.contains_key(customer) {
            return Err(GatewayError::Refused("there is no such customer".into()));
        }
        let named = |what: &str| {
            let name = Label::new(format!("{what} of {}", key.as_str()));
            name.map_err(|error| GatewayError::Refused(error.into()))
        };
        let client_secret = Some(named("secret")?);
        Ok(Setup { id: named("setup")?, client_secret, redirect_url: None })
    }

    async fn methods(&self, customer: &Label) -> Result<Vec<SavedMethod>, GatewayError> {
        Ok(self.state().safe.methods.get(customer).cloned().unwrap_or_default())
    }

    async fn remove_method(&self, customer: &Label, method: &Label) -> Result<bool, GatewayError> {
        let state = &mut *self.state();
        let Some(methods) = state.safe.methods.get_mut(customer) else { return Ok(false) };
        let before = methods.len();
        methods.retain(|it| it.id != *method);
        Ok(methods.len() < before)
    }
}
