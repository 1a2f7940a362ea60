//! What belongs to Atlassian's cloud rather than to the site: the gateway and the tokens; and the site's time.

use jiff::SignedDuration;

use super::JiraSim;

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

    /// Ends every token that client credentials bought so far.
    pub fn expire_tokens(&self) {
        self.site.change(|core| core.state.tokens.expire());
    }

    /// Sets the site's own idea of the time: so far ahead of the clock, or behind it.
    pub fn set_clock_skew(&self, ahead: SignedDuration) {
        self.site.change(|core| core.state.clock_skew = ahead);
    }
}
