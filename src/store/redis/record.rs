//! An event's record as it stands in Redis: a hash of short fields, its tickets, its content.

use std::collections::HashMap;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::unreadable;
use super::keys;
use crate::event::Event;
use crate::store::{
    Content, EventId, EventRecord, EventState, NewEvent, Result, TicketState, Unreadable, codec, compress,
};
use crate::trace::{Reason, Received, Verdict};

/// The fields of a hash as Redis answers them.
pub(super) type Fields = HashMap<String, String>;

/// Anything as JSON, compressed when that is worth it.
pub(super) fn pack(value: &impl Serialize) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(value).map_err(|error| unreadable("a value to store", error))?;
    codec::pack(json)
}

/// What [`pack`] was given.
pub(super) fn unpack<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T> {
    serde_json::from_slice(&codec::unpack(bytes)?).map_err(|error| unreadable(what, error))
}

/// A stored event, or why this version cannot read it.
pub(super) fn unpack_event(bytes: &[u8]) -> std::result::Result<Event, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::Damaged("its content is missing".to_owned()));
    }
    crate::store::unreadable::read_event(bytes)
}

/// A verdict as one field.
pub(super) fn verdict_text(verdict: Verdict) -> String {
    format!("{} {}", verdict.outcome.as_str(), verdict.reason.as_str())
}

/// What [`verdict_text`] wrote.
pub(super) fn verdict(text: &str) -> Option<Verdict> {
    let (outcome, reason) = text.split_once(' ')?;
    Some(Verdict { outcome: outcome.parse().ok()?, reason: reason.parse().ok()? })
}

/// The kind of key an event's content stands under, and the content itself.
pub(super) fn content(event: &NewEvent) -> Result<(&'static str, Vec<u8>)> {
    Ok(match &event.content {
        Content::Event(event) => ("no:", pack(event)?),
        Content::Raw(body) => ("bd:", compress(body)?),
    })
}

/// The place of an event in the time indexes: microseconds, which a sorted set holds exactly.
pub(super) fn score(received: &Received) -> i64 {
    received.at.as_microsecond()
}

/// The fields of a new event's record that do not depend on what stands in the store. What only people read has
/// names of one letter: there may be millions.
pub(super) fn fields(event: &NewEvent) -> Result<Vec<(&'static str, String)>> {
    let received = &event.received;
    let mut fields = vec![
        ("p", event.provider.clone()),
        ("d", event.delivery_id.clone()),
        ("repo", event.repo.clone()),
        ("k", event.kind.clone()),
        ("h", received.hook.clone()),
        ("b", received.bytes.to_string()),
        ("m", received.ms.to_string()),
        ("v", received.verified_by.clone()),
        ("n", received.secret_version.to_string()),
        ("score", score(received).to_string()),
        ("generation", "1".to_owned()),
    ];
    if let Some(projects) = &event.projects {
        fields.push(("projects", json(projects)?));
    }
    if let Some(verdict) = event.verdict {
        fields.push(("verdict", verdict_text(verdict)));
    }
    if let Some(detail) = &event.detail {
        fields.push(("detail", detail.clone()));
    }
    Ok(fields)
}

/// A short value as JSON text.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| unreadable("a value to store", error))
}

/// What [`json`] wrote; an empty text is nothing.
pub(super) fn from_json<T: DeserializeOwned>(text: &str, what: &str) -> Result<Option<T>> {
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|error| unreadable(what, error))
}

/// The occurrence under which a new event is known, as it stands in a key; empty when it stands for itself.
pub(super) fn occurrence(event: &NewEvent) -> String {
    event.occurrence.as_deref().map(keys::short).unwrap_or_default()
}

/// The commit as which a pull request was merged, as it stands in a key; empty for any other event.
pub(super) fn merge(event: &NewEvent) -> String {
    event.merge().as_deref().map(keys::short).unwrap_or_default()
}

/// An event's record from its fields, its tickets and its content.
pub(super) fn read(id: &EventId, fields: &Fields, tickets: &Fields, content: &[u8]) -> Result<EventRecord> {
    let text = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let mut tickets = read_tickets(id, tickets)?;
    let state = match text("state") {
        "waiting" => EventState::Waiting,
        "working" => EventState::Working,
        _ => EventState::Finished,
    };
    if state == EventState::Waiting {
        let again: Vec<String> = from_json(text("only"), &format!("event {id}"))?.unwrap_or_default();
        let again = tickets.iter_mut().filter(|ticket| again.contains(&ticket.key));
        again.for_each(|ticket| ticket.verdict = Reason::Queued.into());
    }
    let queued = (state == EventState::Waiting).then(|| Reason::Queued.into());
    let verdicts = tickets.iter().map(|ticket| ticket.verdict).chain(verdict(text("verdict"))).chain(queued);
    let gravest = Verdict::gravest(verdicts).unwrap_or_else(|| Reason::NoKeys.into());
    Ok(EventRecord {
        id: id.clone(),
        provider: text("p").into(),
        delivery_id: text("d").into(),
        repo: text("repo").into(),
        kind: text("k").into(),
        received: read_received(id, fields)?,
        state,
        verdict: gravest,
        detail: fields.get("detail").cloned(),
        duplicate_of: EventId::parse(text("of")),
        generation: number(id, fields, "generation")?,
        tickets,
        ignored: from_json(text("ignored"), &format!("event {id}"))?.unwrap_or_default(),
        event: unpack_event(content).ok(),
    })
}

fn number<T: FromStr<Err: std::fmt::Display>>(id: &EventId, fields: &Fields, name: &str) -> Result<T> {
    let text = fields.get(name).map(String::as_str).unwrap_or_default();
    text.parse().map_err(|error: T::Err| unreadable(format!("{name} of event {id}"), error))
}

fn read_score(id: &EventId, fields: &Fields) -> Result<Timestamp> {
    let score = number(id, fields, "score")?;
    Timestamp::from_microsecond(score).map_err(|error| unreadable(format!("score of event {id}"), error))
}

fn read_received(id: &EventId, fields: &Fields) -> Result<Received> {
    let text = |name: &str| fields.get(name).cloned().unwrap_or_default();
    Ok(Received {
        at: read_score(id, fields)?,
        hook: text("h"),
        bytes: number(id, fields, "b")?,
        ms: number(id, fields, "m")?,
        verified_by: text("v"),
        secret_version: number(id, fields, "n")?,
    })
}

/// The tickets of an event in its order. An entry reads: position, generation, outcome, reason, site.
pub(super) fn read_tickets(id: &EventId, entries: &Fields) -> Result<Vec<TicketState>> {
    Ok(read_entries(id, entries)?.into_iter().map(|(_, ticket)| ticket).collect())
}

/// The tickets of an event with their positions, in its order.
pub(super) fn read_entries(id: &EventId, entries: &Fields) -> Result<Vec<(u32, TicketState)>> {
    let mut tickets = Vec::with_capacity(entries.len());
    for (key, entry) in entries {
        let ticket = read_ticket(key, entry)
            .ok_or_else(|| unreadable(format!("ticket {key} of event {id}"), format!("`{entry}`")))?;
        tickets.push(ticket);
    }
    tickets.sort_by(|(a, one), (b, other)| (a, &one.key).cmp(&(b, &other.key)));
    Ok(tickets)
}

fn read_ticket(key: &str, entry: &str) -> Option<(u32, TicketState)> {
    let mut parts = entry.splitn(5, ' ');
    let position = parts.next()?.parse().ok()?;
    let generation = parts.next()?.parse().ok()?;
    let verdict = Verdict { outcome: parts.next()?.parse().ok()?, reason: parts.next()?.parse().ok()? };
    let site = parts.next()?.to_owned();
    Some((position, TicketState { key: key.to_owned(), site, generation, verdict }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::SCHEMA;

    #[test]
    fn content_is_read_back_small_or_large_and_a_newer_schema_says_so() {
        let event = |schema: u16, kind: &str| serde_json::json!({ "schema": schema, "provider": "github", "kind": kind });
        let small = pack(&event(SCHEMA, "ping")).unwrap();
        assert_eq!(small.first(), Some(&b'{'));
        assert_eq!(unpack_event(&small).unwrap().kind, "ping");
        let large = pack(&event(SCHEMA, &"x".repeat(5000))).unwrap();
        assert!(large.len() < 200, "{}", large.len());
        assert_eq!(unpack_event(&large).unwrap().kind.len(), 5000);
        let why = unpack_event(&pack(&event(SCHEMA + 1, "ping")).unwrap()).unwrap_err();
        assert_eq!(why, Unreadable::Newer { found: SCHEMA + 1 });
        assert!(unpack_event(b"").is_err());
    }

    #[test]
    fn tickets_come_in_the_order_of_the_event_and_damage_is_named() {
        let id = EventId::new("github/shop", "1", "d");
        let entries = Fields::from([
            ("B-2".into(), "1 1 waiting queued my site".into()),
            ("A-1".into(), "0 2 moved moved main".into()),
        ]);
        let tickets = read_tickets(&id, &entries).unwrap();
        assert_eq!(tickets.iter().map(|t| t.key.as_str()).collect::<Vec<_>>(), ["A-1", "B-2"]);
        assert_eq!(tickets[1].site, "my site");
        let bad = Fields::from([("A-1".into(), "rubbish".into())]);
        assert!(read_tickets(&id, &bad).unwrap_err().to_string().contains("A-1"));
    }
}
