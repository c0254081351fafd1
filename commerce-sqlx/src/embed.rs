//! The embedder's own connection: the same code as the store's.
//!
//! Each read is one statement, and so one snapshot. Inside a transaction they see what it has written
//! so far. They have no savepoint, which would cost each of them two round trips more.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use commerce_core::{
    cart::{Cart, CheckoutInputs},
    catalog::Sellable,
    customer::Customer,
    id::{CartId, CustomerId, VariantId},
    order::OrderInputs,
    shop::Setup,
    store::{
        Commit, CommitError, CustomerRef, OrderRef, Outcome, OutcomeKey, ProductInputs, ProductRef,
        StoreResult, VariantRef,
    },
    version::Versioned,
};
use sqlx::{Connection, PgConnection};

use crate::{
    batch::{self, Verdict, Way},
    error::{Error, Meaning},
    table::{
        cart,
        checkout::{self, Wanted},
        customer, journal, order, product, shop, variant,
    },
};

/// Applies a commit on the embedder's own connection, inside a savepoint: all of it or none.
///
/// It is durable when the transaction around it is committed, and gone when that is rolled back,
/// together with the embedder's own rows. Without a transaction around it, it is one of its own.
///
/// What the commit writes, and stock levels above all, stays locked until the transaction ends. A commit that
/// has an event, as nearly all have, also keeps the end of the outbox, and with it **all servers of the shop
/// from writing anything that has one**: they wait, and after a while tell their callers that nothing was
/// written. So do all else first, call this last, and commit at once; `idle_in_transaction_session_timeout`
/// ends a transaction in which that is forgotten.
///
/// All locks of one commit are taken in the order that servers keep, so nobody waits in a circle; a second
/// commit in the same transaction begins at the front again, and may. Begin it with the isolation level
/// `READ COMMITTED`, which is PostgreSQL's default; with a stricter one, be prepared for
/// [`CommitError::Unavailable`] where others were faster, and for running the whole transaction again.
///
/// Unique keys must be checked at once, as they are unless the transaction says otherwise: after
/// `SET CONSTRAINTS ALL DEFERRED`, a key that somebody else has taken meanwhile would be found only by the
/// transaction's own `COMMIT`, which then fails whole.
///
/// The tables are found by the connection's search path.
///
/// If its future is dropped before its end, all of the commit is in the transaction or nothing of it,
/// and the transaction can go on; at the very end, where it waits for the savepoint to be released, the
/// transaction's own `COMMIT` fails instead, and nothing of either is written. Without a transaction
/// around it, close the connection then: like one whose `begin` of sqlx is dropped, it may be left in a
/// transaction that it does not know of.
///
/// # Errors
/// [`CommitError`]; nothing of the commit was written then, and the transaction around it can go on
/// unless the connection is lost. [`CommitError::OutcomeUnknown`] only without a transaction around
/// it.
pub async fn commit_in(connection: &mut PgConnection, commit: &Commit) -> Result<(), CommitError> {
    let own = !connection.is_in_transaction();
    // Nothing is written before it is there, so there is nothing to undo if that is dropped; sqlx
    // would roll back all of the transaction around it, and have its `COMMIT` say that all is well.
    let mut savepoint = Left::new(connection.begin()).await.map_err(Error::from)?;
    match batch::write(&mut savepoint, &[commit], Way::InOrder, None).await {
        Ok(verdicts) => {
            let refusal = verdicts.into_iter().find_map(Verdict::refusal);
            if let Some(refusal) = refusal {
                savepoint.rollback().await.map_err(Error::from)?;
                return Err(refusal.into());
            }
        }
        Err(error) => {
            // If it cannot be undone, the connection is lost, and the transaction with it.
            let _ = savepoint.rollback().await;
            return Err(error.into());
        }
    }
    let ended = if own {
        savepoint.commit().await
    } else {
        // sqlx would go back to a savepoint that may be released by then, which has the transaction
        // fail, and its `COMMIT` say that all is well. As it is, sqlx still believes in the savepoint,
        // and the `COMMIT` says no.
        Left::new(savepoint.commit()).await
    };
    let Err(error) = ended else { return Ok(()) };
    let error = Error::from(error);
    Err(match error.meaning() {
        Meaning::Lost | Meaning::Other if own => CommitError::OutcomeUnknown(error.into()),
        _ => error.into(),
    })
}

/// A future that nothing is done about when it is dropped before its end: what it has asked for
/// happens, and what it would undo stays. The memory that it takes is not given back then.
struct Left<F>(Option<Pin<Box<F>>>);

impl<F: Future> Left<F> {
    fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future> Future for Left<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(future) = &mut self.0 else { return Poll::Pending };
        let output = ready!(future.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<F> Drop for Left<F> {
    fn drop(&mut self) {
        mem::forget(self.0.take());
    }
}

/// The shop's configuration and locations; `None` where there is no shop yet.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors). If the database fails it, the transaction around
/// it can only be rolled back, to a savepoint or whole.
pub async fn read_setup_in(connection: &mut PgConnection) -> StoreResult<Option<Setup>> {
    Ok(shop::setup(connection).await?)
}

/// A product with its variants and their stock.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors). If the database fails it, the transaction around
/// it can only be rolled back, to a savepoint or whole.
pub async fn read_product_in(
    connection: &mut PgConnection,
    by: &ProductRef,
) -> StoreResult<Option<ProductInputs>> {
    Ok(product::product(connection, by).await?)
}

/// A variant with what selling it needs.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors). If the database fails it, the transaction around
/// it can only be rolled back, to a savepoint or whole.
pub async fn read_variant_in(
    connection: &mut PgConnection,
    by: &VariantRef,
) -> StoreResult<Option<Sellable>> {
    Ok(variant::sellable(connection, by).await?)
}

/// Those of the variants that exist, in no order, each once.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors). If the database fails it, the transaction around
/// it can only be rolled back, to a savepoint or whole.
pub async fn read_sellables_in(
    connection: &mut PgConnection,
    variants: &[VariantId],
) -> StoreResult<Vec<Sellable>> {
    Ok(variant::sellables(connection, variants).await?)
}

/// A cart.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors). If the database fails it, the transaction around
/// it can only be rolled back, to a savepoint or whole.
pub async fn read_cart_in(
    connection: &mut PgConnection,
    id: CartId,
) -> StoreResult<Option<Versioned<Cart>>> {
    Ok(cart::cart(connection, id).await?)
}

/// A customer's open cart.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors). If the database fails it, the transaction around
/// it can only be rolled back, to a savepoint or whole.
pub async fn read_open_cart_in(
    connection: &mut PgConnection,
    customer: CustomerId,
) -> StoreResult<Option<Versioned<Cart>>> {
    Ok(cart::open_cart(connection, customer).await?)
}

/// A cart with all that pricing and placing it need, and what `also` names besides.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors). If the database fails it, the transaction around
/// it can only be rolled back, to a savepoint or whole.
pub async fn read_checkout_inputs_in(
    connection: &mut PgConnection,
    cart: CartId,
    also: &[VariantId],
) -> StoreResult<Option<CheckoutInputs>> {
    let wanted = Wanted { cart, also: also.to_vec() };
    Ok(checkout::inputs(connection, &[wanted]).await?.pop().flatten())
}

/// An order with its payments.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors). If the database fails it, the transaction around
/// it can only be rolled back, to a savepoint or whole.
pub async fn read_order_in(
    connection: &mut PgConnection,
    by: &OrderRef,
) -> StoreResult<Option<OrderInputs>> {
    Ok(order::order(connection, by).await?)
}

/// A customer.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors). If the database fails it, the transaction around
/// it can only be rolled back, to a savepoint or whole.
pub async fn read_customer_in(
    connection: &mut PgConnection,
    by: &CustomerRef,
) -> StoreResult<Option<Versioned<Customer>>> {
    Ok(customer::customer(connection, by).await?)
}

/// What was answered to an operation under a key.
///
/// # Errors
/// As those of a [store](commerce_core::store::Store#errors). If the database fails it, the transaction around
/// it can only be rolled back, to a savepoint or whole.
pub async fn read_outcome_in(
    connection: &mut PgConnection,
    key: &OutcomeKey,
) -> StoreResult<Option<Outcome>> {
    Ok(journal::outcome(connection, key).await?)
}
