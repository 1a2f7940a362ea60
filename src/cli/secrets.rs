//! `conduit secrets rotate`
#![allow(clippy::doc_markdown, reason = "the doc comments of commands are the text of --help, not Markdown")]

use clap::{Args, Subcommand};
use serde_json::json;

use super::progress::Progress;
use super::why::print_json;
use super::{CliError, Output};
use crate::app::rotation::{self, Rotated};
use crate::app::{keyring_at_hand, open_store};
use crate::clock::Clock;
use crate::secrets::Keyring;
use crate::settings::{SealedStoreArgs, StoreUrl};
use crate::store::{Action, AuditEntry, StoreError};

/// What to do with the secrets in the store.
#[derive(Debug, Subcommand)]
pub(super) enum SecretsCommand {
    /// Encrypt every stored secret anew, under the first of the keys in CONDUIT_SECRET_KEY
    Rotate(Rotate),
}

/// The flags of `secrets rotate`.
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The store.
    #[command(flatten)]
    store: SealedStoreArgs,
}

impl SecretsCommand {
    /// Runs it.
    pub(super) async fn run(self, output: Output) -> Result<(), CliError> {
        match self {
            Self::Rotate(args) => args.run(output).await,
        }
    }
}

impl Rotate {
    async fn run(self, output: Output) -> Result<(), CliError> {
        let url = self.store.url()?;
        let keyring = self.keyring(&url)?;
        let clock = Clock::system();
        let store = open_store(&url, &clock).await.map_err(away)?;
        let begin = |all| {
            let line = Line(Progress::of(all, "hooks encrypted anew"));
            move || line.0.step()
        };
        let Rotated { hooks, of } = rotation::rotate(store.as_ref(), &keyring, begin).await?;
        let key = keyring.current();
        if hooks > 0 {
            let entry = AuditEntry {
                at: clock.now(),
                who: "conduit secrets rotate".to_owned(),
                action: Action::Rekeyed,
                target: format!("{hooks} hooks, key {key}"),
                from: None,
                refused: false,
            };
            store.record_audit(&entry).await.map_err(away)?;
        }
        if output == Output::Json {
            let answer = json!({ "schema": "conduit.rotation/1", "hooks": hooks, "of": of, "key": key });
            return print_json(&answer);
        }
        match hooks {
            0 => eprintln!("Every secret of {of} hooks is under key {key}; nothing was left to do."),
            _ => eprintln!("{hooks} of {of} hooks were encrypted anew; every secret is under key {key}."),
        }
        eprintln!("Once every process has this key as its first, the older ones can go.");
        Ok(())
    }

    fn keyring(&self, url: &StoreUrl) -> Result<Keyring, CliError> {
        // What a rotation would make itself does not exist: without a store there are no secrets.
        if let StoreUrl::Sqlite(path) = url
            && !path.exists()
        {
            return Err(CliError::NotFound(format!("there is no store at {}", path.display())));
        }
        let keyring = keyring_at_hand(self.store.secret_key()?.as_ref(), url)?;
        keyring.ok_or_else(|| {
            CliError::Usage(
                "CONDUIT_SECRET_KEY is not set, and there is no secret.key beside the store".into(),
            )
        })
    }
}

/// A line of progress that ends when its work does.
struct Line(Progress);

impl Drop for Line {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn away(error: StoreError) -> CliError {
    match error {
        StoreError::Unavailable(why) => CliError::Unreachable(why),
        other => CliError::Failed(other.into()),
    }
}
