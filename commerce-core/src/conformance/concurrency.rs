//! Many at once: commits take effect one after the other, and reads see whole ones.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    Bench,
    make::{Make, at, commit, outcome, outcome_key},
    read::Kept,
};
use crate::{
    cart::Cart,
    catalog::Product,
    event::Event,
    order::Order,
    payment::Payment,
    store::{Commit, CommitError, Subscription},
    version::{Version, Versioned},
};

const THREADS: usize = 8;

/// Runs the same on several threads at once, each with its number.
fn at_once(t: &Bench<'_>, work: impl AsyncWork) {
    let (work, start) = (&work, &Barrier::new(THREADS));
    let run = |number| {
        // Nothing before this can fail, so that none waits in vain.
        start.wait();
        t.block_on(Box::pin(work.run(t, number)));
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|number| scope.spawn(move || run(number))).collect();
        for thread in threads {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// What one of several threads does.
trait AsyncWork: Sync {
    fn run(&self, t: &Bench<'_>, number: usize) -> impl Future<Output = ()> + Send;
}

/// Defines what one of several threads does, with what it shares with the others.
macro_rules! work {
    ($name:ident { $($field:ident: $type:ty),* $(,)? }, |$this:ident, $t:ident, $number:ident| $body:block) => {
        struct $name<'a> { $($field: $type,)* }
        impl AsyncWork for $name<'_> {
            async fn run(&self, $t: &Bench<'_>, $number: usize) {
                let $this = self;
                $body
            }
        }
    };
}

work!(TakeOne { shelf: &'a super::read::Shelf, taken: &'a AtomicUsize }, |this, t, number| {
    for turn in 0..5 {
        let mut commit = commit();
        commit.stock(Make::of(number, turn).stock_move(this.shelf.key(), 0, 1));
        match t.store().commit(&commit).await {
            Ok(()) => {
                this.taken.fetch_add(1, Ordering::SeqCst);
            }
            Err(CommitError::Short(_)) => {}
            Err(error) => panic!("taking a unit ends in a unit or a shortage: {error:?}"),
        }
    }
});

pub(super) async fn never_sells_more_than_there_is(t: &Bench<'_>) {
    let shelf = t.stocked(&mut Make::new(), 13, 0).await;
    let taken = AtomicUsize::new(0);
    at_once(t, TakeOne { shelf: &shelf, taken: &taken });
    assert_eq!(taken.into_inner(), 13, "as many are taken as there are, no more and no fewer");
    assert_eq!(t.counts(shelf.key()).await, (13, 13));
}

work!(Count { like: &'a Subscription }, |this, t, _number| {
    for _ in 0..10 {
        let mut tries = 0;
        loop {
            let old = t.read(this.like).await;
            // Others read the same meanwhile.
            thread::yield_now();
            let mut commit = commit();
            let next = Subscription { position: old.position + 1, ..this.like.clone() };
            commit.replace(&old, next);
            match t.store().commit(&commit).await {
                Ok(()) => break,
                Err(CommitError::Conflict(_)) => tries += 1,
                Err(error) => panic!("a replacement holds or conflicts: {error:?}"),
            }
            assert!(tries < 100_000, "a replacement never holds");
        }
    }
});

pub(super) async fn never_loses_an_update(t: &Bench<'_>) {
    let like = Make::new().subscription();
    t.insert(like.clone()).await;
    at_once(t, Count { like: &like });
    let count = 10 * u64::try_from(THREADS).unwrap();
    t.has(&Subscription { position: count, ..like }, count + 1).await;
}

work!(Once { won: &'a AtomicUsize }, |this, t, number| {
    let cart = Make::of(number, 0).cart();
    let answer = outcome("s", "k", &format!("\"{number}\""));
    let mut commit = commit();
    commit.insert(cart.clone());
    commit.remember(answer.clone());
    commit.event(Event::CartCreated { cart_id: cart.id });
    match t.store().commit(&commit).await {
        Ok(()) => {
            this.won.fetch_add(1, Ordering::SeqCst);
            t.has(&cart, 1).await;
        }
        Err(CommitError::AlreadyDone(found)) => {
            assert_ne!(*found, answer, "it was done by another");
            let kept = t.store().outcome(&outcome_key("s", "k")).await.unwrap();
            assert_eq!(kept, Some(*found), "all are told the same");
            assert!(cart.read(t).await.is_none());
        }
        Err(error) => panic!("under one key it is done or was done before: {error:?}"),
    }
});

pub(super) async fn does_once_what_has_one_key(t: &Bench<'_>) {
    let won = AtomicUsize::new(0);
    at_once(t, Once { won: &won });
    assert_eq!(won.into_inner(), 1);
    assert_eq!(t.outbox().await.len(), 1);
}

work!(Claim { product: &'a Product, won: &'a AtomicUsize }, |this, t, number| {
    let product = Product { slug: this.product.slug.clone(), ..Make::of(number, 0).product() };
    let mut commit = commit();
    commit.insert(product);
    match t.store().commit(&commit).await {
        Ok(()) => {
            this.won.fetch_add(1, Ordering::SeqCst);
        }
        Err(CommitError::Taken(_)) => {}
        Err(error) => panic!("a unique key is gained or taken: {error:?}"),
    }
});

pub(super) async fn gives_a_unique_key_to_one(t: &Bench<'_>) {
    let product = Make::new().product();
    let won = AtomicUsize::new(0);
    at_once(t, Claim { product: &product, won: &won });
    assert_eq!(won.into_inner(), 1);
}

work!(Cross { keys: &'a [crate::inventory::LevelKey], carts: &'a [Cart] }, |this, t, number| {
    for turn in 0..20 {
        let mut make = Make::of(number, turn);
        let mut commit = commit();
        let mut keys = this.keys.to_vec();
        let mut carts = this.carts.to_vec();
        if number.is_multiple_of(2) {
            keys.reverse();
            carts.reverse();
        }
        for cart in &carts {
            commit.require(&Versioned::new(Version::FIRST, cart.clone()));
        }
        for key in keys {
            commit.stock(make.stock_move(key, -1, 0));
        }
        t.commit(&commit).await;
    }
});

pub(super) async fn takes_in_opposite_order_without_a_deadlock(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let variants: Vec<_> = (0..10).map(|_| make.variant(&shelf.product)).collect();
    let carts: Vec<_> = (0..3).map(|_| make.cart()).collect();
    let units = i64::try_from(THREADS * 20).unwrap();
    let mut filled = commit();
    let mut keys = Vec::new();
    for variant in variants {
        keys.push(super::make::level(variant.id, shelf.location.id));
        filled.stock(make.stock_move(keys[keys.len() - 1], units, 0));
        filled.insert(variant);
    }
    for cart in &carts {
        filled.insert(cart.clone());
    }
    t.commit(&filled).await;
    at_once(t, Cross { keys: &keys, carts: &carts });
    for key in keys {
        assert_eq!(t.counts(key).await, (0, 0));
    }
}

work!(WriteOrRead { order: &'a Order, payment: &'a Payment, done: &'a AtomicBool }, |this, t, number| {
    if number == 0 {
        let (mut order, mut payment) = (this.order.clone(), this.payment.clone());
        for turn in 1..=100 {
            let mut commit = commit();
            let old = (Order { ..order.clone() }, payment.clone());
            order.updated_at = at(turn);
            payment.updated_at = at(turn);
            let version = Version::new(u64::try_from(turn).unwrap());
            commit.replace(&Versioned::new(version, old.0), order.clone());
            commit.replace(&Versioned::new(version, old.1), payment.clone());
            t.commit(&commit).await;
            t.has(&order, version.get() + 1).await;
        }
        this.done.store(true, Ordering::SeqCst);
    } else {
        let mut last = Version::FIRST;
        for _ in 0..1_000_000 {
            let found = t.order(this.order.id).await;
            let [payment] = found.payments.as_slice() else {
                panic!("an order and its payment were written by one commit");
            };
            assert_eq!(found.order.updated_at, payment.updated_at, "half of a commit was read");
            assert_eq!(found.order.version, payment.version, "half of a commit was read");
            assert!(found.order.version >= last, "a later read sees an earlier state");
            last = found.order.version;
            if this.done.load(Ordering::SeqCst) {
                break;
            }
            thread::yield_now();
        }
    }
});

pub(super) async fn reads_whole_commits(t: &Bench<'_>) {
    let mut make = Make::new();
    let order = make.order();
    let payment = make.payment(&order);
    let mut commit = commit();
    commit.insert(order.clone());
    commit.insert(payment.clone());
    t.commit(&commit).await;
    let done = AtomicBool::new(false);
    at_once(t, WriteOrRead { order: &order, payment: &payment, done: &done });
    assert!(done.into_inner());
}

work!(TellOrFollow { told: &'a AtomicUsize }, |this, t, number| {
    const EACH: usize = 25;
    if number > 1 {
        for turn in 0..EACH {
            let mut commit = Commit::at(at(0));
            commit.event(Event::CartUpdated { cart_id: Make::of(number, turn).id() });
            t.commit(&commit).await;
            this.told.fetch_add(1, Ordering::SeqCst);
        }
        return;
    }
    let all = (THREADS - 2) * EACH;
    let (mut seen, mut after) = (Vec::new(), 0);
    for _ in 0..1_000_000 {
        let acknowledged = this.told.load(Ordering::SeqCst);
        let entries = t.store().outbox(after, 7).await.unwrap();
        let full = entries.len() == 7;
        for entry in entries {
            assert!(entry.position > after, "places rise");
            after = entry.position;
            seen.extend(entry.events);
        }
        assert!(
            full || seen.len() >= acknowledged,
            "an entry came after one with a higher place was read, and was missed",
        );
        if seen.len() == all {
            break;
        }
        thread::yield_now();
    }
    let mut distinct: Vec<_> = seen.iter().map(|event| format!("{event:?}")).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), all, "a follower of the outbox sees each entry once");
});

pub(super) async fn tells_a_follower_everything_once(t: &Bench<'_>) {
    let told = AtomicUsize::new(0);
    at_once(t, TellOrFollow { told: &told });
}

work!(Move { shelf: &'a super::read::Shelf }, |this, t, number| {
    for turn in 0..25 {
        let mut make = Make::of(number, turn);
        let delta = i64::try_from((number * 31 + turn * 17) % 9).unwrap() - 4;
        let mut commit = commit();
        commit.stock(make.stock_move(this.shelf.key(), delta, 0));
        match t.store().commit(&commit).await {
            Ok(()) | Err(CommitError::Short(_)) => {}
            Err(error) => panic!("a move holds or is short: {error:?}"),
        }
    }
});

pub(super) async fn keeps_the_ledger_in_step(t: &Bench<'_>) {
    let shelf = t.stocked(&mut Make::new(), 5, 0).await;
    at_once(t, Move { shelf: &shelf });
    let rows = t.ledger(shelf.variant.id, None).await;
    let sum: i64 = rows.iter().map(|row| row.delta).sum();
    assert_eq!((sum, 0), t.counts(shelf.key()).await);
}

work!(Acknowledge { acknowledged: &'a AtomicUsize, like: &'a Cart }, |this, t, number| {
    for turn in 0..30 {
        let before = this.acknowledged.load(Ordering::SeqCst);
        let old = t.read(this.like).await;
        let seen = usize::try_from(old.version.get()).unwrap() - 1;
        assert!(seen >= before, "a commit that was acknowledged before is not seen");
        thread::yield_now();
        let mut commit = commit();
        let updated_at = at(i64::try_from(number * 1_000 + turn + 1).unwrap());
        commit.replace(&old, Cart { updated_at, ..this.like.clone() });
        match t.store().commit(&commit).await {
            Ok(()) => {
                this.acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            Err(CommitError::Conflict(_)) => {}
            Err(error) => panic!("a replacement holds or conflicts: {error:?}"),
        }
    }
});

pub(super) async fn shows_what_was_acknowledged(t: &Bench<'_>) {
    let like = Make::new().cart();
    t.insert(like.clone()).await;
    let acknowledged = AtomicUsize::new(0);
    at_once(t, Acknowledge { acknowledged: &acknowledged, like: &like });
    let version = u64::try_from(acknowledged.into_inner()).unwrap() + 1;
    assert_eq!(t.read(&like).await.version, Version::new(version));
}
