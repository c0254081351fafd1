//! What a guest does over HTTP to buy something.

use commerce_core::id::{ShippingMethodId, VariantId};
use serde_json::{Value, json};

use crate::client::{Client, request};

/// A guest's whole way: a cart, two lines, who and where to, the checkout.
#[derive(Debug, Clone, Copy)]
pub struct Purchase {
    /// What is bought, two of each.
    pub variants: [VariantId; 2],
    /// How it is sent.
    pub method: ShippingMethodId,
    /// Tells the purchase from the others of the same run.
    pub number: u64,
}

impl Purchase {
    /// Goes the whole way.
    ///
    /// # Panics
    /// When the shop refuses a step.
    pub async fn make(self, client: &mut Client) {
        let Self { variants, method, number } = self;
        let made = client.ask(&request("POST", "/api/v1/carts", "", "{}")).await;
        assert_eq!(made.status, 201);
        let made: Value = serde_json::from_slice(made.body).unwrap();
        let cart = format!("/api/v1/carts/{}", made["id"].as_str().unwrap());
        let token = format!("cart-token: {}\r\n", made["token"].as_str().unwrap());
        for variant in variants {
            let line = json!({ "variant_id": variant, "quantity": 2 }).to_string();
            let lines = format!("{cart}/lines");
            assert_eq!(client.ask(&request("POST", &lines, &token, &line)).await.status, 200);
        }
        let address = json!({ "name": "Ada", "line1": "Street 1", "city": "Berlin",
            "postal_code": "10115", "country": "DE" });
        let patch = json!({ "email": "ada@example.com", "shipping_address": address,
            "billing_address": address, "shipping_method": method });
        let patched = client.ask(&request("PATCH", &cart, &token, &patch.to_string())).await;
        assert_eq!(patched.status, 200);
        let keyed = format!("{token}idempotency-key: checkout-{number}\r\n");
        let payment = json!({ "payment": { "gateway": "manual" } }).to_string();
        let checkout = format!("{cart}/checkout");
        let placed = client.ask(&request("POST", &checkout, &keyed, &payment)).await;
        assert_eq!(placed.status, 201);
    }
}
