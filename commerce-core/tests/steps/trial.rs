//! One scenario with faults at some of its steps, and what must be true afterwards; and all of them.
//!
//! A step is a point at which the program commits to its store or asks its provider. At each one it
//! can die before, die after, be told that nothing happened, or be left without an answer although it
//! happened, or although it did not; at a read, which changes nothing, it can only be told no. Then the process starts again,
//! the client asks the same once more or has gone, time passes, and the sweep does the rest.
//!
//! Single faults are tried, and pairs of them, wherever the first one leads: by `STEPS_EVERY=1` all of
//! them, otherwise so many as there is time for. With `STEPS_SCENARIO`, only the scenarios whose names
//! have these words.

use std::{
    cell::Cell,
    collections::BTreeSet,
    num::NonZeroUsize,
    panic::resume_unwind,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use commerce_core::{
    access::Caller,
    gateway::Reply,
    id::{CartId, OrderId, PaymentId, VariantId},
    order::OrderInputs,
    payment::{CapturePolicy, PaymentFlow},
    time::Timestamp,
};

use crate::{
    EVERY, Kept, fresh,
    scenario::{Scenario, scenarios},
    support::{World, faults::Shared, key},
    till::{
        DAY, MINUTE, Till,
        audit::{Audit, ensure},
        fate::Fault,
        open,
        request::{Answer, Ask, DIRECT, Request, by},
    },
};

/// The units that there are of what is bought, and those that are bought.
pub(crate) const UNITS: i64 = 3;
pub(crate) const BOUGHT: i64 = 2;
pub(crate) const PRICE: i64 = 1_999;
pub(crate) const TOTAL: i64 = BOUGHT * PRICE;

/// The most often that somebody asks the same again.
const PATIENCE: usize = 8;

/// So many steps there are, single faults and pairs of them, and not fewer.
const NAMES_MIN: usize = 41;
const SINGLES_MIN: usize = 4_000;
const PAIRS_MIN: usize = 139_000;

/// So many trials are made in one shop.
const TRIALS: u64 = 64;

/// Why a scenario goes no further.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Whoever asked has gone.
    Gone,
    /// What must not be.
    Wrong(String),
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

/// What must have come of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// What the shop has of the customer's money, once everything is at an end.
    pub(crate) kept: i64,
    /// Whether the order is cancelled by then.
    pub(crate) cancelled: bool,
}

/// A guest who wants to buy something, in a shop where something goes wrong.
pub(crate) struct Trial {
    pub(crate) till: Till,
    pub(crate) variant: VariantId,
    /// The units that there would be of it if none were sold.
    pub(crate) units: Cell<i64>,
    guest: Caller,
    /// The guest's cart.
    pub(crate) cart: CartId,
    /// Whether whoever gets no answer asks the same again.
    patient: bool,
    since: Timestamp,
}

impl Trial {
    pub(crate) fn checkout(&self) -> Result<OrderId, Stop> {
        self.checkout_by(DIRECT)
    }

    pub(crate) fn checkout_by(&self, flow: PaymentFlow) -> Result<OrderId, Stop> {
        match self.ask("checkout", Ask::Checkout { cart: self.cart, choice: by(flow) })? {
            Answer::Done(_) => Ok(self.order()?.order.id),
            answer => Err(Stop::Wrong(format!("the checkout is {answer:?}"))),
        }
    }

    /// A checkout whose payment is declined.
    pub(crate) fn declined(&self) -> Result<OrderId, Stop> {
        match self.ask("checkout", Ask::Checkout { cart: self.cart, choice: by(DIRECT) })? {
            Answer::Refused(_) => Ok(self.order()?.order.id),
            answer => Err(Stop::Wrong(format!("the checkout is {answer:?}"))),
        }
    }

    pub(crate) fn done(&self, what: &str, ask: Ask) -> Result<(), Stop> {
        match self.ask(what, ask)? {
            Answer::Done(_) => Ok(()),
            answer => Err(Stop::Wrong(format!("{what} is {answer:?}"))),
        }
    }

    /// Asks, until there is an answer if whoever asks is patient. An answer is the same for ever.
    pub(crate) fn ask(&self, what: &str, ask: Ask) -> Result<Answer, Stop> {
        // What is not the guest's is the back office's.
        let theirs = match ask {
            Ask::Checkout { cart, .. } => cart == self.cart,
            Ask::PayAgain { order, .. } => self.till.order(order).order.cart_id == self.cart,
            _ => false,
        };
        let who = if theirs { &self.guest } else { &self.till.sound.system };
        let name = format!("{what} of {}", self.cart);
        let request = Request { who: who.clone().with_key(key(&name)), ask };
        let mut answer = Answer::Unclear;
        for tries in 0..if self.patient { PATIENCE } else { 1 } {
            answer = self.till.ask(&request, tries);
            if answer != Answer::Unclear {
                break;
            }
            self.till.wait(MINUTE);
        }
        match &answer {
            Answer::Unclear if self.patient => Err(Stop::Wrong("never an answer".to_owned())),
            Answer::Unclear => Err(Stop::Gone),
            Answer::Wrong(why) => Err(Stop::Wrong(why.clone())),
            Answer::Done(first) => match self.till.ask(&request, 0) {
                Answer::Done(again) if again != *first => {
                    Err(Stop::Wrong(format!("another answer to {what}:\n{first}\n{again}")))
                }
                Answer::Done(_) | Answer::Unclear => Ok(answer),
                other => Err(Stop::Wrong(format!("{what} was done, and then {other:?}"))),
            },
            Answer::Refused(_) => Ok(answer),
        }
    }

    /// The one order that there is.
    pub(crate) fn order(&self) -> Result<OrderInputs, String> {
        let mut orders = self.orders();
        ensure!(orders.len() == 1, "{} orders, and not one", orders.len());
        orders.pop().ok_or_else(String::new)
    }

    fn orders(&self) -> Vec<OrderInputs> {
        self.till.orders(self.since)
    }

    /// The payment that the customer is to pay now.
    pub(crate) fn payment(&self) -> Result<PaymentId, Stop> {
        let order = self.order()?;
        order.payments.last().map(|it| it.id).ok_or_else(|| Stop::Wrong("no payment".to_owned()))
    }

    /// Hands the webhooks over that there are so far, each until somebody says that it is recorded.
    pub(crate) fn deliver(&self) -> Result<(), Stop> {
        for n in 0..self.till.bank.books.webhooks() {
            for _ in 0..PATIENCE {
                if self.till.deliver(n)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// One turn of the sweep, of which something may go wrong.
    pub(crate) fn sweep(&self) {
        self.till.fate.tell("  sweep");
        self.till.run(self.till.shop.sweep(100));
    }

    fn judge(&self, scenario: &Scenario) -> Result<(), String> {
        let end = match (scenario.play)(self) {
            Ok(end) => Some(end),
            Err(Stop::Gone) => None,
            Err(Stop::Wrong(why)) => return Err(why),
        };
        // The sweep that comes next can fail as well.
        self.till.wait(2 * MINUTE);
        self.sweep();
        self.till.wait(20 * MINUTE);
        self.sweep();
        let stock = [(self.variant, self.units.get())];
        let audit = || Audit::of(&self.till, self.orders());
        audit().now(&stock)?;
        self.till.recover()?;
        audit().now(&stock)?;
        audit().settled()?;
        self.till.finish()?;
        audit().now(&stock)?;
        audit().settled()?;
        audit().ended()?;
        if let Some(end) = end {
            let order = self.order()?.order;
            let kept = audit().kept(order.id);
            let found = End { kept, cancelled: order.cancelled_at.is_some() };
            ensure!(found == end, "{found:?}, and not {end:?}");
        }
        Ok(())
    }
}

/// A fault at the step of a number.
type Plan = Vec<(usize, Fault)>;

/// A step as it was passed: its name, and whether something happens there.
type Passed = Vec<(String, bool)>;

struct Stage {
    store: Shared,
    world: Option<World>,
    trials: u64,
    _kept: Kept,
}

impl Stage {
    fn new(capture: CapturePolicy) -> Self {
        let (store, kept) = fresh();
        let store = Shared::over(store);
        let world = open(&store, 1, capture);
        Self { store, world: Some(world), trials: 0, _kept: kept }
    }

    /// Plays a scenario with these faults; answers the steps that were passed.
    fn play(
        &mut self,
        scenario: &Scenario,
        plan: &Plan,
        patient: bool,
    ) -> (Result<(), String>, Passed, String) {
        self.trials += 1;
        let world = self.world.take().unwrap();
        // Nothing of the one before is under way any more.
        world.clock.advance(DAY);
        let since = world.now();
        let variant = world.sell(&format!("V{}", self.trials), PRICE, UNITS);
        let (guest, cart) = world.guest();
        world.add(&guest, cart, variant, BOUGHT).unwrap();
        world.ready(&guest, cart);
        let till = Till::new(&self.store, world, None);
        let mut replies: Vec<Reply> = scenario.replies.iter().rev().map(|reply| reply()).collect();
        till.bank.replies(move |_| replies.pop().unwrap_or(Reply::Accept));
        let passed = Arc::new(Mutex::new(Passed::new()));
        let (log, faults) = (passed.clone(), plan.clone());
        till.fate.roll(move |point| {
            let mut log = log.lock().unwrap();
            let at = log.len();
            log.push((point.name.to_owned(), point.acts));
            faults.iter().find(|(step, _)| *step == at).map(|(_, fault)| *fault)
        });
        let trial = Trial { till, variant, units: Cell::new(UNITS), guest, cart, patient, since };
        let judged = trial.judge(scenario);
        let story = trial.till.fate.story();
        let (shop, clock) = (trial.till.sound.shop, trial.till.sound.clock);
        self.world = Some(World { shop, clock, system: Caller::system() });
        let passed = std::mem::take(&mut *passed.lock().unwrap());
        (judged, passed, story)
    }
}

/// What can befall a program at a step.
fn faults(acts: bool) -> &'static [Fault] {
    if acts { &Fault::ALL } else { &[Fault::Fails] }
}

/// Plays a scenario with every single fault, and with one in so many pairs of those and another; answers
/// the steps, and how many there are of each.
fn play_all(scenario: &Scenario, every: usize) -> (BTreeSet<String>, usize, usize) {
    let mut stage = Stage::new(scenario.capture);
    let mut turn = 0;
    let mut names = BTreeSet::new();
    let (mut singles, mut pairs) = (0, 0);
    let mut play = |plan: &Plan, patient| {
        if stage.trials == TRIALS {
            stage = Stage::new(scenario.capture);
        }
        let (judged, passed, story) = stage.play(scenario, plan, patient);
        if let Err(why) = judged {
            let who = if patient { "who asks again" } else { "who goes" };
            panic!("{} with {plan:?} and a client {who}:\n{story}\n{why}", scenario.name);
        }
        passed
    };
    let steps = play(&vec![], true);
    for (first, (name, acts)) in steps.iter().enumerate() {
        names.insert(name.clone());
        for fault in faults(*acts) {
            for patient in [true, false] {
                singles += 1;
                let then = play(&vec![(first, *fault)], patient);
                for (second, (name, acts)) in then.iter().enumerate().skip(first + 1) {
                    names.insert(name.clone());
                    for other in faults(*acts) {
                        turn += 1;
                        if turn % every == 0 {
                            play(&vec![(first, *fault), (second, *other)], patient);
                        }
                        pairs += 1;
                    }
                }
            }
        }
    }
    (names, singles, pairs)
}

#[test]
fn whatever_befalls_a_shop_at_any_two_steps_money_orders_and_stock_agree() {
    let every = std::env::var("STEPS_EVERY").map_or(EVERY, |every| every.parse().unwrap());
    let fair = every == 1 || !every.is_multiple_of(Fault::ALL.len());
    assert!(fair, "each fault is to have its turn");
    let words = std::env::var("STEPS_SCENARIO").unwrap_or_default();
    let next = AtomicUsize::new(0);
    let scenarios: Vec<_> =
        scenarios().into_iter().filter(|scenario| scenario.name.contains(&words)).collect();
    let work = || {
        let mut all = Vec::new();
        while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (names, singles, pairs) = play_all(scenario, every);
            println!("{}: {singles} single faults, {pairs} pairs", scenario.name);
            all.push((names, singles, pairs));
        }
        all
    };
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let all: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|it| it.join().unwrap_or_else(|why| resume_unwind(why)))
            .collect()
    });
    let names: BTreeSet<_> = all.iter().flat_map(|(names, ..)| names).cloned().collect();
    let singles: usize = all.iter().map(|(_, singles, _)| singles).sum();
    let pairs: usize = all.iter().map(|(.., pairs)| pairs).sum();
    println!("{} steps:\n  {}", names.len(), Vec::from_iter(names.clone()).join("\n  "));
    println!("{singles} single faults,");
    println!("and {pairs} pairs of those and another, of which one in {every} was played");
    // Whoever makes steps disappear from the sight of this test is told.
    let seen = names.len() >= NAMES_MIN && singles >= SINGLES_MIN && pairs >= PAIRS_MIN;
    assert!(seen || (!words.is_empty() && pairs > 0));
}
