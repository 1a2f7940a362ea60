rules "house" {
  on "branch.deleted" { move_to = "done" }
}

provisioner "shop" {
  aliasmapper "shop" {
    aliases = { to_do: "To Do", doing: "In Progress", done: "Done" }
  }

  statemachine "shop" {
    initial = "to_do"
    use     = ["house"]

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
    on "tag.created" { move_to = "done" }
    on "branch.created" {
      move_to = "done"
      along   = ["next", "prev"]
    }
  }
}
provisioner "long" {
  aliasmapper "long" {
    aliases = { s0: "S0", s1: "S1", s2: "S2", s3: "S3", s4: "S4", s5: "S5", s6: "S6", s7: "S7", s8: "S8", s9: "S9" }
  }

  statemachine "long" {
    initial = "s0"

    state "s0" "next" { transition = "s1" }
    state "s1" "next" { transition = "s2" }
    state "s2" "next" { transition = "s3" }
    state "s3" "next" { transition = "s4" }
    state "s4" "next" { transition = "s5" }
    state "s5" "next" { transition = "s6" }
    state "s6" "next" { transition = "s7" }
    state "s7" "next" { transition = "s8" }
    state "s8" "next" { transition = "s9" }
    state "s9" "next" { transition = "<end>" }

    on "tag.created" { move_to = "s9" }
  }
}
