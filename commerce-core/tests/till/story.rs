//! A story of a shop that takes cards: many customers, people at work, a provider that does things by
//! itself, webhooks that come twice, late, out of order or never, and lines that go dead.
//!
//! All of it follows from a seed. After every step the audit looks at the books, the orders and the
//! stock; at the end the lines are mended, time passes, and everything must have come to an end.

mod bank;
mod customer;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use commerce_core::{
    access::Caller,
    catalog::CreateVariant,
    gateway::ProviderPayment,
    id::{CustomerId, PaymentId, VariantId},
    order::OrderInputs,
    payment::{CapturePolicy, Payment},
    pricing::{TaxRate, TaxTable},
    time::Timestamp,
    version::Versioned,
};

use super::{
    DAY, HOUR, MINUTE, Till,
    audit::{Audit, ensure},
    books,
    dice::Dice,
    fate::{Fate, Fault, Point, Task},
    open,
    request::{Answer, Ask, Request},
    zoo::Bug,
};
use crate::support::{World, eur, faults::Shared, key};

/// A story that ended badly: what happened, and what is wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) seed: u64,
    pub(crate) story: String,
    pub(crate) why: String,
    /// Whether it did not come to its end at all.
    pub(crate) panicked: bool,
}

/// What goes on at the same time.
#[derive(Debug, Clone)]
enum Act {
    /// Somebody asks for something.
    Ask(Request),
    /// A webhook is handed over.
    Webhook(usize),
    /// The customer confirms a payment, in a way that takes its time or at once.
    Pay {
        id: PaymentId,
        slowly: bool,
    },
    Sweep,
    /// Somebody compares the books with the provider's.
    Compare,
}

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Next {
    Checkout,
    Save,
    PayAgain,
    Confirm,
    Work,
    Return,
    Bank,
    Surprise,
    Webhook,
    Again,
    AtOnce,
    Wait,
    Sweep,
    Compare,
}

const NEXT: &[(usize, Next)] = &[
    (8, Next::Checkout),
    (3, Next::Save),
    (3, Next::PayAgain),
    (6, Next::Confirm),
    (12, Next::Work),
    (1, Next::Return),
    (3, Next::Bank),
    (2, Next::Surprise),
    (7, Next::Webhook),
    (3, Next::Again),
    (7, Next::AtOnce),
    (5, Next::Wait),
    (3, Next::Sweep),
    (2, Next::Compare),
];

struct Story {
    till: Till,
    dice: Dice,
    goods: Vec<(VariantId, i64)>,
    /// The customers that the shop knows.
    customers: Vec<CustomerId>,
    requests: Vec<Request>,
    /// What was answered to each request that was done, by its key.
    answers: BTreeMap<String, String>,
    /// How often each webhook was handed over.
    handed: Vec<usize>,
    /// The payments to which something happened that the shop did not wait for: it must be told.
    untold: BTreeSet<PaymentId>,
    /// The order that everything is about, for now.
    about: Option<OrderInputs>,
    since: Timestamp,
}

/// Tells the story of a seed in an empty store; answers it.
pub(crate) fn tell(store: &Shared, seed: u64, bug: Option<Bug>) -> Result<String, Failure> {
    let fate = Fate::default();
    told(seed, &fate, || Story::begin(fate.clone(), store, seed, bug).tell())
}

/// Tells a story to its end, or to where it panics; answers what fate heard of it.
pub(crate) fn told(
    seed: u64,
    fate: &Fate,
    tell: impl FnOnce() -> Result<(), String>,
) -> Result<String, Failure> {
    let ended = catch_unwind(AssertUnwindSafe(tell));
    let (story, panicked) = (fate.story(), ended.is_err());
    let ended = ended.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(format!("it panicked: {}", text.unwrap_or_default()))
    });
    match ended {
        Ok(()) => Ok(story),
        Err(why) => Err(Failure { seed, story, why, panicked }),
    }
}

impl Story {
    fn begin(fate: Fate, store: &Shared, seed: u64, bug: Option<Bug>) -> Self {
        let mut dice = Dice::new(seed, 0);
        let policies =
            [CapturePolicy::Automatic, CapturePolicy::Manual, CapturePolicy::OnFulfillment];
        let w = open(store, seed, policies[dice.below(3)]);
        tax(&w);
        let goods = [(1_999, 6), (333, 5), (4_501, 3)].iter().enumerate();
        let goods = goods.map(|(n, &(price, units))| {
            let variant = CreateVariant::new(format!("V{n}"), eur(price)).unwrap();
            (w.sell_as(variant, units), units)
        });
        let goods = goods.collect();
        let since = w.now();
        let till = Till::under(fate, store, w, bug);
        till.fate.tell(format!("seed {seed}"));
        let mut replies = Dice::new(seed, 1);
        till.bank.replies(move |call| bank::reply(call, &mut replies));
        let (mut faults, rate) = (Dice::new(seed, 2), [0, 40, 12][dice.below(3)]);
        if rate > 0 {
            till.fate.roll(move |point| fault(point, rate, &mut faults));
        }
        let (customers, requests, handed) = (Vec::new(), Vec::new(), Vec::new());
        let (answers, untold) = (BTreeMap::new(), BTreeSet::new());
        Self { till, dice, goods, customers, requests, answers, handed, untold, about: None, since }
    }

    fn tell(&mut self) -> Result<(), String> {
        for _ in 0..8 + self.dice.below(24) {
            let next = self.dice.weigh(NEXT);
            self.take(next)?;
            self.audit().now(&self.goods)?;
        }
        self.end()
    }

    /// The lines are mended and time passes: what was under way comes to its end.
    fn end(&mut self) -> Result<(), String> {
        self.till.fate.calm();
        self.till.fate.tell("the lines are mended");
        for n in 0..self.webhooks() {
            let told = self.till.bank.told(n);
            let untold = told.is_some_and(|(id, _)| self.untold.contains(&id));
            if untold || self.handed[n] == 0 && self.dice.one_in(2) {
                self.till.deliver(n)?;
            }
        }
        self.till.recover()?;
        self.audit().now(&self.goods)?;
        self.audit().settled()?;
        self.given_back_as_asked()?;
        self.compare_all()?;
        for request in self.requests.clone() {
            if self.answers.contains_key(&name(&request)) {
                self.act(vec![Act::Ask(request)])?;
            }
        }
        self.till.finish()?;
        self.audit().now(&self.goods)?;
        self.audit().settled()?;
        self.review_all()?;
        self.till.finish()?;
        self.audit().now(&self.goods)?;
        self.audit().settled()?;
        self.audit().ended()
    }

    /// Somebody looks at all that must be looked at.
    fn review_all(&mut self) -> Result<(), String> {
        let orders = self.orders();
        let payments = orders.iter().flat_map(|of| &of.payments);
        let reviewed = payments.filter(|payment| payment.in_review().is_some());
        for order in reviewed.map(|payment| payment.order_id) {
            let review = self.ask(&Caller::system(), Ask::Review { order });
            self.act(vec![review])?;
        }
        Ok(())
    }

    fn audit(&self) -> Audit<'_> {
        Audit::of(&self.till, self.orders())
    }

    fn orders(&self) -> Vec<OrderInputs> {
        self.till.orders(self.since)
    }

    /// What somebody asked to have given back was given back once, however often they asked.
    fn given_back_as_asked(&self) -> Result<(), String> {
        let orders = self.orders();
        let payments = orders.iter().flat_map(|of| &of.payments);
        let refunds = payments.flat_map(|payment| &payment.value.refunds);
        let mut given = BTreeSet::new();
        for refund in refunds.filter(|refund| refund.counts()) {
            let Some(reason) = &refund.reason else { continue };
            ensure!(given.insert(reason.clone()), "two refunds for {}", reason.as_str());
        }
        Ok(())
    }

    /// The books are the provider's but for what a person must look at, and so in every period.
    fn compare_all(&mut self) -> Result<(), String> {
        let orders = self.orders();
        let found = books::compare(&self.till, self.since, &orders)?;
        let mut payments = orders.iter().flat_map(|of| &of.payments);
        let odd = |it: &Versioned<Payment>| {
            let refused = it.refunds.iter().any(|refund| !refund.counts());
            it.review.is_some() || refused
        };
        if payments.any(odd) {
            return Ok(());
        }
        ensure!(found.is_empty(), "everything was looked up, and the books differ: {found:#?}");
        let lasted = self.till.sound.now().as_millis() - self.since.as_millis();
        let mut some = || Duration::from_millis(self.dice.up_to(lasted).unsigned_abs());
        let (a, b) = (some(), some());
        let [from, until] = [a.min(b), a.max(b) + MINUTE].map(|it| self.since.saturating_add(it));
        let found = books::differences(&self.till, from, until)?;
        ensure!(found.is_empty(), "from {from} until {until} the books differ: {found:#?}");
        Ok(())
    }

    fn take(&mut self, next: Next) -> Result<(), String> {
        match next {
            Next::AtOnce => {
                // Most of what can go wrong at the same time is about the same order.
                self.about = if self.dice.one_in(3) { None } else { self.some_order() };
                let mut acts: Vec<_> =
                    (0..2 + self.dice.below(2)).filter_map(|_| self.some_act()).collect();
                self.about = None;
                if let Some(Act::Ask(Request { who, ask })) = acts.first()
                    && matches!(
                        ask,
                        Ask::Checkout { .. } | Ask::Capture { .. } | Ask::RefundAmount { .. }
                    )
                    && self.dice.one_in(3)
                {
                    // Somebody checks out, takes the money or gives some back, in two windows.
                    let (who, ask) = (who.clone(), ask.clone());
                    acts.push(self.ask(&who, ask));
                }
                self.act(acts)
            }
            Next::Return => self.bring_everything_back(),
            Next::Bank => {
                self.bank_decides();
                Ok(())
            }
            Next::Surprise => {
                self.surprise();
                Ok(())
            }
            // Nothing goes on meanwhile: it must find what there is to be found.
            Next::Compare => books::compare(&self.till, self.since, &self.orders()).map(|_| ()),
            Next::Wait => {
                let time = self.dice.weigh(&[
                    (3, MINUTE),
                    (3, 20 * MINUTE),
                    (3, 5 * HOUR),
                    (2, DAY),
                    (1, 3 * DAY),
                ]);
                self.till.wait(time);
                self.till.bank.close_pages(self.till.sound.now());
                Ok(())
            }
            next => {
                let act = self.draw(next);
                self.act(act.into_iter().collect())
            }
        }
    }

    /// Something that can go on at the same time as something else.
    fn some_act(&mut self) -> Option<Act> {
        let next = self.dice.weigh(&[
            (3, Next::Checkout),
            (1, Next::Save),
            (2, Next::PayAgain),
            (4, Next::Confirm),
            (6, Next::Work),
            (4, Next::Webhook),
            (3, Next::Again),
            (3, Next::Sweep),
            (1, Next::Compare),
        ]);
        self.draw(next)
    }

    fn draw(&mut self, next: Next) -> Option<Act> {
        match next {
            Next::Checkout => Some(self.checkout()),
            Next::Save => Some(self.save()),
            Next::PayAgain => self.pay_again(),
            Next::Confirm => self.confirm(),
            Next::Work => self.work(),
            Next::Webhook => {
                let all = self.webhooks();
                (all > 0).then(|| Act::Webhook(self.dice.below(all)))
            }
            Next::Again => {
                let request = self.dice.pick(&self.requests)?.clone();
                Some(Act::Ask(request))
            }
            Next::Sweep => Some(Act::Sweep),
            Next::Compare => Some(Act::Compare),
            Next::Return | Next::Bank | Next::Surprise | Next::AtOnce | Next::Wait => None,
        }
    }

    fn some_order(&mut self) -> Option<OrderInputs> {
        if let Some(of) = &self.about {
            return Some(self.till.order(of.order.id));
        }
        let orders = self.orders();
        self.dice.pick(&orders).cloned()
    }

    fn some_payment(
        &mut self,
        of: impl Fn(&ProviderPayment) -> bool,
    ) -> Option<(PaymentId, ProviderPayment)> {
        let mut all = self.till.bank.books.payments();
        all.retain(|(_, payment)| of(payment));
        self.dice.pick(&all).cloned()
    }

    fn webhooks(&mut self) -> usize {
        let all = self.till.bank.books.webhooks();
        self.handed.resize(all, 0);
        all
    }

    fn ask(&mut self, who: &Caller, ask: Ask) -> Act {
        let name = format!("request {:05} of a story", self.requests.len());
        let request = Request { who: who.clone().with_key(key(&name)), ask };
        self.requests.push(request.clone());
        Act::Ask(request)
    }

    /// Somebody works on an order.
    fn work(&mut self) -> Option<Act> {
        let of = self.some_order()?;
        let (order, dice) = (of.order.id, &mut self.dice);
        let line = dice.pick(&of.order.lines)?;
        let (line, units) = (line.id, dice.up_to(2));
        let minor = dice.up_to(of.order.total.minor().max(1));
        let ask = match dice.below(16) {
            0..=2 => Ask::Capture { order, minor: None },
            3 => Ask::Capture { order, minor: Some(minor) },
            4 => Ask::Void { order },
            5 => Ask::RefundAll { order },
            6..=7 => Ask::RefundAmount { order, minor },
            8..=9 => Ask::RefundUnits { order, line, units },
            10 => Ask::Cancel { order },
            11 => Ask::CancelUnits { order, line, units },
            12..=13 => Ask::Fulfill { order },
            14 => Ask::Review { order },
            _ => Ask::FulfillUnits { order, line, units },
        };
        Some(self.ask(&Caller::system(), ask))
    }

    /// Does it all at once, whoever's turn it is.
    fn act(&mut self, acts: Vec<Act>) -> Result<(), String> {
        if acts.len() > 1 {
            self.till.fate.tell(format!("{} at once:", acts.len()));
        }
        for act in &acts {
            match act {
                Act::Ask(request) => self.till.fate.tell(format!("  {:?}", request.ask)),
                other => self.till.fate.tell(format!("  {other:?}")),
            }
            if let Act::Webhook(n) = act {
                self.handed[*n] += 1;
            }
        }
        let (till, since) = (&self.till, self.since);
        let tasks =
            acts.iter().enumerate().map(|(n, act)| -> Task<'_, Result<Option<Answer>, String>> {
                Box::pin(async move {
                    match act {
                        Act::Ask(request) => Ok(Some(till.perform(n, request, 0).await)),
                        Act::Webhook(n) => till.receive(*n).await.map(|_| None),
                        Act::Pay { id, slowly: false } => {
                            till.bank.pay(*id, till.sound.now());
                            Ok(None)
                        }
                        Act::Pay { id, slowly: true } => {
                            till.bank.pay_slowly(*id, till.sound.now());
                            Ok(None)
                        }
                        Act::Sweep => {
                            let _ = till.shop.sweep(100).await;
                            Ok(None)
                        }
                        Act::Compare => books::try_compare(till, since).await.map(|()| None),
                    }
                })
            });
        let done: Vec<bool> = acts
            .iter()
            .map(|act| matches!(act, Act::Ask(of) if self.answers.contains_key(&name(of))))
            .collect();
        let dice = &mut self.dice;
        let answers = till.fate.race(tasks.collect(), &mut |n| dice.below(n));
        for ((act, answer), done) in acts.into_iter().zip(answers).zip(done) {
            let Act::Ask(request) = act else {
                answer.transpose()?;
                continue;
            };
            // Whoever died gives no answer.
            let mut answer = answer.transpose()?.flatten().unwrap_or(Answer::Unclear);
            for tries in 1..=self.dice.below(4) {
                if answer != Answer::Unclear {
                    break;
                }
                answer = self.till.ask(&request, tries);
            }
            self.hear(&request, answer, done)?;
        }
        Ok(())
    }

    /// What was answered once is answered for ever. `done` is whether it was before this was asked:
    /// while the same is under way it may well be refused.
    fn hear(&mut self, request: &Request, answer: Answer, done: bool) -> Result<(), String> {
        self.till.fate.tell(format!("  -> {}", super::short(&answer)));
        let (name, ask) = (name(request), &request.ask);
        match answer {
            Answer::Done(answer) => {
                let first = self.answers.entry(name).or_insert_with(|| answer.clone());
                ensure!(*first == answer, "another answer to {ask:?}:\n{first}\n{answer}");
            }
            Answer::Refused(why) => {
                ensure!(!done, "{ask:?} was done, and is now refused: {why:?}");
            }
            Answer::Unclear => {}
            Answer::Wrong(why) => return Err(format!("{ask:?}: {why}")),
        }
        Ok(())
    }
}

fn name(request: &Request) -> String {
    request.who.key.as_ref().map(|key| key.as_str().to_owned()).unwrap_or_default()
}

/// 19 %, so that there is something to round.
fn tax(w: &World) {
    w.configure(|shop| {
        let rate = TaxRate {
            id: "tax_00000000000000000000000000000001".parse().unwrap(),
            label: "VAT".parse().unwrap(),
            class: None,
            country: None,
            region: None,
            rate: "0.19".parse().unwrap(),
            compound: false,
            replaces_country: false,
        };
        shop.taxes = TaxTable::new([rate]).unwrap();
    });
}

fn fault(point: Point<'_>, rate: usize, dice: &mut Dice) -> Option<Fault> {
    if point.acts || point.name.starts_with("gateway") {
        return if dice.one_in(rate) { dice.pick(&Fault::ALL).copied() } else { None };
    }
    dice.one_in(rate * 8).then_some(Fault::Fails)
}
