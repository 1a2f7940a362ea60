//! What belongs to Atlassian's cloud rather than to the site: the gateway and the tokens; and the site's time.

use jiff::SignedDuration;

use super::JiraSim;
use crate::state::Development;

impl JiraSim {
    /// What Atlassian's cloud calls the site.
    pub fn cloud_id(&self) -> String {
        self.site.lock().state.cloud_id.clone()
    }

    /// The base URL of the site behind the gateway, for scoped tokens and for those that client credentials bought.
    pub fn gateway_url(&self) -> String {
        format!("{}/ex/jira/{}", self.url(), self.cloud_id())
    }

    /// Where client credentials buy a token.
    pub fn token_url(&self) -> String {
        format!("{}/oauth/token", self.url())
    }

    /// Where other tools tell what they know: `what` is `devinfo`, `builds` or `deployments`.
    pub fn development_url(&self, what: &str) -> String {
        format!("{}/jira/{what}/0.1/cloud/{}/bulk", self.url(), self.cloud_id())
    }

    /// What other tools told of an issue.
    pub fn development(&self, key: &str) -> Vec<Development> {
        let core = self.site.lock();
        let Some(id) = core.state.issue(key).map(|issue| issue.id) else {
            return Vec::new();
        };
        core.state.development.values().filter(|one| one.issues.contains(&id)).cloned().collect()
    }

    /// Ends every token that client credentials bought so far.
    pub fn expire_tokens(&self) {
        self.site.change(|core| core.state.tokens.expire());
    }

    /// Sets the site's own idea of the time: so far ahead of the clock, or behind it.
    pub fn set_clock_skew(&self, ahead: SignedDuration) {
        self.site.change(|core| core.state.clock_skew = ahead);
    }
}
