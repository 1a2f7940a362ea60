//! One thread writes; it groups commits.
//!
//! A commit costs a wait for the disk, so one a request would mean some hundreds a second. The writer takes
//! everything that is queued, runs each request inside a savepoint of one transaction, commits once, and
//! only then answers them all: nobody hears yes before it is durable, and a request that fails takes back
//! its own changes alone.

use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::store::{Result, StoreError};

/// How many requests share a commit at most, so that the first does not wait long for the last.
const GROUP: usize = 256;

/// How many may wait; the next caller waits to be let in.
const QUEUE: usize = 1024;

/// The way to the writing thread.
pub(in crate::store) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Request>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, which owns the connection until the last request is answered.
    pub(in crate::store) fn start(conn: Connection) -> Result<Self> {
        let (queue, requests) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || serve(&conn, requests))
            .map_err(|error| StoreError::Unavailable(format!("cannot start its writing thread: {error}")))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Runs `work` in a transaction and answers once it is durable.
    pub(in crate::store) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let stopped =
            || StoreError::Unavailable("its writing thread has stopped; restart Conduit".to_owned());
        let (answer, answered) = oneshot::channel();
        let request = Box::new(Pending { work: Some(work), result: None, answer });
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(request).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    /// Lets the thread finish what is queued and close the file, so that it can be opened again at once.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A request whose result type is nobody's business but its caller's.
trait Request: Send {
    fn run(&mut self, conn: &Connection);
    /// Tells the caller; `lost` says why the transaction came to nothing.
    fn answer(self: Box<Self>, lost: Option<&str>);
}

struct Pending<T, F> {
    work: Option<F>,
    result: Option<Result<T>>,
    answer: oneshot::Sender<Result<T>>,
}

impl<T, F> Request for Pending<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T> + Send,
{
    fn run(&mut self, conn: &Connection) {
        self.result = self.work.take().map(|work| in_savepoint(conn, work));
    }

    fn answer(self: Box<Self>, lost: Option<&str>) {
        let result = match (self.result, lost) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), None) => Ok(value),
            (_, lost) => Err(StoreError::Unavailable(lost.unwrap_or("the write was not reached").to_owned())),
        };
        // A caller that went away does not need to hear.
        let _ = self.answer.send(result);
    }
}

fn in_savepoint<T>(conn: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    conn.prepare_cached("SAVEPOINT request")?.execute([])?;
    let result = work(conn);
    if result.is_err() && !conn.is_autocommit() {
        conn.prepare_cached("ROLLBACK TO request")?.execute([])?;
    }
    if !conn.is_autocommit() {
        conn.prepare_cached("RELEASE request")?.execute([])?;
    }
    result
}

fn serve(conn: &Connection, mut requests: mpsc::Receiver<Box<dyn Request>>) {
    let mut group = Vec::with_capacity(GROUP);
    while requests.blocking_recv_many(&mut group, GROUP) > 0 {
        let lost = commit(conn, &mut group).err().map(|error| match error {
            StoreError::Unavailable(why) => why,
            other => other.to_string(),
        });
        if lost.is_some() && !conn.is_autocommit() {
            // Fails only when SQLite has rolled back by itself.
            let _ = conn.execute_batch("ROLLBACK");
        }
        for request in group.drain(..) {
            request.answer(lost.as_deref());
        }
    }
}

fn commit(conn: &Connection, group: &mut [Box<dyn Request>]) -> Result<()> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    for request in group {
        request.run(conn);
        // A full disk can end the whole transaction, whatever the savepoints.
        if conn.is_autocommit() {
            let why = "the disk is full or fails, and the transaction was taken back";
            return Err(StoreError::Unavailable(why.to_owned()));
        }
    }
    Ok(conn.execute_batch("COMMIT")?)
}
