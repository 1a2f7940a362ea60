//! What the account may do.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::client::Request;
use super::{CallLog, Endpoint, JiraClient, JiraError};

/// *Browse projects*.
pub const BROWSE: &str = "BROWSE_PROJECTS";
/// *Transition issues*.
pub const TRANSITION: &str = "TRANSITION_ISSUES";
/// *Edit issues*: fix versions ask for it.
pub const EDIT: &str = "EDIT_ISSUES";
/// *Add comments*.
pub const COMMENT: &str = "ADD_COMMENTS";
/// *Link issues*.
pub const LINK: &str = "LINK_ISSUES";
/// *Administer projects*: making and releasing versions asks for it.
pub const ADMINISTER: &str = "ADMINISTER_PROJECTS";
/// *Bulk change*, a global one: a release of many tickets moves in a few calls by it.
pub const BULK: &str = "BULK_CHANGE";

/// Where permissions are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// On the whole site.
    Global,
    /// In a project, by its key.
    Project(&'a str),
    /// On a ticket, by its key: there, its security level and its roles count, too.
    Issue(&'a str),
}

/// What the account may and may not do, by Jira's names of permissions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions(BTreeMap<String, bool>);

impl FromIterator<(String, bool)> for Permissions {
    fn from_iter<I: IntoIterator<Item = (String, bool)>>(said: I) -> Self {
        Self(said.into_iter().collect())
    }
}

impl Permissions {
    /// Whether Jira said yes.
    pub fn has(&self, name: &str) -> bool {
        self.0.get(name) == Some(&true)
    }

    /// Whether Jira said no; a permission that it does not know is not lacked.
    pub fn lacks(&self, name: &str) -> bool {
        self.0.get(name) == Some(&false)
    }
}

#[derive(Deserialize)]
struct PermissionsBody {
    permissions: BTreeMap<String, PermissionBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PermissionBody {
    have_permission: bool,
}

impl PermissionsBody {
    fn into_permissions(self) -> Permissions {
        self.permissions.into_iter().map(|(key, permission)| (key, permission.have_permission)).collect()
    }
}

/// A permission as Jira's pages call it.
pub fn title(name: &str) -> &str {
    match name {
        BROWSE => "Browse projects",
        TRANSITION => "Transition issues",
        EDIT => "Edit issues",
        COMMENT => "Add comments",
        LINK => "Link issues",
        ADMINISTER => "Administer projects",
        BULK => "Make bulk changes",
        other => other,
    }
}

impl JiraClient {
    /// Which of these permissions the account has. What it cannot see answers [`NotFound`](super::Failure::NotFound).
    pub async fn permissions(
        &self,
        wanted: &[&str],
        scope: Scope<'_>,
        log: &mut CallLog,
    ) -> Result<Permissions, JiraError> {
        let wanted = wanted.join(",");
        let mut query = vec![("permissions", wanted.as_str())];
        match scope {
            Scope::Global => {}
            Scope::Project(key) => query.push(("projectKey", key)),
            Scope::Issue(key) => query.push(("issueKey", key)),
        }
        let request = Request::get(Endpoint::Permissions, &["mypermissions"], &query);
        self.ask::<PermissionsBody>(request, log).await.map(PermissionsBody::into_permissions)
    }
}
