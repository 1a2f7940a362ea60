//! What needs no Jira: settings, rules, the store, the hooks' secrets, the public address.

use std::net::IpAddr;
use std::path::Path;

use url::{Host, Url};

use super::certificate;
use super::hooks::last_deliveries;
use super::report::Report;
use crate::app::rules::Config;
use crate::app::{keyring_at_hand, open_store};
use crate::clock::Clock;
use crate::machine::{NEEDS_FORGE, RuleSet};
use crate::registration::Hook;
use crate::secrets::Keyring;
use crate::settings::{EverySetting, Settings, StoreUrl, WebSettings, WorkersFile};
use crate::store::Store;

/// The settings, and what they lead to.
pub(super) async fn settings(given: &EverySetting, clock: &Clock, report: &mut Report) {
    let settings = match given.settings() {
        Ok(settings) => settings,
        Err(error) => {
            return report.error("settings", format!("{}: {}", error.name, error.found), error.allowed);
        }
    };
    report.ok("settings", "whole");
    if let Some(web) = &settings.web {
        public_url(web, report);
        certificate::look(web, clock.now(), report);
    }
    store(&settings, clock, report).await;
}

/// The rules, as far as they could be read, with the sites they are for. `forge`: there is a token for it.
pub(super) fn rules(
    folder: &Path,
    forge: bool,
    report: &mut Report,
) -> Option<(WorkersFile, Option<RuleSet>)> {
    let config = match Config::read(folder) {
        Ok(config) => config,
        Err(error) => {
            let fix = "--config names the folder with workers.yaml; conduit init PROJECT begins one";
            report.error("rules", format!("{error:#}"), fix);
            return None;
        }
    };
    let errors = config.diagnostics.iter().filter(|found| found.is_error()).count();
    let others = config.diagnostics.len() - errors;
    match &config.rules {
        Some(rules) if others == 0 => {
            report.ok("rules", format!("{} in {}", counted(rules), folder.display()));
        }
        Some(rules) => {
            report.warn(
                "rules",
                format!("{}, {others} to look at", counted(rules)),
                "conduit check shows the places",
            );
        }
        None => report.error(
            "rules",
            format!("{errors} mistakes, so nothing would start"),
            "conduit check shows the places",
        ),
    }
    if !forge && config.diagnostics.iter().any(|found| found.code == NEEDS_FORGE) {
        let text =
            format!("{NEEDS_FORGE}: a rule asks what only the forge tells, and `serve` refuses to begin");
        report.error("rules", text, "set GITHUB_TOKEN to a token that may read pull requests");
    }
    report.know(config.files);
    Some((config.workers, config.rules))
}

fn counted(rules: &RuleSet) -> String {
    match rules.machines().count() {
        1 => format!("1 project · {}", rules.hash()),
        count => format!("{count} projects · {}", rules.hash()),
    }
}

fn public_url(web: &WebSettings, report: &mut Report) {
    let Some(url) = &web.public_url else {
        let fix = "set CONDUIT_PUBLIC_URL, so that hooks are shown with the address to paste";
        return report.warn("public address", "CONDUIT_PUBLIC_URL is not set", fix);
    };
    let text = url.to_string();
    if stays_inside(url) {
        let fix = "set CONDUIT_PUBLIC_URL to the address that the forge can reach";
        return report.warn("public address", format!("{text} leads nowhere from outside"), fix);
    }
    if url.scheme() == "http" {
        let fix = "put TLS before Conduit, and https:// into CONDUIT_PUBLIC_URL";
        return report.warn("public address", format!("{text}: payloads travel in the open"), fix);
    }
    report.ok("public address", text);
}

/// Whether an address means this machine, or none at all.
fn stays_inside(url: &Url) -> bool {
    let inside = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || !name.contains('.'),
        Some(Host::Ipv4(ip)) => inside(ip.into()),
        Some(Host::Ipv6(ip)) => inside(ip.into()),
        None => true,
    }
}

async fn store(settings: &Settings, clock: &Clock, report: &mut Report) {
    if let StoreUrl::Sqlite(path) = &settings.store
        && !path.exists()
    {
        return report
            .unchecked("store", format!("{} is not there yet: the first start makes it", path.display()));
    }
    let keyring = keyring_at_hand(settings.secret_key.as_ref(), &settings.store);
    let store = match open_store(&settings.store, clock).await {
        Ok(store) => store,
        Err(error) => {
            let fix =
                "see that it runs and that CONDUIT_STORE (or REDIS_URL) is its address; docs/operating.md";
            return report.unreachable("store", error.to_string(), fix);
        }
    };
    if let Err(error) = look_into(store.as_ref(), keyring, report).await {
        report.unreachable("store", error.to_string(), "see that the store runs and takes writes");
    }
}

async fn look_into(
    store: &dyn Store,
    keyring: anyhow::Result<Option<Keyring>>,
    report: &mut Report,
) -> crate::store::Result<()> {
    store.check().await?;
    let queue = store.queue().await?;
    let waiting = queue.inbox + queue.ready + queue.leased + queue.delayed;
    report.ok("store", format!("takes writes, {waiting} waiting, {} dead", queue.dead));
    for warning in store.warnings().await? {
        report.warn("store", warning, "see docs/operating.md, The store");
    }
    for paused in &queue.paused {
        let fix = "mend the cause; then  conduit queue resume";
        report.warn(&paused.site, format!("stands still since {}: {}", paused.since, paused.why), fix);
    }
    let hooks = store.hooks(None).await?;
    key(keyring, &hooks, report);
    last_deliveries(store, &hooks, report).await?;
    if hooks.is_empty() {
        report.warn("hooks", "no repository is registered", "conduit hooks register OWNER/NAME");
    }
    Ok(())
}

/// Whether the hooks' secrets open.
fn key(keyring: anyhow::Result<Option<Keyring>>, hooks: &[Hook], report: &mut Report) {
    let fix = "give CONDUIT_SECRET_KEY the key that was in use, or put secret.key back beside the database";
    let keyring = match keyring {
        Ok(Some(keyring)) => keyring,
        Ok(None) if hooks.is_empty() => return,
        Ok(None) => return report.error("secret key", "it is gone, and the hooks' secrets with it", fix),
        Err(error) => return report.error("secret key", format!("{error:#}"), fix),
    };
    let newest = hooks.iter().filter_map(|hook| Some((hook, hook.secrets.first()?)));
    let closed: Vec<_> =
        newest.filter(|(hook, secret)| keyring.open(&secret.sealed, &hook.name()).is_err()).collect();
    match closed.first() {
        Some((hook, _)) => {
            let text = format!(
                "it does not open the secret of {} ({} of {})",
                hook.name(),
                closed.len(),
                hooks.len()
            );
            report.error("secret key", text, fix);
        }
        None => report.ok("secret key", opened(hooks.len())),
    }
}

fn opened(hooks: usize) -> String {
    match hooks {
        1 => "opens the secret of the one hook".to_owned(),
        more => format!("opens the secrets of {more} hooks"),
    }
}
