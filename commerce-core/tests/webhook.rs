//! Webhooks: recorded once, looked into in any order, parked and never dropped.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{collections::BTreeMap, time::Duration};

use commerce_core::{
    Error, WebhookReceipt,
    access::Caller,
    checkout::PlaceOrder,
    error::{ErrorKind, Rejection},
    gateway::{
        Call, Fault, Headers, Notice, PaymentGateway, ProviderAccount, ProviderDispute,
        ProviderRefund, ProviderStatus, Reply, ScriptedGateway, Subject,
    },
    id::{Moment, OrderId, PaymentId, WebhookId},
    order::OrderStatus,
    payment::{DisputeStatus, PaymentStatus, RefundStatus, ReviewReason},
    store::{OrderRef, PageRequest, Purge, WebhookQuery, WebhookRef},
    text::GatewayName,
    time::Timestamp,
    webhook::{Webhook, WebhookFailure, WebhookStatus},
};
use pollster::block_on;
use support::{
    World,
    cards::{CardShop, card, label, waits},
    eur, faults, name_of, refund_of, refused,
};

/// What these tests ask of it besides.
trait Webhooks {
    fn receive(&self, n: usize) -> Result<WebhookReceipt, Error>;
    fn handle(&self, id: WebhookId) -> Result<bool, Error>;
    fn webhook(&self, id: WebhookId) -> Webhook;
    fn tell(&self, event: &str, account: ProviderAccount, subject: Option<Subject>) -> usize;
    fn webhooks_swept(&self) -> usize;
    fn seen(&self, order: OrderId) -> String;
    fn told(&self, since: u64) -> BTreeMap<String, usize>;
}

impl Webhooks for CardShop {
    fn receive(&self, n: usize) -> Result<WebhookReceipt, Error> {
        let (headers, body) = self.gateway.webhook(n).unwrap();
        block_on(self.world.shop.receive_webhook(&card(), &headers, &body))
    }

    fn handle(&self, id: WebhookId) -> Result<bool, Error> {
        block_on(self.world.shop.handle_webhook(id))
    }

    fn webhook(&self, id: WebhookId) -> Webhook {
        let found = block_on(self.world.shop.store().webhook(&WebhookRef::Id(id))).unwrap();
        found.unwrap().value.as_ref().clone()
    }

    fn tell(&self, event: &str, account: ProviderAccount, subject: Option<Subject>) -> usize {
        let (event_id, kind) = (label(event), label("payment.changed"));
        self.gateway.tell(Notice { event_id, kind, account, subject });
        self.gateway.webhooks() - 1
    }

    fn webhooks_swept(&self) -> usize {
        block_on(self.world.shop.sweep(1_000)).unwrap().webhooks
    }

    /// What an order has come to, without what differs from one history to the next.
    fn seen(&self, order: OrderId) -> String {
        let inputs = self.inputs(OrderRef::Id(order));
        let payment = &inputs.payments[0];
        let refunds: Vec<_> =
            payment.refunds.iter().map(|it| (&it.reference, it.amount, it.status)).collect();
        let order = &inputs.order;
        format!(
            "{:?} {:?} {} {} {} | {:?} {} {} {} {:?} {:?} {:?}",
            order.status(),
            order.payment_status,
            order.paid_total,
            order.refunded_total,
            order.lines[0].cancelled,
            payment.status,
            payment.authorized,
            payment.captured,
            payment.refunded,
            refunds,
            payment.disputes,
            payment.in_review(),
        )
    }

    /// What was told of an order and its payment's disputes, each kind as often as it was.
    fn told(&self, since: u64) -> BTreeMap<String, usize> {
        let mut told = BTreeMap::new();
        for event in self.world.commits_after(since).iter().flatten() {
            let name = name_of(event);
            if name.starts_with("order.") || name == "payment.disputed" {
                *told.entry(name).or_default() += 1;
            }
        }
        told
    }
}

/// What happens to a payment at its provider, each of which makes a webhook: it is created, paid, some
/// of it is given back by hand, that succeeds, and a bank disputes the rest.
const ACTS: [fn(&CardShop, PaymentId); 4] = [
    |shop, id| assert!(shop.gateway.pay(id)),
    |shop, id| {
        let refund = ProviderRefund {
            reference: label("re_1"),
            refund_id: None,
            amount: eur(500),
            status: RefundStatus::Pending,
            failure: None,
            created_at: shop.world.now(),
        };
        shop.gateway.change(id, |payment| payment.refunds.push(refund));
    },
    |shop, id| {
        shop.gateway.change(id, |payment| payment.refunds[0].status = RefundStatus::Succeeded);
    },
    |shop, id| {
        let dispute = ProviderDispute {
            reference: label("dp_1"),
            amount: eur(1_499),
            status: DisputeStatus::Open,
            reason: None,
            opened_at: Timestamp::UNIX_EPOCH,
        };
        shop.gateway.change(id, |payment| payment.disputes.push(dispute));
    },
];

/// Every order of some of the events, each at most once: 326 for all five.
fn orders_of(events: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for event in events {
        let rest: Vec<_> = events.iter().copied().filter(|it| it != event).collect();
        for mut order in orders_of(&rest) {
            order.insert(0, *event);
            all.push(order);
        }
    }
    all
}

/// Tells one story: the events in an order, each once it has happened, with everything that happens
/// having happened `before` the first is delivered, or as late as can be.
fn tell(shop: &CardShop, order: &[usize], before: bool) -> (String, BTreeMap<String, usize>) {
    let since = shop.world.position();
    let first = shop.gateway.webhooks();
    let (id, payment) = shop.order(waits());
    let mut happened = 0;
    let mut happen = |until: usize| {
        for act in &ACTS[happened.min(until)..until] {
            act(shop, payment);
        }
        happened = happened.max(until);
    };
    if before {
        happen(ACTS.len());
    }
    for event in order {
        happen(*event);
        shop.deliver(first + event);
    }
    happen(ACTS.len());
    assert_eq!(shop.gateway.webhooks(), first + 5, "five events");
    (shop.seen(id), shop.told(since))
}

#[test]
fn five_events_in_any_order_and_any_of_them_twice_end_in_the_same_state() {
    let expected = tell(&CardShop::new(), &[0, 1, 2, 3, 4], false);
    assert!(expected.0.contains("19.99 EUR 19.99 EUR 5.00 EUR"), "{expected:?}");
    for (event, times) in [("order.placed", 1), ("order.paid", 1), ("order.refunded", 1)] {
        assert_eq!(expected.1.get(event), Some(&times), "{expected:?}");
    }
    let orders = orders_of(&[0, 1, 2, 3, 4]);
    let orders: Vec<_> = orders.into_iter().filter(|order| order.len() == 5).collect();
    assert_eq!(orders.len(), 120);
    let mut stories = 0;
    for order in orders {
        let shop = CardShop::new();
        for at in 0..5 {
            // The same event once more, at each place after it.
            for place in at + 1..=5 {
                let mut twice = order.clone();
                twice.insert(place, order[at]);
                for before in [true, false] {
                    let found = tell(&shop, &twice, before);
                    assert_eq!(found, expected, "{twice:?}, all of it happened before: {before}");
                    stories += 1;
                }
            }
        }
    }
    assert_eq!(stories, 120 * 15 * 2);
}

#[test]
fn what_a_lost_webhook_would_have_told_is_found_by_the_sweep() {
    let (expected, told) = tell(&CardShop::new(), &[0, 1, 2, 3, 4], false);
    for order in orders_of(&[0, 1, 2, 3, 4]) {
        let shop = CardShop::new();
        let since = shop.world.position();
        let (id, payment) = shop.order(waits());
        ACTS.iter().for_each(|act| act(&shop, payment));
        for event in &order {
            shop.receive(*event).unwrap();
        }
        // Nobody looks into those that came but the sweep, and nobody asks for those that did not.
        shop.world.clock.advance(Duration::from_secs(3_600));
        let swept = block_on(shop.world.shop.sweep(1_000)).unwrap();
        assert_eq!((swept.webhooks, swept.payments > 0 || !order.is_empty()), (order.len(), true));
        assert_eq!(
            (shop.seen(id), shop.told(since)),
            (expected.clone(), told.clone()),
            "{order:?}"
        );
    }
}

#[test]
fn an_event_is_recorded_once_with_its_body_before_anything_is_done() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(waits());
    shop.gateway.pay(payment);
    let calls = shop.gateway.calls();
    let first = shop.receive(1).unwrap();
    assert!(!first.repeated);
    assert_eq!(shop.gateway.calls(), calls, "nothing is asked before it is answered");
    assert_eq!(shop.world.seen(order).payment_status, PaymentStatus::RequiresAction);
    let webhook = shop.webhook(first.id);
    assert_eq!(webhook.body, shop.gateway.webhook(1).unwrap().1);
    assert_eq!((webhook.status, webhook.attempts), (WebhookStatus::Received, 0));
    for _ in 0..3 {
        let again = shop.receive(1).unwrap();
        assert_eq!(again, WebhookReceipt { id: first.id, repeated: true });
    }
    assert!(shop.handle(first.id).unwrap());
    assert_eq!(shop.world.seen(order).payment_status, PaymentStatus::Paid);
    assert_eq!(shop.webhook(first.id).status, WebhookStatus::Handled);
    assert!(!shop.handle(first.id).unwrap(), "it is done with");
    assert!(shop.receive(1).unwrap().repeated, "also once it is done with");
    assert!(!shop.handle(Moment::new(shop.world.now(), [9; 16]).id()).unwrap());
}

#[test]
fn what_is_not_the_providers_is_refused_and_not_written() {
    let shop = CardShop::new();
    shop.order(waits());
    let (headers, body) = shop.gateway.webhook(0).unwrap();
    let receive = |gateway: &str, headers: &Headers, body: &[u8]| {
        let gateway = GatewayName::new(gateway).unwrap();
        refused(block_on(shop.world.shop.receive_webhook(&gateway, headers, body)))
    };
    let mut forged = body.clone();
    forged.push(b' ');
    let why = "its signature is another";
    assert_eq!(receive("card", &headers, &forged), Rejection::WebhookUnverified { why });
    let none = Headers::default();
    assert_eq!(receive("card", &none, &body), Rejection::WebhookUnverified { why });
    for nowhere in ["other", "manual"] {
        assert!(matches!(receive(nowhere, &headers, &body), Rejection::NotFound { .. }));
    }
    let longest = vec![b'x'; Webhook::BODY_MAX + 1];
    assert!(matches!(receive("card", &headers, &longest), Rejection::WebhookUnreadable { .. }));
    assert!(matches!(
        receive("card", &headers, &longest[1..]),
        Rejection::WebhookUnverified { .. }
    ));
    let due = block_on(shop.world.shop.store().due(Timestamp::MAX, 100)).unwrap();
    let of_webhook = |it: &_| matches!(it, commerce_core::store::Due::Webhook(_));
    assert!(!due.iter().any(of_webhook));
}

#[test]
fn a_webhook_about_nothing_that_is_followed_is_done_with_at_once() {
    let shop = CardShop::new();
    let n = shop.tell("evt_a", shop.gateway.account(), None);
    let id = shop.receive(n).unwrap().id;
    assert_eq!(shop.webhook(id).status, WebhookStatus::Ignored);
    assert!(!shop.handle(id).unwrap());
    assert!(shop.receive(n).unwrap().repeated);
}

#[test]
fn an_unknown_payment_is_parked_and_never_dropped() {
    let shop = CardShop::new();
    let subject = Subject { references: vec![label("pi_foreign")], payment_id: None };
    let n = shop.tell("evt_a", shop.gateway.account(), Some(subject));
    let id = shop.receive(n).unwrap().id;
    assert!(shop.handle(id).unwrap());
    let parked = shop.webhook(id);
    assert_eq!((parked.status, parked.attempts), (WebhookStatus::Parked, 1));
    assert_eq!(parked.failure, Some(WebhookFailure::UnknownPayment));
    assert!(!shop.handle(id).unwrap(), "not before its time");
    shop.minutes(1);
    assert_eq!(shop.webhooks_swept(), 1);
    assert_eq!(shop.webhooks_swept(), 0, "the next pause is longer");
    for _ in 0..400 {
        shop.world.days(1);
        shop.webhooks_swept();
    }
    let left = shop.webhook(id);
    assert!(
        left.attempts < 20
            && left.updated_at < parked.received_at.saturating_add(Webhook::PARKED_FOR)
    );
    let purge = Purge {
        outcomes_before: Timestamp::MIN,
        outbox_through: 0,
        carts_before: Timestamp::MIN,
        webhooks_before: Timestamp::MAX,
    };
    assert_eq!(block_on(shop.world.shop.purge(&purge)).unwrap(), 0);
    let retry = || block_on(shop.world.shop.retry_webhook(&shop.world.system, id)).unwrap();
    let seen = retry();
    assert_eq!((seen.status, seen.attempts), (WebhookStatus::Parked, left.attempts + 1));
    assert_eq!(seen.due_at, None, "nobody looks into it by itself any more");
    assert_eq!(block_on(shop.world.shop.purge(&purge)).unwrap(), 0);
    assert_eq!((shop.webhooks_swept(), retry().attempts), (0, left.attempts + 2));
}

#[test]
fn a_webhook_that_overtakes_the_commit_of_its_order_is_parked_until_it_is_there() {
    // The order is committed on another server, whose commit this one does not see yet: what the
    // gateway was told is there before.
    let shop = CardShop::new();
    let (guest, cart) = shop.cart();
    let store = shop.world.shop.store().clone();
    let inputs = block_on(store.checkout_inputs(cart, &[])).unwrap().unwrap();
    let request = PlaceOrder::paid_by(card());
    let decision = shop.world.shop.decide_order(&guest, &inputs, &request).unwrap();
    let payment = decision.output.payment.as_ref().unwrap().id;
    let subject = Subject { references: vec![payment.into()], payment_id: Some(payment) };
    let n = shop.tell("evt_early", shop.gateway.account(), Some(subject));
    let id = shop.receive(n).unwrap().id;
    assert!(shop.handle(id).unwrap());
    assert_eq!(shop.webhook(id).status, WebhookStatus::Parked);
    block_on(store.commit(&decision.commit)).unwrap();
    shop.gateway.script([waits()]);
    block_on(shop.world.shop.place_order(&guest, cart, &request)).unwrap();
    shop.gateway.pay(payment);
    shop.minutes(1);
    assert_eq!(shop.webhooks_swept(), 1);
    assert_eq!(shop.webhook(id).status, WebhookStatus::Handled);
    let order = decision.output.order.id;
    assert_eq!(shop.world.seen(order).payment_status, PaymentStatus::Paid);
}

#[test]
fn a_payment_whose_answer_was_lost_is_found_by_the_id_that_the_provider_was_given() {
    let shop = CardShop::new();
    shop.gateway.script([Reply::Lost(Box::new(Reply::Capture))]);
    let (guest, cart) = shop.cart();
    let placed = block_on(shop.world.shop.place_order(&guest, cart, &PlaceOrder::paid_by(card())));
    assert_eq!(placed.unwrap_err().kind(), ErrorKind::Unknown);
    let payment = shop.gateway.payments()[0].0;
    assert!(shop.payment(payment).references.is_empty());
    shop.deliver(0);
    let found = shop.payment(payment);
    assert_eq!(found.status, PaymentStatus::Paid);
    assert_eq!(found.open_operations().count(), 0, "it answers the checkout, too");
    assert_eq!(shop.gateway.kept(payment), 1_999);
}

#[test]
fn a_gateway_that_is_down_loses_no_webhook() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(waits());
    shop.gateway.pay(payment);
    let id = shop.receive(1).unwrap().id;
    shop.gateway.roll(|call| matches!(call, Call::Fetch(_)).then_some(Fault::Unreached));
    assert!(matches!(shop.handle(id), Err(Error::GatewayUnavailable(_))));
    let waiting = shop.webhook(id);
    assert_eq!((waiting.status, waiting.attempts), (WebhookStatus::Received, 1));
    assert_eq!(waiting.failure, Some(WebhookFailure::GatewayUnavailable));
    assert!(!shop.handle(id).unwrap(), "it is not asked again at once");
    shop.gateway.roll(|_| None);
    shop.minutes(1);
    assert!(shop.handle(id).unwrap());
    assert_eq!(shop.world.seen(order).payment_status, PaymentStatus::Paid);
    assert_eq!(shop.webhook(id).failure, None);
}

#[test]
fn two_servers_that_look_into_the_same_webhook_do_what_one_does() {
    let store = faults::Shared::new();
    let shop = CardShop::over(World::over(store.clone(), 1));
    let (order, payment) = shop.order(waits());
    shop.gateway.pay(payment);
    let since = shop.world.position();
    let id = shop.receive(1).unwrap().id;
    let other = shop.world.shop.clone();
    // The other one does all of it after the first has read what is to be done.
    store.before_next("order", move || {
        assert!(block_on(other.handle_webhook(id)).unwrap());
    });
    assert!(shop.handle(id).unwrap());
    let webhook = shop.webhook(id);
    assert_eq!((webhook.status, webhook.attempts), (WebhookStatus::Handled, 1));
    assert_eq!(shop.world.seen(order).paid_total, eur(1_999));
    assert_eq!(shop.told(since), BTreeMap::from([("order.paid".to_owned(), 1)]));
}

#[test]
fn one_event_that_two_servers_receive_at_once_is_recorded_once() {
    let store = faults::Shared::new();
    let shop = CardShop::over(World::over(store.clone(), 1));
    shop.order(waits());
    let other = shop.world.shop.clone();
    let (headers, body) = shop.gateway.webhook(0).unwrap();
    store.before_next_commit(move || {
        assert!(!block_on(other.receive_webhook(&card(), &headers, &body)).unwrap().repeated);
    });
    assert!(shop.receive(0).unwrap().repeated);
}

#[test]
fn what_is_not_known_to_be_recorded_is_not_answered_and_comes_again() {
    let store = faults::Shared::new();
    let shop = CardShop::over(World::over(store.clone(), 1));
    shop.order(waits());
    for (fault, recorded) in [
        (faults::Fault::Unavailable, false),
        (faults::Fault::LostBefore, false),
        (faults::Fault::LostAfter, true),
    ] {
        let n = shop.tell(&format!("evt_{fault:?}"), shop.gateway.account(), None);
        store.fail_once(fault);
        assert!(shop.receive(n).is_err());
        assert_eq!(shop.receive(n).unwrap().repeated, recorded, "{fault:?}");
    }
}

#[test]
fn another_account_is_none_of_the_shops_business_and_money_of_one_is_reviewed() {
    let shop = CardShop::new();
    let live = ProviderAccount { id: None, livemode: true };
    let stranger = Subject { references: vec![label("pi_live")], payment_id: None };
    let n = shop.tell("evt_live", live.clone(), Some(stranger));
    let id = shop.receive(n).unwrap().id;
    assert!(shop.handle(id).unwrap());
    assert_eq!(shop.webhook(id).status, WebhookStatus::Ignored);

    let (order, payment) = shop.order(waits());
    shop.gateway.change(payment, |payment| {
        payment.account.livemode = true;
        (payment.status, payment.captured) = (ProviderStatus::Captured, eur(1_999));
    });
    shop.deliver_last();
    let found = shop.payment(payment);
    assert_eq!(found.in_review(), Some(ReviewReason::WrongAccount));
    assert_eq!(found.status, PaymentStatus::NeedsReview);
    assert!(shop.world.fulfill_all(order).is_err(), "nothing is sent for it");
}

#[test]
fn what_one_gateway_tells_is_about_no_payment_of_another() {
    let shop = CardShop::new();
    let (_, payment) = shop.order(waits());
    let other = ScriptedGateway::new(GatewayName::new("other").unwrap());
    let commerce = shop.world.shop.clone().with_gateway(other.clone());
    let reference = shop.payment(payment).references[0].clone();
    let by_name = Subject { references: vec![reference], payment_id: None };
    let by_id = Subject { references: Vec::new(), payment_id: Some(payment) };
    for (event, subject) in [("evt_name", by_name), ("evt_id", by_id)] {
        let (event_id, kind) = (label(event), label("payment.changed"));
        other.tell(Notice { event_id, kind, account: other.account(), subject: Some(subject) });
        let (headers, body) = other.webhook(other.webhooks() - 1).unwrap();
        let calls = shop.gateway.calls();
        let id = block_on(commerce.receive_webhook(&other.name(), &headers, &body)).unwrap().id;
        assert!(block_on(commerce.handle_webhook(id)).unwrap());
        assert_eq!(shop.webhook(id).status, WebhookStatus::Parked, "{event}");
        assert_eq!((shop.gateway.calls(), other.calls().len()), (calls, 0), "nobody is asked");
    }
}

#[test]
fn a_gateway_that_the_shop_gave_up_keeps_its_webhooks() {
    let store = faults::Shared::new();
    let shop = CardShop::over(World::over(store.clone(), 1));
    shop.order(waits());
    let id = shop.receive(0).unwrap().id;
    let without = World::over(store, 2).shop.with_clock(shop.world.clock.clone());
    assert!(matches!(
        refused(block_on(without.handle_webhook(id))),
        Rejection::InvalidTransition { .. }
    ));
    assert_eq!(shop.webhook(id).failure, Some(WebhookFailure::GatewayGone));
    shop.minutes(1);
    assert!(shop.handle(id).unwrap());
}

#[test]
fn a_refund_by_webhook_and_by_the_shop_is_one() {
    let shop = CardShop::new();
    let (order, payment) = shop.order(Reply::Capture);
    shop.gateway.script([Reply::Lost(Box::new(Reply::Accept))]);
    assert!(shop.world.refund(order, &refund_of(700)).is_err());
    shop.deliver_last();
    let seen = shop.world.seen(order);
    assert_eq!((seen.refunded_total, shop.gateway.kept(payment)), (eur(700), 1_299));
    assert_eq!(seen.status, OrderStatus::Confirmed);
    shop.minutes(60);
    block_on(shop.world.shop.sweep(100)).unwrap();
    assert_eq!((seen.payments[0].refunds.len(), shop.gateway.kept(payment)), (1, 1_299));
}

#[test]
fn the_back_office_sees_what_is_parked_and_has_it_looked_into_at_once() {
    let shop = CardShop::new();
    let (system, commerce) = (&shop.world.system, &shop.world.shop);
    let account = || ProviderAccount { id: None, livemode: false };
    let (_, id) = shop.order(waits());
    let known = shop.receive(0).unwrap().id;
    let nobody: PaymentId = Moment::new(shop.world.now(), [9; 16]).id();
    let subject = Subject { references: vec![label("pi_x")], payment_id: Some(nobody) };
    let unknown = shop.receive(shop.tell("evt_x", account(), Some(subject))).unwrap().id;
    let other = shop.receive(shop.tell("evt_y", account(), None)).unwrap().id;
    shop.handle(unknown).unwrap();
    let list = |status: Option<WebhookStatus>| {
        let query = WebhookQuery { status, page: PageRequest::first(10) };
        let page = block_on(commerce.webhooks(system, &query)).unwrap();
        page.items.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    let mut all = list(None);
    assert_eq!(all.remove(0), unknown);
    all.sort();
    let mut others = [known, other];
    others.sort();
    assert_eq!(all, others);
    assert_eq!(list(Some(WebhookStatus::Received)), [known]);

    // It is not its turn yet, and is looked into all the same.
    assert!(!shop.handle(unknown).unwrap());
    let key = system.clone().with_key(support::key("again"));
    let first = block_on(commerce.retry_webhook(&key, unknown)).unwrap();
    assert_eq!((first.status, first.attempts), (WebhookStatus::Parked, 2));
    let again = block_on(commerce.retry_webhook(&key, unknown)).unwrap();
    assert!(again.replayed && again.output == first.output);
    assert_eq!(shop.webhook(unknown).attempts, 2);

    shop.gateway.roll(|_| Some(Fault::Unreached));
    let silent = block_on(commerce.retry_webhook(system, known)).unwrap();
    assert_eq!(silent.failure, Some(WebhookFailure::GatewayUnavailable));
    shop.gateway.roll(|_| None);
    let handled = block_on(commerce.retry_webhook(system, known)).unwrap();
    assert_eq!((handled.status, handled.due_at), (WebhookStatus::Handled, None));
    assert_eq!(handled.payment_id, Some(id));
    for done in [known, other] {
        assert!(support::not_now(block_on(commerce.retry_webhook(system, done))));
    }

    let guest = Caller::anonymous();
    let query = WebhookQuery { status: None, page: PageRequest::first(1) };
    assert_eq!(refused(block_on(commerce.webhooks(&guest, &query))), Rejection::Forbidden);
    assert_eq!(refused(block_on(commerce.webhook(&guest, known))), Rejection::Forbidden);
    assert_eq!(refused(block_on(commerce.retry_webhook(&guest, known))), Rejection::Forbidden);
    let none: WebhookId = Moment::new(shop.world.now(), [8; 16]).id();
    let missing = Rejection::NotFound { what: "webhook" };
    assert_eq!(refused(block_on(commerce.webhook(system, none))), missing);
    assert_eq!(refused(block_on(commerce.retry_webhook(system, none))), missing);
}
