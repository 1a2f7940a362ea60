//! What goes into the audit log: each change that was made, and each that somebody's token did not allow.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::store::{Action, AuditEntry};

use super::State;
use super::rights::Asker;

/// How long the same refusal is not written again: a script in a loop would push everything else out of the log.
const ONCE_IN: Duration = Duration::from_mins(1);

/// Who was refused what, and when that was last written down. There are no more of them than tokens and actions.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<(String, Action), Timestamp>>);

impl Refusals {
    fn is_news(&self, entry: &AuditEntry) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (entry.who.clone(), entry.action);
        let age = known.get(&key).map(|last| Duration::try_from(entry.at.duration_since(*last)));
        let is_old = age.is_some_and(|age| age.is_ok_and(|age| age < ONCE_IN));
        if !is_old {
            known.insert(key, entry.at);
        }
        !is_old
    }
}

impl State {
    /// Writes down what was done. It is done by then, so a log that cannot be written undoes nothing.
    pub(super) async fn done(&self, by: &Asker, target: &str) {
        if let Some(entry) = by.entry(target, false, self.clock.now()) {
            self.record(&entry).await;
        }
    }

    /// Writes down what somebody's token did not allow.
    pub(super) async fn refused(&self, by: &Asker, path: &str) {
        let entry = by.entry(path, true, self.clock.now()).filter(|entry| self.refusals.is_news(entry));
        if let Some(entry) = entry {
            tracing::warn!("{} is refused to {by}", entry.action);
            self.record(&entry).await;
        }
    }

    async fn record(&self, entry: &AuditEntry) {
        if let Err(error) = self.store.record_audit(entry).await {
            let AuditEntry { who, action, target, .. } = entry;
            tracing::error!("the audit log lacks that {who} has {action} {target}: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_repeats_is_written_once_a_minute() {
        let refusals = Refusals::default();
        let entry = |who: &str, second| AuditEntry {
            at: Timestamp::from_second(second).unwrap(),
            who: who.into(),
            action: Action::Paused,
            target: "/conduit/api/queue/pause".into(),
            from: None,
            refused: true,
        };
        let news = [("vera", 0), ("vera", 59), ("otto", 59), ("vera", 60), ("vera", 61)];
        assert_eq!(news.map(|(who, at)| refusals.is_news(&entry(who, at))), [true, false, true, true, false]);
        assert!(refusals.is_news(&entry("vera", 1)), "a clock that was set back silences nobody");
    }
}
