//! Calling a payment off, so that nothing can come of it any more.

use commerce_core::{
    gateway::{GatewayError, ProviderPayment, ProviderStatus},
    payment::{Operation, Payment},
    text::IdempotencyKey,
};
use stripe_checkout::checkout_session::ExpireCheckoutSession;
use stripe_core::payment_intent::CancelPaymentIntent;

use crate::{
    failure::{Failure, Meaning},
    gateway::{Inner, nothing},
    object::{Intent, Session},
    state::{in_path, reference},
    transport::Call,
};

impl Inner {
    pub(crate) async fn void(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let call = self.transport.call();
        let found = self.find(&call, payment).await.map_err(Failure::of_question)?;
        let state = found.ok_or_else(nothing)?;
        // Of a payment whose answer was lost, the references are those that were found.
        let payment = &Payment { references: state.references.clone(), ..payment.clone() };
        match (state.status, reference(payment, "cs_")) {
            (ProviderStatus::Voided | ProviderStatus::Expired | ProviderStatus::Failed, _) => {
                Ok(state)
            }
            (ProviderStatus::Captured | ProviderStatus::Processing, _) => Err(too_late()),
            (ProviderStatus::RequiresAction, Some(page)) => {
                self.close(&call, payment, page, operation).await
            }
            (ProviderStatus::RequiresAction | ProviderStatus::Authorized, _) => {
                self.cancel(&call, payment, operation).await
            }
        }
    }

    /// Closes a page on which the customer can still pay; then its intent cannot be paid either.
    async fn close(
        &self,
        call: &Call<'_>,
        payment: &Payment,
        page: &str,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let path = in_path(page).map_err(|failure| failure.of_change(None))?;
        let request = ExpireCheckoutSession::new(path)
            .expand(vec!["payment_intent.latest_charge".to_owned()]);
        let closed = call.change::<Session>(&request, &operation.key).await;
        let failure = match closed.and_then(|session| self.reader.session(&session)) {
            Ok(state) => return Ok(state),
            Err(failure) => failure,
        };
        // The customer was faster, or somebody closed it before: Stripe has no code for either.
        if !matches!(failure.meaning(), Meaning::Invalid | Meaning::Refused) {
            return Err(failure.of_change(None));
        }
        let session = self.session(call, page).await.map_err(Failure::of_question)?;
        let state = self.reader.session(&session).map_err(Failure::of_question)?;
        match state.status {
            ProviderStatus::Voided | ProviderStatus::Expired | ProviderStatus::Failed => Ok(state),
            ProviderStatus::Authorized => {
                let payment = &Payment { references: state.references.clone(), ..payment.clone() };
                self.cancel(call, payment, operation).await
            }
            ProviderStatus::Captured | ProviderStatus::Processing => Err(too_late()),
            ProviderStatus::RequiresAction => Err(failure.of_change(None)),
        }
    }

    /// Cancels an intent, and lets go of what is set aside for it.
    async fn cancel(
        &self,
        call: &Call<'_>,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let intent = reference(payment, "pi_").ok_or_else(nothing)?;
        let path = in_path(intent).map_err(|failure| failure.of_change(None))?;
        let request = CancelPaymentIntent::new(path).expand(vec!["latest_charge".to_owned()]);
        // To close a page and to cancel its intent are two requests, and a key is one.
        let key = match reference(payment, "cs_") {
            Some(_) => key_of_intent(&operation.key).map_err(|failure| failure.of_change(None))?,
            None => operation.key.clone(),
        };
        // If somebody was faster, Stripe says so, and the payment's state tells who.
        let cancelled = call.change::<Intent>(&request, &key).await;
        let seen = cancelled.and_then(|intent| self.seen(payment, &intent));
        seen.map_err(|failure| failure.of_change(None))
    }
}

fn key_of_intent(key: &IdempotencyKey) -> Result<IdempotencyKey, Failure> {
    IdempotencyKey::new(format!("{key}-intent")).map_err(Failure::unreadable)
}

fn too_late() -> GatewayError {
    GatewayError::Stale("money was taken, or may be at this moment".into())
}
