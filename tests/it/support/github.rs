//! A simulated GitHub API: pull requests with their files and commits, over HTTP, as strict as the real one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder as _};
use conduit::clock::Clock;
use conduit::forge_api::{ForgeApi, GitHub};
use serde_json::{Value, json};

pub(crate) const TOKEN: &str = "github_pat_hush";

/// One running GitHub with the repository `acme/shop`.
#[derive(Clone)]
pub(crate) struct GitHubSim {
    url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    pulls: BTreeMap<u64, Pull>,
    hooks: Vec<String>,
    asked: Vec<String>,
    trouble: Option<Trouble>,
}

#[derive(Default)]
struct Pull {
    files: Vec<Value>,
    commits: Vec<Value>,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trouble {
    /// The hour's requests are used up until this second.
    LimitReached { reset: i64 },
    /// A 502 with a page of HTML.
    BadGateway,
    /// The token was revoked.
    TokenRevoked,
    /// It sends everybody elsewhere.
    Redirects,
}

impl GitHubSim {
    pub(crate) fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let data = Data::from(Arc::clone(&state));
        let server =
            HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer)));
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/api/v3", server.addrs()[0]);
        tokio::spawn(server.run());
        Self { url, state }
    }

    /// Conduit's client for it.
    pub(crate) fn client(&self, clock: &Clock) -> Arc<dyn ForgeApi> {
        Arc::new(GitHub::new(self.url.parse().unwrap(), TOKEN, clock.clone()).unwrap())
    }

    pub(crate) fn changes(&self, number: u64, files: impl IntoIterator<Item = impl Into<String>>) {
        let file = |name: String| json!({ "filename": name, "status": "modified", "patch": "@@ -1 +1 @@" });
        let files = files.into_iter().map(|name| file(name.into())).collect();
        self.state.lock().unwrap().pulls.entry(number).or_default().files = files;
    }

    pub(crate) fn commits(&self, number: u64, messages: &[&str]) {
        let commit = |message: &&str| json!({ "sha": "4b825dc", "commit": { "message": message } });
        let commits = messages.iter().map(commit).collect();
        self.state.lock().unwrap().pulls.entry(number).or_default().commits = commits;
    }

    /// Where its API is.
    pub(crate) fn api(&self) -> url::Url {
        self.url.parse().unwrap()
    }

    /// The networks that it says its webhooks come from.
    pub(crate) fn publishes(&self, networks: &[&str]) {
        self.state.lock().unwrap().hooks = networks.iter().map(|&network| network.to_owned()).collect();
    }

    pub(crate) fn has(&self, trouble: Option<Trouble>) {
        self.state.lock().unwrap().trouble = trouble;
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }
}

async fn answer(request: HttpRequest, state: Data<Mutex<State>>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut state = state.lock().unwrap();
    state.asked.push(request.uri().to_string());
    let said = |status: u16, message: &str| {
        let status = status.try_into().unwrap();
        HttpResponse::build(status).json(json!({ "message": message, "status": "" }))
    };
    if request.method() != "GET" || header("user-agent").is_empty() {
        return said(403, "Request forbidden by administrative rules.");
    }
    let meta = request.path() == "/api/v3/meta";
    if !meta && header("authorization") != format!("Bearer {TOKEN}") {
        return said(401, "Bad credentials");
    }
    match state.trouble {
        Some(Trouble::LimitReached { reset }) => {
            let mut answer = said(403, "API rate limit exceeded");
            let headers = answer.headers_mut();
            headers.insert("x-ratelimit-remaining".parse().unwrap(), "0".parse().unwrap());
            headers.insert("x-ratelimit-reset".parse().unwrap(), reset.to_string().parse().unwrap());
            return answer;
        }
        Some(Trouble::BadGateway) => return HttpResponse::BadGateway().body("<html>Unicorn!</html>"),
        Some(Trouble::TokenRevoked) => return said(401, "Bad credentials"),
        Some(Trouble::Redirects) => {
            return HttpResponse::MovedPermanently().insert_header(("location", "/elsewhere")).finish();
        }
        None if meta => {
            let actions = ["4.148.0.0/16"];
            return HttpResponse::Ok().json(json!({ "hooks": state.hooks, "actions": actions }));
        }
        None => {}
    }
    page(&request, &state).unwrap_or_else(|| said(404, "Not Found"))
}

/// One page of a list, with a `Link` to the next as GitHub writes it.
fn page(request: &HttpRequest, state: &State) -> Option<HttpResponse> {
    let rest = request.path().strip_prefix("/api/v3/repos/acme/shop/pulls/")?;
    let (number, list) = rest.split_once('/')?;
    let pull = state.pulls.get(&number.parse().ok()?)?;
    let list = match list {
        "files" => &pull.files,
        "commits" => &pull.commits,
        _ => return None,
    };
    let query = web::Query::<BTreeMap<String, usize>>::from_query(request.query_string()).ok()?;
    let size = query.get("per_page").copied().unwrap_or(30).min(100);
    let number = query.get("page").copied().unwrap_or(1);
    let entries: Vec<_> = list.iter().skip((number - 1) * size).take(size).collect();
    let mut answer = HttpResponse::Ok();
    if number * size < list.len() {
        let next = format!("<https://elsewhere.test/?page={}>; rel=\"next\"", number + 1);
        answer.insert_header(("link", next));
    }
    Some(answer.json(entries).respond_to(request).map_into_boxed_body())
}
