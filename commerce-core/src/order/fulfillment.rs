//! Sending an order, in one part or several, and its arrival.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Changed, Hold, Order, OrderInputs, OrderLine};
use crate::{
    catalog::Sellable,
    error::Rejection,
    event::Event,
    id::{FulfillmentId, LineId, Moment},
    inventory::{Allocate, LevelKey, LowStock, Placement, Reason, StockMove, in_order, take},
    order::FulfillmentStatus,
    patch::named,
    payment::Payment,
    quantity::Quantity,
    shop::Setup,
    store::{Commit, Decision},
    text::{Label, Url},
    time::Timestamp,
};

/// How a parcel can be followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Tracking {
    /// Who carries it.
    #[serde(default)]
    pub carrier: Option<Label>,
    /// The carrier's number for it.
    pub number: Label,
    /// Where it can be followed.
    #[serde(default)]
    pub url: Option<Url>,
}

/// Some units of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FulfillLine {
    /// The line.
    pub line_id: LineId,
    /// How many of its units.
    pub quantity: Quantity,
}

/// Sends some or all of an order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct FulfillOrder {
    /// What is sent; all that is still to be sent if none are named.
    #[serde(deserialize_with = "named")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub lines: Vec<FulfillLine>,
    /// How the parcel can be followed.
    pub tracking: Option<Tracking>,
}

/// Notes that a parcel has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Deliver {
    /// The parcel; all of them if absent.
    pub fulfillment_id: Option<FulfillmentId>,
}

/// Some units of an order that were sent together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fulfillment {
    /// Its id.
    pub id: FulfillmentId,
    /// What was sent.
    pub lines: Vec<FulfillLine>,
    /// How the parcel can be followed.
    pub tracking: Option<Tracking>,
    /// When it was sent.
    pub fulfilled_at: Timestamp,
    /// When it arrived.
    pub delivered_at: Option<Timestamp>,
}

impl Order {
    /// The most parts in which one order is sent.
    pub const FULFILLMENTS_MAX: usize = 500;

    /// Decides to send some or all of an order. Held units leave the place that holds them; units
    /// that were sold without being in stock leave wherever there are some by now.
    ///
    /// `sellables` are those of the lines that have backordered units.
    ///
    /// # Errors
    /// [`Rejection::InvalidTransition`] when it is cancelled, not paid for as its terms ask, or fewer
    /// units are left to send; [`Rejection::Invalid`] for lines that it does not have or more units than
    /// they have; [`Rejection::InsufficientStock`] for backordered units that are still missing.
    pub fn fulfill(
        inputs: &OrderInputs,
        request: &FulfillOrder,
        setup: &Setup,
        sellables: &[Sellable],
        strategy: &dyn Allocate,
        moment: &mut Moment,
    ) -> Result<Decision<Changed>, Rejection> {
        let old = &inputs.order;
        old.require_open()?;
        if !old.may_ship() {
            return Err(Rejection::transition("order", "it is not paid for"));
        }
        if old.fulfillments.len() >= Self::FULFILLMENTS_MAX {
            return Err(Rejection::transition("order", "it was sent in too many parts"));
        }
        let mut order = old.value.as_ref().clone();
        let lines = order.wanted_lines(request, &inputs.payments())?;
        let mut commit = Commit::at(moment.now());
        let mut free: HashMap<_, _> = sellables
            .iter()
            .map(|sellable| (sellable.variant.id, in_order(&sellable.levels, &setup.locations)))
            .collect();
        let wanted: HashMap<_, _> =
            lines.iter().map(|wanted| (wanted.line_id, wanted.quantity.get())).collect();
        for line in &mut order.lines {
            let Some(wanted) = wanted.get(&line.id) else { continue };
            line.fulfilled += wanted;
            if !line.track_inventory {
                continue;
            }
            let mut leave = |from: Hold, held: i64| {
                commit.stock(StockMove {
                    level: LevelKey { variant_id: line.variant_id, location_id: from.location_id },
                    on_hand: -from.quantity,
                    held: -held,
                    expected_on_hand: None,
                    movement_id: moment.id(),
                    reason: Reason::Sold,
                    order_id: Some(old.id),
                    note: None,
                });
            };
            let mut missing = *wanted;
            for hold in &mut line.holds {
                let quantity = missing.min(hold.quantity);
                if quantity > 0 {
                    hold.quantity -= quantity;
                    missing -= quantity;
                    leave(Hold { location_id: hold.location_id, quantity }, quantity);
                }
            }
            line.holds.retain(|hold| hold.quantity > 0);
            if missing == 0 {
                continue;
            }
            let Some(levels) = free.get_mut(&line.variant_id) else {
                return Err(Rejection::NotFound { what: "variant" });
            };
            let mut available = 0;
            for Placement { location_id, quantity } in take(strategy, missing, levels) {
                available += quantity;
                leave(Hold { location_id, quantity }, 0);
            }
            if available < missing {
                return Err(Rejection::InsufficientStock {
                    variant_id: line.variant_id,
                    sku: line.sku.clone(),
                    wanted: missing,
                    available,
                });
            }
            line.backordered -= missing;
        }
        // What was held was not available before: only what waited makes anything lower.
        for Sellable { variant, levels, .. } in sellables {
            commit.watch(LowStock::of(variant, levels, &setup.locations));
        }
        let now = moment.now();
        let id = moment.id();
        order.fulfillments.push(Fulfillment {
            id,
            lines,
            tracking: request.tracking.clone(),
            fulfilled_at: now,
            delivered_at: None,
        });
        order.expires_at = order.deadline(&inputs.payments());
        order.note("order.fulfilled", now);
        let complete = order.fulfillment_status() == FulfillmentStatus::Fulfilled;
        commit.event(Event::OrderFulfilled {
            order_id: order.id,
            number: order.number.clone(),
            fulfillment_id: id,
            complete,
        });
        commit.replace(old, order.clone());
        Ok(Decision {
            output: Changed { order, payments: inputs.payments(), begun: Vec::new() },
            commit,
        })
    }

    /// What is sent: nothing whose money is about to be given back.
    fn wanted_lines(
        &self,
        request: &FulfillOrder,
        payments: &[Payment],
    ) -> Result<Vec<FulfillLine>, Rejection> {
        let pending = |payment: &Payment| payment.being_refunded().minor();
        let kept: i64 = payments.iter().map(|payment| payment.kept().minor()).sum();
        let back: i64 = payments.iter().map(pending).sum();
        if back > 0 && back == kept {
            return Err(Rejection::transition("order", "its money is about to be given back"));
        }
        let back = Self::being_refunded(payments);
        let left = |line: &OrderLine| {
            line.outstanding() - back.get(&line.id).copied().unwrap_or(0).min(line.outstanding())
        };
        if request.lines.is_empty() {
            let rest: Vec<_> = self
                .lines
                .iter()
                .filter_map(|line| {
                    let quantity = Quantity::new(left(line)).ok()?;
                    Some(FulfillLine { line_id: line.id, quantity })
                })
                .collect();
            if rest.is_empty() {
                return Err(Rejection::transition("order", "nothing of it is left to send"));
            }
            return Ok(rest);
        }
        let wanted = request.lines.iter().map(|part| (part.line_id, part.quantity));
        self.named(wanted, left)?;
        Ok(request.lines.clone())
    }

    /// Decides that parcels have arrived.
    ///
    /// # Errors
    /// [`Rejection::InvalidTransition`] when it is cancelled or nothing is on its way;
    /// [`Rejection::NotFound`] for a parcel that it does not have.
    pub fn deliver(
        inputs: &OrderInputs,
        request: Deliver,
        now: Timestamp,
    ) -> Result<Decision<Changed>, Rejection> {
        let old = &inputs.order;
        old.require_open()?;
        let mut order = old.value.as_ref().clone();
        let named = |sent: &Fulfillment| request.fulfillment_id.is_none_or(|id| sent.id == id);
        if request.fulfillment_id.is_some() && !order.fulfillments.iter().any(named) {
            return Err(Rejection::NotFound { what: "fulfillment" });
        }
        let mut arrived = 0;
        for sent in &mut order.fulfillments {
            if named(sent) && sent.delivered_at.is_none() {
                sent.delivered_at = Some(now);
                arrived += 1;
            }
        }
        if arrived == 0 {
            return Err(Rejection::transition("order", "nothing of it is on its way"));
        }
        order.note("order.delivered", now);
        let mut commit = Commit::at(now);
        commit.event(Event::OrderDelivered {
            order_id: order.id,
            number: order.number.clone(),
            complete: order.is_delivered(),
        });
        commit.replace(old, order.clone());
        Ok(Decision {
            output: Changed { order, payments: inputs.payments(), begun: Vec::new() },
            commit,
        })
    }
}
