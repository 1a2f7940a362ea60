//! `conduit hooks … --provider jira`: the hook here and its webhook at Jira, made, changed and removed together.

use jira_sim::{Account, Builder, DeliveryState, JiraSim, NewIssue, Project, View};
use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

use super::run::{Conduit, masked};
use crate::support::service::{API_KEY, EMAIL, On, RULES, TestService, board, write_config};

const ADMIN: (&str, &str) = ("admin@acme.example", "the-administrators-key");
const FIRST: &str = "rest/webhooks/1.0/webhook";
const SECOND: &str = "rest/jira-webhook/1.0/webhooks";

fn with_people(site: Builder) -> Builder {
    site.account(Account::with_password(ADMIN.0, ADMIN.1).administrator())
        .account(Account::with_password(EMAIL, API_KEY))
        .account(Account::person("ana"))
        .project(Project::new("SHOP"))
        .issue(NewIssue::new("SHOP-1"))
}

/// A service, a Jira beside it, and the folder that names that Jira.
struct Desk {
    service: TestService,
    jira: JiraSim,
    folder: TempDir,
}

impl Desk {
    async fn new(site: Builder, dialect: &str) -> Self {
        let jira = with_people(site).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let yaml = format!(
            "workers:\n  acme:\n    processor: jira\n    statefile: jira.hcl\n    projects: [shop]\n    \
             site: {{ url: '{}', email: env://JIRA_USER, api_key: env://JIRA_KEY, dialect: {dialect} }}\n",
            jira.url()
        );
        std::fs::write(folder.path().join("workers.yaml"), yaml).unwrap();
        Self { service: TestService::start(&On::Sqlite, &board(&[]).await).await, jira, folder }
    }

    async fn cloud() -> Self {
        Self::new(JiraSim::cloud(), "cloud").await
    }

    /// A run as somebody with this login at Jira.
    fn run_as(&self, login: (&str, &str), arguments: &[&str]) -> Conduit {
        Conduit::at(&self.service, arguments)
            .env("CONDUIT_CONFIG", self.folder.path().to_str().unwrap())
            .env("CONDUIT_PUBLIC_URL", &self.service.url)
            .env("JIRA_USER", login.0)
            .env("JIRA_KEY", login.1)
    }

    fn run(&self, arguments: &[&str]) -> Conduit {
        self.run_as(ADMIN, arguments)
    }

    /// How many hooks Conduit has.
    async fn hooks(&self) -> usize {
        let listed = self.run(&["hooks", "list", "-o", "json"]).answers("conduit.hooks/1").await;
        listed["hooks"].as_array().unwrap().len()
    }

    /// What is registered at Jira.
    async fn registered(&self, path: &str) -> Vec<Value> {
        let request = Client::new().get(format!("{}/{path}", self.jira.url()));
        request.basic_auth(ADMIN.0, Some(ADMIN.1)).send().await.unwrap().json().await.unwrap()
    }

    /// Moves the ticket, and waits for the state in which its newest delivery ends.
    async fn delivers(&self, status: &str, count: usize) -> DeliveryState {
        assert!(self.jira.move_as("ana", "SHOP-1", status));
        let ends = |view: &View| {
            let all = view.webhook_deliveries();
            let last = all.last().map(|one| one.state);
            all.len() == count && matches!(last, Some(DeliveryState::Delivered | DeliveryState::GivenUp))
        };
        self.jira.wait_until("the delivery ends", ends).await.unwrap();
        self.jira.webhook_deliveries().last().unwrap().state
    }
}

async fn both_halves_live_and_die_together(desk: Desk, path: &str) {
    let jira = &["--provider", "jira"][..];
    let home = desk.jira.url().trim_start_matches("http://").to_owned();
    let slug = home.replace([':', '/'], "-");

    let made = desk.run(&[&["hooks", "register", "--create"], jira].concat()).run().await;
    assert_eq!(made.code, 0, "{made:?}");
    assert_eq!(masked(&made.out).matches("SECRET").count(), 0, "the secret went to Jira alone: {made:?}");
    assert!(made.out.starts_with(&format!("jira/{slug} · at Jira: webhook ")), "{made:?}");
    let at_jira = desk.registered(path).await;
    assert_eq!(at_jira.len(), 1);
    assert_eq!(at_jira[0]["filters"]["issue-related-events-section"], "project in (\"SHOP\")");
    assert_eq!(at_jira[0]["url"], format!("{}/conduit/webhooks/jira/{slug}/payload", desk.service.url));

    let silent = desk.run(&[&["hooks", "test", &slug], jira].concat()).run().await;
    assert!(silent.code == 1 && silent.out.contains("Move a ticket in Jira"), "{silent:?}");
    assert_eq!(desk.delivers("In Progress", 1).await, DeliveryState::Delivered, "it is signed as agreed");
    let heard = desk.run(&[&["hooks", "test", &slug], jira].concat()).prints().await;
    assert!(heard.contains("the last genuine delivery was jira.status_changed"), "{heard}");

    desk.service.traces("SHOP-1", 1).await;
    let why = desk.run(&["why", "SHOP-1"]).run().await.out;
    assert!(why.contains("jira.status_changed · \"To Do\" → \"In Progress\" · by ana"), "{why}");
    assert!(why.contains("SHOP-1 itself"), "{why}");

    let shown = desk.run(&[&["hooks", "show", &slug, "--at-jira"], jira].concat()).prints().await;
    assert!(shown.contains(&format!("jira/{slug} · {home}/*")), "{shown}");
    assert!(shown.contains("· active · project in (\"SHOP\")"), "{shown}");
    let listed = desk.run(&["hooks", "list", "--at-jira", "-o", "json"]).answers("conduit.hooks/1").await;
    assert_eq!(listed["hooks"][0]["at_jira"]["active"], true, "{listed}");

    let rotate = [&["hooks", "rotate", &slug, "--at-jira", "--overlap", "0"], jira].concat();
    let rotated = desk.run(&rotate).run().await;
    assert_eq!((rotated.code, masked(&rotated.out).contains("SECRET")), (0, false), "{rotated:?}");
    assert_eq!(
        desk.delivers("Done", 2).await,
        DeliveryState::Delivered,
        "the old secret ended, Jira has the new one"
    );
    assert_eq!(desk.registered(path).await.len(), 1, "changed, not added");

    let unasked = desk.run(&[&["hooks", "remove", &slug, "--at-jira"], jira].concat()).refuses(2).await;
    assert!(unasked.contains("and Jira's webhook") && unasked.contains("--yes"), "{unasked}");
    assert_eq!(desk.registered(path).await.len(), 1);
    let remove = [&["hooks", "remove", &slug, "--at-jira", "--yes"], jira].concat();
    desk.run(&remove).prints().await;
    assert!(desk.registered(path).await.is_empty());
    assert_eq!(desk.hooks().await, 0);
    desk.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_halves_live_and_die_together_on_cloud() {
    both_halves_live_and_die_together(Desk::cloud().await, FIRST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_halves_live_and_die_together_on_data_center_9_below_a_path() {
    let site = JiraSim::data_center().version(9, 12, 4).context_path("/jira");
    both_halves_live_and_die_together(Desk::new(site, "datacenter").await, FIRST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_halves_live_and_die_together_on_data_center_10() {
    let site = JiraSim::data_center().version(10, 3, 0);
    both_halves_live_and_die_together(Desk::new(site, "datacenter").await, SECOND).await;
}

async fn the_address_tells_of_the_ticket(desk: Desk, path: &str, written: &str) {
    let register = ["hooks", "register", "--create", "--provider", "jira", "--repo-id", "acme"];
    let variables = ["--url-variables", "issue.key,project.key"];
    desk.run(&[&register[..], &variables].concat()).prints().await;
    let url = format!("{}/conduit/webhooks/jira/acme/payload", desk.service.url);
    assert_eq!(desk.registered(path).await[0]["url"], format!("{url}{written}"));
    assert_eq!(desk.delivers("In Progress", 1).await, DeliveryState::Delivered);
    let called = desk.jira.webhook_deliveries().remove(0).url;
    assert_eq!(called, format!("{url}?issue.key=SHOP-1&project.key=SHOP"));

    let rotate = ["hooks", "rotate", "acme", "--provider", "jira", "--at-jira"];
    desk.run(&rotate).prints().await;
    let at_jira = desk.registered(path).await;
    assert_eq!((at_jira.len(), &at_jira[0]["url"]), (1, &format!("{url}{written}").into()), "it keeps them");
    assert_eq!(desk.delivers("Done", 2).await, DeliveryState::Delivered);
    desk.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_tells_of_the_ticket_on_cloud() {
    let written = "?issue.key={issue.key}&project.key={project.key}";
    the_address_tells_of_the_ticket(Desk::cloud().await, FIRST, written).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_tells_of_the_ticket_on_data_center_9() {
    let desk = Desk::new(JiraSim::data_center().version(9, 12, 4), "datacenter").await;
    the_address_tells_of_the_ticket(desk, FIRST, "?issue.key=${issue.key}&project.key=${project.key}").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_jira_cannot_write_into_an_address_is_refused() {
    let register = ["hooks", "register", "--create", "--provider", "jira"];
    let odd = Conduit::new(&[&register[..], &["--url-variables", "issue.colour"]].concat()).refuses(2).await;
    assert!(odd.contains("issue.colour") && odd.contains("issue.key"), "{odd}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_administer_jira_is_told_so_and_nothing_is_left_behind() {
    let desk = Desk::cloud().await;
    let register = ["hooks", "register", "--create", "--provider", "jira", "--repo-id", "acme"];
    let forbidden = desk.run_as((EMAIL, API_KEY), &register).refuses(1).await;
    assert!(forbidden.contains("only a Jira administrator manages webhooks"), "{forbidden}");
    let stranger = desk.run_as(("nobody", "nothing"), &register).refuses(1).await;
    assert!(stranger.contains("the login is refused") && !stranger.contains("nothing"), "{stranger}");
    assert_eq!(desk.hooks().await, 0);

    // Jira falls over after Conduit's half was made.
    desk.jira.once(jira_sim::When::post(jira_sim::Kind::Webhooks), jira_sim::Fault::status(500));
    let failed = desk.run(&register).run().await;
    assert_ne!(failed.code, 0, "{failed:?}");
    assert_eq!(desk.hooks().await, 0, "half a hook is none");
    desk.run(&register).prints().await;
    desk.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_delivers_here_already_is_taken_over() {
    let desk = Desk::cloud().await;
    let register = ["hooks", "register", "--create", "--provider", "jira", "--repo-id", "acme"];
    desk.run(&register).prints().await;
    desk.run(&["hooks", "remove", "acme", "--provider", "jira", "--yes"]).prints().await;
    let before = desk.registered(FIRST).await;
    assert_eq!(before.len(), 1, "without --at-jira, Jira's half stays");

    let again = desk.run(&register).run().await;
    assert!(
        again.code == 0 && again.err.contains("Jira had a webhook that delivers here already"),
        "{again:?}"
    );
    let after = desk.registered(FIRST).await;
    assert_eq!((after.len(), &after[0]["self"]), (1, &before[0]["self"]));
    assert_eq!(desk.delivers("Done", 1).await, DeliveryState::Delivered);
    let twice = desk.run(&register).refuses(1).await;
    assert!(twice.contains("registered already"), "{twice}");
    desk.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_create_the_secret_is_shown_and_what_is_missing_is_said() {
    let desk = Desk::cloud().await;
    let by_hand = ["hooks", "register", "acme.atlassian.net/*", "--provider", "jira"];
    let ended = desk.run(&by_hand).run().await;
    assert!(ended.code == 0 && masked(&ended.out).contains("Secret (shown once): SECRET"), "{ended:?}");
    assert!(ended.err.contains("System → WebHooks"), "{ended:?}");
    assert!(desk.registered(FIRST).await.is_empty());
    for (arguments, wanted) in [
        (&["hooks", "register", "--provider", "jira"][..], "say what to register"),
        (&["hooks", "register", "acme/shop", "--create"], "say --provider jira"),
        (&["hooks", "rotate", "acme-shop", "--at-jira"], "say --provider jira"),
    ] {
        let said = desk.run(arguments).refuses(2).await;
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    }
    desk.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_of_jiras_is_planned_from_where_it_says_the_ticket_stands() {
    let rule = "on \"jira.status_changed\" {\n fire = \"next\"\n }\n }\n}";
    let rules = RULES.trim_end().trim_end_matches('}').trim_end().trim_end_matches('}').to_owned() + rule;
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), &rules);
    let payload =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forge/jira/cloud.status_changed.json");
    let plan = |more: &[&str]| {
        let arguments = [&["plan", payload.to_str().unwrap(), "--provider", "jira"], more].concat();
        Conduit::new(&arguments).env("CONDUIT_CONFIG", folder.path().to_str().unwrap())
    };
    let from_payload = plan(&["--expect", "SHOP-42=done", "-o", "json"]).prints().await;
    let planned: Value = serde_json::from_str(&from_payload).unwrap();
    let ticket = &planned["events"][0]["tickets"][0];
    let ticket = if ticket.is_null() { &planned["tickets"][0] } else { ticket };
    assert_eq!((&ticket["from"], &ticket["to"]), (&"In Progress".into(), &"Done".into()), "{planned}");
    assert_eq!(ticket["status"]["source"], "payload");
    let late = plan(&["--status", "SHOP-42=To Do"]).prints().await;
    assert!(late.contains("moved_by_other") && late.contains("had come to In Progress"), "{late}");
}
