//! Records are read as they were written.

use super::{
    Bench,
    make::{Make, at, email, eur, label, prose, sku, slug, units, url},
    read::Kept,
};
use crate::{
    cart::Cart,
    catalog::{AttributeValue, Price, Product},
    currency::Currency,
    customer::{BookedAddress, Customer},
    id::Moment,
    money::Money,
    order::Order,
    payment::Payment,
    quantity::Quantity,
    secret::Secret,
    shop::Limits,
    store::{
        ApiTokenRef, CategoryRef, CustomerRef, OrderRef, ProductRef, Subscription, VariantRef,
        WebhookRef,
    },
    text::{AltText, Email, Label, Note, OrderNumber, Prose, Sku, Slug, Url},
    time::Timestamp,
    webhook::Webhook,
};

/// Writes a record in one state, then in another, and back; reads it each time.
async fn keeps<T: Kept>(t: &Bench<'_>, first: T, second: T) {
    assert_eq!(first.key(), second.key(), "both are states of one record");
    t.insert(first.clone()).await;
    t.has(&first, 1).await;
    t.replace(&second).await;
    t.has(&second, 2).await;
    t.replace(&first).await;
    t.has(&first, 3).await;
}

pub(super) async fn what_is_not_there_is_none(t: &Bench<'_>) {
    let mut make = Make::new();
    let store = t.store();
    assert!(store.setup().await.unwrap().is_none());
    assert_eq!(store.product(&ProductRef::Id(make.id())).await.unwrap(), None);
    assert_eq!(store.product(&ProductRef::Slug(slug("x"))).await.unwrap(), None);
    assert_eq!(store.variant(&VariantRef::Id(make.id())).await.unwrap(), None);
    assert_eq!(store.variant(&VariantRef::Sku(sku("x"))).await.unwrap(), None);
    assert_eq!(store.sellables(&[]).await.unwrap(), []);
    assert_eq!(store.sellables(&[make.id()]).await.unwrap(), []);
    assert_eq!(store.category(&CategoryRef::Id(make.id())).await.unwrap(), None);
    assert_eq!(store.category(&CategoryRef::Slug(slug("x"))).await.unwrap(), None);
    assert_eq!(store.categories().await.unwrap(), []);
    assert_eq!(store.cart(make.id()).await.unwrap(), None);
    assert_eq!(store.open_cart(make.id()).await.unwrap(), None);
    assert!(store.checkout_inputs(make.id(), &[make.id()]).await.unwrap().is_none());
    assert!(store.order(&OrderRef::Id(make.id())).await.unwrap().is_none());
    let number = OrderNumber::new("X").unwrap();
    assert!(store.order(&OrderRef::Number(number)).await.unwrap().is_none());
    assert_eq!(store.customer(&CustomerRef::Id(make.id())).await.unwrap(), None);
    assert_eq!(store.customer(&CustomerRef::Email(email("a@b.co"))).await.unwrap(), None);
    assert_eq!(store.customer(&CustomerRef::ExternalId(label("x"))).await.unwrap(), None);
    assert_eq!(store.api_token(&ApiTokenRef::Digest(make.digest())).await.unwrap(), None);
    assert_eq!(store.webhook(&WebhookRef::Id(make.id())).await.unwrap(), None);
    assert_eq!(store.outcome(&super::make::outcome_key("s", "k")).await.unwrap(), None);
    assert_eq!(store.due(Timestamp::MAX, 10).await.unwrap(), []);
    assert_eq!(store.outbox(0, 10).await.unwrap(), []);
    assert_eq!(store.subscription(&label("x")).await.unwrap(), None);
}

pub(super) async fn a_shop_is_read_as_written(t: &Bench<'_>) {
    let mut make = Make::new();
    keeps(t, make.full_shop(), make.shop()).await;
}

pub(super) async fn a_location_is_read_as_written(t: &Bench<'_>) {
    let mut make = Make::new();
    t.insert(make.shop()).await;
    let full = make.full_location();
    let bare = crate::inventory::Location { id: full.id, ..make.location() };
    keeps(t, full, bare).await;
}

pub(super) async fn locations_are_read_with_the_shop(t: &Bench<'_>) {
    let mut make = Make::new();
    t.insert(make.shop()).await;
    assert!(t.setup().await.locations.is_empty());
    let mut made = vec![make.location(), make.full_location(), make.location()];
    for location in &made {
        t.insert(location.clone()).await;
    }
    let mut found: Vec<_> =
        t.setup().await.locations.iter().map(|location| location.value.as_ref().clone()).collect();
    found.sort_by_key(|location| location.id);
    made.sort_by_key(|location| location.id);
    assert_eq!(found, made);
}

pub(super) async fn a_category_is_read_as_written(t: &Bench<'_>) {
    let mut make = Make::new();
    let parent = make.category();
    t.insert(parent.clone()).await;
    let full = make.full_category(&parent);
    let bare = crate::catalog::Category { id: full.id, ..make.category() };
    keeps(t, full, bare).await;
}

pub(super) async fn a_product_is_read_as_written(t: &Bench<'_>) {
    let mut make = Make::new();
    let (one, two, other) = (make.category(), make.category(), make.product());
    t.insert(one.clone()).await;
    t.insert(two.clone()).await;
    t.insert(other.clone()).await;
    let full = make.full_product([&one, &two], &other);
    let bare = Product { id: full.id, ..make.product() };
    keeps(t, full, bare).await;
}

pub(super) async fn a_variant_is_read_as_written(t: &Bench<'_>) {
    let mut make = Make::new();
    let (one, two, other) = (make.category(), make.category(), make.product());
    let product = make.full_product([&one, &two], &other);
    for category in [one, two] {
        t.insert(category).await;
    }
    t.insert(other).await;
    t.insert(product.clone()).await;
    let full = make.full_variant(&product);
    let bare = crate::catalog::Variant {
        id: full.id,
        options: Vec::new(),
        prices: Vec::new(),
        ..make.variant(&product)
    };
    keeps(t, full, bare).await;
}

pub(super) async fn a_cart_is_read_as_written(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let customer = make.customer();
    t.insert(customer.clone()).await;
    let full = make.full_cart(&customer, &shelf.variant);
    let bare = Cart { id: full.id, ..make.cart() };
    keeps(t, full, bare).await;
}

pub(super) async fn an_order_is_read_as_written(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let customer = make.customer();
    t.insert(customer.clone()).await;
    let full = make.full_order(&customer, &shelf.variant, &shelf.location);
    let bare = Order { id: full.id, ..make.order() };
    keeps(t, full, bare).await;
}

pub(super) async fn a_payment_is_read_as_written(t: &Bench<'_>) {
    let mut make = Make::new();
    let order = make.order();
    t.insert(order.clone()).await;
    let full = make.full_payment(&order);
    let bare = Payment { id: full.id, ..make.payment(&order) };
    keeps(t, full, bare).await;
}

pub(super) async fn a_customer_is_read_as_written(t: &Bench<'_>) {
    let mut make = Make::new();
    let full = make.full_customer();
    let bare = Customer { id: full.id, ..make.customer() };
    keeps(t, full, bare).await;
}

pub(super) async fn an_api_token_is_read_as_written(t: &Bench<'_>) {
    let token = Make::new().token();
    let revoked = crate::access::ApiToken { revoked_at: Some(at(5)), ..token.clone() };
    keeps(t, token, revoked).await;
}

pub(super) async fn a_webhook_is_read_as_written(t: &Bench<'_>) {
    let mut make = Make::new();
    let full = make.full_webhook();
    let bare = Webhook { id: full.id, ..make.webhook() };
    keeps(t, full, bare).await;
    let longest = Webhook { body: vec![0xa5; Webhook::BODY_MAX], ..make.full_webhook() };
    let mut shorter = longest.clone();
    shorter.body.truncate(1);
    keeps(t, longest, shorter).await;
}

pub(super) async fn a_subscription_is_read_as_written(t: &Bench<'_>) {
    let first = Make::new().subscription();
    // No store counts further than a signed 64-bit number.
    let last = Subscription {
        position: i64::MAX.unsigned_abs(),
        leased_until: Some(at(5)),
        ..first.clone()
    };
    keeps(t, first, last).await;
}

pub(super) async fn texts_at_their_longest(t: &Bench<'_>) {
    let mut make = Make::new();
    let mut shelf = t.shelf(&mut make).await;
    // Four bytes each in UTF-8, two units each in UTF-16.
    let longest = "𠀀".repeat(255);
    let product = Product {
        slug: Slug::new(&longest).unwrap(),
        title: Label::new(&longest).unwrap(),
        description: Prose::new("ß".repeat(262_144)).unwrap(),
        images: vec![crate::catalog::Image {
            id: make.id(),
            url: Url::new(format!("/{}", "ü".repeat(2_047))).unwrap(),
            alt: Some(AltText::new("𠀀".repeat(512)).unwrap()),
        }],
        ..shelf.product
    };
    t.replace(&product).await;
    t.has(&product, 2).await;
    shelf.variant.sku = Sku::new(&longest).unwrap();
    t.replace(&shelf.variant).await;
    t.has(&shelf.variant, 2).await;
    let by_slug = t.store().product(&ProductRef::Slug(product.slug.clone())).await.unwrap();
    assert_eq!(by_slug.expect("a product with a long slug is found by it").product.id, product.id);
    let by_sku = t.store().variant(&VariantRef::Sku(shelf.variant.sku.clone())).await.unwrap();
    assert!(by_sku.is_some(), "a variant with a long SKU is found by it");
    let address = format!("{}@{}.{}.example", "é".repeat(32), "ü".repeat(31), "ö".repeat(31));
    let customer = Customer {
        email: Some(Email::new(address).unwrap()),
        note: Some(Note::new("n\n".repeat(2_500)).unwrap()),
        ..make.customer()
    };
    t.insert(customer.clone()).await;
    t.has(&customer, 1).await;
}

pub(super) async fn texts_of_every_script(t: &Bench<'_>) {
    let mut make = Make::new();
    // Combined and composed forms differ; so do right-to-left, joined and private characters.
    for text in
        ["e\u{301}", "\u{e9}", "مرحبا", "👩‍👩‍👧‍👦", "\u{10ffff}", "İ ı ſ ẞ", "'; --", "%_\\", "\u{feff}x"]
    {
        let customer = Customer { name: Some(label(text)), ..make.customer() };
        t.insert(customer.clone()).await;
        t.has(&customer, 1).await;
        let product = Product {
            title: label(text),
            description: prose(&format!("{text}\r\n\t{text}")),
            ..make.product()
        };
        t.insert(product.clone()).await;
        t.has(&product, 1).await;
    }
}

pub(super) async fn times_at_their_bounds(t: &Bench<'_>) {
    let mut make = Make::new();
    for time in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        let cart = Cart { created_at: time, updated_at: time, expires_at: time, ..make.cart() };
        t.insert(cart.clone()).await;
        t.has(&cart, 1).await;
        let order = Order {
            placed_at: time,
            expires_at: Some(time),
            cancelled_at: Some(time),
            ..make.order()
        };
        t.insert(order.clone()).await;
        t.has(&order, 1).await;
    }
}

pub(super) async fn amounts_at_their_bounds(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    for minor in [0, Money::MINOR_MAX, -Money::MINOR_MAX] {
        let order = Order {
            subtotal: eur(minor),
            rounding: eur(minor),
            total: eur(minor),
            paid_total: eur(minor),
            ..make.order()
        };
        t.insert(order.clone()).await;
        t.has(&order, 1).await;
    }
    let variant = crate::catalog::Variant {
        prices: vec![Price {
            amount: Money::new(Money::MINOR_MAX, Currency::JPY),
            compare_at: Some(Money::new(Money::MINOR_MAX, Currency::JPY)),
        }],
        cost: Some(eur(Money::MINOR_MAX)),
        grams: crate::catalog::Variant::GRAMS_MAX,
        low_stock_threshold: Quantity::MAX,
        position: u32::MAX,
        ..make.variant(&shelf.product)
    };
    t.insert(variant.clone()).await;
    t.has(&variant, 1).await;
}

pub(super) async fn numbers_keep_every_digit(t: &Bench<'_>) {
    let mut make = Make::new();
    let mut product = make.product();
    for (name, number) in [
        ("max", rust_decimal::Decimal::MAX),
        ("min", rust_decimal::Decimal::MIN),
        ("tiny", rust_decimal::Decimal::new(1, 28)),
    ] {
        product.attributes.insert(label(name), AttributeValue::Number(number));
    }
    product.metadata.insert("max".to_owned(), u64::MAX.into());
    product.metadata.insert("min".to_owned(), i64::MIN.into());
    t.insert(product.clone()).await;
    t.has(&product, 1).await;
}

pub(super) async fn a_cart_of_2000_lines(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let lines = (1..=2_000).map(|n| make.cart_line(shelf.variant.id, n)).rev().collect();
    let mut cart = Cart { lines, ..make.cart() };
    assert_eq!(cart.lines.len(), Limits::LINES_CEILING);
    t.insert(cart.clone()).await;
    t.has(&cart, 1).await;
    cart.lines.swap(0, 1_999);
    cart.lines.remove(1_000);
    if let Some(line) = cart.lines.get_mut(7) {
        line.quantity = units(77);
    }
    t.replace(&cart).await;
    t.has(&cart, 2).await;
}

pub(super) async fn an_order_of_2000_lines(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let lines = (1..=2_000).map(|n| make.order_line(&shelf.variant, n)).rev().collect();
    let mut order = Order { lines, ..make.order() };
    t.insert(order.clone()).await;
    t.has(&order, 1).await;
    for line in &mut order.lines {
        line.fulfilled = line.quantity.get();
    }
    t.replace(&order).await;
    t.has(&order, 2).await;
}

pub(super) async fn an_address_book_keeps_its_order(t: &Bench<'_>) {
    let mut make = Make::new();
    let mut customer = make.customer();
    customer.addresses = (0..Customer::ADDRESSES_MAX)
        .map(|n| BookedAddress {
            id: make.id(),
            address: make.full_address(),
            default_shipping: n == 3,
            default_billing: n == 4,
        })
        .rev()
        .collect();
    t.insert(customer.clone()).await;
    customer.addresses.swap(0, 99);
    customer.addresses.remove(50);
    t.replace(&customer).await;
    t.has(&customer, 2).await;
}

pub(super) async fn a_product_with_all_that_it_may_have(t: &Bench<'_>) {
    let mut make = Make::new();
    let mut product = make.product();
    let many = Product::IMAGES_MAX;
    product.images = (0..many)
        .map(|n| crate::catalog::Image { id: make.id(), url: url(&format!("/{n}")), alt: None })
        .rev()
        .collect();
    product.tags = (0..Product::TAGS_MAX).map(|n| label(&format!("tag {n}"))).rev().collect();
    for n in 0..Product::ATTRIBUTES_MAX {
        product.attributes.insert(label(&format!("a{n}")), AttributeValue::Boolean(n % 2 == 0));
    }
    let mut commit = super::make::commit();
    for _ in 0..Product::CATEGORIES_MAX {
        let category = make.category();
        product.categories.push(category.id);
        commit.insert(category);
    }
    product.categories.reverse();
    t.commit(&commit).await;
    t.insert(product.clone()).await;
    t.has(&product, 1).await;
    product.images.swap(0, 100);
    product.tags.remove(7);
    product.categories.truncate(2);
    t.replace(&product).await;
    t.has(&product, 2).await;
}

pub(super) async fn writes_of_one_commit_have_no_order(t: &Bench<'_>) {
    let mut make = Make::new();
    let (category, product, order) = (make.category(), make.product(), make.order());
    let product = Product { categories: vec![category.id], ..product };
    let (variant, payment) = (make.variant(&product), make.payment(&order));
    let mut commit = super::make::commit();
    commit.insert(payment.clone());
    commit.insert(variant.clone());
    commit.insert(order.clone());
    commit.insert(product.clone());
    commit.insert(category.clone());
    t.commit(&commit).await;
    t.has(&payment, 1).await;
    t.has(&variant, 1).await;
    t.has(&order, 1).await;
    t.has(&product, 1).await;
    t.has(&category, 1).await;
}

async fn ends<T: Kept>(t: &Bench<'_>, value: T) {
    let old = t.read(&value).await;
    let mut commit = super::make::commit();
    commit.remove(&old);
    t.commit(&commit).await;
    let found = value.read(t).await;
    assert!(found.is_none(), "a record that was removed is still there: {:?}", value.key());
}

pub(super) async fn a_removed_record_is_gone(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let (category, customer, order) = (make.category(), make.full_customer(), make.order());
    let cart = Cart {
        lines: vec![make.cart_line(shelf.variant.id, 1)],
        customer_id: Some(customer.id),
        ..make.cart()
    };
    let (payment, token) = (make.full_payment(&order), make.token());
    let (subscription, location) = (make.subscription(), make.location());
    let webhook = make.full_webhook();
    let mut commit = super::make::commit();
    commit.insert(category.clone());
    commit.insert(customer.clone());
    commit.insert(order.clone());
    commit.insert(payment.clone());
    commit.insert(cart.clone());
    commit.insert(token.clone());
    commit.insert(subscription.clone());
    commit.insert(location.clone());
    commit.insert(webhook.clone());
    t.commit(&commit).await;
    ends(t, webhook).await;
    ends(t, payment).await;
    ends(t, order).await;
    ends(t, cart).await;
    ends(t, customer).await;
    ends(t, shelf.variant).await;
    ends(t, shelf.product).await;
    ends(t, category).await;
    ends(t, token).await;
    ends(t, subscription).await;
    ends(t, location).await;
}

pub(super) async fn a_removed_record_changes_no_other(t: &Bench<'_>) {
    let mut make = Make::new();
    let category = make.category();
    t.insert(category.clone()).await;
    let child = make.full_category(&category);
    let product = Product { categories: vec![category.id], ..make.product() };
    t.insert(child.clone()).await;
    t.insert(product.clone()).await;
    ends(t, category).await;
    t.has(&child, 1).await;
    t.has(&product, 1).await;
}

pub(super) async fn equal_ids_of_two_kinds_are_two_records(t: &Bench<'_>) {
    use crate::id::Id;
    let mut make = Make::new();
    let (category, customer) = (make.category(), make.customer());
    let customer = Customer { id: Id::from_uuid(category.id.uuid()), ..customer };
    t.insert(category.clone()).await;
    t.insert(customer.clone()).await;
    t.replace(&Customer { name: Some(label("Ada")), ..customer }).await;
    t.has(&category, 1).await;
}

pub(super) async fn ids_and_digests_keep_every_bit(t: &Bench<'_>) {
    let mut make = Make::new();
    for byte in [0x00, 0x7f, 0x80, 0xff] {
        let secret = Secret::new([byte; 32]).digest();
        let token = crate::access::ApiToken {
            id: crate::id::Id::from_uuid(uuid::Uuid::from_bytes([byte; 16])),
            digest: crate::secret::Digest::from_bytes([byte; 32]),
            ..make.token()
        };
        t.insert(token.clone()).await;
        t.has(&token, 1).await;
        let cart = Cart {
            id: Moment::new(at(i64::from(byte)), [byte; 16]).id(),
            secret: Some(secret),
            ..make.cart()
        };
        t.insert(cart.clone()).await;
        t.has(&cart, 1).await;
    }
}
