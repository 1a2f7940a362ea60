//! The forge: signed deliveries, sent again until they are accepted, and some of them once more after that.
//!
//! Tickets are divided among lanes. A lane sends its next event when the last one is accepted, so the order of
//! acceptance is known for each of its tickets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conduit::forge::sample::{self, PullRequest, Repository};
use fastrand::Rng;
use serde_json::Value;

use super::ledger::Owed;
use super::storm::Storm;
use crate::instance::{HOOK, SECRET};

/// How many lanes send at once.
pub(super) const LANES: usize = 8;
/// The mean time between two events of a lane.
const BETWEEN: Duration = Duration::from_millis(900);
/// How long a sender waits before it tries again.
const AGAIN: Duration = Duration::from_millis(250);

/// Numbers the events of a run.
#[derive(Default)]
pub(super) struct Numbers(AtomicU64);

/// A few tickets and who sends to them.
pub(super) struct Lane {
    tickets: [String; 4],
    /// How often its hiker was sent on.
    hikes: usize,
    rng: Rng,
    sent: Vec<Change>,
}

/// An event at the forge.
#[derive(Clone)]
struct Change {
    number: u64,
    delivery: String,
    body: String,
    /// Its tickets, and how many moves each of them makes.
    tickets: Vec<(String, usize)>,
    event_id: String,
}

/// What a delivery was answered.
enum Answer {
    Accepted { event_id: String, duplicate: bool },
    Refused(u16),
    Silence,
}

impl Lane {
    pub(super) fn new(lane: usize, seed: u64) -> Self {
        let ring = 2 * lane + 1;
        let hike = lane + 1;
        let tickets = [
            format!("LOOP-{ring}"),
            format!("LOOP-{}", ring + 1),
            format!("TALK-{hike}"),
            format!("HIKE-{hike}"),
        ];
        Self { tickets, hikes: 0, rng: Rng::with_seed(seed ^ (lane as u64 + 1)), sent: Vec::new() }
    }

    /// Its tickets.
    pub(super) fn keys(&self) -> &[String] {
        &self.tickets
    }

    /// The events of its that were accepted.
    pub(super) fn accepted(&self) -> impl Iterator<Item = String> {
        self.sent.iter().map(|change| change.event_id.clone())
    }

    /// What its events owe a ticket, in the order of acceptance.
    pub(super) fn owed(&self, key: &str) -> Vec<Owed> {
        let of = |change: &Change| {
            let (_, moves) = change.tickets.iter().find(|(ticket, _)| ticket == key)?;
            Some(Owed { number: change.number, event_id: change.event_id.clone(), moves: *moves })
        };
        self.sent.iter().filter_map(of).collect()
    }

    /// Sends until the storm is over, and then until the last event is accepted.
    pub(super) async fn send(mut self, storm: &Storm, numbers: &Numbers) -> Self {
        while storm.rages_after(BETWEEN.mul_f64(2.0 * self.rng.f64())).await {
            let mut change = self.next(numbers.0.fetch_add(1, Ordering::Relaxed) + 1);
            change.event_id = self.until_accepted(storm, &change).await;
            storm.count("deliveries accepted");
            self.sent.push(change);
            self.once_more(storm).await;
        }
        self
    }

    fn next(&mut self, number: u64) -> Change {
        let count = self.rng.usize(1..=3);
        let chosen = self.rng.choose_multiple(0..self.tickets.len(), count);
        let forth = self.hikes.is_multiple_of(2);
        let mut tickets = Vec::new();
        for key in chosen.into_iter().map(|index| self.tickets[index].clone()) {
            let hikes = key.starts_with("HIKE");
            self.hikes += usize::from(hikes);
            tickets.push((key, if hikes && forth { 3 } else { 1 }));
        }
        let labels = [if self.rng.bool() { "leap" } else { "step" }, if forth { "forth" } else { "back" }];
        let body = body(number, &tickets, &labels);
        Change { number, delivery: format!("chaos-{number}"), body, tickets, event_id: String::new() }
    }

    async fn until_accepted(&mut self, storm: &Storm, change: &Change) -> String {
        loop {
            match self.post(storm, &change.delivery, &change.body).await {
                Answer::Accepted { event_id, .. } => return event_id,
                Answer::Refused(status) => storm.count(&format!("answered {status}")),
                Answer::Silence => storm.count("no answer"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Now and then, an accepted event comes again: by the same delivery, or as the organisation's hook reports it.
    async fn once_more(&mut self, storm: &Storm) {
        let (again, what) = match self.rng.u8(0..100) {
            0..15 => (String::new(), "delivered again"),
            15..25 => ("-too".to_owned(), "same change by another delivery"),
            _ => return,
        };
        let Some(change) = self.rng.choice(&self.sent).cloned() else { return };
        let delivery = format!("{}{again}", change.delivery);
        match self.post(storm, &delivery, &change.body).await {
            Answer::Accepted { duplicate: true, .. } => storm.count(&format!("{what}: duplicate")),
            Answer::Accepted { duplicate: false, .. } => storm.count(&format!("{what}: taken in")),
            Answer::Refused(_) | Answer::Silence => {}
        }
    }

    async fn post(&mut self, storm: &Storm, delivery: &str, body: &str) -> Answer {
        let Some((address, _)) = self.rng.choice(&storm.world.serves) else { return Answer::Silence };
        let mut request = storm.world.http.post(format!("http://{address}{HOOK}"));
        for (name, value) in sample::headers("pull_request", delivery, SECRET, body.as_bytes()) {
            request = request.header(name, value);
        }
        let Ok(response) = request.body(body.to_owned()).send().await else { return Answer::Silence };
        let status = response.status().as_u16();
        if status != 202 {
            return Answer::Refused(status);
        }
        // A 202 whose body is lost on the way is no answer: the sender has to ask again.
        let Ok(answer) = response.json::<Value>().await else { return Answer::Silence };
        let event_id = answer["data"]["event_id"].as_str().unwrap_or_default().to_owned();
        Answer::Accepted { event_id, duplicate: answer["data"]["duplicate"] == true }
    }
}

fn body(number: u64, tickets: &[(String, usize)], labels: &[&str]) -> String {
    let shop = Repository { id: 101, owner: "acme", name: "shop", default_branch: "main" };
    let keys: Vec<&str> = tickets.iter().map(|(key, _)| key.as_str()).collect();
    let pull_request = PullRequest {
        action: "closed",
        number,
        title: &format!("{}: change {number}", keys.join(", ")),
        head: "work",
        base: "main",
        author: "ada",
        merged: true,
        labels,
        at: &jiff::Timestamp::now().to_string(),
        ..PullRequest::default()
    };
    sample::pull_request(&shop, &pull_request).to_string()
}
