//! Faults: what goes wrong, and with which request.

use crate::gate::Gate;
use crate::refusal::{Answer, Refusal};
use crate::route::Kind;

/// Which requests a fault is for.
#[derive(Debug, Clone, Default)]
pub struct When {
    method: Option<String>,
    kind: Option<Kind>,
    issue: Option<String>,
    skip: usize,
}

impl When {
    /// Any request.
    pub fn any() -> Self {
        Self::default()
    }

    /// A GET of this kind.
    pub fn get(kind: Kind) -> Self {
        Self::any().method("GET").kind(kind)
    }

    /// A POST of this kind.
    pub fn post(kind: Kind) -> Self {
        Self::any().method("POST").kind(kind)
    }

    /// A PUT of this kind.
    pub fn put(kind: Kind) -> Self {
        Self::any().method("PUT").kind(kind)
    }

    /// Only with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_uppercase());
        self
    }

    /// Only of this kind.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only where the path names this issue.
    #[must_use]
    pub fn issue(mut self, key: &str) -> Self {
        self.issue = Some(key.into());
        self
    }

    /// The nth request that fits, counted from now and from 1.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.skip = nth.saturating_sub(1);
        self
    }

    fn fits(&self, method: &str, kind: Kind, issue: Option<&str>) -> bool {
        let right_issue = |wanted: &String| issue.is_some_and(|issue| issue.eq_ignore_ascii_case(wanted));
        self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.issue.as_ref().is_none_or(right_issue)
    }
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    pub(crate) before: Before,
    pub(crate) after: After,
}

/// What happens before Jira's own code sees the request.
#[derive(Debug, Clone)]
pub(crate) enum Before {
    Nothing,
    Answer(Answer),
    Drop,
    Hold(Gate),
}

/// What happens once the request has been applied.
#[derive(Debug, Clone)]
pub(crate) enum After {
    Nothing,
    Answer(Answer),
    Drop,
    Hang,
    Truncate,
    Hold(Gate),
}

impl Fault {
    fn before(before: Before) -> Self {
        Self { before, after: After::Nothing }
    }

    fn after(after: After) -> Self {
        Self { before: Before::Nothing, after }
    }

    /// Answers this; nothing is applied.
    pub fn answer(answer: Answer) -> Self {
        Self::before(Before::Answer(answer))
    }

    /// Answers this status as Jira's gateway does; nothing is applied.
    pub fn status(status: u16) -> Self {
        Self::answer(gateway(status))
    }

    /// 429; without `retry_after` as some gateways send it.
    pub fn too_many_requests(retry_after: Option<u64>) -> Self {
        let answer = Answer::text(429, "text/plain;charset=UTF-8", "Rate limit exceeded.");
        Self::answer(retry_later(answer, retry_after))
    }

    /// 429 that asks to wait for longer than the universe will last, as sites that block everything may send it.
    pub fn blocked() -> Self {
        Self::too_many_requests(Some(i64::MAX.unsigned_abs()))
    }

    /// 503; nothing is applied.
    pub fn unavailable(retry_after: Option<u64>) -> Self {
        Self::answer(retry_later(gateway(503), retry_after))
    }

    /// 401, as after the token was revoked.
    pub fn unauthorised() -> Self {
        let body = "Client must be authenticated to access this resource.";
        Self::answer(Answer::text(401, "text/plain;charset=UTF-8", body))
    }

    /// 413, as for an issue that has as many comments as an issue may have.
    pub fn too_much() -> Self {
        Self::answer(Refusal::message(413, "The limit of comments on this issue has been reached.").0)
    }

    /// 422, as for a workflow that is set up wrongly.
    pub fn misconfigured() -> Self {
        Self::answer(Refusal::message(422, "The workflow of this issue is not configured correctly.").0)
    }

    /// A page for people instead of an answer for programs.
    pub fn html(status: u16) -> Self {
        let page = "<!DOCTYPE html><html><head><title>Oops</title></head><body><h1>Something went wrong</h1></body></html>";
        Self::answer(Answer::text(status, "text/html;charset=UTF-8", page))
    }

    /// Applies the request, and answers only the first half of the body.
    pub fn truncated() -> Self {
        Self::after(After::Truncate)
    }

    /// Closes the connection without an answer; nothing is applied.
    pub fn drop_connection() -> Self {
        Self::before(Before::Drop)
    }

    /// Holds the request at a gate, then goes on as if nothing had been.
    pub fn hold(gate: &Gate) -> Self {
        Self::before(Before::Hold(gate.clone()))
    }

    /// Applies the request, and holds its answer at a gate.
    pub fn apply_then_hold(gate: &Gate) -> Self {
        Self::after(After::Hold(gate.clone()))
    }

    /// Applies the request, and answers something else.
    pub fn apply_then_answer(answer: Answer) -> Self {
        Self::after(After::Answer(answer))
    }

    /// Applies the request, and answers another status.
    pub fn apply_then_status(status: u16) -> Self {
        Self::apply_then_answer(gateway(status))
    }

    /// Applies the request, and closes the connection.
    pub fn apply_then_drop() -> Self {
        Self::after(After::Drop)
    }

    /// Applies the request, and never answers.
    pub fn apply_then_hang() -> Self {
        Self::after(After::Hang)
    }
}

/// The body that stands before Jira's own code answers with.
fn gateway(status: u16) -> Answer {
    let body = serde_json::json!({
        "timestamp": "2026-01-01T00:00:00.000+00:00",
        "status": status,
        "error": "Upstream error",
        "message": "upstream request failed",
        "path": "/rest/api",
    });
    Answer::json(status, &body)
}

fn retry_later(answer: Answer, seconds: Option<u64>) -> Answer {
    match seconds {
        Some(seconds) => answer.header("Retry-After", seconds.to_string()),
        None => answer,
    }
}

/// The name of a standing fault, for lifting it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing(u64);

/// A fault that waits for its request.
#[derive(Debug)]
struct Entry {
    when: When,
    fault: Fault,
    /// None for a fault that is used up by its first request.
    standing: Option<Standing>,
}

/// The faults of a site, in the order they were set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    entries: Vec<Entry>,
    next: u64,
}

impl Faults {
    pub(crate) fn once(&mut self, when: When, fault: Fault) {
        self.entries.push(Entry { when, fault, standing: None });
    }

    pub(crate) fn standing(&mut self, when: When, fault: Fault) -> Standing {
        self.next += 1;
        let name = Standing(self.next);
        self.entries.push(Entry { when, fault, standing: Some(name) });
        name
    }

    pub(crate) fn lift(&mut self, name: Standing) {
        self.entries.retain(|entry| entry.standing != Some(name));
    }

    /// How many single faults have not met their request.
    pub(crate) fn unused(&self) -> usize {
        self.entries.iter().filter(|entry| entry.standing.is_none()).count()
    }

    /// The first fault that is for this request. A fault for the nth request lets the ones before it pass.
    pub(crate) fn take(&mut self, method: &str, kind: Kind, issue: Option<&str>) -> Option<Fault> {
        let mut found = None;
        for (place, entry) in self.entries.iter_mut().enumerate() {
            if !entry.when.fits(method, kind, issue) {
                continue;
            }
            if entry.when.skip == 0 {
                found = Some(place);
                break;
            }
            entry.when.skip -= 1;
        }
        let place = found?;
        let fault = self.entries[place].fault.clone();
        if self.entries[place].standing.is_none() {
            self.entries.remove(place);
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(fault: Option<Fault>) -> Option<u16> {
        match fault?.before {
            Before::Answer(answer) => Some(answer.status),
            _ => None,
        }
    }

    #[test]
    fn faults_are_used_up_in_order_and_the_nth_lets_the_others_pass() {
        let mut faults = Faults::default();
        faults.once(When::get(Kind::Issue), Fault::status(500));
        faults.once(When::any().nth(3), Fault::status(502));
        let mut ask = || status(faults.take("GET", Kind::Issue, Some("A-1")));
        assert_eq!([ask(), ask(), ask(), ask(), ask()], [Some(500), None, None, Some(502), None]);
    }

    #[test]
    fn a_standing_fault_stays_until_it_is_lifted() {
        let mut faults = Faults::default();
        let down = faults.standing(When::any().issue("A-1"), Fault::status(503));
        assert_eq!(status(faults.take("GET", Kind::Issue, Some("a-1"))), Some(503));
        assert_eq!(status(faults.take("POST", Kind::Comments, Some("A-1"))), Some(503));
        assert_eq!(status(faults.take("GET", Kind::Issue, Some("A-2"))), None);
        faults.lift(down);
        assert_eq!(status(faults.take("GET", Kind::Issue, Some("A-1"))), None);
    }
}
