//! A registered hook: which repository may post, with which secrets, and what its events may move.
//!
//! Plain data and pure rules. Secrets are held sealed; opening them is `secrets`' business.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::Repo;

/// How many secrets of one hook may be valid at once.
pub const MAX_LIVE_SECRETS: usize = 3;

/// How long an old secret stays valid beside its successor when nobody says otherwise.
pub const DEFAULT_OVERLAP: Duration = Duration::from_hours(24);

/// The longest path of a repository, in bytes.
pub const LONGEST_REPO_PATH: usize = 512;

/// A repository (or an organisation) whose forge may deliver here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// The forge, as in the route: `github`.
    pub provider: String,
    /// The slug in the route: `acme-shop`.
    pub repo_id: String,
    /// The repository's path at the forge, `acme/shop`; `acme/*` for an organisation's hook.
    pub repo_path: String,
    /// The projects its events may move, in capitals; `None`: all that are configured.
    #[serde(default)]
    pub projects: Option<Vec<String>>,
    /// The forge's own repository id, pinned by the first delivery, so that a rename is followed and
    /// a stranger under the old name is not. Never set for an organisation's hook.
    #[serde(default)]
    pub pinned_repo: Option<String>,
    /// Its secrets, newest first.
    pub secrets: Vec<SecretVersion>,
    /// The version that the next secret gets; a number never comes back.
    pub next_version: u32,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Counts its changes: a store saves a hook only over the revision it was read at.
    #[serde(default)]
    pub revision: u64,
}

/// One secret of a hook, encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretVersion {
    /// Counts up from 1.
    pub version: u32,
    /// The sealed secret.
    pub sealed: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops being valid; `None` for the newest.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// Whether a payload's repository is the registered one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepoCheck {
    /// It is.
    Same,
    /// It is, by its path; its id is to be pinned.
    Pin,
    /// It is another one: nothing may move.
    Mismatch,
}

/// A field of a registration that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The slug would not be safe in a route.
    #[error("repo_id `{0}` must be 1 to 100 of the characters A-Z a-z 0-9 . _ - (for acme/shop: acme-shop)")]
    RepoId(String),
    /// Neither a repository nor an organisation.
    #[error("repo_path `{0}` must look like owner/name, or owner/* for an organisation's hook")]
    RepoPath(String),
    /// Not a Jira project key.
    #[error(
        "projects: `{0}` is not a Jira project key (letters, digits and _ or -, beginning with a letter)"
    )]
    Project(String),
    /// A secret that would be no secret.
    #[error("secret must be 16 to 256 printable characters")]
    Secret,
}

impl Hook {
    /// A hook as it is first registered, with one secret.
    ///
    /// `projects` are written in capitals.
    pub fn new(
        provider: &str,
        repo_id: &str,
        repo_path: &str,
        projects: Option<Vec<String>>,
        sealed_secret: String,
        now: Timestamp,
    ) -> Result<Self, Invalid> {
        validate_repo_id(repo_id)?;
        validate_repo_path(repo_path)?;
        let projects = projects.map(|keys| keys.iter().map(|key| project_key(key)).collect()).transpose()?;
        let secret = SecretVersion { version: 1, sealed: sealed_secret, created_at: now, expires_at: None };
        Ok(Self {
            provider: provider.to_owned(),
            repo_id: repo_id.to_owned(),
            repo_path: repo_path.to_owned(),
            projects,
            pinned_repo: None,
            secrets: vec![secret],
            next_version: 2,
            created_at: now,
            revision: 0,
        })
    }

    /// The path to paste into the forge, without the service's own address.
    pub fn uri(&self) -> String {
        format!("/conduit/webhooks/{}/{}/payload", self.provider, self.repo_id)
    }

    /// The name it goes by in traces and logs: `github/acme-shop`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider, self.repo_id)
    }

    /// Its secrets that are valid at `now`, newest first.
    pub fn live_secrets(&self, now: Timestamp) -> impl Iterator<Item = &SecretVersion> {
        self.secrets.iter().filter(move |secret| secret.expires_at.is_none_or(|end| now < end))
    }

    /// Puts a new secret before the others, which stay valid for `overlap` from now at the most.
    ///
    /// An overlap of zero ends all older ones at once. At most [`MAX_LIVE_SECRETS`] stay.
    pub fn rotate(&mut self, sealed_secret: String, overlap: Duration, now: Timestamp) -> u32 {
        let end = now.checked_add(overlap).unwrap_or(Timestamp::MAX);
        self.secrets.retain(|secret| secret.expires_at.is_none_or(|end| now < end));
        if overlap.is_zero() {
            self.secrets.clear();
        }
        for secret in &mut self.secrets {
            secret.expires_at = Some(secret.expires_at.map_or(end, |old| old.min(end)));
        }
        self.secrets.truncate(MAX_LIVE_SECRETS - 1);
        let version = self.next_version;
        self.next_version += 1;
        self.secrets
            .insert(0, SecretVersion { version, sealed: sealed_secret, created_at: now, expires_at: None });
        version
    }

    /// Whether `repo`, as a verified payload names it, is the registered one.
    ///
    /// A payload without a repository (an organisation's `ping`) moves nothing anyway and passes.
    pub fn check_repo(&self, repo: Option<&Repo>) -> RepoCheck {
        let Some(repo) = repo else { return RepoCheck::Same };
        if self.repo_path.ends_with("/*") {
            let same = covers(&self.repo_path, &repo.path);
            return if same { RepoCheck::Same } else { RepoCheck::Mismatch };
        }
        match &self.pinned_repo {
            Some(id) if *id == repo.id => RepoCheck::Same,
            None if self.repo_path.eq_ignore_ascii_case(&repo.path) => RepoCheck::Pin,
            Some(_) | None => RepoCheck::Mismatch,
        }
    }
}

/// Whether `repo_id` can stand in a route.
pub fn validate_repo_id(repo_id: &str) -> Result<(), Invalid> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let good = (1..=100).contains(&repo_id.len())
        && repo_id.bytes().all(allowed)
        // A lone dot would be folded away by clients that tidy paths.
        && !matches!(repo_id, "." | "..");
    if good { Ok(()) } else { Err(Invalid::RepoId(repo_id.to_owned())) }
}

/// Whether the repository at `path` is the one, or one of those, that `pattern` (`acme/shop`, `acme/*`) stands for.
/// Forges do not tell capitals from small letters there.
pub fn covers(pattern: &str, path: &str) -> bool {
    let Some(owner) = pattern.strip_suffix("/*") else { return pattern.eq_ignore_ascii_case(path) };
    let within = |start: &str| start.eq_ignore_ascii_case(owner);
    let rest = path.get(owner.len()..).unwrap_or_default();
    path.get(..owner.len()).is_some_and(within) && rest.starts_with('/')
}

/// Whether `path` is a repository's, or stands for all of an owner's.
pub fn validate_repo_path(path: &str) -> Result<(), Invalid> {
    let segment =
        |s: &str| !s.is_empty() && !s.contains(|c: char| c.is_whitespace() || c.is_control() || c == '*');
    let mut segments: Vec<&str> = path.split('/').collect();
    if segments.last() == Some(&"*") {
        segments.pop();
    } else if segments.len() < 2 {
        return Err(Invalid::RepoPath(path.to_owned()));
    }
    let good = !segments.is_empty() && path.len() <= LONGEST_REPO_PATH && segments.into_iter().all(segment);
    if good { Ok(()) } else { Err(Invalid::RepoPath(path.to_owned())) }
}

/// A Jira project key in capitals, if `text` is one.
pub fn project_key(text: &str) -> Result<String, Invalid> {
    let mut bytes = text.bytes();
    let good = bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        && text.len() <= 64;
    if good { Ok(text.to_ascii_uppercase()) } else { Err(Invalid::Project(text.to_owned())) }
}

/// Whether a secret brought by the administrator can be one.
pub fn validate_secret(secret: &str) -> Result<(), Invalid> {
    let good = (16..=256).contains(&secret.len()) && secret.bytes().all(|b| (0x20..0x7f).contains(&b));
    if good { Ok(()) } else { Err(Invalid::Secret) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(path: &str) -> Hook {
        Hook::new("github", "shop", path, None, "sealed-1".into(), Timestamp::UNIX_EPOCH).unwrap()
    }

    fn repo(id: &str, path: &str) -> Repo {
        Repo { id: id.into(), path: path.into(), ..Repo::default() }
    }

    #[test]
    fn a_rename_is_followed_and_a_stranger_is_not() {
        let mut hook = hook("acme/shop");
        assert_eq!(hook.check_repo(Some(&repo("1", "evil/shop"))), RepoCheck::Mismatch);
        assert_eq!(hook.check_repo(Some(&repo("1", "Acme/Shop"))), RepoCheck::Pin);
        hook.pinned_repo = Some("1".into());
        assert_eq!(hook.check_repo(Some(&repo("1", "acme/store"))), RepoCheck::Same);
        assert_eq!(hook.check_repo(Some(&repo("2", "acme/shop"))), RepoCheck::Mismatch);
    }

    #[test]
    fn an_organisations_hook_takes_each_of_its_repositories() {
        let hook = hook("acme/*");
        assert_eq!(hook.check_repo(Some(&repo("1", "acme/shop"))), RepoCheck::Same);
        assert_eq!(hook.check_repo(Some(&repo("2", "ACME/pay"))), RepoCheck::Same);
        assert_eq!(hook.check_repo(Some(&repo("3", "acmeevil/pay"))), RepoCheck::Mismatch);
        assert_eq!(hook.check_repo(None), RepoCheck::Same);
    }

    #[test]
    fn a_rotation_overlaps_and_a_leak_ends_all_older_secrets() {
        let mut hook = hook("acme/shop");
        let now = Timestamp::UNIX_EPOCH;
        let live = |hook: &Hook, at| hook.live_secrets(at).map(|s| s.version).collect::<Vec<_>>();
        assert_eq!(hook.rotate("b".into(), DEFAULT_OVERLAP, now), 2);
        assert_eq!(live(&hook, now), [2, 1]);
        assert_eq!(live(&hook, now + DEFAULT_OVERLAP), [2]);

        hook.rotate("c".into(), DEFAULT_OVERLAP, now);
        hook.rotate("d".into(), DEFAULT_OVERLAP, now);
        assert_eq!(live(&hook, now), [4, 3, 2], "at most three live");

        assert_eq!(hook.rotate("e".into(), Duration::ZERO, now), 5);
        assert_eq!(live(&hook, now), [5]);
        assert_eq!(hook.rotate("f".into(), Duration::ZERO, now), 6, "a version number never comes back");
    }

    #[test]
    fn a_registration_says_what_is_wrong_with_it() {
        let new = |id: &str, path: &str, projects: &[&str]| {
            let projects = Some(projects.iter().map(ToString::to_string).collect());
            Hook::new("github", id, path, projects, String::new(), Timestamp::UNIX_EPOCH).map(|h| h.projects)
        };
        assert_eq!(new("a.b-c_1", "acme/shop", &["dev_ops"]).unwrap().unwrap(), ["DEV_OPS"]);
        assert_eq!(new("a/b", "acme/shop", &[]), Err(Invalid::RepoId("a/b".into())));
        assert_eq!(new("..", "acme/shop", &[]), Err(Invalid::RepoId("..".into())));
        for path in ["shop", "", "/", "acme/", "*", "a*/b", "acme/sh op"] {
            assert_eq!(new("a", path, &[]), Err(Invalid::RepoPath(path.into())));
        }
        assert_eq!(new("a", "group/sub/shop", &["9x"]), Err(Invalid::Project("9x".into())));
    }
}
