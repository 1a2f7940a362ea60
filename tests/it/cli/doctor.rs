//! `conduit doctor`, against a simulated Jira.

use std::sync::Arc;

use conduit::forge::sample::{self, Repository};
use jiff::SignedDuration;
use jira_sim::{
    Account, Builder, Category, Condition, Field, JiraSim, Limits, NewIssue, Permission, Project, Transition,
    Workflow,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::run::{Conduit, Ended, masked};
use crate::support::redis::Redis;
use crate::support::service::{API_KEY, EMAIL, KEY, On, RULES, TOKEN, TestService, board, write_config};

/// A configuration folder for a simulated site.
pub(super) struct Folder {
    folder: TempDir,
    jira: JiraSim,
}

impl Folder {
    /// With one worker, `acme`, and these rules for these projects.
    pub(super) fn new(jira: JiraSim, projects: &str, rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = format!(
            "site: {{ url: '{}', email: {EMAIL}, api_key: env://JIRA_KEY, dialect: cloud }}",
            jira.url()
        );
        let yaml = format!(
            "workers:\n  acme:\n    processor: jira\n    statefile: '*.hcl'\n    projects: [{projects}]\n    {site}\n"
        );
        std::fs::create_dir_all(folder.path().join("statemachines")).unwrap();
        std::fs::write(folder.path().join("workers.yaml"), yaml).unwrap();
        std::fs::write(folder.path().join("statemachines/jira.hcl"), rules).unwrap();
        Self { folder, jira }
    }

    pub(super) fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Conduit {
        Conduit::new(arguments)
            .env("CONDUIT_CONFIG", self.path().to_str().unwrap())
            .env("JIRA_KEY", API_KEY)
            .env("CONDUIT_PUBLIC_URL", "https://conduit.example.com")
    }

    /// Runs it, and sees that Jira was only read.
    pub(super) async fn reads(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments).run().await;
        only_read(&self.jira);
        ended
    }
}

/// Sees that nothing was asked to change.
pub(super) fn only_read(jira: &JiraSim) {
    let writes = jira.journal().writes().lines();
    assert!(writes.is_empty(), "something was written: {writes:?}");
}

fn site() -> Builder {
    JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, API_KEY))
        .account(Account::person("ada"))
        .project(Project::new("SHOP"))
}

fn shop() -> Builder {
    site()
        .issue(NewIssue::new("SHOP-1"))
        .issue(NewIssue::new("SHOP-2").status("In Progress"))
        .issue(NewIssue::new("SHOP-3").status("Done"))
}

/// What changes from run to run, and how far the clocks are apart.
fn steady(out: &str) -> String {
    let clock = regex::Regex::new(r"its clock \d+ m?s (ahead of|behind) ours").unwrap();
    let hash = regex::Regex::new(r"· [0-9a-f]{16} in .*").unwrap();
    let out = clock.replace_all(out, "its clock CLOSE to ours").into_owned();
    masked(&hash.replace_all(&out, "· HASH in FOLDER"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_is_well_it_says_what_it_looked_at() {
    let folder = Folder::new(shop().start().await.unwrap(), "shop", RULES);
    let ended = folder.reads(&["doctor"]).await;
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
    insta::assert_snapshot!(steady(&ended.out));
}

/// A machine that does not fit its board, in every way that a board can tell.
const ASTRAY: &str = r#"
provisioner "pay" {
  aliasmapper "pay" {
    aliases = {
      to_do  = "To Do"
      doing  = "In Progres"
      review = "In Review"
      qa     = "In QA"
      done   = "Done"
    }
  }
  statemachine "pay" {
    initial = "to_do"
    state "to_do" "next"  { transition = "review" }
    state "to_do" "start" { transition = "doing" }
    state "doing" "next"  { transition = "review" }
    state "review" "next" { transition = "qa" }
    state "qa" "next"     { transition = "done" }
    state "qa" "prev" {
      transition = "review"
      via        = "Send back"
    }
    state "done" "next" { transition = "<end>" }
    on "pull_request.opened" { fire = "start" }
    on "pull_request.closed" { fire = "prev" }
    on "release.published" {
      prerelease  = false
      fire        = "next"
      fix_version = { name = release.tag, create = true }
    }
  }
}
"#;

fn pay() -> Project {
    let workflow = Workflow::new()
        .status("To Do", Category::New)
        .status("In Progress", Category::Indeterminate)
        .status("In Review", Category::Indeterminate)
        .status("In QA", Category::Indeterminate)
        .status("Done", Category::Done)
        .transition(Transition::new(11, "Start", "In Progress").from("To Do"))
        .transition(Transition::new(21, "To QA", "In QA").from("In Review"))
        .transition(Transition::new(22, "Skip review", "In QA").from("In Review"))
        .transition(Transition::new(31, "Back", "In Review").from("In QA"))
        .transition(
            Transition::new(41, "Ship", "Done").from("In QA").screen([Field::resolution().required()]),
        );
    Project::new("PAY").workflow(workflow)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_astray_is_told_where_and_what_to_do() {
    let jira = JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, API_KEY).without(Permission::AdministerProjects))
        .project(pay())
        .issue(NewIssue::new("PAY-1"))
        .issue(NewIssue::new("PAY-2").status("In Review").issue_type("Bug"))
        .issue(NewIssue::new("PAY-3").status("In QA"));
    let folder = Folder::new(jira.start().await.unwrap(), "pay", ASTRAY);
    let ended = folder.reads(&["doctor"]).await;
    assert_eq!((ended.code, ended.err.as_str()), (1, ""), "{}", ended.out);
    for code in ["D301", "D302", "D303", "D304", "D306"] {
        assert!(ended.out.contains(code), "{code} is not in\n{}", ended.out);
    }
    insta::assert_snapshot!(steady(&ended.out));

    let json: Value = serde_json::from_str(&folder.reads(&["doctor", "-o", "json"]).await.out).unwrap();
    assert_eq!(json["schema"], "conduit.doctor/1");
    let status = json["findings"].as_array().unwrap().iter().find(|one| one["code"] == "D301").unwrap();
    assert_eq!((&status["file"], &status["line"]), (&"jira.hcl".into(), &6.into()), "{status}");
    assert_eq!(status["help"], "did you mean `In Progress`?");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permission_that_lacks_is_named() {
    let account = Account::with_api_token(EMAIL, API_KEY).without(Permission::TransitionIssues);
    let jira = JiraSim::cloud().account(account).project(Project::new("SHOP")).issue(NewIssue::new("SHOP-1"));
    let folder = Folder::new(jira.start().await.unwrap(), "shop", RULES);
    let ended = folder.reads(&["doctor"]).await;
    assert_eq!(ended.code, 1);
    assert!(
        ended.out.contains("error[D305]: the account lacks *Transition issues* in SHOP"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("? shop            moves: without that permission"), "{}", ended.out);
    assert!(!ended.out.contains("D302"), "what cannot be seen is not said to be missing:\n{}", ended.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_that_is_not_to_be_seen_is_a_finding() {
    let folder = Folder::new(shop().start().await.unwrap(), "web", &RULES.replace("shop", "web"));
    let ended = folder.reads(&["doctor"]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("error[D305]: Jira shows the account no project WEB"), "{}", ended.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_condition_hides_is_told_from_what_is_not_there() {
    let workflow = Workflow::new()
        .status("To Do", Category::New)
        .status("In Progress", Category::Indeterminate)
        .status("Done", Category::Done)
        .transition(Transition::new(11, "Start", "In Progress").from("To Do").condition(Condition::Assignee))
        .transition(Transition::new(21, "Stop", "To Do").from("In Progress"))
        .transition(Transition::new(31, "Ship", "Done").from("In Progress"));
    let jira = JiraSim::cloud()
        .account(Account::with_api_token(EMAIL, API_KEY))
        .project(Project::new("SHOP").workflow(workflow))
        .issue(NewIssue::new("SHOP-1"))
        .issue(NewIssue::new("SHOP-2").status("In Progress"));
    let folder = Folder::new(jira.start().await.unwrap(), "shop", RULES);
    let ended = folder.reads(&["doctor"]).await;
    assert_eq!(ended.code, 0, "a condition may well hold when it matters:\n{}", ended.out);
    assert!(ended.out.contains("warning[D302]: a condition hides the transition `Start`"), "{}", ended.out);
    assert!(ended.out.contains("it is hidden on SHOP-1"), "{}", ended.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_login_and_a_site_that_is_away_end_differently() {
    let folder = Folder::new(shop().start().await.unwrap(), "shop", RULES);
    let refused = folder.jira.revoke_tokens();
    let ended = folder.reads(&["doctor"]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("✗ acme") && ended.out.contains("make a new token"), "{}", ended.out);
    folder.jira.lift(refused);
    folder.jira.go_down();
    let ended = folder.reads(&["doctor"]).await;
    assert_eq!(ended.code, 3, "{}", ended.out);
    assert!(ended.out.contains("Jira, myself: upstream request failed"), "{}", ended.out);
    let offline = folder.reads(&["doctor", "--offline"]).await;
    assert_eq!(offline.code, 0, "{}", offline.out);
    assert!(!offline.out.contains("acme"), "{}", offline.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_off_is_said_and_what_is_left_of_a_limit() {
    let bucket = Limits::none().bucket(500, 100, 1);
    let folder = Folder::new(shop().limits(bucket).start().await.unwrap(), "shop", RULES);
    // The header has whole seconds and takes a while to come; minutes are told to the nearest.
    folder.jira.set_clock_skew(SignedDuration::from_mins(7));
    let ended = folder.reads(&["doctor"]).await;
    assert_eq!(ended.code, 0, "it is a warning:\n{}", ended.out);
    assert!(ended.out.contains("its clock 7 min ahead of ours\n"), "{}", ended.out);
    assert!(ended.out.contains("fix: set both clocks by NTP"), "{}", ended.out);
    assert!(ended.out.contains(" of 500 requests are left for now"), "{}", ended.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environments_proxy_is_gone_by_unless_it_is_told_not_to() {
    let folder = Folder::new(shop().start().await.unwrap(), "shop", RULES);
    // Nobody listens there.
    let by_proxy = || folder.run(&["doctor"]).env("HTTP_PROXY", "http://127.0.0.1:1");
    let ended = by_proxy().run().await;
    assert_eq!(ended.code, 3, "{}", ended.out);
    assert!(folder.jira.journal().lines().is_empty(), "{:?}", folder.jira.journal().lines());
    let ended = by_proxy().env("NO_PROXY", "127.0.0.1").run().await;
    assert_eq!(ended.code, 0, "{}", ended.out);
}

/// A port at which somebody shows a certificate that nobody else has signed.
async fn self_signed() -> u16 {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            assert!(acceptor.accept(stream).await.is_err(), "nobody trusts it");
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_certificate_that_is_not_trusted_it_says_where_to_name_who_signed_it() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let doctor = Conduit::new(&["doctor"])
        .env("CONDUIT_CONFIG", folder.path().to_str().unwrap())
        .env("ATLASSIAN_DOMAIN_URL", &format!("https://localhost:{}/jira", self_signed().await))
        .env("ATLASSIAN_TOKEN", API_KEY)
        .run()
        .await;
    assert_eq!(doctor.code, 3, "{}", doctor.out);
    assert!(doctor.out.contains("name that one's certificate in `ca_file`"), "{}", doctor.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_is_not_one_is_named_with_what_to_do_and_an_empty_variable_is_none() {
    let jira = JiraSim::data_center()
        .account(Account::with_access_token("conduit", API_KEY))
        .project(Project::new("SHOP"))
        .issue(NewIssue::new("SHOP-1"));
    let jira = jira.start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let doctor = |user: &str| {
        Conduit::new(&["doctor"])
            .env("CONDUIT_CONFIG", folder.path().to_str().unwrap())
            .env("ATLASSIAN_DOMAIN_URL", &jira.url())
            .env("ATLASSIAN_EMAIL", user)
            .env("ATLASSIAN_API_KEY", user)
            .env("ATLASSIAN_TOKEN", API_KEY)
    };
    let both = doctor("conduit").run().await;
    assert_eq!(both.code, 1, "{}", both.out);
    let said = "ATLASSIAN_API_KEY and ATLASSIAN_TOKEN: each is a login of its own, and a site has one\n";
    assert!(both.out.contains(said) && both.out.contains("fix: keep one of them"), "{}", both.out);
    let one = doctor("").run().await;
    assert_eq!(one.code, 0, "a compose file passes on what is not set as empty:\n{}", one.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_and_names_that_are_wrong_are_said() {
    let folder = Folder::new(shop().start().await.unwrap(), "shop", RULES);
    let ended = folder.run(&["doctor"]).env("CONDUIT_WORKERS", "many").run().await;
    assert_eq!(ended.code, 1);
    assert!(
        ended.out.contains("✗ settings") && ended.out.contains("CONDUIT_WORKERS: found `many`"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("✓ acme"), "the rest is looked at all the same:\n{}", ended.out);
    let said = folder.run(&["doctor", "--project", "pay"]).refuses(4).await;
    assert!(said.contains("`pay`"), "{said}");
    let said = folder.run(&["doctor", "--site", "second"]).refuses(4).await;
    assert!(said.contains("it has acme"), "{said}");
    let inside =
        folder.run(&["doctor", "--offline"]).env("CONDUIT_PUBLIC_URL", "http://localhost:9091").run().await;
    assert!(inside.out.contains("leads nowhere from outside"), "{}", inside.out);
    let rules = include_str!("../../machines/err/E017.hcl");
    let by_paths = Folder::new(shop().start().await.unwrap(), "shop", rules);
    let without = by_paths.reads(&["doctor", "--offline"]).await;
    assert!(without.code == 1 && without.out.contains("set GITHUB_TOKEN"), "{}", without.out);
    let with = by_paths.run(&["doctor", "--offline"]).env("GITHUB_TOKEN", "github_pat_1").run().await;
    assert_eq!(with.code, 0, "{}", with.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_in_use_tells_of_its_hooks_and_the_key_that_opens_them() {
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let service = TestService::start(&On::Sqlite, &jira).await;
    let hook = service.register("acme/shop").await;
    let delivered = service.deliver(&hook, "ping", "d-1", &serde_json::json!({"zen": "x"})).await;
    assert_eq!(delivered.status, 202, "{delivered:?}");
    let store = format!("sqlite:{}", service.folder().join("conduit.db").display());
    let doctor = |key: &str| {
        Conduit::new(&["doctor", "--offline"])
            .env("CONDUIT_CONFIG", service.folder().to_str().unwrap())
            .env("CONDUIT_STORE", &store)
            .env("CONDUIT_SECRET_KEY", key)
            .env("CONDUIT_ADMIN_TOKEN", TOKEN)
    };
    let ended = doctor(KEY).run().await;
    assert_eq!(ended.code, 0, "{}", ended.out);
    assert!(ended.out.contains("opens the secret of the one hook"), "{}", ended.out);
    assert!(ended.out.contains("github/acme-shop  last delivery 2"), "{}", ended.out);
    let other = doctor("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").run().await;
    assert_eq!(other.code, 1, "{}", other.out);
    assert!(other.out.contains("it does not open the secret of github/acme-shop"), "{}", other.out);
    service.stop().await;
}

/// Three quiet hooks (one of a repository, two of all that somebody owns) whose deliveries were pushed far back by a busy
/// one, and one that nobody delivered to.
async fn quiet_hooks_on(on: On<'_>) {
    let jira = board(&[]).await;
    let service = TestService::start(&on, &jira).await;
    let ping = |owner, name, id| sample::ping(&Repository { id, owner, name, default_branch: "main" });
    let quiet =
        [("acme/quiet", "acme", "quiet"), ("globex/*", "globex", "web"), ("initech/*", "initech", "tps")];
    for (number, (path, owner, name)) in (1..).zip(quiet) {
        let hook = service.register(path).await;
        service.deliver(&hook, "ping", &format!("q-{number}"), &ping(owner, name, number)).await.event_id();
    }
    let busy = service.register("acme/busy").await;
    service.register("hooli/*").await;
    for number in 0..401 {
        service.deliver(&busy, "ping", &format!("b-{number}"), &ping("acme", "busy", 9)).await.event_id();
    }
    let store = match on {
        On::Sqlite => format!("sqlite:{}", service.folder().join("conduit.db").display()),
        On::Redis(redis) => redis.url(),
    };
    let ended = Conduit::new(&["doctor", "--offline"])
        .env("CONDUIT_CONFIG", service.folder().to_str().unwrap())
        .env("CONDUIT_STORE", &store)
        .env("CONDUIT_SECRET_KEY", KEY)
        .env("CONDUIT_ADMIN_TOKEN", TOKEN)
        .run()
        .await;
    let says = |mark: &str, hook: &str, text: &str| {
        let begins = format!("{mark} github/{hook} ");
        let line = ended.out.lines().find(|line| line.starts_with(&begins));
        assert!(line.is_some_and(|line| line.contains(text)), "{hook}: {}", ended.out);
    };
    for hook in ["acme-busy", "acme-quiet", "globex", "initech"] {
        says("✓", hook, " last delivery 2");
    }
    says("!", "hooli", " no delivery on record since it was registered, 2");
    for hook in ["acme-quiet", "initech"] {
        let tested = Conduit::at(&service, &["hooks", "test", hook]).prints().await;
        assert!(tested.contains("the last genuine delivery was ping"), "{tested}");
    }
    let tested = Conduit::at(&service, &["hooks", "test", "hooli"]).run().await;
    assert_eq!(tested.code, 1, "{}", tested.out);
    assert!(tested.out.contains("no genuine delivery on record since it was registered"), "{}", tested.out);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_hook_is_not_taken_for_a_silent_one_on_sqlite() {
    quiet_hooks_on(On::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_hook_is_not_taken_for_a_silent_one_on_redis() {
    quiet_hooks_on(On::Redis(&Redis::start().await)).await;
}
