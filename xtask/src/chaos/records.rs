//! What the store says, through the API: the queue, the events, and the traces of what went wrong.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;

use super::ledger::{Offence, Record};
use super::world::World;

/// How often is looked whether everything is worked off.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often is counted what is finished, which takes every page of the list.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// Waits until these events are finished and nothing else waits either, and returns every record. When for the time of
/// `patience` no event has come to its end, as things stand then. Not sooner, however long a backlog is: a ticket in the
/// middle of its work would look as if it had been moved for nobody.
pub(super) async fn drained(
    world: &World,
    accepted: &[String],
    patience: Duration,
) -> anyhow::Result<HashMap<String, Record>> {
    let (mut deadline, mut next_count, mut finished) = (Instant::now() + patience, Instant::now(), 0);
    loop {
        if Instant::now() > next_count {
            let now =
                records(world).await.map_or(0, |records| records.values().filter(|r| r.finished).count());
            if now > finished {
                finished = now;
                deadline = Instant::now() + patience;
            }
            next_count = Instant::now() + COUNT_EVERY;
        }
        let late = Instant::now() > deadline;
        match look(world, accepted, late).await {
            Ok(Some(records)) => return Ok(records),
            Err(error) if late => return Err(error.context("Conduit does not answer")),
            // Just started again, or not done yet.
            Ok(None) | Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// Every record, when nothing waits or nobody waits for it any longer.
async fn look(
    world: &World,
    accepted: &[String],
    late: bool,
) -> anyhow::Result<Option<HashMap<String, Record>>> {
    if waiting(world).await? > 0 && !late {
        return Ok(None);
    }
    let records = records(world).await?;
    // A spool may still hold what the store has never seen.
    let known = accepted.iter().all(|id| records.contains_key(id));
    let idle = known && records.values().all(|record| record.finished);
    Ok((idle || late).then_some(records))
}

/// How much waits or is worked on.
pub(super) async fn waiting(world: &World) -> anyhow::Result<u64> {
    let queue = world.get("/conduit/api/queue").await?;
    Ok(["inbox", "ready", "leased", "delayed"].iter().filter_map(|name| queue[name].as_u64()).sum())
}

async fn records(world: &World) -> anyhow::Result<HashMap<String, Record>> {
    let mut records = HashMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/conduit/api/events?limit=200{cursor}");
        let page = world.get(&path).await?;
        for row in page["events"].as_array().context("a page without events")? {
            records.insert(text(&row["event_id"]), record(row));
        }
        let Some(next) = page["next_cursor"].as_str() else { return Ok(records) };
        cursor = format!("&cursor={next}");
    }
}

fn record(row: &Value) -> Record {
    let tickets = row["tickets"].as_array().into_iter().flatten();
    let tickets: BTreeMap<_, _> =
        tickets.map(|ticket| (text(&ticket["key"]), text(&ticket["reason"]))).collect();
    Record { finished: row["state"] == "finished", reason: text(&row["reason"]), tickets }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Writes the trace of an offence, and what else happened to its ticket, beside the logs.
pub(super) async fn keep_traces(world: &World, offence: &Offence, folder: &Path) -> anyhow::Result<()> {
    let ticket = world.get(&format!("/conduit/api/tickets/{}", offence.key)).await;
    let event = world.get(&format!("/conduit/api/events/{}", offence.event_id)).await;
    let of = |answer: anyhow::Result<Value>| answer.unwrap_or_else(|error| error.to_string().into());
    let both = serde_json::json!({ "event": of(event), "ticket": of(ticket) });
    let name = format!("offence-{}-{}.json", offence.key, offence.number.unwrap_or_default());
    Ok(std::fs::write(folder.join(name), serde_json::to_string_pretty(&both)?)?)
}
