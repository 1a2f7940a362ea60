//! `conduit doctor`: settings, store, login, permissions, each alias and each edge against the live Jira.
//!
//! | file | what it looks at |
//! |---|---|
//! | `house`, `hooks` | what needs no Jira: settings, rules, the store, the public address; each hook's last delivery |
//! | `certificate` | what the public listener shows, where it ends TLS itself |
//! | `site` | a site: its login, its clock, its dialect; and its projects |
//! | `compare`, `judge` | PURE: a machine against the board; one edge against one ticket |
//! | `report` | what there is to say, and how it is printed |
//!
//! It cannot write: it holds Jira as [`Survey`](crate::jira::Survey). Of the store it asks questions alone.
#![allow(clippy::doc_markdown, reason = "the doc comments of flags are the text of --help, not Markdown")]

mod certificate;
mod compare;
mod hooks;
mod house;
mod judge;
mod report;
mod site;
#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;

use clap::Args;

use self::report::Report;
use super::{CliError, Output};
use crate::app::sites;
use crate::clock::Clock;
use crate::settings::EverySetting;

pub(super) use compare::compare;

/// The flags of `conduit doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Look only at this site: a worker's name in workers.yaml
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Look only at this project
    #[arg(long, value_name = "KEY")]
    project: Option<String>,
    /// Do not ask Jira: settings, store and rules alone
    #[arg(long)]
    offline: bool,
    /// What `conduit serve` would be given.
    #[command(flatten)]
    settings: EverySetting,
}

/// Looks at everything and prints it. Exit code 1: something is wrong; 3: something cannot be reached.
pub(super) async fn run(args: DoctorArgs, output: Output) -> Result<(), CliError> {
    let mut report = Report::default();
    let clock = Clock::system();
    house::settings(&args.settings, &clock, &mut report).await;
    let forge = args.settings.work.github.github_token.is_some();
    let config = house::rules(&args.settings.config.config, forge, &mut report);
    if let (Some((workers, rules)), false) = (&config, args.offline) {
        args.known(workers)?;
        let environment = args.settings.work.jira.site();
        for (name, survey) in sites::surveys(workers, &environment, &clock) {
            if args.site.as_ref().is_some_and(|wanted| *wanted != name) {
                continue;
            }
            let projects = args.projects(workers.projects(&name));
            if args.project.is_none() || !projects.is_empty() {
                site::look(&name, survey, &projects, rules.as_ref(), &mut report).await;
            }
        }
    }
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    report.conclude(output, color)
}

impl DoctorArgs {
    /// Whether what is asked for by name is there.
    fn known(&self, workers: &crate::settings::WorkersFile) -> Result<(), CliError> {
        if let Some(site) = self.site.as_ref().filter(|site| !workers.workers.contains_key(*site)) {
            let known: Vec<_> = workers.workers.keys().map(String::as_str).collect();
            let known = known.join(", ");
            return Err(CliError::NotFound(format!("workers.yaml has no worker `{site}`; it has {known}")));
        }
        let mut all = workers.workers.values().flat_map(|worker| &worker.projects);
        if let Some(project) = &self.project
            && !all.any(|known| known.eq_ignore_ascii_case(project))
        {
            return Err(CliError::NotFound(format!("no worker of workers.yaml has the project `{project}`")));
        }
        Ok(())
    }

    /// Of a worker's projects those that are asked for, in capitals.
    fn projects(&self, all: &[String]) -> Vec<String> {
        let wanted =
            |key: &&String| self.project.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(key));
        all.iter().filter(wanted).map(|key| key.to_ascii_uppercase()).collect()
    }
}
