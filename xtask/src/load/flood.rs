//! `cargo run --release -p xtask -- load --flood`: what genuine deliveries notice of a flood of forged ones on the same hook.
//!
//! Genuine deliveries come at a steady rate from one address of loopback, and their time is counted from the moment at which
//! they were due, not at which there was a connection for them. Forgers send as fast as they are answered, from addresses of
//! their own or from the genuine sender's.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::generator::{Answer, Figures, Target, Template, read_answer};
use super::processes::{Child, Redis};
use super::{LoadArgs, StoreKind};
use crate::instance::SECRET;
use crate::process;

/// Where the genuine deliveries come from.
const FORGE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// How many genuine deliveries may be on their way at once.
const LANES: u32 = 20;

/// A run of its own: whether refusals are limited, and from where how many forge.
struct Scene {
    name: &'static str,
    limited: bool,
    forgers: Vec<Ipv4Addr>,
}

/// Runs every scene with a Conduit of its own, and prints what the genuine sender saw.
pub(super) async fn run(args: &LoadArgs) -> anyhow::Result<()> {
    let program = process::build_conduit()?;
    println!(
        "{} genuine deliveries/s; {} forgers with {} connections together",
        args.genuine, args.forgers, args.connections
    );
    for scene in scenes(args.forgers) {
        let folder = tempfile::tempdir()?;
        let redis = match args.store {
            StoreKind::Redis => Some(Redis::start(folder.path(), &args.appendfsync).await?),
            StoreKind::Sqlite => None,
        };
        play(&scene, args, &program, folder.path(), redis.as_ref()).await?;
    }
    Ok(())
}

fn scenes(forgers: u8) -> [Scene; 4] {
    let elsewhere = || (1..=forgers).map(|number| Ipv4Addr::new(127, 0, 1, number)).collect();
    [
        Scene { name: "no flood", limited: true, forgers: Vec::new() },
        Scene { name: "flood, limits off", limited: false, forgers: elsewhere() },
        Scene { name: "flood", limited: true, forgers: elsewhere() },
        Scene { name: "flood, same address", limited: true, forgers: vec![FORGE] },
    ]
}

async fn play(
    scene: &Scene,
    args: &LoadArgs,
    program: &Path,
    folder: &Path,
    redis: Option<&Redis>,
) -> anyhow::Result<()> {
    let limit = if scene.limited { [].as_slice() } else { &[("CONDUIT_RATE_REFUSED", "0")] };
    let conduit = Child::conduit_with(program, folder, redis.map(Redis::url), limit).await?;
    conduit.register_hook().await?;
    let target = Target { address: conduit.address, path: conduit.path, secret: SECRET };
    let genuine: &'static Template = Box::leak(Box::new(Template::new(&target)?));
    let forged = Template::new(&Target { secret: "made up", ..target })?.request();
    let forged: &'static [u8] = Box::leak(forged.into_boxed_slice());

    let address = conduit.address;
    // One before the flood: a forge that was never seen has no name to lose.
    Answers::default().send(FORGE, address, &genuine.request(), &mut None).await;
    let (start, time) = (Instant::now(), Duration::from_secs(args.seconds));
    let mut forgers = JoinSet::new();
    for from in scene.forgers.iter().copied().cycle().take(args.connections_of(scene.forgers.len())) {
        forgers.spawn(async move { forge_until(start + time, from, address, forged).await });
    }
    let (latencies, seen) = deliver_until(start + time, args.genuine, address, genuine).await?;
    let mut answers = Answers::default();
    while let Some(forger) = forgers.join_next().await {
        answers.add(forger?);
    }
    let figures = Figures::new(latencies, time);
    println!("{:<20} genuine {figures}   {seen}", scene.name);
    println!("{:<20} forged  {answers}   {:.0}/s", "", per_second(answers.count(), time));
    Ok(())
}

impl LoadArgs {
    fn connections_of(&self, forgers: usize) -> usize {
        if forgers == 0 { 0 } else { self.connections }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a rate for people")]
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// How often each status was answered; 0 is none at all.
#[derive(Default)]
struct Answers(BTreeMap<u16, u64>);

impl Answers {
    fn add(&mut self, others: Self) {
        for (status, count) in others.0 {
            *self.0.entry(status).or_default() += count;
        }
    }

    fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// Sends on the connection that there is, or on a new one.
    async fn send(
        &mut self,
        from: Ipv4Addr,
        to: SocketAddr,
        request: &[u8],
        connection: &mut Option<BufReader<TcpStream>>,
    ) {
        let answer = exchange(from, to, request, connection).await;
        if answer.as_ref().map_or(true, |answer| answer.last) {
            // Whoever delivers again connects again.
            *connection = None;
        }
        *self.0.entry(answer.map_or(0, |answer| answer.status)).or_default() += 1;
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.0.iter().map(|(status, count)| match status {
            0 => format!("cut off: {count}"),
            _ => format!("{status}: {count}"),
        });
        f.write_str(&each.collect::<Vec<_>>().join("   "))
    }
}

async fn exchange(
    from: Ipv4Addr,
    to: SocketAddr,
    request: &[u8],
    connection: &mut Option<BufReader<TcpStream>>,
) -> anyhow::Result<Answer> {
    let stream = if let Some(stream) = connection {
        stream
    } else {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        // Ports that wait for stragglers would soon be all that there are, and looking for a free one all that is done.
        socket.set_zero_linger()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        connection.insert(BufReader::new(stream))
    };
    stream.get_mut().write_all(request).await?;
    read_answer(stream).await
}

async fn forge_until(end: Instant, from: Ipv4Addr, to: SocketAddr, request: &[u8]) -> Answers {
    let mut answers = Answers::default();
    let mut connection = None;
    while Instant::now() < end {
        answers.send(from, to, request, &mut connection).await;
    }
    answers
}

/// Delivers so many a second, on lanes that take turns.
async fn deliver_until(
    end: Instant,
    a_second: u32,
    to: SocketAddr,
    template: &'static Template,
) -> anyhow::Result<(Vec<Duration>, Answers)> {
    let every = Duration::from_secs(1) * LANES / a_second;
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let first = Instant::now() + every * lane / LANES;
        lanes.spawn(async move { deliver_on_lane(first, every, end, to, template).await });
    }
    let (mut latencies, mut answers) = (Vec::new(), Answers::default());
    while let Some(lane) = lanes.join_next().await {
        let (of_lane, seen) = lane?;
        latencies.extend(of_lane);
        answers.add(seen);
    }
    Ok((latencies, answers))
}

async fn deliver_on_lane(
    first: Instant,
    every: Duration,
    end: Instant,
    to: SocketAddr,
    template: &Template,
) -> (Vec<Duration>, Answers) {
    let (mut latencies, mut answers) = (Vec::new(), Answers::default());
    let (mut connection, mut due) = (None, first);
    while due < end {
        tokio::time::sleep_until(due.into()).await;
        answers.send(FORGE, to, &template.request(), &mut connection).await;
        latencies.push(due.elapsed());
        due += every;
    }
    (latencies, answers)
}
