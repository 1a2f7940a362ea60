//! What webhooks are told of a step.

use super::State;
use super::issue::{Comment, History};
use crate::webhook::Event;

impl State {
    /// Tells of one step: that the issue changed, and of each comment once more in an event of its own.
    pub(crate) fn tell_change(
        &mut self,
        id: u64,
        author: &str,
        change: Option<History>,
        comments: Vec<Comment>,
    ) {
        let Some(issue) = self.issues.get(&id).cloned() else {
            return;
        };
        let at = issue.updated;
        let event = |name, type_name, change, comment| Event {
            name,
            type_name,
            issue: issue.clone(),
            author: author.into(),
            change,
            comment,
            at,
        };
        let type_name = type_name(change.as_ref());
        let mut events = Vec::new();
        if type_name.is_some() || !comments.is_empty() {
            let type_name = type_name.or(Some("issue_commented"));
            events.push(event("jira:issue_updated", type_name, change, comments.last().cloned()));
        }
        events.extend(comments.into_iter().map(|one| event("comment_created", None, None, Some(one))));
        self.webhooks.events.extend(events);
    }

    /// Tells that an issue came or went. Nobody is named: it is the test's own doing.
    pub(crate) fn tell(&mut self, name: &'static str, id: u64) {
        let (Some(issue), at) = (self.issues.get(&id).cloned(), self.now()) else {
            return;
        };
        let author = String::new();
        self.webhooks.events.push(Event {
            name,
            type_name: None,
            issue,
            author,
            change: None,
            comment: None,
            at,
        });
    }
}

/// Jira has a name for the kind of change, on which nobody should rely.
fn type_name(change: Option<&History>) -> Option<&'static str> {
    let change = change?;
    let touches = |field: &str| change.items.iter().any(|item| item.field == field);
    Some(match () {
        () if touches("status") => "issue_generic",
        () if touches("assignee") => "issue_assigned",
        () => "issue_updated",
    })
}
