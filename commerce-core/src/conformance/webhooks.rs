//! Webhooks.

use super::{
    Bench,
    make::{Make, label},
};
use crate::{store::WebhookRef, text::GatewayName, webhook::Webhook};

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
