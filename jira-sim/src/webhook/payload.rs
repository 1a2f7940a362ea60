//! What a delivery says: its body, its address, its signature.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::Event;
use crate::dialect::{Api, Dialect};
use crate::render::{Renderer, Wanted};
use crate::state::State;

/// The body: texts are strings here, whatever the API's version.
pub(crate) fn body(state: &State, event: &Event) -> Value {
    let render = Renderer::of(state, Api::V2);
    let mut json = json!({
        "timestamp": event.at.as_millisecond(),
        "webhookEvent": event.name,
        "user": render.author(&event.author),
        "issue": render.issue(&event.issue, &Wanted::default()),
    });
    if let Some(name) = event.type_name {
        json["issue_event_type_name"] = name.into();
    }
    if let Some(change) = &event.change {
        json["changelog"] = json!({ "id": change.id.to_string(), "items": render.history_items(change) });
    }
    if let Some(comment) = &event.comment {
        json["comment"] = render.comment(&event.issue, comment, false);
    }
    json
}

/// The address with its variables filled in: `${issue.key}` on Data Center before version 10, `{issue.key}` otherwise.
pub(crate) fn url(state: &State, template: &str, event: &Event) -> String {
    let old = state.dialect == Dialect::DataCenter && state.switches.version[0] < 10;
    let issue = &event.issue;
    let project = state.project(&issue.project).map(|project| project.id.to_string()).unwrap_or_default();
    let user = state.account(&event.author).map(|account| account.name.clone()).unwrap_or_default();
    let variables = [
        ("issue.key", issue.key.clone()),
        ("issue.id", issue.id.to_string()),
        ("project.key", issue.project.clone()),
        ("project.id", project),
        ("modifiedUser.key", user.clone()),
        ("modifiedUser.name", user),
        ("modifiedUser.accountId", event.author.clone()),
    ];
    variables.into_iter().fold(template.to_owned(), |url, (name, value)| {
        let variable = if old { format!("${{{name}}}") } else { format!("{{{name}}}") };
        url.replace(&variable, &value)
    })
}

/// `sha256=` and the keyed hash of the body, in hexadecimal digits.
pub(crate) fn signature(secret: &str, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(body.as_bytes());
    Some(format!("sha256={}", HEXLOWER.encode(&mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_atlassians_own_example() {
        let expected = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";
        assert_eq!(signature("It's a Secret to Everybody", "Hello World!").as_deref(), Some(expected));
    }
}
