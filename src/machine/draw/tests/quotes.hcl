provisioner "odd" {
  aliasmapper "odd" {
    aliases = {
      open     = "Say \"open\" <b>&amp; [go]</b> #1; \\N"
      "票 end" = "进行中"
      shut     = "Done \u202e enoD\n2. line"
    }
  }

  statemachine "odd" {
    initial = "open"

    state "open" "a|b"    { transition = "票 end" }
    state "票 end" "next" { transition = "shut" }
    state "shut" "next"   { transition = "<end>" }

    on "pull_request.merged" "`it's` \"done\" \u2066--> x]]>" { fire = "next" }
    on "pull_request.ready" "%% a label that is so long that no picture should ever show the whole of it" {
      fire = "a|b"
    }
  }
}
