//! What every store promises, written against [`Store`] alone: a second database joins by one line.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, though not all of it stands in one"
)]

mod append;
mod apply;
mod events;
mod filters;
mod kit;
mod letters;
#[path = "../common/many.rs"]
mod many;
mod model;
mod operations;
mod outbox;
mod plans;
mod postgres_mix;
mod postgres_races;
mod postgres_server;
mod postgres_shards;
mod property;
mod queue;
mod redrive;
mod relays;
#[path = "../common/schema.rs"]
mod schema;
mod sqlite_file;
mod triage;

/// Runs every promise on one kind of store.
macro_rules! contract {
    ($(#[$ignored:meta])? $kind:ident) => {
        contract! { @ $kind ($(#[$ignored])?)
            apply::{
                an_effect_happens_once, a_second_copy_in_the_batch_is_a_duplicate,
                services_do_not_share_an_inbox, a_fault_leaves_the_others_standing,
                a_fault_holds_what_comes_after_it_in_its_key, what_is_said_is_stored_and_published,
                stock_is_reserved_and_released, later_mails_find_the_address,
                closed_windows_are_published_once, a_forced_replay_doubles_the_effect,
                a_replay_reports_to_its_operation, a_batch_of_hundreds_is_one_transaction,
                an_inbox_is_pruned_by_age, a_dropped_batch_leaves_all_or_nothing,
                two_processes_share_one_effect, an_empty_batch_is_nothing
            }
            append::{
                versions_count_from_one, a_wrong_expectation_is_a_conflict,
                the_same_event_twice_is_refused, payloads_are_kept_byte_for_byte,
                many_streams_in_one_append, an_order_has_a_summary,
                writers_on_two_handles_take_turns, a_dropped_append_leaves_all_or_nothing
            }
            events::{
                pages_go_both_ways, an_empty_store_is_at_both_ends, filters_combine,
                counts_span_what_matches, a_stream_is_read_to_a_version,
                totals_count_events_and_streams
            }
            outbox::{
                rows_come_in_order_and_move_when_acknowledged,
                a_blocked_key_is_skipped_and_keeps_its_order,
                a_parked_key_waits_for_a_person, an_acknowledged_head_frees_its_key,
                acknowledging_twice_is_harmless, sent_rows_are_pruned_by_age,
                an_unpublished_append_is_quiet
            }
            letters::{
                a_letter_is_kept_with_its_bytes, a_long_key_blocks_as_a_short_one,
                copies_in_one_look_are_one_letter, what_is_unknown_of_a_foreign_letter_stays_so,
                a_foreign_letter_blocks_no_key, the_same_letter_twice_is_one_row,
                a_letter_blocks_its_key, no_key_blocks_nothing, the_indexer_changes_no_fate,
                the_index_is_rebuilt_from_the_topic, a_later_failure_in_the_topic_reopens,
                letters_are_filtered_and_paged, a_page_and_its_total_are_of_one_moment,
                search_takes_text_as_it_is, causes_group_and_trend,
                counts_by_status_and_since, a_closed_letter_that_fails_again_is_open
            }
            queue::{
                events_wait_in_order_behind_a_letter, a_handled_event_does_not_wait,
                a_free_key_is_released, a_queue_has_an_end, queueing_twice_is_once,
                the_block_moves_to_the_next_and_ends, a_queued_row_that_fails_is_a_letter,
                another_group_is_not_blocked, a_turn_that_is_refused_waits_for_a_person
            }
            redrive::{
                a_redrive_resolves, a_redelivered_redrive_stays_ok, three_redrives_in_vain_park,
                a_report_may_come_before_the_acknowledgement,
                silence_is_unknown_until_somebody_speaks, refused_items_go_back,
                one_redrive_on_a_topic, a_letter_that_is_done_is_not_sent,
                a_cancelled_redrive_leaves_nothing_hanging, what_is_not_sent_does_not_count,
                a_key_is_sent_in_the_order_of_arrival, what_waits_behind_a_failure_is_refused,
                an_end_derives_from_the_items, nothing_is_queued_of_what_stands_still,
                a_crash_sends_under_the_same_id, a_letter_that_is_gone_ends_no_redrive
            }
            operations::{
                counters_add_up, operations_are_listed_running_first, one_drives_and_a_silent_one_is_replaced,
                a_wish_is_answered_by_how_it_stands, who_takes_over_says_so,
                a_replays_end_tells_what_nobody_reported,
                the_audit_keeps_order,
                a_worker_report_replaces_the_one_before, the_last_wish_counts
            }
            relays::{
                one_shard_is_the_whole_outbox, a_store_at_rest_holds_nobody_up
            }
            triage::{
                an_archived_letter_leaves_lists_and_counts,
                what_waits_behind_goes_on_or_is_archived_too,
                what_is_before_an_archived_letter_stays, an_opened_letter_holds_its_key_again,
                a_parked_letter_comes_back_parked, a_note_stays_with_its_letter,
                an_edited_letter_that_fails_shows_what_failed
            }
            filters::{
                the_store_and_the_filter_judge_alike, causes_count_what_passes,
                a_letter_that_is_unknown_is_in_neither_half, letters_after_the_bound_are_not_meant,
                letters_are_sorted_by_each_column, pages_reach_every_letter_while_they_change,
                what_waits_behind_is_listed, what_went_on_since_is_counted
            }
            plans::{
                nothing_that_is_asked_all_the_time_reads_all
            }
            property::{
                duplicates_and_order_change_nothing
            }
            model::{
                whatever_happens_adds_up, a_cancel_leaves_nothing_ready,
                redrives_of_any_size_end, ten_thousand_letters_end,
                replays_of_any_size_are_sent_whole, replays_add_up,
                a_replay_that_is_cancelled_while_it_sends_counts_what_it_sent
            }
        }
    };
    (@ $kind:ident $ignored:tt $($module:ident :: { $($name:ident),* $(,)? })*) => {
        mod $kind {
            $(mod $module {
                $(contract! { @@ $kind $ignored $module $name })*
            })*
        }
    };
    (@@ $kind:ident ($(#[$ignored:meta])?) $module:ident $name:ident) => {
        #[tokio::test]
        $(#[$ignored])?
        async fn $name() {
            crate::$module::$name(crate::kit::Kit::$kind().await).await;
        }
    };
}

contract!(sqlite);
contract!(
    #[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
    postgres
);
