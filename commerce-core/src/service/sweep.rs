//! What time alone brings about: orders that lapse, carts that nobody comes back to, gateways that
//! did not answer, and records that have served their purpose.

use std::time::Duration;

use super::Commerce;
use crate::{
    access::Caller,
    cart::{Cart, CartStatus},
    error::Error,
    event::Event,
    id::{CartId, OrderId},
    order::{CancelOrder, CancelReason, Order},
    store::{Commit, Decision, Due, OrderRef, Purge},
};

/// What one sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Orders that lapsed and gave their stock back.
    pub orders: usize,
    /// Carts that expired.
    pub carts: usize,
    /// Payments of which nothing had been heard, and that were looked at.
    pub payments: usize,
    /// Webhooks that were looked into.
    pub webhooks: usize,
}

impl Swept {
    /// Counts one if it was dealt with, as [`Commerce::deal_with`] answers; gives back the error of one
    /// that could not be.
    pub fn note(&mut self, due: Due, dealt: Result<bool, Error>) -> Option<Error> {
        let count = match due {
            Due::Order(_) => &mut self.orders,
            Due::Cart(_) => &mut self.carts,
            Due::Payment(_) => &mut self.payments,
            Due::Webhook(_) => &mut self.webhooks,
        };
        dealt.map(|any| *count += usize::from(any)).err()
    }
}

impl Commerce {
    /// Looks at up to `limit` orders and carts whose time is up, payments of which nothing was heard, and
    /// webhooks that nobody looked into: carts and orders end, once an order's payments are called off;
    /// what a gateway did not answer, or what a webhook is about, is looked up, and carried through. To be
    /// called again and again; a sweep that did nothing says that nothing is due.
    ///
    /// # Errors
    /// [`Error`] for the first that could not be dealt with. The others are dealt with all the same.
    pub async fn sweep(&self, limit: usize) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        let mut failed = None;
        for due in self.store.due(self.clock.now(), limit).await? {
            // One that cannot be dealt with must not keep the others.
            failed = failed.or(swept.note(due, self.deal_with(due).await));
        }
        failed.map_or(Ok(swept), Err)
    }

    /// Deals with one of the things that are [due](crate::store::Store::due), as a
    /// [sweep](Self::sweep) does with all of them; answers whether there was something to do. For
    /// programs that do several at a time, so that a gateway that does not answer keeps only what is
    /// asked of it.
    ///
    /// # Errors
    /// [`Error`]. It stays due, or becomes so again later.
    pub async fn deal_with(&self, due: Due) -> Result<bool, Error> {
        match due {
            Due::Order(id) => self.expire_order(id).await,
            Due::Cart(id) => self.expire_cart(id).await,
            Due::Payment(id) => self.check_payment(id).await,
            Due::Webhook(id) => self.handle_webhook(id).await,
        }
    }

    /// The shortest time for which outcomes are kept: a day.
    pub const OUTCOMES_KEPT_MIN: Duration = Duration::from_secs(86_400);

    /// Forgets what has served its purpose; answers how many things it forgot.
    ///
    /// This is for the program that runs the shop, not for those who ask it something: nobody's
    /// rights are looked at. Outcomes younger than [`OUTCOMES_KEPT_MIN`](Self::OUTCOMES_KEPT_MIN)
    /// stay, whatever is asked. How far the outbox has been read is not looked at, because a shop
    /// does not know who follows it: entries that are forgotten are handed to nobody any more.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn purge(&self, purge: &Purge) -> Result<u64, Error> {
        let kept = self.clock.now().saturating_sub(Self::OUTCOMES_KEPT_MIN);
        let outcomes_before = purge.outcomes_before.min(kept);
        Ok(self.store.purge(&Purge { outcomes_before, ..*purge }).await?)
    }

    // What is due was read a moment ago: each decision looks again, and answers whether it was.
    async fn expire_order(&self, id: OrderId) -> Result<bool, Error> {
        let caller = &Caller::system();
        let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
        if inputs.order.expires_at.is_none_or(|at| at > self.clock.now()) {
            return Ok(false);
        }
        let request = &CancelOrder::new(CancelReason::Expired);
        if let Err(error) = self.void_to_cancel(id, request, None).await {
            return match error {
                // It was paid at the last moment, or is about to be: it waits for what comes of that.
                Error::Rejected(_) => Ok(false),
                error => Err(error),
            };
        }
        let expired = self.run_alone(|mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                let nothing = Decision { output: false, commit: Commit::at(moment.now()) };
                if inputs.order.expires_at.is_none_or(|at| at > moment.now()) {
                    return Ok(nothing);
                }
                let Decision { output, commit } = Order::cancel(&inputs, request, &mut moment)?;
                // Another payment was begun meanwhile.
                if !output.begun.is_empty() {
                    return Ok(nothing);
                }
                Ok(Decision { output: true, commit })
            })
        });
        expired.await
    }

    async fn expire_cart(&self, id: CartId) -> Result<bool, Error> {
        let expired = self.run_alone(|moment| {
            Box::pin(async move {
                let now = moment.now();
                let mut commit = Commit::at(now);
                let Some(old) = self.store.cart(id).await? else {
                    return Ok(Decision { output: false, commit });
                };
                let due = old.status == CartStatus::Open && old.expires_at <= now;
                if due {
                    commit.event(Event::CartExpired { cart_id: id });
                    let cart = old.value.as_ref().clone();
                    commit.replace(&old, Cart { status: CartStatus::Expired, ..cart });
                }
                Ok(Decision { output: due, commit })
            })
        });
        expired.await
    }
}
