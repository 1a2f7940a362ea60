//! The rule language: from HCL text to a decision.
//!
//! Everything here is pure. [`decide`](decision) is the only place where a decision is made.

mod decision;

pub use decision::{Action, Decision, Effects, FixVersion, Hop, Link, TicketNow};
