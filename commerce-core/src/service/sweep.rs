//! What time alone brings about: orders that lapse, carts that nobody comes back to, and records
//! that have served their purpose.

use super::{Commerce, Done};
use crate::{
    access::Caller,
    cart::{Cart, CartStatus},
    error::{Error, Rejection},
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
    /// [`Error`]. What was ended before stays ended.
    pub async fn sweep(&self, limit: usize) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        for due in self.store.due(self.clock.now(), limit).await? {
            match due {
                Due::Order(id) => swept.orders += usize::from(self.expire_order(id).await?.output),
                Due::Cart(id) => swept.carts += usize::from(self.expire_cart(id).await?.output),
            }
        }
        Ok(swept)
    }

    /// Forgets what has served its purpose; answers how many things it forgot.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn purge(&self, purge: &Purge) -> Result<u64, Error> {
        Ok(self.store.purge(purge).await?)
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
                let request = CancelOrder { reason: CancelReason::Expired, note: None };
                let Decision { commit, .. } = Order::cancel(&inputs, &request, &mut moment)?;
                Ok(Decision { output: true, commit })
            })
        })
        .await
    }

    async fn expire_cart(&self, id: CartId) -> Result<Done<bool>, Error> {
        self.run(&Caller::system(), &("expire_cart", id), |moment| {
            Box::pin(async move {
                let Some(old) = self.store.cart(id).await? else {
                    return Err(Rejection::NotFound { what: "cart" }.into());
                };
                let now = moment.now();
                let mut commit = Commit::at(now);
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
