//! Customers and their address books.

use super::{Commerce, Done, shop::require_version};
use crate::{
    access::Caller,
    customer::{CreateCustomer, Customer, PatchCustomer, PutAddress},
    error::{Error, Rejection},
    event::Event,
    id::{AddressId, CustomerId, Moment, OrderId},
    store::{
        Commit, CustomerQuery, CustomerRef, Decision, OrderFilter, OrderQuery, OrderRef, Page,
        PageRequest,
    },
    text::Email,
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
        let found = self.stored_customer(caller, by).await?;
        let seen = seen_by(caller, &found);
        Ok(Versioned::new(found.version, seen))
    }

    /// Customers, page by page, the newest first.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; [`Rejection::Invalid`] for a limit out of its bounds;
    /// [`Error`].
    pub async fn customers(
        &self,
        caller: &Caller,
        query: &CustomerQuery,
    ) -> Result<Page<Versioned<Customer>>, Error> {
        caller.require_back_office()?;
        query.page.check()?;
        Ok(self.queries.customers(query).await?)
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
    ) -> Result<Done<Versioned<Customer>>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("create_customer", request), |mut moment| {
            Box::pin(async move {
                let customer = Customer::create(request.clone(), &mut moment);
                let mut commit = Commit::at(moment.now());
                commit.event(Event::CustomerUpdated { customer_id: customer.id });
                let output = commit.insert(customer);
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// Changes a customer.
    ///
    /// # Errors
    /// [`Rejection::NotFound`], [`Rejection::Taken`], [`Rejection::VersionMismatch`];
    /// [`Rejection::Forbidden`] when anybody but the back office changes their note or external number;
    /// [`Error`].
    pub async fn patch_customer(
        &self,
        caller: &Caller,
        id: CustomerId,
        request: &PatchCustomer,
        expected: Option<Version>,
    ) -> Result<Done<Versioned<Customer>>, Error> {
        if request.note.is_some() || request.external_id.is_some() {
            caller.require_back_office()?;
        }
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
    ) -> Result<Done<Versioned<Customer>>, Error> {
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
    ) -> Result<Done<Versioned<Customer>>, Error> {
        let name = ("remove_address", id, address);
        self.change_customer(caller, id, None, &name, |customer, moment| {
            customer.remove_address(address, moment.now())
        })
        .await
    }

    /// Erases a customer: their profile, their addresses and the cart that they have open are gone, as
    /// somebody may demand of a shop (GDPR, article 17). Their orders stay as they were placed, since
    /// tax law makes the shop keep them.
    ///
    /// Gateways forget them first, and the shop last. A future that is dropped, or a gateway that fails,
    /// leaves the customer here, although cards of theirs may be gone by then; it is safe to ask again,
    /// and then goes on.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`], [`Rejection::VersionMismatch`];
    /// [`Rejection::InvalidTransition`] where a gateway does not accept it;
    /// [`Error::GatewayUnavailable`]; [`Error::OutcomeUnknown`]; [`Error`].
    pub async fn erase_customer(
        &self,
        caller: &Caller,
        id: CustomerId,
        expected: Option<Version>,
    ) -> Result<Done<()>, Error> {
        caller.require_back_office()?;
        let what = ("erase_customer", id);
        if let Some(done) = self.replayed_to(caller, &what).await? {
            return Ok(done);
        }
        let found = &self.stored_customer(caller, &CustomerRef::Id(id)).await?;
        require_version(expected, found.version)?;
        self.erase_methods(found).await?;
        self.run(caller, &what, |moment| {
            Box::pin(async move {
                let old = self.stored_customer(caller, &CustomerRef::Id(id)).await?;
                require_version(expected, old.version)?;
                // What a gateway has begun to keep meanwhile is to be erased as well.
                if old.provider_references != found.provider_references {
                    return Err(Error::Contention);
                }
                let mut commit = Commit::at(moment.now());
                commit.remove(&old);
                if let Some(cart) = self.store.open_cart(id).await? {
                    commit.remove(&cart);
                }
                commit.event(Event::CustomerErased { customer_id: id });
                Ok(Decision { output: (), commit })
            })
        })
        .await
    }

    /// Notes that a customer has shown that an e-mail address is theirs: what a server does when
    /// they have followed the link that it sent there.
    ///
    /// # Errors
    /// As [`Customer::verify_email`] and [`Commerce::patch_customer`]; [`Rejection::Forbidden`] for
    /// anybody but the back office.
    pub async fn verify_email(
        &self,
        caller: &Caller,
        id: CustomerId,
        email: &Email,
    ) -> Result<Done<Versioned<Customer>>, Error> {
        caller.require_back_office()?;
        let name = ("verify_email", id, email);
        self.change_customer(caller, id, None, &name, |customer, moment| {
            customer.verify_email(email, moment.now())
        })
        .await
    }

    /// Hands a customer the orders that guests placed with the customer's e-mail address, which must
    /// be verified. From then on the guests' secrets no longer open them. Answers how many there
    /// were; it is safe to ask again.
    ///
    /// # Errors
    /// [`Rejection::NotFound`]; [`Rejection::InvalidTransition`] when the address is not verified;
    /// [`Error`]. What was handed over before stays so.
    pub async fn claim_orders(&self, caller: &Caller, id: CustomerId) -> Result<usize, Error> {
        let customer = self.stored_customer(caller, &CustomerRef::Id(id)).await?;
        let email = Some(customer.verified_email()?.clone());
        let filter = OrderFilter { email, ..OrderFilter::default() };
        let page = PageRequest::first(PageRequest::LIMIT_MAX);
        let mut query = OrderQuery { filter, page };
        let mut claimed = 0;
        loop {
            let page = self.queries.orders(&query).await?;
            for found in page.items.iter().filter(|found| found.order.customer_id.is_none()) {
                claimed += usize::from(self.claim_order(id, found.order.id).await?.output);
            }
            match page.next {
                Some(next) => query.page.after = Some(next),
                None => return Ok(claimed),
            }
        }
    }

    async fn claim_order(&self, id: CustomerId, order: OrderId) -> Result<Done<bool>, Error> {
        let system = &Caller::system();
        self.run(system, &("claim_order", id, order), |moment| {
            Box::pin(async move {
                let customer = self.stored_customer(system, &CustomerRef::Id(id)).await?;
                let inputs = self.order_inputs(system, &OrderRef::Id(order)).await?;
                let mut commit = Commit::at(moment.now());
                let order = inputs.order.claimed_by(&customer, moment.now())?;
                if let Some(order) = &order {
                    let (order_id, number) = (order.id, order.number.clone());
                    commit.event(Event::OrderClaimed { order_id, number, customer_id: id });
                    // The address must still be theirs when the order becomes so.
                    commit.require(&customer);
                    commit.replace(&inputs.order, order.clone());
                }
                Ok(Decision { output: order.is_some(), commit })
            })
        })
        .await
    }

    pub(super) async fn stored_customer(
        &self,
        caller: &Caller,
        by: &CustomerRef,
    ) -> Result<Versioned<Customer>, Error> {
        let found = self.store.customer(by).await?;
        found
            .filter(|customer| caller.owns(Some(customer.id), None))
            .ok_or_else(|| Rejection::NotFound { what: "customer" }.into())
    }

    pub(super) async fn change_customer(
        &self,
        caller: &Caller,
        id: CustomerId,
        expected: Option<Version>,
        name: &(dyn std::fmt::Debug + Sync),
        change: impl Fn(&Customer, &mut Moment) -> Result<Customer, Rejection> + Send + Sync,
    ) -> Result<Done<Versioned<Customer>>, Error> {
        let change = &change;
        self.run(caller, name, |mut moment| {
            Box::pin(async move {
                let old = self.stored_customer(caller, &CustomerRef::Id(id)).await?;
                require_version(expected, old.version)?;
                let customer = change(&old, &mut moment)?;
                let mut commit = Commit::at(moment.now());
                if customer != *old.value {
                    commit.event(Event::CustomerUpdated { customer_id: id });
                }
                let stored = commit.replace(&old, customer);
                let output = Versioned::new(stored.version, seen_by(caller, &stored));
                Ok(Decision { output, commit })
            })
        })
        .await
    }
}

fn seen_by(caller: &Caller, customer: &Customer) -> Customer {
    if caller.is_back_office() { customer.clone() } else { customer.without_note() }
}
