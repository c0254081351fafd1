//! The line to what the provider keeps for customers.

use std::sync::Arc;

use async_trait::async_trait;
use commerce_core::{
    customer::Customer,
    gateway::{GatewayError, SavedMethod, Setup, Vault},
    text::{IdempotencyKey, Label, Url},
};

use super::{
    fate::{Fate, NoAnswer, Point},
    wires::Bank,
};

#[derive(Debug)]
pub(crate) struct VaultLine {
    pub(crate) fate: Fate,
    pub(crate) bank: Bank,
    pub(crate) vault: Arc<dyn Vault>,
}

impl VaultLine {
    async fn ask<T>(
        &self,
        name: &str,
        acts: bool,
        act: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        match self.fate.meet(Point { name, acts }, act).await {
            Ok(answer) => answer,
            Err(NoAnswer::Failed) => Err(GatewayError::unavailable("it is down")),
            Err(NoAnswer::Lost) => Err(GatewayError::OutcomeUnknown("the line went dead".into())),
        }
    }
}

#[async_trait]
impl Vault for VaultLine {
    async fn create_customer(
        &self,
        customer: &Customer,
        key: &IdempotencyKey,
    ) -> Result<Label, GatewayError> {
        let act = async {
            let made = self.vault.create_customer(customer, key).await?;
            self.bank.know(customer.id, &made);
            Ok(made)
        };
        self.ask("gateway customer", true, act).await
    }

    async fn erase_customer(&self, customer: &Label) -> Result<(), GatewayError> {
        self.ask("gateway erase", true, self.vault.erase_customer(customer)).await
    }

    async fn create_setup(
        &self,
        customer: &Label,
        return_url: Option<Url>,
        key: &IdempotencyKey,
    ) -> Result<Setup, GatewayError> {
        let act = self.vault.create_setup(customer, return_url, key);
        self.ask("gateway setup", true, act).await
    }

    async fn methods(&self, customer: &Label) -> Result<Vec<SavedMethod>, GatewayError> {
        self.ask("gateway methods", false, self.vault.methods(customer)).await
    }

    async fn remove_method(&self, customer: &Label, method: &Label) -> Result<bool, GatewayError> {
        self.ask("gateway forget", true, self.vault.remove_method(customer, method)).await
    }
}
