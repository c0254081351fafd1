//! What Stripe's objects say of a payment, in the shop's words.

use commerce_core::{
    gateway::{ProviderAccount, ProviderDispute, ProviderPayment, ProviderRefund, ProviderStatus},
    money::Money,
    payment::{DisputeStatus, Payment, RefundStatus},
    text::{Label, Url},
    time::Timestamp,
};

use crate::{
    amount::from_stripe,
    decline::decline,
    failure::Failure,
    object::{Charge, Dispute, Intent, Reference, Refund, Session},
};

/// The key of the metadata that names the shop's payment on everything that is made for it.
pub(crate) const PAYMENT_ID: &str = "payment_id";
/// The key of the metadata that names the shop's refund on its refund.
pub(crate) const REFUND_ID: &str = "refund_id";

/// Reads objects for one account.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) account: Option<Label>,
    /// The mode of the key; what an object that does not say it is taken for.
    pub(crate) livemode: bool,
}

pub(crate) fn label(text: &str) -> Result<Label, Failure> {
    Label::new(text).map_err(|error| Failure::unreadable(format!("{text:?}: {error}")))
}

/// A time of Stripe's, in seconds since 1970.
pub(crate) fn time(seconds: i64) -> Result<Timestamp, Failure> {
    Timestamp::from_millis(seconds.saturating_mul(1_000)).map_err(Failure::unreadable)
}

pub(crate) fn money(amount: i64, currency: &str) -> Result<Money, Failure> {
    from_stripe(amount, currency)
        .ok_or_else(|| Failure::unreadable(format!("{amount} {currency} is no amount of ours")))
}

impl Reader {
    fn account(&self, livemode: Option<bool>) -> ProviderAccount {
        let livemode = livemode.unwrap_or(self.livemode);
        ProviderAccount { id: self.account.clone(), livemode }
    }

    /// A payment on the shop's own page, or by a saved method.
    pub(crate) fn intent(&self, intent: &Intent) -> Result<ProviderPayment, Failure> {
        let money = |amount| money(amount, &intent.currency);
        let account = self.account(intent.livemode);
        let status = match intent.status.as_str() {
            "requires_payment_method" | "requires_confirmation" | "requires_action" => {
                ProviderStatus::RequiresAction
            }
            "requires_capture" => ProviderStatus::Authorized,
            "succeeded" => ProviderStatus::Captured,
            // Stripe lets a hold go by itself when nobody takes it in time.
            "canceled" if intent.cancellation_reason.as_deref() == Some("automatic") => {
                ProviderStatus::Expired
            }
            "canceled" => ProviderStatus::Voided,
            // What is new will say later what it means.
            _ => ProviderStatus::Processing,
        };
        let mut state =
            ProviderPayment::new(label(&intent.id)?, account, status, money(intent.amount)?);
        state.capturable = money(intent.amount_capturable)?;
        state.captured = money(intent.amount_received)?;
        if let Some(charge) = intent.latest_charge.as_ref().and_then(Reference::object) {
            if charge.paid {
                state.references.push(label(&charge.id)?);
            }
            let card =
                charge.payment_method_details.as_ref().and_then(|details| details.card.as_ref());
            let before = card.and_then(|card| card.capture_before);
            if status == ProviderStatus::Authorized {
                state.capture_before = before.map(time).transpose()?;
            }
        }
        if status == ProviderStatus::RequiresAction {
            let secret = intent.client_secret.as_ref();
            state.client_secret = secret.map(|secret| label(&secret.0)).transpose()?;
        }
        if let Some(error) = &intent.last_payment_error {
            let failure = decline(error.code.as_deref(), error.decline_code.as_deref());
            state.failure = Some(failure.map_err(Failure::unreadable)?);
        }
        Ok(state)
    }

    /// A payment on a hosted page. The page stands for all; its intent is there once a customer tried
    /// to pay.
    pub(crate) fn session(&self, session: &Session) -> Result<ProviderPayment, Failure> {
        let page = label(&session.id)?;
        let (status, url) = (session.status.as_deref(), &session.url);
        let mut state = match session.payment_intent.as_ref().and_then(Reference::object) {
            Some(intent) => {
                let mut state = self.intent(intent)?;
                state.references.insert(0, page);
                state
            }
            None => {
                let (Some(amount), Some(currency)) = (session.amount_total, &session.currency)
                else {
                    return Err(Failure::unreadable("a page without an amount"));
                };
                let account = self.account(session.livemode);
                let waits = ProviderStatus::RequiresAction;
                ProviderPayment::new(page, account, waits, money(amount, currency)?)
            }
        };
        // Where a customer can still do something is the page; its intent's secret is none of theirs.
        state.client_secret = None;
        state.status = match (status, state.status) {
            // Another card can be tried as long as the page is open.
            (Some("open"), ProviderStatus::Voided) => ProviderStatus::RequiresAction,
            (Some("open"), status) => status,
            (Some("expired"), ProviderStatus::RequiresAction) => ProviderStatus::Voided,
            // The debit was turned down after the customer had left the page.
            (Some("complete"), ProviderStatus::RequiresAction) if state.failure.is_some() => {
                ProviderStatus::Failed
            }
            (Some("complete"), ProviderStatus::RequiresAction) => ProviderStatus::Processing,
            (_, status) => status,
        };
        if state.status == ProviderStatus::RequiresAction {
            state.redirect_url =
                url.as_ref().map(Url::new).transpose().map_err(Failure::unreadable)?;
        }
        Ok(state)
    }

    /// A refund.
    pub(crate) fn refund(&self, refund: &Refund) -> Result<ProviderRefund, Failure> {
        let status = match refund.status.as_deref() {
            Some("succeeded") => RefundStatus::Succeeded,
            Some("failed" | "canceled") => RefundStatus::Failed,
            // `requires_action` waits for the customer to say where the money shall go.
            _ => RefundStatus::Pending,
        };
        Ok(ProviderRefund {
            reference: label(&refund.id)?,
            refund_id: refund.metadata.id(REFUND_ID),
            amount: money(refund.amount, &refund.currency)?,
            status,
            failure: match (status, refund.failure_reason.as_deref()) {
                (RefundStatus::Failed, reason) => Some(label(reason.unwrap_or("unknown"))?),
                _ => None,
            },
            created_at: time(refund.created)?,
        })
    }

    /// A dispute; `None` for a question of the bank's, for which no money was taken back.
    pub(crate) fn dispute(&self, dispute: &Dispute) -> Result<Option<ProviderDispute>, Failure> {
        let status = match dispute.status.as_str() {
            "won" => DisputeStatus::Won,
            "lost" => DisputeStatus::Lost,
            "prevented" => return Ok(None),
            status if status.starts_with("warning_") => return Ok(None),
            _ => DisputeStatus::Open,
        };
        Ok(Some(ProviderDispute {
            reference: label(&dispute.id)?,
            amount: money(dispute.amount, &dispute.currency)?,
            status,
            reason: dispute.reason.as_deref().map(label).transpose()?,
            opened_at: time(dispute.created)?,
        }))
    }
}

/// The refunds of a charge without what Stripe calls one and is none: what was set aside and let go
/// of. It was never taken, so that it moved no balance, and the shop knows nothing of it.
pub(crate) fn given_back(refunds: Vec<Refund>, charge: Option<&Charge>) -> Vec<Refund> {
    let let_go = charge.map_or(0, |charge| charge.amount - charge.amount_captured);
    let mut left = let_go;
    let is_release = |refund: &Refund| {
        refund.balance_transaction.is_none()
            && refund.metadata.id::<String>(REFUND_ID).is_none()
            && refund.amount == let_go
    };
    refunds
        .into_iter()
        .filter(|refund| {
            let release = left > 0 && is_release(refund);
            if release {
                left -= refund.amount;
            }
            !release
        })
        .collect()
}

/// A reference of the payment that is of this kind, by the prefix of Stripe's ids.
pub(crate) fn reference<'a>(payment: &'a Payment, prefix: &str) -> Option<&'a str> {
    payment.references.iter().map(Label::as_str).find(|reference| reference.starts_with(prefix))
}

/// An id that may stand in a path.
pub(crate) fn in_path(id: &str) -> Result<&str, Failure> {
    if !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(id);
    }
    Err(Failure::impossible("this is no id of Stripe's"))
}
