//! The scenario that asks the simulated Jira everything it can answer, so that its answers are held against the
//! description whether or not a client of ours ever asks.

mod bulk;
mod caller;
mod development;
mod site;
mod webhooks;

use anyhow::{Result, ensure};
use jira_sim::{Fault, JiraSim, Kind, NewIssue, Project, When, Workflow};
use serde_json::{Value, json};

use super::recording::Recording;
use caller::{ADMINISTRATOR, Caller, ROBOT};

/// Asks everything, and hands in what was said: first what one site answers, then what others answer otherwise.
pub(crate) async fn record() -> Result<Recording> {
    let jira = site().await?;
    let caller = Caller::of(&jira, ROBOT);
    session(&caller).await?;
    site::record(&jira).await?;
    bulk::record(&caller, &jira).await?;
    development::record(&jira).await?;
    webhooks::record(&jira).await?;
    project_and_versions(&caller).await?;
    issue(&caller).await?;
    transitions(&caller, &jira).await?;
    comments_and_links(&caller).await?;
    searches(&caller).await?;
    faults(&caller, &jira).await?;
    let mut journal = jira.journal();
    let asked = |kind: &Kind| journal.exchanges.iter().any(|exchange| exchange.kind == *kind);
    let left_out: Vec<_> = Kind::on_cloud().filter(|kind| !asked(kind)).map(Kind::template).collect();
    ensure!(left_out.is_empty(), "the simulator answers what this scenario never asks: {left_out:?}");
    journal.exchanges.extend(bulk::with_times_as_text().await?.exchanges);
    Ok(Recording::of("simulator", true, &journal))
}

async fn site() -> Result<JiraSim> {
    let jira = JiraSim::cloud()
        .account(ROBOT.account())
        .account(ADMINISTRATOR.account().administrator())
        .account(site::service_account())
        .project(Project::new("SHOP").version("1.0"))
        .project(Project::new("OLD").workflow(Workflow::classic()).team_managed())
        .issue(NewIssue::new("SHOP-1").labels(&["a"]).assignee(ROBOT.email))
        .issue(NewIssue::new("OLD-1").issue_type("Bug"))
        .start()
        .await?;
    Ok(jira)
}

async fn session(jira: &Caller) -> Result<()> {
    jira.get("myself", 200).await?;
    jira.get("serverInfo", 200).await?;
    jira.get("mypermissions?permissions=BROWSE_PROJECTS,TRANSITION_ISSUES&projectKey=SHOP", 200).await?;
    jira.get("mypermissions", 400).await?;
    jira.get("mypermissions?permissions=EDIT_ISSUES&issueKey=SHOP-9", 404).await?;
    Ok(())
}

async fn project_and_versions(jira: &Caller) -> Result<()> {
    let project = jira.get("project/SHOP", 200).await?;
    let id: u64 = project["id"].as_str().unwrap_or_default().parse()?;
    jira.get("project/OLD", 200).await?;
    jira.get("project/NOPE", 404).await?;
    jira.get("project/OLD/statuses", 200).await?;
    jira.get("project/NOPE/statuses", 404).await?;
    let new = json!({ "projectId": id, "name": "2.0", "description": "The next", "startDate": "2026-11-01" });
    let version = jira.post("version", new.clone(), 201).await?;
    jira.post("version", new, 400).await?;
    jira.post("version", json!({ "projectId": 1, "name": "2.0" }), 404).await?;
    let path = format!("version/{}", version["id"].as_str().unwrap_or_default());
    jira.put(&path, json!({ "released": true, "releaseDate": "2026-11-22" }), 200).await?;
    jira.get(&path, 200).await?;
    jira.get("version/1", 404).await?;
    jira.get("project/SHOP/versions", 200).await?;
    jira.get("project/NOPE/versions", 404).await?;
    Ok(())
}

async fn issue(jira: &Caller) -> Result<()> {
    let edit = json!({
        "fields": { "summary": "Another summary" },
        "update": { "fixVersions": [{ "add": { "name": "1.0" } }], "labels": [{ "remove": "a" }] },
        "properties": [{ "key": "conduit", "value": { "job": "j1" } }],
    });
    jira.put("issue/SHOP-1?notifyUsers=false", edit, 204).await?;
    jira.put("issue/SHOP-1?returnIssue=true", json!({ "fields": { "labels": ["b"] } }), 200).await?;
    jira.put("issue/SHOP-1", json!({ "fields": { "colour": "red" } }), 400).await?;
    jira.put("issue/SHOP-9", json!({ "fields": { "labels": [] } }), 404).await?;
    jira.get("issue/SHOP-1", 200).await?;
    jira.get("issue/SHOP-1?fields=status,issuetype,project&expand=changelog&properties=conduit", 200).await?;
    jira.get("issue/SHOP-9", 404).await?;
    Ok(())
}

async fn transitions(caller: &Caller, jira: &JiraSim) -> Result<()> {
    for path in ["issue/SHOP-1/transitions", "issue/OLD-1/transitions"] {
        caller.get(path, 200).await?;
        caller
            .get(&format!("{path}?expand=transitions.fields&includeUnavailableTransitions=true"), 200)
            .await?;
    }
    caller.get("issue/OLD-1/transitions?transitionId=999", 200).await?;
    caller.get("issue/SHOP-9/transitions", 404).await?;
    let resolve = json!({
        "transition": { "id": "5" },
        "fields": { "resolution": { "name": "Fixed" } },
        "update": { "comment": [{ "add": { "body": document("Merged") } }] },
        "properties": [{ "key": "conduit", "value": { "job": "j1", "hop": 1 } }],
    });
    let path = "issue/OLD-1/transitions";
    caller.post(path, json!({ "transition": { "id": "5" } }), 400).await?;
    caller.post(path, resolve.clone(), 204).await?;
    caller.post(path, resolve, 400).await?;
    caller.post(path, json!({ "transition": { "id": "3" } }), 204).await?;
    caller.get("issue/OLD-1?expand=changelog", 200).await?;
    caller.post("issue/SHOP-9/transitions", json!({ "transition": { "id": "5" } }), 404).await?;
    jira.set_in_transition("OLD-1", true);
    caller.post(path, json!({ "transition": { "id": "4" } }), 409).await?;
    jira.set_in_transition("OLD-1", false);
    Ok(())
}

fn document(text: &str) -> Value {
    let paragraph = json!({ "type": "paragraph", "content": [{ "type": "text", "text": text }] });
    json!({ "type": "doc", "version": 1, "content": [paragraph] })
}

async fn comments_and_links(jira: &Caller) -> Result<()> {
    let properties = json!([{ "key": "conduit", "value": "j1" }]);
    let comment = json!({ "body": document("Merged #7"), "properties": properties });
    jira.post("issue/SHOP-1/comment", comment, 201).await?;
    jira.post("issue/SHOP-1/comment", json!({ "body": "a string" }), 400).await?;
    jira.post("issue/SHOP-9/comment", json!({ "body": document("x") }), 404).await?;
    jira.get("issue/SHOP-1/comment?orderBy=-created&maxResults=10&expand=properties", 200).await?;
    jira.get("issue/SHOP-9/comment", 404).await?;
    let link = json!({
        "globalId": "pr=7",
        "relationship": "merged by",
        "application": { "name": "GitHub", "type": "com.github" },
        "object": { "title": "#7", "url": "https://example.com/7", "status": { "resolved": true } },
    });
    jira.post("issue/SHOP-1/remotelink", link, 201).await?;
    let bare = json!({ "globalId": "pr=7", "object": { "title": "#7", "url": "https://example.com/7" } });
    jira.post("issue/SHOP-1/remotelink", bare, 200).await?;
    jira.post("issue/SHOP-1/remotelink", json!({ "object": {} }), 400).await?;
    jira.get("issue/SHOP-1/remotelink", 200).await?;
    jira.get("issue/SHOP-1/remotelink?globalId=pr%3D7", 200).await?;
    jira.get("issue/SHOP-1/remotelink?globalId=pr%3D8", 404).await?;
    Ok(())
}

async fn searches(jira: &Caller) -> Result<()> {
    jira.post("search/jql", json!({ "jql": "project in (SHOP, OLD)", "maxResults": 1 }), 200).await?;
    let full = json!({ "jql": "key in (SHOP-1, OLD-1)", "fields": ["status"], "reconcileIssues": [10_101] });
    jira.post("search/jql", full, 200).await?;
    jira.post("search/jql", json!({ "jql": "" }), 400).await?;
    let page = jira.get("search/jql?jql=project%20in%20(SHOP,OLD)&fields=status&maxResults=1", 200).await?;
    let token = page["nextPageToken"].as_str().unwrap_or_default();
    let next = format!("search/jql?jql=project%20in%20(SHOP,OLD)&maxResults=1&nextPageToken={token}");
    jira.get(&next, 200).await?;
    jira.get("search/jql?jql=project%3DSHOP&nextPageToken=nonsense", 400).await?;
    jira.get("search?jql=project%3DSHOP", 410).await?;
    let keys =
        json!({ "issueIdsOrKeys": ["SHOP-1", "SHOP-9"], "fields": ["status"], "properties": ["conduit"] });
    jira.post("issue/bulkfetch", keys, 200).await?;
    jira.post("issue/bulkfetch", json!({ "issueIdsOrKeys": [] }), 400).await?;
    Ok(())
}

/// What an injected fault says is no matter of the description, except that it may be a 429.
async fn faults(caller: &Caller, jira: &JiraSim) -> Result<()> {
    jira.once(When::get(Kind::Issue), Fault::too_many_requests(Some(1)));
    caller.get("issue/SHOP-1", 429).await?;
    jira.once(When::get(Kind::Issue), Fault::unavailable(None));
    caller.get("issue/SHOP-1", 503).await?;
    let revoked = jira.revoke_tokens();
    caller.get("myself", 401).await?;
    jira.lift(revoked);
    Ok(())
}
