//! One site: its login, its clock, its dialect; then each of its projects.

use std::fmt::Write as _;

use jiff::SignedDuration;

use super::compare::{Compared, compare};
use super::report::Report;
use crate::app::board::Board;
use crate::jira::{About, CallLog, Dialect, Failure, JiraError, RateLimit, Scope, Survey, permission};
use crate::machine::{Diagnostic, Machine, RuleSet};
use crate::settings::SettingError;

/// Clocks that differ by less are as good as equal.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

/// Looks at a site and at those of its projects that are asked for.
pub(super) async fn look(
    name: &str,
    survey: anyhow::Result<Survey>,
    projects: &[String],
    rules: Option<&RuleSet>,
    report: &mut Report,
) {
    let survey = match survey {
        Ok(survey) => survey,
        Err(error) => return unusable(name, &error, report),
    };
    let log = &mut CallLog::default();
    let account = match survey.myself(log).await {
        Ok(account) => account,
        Err(error) => return failed(name, &error, report),
    };
    report.ok(name, format!("logged in as {} ({})", account.name, account.id));
    match survey.about(log).await {
        Ok(about) => server(name, &about, survey.dialect(), report),
        Err(error) => report.unchecked(name, format!("version and clock: {error}")),
    }
    bulk(name, &survey, report).await;
    for project in projects {
        match rules.and_then(|rules| rules.machine(project)) {
            Some(machine) => self::project(&survey, machine, report).await,
            None => report.unchecked(&project.to_lowercase(), "the rules are not sound, see above"),
        }
    }
}

/// A site that is not configured so that anybody could log in.
fn unusable(name: &str, error: &anyhow::Error, report: &mut Report) {
    if let Some(SettingError { name: setting, found, allowed }) = error.downcast_ref::<SettingError>() {
        report.error(name, format!("{setting}: {found}"), allowed);
    } else {
        let fix = "docs/jira.md: Logins; Proxies, and certificates of the house";
        report.error(name, format!("{error:#}"), fix);
    }
}

fn failed(name: &str, error: &JiraError, report: &mut Report) {
    match error.failure {
        Failure::Credentials | Failure::Forbidden => {
            let fix =
                "make a new token and set it (Cloud: one with scopes needs `gateway`); docs/jira.md, Logins";
            report.error(name, error.to_string(), fix);
        }
        Failure::RateLimited { .. } => {
            report.unreachable(name, error.to_string(), "wait, and ask again");
        }
        _ if error.message.contains("certificate") => {
            let fix = "if an authority of the house signed it, name that one's certificate in `ca_file`; docs/jira.md";
            report.unreachable(name, error.to_string(), fix);
        }
        _ => report.unreachable(name, error.to_string(), "see that the address is right and the way open"),
    }
}

fn server(name: &str, about: &About, spoken: Dialect, report: &mut Report) {
    let title = |dialect| match dialect {
        Dialect::Cloud => "Cloud",
        Dialect::DataCenter => "Data Center",
    };
    if let Some(real) = about.dialect.filter(|real| *real != spoken) {
        let text = format!("it says that it is {}, and is spoken to as {}", title(real), title(spoken));
        let value = if real == Dialect::Cloud { "cloud" } else { "datacenter" };
        report.error(name, text, format!("say `dialect: {value}` in this worker's `site`"));
    }
    let what = format!("{} {}", title(spoken), about.version);
    match about.ahead {
        Some(ahead) if ahead.abs() > SKEW => {
            let fix = "set both clocks by NTP: events would be taken for older or newer than they are";
            report.warn(name, format!("{what}, its clock {}", skew(ahead)), fix);
        }
        Some(ahead) => report.ok(name, format!("{what}, its clock {}", skew(ahead))),
        None => report.unchecked(name, format!("{what}, its clock: it does not tell the time")),
    }
    if let Some(RateLimit { remaining, of, near }) = about.limit {
        let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
        let text = format!("{remaining}{of} requests are left for now");
        if near {
            let fix = "nothing breaks, but tickets will wait; see who else asks so much with this account";
            report.warn(name, text, fix);
        } else {
            report.ok(name, text);
        }
    }
}

fn skew(ahead: SignedDuration) -> String {
    let amount = ahead.abs();
    let amount = match amount.as_secs() {
        0 => format!("{} ms", amount.as_millis()),
        secs @ 1..120 => format!("{secs} s"),
        // To the nearest: how long the answer took must not turn seven minutes into six.
        secs => format!("{} min", (secs + 30) / 60),
    };
    format!("{amount} {} ours", if ahead.is_negative() { "behind" } else { "ahead of" })
}

/// Not needed, but good to have: so it is a word, and never a finding.
async fn bulk(name: &str, survey: &Survey, report: &mut Report) {
    if survey.dialect() == Dialect::DataCenter {
        return;
    }
    let asked = survey.permissions(&[permission::BULK], Scope::Global, &mut CallLog::default()).await;
    if let Ok(permissions) = asked {
        let text = if permissions.has(permission::BULK) {
            "may make bulk changes"
        } else {
            "may not make bulk changes, which nothing asks for"
        };
        report.ok(name, text);
    }
}

async fn project(survey: &Survey, machine: &Machine, report: &mut Report) {
    let name = machine.name.as_str();
    let board = match Board::read(survey, &machine.project, &mut CallLog::default()).await {
        Ok(board) => board,
        Err(error) if matches!(error.failure, Failure::NotFound | Failure::Refused { .. }) => {
            return report.find(vec![invisible(machine, &error)]);
        }
        Err(error) => return failed(name, &error, report),
    };
    let compared = compare(machine, &board, report.files());
    told(name, machine, compared, report);
}

/// D305: neither project nor permission is to be seen.
fn invisible(machine: &Machine, error: &JiraError) -> Diagnostic {
    let label =
        crate::machine::Label { file: machine.file.clone(), span: machine.span.clone(), text: String::new() };
    let message = format!("Jira shows the account no project {}: {}", machine.project, error.message);
    let help = format!(
        "correct the key, or grant the account *Browse projects* in {}: Project settings → Permissions",
        machine.project
    );
    Diagnostic::new("D305", message, label).help(help)
}

fn told(name: &str, machine: &Machine, compared: Compared, report: &mut Report) {
    let missing = compared.findings.iter().filter(|found| found.code == "D301").count();
    let statuses = machine.aliases.len();
    let mut text =
        format!("{} of {statuses} statuses, {} moves looked at", statuses - missing, compared.moves);
    if !compared.unnamed.is_empty() {
        let names: Vec<_> = compared.unnamed.iter().map(|name| format!("\"{name}\"")).collect();
        let _ = write!(text, "; tickets in {} are left alone", names.join(", "));
    }
    if compared.findings.iter().any(Diagnostic::is_error) {
        report.bad(name, text);
    } else {
        report.ok(name, text);
    }
    for one in &compared.unchecked {
        report.unchecked(name, one);
    }
    report.find(compared.findings);
}
