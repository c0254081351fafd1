//! Stock and the places where it is.

use commerce_core::inventory::{AdjustStock, SetStock};
use serde_json::json;

use super::{Twins, block_on, same};

impl Twins {
    pub(crate) fn change_stock(&mut self) {
        let system = self.system.clone();
        match self.dice.below(6) {
            0..=3 => {
                let Some(id) = self.dice.one(&self.variants) else { return };
                let location = self.dice.one(&self.locations);
                let request: SetStock = serde_json::from_value(
                    json!({"location": location, "on_hand": self.dice.number(30), "note": "counted"}),
                )
                .unwrap();
                let _ = both!(self, |shop| shop.set_stock(&system, id, &request));
            }
            4 => {
                let Some(id) = self.dice.one(&self.variants) else { return };
                let location = self.dice.one(&self.locations);
                let request: AdjustStock = serde_json::from_value(
                    json!({"location": location, "delta": self.dice.number(20) - 10, "reason": "damaged"}),
                )
                .unwrap();
                let _ = both!(self, |shop| shop.adjust_stock(&system, id, &request));
            }
            _ => {
                if self.locations.len() < 4 {
                    let request = serde_json::from_value(
                        json!({"name": self.words(2), "priority": self.dice.number(3), "active": self.dice.chance(70)}),
                    )
                    .unwrap();
                    let made = both!(self, |shop| shop.create_location(&system, &request)).unwrap();
                    self.locations.push(made.id);
                } else {
                    let id = self.dice.one(&self.locations).unwrap();
                    let request =
                        serde_json::from_value(json!({"active": self.dice.chance(70)})).unwrap();
                    let _ = both!(self, |shop| shop.patch_location(&system, id, &request, None));
                }
            }
        }
    }
}
