//! Who asks: the caller of every operation, and what that caller may touch.
//!
//! An embedding program is trusted and calls as [`Caller::system`]; a server turns the secrets of a
//! request into one of the others. The domain checks the caller against what it read, so that no
//! route can forget to.

use serde::{Deserialize, Serialize};

use crate::{
    error::Rejection,
    id::{ApiTokenId, CustomerId},
    secret::{Digest, Secret},
    text::{IdempotencyKey, Label},
    time::Timestamp,
};

/// Who asks for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Actor {
    /// The embedding program itself, which may do everything.
    System,
    /// The back office, by an API token, which may do everything that has a route.
    Staff(ApiTokenId),
    /// A signed-in customer.
    Customer(CustomerId),
    /// Somebody with the secret of a cart.
    Guest(Digest),
    /// Somebody without a secret.
    Anonymous,
}

/// Who asks, and under which key the answer is to be remembered.
///
/// ```
/// use commerce_core::{access::Caller, text::IdempotencyKey};
/// let caller = Caller::system().with_key(IdempotencyKey::new("order-4711")?);
/// assert!(caller.is_back_office());
/// # Ok::<(), commerce_core::text::TextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who asks.
    pub actor: Actor,
    /// The key that makes asking again safe: the second time gives the first answer.
    pub key: Option<IdempotencyKey>,
}

impl Caller {
    /// Somebody who asks, without a key.
    pub fn new(actor: Actor) -> Self {
        Self { actor, key: None }
    }

    /// The embedding program.
    pub fn system() -> Self {
        Self::new(Actor::System)
    }

    /// A signed-in customer.
    pub fn customer(id: CustomerId) -> Self {
        Self::new(Actor::Customer(id))
    }

    /// Somebody with the secret of a cart.
    pub fn guest(secret: &Secret) -> Self {
        Self::new(Actor::Guest(secret.digest()))
    }

    /// Somebody without a secret.
    pub fn anonymous() -> Self {
        Self::new(Actor::Anonymous)
    }

    /// The same caller with a key for the next operation.
    #[must_use]
    pub fn with_key(self, key: IdempotencyKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Whether the caller may do what only the back office may.
    pub fn is_back_office(&self) -> bool {
        matches!(self.actor, Actor::System | Actor::Staff(_))
    }

    /// Refuses everybody but the back office.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`].
    pub fn require_back_office(&self) -> Result<(), Rejection> {
        if self.is_back_office() { Ok(()) } else { Err(Rejection::Forbidden) }
    }

    /// Whether the caller may see and change what belongs to this customer, or to whoever has the
    /// secret of this digest.
    pub fn owns(&self, customer_id: Option<CustomerId>, secret: Option<Digest>) -> bool {
        match &self.actor {
            Actor::System | Actor::Staff(_) => true,
            Actor::Customer(id) => customer_id == Some(*id),
            // A signed-in customer's things no longer answer to the secret of the cart they began as.
            Actor::Guest(digest) => customer_id.is_none() && secret == Some(*digest),
            Actor::Anonymous => false,
        }
    }

    /// The name under which the caller's idempotency keys are kept: nobody finds another's.
    pub fn scope(&self) -> String {
        match &self.actor {
            Actor::System => "system".to_owned(),
            Actor::Staff(id) => id.to_string(),
            Actor::Customer(id) => id.to_string(),
            Actor::Guest(digest) => format!("{digest:?}"),
            Actor::Anonymous => "anonymous".to_owned(),
        }
    }
}

/// What an API token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scope {
    /// Everything that the back office may.
    Admin,
}

impl Scope {
    /// The scope's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }
}

/// A back-office API token as it is stored: its secret was shown once and only the digest is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// Its id.
    pub id: ApiTokenId,
    /// The digest of its secret.
    pub digest: Digest,
    /// What it is for, for people.
    pub label: Label,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was withdrawn, if it was.
    pub revoked_at: Option<Timestamp>,
}
