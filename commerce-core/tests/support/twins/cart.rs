//! Carts.

use commerce_core::{
    access::Caller,
    cart::{AddLine, ChangeLine, CreateCart, PatchCart},
    currency::Currency,
    secret::Secret,
};
use serde_json::json;

use super::{Twins, block_on, id, same};

impl Twins {
    pub(crate) fn change_cart(&mut self) {
        let system = self.system.clone();
        match self.dice.below(11) {
            0 | 1 => {
                let caller = match self.dice.below(3) {
                    0 => Caller::anonymous(),
                    1 => system.clone(),
                    _ => match self.dice.one(&self.customers) {
                        Some(id) => Caller::customer(id),
                        None => Caller::anonymous(),
                    },
                };
                let request = CreateCart {
                    currency: if self.dice.chance(20) { Some(Currency::USD) } else { None },
                    ..CreateCart::default()
                };
                if let Ok(made) = both!(self, |shop| shop.create_cart(&caller, &request)) {
                    let owner = match &made.token {
                        Some(token) => Caller::guest(&token.parse::<Secret>().unwrap()),
                        None => caller,
                    };
                    self.carts.push((owner, made.cart.id));
                }
            }
            2..=6 => {
                let Some((caller, cart)) = self.dice.one(&self.carts) else { return };
                let Some(variant) = self.dice.one(&self.variants) else { return };
                let mut line = AddLine::new(variant, 1 + self.dice.number(6)).unwrap();
                if caller == system && self.dice.chance(40) {
                    line.unit_price = Some(commerce_core::money::Money::new(7, Currency::EUR));
                }
                if let Ok(view) = both!(self, |shop| shop.add_line(&caller, cart, &line, None)) {
                    self.lines.extend(view.lines.iter().map(|line| (cart, line.id)));
                }
            }
            7 => {
                let Some((cart, line)) = self.dice.one(&self.lines) else { return };
                let Some((caller, _)) = self.carts.iter().find(|(_, id)| *id == cart).cloned()
                else {
                    return;
                };
                let request: ChangeLine =
                    serde_json::from_value(json!({"quantity": 1 + self.dice.number(9)})).unwrap();
                let _ = both!(self, |shop| shop.change_line(&caller, cart, line, &request, None));
                match self.dice.below(4) {
                    0 => drop(both!(self, |shop| shop.remove_line(&caller, cart, line, None))),
                    1 => drop(both!(self, |shop| shop.clear_cart(&caller, cart, None))),
                    _ => {}
                }
            }
            8 | 9 => {
                let Some((caller, cart)) = self.dice.one(&self.carts) else { return };
                let mut fields =
                    json!({"email": "Gast@Example.com", "discount_codes": ["X"], "note": "bitte"});
                fields["shipping_address"] = self.address();
                fields["shipping_method"] = json!(id(2, "ship"));
                let request: PatchCart = serde_json::from_value(fields).unwrap();
                let _ = both!(self, |shop| shop.patch_cart(&caller, cart, &request, None));
            }
            _ => {
                let Some((guest, cart)) = self.dice.one(&self.carts) else { return };
                let Some(customer) = self.dice.one(&self.customers) else { return };
                let customer = Caller::customer(customer);
                let _ = both!(self, |shop| shop.merge_cart(&customer, &guest, cart));
            }
        }
    }
}
