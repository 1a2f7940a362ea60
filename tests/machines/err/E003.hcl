statemachine "devhop" {
  initial = "to_do"
}

provisioner "devhop" {
  state "to_do" "next" { transition = "<end>" }

  aliasmapper "devhop" {
    aliases = { to_do: "To Do" }
  }

  statemachine "devhop" {
    initial = "to_do"

    state "to_do" "next" { transition = "<end>" }
  }
}
