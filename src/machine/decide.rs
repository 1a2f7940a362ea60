//! The decision: which rule matches, and what that means for a ticket.

use super::decision::{Action, Decision, Effects, TicketNow};
use super::filter::{Held, Miss};
use super::goal;
use super::model::{Machine, Rule};
use super::scene::{Scene, Ticket, Unknown};
use super::sentence::{list, what_happened};
use super::sources;
use crate::event::ticket::Source;
use crate::event::{Event, Trigger};
use crate::trace::{Reason, RuleTried};

/// Decides what becomes of one ticket because of one event.
///
/// This is the only place where that is decided. It does no I/O and reads no clock: the same machine, event
/// and ticket always give the same answer, and the answer carries why.
pub fn decide(machine: &Machine, event: &Event, ticket: &TicketNow) -> Decision {
    let Ok(decision) = evaluate(&Scene::new(machine, event, &ticket.found_in, ticket));
    decision
}

/// The decision, when it cannot depend on the ticket's state: nobody need ask Jira then.
///
/// That is so when no rule matches whatever the ticket is, or when a `skip` rule that looks only at the
/// event decides. Whenever this answers, [`decide`] answers the same.
pub fn precheck(machine: &Machine, event: &Event, found_in: &[Source]) -> Option<Decision> {
    evaluate(&Scene::new(machine, event, found_in, Unknown)).ok()
}

fn evaluate<T: Ticket>(scene: &Scene<'_, T>) -> Result<Decision, T::Missing> {
    let mut tried = Vec::with_capacity(scene.machine.rules.len());
    let mut nearest: Option<Failed> = None;
    for rule in &scene.machine.rules {
        match test(rule, scene)? {
            Tested::Holds(note) => {
                tried.push(row(rule, true, note.unwrap_or_else(|| goal::summary(&rule.goal))));
                return goal::carry_out(rule, scene, tried);
            }
            Tested::Fails(failed) => {
                tried.push(row(rule, false, failed.miss.because.clone()));
                if nearest.as_ref().is_none_or(|best| failed.progress > best.progress) {
                    nearest = Some(failed);
                }
            }
        }
    }
    Ok(Decision {
        action: Action::Stay(Reason::NoRuleMatched.into()),
        alias: scene.alias_seen(),
        rule: None,
        rules_tried: tried,
        effects: Effects::default(),
        detail: Some(no_rule_matched(scene.event, nearest)),
    })
}

/// How a rule fared.
enum Tested {
    /// All of it holds; a word on it where the goal does not say enough.
    Holds(Option<String>),
    Fails(Failed),
}

/// How far a rule came. The one that came furthest is the one to name.
struct Failed {
    progress: usize,
    miss: Miss,
}

fn test<T: Ticket>(rule: &Rule, scene: &Scene<'_, T>) -> Result<Tested, T::Missing> {
    let fails = |progress, miss| Ok(Tested::Fails(Failed { progress, miss }));
    if !rule.on.matches(scene.event) {
        let need = format!("{} instead", rule.place.trigger);
        return fails(0, Miss { because: other_event(rule, scene.event), need });
    }
    if let Some(miss) = key_elsewhere(rule, scene.found_in) {
        return fails(1, miss);
    }
    let mut note = None;
    for (index, filter) in rule.filters.iter().enumerate() {
        match filter.test(scene)? {
            Held::Yes => {}
            Held::YesBut(but) => note = Some(but),
            Held::No(miss) => return fails(index + 2, miss),
        }
    }
    Ok(Tested::Holds(note))
}

fn other_event(rule: &Rule, event: &Event) -> String {
    let merged = event.triggers.contains(&Trigger::PullRequestMerged);
    let closed = event.triggers.contains(&Trigger::PullRequestClosed);
    if merged && rule.on.covers(Trigger::PullRequestClosed) {
        "PR was merged".to_owned()
    } else if closed && rule.on.covers(Trigger::PullRequestMerged) {
        "PR was closed without merging".to_owned()
    } else {
        format!("event is {}", event.kind)
    }
}

fn key_elsewhere(rule: &Rule, found_in: &[Source]) -> Option<Miss> {
    if rule.sources.is_empty() || rule.sources.iter().any(|source| found_in.contains(source)) {
        return None;
    }
    let names = |all: &[Source]| list(&all.iter().map(|source| sources::name(*source)).collect::<Vec<_>>());
    let (wanted, found) = (names(&rule.sources), names(found_in));
    Some(Miss {
        because: format!("keys: looks in {wanted}, the key is in {found}"),
        need: format!("the key in {wanted}, and it is in {found}"),
    })
}

fn row(rule: &Rule, matched: bool, because: String) -> RuleTried {
    let place = &rule.place;
    RuleTried {
        name: place.name.clone(),
        trigger: place.trigger.clone(),
        file: place.file.clone(),
        line: place.line,
        matched,
        because,
    }
}

/// `PR merged into "develop"; rule needs base "main" or "release/*"`.
fn no_rule_matched(event: &Event, nearest: Option<Failed>) -> String {
    let happened = what_happened(event);
    match nearest {
        Some(failed) if failed.progress > 0 => format!("{happened}; rule needs {}", failed.miss.need),
        _ => format!("{happened}; no rule looks at {}", event.kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{PullRequest, Release, Repo, Subject};
    use crate::machine::{SourceFile, load};
    use crate::trace::Outcome;

    const BASE: &str = include_str!("../../config/statemachines/jira.hcl");

    fn machine(text: &str) -> Machine {
        let files = [SourceFile { name: "jira.hcl".into(), text: text.into() }];
        let loaded = load(&files);
        let drawn = crate::machine::render(&loaded.diagnostics, &files, false);
        loaded.rules.expect(&drawn).machines().next().unwrap().clone()
    }

    fn event(trigger: Trigger, subject: Subject) -> Event {
        Event {
            schema: crate::event::SCHEMA,
            provider: "github".into(),
            kind: trigger.as_str().into(),
            triggers: vec![trigger],
            repo: Some(Repo {
                path: "acme/shop".into(),
                default_branch: Some("main".into()),
                ..Repo::default()
            }),
            sender: crate::event::Sender::default(),
            occurred_at: None,
            change: None,
            subject,
        }
    }

    fn merged(base: &str, title: &str) -> Event {
        let pr =
            PullRequest { base: base.into(), title: title.into(), merged: true, ..PullRequest::default() };
        event(Trigger::PullRequestMerged, Subject::PullRequest(pr))
    }

    fn released(prerelease: bool) -> Event {
        let release = Release { name: "v1".into(), prerelease, ..Release::default() };
        event(Trigger::ReleasePublished, Subject::Release(release))
    }

    fn ticket(status: &str, source: Source) -> TicketNow {
        TicketNow {
            key: "DEVHOP-1".into(),
            project: "DEVHOP".into(),
            found_in: vec![source],
            status: status.into(),
            ..TicketNow::default()
        }
    }

    fn reason(decision: &Decision) -> &'static str {
        match &decision.action {
            Action::Move(_) => "moved",
            Action::Stay(verdict) => verdict.reason.as_str(),
        }
    }

    #[test]
    fn a_machine_that_says_nothing_more_has_the_default_rules() {
        let machine = machine(BASE);
        let decision = decide(&machine, &merged("main", "DEVHOP-1"), &ticket("To Do", Source::Title));
        let Action::Move(path) = &decision.action else { panic!("{decision:?}") };
        let [hop] = path.as_slice() else { panic!("{path:?}") };
        assert_eq!((hop.from_status.as_str(), hop.to_status.as_str()), ("To Do", "In Progress"));
        assert_eq!((hop.step.file.as_str(), hop.step.line), ("jira.hcl", 14));
        let rule = decision.rule.unwrap();
        assert_eq!((rule.file.as_str(), rule.line, rule.name), ("built-in", 0, None));
        assert_eq!(decision.rules_tried[0].because, "fire \"next\"");
        assert_eq!(decision.alias.as_deref(), Some("to_do"));

        let stays = |event: &Event, source| {
            let decision = decide(&machine, event, &ticket("To Do", source));
            (reason(&decision), decision.rules_tried.iter().map(|r| r.because.clone()).collect::<Vec<_>>())
        };
        let (why, because) = stays(&merged("develop", "x"), Source::Title);
        assert_eq!(why, "no_rule_matched");
        let base = "base: want main (default branch), got develop";
        assert_eq!(because, [base, "event is pull_request.merged"]);
        let (why, because) = stays(&merged("main", "Revert \"x\""), Source::Title);
        assert_eq!((why, because[0].as_str()), ("no_rule_matched", "the pull request is a revert"));
        assert_eq!(stays(&released(true), Source::Notes).1[1], "prerelease: want false, got true");
        let decision = decide(&machine, &released(false), &ticket("In Progress", Source::Notes));
        assert_eq!(reason(&decision), "moved");
    }

    #[test]
    fn a_fire_that_leads_nowhere_says_why() {
        let text = BASE.replacen("state \"done\" \"next\"", "state \"done\" \"prev\"", 1);
        let fire = |machine: &Machine, status| {
            let decision = decide(machine, &merged("main", "x"), &ticket(status, Source::Branch));
            (reason(&decision), decision.detail.unwrap_or_default())
        };
        let base = machine(BASE);
        assert_eq!(fire(&base, "Done"), ("at_end", "`next` leads from `done` to `<end>`".into()));
        assert_eq!(fire(&base, "in progress").0, "moved", "a status compares but for ASCII case");
        let (why, detail) = fire(&base, "Blocked");
        assert_eq!(why, "unknown_status");
        assert!(detail.contains("\"Blocked\"") && detail.contains("to_do = \"To Do\""), "{detail}");
        let (why, detail) = fire(&machine(&text), "Done");
        assert_eq!((why, detail.as_str()), ("no_edge", "`done` does not answer `next`; it answers: prev"));
    }

    #[test]
    fn a_key_counts_only_where_the_rule_looks() {
        let machine = machine(BASE);
        let decision = decide(&machine, &merged("main", "x"), &ticket("To Do", Source::Commits));
        assert_eq!(reason(&decision), "no_rule_matched");
        let because = "keys: looks in title, branch and body, the key is in commits";
        assert_eq!(decision.rules_tried[0].because, because);
    }

    #[test]
    fn the_sentence_names_the_rule_that_came_furthest() {
        let machine = machine(BASE);
        let detail = |event: &Event| {
            let decision = precheck(&machine, event, &[Source::Title]).unwrap();
            assert_eq!(decision.action, Action::Stay(Reason::NoRuleMatched.into()));
            assert_eq!(Reason::NoRuleMatched.outcome(), Outcome::NothingToDo);
            decision.detail.unwrap()
        };
        let wanted = "PR merged into \"develop\"; rule needs base \"main\", the default branch";
        assert_eq!(detail(&merged("develop", "x")), wanted);
        let opened = event(Trigger::PullRequestOpened, Subject::PullRequest(PullRequest::default()));
        assert_eq!(detail(&opened), "PR opened; no rule looks at pull_request.opened");
    }

    #[test]
    fn jira_is_asked_only_when_the_ticket_matters() {
        let machine = machine(BASE);
        let asked = |event: &Event| precheck(&machine, event, &[Source::Title, Source::Notes]).is_none();
        assert!(asked(&merged("main", "x")) && asked(&released(false)));
        assert!(!asked(&merged("develop", "x")) && !asked(&released(true)));
        let ticket = ticket("Done", Source::Title);
        let event = merged("develop", "x");
        assert_eq!(precheck(&machine, &event, &ticket.found_in), Some(decide(&machine, &event, &ticket)));
    }

    #[test]
    fn a_release_may_move_more_tickets_than_a_pull_request() {
        let machine = machine(BASE);
        assert_eq!(machine.max_tickets(&merged("main", "x")), 50);
        assert_eq!(machine.max_tickets(&released(false)), 1000);
    }
}
