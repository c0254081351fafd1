//! Mocks of the ports, made by [`mockall`], for the tests of programs that embed a shop.
//!
//! A mock answers what a test told it to and fails the test for a call that was not expected. For
//! most tests the real adapters in memory are simpler and say more:
//! [`MemoryStore`](crate::store::MemoryStore), [`SteppedClock`](crate::inputs::SteppedClock),
//! [`SeededIds`](crate::inputs::SeededIds) and
//! [`ScriptedGateway`](crate::gateway::ScriptedGateway). A mock is for the call that must, or must
//! not, be made. [`Commerce::over`](crate::Commerce::over) takes a mocked store, or mocked lists beside
//! a real store.
//!
//! A gateway that declines: the order is there, waits for its money, and no unit of stock is lost.
//!
//! ```
//! use std::time::Duration;
//! use commerce_core::{
//!     Commerce, access::Caller, cart::{AddLine, CreateCart}, catalog::{CreateProduct, CreateVariant, ProductStatus},
//!     checkout::PlaceOrder, currency::Currency, error::Rejection, gateway::{Abilities, Amounts, GatewayError, ProviderAccount},
//!     inputs::{SeededIds, SteppedClock}, mocks::MockPaymentGateway, money::Money,
//!     order::{OrderStatus, PaymentTerms}, payment::{Decline, DeclineCode}, shop::Shop, store::{MemoryStore, OrderFilter, OrderQuery, PageRequest},
//!     text::{GatewayName, Label}, time::Timestamp,
//! };
//!
//! # pollster::block_on(async {
//! let card = GatewayName::new("card")?;
//! let mut gateway = MockPaymentGateway::new();
//! gateway.expect_name().return_const(card.clone());
//! gateway.expect_abilities().return_const(Abilities {
//!     online: true, later_capture: true, partial_capture: true, direct: true, hosted: false,
//!     keys_kept: Duration::from_secs(86_400),
//! });
//! gateway.expect_takes().return_const(Some(Amounts::ALL));
//! gateway.expect_account().return_const(ProviderAccount::default());
//! gateway.expect_create().once().returning(|_, _, _| {
//!     let (code, reason) = (DeclineCode::InsufficientFunds, Label::new("No funds").unwrap());
//!     Err(GatewayError::declined(Decline { code, reason }))
//! });
//!
//! let clock = SteppedClock::new(Timestamp::UNIX_EPOCH);
//! let shop = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1)).with_gateway(gateway);
//! let mut setup = Shop::new("Test", Currency::EUR)?;
//! setup.payment_terms.insert(card.clone(), PaymentTerms::default());
//! shop.open(setup).await?;
//!
//! let system = Caller::system();
//! let variant = CreateVariant {
//!     track_inventory: false,
//!     ..CreateVariant::new("SHIRT", Money::new(1999, Currency::EUR))?
//! };
//! let product = CreateProduct {
//!     status: ProductStatus::Active,
//!     variants: vec![variant],
//!     ..CreateProduct::new("Shirt")?
//! };
//! let product = shop.create_product(&system, &product).await?;
//! let lines = vec![AddLine::new(product.variants[0].id, 1)?];
//! let cart = shop.create_cart(&system, &CreateCart { lines, ..CreateCart::default() }).await?;
//!
//! let declined = shop.place_order(&system, cart.cart.id, &PlaceOrder::paid_by(card)).await;
//! let error = declined.unwrap_err();
//! assert!(matches!(error.rejection(), Some(Rejection::PaymentDeclined { .. })));
//!
//! let all = OrderQuery { filter: OrderFilter::default(), page: PageRequest::first(10) };
//! assert_eq!(shop.orders(&system, &all).await?.items[0].status, OrderStatus::Pending);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! A store that is out of reach: nothing is answered, and the caller may try again.
//!
//! ```
//! use std::sync::Arc;
//! use commerce_core::{Commerce, inputs::{SeededIds, SteppedClock}, mocks::{MockQueries, MockStore}, store::StoreError, time::Timestamp};
//!
//! let mut store = MockStore::new();
//! store.expect_setup().once().returning(|| Err(StoreError::unavailable("no route to host")));
//! let clock = SteppedClock::new(Timestamp::UNIX_EPOCH);
//! let queries = Arc::new(MockQueries::new());
//! let shop = Commerce::over(Arc::new(store), queries, clock, SeededIds::new(1));
//! let error = pollster::block_on(shop.shop()).unwrap_err();
//! assert!(error.is_retryable());
//! ```

pub use crate::{
    gateway::{MockPaymentGateway, MockVault},
    inputs::{MockClock, MockIdSource},
    store::{MockQueries, MockStore},
};
