//! Making a page.

use serde_json::{Value, json};

use super::{CheckoutSession, Item};
use crate::{
    currency,
    error::{ApiError, Result},
    objects::payment_intent::{NewIntent, types_of},
    params::{Metadata, Params},
    world::{Due, World},
};

/// How long a page lasts, in seconds, unless a request says otherwise: a day.
const LASTS: i64 = 24 * 60 * 60;
/// The least that a request may say: half an hour.
const LASTS_MIN: i64 = 30 * 60;

impl World {
    pub(crate) fn create_session(&mut self, params: &mut Params) -> Result<Value> {
        let mode =
            params.choice("mode", &["payment"])?.ok_or_else(|| ApiError::missing_param("mode"))?;
        let ui_mode =
            params.choice("ui_mode", &["hosted", "hosted_page"])?.unwrap_or("hosted_page");
        let success_url = params.required("success_url")?;
        let cancel_url = params.text("cancel_url")?;
        for (name, url) in
            [("success_url", Some(&success_url)), ("cancel_url", cancel_url.as_ref())]
        {
            if url.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
                return Err(ApiError::invalid(name, "Not a valid URL").code("url_invalid"));
            }
        }
        let customer = params.text("customer")?;
        let customer_email = params.text("customer_email")?;
        if let Some(customer) = &customer {
            self.customer(customer)?;
            if customer_email.is_some() {
                let message =
                    "You may only specify one of these parameters: customer, customer_email.";
                return Err(ApiError::invalid("customer_email", message));
            }
        }
        let mut metadata = Metadata::new();
        params.metadata(&mut metadata)?;
        let client_reference_id = params.text("client_reference_id")?;
        let customer_creation = params.choice("customer_creation", &["always", "if_required"])?;
        let locale = params.text("locale")?;
        let submit_type = params.text("submit_type")?;
        let types = types_of(params)?;
        let mut enabled = |name| {
            let group = params.group(name)?;
            group.map_or(Ok(None), |mut group| group.boolean("enabled"))
        };
        let adaptive = enabled("adaptive_pricing")?;
        let (tax, options) = (enabled("automatic_tax")?, enabled("payment_method_options")?);
        for (name, asked) in [
            ("adaptive_pricing", adaptive),
            ("automatic_tax", tax),
            ("payment_method_options", options),
        ] {
            if asked == Some(true) {
                return Err(ApiError::invalid(name, "The fake does not offer this."));
            }
        }
        let now = self.now();
        let expires_at = params.integer("expires_at")?.unwrap_or(now + LASTS);
        // A minute for clocks that differ.
        if expires_at < now + LASTS_MIN - 60 || expires_at > now + LASTS + 60 {
            let message = "The `expires_at` timestamp must be at least 30 minutes and less than 24 \
                           hours from Checkout Session creation.";
            return Err(ApiError::invalid("expires_at", message));
        }
        let mut intent = NewIntent { types, ..NewIntent::default() };
        if let Some(mut data) = params.group("payment_intent_data")? {
            intent.details(&mut data)?;
            data.finish()?;
        }
        let asked = params.text("currency")?;
        let (items, currency) = self.items_of(params, asked)?;
        let shipping = shipping_of(params, &currency)?;
        std::mem::take(params).finish()?;

        let subtotal: i64 = items.iter().map(Item::amount).sum();
        let shipping_amount = shipping.as_ref().map_or(0, |(_, amount)| *amount);
        let total = subtotal + shipping_amount;
        currency::check_charge(total, &currency, "line_items")?;
        (intent.amount, intent.currency) = (total, currency.clone());
        intent.customer.clone_from(&customer);
        let id = self.ids.draw("cs_test_");
        intent.session = Some(id.clone());
        let shipping_rate = shipping.as_ref().map(|_| self.ids.draw("shr_"));
        let session = CheckoutSession {
            id: id.clone(),
            object: "checkout.session",
            // Whoever does not say gets what the account is set to, and it is set to yes.
            adaptive_pricing: json!({ "enabled": adaptive.unwrap_or(true) }),
            after_expiration: (),
            allow_promotion_codes: (),
            amount_subtotal: subtotal,
            amount_total: total,
            automatic_tax: json!({ "enabled": false, "liability": null, "provider": null,
                "status": null }),
            billing_address_collection: (),
            cancel_url,
            client_reference_id,
            client_secret: (),
            collected_information: (),
            consent: (),
            consent_collection: (),
            created: now,
            currency,
            currency_conversion: (),
            custom_fields: Vec::new(),
            custom_text: json!({ "after_submit": null, "shipping_address": null, "submit": null,
                "terms_of_service_acceptance": null }),
            customer_creation: customer_creation.or(customer.is_none().then_some("if_required")),
            customer,
            customer_details: None,
            customer_email,
            discounts: Vec::new(),
            expires_at,
            invoice: (),
            invoice_creation: json!({ "enabled": false, "invoice_data": {
                "account_tax_ids": null, "custom_fields": null, "description": null,
                "footer": null, "issuer": null, "metadata": {}, "rendering_options": null } }),
            livemode: false,
            locale,
            metadata,
            mode,
            origin_context: (),
            payment_intent: None,
            payment_link: (),
            payment_method_collection: "if_required",
            payment_method_configuration_details: (),
            payment_method_options: json!({ "card": { "request_three_d_secure": "automatic" } }),
            payment_method_types: match intent.types.as_slice() {
                [] => vec!["card".to_owned()],
                types => types.to_vec(),
            },
            payment_status: "unpaid",
            permissions: (),
            phone_number_collection: json!({ "enabled": false }),
            recovered_from: (),
            saved_payment_method_options: (),
            setup_intent: (),
            shipping_address_collection: (),
            shipping_cost: shipping_rate.as_ref().map(|rate| {
                json!({ "amount_subtotal": shipping_amount, "amount_tax": 0,
                    "amount_total": shipping_amount, "shipping_rate": rate })
            }),
            shipping_options: shipping_rate
                .iter()
                .map(|rate| json!({ "shipping_amount": shipping_amount, "shipping_rate": rate }))
                .collect(),
            status: "open",
            submit_type,
            subscription: (),
            success_url,
            total_details: json!({ "amount_discount": 0, "amount_shipping": shipping_amount,
                "amount_tax": 0 }),
            ui_mode,
            url: Some(format!("{}/c/pay/{id}", self.url)),
            wallet_options: (),
            items,
            shipping,
            intent,
        };
        self.sessions.insert(session);
        self.later(expires_at - now, Due::ExpireSession(id.clone()));
        self.session_json(&id)
    }

    fn items_of(
        &mut self,
        params: &mut Params,
        asked: Option<String>,
    ) -> Result<(Vec<Item>, String)> {
        let mut currency = asked.map(|code| currency::parse(&code)).transpose()?;
        let mut items = Vec::new();
        for mut item in params.groups("line_items")? {
            let name = item.name_of("price_data");
            let mut price =
                item.group("price_data")?.ok_or_else(|| ApiError::missing_param(&name))?;
            let its = currency::parse(&price.required("currency")?)?;
            if currency.as_ref().is_some_and(|currency| *currency != its) {
                let message = "The price specified only supports one currency. All prices must have \
                               the same currency.";
                return Err(ApiError::invalid(&name, message));
            }
            let param = price.name_of("unit_amount");
            let unit_amount =
                price.integer("unit_amount")?.ok_or_else(|| ApiError::missing_param(&param))?;
            currency::check(unit_amount, &its, &param)?;
            price.choice("tax_behavior", &["exclusive", "inclusive", "unspecified"])?;
            let param = price.name_of("product_data");
            let mut product =
                price.group("product_data")?.ok_or_else(|| ApiError::missing_param(&param))?;
            let name = product.required("name")?;
            product.text("description")?;
            product.texts("images")?;
            product.metadata(&mut Metadata::new())?;
            product.finish()?;
            price.finish()?;
            let param = item.name_of("quantity");
            let quantity =
                item.integer("quantity")?.ok_or_else(|| ApiError::missing_param(&param))?;
            if !(1..=999_999).contains(&quantity) {
                return Err(ApiError::invalid(
                    param,
                    "This value must be greater than or equal to 1.",
                ));
            }
            item.metadata(&mut Metadata::new())?;
            item.finish()?;
            items.push(Item {
                id: self.ids.draw("li_"),
                price_id: self.ids.draw("price_"),
                product_id: self.ids.draw("prod_"),
                name,
                unit_amount,
                quantity,
            });
            currency = Some(its);
        }
        match (items.len(), currency) {
            (1..=100, Some(currency)) => Ok((items, currency)),
            (0, _) | (_, None) => Err(ApiError::missing_param("line_items")),
            _ => {
                let message = "A Checkout Session can have at most 100 line items.";
                Err(ApiError::invalid("line_items", message))
            }
        }
    }
}

/// What sending costs; the fake offers the customer no choice.
fn shipping_of(params: &mut Params, currency: &str) -> Result<Option<(String, i64)>> {
    let mut options = params.groups("shipping_options")?;
    if options.len() > 1 {
        let message = "The fake offers at most one shipping option.";
        return Err(ApiError::invalid("shipping_options", message));
    }
    let Some(mut option) = options.pop() else { return Ok(None) };
    let param = option.name_of("shipping_rate_data");
    let mut rate =
        option.group("shipping_rate_data")?.ok_or_else(|| ApiError::missing_param(&param))?;
    option.finish()?;
    let name = rate.required("display_name")?;
    rate.choice("type", &["fixed_amount"])?;
    rate.choice("tax_behavior", &["exclusive", "inclusive", "unspecified"])?;
    let param = rate.name_of("fixed_amount");
    let mut fixed = rate.group("fixed_amount")?.ok_or_else(|| ApiError::missing_param(&param))?;
    rate.finish()?;
    let param = fixed.name_of("amount");
    let amount = fixed.integer("amount")?.ok_or_else(|| ApiError::missing_param(&param))?;
    let its = currency::parse(&fixed.required("currency")?)?;
    fixed.finish()?;
    currency::check(amount, &its, &param)?;
    if its != currency {
        let message = "The shipping rate must have the currency of the line items.";
        return Err(ApiError::invalid(param, message));
    }
    Ok(Some((name, amount)))
}
