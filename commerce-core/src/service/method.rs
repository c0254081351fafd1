//! Cards and accounts that gateways keep for customers, to be paid by again.

use std::sync::Arc;

use super::{Commerce, Done, fingerprint, internal, operation::gateway_failed};
use crate::{
    access::Caller,
    customer::Customer,
    error::{Error, Rejection},
    gateway::{KeptMethod, SaveMethod, Setup, Vault},
    id::{CustomerId, OperationId},
    payment::{PaymentChoice, PaymentFlow},
    store::{Commit, CustomerRef, Decision},
    text::{GatewayName, IdempotencyKey, Label},
};

impl Commerce {
    /// Begins to keep a card or an account for a customer. They enter it on the provider's fields, by
    /// the secret that is answered, and it is one of their [methods](Self::saved_methods) then.
    ///
    /// # Errors
    /// [`Rejection::NotFound`] for another customer; [`Rejection::Invalid`] for a gateway that keeps
    /// nothing; [`Error::GatewayUnavailable`]; [`Error`].
    pub async fn save_method(
        &self,
        caller: &Caller,
        id: CustomerId,
        request: &SaveMethod,
    ) -> Result<Done<Setup>, Error> {
        let what = ("save_method", id, request);
        if let Some(done) = self.replayed_to(caller, &what).await? {
            return Ok(done);
        }
        let customer = self.stored_customer(caller, &CustomerRef::Id(id)).await?;
        let vault = self.gateways.get(&request.gateway).and_then(|gateway| gateway.vault());
        let vault = vault.ok_or_else(|| {
            Rejection::invalid("/gateway", "must be one that keeps cards or accounts")
        })?;
        let reference = self.known_to(&customer, &request.gateway, &*vault).await?;
        // The same request is the same setup, if its answer is lost on the way.
        let key = match &caller.key {
            Some(key) => derived("setup", &(caller.scope(), key, &what))?,
            None => derived("setup", &self.moment().id::<OperationId>())?,
        };
        let setup = vault.create_setup(&reference, request.return_url.clone(), &key).await;
        let setup = &setup.map_err(gateway_failed)?;
        self.run(caller, &what, |moment| {
            Box::pin(async move {
                Ok(Decision { output: setup.clone(), commit: Commit::at(moment.now()) })
            })
        })
        .await
    }

    /// The cards and accounts that gateways keep for a customer: by gateway, the newest first.
    ///
    /// # Errors
    /// [`Rejection::NotFound`] for another customer; [`Error::GatewayUnavailable`]; [`Error`].
    pub async fn saved_methods(
        &self,
        caller: &Caller,
        id: CustomerId,
    ) -> Result<Vec<KeptMethod>, Error> {
        let customer = self.stored_customer(caller, &CustomerRef::Id(id)).await?;
        let mut all = Vec::new();
        for (gateway, reference, vault) in self.vaults_of(&customer) {
            let methods = vault.methods(reference).await.map_err(gateway_failed)?;
            let kept = |method| KeptMethod { gateway: gateway.clone(), method };
            all.extend(methods.into_iter().map(kept));
        }
        Ok(all)
    }

    /// Has a card or an account of a customer's forgotten, for good.
    ///
    /// # Errors
    /// [`Rejection::NotFound`] for another customer, and where they have no such method;
    /// [`Error::GatewayUnavailable`]; [`Error`].
    pub async fn remove_method(
        &self,
        caller: &Caller,
        id: CustomerId,
        method: &Label,
    ) -> Result<Done<()>, Error> {
        let what = ("remove_method", id, method);
        if let Some(done) = self.replayed_to(caller, &what).await? {
            return Ok(done);
        }
        let customer = self.stored_customer(caller, &CustomerRef::Id(id)).await?;
        for (_, reference, vault) in self.vaults_of(&customer) {
            if vault.remove_method(reference, method).await.map_err(gateway_failed)? {
                return self
                    .run(caller, &what, |moment| {
                        Box::pin(async move {
                            Ok(Decision { output: (), commit: Commit::at(moment.now()) })
                        })
                    })
                    .await;
            }
        }
        Err(Rejection::NotFound { what: "payment method" }.into())
    }

    /// What a gateway's provider calls the customer who pays, where the way that they choose needs
    /// that: a method of theirs, or one that is to be kept. `None` for a method that is not theirs, too,
    /// by which the choice is refused then.
    ///
    /// # Errors
    /// [`Error::GatewayUnavailable`]; [`Error`].
    pub(super) async fn payer(
        &self,
        choice: &PaymentChoice,
        customer: Option<CustomerId>,
    ) -> Result<Option<Label>, Error> {
        if !choice.needs_payer() {
            return Ok(None);
        }
        let vault = self.gateways.get(&choice.gateway).and_then(|gateway| gateway.vault());
        let (Some(id), Some(vault)) = (customer, vault) else { return Ok(None) };
        // They may have been erased since.
        let Some(customer) = self.store.customer(&CustomerRef::Id(id)).await? else {
            return Ok(None);
        };
        let PaymentFlow::Saved { method } = &choice.flow else {
            return self.known_to(&customer, &choice.gateway, &*vault).await.map(Some);
        };
        let Some(reference) = customer.provider_references.get(&choice.gateway) else {
            return Ok(None);
        };
        let methods = vault.methods(reference).await.map_err(gateway_failed)?;
        let theirs = methods.iter().any(|it| it.id == *method);
        Ok(theirs.then(|| reference.clone()))
    }

    /// Ends what gateways keep for a customer. A gateway that the shop no longer has keeps it.
    pub(super) async fn erase_methods(&self, customer: &Customer) -> Result<(), Error> {
        for (_, reference, vault) in self.vaults_of(customer) {
            vault.erase_customer(reference).await.map_err(gateway_failed)?;
        }
        Ok(())
    }

    fn vaults_of<'a>(
        &self,
        customer: &'a Customer,
    ) -> Vec<(&'a GatewayName, &'a Label, Arc<dyn Vault>)> {
        let vault = |(gateway, reference): (&'a GatewayName, &'a Label)| {
            let vault = self.gateways.get(gateway)?.vault()?;
            Some((gateway, reference, vault))
        };
        customer.provider_references.iter().filter_map(vault).collect()
    }

    /// What a gateway's provider calls a customer, of whom it has a record afterwards.
    async fn known_to(
        &self,
        customer: &Customer,
        gateway: &GatewayName,
        vault: &dyn Vault,
    ) -> Result<Label, Error> {
        if let Some(reference) = customer.provider_references.get(gateway) {
            return Ok(reference.clone());
        }
        // The key says what is sent: another request under it would be refused.
        let Customer { id, email, name, phone, .. } = customer;
        let key = derived("customer", &(id, email, name, phone))?;
        let made = vault.create_customer(customer, &key).await.map_err(gateway_failed)?;
        let system = &Caller::system();
        let known = self.change_customer(system, *id, None, &(), |customer, moment| {
            // Whoever was faster has the same name, or the one that counts.
            if customer.provider_references.contains_key(gateway) {
                return Ok(customer.clone());
            }
            Ok(customer.known_to(gateway, made.clone(), moment.now()))
        });
        Ok(known.await?.provider_references.get(gateway).cloned().unwrap_or(made))
    }
}

/// A key for a provider, which follows from what is asked of it.
fn derived(what: &str, of: &dyn std::fmt::Debug) -> Result<IdempotencyKey, Error> {
    IdempotencyKey::new(format!("{what} {:?}", fingerprint(of))).map_err(internal)
}
