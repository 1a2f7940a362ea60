provisioner "devhop" {
  aliasmapper "devhop" {
    aliases = { to_do: "To Do", in_progress: "In Progress", done: "Done" }
  }

  statemachine "devhop" {
    initial = "to_do"

    state "to_do" "forward"       { transition = "in_progress" }
    state "in_progress" "forward" { transition = "done" }
    state "in_progress" "prev" { transition = "to_do" }
    state "done" "forward"        { transition = "<end>" }
  }
}
