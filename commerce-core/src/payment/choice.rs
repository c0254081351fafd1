//! How a customer chooses to pay.

use serde::{Deserialize, Serialize};

use super::{CaptureMode, CapturePolicy, OperationKind, Payment, PaymentFlow};
use crate::{
    error::Rejection,
    gateway::{Abilities, Amounts},
    id::{Moment, OrderId, PaymentId},
    money::Money,
    text::{GatewayName, Label, Url},
};

/// How an order is to be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PaymentChoice {
    /// The gateway, one of those that the shop has terms for.
    pub gateway: GatewayName,
    /// In which way; directly if absent.
    #[serde(default)]
    pub flow: PaymentFlow,
    /// Whether the card or account is to be kept, so that the customer can pay by it again. They must
    /// be signed in.
    #[serde(default)]
    pub save_method: bool,
}

impl PaymentChoice {
    /// Directly, by a gateway.
    pub fn new(gateway: GatewayName) -> Self {
        Self { gateway, flow: PaymentFlow::Direct, save_method: false }
    }
}

impl Default for PaymentChoice {
    fn default() -> Self {
        Self::new(GatewayName::manual())
    }
}

/// What the gateway of a payment can do, and what it knows of the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Means {
    /// What it can do.
    pub abilities: Abilities,
    /// Which amounts it takes in the currency that is to be paid in; `None` if none.
    pub amounts: Option<Amounts>,
    /// What its provider calls the customer, if they are known there.
    pub customer_reference: Option<Label>,
}

impl Means {
    /// Those of a gateway that people operate by hand.
    pub fn by_hand() -> Self {
        let (abilities, amounts) = (Abilities::by_hand(), Some(Amounts::ALL));
        Self { abilities, amounts, customer_reference: None }
    }
}

impl Payment {
    /// A payment as a customer chose it. If its gateway has to be told of it, that is written down.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] for a way that the gateway does not offer, or not to this customer, and for
    /// an amount that it never takes.
    pub fn choose(
        choice: &PaymentChoice,
        order_id: OrderId,
        amount: Money,
        policy: CapturePolicy,
        means: &Means,
        moment: &mut Moment,
    ) -> Result<Self, Rejection> {
        choice.check(means)?;
        let Some(amounts) = means.amounts else {
            let detail = format!("must be one that takes {}", amount.currency().code());
            return Err(Rejection::invalid("/payment/gateway", detail));
        };
        amounts.check(amount)?;
        let (id, now) = (moment.id(), moment.now());
        let mut payment = Self::new(id, order_id, choice.gateway.clone(), amount, now);
        payment.flow = choice.flow.clone();
        payment.save_method = choice.save_method;
        if means.abilities.online {
            payment.capture = match policy.mode() {
                CaptureMode::Manual if means.abilities.later_capture => CaptureMode::Manual,
                CaptureMode::Manual | CaptureMode::Automatic => CaptureMode::Automatic,
            };
            payment.customer_reference.clone_from(&means.customer_reference);
            payment.begin(OperationKind::Create, amount, None, None, moment)?;
            payment.check_at = payment.next_check(now, false);
        }
        Ok(payment)
    }
}

impl PaymentChoice {
    /// Whether the gateway's provider must know the customer for it.
    pub(crate) fn needs_payer(&self) -> bool {
        self.save_method || matches!(self.flow, PaymentFlow::Saved { .. })
    }

    fn check(&self, means: &Means) -> Result<(), Rejection> {
        let refuse =
            |field: &str, why: &str| Err(Rejection::invalid(format!("/payment/{field}"), why));
        let absolute = |url: &Url| url.starts_with("https://") || url.starts_with("http://");
        let known = means.customer_reference.is_some();
        match &self.flow {
            PaymentFlow::Direct if !means.abilities.direct => {
                return refuse(
                    "flow",
                    "must be hosted: the gateway takes payments on its page alone",
                );
            }
            PaymentFlow::Hosted { .. } if !means.abilities.hosted => {
                return refuse("flow", "must be direct: the gateway has no page of its own");
            }
            PaymentFlow::Hosted { return_url, .. } if !absolute(return_url) => {
                return refuse("flow/return_url", "must be an absolute address");
            }
            PaymentFlow::Hosted { cancel_url, .. } if !absolute(cancel_url) => {
                return refuse("flow/cancel_url", "must be an absolute address");
            }
            PaymentFlow::Saved { .. } if !known => {
                return refuse("flow/method", "must be one that the customer has saved");
            }
            PaymentFlow::Direct | PaymentFlow::Hosted { .. } | PaymentFlow::Saved { .. } => {}
        }
        if self.save_method && !known {
            return refuse("save_method", "must be false: nobody is known to save it for");
        }
        Ok(())
    }
}

/// Takes money: all that can be taken, or an amount of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CapturePayment {
    /// How much.
    pub amount: Option<Money>,
    /// Of which payment; the latest that there is something to take of if absent.
    pub payment_id: Option<PaymentId>,
}

/// Calls a payment off before it brought money.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct VoidPayment {
    /// Which; the latest that is not over if absent.
    pub payment_id: Option<PaymentId>,
}
