# How tickets of two Jira projects move. A machine that says no more than this gets the default rules:
# a pull request merged into the default branch fires "next" (unless it is a revert), and so does a
# published release.

provisioner "devhop" {                     # the Jira project's key, lower case
  aliasmapper "devhop" {                   # a short name = the status as the board shows it
    aliases = { to_do: "To Do", in_progress: "In Progress", done: "Done" }
  }

  statemachine "devhop" {
    initial = "to_do"

    # In this state, this event: leads there.
    state "to_do" "next"       { transition = "in_progress" }
    state "in_progress" "next" { transition = "done" }
    state "in_progress" "prev" { transition = "to_do" }
    state "done" "next"        { transition = "<end>" }         # nothing more to do
  }
}

provisioner "soc" {
  aliasmapper "soc" {
    aliases = { to_do: "To Do", in_progress: "In Progress", done: "Done" }
  }

  statemachine "soc" {
    initial = "to_do"

    state "to_do" "next"       { transition = "in_progress" }
    state "in_progress" "next" { transition = "done" }
    state "in_progress" "prev" { transition = "to_do" }
    state "done" "next"        { transition = "<end>" }
  }
}
