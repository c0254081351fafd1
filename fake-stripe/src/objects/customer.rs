//! Customers: those whose payment methods are kept.

use serde::Serialize;
use serde_json::{Value, json};

use super::shared::{Address, Shipping};
use crate::{
    error::{ApiError, Result},
    params::{Metadata, Params},
    table::Object,
    world::World,
};

/// Somebody whose payment methods are kept.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Customer {
    pub(crate) id: String,
    object: &'static str,
    address: Option<Address>,
    balance: i64,
    created: i64,
    currency: (),
    default_source: (),
    delinquent: bool,
    description: Option<String>,
    discount: (),
    pub(crate) email: Option<String>,
    invoice_prefix: String,
    invoice_settings: Value,
    livemode: bool,
    metadata: Metadata,
    pub(crate) name: Option<String>,
    next_invoice_sequence: i64,
    phone: Option<String>,
    preferred_locales: Vec<String>,
    shipping: Option<Shipping>,
    tax_exempt: &'static str,
    test_clock: (),
    #[serde(skip)]
    deleted: bool,
}

impl Object for Customer {
    const KIND: &'static str = "customer";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn json(&self) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "customer", "deleted": true });
        }
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl World {
    /// A customer who was not deleted.
    pub(super) fn customer(&self, id: &str) -> Result<&Customer> {
        let found = self.customers.find(id).filter(|customer| !customer.deleted);
        found.ok_or_else(|| ApiError::missing("customer", id, "customer"))
    }

    pub(crate) fn create_customer(&mut self, params: &mut Params) -> Result<Value> {
        let id = self.ids.draw("cus_");
        let mut customer = Customer {
            id: id.clone(),
            object: "customer",
            address: None,
            balance: 0,
            created: self.now(),
            currency: (),
            default_source: (),
            delinquent: false,
            description: None,
            discount: (),
            email: None,
            invoice_prefix: id.chars().rev().take(8).collect::<String>().to_uppercase(),
            invoice_settings: json!({ "custom_fields": null, "default_payment_method": null,
                "footer": null, "rendering_options": null }),
            livemode: false,
            metadata: Metadata::new(),
            name: None,
            next_invoice_sequence: 1,
            phone: None,
            preferred_locales: Vec::new(),
            shipping: None,
            tax_exempt: "none",
            test_clock: (),
            deleted: false,
        };
        customer.change(params)?;
        self.customers.insert(customer);
        self.tell_customer("customer.created", &id);
        self.customers.get(&id, "id").map(Object::json)
    }

    pub(crate) fn update_customer(&mut self, id: &str, params: &mut Params) -> Result<Value> {
        let mut customer = self.customer(id)?.clone();
        customer.change(params)?;
        *self.customers.get_mut(id, "id")? = customer;
        self.tell_customer("customer.updated", id);
        self.customers.get(id, "id").map(Object::json)
    }

    pub(crate) fn delete_customer(&mut self, id: &str) -> Result<Value> {
        self.customer(id)?;
        self.tell_customer("customer.deleted", id);
        let customer = self.customers.get_mut(id, "id")?;
        customer.deleted = true;
        let json = customer.json();
        for method in self.methods_of(id) {
            self.forget_method(&method);
        }
        Ok(json)
    }

    pub(crate) fn list_customers(&self, params: &mut Params) -> Result<Value> {
        let email = params.text("email")?;
        self.customers.page(params, "/v1/customers", |customer| {
            !customer.deleted && (email.is_none() || customer.email == email)
        })
    }

    fn tell_customer(&mut self, kind: &str, id: &str) {
        if let Some(object) = self.customers.find(id).map(Object::json) {
            self.tell(kind, object);
        }
    }
}

impl Customer {
    fn change(&mut self, params: &mut Params) -> Result<()> {
        params.metadata(&mut self.metadata)?;
        self.address = Address::of(params, "address")?.or_else(|| self.address.take());
        self.description = params.text("description")?.or_else(|| self.description.take());
        self.email = params.text("email")?.or_else(|| self.email.take());
        self.name = params.text("name")?.or_else(|| self.name.take());
        self.phone = params.text("phone")?.or_else(|| self.phone.take());
        self.shipping = Shipping::of(params)?.or_else(|| self.shipping.take());
        if let Some(mut settings) = params.group("invoice_settings")? {
            let method = settings.text("default_payment_method")?;
            settings.finish()?;
            if let Some(settings) = self.invoice_settings.as_object_mut() {
                settings.insert("default_payment_method".into(), method.into());
            }
        }
        std::mem::take(params).finish()
    }
}
