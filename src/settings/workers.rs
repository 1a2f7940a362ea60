//! `workers.yaml`: which backend moves which projects, by which rule files.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;

use serde::Deserialize;
use url::Url;

use super::SettingError;
use super::args::http_url;
use crate::secrets::Secret;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkersFile {
    /// Each worker by its name, which is also its site's name.
    pub workers: BTreeMap<String, WorkerEntry>,
}

/// One worker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerEntry {
    /// The code that drives the backend; implied by the names `atlassian` and `jira`.
    #[serde(default)]
    pub processor: Option<String>,
    /// Its rule files in `statemachines/`: a name, a list or globs.
    pub statefile: OneOrMany,
    /// The projects it moves.
    pub projects: Vec<String>,
    /// Its Jira site, where it is not the environment's.
    #[serde(default)]
    pub site: Option<SiteEntry>,
    /// How many of its tickets each process works on at once, at most.
    #[serde(default)]
    pub tickets_at_once: Option<NonZeroUsize>,
    /// How many requests a second each process sends its site, at most.
    #[serde(default)]
    pub requests_per_second: Option<NonZeroU32>,
}

/// One text or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// `jira.hcl`
    One(String),
    /// `[jira.hcl, pay.hcl]`
    Many(Vec<String>),
}

impl OneOrMany {
    /// All of them.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// A site as written in the file; each value may be `env://NAME`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteEntry {
    url: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    api_key: Option<String>,
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    dialect: Option<String>,
}

impl std::fmt::Debug for SiteEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SiteEntry").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A Jira site with its login, values resolved.
#[derive(Debug, Clone, Default)]
pub struct SiteConfig {
    /// Its address.
    pub url: Option<String>,
    /// Cloud: the account's e-mail address; Data Center: a user.
    pub email: Option<String>,
    /// Cloud: an API token; Data Center: the user's password.
    pub api_key: Option<Secret>,
    /// Data Center: a personal access token.
    pub token: Option<Secret>,
    /// `cloud` or `datacenter`; told from the address when not set.
    pub dialect: Option<String>,
}

/// How to log in to a site.
#[derive(Debug, Clone)]
pub enum Login {
    /// User (or e-mail address) and password (or API token).
    Basic(String, Secret),
    /// A personal access token.
    Bearer(Secret),
}

impl WorkersFile {
    /// Reads `workers.yaml`.
    pub fn read(path: &Path) -> Result<Self, SettingError> {
        let wrong = |found: String| SettingError {
            name: path.display().to_string(),
            found,
            allowed: "workers: { NAME: { statefile: FILE.hcl, projects: [KEY, …] } }, see docs/operating.md"
                .into(),
        };
        let text =
            std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        Self::parse(&text).map_err(wrong)
    }

    /// Reads the text of `workers.yaml`; the error says where it is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: Self = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        if file.workers.is_empty() {
            return Err("it names no worker".into());
        }
        Ok(file)
    }
}

impl WorkersFile {
    /// Whether both name the same sites, driven and reached in the same way. What each moves, and by which rules,
    /// may differ.
    pub fn same_sites(&self, other: &Self) -> bool {
        let sites = |file: &'_ Self| {
            let entries = file.workers.iter();
            let of = |w: &WorkerEntry| {
                (w.processor.clone(), w.site.clone(), w.tickets_at_once, w.requests_per_second)
            };
            entries.map(|(name, worker)| (name.clone(), of(worker))).collect::<Vec<_>>()
        };
        sites(self) == sites(other)
    }

    /// The projects of a worker; none when there is no such worker.
    pub fn projects(&self, worker: &str) -> &[String] {
        self.workers.get(worker).map_or(&[], |entry| &entry.projects)
    }
}

impl WorkerEntry {
    /// The site this worker drives: its own, or the environment's.
    pub fn site(&self, fallback: &SiteConfig) -> Result<SiteConfig, SettingError> {
        self.site.as_ref().map_or_else(|| Ok(fallback.clone()), SiteEntry::resolve)
    }
}

impl SiteEntry {
    fn resolve(&self) -> Result<SiteConfig, SettingError> {
        let optional = |text: &Option<String>| text.as_deref().map(resolve).transpose();
        Ok(SiteConfig {
            url: Some(resolve(&self.url)?),
            email: optional(&self.email)?,
            api_key: optional(&self.api_key)?.map(Secret::new),
            token: optional(&self.token)?.map(Secret::new),
            dialect: optional(&self.dialect)?,
        })
    }
}

impl SiteConfig {
    /// Its address.
    pub fn address(&self) -> Result<Url, SettingError> {
        let help = "the address of the Jira site, such as https://acme.atlassian.net";
        let url = self.url.as_deref().ok_or_else(|| SettingError::missing("ATLASSIAN_DOMAIN_URL", help))?;
        http_url("ATLASSIAN_DOMAIN_URL", url)
    }

    /// Its login.
    pub fn login(&self) -> Result<Login, SettingError> {
        match (&self.token, &self.email, &self.api_key) {
            (Some(token), _, _) => Ok(Login::Bearer(token.clone())),
            (None, Some(user), Some(key)) => Ok(Login::Basic(user.clone(), key.clone())),
            (None, Some(_), None) => Err(SettingError::missing(
                "ATLASSIAN_API_KEY",
                "the API token of ATLASSIAN_EMAIL (Cloud), or the user's password (Data Center)",
            )),
            (None, None, _) => Err(SettingError::missing(
                "ATLASSIAN_EMAIL",
                "Cloud: ATLASSIAN_EMAIL and ATLASSIAN_API_KEY; Data Center: ATLASSIAN_TOKEN",
            )),
        }
    }
}

/// `env://NAME` reads that variable; anything else is itself.
fn resolve(text: &str) -> Result<String, SettingError> {
    let Some(name) = text.strip_prefix("env://") else { return Ok(text.to_owned()) };
    std::env::var(name)
        .map_err(|_| SettingError::missing(name, format!("workers.yaml asks for it as `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
workers:
  atlassian:
    statefile: jira.hcl
    projects: [devhop, soc]
  second:
    processor: jira
    statefile: [a.hcl, 'b-*.hcl']
    projects: [web]
    site: { url: https://jira.example.com, token: env://CONDUIT_TEST_NOT_SET }
";

    #[test]
    fn a_worker_names_its_files_and_projects() {
        let file = WorkersFile::parse(GOOD).unwrap();
        assert_eq!(file.workers["atlassian"].statefile.as_slice(), ["jira.hcl"]);
        assert_eq!(file.workers["second"].statefile.as_slice().len(), 2);
        let missing = file.workers["second"].site(&SiteConfig::default()).unwrap_err();
        assert_eq!(missing.name, "CONDUIT_TEST_NOT_SET");
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let wrong = |text: &str| WorkersFile::parse(text).unwrap_err();
        let error = wrong("workers:\n  a:\n    statefle: x\n    projects: []\n");
        assert!(error.contains("statefle") && error.contains("line"), "{error}");
        assert!(wrong("workers: {}").contains("no worker"));
        let limited = |limit: &str| {
            WorkersFile::parse(&format!("workers: {{ a: {{ statefile: x, projects: [], {limit} }} }}"))
        };
        assert!(limited("tickets_at_once: 4, requests_per_second: 20").is_ok());
        for none in ["tickets_at_once: 0", "requests_per_second: 0", "requests_per_second: -1"] {
            assert!(limited(none).is_err(), "{none}");
        }
    }

    #[test]
    fn sites_are_the_same_whatever_they_move_and_by_which_rules() {
        let read = |text: &str| WorkersFile::parse(text).unwrap();
        let file = read(GOOD);
        assert!(file.same_sites(&read(&GOOD.replace("soc]", "pay]").replace("jira.hcl", "pay.hcl"))));
        assert!(!file.same_sites(&read(&GOOD.replace("example.com", "example.org"))));
        assert!(!file.same_sites(&read(&GOOD.replace("second:", "third:"))));
        assert_eq!((file.projects("second"), file.projects("third").len()), (&["web".to_owned()][..], 0));
    }

    #[test]
    fn a_site_without_login_says_which_setting_is_missing() {
        let site = SiteConfig { email: Some("a@b".into()), ..SiteConfig::default() };
        assert_eq!(site.login().unwrap_err().name, "ATLASSIAN_API_KEY");
        assert_eq!(site.address().unwrap_err().name, "ATLASSIAN_DOMAIN_URL");
    }
}
