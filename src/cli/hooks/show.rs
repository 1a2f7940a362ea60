//! `conduit hooks list`, `conduit hooks show` and `conduit hooks test`

use clap::Args;
use serde_json::json;

use super::at_jira::{Counterpart, JiraFlags};
use super::{HookRow, JIRA, One, about_jira};
use crate::cli::client::{Api, ApiArgs};
use crate::cli::events::{self, EventPage, EventRow};
use crate::cli::output::sayln;
use crate::cli::table::Table;
use crate::cli::why::print_json;
use crate::cli::{CliError, Output};
use crate::printable::printable;

/// Events on a page, as many as the service gives.
const PAGE: usize = 200;
/// How many pages are looked through for a hook's last delivery.
const MOST_PAGES: usize = 50;

/// The flags of `hooks list`.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    /// Only this forge's
    #[arg(long)]
    provider: Option<String>,
    /// Show Jira's webhooks beside the hooks that they deliver to
    #[arg(long, help_heading = "At Jira")]
    at_jira: bool,
    /// Which Jira.
    #[command(flatten)]
    jira: JiraFlags,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// The flags of `hooks show`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// Which.
    #[command(flatten)]
    hook: One,
    /// Show Jira's webhook that delivers to it
    #[arg(long, help_heading = "At Jira")]
    at_jira: bool,
    /// Which Jira.
    #[command(flatten)]
    jira: JiraFlags,
}

impl List {
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        let at_jira = if self.at_jira { Some(self.jira.connect().await?) } else { None };
        let query: Vec<_> = self.provider.iter().map(|name| ("provider", name.clone())).collect();
        let hooks: Vec<HookRow> = self.api.connect()?.get(&["conduit", "webhooks", "list"], &query).await?;
        let halves =
            hooks.iter().map(|hook| hook.at_jira(at_jira.as_ref())).collect::<Result<Vec<_>, _>>()?;
        if output == Output::Json {
            let both = hooks.iter().zip(&halves);
            let hooks: Vec<_> = both.map(|(hook, half)| hook.json(half.as_ref(), self.at_jira)).collect();
            return print_json(&json!({ "schema": "conduit.hooks/1", "hooks": hooks }));
        }
        let mut table = Table::new(&["hook", "repository", "projects", "secrets"]);
        for hook in &hooks {
            let projects = hook.projects.as_ref().map_or_else(|| "all".into(), |keys| keys.join(", "));
            let secrets: Vec<_> = hook.secrets.iter().map(|secret| format!("v{}", secret.version)).collect();
            table.row([hook.name(), hook.repo_path.clone(), projects, secrets.join(", ")]);
        }
        table.print("No repository is registered: conduit hooks register OWNER/NAME");
        if self.at_jira {
            for (hook, half) in hooks.iter().zip(&halves).filter(|(hook, _)| hook.provider == JIRA) {
                sayln!(
                    "{} · at Jira: {}",
                    hook.name(),
                    half.as_ref().map_or("none".into(), Counterpart::line)
                );
            }
        }
        Ok(())
    }
}

impl Show {
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        let at_jira = if self.at_jira {
            Some(about_jira(&self.hook.provider, "--at-jira", &self.jira).await?)
        } else {
            None
        };
        let hook = self.hook.find(&self.hook.api.connect()?).await?;
        let half = hook.at_jira(at_jira.as_ref())?;
        if output == Output::Json {
            let hook = hook.json(half.as_ref(), self.at_jira);
            return print_json(&json!({ "schema": "conduit.hook/1", "hook": hook }));
        }
        sayln!("{} · {}", hook.name(), hook.repo_path);
        sayln!("URI: {}", hook.uri);
        for secret in &hook.secrets {
            let end = secret.expires_at.map_or("the newest".to_owned(), |end| format!("valid until {end}"));
            sayln!("secret v{} · made {} · {end}", secret.version, secret.created_at);
        }
        if self.at_jira {
            sayln!("at Jira: {}", half.as_ref().map_or("none".into(), Counterpart::line));
        }
        Ok(())
    }
}

impl HookRow {
    /// Its last delivery: among the latest of all, or else among the latest of its own repository, which busier ones have
    /// pushed out of those. An owner's hook (`acme/*`) has none of its own: what it has is looked for further back.
    async fn last_delivery(&self, api: &Api) -> Result<Lately, CliError> {
        let since = self.created_at.map(|at| ("since", at.to_string()));
        let asked: Vec<_> = [("limit", PAGE.to_string())].into_iter().chain(since).collect();
        let own = [asked.clone(), vec![("repo", self.repo_path.clone())]].concat();
        let mut query = asked.clone();
        for page in 0..MOST_PAGES {
            let EventPage { events, next_cursor } = events::list(api, &query).await?;
            let mut last = self.newest(events);
            if last.is_none() && page == 0 {
                last = self.newest(events::list::<EventPage>(api, &own).await?.events);
            }
            let Some(next) = next_cursor.filter(|_| last.is_none()) else {
                return Ok(last.map_or(Lately::Never, Lately::At));
            };
            query = [asked.clone(), vec![("cursor", next)]].concat();
        }
        Ok(Lately::NotAmong(PAGE * MOST_PAGES))
    }

    fn newest(&self, events: Vec<EventRow>) -> Option<EventRow> {
        let name = self.name();
        events.into_iter().find(|event| event.hook == name)
    }
}

/// When a hook was last delivered to.
enum Lately {
    At(EventRow),
    /// Not since it was registered, as far as events are kept.
    Never,
    /// Not among so many events; nobody looked further.
    NotAmong(usize),
}

impl One {
    /// Says when it was last delivered to.
    pub(super) async fn test(&self, output: Output) -> Result<(), CliError> {
        let api = self.api.connect()?;
        let hook = self.find(&api).await?;
        let name = format!("{}/{}", hook.provider, hook.repo_id);
        let lately = hook.last_delivery(&api).await?;
        let silence = match lately {
            Lately::NotAmong(events) => format!("among the last {events} events"),
            _ => "on record since it was registered".to_owned(),
        };
        let last = if let Lately::At(event) = lately { Some(event) } else { None };
        if output == Output::Json {
            let delivery =
                last.as_ref().map(|event| json!({ "kind": event.kind, "received_at": event.received_at }));
            print_json(&json!({ "schema": "conduit.hook_test/1", "hook": name, "last_delivery": delivery }))?;
            return if last.is_some() { Ok(()) } else { Err(CliError::Findings) };
        }
        if let Some(event) = &last {
            sayln!(
                "✓ {name}: the last genuine delivery was {} at {}",
                printable(&event.kind),
                event.received_at
            );
            return Ok(());
        }
        sayln!("✗ {name}: no genuine delivery {silence}.");
        if hook.provider == JIRA {
            sayln!(
                "  Move a ticket in Jira. If nothing comes:  conduit hooks show {} --provider jira --at-jira",
                hook.repo_id
            );
            sayln!(
                "  says whether Jira has the webhook, switched on and signed; and {} must be reachable from there.",
                hook.uri
            );
            return Err(CliError::Findings);
        }
        sayln!(
            "  In the forge's webhook settings, open Recent Deliveries: 401 means that the secret was not pasted"
        );
        sayln!("  whole, no answer that {} is not reachable from there. Then redeliver the ping.", hook.uri);
        Err(CliError::Findings)
    }
}
