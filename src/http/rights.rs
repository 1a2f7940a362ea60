//! Who may call what: the one table. A route that asks for a token and is not in it serves nobody.

use std::net::IpAddr;

use actix_web::HttpRequest;
use jiff::Timestamp;

use crate::registration;
use crate::secrets::token::{Role, Token};
use crate::store::{Action, AuditEntry};

use super::ApiError;

/// How much of what was changed stands in the audit log.
const LONGEST_TARGET: usize = 200;

/// What a route asks of whoever calls it.
#[derive(Debug, Clone, Copy)]
pub struct Right {
    /// The method.
    pub method: &'static str,
    /// The path, as it is registered.
    pub path: &'static str,
    /// The least role that may.
    pub role: Role,
    /// What a token for some repositories alone gets to see of it.
    pub reach: Reach,
    /// What it changes, for the audit log; `None`: it only tells.
    pub action: Option<Action>,
}

/// How a route and a token for some repositories alone go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It answers about what belongs to these repositories, and as if there were nothing else.
    Repositories,
    /// It concerns everybody: only a token for all repositories may.
    Everything,
    /// Of others it gives away numbers and nothing else.
    Anybody,
}

use Reach::{Anybody, Everything, Repositories};
use Role::{Admin, Operator, Viewer};

/// Every route that asks for a token.
pub const RIGHTS: &[Right] = &[
    right("GET", "/conduit/api/events", Viewer, Repositories),
    right("GET", "/conduit/api/events/{id}", Viewer, Repositories),
    right("POST", "/conduit/api/events/{id}/replay", Operator, Repositories).logged(Action::Replayed),
    right("GET", "/conduit/api/tickets/{key}", Viewer, Repositories),
    right("GET", "/conduit/api/queue", Viewer, Anybody),
    right("POST", "/conduit/api/queue/pause", Operator, Everything).logged(Action::Paused),
    right("POST", "/conduit/api/queue/resume", Operator, Everything).logged(Action::Resumed),
    right("GET", "/conduit/api/machines", Viewer, Everything),
    right("POST", "/conduit/webhooks/register", Admin, Everything).logged(Action::Registered),
    right("PATCH", "/conduit/webhooks/update", Admin, Everything).logged(Action::Rotated),
    right("PATCH", "/internal/webhooks/import", Admin, Everything).logged(Action::Imported),
    right("GET", "/conduit/webhooks/list", Admin, Everything),
    right("GET", "/conduit/webhooks/find", Admin, Everything),
    right("DELETE", "/conduit/webhooks/{provider}/{repo_id}", Admin, Everything).logged(Action::Removed),
    right("GET", "/conduit/api/tokens", Admin, Everything),
    right("POST", "/conduit/api/tokens", Admin, Everything).logged(Action::TokenMade),
    right("DELETE", "/conduit/api/tokens/{name}", Admin, Everything).logged(Action::TokenRevoked),
    right("GET", "/conduit/api/audit", Admin, Everything),
    // The management listener asks when it is not on loopback.
    right("GET", "/metrics", Viewer, Everything),
    right("GET", "/readyz", Viewer, Everything),
];

const fn right(method: &'static str, path: &'static str, role: Role, reach: Reach) -> Right {
    Right { method, path, role, reach, action: None }
}

/// What the route of this request asks for.
pub(super) fn asked_by(request: &HttpRequest) -> Result<&'static Right, ApiError> {
    let pattern = request.match_pattern().unwrap_or_default();
    let method = request.method().as_str();
    find(method, &pattern).ok_or_else(|| ApiError::internal("rights", format!("none for {method} {pattern}")))
}

/// What is served with and without the prefix stands in the table with it.
pub(super) fn find(method: &str, pattern: &str) -> Option<&'static Right> {
    let same = |path: &str| path == pattern || path.strip_prefix("/conduit") == Some(pattern);
    RIGHTS.iter().find(|right| right.method == method && same(right.path))
}

impl Right {
    const fn logged(self, action: Action) -> Self {
        Self { action: Some(action), ..self }
    }

    /// What a token that may not is told, for the API description; `None`: any token may.
    pub(super) fn refusal(&self) -> Option<ApiError> {
        let everybody = self.role == Viewer && self.reach != Everything;
        let text = if self.role == Viewer {
            "this token is for acme/shop alone; this concerns the whole service".to_owned()
        } else {
            format!("this token has the role {Viewer}; this needs the role {}", self.role)
        };
        (!everybody).then_some(ApiError::Forbidden(text))
    }

    /// Whether this token may.
    pub(super) fn allow(&self, token: &Token) -> Result<(), ApiError> {
        if token.role < self.role {
            let (has, needs) = (token.role, self.role);
            return Err(ApiError::Forbidden(format!(
                "this token has the role {has}; this needs the role {needs}"
            )));
        }
        if self.reach == Everything && !token.repos.is_empty() {
            let repos = token.repos.join(", ");
            return Err(ApiError::Forbidden(format!(
                "this token is for {repos} alone; this concerns the whole service"
            )));
        }
        Ok(())
    }
}

/// Whoever proved who they are, and what the route lets them do.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    /// The name of the token.
    pub(super) name: String,
    /// The repositories that it is for; empty: all.
    repos: Vec<String>,
    /// From where.
    from: Option<String>,
    /// What they are about to change.
    action: Option<Action>,
}

impl Asker {
    pub(super) fn new(token: &Token, right: &Right, from: Option<IpAddr>) -> Self {
        Self {
            name: token.name.clone(),
            repos: token.repos.clone(),
            from: from.map(|address| address.to_string()),
            action: right.action,
        }
    }

    /// What is to stand in the audit log, if what they ask for belongs there.
    pub(super) fn entry(&self, target: &str, refused: bool, at: Timestamp) -> Option<AuditEntry> {
        let (who, from) = (self.name.clone(), self.from.clone());
        let target = target.chars().take(LONGEST_TARGET).collect();
        self.action.map(|action| AuditEntry { at, who, action, target, from, refused })
    }

    /// Whether they see some repositories alone.
    pub(super) fn is_limited(&self) -> bool {
        !self.repos.is_empty()
    }

    /// Whether what belongs to this repository is theirs to see.
    pub(super) fn sees(&self, repo: &str) -> bool {
        !self.is_limited() || self.repos.iter().any(|pattern| registration::covers(pattern, repo))
    }
}

impl std::fmt::Display for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_found_with_and_without_its_prefix_and_a_stranger_is_not() {
        assert_eq!(find("PATCH", "/webhooks/update").unwrap().role, Admin);
        assert_eq!(find("PATCH", "/conduit/webhooks/update").unwrap().role, Admin);
        assert!(find("POST", "/conduit/webhooks/update").is_none());
        assert!(find("GET", "/conduit/api/secrets").is_none());
    }

    #[test]
    fn whatever_changes_something_is_logged_under_a_name_of_its_own() {
        let changes = RIGHTS.iter().filter(|right| right.method != "GET");
        let mut logged: Vec<_> =
            changes.map(|right| right.action.unwrap_or_else(|| panic!("{right:?}"))).collect();
        let count = logged.len();
        logged.sort_unstable();
        logged.dedup();
        assert_eq!(logged.len(), count);
        assert!(RIGHTS.iter().all(|right| right.method != "GET" || right.action.is_none()));
    }
}
