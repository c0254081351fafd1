//! The way of one request: who asks, what goes wrong, was it asked before, do it, answer.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{ConnectInfo, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::{
    error::{ApiError, Result},
    fake::Shared,
    fault::Fault,
    idempotency::Saved,
    operation::Operation,
    params::Params,
    table::Object as _,
    wire::Cut,
    world::{API_VERSION, Call, World},
};

/// A request, before anything is done about it.
struct Request {
    id: String,
    method: Method,
    path: String,
    /// The query or the form, as it was sent.
    encoded: Vec<u8>,
    key: Option<String>,
    /// What it says who it is.
    credentials: Option<String>,
    version: String,
}

/// What a request is answered with.
struct Answer {
    status: u16,
    body: String,
    should_retry: Option<bool>,
    /// The request that was answered with it first.
    original: Option<String>,
}

/// Whether there is an answer, and how much of it arrives.
enum Outcome {
    Answered(Answer),
    Cut { answer: Answer, after: usize },
    Silence,
}

/// Answers a request to the API.
pub(crate) async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let id = shared.world().ids.draw("req_");
    let request = Request {
        id: id.clone(),
        encoded: match method {
            Method::POST => body.to_vec(),
            _ => uri.query().unwrap_or_default().as_bytes().to_vec(),
        },
        path: uri.path().to_owned(),
        key: text("idempotency-key").map(str::to_owned).filter(|_| method == Method::POST),
        credentials: text("authorization").and_then(credentials),
        version: text("stripe-version").unwrap_or(API_VERSION).to_owned(),
        method,
    };
    let (version, key) = (request.version.clone(), request.key.clone());
    // As at Stripe, a caller who hangs up does not stop what was begun.
    let outcome = tokio::spawn(run(Arc::clone(&shared), request)).await;
    shared.wake();
    let answer = match outcome {
        Ok(Outcome::Answered(answer)) => answer,
        Ok(Outcome::Cut { answer, after }) => {
            cut.after(after);
            answer
        }
        Ok(Outcome::Silence) => std::future::pending().await,
        Err(_) => Answer::of_error(&ApiError::internal()),
    };
    let mut response = Response::builder()
        .status(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header(header::CONTENT_TYPE, "application/json")
        .header("request-id", &id)
        .header("stripe-version", version);
    if let Some(key) = key {
        response = response.header("idempotency-key", key);
    }
    if let Some(original) = answer.original {
        response = response.header("idempotent-replayed", "true");
        response = response.header("original-request", original);
    }
    if let Some(should) = answer.should_retry {
        response = response.header("stripe-should-retry", should.to_string());
    }
    response.body(Body::from(answer.body)).unwrap_or_default()
}

/// The key of `Authorization: Bearer key`, or of `Authorization: Basic key:`.
fn credentials(header: &str) -> Option<String> {
    if let Some(key) = header.strip_prefix("Bearer ") {
        return Some(key.trim().to_owned());
    }
    let decoded = BASE64_STANDARD.decode(header.strip_prefix("Basic ")?.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    decoded.split_once(':').map(|(key, _)| key.to_owned())
}

impl Answer {
    fn of_error(error: &ApiError) -> Self {
        Self {
            status: error.status(),
            body: error.body().to_string(),
            should_retry: error.should_retry(),
            original: None,
        }
    }

    /// An answer that was given before, or would have been.
    fn again(saved: Saved) -> Self {
        Self {
            // To ask again for what is remembered changes nothing.
            should_retry: (saved.status >= 500).then_some(false),
            status: saved.status,
            body: saved.body,
            original: Some(saved.request_id),
        }
    }
}

async fn run(shared: Arc<Shared>, request: Request) -> Outcome {
    let (operation, id, params) = match shared.world().admit(&request) {
        Ok(admitted) => admitted,
        Err(error) => return Outcome::Answered(Answer::of_error(&error)),
    };
    let fault = shared.world().faults.take(operation);
    let call = |status, replayed| {
        let idempotency_key = request.key.clone();
        shared.world().calls.push(Call { operation, idempotency_key, status, replayed });
    };
    match fault {
        Some(Fault::Unavailable) => {
            call(Some(503), false);
            return Outcome::Answered(Answer::of_error(&ApiError::unavailable()));
        }
        Some(Fault::RateLimited) => {
            call(Some(429), false);
            return Outcome::Answered(Answer::of_error(&ApiError::rate_limit()));
        }
        Some(Fault::Forbidden) => {
            call(Some(403), false);
            let message = "The provided key does not have the required permissions for this \
                           endpoint.";
            return Outcome::Answered(Answer::of_error(&ApiError::forbidden(message)));
        }
        Some(Fault::HangBefore) => {
            call(None, false);
            return Outcome::Silence;
        }
        Some(Fault::DropBefore) => {
            call(None, false);
            let answer = Answer::of_error(&ApiError::unavailable());
            return Outcome::Cut { answer, after: 0 };
        }
        _ => {}
    }

    let mut released = shared.released();
    if let Some(key) = &request.key {
        let fingerprint = request.fingerprint();
        let begun = {
            let mut world = shared.world();
            let now = world.now();
            world.keys.begin(key, fingerprint, now)
        };
        match begun {
            Ok(None) => {}
            Ok(Some(saved)) => {
                call(Some(saved.status), true);
                return end(Answer::again(saved), fault);
            }
            Err(error) => {
                call(Some(error.status()), false);
                return Outcome::Answered(Answer::of_error(&error));
            }
        }
    }
    match fault {
        Some(Fault::Hold) => {
            let _ = released.changed().await;
        }
        Some(fault) => {
            if let Some(delay) = fault.delay() {
                tokio::time::sleep(delay).await;
            }
        }
        None => {}
    }
    let done = match fault {
        Some(Fault::FailBefore) => Err(ApiError::internal()),
        fault => {
            let done = shared.world().execute(&request, operation, &id, params);
            if fault == Some(Fault::FailAfter) { Err(ApiError::internal()) } else { done }
        }
    };
    let (answer, forget) = match done {
        Ok(value) => {
            let body = serde_json::to_string_pretty(&value).unwrap_or_default();
            (Answer { status: 200, body, should_retry: None, original: None }, false)
        }
        Err(error) => (Answer::of_error(&error), error.is_before_execution()),
    };
    if let Some(key) = &request.key {
        let saved = Saved {
            status: answer.status,
            body: answer.body.clone(),
            request_id: request.id.clone(),
        };
        shared.world().keys.end(key, Some(saved).filter(|_| !forget));
    }
    call(Some(answer.status), false);
    end(answer, fault)
}

/// Gives an answer, or loses it.
fn end(answer: Answer, fault: Option<Fault>) -> Outcome {
    match fault {
        Some(Fault::HangAfter) => Outcome::Silence,
        Some(Fault::DropAfter { bytes }) => Outcome::Cut { answer, after: bytes },
        _ => Outcome::Answered(answer),
    }
}

impl Request {
    /// What two requests with one key must have in common.
    fn fingerprint(&self) -> String {
        let mut pairs: Vec<_> = form_urlencoded::parse(&self.encoded).into_owned().collect();
        pairs.sort();
        format!("{} {} {pairs:?}", self.method, self.path)
    }
}

impl World {
    /// Who asks, and what for.
    fn admit(&self, request: &Request) -> Result<(Operation, String, Params)> {
        let path = request.path.strip_prefix("/v1").unwrap_or_default();
        let Some(key) = &request.credentials else {
            let message = "You did not provide an API key. You need to provide your API key in the \
                           Authorization header, using Bearer auth (e.g. 'Authorization: Bearer \
                           YOUR_SECRET_KEY').";
            return Err(ApiError::unauthorized(message));
        };
        let is_public = *key == self.secret_key.replacen("sk_", "pk_", 1);
        if *key != self.secret_key && !is_public {
            let shown: String = key.chars().take(8).collect();
            return Err(ApiError::unauthorized(format!("Invalid API Key provided: {shown}****")));
        }
        let Some((operation, id)) = Operation::of(request.method.as_str(), path) else {
            return Err(ApiError::no_route(request.method.as_str(), &request.path));
        };
        if request.key.as_ref().is_some_and(|key| key.is_empty() || key.len() > 255) {
            let message = "Idempotency keys must have 1 to 255 characters.";
            return Err(ApiError::invalid("idempotency_key", message));
        }
        let mut params = Params::parse(&request.encoded)?;
        if is_public {
            let secret = params.text("client_secret")?;
            let theirs = self
                .intents
                .find(id)
                .map(|intent| &intent.client_secret)
                .or_else(|| self.setups.find(id).map(|setup| &setup.client_secret));
            if !operation.is_public() || secret.is_none() || secret.as_ref() != theirs {
                let message = "This API call cannot be made with a publishable API key. Please use \
                               a secret API key.";
                return Err(ApiError::forbidden(message));
            }
        }
        Ok((operation, id.to_owned(), params))
    }

    fn execute(
        &mut self,
        request: &Request,
        operation: Operation,
        id: &str,
        mut params: Params,
    ) -> Result<Value> {
        self.catch_up();
        let expand = params.texts("expand")?;
        self.request = Some((request.id.clone(), request.key.clone()));
        let done = self.perform(operation, id, &mut params);
        self.request = None;
        let mut value = done?;
        params.finish()?;
        for path in &expand {
            self.expand(&mut value, path)?;
        }
        Ok(value)
    }

    fn perform(&mut self, operation: Operation, id: &str, params: &mut Params) -> Result<Value> {
        use Operation as O;
        match operation {
            O::CreatePaymentIntent => self.create_intent(params),
            O::ListPaymentIntents => self.list_intents(params),
            O::RetrievePaymentIntent => self.intent_json(id),
            O::UpdatePaymentIntent => self.update_intent(id, params),
            O::ConfirmPaymentIntent => self.confirm(id, params),
            O::CapturePaymentIntent => self.capture_intent(id, params),
            O::CancelPaymentIntent => self.cancel_intent(id, params),
            O::CreateCheckoutSession => self.create_session(params),
            O::ListCheckoutSessions => self.list_sessions(params),
            O::RetrieveCheckoutSession => self.session_json(id),
            O::ListCheckoutSessionLineItems => {
                params.integer("limit")?;
                self.sessions.get(id, "session").map(|session| session.line_items())
            }
            O::ExpireCheckoutSession => self.expire_session(id, params),
            O::CreateCustomer => self.create_customer(params),
            O::ListCustomers => self.list_customers(params),
            O::RetrieveCustomer => self.customers.get(id, "id").map(|customer| customer.json()),
            O::UpdateCustomer => self.update_customer(id, params),
            O::DeleteCustomer => self.delete_customer(id),
            O::ListCustomerPaymentMethods => self.list_methods(params, Some(id)),
            O::CreateSetupIntent => self.create_setup(params),
            O::ListSetupIntents => self.list_setups(params),
            O::RetrieveSetupIntent => self.setup_json(id),
            O::ConfirmSetupIntent => self.confirm_setup(id, params),
            O::CancelSetupIntent => self.cancel_setup(id, params),
            O::CreatePaymentMethod => self.create_method(params),
            O::ListPaymentMethods => self.list_methods(params, None),
            O::RetrievePaymentMethod => self.method_json(id),
            O::AttachPaymentMethod => self.attach_method(id, params),
            O::DetachPaymentMethod => self.detach_method(id, params),
            O::CreateRefund => self.create_refund(params),
            O::ListRefunds => self.list_refunds(params),
            O::RetrieveRefund => self.refunds.get(id, "refund").map(|refund| refund.json()),
            O::ListCharges => self.list_charges(params),
            O::RetrieveCharge => self.charges.get(id, "charge").map(|charge| charge.json()),
            O::ListDisputes => self.list_disputes(params),
            O::RetrieveDispute => self.disputes.get(id, "dispute").map(|dispute| dispute.json()),
            O::UpdateDispute => self.update_dispute(id, params),
            O::CloseDispute => self.decide_dispute(id, false),
            O::ListBalanceTransactions => self.list_transactions(params),
            O::RetrieveBalanceTransaction => {
                self.transactions.get(id, "id").map(|transaction| transaction.json())
            }
            O::ListEvents => self.list_events(params),
            O::RetrieveEvent => self.events.get(id, "id").map(|event| event.json()),
            O::CreateWebhookEndpoint => self.create_endpoint(params),
            O::ListWebhookEndpoints => self.list_endpoints(params),
            O::RetrieveWebhookEndpoint => self.endpoint(id).map(|endpoint| endpoint.json()),
            O::DeleteWebhookEndpoint => self.delete_endpoint(id),
        }
    }
}
