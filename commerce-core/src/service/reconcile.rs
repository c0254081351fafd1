//! The comparison of the books with a provider's.

use std::collections::{BTreeMap, BTreeSet};

use super::{Commerce, internal, operation::gateway_failed};
use crate::{
    error::{Error, Rejection},
    gateway::{PaymentGateway, Subject, Transaction, TransactionQuery},
    id::{OrderId, PaymentId},
    reconciliation::{Comparison, Reconciliation, States},
    store::{OrderRef, PageRequest, PaymentQuery},
    text::GatewayName,
    time::Timestamp,
};

/// What moved for the payments of orders.
type Moved = BTreeMap<OrderId, Vec<(PaymentId, Transaction)>>;

impl Commerce {
    /// Compares what a gateway's provider says that moved in a period, from a time on and before
    /// another, with the books, and lists every difference. Nothing is changed.
    ///
    /// What moves meanwhile can look like a difference: compare a period that is over, and by a day or
    /// more if payments are booked late. What of the provider's books is looked at is held in memory.
    ///
    /// # Errors
    /// [`Rejection::NotFound`] when there is no such gateway; [`Rejection::Invalid`] when the period is
    /// none; [`Rejection::InvalidTransition`] when the gateway has no books but those of the shop;
    /// [`Error::GatewayUnavailable`]; [`Error`].
    pub async fn reconcile(
        &self,
        gateway: &GatewayName,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Reconciliation, Error> {
        let of = self.gateways.get(gateway).ok_or(Rejection::NotFound { what: "gateway" })?;
        if from >= until {
            return Err(Rejection::invalid("/until", "must be after the beginning").into());
        }
        let mut comparison = Comparison::new(gateway.clone(), from..until);
        let mut moved = self.moved(&**of, &mut comparison).await?;
        let mut compared = BTreeSet::new();
        // First what moved: whoever is charged while that is read is in the books by now.
        let concerned =
            moved.iter().filter(|(_, its)| its.iter().any(|(_, it)| comparison.counts(it)));
        for id in concerned.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.compare(&**of, &mut comparison, id, &mut moved).await?;
            compared.insert(id);
        }
        let mut query = PaymentQuery {
            gateway: gateway.clone(),
            updated_from: from,
            created_before: until,
            page: PageRequest::first(PageRequest::LIMIT_MAX),
        };
        loop {
            let page = self.queries.payments(&query).await?;
            for id in page.items.into_iter().map(|it| it.order_id) {
                if compared.insert(id) {
                    self.compare(&**of, &mut comparison, id, &mut moved).await?;
                }
            }
            if page.next.is_none() {
                break;
            }
            query.page.after = page.next;
        }
        comparison.finish().map_err(internal)
    }

    /// Reads what moved at the provider, and finds out whose it is.
    async fn moved(
        &self,
        gateway: &dyn PaymentGateway,
        comparison: &mut Comparison,
    ) -> Result<Moved, Error> {
        let mut moved = Moved::new();
        let window = comparison.window().clone();
        let mut query = TransactionQuery { from: window.start, until: window.end, after: None };
        loop {
            let page = gateway.transactions(&query).await.map_err(gateway_failed)?;
            for it in page.items {
                let references = it.payment_references.clone();
                let subject = Subject { references, payment_id: it.payment_id };
                match self.payment_about(&gateway.name(), &subject).await? {
                    Some((inputs, id)) => moved.entry(inputs.order.id).or_default().push((id, it)),
                    None => comparison.unknown(&it),
                }
            }
            if page.next.is_none() {
                return Ok(moved);
            }
            query.after = page.next;
        }
    }

    /// Compares one order, and asks the provider for its payments where only that tells.
    async fn compare(
        &self,
        gateway: &dyn PaymentGateway,
        comparison: &mut Comparison,
        order: OrderId,
        moved: &mut Moved,
    ) -> Result<(), Error> {
        // What a payment is of may be gone.
        let Some(inputs) = self.store.order(&OrderRef::Id(order)).await? else { return Ok(()) };
        let moved = moved.remove(&order).unwrap_or_default();
        let mut states = States::new();
        while let Err(doubts) = comparison.order(&inputs, &moved, &states) {
            for id in doubts {
                let payment = inputs.payment(Some(id))?;
                let state = gateway.fetch(payment).await.map_err(gateway_failed)?;
                states.insert(id, state);
            }
        }
        Ok(())
    }
}
