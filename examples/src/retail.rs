//! Reads sales of a real retailer: the UCI data set "Online Retail" (Chen 2015,
//! <https://doi.org/10.24432/C5BW33>, CC BY 4.0) as CSV.
//!
//! Its columns are InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice in pounds,
//! CustomerID and Country. A row is a sale if its quantity and its price are positive and its
//! invoice is not a cancellation, whose number begins with `C`; other rows are counted. Prices are
//! rounded half up to the penny, row by row. Times are like `2010-12-01 08:26:00` or, as spreadsheets
//! show them, `12/1/2010 8:26`.
//!
//! ```
//! use commerce_examples::retail::Sales;
//!
//! let file = "\
//! InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
//! 700101,20114,PAPER LANTERN,6,2010-12-01 08:26:00,1.255,14021.0,United Kingdom
//! C700102,20114,PAPER LANTERN,-2,2010-12-01 09:00:00,1.255,14021.0,United Kingdom
//! ";
//! let sales = Sales::read(file.as_bytes())?;
//! assert_eq!(sales.invoices[0].lines[0].unit_pence, 126);
//! assert_eq!(sales.figures().revenue_pence, 756);
//! assert_eq!(sales.skipped.cancelled, 1);
//! # Ok::<(), commerce_examples::retail::RetailError>(())
//! ```

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use commerce_core::{quantity::Quantity, text::Sku, time::Timestamp};
use flate2::bufread::MultiGzDecoder;
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

/// The sales of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sales {
    /// The invoices, each at the place of its first sale in the file.
    pub invoices: Vec<Invoice>,
    /// The rows that are no sales.
    pub skipped: Skipped,
}

/// One sale of several goods to one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its number, unique in the file.
    pub number: String,
    /// The time of its first row. The data has no time zone; it is taken as UTC.
    pub placed_at: Timestamp,
    /// The number of the customer, `None` for a guest.
    pub customer: Option<String>,
    /// The name of the customer's country, in the retailer's own words.
    pub country: String,
    /// What was sold, in the order of the file. A SKU may be on several lines.
    pub lines: Vec<InvoiceLine>,
}

/// One row of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    /// What was sold; upper and lower case are different goods.
    pub sku: Sku,
    /// What it is called on this invoice.
    pub title: Option<String>,
    /// How many.
    pub quantity: Quantity,
    /// The price of one in pence, 0 or more: prices below half a penny become 0.
    pub unit_pence: i64,
}

/// How many rows are no sales, by the first reason that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// The invoice is a cancellation.
    pub cancelled: u64,
    /// The quantity is zero or negative.
    pub no_quantity: u64,
    /// The price is zero or negative.
    pub no_price: u64,
}

/// All units of one SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goods {
    /// The first title in the file, or the SKU if it has none.
    pub title: String,
    /// How many the file sells.
    pub units: i64,
    /// The first price of one in pence.
    pub unit_pence: i64,
}

/// The sums of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Invoices.
    pub orders: u64,
    /// Different SKUs.
    pub skus: u64,
    /// Units sold.
    pub units: i64,
    /// Units times their prices, in pence.
    pub revenue_pence: i64,
    /// Different customers with a number.
    pub customers: u64,
    /// Invoices without a customer's number.
    pub guest_orders: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} orders, {} SKUs, {} units, {} GBP, {} customers, {} guest orders",
            self.orders,
            self.skus,
            self.units,
            Decimal::new(self.revenue_pence, 2),
            self.customers,
            self.guest_orders
        )
    }
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetailError {
    /// It is not CSV, or the input fails.
    #[error("the file cannot be read as CSV")]
    Csv(#[from] csv::Error),
    /// A column is missing.
    #[error("there is no column {0}")]
    NoColumn(&'static str),
    /// A cell does not hold what its column promises.
    #[error("line {line}: {column} {value:?} is wrong: {wanted}")]
    Cell {
        /// The line of the file.
        line: u64,
        /// The column.
        column: &'static str,
        /// The text.
        value: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// An invoice has another customer than in its rows before.
    #[error("line {line}: invoice {invoice} has another customer than before")]
    OtherCustomer {
        /// The line of the file.
        line: u64,
        /// The number of the invoice.
        invoice: String,
    },
    /// The sums leave the range of 64 bits.
    #[error("line {line}: too many units or too much money")]
    TooMuch {
        /// The line of the file.
        line: u64,
    },
}

/// Opens a file, which may be compressed with gzip.
///
/// # Errors
/// When it cannot be opened or read.
pub fn open(path: impl AsRef<Path>) -> io::Result<Box<dyn Read>> {
    let mut file = BufReader::new(File::open(path)?);
    // RFC 1952: a gzip file begins with these two bytes.
    if file.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        Ok(Box::new(MultiGzDecoder::new(file)))
    } else {
        Ok(Box::new(file))
    }
}

const COLUMNS: [&str; 8] = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
];

impl Sales {
    /// Reads the sales of a whole file.
    ///
    /// # Errors
    /// When it is not a file of this kind; the error names the line.
    pub fn read(input: impl Read) -> Result<Self, RetailError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
        let header = reader.headers()?.clone();
        let mut places = [0; COLUMNS.len()];
        for (place, name) in places.iter_mut().zip(COLUMNS) {
            // A byte order mark before the first name is not part of it.
            let is_named = |cell: &str| cell.trim_start_matches('\u{feff}') == name;
            *place = header.iter().position(is_named).ok_or(RetailError::NoColumn(name))?;
        }
        let mut sales = Self::default();
        let mut known = HashMap::new();
        let mut sum = Some((0_i64, 0_i64));
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            let row = Row { record: &record, places: &places };
            let number = row.cell(0);
            let quantity = row.units()?;
            let price = row.price()?;
            if number.starts_with('C') {
                sales.skipped.cancelled += 1;
                continue;
            }
            if quantity <= 0 {
                sales.skipped.no_quantity += 1;
                continue;
            }
            if price <= Decimal::ZERO {
                sales.skipped.no_price += 1;
                continue;
            }
            let line = row.invoice_line(quantity, price)?;
            sum = sum.and_then(|(units, pence)| {
                let price = line.unit_pence.checked_mul(quantity)?;
                Some((units.checked_add(quantity)?, pence.checked_add(price)?))
            });
            if sum.is_none() {
                return Err(RetailError::TooMuch { line: row.line() });
            }
            let place = *known.entry(number.to_owned()).or_insert(sales.invoices.len());
            match sales.invoices.get_mut(place) {
                Some(invoice) if invoice.customer != row.customer()? => {
                    let invoice = number.to_owned();
                    return Err(RetailError::OtherCustomer { line: row.line(), invoice });
                }
                Some(invoice) => invoice.lines.push(line),
                None => sales.invoices.push(row.invoice(line)?),
            }
        }
        Ok(sales)
    }

    /// Everything that is sold: exactly the stock that these sales need.
    pub fn goods(&self) -> BTreeMap<Sku, Goods> {
        let mut goods: BTreeMap<Sku, Goods> = BTreeMap::new();
        let mut untitled: HashSet<&Sku> = HashSet::new();
        for line in self.invoices.iter().flat_map(|invoice| &invoice.lines) {
            let good = goods.entry(line.sku.clone()).or_insert_with(|| {
                untitled.insert(&line.sku);
                Goods { title: line.sku.to_string(), units: 0, unit_pence: line.unit_pence }
            });
            good.units += line.quantity.get();
            if let Some(title) = &line.title
                && untitled.remove(&line.sku)
            {
                good.title.clone_from(title);
            }
        }
        goods
    }

    /// The sums of these sales.
    pub fn figures(&self) -> Figures {
        let lines = || self.invoices.iter().flat_map(|invoice| &invoice.lines);
        let skus: HashSet<_> = lines().map(|line| &line.sku).collect();
        let customers: HashSet<_> =
            self.invoices.iter().filter_map(|invoice| invoice.customer.as_ref()).collect();
        let guests = self.invoices.iter().filter(|invoice| invoice.customer.is_none());
        Figures {
            orders: self.invoices.len() as u64,
            skus: skus.len() as u64,
            units: lines().map(|line| line.quantity.get()).sum(),
            revenue_pence: lines().map(|line| line.quantity.get() * line.unit_pence).sum(),
            customers: customers.len() as u64,
            guest_orders: guests.count() as u64,
        }
    }
}

struct Row<'a> {
    record: &'a csv::StringRecord,
    places: &'a [usize; COLUMNS.len()],
}

impl Row<'_> {
    fn cell(&self, column: usize) -> &str {
        self.places.get(column).and_then(|place| self.record.get(*place)).unwrap_or_default()
    }

    fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    fn wrong(&self, column: usize, wanted: &'static str) -> RetailError {
        RetailError::Cell {
            line: self.line(),
            column: COLUMNS.get(column).copied().unwrap_or_default(),
            value: self.cell(column).to_owned(),
            wanted,
        }
    }

    /// A number as text exactly; small ones may come in scientific notation.
    fn number(&self, column: usize) -> Result<Decimal, RetailError> {
        let text = self.cell(column);
        Decimal::from_str_exact(text)
            .or_else(|_| Decimal::from_scientific(text))
            .map_err(|_| self.wrong(column, "it must be a number"))
    }

    fn units(&self) -> Result<i64, RetailError> {
        let units = self.number(3)?;
        Some(units)
            .filter(|units| units.is_integer())
            .and_then(|units| units.to_i64())
            .ok_or_else(|| self.wrong(3, "it must be a whole number"))
    }

    fn price(&self) -> Result<Decimal, RetailError> {
        self.number(5)
    }

    /// A customer's number, which may come as a float: `17850.0`.
    fn customer(&self) -> Result<Option<String>, RetailError> {
        if self.cell(6).is_empty() {
            return Ok(None);
        }
        Ok(Some(self.number(6)?.normalize().to_string()))
    }

    fn invoice_line(&self, quantity: i64, price: Decimal) -> Result<InvoiceLine, RetailError> {
        // Above zero, away from zero is up.
        let pence = price
            .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
            .checked_mul(Decimal::ONE_HUNDRED)
            .and_then(|pence| pence.to_i64());
        let title = Some(self.cell(2)).filter(|title| !title.is_empty());
        Ok(InvoiceLine {
            sku: Sku::new(self.cell(1)).map_err(|_| self.wrong(1, "it must be a SKU"))?,
            title: title.map(str::to_owned),
            quantity: Quantity::new(quantity)
                .map_err(|_| self.wrong(3, "it must be at most 1,000,000,000"))?,
            unit_pence: pence.ok_or_else(|| self.wrong(5, "it must be a price"))?,
        })
    }

    fn invoice(&self, line: InvoiceLine) -> Result<Invoice, RetailError> {
        let number = Some(self.cell(0)).filter(|number| !number.is_empty());
        let number = number.ok_or_else(|| self.wrong(0, "it must not be empty"))?;
        let wanted = "it must be like 2010-12-01 08:26:00 or 12/1/2010 8:26";
        let time = time(self.cell(4)).ok_or_else(|| self.wrong(4, wanted));
        Ok(Invoice {
            number: number.to_owned(),
            placed_at: time?,
            customer: self.customer()?,
            country: self.cell(7).to_owned(),
            lines: vec![line],
        })
    }
}

/// A time in either form that the data is published in: `2010-12-01 08:26:00` or, as spreadsheets show
/// it, `12/1/2010 8:26` with the month first.
fn time(text: &str) -> Option<Timestamp> {
    let rfc3339 = match text.split_once('/') {
        None => format!("{}Z", text.replacen(' ', "T", 1)),
        Some((month, rest)) => {
            let (day, rest) = rest.split_once('/')?;
            let (year, rest) = rest.split_once(' ')?;
            let (hour, minute) = rest.split_once(':')?;
            format!("{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}:00Z")
        }
    };
    rfc3339.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    const SAMPLE: &str = include_str!("../data/retail-sample.csv");
    const HEADER: &str =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

    #[test]
    fn the_sample_has_its_known_figures() {
        let sales = Sales::read(SAMPLE.as_bytes()).unwrap();
        assert_eq!(
            sales.figures(),
            Figures {
                orders: 15,
                skus: 13,
                units: 1486,
                revenue_pence: 292_064,
                customers: 4,
                guest_orders: 2,
            }
        );
        assert_eq!(sales.skipped, Skipped { cancelled: 2, no_quantity: 1, no_price: 2 });
        let goods = sales.goods();
        assert_eq!(goods.values().map(|good| good.units).sum::<i64>(), sales.figures().units);
        assert_eq!(goods[&Sku::new("31007B").unwrap()].title, "TIN ROBOT BLUE");
        assert_eq!(goods[&Sku::new("31007b").unwrap()].title, "TIN ROBOT BLUE SMALL");
    }

    #[test]
    fn an_invoice_is_one_order_wherever_its_rows_stand() {
        let sales = Sales::read(SAMPLE.as_bytes()).unwrap();
        let first = &sales.invoices[0];
        assert_eq!(first.lines.last().unwrap().sku.as_str(), "72011");
        assert_eq!(first.customer.as_deref(), Some("14021"));
        let numbers: HashSet<_> = sales.invoices.iter().map(|invoice| &invoice.number).collect();
        assert_eq!(numbers.len(), sales.invoices.len());
        assert!(sales.invoices.is_sorted_by_key(|invoice| invoice.placed_at));
    }

    #[test]
    fn times_may_come_as_spreadsheets_show_them() {
        let shown = |line: &str| {
            let Some((before, rest)) = line.split_once("2010-12-") else { return line.to_owned() };
            let (day, rest) = rest.split_once(' ').unwrap();
            let (hour, rest) = rest.split_once(':').unwrap();
            let [day, hour] = [day, hour].map(|number| number.trim_start_matches('0'));
            format!("{before}12/{day}/2010 {hour}:{}", rest.replacen(":00,", ",", 1))
        };
        let file = SAMPLE.lines().map(shown).collect::<Vec<_>>().join("\n");
        assert!(file.contains(",12/1/2010 8:09,"), "{file}");
        assert_eq!(Sales::read(file.as_bytes()).unwrap(), Sales::read(SAMPLE.as_bytes()).unwrap());
    }

    #[test]
    fn prices_round_half_up_to_the_penny() {
        for (price, pence) in [
            ("2.55", 255),
            ("0.005", 1),
            ("0.0049", 0),
            ("1e-05", 0),
            ("1.5E+1", 1500),
            ("18.0", 1800),
        ] {
            let file = format!("{HEADER}1,a,,1,2010-12-01 08:26:00,{price},,UK\n");
            assert_eq!(
                Sales::read(file.as_bytes()).unwrap().invoices[0].lines[0].unit_pence,
                pence
            );
        }
    }

    #[test]
    fn wrong_files_are_refused_with_their_line() {
        let error = |file: String| Sales::read(file.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("InvoiceNo,StockCode\n".into()), "there is no column Description");
        let row =
            |cells: &str| error(format!("{HEADER}1,a,,1,2010-12-01 08:26:00,1,7,UK\n{cells}\n"));
        for (cells, column) in [
            ("1,a,,x,2010-12-01 08:26:00,1,7,UK", "Quantity"),
            ("1,a,,1.5,2010-12-01 08:26:00,1,7,UK", "Quantity"),
            ("1,a,,1000000001,2010-12-01 08:26:00,1,7,UK", "Quantity"),
            ("1,,,1,2010-12-01 08:26:00,1,7,UK", "StockCode"),
            ("2,a,,1,yesterday,1,7,UK", "InvoiceDate"),
            ("2,a,,1,12/1/2010,1,7,UK", "InvoiceDate"),
            ("2,a,,1,13/1/2010 8:26,1,7,UK", "InvoiceDate"),
            ("2,a,,1,12/1/10 8:26,1,7,UK", "InvoiceDate"),
            ("1,a,,1,2010-12-01 08:26:00,$1,7,UK", "UnitPrice"),
            ("2,a,,1,2010-12-01 08:26:00,1,me,UK", "CustomerID"),
            (",a,,1,2010-12-01 08:26:00,1,7,UK", "InvoiceNo"),
            ("1,a,,1,2010-12-01 08:26:00,1,8,UK", "another customer"),
            ("1,a,,1000000000,2010-12-01 08:26:00,1e20,7,UK", "UnitPrice"),
            ("1,a,,1000000000,2010-12-01 08:26:00,1e15,7,UK", "too much money"),
        ] {
            let error = row(cells);
            assert!(error.starts_with("line 3: ") && error.contains(column), "{cells}: {error}");
        }
        assert!(row("1,a").contains("CSV"));
    }

    #[test]
    fn a_file_opens_compressed_or_not() {
        let folder = std::env::temp_dir().join(format!("retail-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let [plain, packed] = [folder.join("a.csv"), folder.join("a.csv.gz")];
        std::fs::write(&plain, SAMPLE).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(
            File::create(&packed).unwrap(),
            flate2::Compression::fast(),
        );
        encoder.write_all(SAMPLE.as_bytes()).unwrap();
        encoder.finish().unwrap();
        let sales = [plain, packed].map(|path| Sales::read(open(path).unwrap()).unwrap());
        std::fs::remove_dir_all(folder).unwrap();
        assert_eq!(sales[0], sales[1]);
        assert_eq!(sales[0], Sales::read(SAMPLE.as_bytes()).unwrap());
    }

    proptest! {
        #[test]
        fn every_row_is_sold_or_counted(
            rows in prop::collection::vec((0..5_u8, any::<bool>(), -3..9_i64, -1..300_i64), 0..40),
        ) {
            let mut file = HEADER.to_owned();
            let (mut units, mut pence) = (0, 0);
            for (invoice, cancelled, quantity, price) in &rows {
                let c = if *cancelled { "C" } else { "" };
                file += &format!(
                    "{c}{invoice},sku{price},,{quantity},2010-12-01 08:26:00,{},,UK\n",
                    Decimal::new(*price, 2)
                );
                if !cancelled && *quantity > 0 && *price > 0 {
                    units += quantity;
                    pence += quantity * price;
                }
            }
            let sales = Sales::read(file.as_bytes()).unwrap();
            let figures = sales.figures();
            prop_assert_eq!((figures.units, figures.revenue_pence), (units, pence));
            let Skipped { cancelled, no_quantity, no_price } = sales.skipped;
            let sold: usize = sales.invoices.iter().map(|invoice| invoice.lines.len()).sum();
            prop_assert_eq!(sold as u64 + cancelled + no_quantity + no_price, rows.len() as u64);
        }
    }
}
