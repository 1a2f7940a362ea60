//! The paths the simulator knows. What a request is *about* (its kind) is found here once, and the journal, the
//! faults, the limiters and the handlers all speak of that.

use crate::dialect::{Api, Dialect};

/// What a request is about: one path template of Jira's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// `issue/{issueIdOrKey}`
    Issue,
    /// `issue/{issueIdOrKey}/transitions`
    Transitions,
    /// `issue/{issueIdOrKey}/comment`
    Comments,
    /// `issue/{issueIdOrKey}/remotelink`
    RemoteLinks,
    /// `issue/bulkfetch`
    BulkFetch,
    /// `search/jql`
    SearchJql,
    /// `search`, which Cloud has removed
    Search,
    /// `version`
    Versions,
    /// `version/{id}`
    Version,
    /// `project/{projectIdOrKey}`
    Project,
    /// `project/{projectIdOrKey}/statuses`
    ProjectStatuses,
    /// `project/{projectIdOrKey}/versions`
    ProjectVersions,
    /// `mypermissions`
    MyPermissions,
    /// `myself`
    Myself,
    /// `serverInfo`
    ServerInfo,
    /// Any other path.
    Unknown,
}

/// Fixed words stand before placeholders: `issue/bulkfetch` is no issue.
const ROUTES: [(Kind, &str); 15] = [
    (Kind::BulkFetch, "issue/bulkfetch"),
    (Kind::Issue, "issue/{issueIdOrKey}"),
    (Kind::Transitions, "issue/{issueIdOrKey}/transitions"),
    (Kind::Comments, "issue/{issueIdOrKey}/comment"),
    (Kind::RemoteLinks, "issue/{issueIdOrKey}/remotelink"),
    (Kind::SearchJql, "search/jql"),
    (Kind::Search, "search"),
    (Kind::Versions, "version"),
    (Kind::Version, "version/{id}"),
    (Kind::Project, "project/{projectIdOrKey}"),
    (Kind::ProjectStatuses, "project/{projectIdOrKey}/statuses"),
    (Kind::ProjectVersions, "project/{projectIdOrKey}/versions"),
    (Kind::MyPermissions, "mypermissions"),
    (Kind::Myself, "myself"),
    (Kind::ServerInfo, "serverInfo"),
];

impl Kind {
    /// The path template after `/rest/api/N/`; empty for an unknown path.
    pub fn template(self) -> &'static str {
        ROUTES.iter().find(|(kind, _)| *kind == self).map_or("", |(_, template)| template)
    }

    fn exists_on(self, dialect: Dialect) -> bool {
        match self {
            Self::BulkFetch | Self::SearchJql => dialect == Dialect::Cloud,
            _ => true,
        }
    }

    /// Whether the placeholder of the template is an issue.
    fn names_an_issue(self) -> bool {
        matches!(self, Self::Issue | Self::Transitions | Self::Comments | Self::RemoteLinks)
    }
}

/// A request's path, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) kind: Kind,
    pub(crate) api: Api,
    /// What stands in the template's placeholder; empty without one.
    pub(crate) subject: String,
}

impl Route {
    /// Understands a path that has lost its context path.
    pub(crate) fn of(path: &str, dialect: Dialect) -> Self {
        Self::known(path, dialect).unwrap_or(Self {
            kind: Kind::Unknown,
            api: Api::V2,
            subject: String::new(),
        })
    }

    fn known(path: &str, dialect: Dialect) -> Option<Self> {
        let (version, rest) = path.strip_prefix("/rest/api/")?.split_once('/')?;
        let api = Api::from_segment(version, dialect)?;
        ROUTES.iter().filter(|(kind, _)| kind.exists_on(dialect)).find_map(|(kind, template)| {
            let subject = fits(template, rest)?;
            Some(Self { kind: *kind, api, subject })
        })
    }

    /// The issue the path names, as it was written.
    pub(crate) fn issue(&self) -> Option<&str> {
        self.kind.names_an_issue().then_some(self.subject.as_str())
    }
}

/// The value of the template's placeholder, if the path fits the template.
fn fits(template: &str, path: &str) -> Option<String> {
    let mut subject = String::new();
    let (mut wanted, mut found) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return Some(subject),
            (Some(want), Some(have)) if want.starts_with('{') && !have.is_empty() => {
                have.clone_into(&mut subject);
            }
            (Some(want), Some(have)) if want == have => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(path: &str, dialect: Dialect) -> Kind {
        Route::of(path, dialect).kind
    }

    #[test]
    fn a_fixed_word_is_not_taken_for_an_issue_key() {
        assert_eq!(kind("/rest/api/3/issue/bulkfetch", Dialect::Cloud), Kind::BulkFetch);
        assert_eq!(Route::of("/rest/api/3/issue/SHOP-1/comment", Dialect::Cloud).issue(), Some("SHOP-1"));
    }

    #[test]
    fn data_center_has_no_version_3_and_no_cloud_search() {
        assert_eq!(kind("/rest/api/3/myself", Dialect::DataCenter), Kind::Unknown);
        assert_eq!(kind("/rest/api/2/search/jql", Dialect::DataCenter), Kind::Unknown);
        assert_eq!(kind("/rest/api/2/myself", Dialect::DataCenter), Kind::Myself);
    }

    #[test]
    fn a_longer_or_shorter_path_is_unknown() {
        for path in ["/rest/api/3/issue/", "/rest/api/3/issue/A-1/votes", "/rest/api/3", "/"] {
            assert_eq!(kind(path, Dialect::Cloud), Kind::Unknown, "{path}");
        }
    }
}
