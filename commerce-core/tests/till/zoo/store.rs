//! Stores that apply a commit otherwise than they should.

use std::{collections::BTreeMap, sync::Arc};

use commerce_core::{
    conformance::Subject,
    event::Event,
    gateway::PaymentGateway,
    id::{Id, Moment, RefundId},
    inventory::{LowStock, StockMove},
    payment::{Operation, OperationKind, Payment, RefundStatus},
    store::{Commit, CommitError, OrderRef, Outcome, Record, RecordKey, Stored, Write},
    time::Timestamp,
    version::{Version, Versioned},
};

use super::{super::wires::Bank, Bug};

/// Commits as a store that has the mistake, if any.
pub(crate) async fn commit(
    bug: Option<Bug>,
    store: &dyn Subject,
    commit: &Commit,
) -> Result<(), CommitError> {
    let Some(bug) = bug else { return store.commit(commit).await };
    let answer = match mistaken(bug, commit) {
        Some(parts) => store.commit(&parts.commit()).await,
        None => store.commit(commit).await,
    };
    let again = match (&answer, bug) {
        (Err(CommitError::Conflict(_)), Bug::CaptureOverwrites) if begins_capture(commit) => {
            overwriting(store, commit).await
        }
        (Err(CommitError::Conflict(_)), Bug::RefundOverwrites) if begins_refund(commit) => {
            overwriting(store, commit).await
        }
        (Err(CommitError::Conflict(RecordKey::Cart(_))), Bug::TwoOrders) if orders(commit) => {
            Some(of_another_cart(commit))
        }
        _ => None,
    };
    match again {
        Some(parts) => store.commit(&parts.commit()).await,
        None => answer,
    }
}

/// Asks the provider for a payment before anything of it is written.
pub(crate) async fn charge_first(bank: &Bank, commit: &Commit) {
    let (mut order, mut payment) = (None, None);
    for write in commit.writes() {
        match write {
            Write::Insert(Record::Order(of)) => order = Some(of),
            Write::Insert(Record::Payment(of)) => payment = Some(of),
            _ => {}
        }
    }
    if let (Some(order), Some(payment)) = (order, payment)
        && let Some(create) = payment.operations.first()
    {
        let _ = bank.books.create(order, payment, create).await;
    }
}

/// What is written in the place of a commit, if it is something else.
fn mistaken(bug: Bug, commit: &Commit) -> Option<Parts> {
    let mut parts = Parts::of(commit);
    match bug {
        Bug::OneHoldPerItem if orders(commit) => {
            let last: BTreeMap<_, _> = commit.moves().iter().map(|it| (it.level, it)).collect();
            parts.moves = last.into_values().cloned().collect();
        }
        Bug::NegativeQuantity if orders(commit) => {
            let second = parts.moves.get_mut(1)?;
            second.held = -second.held;
        }
        Bug::ForgetsAnswers => parts.outcome = None,
        Bug::KeepsLateMoney => parts.payments(|old, new| {
            if new.captured.minor() > old.captured.minor() {
                let known = |id: Option<RefundId>| id.is_none_or(|id| old.refund(id).is_some());
                new.refunds.retain(|it| known(Some(it.id)));
                new.operations.retain(|it| known(it.refund_id));
            }
        })?,
        Bug::FailedRefundBlocks => parts.payments(|old, new| {
            for refund in &mut new.refunds {
                let before = old.refund(refund.id).map(|it| it.status);
                if refund.status == RefundStatus::Failed && before == Some(RefundStatus::Pending) {
                    refund.status = RefundStatus::Pending;
                }
            }
        })?,
        _ => return None,
    }
    Some(parts)
}

/// Whether it makes an order.
fn orders(commit: &Commit) -> bool {
    commit.writes().iter().any(|write| matches!(write, Write::Insert(Record::Order(_))))
}

fn changes(commit: &Commit, what: impl Fn(&Payment) -> usize) -> bool {
    commit.writes().iter().any(|write| match write {
        Write::Replace { old: Record::Payment(old), new: Record::Payment(new), .. } => {
            what(new) > what(old)
        }
        _ => false,
    })
}

fn begins_capture(commit: &Commit) -> bool {
    let captures = |it: &&Operation| it.kind == OperationKind::Capture;
    changes(commit, |of| of.operations.iter().filter(captures).count())
}

fn begins_refund(commit: &Commit) -> bool {
    changes(commit, |of| of.refunds.len())
}

/// The same, whatever was written since it was read.
async fn overwriting(store: &dyn Subject, commit: &Commit) -> Option<Parts> {
    let mut parts = Parts::of(commit);
    for write in &mut parts.writes {
        let Write::Replace { expected, old, new } = write else { continue };
        let (by, payment) = match new {
            Record::Order(order) => (OrderRef::Id(order.id), None),
            Record::Payment(payment) => (OrderRef::Payment(payment.id), Some(payment.id)),
            _ => continue,
        };
        let now = store.order(&by).await.ok()??;
        match payment {
            None => (*expected, *old) = (now.order.version, Record::Order(now.order.value)),
            Some(id) => {
                let now = now.payments.into_iter().find(|it| it.id == id)?;
                (*expected, *old) = (now.version, Record::Payment(now.value));
            }
        }
    }
    Some(parts)
}

/// The same order, of a cart that nobody else makes one of.
fn of_another_cart(commit: &Commit) -> Parts {
    let mut parts = Parts::of(commit);
    parts.writes.retain(|write| !matches!(write, Write::Replace { new: Record::Cart(_), .. }));
    for write in &mut parts.writes {
        if let Write::Insert(Record::Order(order)) = write {
            let order = Arc::make_mut(order);
            order.cart_id = Moment::new(order.placed_at, order.id.uuid().into_bytes()).id();
        }
    }
    parts
}

/// A commit taken apart. What it requires of records that it does not write is left out.
struct Parts {
    at: Timestamp,
    writes: Vec<Write>,
    moves: Vec<StockMove>,
    low_stock: Vec<LowStock>,
    events: Vec<Event>,
    outcome: Option<Outcome>,
}

impl Parts {
    fn of(commit: &Commit) -> Self {
        Self {
            at: commit.time(),
            writes: commit.writes().to_vec(),
            moves: commit.moves().to_vec(),
            low_stock: commit.low_stock().cloned().collect(),
            events: commit.events().to_vec(),
            outcome: commit.outcome().cloned(),
        }
    }

    /// Changes each payment that is written; `None` if that makes no difference.
    fn payments(&mut self, change: impl Fn(&Payment, &mut Payment)) -> Option<()> {
        let mut any = false;
        for write in &mut self.writes {
            if let Write::Replace { old: Record::Payment(old), new: Record::Payment(new), .. } =
                write
            {
                let mut changed = (**new).clone();
                change(old, &mut changed);
                any |= changed != **new;
                *new = Arc::new(changed);
            }
        }
        any.then_some(())
    }

    fn commit(self) -> Commit {
        fn replace<T: Stored + PartialEq + Clone>(
            to: &mut Commit,
            expected: Version,
            old: &Arc<T>,
            new: &Arc<T>,
        ) {
            to.replace(&Versioned::new(expected, old.clone()), (**new).clone());
        }
        let mut to = Commit::at(self.at);
        for write in &self.writes {
            match write {
                Write::Insert(Record::Order(order)) => drop(to.insert((**order).clone())),
                Write::Insert(Record::Payment(payment)) => drop(to.insert((**payment).clone())),
                Write::Insert(Record::Cart(cart)) => drop(to.insert((**cart).clone())),
                Write::Replace { expected, old: Record::Order(old), new: Record::Order(new) } => {
                    replace(&mut to, *expected, old, new);
                }
                Write::Replace {
                    expected,
                    old: Record::Payment(old),
                    new: Record::Payment(new),
                } => replace(&mut to, *expected, old, new),
                Write::Replace { expected, old: Record::Cart(old), new: Record::Cart(new) } => {
                    replace(&mut to, *expected, old, new);
                }
                _ => {}
            }
        }
        self.moves.into_iter().for_each(|it| to.stock(it));
        self.low_stock.into_iter().for_each(|it| to.watch(Some(it)));
        self.events.into_iter().for_each(|it| to.event(it));
        self.outcome.into_iter().for_each(|it| to.remember(it));
        to
    }
}
