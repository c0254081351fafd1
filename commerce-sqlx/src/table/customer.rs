//! Customers and their addresses.

use std::sync::LazyLock;

use commerce_core::{
    customer::{Address, BookedAddress, Customer},
    id::CustomerId,
    store::CustomerRef,
    version::{Version, Versioned},
};
use sqlx::PgConnection;

use super::{At, Cells, document, table};
use crate::{
    cell::Cell,
    codec::{self, Columns},
    error::Result,
    sets::Sets,
};

table! {
    pub(crate) CUSTOMERS = "commerce_customers", 1 keys, unique email_key external_id:
    id: Uuid, version: Int, email: Text, email_key: Text, email_verified: Bool, name: Text,
    phone: Text, external_id: Text, note: Text, provider_references: Json, created_at: Time,
    updated_at: Time, own_words: Text,
}

table! {
    pub(crate) ADDRESSES = "commerce_customer_addresses", 2 keys:
    customer_id: Uuid, position: Int, id: Uuid, name: Text, company: Text, line1: Text, line2: Text,
    city: Text, region: Text, postal_code: Text, country: Text, phone: Text,
    default_shipping: Bool, default_billing: Bool,
}

fn row(customer: &Customer, version: Version) -> Result<Cells<'_>> {
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
        Cell::Made(document::customer_words(customer)),
    ])
}

fn address_row(of: CustomerId, position: i64, entry: &BookedAddress) -> Cells<'_> {
    let BookedAddress { id, address, default_shipping, default_billing } = entry;
    vec![
        Cell::id(of),
        Cell::Int(position),
        Cell::id(*id),
        Cell::Text(&address.name),
        Cell::maybe_text(address.company.as_ref()),
        Cell::Text(&address.line1),
        Cell::maybe_text(address.line2.as_ref()),
        Cell::Text(&address.city),
        Cell::maybe_text(address.region.as_ref()),
        Cell::maybe_text(address.postal_code.as_ref()),
        Cell::Text(&address.country),
        Cell::maybe_text(address.phone.as_ref()),
        (*default_shipping).into(),
        (*default_billing).into(),
    ]
}

fn address_rows(customer: &Customer) -> Result<Vec<Cells<'_>>> {
    let book = (0..).zip(&customer.addresses);
    Ok(book.map(|(at, entry)| address_row(customer.id, at, entry)).collect())
}

/// Writes the difference between a customer as it was and as it is to be.
pub(crate) fn write(
    sets: &mut Sets,
    before: At<'_, Customer>,
    after: At<'_, Customer>,
) -> Result<()> {
    sets.record(&CUSTOMERS, before, after, row)?;
    sets.belongings(&ADDRESSES, before, after, address_rows)
}

fn read_address(row: &Columns<'_>) -> Result<BookedAddress> {
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

pub(crate) fn read(row: &Columns<'_>) -> Result<Versioned<Customer>> {
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
        addresses: {
            row.skip(1);
            row.rows(read_address)?
        },
    };
    Ok(Versioned::new(version, customer))
}

/// The columns of a customer `c`, as [`read`] wants them.
pub(crate) static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}, ARRAY(SELECT ROW(a.id, a.name, a.company, a.line1, a.line2, a.city, a.region,
                a.postal_code, a.country, a.phone, a.default_shipping, a.default_billing)
            FROM commerce_customer_addresses AS a WHERE a.customer_id = c.id ORDER BY a.position)",
        CUSTOMERS.of("c")
    )
});

fn select(clause: &str) -> String {
    format!("SELECT {} FROM commerce_customers AS c WHERE {clause}", *COLUMNS)
}

pub(crate) async fn customer(
    connection: &mut PgConnection,
    by: &CustomerRef,
) -> Result<Option<Versioned<Customer>>> {
    static BY_ID: LazyLock<String> = LazyLock::new(|| select("c.id = $1"));
    static BY_EMAIL: LazyLock<String> = LazyLock::new(|| select("c.email_key = $1"));
    static BY_EXTERNAL_ID: LazyLock<String> = LazyLock::new(|| select("c.external_id = $1"));
    let (sql, key) = match by {
        CustomerRef::Id(id) => (BY_ID.as_str(), Cell::id(*id)),
        CustomerRef::Email(email) => (BY_EMAIL.as_str(), Cell::Made(email.normalized())),
        CustomerRef::ExternalId(id) => (BY_EXTERNAL_ID.as_str(), Cell::Text(id)),
    };
    codec::first(connection, sql, [key.into()], read).await
}
