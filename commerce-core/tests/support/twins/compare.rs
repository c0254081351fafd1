//! Reading everything, page by page.

use std::time::Duration;

use commerce_core::{
    catalog::ProductStatus,
    inventory::StockLevel,
    order::OrderStatus,
    store::{
        Cursor, CustomerRef, MovementFilter, OrderFilter, OrderQuery, OrderRef, PageRequest,
        ProductFilter, ProductQuery, ProductRef, ProductSort, StockFilter, VariantRef,
    },
    text::{Email, Label, Sku, Slug},
};

use super::{CURRENCIES, Dice, Twins, block_on, same};

impl Twins {
    pub(crate) fn compare(&mut self) {
        for _ in 0..4 {
            let query = self.product_query();
            let mut after: Option<Cursor> = None;
            loop {
                let mut query = query.clone();
                query.page.after = after;
                let page = both!(self, |shop| shop.queries().products(&query)).unwrap();
                after = page.next;
                if after.is_none() || self.dice.chance(10) {
                    break;
                }
            }
        }
        let mut query = OrderQuery {
            filter: OrderFilter {
                status: self
                    .dice
                    .one(&[
                        None,
                        None,
                        Some(OrderStatus::Pending),
                        Some(OrderStatus::Confirmed),
                        Some(OrderStatus::Cancelled),
                        Some(OrderStatus::Processing),
                        Some(OrderStatus::Delivered),
                    ])
                    .unwrap(),
                customer_id: if self.dice.chance(30) {
                    self.dice.one(&self.customers)
                } else {
                    None
                },
                email: if self.dice.chance(30) {
                    Some(Email::new("gast@example.com").unwrap())
                } else {
                    None
                },
                placed_from: None,
                placed_before: if self.dice.chance(30) {
                    Some("2026-11-21T10:00:01Z".parse().unwrap())
                } else {
                    None
                },
                needs_review: self.dice.one(&[None, None, Some(false), Some(true)]).unwrap(),
            },
            page: PageRequest { total: self.dice.chance(50), ..PageRequest::first(2) },
        };
        loop {
            let page = both!(self, |shop| shop.queries().orders(&query)).unwrap();
            query.page.after = page.next;
            if query.page.after.is_none() {
                break;
            }
        }
        let (any, most) = (StockFilter::default(), PageRequest::first(PageRequest::LIMIT_MAX));
        let counted = both!(self, |shop| shop.queries().stock(&any, &most)).unwrap().items;
        let known = self.dice.one(&counted).filter(|_| self.dice.chance(30));
        let filter = StockFilter {
            sku: known.map(|item| item.variant.sku.clone()),
            location_id: if self.dice.chance(50) { self.dice.one(&self.locations) } else { None },
            low: self.dice.chance(50),
        };
        let mut request = PageRequest { total: self.dice.chance(50), ..PageRequest::first(3) };
        loop {
            let page = both!(self, |shop| shop.queries().stock(&filter, &request)).unwrap();
            request.after = page.next;
            if request.after.is_none() {
                break;
            }
        }
        if let Some(variant_id) = self.dice.one(&self.variants) {
            let filter = MovementFilter {
                variant_id,
                location_id: if self.dice.chance(50) {
                    self.dice.one(&self.locations)
                } else {
                    None
                },
            };
            let mut request = PageRequest { total: true, ..PageRequest::first(2) };
            loop {
                let page = both!(self, |shop| shop.queries().movements(&filter, &request)).unwrap();
                request.after = page.next;
                if request.after.is_none() {
                    break;
                }
            }
            both!(self, |shop| shop.store().variant(&VariantRef::Id(variant_id))).unwrap();
            let sku = Sku::new(format!("Red-{}", self.dice.below(60))).unwrap();
            both!(self, |shop| shop.store().variant(&VariantRef::Sku(sku.clone()))).unwrap();
        }
        let slug = Slug::new(format!("p-{}", self.dice.below(80))).unwrap();
        let product = self.dice.one(&self.products).map(ProductRef::Id);
        for by in product.into_iter().chain([ProductRef::Slug(slug)]) {
            both!(self, |shop| async {
                let mut inputs = shop.store().product(&by).await?;
                if let Some(inputs) = &mut inputs {
                    inputs.levels.sort_by_key(StockLevel::key);
                }
                Ok::<_, commerce_core::store::StoreError>(inputs)
            })
            .unwrap();
        }
        both!(self, |shop| async {
            let mut all = shop.store().categories().await?;
            all.sort_by_key(|category| category.id);
            Ok::<_, commerce_core::store::StoreError>(all)
        })
        .unwrap();
        if let Some((_, cart)) = self.dice.one(&self.carts) {
            both!(self, |shop| shop.store().cart(cart)).unwrap();
            both!(self, |shop| async {
                let mut inputs = shop
                    .store()
                    .checkout_inputs(cart, &self.variants[..self.variants.len() / 2])
                    .await?;
                if let Some(inputs) = &mut inputs {
                    inputs.sellables.sort_by_key(|sellable| sellable.variant.id);
                }
                Ok::<_, commerce_core::store::StoreError>(inputs)
            })
            .unwrap();
        }
        if let Some(customer) = self.dice.one(&self.customers) {
            both!(self, |shop| shop.store().open_cart(customer)).unwrap();
            both!(self, |shop| shop.store().customer(&CustomerRef::Id(customer))).unwrap();
            let email = Email::new("kunde1@example.COM").unwrap();
            both!(self, |shop| shop.store().customer(&CustomerRef::Email(email.clone()))).unwrap();
            let external = Label::new("3").unwrap();
            both!(self, |shop| shop.store().customer(&CustomerRef::ExternalId(external.clone())))
                .unwrap();
        }
        if let Some(order) = self.dice.one(&self.orders) {
            both!(self, |shop| shop.store().order(&OrderRef::Id(order))).unwrap();
        }
        let now = commerce_core::inputs::Clock::now(&self.clocks[0]);
        let later = now.saturating_add(Duration::from_secs(86_400 * 40));
        let limit = 1 + self.dice.below(20);
        both!(self, |shop| shop.store().due(later, limit)).unwrap();
        let after = self.position.saturating_sub(5);
        let entries = both!(self, |shop| shop.store().outbox(after, 500)).unwrap();
        self.position = entries.last().map_or(self.position, |entry| entry.position);
    }

    fn product_query(&mut self) -> ProductQuery {
        let categories = match self.dice.below(6) {
            0 => self.dice.one(&self.categories).map(|id| vec![id]),
            1 => Some(self.categories.clone()),
            _ => None,
        };
        let label = |text: &str| Label::new(text).unwrap();
        let bool = |dice: &mut Dice, percent| dice.chance(percent).then(|| dice.chance(50));
        let filter = ProductFilter {
            status: self
                .dice
                .one(&[None, Some(ProductStatus::Active), Some(ProductStatus::Draft)])
                .unwrap(),
            categories,
            tag: if self.dice.chance(20) {
                self.dice.one(&[label("red"), label("GRÖSSE"), label("größe"), label("xl-5")])
            } else {
                None
            },
            vendor: if self.dice.chance(20) { Some(label("acme")) } else { None },
            product_type: if self.dice.chance(20) { Some(label("SHOES")) } else { None },
            text: if self.dice.chance(50) {
                self.dice
                    .one(&[
                        "shirt",
                        "SHI",
                        "red s",
                        "größe",
                        "नमस्",
                        "ä t",
                        "xl 5",
                        "stra",
                        "ⅷ",
                        "",
                        "4711",
                        "p",
                    ])
                    .map(str::to_owned)
            } else {
                None
            },
            similar: false,
            min_price: if self.dice.chance(15) { Some(self.dice.number(3000)) } else { None },
            max_price: if self.dice.chance(15) { Some(self.dice.number(5000)) } else { None },
            in_stock: bool(&mut self.dice, 20),
            featured: bool(&mut self.dice, 20),
        };
        ProductQuery {
            filter,
            currency: self.dice.one(CURRENCIES).unwrap(),
            sort: self
                .dice
                .one(&[
                    None,
                    Some(ProductSort::CreatedAt),
                    Some(ProductSort::Price),
                    Some(ProductSort::Title),
                ])
                .unwrap(),
            descending: self.dice.chance(50),
            page: PageRequest {
                total: self.dice.chance(40),
                ..PageRequest::first(1 + self.dice.below(5))
            },
        }
    }
}
