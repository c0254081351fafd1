//! Customers.

use commerce_core::customer::{CreateCustomer, PatchCustomer, PutAddress};
use serde_json::json;

use super::{Twins, block_on, same};

impl Twins {
    pub(crate) fn change_customer(&mut self) {
        let system = self.system.clone();
        match self.dice.below(2) {
            0 => {
                let request: CreateCustomer = serde_json::from_value(json!({
                    "email": format!("Kunde{}@Example.com", self.dice.below(6)),
                    "external_id": if self.dice.chance(50) { Some(self.dice.below(9).to_string()) } else { None },
                    "name": "K", "note": "n",
                }))
                .unwrap();
                if let Ok(made) = both!(self, |shop| shop.create_customer(&system, &request)) {
                    self.customers.push(made.id);
                }
            }
            _ => {
                let Some(id) = self.dice.one(&self.customers) else { return };
                let address = PutAddress {
                    id: None,
                    address: serde_json::from_value(self.address()).unwrap(),
                    default_shipping: self.dice.chance(50),
                    default_billing: self.dice.chance(50),
                };
                let made = both!(self, |shop| shop.put_address(&system, id, &address));
                if let Ok(made) = made
                    && self.dice.chance(40)
                {
                    let address = self.dice.one(&made.addresses).unwrap().id;
                    let _ = both!(self, |shop| shop.remove_address(&system, id, address));
                }
                let request: PatchCustomer = serde_json::from_value(
                    json!({"email": format!("neu{}@example.com", self.dice.below(4))}),
                )
                .unwrap();
                let _ = both!(self, |shop| shop.patch_customer(&system, id, &request, None));
            }
        }
    }
}
