//! Cards that customers keep at Stripe to pay by again.

use std::collections::HashMap;

use async_trait::async_trait;
use commerce_core::{
    customer::Customer,
    gateway::{GatewayError, SavedMethod, Setup, Vault},
    text::{IdempotencyKey, Label, Url},
};
use serde::Deserialize;
use stripe_core::{
    customer::{CreateCustomer, DeleteCustomer, ListPaymentMethodsCustomer},
    setup_intent::{CreateSetupIntent, CreateSetupIntentAutomaticPaymentMethods},
};
use stripe_payment::payment_method::{DetachPaymentMethod, RetrievePaymentMethod};

use crate::{
    failure::{Failure, Meaning},
    gateway::StripeGateway,
    object::{Any, Method, Reference, SetupIntent},
    state::{hidden, in_path, label},
};

/// As many items as a page of Stripe's may have.
const PAGE: i64 = 100;

#[derive(Deserialize)]
struct Anything {}

fn saved(method: &Method) -> Result<SavedMethod, Failure> {
    let card = method.card.as_ref();
    let text = |text: Option<&String>| text.map(|text| label(text)).transpose();
    Ok(SavedMethod {
        id: label(&method.id)?,
        kind: label(&method.kind)?,
        brand: text(card.and_then(|card| card.brand.as_ref()))?,
        last4: text(card.and_then(|card| card.last4.as_ref()))?,
        expires: card.and_then(|card| card.exp_month.zip(card.exp_year)),
    })
}

#[async_trait]
impl Vault for StripeGateway {
    async fn create_customer(
        &self,
        customer: &Customer,
        key: &IdempotencyKey,
    ) -> Result<Label, GatewayError> {
        let metadata = HashMap::from([("customer_id".to_owned(), customer.id.to_string())]);
        let mut request = CreateCustomer::new().metadata(metadata);
        if let Some(email) = &customer.email {
            request = request.email(email.to_string());
        }
        if let Some(name) = &customer.name {
            request = request.name(name.to_string());
        }
        if let Some(phone) = &customer.phone {
            // Stripe takes 20 characters; a longer one is left out rather than cut.
            if phone.chars().count() <= 20 {
                request = request.phone(phone.to_string());
            }
        }
        let made = self.inner.transport.call().change::<Any>(&request, key).await;
        let made = made.and_then(|made| label(&made.id));
        made.map_err(|failure| failure.of_change(None))
    }

    async fn erase_customer(&self, customer: &Label) -> Result<(), GatewayError> {
        let erase = |failure: Failure| failure.of_change(None);
        let request = DeleteCustomer::new(in_path(customer).map_err(erase)?);
        // Deleting twice is deleting once: a lost answer does no harm.
        match self.inner.transport.call().erase::<Anything>(&request).await {
            Ok(Anything {}) => Ok(()),
            Err(failure) if failure.is_gone() => Ok(()),
            Err(failure) => Err(erase(failure)),
        }
    }

    async fn create_setup(
        &self,
        customer: &Label,
        _: Option<Url>,
        key: &IdempotencyKey,
    ) -> Result<Setup, GatewayError> {
        // Where the customer comes back to is said by their device when it confirms.
        let request = CreateSetupIntent::new()
            .customer(customer.to_string())
            .automatic_payment_methods(CreateSetupIntentAutomaticPaymentMethods::new(true));
        let made = self.inner.transport.call().change::<SetupIntent>(&request, key).await;
        let made = made.and_then(|made| {
            Ok(Setup {
                id: label(&made.id)?,
                client_secret: made.client_secret.as_ref().map(hidden).transpose()?,
                redirect_url: None,
            })
        });
        made.map_err(|failure| failure.of_change(None))
    }

    async fn methods(&self, customer: &Label) -> Result<Vec<SavedMethod>, GatewayError> {
        let customer = in_path(customer).map_err(Failure::of_question)?;
        let call = self.inner.transport.call();
        let methods = call
            .list(|after| {
                let request = ListPaymentMethodsCustomer::new(customer).limit(PAGE);
                match after {
                    Some(after) => request.starting_after(after),
                    None => request,
                }
            })
            .await;
        let methods: Vec<Method> = match methods {
            Ok(methods) => methods,
            // Who was erased keeps nothing.
            Err(failure) if failure.meaning() == Meaning::Missing => Vec::new(),
            Err(failure) => return Err(failure.of_question()),
        };
        let methods: Result<_, _> = methods.iter().map(saved).collect();
        methods.map_err(Failure::of_question)
    }

    async fn remove_method(&self, customer: &Label, method: &Label) -> Result<bool, GatewayError> {
        // What a client names may be anything.
        let Ok(id) = in_path(method) else { return Ok(false) };
        let call = self.inner.transport.call();
        let found = match call.read::<Method>(&RetrievePaymentMethod::new(id)).await {
            Ok(found) => found,
            Err(failure) if failure.meaning() == Meaning::Missing => return Ok(false),
            Err(failure) => return Err(failure.of_question()),
        };
        let owner = found.customer.as_ref().map(Reference::id);
        if owner != Some(customer.as_str()) {
            return Ok(false);
        }
        // Detaching twice is detaching once.
        match call.erase::<Anything>(&DetachPaymentMethod::new(id)).await {
            Ok(Anything {}) => Ok(true),
            Err(failure) if failure.is_gone() => Ok(true),
            Err(failure) => Err(failure.of_change(None)),
        }
    }
}
