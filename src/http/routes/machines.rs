//! The machines in force.

use crate::http::ApiError;
use crate::http::answer::{self, Answer};
use crate::http::extract::{Ask, Viewer};

use super::queue::Nothing;

/// `GET /conduit/api/machines`
pub(super) async fn list(ask: Ask<Viewer, Nothing>) -> Answer {
    let rules = ask.state.in_force.rules().ok_or(ApiError::Busy("no rules are loaded"))?;
    Ok(answer::ok(rules))
}
