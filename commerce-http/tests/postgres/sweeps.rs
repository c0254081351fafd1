//! Two servers of one shop end what is overdue: each thing once.

use std::{sync::Arc, time::Duration};

use commerce_core::{
    Commerce,
    checkout::PlaceOrder,
    currency::Currency,
    inputs::{SeededIds, SteppedClock},
    shop::Shop,
    time::Timestamp,
};
use commerce_http::background::{Background, Schedule};
use sqlx::PgConnection;

use super::{
    common::{
        Schema, block_on, number,
        shop::{cart, check_books, sell},
    },
    left_out,
};

/// Carts that nobody comes back to, and orders that nobody pays for, of each.
const OVERDUE: usize = 40;
/// Longer than an order waits for its money, and a cart for its customer.
const LONG: Duration = Duration::from_secs(60 * 86_400);

/// Two servers on one schema, in whose shop much is overdue.
struct Shops {
    servers: [Commerce; 2],
    watch: PgConnection,
    _schema: Schema,
}

impl Shops {
    fn overdue() -> Self {
        let schema = Schema::new();
        let clock = Arc::new(SteppedClock::new(Timestamp::UNIX_EPOCH));
        let server = |seed| Commerce::new(schema.open(), clock.clone(), SeededIds::new(seed));
        let servers = [server(1), server(2)];
        let shop = &servers[0];
        block_on(shop.open(Shop::new("Test", Currency::EUR).unwrap())).unwrap();
        let variant = sell(shop, "SKU", 1_000);
        for _ in 0..OVERDUE {
            block_on(async {
                cart(shop, &[(variant, 1)]).await;
                let (guest, cart) = cart(shop, &[(variant, 2)]).await;
                shop.place_order(&guest, cart, &PlaceOrder::default()).await.unwrap();
            });
        }
        let mut shops = Self { servers, watch: schema.connect(), _schema: schema };
        assert_eq!(shops.held(), 2 * OVERDUE as i64);
        clock.advance(LONG);
        shops
    }

    fn held(&mut self) -> i64 {
        let sql = "SELECT coalesce(sum(held), 0)::bigint FROM commerce_stock_levels";
        number(&mut self.watch, sql)
    }

    fn told(&mut self, what: &str) -> i64 {
        let sql = format!(
            "SELECT count(*) FROM commerce_outbox, json_array_elements(events) AS event
            WHERE event ->> 'type' = '{what}'"
        );
        number(&mut self.watch, &sql)
    }

    /// Each thing has ended once, and its stock is back once.
    fn check(&mut self) {
        for what in ["cart.expired", "order.cancelled"] {
            assert_eq!(self.told(what), OVERDUE as i64, "{what}");
        }
        assert_eq!(self.held(), 0);
        let on_hand = "SELECT sum(on_hand)::bigint FROM commerce_stock_levels";
        assert_eq!(number(&mut self.watch, on_hand), 1_000);
        check_books(&mut self.watch);
    }
}

#[test]
fn what_two_servers_look_for_in_the_background_ends_once() {
    if left_out() {
        return;
    }
    let mut shops = Shops::overdue();
    let often = Duration::from_millis(1);
    let schedule = Schedule { sweep_every: often, ..Schedule::default() };
    block_on(async {
        let work = shops.servers.each_ref().map(|it| Background::start(it, schedule, Vec::new()));
        let (store, now) = (shops.servers[0].store(), shops.servers[0].moment().now());
        let nothing_due = async {
            while !store.due(now, 1).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), nothing_due).await.unwrap();
        for work in work {
            work.stop().await;
        }
    });
    shops.check();
}

#[test]
fn what_two_servers_end_at_the_same_time_ends_once() {
    if left_out() {
        return;
    }
    let mut shops = Shops::overdue();
    // Neither has claimed anything.
    let [one, other] = shops.servers.each_ref();
    let (one, other) = block_on(async { tokio::join!(one.sweep(1_000), other.sweep(1_000)) });
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.carts + other.carts, OVERDUE, "{one:?} {other:?}");
    assert_eq!(one.orders + other.orders, OVERDUE, "{one:?} {other:?}");
    shops.check();
}
