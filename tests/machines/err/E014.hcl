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

    on "pull_request.merged" {
      when = release.prerelease || !pr.rever
      fire = "next"
    }
    on "pull_request.closed" "tags" {
      tag  = "v*"
      keys = ["notes"]
      fire = "prev"
    }
    on "pull_request.ready" {
      fire    = "start"
      comment = "${sender.name} ${toupper(pr.title)} ${wurzel}"
    }
    on "jira.commented" {
      repo = "acme/shop"
      when = contains(repo.name, "x")
      keys = ["title"]
      fire = "start"
    }
  }
}
