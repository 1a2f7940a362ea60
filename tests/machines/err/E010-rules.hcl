provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", doing: "In Progress", done: "Done" }
  }

  statemachine "shop" {
    initial = "to_do"
    max_ticket = 5
    state = "x"

    state "to_do" "start" { transition = "doing" }
    state "doing" "prev"  { transition = "to_do" }
    state "doing" "next"  { transition = "done" }
    state "done" "next"   { transition = "<end>" }

    on "pull_request.ready"  { fire = "start" }
    on "pull_request.closed" { fire = "prev" }
    on "pull_request.merged" {
      when = !pr.revert
      fire = "next"
    }
    on "pull_request.approved" {
      branch = "main"
      fire   = "next"
    }
    on "pull_request.reopened" {
      if    = true
      along = ["next"]
      fire  = "start"
    }
    on "tag.created" {
      keys        = ["branch", "titel"]
      fix_version = { nam = "x", extra = 1 }
      link        = { url = "https://example.org", titel = "x" }
    }
  }
}
