//! The versions that tickets are fixed in: looked for, made and released where a rule asks for it.
//!
//! All tickets of a release ask for the same version, many of them at once. One asks Jira for all: if each made
//! it for itself, Jira would refuse all but the first, since a project has a name only once.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use moka::future::Cache;

use super::{while_reading, while_writing};
use crate::jira::{CallLog, Failure, JiraClient, JiraError, Version};
use crate::machine::FixVersion;
use crate::trace::Reason;
use crate::worker::processor::{Answer, Setback, Ticket};

/// How long a version that was seen to be as wanted is not looked at again. Short, because people rename versions.
const KNOWN: Duration = Duration::from_mins(5);
/// Of so many versions this is remembered.
const MOST: u64 = 1_000;

/// The versions that are known to be as rules want them.
pub(super) struct Versions {
    as_wanted: Cache<Key, ()>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    project_id: String,
    name: String,
    released: bool,
}

impl Key {
    fn of(ticket: &Ticket, wanted: &FixVersion) -> Self {
        let (project_id, name) = (ticket.project_id.clone(), wanted.name.clone());
        Self { project_id, name, released: wanted.released }
    }
}

impl Default for Versions {
    fn default() -> Self {
        Self { as_wanted: Cache::builder().max_capacity(MOST).time_to_live(KNOWN).build() }
    }
}

impl Versions {
    /// Sees that the ticket's project has the version, made and released as far as the rule asks. `today` is the day
    /// of its release, if it is released now.
    pub(super) async fn see_to(
        &self,
        client: &JiraClient,
        ticket: &Ticket,
        wanted: &FixVersion,
        today: Date,
        log: &mut CallLog,
    ) -> Answer<()> {
        let seen_to = self.as_wanted.try_get_with(Key::of(ticket, wanted), async {
            let version = found_or_made(client, ticket, wanted, log).await?;
            if wanted.released && !version.released {
                client.release_version(&version.id, today, log).await.map_err(while_writing)?;
            }
            Ok(())
        });
        seen_to.await.map_err(Arc::unwrap_or_clone)
    }

    /// Looks at it again next time: Jira does not know it any more.
    pub(super) async fn forget(&self, ticket: &Ticket, wanted: &FixVersion) {
        self.as_wanted.invalidate(&Key::of(ticket, wanted)).await;
    }
}

async fn found_or_made(
    client: &JiraClient,
    ticket: &Ticket,
    wanted: &FixVersion,
    log: &mut CallLog,
) -> Answer<Version> {
    if let Some(version) = find(client, ticket, wanted, log).await? {
        return Ok(version);
    }
    if !wanted.create {
        let message = format!(
            "{} has no version {}: create it, or say `create = true` in the rule",
            ticket.project, wanted.name
        );
        return Err(Setback::permanent(Reason::JiraRefused, message));
    }
    match client.create_version(&ticket.project_id, &wanted.name, log).await {
        // Another process, or a person, was quicker.
        Err(refused @ JiraError { failure: Failure::Refused { .. }, .. }) => {
            find(client, ticket, wanted, log).await?.ok_or_else(|| while_writing(refused))
        }
        made => made.map_err(while_writing),
    }
}

async fn find(
    client: &JiraClient,
    ticket: &Ticket,
    wanted: &FixVersion,
    log: &mut CallLog,
) -> Answer<Option<Version>> {
    let known = client.project_versions(&ticket.project, log).await.map_err(while_reading)?;
    Ok(known.into_iter().find(|version| version.name == wanted.name))
}
