//! The requests by which a payment is made at Stripe.
//!
//! A request is made of what never changes of an order and its payment, so that the same operation is
//! the same request.

use std::collections::HashMap;

use commerce_core::{
    customer::Address,
    order::Order,
    payment::{CaptureMode, Payment, PaymentFlow},
    text::Url,
};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAdaptivePricing,
    CreateCheckoutSessionPaymentIntentData,
    CreateCheckoutSessionPaymentIntentDataCaptureMethod as SessionCapture,
    CreateCheckoutSessionPaymentIntentDataSetupFutureUsage as SessionUsage,
    CreateCheckoutSessionPaymentIntentDataShipping as SessionShipping,
    CreateCheckoutSessionPaymentIntentDataShippingAddress as SessionAddress,
};
use stripe_core::payment_intent::{
    CreatePaymentIntent, CreatePaymentIntentAutomaticPaymentMethods,
    CreatePaymentIntentAutomaticPaymentMethodsAllowRedirects as AllowRedirects,
    CreatePaymentIntentOffSession, CreatePaymentIntentShipping, CreatePaymentIntentShippingAddress,
};
use stripe_shared::{
    CheckoutSessionMode, PaymentIntentCaptureMethod, PaymentIntentSetupFutureUsage,
};
use stripe_types::Currency;

use crate::{amount::to_stripe, failure::Failure, line_items::line_items, state::PAYMENT_ID};

fn metadata(order: &Order, payment: &Payment) -> HashMap<String, String> {
    HashMap::from([
        (PAYMENT_ID.to_owned(), payment.id.to_string()),
        ("order_id".to_owned(), order.id.to_string()),
        ("order_number".to_owned(), order.number.to_string()),
    ])
}

pub(crate) fn currency(payment: &Payment) -> Result<Currency, Failure> {
    let code = payment.amount.currency().code().to_ascii_lowercase();
    code.parse().map_err(|_| Failure::impossible("Stripe does not know the currency"))
}

pub(crate) fn amount(amount: commerce_core::money::Money) -> Result<i64, Failure> {
    to_stripe(amount).ok_or_else(|| {
        Failure::impossible("Stripe does not take amounts to this unit in this currency")
    })
}

fn description(order: &Order) -> String {
    format!("Order {}", order.number)
}

/// What there is of an address, with its name and telephone number.
struct To<'a>(&'a Address);

impl To<'_> {
    fn name(&self) -> String {
        self.0.name.to_string()
    }

    fn phone(&self) -> Option<String> {
        self.0.phone.as_ref().map(ToString::to_string)
    }

    fn line2(&self) -> Option<String> {
        self.0.line2.as_ref().map(ToString::to_string)
    }

    fn postal_code(&self) -> Option<String> {
        self.0.postal_code.as_ref().map(ToString::to_string)
    }

    fn state(&self) -> Option<String> {
        self.0.region.as_ref().map(ToString::to_string)
    }
}

/// A payment on the shop's own page, or by a saved method.
pub(crate) fn intent(order: &Order, payment: &Payment) -> Result<CreatePaymentIntent, Failure> {
    let capture = match payment.capture {
        CaptureMode::Automatic => PaymentIntentCaptureMethod::AutomaticAsync,
        CaptureMode::Manual => PaymentIntentCaptureMethod::Manual,
    };
    let mut request = CreatePaymentIntent::new(amount(payment.amount)?, currency(payment)?)
        .capture_method(capture)
        .description(description(order))
        .metadata(metadata(order, payment))
        .expand(vec!["latest_charge".to_owned()]);
    if let Some(customer) = &payment.customer_reference {
        request = request.customer(customer.to_string());
        if payment.save_method {
            request = request.setup_future_usage(PaymentIntentSetupFutureUsage::OffSession);
        }
    }
    if let Some(to) = order.shipping_address.as_ref().map(To) {
        let address = CreatePaymentIntentShippingAddress {
            city: Some(to.0.city.to_string()),
            country: Some(to.0.country.to_string()),
            line1: Some(to.0.line1.to_string()),
            line2: to.line2(),
            postal_code: to.postal_code(),
            state: to.state(),
        };
        let mut shipping = CreatePaymentIntentShipping::new(address, to.name());
        shipping.phone = to.phone();
        request = request.shipping(shipping);
    }
    let mut methods = CreatePaymentIntentAutomaticPaymentMethods::new(true);
    if let PaymentFlow::Saved { method } = &payment.flow {
        if payment.customer_reference.is_none() {
            return Err(Failure::impossible("a saved method is paid by with its customer only"));
        }
        methods.allow_redirects = Some(AllowRedirects::Never);
        request = request
            .payment_method(method.to_string())
            .confirm(true)
            .off_session(CreatePaymentIntentOffSession::Bool(true));
    }
    Ok(request.automatic_payment_methods(methods))
}

/// A payment on a page of Stripe's.
pub(crate) fn session(
    order: &Order,
    payment: &Payment,
    return_url: &Url,
    cancel_url: &Url,
) -> Result<CreateCheckoutSession, Failure> {
    let mut data = CreateCheckoutSessionPaymentIntentData::new();
    data.capture_method = Some(match payment.capture {
        CaptureMode::Automatic => SessionCapture::AutomaticAsync,
        CaptureMode::Manual => SessionCapture::Manual,
    });
    data.description = Some(description(order));
    data.metadata = Some(metadata(order, payment));
    if let Some(to) = order.shipping_address.as_ref().map(To) {
        let mut address = SessionAddress::new(to.0.line1.to_string());
        address.city = Some(to.0.city.to_string());
        address.country = Some(to.0.country.to_string());
        address.line2 = to.line2();
        address.postal_code = to.postal_code();
        address.state = to.state();
        let mut shipping = SessionShipping::new(address, to.name());
        shipping.phone = to.phone();
        data.shipping = Some(shipping);
    }
    // The price is the one that was agreed, in its currency, wherever the customer is.
    let mut pricing = CreateCheckoutSessionAdaptivePricing::new();
    pricing.enabled = Some(false);
    let mut request = CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .adaptive_pricing(pricing)
        .success_url(absolute(return_url)?)
        .cancel_url(absolute(cancel_url)?)
        .client_reference_id(order.id.to_string())
        .metadata(metadata(order, payment))
        .line_items(line_items(order, payment)?);
    match (&payment.customer_reference, &order.email) {
        (Some(customer), _) => {
            request = request.customer(customer.to_string());
            if payment.save_method {
                data.setup_future_usage = Some(SessionUsage::OffSession);
            }
        }
        (None, Some(email)) => request = request.customer_email(email.to_string()),
        (None, None) => {}
    }
    Ok(request.payment_intent_data(data))
}

fn absolute(url: &Url) -> Result<String, Failure> {
    if url.starts_with('/') {
        return Err(Failure::impossible("a hosted page leads back to absolute addresses only"));
    }
    Ok(url.to_string())
}
