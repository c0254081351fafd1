//! Customers and their addresses.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use commerce_core::{
    customer::{Address, BookedAddress, Customer},
    id::CustomerId,
    store::CustomerRef,
    version::{Version, Versioned},
};
use rusqlite::Connection;

use super::{Cell, table};
use crate::{
    codec::{self, Columns},
    error::Result,
};

table! {
    pub(crate) CUSTOMERS = "commerce_customers", 1 keys, unique email_key external_id:
    id version email email_key email_verified name phone external_id note
    provider_references created_at updated_at
}

table! {
    pub(crate) ADDRESSES = "commerce_customer_addresses", 2 keys:
    customer_id position id name company line1 line2 city region postal_code country phone
    default_shipping default_billing
}

table! {
    pub(crate) WORDS = "commerce_customer_words", 2 keys: customer_id word
}

pub(crate) fn row(customer: &Customer, version: Version) -> Result<Vec<Cell<'_>>> {
    Ok(vec![
        Cell::id(customer.id),
        Cell::count(version.get()),
        Cell::maybe_text(customer.email.as_ref()),
        Cell::maybe(customer.email.as_ref(), |email| Cell::Made(email.normalized())),
        customer.email_verified.into(),
        Cell::maybe_text(customer.name.as_ref()),
        Cell::maybe_text(customer.phone.as_ref()),
        Cell::maybe_text(customer.external_id.as_ref()),
        Cell::maybe_text(customer.note.as_ref()),
        Cell::json(&customer.provider_references)?,
        customer.created_at.into(),
        customer.updated_at.into(),
    ])
}

pub(crate) fn address_row(
    of: CustomerId,
    position: i64,
    entry: &BookedAddress,
) -> Result<Vec<Cell<'_>>> {
    let address = &entry.address;
    Ok(vec![
        Cell::id(of),
        Cell::Integer(position),
        Cell::id(entry.id),
        Cell::Text(&address.name),
        Cell::maybe_text(address.company.as_ref()),
        Cell::Text(&address.line1),
        Cell::maybe_text(address.line2.as_ref()),
        Cell::Text(&address.city),
        Cell::maybe_text(address.region.as_ref()),
        Cell::maybe_text(address.postal_code.as_ref()),
        Cell::Text(&address.country),
        Cell::maybe_text(address.phone.as_ref()),
        entry.default_shipping.into(),
        entry.default_billing.into(),
    ])
}

/// An entry of somebody's book.
fn read_address(row: &Columns<'_>) -> Result<(CustomerId, BookedAddress)> {
    let of = row.id()?;
    row.skip(1);
    let entry = BookedAddress {
        id: row.id()?,
        address: Address {
            name: row.text()?,
            company: row.maybe(Columns::text)?,
            line1: row.text()?,
            line2: row.maybe(Columns::text)?,
            city: row.text()?,
            region: row.maybe(Columns::text)?,
            postal_code: row.maybe(Columns::text)?,
            country: row.text()?,
            phone: row.maybe(Columns::text)?,
        },
        default_shipping: row.bool()?,
        default_billing: row.bool()?,
    };
    Ok((of, entry))
}

fn read(row: &Columns<'_>) -> Result<(Version, Customer)> {
    let id = row.id()?;
    let version = row.version()?;
    let email = row.maybe(Columns::text)?;
    row.skip(1);
    let customer = Customer {
        id,
        email,
        email_verified: row.bool()?,
        name: row.maybe(Columns::text)?,
        phone: row.maybe(Columns::text)?,
        external_id: row.maybe(Columns::text)?,
        note: row.maybe(Columns::text)?,
        provider_references: row.json()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        addresses: Vec::new(),
    };
    Ok((version, customer))
}

fn word_rows(customer: &Customer, words: BTreeSet<String>) -> Vec<Vec<Cell<'static>>> {
    words.into_iter().map(|word| vec![Cell::id(customer.id), Cell::Made(word)]).collect()
}

/// Writes the words by which a customer is found, where they differ from those before.
pub(crate) fn write_words(
    connection: &Connection,
    old: Option<&Customer>,
    new: &Customer,
) -> Result<()> {
    let (before, after) = (old.map(Customer::words).unwrap_or_default(), new.words());
    for row in word_rows(new, &before - &after) {
        WORDS.delete(connection, &row)?;
    }
    for row in word_rows(new, &after - &before) {
        WORDS.insert(connection, &row)?;
    }
    Ok(())
}

/// Customers in the order of the ids.
pub(crate) fn customers(
    connection: &Connection,
    ids: impl IntoIterator<Item = CustomerId>,
) -> Result<Vec<Versioned<Customer>>> {
    static CUSTOMERS_OF: LazyLock<String> = LazyLock::new(|| CUSTOMERS.select_in_order());
    static BOOKS_OF: LazyLock<String> = LazyLock::new(|| {
        let columns = ADDRESSES.columns.iter().map(|column| format!("it.{column}"));
        format!(
            "SELECT {} FROM json_each(?1) AS wanted
            CROSS JOIN {} AS it ON it.customer_id = unhex(wanted.value)
            ORDER BY it.customer_id, it.position",
            columns.collect::<Vec<_>>().join(", "),
            ADDRESSES.name
        )
    });
    let ids = codec::ids(ids);
    let mut books: HashMap<CustomerId, Vec<BookedAddress>> = HashMap::new();
    codec::all(connection, &BOOKS_OF, [&ids], |row| {
        let (of, entry) = read_address(row)?;
        books.entry(of).or_default().push(entry);
        Ok(())
    })?;
    codec::all(connection, &CUSTOMERS_OF, [&ids], |row| {
        let (version, mut customer) = read(row)?;
        customer.addresses = books.remove(&customer.id).unwrap_or_default();
        Ok(Versioned::new(version, customer))
    })
}

pub(crate) fn customer(
    connection: &Connection,
    by: &CustomerRef,
) -> Result<Option<Versioned<Customer>>> {
    static BY_ID: LazyLock<String> = LazyLock::new(|| CUSTOMERS.select("WHERE id = ?1"));
    static BY_EMAIL: LazyLock<String> = LazyLock::new(|| CUSTOMERS.select("WHERE email_key = ?1"));
    static BY_EXTERNAL_ID: LazyLock<String> =
        LazyLock::new(|| CUSTOMERS.select("WHERE external_id = ?1"));
    static BOOK: LazyLock<String> =
        LazyLock::new(|| ADDRESSES.select("WHERE customer_id = ?1 ORDER BY position"));
    let found = match by {
        CustomerRef::Id(id) => codec::first(connection, &BY_ID, [codec::key(*id)], read),
        CustomerRef::Email(email) => {
            codec::first(connection, &BY_EMAIL, [email.normalized()], read)
        }
        CustomerRef::ExternalId(id) => {
            codec::first(connection, &BY_EXTERNAL_ID, [id.as_str()], read)
        }
    }?;
    let Some((version, mut customer)) = found else { return Ok(None) };
    let book = codec::all(connection, &BOOK, [codec::key(customer.id)], read_address)?;
    customer.addresses = book.into_iter().map(|(_, entry)| entry).collect();
    Ok(Some(Versioned::new(version, customer)))
}
