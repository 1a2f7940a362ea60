//! A running service of one's own, and the people who come to its door.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use conduit::clock::Clock;
use conduit::http::{Http, HttpConfig, HttpParts, InForce};
use conduit::machine::{RuleSet, SourceFile, load};
use conduit::secrets::token::{Role, Token};
use conduit::secrets::{Keyring, MasterKey, Secret};
use conduit::store::sqlite::SqliteStore;
use conduit::store::{EventId, EventQuery, EventRecord, Store};
use conduit::telemetry::Metrics;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

/// A service on free ports with a store of its own, and tokens for three people.
pub(super) struct Door {
    pub(super) public: String,
    pub(super) management: String,
    pub(super) client: reqwest::Client,
    pub(super) store: Arc<dyn Store>,
    pub(super) http: Http,
    pub(super) clock: Clock,
    pub(super) admin: Secret,
    pub(super) operator: Secret,
    pub(super) viewer: Secret,
    pub(super) folder: tempfile::TempDir,
}

/// What a test knows of a registered hook.
#[derive(Debug, Clone)]
pub(super) struct Registered {
    pub(super) uri: String,
    pub(super) secret: String,
}

/// A delivery as GitHub would send it.
pub(super) struct Delivery {
    pub(super) id: String,
    pub(super) event: &'static str,
    pub(super) body: Vec<u8>,
    pub(super) content_type: &'static str,
}

struct Fixed(Option<Arc<RuleSet>>);

impl InForce for Fixed {
    fn rules(&self) -> Option<Arc<RuleSet>> {
        self.0.clone()
    }

    fn sites(&self) -> Vec<String> {
        vec!["atlassian".into()]
    }

    fn reload_failed(&self) -> Option<String> {
        None
    }
}

impl Door {
    pub(super) async fn open() -> Self {
        Self::open_with(HttpConfig::default()).await
    }

    pub(super) async fn open_with(config: HttpConfig) -> Self {
        Self::open_under(config, Some(shipped_rules())).await
    }

    /// A service under these rules, or before any are loaded.
    pub(super) async fn open_under(config: HttpConfig, rules: Option<Arc<RuleSet>>) -> Self {
        listen_to_logs();
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let path = folder.path().join("conduit.db");
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, clock.clone()).unwrap());
        let [admin, operator, viewer] = [(); 3].map(|()| Secret::generate().unwrap());
        for (name, role, token) in [
            ("ada", Role::Admin, &admin),
            ("otto", Role::Operator, &operator),
            ("vera", Role::Viewer, &viewer),
        ] {
            store.save_token(&Token::new(name, role, token, clock.now())).await.unwrap();
        }
        let keyring = Arc::new(Keyring::new(&MasterKey::generate().unwrap(), &[]));
        let http = Http::new(HttpParts {
            keyring,
            in_force: Arc::new(Fixed(rules)),
            metrics: Metrics::install().unwrap(),
            clock: clock.clone(),
            config,
        });
        http.open(Arc::clone(&store));
        let (public, management) = (free_port(), free_port());
        let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (public_url, management_url) = (url(&public), url(&management));
        tokio::spawn(http.serve(public).unwrap());
        tokio::spawn(http.serve_management(management).unwrap());
        Self {
            public: public_url,
            management: management_url,
            client: reqwest::Client::new(),
            store,
            http,
            clock,
            admin,
            operator,
            viewer,
            folder,
        }
    }

    /// A request to the public listener.
    pub(super) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.public))
    }

    /// A request by the administrator; the answer's status and its JSON.
    pub(super) async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = self.ask(method, path).bearer_auth(self.admin.expose());
        answer(body.map_or(request.try_clone().unwrap(), |body| request.json(&body))).await
    }

    /// Registers `github/<repo_id>` for `repo_path`.
    pub(super) async fn register(&self, repo_id: &str, repo_path: &str) -> Registered {
        let body = json!({"provider": "github", "repo_id": repo_id, "repo_path": repo_path});
        let (status, answer) = self.admin(Method::POST, "/conduit/webhooks/register", Some(body)).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        let text = |name: &str| answer["data"][name].as_str().unwrap().to_owned();
        Registered { uri: text("uri"), secret: text("secret") }
    }

    /// A delivery, signed with `secret`.
    pub(super) fn signed(&self, uri: &str, secret: &str, delivery: &Delivery) -> RequestBuilder {
        let signature = format!("sha256={}", hmac_hex(secret, &delivery.body));
        self.unsigned(uri, delivery).header("X-Hub-Signature-256", signature)
    }

    /// A delivery without a signature.
    pub(super) fn unsigned(&self, uri: &str, delivery: &Delivery) -> RequestBuilder {
        self.ask(Method::POST, uri)
            .header("Content-Type", delivery.content_type)
            .header("X-GitHub-Event", delivery.event)
            .header("X-GitHub-Delivery", &delivery.id)
            .body(delivery.body.clone())
    }

    /// Delivers to a registered hook, and returns the receipt.
    pub(super) async fn deliver(&self, hook: &Registered, delivery: &Delivery) -> (EventId, bool) {
        let (status, answer) = answer(self.signed(&hook.uri, &hook.secret, delivery)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        let id = EventId::parse(answer["data"]["event_id"].as_str().unwrap()).unwrap();
        (id, answer["data"]["duplicate"].as_bool().unwrap())
    }

    pub(super) async fn event(&self, id: &EventId) -> EventRecord {
        self.store.event(id).await.unwrap().expect("the event is durable")
    }

    /// Everything in the store's event log.
    pub(super) async fn events(&self) -> Vec<EventRecord> {
        let query = EventQuery { limit: 100, ..EventQuery::default() };
        self.store.events(&query).await.unwrap().items
    }
}

impl Delivery {
    /// Pull request 118 of acme/shop, merged now; `id` is the delivery's.
    pub(super) fn merged(id: &str) -> Self {
        Self::json(id, "pull_request", &pull_request(&Clock::system().now().to_string()))
    }

    pub(super) fn json(id: &str, event: &'static str, body: &Value) -> Self {
        Self { id: id.into(), event, body: body.to_string().into_bytes(), content_type: "application/json" }
    }
}

/// The payload of a merged pull request, as far as anybody reads it.
pub(super) fn pull_request(merged_at: &str) -> Value {
    json!({
        "action": "closed",
        "number": 118,
        "pull_request": {
            "id": 9118, "number": 118, "state": "closed", "title": "SHOP-42: pay by card", "body": null,
            "html_url": "https://github.example/acme/shop/pull/118", "draft": false, "merged": true,
            "merged_at": merged_at, "closed_at": merged_at, "updated_at": merged_at, "created_at": merged_at,
            "merge_commit_sha": "6dcb09b5b57875f334f61aebed695e2e4193db5e", "labels": [],
            "user": {"login": "ada", "type": "User"}, "author_association": "MEMBER",
            "head": {"ref": "feature/SHOP-42", "sha": "c0ffee", "repo": {"id": 4711, "full_name": "acme/shop"}},
            "base": {"ref": "main", "sha": "beefed", "repo": {"id": 4711, "full_name": "acme/shop"}}
        },
        "repository": {
            "id": 4711, "name": "shop", "full_name": "acme/shop", "default_branch": "main",
            "html_url": "https://github.example/acme/shop", "owner": {"login": "acme"}
        },
        "sender": {"login": "ada", "type": "User"}
    })
}

/// Sends, and reads the status and the JSON.
pub(super) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response: Response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} without JSON: {text}")))
}

/// Asserts a refusal in the one envelope: its status and its code.
#[track_caller]
pub(super) fn assert_refused(answer: &(StatusCode, Value), status: u16, code: u64) {
    let (found, body) = answer;
    assert_eq!((found.as_u16(), body["error_code"].as_u64()), (status, Some(code)), "{body}");
    assert_eq!(body["success"], false);
    assert!(body["error_msg"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
}

pub(super) fn hmac_hex(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes())
}

/// Waits for a condition, and fails when it does not come.
pub(super) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}")
}

/// The rules that come with Conduit.
fn shipped_rules() -> Arc<RuleSet> {
    let text = include_bytes!("../../../config/statemachines/jira.hcl");
    let loaded = load(&[SourceFile::from_bytes("jira.hcl", text)]);
    Arc::new(loaded.rules.expect("the shipped rules are in order"))
}

fn free_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

static LOGS: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();

/// Everything that this process has logged so far, at the finest level.
pub(super) fn logs() -> String {
    String::from_utf8_lossy(&listen_to_logs().lock().unwrap()).into_owned()
}

fn listen_to_logs() -> &'static Arc<Mutex<Vec<u8>>> {
    LOGS.get_or_init(|| {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&lines);
        tracing_subscriber::fmt()
            .with_env_filter("conduit=trace,actix_web=trace,actix_http=trace,actix_server=trace")
            .with_ansi(false)
            .with_writer(move || Ears(Arc::clone(&writer)))
            .init();
        lines
    })
}

struct Ears(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Ears {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
