//! Customers and their addresses.

use std::sync::LazyLock;

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
    id version email email_key email_verified name phone external_id note created_at updated_at
}

table! {
    pub(crate) ADDRESSES = "commerce_customer_addresses", 2 keys:
    customer_id position id name company line1 line2 city region postal_code country phone
    default_shipping default_billing
}

pub(crate) fn row(customer: &Customer, version: Version) -> Vec<Cell<'_>> {
    vec![
        Cell::id(customer.id),
        Cell::count(version.get()),
        Cell::maybe_text(customer.email.as_ref()),
        Cell::maybe(customer.email.as_ref(), |email| Cell::Made(email.normalized())),
        customer.email_verified.into(),
        Cell::maybe_text(customer.name.as_ref()),
        Cell::maybe_text(customer.phone.as_ref()),
        Cell::maybe_text(customer.external_id.as_ref()),
        Cell::maybe_text(customer.note.as_ref()),
        customer.created_at.into(),
        customer.updated_at.into(),
    ]
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

fn read_address(row: &Columns<'_>) -> Result<BookedAddress> {
    row.skip(2);
    Ok(BookedAddress {
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
    })
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
        created_at: row.time()?,
        updated_at: row.time()?,
        addresses: Vec::new(),
    };
    Ok((version, customer))
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
    customer.addresses = codec::all(connection, &BOOK, [codec::key(customer.id)], read_address)?;
    Ok(Some(Versioned::new(version, customer)))
}
