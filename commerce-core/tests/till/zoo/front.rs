//! Handlers and clients that go about things otherwise than they should.

use commerce_core::{
    Commerce,
    access::Caller,
    gateway::{ProviderPayment, ProviderStatus},
    id::{LineId, OrderId, PaymentId},
    payment::{Payment, PaymentStatus, Refund, RefundStatus},
    store::{Commit, OrderRef},
    text::Label,
    version::Versioned,
};

use super::{super::request::Ask, Bug};
use crate::support::key;

/// The caller of the next try of a request.
pub(crate) fn again_under(bug: Option<Bug>, who: &Caller, tries: usize) -> Caller {
    match &who.key {
        Some(first) if bug == Some(Bug::AsksAnew) && tries > 0 => {
            who.clone().with_key(key(&format!("{} again {tries}", first.as_str())))
        }
        _ => who.clone(),
    }
}

/// A refund of some units, as somebody asks for it who works out by themselves what they cost.
pub(crate) async fn refund_of_part(
    shop: &Commerce,
    order: OrderId,
    line: LineId,
    units: i64,
) -> Option<Ask> {
    let found = shop.store().order(&OrderRef::Id(order)).await.ok()??;
    let of = found.order.lines.iter().find(|it| it.id == line)?;
    let minor = of.total.minor() / of.quantity.get() * units;
    Some(Ask::RefundAmount { order, minor })
}

/// Handles a webhook by what it says itself. `nth` is its number.
pub(crate) async fn handle(
    bug: Bug,
    shop: &Commerce,
    id: PaymentId,
    told: &ProviderPayment,
    nth: usize,
) -> Option<()> {
    let found = shop.store().order(&OrderRef::Payment(id)).await.ok()??;
    let read = found.payments.into_iter().find(|payment| payment.id == id)?;
    let mut payment = (*read.value).clone();
    match bug {
        Bug::StateOfWebhook => {
            payment.status = said(told);
            (payment.captured, payment.authorized) = (told.captured, told.captured);
        }
        Bug::CountsWebhooks => {
            let given = told.refunds.iter().rfind(|it| it.status == RefundStatus::Succeeded)?;
            payment.refunds.push(Refund {
                id: shop.moment().id(),
                amount: given.amount,
                status: RefundStatus::Succeeded,
                lines: Vec::new(),
                restock_to: None,
                reason: None,
                reference: Some(Label::new(format!("webhook {nth}")).ok()?),
                failure: None,
                created_at: given.created_at,
            });
            let given = payment.refunds.iter().filter(|it| it.status == RefundStatus::Succeeded);
            let all = given.map(|it| it.amount.minor()).sum();
            payment.refunded = commerce_core::money::Money::new(all, payment.amount.currency());
        }
        _ => return None,
    }
    write(shop, &read, payment).await
}

async fn write(shop: &Commerce, read: &Versioned<Payment>, payment: Payment) -> Option<()> {
    let mut commit = Commit::at(shop.moment().now());
    commit.replace(read, payment);
    shop.store().commit(&commit).await.ok()
}

fn said(told: &ProviderPayment) -> PaymentStatus {
    match told.status {
        ProviderStatus::RequiresAction => PaymentStatus::RequiresAction,
        ProviderStatus::Processing => PaymentStatus::Processing,
        ProviderStatus::Authorized => PaymentStatus::Authorized,
        ProviderStatus::Captured => PaymentStatus::Paid,
        ProviderStatus::Failed => PaymentStatus::Failed,
        ProviderStatus::Voided => PaymentStatus::Voided,
        ProviderStatus::Expired => PaymentStatus::Expired,
    }
}
