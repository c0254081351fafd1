//! What a shop does of itself while it is served: it ends what is overdue, hands events on, compares
//! its books once a day, and forgets what has served its purpose.
//!
//! Each server that shares a shop does so, and none does what another is doing: what is overdue,
//! the events of each subscriber and the books of a day are [claimed](Commerce::claim) before they are
//! touched. If a server dies over them, another goes on when its claim has run out.

mod comparison;

use std::{error::Error as StdError, pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use commerce_core::{
    Commerce, Error, Lease, Subscriber, Swept,
    event::Event,
    store::{Due, Listener, OutboxEntry, Purge},
    text::{Label, TextError},
};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::comparison::compare;
use crate::{frame::chain, metrics::EVENTS};

/// How often the work is done, and how long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// How often to look for orders and carts whose time is up.
    pub sweep_every: Duration,
    /// How often to look for events to hand on that nobody has told this server of.
    pub relay_every: Duration,
    /// How often to forget what has served its purpose.
    pub purge_every: Duration,
    /// How long what was answered under an idempotency key is kept.
    pub outcomes_kept: Duration,
    /// How long carts are kept that were checked out, merged or have expired.
    pub carts_kept: Duration,
    /// How long webhooks are kept that were looked into, so that somebody can find out what happened.
    pub webhooks_kept: Duration,
}

impl Default for Schedule {
    /// Sweeps every 5 seconds, relays every second, purges every 10 minutes; keeps outcomes for two
    /// days, closed carts for 90 and webhooks for 30.
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            sweep_every: Duration::from_secs(5),
            relay_every: Duration::from_secs(1),
            purge_every: Duration::from_secs(600),
            outcomes_kept: 2 * DAY,
            carts_kept: 90 * DAY,
            webhooks_kept: 30 * DAY,
        }
    }
}

/// The work on one shop, until it is stopped.
#[derive(Debug)]
pub struct Background {
    stopping: CancellationToken,
    work: TaskTracker,
}

/// How often to look whether there are days whose books are still to be compared.
const COMPARE_EVERY: Duration = Duration::from_secs(3600);

/// How much is done between two looks at whether to stop.
const BATCH: usize = 256;

/// How much of what is due is dealt with at a time.
const SWEPT_AT_ONCE: usize = 64;

/// How long events gather before they are handed on, when they come one after the other.
const GATHER: Duration = Duration::from_millis(20);

impl Background {
    /// Begins the work, within a tokio runtime.
    ///
    /// Each of the subscribers is told of every event. What all of them have seen is forgotten, so
    /// they must be all that there are.
    pub fn start(
        commerce: &Commerce,
        schedule: Schedule,
        subscribers: Vec<Arc<dyn Subscriber>>,
    ) -> Self {
        let (stopping, work) = (CancellationToken::new(), TaskTracker::new());
        let sweeping = commerce.clone();
        work.spawn(every(schedule.sweep_every, None, "sweep", stopping.clone(), move || {
            let commerce = sweeping.clone();
            async move { sweep(&commerce).await }
        }));
        let bell = commerce.store().bell();
        for subscriber in &subscribers {
            let (commerce, subscriber) = (commerce.clone(), subscriber.clone());
            let told = Some(bell.listen());
            work.spawn(every(schedule.relay_every, told, "relay", stopping.clone(), move || {
                let (commerce, subscriber) = (commerce.clone(), subscriber.clone());
                async move {
                    let relayed = commerce.relay(&*subscriber, BATCH).await?;
                    Ok(relayed.entries >= BATCH)
                }
            }));
        }
        let (comparing, stop) = (commerce.clone(), stopping.clone());
        work.spawn(every(COMPARE_EVERY, None, "compare", stopping.clone(), move || {
            let (commerce, stop) = (comparing.clone(), stop.clone());
            async move { compare(&commerce, &stop).await }
        }));
        let purging = commerce.clone();
        work.spawn(every(schedule.purge_every, None, "purge", stopping.clone(), move || {
            let (commerce, subscribers) = (purging.clone(), subscribers.clone());
            async move { purge(&commerce, schedule, &subscribers).await }
        }));
        work.close();
        Self { stopping, work }
    }

    /// Ends the work, once what is being done is done.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.work.wait().await;
    }
}

/// Works now and then at intervals and when a bell is rung, and again at once while there is more to
/// do.
async fn every<F>(
    period: Duration,
    mut told: Option<Listener>,
    what: &'static str,
    stopping: CancellationToken,
    work: impl Fn() -> F,
) where
    F: Future<Output = Result<bool, Error>>,
{
    let mut due = interval(period);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            _ = due.tick() => {}
            () = rung(&mut told) => {}
        }
        while !stopping.is_cancelled() {
            match work().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let error = chain(&error);
                    tracing::error!(target: "commerce_http::background", what, error, "failed");
                    break;
                }
            }
        }
        if told.is_some() {
            let _ = stopping.run_until_cancelled(sleep(GATHER)).await;
        }
    }
}

async fn rung(told: &mut Option<Listener>) {
    match told {
        Some(listener) => listener.rung().await,
        None => std::future::pending().await,
    }
}

async fn sweep(commerce: &Commerce) -> Result<bool, Error> {
    let due = commerce.store().due(commerce.moment().now(), 1).await?;
    if due.is_empty() {
        return Ok(false);
    }
    let Some(lease) = commerce.claim(&label("sweep")?).await? else { return Ok(false) };
    let work = async {
        // Another server may have been at it until now.
        let due = commerce.store().due(commerce.moment().now(), BATCH).await?;
        let dealing = due.into_iter().map(|due| {
            let commerce = commerce.clone();
            async move { (due, commerce.deal_with(due).await) }
        });
        dealt_with(dealing).await
    };
    let (swept, lease) = held(commerce, lease, Commerce::LEASE / 2, work).await?;
    // A claim that cannot be given back ends by itself.
    let _ = commerce.release(lease).await;
    let Swept { orders, carts, payments, webhooks } = swept?;
    let any = orders + carts + payments + webhooks > 0;
    if any {
        tracing::info!(
            target: "commerce_http::background",
            orders, carts, payments, webhooks, "dealt with what was overdue"
        );
    }
    Ok(any)
}

/// Deals with all that is due, as [`Commerce::sweep`] does, but with several at a time: a gateway that
/// hangs keeps each of its payments for half a minute, and is not to keep what is due beside them.
async fn dealt_with<F>(dealing: impl Iterator<Item = F>) -> Result<Swept, Error>
where
    F: Future<Output = (Due, Result<bool, Error>)>,
{
    let mut dealt = pin!(stream::iter(dealing).buffer_unordered(SWEPT_AT_ONCE));
    let (mut swept, mut failed) = (Swept::default(), None);
    while let Some((due, done)) = dealt.next().await {
        failed = failed.or(swept.note(due, done));
    }
    failed.map_or(Ok(swept), Err)
}

/// Does something that may take longer than a lease lasts, which is renewed again and again.
async fn held<T>(
    commerce: &Commerce,
    mut lease: Lease,
    renew_every: Duration,
    work: impl Future<Output = T>,
) -> Result<(T, Lease), Error> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok((done, lease)),
            () = sleep(renew_every) => lease = commerce.renew(lease).await?,
        }
    }
}

fn label(name: &str) -> Result<Label, Error> {
    name.parse().map_err(|error: TextError| Error::Internal(error.into()))
}

async fn purge(
    commerce: &Commerce,
    schedule: Schedule,
    subscribers: &[Arc<dyn Subscriber>],
) -> Result<bool, Error> {
    let mut outbox_through = u64::MAX;
    for subscriber in subscribers {
        let reached = commerce.store().subscription(&subscriber.name()).await?;
        outbox_through = outbox_through.min(reached.map_or(0, |reached| reached.position));
    }
    let now = commerce.moment().now();
    let purge = Purge {
        outcomes_before: now.saturating_sub(schedule.outcomes_kept),
        // Without subscribers nothing is known to be seen.
        outbox_through: if subscribers.is_empty() { 0 } else { outbox_through },
        carts_before: now.saturating_sub(schedule.carts_kept),
        webhooks_before: now.saturating_sub(schedule.webhooks_kept),
    };
    let forgotten = commerce.purge(&purge).await?;
    tracing::debug!(target: "commerce_http::background", forgotten, "purged");
    Ok(false)
}

/// Writes every event to the log and counts it by its type.
///
/// Orders, payments, low stock and the shop itself are logged at `info`, what happens all the time
/// at `debug`, under the target `commerce_http::event`.
#[derive(Debug, Clone)]
pub struct EventLog {
    name: Label,
}

impl EventLog {
    /// A subscriber under a name, by which the shop remembers how far it has come.
    pub fn new(name: Label) -> Self {
        Self { name }
    }
}

#[async_trait]
impl Subscriber for EventLog {
    fn name(&self) -> Label {
        self.name.clone()
    }

    async fn receive(&self, entry: &OutboxEntry) -> Result<(), Box<dyn StdError + Send + Sync>> {
        for event in &entry.events {
            note(event, entry)?;
        }
        Ok(())
    }
}

fn note(event: &Event, entry: &OutboxEntry) -> Result<(), serde_json::Error> {
    let value = serde_json::to_value(event)?;
    let name = value.get("type").and_then(Value::as_str).unwrap_or_default();
    metrics::counter!(EVENTS, "type" => name.to_owned()).increment(1);
    let (position, at) = (entry.position, entry.at);
    let noteworthy = ["order.", "payment.", "shop.", "stock.low"];
    if noteworthy.iter().any(|prefix| name.starts_with(prefix)) {
        tracing::info!(target: "commerce_http::event", name, position, %at, event = %value);
    } else {
        tracing::debug!(target: "commerce_http::event", name, position, %at, event = %value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use commerce_core::{
        access::Caller,
        cart::CreateCart,
        currency::Currency,
        inputs::{SeededIds, SteppedClock},
        shop::Shop,
        store::MemoryStore,
        time::Timestamp,
    };
    use tokio::sync::Notify;

    use super::*;

    /// Keeps what it is told.
    #[derive(Debug, Default)]
    struct Witness {
        told: Mutex<Vec<String>>,
        any: Notify,
    }

    #[async_trait]
    impl Subscriber for Witness {
        fn name(&self) -> Label {
            Label::new("witness").unwrap()
        }

        async fn receive(
            &self,
            entry: &OutboxEntry,
        ) -> Result<(), Box<dyn StdError + Send + Sync>> {
            let names = entry.events.iter().map(|event| {
                serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned()
            });
            self.told.lock().unwrap().extend(names);
            self.any.notify_one();
            Ok(())
        }
    }

    const DAY: Duration = Duration::from_secs(86_400);

    #[tokio::test]
    async fn what_is_overdue_ends_and_what_everybody_has_seen_is_forgotten() {
        let clock = Arc::new(SteppedClock::new(Timestamp::UNIX_EPOCH));
        let commerce = Commerce::new(MemoryStore::new(), clock.clone(), SeededIds::new(1));
        commerce.open(Shop::new("Test", Currency::EUR).unwrap()).await.unwrap();
        commerce.create_cart(&Caller::anonymous(), &CreateCart::default()).await.unwrap();
        clock.advance(31 * DAY);
        let witness = Arc::new(Witness::default());
        let often = Duration::from_millis(1);
        let schedule = Schedule {
            sweep_every: often,
            relay_every: often,
            purge_every: often,
            outcomes_kept: DAY,
            carts_kept: DAY,
            webhooks_kept: DAY,
        };
        let log = EventLog::new(Label::new("log").unwrap());
        let subscribers: Vec<Arc<dyn Subscriber>> = vec![witness.clone(), Arc::new(log)];
        let background = Background::start(&commerce, schedule, subscribers);
        while witness.told.lock().unwrap().last().is_none_or(|last| last != "cart.expired") {
            witness.any.notified().await;
        }
        // The purge waits for both subscribers.
        while !commerce.store().outbox(0, 1).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        background.stop().await;
        assert_eq!(*witness.told.lock().unwrap(), ["shop.updated", "cart.created", "cart.expired"]);
    }

    #[tokio::test]
    async fn what_takes_long_keeps_nothing_that_is_due_beside_it() {
        let commerce = Commerce::new(
            MemoryStore::new(),
            SteppedClock::new(Timestamp::UNIX_EPOCH),
            SeededIds::new(1),
        );
        let hangs = &Notify::new();
        let due = [
            Due::Payment(commerce.moment().id()),
            Due::Order(commerce.moment().id()),
            Due::Cart(commerce.moment().id()),
        ];
        let dealing = due.into_iter().map(|due| async move {
            let done = match due {
                Due::Payment(_) => {
                    hangs.notified().await;
                    Ok(true)
                }
                Due::Order(_) => Err(Error::Contention),
                _ => {
                    hangs.notify_one();
                    Ok(true)
                }
            };
            (due, done)
        });
        assert!(matches!(dealt_with(dealing).await, Err(Error::Contention)));
    }

    #[tokio::test]
    async fn what_takes_longer_than_a_lease_keeps_it() {
        let clock = Arc::new(SteppedClock::new(Timestamp::UNIX_EPOCH));
        let commerce = Commerce::new(MemoryStore::new(), clock.clone(), SeededIds::new(1));
        let name = label("long").unwrap();
        let lease = commerce.claim(&name).await.unwrap().unwrap();
        let until = async || {
            let known = commerce.store().subscription(&name).await.unwrap().unwrap();
            known.leased_until.unwrap()
        };
        let work = async {
            for _ in 0..3 {
                let before = until().await;
                clock.advance(Commerce::LEASE / 2);
                while until().await == before {
                    tokio::task::yield_now().await;
                }
                assert!(commerce.claim(&name).await.unwrap().is_none());
            }
        };
        let often = Duration::from_millis(1);
        let ((), lease) = held(&commerce, lease, often, work).await.unwrap();
        commerce.finish(lease, 7).await.unwrap();
        assert_eq!(commerce.claim(&name).await.unwrap().unwrap().position(), 7);
    }
}
