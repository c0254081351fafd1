//! A shop that takes cards, of which everything that meets the outside can go wrong, and the audit of
//! what must be true of it all the same.

#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) mod audit;
pub(crate) mod books;
pub(crate) mod dice;
pub(crate) mod fate;
pub(crate) mod request;
pub(crate) mod story;
pub(crate) mod vault;
pub(crate) mod wires;
pub(crate) mod zoo;

use std::time::Duration;

use commerce_core::{
    Commerce, Error,
    id::{CustomerId, OrderId},
    inputs::SeededIds,
    order::{OrderInputs, PaymentTerms},
    payment::{CapturePolicy, PaymentStatus},
    shop::Shop,
    store::{CustomerRef, Due, OrderFilter, OrderQuery, OrderRef, PageRequest},
    text::{GatewayName, Label},
    time::Timestamp,
};
use pollster::block_on;

use self::{
    fate::{Fate, Task},
    request::{Answer, Ask, Request},
    wires::{Bank, GatewayLine, StoreLine},
    zoo::{Adapter, Bug},
};
use crate::support::{World, faults::Shared};

/// The gateway that everything is paid by.
pub(crate) fn wire() -> GatewayName {
    GatewayName::new("wire").unwrap()
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A shop that takes cards.
pub(crate) struct Till {
    /// The mistake that it has, if any.
    bug: Option<Bug>,
    pub(crate) fate: Fate,
    pub(crate) bank: Bank,
    adapter: Adapter,
    /// The shop as people meet it.
    pub(crate) shop: Commerce,
    /// Another server of it.
    other: Commerce,
    /// The same shop, of which nothing goes wrong.
    pub(crate) sound: World,
}

/// A shop in a store, before it takes cards.
pub(crate) fn open(store: &Shared, seed: u64, capture: CapturePolicy) -> World {
    let w = World::over(store.sound(), seed);
    w.configure(|shop: &mut Shop| {
        shop.payment_terms.insert(wire(), PaymentTerms::Prepaid { days: 2 });
        shop.capture.insert(wire(), capture);
    });
    w
}

impl Till {
    /// The till of a shop that is [open](open), from now on with a provider of its own.
    pub(crate) fn new(store: &Shared, w: World, bug: Option<Bug>) -> Self {
        Self::under(Fate::default(), store, w, bug)
    }

    /// One whose fate somebody else looks at.
    pub(crate) fn under(fate: Fate, store: &Shared, w: World, bug: Option<Bug>) -> Self {
        let bank = Bank::new(wire());
        let line = GatewayLine { fate: fate.clone(), bank: bank.clone() };
        let adapter = Adapter::new(bug, line, w.clock.clone());
        // An id that comes again would be another's.
        let seed = u64::try_from(w.now().as_millis()).unwrap();
        let server = |seed| {
            let line = StoreLine { bug, fate: fate.clone(), bank: bank.clone() };
            let shop = Commerce::new(store.through(line), w.clock.clone(), SeededIds::new(seed));
            shop.with_gateway(adapter.clone())
        };
        let (shop, other) = (server(seed), server(!seed));
        let sound = w.with(|shop| shop.with_gateway(bank.books.clone()));
        Self { bug, fate, bank, adapter, shop, other, sound }
    }

    /// Does something to its end; `None` if it died on the way.
    pub(crate) fn run<'a, T: 'a>(&self, task: impl Future<Output = T> + Send + 'a) -> Option<T> {
        let task: Task<'a, T> = Box::pin(task);
        self.fate.run(task)
    }

    /// Asks once. Whoever dies gives no answer. `tries` is how often that was asked before.
    pub(crate) fn ask(&self, request: &Request, tries: usize) -> Answer {
        self.fate.tell(format!("  {:?}", request.ask));
        let answer = self.run(self.perform(0, request, tries)).unwrap_or(Answer::Unclear);
        self.fate.tell(format!("  -> {}", short(&answer)));
        answer
    }

    /// What one of the servers answers. What one is asking its gateway for, the others do not know.
    pub(crate) async fn perform(&self, server: usize, request: &Request, tries: usize) -> Answer {
        let mut request = request.clone();
        request.who = zoo::again_under(self.bug, &request.who, tries);
        if let Ask::RefundUnits { order, line, units } = request.ask
            && self.bug == Some(Bug::RoundsAlone)
            && let Some(ask) = zoo::refund_of_part(&self.sound.shop, order, line, units).await
        {
            request.ask = ask;
        }
        request.perform(if server.is_multiple_of(2) { &self.shop } else { &self.other }).await
    }

    /// Hands a webhook over; answers whether the shop has it.
    pub(crate) fn deliver(&self, n: usize) -> Result<bool, String> {
        self.fate.tell(format!("  webhook {n}"));
        self.run(self.receive(n)).unwrap_or(Ok(false))
    }

    pub(crate) async fn receive(&self, n: usize) -> Result<bool, String> {
        let Some((id, told)) = self.bank.told(n) else { return Ok(false) };
        match self.bug {
            Some(Bug::TrustsWebhooks) => self.adapter.hear(id, told.clone()),
            Some(Bug::DropsEarlyWebhooks) => {
                let found = self.sound.shop.store().order(&OrderRef::Payment(id)).await;
                let known = |of: OrderInputs| !of.payment(Some(id)).unwrap().references.is_empty();
                if !found.unwrap().is_some_and(known) {
                    self.adapter.throw_away(id);
                    return Ok(true);
                }
            }
            _ => {}
        }
        let Some((headers, body)) = self.bank.books.webhook(n) else { return Ok(false) };
        match self.shop.receive_webhook(&wire(), &headers, &body).await {
            Ok(receipt) => {
                // The sender is answered by now. What fails is the sweep's.
                let _ = self.shop.handle_webhook(receipt.id).await;
                if let Some(bug) = self.bug {
                    zoo::handle(bug, &self.sound.shop, id, &told, n).await;
                }
                Ok(true)
            }
            Err(wrong @ (Error::Internal(_) | Error::Rejected(_))) => Err(format!("{wrong:?}")),
            Err(_) => Ok(false),
        }
    }

    pub(crate) fn wait(&self, time: Duration) {
        self.fate.tell(format!("  wait {} min", time.as_secs() / 60));
        self.sound.clock.advance(time);
        if time >= DAY {
            self.bank.forget_keys();
        }
    }

    /// The orders that are not older than a time, with their payments.
    pub(crate) fn orders(&self, since: Timestamp) -> Vec<OrderInputs> {
        let filter = OrderFilter { placed_from: Some(since), ..OrderFilter::default() };
        let query = OrderQuery { filter, page: PageRequest::first(100) };
        block_on(self.sound.shop.queries().orders(&query)).unwrap().items
    }

    pub(crate) fn order(&self, id: OrderId) -> OrderInputs {
        block_on(self.sound.shop.store().order(&OrderRef::Id(id))).unwrap().unwrap()
    }

    /// What the provider calls a customer, if it knows them and they were not erased.
    pub(crate) fn provider_reference(&self, id: CustomerId) -> Option<Label> {
        let found = block_on(self.sound.shop.store().customer(&CustomerRef::Id(id))).unwrap();
        found.and_then(|known| known.provider_references.get(&wire()).cloned())
    }

    /// What still waits for its time to come.
    fn waiting(&self) -> Vec<Due> {
        let due = block_on(self.sound.shop.store().due(Timestamp::MAX, 1_000)).unwrap();
        let in_review = |id| {
            let found = block_on(self.sound.shop.store().order(&OrderRef::Payment(id))).unwrap();
            let inputs = found.unwrap();
            let payment = inputs.payment(Some(id)).unwrap();
            payment.status == PaymentStatus::NeedsReview
        };
        // What a person must look at is looked at again and again until they did.
        let waits = |due: &Due| match *due {
            Due::Order(_) => true,
            Due::Cart(_) => false,
            Due::Payment(id) => !in_review(id),
            Due::Webhook(_) => true,
        };
        due.into_iter().filter(waits).collect()
    }

    /// Lets some time pass in which nothing goes wrong: long enough for all that is under way to be
    /// looked up, and too short for money that was set aside to be let go.
    pub(crate) fn recover(&self) -> Result<(), String> {
        self.fate.calm();
        for time in [Duration::ZERO, 2 * MINUTE, HOUR, 12 * HOUR, 12 * HOUR] {
            self.wait(time);
            self.bank.decide(self.sound.now());
            self.sweep()?;
        }
        Ok(())
    }

    /// Lets time pass until nothing is left to wait for.
    pub(crate) fn finish(&self) -> Result<(), String> {
        self.fate.calm();
        for _ in 0..200 {
            if self.waiting().is_empty() {
                return Ok(());
            }
            self.wait(2 * DAY);
            self.bank.decide(self.sound.now());
            self.sweep()?;
        }
        Err(format!("never at an end: {:?}", self.waiting()))
    }

    /// Sweeps until a sweep does nothing. Whatever fails comes to an end within a few.
    pub(crate) fn sweep(&self) -> Result<(), String> {
        for _ in 0..20 {
            match self.run(self.shop.sweep(1_000)) {
                Some(Ok(swept)) if swept == Default::default() => return Ok(()),
                Some(Ok(_)) => {}
                failed => {
                    return Err(format!("a sweep fails although nothing is wrong: {failed:?}"));
                }
            }
        }
        Err("there is always something to sweep".to_owned())
    }
}

fn short(answer: &Answer) -> String {
    match answer {
        Answer::Done(json) => format!("done {}", json.len()),
        other => format!("{other:?}"),
    }
}
