//! Stories of the client against the simulated Jira, over HTTP.

mod bulk;
mod effects;
mod failures;
mod logins;
mod missing;
mod moves;
mod reads;
mod surveys;
mod ways;

use jira_sim::{Account, Builder, JiraSim, NewIssue, Project};

use super::*;
use crate::clock::Clock;

const EMAIL: &str = "conduit@acme.test";
const TOKEN: &str = "hush-hush";

/// A Cloud site with the project SHOP (To Do, In Progress, Done) and two tickets in it.
fn shop() -> Builder {
    JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, TOKEN))
        .account(Account::person("ada"))
        .project(Project::new("SHOP"))
        .issue(NewIssue::new("SHOP-1"))
        .issue(NewIssue::new("SHOP-2"))
}

/// A Data Center below a context path, whose users come by personal access token.
fn data_center() -> Builder {
    JiraSim::data_center()
        .context_path("/jira")
        .account(Account::with_access_token("conduit", TOKEN))
        .account(Account::person("ada"))
        .project(Project::new("SHOP"))
        .issue(NewIssue::new("SHOP-1"))
}

/// A client with its log, so that a story can count.
struct Caller {
    jira: JiraClient,
    log: CallLog,
}

impl Caller {
    fn cloud(sim: &JiraSim) -> Self {
        let auth = Auth::Basic { user: EMAIL.to_owned(), password: Credential::new(TOKEN) };
        Self::at(sim, Dialect::Cloud, auth)
    }

    fn data_center(sim: &JiraSim, token: &str) -> Self {
        Self::at(sim, Dialect::DataCenter, Auth::Bearer { token: Credential::new(token) })
    }

    fn at(sim: &JiraSim, dialect: Dialect, auth: Auth) -> Self {
        let site = Site { dialect, ..Site::new("acme", sim.url().parse().unwrap(), auth) };
        Self { jira: JiraClient::new(site, Clock::system()).unwrap(), log: CallLog::default() }
    }

    async fn issue(&mut self, key: &str) -> Issue {
        self.jira.issue(key, &mut self.log).await.unwrap()
    }

    async fn find(&mut self, cache: &TransitionCache, issue: &Issue, to: &str) -> Lookup {
        cache.find(&self.jira, issue, Target::called(to), None, &mut self.log).await.unwrap()
    }

    async fn take(&mut self, key: &str, id: &str) -> Result<(), JiraError> {
        let request = TransitionRequest { id: id.to_owned(), ..TransitionRequest::default() };
        self.jira.transition(key, &request, &mut self.log).await
    }

    /// Reads the ticket, looks the transition up and takes it.
    async fn move_to(&mut self, cache: &TransitionCache, key: &str, to: &str) -> Result<(), JiraError> {
        let issue = self.issue(key).await;
        let Lookup::Found { transition, .. } = self.find(cache, &issue, to).await else {
            panic!("no transition to {to}");
        };
        self.take(key, &transition.id).await
    }

    /// The calls made since this was last asked.
    fn calls(&mut self) -> Vec<&'static str> {
        self.log.0.drain(..).map(|call| call.call).collect()
    }
}
