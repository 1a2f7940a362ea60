//! The stories of what `conduit doctor` finds: the rules are sound, and do not fit the live Jira.
//!
//! The board they speak of has the statuses To Do, In Progress and Done, and two transitions to Done that ask for a
//! resolution; the account may neither comment there nor administer the project.

use super::Story;

pub(super) const LIVE: [Story; 6] = [
    Story {
        code: "D301",
        title: "an alias names a status that Jira does not have",
        meaning: "No issue type of the project has a status of this name. A ticket never stands there, and none can be \
                  moved there. Statuses can be renamed in Jira, and have other names in other languages: write the \
                  name that Conduit's account sees.",
        wrong: r#"aliases = { to_do: "To Do", doing: "In Progres", done: "Done" }"#,
        right: r#"aliases = { to_do: "To Do", doing: "In Progress", done: "Done" }"#,
    },
    Story {
        code: "D302",
        title: "Jira's workflow does not have this way",
        meaning: "From the one status no transition leads to the other, for the issue types that are named. A ticket that \
                  is to go there fails with `no_jira_transition`. Each issue type may have a workflow of its own. As a \
                  warning: the transition is there, but a condition hid it from Conduit's account on the ticket that was \
                  looked at; where it does so in earnest, the ticket fails with `transition_hidden`.",
        wrong: r#"state "to_do" "next" { transition = "done" }"#,
        right: r#"state "to_do" "next" { transition = "doing" }"#,
    },
    Story {
        code: "D303",
        title: "the transition asks for a field that nobody fills in",
        meaning: "Jira shows a screen on this way, and a field of it is required. Without it the ticket fails with \
                  `fields_required`. Give it in the edge's `fields`; a rule's `fields` do as well, but only for the last \
                  hop of that rule. As a warning: some rules give it, and others that may go this way do not.",
        wrong: r#"state "doing" "next" {
  transition = "done"
  via        = "Ship"
}"#,
        right: r#"state "doing" "next" {
  transition = "done"
  via        = "Ship"
  fields     = { resolution = "Done" }
}"#,
    },
    Story {
        code: "D304",
        title: "several transitions lead there",
        meaning: "More than one transition leads from the one status to the other, and nothing says which is meant: a \
                  ticket that is to go there fails with `no_jira_transition`. It is the same where the board has two statuses \
                  of that name, and each can be reached. `via` names a transition, by its name or its id. As a \
                  warning: one of them is the obvious one (it is named as the status is, or is the only one that asks for \
                  nothing) and is taken.",
        wrong: r#"state "doing" "next" {
  transition = "done"
  fields     = { resolution = "Done" }
}"#,
        right: r#"state "doing" "next" {
  transition = "done"
  via        = "Ship"
  fields     = { resolution = "Done" }
}"#,
    },
    Story {
        code: "D305",
        title: "the account lacks a permission",
        meaning: "The machine, or one of its rules, does what Conduit's account may not do in the project: see tickets \
                  (*Browse projects*), move them (*Transition issues*), comment (*Add comments*), link (*Link issues*), \
                  set a fix version (*Edit issues*). Grant it in the project's permission scheme; docs/jira.md lists what \
                  each rule asks for. Or write only what the account may write.",
        wrong: r#"on "pull_request.merged" {
  when    = !pr.revert
  fire    = "next"
  comment = "merged"
}"#,
        right: r#"on "pull_request.merged" {
  when = !pr.revert
  fire = "next"
}"#,
    },
    Story {
        code: "D306",
        title: "making a version asks for project administration",
        meaning: "A fix version with `create` or `released` makes or changes a version of the project, which only \
                  those may who administer it. Grant *Administer projects* to Conduit's account, or let somebody else \
                  make the versions and only name them.",
        wrong: r#"on "release.published" {
  fire        = "next"
  fix_version = { name = release.tag, create = true }
}"#,
        right: r#"on "release.published" {
  fire        = "next"
  fix_version = release.tag
}"#,
    },
];
