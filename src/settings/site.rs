//! One Jira site with its login: `site` of a worker in `workers.yaml`, or the `ATLASSIAN_…` variables.

use std::path::PathBuf;

use url::Url;

use super::SettingError;
use super::http_url;
use crate::secrets::Secret;

/// A Jira site with its login, values resolved.
#[derive(Debug, Clone, Default)]
pub struct SiteConfig {
    /// The worker whose own site it is; `None` for the environment's.
    pub worker: Option<String>,
    /// Its address.
    pub url: Option<String>,
    /// Cloud: the account's e-mail address; Data Center: a user.
    pub email: Option<String>,
    /// Cloud: an API token; Data Center: the user's password.
    pub api_key: Option<Secret>,
    /// Data Center: a personal access token. Cloud, by the gateway: a scoped token of a service account.
    pub token: Option<Secret>,
    /// Cloud: the id of a service account's OAuth client.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<Secret>,
    /// Where client credentials buy their tokens, when it is not Atlassian's.
    pub token_url: Option<String>,
    /// Calls go by this gateway: Atlassian's for scoped tokens and client credentials.
    pub gateway: Option<String>,
    /// What the gateway knows the site by; asked of the site when not set.
    pub cloud_id: Option<String>,
    /// A proxy to go through, with its login if it has one.
    pub proxy: Option<Secret>,
    /// Certificates in PEM to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// `cloud` or `datacenter`; told from the address when not set.
    pub dialect: Option<String>,
}

/// How to log in to a site.
#[derive(Debug, Clone)]
pub enum Login {
    /// User (or e-mail address) and password (or API token).
    Basic(String, Secret),
    /// A personal access token, or a scoped token.
    Bearer(Secret),
    /// An OAuth client and its secret.
    Client(String, Secret),
}

/// The variables of the environment's site.
const VARIABLES: [(&str, &str); 4] = [
    ("url", "ATLASSIAN_DOMAIN_URL"),
    ("email", "ATLASSIAN_EMAIL"),
    ("api_key", "ATLASSIAN_API_KEY"),
    ("token", "ATLASSIAN_TOKEN"),
];

impl SiteConfig {
    /// What a field is called where it was, or would be, written.
    pub fn name_of(&self, field: &str) -> String {
        let variable = VARIABLES.iter().find(|(known, _)| *known == field).map(|(_, variable)| *variable);
        match (&self.worker, variable) {
            (Some(worker), _) => format!("workers.{worker}.site.{field}"),
            (None, Some(variable)) => variable.to_owned(),
            (None, None) => format!("site.{field}"),
        }
    }

    /// Its address.
    pub fn address(&self) -> Result<Url, SettingError> {
        let help = "the address of the Jira site, such as https://acme.atlassian.net";
        let url = self.url.as_deref().ok_or_else(|| self.missing("url", help))?;
        http_url(&self.name_of("url"), url)
    }

    /// Its login: one of three, whole.
    pub fn login(&self) -> Result<Login, SettingError> {
        self.only_one_login()?;
        if let Some(token) = &self.token {
            return Ok(Login::Bearer(token.clone()));
        }
        match (&self.client_id, &self.client_secret) {
            (Some(id), Some(secret)) => return Ok(Login::Client(id.clone(), secret.clone())),
            (Some(_), None) => return Err(self.missing("client_secret", "the secret of `client_id`")),
            (None, Some(_)) => {
                return Err(self.missing("client_id", "the id that `client_secret` belongs to"));
            }
            (None, None) => {}
        }
        match (&self.email, &self.api_key) {
            (Some(user), Some(key)) => Ok(Login::Basic(user.clone(), key.clone())),
            (Some(_), None) => {
                let help = "the account's API token (Cloud), or the user's password (Data Center)";
                Err(self.missing("api_key", help))
            }
            (None, _) => {
                let [email, key, token] = ["email", "api_key", "token"].map(|field| self.name_of(field));
                let help = format!("Cloud: {email} and {key}; Data Center: {token}; more in docs/jira.md");
                Err(self.missing("email", help))
            }
        }
    }

    fn only_one_login(&self) -> Result<(), SettingError> {
        let client = if self.client_id.is_some() { "client_id" } else { "client_secret" };
        let begun = [
            ("api_key", self.api_key.is_some()),
            ("token", self.token.is_some()),
            (client, self.client_id.is_some() || self.client_secret.is_some()),
        ];
        let begun: Vec<_> =
            begun.iter().filter(|(_, set)| *set).map(|(name, _)| self.name_of(name)).collect();
        if begun.len() < 2 {
            return Ok(());
        }
        Err(SettingError {
            name: begun.join(" and "),
            found: "each is a login of its own, and a site has one".into(),
            allowed: "keep one of them".into(),
        })
    }

    /// The gateway to go by, if any: client credentials always do.
    pub fn gateway(&self, default: &str) -> Result<Option<Url>, SettingError> {
        let needed = self.client_id.is_some().then_some(default);
        let url = self.gateway.as_deref().or(needed);
        url.map(|url| http_url(&self.name_of("gateway"), url)).transpose()
    }

    /// Where client credentials buy their tokens.
    pub fn token_url(&self, default: &str) -> Result<Url, SettingError> {
        http_url(&self.name_of("token_url"), self.token_url.as_deref().unwrap_or(default))
    }

    /// That a Data Center has been given what only Cloud knows.
    pub fn cloud_only(&self) -> SettingError {
        let field = if self.client_id.is_some() { "client_id" } else { "gateway" };
        SettingError {
            name: self.name_of(field),
            found: "the site is a Data Center, and only Cloud knows this".into(),
            allowed: format!(
                "a Data Center takes `token`; for a Cloud site, say {}: cloud",
                self.name_of("dialect")
            ),
        }
    }

    fn missing(&self, field: &str, help: impl Into<String>) -> SettingError {
        SettingError::missing(&self.name_of(field), help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> SiteConfig {
        SiteConfig { worker: Some("acme".into()), ..SiteConfig::default() }
    }

    fn secret() -> Secret {
        Secret::new("hush")
    }

    #[test]
    fn what_is_missing_is_named_where_it_would_be_written() {
        let environment = SiteConfig { email: Some("a@b".into()), ..SiteConfig::default() };
        assert_eq!(environment.login().unwrap_err().name, "ATLASSIAN_API_KEY");
        assert_eq!(environment.address().unwrap_err().name, "ATLASSIAN_DOMAIN_URL");
        assert_eq!(site().login().unwrap_err().name, "workers.acme.site.email");
        let half = SiteConfig { client_id: Some("x".into()), ..site() };
        assert_eq!(half.login().unwrap_err().name, "workers.acme.site.client_secret");
        let other_half = SiteConfig { client_secret: Some(secret()), ..site() };
        assert_eq!(other_half.login().unwrap_err().name, "workers.acme.site.client_id");
    }

    #[test]
    fn two_logins_contradict_each_other() {
        let both = SiteConfig { token: Some(secret()), api_key: Some(secret()), ..SiteConfig::default() };
        assert_eq!(both.login().unwrap_err().name, "ATLASSIAN_API_KEY and ATLASSIAN_TOKEN");
        let client = SiteConfig { token: Some(secret()), client_id: Some("x".into()), ..site() };
        let error = client.login().unwrap_err().to_string();
        assert!(
            error.starts_with("workers.acme.site.token and workers.acme.site.client_id: each is"),
            "{error}"
        );
        assert!(!error.contains("hush"), "{error}");
    }

    #[test]
    fn client_credentials_go_by_the_gateway_and_others_when_told() {
        let default = "https://api.atlassian.com";
        let client = SiteConfig { client_id: Some("x".into()), client_secret: Some(secret()), ..site() };
        assert!(matches!(client.login().unwrap(), Login::Client(..)));
        assert_eq!(client.gateway(default).unwrap().unwrap().as_str(), "https://api.atlassian.com/");
        assert_eq!(site().gateway(default).unwrap(), None);
        let odd = SiteConfig { gateway: Some("api".into()), ..site() };
        assert_eq!(odd.gateway(default).unwrap_err().name, "workers.acme.site.gateway");
    }
}
