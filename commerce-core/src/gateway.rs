//! The payment port: what takes money and gives it back.
//!
//! A gateway is thin. It translates what a shop asks into a provider's requests, and what the provider
//! says into a [`ProviderPayment`]: the state of one payment as it is there. It decides nothing, keeps
//! nothing and repeats nothing by itself. What an answer means for the books, when something is asked
//! again and what is owed is the domain's.

mod amounts;
mod answer;
mod error;
mod manual;
mod scripted;
mod transaction;
mod vault;
mod webhook;

pub use amounts::Amounts;
pub use answer::{
    ProviderAccount, ProviderDispute, ProviderPayment, ProviderRefund, ProviderStatus,
};
pub use error::GatewayError;
pub use manual::ManualGateway;
pub use scripted::{Call, Fault, Reply, ScriptedGateway};
pub use transaction::{Transaction, TransactionKind, TransactionPage, TransactionQuery};
#[cfg(feature = "mocks")]
pub use vault::MockVault;
pub use vault::{KeptMethod, SaveMethod, SavedMethod, Setup, Vault};
pub use webhook::{Headers, Notice, Subject, WebhookError};

use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    currency::Currency,
    order::Order,
    payment::{Operation, Payment, Refund},
    text::GatewayName,
    time::Timestamp,
};

/// What a gateway can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abilities {
    /// Whether it takes money from afar and must be told of a new payment. One that people operate by
    /// hand need not be: its checkouts are one commit and nothing more, and it does all it is asked
    /// without leaving the program.
    pub online: bool,
    /// Whether money can be set aside first and taken later. Without it, a payment takes its money
    /// at once, whatever the shop would like.
    pub later_capture: bool,
    /// Whether less than was set aside can be taken.
    pub partial_capture: bool,
    /// Whether customers can pay on the shop's own page, by a client secret.
    pub direct: bool,
    /// Whether customers can be sent to a page of the gateway to pay.
    pub hosted: bool,
    /// How long it recognizes a key and gives its first answer again. After that a key protects
    /// nothing, and is not used again.
    pub keys_kept: Duration,
}

impl Abilities {
    /// Those of a gateway that people operate by hand.
    pub fn by_hand() -> Self {
        Self {
            online: false,
            later_capture: true,
            partial_capture: true,
            direct: true,
            hosted: false,
            keys_kept: Duration::MAX,
        }
    }
}

/// Takes money and gives it back.
///
/// # Contract
/// - A call that moves money, or makes something that could, carries an [`Operation`], which was
///   committed before the call. Its [`key`](Operation::key) goes to the provider as the idempotency
///   key, unchanged: the same key is the same request, however often it is sent, by whatever server.
/// - A request is made of nothing but its arguments, and of an order of nothing but what never changes
///   of it (its id, number, e-mail address, lines, amounts and addresses): the same operation is the
///   same request to the byte, as providers refuse a key with another request.
/// - The id of the payment goes to the provider with everything that is made there, and that of the
///   refund with a refund, as metadata or the merchant's reference, so that what is made there can be
///   found by it although its answer was lost.
/// - A call answers within a bounded time, half a minute at most, and tells by its [`GatewayError`]
///   what is known of the outcome. It does not repeat by itself what may have had an effect, except
///   under the same key and within that time.
/// - Dropping a call's future may leave its outcome unknown, and nothing else.
/// - What a provider says that the gateway does not know is no error where it can be left out: an
///   event of an unknown kind, a new status that means one of the known ones.
/// - No secret and no card data is in any value here, or in the text of an error.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait PaymentGateway: Debug + Send + Sync + 'static {
    /// The name by which checkouts choose it, and by which its webhooks are addressed.
    fn name(&self) -> GatewayName;

    /// What it can do. Always the same.
    fn abilities(&self) -> Abilities;

    /// Which amounts of a currency it takes; `None` if it takes none. Always the same: an order that it
    /// could never be paid for by it is not placed, and nobody is asked for that.
    fn takes(&self, currency: Currency) -> Option<Amounts>;

    /// The provider's account that it takes money for. What comes from another one is not the shop's.
    fn account(&self) -> ProviderAccount;

    /// Begins to take the money of a payment, in the way that its
    /// [`flow`](Payment::flow) and [`capture`](Payment::capture) say.
    ///
    /// # Errors
    /// [`GatewayError`]. [`Declined`](GatewayError::Declined) with the state of what was made, if
    /// something was: it may still be paid by another card.
    async fn create(
        &self,
        order: &Order,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError>;

    /// The state of a payment as it is at the provider now, with all of its refunds and disputes;
    /// `None` if there is no such payment.
    ///
    /// It is looked up by the [references](Payment::references), or by the payment's id where there
    /// are none, because the answer that had them was lost. `None` must be certain: a provider whose
    /// search lags behind is asked in another way, by a list or by its answer to the key.
    ///
    /// # Errors
    /// [`GatewayError::Unavailable`] whenever it could not be found out, whatever the cause on the
    /// way; [`GatewayError::Refused`]. Nothing else: it changes nothing.
    async fn fetch(&self, payment: &Payment) -> Result<Option<ProviderPayment>, GatewayError>;

    /// Takes money that was set aside: as much as the operation says. The rest may be let go by that.
    ///
    /// # Errors
    /// [`GatewayError`]; [`Stale`](GatewayError::Stale) if there is nothing set aside any more.
    async fn capture(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError>;

    /// Calls a payment off before any of its money was taken: nothing can come of it once that is
    /// answered, on no page that was opened before and by no card that was entered.
    ///
    /// # Errors
    /// [`GatewayError`]; [`Stale`](GatewayError::Stale) if money was taken, or may be at this moment.
    async fn void(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError>;

    /// Gives money back: as much as the refund says.
    ///
    /// # Errors
    /// [`GatewayError`]; [`Stale`](GatewayError::Stale) if the provider has less left than that.
    async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
        operation: &Operation,
    ) -> Result<ProviderRefund, GatewayError>;

    /// Verifies that a webhook comes from the provider, by its headers and its body to the byte, and
    /// reads which object it is about. What it says of that object is a hint and is not read: the
    /// object is [fetched](Self::fetch).
    ///
    /// # Errors
    /// [`WebhookError`].
    async fn notice(
        &self,
        headers: &Headers,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notice, WebhookError>;

    /// One page of what moved money in the provider's books in a period, to compare with the shop's.
    /// Every charge, refund and dispute of the account is on one of the pages, also one that the shop
    /// knows nothing of.
    ///
    /// # Errors
    /// [`GatewayError::Unavailable`], [`GatewayError::Refused`]; [`GatewayError::Unsupported`] if there
    /// are no books but those of the shop.
    async fn transactions(&self, query: &TransactionQuery)
    -> Result<TransactionPage, GatewayError>;

    /// Where it keeps the cards and accounts that customers want to pay by again; `None` if it keeps
    /// none.
    fn vault(&self) -> Option<Arc<dyn Vault>>;
}
