//! The conformance suite: what every store promises, told as stories and held against each of them.
//!
//! A story is `async fn story(store: &Arc<dyn Store>, clock: &Clock)` in the file of its concern, and one name in
//! [`suite`]; a name that is forgotten there is dead code, and warned of. A story of `durability` gets
//! the store's home instead, because it opens the store again. Adding a store is one line at the end.
//!
//! A store on a cluster is spread over partitions. Stories that look at the order between tickets are told to one that
//! was created with a single partition.

mod audit;
mod backups;
mod claims;
mod concurrency;
mod config;
mod copies;
mod durability;
pub(crate) mod given;
mod handover;
mod ingest;
mod leases;
mod leftovers;
mod on_redis;
mod on_sqlite;
mod pauses;
mod queries;
mod replay;
mod retention;
mod retries;
mod routing;
mod siblings;
mod spool;

/// Tells each story to a store of its own.
macro_rules! tell {
    ($home:ty, $concern:ident: $($story:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $story() {
            let home = <$home as crate::support::homes::Home>::new().await;
            let clock = conduit::clock::Clock::system();
            let store = crate::support::homes::Home::open(&home, &clock).await;
            crate::store::$concern::$story(&store, &clock).await;
        }
    )*};
}

/// Tells each story to a home of its own.
macro_rules! tell_home {
    ($home:ty, $concern:ident: $($story:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $story() {
            let home = <$home as crate::support::homes::Home>::new().await;
            crate::store::$concern::$story(home).await;
        }
    )*};
}

macro_rules! suite {
    ($store:ident, $home:ty, $one_partition:ty) => {
        mod $store {
            tell! { $home, config:
                a_setting_is_chosen_once
                a_setting_is_replaced_over_the_value_it_had
                a_hook_is_added_once_and_found_again
                hooks_are_listed_by_provider_and_by_name
                a_hook_is_saved_only_over_the_revision_it_was_read_at
                of_many_who_save_a_hook_at_once_one_wins
                a_hook_registered_anew_does_not_get_its_predecessors_secrets
                a_removed_hook_is_gone_and_its_events_stay
                a_token_is_kept_as_it_is
                a_revoked_token_stays_revoked_whoever_saves_it_again
                tokens_are_revoked_by_their_name_and_the_last_administrator_stays
                of_administrators_who_revoke_each_other_at_once_one_stays
            }
            tell! { $home, audit:
                the_audit_log_is_read_from_its_newest_entry_and_filtered
                pages_of_the_audit_log_follow_each_other
                the_audit_log_forgets_after_a_year
            }
            tell! { $home, ingest:
                a_delivery_waits_in_the_inbox_as_it_came
                a_large_event_comes_back_as_it_was
                the_same_delivery_fifty_times_at_once_is_one_event
                the_same_change_by_another_hook_is_a_duplicate
                an_event_with_a_verdict_is_finished_and_stands_for_nothing
                a_payload_that_could_not_be_understood_is_kept_whole
                a_body_is_kept_for_the_log
                an_event_of_a_newer_version_says_so
            }
            tell! { $home, routing:
                events_leave_the_inbox_in_the_order_they_came
                large_events_leave_the_inbox_a_few_at_a_time
                a_settled_ticket_is_finished_at_once
                an_event_without_tickets_has_its_own_verdict
                routing_twice_changes_nothing
                of_two_routers_one_gets_nothing
                a_router_that_went_silent_is_replaced
                who_lost_the_inbox_routes_nothing
            }
            tell! { $home, claims:
                a_claim_hands_over_the_job_with_its_event
                the_end_of_the_last_ticket_tells_when_its_event_came
                a_claim_takes_no_more_than_it_asks_for
                sites_that_have_enough_workers_are_left_out
                an_unreadable_event_is_claimed_with_the_reason
            }
            tell! { $home, siblings:
                the_other_tickets_of_an_event_are_leased_beside_one
                a_ticket_that_is_alone_has_no_siblings
                no_more_siblings_are_leased_than_are_asked_for
                only_what_could_be_claimed_now_is_leased_beside_a_ticket
                a_paused_site_gives_no_siblings
                each_sibling_has_a_lease_of_its_own
                two_that_ask_for_the_same_siblings_share_them
            }
            tell! { $home, pauses:
                a_paused_site_stands_still_until_it_is_resumed
                a_pause_by_hand_outlives_an_automatic_one_and_its_end
                an_automatic_pause_says_when_the_site_is_asked_again
                of_many_who_would_ask_a_paused_site_one_may
                nobody_asks_whether_a_pause_by_hand_is_over
            }
            tell! { $home, leases:
                a_lease_that_is_renewed_lasts
                an_expired_lease_that_nobody_took_may_still_be_renewed
                what_is_handed_back_is_claimed_again_at_once
                the_next_worker_finds_what_was_saved
                leases_that_run_out_are_counted_until_somebody_parts_in_good_order
            }
            tell! { $home, retries:
                a_ticket_in_backoff_blocks_only_itself
                two_events_of_one_ticket_keep_their_order_through_a_retry
                a_retry_says_what_the_ticket_waits_for
            }
            tell! { $home, handover:
                who_lost_the_ticket_hands_nothing_over
                a_job_that_stands_under_the_other_key_already_is_the_only_one
                what_failed_there_goes_again_by_the_key_the_event_names
            }
            tell! { $home, replay:
                a_redelivery_takes_up_what_failed
                a_redelivery_repeated_queues_nothing_twice
                a_redelivery_of_what_waits_or_went_well_changes_nothing
                a_redelivered_ticket_goes_to_the_end_of_its_queue
                a_redelivery_does_not_wait_for_the_other_tickets
                a_replay_that_finds_nothing_to_do_says_why
                an_event_that_was_held_back_is_replayed_whole
                a_replayed_ticket_that_is_no_longer_found_is_what_it_was
            }
            tell! { $home, queries:
                traces_are_listed_in_the_order_the_event_names_them
                events_are_found_by_ticket_repository_outcome_and_time
                pages_follow_each_other_without_gap_or_repeat
                what_nobody_knows_is_not_found
            }
            tell! { $home, retention:
                what_is_finished_and_old_is_removed_with_all_that_belongs_to_it
                a_merge_is_found_by_its_commit_as_long_as_its_event
                what_is_not_finished_stays_however_old
                what_finished_late_stays_readable_from_then_on
                much_is_removed_in_small_steps
                large_releases_are_removed_few_at_a_time
            }
            tell! { $home, concurrency:
                eight_claimers_never_hold_the_same_ticket
                whoever_waits_for_work_is_woken_by_it
                a_store_that_is_well_takes_writes
            }
            // These look at the order between tickets, which a store keeps within a partition.
            tell! { $one_partition, routing:
                an_event_fans_out_to_its_tickets
            }
            tell! { $one_partition, claims:
                only_the_head_of_a_queue_is_claimed
                tickets_are_claimed_in_the_order_of_routing
                projects_of_a_site_take_turns
                sites_take_turns
                a_burst_of_one_project_in_one_claim_leaves_the_others_their_turns
                a_claim_says_which_projects_the_hook_may_move
            }
            tell! { $one_partition, leases:
                an_expired_lease_comes_back_to_the_front_and_its_holder_is_refused
                a_job_that_is_over_refuses_its_old_lease
                tickets_that_keep_expiring_come_back_one_after_the_other
            }
            tell! { $one_partition, handover:
                a_job_goes_on_at_the_end_of_the_queue_of_the_other_key
            }
            tell! { $one_partition, replay:
                a_replay_takes_failed_tickets_and_on_demand_all
                a_replay_of_named_tickets_takes_those_of_them_that_may_go
            }
            tell! { $one_partition, queries:
                settled_tickets_keep_their_place_among_the_others
                the_verdict_of_an_event_is_the_gravest_of_its_tickets
                the_queue_is_told_in_numbers
            }
            tell_home! { $one_partition, durability:
                a_store_that_is_opened_again_has_everything
                two_processes_share_one_store
            }
        }
    };
}

suite!(sqlite, crate::support::homes::Sqlite, crate::support::homes::Sqlite);
suite!(redis, crate::support::homes::Redis, crate::support::homes::Redis);
suite!(redis_cluster, crate::support::homes::Cluster, crate::support::homes::ClusterOfOnePartition);
