//! The Lua scripts, each put together from its file and the shared parts it uses.
//!
//! What a worker needs to get on with is flagged `allow-oom`: a full Redis must still be able to finish work.
//! What makes the store larger (an ingest, a body, a replay) is not.
//!
//! Redis 7.0 can replay *half* a script after a torn append-only file. So every script adds to the destination
//! before it removes from the source, removes by value and never by position (once, from the front, so that a
//! backlog is not searched), and tolerates what a prefix of another left behind.

use redis::Script;

const TIME: &str = include_str!("scripts/lib_time.lua");
const EVENT: &str = include_str!("scripts/lib_event.lua");
const JOB: &str = include_str!("scripts/lib_job.lua");
const LEASE: &str = include_str!("scripts/lib_lease.lua");

/// Declares [`Scripts`] from one table: the script, its flags, the parts it is made of.
macro_rules! scripts {
    ($($(#[doc = $doc:literal])* $name:ident $flags:literal [$($part:ident)*];)*) => {
        /// All scripts of the store.
        pub(super) struct Scripts {
            $($(#[doc = $doc])* pub(super) $name: Script,)*
        }

        impl Scripts {
            pub(super) fn new() -> Self {
                Self {
                    $($name: Script::new(&[
                        concat!("#!lua", $flags, "\n"),
                        $($part,)*
                        include_str!(concat!("scripts/", stringify!($name), ".lua")),
                    ].concat()),)*
                }
            }
        }
    };
}

scripts! {
    /// A new event.
    ingest "" [];
    /// A raw body.
    save_body "" [];
    /// The holder's next events.
    inbox " flags=allow-oom" [TIME];
    /// How an event fans out.
    plan " flags=allow-oom" [EVENT];
    /// Jobs into their queues.
    add_jobs " flags=allow-oom" [JOB];
    /// A ticket under another key.
    enter_ticket " flags=allow-oom" [EVENT];
    /// The event leaves the inbox.
    routed " flags=allow-oom" [EVENT];
    /// Heads of ready tickets.
    claim " flags=allow-oom" [TIME JOB LEASE];
    /// Heads of other tickets of an event.
    claim_siblings " flags=allow-oom" [TIME JOB LEASE];
    /// Heartbeat and checkpoint.
    step " flags=allow-oom" [TIME JOB];
    /// The end of a job.
    finish " flags=allow-oom" [JOB];
    /// A retry, or a ticket handed back.
    give_back " flags=allow-oom" [TIME JOB];
    /// Finished tickets on their way home.
    carry " flags=allow-oom" [EVENT];
    /// Expired leases.
    reap " flags=allow-oom" [TIME JOB];
    /// Where ready tickets stand.
    ready_lists " flags=no-writes" [];
    /// Somebody is at work.
    present " flags=allow-oom" [];
    /// Whose queues were looked through.
    mark_run " flags=allow-oom" [];
    /// Tickets that stand nowhere.
    reconcile " flags=allow-oom" [JOB];
    /// The next generation.
    requeue "" [EVENT];
    /// Retention.
    remove " flags=allow-oom" [EVENT];
    /// Counts.
    queue " flags=no-writes" [];
    /// A site stands still.
    pause " flags=allow-oom" [TIME];
    /// Who asks a paused site.
    take_probe " flags=allow-oom" [TIME];
    /// A setting over the value it had.
    replace_setting "" [];
    /// A hook over its revision.
    save_hook "" [];
    /// A token, unless it was revoked.
    save_token "" [];
    /// The tokens of a name, unless nobody would be left.
    revoke_tokens " flags=allow-oom" [];
}
