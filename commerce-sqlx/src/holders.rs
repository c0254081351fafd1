//! Who holds the unique keys that a batch asks about.

use std::collections::{BTreeSet, HashMap};

use commerce_core::{
    id::ProductId,
    store::{RecordKey, UniqueKey},
};

use crate::{
    cell::{Array, Cell, Kind},
    error::Result,
    lock::Reading,
    table::variant,
};

impl<'a> Reading<'a> {
    /// Adds a part for each kind of key.
    pub(crate) fn holders(&mut self, keys: &'a BTreeSet<UniqueKey>) -> Result<()> {
        let mut slugs = Array::new(Kind::Text);
        let mut category_slugs = Array::new(Kind::Text);
        let mut skus = Array::new(Kind::Text);
        let mut options = [Array::new(Kind::Uuid), Array::new(Kind::Bytes)];
        let mut by_options: HashMap<(ProductId, [u8; 32]), &UniqueKey> = HashMap::new();
        let mut customers = Array::new(Kind::Uuid);
        let mut numbers = Array::new(Kind::Text);
        let mut carts = Array::new(Kind::Uuid);
        let mut emails = Array::new(Kind::Text);
        let mut external_ids = Array::new(Kind::Text);
        let mut references = [Array::new(Kind::Text), Array::new(Kind::Text)];
        let mut digests = Array::new(Kind::Bytes);
        let mut events = [Array::new(Kind::Text), Array::new(Kind::Text)];
        for key in keys {
            match key {
                UniqueKey::ProductSlug(slug) => slugs.push(&Cell::Text(slug)),
                UniqueKey::CategorySlug(slug) => category_slugs.push(&Cell::Text(slug)),
                UniqueKey::Sku(sku) => skus.push(&Cell::Text(sku)),
                UniqueKey::VariantOptions(product, values) => {
                    let digest = variant::options_key(values)?;
                    let [products, keys] = &mut options;
                    products.push(&Cell::id(*product));
                    keys.push(&Cell::Digest(digest));
                    by_options.insert((*product, *digest.as_bytes()), key);
                }
                UniqueKey::OpenCart(customer) => customers.push(&Cell::id(*customer)),
                UniqueKey::OrderNumber(number) => numbers.push(&Cell::Text(number)),
                UniqueKey::OrderOfCart(cart) => carts.push(&Cell::id(*cart)),
                UniqueKey::CustomerEmail(email) => emails.push(&Cell::Text(email)),
                UniqueKey::CustomerExternalId(id) => external_ids.push(&Cell::Text(id)),
                UniqueKey::PaymentReference(gateway, reference) => {
                    let [gateways, names] = &mut references;
                    gateways.push(&Cell::Text(gateway));
                    names.push(&Cell::Text(reference));
                }
                UniqueKey::ApiToken(digest) => digests.push(&Cell::Digest(*digest)),
                UniqueKey::WebhookEvent(gateway, event) => {
                    let [gateways, names] = &mut events;
                    gateways.push(&Cell::Text(gateway));
                    names.push(&Cell::Text(event));
                }
            }
        }
        // One part: who has one of the keys. The row is the id and the key.
        macro_rules! part {
            ($keys:expr, $sql:literal, $record:ident, |$row:ident| $unique:expr) => {
                let keys = $keys;
                if !keys.iter().all(Array::is_empty) {
                    self.part($sql, keys, |$row, state| {
                        let holder = RecordKey::$record($row.id()?);
                        state.holders.insert($unique, holder);
                        Ok(())
                    });
                }
            };
        }
        part!(
            [slugs],
            "SELECT ROW(id, slug) FROM commerce_products WHERE slug = ANY(?)",
            Product,
            |row| UniqueKey::ProductSlug(row.text()?)
        );
        part!(
            [category_slugs],
            "SELECT ROW(id, slug) FROM commerce_categories WHERE slug = ANY(?)",
            Category,
            |row| UniqueKey::CategorySlug(row.text()?)
        );
        part!(
            [skus],
            "SELECT ROW(id, sku) FROM commerce_variants WHERE sku = ANY(?)",
            Variant,
            |row| UniqueKey::Sku(row.text()?)
        );
        if !by_options.is_empty() {
            const OPTIONS: &str = "SELECT ROW(v.id, v.product_id, v.options_key)
                FROM unnest(?::uuid[], ?::bytea[]) AS wanted (product_id, options_key)
                CROSS JOIN LATERAL (SELECT * FROM commerce_variants AS t
                    WHERE t.product_id = wanted.product_id
                    AND t.options_key = wanted.options_key OFFSET 0) AS v";
            self.part(OPTIONS, options, move |row, state| {
                let holder = RecordKey::Variant(row.id()?);
                let key = (row.id()?, *row.digest()?.as_bytes());
                if let Some(unique) = by_options.get(&key) {
                    state.holders.insert((*unique).clone(), holder);
                }
                Ok(())
            });
        }
        part!(
            [customers],
            "SELECT ROW(id, customer_id) FROM commerce_carts
                WHERE customer_id = ANY(?) AND status = 'open' AND origin = 'storefront'",
            Cart,
            |row| UniqueKey::OpenCart(row.id()?)
        );
        part!(
            [numbers],
            "SELECT ROW(id, number) FROM commerce_orders WHERE number = ANY(?)",
            Order,
            |row| UniqueKey::OrderNumber(row.text()?)
        );
        part!(
            [carts],
            "SELECT ROW(id, cart_id) FROM commerce_orders WHERE cart_id = ANY(?)",
            Order,
            |row| UniqueKey::OrderOfCart(row.id()?)
        );
        part!(
            [emails],
            "SELECT ROW(id, email_key) FROM commerce_customers WHERE email_key = ANY(?)",
            Customer,
            |row| UniqueKey::CustomerEmail(row.str()?.to_owned())
        );
        part!(
            [external_ids],
            "SELECT ROW(id, external_id) FROM commerce_customers WHERE external_id = ANY(?)",
            Customer,
            |row| UniqueKey::CustomerExternalId(row.text()?)
        );
        part!(
            references,
            "SELECT ROW(r.payment_id, r.gateway, r.reference)
                FROM unnest(?::text[], ?::text[]) AS wanted (gateway, reference)
                CROSS JOIN LATERAL (SELECT * FROM commerce_payment_references AS t
                    WHERE t.gateway = wanted.gateway
                    AND t.reference = wanted.reference OFFSET 0) AS r",
            Payment,
            |row| UniqueKey::PaymentReference(row.text()?, row.text()?)
        );
        part!(
            [digests],
            "SELECT ROW(id, digest) FROM commerce_api_tokens WHERE digest = ANY(?)",
            ApiToken,
            |row| UniqueKey::ApiToken(row.digest()?)
        );
        part!(
            events,
            "SELECT ROW(w.id, w.gateway, w.event_id)
                FROM unnest(?::text[], ?::text[]) AS wanted (gateway, event_id)
                CROSS JOIN LATERAL (SELECT * FROM commerce_webhooks AS t
                    WHERE t.gateway = wanted.gateway
                    AND t.event_id = wanted.event_id OFFSET 0) AS w",
            Webhook,
            |row| UniqueKey::WebhookEvent(row.text()?, row.text()?)
        );
        Ok(())
    }
}
