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

/// What a row means for the shop; `None` if it is none of its business (a payout, a fee), came to
/// nothing (a debit or a refund that failed, a dispute that was won), or may yet (a debit under way).
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
    // A debit is in Stripe's books from the first day, whatever comes of it.
    let unsettled = matches!(charge.status.as_deref(), Some("pending" | "failed"));
    if unsettled || charge.amount_captured == 0 {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(kind: &str, amount: i64, source: Value) -> Row {
        let (id, kind, source) = ("txn_1".to_owned(), kind.to_owned(), Some(source));
        Row { id, amount, created: 3, kind, source }
    }

    fn charged(captured: i64) -> Value {
        debited(captured, "succeeded")
    }

    fn debited(captured: i64, status: &str) -> Value {
        json!({
            "object": "charge", "id": "ch_1", "amount": 100, "amount_captured": captured,
            "currency": "eur", "payment_intent": "pi_1", "status": status,
        })
    }

    fn refunded(status: Option<&str>) -> Value {
        json!({
            "object": "refund", "id": "re_1", "amount": 7, "currency": "eur", "created": 1,
            "charge": "ch_1", "payment_intent": "pi_1", "status": status,
        })
    }

    fn disputed(status: &str) -> Value {
        json!({
            "object": "dispute", "id": "du_1", "amount": 9, "currency": "eur", "created": 1,
            "charge": "ch_1", "payment_intent": "pi_1", "status": status,
        })
    }

    #[test]
    fn what_moved_money_is_told_and_nothing_else() {
        use TransactionKind::*;
        for (row, told) in [
            (row("charge", 100, charged(60)), Some((Charge, "ch_1", 60))),
            (row("payment", 100, charged(100)), Some((Charge, "ch_1", 100))),
            (row("charge", 0, charged(0)), None),
            (row("payment", 100, debited(100, "pending")), None),
            (row("payment", 100, debited(100, "failed")), None),
            (row("payment_failure_refund", -100, debited(100, "failed")), None),
            (row("refund", -7, refunded(Some("succeeded"))), Some((Refund, "re_1", 7))),
            (row("payment_refund", -7, refunded(Some("pending"))), Some((Refund, "re_1", 7))),
            (row("refund", -7, refunded(None)), Some((Refund, "re_1", 7))),
            (row("refund", -7, refunded(Some("failed"))), None),
            (row("refund", -7, refunded(Some("canceled"))), None),
            (row("refund_failure", 7, refunded(Some("failed"))), None),
            (row("adjustment", -9, disputed("needs_response")), Some((Dispute, "du_1", 9))),
            (row("adjustment", -9, disputed("lost")), Some((Dispute, "du_1", 9))),
            (row("adjustment", -9, disputed("won")), None),
            (row("adjustment", 9, disputed("needs_response")), None),
            (row("adjustment", -9, json!({ "object": "fee", "id": "fee_1" })), None),
            (row("adjustment", -9, json!("du_1")), None),
            (row("payout", -100, json!({ "object": "payout", "id": "po_1" })), None),
            (row("stripe_fee", -1, Value::Null), None),
            (row("brand_new", -1, json!(7)), None),
        ] {
            let found = transaction(&row).unwrap();
            let seen = found.as_ref().map(|it| (it.kind, it.reference.as_str(), it.amount.minor()));
            assert_eq!(seen, told, "{} {:?}", row.kind, row.source);
            if let Some(found) = found {
                assert_eq!(found.at, time(3).unwrap(), "when it moved");
                let mut names: Vec<_> =
                    found.payment_references.iter().map(Label::as_str).collect();
                names.sort_unstable();
                assert_eq!(names, ["ch_1", "pi_1"]);
            }
        }
        assert!(transaction(&row("charge", 1, json!("ch_1"))).is_err(), "its object is absent");
        let without = Row { source: None, ..row("adjustment", -9, Value::Null) };
        assert!(transaction(&without).unwrap().is_none());
    }

    #[test]
    fn the_next_page_begins_after_the_last_row_if_there_is_more() {
        let list = |has_more| List { data: vec![row("payout", -1, Value::Null)], has_more };
        let next = read(&list(true)).unwrap().next;
        assert_eq!(next, Some(label("txn_1").unwrap()), "also where nothing of it is told");
        assert_eq!(read(&list(false)).unwrap().next, None);
    }
}
