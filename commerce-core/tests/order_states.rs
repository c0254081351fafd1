//! Every state that an order can be in, and what each operation makes of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use commerce_core::{
    Error,
    error::Rejection,
    id::{LineId, OrderId, VariantId},
    order::{OrderView, PaymentTerms},
    payment::CreateRefund,
    text::GatewayName,
};
use support::*;

/// A shop with ten units of one variant and an order of four.
struct Case {
    w: World,
    shirt: VariantId,
    id: OrderId,
    line: LineId,
}

type Act = fn(&Case) -> Result<OrderView, Error>;

impl Case {
    fn new(start: Start) -> Self {
        let w = World::new();
        let (terms, price) = match start {
            Prepaid => (PaymentTerms::Prepaid { days: 2 }, 1_000),
            OnDelivery => (PaymentTerms::OnDelivery { days: 2 }, 1_000),
            Free => (PaymentTerms::Prepaid { days: 2 }, 0),
        };
        w.configure(|shop| shop.payment_terms = BTreeMap::from([(GatewayName::manual(), terms)]));
        let shirt = w.sell("SHIRT", price, 10);
        let order = w.buy(&[(shirt, 4)]);
        Self { shirt, id: order.id, line: order.lines[0].id, w }
    }

    fn after(self, acts: &[Act]) -> Self {
        for act in acts {
            act(&self).unwrap();
        }
        self
    }
}

const CAPTURE: Act = |c| c.w.capture(c.id);
const SEND_ONE: Act = |c| c.w.fulfill(c.id, &parts(&[(c.line, 1)]));
const SEND: Act = |c| c.w.fulfill_all(c.id);
const DELIVER: Act = |c| c.w.deliver(c.id);
const CANCEL_ONE: Act = |c| c.w.cancel_units(c.id, &[(c.line, 1)]);
const CANCEL: Act = |c| c.w.cancel(c.id);
const REFUND_CENT: Act = |c| c.w.refund(c.id, &refund_of(1));
const REFUND_ONE: Act = |c| c.w.refund(c.id, &refund_units(&[(c.line, 1)]));
const REFUND: Act = |c| c.w.refund(c.id, &CreateRefund::default());
/// Refused where nothing lapses.
const LAPSE: Act = |c| {
    c.w.days(2);
    match c.w.sweep() {
        (1, _) => Ok(c.w.seen(c.id)),
        _ => Err(Rejection::transition("order", "it does not lapse").into()),
    }
};

const ACTS: [Act; 10] =
    [CAPTURE, SEND_ONE, SEND, DELIVER, CANCEL_ONE, CANCEL, REFUND_CENT, REFUND_ONE, REFUND, LAPSE];

/// A name, how the order came to its state, and what it is then and after each of the acts above: two
/// letters of its status, two of its payment's, the units sent and those called off; `-` where the
/// act is refused.
type Row = (&'static str, Start, &'static [Act], &'static str, [&'static str; 10]);

#[derive(Debug, Clone, Copy)]
enum Start {
    Prepaid,
    OnDelivery,
    Free,
}

use Start::{Free, OnDelivery, Prepaid};

#[rustfmt::skip]
const STATES: [Row; 24] = [
    ("waits for its money", Prepaid, &[], "pe pe 0 0",
        ["co pa 0 0", "-", "-", "-", "-", "ca vo 0 4", "-", "-", "-", "ca vo 0 4"]),
    ("paid", Prepaid, &[CAPTURE], "co pa 0 0",
        ["-", "pr pa 1 0", "sh pa 4 0", "-", "co pa 0 1", "-", "co pr 0 0", "co pr 0 1", "re re 0 4", "-"]),
    ("paid and reduced", Prepaid, &[CAPTURE, CANCEL_ONE], "co pa 0 1",
        ["-", "pr pa 1 1", "sh pa 3 1", "-", "co pa 0 2", "-", "co pr 0 1", "co pr 0 1", "re re 0 4", "-"]),
    ("refunded a cent", Prepaid, &[CAPTURE, REFUND_CENT], "co pr 0 0",
        ["-", "pr pr 1 0", "sh pr 4 0", "-", "co pr 0 1", "-", "co pr 0 0", "co pr 0 1", "re re 0 4", "-"]),
    ("refunded a unit", Prepaid, &[CAPTURE, REFUND_ONE], "co pr 0 1",
        ["-", "pr pr 1 1", "sh pr 3 1", "-", "co pr 0 2", "-", "co pr 0 1", "co pr 0 2", "re re 0 4", "-"]),
    ("refunded unsent", Prepaid, &[CAPTURE, REFUND], "re re 0 4",
        ["-", "-", "-", "-", "-", "ca re 0 4", "-", "-", "-", "-"]),
    ("sent in part", Prepaid, &[CAPTURE, SEND_ONE], "pr pa 1 0",
        ["-", "pr pa 2 0", "sh pa 4 0", "pr pa 1 0", "pr pa 1 1", "sh pa 1 3", "pr pr 1 0", "pr pr 1 0", "re re 1 3", "-"]),
    ("sent in part and arrived", Prepaid, &[CAPTURE, SEND_ONE, DELIVER], "pr pa 1 0",
        ["-", "pr pa 2 0", "sh pa 4 0", "-", "pr pa 1 1", "de pa 1 3", "pr pr 1 0", "pr pr 1 0", "re re 1 3", "-"]),
    ("sent in part, the rest called off", Prepaid, &[CAPTURE, SEND_ONE, CANCEL], "sh pa 1 3",
        ["-", "-", "-", "de pa 1 3", "-", "-", "sh pr 1 3", "sh pr 1 3", "re re 1 3", "-"]),
    ("sent in part, refunded", Prepaid, &[CAPTURE, SEND_ONE, REFUND], "re re 1 3",
        ["-", "-", "-", "re re 1 3", "-", "-", "-", "-", "-", "-"]),
    ("sent", Prepaid, &[CAPTURE, SEND], "sh pa 4 0",
        ["-", "-", "-", "de pa 4 0", "-", "-", "sh pr 4 0", "sh pr 4 0", "re re 4 0", "-"]),
    ("arrived", Prepaid, &[CAPTURE, SEND, DELIVER], "de pa 4 0",
        ["-", "-", "-", "-", "-", "-", "de pr 4 0", "de pr 4 0", "re re 4 0", "-"]),
    ("arrived, refunded", Prepaid, &[CAPTURE, SEND, DELIVER, REFUND], "re re 4 0",
        ["-", "-", "-", "-", "-", "-", "-", "-", "-", "-"]),
    ("cancelled", Prepaid, &[CANCEL], "ca vo 0 4",
        ["-", "-", "-", "-", "-", "-", "-", "-", "-", "-"]),
    ("refunded and cancelled", Prepaid, &[CAPTURE, REFUND, CANCEL], "ca re 0 4",
        ["-", "-", "-", "-", "-", "-", "-", "-", "-", "-"]),
    ("on delivery", OnDelivery, &[], "co pe 0 0",
        ["co pa 0 0", "pr pe 1 0", "sh pe 4 0", "-", "co pe 0 1", "ca vo 0 4", "-", "-", "-", "ca vo 0 4"]),
    ("on delivery, reduced", OnDelivery, &[CANCEL_ONE], "co pe 0 1",
        ["co pa 0 1", "pr pe 1 1", "sh pe 3 1", "-", "co pe 0 2", "ca vo 0 4", "-", "-", "-", "ca vo 0 4"]),
    ("on delivery, sent in part", OnDelivery, &[SEND_ONE], "pr pe 1 0",
        ["pr pa 1 0", "pr pe 2 0", "sh pe 4 0", "pr pe 1 0", "pr pe 1 1", "sh pe 1 3", "-", "-", "-", "-"]),
    ("on delivery, sent in part, the rest called off", OnDelivery, &[SEND_ONE, CANCEL], "sh pe 1 3",
        ["sh pa 1 3", "-", "-", "de pe 1 3", "-", "-", "-", "-", "-", "-"]),
    ("on delivery, arrived", OnDelivery, &[SEND, DELIVER], "de pe 4 0",
        ["de pa 4 0", "-", "-", "-", "-", "-", "-", "-", "-", "-"]),
    ("free", Free, &[], "co pa 0 0",
        ["-", "pr pa 1 0", "sh pa 4 0", "-", "co pa 0 1", "ca pa 0 4", "-", "-", "-", "-"]),
    ("free, reduced", Free, &[CANCEL_ONE], "co pa 0 1",
        ["-", "pr pa 1 1", "sh pa 3 1", "-", "co pa 0 2", "ca pa 0 4", "-", "-", "-", "-"]),
    ("free, sent", Free, &[SEND], "sh pa 4 0",
        ["-", "-", "-", "de pa 4 0", "-", "-", "-", "-", "-", "-"]),
    ("free, cancelled", Free, &[CANCEL], "ca pa 0 4",
        ["-", "-", "-", "-", "-", "-", "-", "-", "-", "-"]),
];

fn seen(order: &OrderView) -> String {
    let word = |text: &str| text.chars().take(2).collect::<String>();
    let payment = match order.payment_status.as_str() {
        "partially_refunded" => "pr".to_owned(),
        other => word(other),
    };
    let line = &order.lines[0];
    let status = word(order.status.as_str());
    format!("{status} {payment} {} {}", line.fulfilled, line.cancelled)
}

#[test]
fn every_state_and_every_operation() {
    for (name, start, acts, state, expected) in STATES {
        for (n, (act, expected)) in ACTS.into_iter().zip(expected).enumerate() {
            let case = Case::new(start).after(acts);
            let before = case.w.seen(case.id);
            assert_eq!(seen(&before), state, "{name}");
            let after = match act(&case) {
                Ok(after) => seen(&after),
                Err(error) => {
                    let (error, no) = (refused::<()>(Err(error)), "-".to_owned());
                    let fits = matches!(
                        error,
                        Rejection::InvalidTransition { .. } | Rejection::Invalid(_)
                    );
                    assert!(fits, "{name}, act {n}: {error:?}");
                    assert_eq!(case.w.seen(case.id), before, "{name}: it changes nothing");
                    no
                }
            };
            assert_eq!(after, expected, "{name}, act {n}");
            let line = case.w.seen(case.id).lines.remove(0);
            let held = line.quantity.get() - line.fulfilled - line.cancelled;
            let (on_hand, available) = (10 - line.fulfilled, 10 - line.fulfilled - held);
            assert_eq!(case.w.stock(case.shirt), (on_hand, held, available), "{name}, act {n}");
        }
    }
}
