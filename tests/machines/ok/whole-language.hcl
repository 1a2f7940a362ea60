rules "house" {
  on "pull_request.changes_requested" { fire = "prev" }
}

provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", doing: "In Progress", done: "Done" }
  }

  statemachine "shop" {
    initial     = "to_do"
    use         = ["house", "default"]
    keys        = ["title", "branch", "body"]
    max_tickets = 20
    mode        = "observe"

    state "to_do" "start" { transition = "doing" }
    state "doing" "prev"  { transition = "to_do" }
    state "doing" "next" {
      transition = "done"
      via        = "Deploy"
      fields     = { resolution = "Done", flags = [true, null, 1.5] }
    }
    state "done" "next" { transition = "<end>" }

    on "pull_request.*" "bots" {
      author = ["*[bot]"]
      skip   = "bots move nothing"
    }

    on "pull_request.ready" {
      types  = ["Bug", "Story"]
      status = "to_do"
      fire   = "start"
    }

    on "pull_request.closed" "back" {
      draft = false
      keys  = ["title", "branch"]
      fire  = "prev"
    }

    on "pull_request.merged" "trunk" {
      repo    = ["acme/*", "!acme/old"]
      base    = ["main", "release/**"]
      labels  = ["!no-jira"]
      when    = !pr.revert && !anytrue([for label in pr.labels : startswith(label, "wip")]) && matches(pr.title, "^[A-Z]")
      move_to = "done"
      along   = ["start", "next"]
      comment = <<-EOT
        ${pr.author} merged #${pr.number} into ${pr.base}.
        %{ for label in pr.labels ~}
        * ${upper(label)}
        %{ endfor ~}
        %{ if issue.assignee != null }For ${issue.assignee}.%{ else }For nobody.%{ endif }
      EOT
      link        = { url = pr.url, title = "PR #${pr.number}" }
      fix_version = { name = trimprefix(pr.base, "release/"), create = true, released = false }
      fields      = { resolution = "Done", points = 5, tags = pr.labels }
    }

    on "push" {
      base    = "main"
      when    = length(push.commits) > 0 && contains(join(" ", push.commits[*].message), "deploy")
      move_to = "doing"
      along   = ["start"]
    }

    on "release.published" "train" {
      tag         = "v*"
      prerelease  = false
      fix_version = release.tag
    }

    on "deployment.succeeded" {
      environment = "production"
      move_to     = "done"
      along       = ["start", "next"]
    }
  }
}
