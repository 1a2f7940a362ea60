//! The main job, end to end: a repository is registered, a signed delivery comes in, the ticket moves.
//!
//! Everything is as `conduit serve` starts it, on both stores, with a simulated Jira behind it.

mod backpressure;
mod door;
mod first_admin;
mod jira_hooks;
mod main_job;
mod processes;
mod reload;
mod secrets;
mod tls;
mod waiting;
mod watching;
