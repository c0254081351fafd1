//! Products, variants and categories.

use commerce_core::catalog::{
    CreateCategory, CreateProduct, CreateVariant, PatchProduct, PatchVariant,
};
use serde_json::{Value, json};

use super::{CURRENCIES, Twins, WORDS, block_on, same};

impl Twins {
    pub(crate) fn change_catalog(&mut self) {
        let system = self.system.clone();
        match self.dice.below(12) {
            0..=3 => {
                let mut fields = self.product_fields();
                fields["slug"] = json!(format!("p-{}", self.dice.below(80)));
                let options = self.dice.below(3);
                fields["options"] = json!(
                    (0..options).map(|n| json!({"name": format!("o{n}")})).collect::<Vec<_>>()
                );
                fields["images"] = json!(
                    (0..self.dice.below(3))
                        .map(|n| json!({"url": format!("https://e.com/{n}.jpg"), "alt": "x"}))
                        .collect::<Vec<_>>()
                );
                let count = self.dice.below(4);
                fields["variants"] =
                    json!((0..count).map(|_| self.variant(options)).collect::<Vec<_>>());
                let request: CreateProduct = serde_json::from_value(fields).unwrap();
                if let Ok(made) = both!(self, |shop| shop.create_product(&system, &request)) {
                    self.products.push(made.id);
                    self.variants.extend(made.variants.iter().map(|variant| variant.id));
                }
            }
            4 | 5 => {
                let Some(id) = self.dice.one(&self.products) else { return };
                let mut fields = self.product_fields();
                let keep: Vec<String> = fields.as_object().unwrap().keys().cloned().collect();
                for key in keep {
                    if self.dice.chance(60) {
                        fields.as_object_mut().unwrap().remove(&key);
                    }
                }
                fields.as_object_mut().unwrap().remove("related");
                let request: PatchProduct = serde_json::from_value(fields).unwrap();
                let _ = both!(self, |shop| shop.patch_product(&system, id, &request, None));
            }
            6 => {
                let Some(id) = self.dice.one(&self.products) else { return };
                let place = self.dice.below(3);
                let image = json!({"url": "https://e.com/new.png", "position": place});
                let image = serde_json::from_value(image).unwrap();
                let made = both!(self, |shop| shop.add_image(&system, id, &image, None));
                if let Ok(made) = made
                    && self.dice.chance(50)
                {
                    let image = made.images[self.dice.below(made.images.len())].id;
                    let _ = both!(self, |shop| shop.remove_image(&system, id, image, None));
                }
            }
            7 => {
                let Some(id) = self.dice.one(&self.products) else { return };
                let request = self.variant(0);
                let request: CreateVariant = serde_json::from_value(request).unwrap();
                if let Ok(made) =
                    both!(self, |shop| shop.create_variant(&system, id, &request, None))
                {
                    self.variants.push(made.id);
                }
            }
            8 | 9 => {
                let Some(id) = self.dice.one(&self.variants) else { return };
                let mut fields = json!({});
                match self.dice.below(7) {
                    0 => {
                        fields["sku"] = json!(format!("{}-{}", self.words(2), self.dice.below(99)))
                    }
                    1 => fields["active"] = json!(self.dice.chance(50)),
                    2 => {
                        fields["price"] = json!({"amount": self.dice.number(9000), "currency": self.dice.one(CURRENCIES)})
                    }
                    3 => fields["track_inventory"] = json!(self.dice.chance(50)),
                    4 => fields["low_stock_threshold"] = json!(self.dice.number(30)),
                    5 => fields["prices"] = json!([]),
                    _ => fields["barcode"] = json!("4711 neu"),
                }
                let request: PatchVariant = serde_json::from_value(fields).unwrap();
                let _ = both!(self, |shop| shop.patch_variant(&system, id, &request, None));
            }
            10 => {
                let parent =
                    if self.dice.chance(50) { self.dice.one(&self.categories) } else { None };
                let request: CreateCategory = serde_json::from_value(json!({
                    "title": self.words(2), "parent_id": parent, "position": self.dice.number(3),
                    "slug": format!("c-{}", self.dice.below(20)),
                    "image": {"url": "https://e.com/c.png"},
                }))
                .unwrap();
                if let Ok(made) = both!(self, |shop| shop.create_category(&system, &request)) {
                    self.categories.push(made.id);
                }
            }
            _ => {
                let Some(id) = self.dice.one(&self.categories) else { return };
                let parent = self.dice.one(&self.categories);
                let request = serde_json::from_value(
                    json!({"parent_id": parent, "active": self.dice.chance(50)}),
                )
                .unwrap();
                let _ = both!(self, |shop| shop.patch_category(&system, id, &request, None));
                if self.dice.chance(20) {
                    let _ = both!(self, |shop| shop.remove_category(&system, id, None));
                }
            }
        }
    }

    fn variant(&mut self, options: usize) -> Value {
        let price = |currency: &str, amount: i64| json!({"amount": {"amount": amount, "currency": currency}});
        let mut variant = json!({
            "sku": format!("{}-{}", self.dice.one(WORDS).unwrap(), self.dice.below(60)),
            "options": (0..options).map(|_| self.dice.one(&["S", "M", "L"]).unwrap()).collect::<Vec<_>>(),
            "track_inventory": self.dice.chance(80),
            "backorder": if self.dice.chance(20) { "allow" } else { "deny" },
            "low_stock_threshold": self.dice.number(8),
            "active": self.dice.chance(85),
            "requires_shipping": self.dice.chance(80),
            "weight_grams": self.dice.number(5000),
            "metadata": if self.dice.chance(30) { json!({"b": [1, null], "a": {"x": "y"}}) } else { json!({}) },
        });
        if self.dice.chance(85) {
            variant["price"] = json!({"amount": self.dice.number(5000), "currency": "EUR"});
            if self.dice.chance(30) {
                variant["compare_at_price"] = json!({"amount": 9000, "currency": "EUR"});
            }
        }
        let mut prices = vec![];
        if self.dice.chance(30) {
            prices.push(price("USD", self.dice.number(5000)));
        }
        if self.dice.chance(15) {
            prices.push(price("JPY", self.dice.number(50)));
        }
        variant["prices"] = json!(prices);
        if self.dice.chance(40) {
            variant["barcode"] = json!(format!("{:013}", self.dice.below(1000)));
            variant["cost"] = json!({"amount": 5, "currency": "USD"});
            variant["dimensions"] = json!({"length_mm": 1, "width_mm": 2, "height_mm": 3});
            variant["tax_code"] = json!("T1");
        }
        variant
    }

    fn product_fields(&mut self) -> Value {
        let categories = self.categories.clone();
        let mut fields = json!({
            "title": self.words(3),
            "description": format!("<p>{}</p>", self.words(6)),
            "status": self.dice.one(&["draft", "active", "active", "active", "archived"]),
            "tags": self.dice.some(WORDS, 20),
            "featured": self.dice.chance(30),
            "categories": categories.into_iter().filter(|_| self.dice.chance(40)).collect::<Vec<_>>(),
            "related": self.products.iter().take(2).map(|id| json!({"product_id": id, "relation": "up_sell"})).collect::<Vec<_>>(),
            "seo": {"title": "Seo"},
            "attributes": {"weight": {"type": "number", "value": "1.50"}, "ok": {"type": "boolean", "value": true}},
            "metadata": {"k": 1.5},
        });
        if self.dice.chance(60) {
            fields["vendor"] = json!(self.dice.one(&["Acme", "ACME", "Größe"]));
        }
        if self.dice.chance(60) {
            fields["product_type"] = json!(self.dice.one(&["Shoes", "shoes", "Hats"]));
        }
        if self.dice.chance(50) {
            fields["short_description"] = json!(self.words(3));
        }
        fields
    }
}
