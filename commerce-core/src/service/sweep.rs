//! What time alone brings about: orders that lapse, carts that nobody comes back to, and records
//! that have served their purpose.

use std::time::Duration;

use super::{Commerce, Done};
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
}

impl Commerce {
    /// Ends up to `limit` orders and carts whose time is up. To be called again and again; a sweep
    /// that ended nothing says that nothing is due.
    ///
    /// # Errors
    /// [`Error`] for the first that could not be ended. The others are ended all the same.
    pub async fn sweep(&self, limit: usize) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        let mut failed = None;
        for due in self.store.due(self.clock.now(), limit).await? {
            let ended = match due {
                Due::Order(id) => self.expire_order(id).await,
                Due::Cart(id) => self.expire_cart(id).await,
            };
            // One that cannot be ended must not keep the others.
            match (ended, due) {
                (Ok(ended), Due::Order(_)) => swept.orders += usize::from(ended.output),
                (Ok(ended), Due::Cart(_)) => swept.carts += usize::from(ended.output),
                (Err(error), _) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(swept), Err)
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
    async fn expire_order(&self, id: OrderId) -> Result<Done<bool>, Error> {
        let caller = Caller::system();
        let caller = &caller;
        self.run(caller, &("expire_order", id), |mut moment| {
            Box::pin(async move {
                let inputs = self.order_inputs(caller, &OrderRef::Id(id)).await?;
                if inputs.order.expires_at.is_none_or(|at| at > moment.now()) {
                    return Ok(Decision { output: false, commit: Commit::at(moment.now()) });
                }
                let request = CancelOrder::new(CancelReason::Expired);
                let Decision { commit, .. } = Order::cancel(&inputs, &request, &mut moment)?;
                Ok(Decision { output: true, commit })
            })
        })
        .await
    }

    async fn expire_cart(&self, id: CartId) -> Result<Done<bool>, Error> {
        self.run(&Caller::system(), &("expire_cart", id), |moment| {
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
        })
        .await
    }
}
