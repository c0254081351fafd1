//! What whoever runs a shop is told of its gateway: of each attempt a number, a time and a line of the log.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use commerce_core::{
    access::Caller,
    cart::{AddLine, CreateCart},
    checkout::PlaceOrder,
    currency::Currency,
    customer::CreateCustomer,
    gateway::SaveMethod,
    id::{CustomerId, OrderId},
    inputs::Clock as _,
    money::Money,
    payment::{CapturePayment, CreateRefund, PaymentChoice, PaymentFlow, VoidPayment},
    text::GatewayName,
};
use fake_stripe::{Fault, Operation};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tracing::{Dispatch, Level, subscriber::NoSubscriber};

use super::{CardShop, SECRET, support::shop::destination};

/// Looks at what is logged and counted by whatever is done before it.
struct Observer {
    runtime: Runtime,
    recorder: PrometheusRecorder,
    log: Log,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Observer {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let recorder = PrometheusBuilder::new().build_recorder();
        Self { runtime, recorder, log: Log::default() }
    }

    fn see<T>(&self, act: impl Future<Output = T>) -> T {
        let log = self.log.clone();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true);
        let subscriber =
            subscriber.with_max_level(Level::DEBUG).with_writer(move || log.clone()).finish();
        // While there is only one subscriber, a thread that has none switches off for all what it comes
        // by first: tests beside this one must not.
        let _another = Dispatch::new(NoSubscriber::new());
        metrics::with_local_recorder(&self.recorder, || {
            tracing::subscriber::with_default(subscriber, || self.runtime.block_on(act))
        })
    }

    fn log(&self) -> String {
        String::from_utf8(self.log.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines about gateways.
    fn lines(&self) -> Vec<Value> {
        let lines = self.log();
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.filter(|line: &Value| line["target"] == "commerce_http::gateway").collect()
    }
}

fn stripe() -> GatewayName {
    GatewayName::new("stripe").unwrap()
}

/// Places an order for one shirt; answers what Stripe calls its payment, too.
async fn place(
    cards: &CardShop,
    customer: Option<CustomerId>,
    flow: PaymentFlow,
) -> Result<(OrderId, String), commerce_core::Error> {
    let shop = &cards.shop.commerce;
    let office = Caller::system();
    let to: CreateCart = serde_json::from_value(destination()).unwrap();
    let lines = vec![AddLine::new(cards.shirt, 1).unwrap()];
    let cart = CreateCart { lines, customer_id: customer, ..to };
    let cart = shop.create_cart(&office, &cart).await?.cart.id;
    let payment = PaymentChoice { flow, ..PaymentChoice::new(stripe()) };
    let request = PlaceOrder { payment, expected_total: None };
    let placed = shop.place_order(&office, cart, &request).await?;
    let secret = placed.payment.as_ref().unwrap().client_secret.clone().unwrap();
    Ok((placed.order.id, secret.split_once("_secret_").unwrap().0.to_owned()))
}

/// Does whatever a shop asks Stripe for, once and with every way in which it can end.
fn live(cards: &CardShop, observer: &Observer) {
    let (shop, office) = (&cards.shop.commerce, Caller::system());
    let day = Duration::from_secs(24 * 3_600);
    observer.see(async {
        let email = Some("ada@example.com".parse().unwrap());
        let ada = CreateCustomer { email, ..CreateCustomer::default() };
        let ada = shop.create_customer(&office, &ada).await.unwrap().id;
        let save = SaveMethod { gateway: stripe(), return_url: None };
        let begun = shop.save_method(&office, ada, &save).await.unwrap();
        cards.stripe.confirm(&begun.id, "pm_card_chargeCustomerFail").unwrap();
        let method = shop.saved_methods(&office, ada).await.unwrap()[0].method.id.clone();
        let saved = PaymentFlow::Saved { method: method.clone() };
        place(cards, Some(ada), saved).await.unwrap_err();
        shop.remove_method(&office, ada, &method).await.unwrap();
        shop.erase_customer(&office, ada, None).await.unwrap();

        for captured in [true, false] {
            let (order, intent) = place(cards, None, PaymentFlow::Direct).await.unwrap();
            cards.stripe.confirm(&intent, "pm_card_visa").unwrap();
            cards.shop.clock.advance(Duration::from_secs(60));
            shop.sweep(100).await.unwrap();
            if captured {
                let all = CapturePayment::default();
                shop.capture(&office, order, &all, None).await.unwrap();
                for fault in [Fault::RateLimited, Fault::FailBefore] {
                    cards.stripe.fail(Operation::CreateRefund, fault, 3);
                    let amount = Some(Money::new(1_000, Currency::EUR));
                    let part = CreateRefund { amount, ..CreateRefund::default() };
                    shop.refund(&office, order, &part, None).await.unwrap_err();
                    cards.stripe.heal();
                    cards.shop.clock.advance(day);
                    shop.sweep(100).await.unwrap();
                }
            } else {
                shop.void(&office, order, &VoidPayment::default(), None).await.unwrap();
            }
        }
        let now = cards.shop.clock.now();
        shop.reconcile(&stripe(), now.saturating_sub(day), now).await.unwrap();
    });
}

#[test]
fn every_attempt_is_counted_timed_and_logged_without_a_secret() {
    let cards = CardShop::capturing(&json!({ "stripe": "manual" }));
    cards.stripe.hold_webhooks(true);
    let observer = Observer::new();
    live(&cards, &observer);
    let (lines, metrics) = (observer.lines(), observer.recorder.handle().render());
    for (operation, outcome, level) in [
        ("create_customer", "done", "INFO"),
        ("create_setup", "done", "INFO"),
        ("methods", "done", "INFO"),
        ("remove_method", "done", "INFO"),
        ("erase_customer", "done", "INFO"),
        ("create", "done", "INFO"),
        ("create", "declined", "INFO"),
        ("fetch", "done", "INFO"),
        ("capture", "done", "INFO"),
        ("void", "done", "INFO"),
        ("refund", "unavailable", "WARN"),
        ("refund", "unknown", "WARN"),
        ("refund", "done", "INFO"),
        ("transactions", "done", "INFO"),
    ] {
        let told = format!("{operation} {outcome}");
        let of = |line: &&Value| line["operation"] == operation && line["outcome"] == outcome;
        let its: Vec<_> = lines.iter().filter(of).collect();
        assert!(!its.is_empty(), "{told}: {lines:#?}");
        for line in &its {
            assert_eq!((&line["level"], &line["gateway"]), (&json!(level), &json!("stripe")));
            assert!(line["milliseconds"].is_u64() && line["subject"].is_string(), "{line}");
            assert_eq!(line["why"].is_string(), level == "WARN", "{line}");
        }
        let labels = format!("gateway=\"stripe\",operation=\"{operation}\"");
        let count = format!(
            "commerce_gateway_calls_total{{{labels},outcome=\"{outcome}\"}} {}\n",
            its.len()
        );
        assert!(metrics.contains(&count), "{count} in {metrics}");
        let times = lines.iter().filter(|line| line["operation"] == operation).count();
        let timed = format!("commerce_gateway_call_duration_seconds_count{{{labels}}} {times}\n");
        assert!(metrics.contains(&timed), "{timed} in {metrics}");
    }
    let log = observer.log();
    for secret in [cards.stripe.secret_key(), SECRET, "_secret_", "ada@example.com", "Street 1"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
