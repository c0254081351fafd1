//! Replays the sales of a real retailer through a shop, and audits the shop afterwards.
//!
//! [`replay`] does what the retailer's back office would have done: it enters the goods and the
//! customers, receives exactly the stock that is going to be sold, and then, invoice by invoice and
//! each at its own time, drafts an order at the prices of the invoice, places it, notes that it was
//! paid, and sends it. [`audit`] then reads everything back and compares it with the file.
//!
//! ```
//! use commerce_core::{Commerce, inputs::{SeededIds, SteppedClock}, store::MemoryStore};
//! use commerce_core::time::Timestamp;
//! use commerce_examples::{replay::{audit, replay}, retail::Sales};
//!
//! let file = "\
//! InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
//! 700101,20114,PAPER LANTERN,6,2010-12-01 08:26:00,1.25,14021.0,United Kingdom
//! ";
//! let sales = Sales::read(file.as_bytes())?;
//! let clock = SteppedClock::new(Timestamp::UNIX_EPOCH);
//! let shop = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1));
//! replay(&shop, &sales, 1)?;
//! let books = audit(&shop, &sales)?;
//! assert_eq!(books.figures.revenue_pence, 750);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod audit;

pub use audit::{Books, audit};

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use commerce_core::{
    Commerce, Error,
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency,
    customer::CreateCustomer,
    id::{CustomerId, VariantId},
    inputs::SteppedClock,
    money::Money,
    order::FulfillOrder,
    payment::CapturePayment,
    quantity::Quantity,
    shop::Shop,
    store::{Commit, PageRequest, StockFilter},
    text::{Label, Note, Sku, Slug, TextError},
    time::Timestamp,
};
use pollster::block_on;

use crate::retail::{Goods, Invoice, Sales};

/// Why a replay failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is something in the shop already, and the books could not be told from it.
    #[error("the shop is not empty")]
    NotEmpty,
    /// The shop refused something, or did not answer.
    #[error("{what} failed")]
    Shop {
        /// What was to be done.
        what: String,
        /// Why it was not.
        source: Error,
    },
    /// Something in the file cannot be entered into a shop.
    #[error("{what:?} cannot be entered")]
    Text {
        /// What it is.
        what: String,
        /// Which rule it breaks.
        source: TextError,
    },
    /// The books are not those of the file.
    #[error("the books are wrong: {0}")]
    Books(String),
}

/// Says what failed.
trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, ReplayError>;
}

impl<T, E: Into<Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, ReplayError> {
        self.map_err(|error| ReplayError::Shop { what: what(), source: error.into() })
    }
}

/// How long the parts of a replay took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// Entering goods and customers and receiving the stock.
    pub stocking: Duration,
    /// Drafting, placing, paying and sending all orders.
    pub selling: Duration,
}

/// The currency of the file.
const POUND: Currency = Currency::GBP;

/// Replays sales through a shop that is empty, by so many workers.
///
/// One worker keeps the order of history. Several, each with its own clock, still give every order
/// its own time, and let a store that makes many commits durable at once show it.
///
/// # Errors
/// When the shop is not empty, or refuses anything.
pub fn replay(shop: &Commerce, sales: &Sales, workers: usize) -> Result<Replayed, ReplayError> {
    let mut invoices: Vec<&Invoice> = sales.invoices.iter().collect();
    invoices.sort_by_key(|invoice| invoice.placed_at);
    let began = invoices.first().map_or(Timestamp::UNIX_EPOCH, |first| first.placed_at);
    let eve = began.saturating_sub(Duration::from_secs(86_400));
    let start = Instant::now();
    let staff = Staff { shop, workers, from: eve };
    staff.open()?;
    let known = Known { variants: staff.stock_up(sales)?, customers: staff.register(sales)? };
    let stocking = start.elapsed();
    let start = Instant::now();
    staff.share(&invoices, |till, invoice| {
        till.clock.set(invoice.placed_at);
        block_on(till.sell(invoice, &known))
    })?;
    Ok(Replayed { stocking, selling: start.elapsed() })
}

/// What the file's names are in the shop.
struct Known<'a> {
    variants: HashMap<Sku, VariantId>,
    customers: HashMap<&'a str, CustomerId>,
}

/// Those who do the work.
struct Staff<'a> {
    shop: &'a Commerce,
    workers: usize,
    from: Timestamp,
}

/// Where one of them works: the shop, at a clock of its own.
struct Till {
    shop: Commerce,
    clock: Arc<SteppedClock>,
    office: Caller,
}

impl Staff<'_> {
    fn till(&self) -> Till {
        let clock = Arc::new(SteppedClock::new(self.from));
        let shop = self.shop.clone().with_clock(clock.clone());
        Till { shop, clock, office: Caller::system() }
    }

    fn open(&self) -> Result<(), ReplayError> {
        let mut shop = Shop::new("Replay", POUND).map_err(text("the shop's name"))?;
        shop.limits.line_quantity_max = Quantity::MAX;
        let till = self.till();
        block_on(till.shop.open(shop)).doing(|| "opening the shop".to_owned())?;
        let first = PageRequest::first(1);
        let stock = block_on(till.shop.stock(&till.office, &StockFilter::default(), &first));
        let stock = stock.doing(|| "reading the stock".to_owned())?;
        if stock.items.is_empty() { Ok(()) } else { Err(ReplayError::NotEmpty) }
    }

    /// Enters a product for each SKU, and receives all that is going to be sold of it.
    fn stock_up(&self, sales: &Sales) -> Result<HashMap<Sku, VariantId>, ReplayError> {
        let goods = sales.goods();
        let mut slugs = HashSet::new();
        let requests = goods
            .iter()
            .map(|(sku, goods)| product(sku, goods, &mut slugs).map_err(text(sku)))
            .collect::<Result<Vec<_>, _>>()?;
        let made = self.share(&requests, |till, request| {
            let made = block_on(till.shop.create_product(&till.office, request));
            let made = made.doing(|| format!("entering {:?}", request.title))?.output;
            Ok(made.variants.into_iter().map(|variant| (variant.sku, variant.id)))
        })?;
        let variants: HashMap<Sku, VariantId> = made.into_iter().flatten().collect();
        let units: Vec<(VariantId, i64)> = goods
            .iter()
            .filter_map(|(sku, goods)| Some((*variants.get(sku)?, goods.units)))
            .collect();
        let till = self.till();
        for delivery in units.chunks(Commit::MOVES_MAX) {
            let received = block_on(till.shop.receive_stock(&till.office, None, delivery, None));
            received.doing(|| "receiving the stock".to_owned())?;
        }
        Ok(variants)
    }

    /// Enters every customer who has a number.
    fn register<'s>(&self, sales: &'s Sales) -> Result<HashMap<&'s str, CustomerId>, ReplayError> {
        let numbers: BTreeSet<&str> =
            sales.invoices.iter().filter_map(|invoice| invoice.customer.as_deref()).collect();
        let numbers: Vec<&str> = numbers.into_iter().collect();
        let made = self.share(&numbers, |till, number| {
            let external_id = Some(Label::new(number).map_err(text(number))?);
            let request = CreateCustomer { external_id, ..CreateCustomer::default() };
            let made = block_on(till.shop.create_customer(&till.office, &request));
            Ok((*number, made.doing(|| format!("entering customer {number}"))?.id))
        })?;
        Ok(made.into_iter().collect())
    }

    /// Shares work out: each takes the next piece, so that they stay close to its order. Answers
    /// in no order; the first failure ends it.
    fn share<T: Sync, R: Send>(
        &self,
        pieces: &[T],
        work: impl Fn(&Till, &T) -> Result<R, ReplayError> + Sync,
    ) -> Result<Vec<R>, ReplayError> {
        let next = AtomicUsize::new(0);
        let done: Mutex<Result<Vec<R>, ReplayError>> = Mutex::new(Ok(Vec::new()));
        let one = || {
            let till = self.till();
            let mut mine = Vec::new();
            let mut failed = None;
            while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
                match work(&till, piece) {
                    Ok(result) => mine.push(result),
                    Err(error) => {
                        // The others find no further piece.
                        next.store(pieces.len(), Ordering::Relaxed);
                        failed = Some(error);
                        break;
                    }
                }
            }
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            match (failed, &mut *done) {
                (Some(error), Ok(_)) => *done = Err(error),
                (None, Ok(all)) => all.append(&mut mine),
                (_, Err(_)) => {}
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.workers.max(1) {
                scope.spawn(one);
            }
        });
        done.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Till {
    /// Drafts, places, takes the money for, and sends an order, as the invoice has it.
    async fn sell(&self, invoice: &Invoice, known: &Known<'_>) -> Result<(), ReplayError> {
        let Self { shop, office, .. } = self;
        let doing = |what: &'static str| move || format!("{what} invoice {}", invoice.number);
        let wrong =
            || ReplayError::Books(format!("invoice {} sells unknown goods", invoice.number));
        let lines = invoice.lines.iter().map(|line| {
            let variant_id = *known.variants.get(&line.sku).ok_or_else(wrong)?;
            let unit_price = Some(Money::new(line.unit_pence, POUND));
            Ok(AddLine { variant_id, quantity: line.quantity, unit_price })
        });
        let draft = CreateCart {
            lines: lines.collect::<Result<_, ReplayError>>()?,
            customer_id: invoice
                .customer
                .as_deref()
                .and_then(|number| known.customers.get(number))
                .copied(),
            note: Some(Note::new(&invoice.number).map_err(text(&invoice.number))?),
            ..CreateCart::default()
        };
        let cart = shop.create_cart(office, &draft).await.doing(doing("drafting"))?.output.cart;
        let request = PlaceOrder { expected_total: Some(cart.total), ..PlaceOrder::default() };
        let placed = shop.place_order(office, cart.id, &request).await.doing(doing("placing"))?;
        let id = placed.order.id;
        if placed.payment.is_some() {
            shop.capture(office, id, &CapturePayment::default(), None)
                .await
                .doing(doing("taking the money for"))?;
        }
        let all = FulfillOrder::default();
        shop.fulfill_order(office, id, &all, None).await.doing(doing("sending"))?;
        Ok(())
    }
}

fn text(what: &str) -> impl Fn(TextError) -> ReplayError {
    move |source| ReplayError::Text { what: what.to_owned(), source }
}

fn product(
    sku: &Sku,
    goods: &Goods,
    slugs: &mut HashSet<Slug>,
) -> Result<CreateProduct, TextError> {
    let variant = CreateVariant::new(sku, Money::new(goods.unit_pence, POUND))?;
    Ok(CreateProduct {
        slug: Some(slug(sku, slugs)?),
        status: ProductStatus::Active,
        variants: vec![variant],
        ..CreateProduct::new(title(&goods.title).unwrap_or_else(|| sku.to_string()))?
    })
}

/// What a description comes to as a title: one line, not too long.
fn title(description: &str) -> Option<String> {
    let spaced = description.replace(char::is_control, " ");
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(255).collect();
    Some(short.trim_end().to_owned()).filter(|title| !title.is_empty())
}

/// A slug that no other product has. SKUs that differ only in case or in signs suggest the same
/// one; the later ones are numbered.
fn slug(sku: &str, taken: &mut HashSet<Slug>) -> Result<Slug, TextError> {
    let suggested = Slug::suggest(sku);
    let base: String = suggested.as_deref().unwrap_or("item").chars().take(240).collect();
    let mut slug = Slug::new(&base)?;
    let mut number = 1_u64;
    while !taken.insert(slug.clone()) {
        number += 1;
        slug = Slug::new(format!("{base}-{number}"))?;
    }
    Ok(slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_of_alike_skus_differ() {
        let mut taken = HashSet::new();
        let long = "x".repeat(255);
        let skus = ["85123A", "85123a", "85123a-2", "85123A!", "…", "?", &long, &long];
        let slugs = skus.map(|sku| slug(sku, &mut taken).unwrap());
        assert_eq!(taken.len(), skus.len());
        assert_eq!(
            slugs[..6].iter().map(Slug::as_str).collect::<Vec<_>>(),
            ["85123a", "85123a-2", "85123a-2-2", "85123a-3", "item", "item-2"]
        );
    }

    #[test]
    fn any_description_comes_to_a_title() {
        let long = format!("{} end", "word ".repeat(100));
        for (description, wanted) in
            [("  RED \t\u{0} LAMP\n\u{2028}", Some("RED LAMP")), ("\u{7}", None), ("", None)]
        {
            assert_eq!(title(description).as_deref(), wanted);
        }
        let short = title(&long).unwrap();
        assert!(Label::new(&short).is_ok() && short.len() > 200);
    }
}
