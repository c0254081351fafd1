//! The fake's levers over HTTP, for those who are not in its process: `POST /_fake/fault` and so on,
//! with a JSON body.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    error::ApiError,
    fake::Shared,
    fault::{Fault, WebhookFault},
    operation::Operation,
};

fn one() -> usize {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddFault {
    /// Any, if it is left out.
    operation: Option<Operation>,
    fault: Fault,
    #[serde(default = "one")]
    times: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddWebhookFault {
    /// The event's type, or `*`.
    kind: String,
    fault: WebhookFault,
    #[serde(default = "one")]
    times: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authenticate {
    intent: String,
    succeeds: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decide {
    dispute: String,
    won: bool,
}

/// Pulls one of the levers.
pub(crate) async fn pull(
    State(shared): State<Arc<Shared>>,
    Path(lever): Path<String>,
    body: Bytes,
) -> (StatusCode, String) {
    match pulled(&shared, &lever, &body) {
        Ok(said) => {
            shared.wake();
            (StatusCode::OK, said)
        }
        Err((status, why)) => (status, why),
    }
}

type Pulled = Result<String, (StatusCode, String)>;

fn pulled(shared: &Shared, lever: &str, body: &[u8]) -> Pulled {
    let refused = |error: ApiError| (StatusCode::CONFLICT, error.body().to_string());
    let mut world = shared.world();
    match lever {
        "fault" => {
            let add: AddFault = parse(body)?;
            world.faults.add(add.operation, add.fault, add.times);
        }
        "webhook_fault" => {
            let add: AddWebhookFault = parse(body)?;
            world.faults.add_webhook(&add.kind, add.fault, add.times);
        }
        "heal" => world.faults.clear(),
        "release" => shared.release(),
        "advance" => {
            let Advance { seconds } = parse(body)?;
            world.clock.advance(Duration::from_secs(seconds));
            world.catch_up();
        }
        "authenticate" => {
            let Authenticate { intent, succeeds } = parse(body)?;
            let done = match intent.starts_with("seti_") {
                true => world.authenticate_setup(&intent, succeeds),
                false => world.authenticate(&intent, succeeds),
            };
            done.map_err(refused)?;
        }
        "roll_secret" => {
            let Named { id } = parse(body)?;
            return world.roll_secret(&id).map_err(refused);
        }
        "dispute" => {
            let Named { id } = parse(body)?;
            return world.dispute(&id, "fraudulent", false).map_err(refused);
        }
        "decide_dispute" => {
            let Decide { dispute, won } = parse(body)?;
            world.decide_dispute(&dispute, won).map_err(refused)?;
        }
        "fail_refund" => {
            let Named { id } = parse(body)?;
            world.fail_refund(&id);
        }
        "calls" => {
            let calls: Vec<Value> = world
                .calls
                .iter()
                .map(|call| {
                    serde_json::json!({
                        "operation": format!("{:?}", call.operation),
                        "idempotency_key": call.idempotency_key,
                        "status": call.status,
                        "replayed": call.replayed,
                    })
                })
                .collect();
            return Ok(Value::from(calls).to_string());
        }
        "operations" => {
            let all: Vec<String> = Operation::ALL.iter().map(|one| format!("{one:?}")).collect();
            return Ok(Value::from(all).to_string());
        }
        _ => return Err((StatusCode::NOT_FOUND, format!("there is no lever {lever:?}"))),
    }
    Ok(String::new())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, (StatusCode, String)> {
    serde_json::from_slice(body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}
