//! Back-office API tokens.

use serde::{Deserialize, Serialize};

use super::{Commerce, Done};
use crate::{
    access::{Actor, ApiToken, Caller, Scope},
    error::{Error, Rejection},
    id::ApiTokenId,
    secret::Secret,
    store::{Commit, Decision},
    text::Label,
};

/// A token that was made, with the secret that is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedToken {
    /// Its id.
    pub id: ApiTokenId,
    /// What a client sends after `Authorization: Bearer`.
    pub token: String,
}

impl Commerce {
    /// Makes a back-office token. Its secret is in the answer and nowhere else, so the caller's
    /// idempotency key is not heeded: asking again makes another token.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; [`Error`].
    pub async fn create_token(
        &self,
        caller: &Caller,
        label: &Label,
        scope: Scope,
    ) -> Result<Done<CreatedToken>, Error> {
        caller.require_back_office()?;
        let secret = &self.secret();
        // Remembering the answer would be keeping the secret.
        let unkeyed = Caller::new(caller.actor.clone());
        self.run(&unkeyed, &("create_token", label, scope), |mut moment| {
            Box::pin(async move {
                let token = ApiToken {
                    id: moment.id(),
                    digest: secret.digest(),
                    label: label.clone(),
                    scope,
                    created_at: moment.now(),
                    revoked_at: None,
                };
                let output = CreatedToken { id: token.id, token: secret.reveal() };
                let mut commit = Commit::at(moment.now());
                commit.insert(token);
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// The caller that a token stands for; `None` if it stands for nobody, or no longer does.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn caller_of_token(&self, secret: &Secret) -> Result<Option<Caller>, Error> {
        let found = self.store.api_token(&secret.digest()).await?;
        Ok(found
            .filter(|token| token.revoked_at.is_none())
            .map(|token| Caller::new(Actor::Staff(token.id))))
    }

    /// Withdraws a token.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; [`Rejection::NotFound`]; [`Error`].
    pub async fn revoke_token(&self, caller: &Caller, secret: &Secret) -> Result<(), Error> {
        caller.require_back_office()?;
        let digest = &secret.digest();
        let unkeyed = Caller::new(caller.actor.clone());
        self.run(&unkeyed, &"revoke_token", |moment| {
            Box::pin(async move {
                let Some(old) = self.store.api_token(digest).await? else {
                    return Err(Rejection::NotFound { what: "token" }.into());
                };
                let revoked_at = old.revoked_at.or(Some(moment.now()));
                let mut commit = Commit::at(moment.now());
                commit.replace(&old, ApiToken { revoked_at, ..old.value.as_ref().clone() });
                Ok(Decision { output: (), commit })
            })
        })
        .await?;
        Ok(())
    }
}
