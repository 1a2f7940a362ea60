//! Sending through again all events that match: looked up first and once, told, asked about, then sent one by one.
//!
//! The list is fixed before the first event goes: outcomes change while events are worked on, and a page asked for
//! meanwhile would miss some. An event goes as a request of its own, so that what changed in between (somebody else
//! sent it, it was removed) is refused by the service for that event alone.

use serde_json::{Value, json};

use super::replay::send;
use super::selection::{Chosen, Selection, Wanted, many};
use super::{EventPage, EventRow, list};
use crate::cli::client::Api;
use crate::cli::hooks::confirm;
use crate::cli::progress::Progress;
use crate::cli::why::print_json;
use crate::cli::{CliError, Output};
use crate::printable::printable;
use crate::trace::Trace;

/// How many events are on a page.
const PAGE: usize = 200;

pub(super) async fn run(
    api: &Api,
    filters: &[(&str, String)],
    limit: usize,
    wanted: &Wanted,
    yes: bool,
    output: Output,
) -> Result<(), CliError> {
    let events = snapshot(api, filters, limit).await?;
    let selection = select(api, &events, wanted).await?;
    if selection.events.is_empty() {
        let matched = if events.is_empty() { "no event matches" } else { "nothing of what matches may go" };
        eprintln!("Nothing to send through again: {matched}.");
        eprint!("{}", selection.left_out);
    } else {
        eprint!("{selection}");
        if !yes && !confirm("Send them through again?")? {
            return Err(CliError::Findings);
        }
    }
    let sent = send_all(api, &selection.events, wanted).await;
    sent.report(&selection, events.len(), output)
}

/// All events that match, the oldest first.
async fn snapshot(api: &Api, filters: &[(&str, String)], limit: usize) -> Result<Vec<EventRow>, CliError> {
    let mut events = Vec::new();
    let mut cursor = None;
    loop {
        let mut query = filters.to_vec();
        query.push(("limit", PAGE.to_string()));
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let page: EventPage = list(api, &query).await?;
        events.extend(page.events);
        if events.len() > limit {
            return Err(CliError::Usage(format!(
                "more than {limit} events match, and nothing was sent: narrow it down (--since, --repo, --ticket), or raise --limit"
            )));
        }
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    events.reverse();
    Ok(events)
}

/// Looks at the traces of what could go.
async fn select(api: &Api, events: &[EventRow], wanted: &Wanted) -> Result<Selection, CliError> {
    let mut selection = Selection::default();
    let progress = Progress::of(events.len(), "events looked at");
    for event in events {
        if let Some(candidates) = selection.candidates(event, wanted) {
            let trace: Trace = api.get(&["conduit", "api", "events", &event.event_id], &[]).await?;
            selection.take(&event.event_id, candidates, &trace.tickets, wanted);
        }
        progress.step();
    }
    progress.end();
    Ok(selection)
}

/// What became of the events that were to go.
#[derive(Default)]
struct Sent {
    queued: Vec<Value>,
    refused: Vec<(String, String)>,
    /// Why the service could not be reached any more, and how many events it was not asked for.
    cut_off: Option<(String, usize)>,
}

async fn send_all(api: &Api, events: &[Chosen], wanted: &Wanted) -> Sent {
    let mut sent = Sent::default();
    let progress = Progress::of(events.len(), "events sent");
    for (index, event) in events.iter().enumerate() {
        match send(api, &event.event_id, wanted, &event.tickets).await {
            Ok(answer) => sent.queued.push(answer),
            Err(CliError::Unreachable(why)) => {
                sent.cut_off = Some((why, events.len() - index));
                break;
            }
            Err(error) => sent.refused.push((event.event_id.clone(), error.to_string())),
        }
        progress.step();
    }
    progress.end();
    sent
}

impl Sent {
    fn report(self, selection: &Selection, matched: usize, output: Output) -> Result<(), CliError> {
        if output == Output::Json {
            print_json(&self.json(selection, matched))?;
        }
        for (event, why) in &self.refused {
            eprintln!("✗ {event}: {}", printable(why));
        }
        let (queued, missed) = (self.queued.len(), self.refused.len());
        let cut_off = self.cut_off.map(|(why, left)| format!("{why}; {} not sent", many(left, "event")));
        if missed == 0 && cut_off.is_none() {
            if queued > 0 {
                eprintln!("{} queued again. See how they go:  conduit queue status", many(queued, "event"));
            }
            return Ok(());
        }
        let refused = (missed > 0).then(|| format!("{} refused", many(missed, "event")));
        let why = refused.into_iter().chain(cut_off.clone()).collect::<Vec<_>>().join("; ");
        Err(match (queued, cut_off) {
            (0, Some(_)) => CliError::Unreachable(why),
            (0, None) => CliError::Failed(anyhow::anyhow!(why)),
            _ => CliError::Partly(format!("{} queued again; {why}", many(queued, "event"))),
        })
    }

    fn json(&self, selection: &Selection, matched: usize) -> Value {
        let refused: Vec<Value> =
            self.refused.iter().map(|(id, why)| json!({ "event_id": id, "because": why })).collect();
        json!({
            "schema": "conduit.replays/1",
            "matched": matched,
            "tickets": selection.tickets,
            "left_out": selection.left_out,
            "queued": self.queued,
            "refused": refused,
            "not_sent": self.cut_off.as_ref().map_or(0, |(_, left)| *left),
        })
    }
}
