//! Things of another store, written into Redis.

use futures_util::future::try_join_all;

use super::super::keys::{Home, ticket};
use super::super::{RedisStore, record};
use super::settings;
use crate::store::copy::{EventCopy, Item, JobCopy, Name, RunCopy, TicketCopy, packed};
use crate::store::{EventState, PausedSite, Result};
use crate::trace::Outcome;

impl RedisStore {
    /// Events, of which neither needs another, go together; all else goes one after the other.
    pub(super) async fn import(&self, items: &[Item]) -> Result<()> {
        let events = items.iter().filter_map(|item| match item {
            Item::Event(event) => Some(self.write_event(event)),
            _ => None,
        });
        try_join_all(events).await?;
        for item in items {
            match item {
                Item::Setting(name, value) => {
                    let mut set = redis::cmd("HSET");
                    set.arg(settings()).arg(format!("user:{name}")).arg(value);
                    self.link.command::<()>(Home::Config, &set).await?;
                }
                Item::Hook(hook) => {
                    self.create_hook(hook).await?;
                }
                Item::Token(token) => self.put_token(token).await?,
                Item::Audit(entry) => self.add_audit(entry).await?,
                Item::Pause(pause) => self.write_pause(pause).await?,
                Item::Event(event) => self.write_merge(event).await?,
                Item::Job(job) => self.write_job(job).await?,
                Item::Run(run) => self.write_run(run).await?,
            }
        }
        Ok(())
    }

    async fn write_pause(&self, pause: &PausedSite) -> Result<()> {
        let until = pause.until.map_or_else(|| "-".to_owned(), |until| until.as_millisecond().to_string());
        let text = format!("{} {until} {} {}", pause.since.as_millisecond(), pause.probes, pause.why);
        for home in self.layout.jobs() {
            let mut set = redis::cmd("HSET");
            set.arg(home.key("paused")).arg(format!("{} {}", pause.kind, pause.site)).arg(&text);
            self.link.command::<()>(home, &set).await?;
        }
        Ok(())
    }

    async fn write_event(&self, copy: &EventCopy) -> Result<()> {
        let (id, home, at) = (&copy.id, self.layout.of_event(&copy.id), record::score(&copy.received));
        let outcome = copy.verdict.outcome;
        let mut writes = redis::pipe();
        if let Some(json) = &copy.event {
            writes.set(home.key(&format!("no:{id}")), packed(json)?).ignore();
        }
        if let Some(body) = &copy.body {
            writes.set(home.key(&format!("bd:{id}")), body).ignore();
        }
        writes.hset_multiple(home.key(&format!("ev:{id}")), &fields(copy)?).ignore();
        let mut index = |name: &str, score: i64| {
            writes.zadd(home.key(name), id.as_str(), score).ignore();
        };
        index(&format!("ix:s:{}", outcome.as_str()), at);
        if !copy.repo.is_empty() {
            index(&format!("ix:r:{}", copy.repo), at);
        }
        if copy.state == EventState::Finished {
            index("ix:done", ended_at(copy));
        } else if outcome != Outcome::Waiting {
            index("ix:open", at);
        }
        if let Some(name) = &copy.occurrence {
            writes.set(home.key(&format!("oc:{}", name.short())), id.as_str()).ignore();
        }
        for ticket in &copy.finished {
            enter(&mut writes, home, copy, ticket);
            if let Some(trace) = ticket.trace.as_ref().filter(|_| ticket.site.is_empty()) {
                writes.hset(home.key(&format!("st:{id}")), &ticket.key, trace).ignore();
            }
        }
        self.link.ask::<()>(home, &writes).await?;
        let jobs = copy.finished.iter().filter(|ticket| !ticket.site.is_empty());
        try_join_all(jobs.map(|ticket| self.write_finished(copy, ticket))).await.map(drop)
    }

    async fn write_finished(&self, copy: &EventCopy, ticket: &TicketCopy) -> Result<()> {
        let home = self.layout.of_ticket(&ticket.site, &ticket.key);
        let job = format!("{}:{}:{}", copy.id, ticket.key, ticket.generation);
        let mut writes = redis::pipe();
        let fields = [
            ("state", "finished".to_owned()),
            ("site", ticket.site.clone()),
            ("project", ticket.project.clone()),
            ("found_in", record::json(&ticket.found_in)?),
            ("queued_at", time_text(ticket.queued_at)),
        ];
        writes.hset_multiple(home.key(&format!("job:{job}")), &fields).ignore();
        if let Some(trace) = &ticket.trace {
            writes.set(home.key(&format!("tt:{job}")), packed(trace)?).ignore();
        }
        if ticket.verdict.outcome == Outcome::Dead {
            let dead = format!("{}:{}", copy.id, ticket.key);
            writes.zadd(home.key("dead"), dead, ended_at(copy)).ignore();
        }
        self.link.ask(home, &writes).await
    }

    /// Several events may be of one commit; they are found in the order they came.
    async fn write_merge(&self, copy: &EventCopy) -> Result<()> {
        let Some(name) = copy.merge.as_ref().map(Name::short) else { return Ok(()) };
        let home = self.layout.of_event(&copy.id);
        let mut read = redis::cmd("HGET");
        read.arg(home.key("ix:m")).arg(&name);
        let known: Option<String> = self.link.command(home, &read).await?;
        let ids = known.map_or_else(|| copy.id.to_string(), |known| format!("{known} {}", copy.id));
        let mut write = redis::cmd("HSET");
        write.arg(home.key("ix:m")).arg(&name).arg(ids);
        self.link.command(home, &write).await
    }

    /// What a job needs stands there before it gets its place in its ticket's queue.
    async fn write_job(&self, job: &JobCopy) -> Result<()> {
        let (id, copied) = (job.id(), &job.ticket);
        let home = self.layout.of_ticket(&copied.site, &copied.key);
        let name = ticket(&copied.site, &copied.key);
        let mut writes = redis::pipe();
        if let (Some(progress), Some(trace)) = (&job.progress, &copied.trace) {
            let state = [&b"{\"progress\":"[..], progress.as_bytes(), b",\"trace\":", trace.as_slice(), b"}"]
                .concat();
            writes.set(home.key(&format!("js:{id}")), packed(&state)?).ignore();
        }
        if let Some(due) = job.due.filter(|due| *due > self.clock.now().as_millisecond()) {
            writes.zadd(home.key("delay"), &name, due).ignore();
        }
        if job.expired > 0 {
            writes.hset(home.key("expired"), &name, job.expired).ignore();
        }
        if !writes.is_empty() {
            self.link.ask::<()>(home, &writes).await?;
        }
        let mut call = self.scripts.add_jobs.key(home.prefix());
        call.arg(&job.event).arg(copied.generation).arg(time_text(copied.queued_at));
        call.arg(&copied.key).arg(&copied.site).arg(&copied.project).arg(record::json(&copied.found_in)?);
        // Its state stands there already.
        call.arg(if job.siblings { "1" } else { "" }).arg("");
        self.link.script::<()>(home, &call).await?;
        self.enter_open(job).await
    }

    /// Tells the event of a ticket that is not finished.
    async fn enter_open(&self, job: &JobCopy) -> Result<()> {
        let (event, key) = (&job.event, &job.ticket.key);
        let home = self.layout.of_event(event);
        let mut read = redis::cmd("HGET");
        read.arg(home.key(&format!("ev:{event}"))).arg("score");
        let at: Option<i64> = self.link.command(home, &read).await?;
        let mut writes = redis::pipe();
        writes.sadd(home.key(&format!("op:{event}")), key).ignore();
        writes.hset(home.key(&format!("tk:{event}")), key, entry(&job.ticket)).ignore();
        writes.zadd(home.key(&format!("ix:k:{key}")), event.as_str(), at.unwrap_or_default()).ignore();
        self.link.commands(home, &writes).await
    }

    async fn write_run(&self, run: &RunCopy) -> Result<()> {
        let home = self.layout.of_event(&run.event);
        let mut writes = redis::pipe();
        writes.rpush(home.key("in"), run.event.as_str()).ignore();
        if run.replayed || !run.only.is_empty() {
            let only = if run.only.is_empty() { String::new() } else { record::json(&run.only)? };
            let again = [("only", only), ("replayed", if run.replayed { "yes" } else { "" }.to_owned())];
            writes.hset_multiple(home.key(&format!("ev:{}", run.event)), &again).ignore();
        }
        self.link.commands(home, &writes).await
    }
}

/// When an event ended, in milliseconds since 1970.
fn ended_at(copy: &EventCopy) -> i64 {
    copy.finished_at.unwrap_or(copy.received.at.as_millisecond())
}

fn enter(writes: &mut redis::Pipeline, home: Home, copy: &EventCopy, ticket: &TicketCopy) {
    let (id, key) = (&copy.id, &ticket.key);
    writes.hset(home.key(&format!("tk:{id}")), key, entry(ticket)).ignore();
    writes.zadd(home.key(&format!("ix:k:{key}")), id.as_str(), record::score(&copy.received)).ignore();
}

fn entry(ticket: &TicketCopy) -> String {
    let TicketCopy { position, generation, verdict, site, .. } = ticket;
    format!("{position} {generation} {} {site}", record::verdict_text(*verdict))
}

fn time_text(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or_default().to_string()
}

/// The fields of a record, as `record::fields` and the ingest script would have written them.
fn fields(copy: &EventCopy) -> Result<Vec<(&'static str, String)>> {
    let state = match copy.state {
        EventState::Waiting => "waiting",
        EventState::Working => "working",
        EventState::Finished => "finished",
    };
    let mut fields = vec![
        ("p", copy.provider.clone()),
        ("d", copy.delivery_id.clone()),
        ("repo", copy.repo.clone()),
        ("k", copy.kind.clone()),
        ("h", copy.received.hook.clone()),
        ("b", copy.received.bytes.to_string()),
        ("m", copy.received.ms.to_string()),
        ("v", copy.received.verified_by.clone()),
        ("n", copy.received.secret_version.to_string()),
        ("score", record::score(&copy.received).to_string()),
        ("generation", copy.generation.to_string()),
        ("state", state.to_owned()),
        ("outcome", copy.verdict.outcome.as_str().to_owned()),
    ];
    let mut add = |name, value: Option<String>| fields.extend(value.map(|value| (name, value)));
    add("projects", copy.projects.as_ref().map(record::json).transpose()?);
    add("verdict", copy.own.map(record::verdict_text));
    add("detail", copy.detail.clone());
    add("of", copy.duplicate_of.as_ref().map(ToString::to_string));
    add("o", copy.occurrence.as_ref().map(Name::short));
    add("c", copy.merge.as_ref().map(Name::short));
    add("ignored", if copy.ignored.is_empty() { None } else { Some(record::json(&copy.ignored)?) });
    Ok(fields)
}
