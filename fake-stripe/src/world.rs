//! Everything that the fake knows.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::{
    clock::Clock,
    error::{ApiError, Result},
    fault::Faults,
    id::Ids,
    idempotency::Keys,
    objects::{
        BalanceTransaction, Charge, CheckoutSession, Customer, Dispute, Event, PaymentIntent,
        PaymentMethod, Refund, SetupIntent, WebhookEndpoint,
    },
    operation::Operation,
    table::{Object as _, Table},
    webhook::Delivery,
};

/// The version of the API whose shapes the fake's objects have.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

/// Everything that the fake knows, behind one lock.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    /// Where the fake can be reached, without a slash at the end.
    pub(crate) url: String,
    pub(crate) secret_key: String,
    pub(crate) faults: Faults,
    pub(crate) keys: Keys,
    pub(crate) calls: Vec<Call>,
    pub(crate) intents: Table<PaymentIntent>,
    pub(crate) charges: Table<Charge>,
    pub(crate) refunds: Table<Refund>,
    pub(crate) disputes: Table<Dispute>,
    pub(crate) transactions: Table<BalanceTransaction>,
    pub(crate) sessions: Table<CheckoutSession>,
    pub(crate) customers: Table<Customer>,
    pub(crate) methods: Table<PaymentMethod>,
    pub(crate) setups: Table<SetupIntent>,
    pub(crate) events: Table<Event>,
    pub(crate) endpoints: Table<WebhookEndpoint>,
    pub(crate) deliveries: VecDeque<Delivery>,
    /// Whether webhooks wait until they are asked for.
    pub(crate) webhooks_held: bool,
    /// What happens by itself, and when.
    due: Vec<(i64, Due)>,
    /// The request that is being answered: its id and its idempotency key.
    pub(crate) request: Option<(String, Option<String>)>,
}

/// A request that reached the fake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What was asked.
    pub operation: Operation,
    /// The idempotency key that it came with.
    pub idempotency_key: Option<String>,
    /// The status of the answer that was decided on, whether or not it arrived; `None` where a fault
    /// left it without one.
    pub status: Option<u16>,
    /// Whether the answer was that of an earlier request with the same key.
    pub replayed: bool,
}

/// Something that happens by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    /// A bank debit comes to its end.
    Settle(String),
    /// A hold on a card ends uncaptured.
    ReleaseAuthorization(String),
    /// A hosted page ends.
    ExpireSession(String),
    /// A pending refund succeeds.
    SucceedRefund(String),
    /// A refund comes back.
    FailRefund(String),
}

impl World {
    pub(crate) fn new(clock: Clock, seed: u64, secret_key: String) -> Self {
        Self {
            clock,
            ids: Ids::new(seed),
            url: String::new(),
            secret_key,
            faults: Faults::default(),
            keys: Keys::default(),
            calls: Vec::new(),
            intents: Table::default(),
            charges: Table::default(),
            refunds: Table::default(),
            disputes: Table::default(),
            transactions: Table::default(),
            sessions: Table::default(),
            customers: Table::default(),
            methods: Table::default(),
            setups: Table::default(),
            events: Table::default(),
            endpoints: Table::default(),
            deliveries: VecDeque::new(),
            webhooks_held: false,
            due: Vec::new(),
            request: None,
        }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Lets something happen by itself, so many seconds from now.
    pub(crate) fn later(&mut self, seconds: i64, due: Due) {
        let at = self.now().saturating_add(seconds);
        self.due.push((at, due));
    }

    /// Does at once what would happen by itself; says whether it was still to come.
    pub(crate) fn hasten(&mut self, due: &Due) -> bool {
        let Some(at) = self.due.iter().position(|(_, waiting)| waiting == due) else {
            return false;
        };
        let (_, due) = self.due.remove(at);
        self.happen(due);
        true
    }

    /// Does what was due to happen by now, in order.
    pub(crate) fn catch_up(&mut self) {
        loop {
            let now = self.now();
            let next = self
                .due
                .iter()
                .enumerate()
                .min_by_key(|(_, (at, _))| *at)
                .map(|(i, (at, _))| (i, *at));
            match next {
                Some((index, at)) if at <= now => {
                    let (_, due) = self.due.remove(index);
                    self.happen(due);
                }
                _ => return,
            }
        }
    }

    fn happen(&mut self, due: Due) {
        let request = self.request.take();
        match due {
            Due::Settle(id) => self.settle_intent(&id),
            Due::ReleaseAuthorization(id) => self.release_authorization(&id),
            Due::ExpireSession(id) => self.expire_session_if_open(&id),
            Due::SucceedRefund(id) => self.succeed_refund(&id),
            Due::FailRefund(id) => self.fail_refund(&id),
        }
        self.request = request;
    }

    /// The object with an id, whatever its kind.
    pub(crate) fn object(&self, id: &str) -> Option<Value> {
        let (prefix, _) = id.split_once('_')?;
        match prefix {
            "pi" => self.intents.find(id).map(PaymentIntent::json),
            "ch" | "py" => self.charges.find(id).map(Charge::json),
            "re" => self.refunds.find(id).map(Refund::json),
            "du" => self.disputes.find(id).map(Dispute::json),
            "txn" => self.transactions.find(id).map(BalanceTransaction::json),
            "cs" => self.sessions.find(id).map(CheckoutSession::json),
            "cus" => self.customers.find(id).map(Customer::json),
            "pm" => self.methods.find(id).map(PaymentMethod::json),
            "seti" => self.setups.find(id).map(SetupIntent::json),
            _ => None,
        }
    }

    /// Puts objects in the place of their ids where a request asks for it: `data.latest_charge`.
    pub(crate) fn expand(&self, value: &mut Value, path: &str) -> Result<()> {
        let parts: Vec<&str> = path.split('.').collect();
        if parts.len() > 5 {
            return Err(ApiError::invalid("expand", "You cannot expand more than 4 levels."));
        }
        self.expand_parts(value, &parts, path)
    }

    fn expand_parts(&self, value: &mut Value, parts: &[&str], path: &str) -> Result<()> {
        let Some((name, rest)) = parts.split_first() else { return Ok(()) };
        if let Value::Array(items) = value {
            return items.iter_mut().try_for_each(|item| self.expand_parts(item, parts, path));
        }
        let included = self.includable(value, name);
        let Some(fields) = value.as_object_mut() else { return Ok(()) };
        if let Some(included) = included {
            fields.insert((*name).to_owned(), included);
        }
        let Some(field) = fields.get_mut(*name) else {
            let message = format!("This property cannot be expanded ({path}).");
            return Err(ApiError::invalid("expand", message));
        };
        if let Some(object) = field.as_str().and_then(|id| self.object(id)) {
            *field = object;
        }
        self.expand_parts(field, rest, path)
    }

    /// What an object shows only to those who ask for it.
    fn includable(&self, value: &Value, name: &str) -> Option<Value> {
        let id = value.get("id")?.as_str()?;
        match (value.get("object")?.as_str()?, name) {
            ("charge", "refunds") => {
                let data: Vec<Value> = self
                    .refunds
                    .iter()
                    .rev()
                    .filter(|refund| refund.charge == id)
                    .map(Refund::json)
                    .collect();
                let url = format!("/v1/charges/{id}/refunds");
                Some(json!({ "object": "list", "url": url, "has_more": false, "data": data }))
            }
            ("checkout.session", "line_items") => {
                self.sessions.find(id).map(CheckoutSession::line_items)
            }
            _ => None,
        }
    }
}
