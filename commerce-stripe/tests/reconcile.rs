//! A shop and Stripe, whose books are compared after whatever has happened.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    customer::Address,
    gateway::{PaymentGateway as _, TransactionKind, TransactionQuery},
    id::{OrderId, VariantId},
    inputs::{Clock as _, SeededIds, SteppedClock},
    order::PaymentTerms,
    payment::{CapturePayment, CapturePolicy, CreateRefund, VoidPayment},
    reconciliation::{DifferenceKind, Reconciliation},
    shop::Shop,
    store::{MemoryStore, OrderRef},
    text::GatewayName,
    time::Timestamp,
};
use support::{Bench, Received, eur, euros, foreign_charge, listening, now, payment, refund};

/// Small numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A shop that sells mugs at 12.50 and is paid through Stripe, which tells it of everything.
struct CardShop {
    bench: Bench,
    shop: Commerce,
    clock: Arc<SteppedClock>,
    received: Received,
    mug: VariantId,
}

fn stripe() -> GatewayName {
    GatewayName::new("stripe").unwrap()
}

impl CardShop {
    async fn open(capture: CapturePolicy) -> Self {
        let bench = Bench::open().await;
        let (received, gateway) = listening(&bench).await;
        let clock = Arc::new(SteppedClock::new(now()));
        let shop = Commerce::new(MemoryStore::new(), clock.clone(), SeededIds::new(1))
            .with_gateway(gateway);
        let mut setup = Shop::new("Corner shop", eur(0).currency()).unwrap();
        setup.payment_terms = BTreeMap::from([(stripe(), PaymentTerms::Prepaid { days: 1 })]);
        setup.capture = BTreeMap::from([(stripe(), capture)]);
        shop.open(setup).await.unwrap();
        let made = CreateProduct {
            status: ProductStatus::Active,
            variants: vec![CreateVariant::new("MUG", eur(1_250)).unwrap()],
            ..CreateProduct::new("Mug").unwrap()
        };
        let office = Caller::system();
        let mug = shop.create_product(&office, &made).await.unwrap().variants[0].id;
        shop.receive_stock(&office, None, &[(mug, 10_000)], None).await.unwrap();
        Self { bench, shop, clock, received, mug }
    }

    /// An order of some mugs, and what Stripe calls its payment.
    async fn order(&self, mugs: u64) -> (OrderId, String) {
        let cart = CreateCart {
            lines: vec![AddLine::new(self.mug, i64::try_from(mugs).unwrap()).unwrap()],
            email: Some("ada@example.com".parse().unwrap()),
            shipping_address: Some(Address::new("Ada", "Street 1", "Berlin", "DE").unwrap()),
            ..CreateCart::default()
        };
        let visitor = Caller::anonymous();
        let cart = self.shop.create_cart(&visitor, &cart).await.unwrap();
        let guest = cart.caller(&visitor);
        let request = PlaceOrder::paid_by(stripe());
        let placed = self.shop.place_order(&guest, cart.cart.id, &request).await.unwrap();
        let id = placed.order.id;
        let inputs = self.shop.store().order(&OrderRef::Id(id)).await.unwrap().unwrap();
        (id, inputs.payments[0].references[0].to_string())
    }

    /// Takes in what Stripe has told since, and looks into it.
    async fn hear(&self) {
        self.bench.stripe.webhooks_sent().await;
        let came: Vec<_> = self.received.lock().unwrap().drain(..).collect();
        for (headers, body) in came {
            let receipt = self.shop.receive_webhook(&stripe(), &headers, &body).await.unwrap();
            self.shop.handle_webhook(receipt.id).await.unwrap();
        }
    }

    /// Lets time pass. A webhook must come within five minutes.
    async fn wait(&self, seconds: u64) {
        self.hear().await;
        let time = Duration::from_secs(seconds);
        self.bench.stripe.advance(time);
        self.clock.advance(time);
    }

    async fn refund(&self, order: OrderId, minor: u64) {
        let amount = Some(eur(i64::try_from(minor).unwrap()));
        let request = CreateRefund { amount, ..CreateRefund::default() };
        // More than is left, or what a bank disputes, is refused.
        let _ = self.shop.refund(&Caller::system(), order, &request, None).await;
    }

    /// What may happen to one order.
    async fn live(&self, dice: &mut Dice) {
        let office = Caller::system();
        let (order, intent) = self.order(1 + dice.below(4)).await;
        if dice.below(4) == 0 {
            self.bench.stripe.confirm(&intent, "pm_card_chargeDeclined").unwrap_err();
        }
        let card = ["pm_card_visa", "pm_card_visa", "pm_card_refundFail", "pm_card_createDispute"];
        match dice.below(6) {
            // The customer goes away.
            0 => return,
            n => drop(
                self.bench.stripe.confirm(&intent, card[usize::try_from(n % 4).unwrap()]).unwrap(),
            ),
        }
        self.hear().await;
        match dice.below(4) {
            0 => drop(self.shop.void(&office, order, &VoidPayment::default(), None).await),
            1 => {
                let amount = Some(eur(700));
                let part = CapturePayment { amount, ..CapturePayment::default() };
                let _ = self.shop.capture(&office, order, &part, None).await;
            }
            _ => drop(self.shop.capture(&office, order, &CapturePayment::default(), None).await),
        }
        for _ in 0..dice.below(4) {
            self.refund(order, 1 + dice.below(1_000)).await;
        }
        self.wait(dice.below(600)).await;
    }

    async fn compare(&self) -> Reconciliation {
        let hour = Duration::from_secs(3_600);
        let until = self.clock.now().saturating_add(hour);
        self.shop.reconcile(&stripe(), now().saturating_sub(hour), until).await.unwrap()
    }
}

#[tokio::test]
async fn the_books_agree_after_whatever_happens() {
    for (seed, capture) in
        [(1, CapturePolicy::Automatic), (2, CapturePolicy::Manual), (3, CapturePolicy::Manual)]
    {
        let shop = CardShop::open(capture).await;
        let mut dice = Dice(seed);
        for _ in 0..25 {
            shop.live(&mut dice).await;
        }
        // Refunds that fail do so by now.
        shop.wait(3_600).await;
        shop.hear().await;
        shop.shop.sweep(1_000).await.unwrap();
        let found = shop.compare().await;
        assert!(found.agrees(), "seed {seed}: {:#?}", found.differences);
        let mut kept = 0;
        for sum in &found.sums {
            assert_eq!(sum.provider, sum.booked);
            kept += match sum.movement {
                TransactionKind::Charge => sum.booked.minor(),
                TransactionKind::Refund => -sum.booked.minor(),
                TransactionKind::Dispute => 0,
            };
        }
        let kinds: Vec<_> = found.sums.iter().map(|sum| sum.movement).collect();
        let (charge, refund) = (TransactionKind::Charge, TransactionKind::Refund);
        assert_eq!(kinds, [charge, refund, TransactionKind::Dispute], "seed {seed}");
        assert_eq!(kept, shop.bench.stripe.kept("eur"), "seed {seed}");
        let failed = shop.bench.stripe.refunds();
        assert!(failed.iter().any(|refund| refund["status"] == "failed"), "seed {seed}");
    }
}

#[tokio::test]
async fn what_is_done_at_stripe_alone_is_found() {
    let shop = CardShop::open(CapturePolicy::Automatic).await;
    let (order, intent) = shop.order(2).await;
    shop.bench.stripe.confirm(&intent, "pm_card_visa").unwrap();
    shop.hear().await;
    assert!(shop.compare().await.agrees());
    foreign_charge(&shop.bench.stripe).await;
    let by_hand = format!("payment_intent={intent}&amount=300");
    support::ask(&shop.bench.stripe, "/refunds", Some(&by_hand)).await;
    shop.bench.stripe.webhooks_sent().await;
    let found = shop.compare().await;
    let told = |found: &Reconciliation| -> Vec<_> {
        found
            .differences
            .iter()
            .map(|it| (it.kind, it.movement, it.provider, it.order_id))
            .collect()
    };
    let unknown = DifferenceKind::UnknownToShop;
    let charge = (unknown, TransactionKind::Charge, Some(eur(12_345)), None);
    let refund = (unknown, TransactionKind::Refund, Some(eur(300)), Some(order));
    let mut all = told(&found);
    all.sort_by_key(|it| it.1);
    assert_eq!(all, [charge, refund]);
    // The webhook tells of the refund; the charge is nobody's, and waits for whom it may be.
    shop.hear().await;
    assert_eq!(told(&shop.compare().await), [charge]);
}

#[tokio::test]
async fn more_than_a_page_of_refunds_is_told_and_in_the_books() {
    let bench = Bench::open().await;
    let order = euros().await;
    let paid = bench.paid(&order, payment(&order, 1), "pm_card_visa").await;
    for number in 1..=101 {
        bench.refund(&paid, &refund(eur(1), number)).await.unwrap();
    }
    assert_eq!(bench.fetch(&paid).await.refunds.len(), 101);
    let references = support::books(&bench).await.into_iter().map(|row| row.reference);
    assert_eq!(references.collect::<BTreeSet<_>>().len(), 1 + 101);
}

#[tokio::test]
async fn what_moved_is_in_the_period_of_its_second_and_in_no_other() {
    let bench = Bench::open().await;
    let order = euros().await;
    bench.paid(&order, payment(&order, 1), "pm_card_visa").await;
    let at = |milliseconds| Timestamp::from_millis(now().as_millis() + milliseconds).unwrap();
    for (from, until, count) in [
        (-1_000, 0, 0),
        (-1_000, 1, 1),
        (0, 1_000, 1),
        (1, 1_000, 0),
        // Side by side, whatever parts them.
        (-500, 500, 1),
        (500, 1_500, 0),
    ] {
        let query = TransactionQuery { from: at(from), until: at(until), after: None };
        let page = bench.gateway.transactions(&query).await.unwrap();
        assert_eq!((page.items.len(), page.next), (count, None), "{from} {until}");
    }
}
