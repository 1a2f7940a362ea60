//! From a payload to an event.
//!
//! A change of status comes under whatever event name (`jira:issue_updated` with `issue_generic`, `issue_resolved`, …):
//! what counts is that the change log has one. A comment comes twice from Data Center, as `comment_created` and as
//! `issue_updated`; both are the same occurrence.

use jiff::Timestamp;

use super::Sending;
use super::payload::{Fields, Issue, Item, Named, Payload, User};
use crate::event::{self, Event, IssueStatus, Person, Repo, SCHEMA, Sender, StatusMove, Subject, Trigger};
use crate::forge::NormaliseError;
use crate::forge::lenient::{Id, Maybe, Text};

/// The longest event name kept; Jira's longest is `option_timetracking_provider_changed`.
const MAX_NAME: usize = 64;

/// The path of a field that an event cannot do without.
#[derive(Debug, Clone, Copy)]
struct Lacking(&'static str);

/// What happened to a ticket, of that which rules know.
#[derive(Debug, Default)]
struct Happened {
    triggers: Vec<Trigger>,
    moved: Option<StatusMove>,
    change: Option<String>,
}

/// Where an issue lives.
struct Home {
    /// `https`
    scheme: String,
    /// `acme.atlassian.net`, `tools.acme.example/jira`
    site: String,
}

/// The event that a payload tells of.
pub(super) fn event(payload: &Payload, sending: &Sending) -> Result<Event, NormaliseError> {
    let name = word(&payload.webhook_event).ok_or_else(|| not_normalisable("", Lacking("webhookEvent")))?;
    read(name, payload, sending).map_err(|lacking| not_normalisable(name, lacking))
}

fn not_normalisable(name: &str, Lacking(path): Lacking) -> NormaliseError {
    let what = if name.is_empty() { String::new() } else { format!(" `{name}`") };
    NormaliseError::NotNormalisable(format!("Jira's{what} payload has no usable `{path}`"))
}

fn read(name: &str, payload: &Payload, sending: &Sending) -> Result<Event, Lacking> {
    let happened = happened(name, payload)?;
    let actor = actor(payload);
    let issue = payload.issue.as_ref();
    if !happened.triggers.is_empty() {
        // Without them nobody could say which ticket it is, or whether the hook is for its site.
        needed(issue.map(|issue| issue.key.str()), "issue.key")?;
        home(issue).ok_or(Lacking("issue.self"))?;
        project(issue).ok_or(Lacking("issue.fields.project"))?;
    }
    let kind = happened.triggers.first().map_or_else(|| jiras_words(name, payload), ToString::to_string);
    let moved = happened.moved;
    let subject = issue.filter(|issue| !issue.key.str().is_empty()).map_or(Subject::Nothing, |issue| {
        let Sending { retry, flow } = sending;
        let actor = actor.map(person);
        Subject::Issue(Box::new(event::Issue {
            moved,
            actor,
            retry: *retry,
            flow: flow.clone(),
            ..as_told(issue)
        }))
    });
    Ok(Event {
        schema: SCHEMA,
        provider: "jira".into(),
        kind,
        triggers: happened.triggers,
        repo: repo(issue),
        sender: actor.map(sender).unwrap_or_default(),
        occurred_at: payload.timestamp.and_then(|ms| Timestamp::from_millisecond(ms.try_into().ok()?).ok()),
        change: happened.change,
        subject,
    })
}

fn happened(name: &str, payload: &Payload) -> Result<Happened, Lacking> {
    let issue_id = || payload.issue.as_ref()?.id.as_ref().map(|id| id.0.clone());
    if let Some(item) = payload.changelog.as_ref().and_then(|log| log.status()) {
        let change = payload.changelog.as_ref().and_then(|log| log.id.as_ref()).map(|id| id.0.clone());
        let moved = Some(status_move(item)?);
        return Ok(Happened { triggers: vec![Trigger::JiraStatusChanged], moved, change });
    }
    let comment = payload.comment.as_ref();
    let commented = name == "comment_created" || payload.issue_event_type_name.str() == "issue_commented";
    Ok(match (name, comment) {
        ("jira:issue_created", _) => {
            Happened { triggers: vec![Trigger::JiraCreated], change: issue_id(), moved: None }
        }
        // Older Data Centers do not say of which ticket; there `issue_updated` comes beside it, which does.
        (_, Some(comment)) if commented && payload.issue.is_some() => {
            let change = comment.id.as_ref().map(|id| id.0.clone());
            Happened { triggers: vec![Trigger::JiraCommented], change, moved: None }
        }
        _ => Happened::default(),
    })
}

fn status_move(item: &Item) -> Result<StatusMove, Lacking> {
    let status = |id: &Maybe<Id>, name: &Text| IssueStatus { id: id_of(id), name: name.owned() };
    let to = status(&item.to, &item.to_string);
    if to.id.is_empty() && to.name.is_empty() {
        return Err(Lacking("changelog.items[].to"));
    }
    Ok(StatusMove { from: status(&item.from, &item.from_string), to })
}

/// The issue as the payload shows it.
fn as_told(issue: &Issue) -> event::Issue {
    let fields = issue.fields.as_ref();
    let text = |of: fn(&Fields) -> String| fields.map(of).unwrap_or_default();
    event::Issue {
        id: id_of(&issue.id),
        key: issue.key.str().to_ascii_uppercase(),
        project: project(Some(issue)).unwrap_or_default(),
        summary: text(|fields| fields.summary.owned()),
        issue_type: text(|fields| {
            fields.issuetype.as_ref().map(|kind| kind.name.owned()).unwrap_or_default()
        }),
        status: fields.and_then(|fields| fields.status.as_ref()).map(status),
        labels: fields.and_then(|fields| fields.labels.as_deref()).map(owned).unwrap_or_default(),
        assignee: fields.and_then(|fields| fields.assignee.as_ref()).map(|user| person(user).name),
        ..event::Issue::default()
    }
}

fn owned(labels: &[std::borrow::Cow<'_, str>]) -> Vec<String> {
    labels.iter().map(ToString::to_string).collect()
}

fn status(named: &Named) -> IssueStatus {
    IssueStatus { id: id_of(&named.id), name: named.name.owned() }
}

/// The project's key, in capitals: the field's, or the issue key's own beginning.
fn project(issue: Option<&Issue>) -> Option<String> {
    let issue = issue?;
    let field = issue.fields.as_ref().and_then(|fields| fields.project.as_ref());
    let field = field.map(|project| project.key.str()).filter(|key| !key.is_empty());
    let key = field.or_else(|| issue.key.str().rsplit_once('-').map(|(project, _)| project))?;
    let good = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    good.then(|| key.to_ascii_uppercase())
}

/// The project as hooks know it: `acme.atlassian.net/SHOP`.
fn repo(issue: Option<&Issue>) -> Option<Repo> {
    let (Home { scheme, site }, name) = (home(issue)?, project(issue)?);
    let fields = issue.and_then(|issue| issue.fields.as_ref());
    let id = fields.and_then(|fields| fields.project.as_ref()).and_then(|project| project.id.as_ref());
    Some(Repo {
        // A project's id means something on its own site alone.
        id: format!("{site}/{}", id.map_or(name.as_str(), |id| &id.0)),
        path: format!("{site}/{name}"),
        url: format!("{scheme}://{site}/browse/{name}"),
        name,
        default_branch: None,
    })
}

/// The site, from the address of the issue: what stands before `/rest/`.
fn home(issue: Option<&Issue>) -> Option<Home> {
    let (scheme, rest) = issue?.address.as_deref()?.split_once("://")?;
    let (site, _) = rest.split_once("/rest/")?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '@' | '?' | '#' | '\\');
    let good = matches!(scheme, "https" | "http") && !site.is_empty() && !site.contains(odd);
    good.then(|| Home { scheme: scheme.to_owned(), site: site.to_ascii_lowercase() })
}

/// Who did it. Cloud says it of a comment in the comment alone.
fn actor<'p>(payload: &'p Payload<'p>) -> Option<&'p User<'p>> {
    let identified = |user: &&User| !id_of_user(user).is_empty();
    let author = || payload.comment.as_ref()?.author.as_ref();
    payload.user.as_ref().filter(identified).or_else(author).filter(identified)
}

fn id_of_user<'u>(user: &'u User) -> &'u str {
    user.account_id.as_deref().filter(|id| !id.is_empty()).unwrap_or(user.name.str())
}

fn person(user: &User) -> Person {
    let id = id_of_user(user).to_owned();
    Person { name: user.display_name.as_deref().map_or_else(|| id.clone(), str::to_owned), id }
}

/// By the account's id and not by its name: on Cloud, everybody may take any name.
fn sender(user: &User) -> Sender {
    Sender { login: id_of_user(user).to_owned(), bot: user.account_type.str() == "app", association: None }
}

/// `jira:issue_updated.issue_assigned`, or `jira:issue_deleted` where there is no more to say.
fn jiras_words(name: &str, payload: &Payload) -> String {
    match word(&payload.issue_event_type_name) {
        Some(kind) => format!("{name}.{kind}"),
        None => name.to_owned(),
    }
}

fn word<'t>(text: &'t Text) -> Option<&'t str> {
    let speakable = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':');
    let good = |text: &&str| (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(speakable);
    text.as_deref().filter(good)
}

fn needed<'t>(text: Option<&'t str>, path: &'static str) -> Result<&'t str, Lacking> {
    text.filter(|text| !text.is_empty()).ok_or(Lacking(path))
}

fn id_of(id: &Maybe<Id>) -> String {
    id.as_ref().map(|id| id.0.clone()).unwrap_or_default()
}
