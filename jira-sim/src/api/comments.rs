//! Comments: an ADF document through version 3, a string through version 2.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Call, adf};
use crate::account::Permission;
use crate::dialect::Api;
use crate::refusal::{Answer, Outcome, Refusal};
use crate::render::Renderer;
use crate::state::{Comment, Edit, NewComment, Text};

/// Jira's own limit.
const LONGEST: usize = 32_767;

pub(crate) fn get(call: &Call) -> Outcome {
    let issue = call.issue()?;
    let mut comments: Vec<&Comment> = issue.comments.iter().collect();
    match call.query("orderBy") {
        None | Some("created" | "+created") => {}
        Some("-created") => comments.reverse(),
        Some(other) => {
            let message =
                format!("The orderBy value '{other}' is not supported. Use one of: created, -created.");
            return Err(Refusal::bad_request(message));
        }
    }
    let (start, length) = call.page(100);
    let with_properties = call.expands("properties");
    let render = Renderer::new(call);
    let page: Vec<Value> = comments
        .iter()
        .skip(start)
        .take(length)
        .map(|comment| render.comment(issue, comment, with_properties))
        .collect();
    let total = comments.len();
    Ok(Answer::json(
        200,
        &json!({ "startAt": start, "maxResults": length, "total": total, "comments": page }),
    ))
}

pub(crate) fn post(call: &mut Call) -> Outcome {
    let issue = call.issue()?;
    let id = issue.id;
    let body = call.json()?;
    let author = call.author(Permission::AddComments, &issue.project, || {
        Refusal::bad_request("You do not have the permission to comment on this issue.")
    })?;
    let edit = edit(&body, call.request.route.api)?;
    call.core.state.apply(id, &author, vec![edit]);
    let issue = call.issue()?;
    let comment = issue.comments.last().ok_or_else(Refusal::no_issue)?;
    let rendered = Renderer::new(call).comment(issue, comment, call.expands("properties"));
    Ok(Answer::json(201, &rendered))
}

/// The edit that `comment` asks for: `{"body": …}` with properties and visibility.
pub(crate) fn edit(comment: &Value, api: Api) -> Result<Edit, Refusal> {
    let body = text(&comment["body"], api)?;
    let visibility = match &comment["visibility"] {
        Value::Null => None,
        given => Some(given.clone()),
    };
    let list = comment["properties"].as_array().cloned().unwrap_or_default();
    let pair = |one: &Value| Some((one["key"].as_str()?.to_owned(), one["value"].clone()));
    let properties: BTreeMap<_, _> = list.iter().filter_map(pair).collect();
    Ok(Edit::Comment(NewComment { body, properties, visibility }))
}

fn text(body: &Value, api: Api) -> Result<Text, Refusal> {
    let invalid = || Refusal::field("comment", "Comment body is not valid!");
    let text = match (api, body) {
        (_, Value::Null) => {
            return Err(Refusal::field("comment", "Comment body can not be empty!"));
        }
        (Api::V3, document) if adf::is_document(document) => Text::Adf(document.clone()),
        (Api::V2, Value::String(text)) => Text::Wiki(text.clone()),
        (Api::V3, _) => return Err(invalid()),
        // Version 2 reads the body as a string and stumbles over anything else.
        (Api::V2, _) => return Err(Refusal::bad_json()),
    };
    if text.is_blank() {
        return Err(Refusal::field("comment", "Comment body can not be empty!"));
    }
    if text.plain().chars().count() > LONGEST {
        let message = "The entered text is too long. It exceeds the allowed limit of 32,767 characters.";
        return Err(Refusal::field("comment", message));
    }
    Ok(text)
}
