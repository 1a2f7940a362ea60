//! What the demo prints: each delivery as it happens, then a table, then what to do next.

use super::story::Step;
use super::world::{Answer, REPOSITORIES, World};
use crate::cli::output::sayln;
use crate::cli::table::Table;
use crate::printable::printable;
use crate::trace::Trace;
use crate::trace::text::{mark, verdict};

/// Says what was started.
pub(super) fn begin(world: &World) {
    sayln!(
        "Conduit listens on {} with an embedded store; Jira is simulated on {}.",
        world.url(),
        world.jira.url()
    );
    sayln!("Registered through the API: {}.\n", REPOSITORIES.join(", "));
}

/// Says what came in and what became of it.
pub(super) fn step(step: &Step, answer: &Answer, trace: Option<&Trace>) {
    sayln!("▸ {:<10} {:<48} {}", step.delivery.repository, step.title, described(answer));
    match trace {
        None => sayln!("    » refused: nothing was stored"),
        Some(_) if answer.duplicate => sayln!("    – it stands already: nothing moves again"),
        Some(trace) if trace.tickets.is_empty() => sayln!("    {}", without_tickets(trace)),
        Some(trace) => trace.tickets.iter().for_each(|ticket| sayln!("    {}", verdict(ticket))),
    }
}

/// The table of everything.
pub(super) fn summary(told: &[(Step, Answer, Option<Trace>)]) {
    let mut table = Table::new(&["repository", "delivery", "answer", "ticket", "outcome", "why"]);
    for (step, answer, trace) in told {
        for cells in rows(answer, trace.as_ref()) {
            let [ticket, outcome, why] = cells;
            let repository = step.delivery.repository.to_owned();
            table.row([repository, step.short.to_owned(), described(answer), ticket, outcome, why]);
        }
    }
    sayln!();
    table.print("Nothing came in.");
}

/// What to do after the demo.
pub(super) fn next() {
    sayln!("\nNext:");
    sayln!("  conduit demo --keep        the same, left running with URLs and a ready-made curl");
    sayln!("  config/statemachines/      your own board; `conduit check` finds mistakes");
    sayln!("  README.md                  five minutes to a real repository and a real Jira");
}

/// Where everything is while it runs.
pub(super) fn how_to_play(world: &World) {
    let Some((secret, url)) = world.hook("acme/shop") else { return };
    sayln!("\nLeft running until Ctrl-C:");
    sayln!("  the board      {}", world.jira.board_url());
    sayln!("  the API        {}/conduit/api/events", world.url());
    sayln!("\n  export CONDUIT_URL={} CONDUIT_TOKEN={}", world.url(), world.token().expose());
    sayln!("  conduit why SHOP-1");
    sayln!("\nMerge a pull request that names SHOP-3 (a genuine signature, made by openssl):");
    sayln!("  body='{}'", super::story::curl_body());
    sayln!("  curl -i {url} \\");
    sayln!("    -H 'Content-Type: application/json' -H 'X-GitHub-Event: pull_request' \\");
    sayln!("    -H \"X-GitHub-Delivery: $(date +%s)\" \\");
    sayln!(
        "    -H \"X-Hub-Signature-256: sha256=$(printf %s \"$body\" | openssl dgst -sha256 -hmac {secret} | sed 's/.* //')\" \\"
    );
    sayln!("    -d \"$body\"");
}

fn described(answer: &Answer) -> String {
    match (answer.status, answer.duplicate) {
        (202, true) => "202 duplicate".into(),
        (202, false) => "202 accepted".into(),
        (status, _) => format!("{status} refused"),
    }
}

fn without_tickets(trace: &Trace) -> String {
    let why = trace.detail.as_deref().map_or_else(|| trace.reason.meaning().into(), printable);
    let seen: Vec<_> =
        trace.ignored_keys.iter().map(|key| format!("{} ({})", printable(&key.key), key.because)).collect();
    let seen = if seen.is_empty() { String::new() } else { format!("; seen: {}", seen.join(", ")) };
    format!("{} {why}{seen}", mark(trace.outcome))
}

/// The cells that a delivery fills: one row for each ticket, or one for all of it.
fn rows(answer: &Answer, trace: Option<&Trace>) -> Vec<[String; 3]> {
    let none = String::new;
    match trace {
        None => vec![[none(), "» refused".into(), "wrong signature".into()]],
        Some(_) if answer.duplicate => vec![[none(), "– as before".into(), "duplicate".into()]],
        Some(trace) if trace.tickets.is_empty() => {
            vec![[none(), format!("{} {}", mark(trace.outcome), trace.outcome), trace.reason.to_string()]]
        }
        Some(trace) => trace
            .tickets
            .iter()
            .map(|ticket| {
                let moved = match (&ticket.from, &ticket.to) {
                    (Some(from), Some(to)) if ticket.outcome == crate::trace::Outcome::Moved => {
                        format!("{from} → {to}")
                    }
                    _ => ticket.reason.to_string(),
                };
                [ticket.key.clone(), format!("{} {}", mark(ticket.outcome), ticket.outcome), moved]
            })
            .collect(),
    }
}
