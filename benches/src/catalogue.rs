//! A catalogue of any size that looks like that of a real shop: four variants a product, titles and
//! descriptions of words that come as unequally often as real ones, vendors, tags, categories,
//! pictures.
//!
//! It follows from numbers, so that a file that was filled once is known again.

use commerce_core::{
    catalog::{
        Category, CreateCategory, CreateProduct, CreateVariant, ImageFields, Product,
        ProductOption, ProductStatus, Variant,
    },
    currency::Currency::EUR,
    id::{CategoryId, LocationId, Moment},
    inventory::{LevelKey, Reason, StockMove},
    money::Money,
    store::{Commit, Store},
    text::Label,
    time::Timestamp,
};
use pollster::block_on;

/// Variants of each product.
pub const VARIANTS_EACH: usize = 4;
/// Vendors, who each make as much. Of vendors, tags and categories there are so few that a shop of
/// a thousand variants, too, has a whole page for each.
pub const VENDORS: usize = 10;
/// Tags, of which each product has three.
pub const TAGS: usize = 20;
/// Categories, of which each product is in one.
pub const CATEGORIES: usize = 10;
/// A word of the descriptions of one product in five.
pub const COMMON_WORD: &str = "cotton";
/// A word of the descriptions of five products, however many there are.
pub const RARE_WORD: &str = "zephyrine";

/// Products a commit: with their variants, as many records as it may write.
const COMMITTED: usize = Commit::WRITES_MAX / (VARIANTS_EACH + 1);
/// Raised when the catalogue becomes another.
pub const EDITION: u32 = 2;

const ADJECTIVES: [&str; 16] = [
    "Light", "Heavy", "Soft", "Classic", "Modern", "Slim", "Wide", "Warm", "Cool", "Plain",
    "Striped", "Washed", "Woven", "Knitted", "Padded", "Folding",
];
const MATERIALS: [&str; 12] = [
    "Linen", "Wool", "Denim", "Leather", "Canvas", "Silk", "Fleece", "Nylon", "Steel", "Oak",
    "Glass", "Cork",
];
const THINGS: [&str; 20] = [
    "Shirt", "Jacket", "Trousers", "Scarf", "Hat", "Bag", "Belt", "Shoe", "Boot", "Sock", "Chair",
    "Lamp", "Table", "Bowl", "Cup", "Blanket", "Pillow", "Wallet", "Glove", "Umbrella",
];
const SIZES: [&str; VARIANTS_EACH] = ["S", "M", "L", "XL"];

/// A catalogue of so many products.
#[derive(Debug, Clone)]
pub struct Catalogue {
    products: usize,
    categories: Vec<CategoryId>,
}

/// Numbers that look drawn: SplitMix64 (Steele, Lea, Flood 2014).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

pub(crate) fn moment(number: usize, kind: u8) -> Moment {
    let began: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let at = Timestamp::from_millis(began.as_millis() + 1_000 * number as i64).unwrap();
    let mut seed = [kind; 16];
    seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
    Moment::new(at, seed)
}

impl Catalogue {
    /// A catalogue of so many variants, at least four.
    pub fn of_variants(variants: usize) -> Self {
        let products = (variants / VARIANTS_EACH).max(1);
        let categories = (0..CATEGORIES).map(|n| category(n).id).collect();
        Self { products, categories }
    }

    /// The number of its products.
    pub fn products(&self) -> usize {
        self.products
    }

    /// The name of a vendor.
    pub fn vendor(number: usize) -> Label {
        Label::new(format!("Vendor {:02}", number % VENDORS)).unwrap()
    }

    /// A tag.
    pub fn tag(number: usize) -> Label {
        Label::new(format!("tag-{:03}", number % TAGS)).unwrap()
    }

    /// A category.
    pub fn category(&self, number: usize) -> CategoryId {
        self.categories[number % CATEGORIES]
    }

    /// A product with its variants, by its number. Later numbers are newer.
    ///
    /// # Panics
    /// When the catalogue breaks a rule of the shop.
    pub fn product(&self, number: usize) -> (Product, Vec<Variant>) {
        let mut draws = Draws(number as u64);
        let mut moment = moment(number, 1);
        let (adjective, material, thing) =
            (draws.of(&ADJECTIVES), draws.of(&MATERIALS), draws.of(&THINGS));
        let tags = (0..3).map(|_| Self::tag(draws.below(TAGS))).collect();
        let image = |place: usize| ImageFields {
            url: format!("https://images.example.com/{number}/{place}.jpg").parse().unwrap(),
            alt: Some(format!("{adjective} {thing}, picture {place}").parse().unwrap()),
        };
        let price = 500 + draws.below(100_000) as i64;
        let variants = SIZES.iter().enumerate().map(|(place, size)| CreateVariant {
            options: vec![size.parse().unwrap()],
            weight_grams: 100 + draws.below(2_000) as i64,
            barcode: Some(Label::new(format!("40{:011}", number * 10 + place)).unwrap()),
            ..CreateVariant::new(
                format!("SKU-{number:07}-{size}"),
                Money::new(price + 100 * place as i64, EUR),
            )
            .unwrap()
        });
        let request = CreateProduct {
            variants: variants.collect(),
            description: self.description(number).parse().unwrap(),
            status: ProductStatus::Active,
            vendor: Some(Self::vendor(number)),
            product_type: Some(thing.parse().unwrap()),
            tags,
            options: vec![ProductOption { name: "Size".parse().unwrap() }],
            images: vec![image(0), image(1)],
            categories: vec![self.category(number / VENDORS)],
            ..CreateProduct::new(format!("{adjective} {material} {thing} {number}")).unwrap()
        };
        let product = Product::create(&request, &mut moment).unwrap();
        let variants = request
            .variants
            .iter()
            .zip(0..)
            .map(|(variant, place)| Variant::create(variant, &product, place, &mut moment).unwrap())
            .collect();
        (product, variants)
    }

    /// Sixty words of two thousand, of which few come often and many seldom.
    fn description(&self, number: usize) -> String {
        let mut draws = Draws(!(number as u64));
        let mut text = String::from("<p>");
        for place in 0..60 {
            // The product of two draws leans towards the first words.
            let word = draws.below(2_000) * draws.below(2_000) / 2_000;
            text.push_str(&format!("word{word}"));
            text.push(if place == 29 { '.' } else { ' ' });
        }
        if number.is_multiple_of(5) {
            text.push_str(COMMON_WORD);
        }
        if number.is_multiple_of(self.products.div_ceil(5)) {
            text.push(' ');
            text.push_str(RARE_WORD);
        }
        text + ".</p>"
    }

    /// Writes the whole catalogue into a store with a shop in it, and a million units of each
    /// variant into the location.
    ///
    /// # Panics
    /// When the store refuses it.
    pub fn fill(&self, store: &dyn Store, location: LocationId) {
        let mut commit = Commit::at(moment(0, 0).now());
        for number in 0..CATEGORIES {
            commit.insert(category(number));
        }
        block_on(store.commit(&commit)).unwrap();
        let numbers: Vec<usize> = (0..self.products).collect();
        for some in numbers.chunks(COMMITTED) {
            let mut commit = Commit::at(moment(some[0], 0).now());
            for number in some {
                let (product, variants) = self.product(*number);
                let mut moment = moment(*number, 2);
                commit.insert(product);
                for variant in variants {
                    commit.stock(StockMove {
                        level: LevelKey { variant_id: variant.id, location_id: location },
                        on_hand: 1_000_000,
                        held: 0,
                        expected_on_hand: None,
                        movement_id: moment.id(),
                        reason: Reason::Received,
                        order_id: None,
                        note: None,
                    });
                    commit.insert(variant);
                }
            }
            block_on(store.commit(&commit)).unwrap();
        }
    }
}

fn category(number: usize) -> Category {
    let request = CreateCategory::new(format!("Category {number}")).unwrap();
    Category::create(request, &[], &mut moment(number, 3)).unwrap()
}
