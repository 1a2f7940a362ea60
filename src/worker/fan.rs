//! From the inbox to the tickets' queues.
//!
//! Events of one partition keep their order as far as it matters: an event goes out before the next one that names a
//! ticket of its own, and one whose tickets are not known yet holds back all behind it. What is left goes out at
//! once, because each of them is some waits for the store.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::lacking::Commits;
use super::{Rulebook, Shared, count, router, tell};
use crate::event::Event;
use crate::store::{InboxItem, NewJob, Routing, StoreError};
use crate::telemetry::{self, Span};

/// How many events are routed before jobs get their turn.
const ROUTE_AT_ONCE: usize = 64;

impl Shared {
    /// Fans waiting events out, in order: those that name the same ticket one after the other, others at once.
    pub(super) async fn route(&self) -> Result<usize, StoreError> {
        let rulebook = self.rulebook.load_full();
        let mut fan = Fan::default();
        for item in self.store.inbox(&self.config.name, ROUTE_AT_ONCE).await? {
            if fan.held.contains(&item.partition) {
                continue;
            }
            let span = Span::of_event("route", item.id.as_str());
            match span.around(self.routing(&item, &rulebook)).await {
                Ok(Some(routing)) => {
                    if !fan.is_apart(&item, &routing) {
                        self.send_out(&mut fan).await;
                    }
                    fan.add(Ready { item, routing, span });
                }
                // It cannot go yet, and holds back those behind it: they may name the same tickets.
                Ok(None) => fan.hold(item.partition, None),
                Err(error) => fan.hold(item.partition, Some(error)),
            }
        }
        self.send_out(&mut fan).await;
        fan.failed.map_or(Ok(fan.routed), Err)
    }

    /// Writes down where the events go that are ready, all at once: no two of them name the same ticket.
    async fn send_out(&self, fan: &mut Fan) {
        let ready = fan.take();
        let sent = join_all(ready.iter().map(|one| self.store.route(&one.item, &one.routing))).await;
        for (Ready { item, routing, span }, sent) in ready.iter().zip(sent) {
            match sent {
                Ok(()) => {
                    fan.routed += 1;
                    note(&item.id, routing, span);
                }
                Err(StoreError::LostLease(_)) => fan.hold(item.partition, None),
                Err(error) => fan.hold(item.partition, Some(error)),
            }
        }
    }

    /// The pull requests that a tagged or deployed commit came from.
    async fn merged_as(&self, item: &InboxItem) -> Result<Vec<Event>, StoreError> {
        let of = |event: &Event| Some((event.repo.as_ref()?.id.clone(), event.shipped_sha()?.to_owned()));
        let Ok(event) = &item.event else { return Ok(Vec::new()) };
        match of(event) {
            Some((repo, sha)) => self.store.merged_as(&event.provider, &repo, &sha).await,
            None => Ok(Vec::new()),
        }
    }

    /// Where an event goes, when that can be told by now and by this version.
    async fn routing(&self, item: &InboxItem, rulebook: &Rulebook) -> Result<Option<Routing>, StoreError> {
        let merged = self.merged_as(item).await?;
        let now = self.clock.now();
        let Rulebook { rules, backends } = rulebook;
        let route = |item: &InboxItem| router::route(item, &merged, rules, backends.map(), now);
        Ok(match self.forge.commits(item, rulebook, now).await {
            Commits::Settled => route(item),
            Commits::Read(item) => route(&item),
            Commits::Never(routing) => Some(routing),
            Commits::NotYet => None,
        })
    }
}

/// An event that can be fanned out.
struct Ready {
    item: InboxItem,
    routing: Routing,
    span: Span,
}

/// Events on their way out of the inbox.
#[derive(Default)]
struct Fan {
    ready: Vec<Ready>,
    /// The tickets that they name, by site and key.
    tickets: HashSet<(String, String)>,
    /// Partitions in which an event waits, and so all that stand behind it.
    held: HashSet<u16>,
    routed: usize,
    failed: Option<StoreError>,
}

impl Fan {
    /// Whether those that are ready are other events, and name none of its tickets.
    fn is_apart(&self, item: &InboxItem, routing: &Routing) -> bool {
        self.ready.iter().all(|ready| ready.item.id != item.id)
            && !routing.jobs.iter().any(|job| self.tickets.contains(&ticket(job)))
    }

    /// Lets an event go out with the others, unless one before it could not go: they may name the same ticket.
    fn add(&mut self, ready: Ready) {
        if self.held.contains(&ready.item.partition) {
            return;
        }
        self.tickets.extend(ready.routing.jobs.iter().map(ticket));
        self.ready.push(ready);
    }

    fn take(&mut self) -> Vec<Ready> {
        self.tickets.clear();
        std::mem::take(&mut self.ready)
    }

    fn hold(&mut self, partition: u16, failed: Option<StoreError>) {
        self.held.insert(partition);
        self.failed = failed.or(self.failed.take());
    }
}

fn ticket(job: &NewJob) -> (String, String) {
    (job.site.clone(), job.key.clone())
}

fn note(event: &crate::store::EventId, routing: &Routing, span: &Span) {
    let settled = routing
        .settled
        .iter()
        .map(|trace| crate::trace::Verdict { outcome: trace.outcome, reason: trace.reason });
    settled.chain(routing.verdict).for_each(count);
    span.set("conduit.jobs", i64::try_from(routing.jobs.len()).unwrap_or(i64::MAX));
    if let Some(verdict) = routing.verdict {
        tell(span, verdict);
    }
    tracing::info!(
        %event,
        trace_id = telemetry::trace_id(event.as_str()),
        jobs = routing.jobs.len(),
        settled = routing.settled.len(),
        reason = routing.verdict.map(|verdict| verdict.reason.as_str()),
        "{event} is routed"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{EventId, Unreadable};

    fn item(delivery: &str) -> InboxItem {
        InboxItem {
            id: EventId::new("github/shop", "4711", delivery),
            generation: 1,
            only: vec![],
            projects: None,
            replayed: false,
            event: Err(Unreadable::Damaged("left out".into())),
            fence: 1,
            partition: 0,
        }
    }

    fn naming(keys: &[&str]) -> Routing {
        let job = |key: &&str| NewJob {
            site: "jira".into(),
            project: "SHOP".into(),
            key: (*key).into(),
            found_in: vec![],
        };
        Routing { jobs: keys.iter().map(job).collect(), ..Routing::default() }
    }

    #[test]
    fn events_that_share_a_ticket_do_not_go_out_together() {
        let mut fan = Fan::default();
        let (first, routing) = (item("d-1"), naming(&["SHOP-1", "SHOP-2"]));
        assert!(fan.is_apart(&first, &routing));
        fan.add(Ready { item: first, routing, span: Span::of_event("route", "d-1") });
        assert!(fan.is_apart(&item("d-2"), &naming(&["SHOP-3"])));
        assert!(fan.is_apart(&item("d-2"), &naming(&[])));
        assert!(!fan.is_apart(&item("d-2"), &naming(&["SHOP-3", "SHOP-2"])));
        assert!(!fan.is_apart(&item("d-1"), &naming(&["SHOP-9"])), "the same event, once more");
        assert_eq!(fan.take().len(), 1);
        assert!(fan.is_apart(&item("d-2"), &naming(&["SHOP-2"])), "it has gone out");
    }

    #[test]
    fn nothing_overtakes_an_event_of_its_partition_that_could_not_go() {
        let ready = |partition| Ready {
            item: InboxItem { partition, ..item("d-2") },
            routing: naming(&["SHOP-1"]),
            span: Span::of_event("route", "d-2"),
        };
        let mut fan = Fan::default();
        fan.hold(0, Some(StoreError::Unavailable("away".into())));
        fan.add(ready(0));
        assert!(fan.take().is_empty() && fan.failed.is_some());
        fan.add(ready(1));
        assert_eq!(fan.take().len(), 1, "those of another partition need not wait");
    }
}
