//! Cards and accounts that customers want to pay by again. The provider keeps them; a shop never sees
//! more of them than a person would recognize.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::GatewayError;
use crate::{
    customer::Customer,
    text::{GatewayName, IdempotencyKey, Label, Url},
};

/// A card or an account that a customer can pay by again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SavedMethod {
    /// What the provider calls it: what a checkout names to pay by it.
    pub id: Label,
    /// The provider's word for what it is: `card`, `sepa_debit`, ….
    pub kind: Label,
    /// By what its owner knows it, such as `Visa`.
    pub brand: Option<Label>,
    /// The last digits of its number.
    pub last4: Option<Label>,
    /// The month in which it ends, from 1 to 12, and the year.
    pub expires: Option<(u8, u16)>,
}

/// A card or an account, and the gateway that keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeptMethod {
    /// The gateway.
    pub gateway: GatewayName,
    /// The card or account.
    #[serde(flatten)]
    pub method: SavedMethod,
}

/// Begins to keep a card or an account for a customer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SaveMethod {
    /// The gateway that is to keep it.
    pub gateway: GatewayName,
    /// Where the customer comes back to, if they have to leave the page for it.
    #[serde(default)]
    pub return_url: Option<Url>,
}

/// A method that is about to be saved: the customer enters it on the provider's fields or page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Setup {
    /// What the provider calls it.
    pub id: Label,
    /// What the customer's device needs for it.
    pub client_secret: Option<Label>,
    /// Where the customer is sent for it.
    pub redirect_url: Option<Url>,
}

/// Where a gateway keeps customers' cards and accounts.
///
/// # Contract
/// As that of a [`PaymentGateway`](super::PaymentGateway). A customer of the shop is one customer of
/// the provider, whose reference the shop keeps. Of another customer's method nothing is told and
/// nothing is done: that is as if it did not exist.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Vault: Debug + Send + Sync + 'static {
    /// Makes the provider's record of a customer; answers what the provider calls it.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn create_customer(
        &self,
        customer: &Customer,
        key: &IdempotencyKey,
    ) -> Result<Label, GatewayError>;

    /// Ends the provider's record of a customer with every method of theirs. One that is gone already
    /// is no error.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn erase_customer(&self, customer: &Label) -> Result<(), GatewayError>;

    /// Begins to save a method. Where the customer is sent back to, if they have to leave the page, is
    /// `return_url`.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn create_setup(
        &self,
        customer: &Label,
        return_url: Option<Url>,
        key: &IdempotencyKey,
    ) -> Result<Setup, GatewayError>;

    /// A customer's methods, the newest first.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn methods(&self, customer: &Label) -> Result<Vec<SavedMethod>, GatewayError>;

    /// Forgets one of a customer's methods; answers whether there was such a one.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn remove_method(&self, customer: &Label, method: &Label) -> Result<bool, GatewayError>;
}
