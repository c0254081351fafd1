//! A small client of the API, which knows nothing of the fake but its address.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Request, StatusCode},
    routing::post,
};
use fake_stripe::FakeStripe;
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::Value;

/// An answer.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// What stands at a JSON pointer, as a text.
    pub fn text(&self, pointer: &str) -> String {
        text(&self.json(), pointer)
    }

    pub fn id(&self) -> String {
        self.text("/id")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.text);
        self
    }

    /// The status and the code of an error.
    pub fn error(&self) -> (u16, String) {
        (self.status, self.text("/error/code"))
    }
}

pub fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

pub type Lost = hyper_util::client::legacy::Error;

/// Sends a request on a connection of its own.
pub async fn send(request: Request<Full<Bytes>>) -> Result<Answer, Box<dyn std::error::Error>> {
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let answer = client.request(request).await?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    let text = String::from_utf8(body.to_vec())?;
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, text })
}

pub async fn try_post(
    stripe: &FakeStripe,
    path: &str,
    form: &str,
    key: Option<&str>,
) -> Result<Answer, Box<dyn std::error::Error>> {
    let mut request = Request::post(format!("{}/v1{path}", stripe.url()))
        .header("authorization", format!("Bearer {}", stripe.secret_key()));
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    send(request.body(Full::new(Bytes::from(form.to_owned()))).unwrap()).await
}

pub async fn post_with(stripe: &FakeStripe, path: &str, form: &str, key: &str) -> Answer {
    try_post(stripe, path, form, Some(key)).await.unwrap()
}

pub async fn create(stripe: &FakeStripe, path: &str, form: &str) -> Answer {
    try_post(stripe, path, form, None).await.unwrap()
}

pub async fn get(stripe: &FakeStripe, path: &str) -> Answer {
    let request = Request::get(format!("{}/v1{path}", stripe.url()))
        .header("authorization", format!("Bearer {}", stripe.secret_key()))
        .body(Full::default())
        .unwrap();
    send(request).await.unwrap()
}

/// A page, as a browser gets and posts it.
pub async fn browse(url: &str, form: Option<&str>) -> Answer {
    let request = match form {
        None => Request::get(url).body(Full::default()),
        Some(form) => Request::post(url).body(Full::new(Bytes::from(form.to_owned()))),
    };
    send(request.unwrap()).await.unwrap()
}

/// Pays an amount with a card, and answers the intent.
pub async fn pay(stripe: &FakeStripe, amount: i64, card: &str, more: &str) -> Answer {
    let form = format!("amount={amount}&currency=eur&payment_method={card}&confirm=true{more}");
    create(stripe, "/payment_intents", &form).await
}

/// What a shop received.
#[derive(Debug, Clone)]
pub struct Received {
    pub signature: String,
    pub body: String,
}

impl Received {
    pub fn kind(&self) -> String {
        text(&serde_json::from_str(&self.body).unwrap(), "/type")
    }
}

/// A shop that takes webhooks, or does not.
#[derive(Clone, Default)]
pub struct Shop {
    received: Arc<Mutex<Vec<Received>>>,
    refuses: Arc<Mutex<bool>>,
}

impl Shop {
    pub async fn open() -> (Self, String) {
        let shop = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let router = Router::new().route("/hooks", post(take)).with_state(shop.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (shop, url)
    }

    pub fn refuse(&self, refuses: bool) {
        *self.refuses.lock().unwrap() = refuses;
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub fn kinds(&self) -> Vec<String> {
        self.received().iter().map(Received::kind).collect()
    }
}

async fn take(State(shop): State<Shop>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
    let body = String::from_utf8(body.to_vec()).unwrap();
    shop.received.lock().unwrap().push(Received { signature, body });
    if *shop.refuses.lock().unwrap() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}
