//! Customers and their address books.

use super::{Commerce, Done, shop::require_version};
use crate::{
    access::Caller,
    customer::{CreateCustomer, Customer, PatchCustomer, PutAddress},
    error::{Error, Rejection},
    event::Event,
    id::{AddressId, CustomerId, Moment},
    store::{Commit, CustomerRef, Decision},
    version::{Version, Versioned},
};

impl Commerce {
    /// A customer: themselves or the back office may look.
    ///
    /// # Errors
    /// [`Rejection::NotFound`]; [`Error`].
    pub async fn customer(
        &self,
        caller: &Caller,
        by: &CustomerRef,
    ) -> Result<Versioned<Customer>, Error> {
        let found = self.store.customer(by).await?;
        found
            .filter(|customer| caller.owns(Some(customer.id), None))
            .ok_or_else(|| Rejection::NotFound { what: "customer" }.into())
    }

    /// Enters a customer.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; [`Rejection::Taken`] for an e-mail address or external number that
    /// another customer has; [`Error`].
    pub async fn create_customer(
        &self,
        caller: &Caller,
        request: &CreateCustomer,
    ) -> Result<Done<Customer>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("create_customer", request), |mut moment| {
            Box::pin(async move {
                let customer = Customer::create(request.clone(), &mut moment);
                let mut commit = Commit::at(moment.now());
                commit.insert(customer.clone());
                commit.event(Event::CustomerUpdated { customer_id: customer.id });
                Ok(Decision { output: customer, commit })
            })
        })
        .await
    }

    /// Changes a customer.
    ///
    /// # Errors
    /// [`Rejection::NotFound`], [`Rejection::Taken`], [`Rejection::VersionMismatch`]; [`Error`].
    pub async fn patch_customer(
        &self,
        caller: &Caller,
        id: CustomerId,
        request: &PatchCustomer,
        expected: Option<Version>,
    ) -> Result<Done<Customer>, Error> {
        let name = ("patch_customer", id, request);
        self.change_customer(caller, id, expected, &name, |customer, moment| {
            Ok(customer.patch(request.clone(), moment.now()))
        })
        .await
    }

    /// Adds an address to a customer's book, or replaces one.
    ///
    /// # Errors
    /// As [`Customer::put_address`] and [`Commerce::patch_customer`].
    pub async fn put_address(
        &self,
        caller: &Caller,
        id: CustomerId,
        request: &PutAddress,
    ) -> Result<Done<Customer>, Error> {
        let name = ("put_address", id, request);
        self.change_customer(caller, id, None, &name, |customer, moment| {
            customer.put_address(request.clone(), moment)
        })
        .await
    }

    /// Removes an address from a customer's book.
    ///
    /// # Errors
    /// As [`Customer::remove_address`] and [`Commerce::patch_customer`].
    pub async fn remove_address(
        &self,
        caller: &Caller,
        id: CustomerId,
        address: AddressId,
    ) -> Result<Done<Customer>, Error> {
        let name = ("remove_address", id, address);
        self.change_customer(caller, id, None, &name, |customer, moment| {
            customer.remove_address(address, moment.now())
        })
        .await
    }

    async fn change_customer(
        &self,
        caller: &Caller,
        id: CustomerId,
        expected: Option<Version>,
        name: &(dyn std::fmt::Debug + Sync),
        change: impl Fn(&Customer, &mut Moment) -> Result<Customer, Rejection> + Send + Sync,
    ) -> Result<Done<Customer>, Error> {
        let change = &change;
        self.run(caller, name, |mut moment| {
            Box::pin(async move {
                let old = self.customer(caller, &CustomerRef::Id(id)).await?;
                require_version(expected, old.version)?;
                let customer = change(&old, &mut moment)?;
                let mut commit = Commit::at(moment.now());
                if customer != *old.value {
                    commit.event(Event::CustomerUpdated { customer_id: id });
                }
                commit.replace(&old, customer.clone());
                Ok(Decision { output: customer, commit })
            })
        })
        .await
    }
}
