provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", doing: "In Progress", done: "Done" }
  }

  statemachine "shop" {
    initial = "to_do"
    max_tickets = 0
    mode = "look"

    state "to_do" "start" {
      transition = "doing"
      fields     = { who = pr.author }
    }
    state "doing" "prev"  { transition = "to_do" }
    state "doing" "next"  { transition = "done" }
    state "done" "next"   { transition = "<end>" }

    on "pull_request.merged" {
      when = "${pr.revert}"
      fire = "next"
    }
    on "pull_request.closed" {
      when = pr.number && !pr.title
      fire = "prev"
    }
    on "pull_request.ready" {
      draft       = "no"
      base        = 5
      when        = pr.number > pr.title || lower(pr.labels) == pr || contains(pr.title)
      fire        = "start"
      comment     = pr.labels
      link        = { url = "ftp://example.org" }
      fix_version = { create = "yes" }
      fields      = { who = pr }
    }
    on "push" {
      when    = matches(push.branch, push.after) || push.commits[0].message.length || push["x"]
      move_to = "done"
      along   = ["start", "next"]
    }
  }
}
