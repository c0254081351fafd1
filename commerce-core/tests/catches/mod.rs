//! The conformance suite sees what it is there to see: a store that is broken in one way fails it.
//!
//! The program around this has the `store()` that is broken, and a `block_on`.

pub(crate) mod faulty;

use commerce_core::conformance::{self, Case};

use self::faulty::Faulty;
use crate::{block_on, store};

/// Makes the enum of faults, and for each a test that a certain case sees it, and sees nothing in the
/// same store without it.
macro_rules! faults {
    ($($fault:ident, $test:ident, $case:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault {
            /// The wrapper alone must not fail.
            None,
            $($fault,)*
        }

        $(#[test]
        fn $test() {
            assert_eq!(failure($case, Fault::None), None);
            assert!(failure($case, Fault::$fault).is_some(), "{} is not seen", $case);
        })*
    };
}

faults! {
    IgnoresFloors, a_dropped_floor_is_caught, "levels::nothing_is_available_below_zero";
    IgnoresConflicts, a_dropped_version_check_is_caught,
        "versions::a_replacement_of_another_version_conflicts";
    ForgetsVersions, a_version_that_stays_is_caught,
        "versions::count_how_often_a_record_was_written";
    LosesAnEvent, a_lost_event_is_caught, "outbox::keeps_every_event";
    LosesLowStock, a_lost_warning_is_caught, "outbox::tells_of_low_stock_once_at_the_threshold";
    LosesOutcomes, a_lost_outcome_is_caught, "outcomes::are_committed_with_everything_else";
    RewritesOutcomes, a_rewritten_outcome_is_caught, "outcomes::are_kept_byte_for_byte";
    IgnoresTheScope, an_outcome_of_another_is_caught, "outcomes::of_others_stand_in_nobody_s_way";
    IgnoresUniqueKeys, an_ignored_unique_key_is_caught, "unique::a_variant_has_its_sku_alone";
    FoldsCase, a_folded_sku_is_caught, "unique::case_matters_but_for_emails";
    AppliesHalf, a_half_applied_commit_is_caught, "commits::with_a_conflict_write_nothing";
    ForgetsMovements, a_lost_row_of_the_ledger_is_caught, "movements::sum_to_the_units_on_hand";
    IgnoresCursors, an_ignored_cursor_is_caught, "list_products::come_by_the_time_they_were_made";
    SkipsAtPages, a_skipped_item_is_caught, "list_orders::come_the_newest_first";
    IgnoresZero, an_ignored_zero_is_caught, "list_products::honour_a_price_of_zero";
    CountsInactiveLocations, counted_inactive_stock_is_caught,
        "list_products::filter_by_what_can_be_bought_now";
    IsEarly, what_is_due_too_early_is_caught, "due::are_orders_and_carts_whose_time_is_up";
    IgnoresLimits, an_ignored_limit_is_caught, "due::come_the_longest_due_first";
    DropsAPayment, a_dropped_payment_is_caught, "orders::have_their_payments_the_oldest_first";
    TakesLessThanNothing, an_amount_below_nothing_is_caught,
        "payments::never_have_less_than_nothing";
    GivesTooMuchBack, too_large_a_refund_is_caught,
        "payments::never_give_back_more_than_was_taken";
    TakesTooMuch, too_large_a_capture_is_caught, "payments::never_take_more_than_was_set_aside";
    SetsTooMuchAside, too_large_an_authorization_is_caught,
        "payments::never_set_aside_more_than_they_are_for";
    RoundsTimes, a_rounded_time_is_caught, "records::a_cart_is_read_as_written";
    ForgetsOpenCarts, a_purged_open_cart_is_caught, "purge::forgets_closed_carts_before_a_time";
    ForgetsParkedWebhooks, a_purged_webhook_is_caught,
        "purge::forgets_webhooks_that_are_done_with";
    ListsAllPayments, an_ignored_period_is_caught,
        "list_payments::are_those_of_a_gateway_that_changed_in_a_period";
    LeavesOutVariants, a_left_out_variant_is_caught,
        "carts::come_with_further_variants_that_are_asked_for";
    ChecksThenWrites, a_check_apart_from_its_write_is_caught, "concurrency::never_loses_an_update";
    LooksForOneWord, an_ignored_word_is_caught, "list_customers::find_those_who_have_every_word";
    ListsAllWebhooks, a_webhook_out_of_place_is_caught, "webhooks::come_with_the_parked_ones_first";
    HidesWithdrawnTokens, a_hidden_token_is_caught, "list_tokens::come_the_newest_first";
    NeverRings, a_silent_bell_is_caught, "outbox::rings_before_a_commit_is_answered";
    IsNeverReady, a_store_that_is_never_ready_is_caught,
        "commits::are_taken_by_a_store_that_is_ready";
    ReadsOldState, a_read_of_old_state_is_caught, "concurrency::shows_what_was_acknowledged";
}

/// How a case fails on the store with a fault, if it does.
fn failure(case: &str, fault: Fault) -> Option<String> {
    let case: &Case = conformance::cases().iter().find(|it| it.name == case).unwrap();
    let (store, guard) = store();
    let fixture = (Faulty::new(fault, store), guard);
    case.run(&fixture, &|task| block_on(task)).err().map(|failure| failure.to_string())
}

#[test]
fn a_failure_names_the_clause_and_the_case() {
    let name = "levels::the_last_unit_can_be_held";
    let case = conformance::cases().iter().find(|it| it.name == name).unwrap();
    let text = failure(name, Fault::IgnoresFloors).unwrap();
    assert!(text.contains(name) && text.contains(case.clause), "{text}");
    assert!(text.contains("does not hold was applied"), "{text}");
}
