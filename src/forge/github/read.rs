//! From a payload to an event.

use jiff::Timestamp;

use super::payload::{self, Payload};
use super::{code, pull_request, shipping};
use crate::event::{Event, Repo, SCHEMA, Sender, Subject, Trigger};
use crate::forge::NormaliseError;
use crate::forge::lenient::{Maybe, Text};

/// The longest action kept as part of an event's kind.
const MAX_ACTION: usize = 64;

/// What is particular to one kind of event.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The first is the one that names the event.
    pub(super) triggers: Vec<Trigger>,
    pub(super) subject: Subject,
    pub(super) occurred_at: Option<Timestamp>,
    pub(super) change: Option<String>,
    pub(super) association: Option<String>,
}

/// The path of a field that an event cannot do without.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lacking(pub(super) &'static str);

impl Reading {
    /// An event that is recorded and nothing else: its subject is shown if it can be read.
    pub(super) fn recorded(subject: Result<Subject, Lacking>) -> Self {
        Self { subject: subject.unwrap_or_default(), ..Self::default() }
    }
}

/// The event that GitHub calls `name`.
pub(super) fn event(name: &str, payload: &Payload) -> Result<Event, NormaliseError> {
    let lacking = |Lacking(path)| {
        NormaliseError::NotNormalisable(format!("GitHub's `{name}` payload has no usable `{path}`"))
    };
    let reading = match name {
        "pull_request" => pull_request::changed(payload),
        "pull_request_review" => pull_request::reviewed(payload),
        "push" => code::pushed(payload),
        "create" => code::created(payload),
        "delete" => code::deleted(payload),
        "release" => shipping::released(payload),
        "check_suite" => shipping::checked(payload),
        "deployment_status" => shipping::deployed(payload),
        _ => Ok(Reading::default()),
    }
    .map_err(lacking)?;
    let repo = repo(payload);
    if !reading.triggers.is_empty() && repo.is_none() {
        // Without it nobody could say whether the hook is for this repository.
        return Err(lacking(Lacking("repository")));
    }
    let kind = reading.triggers.first().map_or_else(|| forge_words(name, payload), ToString::to_string);
    Ok(Event {
        schema: SCHEMA,
        provider: "github".into(),
        kind,
        triggers: reading.triggers,
        repo,
        sender: sender(payload, reading.association),
        occurred_at: reading.occurred_at,
        change: reading.change,
        subject: reading.subject,
    })
}

/// `issues.opened`, or `ping` where there is no action.
fn forge_words(name: &str, payload: &Payload) -> String {
    let action = payload.action.str();
    let speakable = (1..=MAX_ACTION).contains(&action.len())
        && action.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if speakable { format!("{name}.{action}") } else { name.to_owned() }
}

/// The repository, if it can be told from others.
fn repo(payload: &Payload) -> Option<Repo> {
    let repo = payload.repository.as_ref()?;
    let id = repo.id.as_ref()?.0.clone();
    let path = repo.full_name.as_deref().filter(|path| !path.is_empty())?;
    let last = path.rsplit('/').next().unwrap_or_default();
    Some(Repo {
        id,
        name: repo.name.as_deref().unwrap_or(last).to_owned(),
        path: path.to_owned(),
        default_branch: repo.default_branch.as_deref().map(str::to_owned),
        url: repo.html_url.owned(),
    })
}

fn sender(payload: &Payload, association: Option<String>) -> Sender {
    let Some(user) = payload.sender.as_ref() else { return Sender { association, ..Sender::default() } };
    let bot = user.kind.str() == "Bot" || is_bot(user.login.str());
    Sender { login: user.login.owned(), bot, association }
}

/// Whether an account's name says that an app owns it.
pub(super) fn is_bot(login: &str) -> bool {
    login.ends_with("[bot]")
}

/// An account's name; empty for one that was deleted since.
pub(super) fn login(user: &Maybe<payload::User>) -> String {
    user.as_ref().map(|user| user.login.owned()).unwrap_or_default()
}

/// A text that must be there.
pub(super) fn needed(text: &Text, path: &'static str) -> Result<String, Lacking> {
    text.as_deref().map(str::to_owned).ok_or(Lacking(path))
}

/// When the repository was last pushed to. In an event about a push: when that was.
///
/// A commit's own time would be when it was written, which may be weeks before it is pushed.
pub(super) fn pushed_at(payload: &Payload) -> Option<Timestamp> {
    *payload.repository.as_ref()?.pushed_at
}
