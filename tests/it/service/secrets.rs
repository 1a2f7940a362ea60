//! Secrets, planted wherever one can be given, and looked for wherever something of them could come out: in what two
//! real processes log at their most talkative, in what they answer, in their lists of arguments, and in Redis' own files.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use jira_sim::{Fault, JiraSim, Kind, When};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::processes::Process;
use crate::support::payloads::merged;
use crate::support::redis::Redis;
use crate::support::service::{
    API_KEY, EMAIL, Hook, KEY, RULES, TOKEN, board, deliver, finished_trace, register, write_config,
};

const GITHUB_TOKEN: &str = "github_pat_planted_where_nobody_looks";
const COLLECTOR: &str = "planted-for-the-collector";
const GUESS: &str = "a-guess-that-is-somebodys-real-token";
const REDIS_USER: &str = "planted-password-of-redis";

/// A process with all of its secrets, and where it logs to.
fn start(arguments: &[&str], format: &str, folder: &Path, redis: &Redis, jira: &JiraSim) -> Process {
    let log = File::create(folder.join(format!("{}-{format}.log", arguments[0]))).unwrap();
    let with_password = redis.url().replacen("redis://", &format!("redis://conduit:{REDIS_USER}@"), 1);
    Process::start_with(arguments, folder, redis, jira, |command: &mut Command| {
        command
            .env("REDIS_URL", with_password)
            .env("CONDUIT_LOG", "trace")
            .env("CONDUIT_LOG_FORMAT", format)
            .env("GITHUB_TOKEN", GITHUB_TOKEN)
            // Nobody listens there, which is told of, too.
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
            .env("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization=Bearer {COLLECTOR}"))
            .stderr(log);
    })
}

async fn ask(method: Method, url: String, token: &str, body: Option<Value>) -> (StatusCode, String) {
    let request = Client::new().request(method, url).bearer_auth(token);
    let request = if let Some(body) = body { request.json(&body) } else { request };
    let response = request.send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

/// Everything that is in a folder, however deep.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found
}

fn holds(text: &[u8], secret: &str) -> bool {
    text.windows(secret.len()).any(|part| part == secret.as_bytes())
}

fn arguments(process: &Process) -> Vec<u8> {
    fs::read(format!("/proc/{}/cmdline", process.child.id())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_secret_comes_out_nowhere() {
    let redis = Redis::start_with(&["--appendonly", "yes"]).await;
    redis.order(&["ACL", "SETUSER", "conduit", "on", &format!(">{REDIS_USER}"), "~*", "&*", "+@all"]).await;
    let jira = board(&[("SHOP-1", "To Do"), ("SHOP-2", "To Do")]).await;
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let serve = start(&["serve", "--no-workers"], "text", folder.path(), &redis, &jira);
    let worker = start(&["worker"], "json", folder.path(), &redis, &jira);
    serve.answers().await;
    let (http, api) = (Client::new(), |path: &str| format!("{}{path}", serve.url));

    // What goes well: a hook, its second secret, a lesser token, a delivery and its move.
    let first = register(&serve.url, "acme/shop").await;
    let repo_id = first.uri.split('/').rev().nth(1).unwrap().to_owned();
    let rotate = json!({ "provider": "github", "repo_id": repo_id });
    let (_, rotated) = ask(Method::PATCH, api("/conduit/webhooks/update"), TOKEN, Some(rotate)).await;
    let rotated: Value = serde_json::from_str(&rotated).unwrap();
    let second = Hook { secret: rotated["data"]["secret"].as_str().unwrap().into(), uri: first.uri.clone() };
    let made = json!({ "name": "reader", "role": "viewer" });
    let (_, made) = ask(Method::POST, api("/conduit/api/tokens"), TOKEN, Some(made)).await;
    let made: Value = serde_json::from_str(&made).unwrap();
    let viewer = made["data"]["token"].as_str().unwrap().to_owned();
    let moved = deliver(&serve.url, &second, "pull_request", "d-1", &merged(1, "SHOP-1")).await;
    finished_trace(&http, &serve.url, moved.event_id()).await;

    // What goes wrong: a guess, a secret in the wrong place, a login that Jira refuses, a signature that does not fit.
    let (refused, guessed) = ask(Method::GET, api("/conduit/webhooks/list"), GUESS, None).await;
    assert_eq!(refused, StatusCode::UNAUTHORIZED);
    let misplaced =
        json!({ "provider": "github", "repo_path": "acme/pay", "repo_id": second.secret, "secret": 7 });
    let (_, misplaced) = ask(Method::PATCH, api("/internal/webhooks/import"), TOKEN, Some(misplaced)).await;
    jira.once(When::get(Kind::Issue), Fault::status(401));
    let waits = deliver(&serve.url, &first, "pull_request", "d-2", &merged(2, "SHOP-2")).await;
    jira.wait_until("Jira has refused", |view| view.count(|one| one.kind == Kind::Issue) >= 2).await.unwrap();
    let stranger = Hook { secret: "no secret of ours, and long enough".into(), uri: first.uri.clone() };
    assert_eq!(deliver(&serve.url, &stranger, "pull_request", "d-3", &merged(3, "x")).await.status, 401);

    let mut said =
        vec![("a guess".to_owned(), guessed.into_bytes()), ("an import".to_owned(), misplaced.into_bytes())];
    for path in [
        "/conduit/webhooks/list",
        &format!("/conduit/webhooks/find?provider=github&repo_id={repo_id}"),
        "/conduit/api/events",
        &format!("/conduit/api/events/{}", moved.event_id()),
        &format!("/conduit/api/events/{}", waits.event_id()),
        "/conduit/api/tickets/SHOP-2",
        "/conduit/api/queue",
        "/conduit/api/tokens",
        "/conduit/api/audit",
        "/conduit/api/machines",
        "/conduit/openapi.json",
        "/readyz",
    ] {
        said.push((path.to_owned(), ask(Method::GET, api(path), TOKEN, None).await.1.into_bytes()));
    }
    for process in [&serve, &worker] {
        for path in ["/metrics", "/readyz"] {
            let url = format!("{}{path}", process.management);
            said.push((url.clone(), ask(Method::GET, url, TOKEN, None).await.1.into_bytes()));
        }
        said.push(("a list of arguments".to_owned(), arguments(process)));
    }
    // The append-only file has every word that was said to Redis but for logins; a dump has what is kept.
    redis.order(&["SAVE"]).await;
    drop((serve, worker));
    said.extend(files(folder.path()));
    said.extend(files(redis.folder()));
    let all: usize = said.iter().map(|(_, text)| text.len()).sum();
    assert!(all > 100_000, "there is something to look through: {all} bytes");

    let key = BASE64.decode(KEY.as_bytes()).unwrap();
    let planted = [
        ("the hook's first secret", first.secret.clone()),
        ("its second one", second.secret.clone()),
        ("the administrator's token", TOKEN.into()),
        ("a viewer's token", viewer),
        ("somebody's token", GUESS.into()),
        ("the master key", KEY.into()),
        ("the master key in hex", HEXLOWER.encode(&key)),
        ("the key of Jira's API", API_KEY.into()),
        ("the login to Jira", BASE64.encode(format!("{EMAIL}:{API_KEY}").as_bytes())),
        ("GitHub's token", GITHUB_TOKEN.into()),
        ("Redis' password", REDIS_USER.into()),
        ("the collector's", COLLECTOR.into()),
    ];
    for (where_it_is, text) in &said {
        for (what, secret) in &planted {
            assert!(!holds(text, secret), "{what} stands in {where_it_is}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leak_that_is_mended_in_one_process_is_mended_in_the_other() {
    let redis = Redis::start().await;
    let jira = board(&[("SHOP-1", "To Do")]).await;
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let processes = [(); 2]
        .map(|()| Process::start_with(&["serve", "--no-workers"], folder.path(), &redis, &jira, |_| {}));
    for process in &processes {
        process.answers().await;
    }
    let [here, there] = &processes;
    let leaked = register(&here.url, "acme/shop").await;
    let repo_id = leaked.uri.split('/').rev().nth(1).unwrap();
    let send =
        async |id: &str| deliver(&there.url, &leaked, "pull_request", id, &merged(1, "SHOP-1")).await.status;
    assert_eq!(send("d-1").await, 202, "the other process knows the secret, too");

    let rotate = json!({ "provider": "github", "repo_id": repo_id, "overlap": "0" });
    let url = format!("{}/conduit/webhooks/update", here.url);
    assert_eq!(ask(Method::PATCH, url, TOKEN, Some(rotate)).await.0, StatusCode::OK);
    assert_eq!(deliver(&here.url, &leaked, "pull_request", "d-2", &merged(1, "SHOP-1")).await.status, 401);
    let ended = async {
        while send("d-3").await != 401 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it ends in the other process, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_holds_keys_leaves_no_core_dump() {
    let redis = Redis::start().await;
    let jira = board(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), RULES);
    let serve = Process::start_with(&["serve", "--no-workers"], folder.path(), &redis, &jira, |_| {});
    serve.answers().await;
    let about = format!("/proc/{}", serve.child.id());
    let limits = fs::read_to_string(format!("{about}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<_> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "neither now nor raised again: {core}");
    // What is not dumpable belongs to root there, whoever it runs as: nobody but root reads its memory. (Where the tests
    // themselves run as root, this says nothing.)
    let owner = fs::metadata(format!("{about}/environ")).unwrap().uid();
    assert_eq!(owner, 0, "its environment is root's alone to read");
}
