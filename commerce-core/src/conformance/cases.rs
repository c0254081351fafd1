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
                a_webhook_is_read_as_written:
                    "a webhook is read as it was written, its body to the byte";
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
            versions {
                count_how_often_a_record_was_written:
                    "a record is at version 1 when it was inserted and one higher after each replacement";
                an_insert_of_what_exists_conflicts:
                    "inserting a record that exists is a conflict of that record";
                a_replacement_of_another_version_conflicts:
                    "replacing a record that is not at the expected version is a conflict of that record";
                a_requirement_of_another_version_conflicts:
                    "requiring a version that a record is not at is a conflict, and one that it is at changes nothing";
                a_removal_of_another_version_conflicts:
                    "removing a record that is not at the expected version is a conflict of that record";
                a_write_of_what_is_absent_conflicts:
                    "replacing, requiring or removing a record that does not exist is a conflict";
                begin_again_after_a_removal:
                    "a record that was removed can be inserted again, at version 1";
                belong_to_one_record_alone:
                    "writing a record leaves the versions of all others";
                rise_by_one_where_a_commit_replaces_many:
                    "each record that a commit replaces has its next version, each that it requires the same";
                a_commit_of_nothing_changes_nothing:
                    "a commit that writes nothing holds and changes nothing";
                rise_by_a_touch_that_changes_nothing_else:
                    "touching a record gives it the next version and leaves it as it is";
                of_what_is_leant_on_need_only_exist:
                    "many can touch a record that need only exist; whoever removes it must have seen them";
                of_a_conflict_the_record_is_named:
                    "a conflict names the record that is not as it was read";
            }
            unique {
                a_product_has_its_slug_alone:
                    "a product slug has one holder; a change or a removal sets it free";
                a_category_has_its_slug_alone:
                    "a category slug has one holder; a change or a removal sets it free";
                a_variant_has_its_sku_alone:
                    "a SKU has one holder in the shop; a change or a removal sets it free";
                a_variant_has_its_options_alone:
                    "a variant has its options alone in its product; a change or a removal sets them free";
                options_are_compared_value_by_value:
                    "the options of a variant are compared value by value, in their order, within its product";
                a_customer_has_one_open_cart:
                    "a customer has one open cart; closing or removing it makes room for another";
                only_open_carts_of_customers_are_counted:
                    "closed carts, guests and drafts of the back office do not take the place of an open cart";
                an_order_has_its_number_alone:
                    "an order number has one holder; a change or a removal sets it free";
                a_cart_gives_one_order:
                    "one order at most is placed from a cart";
                a_customer_has_their_email_alone:
                    "an e-mail address has one holder without regard to case; a change or a removal sets it free";
                a_customer_has_their_external_number_alone:
                    "an external number has one holder; a change or a removal sets it free";
                an_api_token_has_its_digest_alone:
                    "a token digest has one holder; a change or a removal sets it free";
                a_webhook_has_its_event_alone:
                    "an event of a gateway has one holder; a change or a removal sets it free";
                what_is_absent_is_not_taken:
                    "a unique key that a record does not have is taken by nobody";
                kinds_do_not_share_keys:
                    "the same text is another unique key for another kind of record";
                case_matters_but_for_emails:
                    "SKUs and external numbers are told apart by case";
                two_records_of_one_commit_cannot_share_one:
                    "two records of one commit cannot gain one unique key";
                what_a_commit_gives_up_it_may_take:
                    "unique keys that writes of a commit give up, other writes of it may take, in a ring as well";
                one_given_up_goes_to_one_alone:
                    "a unique key that a commit gives up goes to one record, and one that it keeps to none";
            }
            levels {
                move_by_differences:
                    "a move changes a level by a difference, from whatever it is";
                nothing_is_available_below_zero:
                    "held units never exceed those on hand";
                the_last_unit_can_be_held:
                    "every unit that is available can be held and sold, and none more";
                no_more_is_released_than_is_held:
                    "held units never fall below zero";
                a_place_has_room_for_so_many:
                    "a level takes as many units as StockLevel::UNITS_MAX and no more";
                a_shortage_says_which_and_by_how_much:
                    "a shortage names the level, the units wanted and those available";
                moves_of_one_level_count_as_one:
                    "the moves of one level count as one: their sum must fit, not each of them";
                two_lines_of_one_level_do_not_oversell:
                    "two moves of one level are held against its bounds together";
                huge_moves_are_summed_exactly:
                    "moves are summed exactly, however large they are";
                places_and_variants_have_their_own:
                    "each variant has a level of its own in each place";
                one_short_level_stops_all:
                    "one level that is short refuses the moves of all others";
                one_can_be_set_if_it_is_as_it_was_read:
                    "a move that expects other units on hand than there are is a conflict of the variant";
                one_that_never_was_is_as_one_of_zero:
                    "a level that never was means the same as one of zero";
                moves_that_expect_different_levels_are_malformed:
                    "moves of one level that expect different units on hand are malformed";
                the_same_stock_is_read_everywhere:
                    "every read shows the same levels, by location";
            }
            commits {
                are_taken_by_a_store_that_is_ready:
                    "a store that takes commits says that it is ready, with a shop in it and without";
                that_hold_are_applied_whole:
                    "a commit that holds is applied whole: records, levels, ledger, events and outcome";
                with_a_conflict_write_nothing:
                    "a commit with a conflict writes nothing at all";
                with_a_taken_key_write_nothing:
                    "a commit that wants a taken key writes nothing at all";
                with_a_short_level_write_nothing:
                    "a commit with a short level writes nothing at all";
                with_a_moved_level_write_nothing:
                    "a commit that expects another level writes nothing at all";
                that_are_malformed_write_nothing:
                    "a malformed commit writes nothing at all";
                that_were_refused_can_be_decided_again:
                    "a commit that was refused can be decided again and then holds";
                done_before_say_so_before_anything_else:
                    "what was done before is told before any conflict, taken key or shortage";
                in_conflict_say_so_before_a_taken_key:
                    "a conflict is told before a taken key";
                of_a_taken_key_say_so_before_a_short_level:
                    "a taken key is told before a shortage";
                that_are_malformed_say_so_first:
                    "a malformed commit is told before anything else";
                write_each_record_once_at_most:
                    "two writes of one record are malformed";
                replace_a_record_by_itself_alone:
                    "a replacement of one record by another is malformed";
                have_so_many_writes_and_no_more:
                    "a commit has at most Commit::WRITES_MAX writes, and that many hold";
                have_so_many_moves_and_no_more:
                    "a commit has at most Commit::MOVES_MAX moves, and that many hold";
                given_up_halfway_happen_or_do_not:
                    "a commit whose future is dropped happens whole or not at all";
                are_there_for_whoever_opens_the_store_next:
                    "a commit that was acknowledged is there for whoever opens the store after it, and one that was refused is not";
            }
            outcomes {
                are_kept_byte_for_byte:
                    "an outcome is kept byte for byte";
                are_found_by_scope_and_key:
                    "an outcome is found by its scope and its key together, and by no other";
                keys_at_their_longest:
                    "every idempotency key that is allowed is kept to the letter";
                are_committed_with_everything_else:
                    "an outcome is committed together with what was done";
                are_committed_alone:
                    "an outcome is kept though nothing else is written";
                done_before_is_answered_and_not_done_again:
                    "a commit under a key that has an outcome answers with it and writes nothing";
                of_others_stand_in_nobody_s_way:
                    "the same key in another scope is another key";
                of_a_refused_commit_are_not_kept:
                    "the outcome of a refused commit is not kept";
            }
            outbox {
                keeps_every_event:
                    "events are kept as they were told, in their order";
                has_one_entry_for_each_commit_that_tells:
                    "the events of a commit are one entry, and commits come in their order";
                has_no_entry_for_a_commit_that_tells_nothing:
                    "a commit without events has no entry";
                has_no_entry_of_a_refused_commit:
                    "a refused commit has no entry";
                has_the_time_of_the_operation:
                    "an entry has the time of the operation";
                has_rising_places:
                    "later commits have higher places, from 1 on";
                is_read_from_a_place_on:
                    "the outbox is read after a place, in order";
                rings_before_a_commit_is_answered:
                    "the bell is rung before a commit is answered that tells something";
                gives_no_more_than_was_asked:
                    "at most as many entries are read as were asked for, and reading on gives the rest once";
                tells_of_a_level_after_the_commit_s_own_events:
                    "a level that moved is told of after the events of the commit, as it is after all moves";
                tells_of_each_level_once:
                    "each level that moved is told of once";
                tells_nothing_of_a_level_that_is_as_before:
                    "a level that is as before is not told of";
                tells_of_low_stock_once_at_the_threshold:
                    "low stock is told once, when fewer units than the threshold are available and before there were not";
                tells_of_low_stock_over_all_places_that_count:
                    "low stock is that of a variant in all places that count together";
                tells_of_no_low_stock_without_a_threshold:
                    "stock is never low where the threshold is 0";
            }
            webhooks {
                are_found_by_id_and_event:
                    "a webhook is found by its id and by the event of its gateway, to the letter";
                come_with_the_parked_ones_first:
                    "webhooks come with the parked ones first, of all the newest first, page by page";
            }
            due {
                are_orders_and_carts_whose_time_is_up:
                    "orders and open carts are due once their time is not after now";
                come_the_longest_due_first:
                    "the longest due come first, and no more than were asked for";
                are_not_those_that_were_changed:
                    "what is due follows the record as it is now";
                are_not_closed_carts:
                    "a closed cart is never due";
                are_not_removed_ones:
                    "what was removed is never due";
                are_payments_and_webhooks_that_wait:
                    "payments and webhooks are due at their time, until nothing is left to do";
            }
            purge {
                forgets_outcomes_before_a_time:
                    "a purge forgets the outcomes before its time, says how many, and their keys are free again";
                forgets_the_outbox_through_a_place:
                    "a purge forgets the entries up to its place and says how many";
                never_gives_a_place_again:
                    "a place of the outbox is never given again, though its entry is forgotten";
                forgets_closed_carts_before_a_time:
                    "a purge forgets the closed carts last changed before its time, never open ones";
                leaves_a_cart_s_order_as_it_is:
                    "the order of a forgotten cart stays, and stays the only one of that cart";
                forgets_webhooks_that_are_done_with:
                    "a purge forgets the webhooks last changed before its time that are done with, never one that waits";
                forgets_nothing_else:
                    "a purge forgets nothing but outcomes, entries, closed carts and webhooks that are done with";
            }
            products {
                are_found_by_id_and_slug:
                    "a product is found by its id and its slug";
                are_found_by_their_new_slug_alone:
                    "a product or category is found by the slug that it has now and by no former one";
                are_read_in_every_status:
                    "products and variants are read whether or not they are for sale";
                have_their_variants_by_position_then_id:
                    "the variants of a product come by position, equal ones by id";
                have_as_many_variants_as_they_may:
                    "a product is read with as many variants as it may have";
                lose_a_variant_that_was_removed:
                    "a variant that was removed is not read with its product";
                come_with_the_stock_of_their_own_variants:
                    "a product is read with the stock of its own variants and no other";
                come_with_the_shop_as_it_is:
                    "a product comes with the configuration and the locations that the shop has when it is read, and not without";
                a_variant_is_found_by_id_and_sku:
                    "a variant is found by its id, and by the SKU that it has now";
                a_variant_comes_with_what_selling_it_needs:
                    "a variant is read with what selling needs of its product as it is now";
                a_variant_is_shown_by_its_own_image_or_the_first:
                    "a variant is shown by its own image, else by the first of its product";
                several_variants_come_each_once:
                    "of several variants those that exist are read, each once";
                thousands_of_variants_are_read_at_once:
                    "thousands of variants are read at once";
                all_categories_are_read:
                    "all categories are read, and each by its id and slug";
            }
            carts {
                a_customer_s_open_one_is_found:
                    "the open cart of a customer is found, and no closed or foreign one";
                a_draft_is_nobody_s_open_one:
                    "a draft of the back office is not the open cart of its customer";
                a_guest_s_one_becomes_a_customer_s:
                    "a cart that was given to a customer is their open cart";
                come_with_all_that_a_checkout_needs:
                    "a cart is read with the shop, its locations and what its lines sell";
                come_with_further_variants_that_are_asked_for:
                    "a cart is read with further variants that are asked for, each once, missing ones left out";
                with_several_lines_of_a_variant_have_it_once:
                    "a variant of several lines is read once";
                are_read_without_a_variant_that_is_gone:
                    "a cart is read though a variant of its lines is gone";
                of_2000_lines_come_with_everything:
                    "the largest cart is read with everything it needs";
            }
            orders {
                are_found_by_id_and_number:
                    "an order is found by its id and its number, with its own payments";
                have_their_payments_the_oldest_first:
                    "the payments of an order come the oldest first";
                have_each_payment_at_its_own_version:
                    "the payments of an order have versions of their own";
                without_payments_are_found:
                    "an order without payments is found";
                outlive_what_they_were_placed_from:
                    "an order stays as it is when the catalogue and the customer are gone";
            }
            payments {
                never_have_less_than_nothing:
                    "a payment of which an amount is below nothing is malformed";
                never_give_back_more_than_was_taken:
                    "a payment of which more is given back, or about to be, than was taken is malformed, and all of it may be";
                never_take_more_than_was_set_aside:
                    "a payment of which more is taken or let go than was set aside is malformed, and all of it may be";
                never_set_aside_more_than_they_are_for:
                    "a payment of which more is set aside than it is for is malformed, and all of it may be";
            }
            customers {
                are_found_by_id_email_and_external_number:
                    "a customer is found by id, e-mail address and external number";
                are_found_by_email_without_regard_to_case:
                    "a customer is found by their address without regard to case, and it is kept as written";
                are_found_by_what_they_have_now_alone:
                    "a customer is found by what they have now and by nothing former";
                tokens_are_found_by_digest_and_id_though_revoked:
                    "an API token is found by its digest and its id, also when it was withdrawn";
                subscriptions_are_found_by_name:
                    "a subscription is found by its name to the letter";
            }
            list_products {
                filter_by_status:
                    "products are filtered by status";
                filter_by_any_of_some_categories:
                    "products are filtered by being in one of some categories; in one of none is no product";
                filter_by_tag_without_regard_to_case:
                    "products are filtered by tag without regard to case";
                filter_by_vendor_without_regard_to_case:
                    "products are filtered by vendor without regard to case";
                filter_by_type_without_regard_to_case:
                    "products are filtered by type without regard to case";
                filter_by_being_shown_off:
                    "products are filtered by being featured, and by not being";
                filter_by_the_lowest_price_of_active_variants:
                    "products are filtered by the lowest price of an active variant, bounds included";
                honour_a_price_of_zero:
                    "a bound of zero is a bound";
                compare_prices_in_one_currency:
                    "prices are compared in the currency asked for alone";
                filter_by_what_can_be_bought_now:
                    "a product is in stock when an active variant has units available in an active location, is not tracked or may be backordered";
                follow_stock_as_it_moves:
                    "the filter by stock follows every move";
                combine_all_filters:
                    "a product must pass all filters";
                come_by_the_time_they_were_made:
                    "products come by the time they were made, equal ones by id, in both directions";
                come_by_price_those_without_one_as_dearest:
                    "products come by lowest price, those without one as dearest, equal ones by id, in both directions";
                come_by_title_in_lower_case_byte_by_byte:
                    "products come by title in lower case byte by byte, equal ones by id, in both directions";
                follow_a_changed_price:
                    "the order by price follows every change of a variant";
                count_all_only_if_asked:
                    "the total is that of the whole list, and there only if asked for";
                end_where_they_end:
                    "a page has a next one exactly when there are more items";
                give_each_item_once_while_others_come_and_go:
                    "reading page after page gives each item that stays once, while others come and go";
                have_each_product_whole:
                    "a product of a list is as it is when read alone";
                lose_a_product_that_was_removed:
                    "a product that was removed is in no list";
            }
            search {
                finds_words_and_their_beginnings:
                    "a search finds words and beginnings of words, without regard to case, and whole words first";
                wants_every_word:
                    "every word of a search must be found, in whichever field";
                ranks_by_where_a_word_is:
                    "a word of a title or SKU ranks before one of a description, a whole one before a beginning";
                ranks_tags_vendors_and_types_between:
                    "tags, vendor and type rank between title and description";
                puts_the_newest_first_of_equals:
                    "of equal ranks the newest comes first, in no other direction";
                finds_skus_and_barcodes:
                    "a product is found by the SKUs and barcodes that its variants have now";
                similar_names_stand_in_where_nothing_matches:
                    "names like the words are found only where it is asked and nothing has the words, if at all";
                follows_every_change:
                    "a product is found by what it says now";
                knows_no_tags_of_html:
                    "tags of HTML are not words";
                takes_letters_as_they_are:
                    "letters are told apart by their accents, in every script";
                knows_no_operators:
                    "a search has words and no operators";
                of_no_word_finds_everything:
                    "a search without a word finds everything";
                ignores_words_past_its_bound:
                    "words past the bound are ignored";
                is_combined_with_filters_and_orders:
                    "a search is combined with filters and orders";
                looks_at_the_newest_that_match:
                    "a ranking looks at no more than the newest candidates";
                looks_at_names_however_old:
                    "a ranking looks at old products that match by name, however many others match";
                in_another_order_looks_at_all:
                    "a search in another order looks at all that match";
            }
            list_orders {
                come_the_newest_first:
                    "orders come the newest first, equal ones by id, page by page";
                filter_by_each_status:
                    "orders are filtered by the status that a person sees, as it is now";
                filter_by_customer:
                    "orders are filtered by customer";
                filter_by_email_without_regard_to_case:
                    "orders are filtered by e-mail address without regard to case";
                filter_by_the_time_they_were_placed:
                    "orders are filtered from a time on, and before a time";
                filter_by_whether_a_person_must_look_at_them:
                    "orders are filtered by whether a payment of theirs is in review";
                combine_all_filters:
                    "an order must pass all filters";
                have_each_order_whole:
                    "an order of a list is as it is when read alone";
                count_all_only_if_asked:
                    "the total is that of the whole list, and there only if asked for";
            }
            list_customers {
                come_the_newest_first:
                    "customers come the newest first, equal ones by id, page by page";
                find_those_who_have_every_word:
                    "customers are found by words, or their beginnings, of name, e-mail, telephone and external number";
                find_by_what_they_have_now_alone:
                    "customers are found by what they have now, and not at all once removed";
                have_each_customer_whole:
                    "a customer of a list is as they are when read alone, addresses included";
                count_all_only_if_asked:
                    "the total is that of the whole list, and there only if asked for";
            }
            list_payments {
                come_by_the_time_of_their_last_change:
                    "payments come by the time of their last change, equal ones by id, page by page";
                are_those_of_a_gateway_that_changed_in_a_period:
                    "payments are those of a gateway, changed from a time on and made before a time";
            }
            list_tokens {
                come_the_newest_first:
                    "API tokens come the newest first, equal ones by id, withdrawn ones too";
            }
            list_stock {
                comes_by_sku_byte_by_byte:
                    "stock comes by SKU byte by byte, page by page";
                is_that_of_tracked_variants:
                    "stock is listed of tracked variants alone, also of those that are not for sale";
                has_every_level_by_location:
                    "stock is listed with every level, by location";
                of_a_place_leaves_out_what_never_was_there:
                    "the stock of a place leaves out what never was there, and shows that place alone";
                of_a_sku_is_that_one_to_the_letter:
                    "stock is filtered by a SKU to the letter";
                that_is_low_is_below_the_threshold:
                    "stock is low when fewer units than the threshold are available";
                that_is_low_counts_active_places_alone:
                    "units in inactive locations do not count against low stock";
                that_is_low_follows_a_commit_that_does_both:
                    "stock is low after a commit that writes a variant and moves its stock as after two";
                is_counted_only_if_asked:
                    "the total is that of the whole list, and there only if asked for";
            }
            movements {
                have_every_field_of_their_move:
                    "a row of the ledger has every field of its move and the time of the operation";
                are_there_for_units_that_come_or_go_alone:
                    "holds and releases are not rows of the ledger";
                are_there_one_for_each_move:
                    "each move of units is a row, though moves of one level count as one";
                sum_to_the_units_on_hand:
                    "the rows of a level sum to its units on hand";
                of_a_refused_commit_are_not_there:
                    "a refused commit leaves no row";
                come_the_newest_first_page_by_page:
                    "rows come the newest first, equal ones by id, page by page";
                are_those_of_a_variant_and_a_place:
                    "rows are those of the variant, and of the place if one is named";
            }
            concurrency {
                never_sells_more_than_there_is:
                    "of many who take the last units at once, as many succeed as there are units";
                never_loses_an_update:
                    "of many who replace a record at once, each builds on the one before";
                does_once_what_has_one_key:
                    "of many commits with one idempotency key at once, one holds and all are told its outcome";
                gives_a_unique_key_to_one:
                    "of many who want a unique key at once, one gains it";
                takes_in_opposite_order_without_a_deadlock:
                    "commits that name the same things in opposite order all hold";
                reads_whole_commits:
                    "a read sees whole commits only, and never goes back";
                tells_a_follower_everything_once:
                    "an entry of the outbox is there only once none with a lower place can still come";
                keeps_the_ledger_in_step:
                    "the ledger sums to the level, however many write at once";
                shows_what_was_acknowledged:
                    "a read sees every commit that was acknowledged before it began";
            }
        }
    };
}
