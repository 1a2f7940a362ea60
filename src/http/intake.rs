//! What a delivery's bytes amount to. Pure: no I/O, no clock.
//!
//! Three steps: [`prove`] finds the delivery genuine, and [`understand`] reads what it means; then, once the caller has
//! pinned the repository if it has to be, [`new_event`] says what is to be made durable.

use std::time::Duration;

use jiff::Timestamp;

use crate::event::Event;
use crate::forge::{Forge, Headers, NormaliseError, Unverified};
use crate::registration::{Hook, RepoCheck};
use crate::store::{Content, EventId, NewEvent};
use crate::trace::{Reason, Received};

/// The kind of what could not be understood.
const UNKNOWN_KIND: &str = "unknown";

/// What vouches for a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proof {
    /// The version of the secret that it was signed with.
    secret_version: u32,
    /// How it was checked.
    verified_by: &'static str,
}

/// A genuine delivery.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Understood {
    /// What vouches for it.
    pub(super) proof: Proof,
    /// The forge's own id of it.
    pub(super) delivery_id: String,
    /// What it means, or why it means nothing here.
    pub(super) meaning: Result<Box<Event>, String>,
}

/// Why a delivery is not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is not known to be genuine.
    Unverified(Unverified),
    /// It is genuine, and of a content type that the forge does not use.
    ContentType(String),
    /// It is genuine, and not UTF-8 JSON or without the forge's headers.
    Malformed(String),
}

/// Proves `body` genuine by one of `secrets` (versions with texts). Without secrets (an unknown hook) the refusal costs
/// the same.
pub(super) fn prove(
    forge: &dyn Forge,
    headers: &dyn Headers,
    body: &[u8],
    secrets: &[(u32, &str)],
) -> Result<Proof, Refused> {
    let texts: Vec<&str> = secrets.iter().map(|(_, text)| *text).collect();
    let verified = forge.verify(headers, body, &texts).map_err(Refused::Unverified)?;
    let (secret_version, _) = secrets.get(verified.secret).ok_or(Refused::Unverified(Unverified::Wrong))?;
    Ok(Proof { secret_version: *secret_version, verified_by: verified.by })
}

/// Reads what `body` means. It takes a [`Proof`], so that nothing is parsed before there is one.
pub(super) fn understand(
    forge: &dyn Forge,
    headers: &dyn Headers,
    body: &[u8],
    proof: Proof,
) -> Result<Understood, Refused> {
    let delivery_id =
        forge.delivery_id(headers, body).map_err(|error| Refused::Malformed(error.to_string()))?;
    let meaning = match forge.normalise(headers, body) {
        Ok(event) => Ok(Box::new(event)),
        Err(NormaliseError::NotNormalisable(why)) => Err(why),
        Err(NormaliseError::ContentType(found)) => return Err(Refused::ContentType(found)),
        Err(error) => return Err(Refused::Malformed(error.to_string())),
    };
    Ok(Understood { proof, delivery_id, meaning })
}

/// How a delivery arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'a> {
    /// When the last byte was there.
    pub(super) at: Timestamp,
    /// When it was understood.
    pub(super) now: Timestamp,
    /// The raw body.
    pub(super) body: &'a [u8],
    /// Events older than this are recorded and do not act; `None`: no event is too old.
    pub(super) max_age: Option<Duration>,
}

/// What is to be made durable of a delivery on `hook`.
pub(super) fn new_event(
    understood: Understood,
    hook: &Hook,
    repo: RepoCheck,
    arrival: Arrival<'_>,
) -> NewEvent {
    let event = understood.meaning.as_deref().ok();
    let repository = event.and_then(|event| event.repo.as_ref());
    let held_back = held_back(&understood.meaning, hook, repo, arrival);
    let (verdict, detail) = held_back.map_or((None, None), |(reason, detail)| (Some(reason.into()), detail));
    NewEvent {
        id: event_id(hook, event, &understood.delivery_id),
        provider: hook.provider.clone(),
        occurrence: event.and_then(Event::occurrence),
        repo: repository.map(|repo| repo.path.clone()).unwrap_or_default(),
        kind: event.map_or_else(|| UNKNOWN_KIND.to_owned(), |event| event.kind.clone()),
        projects: hook.projects.clone(),
        received: received(&understood, hook, arrival),
        verdict,
        detail,
        delivery_id: understood.delivery_id,
        content: understood.meaning.map_or_else(|_| Content::Raw(arrival.body.to_vec()), Content::Event),
    }
}

fn event_id(hook: &Hook, event: Option<&Event>, delivery_id: &str) -> EventId {
    let name = hook.name();
    let id = event.and_then(|event| event.repo.as_ref()).map(|repo| repo.id.as_str());
    EventId::new(&name, id.filter(|id| !id.is_empty()).unwrap_or(&name), delivery_id)
}

fn received(understood: &Understood, hook: &Hook, arrival: Arrival<'_>) -> Received {
    Received {
        at: arrival.at,
        hook: hook.name(),
        bytes: arrival.body.len() as u64,
        ms: u64::try_from(arrival.now.duration_since(arrival.at).as_millis()).unwrap_or_default(),
        verified_by: understood.proof.verified_by.to_owned(),
        secret_version: understood.proof.secret_version,
    }
}

/// Why an event is recorded as finished at the door, the gravest reason first.
fn held_back(
    meaning: &Result<Box<Event>, String>,
    hook: &Hook,
    repo: RepoCheck,
    arrival: Arrival<'_>,
) -> Option<(Reason, Option<String>)> {
    let event = match meaning {
        Ok(event) => event,
        Err(why) => return Some((Reason::NotNormalisable, Some(why.clone()))),
    };
    if repo == RepoCheck::Mismatch {
        return Some((Reason::RepoMismatch, Some(mismatch(event, hook))));
    }
    if !event.is_supported() {
        return Some((Reason::UnsupportedEvent, None));
    }
    let happened = event.occurred_at?;
    let age = Duration::try_from(arrival.at.duration_since(happened)).unwrap_or_default();
    let oldest = arrival.max_age.filter(|max| age > *max)?;
    Some((Reason::Stale, Some(stale(age, oldest))))
}

fn mismatch(event: &Event, hook: &Hook) -> String {
    let found = event.repo.as_ref().map_or("no repository", |repo| repo.path.as_str());
    let pinned = hook.pinned_repo.as_ref().map(|id| format!(" (repository id {id})")).unwrap_or_default();
    format!(
        "the payload is of `{found}`, hook {} is registered for `{}`{pinned}",
        hook.name(),
        hook.repo_path
    )
}

fn stale(age: Duration, oldest: Duration) -> String {
    let hours = |time: Duration| time.as_secs() / 3600;
    format!(
        "it happened {} hours before it arrived, and only the last {} hours act; replay it to let it act",
        hours(age),
        hours(oldest)
    )
}

impl Understood {
    /// Whether it is of the repository that `hook` is registered for.
    pub(super) fn check_repo(&self, hook: &Hook) -> RepoCheck {
        self.meaning.as_ref().map_or(RepoCheck::Same, |event| hook.check_repo(event.repo.as_ref()))
    }

    /// The forge's own id of its repository, when it names one.
    pub(super) fn repo_id(&self) -> Option<&str> {
        let repo = self.meaning.as_ref().ok()?.repo.as_ref()?;
        Some(repo.id.as_str()).filter(|id| !id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Repo, SCHEMA, Sender, Subject, Trigger};
    use crate::forge::{Malformed, Verified};
    use crate::trace::Outcome;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    /// A forge whose signature is the secret itself and whose payload is a word.
    struct Plain;

    impl Forge for Plain {
        fn name(&self) -> &'static str {
            "plain"
        }

        fn event_header(&self) -> Option<&'static str> {
            Some("event")
        }

        fn headers(&self) -> &'static [(&'static str, &'static str)] {
            &[]
        }

        fn verify(&self, headers: &dyn Headers, _: &[u8], secrets: &[&str]) -> Result<Verified, Unverified> {
            let given = headers.get("signature").ok_or(Unverified::Missing)?;
            let secret = secrets.iter().position(|secret| *secret == given).ok_or(Unverified::Wrong)?;
            Ok(Verified { secret, by: "comparison" })
        }

        fn delivery_id(&self, headers: &dyn Headers, _: &[u8]) -> Result<String, Malformed> {
            let id = headers.get("id").ok_or(Malformed { header: "id", expected: "an id" })?;
            Ok(id.to_owned())
        }

        fn normalise(&self, _: &dyn Headers, body: &[u8]) -> Result<Event, NormaliseError> {
            match body {
                b"merged" => Ok(merged()),
                b"odd" => Err(NormaliseError::NotNormalisable("it has no number".into())),
                _ => Err(NormaliseError::Unreadable("not a word".into())),
            }
        }
    }

    fn merged() -> Event {
        Event {
            schema: SCHEMA,
            provider: "plain".into(),
            kind: "pull_request.merged".into(),
            triggers: vec![Trigger::PullRequestMerged],
            repo: Some(Repo { id: "7".into(), path: "acme/shop".into(), ..Repo::default() }),
            sender: Sender::default(),
            occurred_at: Some(NOW - Duration::from_hours(1)),
            change: Some("118/abc".into()),
            subject: Subject::Nothing,
        }
    }

    fn hook() -> Hook {
        Hook::new("plain", "shop", "acme/shop", None, "sealed".into(), NOW).unwrap()
    }

    fn look(body: &[u8], signature: &str) -> Result<Understood, Refused> {
        let headers = [("signature", signature), ("id", "d-1")];
        let proof = prove(&Plain, &headers, body, &[(4, "new"), (3, "old")])?;
        understand(&Plain, &headers, body, proof)
    }

    fn event_of(body: &[u8], repo: RepoCheck, max_age: Option<Duration>) -> NewEvent {
        let at = Arrival { at: NOW, now: NOW + Duration::from_millis(3), body, max_age };
        new_event(look(body, "old").unwrap(), &hook(), repo, at)
    }

    fn verdict(event: &NewEvent) -> Option<(Outcome, Reason)> {
        event.verdict.map(|verdict| (verdict.outcome, verdict.reason))
    }

    #[test]
    fn nothing_is_parsed_before_it_is_proved_genuine() {
        assert_eq!(look(b"\xff nonsense", "forged"), Err(Refused::Unverified(Unverified::Wrong)));
        assert_eq!(
            look(b"\xff nonsense", "new"),
            Err(Refused::Malformed("the body is not readable: not a word".into()))
        );
        let without_a_hook = prove(&Plain, &[("signature", "new"), ("id", "d-1")], b"merged", &[]);
        assert_eq!(without_a_hook, Err(Refused::Unverified(Unverified::Wrong)));
    }

    #[test]
    fn a_delivery_becomes_an_event_that_says_how_it_came() {
        let event = event_of(b"merged", RepoCheck::Same, None);
        assert_eq!(event.verdict, None);
        assert_eq!(event.occurrence.as_deref(), Some("plain/7/pull_request.merged/118/abc"));
        assert_eq!(event.id, EventId::new("plain/shop", "7", "d-1"));
        let Received { hook, bytes, ms, secret_version, .. } = &event.received;
        assert_eq!((hook.as_str(), *bytes, *ms, *secret_version), ("plain/shop", 6, 3, 3));
    }

    #[test]
    fn what_has_no_meaning_is_kept_whole() {
        let event = event_of(b"odd", RepoCheck::Same, None);
        assert_eq!(event.content, Content::Raw(b"odd".to_vec()));
        assert_eq!(verdict(&event), Some((Outcome::Failed, Reason::NotNormalisable)));
        assert_eq!(event.detail.as_deref(), Some("it has no number"));
        assert_eq!(event.id, EventId::new("plain/shop", "plain/shop", "d-1"));
    }

    #[test]
    fn a_stranger_moves_nothing_and_an_old_event_waits_for_a_person() {
        let stranger = event_of(b"merged", RepoCheck::Mismatch, Some(Duration::ZERO));
        assert_eq!(verdict(&stranger), Some((Outcome::Skipped, Reason::RepoMismatch)));
        assert!(stranger.detail.unwrap().contains("`acme/shop`"));

        let age = |hours: u64| Some(Duration::from_secs(hours * 3600 - 1));
        assert_eq!(
            verdict(&event_of(b"merged", RepoCheck::Same, age(1))),
            Some((Outcome::Skipped, Reason::Stale))
        );
        assert_eq!(verdict(&event_of(b"merged", RepoCheck::Same, age(2))), None);
        assert_eq!(verdict(&event_of(b"merged", RepoCheck::Same, None)), None);
    }

    #[test]
    fn an_event_that_no_rule_can_see_is_recorded() {
        let mut understood = look(b"merged", "new").unwrap();
        understood.meaning = Ok(Box::new(Event { triggers: Vec::new(), ..merged() }));
        let at = Arrival { at: NOW, now: NOW, body: b"merged", max_age: None };
        let event = new_event(understood, &hook(), RepoCheck::Same, at);
        assert_eq!(verdict(&event), Some((Outcome::NothingToDo, Reason::UnsupportedEvent)));
    }
}
