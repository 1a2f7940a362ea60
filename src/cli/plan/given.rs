//! The events to plan for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;

use super::PlanArgs;
use crate::cli::CliError;
use crate::cli::client::Api;
use crate::cli::events::{EventPage, list};
use crate::cli::progress::Progress;
use crate::event::Event;
use crate::forge::{self, Forge};
use crate::printable::printable;
use crate::store::EventId;
use crate::trace::{self, EventSummary, Outcome, Reason, Trace};

/// How many recorded events are asked for at once.
const AT_ONCE: usize = 8;

/// An event to plan for.
pub(super) struct Given {
    /// What to call it.
    pub(super) name: String,
    /// The trace to fill in; complete when there is nothing to plan.
    pub(super) trace: Trace,
    /// What is to be planned; `None` for what no rule decides on, whatever the rules.
    pub(super) event: Option<Event>,
    /// The projects that its hook may move; `None`: all.
    pub(super) projects: Option<Vec<String>>,
    /// What did happen.
    pub(super) recorded: Option<Trace>,
}

/// A hook as the service shows it.
#[derive(Deserialize)]
struct Hook {
    provider: String,
    repo_id: String,
    projects: Option<Vec<String>>,
}

/// The projects that each hook may move, by the hook's name; not there: all.
type Limits = BTreeMap<String, Vec<String>>;

/// An event as the service knows it.
#[derive(Deserialize)]
struct Recorded {
    #[serde(flatten)]
    trace: Trace,
    normalised: Option<Event>,
}

/// Every event that is asked for, oldest first.
pub(super) async fn events(args: &PlanArgs) -> Result<Vec<Given>, CliError> {
    let Some(what) = &args.what else { return since(args).await };
    let path = Path::new(what);
    if path.is_dir() {
        return folder(args, path);
    }
    match EventId::parse(what).filter(|_| !path.exists()) {
        Some(id) => {
            let api = args.api.connect()?;
            Ok(vec![recorded(&api, id.as_str(), &limits(&api).await?).await?])
        }
        None => Ok(vec![file(args, path, Alone::Yes)?]),
    }
}

// --- recorded ------------------------------------------------------------------------------------------------

async fn since(args: &PlanArgs) -> Result<Vec<Given>, CliError> {
    let api = args.api.connect()?;
    let mut ids = ids(args, &api).await?;
    ids.reverse();
    let limits = limits(&api).await?;
    let progress = Progress::of(ids.len(), "events read");
    let asked = ids.iter().map(async |id| recorded(&api, id, &limits).await);
    let counted = stream::iter(asked).buffered(AT_ONCE).inspect(|_| progress.step());
    let events = counted.try_collect().await;
    progress.end();
    events
}

/// What each hook may move. It is an administrator's to know; anybody else plans as if all hooks may move all.
async fn limits(api: &Api) -> Result<Limits, CliError> {
    match api.get::<Vec<Hook>>(&["conduit", "webhooks", "list"], &[]).await {
        Ok(hooks) => {
            let limited = |hook: Hook| Some((format!("{}/{}", hook.provider, hook.repo_id), hook.projects?));
            Ok(hooks.into_iter().filter_map(limited).collect())
        }
        Err(error @ CliError::Unreachable(_)) => Err(error),
        Err(error) => {
            eprintln!(
                "The hooks' `projects` cannot be read ({error}): planned as if every hook may move all."
            );
            Ok(Limits::new())
        }
    }
}

/// The ids of the recorded events that are asked for, newest first.
async fn ids(args: &PlanArgs, api: &Api) -> Result<Vec<String>, CliError> {
    let mut ids = Vec::new();
    let mut cursor = None;
    loop {
        let filters = [
            ("since", args.since.clone()),
            ("repo", args.repo.clone()),
            ("ticket", args.ticket.clone()),
            ("outcome", args.outcome.clone()),
            ("limit", Some("200".to_owned())),
            ("cursor", cursor),
        ];
        let query: Vec<_> = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let page: EventPage = list(api, &query).await?;
        ids.extend(page.events.into_iter().map(|event| event.event_id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(ids);
        }
    }
}

async fn recorded(api: &Api, id: &str, limits: &Limits) -> Result<Given, CliError> {
    let Recorded { trace, normalised } = api.get(&["conduit", "api", "events", id], &[]).await?;
    let event = normalised.filter(|_| !settled_at_the_door(&trace));
    let planned = Trace { planned: true, ..trace.clone() };
    let projects = trace.received.as_ref().and_then(|received| limits.get(&received.hook).cloned());
    Ok(Given { name: name(&trace), trace: planned, event, projects, recorded: Some(trace) })
}

/// What was settled before any rule was asked. It would be again.
fn settled_at_the_door(trace: &Trace) -> bool {
    let at_the_door = [Reason::Duplicate, Reason::RepoMismatch, Reason::Stale, Reason::NotNormalisable];
    trace.tickets.is_empty() && at_the_door.contains(&trace.reason)
}

fn name(trace: &Trace) -> String {
    let event = trace.event.as_ref();
    let repo = event.and_then(|event| event.repo.as_deref()).unwrap_or("unknown repository");
    let number = event.and_then(|event| event.number).map(|number| format!(" #{number}")).unwrap_or_default();
    let kind = event.map_or("not understood", |event| event.kind.as_str());
    format!("{}{number} · {} · {}", printable(repo), printable(kind), trace.event_id)
}

// --- files ---------------------------------------------------------------------------------------------------

/// Whether a file is the only one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alone {
    Yes,
    No,
}

fn folder(args: &PlanArgs, folder: &Path) -> Result<Vec<Given>, CliError> {
    let unreadable = |error: std::io::Error| CliError::Usage(format!("{}: {error}", folder.display()));
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.is_file() && path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    if paths.is_empty() {
        return Err(CliError::NotFound(format!("{} has no file that ends in .json", folder.display())));
    }
    if args.event.is_none() && forge::find(&args.provider).is_some_and(|forge| forge.event_header().is_some())
    {
        eprintln!("Each file's event is guessed from the beginning of its name; --event says it for all.");
    }
    paths.iter().map(|path| file(args, path, Alone::No)).collect()
}

fn file(args: &PlanArgs, path: &Path, alone: Alone) -> Result<Given, CliError> {
    let shown = path.display().to_string();
    let shown = printable(&shown);
    let wrong = |what: String| CliError::Usage(format!("{shown}: {}", printable(&what)));
    let body = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => CliError::NotFound(format!(
            "{shown} is no file, no folder and no event's id (26 letters and digits)"
        )),
        _ => wrong(error.to_string()),
    })?;
    let forge = forge::find(&args.provider).ok_or_else(|| unknown_forge(&args.provider))?;
    let (kind, guessed) = match (&args.event, forge.event_header().and_then(|_| guess(path))) {
        (Some(event), _) => (event.clone(), false),
        (None, Some(event)) => (event, true),
        (None, None) if forge.event_header().is_none() => (String::new(), false),
        (None, None) => return Err(wrong("say what it tells of, e.g. --event pull_request".into())),
    };
    let headers: Vec<_> = forge.event_header().map(|header| (header, kind.as_str())).into_iter().collect();
    let event = forge.normalise(&headers, &body).map_err(|error| wrong(error.to_string()))?;
    if guessed && alone == Alone::Yes {
        if !event.is_supported() {
            let help = "no rule can see such an event; say what it tells of, e.g. --event pull_request";
            return Err(wrong(format!("by its name it tells of `{kind}`: {help}")));
        }
        eprintln!("{shown}: taken for `{kind}` because of its name; --event says otherwise.");
    }
    let delivery_id = forge.delivery_id(&headers, &body).map_err(|error| wrong(error.to_string()))?;
    let trace = unplanned(forge, &shown, delivery_id, &event);
    Ok(Given {
        name: format!("{shown} · {}", printable(&event.kind)),
        trace,
        event: Some(event),
        projects: None,
        recorded: None,
    })
}

/// The event that a name such as `pull_request.merged.json` begins with.
fn guess(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let event = name.split('.').next().unwrap_or_default();
    let good = !event.is_empty() && event.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    good.then(|| event.to_owned())
}

fn unknown_forge(name: &str) -> CliError {
    let known: Vec<_> = forge::all().iter().map(|forge| forge.name()).collect();
    CliError::Usage(format!("--provider: `{}` is not one of: {}", printable(name), known.join(", ")))
}

/// The trace of a payload that never came in: the file's path stands for an event's id.
fn unplanned(forge: &dyn Forge, file: &str, delivery_id: String, event: &Event) -> Trace {
    Trace {
        schema: trace::SCHEMA.to_owned(),
        planned: true,
        event_id: file.to_owned(),
        provider: forge.name().to_owned(),
        delivery_id,
        received: None,
        event: Some(EventSummary::from(event)),
        tickets: Vec::new(),
        ignored_keys: Vec::new(),
        outcome: Outcome::NothingToDo,
        reason: Reason::NoKeys,
        detail: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_begins_with_its_event() {
        let guessed = |name: &str| guess(Path::new(name));
        assert_eq!(guessed("a/pull_request.merged.json").as_deref(), Some("pull_request"));
        assert_eq!(guessed("push.json").as_deref(), Some("push"));
        assert_eq!(guessed("2026-11-22.json"), None);
        assert_eq!(guessed(".json"), None);
    }
}
