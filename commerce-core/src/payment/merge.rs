//! What a provider says of a payment, taken over.

use super::{
    Dispute, DisputeStatus, Payment, PaymentStatus, Refund, RefundStatus, Review, ReviewReason,
    state::Input,
};
use crate::{
    gateway::{ProviderAccount, ProviderDispute, ProviderPayment, ProviderRefund, ProviderStatus},
    id::Moment,
    money::Money,
    time::Timestamp,
};

impl Payment {
    /// The payment once its state at the provider is known. It is the same whoever brought the state,
    /// in whatever order and however often: ranks and amounts never fall, except that a refund that
    /// came to nothing gives its amount free.
    ///
    /// A state that cannot be right (for another amount or currency, of another account) puts the
    /// payment in review and changes none of its amounts. `account` is the shop's own.
    pub fn merge(
        &self,
        seen: &ProviderPayment,
        account: &ProviderAccount,
        moment: &mut Moment,
    ) -> Self {
        let mut payment = self.clone();
        payment.refer(seen);
        if let Some(reason) = self.mismatch(seen, account) {
            payment.put_up(reason);
            return payment;
        }
        payment.review = payment.review.filter(Review::is_closed);
        payment.take_money(seen);
        let reviewed = self.status == PaymentStatus::NeedsReview;
        if payment.captured.is_positive() {
            if payment.captured != self.captured {
                payment.captured_at = Some(moment.now());
            }
            if payment.captured != self.captured || reviewed {
                let all = payment.captured == payment.amount;
                payment.advance(if all { Input::CaptureAll } else { Input::CapturePart });
            }
        } else if let Some(input) = news(seen.status) {
            payment.advance(input);
        }
        payment.failure = match payment.status {
            PaymentStatus::Authorized
            | PaymentStatus::PartiallyCaptured
            | PaymentStatus::Paid
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded => None,
            _ => seen.failure.clone().or(payment.failure),
        };
        // What came to nothing first: it makes room for the others.
        let failed = |refund: &&ProviderRefund| refund.status == RefundStatus::Failed;
        for refund in seen.refunds.iter().filter(failed) {
            payment.merge_refund(refund, moment);
        }
        for refund in seen.refunds.iter().filter(|refund| !failed(refund)) {
            payment.merge_refund(refund, moment);
        }
        for dispute in &seen.disputes {
            payment.merge_dispute(dispute);
        }
        payment.count_refunds();
        if payment.status != PaymentStatus::NeedsReview {
            payment.capture_before = payment.let_go_at(seen, moment.now());
        }
        payment
    }

    /// When what is set aside is let go by itself.
    fn let_go_at(&self, seen: &ProviderPayment, now: Timestamp) -> Option<Timestamp> {
        let usual = || now.saturating_add(Self::AUTHORIZATION_LASTS);
        let said = seen.capture_before.or(self.capture_before);
        self.capturable().is_positive().then(|| said.unwrap_or_else(usual))
    }

    /// What cannot be right of a state.
    fn mismatch(&self, seen: &ProviderPayment, account: &ProviderAccount) -> Option<ReviewReason> {
        let over = matches!(
            seen.status,
            ProviderStatus::Failed | ProviderStatus::Voided | ProviderStatus::Expired
        );
        if over && seen.captured.is_zero() && seen.capturable.is_zero() && self.captured.is_zero() {
            return None;
        }
        let currency = self.amount.currency();
        let amounts = [seen.amount, seen.captured, seen.capturable];
        let refunds = seen.refunds.iter().map(|refund| refund.amount);
        let disputes = seen.disputes.iter().map(|dispute| dispute.amount);
        let within = |amount: Money| (0..=self.amount.minor()).contains(&amount.minor());
        let given = seen.refunds.iter().filter(|refund| refund.status != RefundStatus::Failed);
        let given = given.map(|refund| i128::from(refund.amount.minor())).sum::<i128>();
        if !account.is(&seen.account) {
            Some(ReviewReason::WrongAccount)
        } else if amounts
            .into_iter()
            .chain(refunds)
            .chain(disputes)
            .any(|amount| amount.currency() != currency)
        {
            Some(ReviewReason::WrongCurrency)
        } else if seen.amount != self.amount
            || !amounts.into_iter().all(within)
            || seen.captured.minor() + seen.capturable.minor() > self.amount.minor()
        {
            Some(ReviewReason::WrongAmount)
        } else if given > self.captured.minor().max(seen.captured.minor()).into() {
            Some(ReviewReason::OverRefunded)
        } else {
            None
        }
    }

    pub(super) fn advance(&mut self, input: Input) {
        if let Some(next) = self.status.after(input) {
            self.status = next;
        }
    }

    /// What it is called, and what the customer needs. What was said once stays.
    fn refer(&mut self, seen: &ProviderPayment) {
        for reference in &seen.references {
            let room = self.references.len() < Self::REFERENCES_MAX;
            if room && !self.references.contains(reference) {
                self.references.push(reference.clone());
            }
        }
        if self.client_secret.is_none() {
            self.client_secret.clone_from(&seen.client_secret);
        }
        if self.redirect_url.is_none() {
            self.redirect_url.clone_from(&seen.redirect_url);
        }
    }

    fn take_money(&mut self, seen: &ProviderPayment) {
        let (captured, capturable) = (seen.captured.minor(), seen.capturable.minor());
        let taken = self.captured.minor().max(captured);
        let authorized = self.authorized.minor().max(captured + capturable);
        // Only from these is it certain that what is not there any more was there before.
        let said = matches!(
            seen.status,
            ProviderStatus::Captured | ProviderStatus::Voided | ProviderStatus::Expired
        );
        let gone = if said { authorized - taken - capturable } else { 0 };
        let released = self.released.minor().max(gone).min(authorized - taken);
        let currency = self.amount.currency();
        self.captured = Money::new(taken, currency);
        self.authorized = Money::new(authorized, currency);
        self.released = Money::new(released, currency);
    }

    /// What of the captured money is neither given back nor about to be.
    fn room(&self) -> i64 {
        self.captured.minor()
            - self.refunds.iter().filter(|it| it.counts()).map(|it| it.amount.minor()).sum::<i64>()
    }

    /// Takes over how far a refund has come, also one that the shop did not make.
    pub(crate) fn merge_refund(&mut self, seen: &ProviderRefund, moment: &mut Moment) {
        let fits = seen.amount.minor() <= self.room();
        let ours = |refund: &Refund| {
            seen.refund_id == Some(refund.id) || refund.reference.as_ref() == Some(&seen.reference)
        };
        let known = self.refunds.iter_mut().find(|refund| ours(refund));
        // One that was given up because the provider did not know of it may turn up after all. That
        // one was made which the provider said to have failed is old news.
        let counted = known.as_ref().is_some_and(|it| it.counts() || it.reference.is_some());
        if !counted && seen.status != RefundStatus::Failed && !fits {
            // One of our own that nobody has heard of yet may turn out not to have been made.
            let unheard =
                |it: &Refund| it.status == RefundStatus::Pending && it.reference.is_none();
            if !self.refunds.iter().any(unheard) {
                self.put_up(ReviewReason::OverRefunded);
            }
            return;
        }
        if let Some(refund) = known {
            let failed = seen.status == RefundStatus::Failed;
            refund.status = match refund.status {
                RefundStatus::Pending => seen.status,
                RefundStatus::Succeeded if failed => RefundStatus::Failed,
                RefundStatus::Failed if refund.reference.is_none() => seen.status,
                settled => settled,
            };
            refund.reference = Some(seen.reference.clone());
            refund.failure = seen.failure.clone().or(refund.failure.take());
            if refund.counts() {
                refund.failure = None;
            }
            return;
        }
        if seen.status == RefundStatus::Failed {
            return;
        }
        if self.refunds.len() >= Self::REFUNDS_MAX {
            self.put_up(ReviewReason::TooMany);
            return;
        }
        self.refunds.push(Refund {
            status: seen.status,
            reference: Some(seen.reference.clone()),
            created_at: seen.created_at,
            ..Refund::pending(seen.amount, moment)
        });
    }

    fn merge_dispute(&mut self, seen: &ProviderDispute) {
        let room = self.disputes.len() < Self::DISPUTES_MAX;
        match self.disputes.iter_mut().find(|known| known.reference == seen.reference) {
            // What was decided stays; a bank may decide it once more, for the other side.
            Some(known) if seen.status == DisputeStatus::Open => {
                known.reason = known.reason.take().or_else(|| seen.reason.clone());
            }
            Some(known) => known.status = seen.status,
            None if !room => self.put_up(ReviewReason::TooMany),
            None => self.disputes.push(Dispute {
                reference: seen.reference.clone(),
                amount: seen.amount,
                status: seen.status,
                reason: seen.reason.clone(),
                opened_at: seen.opened_at,
            }),
        }
    }

    /// Sums the refunds that succeeded up.
    pub(crate) fn count_refunds(&mut self) {
        let given = self.refunds.iter().filter(|it| it.status == RefundStatus::Succeeded);
        let refunded = given.map(|refund| refund.amount.minor()).sum();
        self.refunded = Money::new(refunded, self.amount.currency());
        if self.in_review().is_some() {
            return;
        }
        self.advance(match refunded {
            0 => Input::RefundNone,
            all if all == self.captured.minor() => Input::RefundAll,
            _ => Input::RefundPart,
        });
        if self.status == PaymentStatus::Paid && self.captured != self.amount {
            self.status = PaymentStatus::PartiallyCaptured;
        }
    }
}

/// What a status at the provider means for a payment of which nothing was taken.
fn news(status: ProviderStatus) -> Option<Input> {
    Some(match status {
        ProviderStatus::RequiresAction => Input::RequireAction,
        ProviderStatus::Processing => Input::Process,
        ProviderStatus::Authorized => Input::Authorize,
        ProviderStatus::Failed => Input::Fail,
        ProviderStatus::Voided => Input::Void,
        ProviderStatus::Expired => Input::Expire,
        // Nothing was taken: it does not say what of.
        ProviderStatus::Captured => return None,
    })
}
