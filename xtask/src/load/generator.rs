//! A sender that costs little itself: HTTP/1.1 over plain sockets, one request at a time on each connection.
//!
//! Every delivery is a pull request of its own (its merge commit differs) and genuinely signed, so that
//! none is a duplicate.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use conduit::forge::sample::{self, PullRequest, Repository};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The merge commit in the body's template; each delivery gets one of its own in its place.
const PLACEHOLDER: &str = "ffffffffffffffffffffffffffffffffffffffff";

/// Numbers deliveries over all runs.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Where to send.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) address: SocketAddr,
    pub(super) path: &'a str,
    pub(super) secret: &'static str,
}

/// What a run showed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    pub(super) per_second: f64,
    p50: Duration,
    p99: Duration,
    worst: Duration,
}

impl Figures {
    /// Of a run that delivered something.
    pub(super) fn new(mut latencies: Vec<Duration>, took: Duration) -> Self {
        latencies.sort_unstable();
        let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let per_second = latencies.len() as f64 / took.as_secs_f64();
        Self { per_second, p50: at(50), p99: at(99), worst: at(100) }
    }

    /// The run in the middle, by its rate.
    pub(super) fn median(runs: &[Self]) -> Self {
        let mut runs = runs.to_vec();
        runs.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
        runs[runs.len() / 2]
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        write!(
            f,
            "{:>8.0} requests/s   p50 {:>6.2} ms   p99 {:>6.2} ms   worst {:>7.2} ms",
            self.per_second,
            ms(self.p50),
            ms(self.p99),
            ms(self.worst)
        )
    }
}

/// Sends for `time` on `connections` connections at once.
pub(super) async fn run(target: &Target<'_>, connections: usize, time: Duration) -> anyhow::Result<Figures> {
    let template: &'static Template = Box::leak(Box::new(Template::new(target)?));
    let mut senders = JoinSet::new();
    let start = Instant::now();
    let end = start + time;
    let address = target.address;
    for _ in 0..connections {
        senders.spawn(async move { send_until(end, address, template).await });
    }
    let mut latencies = Vec::new();
    while let Some(sent) = senders.join_next().await {
        latencies.extend(sent??);
    }
    Ok(Figures::new(latencies, start.elapsed()))
}

/// A delivery with places to fill in.
pub(super) struct Template {
    path: String,
    secret: &'static str,
    body: String,
    sha_at: usize,
}

impl Template {
    pub(super) fn new(target: &Target<'_>) -> anyhow::Result<Self> {
        let shop = Repository { id: 101, owner: "acme", name: "shop", default_branch: "main" };
        let pull_request = PullRequest {
            action: "closed",
            number: 118,
            title: "SHOP-42: pay by invoice",
            body: "What it does and why, in a paragraph or two.",
            head: "feature/SHOP-42-invoice",
            base: "main",
            author: "ada",
            merged: true,
            at: &jiff::Timestamp::now().to_string(),
            ..PullRequest::default()
        };
        let mut payload = sample::pull_request(&shop, &pull_request);
        payload["pull_request"]["merge_commit_sha"] = PLACEHOLDER.into();
        let body = payload.to_string();
        let sha_at = body.find(PLACEHOLDER).context("the sample has no merge commit")?;
        Ok(Self { path: target.path.to_owned(), secret: target.secret, body, sha_at })
    }

    /// The next delivery, signed.
    pub(super) fn request(&self) -> Vec<u8> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut body = self.body.clone();
        body.replace_range(self.sha_at..self.sha_at + PLACEHOLDER.len(), &format!("{number:040x}"));
        let signature = sample::sign(self.secret, body.as_bytes());
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             X-GitHub-Event: pull_request\r\nX-GitHub-Delivery: load-{number}\r\nX-Hub-Signature-256: {signature}\r\n\r\n",
            self.path,
            body.len()
        );
        [head.as_bytes(), body.as_bytes()].concat()
    }
}

async fn send_until(end: Instant, address: SocketAddr, template: &Template) -> anyhow::Result<Vec<Duration>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let request = template.request();
        let sent = Instant::now();
        stream.get_mut().write_all(&request).await?;
        let Answer { status, .. } = read_answer(&mut stream).await?;
        if status != 202 {
            bail!("a delivery was answered {status}");
        }
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

/// What is heard of an answer.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The connection ends with it.
    pub(super) last: bool,
}

/// Reads one answer whole.
pub(super) async fn read_answer(stream: &mut BufReader<TcpStream>) -> anyhow::Result<Answer> {
    let mut head = Vec::with_capacity(512);
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.context("the connection was closed")?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let status = head.get(9..12).and_then(|code| code.parse().ok()).context("an answer without a status")?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.trim().parse().ok())
        .context("an answer without a length")?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Answer { status, last: head.contains("\r\nconnection: close\r\n") })
}
