//! Says of each line of its input whether a webhook is Stripe's: what `scripts/check-stripe-node` asks
//! about signatures that Stripe's own package made.
//!
//! A line is JSON with `header`, `body`, `secrets` (separated by commas) and `now` (in seconds since
//! 1970); the answer is `good`, or why not.

#![expect(clippy::print_stdout, reason = "a program answers its caller")]

use std::io::BufRead as _;

use commerce_core::time::Timestamp;
use commerce_stripe::{WebhookSecret, verify_signature};
use serde::Deserialize;

#[derive(Deserialize)]
struct Question {
    header: String,
    body: String,
    secrets: String,
    now: i64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lock().lines() {
        let Question { header, body, secrets, now } = serde_json::from_str(&line?)?;
        let secrets = WebhookSecret::list(&secrets)?;
        let now = Timestamp::from_millis(now * 1_000)?;
        match verify_signature(&header, body.as_bytes(), &secrets, now) {
            Ok(()) => println!("good"),
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}
