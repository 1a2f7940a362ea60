//! The main job behind the door: from an event in the store to a ticket moved in Jira.
//!
//! A story is `async fn story(world: World)` in the file of its concern and one name in [`tell`]. It is told
//! on every store, against a simulated Jira over real HTTP. Time is moved by hand; nobody sleeps.

mod batches;
mod bulk;
mod crashes;
mod effects;
mod events;
mod forge;
mod ids;
mod language;
mod moves;
mod patience;
mod renamed;
mod trouble;
mod world;

/// Tells each story in a world of its own.
macro_rules! tell {
    ($home:ty, $concern:ident: $($story:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $story() {
            let world = crate::stories::world::World::on::<$home>().await;
            crate::stories::$concern::$story(world).await;
        }
    )*};
}

macro_rules! stories {
    ($store:ident, $home:ty) => {
        mod $store {
            tell! { $home, language:
                a_rule_walks_several_hops_and_writes_its_effects_once
                a_machine_that_observes_decides_and_writes_nothing
            }
            tell! { $home, moves:
                a_merged_pull_request_moves_its_ticket
                the_second_ticket_of_a_kind_costs_one_read_and_one_write
                a_ticket_at_the_end_stays_there
                a_status_without_an_alias_is_named
                a_refused_remembered_transition_is_looked_up_once_more
                an_account_that_reads_french_moves_by_the_names_it_is_shown
                a_status_that_was_renamed_is_found_by_its_new_name_at_once
                a_path_of_several_steps_is_walked_with_a_look_between
                a_path_that_was_decided_survives_a_reload
                a_comment_whose_answer_was_lost_is_not_written_twice
                a_moved_ticket_answers_under_its_new_key
                a_transition_that_asks_for_a_field_says_which
                a_field_of_the_edge_is_filled_in_as_jira_wants_it
                a_board_without_the_way_says_what_it_offers
                an_account_without_permission_is_told
                a_transition_behind_a_condition_is_told_from_a_missing_one
                a_ticket_that_does_not_exist_is_not_found
            }
            tell! { $home, ids:
                a_status_that_was_renamed_before_the_next_look_is_still_where_we_went
                a_move_that_is_made_again_goes_where_it_was_to_go_under_any_name
                a_path_goes_on_through_a_status_that_is_renamed_meanwhile
                what_an_answer_tells_of_a_new_name_spares_a_question
                a_name_that_another_status_bears_by_now_leads_to_that_one
                two_statuses_of_one_name_are_told_apart_by_via_alone
            }
            tell! { $home, renamed:
                a_ticket_is_worked_on_in_the_queue_of_the_key_it_bears
                events_that_name_it_by_either_key_act_in_turn
                an_event_that_names_it_by_both_keys_moves_it_once
                a_worker_that_dies_on_the_way_leaves_one_job
                what_failed_under_the_new_key_is_replayed_by_the_old_one
            }
            tell! { $home, effects:
                the_tickets_of_a_release_make_its_version_once
                a_version_that_somebody_made_meanwhile_is_taken
                a_version_that_jira_does_not_take_is_told_and_looked_at_again
                a_comment_goes_with_the_move_where_a_screen_takes_it
                a_comment_that_went_with_a_move_whose_answer_was_lost_is_there_once
            }
            tell! { $home, events:
                every_ticket_that_is_named_moves
                a_key_in_the_branch_alone_counts
                a_deployment_moves_what_its_commit_was_merged_for
                an_event_without_keys_says_so
                a_key_of_no_configured_project_is_listed
                a_project_without_a_machine_says_so
                a_hook_moves_only_its_own_projects
                a_ticket_that_moved_where_the_hook_may_not_stays
                the_default_rules_look_at_merges_and_releases
                an_event_that_names_too_many_waits_for_a_person
                an_event_that_no_rule_can_see_is_recorded
                an_event_of_a_newer_version_is_left_to_it
            }
            tell! { $home, forge:
                a_rule_by_paths_looks_at_every_page_of_files_once
                a_ticket_that_only_the_commits_name_is_found
                nobody_is_asked_what_no_rule_wants_to_know
                a_ticket_waits_until_the_forge_tells_its_files
                what_the_token_may_not_see_fails_and_says_so
                events_wait_in_order_for_their_commits_but_not_for_ever
            }
            tell! { $home, crashes:
                a_worker_that_dies_before_it_asks_is_replaced
                a_worker_that_dies_while_it_asks_is_replaced
                a_move_whose_worker_died_is_not_made_twice
                a_worker_that_slept_through_its_lease_writes_nothing
                a_worker_that_is_told_to_stop_finishes_first
                a_store_that_restarts_is_waited_for
                a_job_that_breaks_its_worker_is_put_away
            }
            tell! { $home, trouble:
                a_move_that_was_applied_and_answered_503_is_not_made_twice
                a_move_that_was_applied_and_cut_off_is_not_made_twice
                a_move_that_was_not_applied_is_made_again
                a_ticket_that_a_person_moved_meanwhile_is_left_alone
                a_move_that_a_person_took_back_is_not_made_again
                a_ticket_that_a_person_moved_to_the_target_is_already_there
                a_conflict_is_tried_again
                a_pause_that_jira_asks_for_is_kept
                a_refused_login_pauses_the_site_until_it_works
                patience_ends_in_a_dead_letter_that_can_be_replayed
                two_events_of_one_ticket_keep_their_order_through_a_retry
            }
            tell! { $home, batches:
                a_hundred_tickets_cost_one_read_and_a_write_each
                a_hundred_tickets_of_a_cold_worker_cost_two_more_calls
                more_tickets_than_one_call_reads_take_one_read_a_hundred
                a_few_tickets_are_read_together_and_moved_singly
                tickets_that_no_rule_can_move_are_not_read
                what_a_bulk_read_leaves_out_is_read_singly
                a_bulk_read_that_fails_is_tried_again
                what_one_status_serves_is_a_few_seconds
                a_second_worker_finds_nothing_of_a_batch
                data_center_is_searched_and_each_ticket_is_read_before_it_moves
            }
            tell! { $home, bulk:
                a_hundred_tickets_move_in_a_few_calls
                a_bulk_move_whose_worker_died_is_not_made_twice
                a_bulk_move_whose_answer_was_lost_is_not_made_twice
                what_a_bulk_move_could_not_move_goes_on_singly
                a_ticket_that_a_person_moves_before_the_bulk_move_reaches_it_is_left_alone
                a_bulk_move_that_is_given_up_ends_in_single_moves
                a_bulk_move_that_is_never_over_is_waited_for_only_so_long
                a_successor_waits_for_the_bulk_move_of_who_died
                a_status_that_is_renamed_during_a_bulk_move_is_still_where_it_went
                while_a_bulk_move_is_polled_for_nobody_else_gets_its_tickets
                more_tickets_than_one_call_moves_take_a_move_a_thousand
                where_five_tasks_are_at_work_tickets_go_singly
                what_has_a_comment_to_carry_is_not_moved_in_bulk
            }
            tell! { $home, patience:
                a_site_that_is_down_is_asked_seldom_and_no_ticket_is_given_up
                a_single_ticket_is_enough_to_notice_that_its_site_is_away
                a_ticket_that_makes_jira_fail_stops_no_other
                a_pause_by_hand_outlives_the_outage_it_was_made_in
                a_call_that_is_limited_is_left_alone_and_others_go_on
                a_gateway_that_limits_without_a_word_is_not_hammered
                a_quota_that_is_used_up_stops_the_site_until_it_is_filled_again
                a_data_centers_bucket_is_not_overdrawn
                a_site_that_hangs_leaves_the_other_its_workers
                no_more_tickets_are_at_jira_than_there_are_places
                while_deliveries_keep_coming_tickets_keep_moving
                a_site_that_is_paused_stands_still_alone
                a_worker_that_is_stopped_while_jira_hangs_gives_its_tickets_back
                a_job_that_kills_its_process_again_and_again_is_put_away
                a_job_whose_workers_died_four_times_is_still_done
                a_project_that_bursts_leaves_another_its_turn
            }
        }
    };
}

stories!(sqlite, crate::support::homes::Sqlite);
stories!(redis, crate::stories::world::SyncingRedis);
