//! The last delivery to each hook.
//!
//! The event log has indexes by time and by repository, and none by hook. So busy hooks are found among the latest events
//! of all, and a quiet one by its repository. What is not found by then (an owner's hook, `acme/*`, has no
//! repository of its own, and a renamed repository has another) is looked for further back, page by page and for all
//! such hooks at once, as far as they are old.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::report::Report;
use crate::registration::Hook;
use crate::store::{EventQuery, EventRecord, Result, Store};

/// Events on a page.
const PAGE: usize = 200;
/// How many pages of all events are looked through: some seconds' work. Then doctor says how far back it looked.
const MOST_PAGES: usize = 250;

/// Says when each hook was last delivered to.
pub(super) async fn last_deliveries(store: &dyn Store, hooks: &[Hook], report: &mut Report) -> Result<()> {
    let mut search = Search::new(hooks);
    search.look_back(store, 1).await?;
    search.look_by_repository(store).await?;
    search.look_back(store, MOST_PAGES - 1).await?;
    for hook in hooks {
        match search.last.get(&hook.name()) {
            Some(event) => {
                report.ok(&hook.name(), format!("last delivery {} · {}", event.received.at, event.kind));
            }
            None => silent(hook, search.looked_back_to(), report),
        }
    }
    Ok(())
}

/// A walk back through the event log.
struct Search<'h> {
    /// Those without a delivery so far.
    quiet: Vec<&'h Hook>,
    last: BTreeMap<String, EventRecord>,
    /// Where the next page of all events begins; `None` when there is none.
    next: Option<EventQuery>,
    /// The oldest event that was looked at.
    oldest: Option<Timestamp>,
}

impl<'h> Search<'h> {
    fn new(hooks: &'h [Hook]) -> Self {
        let next = Some(EventQuery { limit: PAGE, ..EventQuery::default() });
        Self { quiet: hooks.iter().collect(), last: BTreeMap::new(), next, oldest: None }
    }

    /// Looks at the next pages of all events, until nothing is looked for any more.
    async fn look_back(&mut self, store: &dyn Store, pages: usize) -> Result<()> {
        for _ in 0..pages {
            // Nobody delivered to a hook before it was registered.
            let Some(since) = self.quiet.iter().map(|hook| hook.created_at).min() else { return Ok(()) };
            let Some(query) = self.next.take() else { return Ok(()) };
            let query = EventQuery { since: Some(since), ..query };
            let page = store.events(&query).await?;
            self.oldest = page.items.last().map(|event| event.received.at).or(self.oldest);
            self.note(page.items);
            self.next = page.next.map(|cursor| EventQuery { cursor: Some(cursor), ..query });
        }
        Ok(())
    }

    async fn look_by_repository(&mut self, store: &dyn Store) -> Result<()> {
        for hook in self.quiet.clone() {
            let repo = Some(hook.repo_path.clone());
            let since = Some(hook.created_at);
            let query = EventQuery { repo, since, limit: PAGE, ..EventQuery::default() };
            self.note(store.events(&query).await?.items);
        }
        Ok(())
    }

    /// Takes from events, newest first, the last of each hook that has none.
    fn note(&mut self, events: Vec<EventRecord>) {
        for event in events {
            let before = self.quiet.len();
            self.quiet.retain(|hook| hook.name() != event.received.hook);
            if self.quiet.len() < before {
                self.last.insert(event.received.hook.clone(), event);
            }
        }
    }

    /// How far back all events were looked at; `None`: as far as they are kept, or could matter.
    fn looked_back_to(&self) -> Option<Timestamp> {
        self.oldest.filter(|_| self.next.is_some())
    }
}

fn silent(hook: &Hook, back_to: Option<Timestamp>, report: &mut Report) {
    let text = match back_to {
        Some(oldest) => format!("no delivery among the last {} events, back to {oldest}", PAGE * MOST_PAGES),
        None => format!("no delivery on record since it was registered, {}", hook.created_at),
    };
    let fix = match hook.provider.as_str() {
        "jira" => format!(
            "conduit hooks show {} --provider jira --at-jira; then move a ticket in Jira",
            hook.repo_id
        ),
        _ => format!(
            "conduit hooks test {}; the forge's Recent Deliveries show what it was answered",
            hook.repo_id
        ),
    };
    report.warn(&hook.name(), text, &fix);
}
