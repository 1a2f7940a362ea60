//! `workers.yaml`: which backend moves which projects, by which rule files.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{SettingError, SiteConfig};
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
    client_id: Option<String>,
    #[serde(default)]
    client_secret: Option<String>,
    #[serde(default)]
    token_url: Option<String>,
    #[serde(default)]
    gateway: Option<String>,
    #[serde(default)]
    cloud_id: Option<String>,
    #[serde(default)]
    proxy: Option<String>,
    #[serde(default)]
    ca_file: Option<String>,
    #[serde(default)]
    dialect: Option<String>,
}

impl std::fmt::Debug for SiteEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SiteEntry").field("url", &self.url).finish_non_exhaustive()
    }
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
        let file: Self = serde_yaml::from_str(text).map_err(|error| with_guess(error.to_string()))?;
        if file.workers.is_empty() {
            return Err("it names no worker".into());
        }
        Ok(file)
    }
}

/// The reader's message about an unknown key lists the known ones; the nearest of them was probably meant.
fn with_guess(message: String) -> String {
    let mut words = message.split('`').skip(1).step_by(2);
    let unknown = message.contains("unknown field").then(|| words.next()).flatten();
    let near = unknown.and_then(|unknown| {
        let distance = |known: &str| strsim::osa_distance(unknown, known);
        words.map(|known| (distance(known), known)).filter(|(distance, _)| *distance <= 3).min()
    });
    match near {
        Some((_, known)) => format!("{message}; did you mean `{known}`?"),
        None => message,
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
    /// The site of the worker of this name: its own, or the environment's.
    pub fn site(&self, name: &str, fallback: &SiteConfig) -> Result<SiteConfig, SettingError> {
        self.site.as_ref().map_or_else(|| Ok(fallback.clone()), |entry| entry.resolve(name))
    }
}

impl SiteEntry {
    fn resolve(&self, worker: &str) -> Result<SiteConfig, SettingError> {
        let optional = |text: &Option<String>| text.as_deref().map(resolve).transpose();
        let secret = |text: &Option<String>| Ok::<_, SettingError>(optional(text)?.map(Secret::new));
        Ok(SiteConfig {
            worker: Some(worker.to_owned()),
            url: Some(resolve(&self.url)?),
            email: optional(&self.email)?,
            api_key: secret(&self.api_key)?,
            token: secret(&self.token)?,
            client_id: optional(&self.client_id)?,
            client_secret: secret(&self.client_secret)?,
            token_url: optional(&self.token_url)?,
            gateway: optional(&self.gateway)?,
            cloud_id: optional(&self.cloud_id)?,
            proxy: secret(&self.proxy)?,
            ca_file: optional(&self.ca_file)?.map(PathBuf::from),
            dialect: optional(&self.dialect)?,
        })
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
        let missing = file.workers["second"].site("second", &SiteConfig::default()).unwrap_err();
        assert_eq!(missing.name, "CONDUIT_TEST_NOT_SET");
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let wrong = |text: &str| WorkersFile::parse(text).unwrap_err();
        let error = wrong("workers:\n  a:\n    statefle: x\n    projects: []\n");
        assert!(error.contains("statefle") && error.contains("line"), "{error}");
        assert!(error.ends_with("did you mean `statefile`?"), "{error}");
        let site = "workers:\n  a:\n    statefile: x\n    projects: []\n    site: { url: u, tokn: t }\n";
        assert!(wrong(site).ends_with("did you mean `token`?"), "{}", wrong(site));
        let strange = wrong("workers:\n  a:\n    zzzzzzzzzz: x\n");
        assert!(strange.contains("zzzzzzzzzz") && !strange.contains("did you mean"), "{strange}");
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
}
