//! The two lines that a till meets the outside by: the one to its store and the one to its provider.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use commerce_core::{
    conformance::Subject,
    currency::Currency,
    gateway::{
        Abilities, Amounts, Call, GatewayError, Headers, Notice, PaymentGateway, ProviderAccount,
        ProviderPayment, ProviderRefund, ProviderStatus, Reply, ScriptedGateway, TransactionPage,
        TransactionQuery, Vault, WebhookError,
    },
    id::{CustomerId, PaymentId},
    money::Money,
    order::Order,
    payment::{Operation, Payment, PaymentFlow, Refund, RefundStatus},
    store::{Commit, CommitError, Record, StoreResult, Write},
    text::{GatewayName, IdempotencyKey, Label},
    time::Timestamp,
};
use pollster::block_on;

use super::{
    fate::{Fate, NoAnswer, Point},
    vault::VaultLine,
    zoo::{self, Bug},
};
use crate::support::{
    faults::{Between, lost},
    name_of,
};

/// The line to the store.
#[derive(Debug)]
pub(crate) struct StoreLine {
    pub(crate) bug: Option<Bug>,
    pub(crate) fate: Fate,
    pub(crate) bank: Bank,
}

/// What a commit is about: what it tells, else what it writes.
fn name(commit: &Commit) -> String {
    let mut parts: Vec<String> = commit.events().iter().map(name_of).collect();
    if parts.is_empty() {
        parts = commit.writes().iter().filter_map(written).map(str::to_owned).collect();
    }
    if parts.is_empty() && commit.outcome().is_some() {
        parts.push("answer".to_owned());
    }
    parts.dedup();
    format!("commit {}", parts.join(" "))
}

fn written(write: &Write) -> Option<&'static str> {
    let (Write::Insert(record) | Write::Replace { new: record, .. }) = write else { return None };
    Some(match record {
        Record::Order(_) => "order",
        Record::Payment(_) => "payment",
        Record::Cart(_) => "cart",
        Record::Webhook(_) => "webhook",
        _ => "record",
    })
}

#[async_trait]
impl Between for StoreLine {
    async fn read(&self, method: &'static str) -> StoreResult<()> {
        let name = format!("read {method}");
        let point = Point { name: &name, acts: false };
        self.fate.meet(point, async {}).await.map_err(|_| lost())
    }

    async fn commit(&self, store: &dyn Subject, commit: &Commit) -> Result<(), CommitError> {
        let name = name(commit);
        let point = Point { name: &name, acts: true };
        if self.bug == Some(Bug::ChargesFirst) {
            zoo::charge_first(&self.bank, commit).await;
        }
        match self.fate.meet(point, zoo::commit(self.bug, store, commit)).await {
            Ok(answer) => answer,
            Err(NoAnswer::Failed) => Err(CommitError::Unavailable(lost())),
            Err(NoAnswer::Lost) => Err(CommitError::OutcomeUnknown(lost())),
        }
    }
}

/// How long a page waits for its customer.
const PAGE_LASTS: Duration = Duration::from_secs(86_400);

type Replies = Box<dyn FnMut(Call) -> Reply + Send>;

/// The provider: what it does at each new call, and which keys it knows.
#[derive(Clone)]
pub(crate) struct Bank {
    pub(crate) books: ScriptedGateway,
    replies: Arc<Mutex<Replies>>,
    keys: Arc<Mutex<HashSet<IdempotencyKey>>>,
    /// Until when the page is open that a customer was sent to.
    pages: Arc<Mutex<HashMap<PaymentId, Timestamp>>>,
    /// When it was seen first that money of a payment is set aside.
    aside: Arc<Mutex<HashMap<PaymentId, Timestamp>>>,
    /// What each customer is called that it was ever told of.
    customers: Arc<Mutex<HashMap<CustomerId, HashSet<Label>>>>,
    /// Whose each method is that was ever saved.
    owners: Arc<Mutex<HashMap<Label, Label>>>,
    /// What each webhook told: the payment as it was at that moment.
    told: Arc<Mutex<Vec<(PaymentId, ProviderPayment)>>>,
}

impl fmt::Debug for Bank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bank")
    }
}

impl Bank {
    pub(crate) fn new(name: GatewayName) -> Self {
        let replies: Replies = Box::new(|_| Reply::Accept);
        Self {
            books: ScriptedGateway::new(name),
            replies: Arc::new(Mutex::new(replies)),
            keys: Arc::default(),
            pages: Arc::default(),
            aside: Arc::default(),
            customers: Arc::default(),
            owners: Arc::default(),
            told: Arc::default(),
        }
    }

    /// Decides what it does at each new call from now on.
    pub(crate) fn replies(&self, replies: impl FnMut(Call) -> Reply + Send + 'static) {
        *self.replies.lock().unwrap() = Box::new(replies);
    }

    /// The customer confirms a payment. On a page whose time is over they cannot.
    pub(crate) fn pay(&self, id: PaymentId, now: Timestamp) {
        self.close_pages(now);
        self.books.pay(id);
        self.note();
    }

    /// The customer pays on a page in a way that takes its time, such as a transfer: the page is done
    /// with, and the money is still to come.
    pub(crate) fn pay_slowly(&self, id: PaymentId, now: Timestamp) {
        self.close_pages(now);
        let waits = |(of, it): &(PaymentId, ProviderPayment)| {
            *of == id && it.status == ProviderStatus::RequiresAction
        };
        if self.page_until(id).is_some() && self.books.payments().iter().any(waits) {
            self.change(id, |payment| payment.status = ProviderStatus::Processing);
        }
    }

    /// Hears of a customer.
    pub(crate) fn know(&self, customer: CustomerId, reference: &Label) {
        let mut all = self.customers.lock().unwrap();
        all.entry(customer).or_default().insert(reference.clone());
    }

    /// The customers that it was told of, and what each is called.
    pub(crate) fn customers(&self) -> HashMap<CustomerId, HashSet<Label>> {
        self.customers.lock().unwrap().clone()
    }

    /// A customer enters a card that is to be kept; answers what it is called.
    pub(crate) fn save(&self, customer: &Label) -> Label {
        let method = self.books.save(customer).unwrap().id;
        self.owners.lock().unwrap().insert(method.clone(), customer.clone());
        method
    }

    /// Whose a method is, also one that was forgotten.
    pub(crate) fn owner(&self, method: &Label) -> Option<Label> {
        self.owners.lock().unwrap().get(method).cloned()
    }

    /// What is kept for a customer.
    pub(crate) fn kept(&self, customer: &Label) -> Vec<Label> {
        let methods = block_on(self.books.methods(customer)).unwrap();
        methods.into_iter().map(|it| it.id).collect()
    }

    /// Until when the page of a payment is, or was, open; `None` if it has none.
    pub(crate) fn page_until(&self, id: PaymentId) -> Option<Timestamp> {
        self.pages.lock().unwrap().get(&id).copied()
    }

    /// Ends the payments that nobody paid while their page was open.
    pub(crate) fn close_pages(&self, now: Timestamp) {
        for (id, seen) in self.books.payments() {
            let over = self.page_until(id).is_some_and(|until| until <= now);
            if over && seen.status == ProviderStatus::RequiresAction {
                self.change(id, |payment| payment.status = ProviderStatus::Voided);
            }
        }
    }

    /// Something happens to a payment that the shop did not ask for.
    pub(crate) fn change(&self, id: PaymentId, act: impl FnOnce(&mut ProviderPayment)) {
        self.books.change(id, act);
        self.note();
    }

    /// Remembers what the latest webhooks tell.
    fn note(&self) {
        let mut told = self.told.lock().unwrap();
        while let Some((_, body)) = self.books.webhook(told.len()) {
            let notice: Notice = serde_json::from_slice(&body).unwrap();
            let id = notice.subject.unwrap().payment_id.unwrap();
            let state = self.books.payments().into_iter().find(|(of, _)| *of == id).unwrap();
            told.push(state);
        }
    }

    /// The payment that a webhook is about, as it was.
    pub(crate) fn told(&self, n: usize) -> Option<(PaymentId, ProviderPayment)> {
        self.told.lock().unwrap().get(n).cloned()
    }

    pub(crate) fn forget_keys(&self) {
        self.keys.lock().unwrap().clear();
        self.books.forget_keys();
    }

    /// Comes to an end with all that it has taken its time for, and lets go what was set aside for too
    /// long.
    pub(crate) fn decide(&self, now: Timestamp) {
        self.close_pages(now);
        for (id, seen) in self.books.payments() {
            if seen.status == ProviderStatus::Authorized {
                let since = *self.aside.lock().unwrap().entry(id).or_insert(now);
                if now.as_millis() - since.as_millis() >= 7 * 86_400_000 {
                    self.change(id, |payment| {
                        payment.status = ProviderStatus::Expired;
                        payment.capturable = Money::zero(payment.amount.currency());
                    });
                }
            }
            let waits = |refund: &ProviderRefund| refund.status == RefundStatus::Pending;
            if seen.status != ProviderStatus::Processing && !seen.refunds.iter().any(waits) {
                continue;
            }
            self.change(id, |payment| {
                if payment.status == ProviderStatus::Processing {
                    (payment.status, payment.captured) = (ProviderStatus::Captured, payment.amount);
                }
                for refund in payment.refunds.iter_mut().filter(|it| waits(it)) {
                    refund.status = RefundStatus::Succeeded;
                }
            });
        }
    }

    /// Hears of a call: if it is a new one, what it does is decided now.
    fn hear(&self, call: Call, payment: &Payment, operation: &Operation) {
        if !self.keys.lock().unwrap().insert(operation.key.clone()) {
            return;
        }
        let mut reply = (self.replies.lock().unwrap())(call);
        let hosted = matches!(payment.flow, PaymentFlow::Hosted { .. });
        if hosted && matches!(call, Call::Create(_)) && !matches!(reply, Reply::Decline { .. }) {
            // No money moves before somebody is there.
            reply = Reply::RequireAction {
                client_secret: "sesame".parse().unwrap(),
                redirect_url: Some("https://pay.example/page".parse().unwrap()),
            };
            let until = operation.begun_at.saturating_add(PAGE_LASTS);
            self.pages.lock().unwrap().insert(payment.id, until);
        }
        self.books.script([reply]);
    }
}

/// The line to the provider.
#[derive(Debug, Clone)]
pub(crate) struct GatewayLine {
    pub(crate) fate: Fate,
    pub(crate) bank: Bank,
}

impl GatewayLine {
    async fn ask<T>(
        &self,
        name: &str,
        act: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        let act = async {
            let answer = act.await;
            self.bank.note();
            answer
        };
        match self.fate.meet(Point { name, acts: true }, act).await {
            Ok(answer) => answer,
            Err(NoAnswer::Failed) => Err(GatewayError::unavailable("it is down")),
            Err(NoAnswer::Lost) => Err(GatewayError::OutcomeUnknown("the line went dead".into())),
        }
    }
}

#[async_trait]
impl PaymentGateway for GatewayLine {
    fn name(&self) -> GatewayName {
        self.bank.books.name()
    }

    fn abilities(&self) -> Abilities {
        self.bank.books.abilities()
    }

    fn takes(&self, currency: Currency) -> Option<Amounts> {
        self.bank.books.takes(currency)
    }

    fn account(&self) -> ProviderAccount {
        self.bank.books.account()
    }

    async fn create(
        &self,
        order: &Order,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let act = async {
            self.bank.hear(Call::Create(payment.id), payment, operation);
            self.bank.books.create(order, payment, operation).await
        };
        let name = match payment.flow {
            PaymentFlow::Direct => "gateway create",
            PaymentFlow::Hosted { .. } => "gateway create page",
            PaymentFlow::Saved { .. } => "gateway charge saved",
        };
        self.ask(name, act).await
    }

    async fn fetch(&self, payment: &Payment) -> Result<Option<ProviderPayment>, GatewayError> {
        let point = Point { name: "gateway fetch", acts: false };
        let found = self.fate.meet(point, self.bank.books.fetch(payment)).await;
        found.unwrap_or_else(|_| Err(GatewayError::unavailable("it is down")))
    }

    async fn capture(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let act = async {
            self.bank.hear(Call::Capture(payment.id), payment, operation);
            self.bank.books.capture(payment, operation).await
        };
        self.ask("gateway capture", act).await
    }

    async fn void(
        &self,
        payment: &Payment,
        operation: &Operation,
    ) -> Result<ProviderPayment, GatewayError> {
        let act = async {
            self.bank.hear(Call::Void(payment.id), payment, operation);
            self.bank.books.void(payment, operation).await
        };
        let name = match payment.flow {
            PaymentFlow::Hosted { .. } => "gateway close page",
            PaymentFlow::Direct | PaymentFlow::Saved { .. } => "gateway void",
        };
        self.ask(name, act).await
    }

    async fn refund(
        &self,
        payment: &Payment,
        refund: &Refund,
        operation: &Operation,
    ) -> Result<ProviderRefund, GatewayError> {
        let act = async {
            self.bank.hear(Call::Refund(refund.id), payment, operation);
            self.bank.books.refund(payment, refund, operation).await
        };
        self.ask("gateway refund", act).await
    }

    async fn notice(
        &self,
        headers: &Headers,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notice, WebhookError> {
        self.bank.books.notice(headers, body, now).await
    }

    async fn transactions(
        &self,
        query: &TransactionQuery,
    ) -> Result<TransactionPage, GatewayError> {
        let point = Point { name: "gateway transactions", acts: false };
        let page = self.fate.meet(point, self.bank.books.transactions(query)).await;
        page.unwrap_or_else(|_| Err(GatewayError::unavailable("it is down")))
    }

    fn vault(&self) -> Option<Arc<dyn Vault>> {
        let vault = self.bank.books.vault()?;
        Some(Arc::new(VaultLine { fate: self.fate.clone(), bank: self.bank.clone(), vault }))
    }
}
