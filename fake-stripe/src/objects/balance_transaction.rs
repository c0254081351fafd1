//! Balance transactions: what moved the balance of the account.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{error::Result, params::Params, table::Object, world::World};

/// How long a charge's money is on its way, in seconds: two days.
const PENDING: i64 = 2 * 24 * 60 * 60;

/// A movement of the account's balance. What goes out is negative.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct BalanceTransaction {
    pub(crate) id: String,
    object: &'static str,
    pub(crate) amount: i64,
    available_on: i64,
    balance_type: &'static str,
    created: i64,
    currency: String,
    description: Option<String>,
    exchange_rate: (),
    fee: i64,
    fee_details: Vec<Value>,
    net: i64,
    reporting_category: &'static str,
    source: String,
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Object for BalanceTransaction {
    const KIND: &'static str = "balance_transaction";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl World {
    /// Books a movement that a charge, a refund or a dispute makes.
    pub(super) fn book(
        &mut self,
        kind: &'static str,
        source: &str,
        amount: i64,
        fee: i64,
        currency: &str,
    ) -> String {
        let id = self.ids.draw("txn_");
        let now = self.now();
        let fee_details = match fee {
            0 => Vec::new(),
            fee => vec![json!({ "amount": fee, "application": null, "currency": currency,
                "description": "Stripe processing fees", "type": "stripe_fee" })],
        };
        let reporting_category = match kind {
            "adjustment" if amount < 0 => "dispute",
            "adjustment" => "dispute_reversal",
            "refund_failure" => "refund_failure",
            kind => kind,
        };
        self.transactions.insert(BalanceTransaction {
            id: id.clone(),
            object: "balance_transaction",
            amount,
            available_on: now + PENDING,
            balance_type: "payments",
            created: now,
            currency: currency.to_owned(),
            description: None,
            exchange_rate: (),
            fee,
            fee_details,
            net: amount - fee,
            reporting_category,
            source: source.to_owned(),
            status: "pending",
            kind,
        });
        id
    }

    pub(crate) fn list_transactions(&self, params: &mut Params) -> Result<Value> {
        let (kind, source) = (params.text("type")?, params.text("source")?);
        let currency = params.text("currency")?;
        self.transactions.page(params, "/v1/balance_transactions", |row| {
            kind.as_ref().is_none_or(|kind| row.kind == kind)
                && source.as_ref().is_none_or(|source| row.source == *source)
                && currency.as_ref().is_none_or(|currency| row.currency == *currency)
        })
    }
}
