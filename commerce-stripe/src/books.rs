//! What moved money in Stripe's books, to compare with the shop's.

use commerce_core::{
    gateway::{GatewayError, Transaction, TransactionKind, TransactionPage, TransactionQuery},
    text::Label,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use stripe_core::balance_transaction::ListBalanceTransaction;
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use crate::{
    failure::Failure,
    gateway::Inner,
    object::{Any, Charge, Dispute, List, Reference, Refund},
    state::{PAYMENT_ID, REFUND_ID, label, money, time},
};

/// As many rows as a page of Stripe's may have.
const PAGE: i64 = 100;

/// A row of the account's balance, with the object that made it. The balance may be in another currency
/// than the payment: the object's amount counts.
#[derive(Deserialize)]
struct Row {
    id: String,
    amount: i64,
    created: i64,
    #[serde(rename = "type")]
    kind: String,
    source: Option<Value>,
}

impl Inner {
    pub(crate) async fn transactions(
        &self,
        query: &TransactionQuery,
    ) -> Result<TransactionPage, GatewayError> {
        // Stripe counts seconds: a row belongs to the one that it was made in.
        let seconds = |millis: i64| millis.div_euclid(1_000) + i64::from(millis % 1_000 != 0);
        let bounds = RangeBoundsTs {
            gte: Some(seconds(query.from.as_millis())),
            lt: Some(seconds(query.until.as_millis())),
            ..RangeBoundsTs::default()
        };
        let mut request = ListBalanceTransaction::new()
            .created(RangeQueryTs::Bounds(bounds))
            .limit(PAGE)
            .expand(vec!["data.source".to_owned()]);
        if let Some(after) = &query.after {
            request = request.starting_after(after.to_string());
        }
        let call = self.transport.call();
        let page = call.read::<List<Row>>(&request).await.and_then(|rows| read(&rows));
        page.map_err(Failure::of_question)
    }
}

fn read(rows: &List<Row>) -> Result<TransactionPage, Failure> {
    let mut items = Vec::new();
    for row in &rows.data {
        items.extend(transaction(row)?);
    }
    let last = rows.data.last().filter(|_| rows.has_more);
    Ok(TransactionPage { items, next: last.map(|row| label(&row.id)).transpose()? })
}

/// What a row means for the shop; `None` if it is none of its business (a payout, a fee) or came to
/// nothing (a refund that failed, a dispute that was won).
fn transaction(row: &Row) -> Result<Option<Transaction>, Failure> {
    match row.kind.as_str() {
        "charge" | "payment" => charge(row),
        "refund" | "payment_refund" => refund(row),
        "adjustment" if row.amount < 0 => dispute(row),
        _ => Ok(None),
    }
}

fn source<T: DeserializeOwned>(row: &Row) -> Result<T, Failure> {
    let source = row.source.clone().unwrap_or_default();
    serde_json::from_value(source).map_err(Failure::unreadable)
}

fn references(of: &[Option<&str>]) -> Result<Vec<Label>, Failure> {
    of.iter().flatten().map(|id| label(id)).collect()
}

fn id(reference: &Option<Reference<Any>>) -> Option<&str> {
    reference.as_ref().map(Reference::id)
}

fn charge(row: &Row) -> Result<Option<Transaction>, Failure> {
    let charge: Charge = source(row)?;
    if charge.amount_captured == 0 {
        return Ok(None);
    }
    Ok(Some(Transaction {
        reference: label(&charge.id)?,
        kind: TransactionKind::Charge,
        payment_references: references(&[id(&charge.payment_intent), Some(&charge.id)])?,
        payment_id: charge.metadata.id(PAYMENT_ID),
        refund_id: None,
        amount: money(charge.amount_captured, &charge.currency)?,
        at: time(row.created)?,
    }))
}

fn refund(row: &Row) -> Result<Option<Transaction>, Failure> {
    let refund: Refund = source(row)?;
    if matches!(refund.status.as_deref(), Some("failed" | "canceled")) {
        return Ok(None);
    }
    Ok(Some(Transaction {
        reference: label(&refund.id)?,
        kind: TransactionKind::Refund,
        payment_references: references(&[id(&refund.payment_intent), id(&refund.charge)])?,
        payment_id: refund.metadata.id(PAYMENT_ID),
        refund_id: refund.metadata.id(REFUND_ID),
        amount: money(refund.amount, &refund.currency)?,
        at: time(row.created)?,
    }))
}

fn dispute(row: &Row) -> Result<Option<Transaction>, Failure> {
    let is_dispute = |source: &Value| source.get("object").is_some_and(|kind| kind == "dispute");
    if !row.source.as_ref().is_some_and(is_dispute) {
        return Ok(None);
    }
    let dispute: Dispute = source(row)?;
    if dispute.status == "won" {
        return Ok(None);
    }
    Ok(Some(Transaction {
        reference: label(&dispute.id)?,
        kind: TransactionKind::Dispute,
        payment_references: references(&[id(&dispute.payment_intent), id(&dispute.charge)])?,
        payment_id: None,
        refund_id: None,
        amount: money(dispute.amount, &dispute.currency)?,
        at: time(row.created)?,
    }))
}
