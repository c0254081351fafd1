//! The list of all cases: the one place where a new case is entered.

/// Calls another macro with every case and the clause that it tries.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    (table) => { $crate::__conformance_cases!(@ [table!]); };
    (__conformance_tests) => { $crate::__conformance_cases!(@ [$crate::__conformance_tests!]); };
    (@ [$($callback:tt)*]) => {
        $($callback)* {
            records {
                what_is_not_there_is_none:
                    "a read of something that does not exist is none or empty, never an error";
                a_shop_is_read_as_written:
                    "a shop is read as it was written, whatever is absent from it";
                a_location_is_read_as_written:
                    "a location is read as it was written";
                locations_are_read_with_the_shop:
                    "the shop's configuration is read with all of its locations";
                a_category_is_read_as_written:
                    "a category is read as it was written, whatever is absent from it";
                a_product_is_read_as_written:
                    "a product is read as it was written, whatever is absent from it";
                a_variant_is_read_as_written:
                    "a variant is read as it was written, whatever is absent from it";
                a_cart_is_read_as_written:
                    "a cart is read as it was written, whatever is absent from it";
                an_order_is_read_as_written:
                    "an order is read as it was written, whatever is absent from it";
                a_payment_is_read_as_written:
                    "a payment is read as it was written, whatever is absent from it";
                a_customer_is_read_as_written:
                    "a customer is read as they were written, whatever is absent from them";
                an_api_token_is_read_as_written:
                    "an API token is read as it was written, whatever is absent from it";
                a_subscription_is_read_as_written:
                    "a subscription is read as it was written";
                texts_at_their_longest:
                    "texts of the greatest length that their types allow are kept, and found by";
                texts_of_every_script:
                    "texts are kept character by character: not composed, folded or escaped";
                times_at_their_bounds:
                    "times from the first to the last millisecond that there is are kept";
                amounts_at_their_bounds:
                    "amounts from the lowest to the highest that there are are kept";
                numbers_keep_every_digit:
                    "decimal numbers and the numbers of metadata keep every digit";
                a_cart_of_2000_lines:
                    "a cart with as many lines as a shop may allow is kept, in its order";
                an_order_of_2000_lines:
                    "an order with as many lines as a shop may allow is kept, in its order";
                an_address_book_keeps_its_order:
                    "a full address book is kept, in its order";
                a_product_with_all_that_it_may_have:
                    "a product with as much as it may have of everything is kept, in its order";
                writes_of_one_commit_have_no_order:
                    "the writes of a commit have no order: what others point to may come last";
                a_removed_record_is_gone:
                    "a record that was removed is not read any more";
                a_removed_record_changes_no_other:
                    "removing a record changes no other record, not even one that points to it";
                equal_ids_of_two_kinds_are_two_records:
                    "an id names a record together with its kind";
                ids_and_digests_keep_every_bit:
                    "ids and digests are kept to the bit";
            }
        }
    };
}
