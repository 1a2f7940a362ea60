//! A request on its way through a handler: what it says, who says it, and the site it is said to.

use actix_web::web::Query;
use serde_json::Value;

use super::Caller;
use crate::account::{Account, Permission};
use crate::journal::header;
use crate::refusal::Refusal;
use crate::server::{Core, Request};
use crate::state::{Issue, Project, State};

pub(crate) struct Call<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) request: &'a Request,
    pub(crate) caller: Caller,
    query: Vec<(String, String)>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(core: &'a mut Core, request: &'a Request) -> Self {
        let query = Query::<Vec<(String, String)>>::from_query(&request.query);
        let query = query.map(Query::into_inner).unwrap_or_default();
        Self { core, request, caller: Caller::Anonymous { reads: false }, query }
    }

    pub(crate) fn state(&self) -> &State {
        &self.core.state
    }

    /// What stands in the path's placeholder.
    pub(crate) fn subject(&self) -> &str {
        &self.request.route.subject
    }

    /// A query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter that is a comma-separated list, and may be given several times. None when it is absent.
    pub(crate) fn query_list(&self, name: &str) -> Option<Vec<String>> {
        let given: Vec<_> = self.query.iter().filter(|(one, _)| one == name).collect();
        let words = given.iter().flat_map(|(_, value)| value.split(',')).map(str::trim);
        let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        (!given.is_empty()).then_some(words)
    }

    /// Whether `expand` asks for this.
    pub(crate) fn expands(&self, what: &str) -> bool {
        self.query_list("expand").is_some_and(|list| list.iter().any(|one| one == what))
    }

    /// A page's start and its greatest length.
    pub(crate) fn page(&self, default_length: usize) -> (usize, usize) {
        let number = |name| self.query(name).and_then(|text| text.parse().ok());
        (number("startAt").unwrap_or(0), number("maxResults").unwrap_or(default_length))
    }

    /// The body, which must be a JSON object.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        let media_type = header(&self.request.headers, "content-type").unwrap_or_default();
        if !media_type.starts_with("application/json") {
            return Err(Refusal::message(415, "Unsupported Media Type"));
        }
        let body: Option<Value> = serde_json::from_slice(&self.request.body).ok();
        body.filter(Value::is_object).ok_or_else(Refusal::bad_json)
    }

    /// The issue the path names, if the caller may see it.
    pub(crate) fn issue(&self) -> Result<&Issue, Refusal> {
        self.visible(self.subject()).ok_or_else(Refusal::no_issue)
    }

    /// An issue the caller may see.
    pub(crate) fn visible(&self, key_or_id: &str) -> Option<&Issue> {
        let issue = self.core.state.issue(key_or_id)?;
        self.sees(issue).then_some(issue)
    }

    /// Whether the caller may see this issue.
    pub(crate) fn sees(&self, issue: &Issue) -> bool {
        self.caller.may_in(Permission::BrowseProjects, &issue.project)
    }

    /// The project the path names, if the caller may see it.
    pub(crate) fn project(&self, key_or_id: &str) -> Result<&Project, Refusal> {
        let seen = |project: &&Project| self.caller.may_in(Permission::BrowseProjects, &project.key);
        let project = self.core.state.project(key_or_id).filter(seen);
        project.ok_or_else(|| Refusal::no_project(key_or_id))
    }

    /// The account that asks; nobody in particular is told to log in.
    pub(crate) fn account(&self) -> Result<&Account, Refusal> {
        self.caller.account(self.core.state.dialect)
    }

    /// The id of the account that asks, if it may do this in the project. Nobody in particular is told to log in.
    pub(crate) fn author(
        &self,
        permission: Permission,
        project: &str,
        refusal: impl FnOnce() -> Refusal,
    ) -> Result<String, Refusal> {
        let account = self.account()?;
        if account.may_in(permission, project) { Ok(account.id.clone()) } else { Err(refusal()) }
    }

    /// The account that asks, if it administers the site.
    pub(crate) fn administrator(&self) -> Result<&Account, Refusal> {
        let account = self.account()?;
        if account.may(Permission::Administer) {
            return Ok(account);
        }
        Err(Refusal::message(403, "Only Jira administrators can access this resource."))
    }
}
