//! The stories: Conduit's parts together, on real stores and over real HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic in a test is a finding")]

mod architecture;
mod cli;
mod docs;
mod http;
mod infra;
mod service;
mod store;
mod stories;
mod support;
