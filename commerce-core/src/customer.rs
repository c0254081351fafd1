//! Customers and where they live.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    error::Rejection,
    id::{AddressId, CustomerId, Moment},
    patch::{patch, set},
    pricing::Destination,
    search,
    text::{Country, Email, GatewayName, Label, Note, Region, TextError},
    time::Timestamp,
};

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Who receives it.
    pub name: Label,
    /// Their company.
    #[serde(default)]
    pub company: Option<Label>,
    /// Street and number.
    pub line1: Label,
    /// Flat, floor, building.
    #[serde(default)]
    pub line2: Option<Label>,
    /// Town.
    pub city: Label,
    /// State, province or region.
    #[serde(default)]
    pub region: Option<Region>,
    /// Postal code, where the country has them.
    #[serde(default)]
    pub postal_code: Option<Label>,
    /// Country.
    pub country: Country,
    /// Telephone number.
    #[serde(default)]
    pub phone: Option<Label>,
}

impl Address {
    /// An address without what not every address has.
    ///
    /// ```
    /// use commerce_core::customer::Address;
    /// let home = Address::new("A. Customer", "Street 1", "Berlin", "DE")?;
    /// assert_eq!(home.destination().country.as_str(), "DE");
    /// # Ok::<(), commerce_core::text::TextError>(())
    /// ```
    ///
    /// # Errors
    /// When a part breaks the rules of its type.
    pub fn new(name: &str, line1: &str, city: &str, country: &str) -> Result<Self, TextError> {
        Ok(Self {
            name: Label::new(name)?,
            company: None,
            line1: Label::new(line1)?,
            line2: None,
            city: Label::new(city)?,
            region: None,
            postal_code: None,
            country: Country::new(country)?,
            phone: None,
        })
    }

    /// What shipping and tax need to know of it.
    pub fn destination(&self) -> Destination {
        Destination { country: self.country.clone(), region: self.region.clone() }
    }
}

/// An address in a customer's book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BookedAddress {
    /// Its id.
    pub id: AddressId,
    /// The address.
    pub address: Address,
    /// Whether orders are sent there unless the customer says otherwise.
    pub default_shipping: bool,
    /// Whether bills are sent there unless the customer says otherwise.
    pub default_billing: bool,
}

/// Somebody who buys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Customer {
    /// Their id.
    pub id: CustomerId,
    /// Their e-mail address; unique without regard to case.
    pub email: Option<Email>,
    /// Whether they have shown that the address is theirs.
    pub email_verified: bool,
    /// Their name.
    pub name: Option<Label>,
    /// Their telephone number.
    pub phone: Option<Label>,
    /// The number under which another system knows them.
    pub external_id: Option<Label>,
    /// What the providers of gateways call them, where they keep cards and accounts of theirs.
    #[serde(default)]
    pub provider_references: BTreeMap<GatewayName, Label>,
    /// Their addresses.
    pub addresses: Vec<BookedAddress>,
    /// What the back office noted about them.
    pub note: Option<Note>,
    /// When they were entered.
    pub created_at: Timestamp,
    /// When they were last changed.
    pub updated_at: Timestamp,
}

/// Enters a customer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CreateCustomer {
    /// Their e-mail address.
    pub email: Option<Email>,
    /// Their name.
    pub name: Option<Label>,
    /// Their telephone number.
    pub phone: Option<Label>,
    /// The number under which another system knows them.
    pub external_id: Option<Label>,
    /// What the back office noted about them.
    pub note: Option<Note>,
}

patch! {
    /// Changes a customer: what is absent stays, what is null is cleared.
    pub struct PatchCustomer {
        /// Their e-mail address. A new one has yet to be verified.
        pub email: Option<Option<Email>>,
        /// Their name.
        pub name: Option<Option<Label>>,
        /// Their telephone number.
        pub phone: Option<Option<Label>>,
        /// The number under which another system knows them. Only the back office changes it.
        pub external_id: Option<Option<Label>>,
        /// What the back office noted about them.
        pub note: Option<Option<Note>>,
    }
}

/// Adds an address to a customer's book, or replaces one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutAddress {
    /// The address that is replaced; a new one if absent.
    pub id: Option<AddressId>,
    /// The address.
    pub address: Address,
    /// Whether orders are sent there from now on.
    pub default_shipping: bool,
    /// Whether bills are sent there from now on.
    pub default_billing: bool,
}

impl Customer {
    /// The most addresses in one book.
    pub const ADDRESSES_MAX: usize = 100;

    /// The customer that a request describes.
    pub fn create(request: CreateCustomer, moment: &mut Moment) -> Self {
        Self {
            id: moment.id(),
            email: request.email,
            email_verified: false,
            name: request.name,
            phone: request.phone,
            external_id: request.external_id,
            provider_references: BTreeMap::new(),
            addresses: Vec::new(),
            note: request.note,
            created_at: moment.now(),
            updated_at: moment.now(),
        }
    }

    /// The customer after a change.
    #[must_use]
    pub fn patch(&self, patch: PatchCustomer, now: Timestamp) -> Self {
        let mut customer = self.clone();
        set(&mut customer.email, patch.email);
        set(&mut customer.name, patch.name);
        set(&mut customer.phone, patch.phone);
        set(&mut customer.external_id, patch.external_id);
        set(&mut customer.note, patch.note);
        if customer.email != self.email {
            customer.email_verified = false;
        }
        customer.touched(self, now)
    }

    /// The customer once they have shown that an e-mail address is theirs.
    ///
    /// # Errors
    /// [`Rejection::InvalidTransition`] when it is not, or no longer, their address.
    pub fn verify_email(&self, email: &Email, now: Timestamp) -> Result<Self, Rejection> {
        if self.email.as_ref().map(Email::normalized) != Some(email.normalized()) {
            return Err(Rejection::transition("customer", "they have another e-mail address"));
        }
        Ok(Self { email_verified: true, ..self.clone() }.touched(self, now))
    }

    /// The e-mail address that they have shown to be theirs.
    ///
    /// # Errors
    /// [`Rejection::InvalidTransition`] when there is none.
    pub fn verified_email(&self) -> Result<&Email, Rejection> {
        let unverified = || Rejection::transition("customer", "the e-mail address is not verified");
        self.email.as_ref().filter(|_| self.email_verified).ok_or_else(unverified)
    }

    /// The words by which the back office finds them, each once: those of their name, e-mail address,
    /// telephone number and external number.
    pub fn words(&self) -> BTreeSet<String> {
        let texts = [
            self.name.as_deref(),
            self.email.as_deref(),
            self.phone.as_deref(),
            self.external_id.as_deref(),
        ];
        texts.into_iter().flatten().flat_map(search::words).collect()
    }

    /// The customer once a gateway's provider has a record of them.
    #[must_use]
    pub fn known_to(&self, gateway: &GatewayName, reference: Label, now: Timestamp) -> Self {
        let mut customer = self.clone();
        customer.provider_references.insert(gateway.clone(), reference);
        customer.touched(self, now)
    }

    /// The customer as they may see themselves: without what the back office noted about them.
    #[must_use]
    pub fn without_note(&self) -> Self {
        Self { note: None, ..self.clone() }
    }

    /// The customer with an address added or replaced. As long as there is an address, one of them
    /// is the default of each kind: the first, if none is named.
    ///
    /// # Errors
    /// [`Rejection::NotFound`] when the replaced address is not in the book, [`Rejection::Invalid`]
    /// when the book is full.
    pub fn put_address(&self, request: PutAddress, moment: &mut Moment) -> Result<Self, Rejection> {
        let mut customer = self.clone();
        let entry = BookedAddress {
            id: request.id.unwrap_or_else(|| moment.id()),
            address: request.address,
            default_shipping: request.default_shipping,
            default_billing: request.default_billing,
        };
        for other in &mut customer.addresses {
            other.default_shipping &= !entry.default_shipping;
            other.default_billing &= !entry.default_billing;
        }
        match request.id {
            Some(id) => match customer.addresses.iter_mut().find(|other| other.id == id) {
                Some(old) => *old = entry,
                None => return Err(Rejection::NotFound { what: "address" }),
            },
            None if customer.addresses.len() >= Self::ADDRESSES_MAX => {
                let detail = format!("a book has at most {} addresses", Self::ADDRESSES_MAX);
                return Err(Rejection::invalid("", detail));
            }
            None => customer.addresses.push(entry),
        }
        customer.settle_defaults();
        Ok(customer.touched(self, moment.now()))
    }

    /// The customer without an address. If it was a default, the first of the others is from now on.
    ///
    /// # Errors
    /// [`Rejection::NotFound`] when it is not in the book.
    pub fn remove_address(&self, id: AddressId, now: Timestamp) -> Result<Self, Rejection> {
        let mut customer = self.clone();
        customer.addresses.retain(|entry| entry.id != id);
        if customer.addresses.len() == self.addresses.len() {
            return Err(Rejection::NotFound { what: "address" });
        }
        customer.settle_defaults();
        Ok(customer.touched(self, now))
    }

    fn settle_defaults(&mut self) {
        let shipping = self.addresses.iter().any(|entry| entry.default_shipping);
        let billing = self.addresses.iter().any(|entry| entry.default_billing);
        if let Some(first) = self.addresses.first_mut() {
            first.default_shipping |= !shipping;
            first.default_billing |= !billing;
        }
    }

    fn touched(mut self, old: &Self, now: Timestamp) -> Self {
        if self != *old {
            self.updated_at = now.max(old.updated_at);
        }
        self
    }
}
