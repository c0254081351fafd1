//! Mounts a shop inside a program's own axum application:
//! `cargo run -p commerce-http --example mount_router -- shop.db 127.0.0.1:8080`
//!
//! The program owns the runtime, the listener and its own routes; the shop answers below `/shop`,
//! its docs page at `/shop/docs/`.

#![allow(clippy::print_stdout, reason = "a program that people read")]

use std::{error::Error, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use commerce_core::{currency::Currency, shop::Shop, text::Label};
use commerce_http::{
    app::{self, App},
    background::{Background, EventLog, Schedule},
    frame::Limits,
    server::{self, StopSignals},
};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| "shop.db".to_owned());
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let commerce = commerce_sqlite::open(file)?;
    commerce.open(Shop::new("Corner shop", Currency::EUR)?).await?;

    let shop = App::new(commerce.clone());
    let tasks = shop.tasks().clone();
    let host = Router::new()
        .route("/", get(async || "The program's own page. The shop is at /shop/docs/\n"))
        .nest("/shop", app::router(shop, Limits::default(), &[]));

    let log = EventLog::new(Label::new("log")?);
    let background = Background::start(&commerce, Schedule::default(), vec![Arc::new(log)]);
    let listener = TcpListener::bind(address).await?;
    let mut signals = StopSignals::new()?;
    println!("http://{}/shop/docs/", listener.local_addr()?);
    server::serve(listener, host, tasks, Duration::from_secs(20), signals.next()).await;
    background.stop().await;
    Ok(())
}
