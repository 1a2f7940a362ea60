provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", doing: "In Progress", done: "Done" }
  }

  statemachine "shop" {
    initial = "to_do"

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
      base   = ["main", ""]
      labels = ["!"]
      head   = []
      keys   = []
      when   = matches(pr.title, "(")
      fire   = "next"
    }
  }
}
