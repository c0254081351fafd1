//! What an embedder reads in a transaction of its own, beside what the store tells outside of it.

use std::fmt::Debug;

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    checkout::{PlaceOrder, place},
    customer::{Address, CreateCustomer, Customer},
    id::{CartId, CustomerId, VariantId},
    inventory::ByPriority,
    payment::Means,
    secret::Digest,
    shop::Shop,
    store::{
        Commit, CustomerRef, OrderRef, Outcome, OutcomeKey, ProductRef, Store, StoreResult,
        VariantRef,
    },
    text::Slug,
};

/// What is read of a shop, each by the name that it has.
pub(crate) struct Named {
    pub(crate) product: ProductRef,
    pub(crate) variant: VariantId,
    pub(crate) cart: CartId,
    pub(crate) customer: CustomerId,
    pub(crate) order: OrderRef,
    pub(crate) outcome: OutcomeKey,
}

/// What each read answers.
pub(crate) type Answers = [String; 10];

pub(crate) fn said<T: Debug>(read: StoreResult<T>) -> String {
    format!("{:?}", read.unwrap())
}

/// What the store tells.
pub(crate) async fn outside(store: &dyn Store, named: &Named) -> Answers {
    let Named { product, variant, cart, customer, order, outcome } = named;
    [
        said(store.setup().await),
        said(store.product(product).await),
        said(store.variant(&VariantRef::Id(*variant)).await),
        said(store.sellables(&[*variant]).await),
        said(store.cart(*cart).await),
        said(store.open_cart(*customer).await),
        said(store.checkout_inputs(*cart, &[]).await),
        said(store.order(order).await),
        said(store.customer(&CustomerRef::Id(*customer)).await),
        said(store.outcome(outcome).await),
    ]
}

/// A shop that sells this variant as `sku`, with a customer and their cart; and a commit that changes
/// what each read answers.
pub(crate) async fn changing_all(shop: &Commerce, variant: VariantId) -> (Named, Commit) {
    let ada = CreateCustomer { name: Some("Ada".parse().unwrap()), ..CreateCustomer::default() };
    let customer = shop.create_customer(&Caller::system(), &ada).await.unwrap().id;
    let request = CreateCart {
        lines: vec![AddLine::new(variant, 1).unwrap()],
        email: Some("a@example.com".parse().unwrap()),
        shipping_address: Some(Address::new("A", "1", "Berlin", "DE").unwrap()),
        ..CreateCart::default()
    };
    let cart = shop.create_cart(&Caller::customer(customer), &request).await.unwrap().cart.id;
    let inputs = shop.store().checkout_inputs(cart, &[]).await.unwrap().unwrap();
    let (request, means) = (PlaceOrder::default(), Means::by_hand());
    let decision = place(&inputs, &request, &means, &ByPriority, &mut shop.moment()).unwrap();
    let (order, mut commit) = (OrderRef::Id(decision.output.order.id), decision.commit);
    let outcome = OutcomeKey { scope: "host".to_owned(), key: "key".parse().unwrap() };
    commit.remember(Outcome {
        key: outcome.clone(),
        fingerprint: Digest::of(b"request"),
        body: b"{}".to_vec(),
        at: commit.time(),
    });
    let product = ProductRef::Slug(Slug::new("sku").unwrap());
    let old = shop.store().customer(&CustomerRef::Id(customer)).await.unwrap().unwrap();
    let name = Some("Ada Lovelace".parse().unwrap());
    commit.replace(&old, Customer { name, ..old.value.as_ref().clone() });
    let old = &inputs.setup.shop;
    let name = "Another".parse().unwrap();
    commit.replace(old, Shop { name, ..old.value.as_ref().clone() });
    (Named { product, variant, cart, customer, order, outcome }, commit)
}
