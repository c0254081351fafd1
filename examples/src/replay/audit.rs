//! The audit of a replay: the shop's own records, read back and compared with the file.

use std::collections::{HashMap, HashSet};

use commerce_core::{
    Commerce, StockView,
    access::Caller,
    cart::{AddLine, CreateCart},
    error::Rejection,
    event::Event,
    id::OrderId,
    inventory::{Movement, Reason},
    money::Money,
    order::{FulfillmentStatus, OrderView},
    payment::PaymentStatus,
    store::{
        Cursor, CustomerRef, MovementFilter, OrderFilter, OrderQuery, Page, PageRequest,
        StockFilter,
    },
};
use pollster::block_on;

use super::{Doing, POUND, ReplayError};
use crate::retail::{Figures, Goods, Invoice, Sales};

/// What a shop's own records say that it sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Books {
    /// The sums, counted from the orders.
    pub figures: Figures,
    /// Lines of orders. Rows of one invoice with the same SKU and price are one line.
    pub lines: u64,
    /// Rows of the ledger of stock.
    pub movements: u64,
    /// Events of orders in the outbox.
    pub events: u64,
}

/// Reads a shop's books after a [`replay`](super::replay()) and compares them with the file.
///
/// Every invoice is one order of the same time, customer, units and total, paid and sent; the
/// totals are the sums of their lines; every SKU has 0 units on hand and 0 held, a ledger of one
/// receipt and of sales that sum to zero, and one more unit of it is refused; the outbox says of
/// each order once that it was placed, then paid, then sent.
///
/// # Errors
/// [`ReplayError::Books`] with the first thing that is wrong; [`ReplayError::Shop`].
pub fn audit(shop: &Commerce, sales: &Sales) -> Result<Books, ReplayError> {
    let audit = Audit { shop, office: Caller::system(), sales };
    let orders = audit.orders()?;
    let figures = audit.figures(&orders)?;
    let movements = audit.stock()?;
    let events = audit.outbox(&orders)?;
    let lines = orders.iter().map(|order| order.lines.len() as u64).sum();
    Ok(Books { figures, lines, movements, events })
}

struct Audit<'a> {
    shop: &'a Commerce,
    office: Caller,
    sales: &'a Sales,
}

/// Refuses what is not as it must be.
fn check(holds: bool, wrong: impl FnOnce() -> String) -> Result<(), ReplayError> {
    if holds { Ok(()) } else { Err(ReplayError::Books(wrong())) }
}

/// Reads a list to its end.
async fn every<T, F>(read: impl Fn(PageRequest) -> F) -> Result<Vec<T>, ReplayError>
where
    F: Future<Output = Result<Page<T>, commerce_core::Error>>,
{
    let mut all = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let request = PageRequest { after, ..PageRequest::first(PageRequest::LIMIT_MAX) };
        let page = read(request).await.doing(|| "reading a list".to_owned())?;
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

impl Audit<'_> {
    fn orders(&self) -> Result<Vec<OrderView>, ReplayError> {
        let orders: Vec<OrderView> = block_on(every(|page| async {
            let query = OrderQuery { filter: OrderFilter::default(), page };
            self.shop.orders(&self.office, &query).await
        }))?;
        let mut invoices: HashMap<&str, &Invoice> =
            self.sales.invoices.iter().map(|invoice| (invoice.number.as_str(), invoice)).collect();
        let mut customers = HashSet::new();
        for order in &orders {
            let number = order.note.as_deref().unwrap_or_default();
            let invoice = invoices.remove(number).ok_or_else(|| {
                ReplayError::Books(format!(
                    "order {} is of no invoice, or of one again",
                    order.number
                ))
            })?;
            same(order, invoice)?;
            if let Some(pair) = order.customer_id.zip(invoice.customer.as_deref()) {
                customers.insert(pair);
            }
        }
        check(invoices.is_empty(), || format!("{} invoices have no order", invoices.len()))?;
        for (id, number) in customers {
            let customer = block_on(self.shop.customer(&self.office, &CustomerRef::Id(id)));
            let customer = customer.doing(|| format!("reading customer {number}"))?;
            check(customer.external_id.as_deref() == Some(number), || {
                format!("customer {number} is known as {:?}", customer.external_id)
            })?;
        }
        Ok(orders)
    }

    /// The sums of the orders, which must be those of the file.
    fn figures(&self, orders: &[OrderView]) -> Result<Figures, ReplayError> {
        let lines = || orders.iter().flat_map(|order| &order.lines);
        let customers: HashSet<_> = orders.iter().filter_map(|order| order.customer_id).collect();
        let figures = Figures {
            orders: orders.len() as u64,
            skus: lines().map(|line| &line.sku).collect::<HashSet<_>>().len() as u64,
            units: lines().map(|line| line.quantity.get()).sum(),
            revenue_pence: orders.iter().map(|order| order.total.minor()).sum(),
            customers: customers.len() as u64,
            guest_orders: orders.iter().filter(|order| order.customer_id.is_none()).count() as u64,
        };
        let by_line: i64 = lines().map(|line| line.total.minor()).sum();
        check(figures.revenue_pence == by_line, || {
            format!("orders come to {} pence and their lines to {by_line}", figures.revenue_pence)
        })?;
        let wanted = self.sales.figures();
        check(figures == wanted, || format!("the shop has {figures}; the file has {wanted}"))?;
        Ok(figures)
    }

    /// Checks the stock of every SKU; answers how many rows the ledger has.
    fn stock(&self) -> Result<u64, ReplayError> {
        let goods = self.sales.goods();
        let stock: Vec<StockView> = block_on(every(|page| async move {
            self.shop.stock(&self.office, &StockFilter::default(), &page).await
        }))?;
        check(stock.len() == goods.len(), || {
            format!("the shop has {} SKUs, and {} were sold", stock.len(), goods.len())
        })?;
        let mut movements = 0;
        for level in &stock {
            let sold = goods.get(&level.sku).ok_or_else(|| {
                ReplayError::Books(format!("{} is in stock and was never sold", level.sku))
            })?;
            movements += self.level(level, sold)?;
        }
        Ok(movements)
    }

    fn level(&self, level: &StockView, sold: &Goods) -> Result<u64, ReplayError> {
        let sku = &level.sku;
        check((level.on_hand, level.held, level.available) == (0, 0, 0), || {
            format!("{sku} has {} on hand and {} held", level.on_hand, level.held)
        })?;
        let filter = MovementFilter { variant_id: level.variant_id, location_id: None };
        let ledger: Vec<Movement> = block_on(every(|page| {
            let filter = &filter;
            async move { self.shop.stock_movements(&self.office, filter, &page).await }
        }))?;
        let of = |reason| -> i64 {
            ledger.iter().filter(|row| row.reason == reason).map(|row| row.delta).sum()
        };
        let sums =
            (of(Reason::Received), of(Reason::Sold), ledger.iter().map(|row| row.delta).sum());
        check(sums == (sold.units, -sold.units, 0_i64), || {
            format!("{sku} came and went as {sums:?}, and {} were sold", sold.units)
        })?;
        let one = AddLine::new(level.variant_id, 1)
            .map_err(|error| ReplayError::Books(error.to_string()))?
            .at(Money::new(sold.unit_pence, POUND));
        let more = CreateCart { lines: vec![one], ..CreateCart::default() };
        let more = block_on(self.shop.create_cart(&self.office, &more));
        let refused = matches!(
            more.as_ref().map_err(commerce_core::Error::rejection),
            Err(Some(Rejection::InsufficientStock { available: 0, .. }))
        );
        check(refused, || format!("one more unit of {sku} is not refused for want of stock"))?;
        Ok(ledger.len() as u64)
    }

    /// Checks what others were told of the orders; answers how many events that were.
    fn outbox(&self, orders: &[OrderView]) -> Result<u64, ReplayError> {
        let mut told: HashMap<OrderId, Vec<&str>> = HashMap::new();
        let mut position = 0;
        loop {
            let entries = block_on(self.shop.store().outbox(position, 1_000));
            let entries = entries.doing(|| "reading the outbox".to_owned())?;
            let Some(last) = entries.last() else { break };
            position = last.position;
            for (order, what) in entries.iter().flat_map(|entry| &entry.events).filter_map(named) {
                told.entry(order).or_default().push(what);
            }
        }
        for order in orders {
            let of_it = told.get(&order.id).map(Vec::as_slice).unwrap_or_default();
            check(of_it == ["order.placed", "order.paid", "order.fulfilled"], || {
                format!("of order {} others were told {of_it:?}", order.number)
            })?;
        }
        check(told.len() == orders.len(), || {
            format!("others were told of {} orders, and there are {}", told.len(), orders.len())
        })?;
        Ok(told.values().map(|events| events.len() as u64).sum())
    }
}

/// Compares an order with its invoice.
fn same(order: &OrderView, invoice: &Invoice) -> Result<(), ReplayError> {
    let number = &invoice.number;
    check(order.placed_at == invoice.placed_at, || {
        format!(
            "invoice {number} is of {} and was placed at {}",
            invoice.placed_at, order.placed_at
        )
    })?;
    check(order.customer_id.is_some() == invoice.customer.is_some(), || {
        format!("invoice {number} has another customer")
    })?;
    let mut rows: HashMap<(&str, i64), i64> = HashMap::new();
    for row in &invoice.lines {
        *rows.entry((row.sku.as_str(), row.unit_pence)).or_default() += row.quantity.get();
    }
    let lines: HashMap<(&str, i64), i64> = order
        .lines
        .iter()
        .map(|line| ((line.sku.as_str(), line.unit_price.minor()), line.quantity.get()))
        .collect();
    check(lines == rows && lines.len() == order.lines.len(), || {
        format!("invoice {number} sells other units than its order")
    })?;
    let pence: i64 = rows.iter().map(|((_, price), units)| price * units).sum();
    check(order.total == Money::new(pence, POUND), || {
        format!("invoice {number} comes to {pence} pence, and its order to {}", order.total)
    })?;
    let settled = order.payment_status == PaymentStatus::Paid
        && order.paid_total == order.total
        && order.fulfillment_status == FulfillmentStatus::Fulfilled;
    check(settled, || format!("the order of invoice {number} is not paid and sent"))
}

/// Which order an event is of, and what it says, if it is of one.
fn named(event: &Event) -> Option<(OrderId, &'static str)> {
    match event {
        Event::OrderPlaced { order_id, .. } => Some((*order_id, "order.placed")),
        Event::OrderPaid { order_id, .. } => Some((*order_id, "order.paid")),
        Event::OrderFulfilled { order_id, complete: true, .. } => {
            Some((*order_id, "order.fulfilled"))
        }
        Event::OrderFulfilled { order_id, .. } => Some((*order_id, "order.fulfilled in part")),
        Event::OrderCancelled { order_id, .. } => Some((*order_id, "order.cancelled")),
        _ => None,
    }
}
