//! What the fake can be told to do wrong.

use std::{collections::VecDeque, time::Duration};

use serde::Deserialize;

use crate::operation::Operation;

/// What goes wrong with one request.
///
/// A fault is used up by the requests that meet it, those that repeat an earlier one by their
/// idempotency key too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 503: nobody looked at the request, and its idempotency key stays unused.
    Unavailable,
    /// 429: nobody looked at the request, and its idempotency key stays unused.
    RateLimited,
    /// 403: the key may not do this, as a restricted one may not. Its idempotency key stays unused.
    Forbidden,
    /// 500, and nothing was done. As with Stripe, the key remembers the 500: the same request with
    /// the same key gets it again.
    FailBefore,
    /// 500, although everything was done. The key remembers the 500.
    FailAfter,
    /// No answer, and nothing was done.
    HangBefore,
    /// No answer, although everything was done. The key remembers the answer that was not given.
    HangAfter,
    /// The connection is closed, and nothing was done.
    DropBefore,
    /// The connection is closed once so many bytes of the answer were sent, counting its head;
    /// everything was done, and the key remembers the answer.
    DropAfter {
        /// How many bytes arrive.
        bytes: usize,
    },
    /// The answer is right and late.
    Delay {
        /// How late, in milliseconds.
        milliseconds: u64,
    },
    /// The request waits, its key in use and nothing done yet, until
    /// [`release`](crate::FakeStripe::release) is called.
    Hold,
}

/// What goes wrong with the webhook of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookFault {
    /// It is sent twice.
    Twice,
    /// It is sent once the clock has gone on so far.
    Late {
        /// How far, in seconds.
        seconds: u64,
    },
    /// It is never sent.
    Never,
}

/// The faults that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    requests: VecDeque<(Option<Operation>, Fault)>,
    webhooks: VecDeque<(String, WebhookFault)>,
}

impl Faults {
    pub(crate) fn add(&mut self, operation: Option<Operation>, fault: Fault, times: usize) {
        self.requests.extend(std::iter::repeat_n((operation, fault), times));
    }

    pub(crate) fn add_webhook(&mut self, kind: &str, fault: WebhookFault, times: usize) {
        self.webhooks.extend(std::iter::repeat_n((kind.to_owned(), fault), times));
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next fault that an operation meets.
    pub(crate) fn take(&mut self, operation: Operation) -> Option<Fault> {
        let at = self.requests.iter().position(|(on, _)| on.is_none_or(|on| on == operation))?;
        self.requests.remove(at).map(|(_, fault)| fault)
    }

    /// The next fault that an event of this type meets.
    pub(crate) fn take_webhook(&mut self, kind: &str) -> Option<WebhookFault> {
        let at = self.webhooks.iter().position(|(on, _)| on == "*" || on == kind)?;
        self.webhooks.remove(at).map(|(_, fault)| fault)
    }
}

impl Fault {
    pub(crate) fn delay(self) -> Option<Duration> {
        match self {
            Self::Delay { milliseconds } => Some(Duration::from_millis(milliseconds)),
            _ => None,
        }
    }
}
