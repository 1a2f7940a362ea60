//! Things of another store, written into a database file.

use rusqlite::{Connection, params};

use crate::store::copy::{EventCopy, Item, JobCopy, Name, RunCopy, TicketCopy, packed};
use crate::store::model::{merge_name, merge_of};
use crate::store::{EventId, EventState, PausedSite, Result};

use super::super::rows::{number, to_json};
use super::super::{audit, config};

/// Answers of how many events the change that they stand for cannot be told.
pub(super) fn write(conn: &Connection, items: &[Item], now: i64) -> Result<u64> {
    let mut unnamed = 0;
    for item in items {
        match item {
            Item::Setting(name, value) => {
                conn.prepare_cached("INSERT OR REPLACE INTO settings VALUES (?1, ?2)")?
                    .execute([name, value])?;
            }
            Item::Hook(hook) => {
                config::add_hook(conn, hook)?;
            }
            Item::Token(token) => config::save_token(conn, token)?,
            Item::Audit(entry) => audit::record(conn, entry)?,
            Item::Pause(pause) => write_pause(conn, pause)?,
            Item::Event(event) => unnamed += u64::from(!write_event(conn, event)?),
            Item::Job(job) => write_job(conn, job, now)?,
            Item::Run(run) => write_run(conn, run)?,
        }
    }
    Ok(unnamed)
}

fn write_pause(conn: &Connection, pause: &PausedSite) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO pauses (site, kind, why, since, until, probes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        pause.site,
        pause.kind.as_str(),
        pause.why,
        pause.since.as_millisecond(),
        pause.until.map(jiff::Timestamp::as_millisecond),
        pause.probes,
    ])?;
    Ok(())
}

/// Answers whether all of its names are known.
fn write_event(conn: &Connection, copy: &EventCopy) -> Result<bool> {
    let (occurrence, merge) = names(copy);
    let known = occurrence.is_some() == copy.occurrence.is_some() && merge.is_some() == copy.merge.is_some();
    conn.prepare_cached(
        "INSERT INTO events (id, provider, delivery_id, occurrence, repo, kind, projects, received, received_at,
                             event, generation, state, outcome, reason, own, detail, duplicate_of,
                             finished_at, ignored)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
    )?
    .execute(params![
        copy.id.as_str(),
        copy.provider,
        copy.delivery_id,
        occurrence,
        copy.repo,
        copy.kind,
        copy.projects.as_ref().map(to_json).transpose()?,
        to_json(&copy.received)?,
        copy.received.at.as_millisecond(),
        copy.event.as_ref().map(|json| packed(json)).transpose()?,
        copy.generation,
        match copy.state {
            EventState::Waiting => "waiting",
            EventState::Working => "working",
            EventState::Finished => "finished",
        },
        copy.verdict.outcome.as_str(),
        copy.verdict.reason.as_str(),
        copy.own.as_ref().map(to_json).transpose()?,
        copy.detail,
        copy.duplicate_of.as_ref().map(EventId::as_str),
        copy.finished_at,
        to_json(&copy.ignored)?,
    ])?;
    let event = conn.last_insert_rowid();
    if let Some(body) = &copy.body {
        conn.prepare_cached("INSERT INTO bodies VALUES (?1, ?2)")?.execute(params![event, body])?;
    }
    if let Some(merge) = merge {
        conn.prepare_cached("INSERT INTO merges VALUES (?1, ?2)")?.execute(params![merge, event])?;
    }
    let ended_at = Some(copy.finished_at.unwrap_or(copy.received.at.as_millisecond()));
    for ticket in &copy.finished {
        insert(conn, event, ticket, None, ended_at)?;
    }
    Ok(known)
}

/// The names under which the event is to be found, as far as they can be told.
fn names(copy: &EventCopy) -> (Option<String>, Option<String>) {
    let named = [&copy.occurrence, &copy.merge];
    let short = named.iter().any(|name| matches!(name, Some(Name::Short(_))));
    let event = if short { copy.normalised() } else { None };
    let full = |name: Option<&Name>, candidate| name.and_then(|name| name.full(candidate));
    let occurrence = event.as_ref().and_then(crate::event::Event::occurrence);
    let merge = event.as_ref().and_then(merge_of).map(|(repo, sha)| merge_name(&copy.provider, repo, sha));
    (full(copy.occurrence.as_ref(), occurrence), full(copy.merge.as_ref(), merge))
}

fn insert(
    conn: &Connection,
    event: i64,
    ticket: &TicketCopy,
    progress: Option<&str>,
    finished_at: Option<i64>,
) -> Result<i64> {
    conn.prepare_cached(
        "INSERT INTO jobs (event, key, generation, position, site, project, found_in, received_at, queued_at,
                           progress, trace, outcome, reason, finished_at)
         SELECT n, ?2, ?3, ?4, ?5, ?6, ?7, received_at, ?8, ?9, ?10, ?11, ?12, ?13 FROM events WHERE n = ?1",
    )?
    .execute(params![
        event,
        ticket.key,
        ticket.generation,
        ticket.position,
        ticket.site,
        ticket.project,
        to_json(&ticket.found_in)?,
        ticket.queued_at,
        progress,
        ticket.trace.as_ref().map(|json| packed(json)).transpose()?,
        ticket.verdict.outcome.as_str(),
        ticket.verdict.reason.as_str(),
        finished_at,
    ])?;
    Ok(conn.last_insert_rowid())
}

/// Jobs queue in the order in which they are written; the first of its ticket is the head.
fn write_job(conn: &Connection, job: &JobCopy, now: i64) -> Result<()> {
    let Some(event) = number(conn, &job.event)? else { return Ok(()) };
    let ticket = &job.ticket;
    let n = insert(conn, event, ticket, job.progress.as_deref(), None)?;
    conn.prepare_cached("INSERT OR IGNORE INTO lanes (site, project) VALUES (?1, ?2)")?
        .execute([&ticket.site, &ticket.project])?;
    conn.prepare_cached(
        "INSERT OR IGNORE INTO tickets (site, key, project, head, run_at, expired) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![ticket.site, ticket.key, ticket.project, n, job.due.unwrap_or(now), job.expired])?;
    Ok(())
}

fn write_run(conn: &Connection, run: &RunCopy) -> Result<()> {
    let Some(event) = number(conn, &run.event)? else { return Ok(()) };
    conn.prepare_cached(
        "INSERT INTO inbox (event, generation, tickets, replayed)
         SELECT n, generation, ?2, ?3 FROM events WHERE n = ?1",
    )?
    .execute(params![event, to_json(&run.only)?, run.replayed])?;
    // Shown as waiting, as `inbox::replay` does it.
    let mut wait = conn.prepare_cached(
        "UPDATE jobs SET outcome = 'waiting', reason = 'queued' WHERE event = ?1 AND key = ?2",
    )?;
    for key in &run.only {
        wait.execute(params![event, key])?;
    }
    Ok(())
}
