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
    object::{Charge, Dispute, Hidden, Intent, Reference, Refund, Session},
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

/// As [`label`], of what nobody is to read in a log.
pub(crate) fn hidden(secret: &Hidden) -> Result<Label, Failure> {
    Label::new(&secret.0).map_err(|error| Failure::unreadable(format!("a secret: {error}")))
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
            state.client_secret = secret.map(hidden).transpose()?;
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
    let let_go = charge.map_or(0, |charge| charge.amount.saturating_sub(charge.amount_captured));
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

#[cfg(test)]
mod tests {
    use commerce_core::payment::DeclineCode;
    use serde_json::{Value, json};

    use super::*;

    fn reader() -> Reader {
        Reader { account: Some(label("acct_1").unwrap()), livemode: true }
    }

    fn with(mut object: Value, more: Value) -> Value {
        let more = more.as_object().unwrap().clone();
        object.as_object_mut().unwrap().extend(more);
        object
    }

    fn intent(more: Value) -> ProviderPayment {
        let least = json!({ "id": "pi_1", "amount": 100, "currency": "eur", "status": "new" });
        let intent: Intent = serde_json::from_value(with(least, more)).unwrap();
        reader().intent(&intent).unwrap()
    }

    #[test]
    fn every_status_of_an_intent_means_something() {
        for (status, why, meaning) in [
            ("requires_payment_method", None, ProviderStatus::RequiresAction),
            ("requires_confirmation", None, ProviderStatus::RequiresAction),
            ("requires_action", None, ProviderStatus::RequiresAction),
            ("processing", None, ProviderStatus::Processing),
            ("requires_capture", None, ProviderStatus::Authorized),
            ("succeeded", None, ProviderStatus::Captured),
            ("canceled", None, ProviderStatus::Voided),
            ("canceled", Some("abandoned"), ProviderStatus::Voided),
            ("canceled", Some("duplicate"), ProviderStatus::Voided),
            ("canceled", Some("expired"), ProviderStatus::Voided),
            ("canceled", Some("fraudulent"), ProviderStatus::Voided),
            ("canceled", Some("requested_by_customer"), ProviderStatus::Voided),
            ("canceled", Some("automatic"), ProviderStatus::Expired),
            ("brand_new", None, ProviderStatus::Processing),
        ] {
            let state = intent(json!({ "status": status, "cancellation_reason": why }));
            assert_eq!(state.status, meaning, "{status} {why:?}");
        }
    }

    #[test]
    fn an_intent_tells_its_amounts_and_whose_it_is() {
        let state = intent(json!({ "amount_received": 60, "amount_capturable": 40 }));
        let minor = [state.amount, state.captured, state.capturable].map(|it| it.minor());
        assert_eq!((minor, state.amount.currency().code()), ([100, 60, 40], "EUR"));
        let ours = ProviderAccount { id: reader().account, livemode: true };
        assert_eq!(state.account, ours, "an object that does not say it is of the key's mode");
        assert!(!intent(json!({ "livemode": false })).account.livemode);
    }

    #[test]
    fn a_charge_names_an_intent_once_it_was_paid_and_says_how_long_money_is_set_aside() {
        let charge = |paid: bool| {
            let details = json!({ "card": { "capture_before": 1_700_000_000 } });
            json!({
                "id": "ch_1", "amount": 100, "currency": "eur", "paid": paid,
                "payment_method_details": details,
            })
        };
        let of = |status: &str, charge: Value| {
            intent(json!({ "status": status, "latest_charge": charge }))
        };
        let names = |state: &ProviderPayment| -> Vec<String> {
            state.references.iter().map(ToString::to_string).collect()
        };
        let held = of("requires_capture", charge(true));
        assert_eq!(names(&held), ["pi_1", "ch_1"]);
        assert_eq!(held.capture_before, Some(time(1_700_000_000).unwrap()));
        let taken = of("succeeded", charge(true));
        assert_eq!((names(&taken).len(), taken.capture_before), (2, None));
        assert_eq!(names(&of("requires_payment_method", charge(false))), ["pi_1"]);
        assert_eq!(names(&of("succeeded", json!("ch_1"))), ["pi_1"], "not expanded");
    }

    #[test]
    fn a_secret_is_told_while_there_is_something_to_pay_and_a_decline_with_its_reason() {
        let of = |status: &str| {
            let error = json!({ "code": "card_declined", "decline_code": "insufficient_funds" });
            intent(json!({
                "status": status, "client_secret": "pi_1_secret", "last_payment_error": error,
            }))
        };
        let waits = of("requires_payment_method");
        assert_eq!(waits.client_secret.as_deref(), Some("pi_1_secret"));
        assert_eq!(waits.failure.unwrap().code, DeclineCode::InsufficientFunds);
        for status in ["processing", "requires_capture", "succeeded", "canceled"] {
            assert_eq!(of(status).client_secret, None, "{status}");
        }
    }

    #[test]
    fn a_secret_that_is_too_long_is_not_told_to_a_log() {
        let secret = "s3cret".repeat(50);
        let object = json!({
            "id": "pi_1", "amount": 1, "currency": "eur", "status": "requires_action",
            "client_secret": secret,
        });
        let failed = reader().intent(&serde_json::from_value(object).unwrap()).unwrap_err();
        assert!(!format!("{failed} {failed:?}").contains("s3cret"), "{failed:?}");
    }

    fn session(status: Option<&str>, intent: Value) -> ProviderPayment {
        let session = json!({
            "id": "cs_1", "amount_total": 100, "currency": "eur", "status": status,
            "payment_intent": intent, "url": "https://checkout.stripe.com/cs_1",
        });
        reader().session(&serde_json::from_value(session).unwrap()).unwrap()
    }

    #[test]
    fn every_status_of_a_page_with_every_status_of_its_intent_means_something() {
        use ProviderStatus::*;
        let (open, complete, expired) = (Some("open"), Some("complete"), Some("expired"));
        let waits = "requires_payment_method";
        for (page, intent, failed, meaning) in [
            (open, None, false, RequiresAction),
            (open, Some(waits), false, RequiresAction),
            (open, Some(waits), true, RequiresAction),
            (open, Some("requires_action"), false, RequiresAction),
            (open, Some("processing"), false, Processing),
            (open, Some("requires_capture"), false, Authorized),
            (open, Some("succeeded"), false, Captured),
            // Stripe makes the page another intent.
            (open, Some("canceled"), false, RequiresAction),
            (complete, None, false, Processing),
            (complete, Some(waits), false, Processing),
            (complete, Some(waits), true, Failed),
            (complete, Some("processing"), false, Processing),
            (complete, Some("requires_capture"), false, Authorized),
            (complete, Some("succeeded"), false, Captured),
            (complete, Some("canceled"), false, Voided),
            (expired, None, false, Voided),
            (expired, Some(waits), false, Voided),
            (expired, Some(waits), true, Voided),
            (expired, Some("requires_action"), false, Voided),
            // It was paid at the last moment, or the transfer is under way.
            (expired, Some("processing"), false, Processing),
            (expired, Some("requires_capture"), false, Authorized),
            (expired, Some("succeeded"), false, Captured),
            (expired, Some("canceled"), false, Voided),
            (None, None, false, RequiresAction),
            (None, Some("succeeded"), false, Captured),
            (Some("brand_new"), Some("succeeded"), false, Captured),
        ] {
            let error = failed.then(|| json!({ "code": "card_declined" }));
            let of = intent.map_or(Value::Null, |status| {
                json!({
                    "id": "pi_1", "amount": 100, "currency": "eur", "status": status,
                    "client_secret": "secret", "last_payment_error": error,
                })
            });
            let state = session(page, of);
            assert_eq!(state.status, meaning, "{page:?} {intent:?} {failed}");
            let names: Vec<_> = state.references.iter().map(Label::as_str).collect();
            let expected: &[&str] = if intent.is_some() { &["cs_1", "pi_1"] } else { &["cs_1"] };
            assert_eq!(names, expected);
            assert_eq!(state.client_secret, None, "the page is where the customer pays");
            let waits = meaning == RequiresAction;
            assert_eq!(state.redirect_url.is_some(), waits, "{page:?} {intent:?}");
        }
        let without: Session = serde_json::from_value(json!({ "id": "cs_1" })).unwrap();
        assert!(reader().session(&without).is_err(), "a page without an amount");
    }

    #[test]
    fn every_status_of_a_refund_means_something() {
        for (status, why, meaning, failure) in [
            (Some("pending"), None, RefundStatus::Pending, None),
            (Some("requires_action"), None, RefundStatus::Pending, None),
            (Some("brand_new"), Some("why"), RefundStatus::Pending, None),
            (None, None, RefundStatus::Pending, None),
            (Some("succeeded"), None, RefundStatus::Succeeded, None),
            (
                Some("failed"),
                Some("lost_or_stolen_card"),
                RefundStatus::Failed,
                Some("lost_or_stolen_card"),
            ),
            (Some("failed"), None, RefundStatus::Failed, Some("unknown")),
            (Some("canceled"), None, RefundStatus::Failed, Some("unknown")),
        ] {
            let refund = json!({
                "id": "re_1", "amount": 7, "currency": "eur", "created": 3, "status": status,
                "failure_reason": why,
            });
            let refund = reader().refund(&serde_json::from_value(refund).unwrap()).unwrap();
            assert_eq!(
                (refund.status, refund.failure.as_deref()),
                (meaning, failure),
                "{status:?}"
            );
            assert_eq!((refund.amount.minor(), refund.created_at), (7, time(3).unwrap()));
        }
    }

    #[test]
    fn every_status_of_a_dispute_means_something() {
        for (status, meaning) in [
            ("needs_response", Some(DisputeStatus::Open)),
            ("under_review", Some(DisputeStatus::Open)),
            ("brand_new", Some(DisputeStatus::Open)),
            ("won", Some(DisputeStatus::Won)),
            ("lost", Some(DisputeStatus::Lost)),
            // A bank asks, and takes nothing back.
            ("warning_needs_response", None),
            ("warning_under_review", None),
            ("warning_closed", None),
            ("prevented", None),
        ] {
            let dispute = json!({
                "id": "du_1", "amount": 7, "currency": "eur", "created": 3, "status": status,
                "reason": "fraudulent",
            });
            let found = reader().dispute(&serde_json::from_value(dispute).unwrap()).unwrap();
            assert_eq!(found.as_ref().map(|it| it.status), meaning, "{status}");
            if let Some(found) = found {
                assert_eq!(found.reason.as_deref(), Some("fraudulent"));
                assert_eq!((found.amount.minor(), found.opened_at), (7, time(3).unwrap()));
            }
        }
    }

    #[test]
    fn what_was_let_go_of_is_no_refund() {
        let refund = |id: &str, amount: i64, more: Value| -> Refund {
            let least = json!({ "id": id, "amount": amount, "currency": "eur", "created": 3 });
            serde_json::from_value(with(least, more)).unwrap()
        };
        let charge = |captured: i64| -> Charge {
            let charge = json!({
                "id": "ch_1", "amount": 100, "amount_captured": captured, "currency": "eur",
            });
            serde_json::from_value(charge).unwrap()
        };
        let left = |refunds: &[Refund], charge: Option<&Charge>| -> Vec<String> {
            given_back(refunds.to_vec(), charge).into_iter().map(|it| it.id).collect()
        };
        let moved = json!({ "balance_transaction": "txn_1" });
        let ours = json!({ "metadata": { "refund_id": "ref_1" } });
        let all = [
            refund("re_moved", 40, moved),
            refund("re_ours", 40, ours),
            refund("re_other", 39, json!({})),
            refund("re_released", 40, json!({})),
            refund("re_again", 40, json!({})),
        ];
        let kept = ["re_moved", "re_ours", "re_other", "re_again"];
        assert_eq!(left(&all, Some(&charge(60))), kept, "one release, and no more");
        let whole = ["re_moved", "re_ours", "re_other", "re_released", "re_again"];
        assert_eq!(left(&all, Some(&charge(100))), whole, "nothing was let go of");
        assert_eq!(left(&all, None), whole);
        assert_eq!(left(&all, Some(&charge(i64::MIN))), whole, "an amount that cannot be");
    }

    #[test]
    fn only_an_id_stands_in_a_path() {
        assert_eq!(in_path("pi_1aZ").unwrap(), "pi_1aZ");
        for bad in ["", "pi_1/../charges", "pi 1", "pi-1", "pi_1?x", "pï"] {
            assert_eq!(in_path(bad).unwrap_err().to_string(), "this is no id of Stripe's");
        }
    }
}
