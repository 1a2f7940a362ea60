//! The page for people: what stands where, as a board, and the same as JSON. It needs no login and no script.

use serde_json::{Value, json};

use crate::refusal::Answer;
use crate::state::{Comment, Issue, Project, State};

/// The page at this path, if it is one of the board's.
pub(crate) fn page(path: &str, state: &State) -> Option<Answer> {
    match path {
        "/board" => Some(Answer::text(200, "text/html;charset=UTF-8", html(state))),
        "/board.json" => Some(Answer::json(200, &json(state))),
        _ => None,
    }
}

/// A column: a status and the issues that stand in it.
struct Column<'a> {
    status: String,
    issues: Vec<&'a Issue>,
}

fn columns<'a>(state: &'a State, project: &Project) -> Vec<Column<'a>> {
    let mut ids: Vec<u64> = Vec::new();
    for id in project.issue_types.iter().flat_map(|one| &one.statuses) {
        if !ids.contains(id) {
            ids.push(*id);
        }
    }
    let column = |id: u64| {
        let issues = state.issues.values();
        let issues = issues.filter(|issue| issue.project == project.key && issue.status == id).collect();
        Column { status: state.status_name(id), issues }
    };
    ids.into_iter().map(column).collect()
}

fn json(state: &State) -> Value {
    let projects = state.projects.iter().map(|project| {
        let columns = columns(state, project).into_iter().map(|column| {
            let issues = column.issues.iter().map(|issue| {
                json!({
                    "key": issue.key,
                    "type": issue.issue_type,
                    "summary": issue.summary,
                    "comments": issue.comments.iter().map(Comment::text).collect::<Vec<_>>(),
                    "links": issue.remote_links.len(),
                    "fixVersions": fix_versions(state, issue),
                })
            });
            json!({ "status": column.status, "issues": issues.collect::<Vec<_>>() })
        });
        json!({ "key": project.key, "name": project.name, "columns": columns.collect::<Vec<_>>() })
    });
    json!({ "projects": projects.collect::<Vec<_>>() })
}

fn fix_versions<'a>(state: &'a State, issue: &Issue) -> Vec<&'a str> {
    let versions = issue.fix_versions.iter().filter_map(|id| state.versions.get(id));
    versions.map(|version| version.name.as_str()).collect()
}

fn html(state: &State) -> String {
    let boards: String = state.projects.iter().map(|project| board(state, project)).collect();
    format!("{HEAD}{boards}</body></html>\n")
}

fn board(state: &State, project: &Project) -> String {
    let (name, key) = (escape(&project.name), escape(&project.key));
    let columns = columns(state, project);
    let columns: String = columns.iter().map(|column| section(state, column)).collect();
    format!("<h2>{name} <small>{key}</small></h2><div class=board>{columns}</div>")
}

fn section(state: &State, column: &Column) -> String {
    let (name, count) = (escape(&column.status), column.issues.len());
    let cards: String = column.issues.iter().map(|issue| card(state, issue)).collect();
    format!("<section><h3>{name} <small>{count}</small></h3>{cards}</section>")
}

fn card(state: &State, issue: &Issue) -> String {
    let note = |count: usize, word: &str| match count {
        0 => String::new(),
        1 => format!(" · 1 {word}"),
        count => format!(" · {count} {word}s"),
    };
    let versions = fix_versions(state, issue);
    let versions =
        if versions.is_empty() { String::new() } else { format!(" · {}", escape(&versions.join(", "))) };
    format!(
        "<article><b>{}</b> <small>{}{}{}{versions}</small><p>{}</p></article>",
        escape(&issue.key),
        escape(&issue.issue_type),
        note(issue.comments.len(), "comment"),
        note(issue.remote_links.len(), "link"),
        escape(&issue.summary),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// The page asks for itself again every two seconds: one sees the tickets move.
const HEAD: &str = "<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Simulated Jira</title>\
<meta name=viewport content=\"width=device-width\"><meta http-equiv=refresh content=2><style>\
:root{color-scheme:light dark}body{font:15px/1.4 system-ui,sans-serif;margin:1.5rem}small{font-weight:400;opacity:.7}\
.board{display:flex;gap:1rem;align-items:flex-start;overflow-x:auto}section{flex:1 0 12rem;padding:.6rem;border-radius:8px;\
background:color-mix(in srgb,CanvasText 6%,Canvas)}h3{margin:.2rem 0 .6rem;font-size:1em}article{background:Canvas;\
border:1px solid color-mix(in srgb,CanvasText 15%,Canvas);border-radius:6px;padding:.5rem;margin:.5rem 0}p{margin:.2rem 0 0}\
</style></head><body><h1>Simulated Jira</h1>";
