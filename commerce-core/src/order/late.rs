//! Money that comes when nobody waits for it any more: for an order that is cancelled, or one that has
//! its money already.

use std::collections::{BTreeMap, HashMap};

use super::{
    Books, CancelReason, Hold, Order, OrderLine, PaymentTerms,
    pay::{brought, set_aside},
};
use crate::{
    catalog::{Backorder, Sellable},
    error::Rejection,
    event::Event,
    id::{Moment, PaymentId, VariantId},
    inventory::{
        Allocate, LevelKey, LowStock, Placement, Reason, StockLevel, StockMove, in_order, take,
    },
    money::Money,
    payment::{Operation, OperationKind, Payment, PaymentStatus, Refund},
    shop::Setup,
    store::Commit,
    time::Timestamp,
    version::Versioned,
};

/// What a shop still has of what an order was for.
#[derive(Debug, Clone, Copy)]
pub struct Shelf<'a> {
    /// The shop's configuration and locations.
    pub setup: &'a Setup,
    /// The variants of the order's lines.
    pub sellables: &'a [Sellable],
    /// How the locations are chosen that a line is taken from.
    pub strategy: &'a dyn Allocate,
}

/// Money that a payment has brought now, or may bring although nobody might wait for it any more.
struct Late {
    payment_id: PaymentId,
    taken: i64,
    may_bring: bool,
}

/// What a payment has brought in excess of what it had.
fn taken(before: &Payment, after: &Payment) -> i64 {
    after.captured.minor() - before.captured.minor()
}

/// What was asked of a payment, if it has come to an end since.
fn ended<'a>(before: &Payment, after: &'a Payment) -> Option<&'a Operation> {
    let freed = before.require_idle().is_err() && after.require_idle().is_ok();
    after.operations.last().filter(|_| freed)
}

impl Books<'_> {
    /// Gives money back, or lets it go, that nobody waits for any more; all of it is written down in
    /// the commit that books it, so that it happens exactly once.
    pub(super) fn return_late_money(
        &mut self,
        shelf: Option<&Shelf<'_>>,
        moment: &mut Moment,
    ) -> Result<(), Rejection> {
        let mut cancelled = self.order.cancelled_at.is_some();
        let pairs = || self.inputs.payments.iter().zip(&self.payments);
        let more = pairs().any(|(before, after)| taken(before, after) > 0);
        let late = |(before, after): (&Versioned<Payment>, &Payment)| Late {
            payment_id: after.id,
            taken: taken(before, after),
            may_bring: match after.status {
                // A customer who still pays it would pay twice.
                PaymentStatus::Authorized | PaymentStatus::RequiresAction => {
                    let asks = match ended(before, after) {
                        // That it is not called off is no reason to ask for that again at once.
                        Some(operation) => operation.kind != OperationKind::Void,
                        None => cancelled,
                    };
                    asks || more || before.status != after.status
                }
                _ => false,
            },
        };
        let came: Vec<Late> = pairs().map(late).filter(|it| it.taken > 0 || it.may_bring).collect();
        if came.is_empty() {
            return Ok(());
        }
        if cancelled
            && let Some(shelf) = shelf
            && self.is_covered()
            && self.order.reopen(shelf, &mut self.commit, moment)
        {
            cancelled = false;
        }
        for Late { payment_id, taken, may_bring } in came {
            let all: i64 = self.payments.iter().map(|payment| payment.captured.minor()).sum();
            let over = (all - self.order.total.minor()).max(0);
            let back = if cancelled { taken } else { taken.min(over) };
            let payment = self.payment(payment_id)?;
            let back = back.min(payment.refundable().minor());
            if back > 0 {
                let refund = Refund::pending(Money::new(back, self.order.currency), moment);
                self.begin_refund(payment_id, refund, None, moment)?;
            } else if may_bring && (cancelled || self.is_covered_without(payment_id)) {
                let (amount, idle) = (payment.amount, payment.require_idle().is_ok());
                // While something else is asked of it, what comes of that is heard first.
                if idle {
                    self.begin(payment_id, OperationKind::Void, amount, None, moment)?;
                }
            }
        }
        Ok(())
    }

    /// Whether what was taken or is set aside comes to what is to be paid.
    fn is_covered(&self) -> bool {
        secured(self.payments.iter()) >= self.order.total.minor()
    }

    /// Whether the others have brought what is to be paid, or have set it aside. What was given back of
    /// it was brought all the same, and is not asked for once more.
    fn is_covered_without(&self, id: PaymentId) -> bool {
        let others = self.payments.iter().filter(|payment| payment.id != id);
        others.map(brought).sum::<i64>() >= self.order.total.minor()
    }
}

/// What was taken and not given back, or is set aside.
fn secured<'a>(payments: impl Iterator<Item = &'a Payment>) -> i64 {
    payments.map(|payment| payment.refundable().minor() + set_aside(payment)).sum()
}

impl Order {
    /// Takes an order up again that had lapsed, if all of it is still there; answers whether it was.
    fn reopen(&mut self, shelf: &Shelf<'_>, commit: &mut Commit, moment: &mut Moment) -> bool {
        let lapsed = self.cancel_reason == Some(CancelReason::Expired)
            && matches!(self.terms, PaymentTerms::Prepaid { .. })
            && self.lines.iter().all(|line| line.refunded == 0);
        let Some(holds) = lapsed.then(|| self.holds_from(shelf)).flatten() else { return false };
        for (line, (holds, backordered)) in self.lines.iter_mut().zip(holds) {
            line.cancelled = 0;
            line.backordered = backordered;
            line.holds = holds;
            for hold in &line.holds {
                commit.stock(StockMove {
                    level: LevelKey { variant_id: line.variant_id, location_id: hold.location_id },
                    on_hand: 0,
                    held: hold.quantity,
                    expected_on_hand: None,
                    movement_id: moment.id(),
                    reason: Reason::Sold,
                    order_id: Some(self.id),
                    note: None,
                });
            }
        }
        for Sellable { variant, levels, .. } in shelf.sellables {
            commit.watch(LowStock::of(variant, levels, &shelf.setup.locations));
        }
        self.cancelled_at = None;
        self.cancel_reason = None;
        self.reopened(commit, moment.now());
        true
    }

    fn reopened(&mut self, commit: &mut Commit, now: Timestamp) {
        self.note("order.reopened", now);
        let (order_id, number) = (self.id, self.number.clone());
        commit.event(Event::OrderReopened { order_id, number });
    }

    /// What can be held for each of the lines, and what each must wait for; `None` if some of it is
    /// neither there nor may be waited for.
    fn holds_from(&self, shelf: &Shelf<'_>) -> Option<Vec<(Vec<Hold>, i64)>> {
        let sellables: HashMap<VariantId, &Sellable> =
            shelf.sellables.iter().map(|sellable| (sellable.variant.id, sellable)).collect();
        let mut free: BTreeMap<VariantId, Vec<StockLevel>> = BTreeMap::new();
        let hold = |it: Placement| Hold { location_id: it.location_id, quantity: it.quantity };
        let mut of_line = |line: &OrderLine| {
            if !line.track_inventory {
                return Some((Vec::new(), 0));
            }
            let sellable = sellables.get(&line.variant_id)?;
            let levels = free
                .entry(line.variant_id)
                .or_insert_with(|| in_order(&sellable.levels, &shelf.setup.locations));
            let wanted = line.quantity.get();
            let holds: Vec<Hold> =
                take(shelf.strategy, wanted, levels).into_iter().map(hold).collect();
            let missing = wanted - holds.iter().map(|hold| hold.quantity).sum::<i64>();
            let may_wait = sellable.variant.backorder == Backorder::Allow;
            (missing == 0 || may_wait).then_some((holds, missing))
        };
        self.lines.iter().map(&mut of_line).collect()
    }
}
