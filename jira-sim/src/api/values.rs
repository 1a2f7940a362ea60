//! Reading field values out of a request, with Jira's words for the wrong ones.

use serde_json::Value;

use crate::dialect::Dialect;
use crate::field::RESOLUTIONS;
use crate::refusal::Refusal;
use crate::state::{Issue, State};

/// A text; null clears it.
pub(crate) fn text(field: &str, value: &Value) -> Result<String, Refusal> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        _ => Err(Refusal::field(field, "Operation value must be a string")),
    }
}

/// A summary: one line, not empty, 255 characters at most.
pub(crate) fn summary(value: &Value) -> Result<String, Refusal> {
    let text = text("summary", value)?;
    if text.trim().is_empty() {
        return Err(Refusal::field("summary", "You must specify a summary of the issue."));
    }
    if text.contains('\n') {
        let message = "The summary is invalid because it contains newline characters.";
        return Err(Refusal::field("summary", message));
    }
    if text.chars().count() > 255 {
        return Err(Refusal::field("summary", "Summary can't exceed 255 characters."));
    }
    Ok(text)
}

/// One label: without spaces.
pub(crate) fn label(value: &Value) -> Result<String, Refusal> {
    let label = value.as_str().ok_or_else(|| Refusal::field("labels", "string expected"))?;
    if label.contains(char::is_whitespace) {
        let message = format!("The label '{label}' contains spaces which is invalid.");
        return Err(Refusal::field("labels", message));
    }
    Ok(label.to_owned())
}

/// A resolution, by name or id.
pub(crate) fn resolution(value: &Value) -> Result<Option<String>, Refusal> {
    if value.is_null() {
        return Ok(None);
    }
    let known = |fits: &dyn Fn(u64, &str) -> bool| RESOLUTIONS.iter().find(|(id, name)| fits(*id, name));
    let (found, wrong) = match (value["name"].as_str(), value["id"].as_str()) {
        (Some(wanted), _) => (
            known(&|_, name| name.eq_ignore_ascii_case(wanted)),
            format!("Resolution name '{wanted}' is not valid"),
        ),
        (None, Some(wanted)) => {
            (known(&|id, _| id.to_string() == wanted), format!("Resolution id '{wanted}' is not valid"))
        }
        (None, None) => (None, "Could not find valid 'id' or 'name' in resolution object.".to_owned()),
    };
    let (_, name) = found.ok_or_else(|| Refusal::field("resolution", wrong))?;
    Ok(Some((*name).to_owned()))
}

/// A version of the issue's project, by name or id.
pub(crate) fn version(state: &State, issue: &Issue, value: &Value) -> Result<u64, Refusal> {
    let project = state.project(&issue.project).map_or(0, |project| project.id);
    if let Some(name) = value["name"].as_str() {
        let wrong = || Refusal::field("fixVersions", format!("Version name '{name}' is not valid"));
        return state.version_named(project, name).map(|version| version.id).ok_or_else(wrong);
    }
    if let Some(id) = value["id"].as_str() {
        let version = id.parse().ok().and_then(|id: u64| state.versions.get(&id));
        let version = version.filter(|version| version.project == project);
        let wrong = || Refusal::field("fixVersions", format!("Version id '{id}' is not valid"));
        return version.map(|version| version.id).ok_or_else(wrong);
    }
    Err(Refusal::field("fixVersions", "Could not find valid 'id' or 'name' in version object."))
}

/// A person: `accountId` on Cloud, `name` on Data Center; null for nobody.
pub(crate) fn person(state: &State, field: &str, value: &Value) -> Result<Option<String>, Refusal> {
    if value.is_null() {
        return Ok(None);
    }
    let (part, of) = match state.dialect {
        Dialect::Cloud => ("accountId", "Account ID"),
        Dialect::DataCenter => ("name", "User"),
    };
    match &value[part] {
        Value::Null if value.get(part).is_some() => Ok(None),
        Value::String(who) => {
            let mut accounts = state.accounts.iter();
            let account = accounts.find(|one| match state.dialect {
                Dialect::Cloud => one.id == *who,
                Dialect::DataCenter => one.name == *who,
            });
            let wrong = || Refusal::field(field, format!("{of} '{who}' does not exist."));
            account.map(|account| Some(account.id.clone())).ok_or_else(wrong)
        }
        _ => Err(Refusal::field(field, format!("expected Object containing a '{part}' property"))),
    }
}
