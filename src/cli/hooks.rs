//! `conduit hooks register|list|show|rotate|import|remove|test`

use std::io::{IsTerminal as _, Read as _, Write as _};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Api, ApiArgs};
use super::events::{self, EventPage};
use super::table::Table;
use super::{CliError, Output};
use crate::cli::why::print_json;
use crate::printable::printable;

/// What to do with registered repositories.
#[derive(Debug, Subcommand)]
pub(super) enum HooksCommand {
    /// Register a repository; prints its secret, this once
    Register(Register),
    /// List the registered repositories
    List(List),
    /// Show one
    Show(One),
    /// Give one a new secret; the old one stays valid for a while
    Rotate(Rotate),
    /// Take over a secret that the forge already has; it is read from standard input
    Import(Register),
    /// Remove one: its deliveries are refused from then on
    Remove(Remove),
    /// Say whether a genuine delivery has come in
    Test(One),
}

/// The flags of `hooks register` and `hooks import`.
#[derive(Debug, Args)]
pub(super) struct Register {
    /// The repository (acme/shop), or an organisation's repositories (acme/*)
    repo_path: String,
    /// The name in the URL [default: owner-name]
    #[arg(long, value_name = "SLUG")]
    repo_id: Option<String>,
    /// The forge
    #[arg(long, default_value = "github")]
    provider: String,
    /// The projects that its events may move [default: all]
    #[arg(long, value_delimiter = ',', value_name = "KEY,…")]
    projects: Option<Vec<String>>,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// The flags of `hooks list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only this forge's
    #[arg(long)]
    provider: Option<String>,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// Which hook.
#[derive(Debug, Args)]
pub(super) struct One {
    /// The name in the URL
    repo_id: String,
    /// The forge
    #[arg(long, default_value = "github")]
    provider: String,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// The flags of `hooks rotate`.
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// Which.
    #[command(flatten)]
    hook: One,
    /// How long the old secret stays valid; 0 after a leak ends all older ones at once
    #[arg(long, default_value = "24h", value_name = "TIME")]
    overlap: String,
}

/// The flags of `hooks remove`.
#[derive(Debug, Args)]
pub(super) struct Remove {
    /// Which.
    #[command(flatten)]
    hook: One,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// What a registration answers.
#[derive(Debug, Serialize, Deserialize)]
struct Issued {
    #[serde(default)]
    secret: Option<String>,
    uri: String,
    #[serde(default)]
    url: Option<String>,
}

/// A hook as the service lists it.
#[derive(Debug, Serialize, Deserialize)]
struct HookRow {
    provider: String,
    repo_id: String,
    repo_path: String,
    #[serde(default)]
    projects: Option<Vec<String>>,
    uri: String,
    secrets: Vec<SecretRow>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SecretRow {
    version: u32,
    created_at: Timestamp,
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

impl HooksCommand {
    /// Runs it.
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        match self {
            Self::Register(args) => args.register(output).await,
            Self::Import(args) => args.import(output).await,
            Self::List(args) => args.run(output).await,
            Self::Show(one) => one.show(output).await,
            Self::Rotate(args) => args.run(output).await,
            Self::Remove(args) => args.run(output).await,
            Self::Test(one) => one.test(output).await,
        }
    }
}

impl Register {
    fn body(&self) -> Value {
        let repo_id = self.repo_id.clone().unwrap_or_else(|| default_repo_id(&self.repo_path));
        json!({ "provider": self.provider, "repo_path": self.repo_path, "repo_id": repo_id, "projects": self.projects })
    }

    async fn register(self, output: Output) -> Result<(), CliError> {
        let path = ["conduit", "webhooks", "register"];
        let issued: Issued = self.api.connect()?.call(Method::POST, &path, Some(self.body())).await?;
        print_issued(&issued, output, &self.body()["repo_id"])
    }

    async fn import(self, output: Output) -> Result<(), CliError> {
        if self.api.takes_stdin() {
            return Err(CliError::Usage(
                "--token -: the secret comes on standard input; give the token as @FILE or in CONDUIT_TOKEN"
                    .into(),
            ));
        }
        if std::io::stdin().is_terminal() {
            eprint!("Secret: ");
        }
        let mut secret = String::new();
        std::io::stdin().read_to_string(&mut secret).map_err(anyhow::Error::from)?;
        let mut body = self.body();
        body["secret"] = json!(secret.trim());
        let path = ["internal", "webhooks", "import"];
        let issued: Issued = self.api.connect()?.call(Method::PATCH, &path, Some(body)).await?;
        print_issued(&Issued { secret: None, ..issued }, output, &self.body()["repo_id"])
    }
}

/// `acme/shop` → `acme-shop`, `acme/*` → `acme`.
fn default_repo_id(path: &str) -> String {
    path.trim_end_matches("/*").replace('/', "-")
}

fn print_issued(issued: &Issued, output: Output, repo_id: &Value) -> Result<(), CliError> {
    if output == Output::Json {
        return print_json(
            &json!({ "schema": "conduit.hook/1", "secret": issued.secret, "uri": issued.uri, "url": issued.url }),
        );
    }
    if let Some(secret) = &issued.secret {
        println!("Secret (shown once): {secret}");
    }
    match &issued.url {
        Some(url) => println!("URL: {url}"),
        None => println!("URL: this service's public address, then {}", issued.uri),
    }
    let repo_id = repo_id.as_str().unwrap_or_default();
    eprintln!(
        "Next: in the repository, Settings → Webhooks → Add webhook: paste both, content type application/json,"
    );
    eprintln!("      and choose the events; then  conduit hooks test {repo_id}");
    Ok(())
}

impl List {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let query: Vec<_> = self.provider.iter().map(|name| ("provider", name.clone())).collect();
        let hooks: Vec<HookRow> = self.api.connect()?.get(&["conduit", "webhooks", "list"], &query).await?;
        if output == Output::Json {
            return print_json(&json!({ "schema": "conduit.hooks/1", "hooks": hooks }));
        }
        let mut table = Table::new(&["hook", "repository", "projects", "secrets"]);
        for hook in &hooks {
            let projects = hook.projects.as_ref().map_or_else(|| "all".into(), |keys| keys.join(", "));
            let secrets: Vec<_> = hook.secrets.iter().map(|secret| format!("v{}", secret.version)).collect();
            let name = format!("{}/{}", hook.provider, hook.repo_id);
            table.row([name, hook.repo_path.clone(), projects, secrets.join(", ")]);
        }
        table.print("No repository is registered: conduit hooks register OWNER/NAME");
        Ok(())
    }
}

impl One {
    async fn find(&self, api: &Api) -> Result<HookRow, CliError> {
        let query = [("provider", self.provider.clone()), ("repo_id", self.repo_id.clone())];
        api.get(&["conduit", "webhooks", "find"], &query).await
    }

    async fn show(&self, output: Output) -> Result<(), CliError> {
        let hook = self.find(&self.api.connect()?).await?;
        if output == Output::Json {
            return print_json(&json!({ "schema": "conduit.hook/1", "hook": hook }));
        }
        println!("{}/{} · {}", hook.provider, hook.repo_id, hook.repo_path);
        println!("URI: {}", hook.uri);
        for secret in &hook.secrets {
            let end = secret.expires_at.map_or("the newest".to_owned(), |end| format!("valid until {end}"));
            println!("secret v{} · made {} · {end}", secret.version, secret.created_at);
        }
        Ok(())
    }

    async fn test(&self, output: Output) -> Result<(), CliError> {
        let api = self.api.connect()?;
        let hook = self.find(&api).await?;
        let name = format!("{}/{}", hook.provider, hook.repo_id);
        let page: EventPage = events::list(&api, &[("limit", "100".to_owned())]).await?;
        let last = page.events.iter().find(|event| event.hook == name);
        if output == Output::Json {
            let delivery = last.map(|event| json!({ "kind": event.kind, "received_at": event.received_at }));
            print_json(&json!({ "schema": "conduit.hook_test/1", "hook": name, "last_delivery": delivery }))?;
            return if last.is_some() { Ok(()) } else { Err(CliError::Findings) };
        }
        if let Some(event) = last {
            println!(
                "✓ {name}: the last genuine delivery was {} at {}",
                printable(&event.kind),
                event.received_at
            );
            return Ok(());
        }
        println!("✗ {name}: no genuine delivery among the last 100 events.");
        println!(
            "  In the forge's webhook settings, open Recent Deliveries: 401 means that the secret was not pasted"
        );
        println!(
            "  whole, no answer that {} is not reachable from there. Then redeliver the ping.",
            hook.uri
        );
        Err(CliError::Findings)
    }
}

impl Rotate {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let hook = &self.hook;
        let body = json!({ "provider": hook.provider, "repo_id": hook.repo_id, "overlap": self.overlap });
        let path = ["conduit", "webhooks", "update"];
        let issued: Issued = hook.api.connect()?.call(Method::PATCH, &path, Some(body)).await?;
        print_issued(&issued, output, &json!(hook.repo_id))
    }
}

impl Remove {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let hook = &self.hook;
        let name = format!("{}/{}", hook.provider, hook.repo_id);
        if !self.yes && !confirm(&format!("Remove {name}? Its deliveries will be refused."))? {
            return Err(CliError::Findings);
        }
        let path = ["conduit", "webhooks", &hook.provider, &hook.repo_id];
        let removed: Value = hook.api.connect()?.call(Method::DELETE, &path, None).await?;
        if output == Output::Json {
            return print_json(&json!({ "schema": "conduit.hook/1", "removed": removed }));
        }
        eprintln!("{name} is removed; its events stay readable.");
        Ok(())
    }
}

/// Asks before something that cannot be taken back; where there is no terminal, `--yes` must have been said.
pub(super) fn confirm(question: &str) -> Result<bool, CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::Usage(format!("{question} There is no terminal to ask on: add --yes")));
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush().map_err(anyhow::Error::from)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(anyhow::Error::from)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_repositorys_slug_is_its_path() {
        assert_eq!(super::default_repo_id("acme/shop"), "acme-shop");
        assert_eq!(super::default_repo_id("acme/*"), "acme");
    }
}
