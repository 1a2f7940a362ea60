//! The real client's requests, each in the states in which it sends it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use conduit::clock::Clock;
use conduit::jira::{
    Auth, CallLog, Credential, Dialect, JiraClient, RemoteLink, Scope, Site, Survey, TransitionRequest,
    permission,
};
use jiff::Timestamp;
use jiff::civil::date;
use jira_sim::{Account, Category, Field, JiraSim, NewIssue, Project, Transition, Workflow};

use super::recording::Recording;

const EMAIL: &str = "robot@example.com";
const TOKEN: &str = "conformance-token";

/// Every call of the client, at least once.
pub(super) async fn record() -> Result<Recording> {
    let jira = board().await?;
    let client = client(&jira)?;
    read(&client).await?;
    transition(&client).await?;
    bulk(&client).await?;
    effects(&client).await?;
    missing(&client).await?;
    survey(&client).await?;
    Ok(Recording::of("client", false, &jira.journal()))
}

/// A board whose way to *Done* has a screen with a required field.
async fn board() -> Result<JiraSim> {
    let workflow = Workflow::new()
        .status("To Do", Category::New)
        .status("In Progress", Category::Indeterminate)
        .status("Done", Category::Done)
        .transition(Transition::new(11, "Start", "In Progress").from("To Do"))
        .transition(Transition::new(21, "Finish", "Done").screen([Field::resolution().required()]));
    let jira = JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, TOKEN))
        .project(Project::new("SHOP").workflow(workflow))
        .issue(NewIssue::new("SHOP-1").summary("Sell things"))
        .issue(NewIssue::new("SHOP-2").summary("Sell more things"));
    Ok(jira.start().await?)
}

fn client(jira: &JiraSim) -> Result<JiraClient> {
    let auth = Auth::Basic { user: EMAIL.into(), password: Credential::new(TOKEN) };
    let mut site = Site::new("conformance", url::Url::parse(&jira.url())?, auth);
    site.dialect = Dialect::Cloud;
    Ok(JiraClient::new(site, Clock::system())?)
}

async fn read(client: &JiraClient) -> Result<()> {
    let log = &mut CallLog::default();
    client.myself(log).await?;
    client.issue("SHOP-1", log).await?;
    client.history("SHOP-1", log).await?;
    client.transitions("SHOP-1", log).await?;
    Ok(())
}

/// What is asked only after a no.
async fn missing(client: &JiraClient) -> Result<()> {
    let log = &mut CallLog::default();
    let issue = client.issue("SHOP-1", log).await?;
    client.why_no_way(&issue, "Nowhere", None, false, log).await?;
    client.why_no_issue("SHOP-1", log).await?;
    Ok(())
}

/// What `doctor` and `init` read.
async fn survey(client: &JiraClient) -> Result<()> {
    let (survey, log) = (Survey::new(client.clone()), &mut CallLog::default());
    survey.about(log).await?;
    survey.permissions(&[permission::BROWSE, permission::TRANSITION], Scope::Project("SHOP"), log).await?;
    survey.permissions(&[permission::BULK], Scope::Global, log).await?;
    survey.statuses("SHOP", log).await?;
    survey.recent("SHOP", None, log).await?;
    survey.transitions("SHOP-1", log).await?;
    Ok(())
}

async fn transition(client: &JiraClient) -> Result<()> {
    let log = &mut CallLog::default();
    let start = TransitionRequest { id: "11".into(), ..TransitionRequest::default() };
    client.transition("SHOP-1", &start, log).await?;
    let resolution = BTreeMap::from([("resolution".to_owned(), serde_json::json!({ "name": "Done" }))]);
    let finish =
        TransitionRequest { id: "21".into(), fields: resolution, comment: Some("Merged.\n\nDone.".into()) };
    client.transition("SHOP-1", &finish, log).await?;
    Ok(())
}

async fn bulk(client: &JiraClient) -> Result<()> {
    let log = &mut CallLog::default();
    let keys = ["SHOP-1", "SHOP-2", "SHOP-404"].map(str::to_owned);
    let issues = client.issues(&keys, log).await?;
    let second = issues.into_iter().find(|issue| issue.key == "SHOP-2").context("the second ticket")?;
    let moves = BTreeMap::from([("11".to_owned(), vec![second.id])]);
    let task = client.move_in_bulk(&moves, log).await?;
    anyhow::ensure!(client.bulk_task_is_over(&task, log).await?, "the task is still at work");
    Ok(())
}

async fn effects(client: &JiraClient) -> Result<()> {
    let log = &mut CallLog::default();
    client.comment("SHOP-1", "Merged *into* main", log).await?;
    client.comments_since("SHOP-1", Timestamp::UNIX_EPOCH, log).await?;
    let link = RemoteLink {
        global_id: "conduit:shop:118".into(),
        url: "https://github.example/acme/shop/pull/118".into(),
        title: "PR #118".into(),
    };
    client.remote_link("SHOP-1", &link, log).await?;
    client.remote_link("SHOP-1", &link, log).await?;
    let project = client.issue("SHOP-1", log).await?.project_id;
    let version = client.create_version(&project, "2.1.0", log).await?;
    client.add_fix_version("SHOP-1", "2.1.0", log).await?;
    client.release_version(&version.id, date(2026, 11, 22), log).await?;
    client
        .project_versions("SHOP", log)
        .await?
        .into_iter()
        .find(|v| v.name == "2.1.0")
        .context("the version")?;
    Ok(())
}
