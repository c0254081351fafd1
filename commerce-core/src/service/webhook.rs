//! Webhooks: recorded when they come, looked into afterwards.

use serde::{Deserialize, Serialize};

use super::{Commerce, Done, operation::Carry};
use crate::{
    access::Caller,
    error::{Error, Rejection},
    gateway::{Headers, Subject, WebhookError},
    id::{PaymentId, WebhookId},
    order::OrderInputs,
    store::{Commit, Decision, OrderRef, Page, WebhookQuery, WebhookRef},
    text::GatewayName,
    version::Versioned,
    webhook::{Handling, Webhook, WebhookFailure, WebhookView},
};

/// What became of a webhook that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookReceipt {
    /// Its id.
    pub id: WebhookId,
    /// Whether the same event was recorded before, and nothing now.
    pub repeated: bool,
}

impl Commerce {
    /// Records what a gateway's provider tells: verifies that it does, and writes the event and its body
    /// down once, durably. No payment is touched; [`handle_webhook`](Self::handle_webhook) or a
    /// [`sweep`](Self::sweep) does that. Whoever sent it can be told that it was received.
    ///
    /// # Errors
    /// [`Rejection::NotFound`] when there is no such gateway or it has no webhooks;
    /// [`Rejection::WebhookUnverified`], [`Rejection::WebhookUnreadable`];
    /// [`Error::GatewayUnavailable`] when it cannot be verified now; [`Error`]. It is to be sent again
    /// then, and nothing was written, or it is not known whether.
    pub async fn receive_webhook(
        &self,
        gateway: &GatewayName,
        headers: &Headers,
        body: &[u8],
    ) -> Result<WebhookReceipt, Error> {
        let known = self.gateways.get(gateway).ok_or(Rejection::NotFound { what: "gateway" })?;
        if body.len() > Webhook::BODY_MAX {
            return Err(Rejection::WebhookUnreadable { why: "it is too long" }.into());
        }
        let notice = known.notice(headers, body, self.clock.now()).await.map_err(not_taken_in)?;
        let event = WebhookRef::Event(gateway.clone(), notice.event_id.clone());
        let (event, notice) = (&event, &notice);
        self.run_alone(|mut moment| {
            Box::pin(async move {
                let mut commit = Commit::at(moment.now());
                let output = match self.store.webhook(event).await? {
                    Some(before) => WebhookReceipt { id: before.id, repeated: true },
                    None => {
                        let notice = notice.clone();
                        let new = Webhook::receive(gateway.clone(), notice, body, &mut moment);
                        WebhookReceipt { id: commit.insert(new).id, repeated: false }
                    }
                };
                Ok(Decision { output, commit })
            })
        })
        .await
    }

    /// Looks into a webhook that was received: asks the provider for the payment that it is about, as it
    /// is there now, and takes that over. Answers whether it was due.
    ///
    /// One about a payment that nobody knows is parked, and due again after a while, for a
    /// [month](Webhook::PARKED_FOR). One whose provider cannot be asked is due again until it can be.
    /// Several servers may look into the same one at once.
    ///
    /// # Errors
    /// [`Error`], what keeps it; it is due again after a while.
    pub async fn handle_webhook(&self, id: WebhookId) -> Result<bool, Error> {
        let Some(webhook) = self.store.webhook(&WebhookRef::Id(id)).await? else {
            return Ok(false);
        };
        if !webhook.is_due(self.clock.now()) {
            return Ok(false);
        }
        let (came, failed) = match self.look_into(&webhook).await {
            Ok(came) => (came, None),
            Err(error) => (Handling::Failed(meaning(&error)), Some(error)),
        };
        self.run_alone(|moment| {
            Box::pin(async move {
                let now = moment.now();
                let mut commit = Commit::at(now);
                if let Some(old) = self.store.webhook(&WebhookRef::Id(id)).await? {
                    commit.replace(&old, old.after(came, now));
                }
                Ok(Decision { output: (), commit })
            })
        })
        .await?;
        failed.map_or(Ok(true), Err)
    }

    /// The webhooks that were received, page by page: those that are parked first, of all the newest
    /// first.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`]; [`Rejection::Invalid`] for a limit out of its bounds;
    /// [`Error`].
    pub async fn webhooks(
        &self,
        caller: &Caller,
        query: &WebhookQuery,
    ) -> Result<Page<WebhookView>, Error> {
        caller.require_back_office()?;
        query.page.check()?;
        let Page { items, next, total } = self.queries.webhooks(query).await?;
        let items = items.iter().map(|webhook| WebhookView::from(&*webhook.value)).collect();
        Ok(Page { items, next, total })
    }

    /// A webhook that was received, with its body.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`]; [`Error`].
    pub async fn webhook(
        &self,
        caller: &Caller,
        id: WebhookId,
    ) -> Result<Versioned<Webhook>, Error> {
        caller.require_back_office()?;
        let found = self.store.webhook(&WebhookRef::Id(id)).await?;
        found.ok_or_else(|| Rejection::NotFound { what: "webhook" }.into())
    }

    /// Looks into a webhook at once that is parked, for however long, or waits for its provider or the
    /// store. Answers what it is then: that the provider cannot be asked, it says itself.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`], [`Rejection::NotFound`]; [`Rejection::InvalidTransition`] when nothing
    /// is left to do; [`Error`], what else keeps it.
    pub async fn retry_webhook(
        &self,
        caller: &Caller,
        id: WebhookId,
    ) -> Result<Done<WebhookView>, Error> {
        caller.require_back_office()?;
        let what = ("retry_webhook", id);
        if let Some(done) = self.replayed_to(caller, &what).await? {
            return Ok(done);
        }
        self.run_alone(|moment| {
            Box::pin(async move {
                let now = moment.now();
                let (old, mut commit) = (self.webhook(caller, id).await?, Commit::at(now));
                let hurried = old.hurried(now).ok_or_else(|| {
                    Rejection::transition("webhook", "nothing of it is left to do")
                })?;
                commit.replace(&old, hurried);
                Ok(Decision { output: (), commit })
            })
        })
        .await?;
        match self.handle_webhook(id).await {
            Ok(_)
            | Err(Error::GatewayUnavailable(_) | Error::OutcomeUnknown(_) | Error::Rejected(_)) => {
            }
            Err(error) => return Err(error),
        }
        self.run(caller, &what, |moment| {
            Box::pin(async move {
                let output = WebhookView::from(&*self.webhook(caller, id).await?.value);
                Ok(Decision { output, commit: Commit::at(moment.now()) })
            })
        })
        .await
    }

    async fn look_into(&self, webhook: &Webhook) -> Result<Handling, Error> {
        let Some(subject) = &webhook.subject else { return Ok(Handling::Foreign) };
        if let Some((inputs, id)) = self.payment_about(&webhook.gateway, subject).await? {
            let order = inputs.order.id;
            let follow = self.refresh(order, inputs.payment(Some(id))?).await?;
            // What follows is written down by now: if it cannot be done, the sweep does it.
            let _ = self.carry_through(order, follow, true, Carry::On).await;
            return Ok(Handling::Merged);
        }
        let ours = self.gateways.get(&webhook.gateway).map(|gateway| gateway.account());
        Ok(match ours {
            // What another account of the provider does is not the shop's.
            Some(ours) if !ours.is(&webhook.account) => Handling::Foreign,
            _ => Handling::Failed(WebhookFailure::UnknownPayment),
        })
    }

    /// The payment that something of a provider's is about, with its order. What it is called there
    /// counts first; the shop's id of it where no such name is known here yet.
    pub(super) async fn payment_about(
        &self,
        gateway: &GatewayName,
        subject: &Subject,
    ) -> Result<Option<(OrderInputs, PaymentId)>, Error> {
        let named = subject.references.iter().map(|reference| {
            let by = OrderRef::Reference(gateway.clone(), reference.clone());
            (by, Some(reference))
        });
        let given = subject.payment_id.map(|id| (OrderRef::Payment(id), None));
        for (by, reference) in named.chain(given) {
            let Some(inputs) = self.store.order(&by).await? else { continue };
            let mut its = inputs.payments.iter().filter(|it| it.gateway == *gateway);
            let found = its.find(|payment| match reference {
                Some(reference) => payment.references.contains(reference),
                None => Some(payment.id) == subject.payment_id,
            });
            if let Some(id) = found.map(|payment| payment.id) {
                return Ok(Some((inputs, id)));
            }
        }
        Ok(None)
    }
}

/// Why a webhook is not taken in.
fn not_taken_in(error: WebhookError) -> Error {
    match error {
        WebhookError::Unverified(why) => Rejection::WebhookUnverified { why }.into(),
        WebhookError::Malformed(_) => {
            let why = "it does not say which event it is";
            Rejection::WebhookUnreadable { why }.into()
        }
        WebhookError::Unavailable(source) => Error::GatewayUnavailable(source),
        WebhookError::Unsupported => Rejection::NotFound { what: "gateway with webhooks" }.into(),
    }
}

/// What an error means for the webhook that was looked into.
fn meaning(error: &Error) -> WebhookFailure {
    match error {
        Error::GatewayUnavailable(_) | Error::InFlight | Error::OutcomeUnknown(_) => {
            WebhookFailure::GatewayUnavailable
        }
        Error::Rejected(_) => WebhookFailure::GatewayGone,
        Error::Contention | Error::Unavailable(_) | Error::Internal(_) => WebhookFailure::NotBooked,
    }
}
