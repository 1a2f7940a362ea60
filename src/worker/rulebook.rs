//! What decides now, as one thing.

use std::sync::Arc;

use super::Backends;
use crate::machine::RuleSet;

/// The rules, and which site each project lives on. They come from one read of the configuration and are
/// replaced together, so that nobody ever sees a project of the new one without its machine of the new one.
///
/// A job keeps the site it was routed to, because its ticket's queue stands there; its rules are those in force
/// when it is decided, and its path is written down then.
#[derive(Clone)]
pub struct Rulebook {
    /// The machines.
    pub rules: Arc<RuleSet>,
    /// The sites with their projects.
    pub backends: Backends,
}
