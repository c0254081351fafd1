//! Lists and searches over the maps, in the plainest way: filter, sort, take.

use std::{cmp::Ordering, collections::HashSet};

use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    access::ApiToken,
    catalog::{Product, Variant},
    customer::Customer,
    id::Id,
    inventory::{Movement, available},
    order::Order,
    payment::{Payment, PaymentStatus},
    search::{self, Document},
    shop::Setup,
    store::{
        Cursor, CursorKey, CustomerQuery, MovementFilter, OrderFilter, OrderInputs, OrderQuery,
        Page, PageRequest, PaymentItem, PaymentQuery, ProductFilter, ProductInputs, ProductQuery,
        ProductSort, Queries, RecordKey, StockFilter, StockItem, StoreResult, WebhookQuery,
    },
    version::Versioned,
    webhook::Webhook,
};

#[async_trait]
impl Queries for MemoryStore {
    async fn products(&self, query: &ProductQuery) -> StoreResult<Page<ProductInputs>> {
        let state = self.read();
        let setup = state.setup();
        let all = state
            .all::<Product, _>(RecordKey::Product)
            .filter_map(|product| state.product(product.id))
            .filter(|inputs| matches(inputs, query, setup.as_ref()));
        let words = query.filter.text.as_deref().map(search::query);
        let ranked = query.sort.is_none();
        let mut by_name = HashSet::new();
        let mut found: Vec<(Cursor, ProductInputs)> = all
            .filter_map(|inputs| {
                let score = match &words {
                    Some(words) => {
                        let rank = document(&inputs).rank(words)?;
                        if rank.by_name {
                            by_name.insert(inputs.product.id);
                        }
                        rank.score
                    }
                    None => 0,
                };
                let key = match query.sort {
                    None => CursorKey::Number(i64::from(score)),
                    Some(sort) => sort_key(&inputs, sort, query),
                };
                Some((Cursor { key, id: inputs.product.id.uuid() }, inputs))
            })
            .collect();
        if ranked {
            found.sort_by_key(|(_, inputs)| {
                std::cmp::Reverse((inputs.product.created_at, inputs.product.id))
            });
            search::keep_candidates(&mut found, |(_, it)| by_name.contains(&it.product.id));
        }
        Ok(page(found, &query.page, query.descending || ranked))
    }

    async fn orders(&self, query: &OrderQuery) -> StoreResult<Page<OrderInputs>> {
        let state = self.read();
        let found = state
            .all::<Order, _>(RecordKey::Order)
            .filter(|order| order_matches(order, &query.filter))
            .filter_map(|order| {
                let key = CursorKey::Number(order.placed_at.as_millis());
                Some((Cursor { key, id: order.id.uuid() }, state.order(order.id)?))
            })
            .collect();
        Ok(page(found, &query.page, true))
    }

    async fn payments(&self, query: &PaymentQuery) -> StoreResult<Page<PaymentItem>> {
        let PaymentQuery { gateway, updated_from, created_before, page: request } = query;
        let state = self.read();
        let found = state
            .all::<Payment, _>(RecordKey::Payment)
            .filter(|it| it.gateway == *gateway)
            .filter(|it| it.updated_at >= *updated_from && it.created_at < *created_before)
            .map(|payment| {
                let key = CursorKey::Number(payment.updated_at.as_millis());
                let item = PaymentItem { id: payment.id, order_id: payment.order_id };
                (Cursor { key, id: payment.id.uuid() }, item)
            })
            .collect();
        Ok(page(found, request, false))
    }

    async fn webhooks(&self, query: &WebhookQuery) -> StoreResult<Page<Versioned<Webhook>>> {
        let state = self.read();
        let found = state
            .all::<Webhook, _>(RecordKey::Webhook)
            .filter(|webhook| query.status.is_none_or(|status| webhook.status == status))
            .map(|webhook| {
                let key = CursorKey::Number(webhook.place());
                (Cursor { key, id: webhook.id.uuid() }, webhook)
            })
            .collect();
        Ok(page(found, &query.page, true))
    }

    async fn customers(&self, query: &CustomerQuery) -> StoreResult<Page<Versioned<Customer>>> {
        let state = self.read();
        let words = query.text.as_deref().map(search::query).unwrap_or_default();
        let found = state
            .all::<Customer, _>(RecordKey::Customer)
            .filter(|customer| {
                let own = customer.words();
                words.iter().all(|word| own.iter().any(|own| own.starts_with(word.as_str())))
            })
            .map(|customer| {
                let key = CursorKey::Number(customer.created_at.as_millis());
                (Cursor { key, id: customer.id.uuid() }, customer)
            })
            .collect();
        Ok(page(found, &query.page, true))
    }

    async fn api_tokens(&self, request: &PageRequest) -> StoreResult<Page<Versioned<ApiToken>>> {
        let state = self.read();
        let found = state
            .all::<ApiToken, _>(RecordKey::ApiToken)
            .map(|token| {
                let key = CursorKey::Number(token.created_at.as_millis());
                (Cursor { key, id: token.id.uuid() }, token)
            })
            .collect();
        Ok(page(found, request, true))
    }

    async fn stock(
        &self,
        filter: &StockFilter,
        request: &PageRequest,
    ) -> StoreResult<Page<StockItem>> {
        let state = self.read();
        let setup = state.setup();
        let found = state
            .all::<Variant, _>(RecordKey::Variant)
            .filter(|variant| variant.track_inventory)
            .filter(|variant| filter.sku.as_ref().is_none_or(|sku| variant.sku == *sku))
            .filter_map(|variant| {
                let mut levels = state.levels(variant.id);
                let low = setup.as_ref().is_some_and(|setup| {
                    available(&levels, &setup.locations) < variant.low_stock_threshold
                });
                if let Some(location) = filter.location_id {
                    levels.retain(|level| level.location_id == location);
                    if levels.is_empty() {
                        return None;
                    }
                }
                if filter.low && !low {
                    return None;
                }
                let key = CursorKey::Text(variant.sku.to_string());
                Some((Cursor { key, id: variant.id.uuid() }, StockItem { variant, levels }))
            })
            .collect();
        Ok(page(found, request, false))
    }

    async fn movements(
        &self,
        filter: &MovementFilter,
        request: &PageRequest,
    ) -> StoreResult<Page<Movement>> {
        let state = self.read();
        let found = state
            .movements
            .get(&filter.variant_id)
            .into_iter()
            .flatten()
            .filter(|movement| filter.location_id.is_none_or(|id| movement.location_id == id))
            .map(|movement| {
                let key = CursorKey::Number(movement.at.as_millis());
                (Cursor { key, id: movement.id.uuid() }, movement.clone())
            })
            .collect();
        Ok(page(found, request, true))
    }
}

fn compare(a: &Cursor, b: &Cursor) -> Ordering {
    let keys = match (&a.key, &b.key) {
        (CursorKey::Number(a), CursorKey::Number(b)) => a.cmp(b),
        (CursorKey::Text(a), CursorKey::Text(b)) => a.cmp(b),
        (CursorKey::Number(_), CursorKey::Text(_)) => Ordering::Less,
        (CursorKey::Text(_), CursorKey::Number(_)) => Ordering::Greater,
    };
    keys.then_with(|| a.id.cmp(&b.id))
}

fn page<T>(mut found: Vec<(Cursor, T)>, request: &PageRequest, descending: bool) -> Page<T> {
    let total = request.total.then_some(u64::try_from(found.len()).unwrap_or(u64::MAX));
    let order = |a: &Cursor, b: &Cursor| {
        if descending { compare(b, a) } else { compare(a, b) }
    };
    found.sort_by(|(a, _), (b, _)| order(a, b));
    if let Some(after) = &request.after {
        found.retain(|(cursor, _)| order(cursor, after) == Ordering::Greater);
    }
    let more = found.len() > request.limit;
    found.truncate(request.limit);
    let next = if more { found.last().map(|(cursor, _)| cursor.clone()) } else { None };
    Page { items: found.into_iter().map(|(_, item)| item).collect(), next, total }
}

fn document(inputs: &ProductInputs) -> Document {
    Document::of(&inputs.product, inputs.variants.iter().map(|variant| variant.value.as_ref()))
}

fn sort_key(inputs: &ProductInputs, sort: ProductSort, query: &ProductQuery) -> CursorKey {
    match sort {
        ProductSort::CreatedAt => CursorKey::Number(inputs.product.created_at.as_millis()),
        ProductSort::Price => {
            CursorKey::Number(inputs.lowest_price(query.currency).unwrap_or(i64::MAX))
        }
        ProductSort::Title => CursorKey::Text(inputs.product.title.to_lowercase()),
    }
}

fn matches(inputs: &ProductInputs, query: &ProductQuery, setup: Option<&Setup>) -> bool {
    let ProductFilter {
        status,
        categories,
        tag,
        vendor,
        product_type,
        text: _,
        // What is like a word is not known here.
        similar: _,
        min_price,
        max_price,
        in_stock,
        featured,
    } = &query.filter;
    let product = &inputs.product;
    let same = |a: Option<&str>, b: &str| a.is_some_and(|a| a.to_lowercase() == b.to_lowercase());
    let price = || inputs.lowest_price(query.currency);
    status.is_none_or(|status| product.status == status)
        && categories
            .as_ref()
            .is_none_or(|ids| product.categories.iter().any(|category| ids.contains(category)))
        && tag.as_ref().is_none_or(|tag| product.tags.iter().any(|t| same(Some(t), tag)))
        && vendor.as_ref().is_none_or(|vendor| same(product.vendor.as_deref(), vendor))
        && product_type.as_ref().is_none_or(|kind| same(product.product_type.as_deref(), kind))
        && min_price.is_none_or(|min| price().is_some_and(|price| price >= min))
        && max_price.is_none_or(|max| price().is_some_and(|price| price <= max))
        && in_stock.is_none_or(|wanted| {
            setup.is_some_and(|setup| inputs.in_stock(&setup.locations)) == wanted
        })
        && featured.is_none_or(|featured| product.featured == featured)
}

fn order_matches(order: &Versioned<Order>, filter: &OrderFilter) -> bool {
    let OrderFilter { status, customer_id, email, placed_from, placed_before, needs_review } =
        filter;
    let reviewed = order.payment_status == PaymentStatus::NeedsReview;
    status.is_none_or(|status| order.status() == status)
        && customer_id.is_none_or(|id| order.customer_id == Some(id))
        && email.as_ref().is_none_or(|email| {
            order.email.as_ref().is_some_and(|has| has.normalized() == email.normalized())
        })
        && placed_from.is_none_or(|from| order.placed_at >= from)
        && placed_before.is_none_or(|before| order.placed_at < before)
        && needs_review.is_none_or(|wanted| reviewed == wanted)
}
