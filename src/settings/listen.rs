//! Where deliveries come in, and where they wait.
#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "these doc comments are the text of --help, not Markdown"
)]

use clap::Args;

use super::{
    DoorArgs, GitHubArgs, SettingError, SpoolSettings, WebSettings, address, bytes, duration, http_url,
    yes_or_no,
};

/// Less would be full before it was of any use.
const SMALLEST_SPOOL: u64 = 1 << 20;

/// Where deliveries come in.
#[derive(Debug, Clone, Args)]
pub struct ListenArgs {
    /// Where webhooks and the API are served
    #[arg(long, env = "CONDUIT_LISTEN", default_value = "127.0.0.1:9091", value_name = "ADDR")]
    pub listen: String,
    /// Where the outside reaches this service, e.g. https://conduit.example.com
    #[arg(long, env = "CONDUIT_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Keep raw bodies for the event log: `yes` or `no`
    #[arg(long, env = "CONDUIT_KEEP_PAYLOADS", default_value = "yes", value_name = "YES|NO")]
    pub keep_payloads: String,
    /// Events older than this are recorded and do not act; 0: none is too old
    #[arg(long, env = "CONDUIT_MAX_EVENT_AGE", default_value = "7d", value_name = "TIME")]
    pub max_event_age: String,
    /// Where deliveries wait while Redis is away, on storage that outlives the process [default: none, they get 503]
    #[arg(long, env = "CONDUIT_SPOOL", value_name = "DIR")]
    pub spool: Option<String>,
    /// The bytes that the spool may take
    #[arg(long, env = "CONDUIT_SPOOL_SIZE", default_value = "1GiB", value_name = "SIZE")]
    pub spool_size: String,
    /// Who may come in.
    #[command(flatten)]
    pub door: DoorArgs,
}

impl ListenArgs {
    pub(super) fn check(&self, github: &GitHubArgs) -> Result<WebSettings, SettingError> {
        let age = duration("CONDUIT_MAX_EVENT_AGE", &self.max_event_age)?;
        Ok(WebSettings {
            listen: address("CONDUIT_LISTEN", &self.listen)?,
            public_url: self
                .public_url
                .as_deref()
                .map(|url| http_url("CONDUIT_PUBLIC_URL", url))
                .transpose()?,
            keep_payloads: yes_or_no("CONDUIT_KEEP_PAYLOADS", &self.keep_payloads)?,
            max_event_age: (!age.is_zero()).then_some(age),
            spool: self.spool()?,
            door: self.door.check(github.api_url()?)?,
        })
    }

    fn spool(&self) -> Result<Option<SpoolSettings>, SettingError> {
        let Some(folder) = self.spool.as_ref().filter(|folder| !folder.is_empty()) else { return Ok(None) };
        match bytes(&self.spool_size).filter(|size| *size >= SMALLEST_SPOOL) {
            Some(size) => Ok(Some(SpoolSettings { folder: folder.into(), size })),
            None => Err(SettingError::wrong(
                "CONDUIT_SPOOL_SIZE",
                &self.spool_size,
                "a size of 1MiB or more, such as 512MiB or 10GiB",
            )),
        }
    }
}
