//! Where log lines go: standard error.

use std::{io, panic};

use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::{LogFormat, LogLevel},
    frame::panic_text,
};

/// Writes the process's log from now on, panics included. In a process that has a log already,
/// that one stays.
pub fn init(format: LogFormat, level: &LogLevel) {
    // Plain on a terminal, too, whatever another crate of the build has switched on.
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let registry = tracing_subscriber::registry().with(layer.with_filter(level.targets()));
    if registry.try_init().is_ok() {
        panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(
                target: "commerce_http::fault",
                place,
                "panic: {}",
                panic_text(panic.payload())
            );
        }));
    }
}
