//! The REST server of the commerce engine.
//!
//! The binary `commerce` is this library with arguments. A Rust program can mount the same
//! [`app::router`] in an axum application of its own.

pub mod app;
pub mod background;
pub mod caller;
pub mod cards;
pub mod cli;
pub mod config;
pub mod cors;
pub mod data;
pub mod demo;
mod docs;
pub mod etag;
pub mod extract;
pub mod frame;
mod health;
pub mod import;
pub mod log;
pub mod metrics;
pub mod openapi;
mod pages;
pub mod pagination;
mod probe;
pub mod problem;
pub mod reconcile;
pub mod reply;
pub mod routes;
pub mod run;
pub mod secret;
pub mod server;
pub mod shop;
mod storefront;
pub mod tasks;
pub mod watched;
