provisioner "pay" {
  aliasmapper "pay" {
    aliases = {
      to_do       = "To Do"
      in_progress = "In Progress"
      in_review   = "In Review"
      in_qa       = "In QA"
      ready       = "Ready to Release"
      done        = "Done"
      blocked     = "Blocked"
    }
  }

  statemachine "pay" {
    initial = "to_do"
    mode    = "observe"

    state "to_do" "next"       { transition = "in_progress" }
    state "in_progress" "next" { transition = "in_review" }
    state "in_review" "prev"   { transition = "in_progress" }
    state "in_review" "next"   { transition = "in_qa" }
    state "in_qa" "prev"       { transition = "in_progress" }
    state "in_qa" "next"       { transition = "ready" }
    state "in_qa" "skip"       { transition = "done" }
    state "ready" "next"       { transition = "done" }
    state "done" "again"       { transition = "done" }
    state "done" "next"        { transition = "<end>" }
    state "blocked" "next"     { transition = "in_progress" }

    on "pull_request.*" "bots" {
      author = ["*[bot]"]
      skip   = "bot pull requests never move tickets"
    }
    on "branch.created"                 { move_to = "in_progress" }
    on "pull_request.ready"             { move_to = "in_review" }
    on "pull_request.changes_requested" { fire = "prev" }

    on "pull_request.merged" "hotfix" {
      base    = "release/*"
      status  = ["in_review", "in_qa"]
      move_to = "ready"
    }
    on "pull_request.merged" "to-qa" {
      base    = ["main", "release/*"]
      move_to = "in_qa"
    }
    on "release.published" "train" {
      keys       = ["notes"]
      prerelease = false
      move_to    = "done"
    }
    on "deployment.succeeded" "note" {
      fix_version = deployment.environment
    }
  }
}
