//! What several objects are made of.

use serde::Serialize;

use crate::{error::Result, params::Params};

/// A postal address; every part may be unknown.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Address {
    pub(crate) city: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) line1: Option<String>,
    pub(crate) line2: Option<String>,
    pub(crate) postal_code: Option<String>,
    pub(crate) state: Option<String>,
}

impl Address {
    pub(crate) fn of(params: &mut Params, name: &str) -> Result<Option<Self>> {
        let Some(mut group) = params.group(name)? else { return Ok(None) };
        let address = Self {
            city: group.text("city")?,
            country: group.text("country")?,
            line1: group.text("line1")?,
            line2: group.text("line2")?,
            postal_code: group.text("postal_code")?,
            state: group.text("state")?,
        };
        group.finish()?;
        Ok(Some(address))
    }
}

/// Who pays with a payment method.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct BillingDetails {
    pub(crate) address: Address,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    tax_id: (),
}

impl BillingDetails {
    pub(crate) fn by(name: Option<String>, email: Option<String>) -> Self {
        Self { name, email, ..Self::default() }
    }

    pub(crate) fn of(params: &mut Params) -> Result<Self> {
        let Some(mut group) = params.group("billing_details")? else { return Ok(Self::default()) };
        let details = Self {
            address: Address::of(&mut group, "address")?.unwrap_or_default(),
            email: group.text("email")?,
            name: group.text("name")?,
            phone: group.text("phone")?,
            tax_id: (),
        };
        group.finish()?;
        Ok(details)
    }
}

/// Where something is sent.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Shipping {
    address: Address,
    carrier: Option<String>,
    name: Option<String>,
    phone: Option<String>,
    tracking_number: Option<String>,
}

impl Shipping {
    pub(crate) fn of(params: &mut Params) -> Result<Option<Self>> {
        let Some(mut group) = params.group("shipping")? else { return Ok(None) };
        let shipping = Self {
            address: Address::of(&mut group, "address")?.unwrap_or_default(),
            carrier: group.text("carrier")?,
            name: Some(group.required("name")?),
            phone: group.text("phone")?,
            tracking_number: group.text("tracking_number")?,
        };
        group.finish()?;
        Ok(Some(shipping))
    }
}

/// How a customer is asked by their bank, or another step that the customer must take.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NextAction {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_to_url: Option<RedirectToUrl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    use_stripe_sdk: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Serialize)]
struct RedirectToUrl {
    return_url: Option<String>,
    url: String,
}

impl NextAction {
    /// To the page where the bank asks, and back. Without a way back the customer's device would do
    /// it; the page is there all the same.
    pub(crate) fn authenticate(url: String, return_url: Option<String>) -> Self {
        if return_url.is_none() {
            let sdk = serde_json::json!({
                "type": "three_d_secure_redirect",
                "stripe_js": url,
                "source": "",
            });
            return Self {
                kind: "use_stripe_sdk",
                redirect_to_url: None,
                use_stripe_sdk: Some(sdk),
            };
        }
        let redirect_to_url = Some(RedirectToUrl { return_url, url });
        Self { kind: "redirect_to_url", redirect_to_url, use_stripe_sdk: None }
    }

    /// Where the customer comes back to.
    pub(crate) fn return_url(&self) -> Option<&str> {
        self.redirect_to_url.as_ref()?.return_url.as_deref()
    }
}
