//! A store in memory that several shops can share, and that fails or lets others go first when it
//! is told to.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use commerce_core::{
    access::ApiToken,
    cart::{Cart, CheckoutInputs},
    catalog::{Category, Sellable},
    conformance::Subject,
    customer::Customer,
    id::{CartId, CustomerId, VariantId},
    inventory::Movement,
    order::OrderInputs,
    shop::Setup,
    store::{
        ApiTokenRef, Bell, CategoryRef, Commit, CommitError, CustomerQuery, CustomerRef, Due,
        MemoryStore, MovementFilter, OrderQuery, OrderRef, OutboxEntry, Outcome, OutcomeKey, Page,
        PageRequest, PaymentItem, PaymentQuery, ProductInputs, ProductQuery, ProductRef, Purge,
        Queries, RecordKey, StockFilter, StockItem, Store, StoreError, StoreResult, Subscription,
        VariantRef, WebhookQuery, WebhookRef,
    },
    text::Label,
    time::Timestamp,
    version::Versioned,
    webhook::Webhook,
};

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Somebody else was faster, it seems.
    Conflict,
    /// The store does not answer; nothing was written.
    Unavailable,
    /// The connection is lost before the commit.
    LostBefore,
    /// The connection is lost after the commit.
    LostAfter,
}

/// What stands between a shop and its store.
#[async_trait]
pub(crate) trait Between: fmt::Debug + Send + Sync + 'static {
    /// Hears of a read before it is done; an error is answered instead.
    async fn read(&self, method: &'static str) -> StoreResult<()>;
    /// Commits in the shop's place.
    async fn commit(&self, store: &dyn Subject, commit: &Commit) -> Result<(), CommitError>;
}

type Dice = Box<dyn FnMut() -> Option<Fault> + Send>;
/// The method before which something is done, and what.
type Hook = (&'static str, Box<dyn FnOnce() + Send>);

#[derive(Clone)]
pub(crate) struct Shared {
    inner: Arc<dyn Subject>,
    between: Option<Arc<dyn Between>>,
    dice: Arc<Mutex<Option<Dice>>>,
    hook: Arc<Mutex<Option<Hook>>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self::over(MemoryStore::new())
    }

    /// Another store instead.
    pub(crate) fn over(store: impl Subject) -> Self {
        Self {
            inner: Arc::new(store),
            between: None,
            dice: Arc::new(Mutex::new(None)),
            hook: Arc::new(Mutex::new(None)),
        }
    }

    /// The same store without its faults.
    pub(crate) fn sound(&self) -> Self {
        Self { inner: self.inner.clone(), ..Self::new() }
    }

    /// The same store, with something between.
    pub(crate) fn through(&self, between: impl Between) -> Self {
        Self { between: Some(Arc::new(between)), ..self.sound() }
    }

    /// Decides each commit's fault from now on.
    pub(crate) fn roll(&self, dice: impl FnMut() -> Option<Fault> + Send + 'static) {
        *self.dice.lock().unwrap() = Some(Box::new(dice));
    }

    /// Fails the next commit.
    pub(crate) fn fail_once(&self, fault: Fault) {
        let mut faults = vec![fault];
        self.roll(move || faults.pop());
    }

    /// Lets others go first: does something between what the next commit's operation read and the
    /// commit.
    pub(crate) fn before_next_commit(&self, act: impl FnOnce() + Send + 'static) {
        self.before_next("commit", act);
    }

    /// Lets others go first: does something before a method of the store is called next.
    pub(crate) fn before_next(&self, method: &'static str, act: impl FnOnce() + Send + 'static) {
        *self.hook.lock().unwrap() = Some((method, Box::new(act)));
    }

    fn about_to(&self, method: &'static str) {
        let hook = self.hook.lock().unwrap().take_if(|(before, _)| *before == method);
        if let Some((_, act)) = hook {
            act();
        }
    }
}

pub(crate) fn lost() -> StoreError {
    StoreError::unavailable("the connection was lost")
}

macro_rules! delegate {
    ($($name:ident($($arg:ident: $of:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for Shared {
            $(async fn $name(&self, $($arg: $of),*) -> StoreResult<$answer> {
                self.about_to(stringify!($name));
                if let Some(between) = &self.between {
                    between.read(stringify!($name)).await?;
                }
                self.inner.$name($($arg),*).await
            })*

            fn bell(&self) -> Bell {
                self.inner.bell()
            }

            async fn commit(&self, commit: &Commit) -> Result<(), CommitError> {
                self.about_to("commit");
                if let Some(between) = &self.between {
                    return between.commit(&*self.inner, commit).await;
                }
                let fault = self.dice.lock().unwrap().as_mut().and_then(|dice| dice());
                match fault {
                    None => self.inner.commit(commit).await,
                    Some(Fault::Conflict) => Err(CommitError::Conflict(RecordKey::Shop)),
                    Some(Fault::Unavailable) => Err(CommitError::Unavailable(lost())),
                    Some(Fault::LostBefore) => Err(CommitError::OutcomeUnknown(lost())),
                    Some(Fault::LostAfter) => {
                        // Whether it held or not, nobody hears of it.
                        let _ = self.inner.commit(commit).await;
                        Err(CommitError::OutcomeUnknown(lost()))
                    }
                }
            }
        }
    };
}

delegate! {
    setup() -> Option<Setup>;
    product(by: &ProductRef) -> Option<ProductInputs>;
    product_with_setup(by: &ProductRef) -> Option<(Setup, ProductInputs)>;
    variant(by: &VariantRef) -> Option<Sellable>;
    sellables(variants: &[VariantId]) -> Vec<Sellable>;
    category(by: &CategoryRef) -> Option<Versioned<Category>>;
    categories() -> Vec<Versioned<Category>>;
    cart(id: CartId) -> Option<Versioned<Cart>>;
    open_cart(customer: CustomerId) -> Option<Versioned<Cart>>;
    checkout_inputs(cart: CartId, also: &[VariantId]) -> Option<CheckoutInputs>;
    order(by: &OrderRef) -> Option<OrderInputs>;
    customer(by: &CustomerRef) -> Option<Versioned<Customer>>;
    api_token(by: &ApiTokenRef) -> Option<Versioned<ApiToken>>;
    webhook(by: &WebhookRef) -> Option<Versioned<Webhook>>;
    outcome(key: &OutcomeKey) -> Option<Outcome>;
    due(now: Timestamp, limit: usize) -> Vec<Due>;
    outbox(after: u64, limit: usize) -> Vec<OutboxEntry>;
    subscription(name: &Label) -> Option<Versioned<Subscription>>;
    ready() -> ();
    purge(purge: &Purge) -> u64;
}

#[async_trait]
impl Queries for Shared {
    async fn products(&self, query: &ProductQuery) -> StoreResult<Page<ProductInputs>> {
        self.inner.products(query).await
    }

    async fn orders(&self, query: &OrderQuery) -> StoreResult<Page<OrderInputs>> {
        self.inner.orders(query).await
    }

    async fn payments(&self, query: &PaymentQuery) -> StoreResult<Page<PaymentItem>> {
        self.inner.payments(query).await
    }

    async fn webhooks(&self, query: &WebhookQuery) -> StoreResult<Page<Versioned<Webhook>>> {
        self.inner.webhooks(query).await
    }

    async fn customers(&self, query: &CustomerQuery) -> StoreResult<Page<Versioned<Customer>>> {
        self.inner.customers(query).await
    }

    async fn api_tokens(&self, page: &PageRequest) -> StoreResult<Page<Versioned<ApiToken>>> {
        self.inner.api_tokens(page).await
    }

    async fn stock(
        &self,
        filter: &StockFilter,
        page: &PageRequest,
    ) -> StoreResult<Page<StockItem>> {
        self.inner.stock(filter, page).await
    }

    async fn movements(
        &self,
        filter: &MovementFilter,
        page: &PageRequest,
    ) -> StoreResult<Page<Movement>> {
        self.inner.movements(filter, page).await
    }
}
