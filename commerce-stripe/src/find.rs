//! Finding a payment at Stripe, and telling all of it.

use std::time::Duration;

use commerce_core::{
    gateway::ProviderPayment,
    payment::{Payment, PaymentFlow},
};
use stripe_checkout::checkout_session::{ListCheckoutSession, RetrieveCheckoutSession};
use stripe_core::{
    dispute::ListDispute,
    payment_intent::{ListPaymentIntent, RetrievePaymentIntent},
    refund::ListRefund,
};
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use crate::{
    failure::{Failure, Meaning},
    gateway::Inner,
    object::{Dispute, Intent, Reference, Refund, Session},
    state::{PAYMENT_ID, given_back, in_path, reference},
    transport::Call,
};

/// How long after a payment was made here it can have been made there: as long as Stripe knows its key.
const MADE_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);
/// How far Stripe's clock may differ from the shop's.
const CLOCKS_DIFFER: Duration = Duration::from_secs(10 * 60);
/// As many items as a page of Stripe's may have.
const PAGE: i64 = 100;

/// What Stripe says of something by its name, if it knows it.
fn known(said: Result<ProviderPayment, Failure>) -> Result<Option<ProviderPayment>, Failure> {
    match said {
        Err(failure) if failure.meaning() == Meaning::Missing => Ok(None),
        said => said.map(Some),
    }
}

impl Inner {
    /// A payment with all of its refunds and disputes; `None` if it was never made, or if Stripe does not
    /// know any more what it is called.
    pub(crate) async fn find(
        &self,
        call: &Call<'_>,
        payment: &Payment,
    ) -> Result<Option<ProviderPayment>, Failure> {
        if let Some(page) = reference(payment, "cs_") {
            return known(self.of_session(call, page).await);
        }
        if let Some(intent) = reference(payment, "pi_") {
            return known(self.of_intent(call, intent).await);
        }
        match &payment.flow {
            PaymentFlow::Hosted { .. } => match self.unnamed_session(call, payment).await? {
                Some(session) => self.of_session(call, &session.id).await.map(Some),
                None => Ok(None),
            },
            PaymentFlow::Direct | PaymentFlow::Saved { .. } => {
                match self.unnamed_intent(call, payment).await? {
                    Some(intent) => self.of_intent(call, &intent.id).await.map(Some),
                    None => Ok(None),
                }
            }
        }
    }

    pub(crate) async fn session(&self, call: &Call<'_>, id: &str) -> Result<Session, Failure> {
        let request = RetrieveCheckoutSession::new(in_path(id)?)
            .expand(vec!["payment_intent.latest_charge".to_owned()]);
        call.read(&request).await
    }

    async fn of_session(&self, call: &Call<'_>, id: &str) -> Result<ProviderPayment, Failure> {
        let session = self.session(call, id).await?;
        let mut state = self.reader.session(&session)?;
        if let Some(intent) = session.payment_intent.as_ref().and_then(Reference::object) {
            self.add_history(call, intent, &mut state).await?;
        }
        Ok(state)
    }

    async fn of_intent(&self, call: &Call<'_>, id: &str) -> Result<ProviderPayment, Failure> {
        let request =
            RetrievePaymentIntent::new(in_path(id)?).expand(vec!["latest_charge".to_owned()]);
        let intent: Intent = call.read(&request).await?;
        let mut state = self.reader.intent(&intent)?;
        self.add_history(call, &intent, &mut state).await?;
        Ok(state)
    }

    /// Adds the refunds and disputes of an intent.
    async fn add_history(
        &self,
        call: &Call<'_>,
        intent: &Intent,
        state: &mut ProviderPayment,
    ) -> Result<(), Failure> {
        if intent.amount_received == 0 {
            return Ok(());
        }
        let charge = intent.latest_charge.as_ref().and_then(Reference::object);
        let refunds: Vec<Refund> = call
            .list(|after| {
                let request = ListRefund::new().payment_intent(intent.id.as_str()).limit(PAGE);
                match after {
                    Some(after) => request.starting_after(after),
                    None => request,
                }
            })
            .await?;
        let refunds = given_back(refunds, charge);
        state.refunds =
            refunds.iter().map(|refund| self.reader.refund(refund)).collect::<Result<_, _>>()?;
        if charge.is_none_or(|charge| charge.disputed) {
            let disputes: Vec<Dispute> = call
                .list(|after| {
                    let request = ListDispute::new().payment_intent(intent.id.as_str()).limit(PAGE);
                    match after {
                        Some(after) => request.starting_after(after),
                        None => request,
                    }
                })
                .await?;
            for dispute in &disputes {
                state.disputes.extend(self.reader.dispute(dispute)?);
            }
        }
        Ok(())
    }

    /// The page of a payment whose answer was lost, by the payment's id. Stripe's search would lag
    /// behind; its lists do not.
    async fn unnamed_session(
        &self,
        call: &Call<'_>,
        payment: &Payment,
    ) -> Result<Option<Session>, Failure> {
        let sessions: Vec<Session> = call
            .list(|after| {
                let mut request = ListCheckoutSession::new().created(span(payment)).limit(PAGE);
                if let Some(customer) = &payment.customer_reference {
                    request = request.customer(customer.to_string());
                }
                match after {
                    Some(after) => request.starting_after(after),
                    None => request,
                }
            })
            .await?;
        let theirs = |session: &Session| session.metadata.id(PAYMENT_ID) == Some(payment.id);
        Ok(sessions.into_iter().find(theirs))
    }

    /// The intent of a payment whose answer was lost, by the payment's id.
    async fn unnamed_intent(
        &self,
        call: &Call<'_>,
        payment: &Payment,
    ) -> Result<Option<Intent>, Failure> {
        let intents: Vec<Intent> = call
            .list(|after| {
                let mut request = ListPaymentIntent::new().created(span(payment)).limit(PAGE);
                if let Some(customer) = &payment.customer_reference {
                    request = request.customer(customer.to_string());
                }
                match after {
                    Some(after) => request.starting_after(after),
                    None => request,
                }
            })
            .await?;
        let theirs = |intent: &Intent| intent.metadata.id(PAYMENT_ID) == Some(payment.id);
        Ok(intents.into_iter().find(theirs))
    }
}

/// When a payment can have been made at Stripe.
fn span(payment: &Payment) -> RangeQueryTs {
    let seconds = |time: commerce_core::time::Timestamp| time.as_millis().div_euclid(1_000);
    RangeQueryTs::Bounds(RangeBoundsTs {
        gte: Some(seconds(payment.created_at.saturating_sub(CLOCKS_DIFFER))),
        lte: Some(seconds(payment.created_at.saturating_add(MADE_WITHIN + CLOCKS_DIFFER))),
        ..RangeBoundsTs::default()
    })
}
