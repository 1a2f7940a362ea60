# The demo's rules: `shop` says what each event does, `pay` and `web` leave it to the default rules.

provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", in_progress: "In Progress", done: "Done" }
  }

  statemachine "shop" {
    initial = "to_do"

    state "to_do" "start"      { transition = "in_progress" }
    state "in_progress" "prev" { transition = "to_do" }
    state "in_progress" "next" { transition = "done" }
    state "done" "next"        { transition = "<end>" }

    on "pull_request.ready"  { fire = "start" }
    on "pull_request.closed" { fire = "prev" }
    on "pull_request.merged" {
      base = ["main", "release/*"]
      when = !pr.revert
      fire = "next"
    }
  }
}

provisioner "pay" {
  aliasmapper "pay" {
    aliases = { to_do: "To Do", in_progress: "In Progress", in_qa: "In QA", done: "Done" }
  }

  statemachine "pay" {
    initial = "to_do"

    state "to_do" "next"       { transition = "in_progress" }
    state "in_progress" "next" { transition = "in_qa" }
    state "in_qa" "next"       { transition = "done" }
    state "done" "next"        { transition = "<end>" }
  }
}

provisioner "web" {
  aliasmapper "web" {
    aliases = { to_do: "To Do", done: "Done" }
  }

  statemachine "web" {
    initial = "to_do"

    state "to_do" "next" { transition = "done" }
    state "done" "next"  { transition = "<end>" }
  }
}
