//! Records for the cases: bare ones, with every optional field absent, and full ones, with every
//! field filled. Ids and names never repeat within one case.

mod sale;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::{
    access::{ApiToken, Scope},
    cart::{Cart, CartStatus, MergeStrategy},
    catalog::{
        AttributeValue, Backorder, Category, Dimensions, Image, ImageFields, Price, Product,
        ProductOption, ProductStatus, Related, Relation, Seo, Variant,
    },
    currency::Currency,
    gateway::{ProviderAccount, Subject},
    id::{Id, LocationId, Moment, OrderId, VariantId},
    inventory::{LevelKey, Location, Reason, StockMove},
    money::Money,
    order::PaymentTerms,
    payment::CapturePolicy,
    pricing::{
        AllocationBasis, CrossBorder, Destination, IncludedRounds, PricingPolicy, RoundingLevel,
        ShippingMethod, ShippingRate, TaxRate, TaxTable, WeightStep,
    },
    quantity::Quantity,
    rounding::Rounding,
    secret::Digest,
    shop::{Limits, Shop},
    store::{Commit, Outcome, OutcomeKey, Subscription},
    text::{
        Country, Email, GatewayName, IdempotencyKey, Label, Prose, Region, Sku, Slug, TaxClass, Url,
    },
    time::Timestamp,
    webhook::{Webhook, WebhookFailure, WebhookStatus},
};

/// The time, some milliseconds after the beginning of the case.
pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + millis).unwrap()
}

pub(super) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub(super) fn prose(text: &str) -> Prose {
    Prose::new(text).unwrap()
}

pub(super) fn slug(text: &str) -> Slug {
    Slug::new(text).unwrap()
}

pub(super) fn sku(text: &str) -> Sku {
    Sku::new(text).unwrap()
}

pub(super) fn email(text: &str) -> Email {
    Email::new(text).unwrap()
}

pub(super) fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub(super) fn units(count: i64) -> Quantity {
    Quantity::new(count).unwrap()
}

pub(super) fn metadata() -> Map<String, Value> {
    let value = json!({
        "text": "ünï \"quoted\" \\ 😀", "null": null, "list": [1, [], {}], "": false,
        "deep": {"a": {"b": {"c": [0, -1, 9_007_199_254_740_991_i64]}}},
    });
    value.as_object().unwrap().clone()
}

/// A commit at the beginning of the case that writes nothing yet.
pub(super) fn commit() -> Commit {
    Commit::at(at(0))
}

pub(super) fn outcome_key(scope: &str, key: &str) -> OutcomeKey {
    OutcomeKey { scope: scope.to_owned(), key: IdempotencyKey::new(key).unwrap() }
}

pub(super) fn outcome(scope: &str, key: &str, body: &str) -> Outcome {
    Outcome {
        key: outcome_key(scope, key),
        fingerprint: Digest::of(body.as_bytes()),
        body: body.as_bytes().to_vec(),
        at: at(0),
    }
}

/// Makes records.
#[derive(Debug)]
pub(super) struct Make {
    moment: Moment,
    prefix: String,
    next: u32,
}

impl Make {
    pub(super) fn new() -> Self {
        Self { moment: Moment::new(at(0), [7; 16]), prefix: "n".to_owned(), next: 0 }
    }

    /// Records that are others on each thread, and in each of its turns.
    pub(super) fn of(thread: usize, turn: usize) -> Self {
        let seed = u128::try_from(thread * 1_000_000 + turn).unwrap().to_le_bytes();
        let prefix = format!("t{thread}-{turn}-");
        Self { moment: Moment::new(at(0), seed), prefix, next: 0 }
    }

    pub(super) fn id<T: Id>(&mut self) -> T {
        self.moment.id()
    }

    /// A word that no other name of the case is.
    pub(super) fn word(&mut self) -> String {
        self.next += 1;
        format!("{}{}", self.prefix, self.next)
    }

    pub(super) fn digest(&mut self) -> Digest {
        Digest::of(self.word().as_bytes())
    }

    pub(super) fn shop(&mut self) -> Shop {
        Shop::new("Shop", Currency::EUR).unwrap()
    }

    pub(super) fn full_shop(&mut self) -> Shop {
        let country = || Country::new("CA").unwrap();
        let region = || Some(Region::new("QC").unwrap());
        let rate = |id, text: &str, rate: Decimal| TaxRate {
            id,
            label: label(text),
            class: None,
            country: None,
            region: None,
            rate,
            compound: false,
            replaces_country: false,
        };
        let method = |id, text: &str, rate| ShippingMethod {
            id,
            name: label(text),
            rate,
            countries: Vec::new(),
            tax_class: None,
            active: true,
        };
        Shop {
            name: label("Läden & Söhne 🛍"),
            currency: Currency::CAD,
            home: Some(Destination { country: country(), region: region() }),
            pricing: PricingPolicy {
                rounding: Rounding::HalfEven,
                level: RoundingLevel::Document,
                included_rounds: IncludedRounds::Net,
                allocation_basis: AllocationBasis::Gross,
                prices_include_tax: true,
                cross_border: CrossBorder::SameNet,
                cash_increment: Some(Money::new(5, Currency::CAD)),
            },
            taxes: TaxTable::new([
                rate(self.id(), "World", Decimal::ZERO),
                TaxRate {
                    class: Some(TaxClass::new("reduced").unwrap()),
                    country: Some(country()),
                    region: region(),
                    compound: true,
                    replaces_country: true,
                    ..rate(self.id(), "QST", Decimal::new(9_975, 5))
                },
            ])
            .unwrap(),
            shipping_methods: vec![
                ShippingMethod {
                    countries: vec![country(), Country::new("DE").unwrap()],
                    tax_class: Some(TaxClass::standard()),
                    active: false,
                    ..method(self.id(), "Post", ShippingRate::Flat { price: eur(490) })
                },
                method(
                    self.id(),
                    "Free",
                    ShippingRate::FreeFrom { price: eur(490), threshold: eur(5_000) },
                ),
                method(
                    self.id(),
                    "Weighed",
                    ShippingRate::ByWeight {
                        steps: vec![
                            WeightStep { up_to_grams: 500, price: eur(100) },
                            WeightStep { up_to_grams: 20_000, price: eur(900) },
                        ],
                    },
                ),
            ],
            payment_terms: BTreeMap::from([
                (GatewayName::manual(), PaymentTerms::Prepaid { days: 3 }),
                (GatewayName::new("invoice").unwrap(), PaymentTerms::OnDelivery { days: 90 }),
            ]),
            capture: BTreeMap::from([
                (GatewayName::manual(), CapturePolicy::Manual),
                (GatewayName::new("card_2").unwrap(), CapturePolicy::OnFulfillment),
            ]),
            cart_merge: MergeStrategy::KeepGuest,
            limits: Limits { lines_max: 7, line_quantity_max: 8, cart_idle_days: 9 },
        }
    }

    pub(super) fn location(&mut self) -> Location {
        Location {
            id: self.id(),
            name: label("Main"),
            priority: 0,
            active: true,
            created_at: at(0),
            updated_at: at(0),
        }
    }

    pub(super) fn full_location(&mut self) -> Location {
        Location {
            name: label("Außenlager 2 🏬"),
            priority: i32::MIN,
            active: false,
            updated_at: at(99),
            ..self.location()
        }
    }

    pub(super) fn category(&mut self) -> Category {
        Category {
            id: self.id(),
            slug: slug(&self.word()),
            title: label("Category"),
            description: Prose::empty(),
            parent_id: None,
            position: 0,
            image: None,
            seo: Seo::default(),
            active: true,
            metadata: Map::new(),
            created_at: at(0),
            updated_at: at(0),
        }
    }

    pub(super) fn full_category(&mut self, parent: &Category) -> Category {
        Category {
            description: prose("<p>Alles\nfür 👟</p>"),
            parent_id: Some(parent.id),
            position: -3,
            image: Some(ImageFields { url: url("/c.png"), alt: Some("Schuhe".parse().unwrap()) }),
            seo: Seo { title: Some(label("S")), description: Some(prose("D")) },
            active: false,
            metadata: metadata(),
            updated_at: at(99),
            ..self.category()
        }
    }

    pub(super) fn product(&mut self) -> Product {
        let name = self.word();
        Product {
            id: self.id(),
            slug: slug(&name),
            title: label(&format!("Product {name}")),
            description: Prose::empty(),
            short_description: None,
            status: ProductStatus::Active,
            vendor: None,
            product_type: None,
            tags: Vec::new(),
            options: Vec::new(),
            attributes: BTreeMap::new(),
            images: Vec::new(),
            seo: Seo::default(),
            featured: false,
            tax_class: TaxClass::standard(),
            gift_card: false,
            categories: Vec::new(),
            related: Vec::new(),
            metadata: Map::new(),
            created_at: at(0),
            updated_at: at(0),
        }
    }

    /// A product with every field filled, in two categories and related to another product.
    pub(super) fn full_product(&mut self, categories: [&Category; 2], other: &Product) -> Product {
        let image = |id, text: &str, alt| Image { id, url: url(text), alt };
        Product {
            description: prose("<h1>Ein \"Hemd\"</h1>\n\tmit 'Taschen' & 😀"),
            short_description: Some(prose("Kurz")),
            status: ProductStatus::Archived,
            vendor: Some(label("Ärmel & Co.")),
            product_type: Some(label("Hemd")),
            tags: vec![label("Zeta"), label("alpha"), label("ärmel 👕")],
            options: vec![
                ProductOption { name: label("Size") },
                ProductOption { name: label("Color") },
            ],
            attributes: BTreeMap::from([
                (label("text"), AttributeValue::Text(prose("a\nb"))),
                (label("number"), AttributeValue::Number(Decimal::new(-12_345_678_901, 7))),
                (label("yes"), AttributeValue::Boolean(true)),
            ]),
            images: vec![
                image(
                    self.id(),
                    "https://cdn.example.com/2.png?x=%20",
                    Some("Zwei".parse().unwrap()),
                ),
                image(self.id(), "/1.png", None),
            ],
            seo: Seo { title: Some(label("T")), description: Some(prose("")) },
            featured: true,
            tax_class: TaxClass::new("reduced").unwrap(),
            gift_card: true,
            categories: categories.into_iter().rev().map(|category| category.id).collect(),
            related: vec![
                Related { product_id: other.id, relation: Relation::UpSell },
                Related { product_id: other.id, relation: Relation::Accessory },
            ],
            metadata: metadata(),
            updated_at: at(99),
            ..self.product()
        }
    }

    pub(super) fn variant(&mut self, product: &Product) -> Variant {
        let name = self.word();
        Variant {
            id: self.id(),
            product_id: product.id,
            sku: sku(&name),
            title: label("Variant"),
            options: vec![label(&name)],
            prices: vec![Price { amount: eur(1_999), compare_at: None }],
            cost: None,
            grams: 0,
            dimensions: None,
            barcode: None,
            track_inventory: true,
            backorder: Backorder::Deny,
            low_stock_threshold: 0,
            requires_shipping: true,
            taxable: true,
            tax_code: None,
            active: true,
            image_id: None,
            position: 0,
            metadata: Map::new(),
            created_at: at(0),
            updated_at: at(0),
        }
    }

    pub(super) fn full_variant(&mut self, product: &Product) -> Variant {
        let name = self.word();
        Variant {
            title: label("L / Weiß 😀"),
            options: vec![label("L"), label(&name)],
            prices: vec![
                Price { amount: Money::new(500, Currency::JPY), compare_at: None },
                Price { amount: eur(0), compare_at: Some(eur(2_500)) },
                Price { amount: Money::new(1_234, Currency::KWD), compare_at: None },
            ],
            cost: Some(eur(700)),
            grams: 1_250,
            dimensions: Some(Dimensions { length_mm: 300, width_mm: 200, height_mm: u32::MAX }),
            barcode: Some(label("4006381333931")),
            track_inventory: false,
            backorder: Backorder::Allow,
            low_stock_threshold: 5,
            requires_shipping: false,
            taxable: false,
            tax_code: Some(label("P0000000")),
            active: false,
            image_id: product.images.last().map(|image| image.id),
            position: 7,
            metadata: metadata(),
            updated_at: at(99),
            ..self.variant(product)
        }
    }

    pub(super) fn token(&mut self) -> ApiToken {
        ApiToken {
            id: self.id(),
            digest: self.digest(),
            label: label("Back office"),
            scope: Scope::Admin,
            created_at: at(0),
            revoked_at: None,
        }
    }

    pub(super) fn webhook(&mut self) -> Webhook {
        Webhook {
            id: self.id(),
            gateway: GatewayName::new("card").unwrap(),
            event_id: label(&format!("evt_{}", self.word())),
            kind: label("x"),
            account: ProviderAccount { id: None, livemode: false },
            subject: None,
            body: Vec::new(),
            status: WebhookStatus::Ignored,
            attempts: 0,
            failure: None,
            due_at: None,
            received_at: at(0),
            updated_at: at(0),
        }
    }

    pub(super) fn full_webhook(&mut self) -> Webhook {
        Webhook {
            kind: label("charge.dispute.created ü"),
            account: ProviderAccount { id: Some(label("acct_1")), livemode: true },
            subject: Some(Subject {
                references: vec![label("pi_1"), label("ch_\"1\"")],
                payment_id: Some(self.id()),
            }),
            body: (0..=u8::MAX).collect(),
            status: WebhookStatus::Parked,
            attempts: u32::MAX,
            failure: Some(WebhookFailure::UnknownPayment),
            due_at: Some(at(60)),
            updated_at: at(50),
            ..self.webhook()
        }
    }

    pub(super) fn subscription(&mut self) -> Subscription {
        Subscription::new(label(&format!("Mailer {} 📮", self.word())))
    }

    /// A move of a level, whose units come from a delivery.
    pub(super) fn stock_move(&mut self, level: LevelKey, on_hand: i64, held: i64) -> StockMove {
        StockMove {
            level,
            on_hand,
            held,
            expected_on_hand: None,
            movement_id: self.id(),
            reason: Reason::Received,
            order_id: None,
            note: None,
        }
    }
}

pub(super) fn url(text: &str) -> Url {
    Url::new(text).unwrap()
}

pub(super) fn level(variant_id: VariantId, location_id: LocationId) -> LevelKey {
    LevelKey { variant_id, location_id }
}

/// The same cart, closed by an order.
pub(super) fn closed(cart: &Cart, order: OrderId) -> Cart {
    Cart { status: CartStatus::Completed, order_id: Some(order), ..cart.clone() }
}
