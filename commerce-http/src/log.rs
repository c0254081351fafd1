//! Where log lines go: standard error.

use std::{io, panic};

use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, LogLevel};

/// Writes the process's log from now on, panics included. The first call counts.
pub fn init(format: LogFormat, level: &LogLevel) {
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let registry = tracing_subscriber::registry().with(lines.with_filter(level.targets()));
    if registry.try_init().is_ok() {
        panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(
                target: "commerce_http::fault",
                place,
                "panic: {}",
                crate::frame::panic_text(panic.payload())
            );
        }));
    }
}
