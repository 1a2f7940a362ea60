provisioner "devhop" {
  aliasmapper "devhop" {
    aliases = { to_do: "To Do", in_progress: "進行中 🚧", done: "Done" }
  }

  statemachine "devhop" {
    /* été */ initial = "to_dö"

    state "to_do" "next"       { transition = "in_progress" }
    state "in_progress" "next" { transition = "done" }
    state "in_progress" "zurück" { transition = "to_döö" }
    state "done" "next"        { transition = "<end>" }
  }
}
