//! The real client's requests, each in the states in which it sends it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, ensure};
use conduit::clock::Clock;
use conduit::jira::webhooks::{Wanted, Webhooks};
use conduit::jira::{
    Auth, Call, CallLog, Credential, Dialect, Endpoint, Gateway, JiraClient, RemoteLink, Scope, Site, Survey,
    Target, TransitionRequest, permission,
};
use jiff::Timestamp;
use jiff::civil::date;
use jira_sim::{Account, Category, Field, JiraSim, NewIssue, Project, Transition, Workflow};
use url::Url;

use super::recording::Recording;

const EMAIL: &str = "robot@example.com";
const TOKEN: &str = "conformance-token";
const CLIENT: (&str, &str) = ("conformance", "conformance-secret");

/// More than a page of a search holds.
const TICKETS: usize = 101;

/// Every call of the client, at least once.
pub(super) async fn record() -> Result<Recording> {
    let jira = board().await?;
    let sent = Sent::default();
    let client = sent.watch(at_the_site(&jira)?)?;
    read(&client).await?;
    transition(&client).await?;
    bulk(&client).await?;
    effects(&client).await?;
    missing(&client).await?;
    survey(&client).await?;
    webhooks(client).await?;
    let through = sent.watch(through_the_gateway(&jira)?)?;
    read(&through).await?;
    sent.is_everything()?;
    Ok(Recording::of("client", false, &jira.journal()))
}

/// What the client has sent.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<BTreeSet<&'static str>>>);

impl Sent {
    fn watch(&self, site: Site) -> Result<JiraClient> {
        let sent = self.clone();
        let observer = move |call: &Call| {
            sent.names().insert(call.call);
        };
        Ok(JiraClient::new(site, Clock::system())?.with_observer(Arc::new(observer)))
    }

    /// A call that the client has and that is not made here would be held against nothing.
    fn is_everything(&self) -> Result<()> {
        let left_out = Endpoint::ALL.iter().map(|endpoint| endpoint.name());
        let left_out: Vec<_> = left_out.filter(|name| !self.names().contains(name)).collect();
        ensure!(left_out.is_empty(), "the client has calls that this scenario never makes: {left_out:?}");
        Ok(())
    }

    fn names(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A board whose way to *Done* has a screen with a required field.
async fn board() -> Result<JiraSim> {
    let workflow = Workflow::new()
        .status("To Do", Category::New)
        .status("In Progress", Category::Indeterminate)
        .status("Done", Category::Done)
        .transition(Transition::new(11, "Start", "In Progress").from("To Do"))
        .transition(Transition::new(21, "Finish", "Done").screen([Field::resolution().required()]));
    let board = JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, TOKEN).administrator())
        .account(Account::with_client_credentials(CLIENT.0, CLIENT.1))
        .project(Project::new("SHOP").workflow(workflow));
    let tickets = (1..=TICKETS).map(|number| NewIssue::new(&format!("SHOP-{number}")));
    Ok(tickets.fold(board, jira_sim::Builder::issue).start().await?)
}

fn at_the_site(jira: &JiraSim) -> Result<Site> {
    let auth = Auth::Basic { user: EMAIL.into(), password: Credential::new(TOKEN) };
    Ok(Site { dialect: Dialect::Cloud, ..Site::new("conformance", Url::parse(&jira.url())?, auth) })
}

/// With client credentials, which buy a token first.
fn through_the_gateway(jira: &JiraSim) -> Result<Site> {
    let auth = Auth::Client {
        id: CLIENT.0.into(),
        secret: Credential::new(CLIENT.1),
        token_url: Url::parse(&jira.token_url())?,
    };
    let gateway = Some(Gateway { url: Url::parse(&jira.url())?, cloud_id: None });
    Ok(Site { auth, gateway, ..at_the_site(jira)? })
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
    client.why_no_way(&issue, Target::called("Nowhere"), None, false, log).await?;
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
    let next = survey.recent("SHOP", None, log).await?.next;
    ensure!(next.is_some(), "there is a second page");
    survey.recent("SHOP", next.as_deref(), log).await?;
    survey.transitions("SHOP-1", log).await?;
    Ok(())
}

/// What an administrator does once.
async fn webhooks(client: JiraClient) -> Result<()> {
    let log = &mut CallLog::default();
    let webhooks = Webhooks::of(client, log).await?;
    let (url, secret) = ("http://127.0.0.1:1/hook", &Credential::new("conformance"));
    let wanted = Wanted { name: "conduit", url, jql: "project in (\"SHOP\")", secret };
    let made = webhooks.create(&wanted, log).await?;
    ensure!(webhooks.list(log).await?.iter().any(|webhook| webhook.id == made.id), "it is listed");
    webhooks.update(&made.id, &wanted, log).await?;
    webhooks.delete(&made.id, log).await?;
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
    ensure!(client.bulk_task_is_over(&task, log).await?, "the task is still at work");
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
