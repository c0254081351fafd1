//! Webhooks: is it Stripe's, and what is it about?

use commerce_core::{
    gateway::{Headers, Notice, ProviderAccount, Subject, WebhookError},
    text::Label,
    time::Timestamp,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use crate::{
    object::{Any, Metadata, Reference},
    secret::WebhookSecret,
    state::PAYMENT_ID,
};

/// How old a signature may be, and how far ahead of the shop's clock, in seconds. It is the value that
/// Stripe's own libraries have.
const TOLERANCE: i64 = 300;
/// The most signatures that are looked at.
const SIGNATURES_MAX: usize = 32;

/// Verifies that a body was signed by Stripe with one of the secrets, over its raw bytes and in constant
/// time: <https://docs.stripe.com/webhooks/signature>.
///
/// # Errors
/// [`WebhookError::Unverified`], with why.
pub fn verify_signature(
    header: &str,
    body: &[u8],
    secrets: &[WebhookSecret],
    now: Timestamp,
) -> Result<(), WebhookError> {
    let no = |why| Err(WebhookError::Unverified(why));
    let (mut timestamp, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", at)) => timestamp = Some(at),
            // `v0` is a signature for tests, and whatever comes after `v1` is not known here.
            Some(("v1", signature)) if signatures.len() < SIGNATURES_MAX => {
                signatures.extend(unhex(signature));
            }
            _ => {}
        }
    }
    let Some(at) = timestamp else { return no("the header has no time") };
    let Ok(seconds) = at.parse::<i64>() else { return no("the header has no time") };
    if signatures.is_empty() {
        return no("the header has no signature that is known here");
    }
    let mut valid = false;
    for secret in secrets {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else {
            continue;
        };
        // What was signed is the text of the header, not what was read from it.
        mac.update(at.as_bytes());
        mac.update(b".");
        mac.update(body);
        for signature in &signatures {
            valid |= mac.clone().verify_slice(signature).is_ok();
        }
    }
    if !valid {
        return no("no secret makes one of the signatures");
    }
    let age = now.as_millis().div_euclid(1_000).saturating_sub(seconds);
    if !(-TOLERANCE..=TOLERANCE).contains(&age) {
        return no("the signature is too old, or a clock is wrong");
    }
    Ok(())
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+'))?;
    }
    Some(bytes)
}

/// An event, as far as it is read. Its object is a hint: what is so is asked for.
#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    account: Option<String>,
    livemode: Option<bool>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    object: serde_json::Value,
}

/// What objects of all kinds may have.
#[derive(Deserialize)]
struct Object {
    id: Option<String>,
    object: Option<String>,
    charge: Option<Reference<Any>>,
    payment_intent: Option<Reference<Any>>,
    #[serde(default)]
    metadata: Metadata,
}

/// Reads a verified event.
pub(crate) fn notice(body: &[u8], ours: &ProviderAccount) -> Result<Notice, WebhookError> {
    let malformed = |error: serde_json::Error| WebhookError::Malformed(error.into());
    let label =
        |text: &str| Label::new(text).map_err(|error| WebhookError::Malformed(error.into()));
    let event: Event = serde_json::from_slice(body).map_err(malformed)?;
    let account = match &event.account {
        Some(account) => Some(label(account)?),
        None => ours.id.clone(),
    };
    // What cannot be read of its object makes it an event about nothing, and no error.
    let object = event.data.and_then(|data| serde_json::from_value::<Object>(data.object).ok());
    Ok(Notice {
        event_id: label(&event.id)?,
        kind: label(&event.kind)?,
        account: ProviderAccount { id: account, livemode: event.livemode.unwrap_or(ours.livemode) },
        subject: object.as_ref().and_then(subject),
    })
}

/// The payment that an object belongs to.
fn subject(object: &Object) -> Option<Subject> {
    let follows = matches!(
        object.object.as_deref(),
        Some("payment_intent" | "checkout.session" | "charge" | "refund" | "dispute")
    );
    if !follows {
        return None;
    }
    let of = |reference: &Option<Reference<Any>>| {
        reference.as_ref().map(|reference| reference.id().to_owned())
    };
    let own = match object.object.as_deref() {
        Some("payment_intent" | "checkout.session" | "charge") => object.id.clone(),
        _ => None,
    };
    let (intent, charge) = (of(&object.payment_intent), of(&object.charge));
    let references =
        [own, intent, charge].into_iter().flatten().filter_map(|id| Label::new(id).ok()).collect();
    let subject = Subject { references, payment_id: object.metadata.id(PAYMENT_ID) };
    (!subject.references.is_empty() || subject.payment_id.is_some()).then_some(subject)
}

/// The notice of a webhook whose signature is good.
pub(crate) fn verified(
    headers: &Headers,
    body: &[u8],
    secrets: &[WebhookSecret],
    now: Timestamp,
    ours: &ProviderAccount,
) -> Result<Notice, WebhookError> {
    let Some(header) = headers.get("stripe-signature") else {
        return Err(WebhookError::Unverified("the header Stripe-Signature is absent"));
    };
    verify_signature(header, body, secrets, now)?;
    notice(body, ours)
}

#[cfg(test)]
mod tests {
    use fake_stripe::signature;

    use super::*;

    const NOW: i64 = 1_700_000_000;
    const BODY: &[u8] = br#"{"id":"evt_1","type":"brand.new","data":{"object":{"id":1}}}"#;

    fn secrets(list: &str) -> Vec<WebhookSecret> {
        WebhookSecret::list(list).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000 + 999).unwrap()
    }

    fn verifies(header: &str, list: &str, seconds: i64) -> bool {
        verify_signature(header, BODY, &secrets(list), at(seconds)).is_ok()
    }

    #[test]
    fn a_signature_is_good_for_its_secret_its_body_and_five_minutes() {
        let header = signature(BODY, &["whsec_a"], NOW);
        assert!(verifies(&header, "whsec_a", NOW));
        assert!(verifies(&header, "whsec_b,whsec_a", NOW + 300));
        assert!(verifies(&header, "whsec_a", NOW - 300));
        assert!(!verifies(&header, "whsec_a", NOW + 301));
        assert!(!verifies(&header, "whsec_a", NOW - 301));
        assert!(!verifies(&header, "whsec_b", NOW));
        assert!(!verifies(&header, "", NOW));
        let other = verify_signature(&header, b"{}", &secrets("whsec_a"), at(NOW));
        assert!(other.is_err());
    }

    #[test]
    fn any_of_several_signatures_will_do() {
        let both = signature(BODY, &["whsec_old", "whsec_new"], NOW);
        assert!(verifies(&both, "whsec_new", NOW) && verifies(&both, "whsec_old", NOW));
        let (_, v1) = both.rsplit_once("v1=").unwrap();
        assert!(verifies(
            &format!("t={NOW}, v0=00 ,v1=00,v1={v1},v2=x,nonsense"),
            "whsec_new",
            NOW
        ));
        assert!(verifies(&format!("v1={v1},t={NOW}"), "whsec_new", NOW));
        // A signature of another scheme, or of another time, is none.
        for bad in [
            format!("t={NOW},v0={v1}"),
            format!("v1={v1}"),
            format!("t={},v1={v1}", NOW + 1),
            format!("t=x,v1={v1}"),
            format!("t={NOW},v1={}", &v1[1..]),
            format!("t={NOW},v1={v1}00"),
            format!("t={NOW},v1=+{}", &v1[1..]),
            format!("t={NOW},v1={}é", &v1[2..]),
            String::new(),
        ] {
            assert!(!verifies(&bad, "whsec_new", NOW), "{bad}");
        }
        // Nor is what reads as the same number.
        let mut signed = (NOW..).map(|at| (at, signature(BODY, &["whsec_a"], at)));
        let (at, zero) = signed.find(|(_, header)| header.contains("v1=0")).unwrap();
        assert!(verifies(&zero, "whsec_a", at));
        assert!(!verifies(&zero.replace("v1=0", "v1=+"), "whsec_a", at));
    }

    #[test]
    fn what_is_new_is_no_error() {
        let ours = ProviderAccount { id: None, livemode: false };
        let told = notice(BODY, &ours).unwrap();
        assert_eq!((told.kind.as_str(), told.subject), ("brand.new", None));
        // Nor is a version of the API that nobody knows yet, whatever else it says.
        let body = r#"{"id":"evt_1","object":"event","api_version":"2099-01-01.x","new":[{}],
            "type":"payment_intent.succeeded","data":{"object":{"object":"payment_intent",
            "id":"pi_1","amount":{"new":"form"}},"new":7}}"#;
        let told = notice(body.as_bytes(), &ours).unwrap();
        assert_eq!(told.subject.unwrap().references, [Label::new("pi_1").unwrap()]);
        for (body, is_event) in [
            (r#"{"id":"evt_1","type":"x"}"#, true),
            (r#"{"id":"evt_1","type":"x","data":{"object":7}}"#, true),
            (
                r#"{"id":"evt_1","type":"x","data":{"object":{"object":"charge","metadata":7}}}"#,
                true,
            ),
            (r#"{"type":"x"}"#, false),
            (r#"{"id":"","type":"x"}"#, false),
            ("", false),
            ("[]", false),
        ] {
            assert_eq!(notice(body.as_bytes(), &ours).is_ok(), is_event, "{body}");
        }
    }

    #[test]
    fn so_many_signatures_are_looked_at_and_no_more() {
        let header = signature(BODY, &["whsec_a"], NOW);
        let (_, v1) = header.rsplit_once("v1=").unwrap();
        for (before, good) in [(SIGNATURES_MAX - 1, true), (SIGNATURES_MAX, false)] {
            let others = format!(",v1={}", "0".repeat(64)).repeat(before);
            assert_eq!(verifies(&format!("t={NOW}{others},v1={v1}"), "whsec_a", NOW), good);
        }
    }

    #[test]
    fn what_an_event_does_not_say_is_as_with_the_key_and_its_object_may_name_the_payment() {
        for livemode in [true, false] {
            let ours = ProviderAccount { id: Some(Label::new("acct_1").unwrap()), livemode };
            let id = "pay_019aa5a2f5e07c3c9d3b6f1f0a6c2e11";
            let object = format!(r#"{{"object":"refund","metadata":{{"payment_id":"{id}"}}}}"#);
            let body = format!(r#"{{"id":"evt_1","type":"x","data":{{"object":{object}}}}}"#);
            let told = notice(body.as_bytes(), &ours).unwrap();
            assert_eq!(told.account, ours);
            let subject = told.subject.unwrap();
            assert_eq!(subject.payment_id.map(|id| id.to_string()).as_deref(), Some(id));
        }
    }

    #[test]
    fn every_object_leads_to_its_payment() {
        let ours = ProviderAccount { id: None, livemode: true };
        for (object, references) in [
            (r#"{"object":"payment_intent","id":"pi_1"}"#, vec!["pi_1"]),
            (
                r#"{"object":"checkout.session","id":"cs_1","payment_intent":"pi_1"}"#,
                vec!["cs_1", "pi_1"],
            ),
            (
                r#"{"object":"charge","id":"ch_1","payment_intent":{"id":"pi_1"}}"#,
                vec!["ch_1", "pi_1"],
            ),
            (
                r#"{"object":"refund","id":"re_1","payment_intent":"pi_1","charge":"ch_1"}"#,
                vec!["pi_1", "ch_1"],
            ),
            (r#"{"object":"dispute","id":"du_1","charge":"ch_1"}"#, vec!["ch_1"]),
            (r#"{"object":"customer","id":"cus_1"}"#, vec![]),
        ] {
            let body = format!(
                r#"{{"id":"evt_1","type":"x","livemode":false,"account":"acct_1","data":{{"object":{object}}}}}"#
            );
            let told = notice(body.as_bytes(), &ours).unwrap();
            let found = told.subject.map(|subject| subject.references).unwrap_or_default();
            assert_eq!(found.iter().map(Label::as_str).collect::<Vec<_>>(), references);
            assert_eq!(told.account.id.as_deref(), Some("acct_1"));
            assert!(!told.account.livemode);
        }
    }
}
