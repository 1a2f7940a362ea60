//! The stories of the errors: a set of rules that has one is not put in force.

use super::Story;

pub(super) const ERRORS: [Story; 22] = [
    Story {
        code: "E001",
        title: "the text cannot be read",
        meaning: "The file is no HCL, or says something in a way that rules do not have: a missing `=` or brace, a \
                  name given twice, the wrong number of labels. A file over 1 MiB, nesting over 64 levels and text \
                  that is not UTF-8 end here, too. The caret stands where reading stopped; the mistake is there or \
                  just before it.",
        wrong: r#"initial "to_do""#,
        right: r#"initial = "to_do""#,
    },
    Story {
        code: "E002",
        title: "a block bears another name than its provisioner",
        meaning: "`aliasmapper` and `statemachine` repeat the name of the provisioner they stand in. Another name \
                  there is a slip of the pen, or a block that was copied from another project.",
        wrong: r#"aliasmapper "shopp" {
  aliases = { to_do: "To Do", doing: "In Progress", done: "Done" }
}"#,
        right: r#"aliasmapper "shop" {
  aliases = { to_do: "To Do", doing: "In Progress", done: "Done" }
}"#,
    },
    Story {
        code: "E003",
        title: "a block stands in the wrong place",
        meaning: "`provisioner` and `rules` stand at the top of a file, `aliasmapper` and `statemachine` in a \
                  provisioner, `state` in a statemachine, `on` in a statemachine or in `rules`. Often a brace was \
                  closed too early.",
        wrong: r#"provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", done: "Done" }
  }

  statemachine "shop" {
    initial = "to_do"

    state "to_do" "next" { transition = "done" }
    state "done" "next"  { transition = "<end>" }
  }

  on "tag.created" { move_to = "done" }
}"#,
        right: r#"provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", done: "Done" }
  }

  statemachine "shop" {
    initial = "to_do"

    state "to_do" "next" { transition = "done" }
    state "done" "next"  { transition = "<end>" }

    on "tag.created" { move_to = "done" }
  }
}"#,
    },
    Story {
        code: "E004",
        title: "a name that is no alias",
        meaning: "States, targets and `status` filters are named by alias, the short name that the `aliasmapper` \
                  gives to a status of the board. This one is not declared there. `<end>` is no alias either: it \
                  is where a machine is over, and only a `transition` can lead to it.",
        wrong: r#"state "to_do" "next" { transition = "doin" }
state "doing" "next" { transition = "done" }
state "done" "next"  { transition = "<end>" }"#,
        right: r#"state "to_do" "next" { transition = "doing" }
state "doing" "next" { transition = "done" }
state "done" "next"  { transition = "<end>" }"#,
    },
    Story {
        code: "E005",
        title: "one state, one event, two targets",
        meaning: "A machine is deterministic: one event leads from one state to one target. With two, nobody could \
                  say where a ticket goes. Keep one, or give the events different names.",
        wrong: r#"state "to_do" "next" { transition = "doing" }
state "doing" "next" { transition = "done" }
state "doing" "next" { transition = "to_do" }
state "done" "next"  { transition = "<end>" }"#,
        right: r#"state "to_do" "next" { transition = "doing" }
state "doing" "next" { transition = "done" }
state "done" "next"  { transition = "<end>" }"#,
    },
    Story {
        code: "E007",
        title: "a target without a `state` block",
        meaning: "A transition leads to a state that answers no event. If the way ends there, say so with `<end>`; \
                  then it is plain that nothing was forgotten.",
        wrong: r#"state "to_do" "next" { transition = "doing" }
state "doing" "next" { transition = "done" }"#,
        right: r#"state "to_do" "next" { transition = "doing" }
state "doing" "next" { transition = "done" }
state "done" "next"  { transition = "<end>" }"#,
    },
    Story {
        code: "E008",
        title: "`initial` names no state",
        meaning: "`initial` is where a new ticket stands. It must be one of the aliases that have a `state` block.",
        wrong: r#"initial = "todo""#,
        right: r#"initial = "to_do""#,
    },
    Story {
        code: "E009",
        title: "an unknown trigger",
        meaning: "A rule begins with what must happen: `pull_request.merged`, `release.published`, `push` and so \
                  on. `pull_request.*` means any of its kind. When no known trigger is near, the finding lists \
                  them all.",
        wrong: r#"on "pull_request.approve" { fire = "next" }"#,
        right: r#"on "pull_request.approved" { fire = "next" }"#,
    },
    Story {
        code: "E010",
        title: "an unknown argument or block",
        meaning: "This word means nothing here, so what was meant by it would never happen. The names that other \
                  tools use are recognised: `branch` is `base` here, `if` is `when`.",
        wrong: r#"on "pull_request.approved" {
  branch = "main"
  fire   = "next"
}"#,
        right: r#"on "pull_request.approved" {
  base = "main"
  fire = "next"
}"#,
    },
    Story {
        code: "E011",
        title: "an event that no state answers",
        meaning: "A rule fires an event, or walks along one, that no `state` block of this machine knows: it could \
                  never move anything. For a rule of a shared set this is W110, because another machine may well \
                  know the event.",
        wrong: r#"on "pull_request.approved" { fire = "nxt" }"#,
        right: r#"on "pull_request.approved" { fire = "next" }"#,
    },
    Story {
        code: "E012",
        title: "a rule with two outcomes",
        meaning: "A rule has at most one of `fire`, `move_to` and `skip`. `fire` takes one step by an event's \
                  name, `move_to` walks to a state, `skip` leaves the ticket alone and writes nothing.",
        wrong: r#"on "pull_request.approved" {
  fire    = "next"
  move_to = "done"
}"#,
        right: r#"on "pull_request.approved" { move_to = "done" }"#,
    },
    Story {
        code: "E013",
        title: "a rule that does nothing",
        meaning: "A rule that matches and does nothing still decides: no rule after it is asked. Give it an \
                  outcome or an effect, and where nothing is wanted, a `skip` with its reason. A `comment` is \
                  written with a move only; `link` and `fix_version` stand alone.",
        wrong: r#"on "pull_request.approved" { fire = "next" }
on "pull_request.labeled"  { labels = "wip" }"#,
        right: r#"on "pull_request.approved" { fire = "next" }
on "pull_request.labeled" {
  labels = "wip"
  skip   = "work in progress"
}"#,
    },
    Story {
        code: "E014",
        title: "something that such events do not have",
        meaning: "Each trigger brings its own things: a pull request has `pr`, a release has `release`, and all \
                  but Jira's own have `repo`. A filter or an expression that asks for another's would never hold. \
                  The finding lists what there is.",
        wrong: r#"on "pull_request.approved" {
  when = release.prerelease
  fire = "next"
}"#,
        right: r#"on "pull_request.approved" {
  when = pr.base == "main"
  fire = "next"
}"#,
    },
    Story {
        code: "E015",
        title: "a value of the wrong kind",
        meaning: "A list where text is needed, text where true or false is needed, a function with too few \
                  arguments. A template `\"${…}\"` is always text, even around a condition: leave the quotes out.",
        wrong: r#"on "pull_request.merged" {
  when = "${!pr.revert}"
  fire = "next"
}"#,
        right: r#"on "pull_request.merged" {
  when = !pr.revert
  fire = "next"
}"#,
    },
    Story {
        code: "E016",
        title: "a rule set that is nowhere",
        meaning: "`use` names sets that `rules \"<name>\"` declares at the top of any of the files, and `default`, \
                  the built-in rules.",
        wrong: r#"use = ["hous"]"#,
        right: r#"use = ["house"]"#,
    },
    Story {
        code: "E017",
        title: "what only the forge can tell",
        meaning: "A delivery about a pull request does not say which files it changes, nor what its commits are. \
                  They are read from the forge's API, which needs a token. Without one such a rule could only \
                  fail to match, and silently; so the service does not start with it. `conduit check` only warns, \
                  because it cannot know what the service is given.",
        wrong: r#"on "pull_request.approved" {
  paths = "src/**"
  fire  = "next"
}"#,
        right: r#"on "pull_request.approved" { fire = "next" }"#,
    },
    Story {
        code: "E018",
        title: "two aliases for one status",
        meaning: "A ticket's status on the board must lead back to one alias, or nobody could say in which state \
                  it is.",
        wrong: r#"aliasmapper "shop" {
  aliases = { to_do: "To Do", doing: "In Progress", done: "In Progress" }
}"#,
        right: r#"aliasmapper "shop" {
  aliases = { to_do: "To Do", doing: "In Progress", done: "Done" }
}"#,
    },
    Story {
        code: "E019",
        title: "a pattern that cannot work",
        meaning: "An empty pattern matches nothing, a lone `!` excludes nothing, an empty list holds for nothing, \
                  and the regular expression of `matches` must be a sound one. Leave a filter out to let \
                  everything pass.",
        wrong: r#"on "pull_request.approved" {
  base = ["main", ""]
  fire = "next"
}"#,
        right: r#"on "pull_request.approved" {
  base = "main"
  fire = "next"
}"#,
    },
    Story {
        code: "E020",
        title: "declared twice",
        meaning: "A project has one provisioner and a rule set one declaration, over all files. Upper and lower \
                  case are the same here, as in Jira.",
        wrong: r#"rules "bots" {
  on "pull_request.*" { skip = "one" }
}
rules "bots" {
  on "pull_request.*" { skip = "two" }
}"#,
        right: r#"rules "bots" {
  on "pull_request.*" { skip = "one" }
}
rules "robots" {
  on "pull_request.*" { skip = "two" }
}"#,
    },
    Story {
        code: "E021",
        title: "a worker's project without rules",
        meaning: "`workers.yaml` says that a worker serves this project, but no rule file has a provisioner for \
                  it: its tickets would never move.",
        wrong: "workers:\n  atlassian:\n    statefile: jira.hcl\n    projects: [shop, pya, pay]",
        right: "workers:\n  atlassian:\n    statefile: jira.hcl\n    projects: [shop, pay]",
    },
    Story {
        code: "E022",
        title: "a project in two workers",
        meaning: "A worker is one Jira site. A project that two of them serve would be looked for on both; a \
                  ticket key can belong to one site only.",
        wrong: "workers:\n  atlassian:\n    statefile: jira.hcl\n    projects: [shop, pay]\n  second:\n    \
                processor: jira\n    statefile: jira.hcl\n    projects: [pay]",
        right: "workers:\n  atlassian:\n    statefile: jira.hcl\n    projects: [shop]\n  second:\n    \
                processor: jira\n    statefile: jira.hcl\n    projects: [pay]",
    },
    Story {
        code: "E023",
        title: "a part is missing, or there twice",
        meaning: "A provisioner has one `aliasmapper` and one `statemachine`, a statemachine says where it begins \
                  (`initial`), and a `state` says where its event leads (`transition`). `default` is the built-in \
                  rule set, so that no other can be called so.",
        wrong: r#"state "to_do" "next" { transition = "doing" }
state "doing" "next" { transition = "done" }
state "done" "next"  {}"#,
        right: r#"state "to_do" "next" { transition = "doing" }
state "doing" "next" { transition = "done" }
state "done" "next"  { transition = "<end>" }"#,
    },
];
