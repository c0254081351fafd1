//! The daily comparison of the books with those of every gateway.

use std::iter;

use commerce_core::{
    Commerce, Error, error::Rejection, reconciliation::Reconciliation, text::GatewayName,
};
use tokio_util::sync::CancellationToken;

use super::{held, label};
use crate::reconcile::{Day, line};

/// How many days back the books are compared that could not be before.
const COMPARED_MAX: usize = 31;

/// Compares the books with those of every gateway that there is, also of one that is not offered any
/// more: what was paid by it is still refunded and disputed. No server does what another has done.
pub(super) async fn compare(
    commerce: &Commerce,
    stopping: &CancellationToken,
) -> Result<bool, Error> {
    let yesterday = Day::of(commerce.moment().now()).before();
    let mut failed = None;
    for gateway in commerce.gateways() {
        // One that does not answer must not keep the others.
        let compared = async {
            while !stopping.is_cancelled() && compare_next(commerce, gateway, yesterday).await? {}
            Ok(())
        };
        failed = failed.or(compared.await.err());
    }
    failed.map_or(Ok(false), Err)
}

/// Compares the books of the oldest day that was not compared with a gateway yet, and tells of
/// differences; answers whether there may be another one. How far it has come is noted; if that cannot be,
/// the day is compared once more.
async fn compare_next(
    commerce: &Commerce,
    gateway: &GatewayName,
    yesterday: Day,
) -> Result<bool, Error> {
    let name = label(&format!("compare {gateway}"))?;
    let is_done = |position| position >= yesterday.number();
    let known = commerce.store().subscription(&name).await?;
    if known.is_some_and(|known| is_done(known.position)) {
        return Ok(false);
    }
    let Some(lease) = commerce.claim(&name).await? else { return Ok(false) };
    if is_done(lease.position()) {
        commerce.release(lease).await?;
        return Ok(false);
    }
    let day = next_after(lease.position(), yesterday);
    let before = day.before().number();
    if (1..before).contains(&lease.position()) {
        let skipped = before - lease.position();
        tracing::warn!(
            target: "commerce_http::background",
            %gateway, skipped, from = %day, "days before this one were not compared: reconcile them"
        );
    }
    let work = commerce.reconcile(gateway, day.begins(), day.ends());
    let (found, lease) = held(commerce, lease, Commerce::LEASE / 2, work).await?;
    let (error, reached) = match found {
        Ok(found) => {
            tell(&found, day);
            (None, day.number())
        }
        // Its only books are the shop's.
        Err(Error::Rejected(Rejection::InvalidTransition { .. })) => (None, yesterday.number()),
        // From this day on it is tried again, whenever that is.
        Err(error) => (Some(error), before),
    };
    let noted = commerce.finish(lease, reached).await;
    match error {
        // A claim that cannot be given back ends by itself.
        Some(error) => Err(error),
        None => noted.map(|()| !is_done(reached)),
    }
}

/// The oldest day up to yesterday that comes after those that were compared, of so many as are compared
/// at all; yesterday where none was.
fn next_after(compared: u64, yesterday: Day) -> Day {
    let most = if compared == 0 { 1 } else { COMPARED_MAX };
    let days = iter::successors(Some(yesterday), |day| Some(day.before())).take(most);
    days.take_while(|day| day.number() > compared).last().unwrap_or(yesterday)
}

fn tell(found: &Reconciliation, day: Day) {
    let Reconciliation { gateway, transactions, differences, .. } = found;
    for difference in differences {
        tracing::warn!(
            target: "commerce_http::background",
            %gateway, difference = line(difference), "the books differ from the provider's"
        );
    }
    let differ = differences.len();
    tracing::info!(
        target: "commerce_http::background",
        %gateway, %day, transactions, differ, "compared the books"
    );
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    use commerce_core::{
        access::Caller,
        currency::Currency,
        gateway::{ScriptedGateway, Transaction, TransactionKind},
        inputs::{SeededIds, SteppedClock},
        money::Money,
        order::PaymentTerms,
        shop::{PatchShop, Shop},
        store::MemoryStore,
        text::Label,
        time::Timestamp,
    };

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    /// The books of a gateway: how often they were asked for, and at which times they come to more than
    /// can be compared.
    #[derive(Debug, Default)]
    struct Books {
        asked: Mutex<usize>,
        wrong: Mutex<Vec<Timestamp>>,
    }

    impl Books {
        fn look(&self, moved: &mut Vec<Transaction>) {
            *self.asked.lock().unwrap() += 1;
            for at in self.wrong.lock().unwrap().iter().copied() {
                moved.extend(["ch_1", "ch_2"].map(|reference| Transaction {
                    reference: Label::new(reference).unwrap(),
                    kind: TransactionKind::Charge,
                    payment_references: Vec::new(),
                    payment_id: None,
                    refund_id: None,
                    amount: Money::new(i64::MAX, Currency::EUR),
                    at,
                }));
            }
        }

        /// How often they were asked for since this was asked last.
        fn asked(&self) -> usize {
            std::mem::take(&mut *self.asked.lock().unwrap())
        }
    }

    /// A shop that takes cards, and its tenth day.
    struct Till {
        commerce: Commerce,
        clock: Arc<SteppedClock>,
        books: Arc<Books>,
    }

    impl Till {
        async fn open() -> Self {
            let clock = Arc::new(SteppedClock::new(Timestamp::UNIX_EPOCH));
            clock.advance(10 * DAY);
            let gateway = ScriptedGateway::new(card());
            let books = Arc::new(Books::default());
            let seen = books.clone();
            gateway.change_books(move |moved| seen.look(moved));
            let commerce = Commerce::new(MemoryStore::new(), clock.clone(), SeededIds::new(1))
                .with_gateway(gateway);
            let mut shop = Shop::new("Test", Currency::EUR).unwrap();
            shop.payment_terms.insert(card(), PaymentTerms::default());
            commerce.open(shop).await.unwrap();
            Self { commerce, clock, books }
        }

        async fn compare(&self) -> Result<bool, Error> {
            compare(&self.commerce, &CancellationToken::new()).await
        }

        fn yesterday(&self) -> Day {
            Day::of(self.commerce.moment().now()).before()
        }

        /// The number of the last day that was compared.
        async fn compared(&self) -> u64 {
            let known = self.commerce.store().subscription(&place()).await.unwrap().unwrap();
            assert_eq!(known.leased_until, None);
            known.position
        }
    }

    fn card() -> GatewayName {
        GatewayName::new("card").unwrap()
    }

    fn place() -> Label {
        label("compare card").unwrap()
    }

    #[tokio::test]
    async fn the_books_of_a_day_are_compared_once_among_all_servers() {
        let till = Till::open().await;
        for _server in 0..3 {
            till.compare().await.unwrap();
        }
        assert_eq!(till.books.asked(), 1);

        // Another server is at it, and dies.
        till.clock.advance(DAY);
        let lease = till.commerce.claim(&place()).await.unwrap().unwrap();
        till.compare().await.unwrap();
        assert_eq!(till.books.asked(), 0);
        till.clock.advance(Commerce::LEASE);
        till.compare().await.unwrap();
        assert_eq!(till.books.asked(), 1);
        assert!(matches!(till.commerce.release(lease).await, Err(Error::Contention)));
    }

    #[tokio::test]
    async fn a_gateway_that_is_not_offered_any_more_is_compared_all_the_same() {
        let till = Till::open().await;
        till.compare().await.unwrap();
        let payment_terms = Some([(card(), None)].into());
        let patch = PatchShop { payment_terms, ..PatchShop::default() };
        till.commerce.patch_shop(&Caller::system(), &patch, None).await.unwrap();
        let shop = till.commerce.shop().await.unwrap();
        assert!(!shop.payment_terms.contains_key(&card()));
        till.clock.advance(DAY);
        till.books.asked();
        till.compare().await.unwrap();
        assert_eq!(till.books.asked(), 1);
        assert_eq!(till.compared().await, till.yesterday().number());
    }

    #[tokio::test]
    async fn days_that_were_missed_are_made_up_for_the_oldest_first() {
        let till = Till::open().await;
        till.compare().await.unwrap();
        assert_eq!((till.books.asked(), till.compared().await), (1, 9));

        // For two days there was no server, and of a third the books cannot be compared.
        till.clock.advance(3 * DAY);
        *till.books.wrong.lock().unwrap() = vec![till.yesterday().begins()];
        assert!(till.compare().await.is_err());
        assert_eq!((till.books.asked(), till.compared().await), (3, 11));

        // Nor are they the next day, until they are mended: both days are compared.
        till.clock.advance(DAY);
        assert!(till.compare().await.is_err());
        assert_eq!((till.books.asked(), till.compared().await), (1, 11));
        till.books.wrong.lock().unwrap().clear();
        till.compare().await.unwrap();
        till.compare().await.unwrap();
        assert_eq!((till.books.asked(), till.compared().await), (2, 13));
    }

    #[tokio::test]
    async fn a_provider_that_never_answered_is_asked_for_the_days_since_it_was_first() {
        let till = Till::open().await;
        let first = till.yesterday();
        *till.books.wrong.lock().unwrap() = vec![first.begins()];
        for _ in 0..3 {
            assert!(till.compare().await.is_err());
            till.clock.advance(DAY);
        }
        assert_eq!((till.books.asked(), till.compared().await), (3, first.before().number()));
        till.books.wrong.lock().unwrap().clear();
        till.compare().await.unwrap();
        assert_eq!((till.books.asked(), till.compared().await), (4, till.yesterday().number()));
    }

    #[tokio::test]
    async fn so_many_days_are_made_up_for_and_no_more() {
        let till = Till::open().await;
        till.compare().await.unwrap();
        till.books.asked();
        till.clock.advance(100 * DAY);
        till.compare().await.unwrap();
        assert_eq!(till.books.asked(), COMPARED_MAX);
        assert_eq!(till.compared().await, till.yesterday().number());
    }

    #[tokio::test]
    async fn a_server_that_stops_leaves_the_days_to_others() {
        let till = Till::open().await;
        let stopping = CancellationToken::new();
        stopping.cancel();
        compare(&till.commerce, &stopping).await.unwrap();
        assert_eq!(till.books.asked(), 0);
    }
}
