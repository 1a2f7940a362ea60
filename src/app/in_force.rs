//! What the API shows of the configuration in force.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::http::InForce;
use crate::machine::RuleSet;

/// The rules that decide now, and the names of the sites.
pub(super) struct Configuration {
    pub(super) rules: Arc<ArcSwap<RuleSet>>,
    pub(super) sites: Vec<String>,
}

impl InForce for Configuration {
    fn rules(&self) -> Option<Arc<RuleSet>> {
        Some(self.rules.load_full())
    }

    fn sites(&self) -> Vec<String> {
        self.sites.clone()
    }
}
