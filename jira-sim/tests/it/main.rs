//! The simulator over HTTP, one file for each concern.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod auth;
mod board;
mod bulk;
mod comments;
mod data_center;
mod development;
mod faults;
mod gateway;
mod issues;
mod journal;
mod languages;
mod limits;
mod receiver;
mod remote_links;
mod search;
mod support;
mod transitions;
mod versions;
mod webhooks;
mod workflows;
