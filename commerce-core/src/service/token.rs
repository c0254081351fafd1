//! Back-office API tokens.

use serde::{Deserialize, Serialize};

use super::{Commerce, Done};
use crate::{
    access::{Actor, ApiToken, Caller, Scope},
    error::{Error, Rejection},
    id::ApiTokenId,
    secret::Secret,
    store::{ApiTokenRef, Commit, Decision, Page, PageRequest},
    text::Label,
    time::Timestamp,
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

/// A token as the back office sees it: all but its secret, which nobody has but its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenView {
    /// Its id.
    pub id: ApiTokenId,
    /// What it is for, for people.
    pub label: Label,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was withdrawn, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl From<&ApiToken> for TokenView {
    fn from(token: &ApiToken) -> Self {
        Self {
            id: token.id,
            label: token.label.clone(),
            scope: token.scope,
            created_at: token.created_at,
            revoked_at: token.revoked_at,
        }
    }
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
        let found = self.store.api_token(&ApiTokenRef::Digest(secret.digest())).await?;
        Ok(found
            .filter(|token| token.revoked_at.is_none())
            .map(|token| Caller::new(Actor::Staff(token.id))))
    }

    /// The back-office tokens, withdrawn ones too, page by page, the newest first.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; [`Rejection::Invalid`] for a limit out of its bounds;
    /// [`Error`].
    pub async fn tokens(
        &self,
        caller: &Caller,
        page: &PageRequest,
    ) -> Result<Page<TokenView>, Error> {
        caller.require_back_office()?;
        page.check()?;
        let page = self.queries.api_tokens(page).await?;
        let items = page.items.iter().map(|token| TokenView::from(&*token.value)).collect();
        Ok(Page { items, next: page.next, total: page.total })
    }

    /// Withdraws a token, which stands for nobody from then on. One that was withdrawn stays so.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; [`Rejection::NotFound`]; [`Error`].
    pub async fn revoke_token(
        &self,
        caller: &Caller,
        by: &ApiTokenRef,
    ) -> Result<Done<TokenView>, Error> {
        caller.require_back_office()?;
        self.run(caller, &("revoke_token", by), |moment| {
            Box::pin(async move {
                let Some(old) = self.store.api_token(by).await? else {
                    return Err(Rejection::NotFound { what: "token" }.into());
                };
                let revoked_at = old.revoked_at.or(Some(moment.now()));
                let mut commit = Commit::at(moment.now());
                let new = ApiToken { revoked_at, ..old.value.as_ref().clone() };
                let output = TokenView::from(&*commit.replace(&old, new).value);
                Ok(Decision { output, commit })
            })
        })
        .await
    }
}
