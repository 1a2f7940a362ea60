//! What the API shows of the configuration in force.

use std::sync::Arc;

use super::reload::Reload;
use crate::http::InForce;
use crate::machine::RuleSet;

/// The rules that decide now, and the names of the sites.
pub(super) struct Configuration {
    pub(super) reload: Arc<Reload>,
    pub(super) sites: Vec<String>,
}

impl InForce for Configuration {
    fn rules(&self) -> Option<Arc<RuleSet>> {
        Some(self.reload.rules())
    }

    fn sites(&self) -> Vec<String> {
        self.sites.clone()
    }

    fn reload_failed(&self) -> Option<String> {
        self.reload.failure()
    }
}
