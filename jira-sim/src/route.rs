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
    /// `bulk/issues/transition`
    BulkTransitions,
    /// `bulk/queue/{taskId}`
    BulkTask,
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
    /// `status`
    Statuses,
    /// `statuses/search`, which only Cloud has
    StatusSearch,
    /// `workflow/search`, which only Cloud has
    WorkflowSearch,
    /// `workflow`, which only Data Center has
    Workflows,
    /// `/jira/devinfo/0.1/cloud/{cloudId}/bulk`, at Atlassian's API host
    DevInfo,
    /// `/jira/builds/0.1/cloud/{cloudId}/bulk`, at Atlassian's API host
    Builds,
    /// `/jira/deployments/0.1/cloud/{cloudId}/bulk`, at Atlassian's API host
    Deployments,
    /// The list of webhooks, `/rest/webhooks/1.0/webhook`; from Data Center 10 on `/rest/jira-webhook/1.0/webhooks`
    Webhooks,
    /// One webhook of that list
    Webhook,
    /// `/_edge/tenant_info`, which tells a Cloud site's id
    TenantInfo,
    /// `/oauth/token`, where client credentials buy a Bearer token
    OAuthToken,
    /// Any other path.
    Unknown,
}

/// Below `/rest/api/N/`. Fixed words stand before placeholders: `issue/bulkfetch` is no issue.
const ROUTES: &[(Kind, &str)] = &[
    (Kind::BulkFetch, "issue/bulkfetch"),
    (Kind::Issue, "issue/{issueIdOrKey}"),
    (Kind::Transitions, "issue/{issueIdOrKey}/transitions"),
    (Kind::Comments, "issue/{issueIdOrKey}/comment"),
    (Kind::RemoteLinks, "issue/{issueIdOrKey}/remotelink"),
    (Kind::BulkTransitions, "bulk/issues/transition"),
    (Kind::BulkTask, "bulk/queue/{taskId}"),
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
    (Kind::Statuses, "status"),
    (Kind::StatusSearch, "statuses/search"),
    (Kind::WorkflowSearch, "workflow/search"),
    (Kind::Workflows, "workflow"),
];

/// Everywhere else.
const OTHER_ROUTES: &[(Kind, &str)] = &[
    (Kind::Webhooks, "/rest/webhooks/1.0/webhook"),
    (Kind::Webhook, "/rest/webhooks/1.0/webhook/{id}"),
    (Kind::Webhooks, "/rest/jira-webhook/1.0/webhooks"),
    (Kind::Webhook, "/rest/jira-webhook/1.0/webhooks/{id}"),
    (Kind::DevInfo, "/jira/devinfo/0.1/cloud/{cloudId}/bulk"),
    (Kind::Builds, "/jira/builds/0.1/cloud/{cloudId}/bulk"),
    (Kind::Deployments, "/jira/deployments/0.1/cloud/{cloudId}/bulk"),
    (Kind::TenantInfo, "/_edge/tenant_info"),
    (Kind::OAuthToken, "/oauth/token"),
];

/// What decides which paths there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Host<'a> {
    pub(crate) dialect: Dialect,
    /// The first number of a Data Center's version.
    pub(crate) major: u32,
    pub(crate) cloud_id: &'a str,
}

impl Host<'_> {
    /// Data Center 10 moved its webhooks.
    fn has(&self, kind: Kind, template: &str) -> bool {
        let moved = self.dialect == Dialect::DataCenter && self.major >= 10;
        let webhooks = matches!(kind, Kind::Webhooks | Kind::Webhook);
        kind.exists_on(self.dialect) && (!webhooks || moved == template.starts_with("/rest/jira-webhook/"))
    }
}

impl Kind {
    /// The path template, without `/rest/api/N/` where it stands below that; empty for an unknown path.
    pub fn template(self) -> &'static str {
        let mut routes = ROUTES.iter().chain(OTHER_ROUTES);
        routes.find(|(kind, _)| *kind == self).map_or("", |(_, template)| template)
    }

    /// Every path that Cloud answers.
    pub fn on_cloud() -> impl Iterator<Item = Self> {
        let routes = ROUTES.iter().chain(OTHER_ROUTES).map(|(kind, _)| *kind);
        routes.filter(|kind| kind.exists_on(Dialect::Cloud))
    }

    fn exists_on(self, dialect: Dialect) -> bool {
        match self {
            Self::BulkFetch
            | Self::BulkTransitions
            | Self::BulkTask
            | Self::SearchJql
            | Self::StatusSearch
            | Self::WorkflowSearch
            | Self::DevInfo
            | Self::Builds
            | Self::Deployments
            | Self::TenantInfo
            | Self::OAuthToken => dialect == Dialect::Cloud,
            Self::Workflows => dialect == Dialect::DataCenter,
            _ => true,
        }
    }

    /// Whether the placeholder of the template is a site: such a path is the gateway's.
    fn names_a_site(self) -> bool {
        matches!(self, Self::DevInfo | Self::Builds | Self::Deployments)
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
    /// Whether it came through Atlassian's gateway, which takes other credentials than the site.
    pub(crate) gateway: bool,
}

impl Route {
    /// Understands a path that has lost its context path. `/ex/jira/{cloud_id}` before it is the gateway.
    pub(crate) fn of(path: &str, host: &Host) -> Self {
        let inner = path.strip_prefix("/ex/jira/").filter(|_| host.dialect == Dialect::Cloud);
        let found = match inner {
            Some(inner) => inner.strip_prefix(host.cloud_id).and_then(|path| below_api(path, host)),
            None => below_api(path, host).or_else(|| elsewhere(path, host)),
        };
        let found = found.filter(|(kind, _, subject)| !kind.names_a_site() || subject == host.cloud_id);
        let (kind, api, subject) = found.unwrap_or((Kind::Unknown, Api::V2, String::new()));
        Self { kind, api, subject, gateway: inner.is_some() || kind.names_a_site() }
    }

    /// The issue the path names, as it was written.
    pub(crate) fn issue(&self) -> Option<&str> {
        self.kind.names_an_issue().then_some(self.subject.as_str())
    }
}

fn below_api(path: &str, host: &Host) -> Option<(Kind, Api, String)> {
    let (version, rest) = path.strip_prefix("/rest/api/")?.split_once('/')?;
    let api = Api::from_segment(version, host.dialect)?;
    let (kind, subject) = first_fitting(ROUTES, rest, host)?;
    Some((kind, api, subject))
}

fn elsewhere(path: &str, host: &Host) -> Option<(Kind, Api, String)> {
    let (kind, subject) = first_fitting(OTHER_ROUTES, path, host)?;
    Some((kind, Api::V2, subject))
}

fn first_fitting(routes: &[(Kind, &str)], path: &str, host: &Host) -> Option<(Kind, String)> {
    let mut routes = routes.iter().filter(|(kind, template)| host.has(*kind, template));
    routes.find_map(|(kind, template)| Some((*kind, fits(template, path)?)))
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

    fn route(path: &str, dialect: Dialect) -> Route {
        Route::of(path, &Host { dialect, major: 9, cloud_id: "c-1" })
    }

    fn kind(path: &str, dialect: Dialect) -> Kind {
        route(path, dialect).kind
    }

    #[test]
    fn a_fixed_word_is_not_taken_for_an_issue_key() {
        assert_eq!(kind("/rest/api/3/issue/bulkfetch", Dialect::Cloud), Kind::BulkFetch);
        assert_eq!(route("/rest/api/3/issue/SHOP-1/comment", Dialect::Cloud).issue(), Some("SHOP-1"));
    }

    #[test]
    fn data_center_has_no_version_3_and_no_cloud_search() {
        assert_eq!(kind("/rest/api/3/myself", Dialect::DataCenter), Kind::Unknown);
        assert_eq!(kind("/rest/api/2/search/jql", Dialect::DataCenter), Kind::Unknown);
        assert_eq!(kind("/rest/api/2/myself", Dialect::DataCenter), Kind::Myself);
    }

    #[test]
    fn the_gateway_leads_to_the_same_paths_below_the_sites_id() {
        let route = |path| route(path, Dialect::Cloud);
        let through = route("/ex/jira/c-1/rest/api/3/issue/A-1");
        assert_eq!((through.kind, through.gateway, through.issue()), (Kind::Issue, true, Some("A-1")));
        assert_eq!(route("/ex/jira/c-2/rest/api/3/issue/A-1").kind, Kind::Unknown);
        assert!(!route("/rest/api/3/issue/A-1").gateway);
    }

    #[test]
    fn data_center_10_moved_its_webhooks() {
        let new = Host { dialect: Dialect::DataCenter, major: 10, cloud_id: "" };
        let of = |path| Route::of(path, &new);
        assert_eq!(of("/rest/jira-webhook/1.0/webhooks/7").subject, "7");
        assert_eq!(of("/rest/webhooks/1.0/webhook").kind, Kind::Unknown);
        assert_eq!(kind("/rest/jira-webhook/1.0/webhooks", Dialect::Cloud), Kind::Unknown);
        assert_eq!(kind("/rest/webhooks/1.0/webhook", Dialect::Cloud), Kind::Webhooks);
    }

    #[test]
    fn a_longer_or_shorter_path_is_unknown() {
        for path in ["/rest/api/3/issue/", "/rest/api/3/issue/A-1/votes", "/rest/api/3", "/"] {
            assert_eq!(kind(path, Dialect::Cloud), Kind::Unknown, "{path}");
        }
    }
}
