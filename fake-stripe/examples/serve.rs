//! A fake Stripe for programs in other languages, until it is killed: `serve [ADDRESS]`.
//!
//! It prints where it listens and the key that it answers to. What goes wrong is said by its levers,
//! such as `POST /_fake/fault` with `{"operation": "create_refund", "fault": "hang_after"}`.

#![expect(clippy::print_stdout, reason = "a program tells its caller where it listens")]

use fake_stripe::FakeStripe;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = FakeStripe::builder();
    if let Some(address) = std::env::args().nth(1) {
        builder = builder.address(address.parse()?);
    }
    let stripe = builder.start().await?;
    println!("{} {}", stripe.url(), stripe.secret_key());
    std::future::pending::<()>().await;
    Ok(())
}
