//! What is written beside a move: the comment, the link, the version.

use super::super::intent::{Intent, Spoken};
use super::super::processor::Ticket;
use super::super::record;
use super::{Go, Job};
use crate::machine::Effects;
use crate::trace::{Reason, Verdict};

impl Job<'_> {
    /// Writes what a rule writes also when nothing moves.
    pub(super) async fn stay(&mut self, verdict: Verdict, ticket: &Ticket, effects: &Effects) -> Go<()> {
        if verdict.reason == Reason::ObserveOnly {
            record::planned(&mut self.trace, effects);
            return Ok(());
        }
        record::not_carried_along(&mut self.trace, effects);
        self.lasting(ticket, effects).await
    }

    /// Writes the comment, if it did not go with the move. One that may have been written is looked for
    /// before it is written again.
    pub(super) async fn speak(&mut self, intent: &mut Intent, ticket: &Ticket) -> Go<()> {
        let Some(text) = intent.effects.comment.clone() else { return Ok(()) };
        let processor = &self.site.processor;
        let written = match intent.comment {
            Spoken::Done => return Ok(()),
            Spoken::WithMove => true,
            Spoken::NotYet => false,
            Spoken::Asked(at) => {
                self.settled(at)?;
                processor.has_comment(ticket, &text, &intent.updated, &mut self.trace.attempts).await?
            }
        };
        if written {
            record::commented(&mut self.trace, &text);
        } else {
            intent.comment = Spoken::Asked(self.shared.clock.now());
            self.save(intent).await?;
            let answer = processor.comment(ticket, &text, &mut self.trace.attempts).await;
            record::effect(&mut self.trace, "comment", &text, answer)?;
        }
        intent.comment = Spoken::Done;
        Ok(())
    }

    /// Link and fix version. Both are the same when written twice, so they need no notes.
    pub(super) async fn lasting(&mut self, ticket: &Ticket, effects: &Effects) -> Go<()> {
        record::left_out(&mut self.trace, effects);
        let processor = &self.site.processor;
        if let Some(link) = &effects.link {
            self.held.fresh().await?;
            let answer = processor.link(ticket, link, &mut self.trace.attempts).await;
            record::effect(&mut self.trace, "link", &link.url, answer)?;
        }
        if let Some(version) = &effects.fix_version {
            self.held.fresh().await?;
            let answer = processor.fix_version(ticket, version, &mut self.trace.attempts).await;
            record::effect(&mut self.trace, "fix_version", &version.name, answer)?;
        }
        Ok(())
    }
}
