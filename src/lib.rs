//! Conduit moves Jira tickets when code moves.
//!
//! A delivery is **verified and made durable** ([`http`] → [`store`]); then for each ticket it names, one
//! **decision** is taken by a pure function ([`machine`]) and **carried out once** against Jira ([`worker`] →
//! [`jira`]), with everything that was seen and decided written down ([`trace`]).
//!
//! | room | what it is | may use |
//! |---|---|---|
//! | [`event`] | what happened, and which tickets it names (pure) | nothing of ours |
//! | [`secrets`] | sealing, tokens | nothing of ours |
//! | [`trace`], [`registration`], [`forge`] | the trace, a hook, the forges' dialects (pure) | `event` |
//! | [`machine`] | the rule language and the decision (pure) | `event` `trace` |
//! | [`store`] | what is durable, on SQLite or Redis | `registration` `event` `trace` `secrets` |
//! | [`jira`] | the client | `event` |
//! | [`forge_api`] | what a payload lacks, read from the forge | `event` |
//! | [`http`] | routes | `forge` `store` `registration` `machine` `event` `trace` `secrets` |
//! | [`worker`] | from a waiting event to a moved ticket | `machine` `store` `jira` `forge_api` `event` `trace` |
//! | [`cli`], [`app`] | the commands; the one place that chooses implementations | anything |
//!
//! Anyone may use [`telemetry`] and [`printable`]; whoever is not pure may use [`clock`]; only `cli` and `app` read
//! [`settings`]. A test (`tests/it/architecture.rs`) reads every `use crate::…` and fails outside this table.

// A reader may have seen enough: `cli/output.rs` has what knows that.
#![warn(clippy::print_stdout)]

pub mod app;
pub mod cli;
pub mod clock;
pub mod event;
pub mod forge;
pub mod forge_api;
pub mod http;
pub mod jira;
pub mod machine;
pub mod printable;
pub mod registration;
pub mod secrets;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod trace;
pub mod worker;
