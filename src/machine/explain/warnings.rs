//! The stories of the warnings: the rules work, but probably not as meant.

use super::Story;

pub(super) const WARNINGS: [Story; 11] = [
    Story {
        code: "W101",
        title: "a state that no ticket reaches",
        meaning: "No way leads there from `initial`. A ticket that a person moved there by hand would still be \
                  understood, so this is no error; mostly a transition was forgotten.",
        wrong: r#"state "to_do" "next" { transition = "done" }
state "doing" "next" { transition = "done" }
state "done" "next"  { transition = "<end>" }"#,
        right: r#"state "to_do" "next" { transition = "doing" }
state "doing" "next" { transition = "done" }
state "done" "next"  { transition = "<end>" }"#,
    },
    Story {
        code: "W102",
        title: "an alias that is never used",
        meaning: "An alias without a state has no part in the machine. A ticket in that status stays where it is.",
        wrong: r#"aliasmapper "shop" {
  aliases = { to_do: "To Do", doing: "In Progress", blocked: "Blocked", done: "Done" }
}"#,
        right: r#"aliasmapper "shop" {
  aliases = { to_do: "To Do", doing: "In Progress", done: "Done" }
}"#,
    },
    Story {
        code: "W103",
        title: "a rule that can never run",
        meaning: "The first rule whose filters hold decides, and a rule further up holds whenever this one would. \
                  Put the narrower one first.",
        wrong: r#"on "pull_request.closed" { fire = "next" }
on "pull_request.closed" {
  base    = "main"
  move_to = "done"
}"#,
        right: r#"on "pull_request.closed" {
  base    = "main"
  move_to = "done"
}
on "pull_request.closed" { fire = "next" }"#,
    },
    Story {
        code: "W104",
        title: "an event that nobody fires",
        meaning: "No rule fires this event and no `move_to` walks it, so that the transition is never taken. With \
                  the default rules, which fire `next` alone, `prev` is let pass: many machines have it out of \
                  habit.",
        wrong: r#"state "to_do" "next" { transition = "doing" }
state "doing" "back" { transition = "to_do" }
state "doing" "next" { transition = "done" }
state "done" "next"  { transition = "<end>" }"#,
        right: r#"state "to_do" "next" { transition = "doing" }
state "doing" "back" { transition = "to_do" }
state "doing" "next" { transition = "done" }
state "done" "next"  { transition = "<end>" }

use = ["default"]

on "pull_request.closed" { fire = "back" }"#,
    },
    Story {
        code: "W105",
        title: "`move_to` finds no way",
        meaning: "`move_to` walks `next` transitions only, unless `along` names the events it may take. From \
                  `initial`, no such way leads to the target, or it has more than eight hops. The help names an \
                  `along` that works.",
        wrong: r#"state "to_do" "start" { transition = "doing" }
state "doing" "next"  { transition = "done" }
state "done" "next"   { transition = "<end>" }

on "pull_request.ready"   { fire = "start" }
on "deployment.succeeded" { move_to = "done" }"#,
        right: r#"state "to_do" "start" { transition = "doing" }
state "doing" "next"  { transition = "done" }
state "done" "next"   { transition = "<end>" }

on "pull_request.ready" { fire = "start" }
on "deployment.succeeded" {
  move_to = "done"
  along   = ["start", "next"]
}"#,
    },
    Story {
        code: "W106",
        title: "a step for something that comes often",
        meaning: "Checks and pushes come many times for one change, and `fire` takes a step each time: three \
                  pushes would move a ticket three columns. `move_to` says where to, and the second time changes \
                  nothing.",
        wrong: r#"on "push" { fire = "next" }"#,
        right: r#"on "push" { move_to = "doing" }"#,
    },
    Story {
        code: "W107",
        title: "drafts that become ready are missed",
        meaning: "A draft that is marked ready later was opened long before, so that `opened` does not come \
                  again. `pull_request.ready` means both: opened and not a draft, or a draft marked ready.",
        wrong: r#"on "pull_request.opened" {
  draft = false
  fire  = "next"
}"#,
        right: r#"on "pull_request.ready" { fire = "next" }"#,
    },
    Story {
        code: "W108",
        title: "a provisioner that never runs",
        meaning: "No worker of `workers.yaml` serves this project. Its rules are read and checked, and its tickets \
                  are left alone.",
        wrong: "workers:\n  atlassian:\n    statefile: jira.hcl\n    projects: [shop]",
        right: "workers:\n  atlassian:\n    statefile: jira.hcl\n    projects: [shop, pay]",
    },
    Story {
        code: "W109",
        title: "a machine without an end",
        meaning: "From no state does the way lead to `<end>`. Tickets would go round for ever, or the last \
                  transition was forgotten.",
        wrong: r#"state "to_do" "next" { transition = "doing" }
state "doing" "next" { transition = "done" }
state "done" "next"  { transition = "to_do" }"#,
        right: r#"state "to_do" "next" { transition = "doing" }
state "doing" "next" { transition = "done" }
state "done" "next"  { transition = "<end>" }"#,
    },
    Story {
        code: "W110",
        title: "a shared set that does not fit the machine",
        meaning: "A set that this machine uses fires an event that none of its states answers, or names an alias \
                  that it does not have. That rule does nothing here; for the other machines that use the set it \
                  may be right.",
        wrong: r#"rules "house" {
  on "pull_request.approved" { fire = "next" }
  on "pull_request.labeled"  { fire = "approve" }
}"#,
        right: r#"rules "house" {
  on "pull_request.approved" { fire = "next" }
}"#,
    },
    Story {
        code: "W111",
        title: "a revert would move tickets forward",
        meaning: "Reverting a merged pull request is a merge, too, and its title repeats the ticket's key. A rule \
                  that moves tickets on merges should say that reverts are not meant; the default rules do.",
        wrong: r#"on "pull_request.merged" { fire = "next" }"#,
        right: r#"on "pull_request.merged" {
  when = !pr.revert
  fire = "next"
}"#,
    },
];
