//! The pages that a customer's browser shows: the one to pay on, and their bank's.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse as _, Redirect, Response},
};
use serde_json::Value;

use crate::{
    currency,
    error::ApiError,
    fake::Shared,
    objects::{CheckoutSession, Visit},
    params::Params,
    world::World,
};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;\
    padding:0 1rem;color:#1a1f36}table{width:100%;border-collapse:collapse}td{padding:.25rem 0;\
    vertical-align:top}td:last-child{text-align:right;white-space:nowrap}.total td{border-top:1px \
    solid #ccd;font-weight:600}label{display:block;margin:.75rem 0 .25rem}input{font:inherit;\
    width:100%;box-sizing:border-box;padding:.5rem;border:1px solid #99a;border-radius:.25rem}\
    button{font:inherit;margin:1rem .5rem 0 0;padding:.6rem 1.2rem;border:0;border-radius:.25rem;\
    background:#4b45c6;color:#fff;cursor:pointer}button.no{background:#667}.fake{background:#fff3cd;\
    padding:.5rem 1rem;border-radius:.25rem}[role=alert]{background:#fde2e4;color:#8a1020;\
    padding:.5rem 1rem;border-radius:.25rem}summary{cursor:pointer;margin-top:1rem}";

/// The cards that the page names, for those who try it.
const CARDS: [(&str, &str); 7] = [
    ("4242 4242 4242 4242", "succeeds"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "is declined for insufficient funds"),
    ("4000 0027 6000 3184", "asks the bank every time"),
    ("4000 0084 0000 1629", "asks the bank, and is declined"),
    ("4000 0000 0000 0259", "succeeds, and is disputed"),
    ("4000 0000 0000 5126", "succeeds; its refunds fail later"),
];

fn document(status: StatusCode, title: &str, body: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>{title}</title><style>{STYLE}\
         </style></head><body><p class=\"fake\">This is a fake Stripe. No money moves; never type a \
         real card's number.</p>{body}</body></html>"
    );
    let mut response = (status, Html(page)).into_response();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    if let Ok(policy) = policy.parse() {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
        escaped
    })
}

fn price(amount: i64, currency: &str) -> String {
    format!("{} {}", currency::show(amount, currency), currency.to_uppercase())
}

/// The page to pay on.
pub(crate) async fn checkout(
    State(shared): State<Arc<Shared>>,
    Path(session): Path<String>,
) -> Response {
    let mut world = shared.world();
    world.catch_up();
    show(&world, &session, None)
}

fn show(world: &World, id: &str, error: Option<&str>) -> Response {
    let Some(session) = world.sessions.find(id) else { return nothing() };
    if session.status != "open" {
        let way = match (session.status, &session.cancel_url) {
            ("complete", _) => session.success_url.replace("{CHECKOUT_SESSION_ID}", id),
            (_, Some(url)) => url.clone(),
            (_, None) => String::new(),
        };
        let back = match way.as_str() {
            "" => String::new(),
            way => format!("<p><a href=\"{}\">Back to the shop</a></p>", escape(way)),
        };
        let body =
            format!("<h1>You're all done here</h1><p>This page is {}.</p>{back}", session.status);
        return document(StatusCode::OK, "Checkout", &body);
    }
    let mut body = String::from("<h1>Pay</h1>");
    items(&mut body, session);
    if let Some(error) = error {
        let _ = write!(body, "<p role=\"alert\">{}</p>", escape(error));
    }
    let email = session.customer_email.as_deref().unwrap_or_default();
    let total = price(session.amount_total, &session.currency);
    let _ = write!(
        body,
        "<form method=\"post\" action=\"/c/pay/{id}\"><label for=\"email\">Email</label><input id=\"email\" name=\"email\" \
         type=\"email\" required value=\"{}\"><label for=\"card_number\">Card number</label><input \
         id=\"card_number\" name=\"card_number\" inputmode=\"numeric\" autocomplete=\"off\" required \
         placeholder=\"4242 4242 4242 4242\"><label for=\"expiry\">Expiry</label><input \
         id=\"expiry\" name=\"expiry\" required placeholder=\"12/34\"><label for=\"cvc\">CVC</label>\
         <input id=\"cvc\" name=\"cvc\" required placeholder=\"123\"><label for=\"name\">Name on \
         card</label><input id=\"name\" name=\"name\"><button id=\"pay\">Pay {total}</button></form>",
        escape(email)
    );
    if let Some(cancel) = &session.cancel_url {
        let _ = write!(
            body,
            "<p><a id=\"cancel\" href=\"{}\">Back to the shop</a></p>",
            escape(cancel)
        );
    }
    body.push_str("<details><summary>Test cards</summary><table>");
    for (number, does) in CARDS {
        let _ = write!(body, "<tr><td>{number}</td><td>{does}</td></tr>");
    }
    body.push_str("</table></details>");
    let status = if error.is_some() { StatusCode::PAYMENT_REQUIRED } else { StatusCode::OK };
    document(status, "Checkout", &body)
}

fn items(body: &mut String, session: &CheckoutSession) {
    body.push_str("<table>");
    let mut row = |class: &str, name: &str, amount: i64| {
        let (name, amount) = (escape(name), price(amount, &session.currency));
        let _ = write!(body, "<tr class=\"{class}\"><td>{name}</td><td>{amount}</td></tr>");
    };
    for item in &session.items {
        let name = match item.quantity {
            1 => item.name.clone(),
            quantity => format!("{quantity} × {}", item.name),
        };
        row("item", &name, item.amount());
    }
    if let Some((name, amount)) = &session.shipping {
        row("shipping", name, *amount);
    }
    row("total", "Total", session.amount_total);
    body.push_str("</table>");
}

/// A customer pays.
pub(crate) async fn pay(
    State(shared): State<Arc<Shared>>,
    Path(session): Path<String>,
    form: Bytes,
) -> Response {
    let visit = {
        let mut world = shared.world();
        world.catch_up();
        if world.sessions.find(&session).is_none() {
            return nothing();
        }
        match paid(&mut world, &session, &form) {
            Ok(visit) => visit,
            Err(error) => {
                let error = error.object();
                let why = error.get("message").and_then(Value::as_str).unwrap_or("Try again.");
                let page = show(&world, &session, Some(why));
                drop(world);
                shared.wake();
                return page;
            }
        }
    };
    shared.wake();
    match visit {
        Visit::Done { url } | Visit::Asked { url } => Redirect::to(&url).into_response(),
    }
}

fn paid(world: &mut World, session: &str, form: &[u8]) -> Result<Visit, ApiError> {
    let mut form = Params::parse(form)?;
    let (email, name) = (form.text("email")?, form.text("name")?);
    let number = form.required("card_number")?;
    form.required("expiry")?;
    form.required("cvc")?;
    form.finish()?;
    world.pay_session(session, &number, email, name)
}

/// The page of the customer's bank.
pub(crate) async fn bank(
    State(shared): State<Arc<Shared>>,
    Path(intent): Path<String>,
) -> Response {
    let world = shared.world();
    let asks = world.intents.find(&intent).map(|intent| intent.status).or_else(|| {
        let setup = world.setups.find(&intent)?;
        Some(setup.status)
    });
    match asks {
        None => nothing(),
        Some("requires_action") => {
            let what = world.intents.find(&intent).map_or_else(
                || "keep your card for later payments".to_owned(),
                |intent| format!("pay {}", price(intent.amount, &intent.currency)),
            );
            let body = format!(
                "<h1>Your bank asks</h1><p>Do you want to {what}?</p><form method=\"post\"><button \
                 id=\"complete\" name=\"answer\" value=\"complete\">Complete</button><button \
                 id=\"fail\" class=\"no\" name=\"answer\" value=\"fail\">Fail</button></form>"
            );
            document(StatusCode::OK, "Your bank", &body)
        }
        Some(_) => document(StatusCode::OK, "Your bank", "<h1>Nothing is asked any more</h1>"),
    }
}

/// The customer answers their bank.
pub(crate) async fn authenticate(
    State(shared): State<Arc<Shared>>,
    Path(intent): Path<String>,
    form: Bytes,
) -> Response {
    let succeeds = form.as_ref() == b"answer=complete";
    let page = answered(&mut shared.world(), &intent, succeeds);
    shared.wake();
    page
}

fn answered(world: &mut World, id: &str, succeeds: bool) -> Response {
    world.catch_up();
    let (action, secret, kind, session) = match (world.intents.find(id), world.setups.find(id)) {
        (Some(intent), _) => (
            intent.next_action.clone(),
            intent.client_secret.clone(),
            "payment_intent",
            intent.session.clone(),
        ),
        (None, Some(setup)) => {
            (setup.next_action.clone(), setup.client_secret.clone(), "setup_intent", None)
        }
        (None, None) => return nothing(),
    };
    let done = match kind {
        "payment_intent" => world.authenticate(id, succeeds),
        _ => world.authenticate_setup(id, succeeds),
    };
    // A hosted page lets the customer try another card; a shop's own page is told what happened.
    if let (Some(session), Err(error)) = (&session, &done) {
        let why = error.object();
        return show(world, session, why.get("message").and_then(Value::as_str).or(Some("")));
    }
    let status = if done.is_ok() { "succeeded" } else { "failed" };
    let Some(url) = action.as_ref().and_then(|action| action.return_url()) else {
        return document(StatusCode::OK, "Your bank", &format!("<h1>It {status}</h1>"));
    };
    if session.is_some() {
        return Redirect::to(url).into_response();
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair(kind, id)
        .append_pair(&format!("{kind}_client_secret"), &secret)
        .append_pair("redirect_status", status)
        .finish();
    let join = if url.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{url}{join}{query}")).into_response()
}

fn nothing() -> Response {
    document(StatusCode::NOT_FOUND, "Nothing here", "<h1>There is nothing here</h1>")
}
