//! What is asked of a large shop and of a small one: the same operations on both, one caller at a time.

use std::{cmp::Reverse, time::Instant};

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    checkout::PlaceOrder,
    currency::Currency::EUR,
    id::{CartId, CategoryId, Id, VariantId},
    store::{Cursor, CursorKey, PageRequest, ProductFilter, ProductQuery, ProductSort},
    text::{IdempotencyKey, Label, Slug},
};
use pollster::block_on;
use uuid::Uuid;

use crate::{
    Fixture,
    catalogue::{COMMON_WORD, Catalogue, RARE_WORD, VENDORS},
    client::{Client, request},
    figure::{Report, Target, micros},
    purchase::Purchase,
    server::Server,
};

/// How much longer the large shop may take.
const SLOWER: f64 = 2.0;
/// How often each operation is timed.
const TIMES: usize = 400;
/// Runs that are not timed, before those that are: caches are as full as in a shop that is at work.
const WARMING: usize = 400;
/// Products that a server is asked for before those that are timed: more than any of its caches has room
/// for.
const WARMING_SERVER: usize = 4_000;

/// An operation, and how long it takes, in microseconds.
pub type Timed = (String, f64);

/// Tells the times of a large shop beside those of a small one.
pub fn compare(report: &mut Report, large: Vec<Timed>, small: Vec<Timed>) {
    for ((what, slow), (_, fast)) in large.into_iter().zip(small) {
        let target = Some(Target::AtMost(SLOWER));
        report.figure(what, micros(slow), micros(fast), slow / fast, target);
    }
}

/// The median time of an operation, in microseconds. It is told its number.
pub fn time(mut operation: impl FnMut(usize)) -> f64 {
    (0..WARMING).for_each(&mut operation);
    let mut took: Vec<_> = (WARMING..WARMING + TIMES)
        .map(|draw| {
            let started = Instant::now();
            operation(draw);
            started.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[took.len() / 2].as_secs_f64() * 1e6
}

/// A number below a bound for each draw. A step without a common divisor with the bound comes past all
/// of them.
pub fn some(draw: usize, bound: usize) -> usize {
    (draw * 7_919 + 13) % bound
}

/// A place deep in a list of so many, after which there is a whole page.
pub fn deep(length: usize) -> usize {
    (length * 4 / 5).min(length.saturating_sub(21))
}

/// What is known of a product.
#[derive(Debug)]
struct Item {
    id: Uuid,
    slug: Slug,
    created_at: i64,
    title: String,
    price: i64,
    vendor: usize,
    tags: Vec<Label>,
    category: CategoryId,
    variants: Vec<VariantId>,
}

impl Item {
    fn new(catalogue: &Catalogue, number: usize) -> Self {
        let (product, variants) = catalogue.product(number);
        let prices = variants.iter().filter_map(|variant| variant.price(EUR));
        Self {
            id: product.id.uuid(),
            created_at: product.created_at.as_millis(),
            title: product.title.to_lowercase(),
            price: prices.map(|price| price.amount.minor()).min().unwrap(),
            vendor: number % VENDORS,
            category: product.categories[0],
            variants: variants.iter().map(|variant| variant.id).collect(),
            tags: product.tags,
            slug: product.slug,
        }
    }
}

/// A shop that sells a catalogue.
#[derive(Debug)]
pub struct Scale {
    fixture: Fixture,
    items: Vec<Item>,
    category: CategoryId,
}

impl Scale {
    /// A shop that is filled with a catalogue.
    pub fn new(shop: Commerce, catalogue: &Catalogue) -> Self {
        Self {
            fixture: Fixture::new(shop, 0),
            items: (0..catalogue.products()).map(|number| Item::new(catalogue, number)).collect(),
            category: catalogue.category(3),
        }
    }

    /// The shop.
    pub fn shop(&self) -> &Commerce {
        &self.fixture.shop
    }

    /// The slug of a product, by the number of a draw.
    pub fn slug(&self, draw: usize) -> &Slug {
        &self.some(draw).slug
    }

    /// What a guest buys, by the number of a draw.
    pub fn purchase(&self, draw: usize) -> Purchase {
        let variants = [self.some(draw).variants[0], self.some(draw + 1).variants[1]];
        Purchase { variants, method: self.fixture.method, number: draw as u64 }
    }

    fn some(&self, draw: usize) -> &Item {
        &self.items[some(draw, self.items.len())]
    }

    /// A product by its slug, as a client of the shop's server sees it: within the shop, a small one
    /// would have all its products in the cache.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn look(&self, server: &Server) -> Timed {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut client = runtime.block_on(Client::connect(server.address()));
        let mut ask = |draw| {
            let path = format!("/api/v1/products/{}", self.slug(draw));
            let answer = runtime.block_on(client.ask(&request("GET", &path, "", "")));
            assert_eq!(answer.status, 200);
        };
        (0..WARMING_SERVER).for_each(&mut ask);
        let time = time(|draw| ask(WARMING_SERVER + draw));
        ("product by slug, over HTTP".to_owned(), time)
    }

    /// Lists and searches of products, and what customers do.
    ///
    /// # Panics
    /// When the shop refuses one.
    pub fn times(&self) -> Vec<Timed> {
        let mut times = Vec::new();
        for (what, word) in [("rare", RARE_WORD), ("common", COMMON_WORD), ("title's", "linen")] {
            times.push((format!("search page of 20, {what} word"), self.search(word)));
        }
        let sorts = [
            ("newest", ProductSort::CreatedAt),
            ("price", ProductSort::Price),
            ("title", ProductSort::Title),
        ];
        for (by, sort) in sorts {
            for filter in ["all", "vendor", "tag", "category"] {
                let list = self.list(filter, sort);
                for (place, at) in [("first", None), ("deep", Some(deep(list.len())))] {
                    let after = at.map(|at| list[at].clone());
                    let time = self.page(self.filter(filter), sort, after);
                    times.push((format!("{place} page by {by}, {filter}"), time));
                }
            }
            for (what, word) in [("rare", RARE_WORD), ("common", COMMON_WORD)] {
                let filter = ProductFilter { text: Some(word.to_owned()), ..Default::default() };
                let time = self.page(filter, sort, None);
                times.push((format!("first page by {by}, {what} word"), time));
            }
        }
        times.push(("add to cart, durable".to_owned(), self.add_to_cart()));
        times.push(("checkout of two lines, durable".to_owned(), self.checkout()));
        times
    }

    fn query(&self, filter: ProductFilter, sort: Option<ProductSort>, after: Option<Cursor>) {
        let page = PageRequest { after, ..PageRequest::first(20) };
        let descending = sort == Some(ProductSort::CreatedAt);
        let query = ProductQuery { filter, currency: EUR, sort, descending, page };
        let found = block_on(self.shop().products(&Caller::anonymous(), &query)).unwrap();
        assert!(!found.items.is_empty());
    }

    fn search(&self, words: &str) -> f64 {
        time(|_| {
            let text = Some(words.to_owned());
            self.query(ProductFilter { text, ..ProductFilter::default() }, None, None);
        })
    }

    fn filter(&self, name: &str) -> ProductFilter {
        let mut filter = ProductFilter::default();
        match name {
            "vendor" => filter.vendor = Some(Catalogue::vendor(7)),
            "tag" => filter.tag = Some(Catalogue::tag(7)),
            "category" => filter.categories = Some(vec![self.category]),
            _ => {}
        }
        filter
    }

    /// The places in a list, in its order.
    fn list(&self, filter: &str, sort: ProductSort) -> Vec<Cursor> {
        let tag = Catalogue::tag(7);
        let mut items: Vec<&Item> = self
            .items
            .iter()
            .filter(|item| match filter {
                "vendor" => item.vendor == 7,
                "tag" => item.tags.contains(&tag),
                "category" => item.category == self.category,
                _ => true,
            })
            .collect();
        match sort {
            ProductSort::CreatedAt => items.sort_by_key(|item| Reverse((item.created_at, item.id))),
            ProductSort::Price => items.sort_by_key(|item| (item.price, item.id)),
            ProductSort::Title => items.sort_by_key(|item| (&item.title, item.id)),
        }
        let key = |item: &Item| match sort {
            ProductSort::CreatedAt => CursorKey::Number(item.created_at),
            ProductSort::Price => CursorKey::Number(item.price),
            ProductSort::Title => CursorKey::Text(item.title.clone()),
        };
        items.into_iter().map(|item| Cursor { key: key(item), id: item.id }).collect()
    }

    fn page(&self, filter: ProductFilter, sort: ProductSort, after: Option<Cursor>) -> f64 {
        time(|_| self.query(filter.clone(), Some(sort), after.clone()))
    }

    /// So many guests' carts as there are draws.
    fn carts(&self, request: impl Fn(usize) -> CreateCart) -> Vec<(Caller, CartId)> {
        let visitor = Caller::anonymous();
        let cart = |draw| {
            let made = block_on(self.shop().create_cart(&visitor, &request(draw))).unwrap();
            (made.caller(&visitor), made.cart.id)
        };
        (0..TIMES + WARMING).map(cart).collect()
    }

    fn add_to_cart(&self) -> f64 {
        let carts = self.carts(|draw| self.fixture.request_of([self.some(draw).variants[0]]));
        time(|draw| {
            let (guest, cart) = &carts[draw];
            let line = AddLine::new(self.some(draw + 1).variants[1], 1).unwrap();
            block_on(self.shop().add_line(guest, *cart, &line, None)).unwrap();
        })
    }

    fn checkout(&self) -> f64 {
        let carts = self.carts(|draw| {
            let variants = [self.some(draw).variants[0], self.some(draw + 1).variants[1]];
            self.fixture.request_of(variants)
        });
        time(|draw| {
            let (guest, cart) = &carts[draw];
            let key = IdempotencyKey::new(format!("checkout-{draw:08}")).unwrap();
            let guest = guest.clone().with_key(key);
            block_on(self.shop().place_order(&guest, *cart, &PlaceOrder::default())).unwrap();
        })
    }
}
