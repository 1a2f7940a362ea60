//! The HTTP side: every request goes through here, whatever it is about. Read it, note it, let the faults have
//! their way with it, let the site answer, note the answer.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::stream;
use tokio::sync::watch;

use crate::api::{self, Call};
use crate::board;
use crate::fault::{After, Before, Fault, Faults};
use crate::journal::Exchange;
use crate::limits::Limiter;
use crate::refusal::Answer;
use crate::route::Route;
use crate::state::State;
use crate::webhook;

/// Jira takes larger bodies for attachments only.
const LARGEST_BODY: usize = 10 * 1024 * 1024;

/// All that can change, behind one lock that is never held across an await.
pub(crate) struct Core {
    pub(crate) state: State,
    pub(crate) journal: Vec<Exchange>,
    pub(crate) faults: Faults,
    pub(crate) limiter: Limiter,
}

pub(crate) struct Site {
    core: Mutex<Core>,
    context_path: String,
    latency: Duration,
    /// Carries what webhooks tell; made for the first of them, since most sites tell nobody.
    pub(crate) client: OnceLock<Option<reqwest::Client>>,
    /// Counts changes, for those who wait for one.
    pub(crate) changes: watch::Sender<u64>,
}

impl Site {
    pub(crate) fn new(core: Core, context_path: String, latency: Duration) -> Self {
        let (client, changes) = (OnceLock::new(), watch::Sender::new(0));
        Self { core: Mutex::new(core), context_path, latency, client, changes }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, makes deliveries of it for those who wish to be told, and wakes whoever waits.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.lock();
        let result = change(&mut core);
        webhook::post(&mut core.state);
        drop(core);
        self.changes.send_modify(|count| *count += 1);
        result
    }
}

/// A request, read.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) route: Route,
}

/// Starts the server on its own thread and returns what stops it.
pub(crate) fn start(listener: TcpListener, site: Arc<Site>) -> std::io::Result<ServerHandle> {
    let data = Data::from(site);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .app_data(web::PayloadConfig::new(LARGEST_BODY))
            .default_service(web::to(serve))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}

async fn serve(http: HttpRequest, body: Result<Bytes, actix_web::Error>, site: Data<Site>) -> HttpResponse {
    let Some(path) = http.path().strip_prefix(&site.context_path) else {
        return respond(Answer::empty(404));
    };
    if let Some(page) = board::page(path, &site.lock().state) {
        return respond(page);
    }
    let Ok(body) = body else {
        return respond(Answer::empty(413));
    };
    let request = read(&http, path, body, &site);
    let (number, fault) = arrive(&request, &site);
    if !site.latency.is_zero() {
        tokio::time::sleep(site.latency).await;
    }
    handle(&request, number, fault, &site).await
}

fn read(http: &HttpRequest, path: &str, body: Bytes, site: &Site) -> Request {
    let header =
        |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
    let core = site.lock();
    let route = Route::of(path, &core.state.host());
    drop(core);
    Request {
        method: http.method().to_string(),
        path: http.path().to_owned(),
        query: http.query_string().to_owned(),
        headers: http.headers().iter().map(header).collect(),
        body,
        route,
    }
}

/// Notes the request in the journal, and picks the fault that is for it.
fn arrive(request: &Request, site: &Site) -> (usize, Option<Fault>) {
    site.change(|core| {
        let issue = request
            .route
            .issue()
            .map(|key| core.state.issue(key).map_or(key.to_uppercase(), |one| one.key.clone()));
        let fault = core.faults.take(&request.method, request.route.kind, issue.as_deref());
        core.journal.push(Exchange {
            at: core.state.now(),
            method: request.method.clone(),
            kind: request.route.kind,
            path: request.path.clone(),
            query: request.query.clone(),
            issue,
            request_headers: request.headers.iter().map(masked).collect(),
            request_body: String::from_utf8_lossy(&request.body).into_owned(),
            applied: false,
            status: None,
            response_headers: Vec::new(),
            response_body: String::new(),
        });
        (core.journal.len() - 1, fault)
    })
}

/// The scheme of a credential stays readable, its secret does not.
fn masked((name, value): &(String, String)) -> (String, String) {
    if !name.eq_ignore_ascii_case("authorization") {
        return (name.clone(), value.clone());
    }
    let scheme = value.split(' ').next().unwrap_or_default();
    (name.clone(), format!("{scheme} ***"))
}

async fn handle(request: &Request, number: usize, fault: Option<Fault>, site: &Site) -> HttpResponse {
    let fault = fault.unwrap_or(Fault { before: Before::Nothing, after: After::Nothing });
    match fault.before {
        Before::Nothing => {}
        Before::Answer(answer) => return finish(answer, number, site),
        Before::Drop => return dropped(),
        Before::Hold(gate) => gate.pass().await,
    }
    let mut answer = site.change(|core| {
        if let Some(exchange) = core.journal.get_mut(number) {
            exchange.applied = true;
        }
        api::answer(&mut Call::new(core, request))
    });
    match fault.after {
        After::Nothing => {}
        After::Answer(other) => answer = other,
        After::Drop => return dropped(),
        After::Hang => std::future::pending().await,
        After::Truncate => answer.body.truncate(half(&answer.body)),
        After::Hold(gate) => gate.pass().await,
    }
    finish(answer, number, site)
}

fn half(text: &str) -> usize {
    (0..=text.len() / 2).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0)
}

/// Notes the answer and sends it.
fn finish(answer: Answer, number: usize, site: &Site) -> HttpResponse {
    site.change(|core| {
        if let Some(exchange) = core.journal.get_mut(number) {
            exchange.status = Some(answer.status);
            exchange.response_headers.clone_from(&answer.headers);
            exchange.response_body.clone_from(&answer.body);
        }
    });
    respond(answer)
}

fn respond(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in answer.headers {
        response.append_header(header);
    }
    response.body(answer.body)
}

/// Closes the connection. A body that fails before its first byte makes the server give up on the connection
/// before anything was sent.
fn dropped() -> HttpResponse {
    let failure = std::io::Error::other("the connection is dropped on purpose");
    HttpResponse::Ok().streaming(stream::iter([Err::<Bytes, _>(failure)]))
}
