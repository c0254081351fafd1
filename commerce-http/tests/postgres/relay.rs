//! Two servers hand on the events of one shop: each event, in order, and one server at a time.

use std::{
    error::Error as StdError,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use commerce_core::{
    Commerce, Subscriber,
    access::Caller,
    cart::CreateCart,
    currency::Currency,
    inputs::{Clock, SeededIds, SteppedClock},
    shop::Shop,
    store::OutboxEntry,
    text::Label,
    time::Timestamp,
};
use commerce_http::background::{Background, Schedule};
use tokio::{runtime::Runtime, sync::Notify};

use super::{
    common::{Schema, address, block_on, number, run},
    left_out,
};

/// What both servers hand over to, each through a door of its own.
#[derive(Debug, Default)]
struct Diary {
    seen: Mutex<Vec<(usize, u64)>>,
    /// How many are handing over.
    busy: AtomicUsize,
    any: Notify,
    /// Whether the next to hand over never comes back.
    sticks: AtomicBool,
}

#[derive(Debug, Clone)]
struct Door {
    server: usize,
    diary: Arc<Diary>,
}

#[async_trait]
impl Subscriber for Door {
    fn name(&self) -> Label {
        Label::new("diary").unwrap()
    }

    async fn receive(&self, entry: &OutboxEntry) -> Result<(), Box<dyn StdError + Send + Sync>> {
        assert_eq!(self.diary.busy.fetch_add(1, Ordering::SeqCst), 0, "two at a time");
        // Asked for now: who has seen the entry may ask for it with the next one.
        let sticks = self.diary.sticks.swap(false, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.diary.seen.lock().unwrap().push((self.server, entry.position));
        self.diary.busy.fetch_sub(1, Ordering::SeqCst);
        self.diary.any.notify_waiters();
        if sticks {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

/// A server without its HTTP: a store, and the work in the background.
struct Server {
    commerce: Commerce,
    runtime: Option<Runtime>,
    _background: Background,
}

impl Server {
    fn start(
        number: usize,
        schema: &Schema,
        clock: Arc<SteppedClock>,
        diary: &Arc<Diary>,
        poll: Duration,
    ) -> Self {
        let runtime = Runtime::new().unwrap();
        let store = runtime.block_on(schema.options().open(&address())).unwrap();
        let commerce = Commerce::new(store, clock, SeededIds::new(number as u64));
        let schedule = Schedule { relay_every: poll, ..Schedule::default() };
        let door = Door { server: number, diary: diary.clone() };
        let _inside = runtime.enter();
        let background = Background::start(&commerce, schedule, vec![Arc::new(door)]);
        Self { commerce, runtime: Some(runtime), _background: background }
    }

    /// Ends as a process does that is killed: whatever it is at.
    fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

/// Waits until something is so; what the diary sees is looked at each time it sees something.
fn until(diary: &Diary, so: impl Fn(&[(usize, u64)]) -> bool) {
    block_on(async {
        loop {
            let any = diary.any.notified();
            let mut any = std::pin::pin!(any);
            any.as_mut().enable();
            if so(&diary.seen.lock().unwrap()) {
                return;
            }
            tokio::time::timeout(Duration::from_secs(30), any).await.unwrap();
        }
    });
}

fn make_carts(servers: &[&Commerce], count: usize) {
    std::thread::scope(|scope| {
        for commerce in servers {
            scope.spawn(|| {
                for _ in 0..count {
                    let request = CreateCart::default();
                    block_on(commerce.create_cart(&Caller::anonymous(), &request)).unwrap();
                }
            });
        }
    });
}

/// A poll that comes too late for any of these tests.
const NEVER: Duration = Duration::from_secs(3600);

#[test]
fn each_event_is_handed_over_once_by_one_server_and_by_the_other_if_that_dies() {
    if left_out() {
        return;
    }
    let (schema, diary) = (Schema::new(), Arc::new(Diary::default()));
    let clock = Arc::new(SteppedClock::new(Timestamp::UNIX_EPOCH));
    let start = |number| Server::start(number, &schema, clock.clone(), &diary, NEVER);
    let [one, other] = [start(1), start(2)];
    block_on(one.commerce.open(Shop::new("Test", Currency::EUR).unwrap())).unwrap();
    make_carts(&[&one.commerce, &other.commerce], 200);
    until(&diary, |seen| seen.len() == 401);
    let positions: Vec<_> = diary.seen.lock().unwrap().iter().map(|(_, at)| *at).collect();
    assert_eq!(positions, (1..=401).collect::<Vec<_>>(), "each once, in order");

    // One dies while it hands something over, and had noted nothing of it yet.
    diary.sticks.store(true, Ordering::SeqCst);
    make_carts(&[&one.commerce], 1);
    until(&diary, |seen| seen.len() == 402);
    let stuck = diary.seen.lock().unwrap().last().unwrap().0;
    let [dead, alive] = if stuck == 1 { [one, other] } else { [other, one] };
    dead.kill();
    // Nobody takes over before the claim has run out; then the next event is reason enough to look.
    make_carts(&[&alive.commerce], 1);
    let subscription = || {
        let name = Label::new("diary").unwrap();
        block_on(alive.commerce.store().subscription(&name)).unwrap().unwrap()
    };
    assert_eq!(subscription().position, 401);
    assert!(subscription().leased_until.is_some_and(|until| until > clock.now()));
    clock.advance(Commerce::LEASE);
    make_carts(&[&alive.commerce], 1);
    until(&diary, |seen| seen.last().is_some_and(|(_, position)| *position == 404));
    let rest: Vec<_> = diary.seen.lock().unwrap()[401..].to_vec();
    let alive = 3 - stuck;
    assert_eq!(rest, [(stuck, 402), (alive, 402), (alive, 403), (alive, 404)]);
}

#[test]
fn what_nobody_is_told_of_is_found_all_the_same() {
    if left_out() {
        return;
    }
    let (schema, diary) = (Schema::new(), Arc::new(Diary::default()));
    let clock = Arc::new(SteppedClock::new(Timestamp::UNIX_EPOCH));
    let often = Duration::from_millis(20);
    let server = Server::start(1, &schema, clock, &diary, often);
    block_on(server.commerce.open(Shop::new("Test", Currency::EUR).unwrap())).unwrap();
    until(&diary, |seen| seen.len() == 1);
    // As if the notification had been lost.
    let mut silent = schema.connect();
    run(
        &mut silent,
        "UPDATE commerce_counters SET value = value + 1 WHERE name = 'outbox';
        INSERT INTO commerce_outbox (position, at, events)
            VALUES (2, now(), '[{\"type\": \"shop.updated\"}]')",
    );
    until(&diary, |seen| seen == [(1, 1), (1, 2)]);
    assert_eq!(number(&mut silent, "SELECT max(position) FROM commerce_outbox"), 2);
}
