//! Webhooks: what a gateway's provider tells by itself, kept as it came until it was looked into.
//!
//! A webhook is a hint. Its event is recorded once, durably, before its sender is answered, and nothing
//! else happens then. What it is about is asked of the provider later, so that it does not matter how
//! often, how late and in which order webhooks come.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    gateway::{Notice, ProviderAccount, Subject},
    id::{Moment, PaymentId, WebhookId},
    payment::Payment,
    text::{GatewayName, Label},
    time::{Timestamp, doubled},
};

/// How far a webhook has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WebhookStatus {
    /// It is recorded, and is still to be looked into.
    Received,
    /// It is about a payment that the shop does not know. It is looked into again, the more seldom the
    /// longer that lasts, and left to a person after a month. It is never forgotten: the money may have
    /// been taken.
    Parked,
    /// The payment that it is about is as it was at the provider after the event.
    Handled,
    /// It is about nothing that the shop follows.
    Ignored,
}

impl WebhookStatus {
    /// The status's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Parked => "parked",
            Self::Handled => "handled",
            Self::Ignored => "ignored",
        }
    }
}

/// Why looking into a webhook came to nothing the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WebhookFailure {
    /// The shop knows no such payment.
    UnknownPayment,
    /// The provider could not be asked.
    GatewayUnavailable,
    /// The shop no longer has the gateway.
    GatewayGone,
    /// What the provider said could not be written down.
    NotBooked,
}

impl WebhookFailure {
    /// The failure's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownPayment => "unknown_payment",
            Self::GatewayUnavailable => "gateway_unavailable",
            Self::GatewayGone => "gateway_gone",
            Self::NotBooked => "not_booked",
        }
    }
}

/// What came of looking into a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// The payment's state at the provider was taken over.
    Merged,
    /// It is none of the shop's business.
    Foreign,
    /// It came to nothing, for now.
    Failed(WebhookFailure),
}

/// A webhook as the back office sees it: all but its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookView {
    /// Its id.
    pub id: WebhookId,
    /// The gateway that it came to.
    pub gateway: GatewayName,
    /// The provider's id of the event.
    pub event_id: Label,
    /// The provider's word for what happened.
    pub kind: Label,
    /// The provider's account that it comes from, if that is said.
    pub account: Option<Label>,
    /// Whether it is about money, and not about a test.
    pub livemode: bool,
    /// What the provider calls the objects that it is about.
    pub references: Vec<Label>,
    /// The payment that it is about, as far as the event says: the shop may not know it.
    pub payment_id: Option<PaymentId>,
    /// How far it has come.
    pub status: WebhookStatus,
    /// How often it was looked into.
    pub attempts: u32,
    /// Why that came to nothing the last time, if it did.
    pub failure: Option<WebhookFailure>,
    /// When it is looked into again by itself; `null` once nothing is left to do, and for one that is
    /// left parked until somebody has it looked into.
    pub due_at: Option<Timestamp>,
    /// When it was recorded.
    pub received_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<&Webhook> for WebhookView {
    fn from(webhook: &Webhook) -> Self {
        let subject = webhook.subject.clone().unwrap_or_default();
        Self {
            id: webhook.id,
            gateway: webhook.gateway.clone(),
            event_id: webhook.event_id.clone(),
            kind: webhook.kind.clone(),
            account: webhook.account.id.clone(),
            livemode: webhook.account.livemode,
            references: subject.references,
            payment_id: subject.payment_id,
            status: webhook.status,
            attempts: webhook.attempts,
            failure: webhook.failure,
            due_at: webhook.due_at.filter(|at| *at < Webhook::BY_HAND),
            received_at: webhook.received_at,
            updated_at: webhook.updated_at,
        }
    }
}

/// An event that a gateway's provider told. No two of one gateway are the same event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The gateway that it came to.
    pub gateway: GatewayName,
    /// The provider's id of the event.
    pub event_id: Label,
    /// The provider's word for what happened.
    pub kind: Label,
    /// The account that it comes from.
    pub account: ProviderAccount,
    /// The payment that it is about; `None` if it is about nothing that a shop follows.
    pub subject: Option<Subject>,
    /// What was received, to the byte, for people who must find out what happened. At most
    /// [`BODY_MAX`](Self::BODY_MAX) bytes.
    pub body: Vec<u8>,
    /// How far it has come.
    pub status: WebhookStatus,
    /// How often it was looked into.
    pub attempts: u32,
    /// Why that came to nothing the last time, if it did.
    pub failure: Option<WebhookFailure>,
    /// When it is to be looked into, [`BY_HAND`](Self::BY_HAND) if only when somebody asks for it; `None`
    /// once nothing is left to do.
    pub due_at: Option<Timestamp>,
    /// When it was recorded.
    pub received_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Webhook {
    /// The most bytes of a body.
    pub const BODY_MAX: usize = 262_144;
    /// The first pause before it is looked into again. Each further one is twice as long.
    pub const PAUSE_MIN: Duration = Duration::from_secs(60);
    /// The longest pause while the provider or the store fails.
    pub const PAUSE_MAX: Duration = Duration::from_secs(3_600);
    /// How long after it was received one about a payment that nobody knows is looked into by itself.
    /// Whatever comes late is there by then.
    pub const PARKED_FOR: Duration = Duration::from_secs(30 * 86_400);
    /// When one is due that is looked into only if somebody asks for it. It has something left to do, so
    /// that it is kept.
    pub const BY_HAND: Timestamp = Timestamp::MAX;

    /// One that was received now.
    pub fn receive(gateway: GatewayName, notice: Notice, body: &[u8], moment: &mut Moment) -> Self {
        let now = moment.now();
        let Notice { event_id, kind, account, mut subject } = notice;
        if let Some(subject) = &mut subject {
            subject.references.truncate(Payment::REFERENCES_MAX);
        }
        let followed = subject.is_some();
        Self {
            id: moment.id(),
            gateway,
            event_id,
            kind,
            account,
            subject,
            body: body.to_vec(),
            status: if followed { WebhookStatus::Received } else { WebhookStatus::Ignored },
            attempts: 0,
            failure: None,
            due_at: followed.then_some(now),
            received_at: now,
            updated_at: now,
        }
    }

    /// Where it stands in lists, which begin with the highest: what is parked, and a person may have to
    /// see to, above everything else, and of the same kind what was received last.
    pub fn place(&self) -> i64 {
        // More milliseconds than there are times.
        const ABOVE: i64 = 1 << 52;
        let above = if self.status == WebhookStatus::Parked { ABOVE } else { 0 };
        self.received_at.as_millis().saturating_add(above)
    }

    /// The webhook as it is when somebody wants it looked into at once. `None` if nothing is left to do.
    pub(crate) fn hurried(&self, now: Timestamp) -> Option<Self> {
        let due_at = self.due_at?.min(now);
        Some(Self { due_at: Some(due_at), ..self.clone() })
    }

    /// Whether it is to be looked into.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.due_at.is_some_and(|at| at <= now)
    }

    /// The webhook once it was looked into. One of which nothing was left to do stays as it is: somebody
    /// else was faster.
    #[must_use]
    pub fn after(&self, came: Handling, now: Timestamp) -> Self {
        let mut webhook = self.clone();
        if webhook.due_at.is_none() {
            return webhook;
        }
        webhook.attempts = webhook.attempts.saturating_add(1);
        webhook.updated_at = now.max(self.updated_at);
        (webhook.status, webhook.failure) = match came {
            Handling::Merged => (WebhookStatus::Handled, None),
            Handling::Foreign => (WebhookStatus::Ignored, None),
            Handling::Failed(why @ WebhookFailure::UnknownPayment) => {
                (WebhookStatus::Parked, Some(why))
            }
            Handling::Failed(why) => (self.status, Some(why)),
        };
        let pause = doubled(Self::PAUSE_MIN, self.attempts);
        webhook.due_at = webhook.failure.map(|why| match why {
            WebhookFailure::UnknownPayment => {
                let last = self.received_at.saturating_add(Self::PARKED_FOR);
                Some(now.saturating_add(pause)).filter(|at| *at <= last).unwrap_or(Self::BY_HAND)
            }
            _ => now.saturating_add(pause.min(Self::PAUSE_MAX)),
        });
        webhook
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [WebhookStatus; 4] = [
        WebhookStatus::Received,
        WebhookStatus::Parked,
        WebhookStatus::Handled,
        WebhookStatus::Ignored,
    ];

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000).unwrap()
    }

    fn received(subject: Option<Subject>) -> Webhook {
        let [event_id, kind] = ["evt_1", "charge.refunded"].map(|text| Label::new(text).unwrap());
        let account = ProviderAccount { id: None, livemode: true };
        let notice = Notice { event_id, kind, account, subject };
        let mut moment = Moment::new(at(0), [7; 16]);
        Webhook::receive(GatewayName::new("card").unwrap(), notice, b"{}", &mut moment)
    }

    #[test]
    fn what_a_shop_does_not_follow_is_done_with_at_once() {
        let webhook = received(None);
        assert_eq!((webhook.status, webhook.due_at), (WebhookStatus::Ignored, None));
        let webhook = received(Some(Subject::default()));
        assert_eq!((webhook.status, webhook.due_at), (WebhookStatus::Received, Some(at(0))));
    }

    #[test]
    fn it_is_due_until_it_is_handled_or_ignored() {
        let ends = [
            (Handling::Merged, Some(WebhookStatus::Handled)),
            (Handling::Foreign, Some(WebhookStatus::Ignored)),
            (Handling::Failed(WebhookFailure::UnknownPayment), None),
            (Handling::Failed(WebhookFailure::GatewayUnavailable), None),
            (Handling::Failed(WebhookFailure::GatewayGone), None),
            (Handling::Failed(WebhookFailure::NotBooked), None),
        ];
        for status in ALL {
            let closed = matches!(status, WebhookStatus::Handled | WebhookStatus::Ignored);
            let due_at = (!closed).then_some(at(0));
            let before = Webhook { status, due_at, ..received(Some(Subject::default())) };
            for (came, end) in ends {
                let after = before.after(came, at(5));
                if closed {
                    assert_eq!(after, before, "{status:?} {came:?}");
                    continue;
                }
                assert_eq!(after.attempts, 1);
                assert_eq!(after.due_at, end.is_none().then_some(at(6)), "{status:?} {came:?}");
                let parked = came == Handling::Failed(WebhookFailure::UnknownPayment);
                let expected = end.unwrap_or(if parked { WebhookStatus::Parked } else { status });
                assert_eq!(after.status, expected, "{status:?} {came:?}");
            }
        }
    }

    #[test]
    fn what_is_parked_stands_before_everything_else() {
        let at_the_end = Webhook { received_at: Timestamp::MAX, ..received(None) };
        let at_first = Webhook { received_at: Timestamp::MIN, ..received(None) };
        let parked = Webhook { status: WebhookStatus::Parked, ..at_first.clone() };
        assert!(parked.place() > at_the_end.place());
        assert!(at_the_end.place() > at_first.place());
        let parked_later = Webhook { received_at: at(1), ..parked.clone() };
        assert!(parked_later.place() > parked.place());
    }

    /// When one that comes to nothing for this reason is looked into, in minutes.
    fn tries(why: WebhookFailure) -> (Webhook, Vec<i64>) {
        let mut webhook = received(Some(Subject::default()));
        let mut minutes = Vec::new();
        while let Some(due) = webhook.due_at.filter(|at| *at < Webhook::BY_HAND)
            && minutes.len() < 40
        {
            minutes.push(due.as_millis() / 60_000);
            webhook = webhook.after(Handling::Failed(why), due);
        }
        (webhook, minutes)
    }

    #[test]
    fn what_fails_is_tried_again_after_twice_as_long_and_every_hour_in_the_end() {
        let (_, minutes) = tries(WebhookFailure::GatewayUnavailable);
        assert_eq!(minutes[..8], [0, 1, 3, 7, 15, 31, 63, 123]);
        assert_eq!((minutes.len(), minutes[39] - minutes[38]), (40, 60), "for ever");
    }

    #[test]
    fn what_nobody_knows_is_looked_into_for_a_month_and_then_left_to_a_person() {
        let (webhook, minutes) = tries(WebhookFailure::UnknownPayment);
        let doubled: Vec<_> = (0..=15).map(|n| (1 << n) - 1).collect();
        assert_eq!(minutes, doubled, "the last time after 22 days");
        assert_eq!(
            (webhook.status, webhook.due_at),
            (WebhookStatus::Parked, Some(Webhook::BY_HAND))
        );
        assert_eq!(WebhookView::from(&webhook).due_at, None);
        let asked = webhook.hurried(at(99_999)).unwrap();
        assert!(asked.is_due(at(99_999)));
        assert_eq!(WebhookView::from(&asked).due_at, Some(at(99_999)));
        let unknown = Handling::Failed(WebhookFailure::UnknownPayment);
        let again = asked.after(unknown, at(99_999));
        assert_eq!((again.status, again.due_at), (webhook.status, webhook.due_at));
        assert_eq!(asked.after(Handling::Merged, at(99_999)).due_at, None);
    }
}
