//! The conformance suite sees what it is there to see: a store that is broken in one way fails it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use commerce_core::{
    access::ApiToken,
    cart::{Cart, CartStatus, CheckoutInputs},
    catalog::{Category, Sellable},
    conformance,
    customer::Customer,
    event::Event,
    id::{CartId, CustomerId, VariantId},
    inventory::{Location, Movement},
    order::OrderInputs,
    search::words,
    shop::Setup,
    store::{
        ApiTokenRef, Bell, CategoryRef, Commit, CommitError, CustomerQuery, CustomerRef, Due,
        MemoryStore, MovementFilter, OrderQuery, OrderRef, OutboxEntry, Outcome, OutcomeKey, Page,
        PageRequest, PaymentItem, PaymentQuery, ProductInputs, ProductQuery, ProductRef, Purge,
        Queries, Record, RecordKey, StockFilter, StockItem, Store, StoreResult, Subscription,
        VariantRef, WebhookQuery, WebhookRef, Write,
    },
    text::{IdempotencyKey, Label},
    time::Timestamp,
    version::{Version, Versioned},
    webhook::Webhook,
};

/// A store in memory with one fault.
#[derive(Debug)]
struct Faulty {
    fault: Fault,
    store: MemoryStore,
    /// The outcomes by key alone, for [`Fault::IgnoresTheScope`].
    by_key: Mutex<HashMap<IdempotencyKey, Outcome>>,
    /// The carts as they were first read, for [`Fault::ReadsOldState`].
    first_read: Mutex<HashMap<CartId, Versioned<Cart>>>,
    /// Whether it was purged, for [`Fault::ForgetsOpenCarts`].
    purged: AtomicBool,
    /// Whether it was purged, for [`Fault::ForgetsParkedWebhooks`].
    forgot_all_webhooks: AtomicBool,
    /// How many have looked at a version before they write, for [`Fault::ChecksThenWrites`].
    looked: AtomicUsize,
}

/// Makes the enum of faults, and for each a test that the suite sees it by a certain case.
macro_rules! faults {
    ($($fault:ident, $test:ident, $case:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Fault {
            /// The wrapper alone must not fail.
            None,
            $($fault,)*
        }

        $(#[test]
        fn $test() {
            let failures = failures(Fault::$fault);
            assert!(failures.contains(&$case), "only these cases fail: {failures:#?}");
        })*
    };
}

faults! {
    IgnoresFloors, a_dropped_floor_is_caught, "levels::nothing_is_available_below_zero";
    IgnoresConflicts, a_dropped_version_check_is_caught,
        "versions::a_replacement_of_another_version_conflicts";
    ForgetsVersions, a_version_that_stays_is_caught,
        "versions::count_how_often_a_record_was_written";
    LosesAnEvent, a_lost_event_is_caught, "outbox::keeps_every_event";
    LosesLowStock, a_lost_warning_is_caught, "outbox::tells_of_low_stock_once_at_the_threshold";
    LosesOutcomes, a_lost_outcome_is_caught, "outcomes::are_committed_with_everything_else";
    RewritesOutcomes, a_rewritten_outcome_is_caught, "outcomes::are_kept_byte_for_byte";
    IgnoresTheScope, an_outcome_of_another_is_caught, "outcomes::of_others_stand_in_nobody_s_way";
    IgnoresUniqueKeys, an_ignored_unique_key_is_caught, "unique::a_variant_has_its_sku_alone";
    FoldsCase, a_folded_sku_is_caught, "unique::case_matters_but_for_emails";
    AppliesHalf, a_half_applied_commit_is_caught, "commits::with_a_conflict_write_nothing";
    ForgetsMovements, a_lost_row_of_the_ledger_is_caught, "movements::sum_to_the_units_on_hand";
    IgnoresCursors, an_ignored_cursor_is_caught, "list_products::come_by_the_time_they_were_made";
    SkipsAtPages, a_skipped_item_is_caught, "list_orders::come_the_newest_first";
    IgnoresZero, an_ignored_zero_is_caught, "list_products::honour_a_price_of_zero";
    CountsInactiveLocations, counted_inactive_stock_is_caught,
        "list_products::filter_by_what_can_be_bought_now";
    IsEarly, what_is_due_too_early_is_caught, "due::are_orders_and_carts_whose_time_is_up";
    IgnoresLimits, an_ignored_limit_is_caught, "due::come_the_longest_due_first";
    DropsAPayment, a_dropped_payment_is_caught, "orders::have_their_payments_the_oldest_first";
    RoundsTimes, a_rounded_time_is_caught, "records::a_cart_is_read_as_written";
    ForgetsOpenCarts, a_purged_open_cart_is_caught, "purge::forgets_closed_carts_before_a_time";
    ForgetsParkedWebhooks, a_purged_webhook_is_caught,
        "purge::forgets_webhooks_that_are_done_with";
    ListsAllPayments, an_ignored_period_is_caught,
        "list_payments::are_those_of_a_gateway_that_changed_in_a_period";
    LeavesOutVariants, a_left_out_variant_is_caught,
        "carts::come_with_further_variants_that_are_asked_for";
    ChecksThenWrites, a_check_apart_from_its_write_is_caught, "concurrency::never_loses_an_update";
    LooksForOneWord, an_ignored_word_is_caught, "list_customers::find_those_who_have_every_word";
    ListsAllWebhooks, a_webhook_out_of_place_is_caught, "webhooks::come_with_the_parked_ones_first";
    HidesWithdrawnTokens, a_hidden_token_is_caught, "list_tokens::come_the_newest_first";
    NeverRings, a_silent_bell_is_caught, "outbox::rings_before_a_commit_is_answered";
    ReadsOldState, a_read_of_old_state_is_caught, "concurrency::shows_what_was_acknowledged";
}

fn failures(fault: Fault) -> Vec<&'static str> {
    let make_store = || -> Box<dyn conformance::Fixture> { Box::new(Faulty::new(fault)) };
    conformance::failures(&make_store).iter().map(|failure| failure.case).collect()
}

#[test]
fn a_sound_store_fails_nothing() {
    assert_eq!(failures(Fault::None), [""; 0]);
}

#[test]
fn every_case_has_a_name_and_a_clause_of_its_own() {
    let cases = conformance::cases();
    let names: std::collections::HashSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.iter().all(|case| !case.clause.is_empty()));
}

#[test]
fn a_failure_names_the_clause_and_the_case() {
    let store = Faulty::new(Fault::IgnoresFloors);
    let case = "levels::the_last_unit_can_be_held";
    let case = conformance::cases().iter().find(|it| it.name == case).unwrap();
    let failure = case.run(&store, &|task| pollster::block_on(task)).unwrap_err();
    let text = failure.to_string();
    assert!(text.contains(case.name) && text.contains(case.clause), "{text}");
    assert!(text.contains("does not hold was applied"), "{text}");
}

impl Faulty {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            store: MemoryStore::new(),
            by_key: Mutex::default(),
            first_read: Mutex::default(),
            purged: AtomicBool::new(false),
            forgot_all_webhooks: AtomicBool::new(false),
            looked: AtomicUsize::new(0),
        }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Looks whether a version is the expected one, and then writes, whatever it is by then.
    async fn check_then_write(
        &self,
        expected: Version,
        new: &Subscription,
    ) -> Result<(), CommitError> {
        let version = |found: &Option<Versioned<_>>| found.as_ref().map(|it| it.version);
        let mut found = self.store.subscription(&new.name).await.unwrap();
        if version(&found) != Some(expected) {
            return Err(CommitError::Conflict(RecordKey::Subscription(new.name.clone())));
        }
        // The fault shows once two have looked before either writes, so the first one waits for a
        // second; where there is none, as in most cases, not for long.
        self.looked.fetch_add(1, Ordering::SeqCst);
        let patience = Instant::now() + Duration::from_millis(500);
        while self.looked.load(Ordering::SeqCst) < 2 && Instant::now() < patience {
            std::thread::yield_now();
        }
        while let Some(old) = &found {
            let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
            commit.replace(old, new.clone());
            if self.store.commit(&commit).await.is_ok() {
                return Ok(());
            }
            found = self.store.subscription(&new.name).await.unwrap();
        }
        Ok(())
    }

    fn aged(&self, cart: Versioned<Cart>) -> Versioned<Cart> {
        if self.is(Fault::RoundsTimes) {
            let seconds = cart.updated_at.as_millis().div_euclid(1_000);
            let updated_at = Timestamp::from_millis(seconds * 1_000).unwrap();
            return Versioned::new(cart.version, Cart { updated_at, ..(*cart.value).clone() });
        }
        if self.is(Fault::ForgetsVersions) {
            return Versioned::new(Version::FIRST, cart.value);
        }
        if self.is(Fault::ReadsOldState) {
            let mut first_read = self.first_read.lock().unwrap_or_else(PoisonError::into_inner);
            return first_read.entry(cart.id).or_insert(cart).clone();
        }
        cart
    }
}

#[async_trait]
impl Store for Faulty {
    async fn setup(&self) -> StoreResult<Option<Setup>> {
        self.store.setup().await
    }

    async fn product(&self, by: &ProductRef) -> StoreResult<Option<ProductInputs>> {
        self.store.product(by).await
    }

    async fn variant(&self, by: &VariantRef) -> StoreResult<Option<Sellable>> {
        let found = self.store.variant(by).await?;
        match by {
            VariantRef::Sku(sku) if found.is_none() && self.is(Fault::FoldsCase) => {
                let folded = VariantRef::Sku(sku.to_lowercase().as_str().try_into().unwrap());
                self.store.variant(&folded).await
            }
            _ => Ok(found),
        }
    }

    async fn sellables(&self, variants: &[VariantId]) -> StoreResult<Vec<Sellable>> {
        self.store.sellables(variants).await
    }

    async fn category(&self, by: &CategoryRef) -> StoreResult<Option<Versioned<Category>>> {
        self.store.category(by).await
    }

    async fn categories(&self) -> StoreResult<Vec<Versioned<Category>>> {
        self.store.categories().await
    }

    async fn cart(&self, id: CartId) -> StoreResult<Option<Versioned<Cart>>> {
        let forgotten = self.purged.load(Ordering::SeqCst);
        let found = self.store.cart(id).await?.map(|cart| self.aged(cart));
        Ok(found.filter(|cart| !(forgotten && cart.status == CartStatus::Open)))
    }

    async fn open_cart(&self, customer: CustomerId) -> StoreResult<Option<Versioned<Cart>>> {
        Ok(self.store.open_cart(customer).await?.map(|cart| self.aged(cart)))
    }

    async fn checkout_inputs(
        &self,
        cart: CartId,
        also: &[VariantId],
    ) -> StoreResult<Option<CheckoutInputs>> {
        let also = if self.is(Fault::LeavesOutVariants) { &[] } else { also };
        self.store.checkout_inputs(cart, also).await
    }

    async fn order(&self, by: &OrderRef) -> StoreResult<Option<OrderInputs>> {
        let mut found = self.store.order(by).await?;
        if let Some(inputs) = &mut found
            && self.is(Fault::DropsAPayment)
        {
            inputs.payments.truncate(1);
        }
        Ok(found)
    }

    async fn customer(&self, by: &CustomerRef) -> StoreResult<Option<Versioned<Customer>>> {
        self.store.customer(by).await
    }

    async fn api_token(&self, by: &ApiTokenRef) -> StoreResult<Option<Versioned<ApiToken>>> {
        self.store.api_token(by).await
    }

    async fn webhook(&self, by: &WebhookRef) -> StoreResult<Option<Versioned<Webhook>>> {
        let forgotten = self.forgot_all_webhooks.load(Ordering::SeqCst);
        let found = self.store.webhook(by).await?;
        Ok(found.filter(|webhook| !(forgotten && webhook.due_at.is_some())))
    }

    async fn outcome(&self, key: &OutcomeKey) -> StoreResult<Option<Outcome>> {
        let mut found = self.store.outcome(key).await?;
        if self.is(Fault::LosesOutcomes) {
            found = None;
        }
        if let Some(outcome) = &mut found
            && self.is(Fault::RewritesOutcomes)
        {
            let value: serde_json::Value = serde_json::from_slice(&outcome.body).unwrap();
            outcome.body = serde_json::to_vec(&value).unwrap();
        }
        Ok(found)
    }

    async fn due(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<Due>> {
        let early = Duration::from_millis(u64::from(self.is(Fault::IsEarly)));
        let limit = if self.is(Fault::IgnoresLimits) { usize::MAX } else { limit };
        self.store.due(now.saturating_add(early), limit).await
    }

    async fn outbox(&self, after: u64, limit: usize) -> StoreResult<Vec<OutboxEntry>> {
        let mut entries = self.store.outbox(after, limit).await?;
        for entry in &mut entries {
            if self.is(Fault::LosesAnEvent) {
                entry.events.pop();
            }
            if self.is(Fault::LosesLowStock) {
                entry.events.retain(|event| !matches!(event, Event::StockLow { .. }));
            }
        }
        Ok(entries)
    }

    async fn subscription(&self, name: &Label) -> StoreResult<Option<Versioned<Subscription>>> {
        self.store.subscription(name).await
    }

    fn bell(&self) -> Bell {
        if self.is(Fault::NeverRings) { Bell::default() } else { self.store.bell() }
    }

    async fn commit(&self, commit: &Commit) -> Result<(), CommitError> {
        if let Some(outcome) = commit.outcome()
            && self.is(Fault::IgnoresTheScope)
        {
            let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = by_key.get(&outcome.key.key) {
                return Err(CommitError::AlreadyDone(found.clone().into()));
            }
            by_key.insert(outcome.key.key.clone(), outcome.clone());
        }
        if let [Write::Replace { expected, new: Record::Subscription(new), .. }] = commit.writes()
            && self.is(Fault::ChecksThenWrites)
        {
            return self.check_then_write(*expected, new).await;
        }
        match (self.store.commit(commit).await, self.fault) {
            (Err(CommitError::Short(_)), Fault::IgnoresFloors)
            | (Err(CommitError::Conflict(_)), Fault::IgnoresConflicts)
            | (Err(CommitError::Taken(_)), Fault::IgnoresUniqueKeys) => Ok(()),
            (Err(error), Fault::AppliesHalf) => {
                let mut half = Commit::at(commit.time());
                for change in commit.moves() {
                    half.stock(change.clone());
                }
                let _ = self.store.commit(&half).await;
                Err(error)
            }
            (answer, _) => answer,
        }
    }

    async fn purge(&self, purge: &Purge) -> StoreResult<u64> {
        self.purged.store(self.is(Fault::ForgetsOpenCarts), Ordering::SeqCst);
        self.forgot_all_webhooks.store(self.is(Fault::ForgetsParkedWebhooks), Ordering::SeqCst);
        self.store.purge(purge).await
    }
}

#[async_trait]
impl Queries for Faulty {
    async fn products(&self, query: &ProductQuery) -> StoreResult<Page<ProductInputs>> {
        let mut query = query.clone();
        if self.is(Fault::IgnoresCursors) {
            query.page.after = None;
        }
        if self.is(Fault::IgnoresZero) {
            query.filter.max_price = query.filter.max_price.filter(|price| *price != 0);
        }
        let wanted = match self.fault {
            Fault::CountsInactiveLocations => query.filter.in_stock.take(),
            _ => None,
        };
        let mut page = self.store.products(&query).await?;
        if let (Some(wanted), Some(setup)) = (wanted, self.store.setup().await?) {
            let opened = |place: &Versioned<Location>| {
                let location = Location { active: true, ..(*place.value).clone() };
                Versioned::new(place.version, location)
            };
            let all: Vec<_> = setup.locations.iter().map(opened).collect();
            page.items.retain(|inputs| inputs.in_stock(&all) == wanted);
        }
        Ok(page)
    }

    async fn orders(&self, query: &OrderQuery) -> StoreResult<Page<OrderInputs>> {
        let mut page = self.store.orders(query).await?;
        if self.is(Fault::SkipsAtPages) && query.page.after.is_some() && page.items.len() > 1 {
            page.items.remove(0);
        }
        Ok(page)
    }

    async fn payments(&self, query: &PaymentQuery) -> StoreResult<Page<PaymentItem>> {
        let mut query = query.clone();
        if self.is(Fault::ListsAllPayments) {
            query.created_before = Timestamp::MAX;
        }
        self.store.payments(&query).await
    }

    async fn webhooks(&self, query: &WebhookQuery) -> StoreResult<Page<Versioned<Webhook>>> {
        let mut query = query.clone();
        if self.is(Fault::ListsAllWebhooks) {
            query.status = None;
        }
        self.store.webhooks(&query).await
    }

    async fn customers(&self, query: &CustomerQuery) -> StoreResult<Page<Versioned<Customer>>> {
        let mut query = query.clone();
        if self.is(Fault::LooksForOneWord) {
            query.text = query.text.map(|text| words(&text).take(1).collect());
        }
        self.store.customers(&query).await
    }

    async fn api_tokens(&self, page: &PageRequest) -> StoreResult<Page<Versioned<ApiToken>>> {
        let mut page = self.store.api_tokens(page).await?;
        if self.is(Fault::HidesWithdrawnTokens) {
            page.items.retain(|token| token.revoked_at.is_none());
        }
        Ok(page)
    }

    async fn stock(
        &self,
        filter: &StockFilter,
        page: &PageRequest,
    ) -> StoreResult<Page<StockItem>> {
        self.store.stock(filter, page).await
    }

    async fn movements(
        &self,
        filter: &MovementFilter,
        page: &PageRequest,
    ) -> StoreResult<Page<Movement>> {
        let mut page = self.store.movements(filter, page).await?;
        if self.is(Fault::ForgetsMovements) {
            page.items.retain(|row| row.delta > 0);
        }
        Ok(page)
    }
}
