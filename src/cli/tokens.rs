//! `conduit tokens create|list|revoke`
#![allow(clippy::doc_markdown, reason = "the doc comments of flags are the text of --help, not Markdown")]

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::ApiArgs;
use super::hooks::confirm;
use super::table::Table;
use super::why::print_json;
use super::{CliError, Output};
use crate::cli::output::sayln;
use crate::printable::printable;

const PATH: [&str; 3] = ["conduit", "api", "tokens"];

/// What to do with the tokens of people and scripts.
#[derive(Debug, Subcommand)]
pub(super) enum TokensCommand {
    /// Make a token; prints it, this once
    Create(Create),
    /// List the tokens; never shows one
    List(List),
    /// Revoke a token, for good
    Revoke(Revoke),
}

/// The flags of `tokens create`.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// Whose it is, for the list and for logs: ada, ci-shop
    name: String,
    /// What its bearer may do
    #[arg(long, value_enum, value_name = "ROLE")]
    role: RoleName,
    /// The repositories that it is for: acme/shop, acme/* [default: all]
    #[arg(long, value_delimiter = ',', value_name = "REPO,…")]
    repos: Option<Vec<String>>,
    /// How long it is valid: 12h, 90d [default: until it is revoked]
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// What a token's bearer may do.
#[derive(Debug, Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum RoleName {
    /// Read events, tickets and the queue
    Viewer,
    /// Replay, pause and resume as well
    Operator,
    /// Register hooks and make tokens as well
    Admin,
}

/// The flags of `tokens list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// The flags of `tokens revoke`.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The token's name
    name: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// The service.
    #[command(flatten)]
    api: ApiArgs,
}

/// A token as the service lists it.
#[derive(Debug, Serialize, Deserialize)]
struct TokenRow {
    name: String,
    role: String,
    #[serde(default)]
    repos: Vec<String>,
    created_at: Timestamp,
    #[serde(default)]
    expires_at: Option<Timestamp>,
    #[serde(default)]
    revoked_at: Option<Timestamp>,
    valid: bool,
}

impl TokensCommand {
    /// Runs it.
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        match self {
            Self::Create(args) => args.run(output).await,
            Self::List(args) => args.run(output).await,
            Self::Revoke(args) => args.run(output).await,
        }
    }
}

impl Create {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let body =
            json!({ "name": self.name, "role": self.role, "repos": self.repos, "expires": self.expires });
        let mut made: Value = self.api.connect()?.call(Method::POST, &PATH, Some(body)).await?;
        if output == Output::Json {
            made["schema"] = json!("conduit.token/1");
            return print_json(&made);
        }
        sayln!("Token (shown once): {}", made["token"].as_str().unwrap_or_default());
        let row: TokenRow = serde_json::from_value(made).map_err(anyhow::Error::from)?;
        eprintln!("{} is {} for {}, {}.", row.name, row.role, row.what(), row.until());
        Ok(())
    }
}

impl List {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let tokens: Vec<TokenRow> = self.api.connect()?.get(&PATH, &[]).await?;
        if output == Output::Json {
            return print_json(&json!({ "schema": "conduit.tokens/1", "tokens": tokens }));
        }
        let mut table = Table::new(&["token", "role", "repositories", "made", "valid"]);
        for token in &tokens {
            let made = format!("{:.0}", token.created_at);
            table.row([
                printable(&token.name).into_owned(),
                token.role.clone(),
                token.what(),
                made,
                token.until(),
            ]);
        }
        table.print("There is no token.");
        Ok(())
    }
}

impl Revoke {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let question = format!("Revoke {}? It never comes back.", self.name);
        if !self.yes && !confirm(&question)? {
            return Err(CliError::Findings);
        }
        let path = [PATH.as_slice(), &[self.name.as_str()]].concat();
        let revoked: Value = self.api.connect()?.call(Method::DELETE, &path, None).await?;
        if output == Output::Json {
            return print_json(&json!({ "schema": "conduit.token/1", "revoked": revoked }));
        }
        eprintln!("{} is revoked; within two seconds it opens nothing.", self.name);
        Ok(())
    }
}

impl TokenRow {
    /// What it is for.
    fn what(&self) -> String {
        if self.repos.is_empty() { "all".to_owned() } else { printable(&self.repos.join(", ")).into_owned() }
    }

    /// Until when it is valid.
    fn until(&self) -> String {
        match (self.revoked_at, self.expires_at) {
            (Some(at), _) => format!("revoked {at:.0}"),
            (None, Some(end)) if self.valid => format!("until {end:.0}"),
            (None, Some(end)) => format!("expired {end:.0}"),
            (None, None) => "until it is revoked".to_owned(),
        }
    }
}
