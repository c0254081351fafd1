//! What the provider does by itself, and what it says when the shop compares its books with its own.

use commerce_core::{
    currency::Currency,
    gateway::{Call, ProviderDispute, ProviderPayment, ProviderRefund, ProviderStatus, Reply},
    money::Money,
    payment::{DisputeStatus, RefundStatus},
    text::Label,
    time::Timestamp,
};

use super::{super::audit, Story};
use crate::till::dice::Dice;

impl Story {
    /// The provider comes to an end with something that it works on.
    pub(super) fn bank_decides(&mut self) {
        let works = |it: &ProviderPayment| {
            let waits = |refund: &ProviderRefund| refund.status == RefundStatus::Pending;
            it.status == ProviderStatus::Processing || it.refunds.iter().any(waits)
        };
        let Some((id, _)) = self.some_payment(works) else { return };
        let well = !self.dice.one_in(3);
        self.till.fate.tell(format!("  the bank decides {id}: {well}"));
        self.till.bank.change(id, |payment| {
            if payment.status == ProviderStatus::Processing {
                if well {
                    (payment.status, payment.captured) = (ProviderStatus::Captured, payment.amount);
                } else {
                    payment.status = ProviderStatus::Failed;
                }
            }
            let waits = |refund: &&mut ProviderRefund| refund.status == RefundStatus::Pending;
            for refund in payment.refunds.iter_mut().filter(waits) {
                refund.status = if well { RefundStatus::Succeeded } else { RefundStatus::Failed };
            }
        });
    }

    /// Something happens at the provider that the shop does not wait for.
    pub(super) fn surprise(&mut self) {
        let Some((id, seen)) = self.some_payment(|_| true) else { return };
        let (n, at) = (self.till.bank.books.webhooks(), self.till.sound.now());
        let part = self.dice.up_to(seen.captured.minor().max(1));
        let kind = self.dice.below(6);
        let change = |payment: &mut ProviderPayment| surprise(payment, kind, part, n, at);
        if change(&mut seen.clone()) {
            self.till.fate.tell(format!("  surprise {kind} of {id}, which is {:?}", seen.status));
            self.till.bank.change(id, |payment| {
                change(payment);
            });
            self.untold.insert(id);
        }
    }
}

/// Changes a payment in a way that the shop did not ask for; answers whether it does.
fn surprise(
    payment: &mut ProviderPayment,
    kind: usize,
    part: i64,
    n: usize,
    at: Timestamp,
) -> bool {
    let nothing = Money::zero(payment.amount.currency());
    let label = |what: &str| Label::new(format!("{what}_{n}")).unwrap();
    let kept = audit::kept(payment);
    match (kind, payment.status) {
        // The bank lets go what was set aside.
        (0, ProviderStatus::Authorized) => {
            (payment.status, payment.capturable) = (ProviderStatus::Expired, nothing);
        }
        // Somebody takes it on the provider's own page.
        (1, ProviderStatus::Authorized) => {
            payment.status = ProviderStatus::Captured;
            (payment.captured, payment.capturable) = (payment.amount, nothing);
        }
        // Money comes although it was called off.
        (1, ProviderStatus::Voided) => {
            (payment.status, payment.captured) = (ProviderStatus::Captured, payment.amount);
        }
        // It is paid in another currency.
        (2, ProviderStatus::RequiresAction) => {
            let other = Money::new(payment.amount.minor(), Currency::USD);
            payment.status = ProviderStatus::Captured;
            (payment.amount, payment.captured) = (other, other);
            payment.capturable = Money::zero(Currency::USD);
        }
        // A bank sends a refund back.
        (3, _) if payment.refunds.iter().any(|it| it.status == RefundStatus::Succeeded) => {
            let given = |refund: &&mut ProviderRefund| refund.status == RefundStatus::Succeeded;
            for refund in payment.refunds.iter_mut().filter(given) {
                refund.status = RefundStatus::Failed;
            }
        }
        // A customer disputes it, and that is decided.
        (4, ProviderStatus::Captured) if kept >= part => match payment.disputes.as_mut_slice() {
            [] => payment.disputes.push(ProviderDispute {
                reference: label("dp"),
                amount: Money::new(part, payment.amount.currency()),
                status: DisputeStatus::Open,
                reason: None,
                opened_at: at,
            }),
            [dispute, ..] if dispute.status == DisputeStatus::Open => {
                dispute.status =
                    if n.is_multiple_of(2) { DisputeStatus::Won } else { DisputeStatus::Lost };
            }
            _ => return false,
        },
        // Somebody gives some of it back on the provider's own page.
        (5, ProviderStatus::Captured) if kept >= part => payment.refunds.push(ProviderRefund {
            reference: label("re"),
            refund_id: None,
            amount: Money::new(part, payment.amount.currency()),
            status: RefundStatus::Succeeded,
            failure: None,
            created_at: at,
        }),
        _ => return false,
    }
    true
}

/// What the provider does at a new call.
pub(super) fn reply(call: Call, dice: &mut Dice) -> Reply {
    let declines = || Reply::Decline { reason: "no".parse().unwrap() };
    let asks =
        || Reply::RequireAction { client_secret: "sesame".parse().unwrap(), redirect_url: None };
    match (call, dice.below(12)) {
        (Call::Create(_), 0..=4) => asks(),
        (Call::Create(_), 5) | (Call::Refund(_), 0..=2) => Reply::Process,
        (Call::Create(_), 6) | (Call::Refund(_) | Call::Capture(_), 3) => declines(),
        _ => Reply::Accept,
    }
}
