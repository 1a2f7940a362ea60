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
      fire = "next"
    }
  }
}
