//! Mistakes that others shipped, put back one at a time.
//!
//! A rule of the core is kept by what stands around it as well: the store that applies a commit, the
//! adapter that asks a provider, the handler that takes webhooks in, the client that asks again. Each
//! mistake is made there, by a part that breaks one rule and keeps all others, as the shop that had the
//! mistake did. So the core carries no switch, not even in a test build, and what is tried is what is
//! shipped.

mod front;
mod gateway;
mod store;

pub(crate) use front::{again_under, handle, refund_of_part};
pub(crate) use gateway::Adapter;
pub(crate) use store::{charge_first, commit};

macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident: $story:literal;)*) => {
        /// A mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Bug {
            $($(#[$doc])* $bug,)*
        }

        impl Bug {
            pub(crate) const ALL: &[Self] = &[$(Self::$bug,)*];

            /// What people knew it as.
            pub(crate) fn story(self) -> &'static str {
                match self {
                    $(Self::$bug => $story,)*
                }
            }
        }
    };
}

bugs! {
    // Of the store.
    /// The holds of an order are gathered by stock item, and the last of one item wins.
    OneHoldPerItem: "two lines of one stock item oversell it";
    /// What is ordered is not checked to be more than nothing. No story can order less: a `Quantity` is
    /// one or more, by its type and wherever one is read. So it is planted behind that check, where an
    /// order takes its stock: one of its lines takes minus so many units.
    NegativeQuantity: "a negative quantity gives stock back";
    /// A capture is written over what others wrote meanwhile.
    CaptureOverwrites: "two captures at the same time";
    /// A refund is written over what others wrote meanwhile.
    RefundOverwrites: "two refunds at the same time";
    /// Whoever comes back from paying makes an order of the cart, and so does the webhook.
    TwoOrders: "webhook and browser both complete the cart";
    /// The provider is asked before the order is written.
    ChargesFirst: "paid, but no order";
    /// What was answered is not written together with what was done.
    ForgetsAnswers: "the same checkout again is refused, as its cart is closed";
    /// Money for an order that is cancelled is booked, and that is all.
    KeepsLateMoney: "payment succeeded, stock gone";
    /// A refund that failed stays as it was.
    FailedRefundBlocks: "a refund that failed keeps its amount blocked";
    // Of the adapter.
    /// Each call has a key of its own.
    NewKeys: "a retry with another key charges twice";
    /// It answers that a payment is called off, and sees to that later.
    VoidsLater: "stock is released before the intent is cancelled";
    /// It believes what the last webhook told, and asks nobody.
    TrustsWebhooks: "a webhook that never comes";
    /// A webhook about a payment that is not known yet is thrown away, and with it what the payment is
    /// called. All others are looked up.
    DropsEarlyWebhooks: "a webhook comes before the order is there";
    /// Amounts are read as numbers.
    IgnoresCurrency: "another currency is taken as paid";
    /// A call that was not answered was not done.
    TimeoutMeansNo: "a timeout is taken for a decline";
    /// What is made is found by a search that lags behind.
    SearchLags: "a payment is given up that the search does not show yet";
    /// A session that was not paid for some time must have expired.
    SessionMustBeOver: "a session has expired, and was paid";
    /// What was not paid when its session ended will not be.
    TransfersAreNotAwaited: "a session has expired, and its transfer comes";
    /// A saved card whose charge was not answered is charged once more.
    ChargesSavedAgain: "a saved method is charged twice";
    // Of the front.
    /// A webhook's own word for the state is written down.
    StateOfWebhook: "a late webhook moves the state back";
    /// A webhook that tells of a refund writes one down.
    CountsWebhooks: "a duplicate event is handled twice";
    /// A client that asks again asks under another key.
    AsksAnew: "a partial refund is made twice";
    /// What a part of a line costs is rounded by itself.
    RoundsAlone: "the last refund is off by a rounding difference";
}
