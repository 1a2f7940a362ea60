//! What a decision costs, and what it costs to read and check a large set of rules.

use std::hint::black_box;

use conduit::event::ticket::Source;
use conduit::event::{Event, PullRequest, Repo, SCHEMA, Sender, Subject, Trigger};
use conduit::machine::{Machine, RuleSet, SourceFile, TicketNow, decide, load, precheck};
use criterion::{Criterion, criterion_group, criterion_main};

const BASE: &str = include_str!("../config/statemachines/jira.hcl");
const MACHINES: usize = 100;
const RULES: usize = 50;

/// A file with one machine whose last rule is the one that matches.
fn large(project: usize) -> SourceFile {
    let rule = |n: usize| {
        format!(
            "    on \"pull_request.merged\" \"rule-{n}\" {{\n      repo = \"acme/*\"\n      base = [\"team-{n}/*\", \"v{n}\"]\n      \
             when = !pr.revert && contains(pr.labels, \"ship-{n}\")\n      move_to = \"done\"\n      \
             comment = \"${{pr.author}} merged #${{pr.number}}: ${{pr.title}}\"\n    }}\n"
        )
    };
    let rules = (1..RULES).map(rule).collect::<Vec<_>>().concat();
    let text = format!(
        "provisioner \"p{project}\" {{\n  aliasmapper \"p{project}\" {{\n    \
         aliases = {{ to_do: \"To Do\", doing: \"In Progress\", done: \"Done\" }}\n  }}\n  \
         statemachine \"p{project}\" {{\n    initial = \"to_do\"\n    \
         state \"to_do\" \"next\" {{ transition = \"doing\" }}\n    \
         state \"doing\" \"next\" {{ transition = \"done\" }}\n    \
         state \"done\" \"next\" {{ transition = \"<end>\" }}\n{rules}    \
         on \"pull_request.merged\" \"last\" {{\n      base = \"main\"\n      when = !pr.revert\n      \
         move_to = \"done\"\n    }}\n  }}\n}}\n"
    );
    SourceFile { name: format!("p{project}.hcl"), text }
}

fn files() -> Vec<SourceFile> {
    (0..MACHINES).map(large).collect()
}

fn rules(files: &[SourceFile]) -> RuleSet {
    load(files).rules.unwrap_or_else(|| unreachable!("the rules of the bench are right"))
}

fn machine<'r>(rules: &'r RuleSet, project: &str) -> &'r Machine {
    rules.machine(project).unwrap_or_else(|| unreachable!("{project} is provisioned"))
}

fn merged(base: &str) -> Event {
    let pr = PullRequest {
        number: 118,
        title: "SHOP-42: pay later".into(),
        body: "x".repeat(4096),
        base: base.into(),
        labels: vec!["bug".into(), "web".into()],
        merged: true,
        ..PullRequest::default()
    };
    let repo = Repo { path: "acme/shop".into(), default_branch: Some("main".into()), ..Repo::default() };
    Event {
        schema: SCHEMA,
        provider: "github".into(),
        kind: "pull_request.merged".into(),
        triggers: vec![Trigger::PullRequestMerged],
        repo: Some(repo),
        sender: Sender::default(),
        occurred_at: None,
        change: None,
        subject: Subject::PullRequest(pr),
    }
}

fn benches(c: &mut Criterion) {
    let ticket = TicketNow {
        key: "P50-1".into(),
        project: "P50".into(),
        found_in: vec![Source::Title],
        status: "To Do".into(),
        ..TicketNow::default()
    };
    let merge = merged("main");

    let base = rules(&[SourceFile { name: "jira.hcl".into(), text: BASE.into() }]);
    let devhop = machine(&base, "DEVHOP");
    c.bench_function("decide/default rules", |b| b.iter(|| decide(devhop, black_box(&merge), &ticket)));

    let files = files();
    let large = rules(&files);
    let name = format!("decide/{RULES} rules, the last matches");
    c.bench_function(&name, |b| {
        b.iter(|| decide(machine(&large, black_box("P50")), black_box(&merge), &ticket));
    });
    let develop = merged("develop");
    let name = format!("precheck/{RULES} rules, none matches");
    c.bench_function(&name, |b| {
        b.iter(|| precheck(machine(&large, black_box("P50")), black_box(&develop), &ticket.found_in));
    });

    let mut group = c.benchmark_group("load");
    group.sample_size(10);
    let name = format!("{MACHINES} machines of {RULES} rules");
    group.bench_function(name, |b| b.iter(|| load(black_box(&files))));
    group.finish();
}

criterion_group!(decisions, benches);
criterion_main!(decisions);
