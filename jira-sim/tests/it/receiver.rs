//! Somebody whom webhooks tell: it keeps what it gets, and answers what the test says.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::Value;

/// One delivery as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

#[derive(Default)]
struct Desk {
    received: Vec<Received>,
    answers: VecDeque<u16>,
}

pub(crate) struct Receiver {
    desk: Arc<Mutex<Desk>>,
    url: String,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let desk = Arc::new(Mutex::new(Desk::default()));
        let data = Data::from(Arc::clone(&desk));
        let server =
            HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(receive)));
        let server = server.workers(1).disable_signals().bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        tokio::spawn(server.run());
        Self { desk, url }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The statuses of the next answers; afterwards it is 200 again.
    pub(crate) fn answer<const N: usize>(&self, statuses: [u16; N]) {
        self.desk.lock().unwrap().answers.extend(statuses);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.desk.lock().unwrap().received.clone()
    }
}

async fn receive(request: HttpRequest, body: Bytes, desk: Data<Mutex<Desk>>) -> HttpResponse {
    let mut desk = desk.lock().unwrap();
    let headers = request.headers().iter();
    desk.received.push(Received {
        path: request.uri().to_string(),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().into())).collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let status = desk.answers.pop_front().unwrap_or(200);
    HttpResponse::build(StatusCode::from_u16(status).unwrap()).finish()
}
