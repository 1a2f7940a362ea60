//! Sites that stand still. Every job partition knows of every pause, because claims look at their own; the first
//! one is what is read and where the right to probe is taken.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::RedisStore;
use super::error::unreadable;
use super::jobs::millis;
use super::keys::Home;
use crate::store::{Pause, PauseKind, PausedSite, Result};

/// The partition that is asked.
const FIRST: Home = Home::Jobs(0);

impl RedisStore {
    pub(super) async fn pause_site(&self, site: &str, pause: &Pause) -> Result<()> {
        let mut told = Ok(());
        for home in self.layout.jobs() {
            let mut call = self.scripts.pause.key(home.prefix());
            call.arg(field(pause.kind, site)).arg(&pause.why);
            match pause.rest {
                Some(rest) => call.arg(millis(rest)),
                None => call.arg(""),
            };
            call.arg(self.clock.ahead_ms());
            // A part that is away keeps the others from nothing; the order has to be repeated for it.
            told = told.and(self.link.script::<u8>(home, &call).await.map(drop));
        }
        told
    }

    /// The first partition goes last: while it says that the site stands still, the order can be repeated.
    pub(super) async fn resume_site(&self, site: &str, kind: Option<PauseKind>) -> Result<bool> {
        let kinds = kind.as_ref().map_or(PauseKind::ALL, std::slice::from_ref);
        let mut homes: Vec<Home> = self.layout.jobs().collect();
        homes.reverse();
        let mut ended = Ok(false);
        for home in homes {
            if home == FIRST && ended.is_err() {
                break;
            }
            let mut removal = redis::cmd("HDEL");
            removal.arg(home.key("paused"));
            for kind in kinds {
                removal.arg(field(*kind, site));
            }
            let removed = self.link.command::<bool>(home, &removal).await;
            ended = ended.and_then(|ended| Ok(removed? || ended));
        }
        ended
    }

    pub(super) async fn paused_sites(&self) -> Result<Vec<PausedSite>> {
        let mut read = redis::cmd("HGETALL");
        read.arg(FIRST.key("paused"));
        let entries: BTreeMap<String, String> = self.link.command(FIRST, &read).await?;
        let read = |(field, text): (String, String)| {
            read_pause(&field, &text).ok_or_else(|| unreadable(format!("the pause `{field}`"), text))
        };
        let mut paused = entries.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        paused.sort_by(|a, b| (&a.site, a.kind.as_str()).cmp(&(&b.site, b.kind.as_str())));
        Ok(paused)
    }

    pub(super) async fn take_turn_to_probe(
        &self,
        site: &str,
        kind: PauseKind,
        rest: Duration,
    ) -> Result<bool> {
        let mut call = self.scripts.take_probe.key(FIRST.prefix());
        call.arg(field(kind, site)).arg(millis(rest)).arg(self.clock.ahead_ms());
        self.link.script(FIRST, &call).await
    }
}

/// The name of a pause. A kind has no space, so a site's name may.
fn field(kind: PauseKind, site: &str) -> String {
    format!("{kind} {site}")
}

/// Reads `KIND SITE` and `SINCE UNTIL PROBES WHY`.
fn read_pause(field: &str, text: &str) -> Option<PausedSite> {
    let (kind, site) = field.split_once(' ')?;
    let mut parts = text.splitn(4, ' ');
    let moment = |text: &str| Timestamp::from_millisecond(text.parse().ok()?).ok();
    let since = moment(parts.next()?)?;
    let until = match parts.next()? {
        "-" => None,
        at => Some(moment(at)?),
    };
    let probes = parts.next()?.parse().ok()?;
    let why = parts.next()?.to_owned();
    Some(PausedSite { site: site.to_owned(), kind: kind.parse().ok()?, why, since, until, probes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_read_back() {
        let read = read_pause("down main site", "1000 61000 2 it is away").unwrap();
        assert_eq!(
            (read.site.as_str(), read.kind, read.why.as_str()),
            ("main site", PauseKind::Down, "it is away")
        );
        assert_eq!(read.until.unwrap().as_second() - read.since.as_second(), 60);
        assert_eq!(read.probes, 2);
        assert_eq!(read_pause("operator jira", "1000 - 0 ").unwrap().until, None);
        assert_eq!(read_pause("jira", "1000 - 0 why"), None);
        assert_eq!(read_pause("down jira", "soon - 0 why"), None);
    }
}
