//! Webhooks.

use super::{
    Bench,
    make::{Make, at, label},
    read::pages,
};
use crate::{
    store::{PageRequest, WebhookQuery, WebhookRef},
    text::GatewayName,
    webhook::{Webhook, WebhookStatus},
};

pub(super) async fn are_found_by_id_and_event(t: &Bench<'_>) {
    let mut make = Make::new();
    let first = make.full_webhook();
    let other = GatewayName::new("other").unwrap();
    // The same event of another gateway is another event.
    let same = Webhook { gateway: other, event_id: first.event_id.clone(), ..make.webhook() };
    let all = [first, same, make.webhook()];
    for webhook in &all {
        t.insert(webhook.clone()).await;
    }
    for webhook in &all {
        let event = WebhookRef::Event(webhook.gateway.clone(), webhook.event_id.clone());
        for by in [WebhookRef::Id(webhook.id), event] {
            let found = t.store().webhook(&by).await.unwrap();
            assert_eq!(found.as_ref().map(|found| &*found.value), Some(webhook), "by {by:?}");
        }
    }
    let gateway = all[0].gateway.clone();
    let upper = label(&all[0].event_id.to_uppercase());
    for nobody in [
        WebhookRef::Id(make.id()),
        WebhookRef::Event(gateway.clone(), label("evt_other")),
        WebhookRef::Event(gateway, upper),
    ] {
        assert_eq!(t.store().webhook(&nobody).await.unwrap(), None, "by {nobody:?}");
    }
}

pub(super) async fn come_with_the_parked_ones_first(t: &Bench<'_>) {
    use WebhookStatus::{Handled, Ignored, Parked, Received};
    let mut make = Make::new();
    let kinds = [(Parked, 1), (Handled, 5), (Ignored, 9), (Received, 9), (Parked, 4), (Parked, 4)];
    let mut all = kinds.map(|(status, received)| Webhook {
        status,
        received_at: at(received),
        ..make.webhook()
    });
    for webhook in &all {
        t.insert(webhook.clone()).await;
    }
    // One that is handled after all leaves the first place.
    let handled = Webhook { status: Handled, ..all[0].clone() };
    t.replace(&handled).await;
    all[0] = handled;
    all.sort_by_key(|it| std::cmp::Reverse((it.status == Parked, it.received_at, it.id)));
    for status in [None, Some(Parked), Some(Received), Some(Handled), Some(Ignored)] {
        let expected = all.iter().filter(|it| status.is_none_or(|status| it.status == status));
        let expected: Vec<_> = expected.cloned().collect();
        for limit in [1, 2, 100] {
            let store = t.store();
            let found = pages(limit, |page| {
                let query = WebhookQuery { status, page };
                async move { store.webhooks(&query).await.unwrap() }
            });
            let found: Vec<_> = found.await.iter().map(|it| Webhook::clone(it)).collect();
            assert_eq!(found, expected, "{status:?}, {limit} at a time");
        }
        let page = PageRequest { total: true, ..PageRequest::first(1) };
        let found = t.store().webhooks(&WebhookQuery { status, page }).await.unwrap();
        assert_eq!(found.total, Some(expected.len() as u64));
    }
}
