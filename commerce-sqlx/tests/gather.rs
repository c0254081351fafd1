//! Carts that are asked for at once are read together, and each caller gets what they asked for.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use commerce_core::{
    cart::CheckoutInputs,
    id::{CartId, Id, VariantId},
    store::{Store, StoreResult},
};
use commerce_sqlx::PgStore;
use common::{
    Schema, block_on, number,
    proxy::{Line, proxy},
    run,
    shop::{cart, sell, shop},
};
use futures_util::future::join_all;
use sqlx::PgConnection;
use uuid::Uuid;

/// The most statements that are on their way at once.
const AT_ONCE: usize = 2;

type Answer = StoreResult<Option<CheckoutInputs>>;

/// A store with carts, which can be made to wait for their table.
struct Shelf {
    store: PgStore,
    line: Arc<Line>,
    gate: PgConnection,
    watch: PgConnection,
    variants: Vec<VariantId>,
    /// The cart of each variant.
    carts: Vec<CartId>,
    _schema: Schema,
}

impl Shelf {
    fn fill(carts: usize) -> Self {
        let schema = Schema::new();
        let (through, line) = proxy();
        let store = block_on(schema.options().open_with(through)).unwrap();
        let shop = shop(store.clone());
        let variants: Vec<_> = (0..carts).map(|n| sell(&shop, &format!("SKU-{n}"), 1)).collect();
        let carts = variants.iter().map(|id| block_on(cart(&shop, &[(*id, 1)])).1).collect();
        let [gate, watch] = [schema.connect(), schema.connect()];
        Self { store, line, gate, watch, variants, carts, _schema: schema }
    }

    /// Asks for carts while as many statements as may be on their way wait; answers what all were told, and
    /// how many round trips that took.
    fn ask(&mut self, wanted: &[(CartId, Vec<VariantId>)]) -> (Vec<Answer>, u64) {
        // Those that are on their way before are the first to wait.
        let (held, store) = (self.carts[0], self.store.clone());
        run(&mut self.gate, "BEGIN; LOCK TABLE commerce_carts IN ACCESS EXCLUSIVE MODE");
        self.line.count();
        let mut before = Vec::new();
        for waiting in 1..=AT_ONCE {
            let mut asked = Box::pin(store.checkout_inputs(held, &[]));
            assert!(is_pending(&mut asked));
            before.push(asked);
            let blocked = "SELECT count(*) FROM pg_locks
                WHERE relation = 'commerce_carts'::regclass AND NOT granted";
            while number(&mut self.watch, blocked) < i64::try_from(waiting).unwrap() {}
        }
        let ask = |(cart, also): &(CartId, Vec<VariantId>)| {
            let (store, cart, also) = (store.clone(), *cart, also.clone());
            async move { store.checkout_inputs(cart, &also).await }
        };
        let mut asked = Box::pin(join_all(wanted.iter().map(ask)));
        // All are in the queue once they were asked about.
        assert!(is_pending(&mut asked));
        run(&mut self.gate, "COMMIT");
        for answer in block_on(join_all(before)) {
            assert_eq!(answer.unwrap().unwrap().cart.id, held);
        }
        (block_on(asked), self.line.count())
    }
}

fn is_pending<F: Future>(asked: &mut Pin<Box<F>>) -> bool {
    block_on(poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_pending())))
}

/// The variants of what was read.
fn variants(inputs: &CheckoutInputs) -> Vec<VariantId> {
    inputs.sellables.iter().map(|it| it.variant.id).collect()
}

#[test]
fn those_who_ask_at_once_are_read_together_and_get_what_they_asked_for() {
    let mut shelf = Shelf::fill(20);
    let (carts, variants_of) = (shelf.carts.clone(), shelf.variants.clone());
    let mut wanted: Vec<_> = carts.iter().map(|cart| (*cart, Vec::new())).collect();
    // The same once more, with something else; and one that is not there.
    wanted.push((carts[3], vec![variants_of[4], variants_of[3]]));
    wanted.push((CartId::from_uuid(Uuid::from_u128(1)), vec![variants_of[5]]));
    // The statements are prepared by then.
    shelf.ask(&wanted);
    let (answers, round_trips) = shelf.ask(&wanted);
    let read: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    for (n, cart) in carts.iter().enumerate() {
        let inputs = read[n].as_ref().unwrap();
        assert_eq!((inputs.cart.id, variants(inputs)), (*cart, vec![variants_of[n]]));
        assert_eq!(inputs.setup.shop.name.as_str(), "Test");
        assert_eq!(inputs.sellables[0].levels[0].on_hand, 1);
    }
    let more = read[20].as_ref().unwrap();
    assert_eq!((more.cart.id, variants(more)), (carts[3], vec![variants_of[3], variants_of[4]]));
    assert!(read[21].is_none());
    assert_eq!(round_trips, u64::try_from(AT_ONCE).unwrap() + 1);
}

#[test]
fn what_nothing_can_be_made_of_fails_alone() {
    let mut shelf = Shelf::fill(4);
    let carts = shelf.carts.clone();
    let break_it = "UPDATE commerce_carts SET currency = '?' WHERE id = (
        SELECT cart_id FROM commerce_cart_lines AS l
        JOIN commerce_variants AS v ON v.id = l.variant_id WHERE v.sku = 'SKU-2')";
    run(&mut shelf.watch, break_it);
    let wanted: Vec<_> = carts.iter().map(|cart| (*cart, Vec::new())).collect();
    let (answers, _) = shelf.ask(&wanted);
    for (n, answer) in answers.into_iter().enumerate() {
        match answer {
            Err(error) if n == 2 => assert!(error.is_corrupt(), "{error:?}"),
            Ok(Some(inputs)) if n != 2 => assert_eq!(inputs.cart.id, carts[n]),
            other => panic!("{n}: {other:?}"),
        }
    }
}
