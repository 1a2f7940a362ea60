//! The audit log: a sorted set of one score, so that its members stand in the order of their text, which begins
//! with their place.

use super::keys::Home;
use super::{RedisStore, record};
use crate::store::audit::MOST;
use crate::store::{AuditEntry, AuditQuery, Page, Result};

/// Entries looked at in one round trip.
const LOOKED_AT_ONCE: usize = 500;

/// Round trips for one page. One that has not found enough by then ends there, with a cursor.
const MOST_LOOKS: usize = 20;

impl RedisStore {
    /// The oldest go when a new one comes. Done twice, it is done once.
    pub(super) async fn add_audit(&self, entry: &AuditEntry) -> Result<()> {
        let member = format!("{} {}", entry.place(), record::json(entry)?);
        let mut commands = redis::pipe();
        commands.zadd(key(), member, 0).ignore();
        commands.cmd("ZREMRANGEBYLEX").arg(key()).arg("-").arg(format!("({}", entry.oldest_kept())).ignore();
        commands.cmd("ZREMRANGEBYRANK").arg(key()).arg(0).arg(-i64::from(MOST) - 1).ignore();
        self.link.commands(Home::Config, &commands).await
    }

    pub(super) async fn list_audit(&self, query: &AuditQuery) -> Result<Page<AuditEntry>> {
        let limit = query.limit.max(1);
        let mut seen = query.before()?.map(str::to_owned);
        let mut items = Vec::new();
        for _ in 0..MOST_LOOKS {
            let members = self.audit_before(seen.as_deref(), &query.after()).await?;
            for member in &members {
                let (place, json) = member.split_once(' ').unwrap_or_default();
                let entry = record::from_json(json, "an entry of the audit log")?;
                if let Some(entry) = entry.filter(|entry| query.takes(entry)) {
                    // One more than asked for tells that there is a next page.
                    if items.len() == limit {
                        return Ok(Page { items, next: seen });
                    }
                    items.push(entry);
                }
                seen = Some(place.to_owned());
            }
            if members.len() < LOOKED_AT_ONCE {
                return Ok(Page { items, next: None });
            }
        }
        Ok(Page { items, next: seen })
    }

    /// The newest members before a place, not older than `after`.
    async fn audit_before(&self, before: Option<&str>, after: &str) -> Result<Vec<String>> {
        let newest = before.map_or_else(|| "+".to_owned(), |place| format!("({place}"));
        let mut range = redis::pipe();
        range.cmd("ZREVRANGEBYLEX").arg(key()).arg(newest).arg(format!("[{after}"));
        range.arg("LIMIT").arg(0).arg(LOOKED_AT_ONCE);
        let (members,) = self.link.ask(Home::Config, &range).await?;
        Ok(members)
    }
}

fn key() -> String {
    Home::Config.key("audit")
}
