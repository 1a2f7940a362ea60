//! Watches what a server is asked, by its own MONITOR.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::redis::Redis;

/// A command as a server saw it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// A script ran it.
    pub(super) by_script: bool,
    /// Name and arguments.
    pub(super) words: Vec<Vec<u8>>,
}

impl Seen {
    pub(super) fn name(&self) -> String {
        String::from_utf8_lossy(&self.words[0]).to_uppercase()
    }

    /// Its arguments that are keys of Conduit.
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        let arguments = self.words[1..].iter().map(|word| String::from_utf8_lossy(word).into_owned());
        arguments.filter(|word| word.starts_with("conduit:"))
    }
}

/// Writes down everything from its start to [`Monitor::end`].
pub(super) struct Monitor {
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

/// Tells the monitor that all before it was seen.
const END: &[u8] = b"the monitor has seen enough";

impl Monitor {
    pub(super) async fn start(server: &Redis) -> Self {
        let address = server.url().trim_start_matches("redis://").to_owned();
        let mut lines = BufReader::new(TcpStream::connect(address).await.unwrap());
        lines.get_mut().write_all(b"MONITOR\r\n").await.unwrap();
        let mut line = String::new();
        lines.read_line(&mut line).await.unwrap();
        assert_eq!(line, "+OK\r\n");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut lines = lines.lines();
            while let Some(line) = lines.next_line().await.unwrap() {
                let command = parse(&line);
                if command.words.last().is_some_and(|word| word == END) {
                    return;
                }
                notes.lock().unwrap().push(command);
            }
        });
        Self { seen, task }
    }

    /// Everything that was asked since.
    pub(super) async fn end(self, server: &Redis) -> Vec<Seen> {
        super::run::<String>(server, &["ECHO", std::str::from_utf8(END).unwrap()]).await;
        self.task.await.unwrap();
        let seen = self.seen.lock().unwrap();
        seen.clone()
    }
}

/// Reads `+1700000000.123456 [0 lua] "SET" "key" "\x28\xb5"`.
fn parse(line: &str) -> Seen {
    let (origin, rest) = line.split_once("] ").unwrap();
    let mut words = Vec::new();
    let mut bytes = rest.bytes().peekable();
    while bytes.next_if_eq(&b'"').is_some() {
        words.push(parse_word(&mut bytes));
        bytes.next_if_eq(&b' ');
    }
    Seen { by_script: origin.ends_with(" lua"), words }
}

fn parse_word(bytes: &mut impl Iterator<Item = u8>) -> Vec<u8> {
    let mut word = Vec::new();
    while let Some(byte) = bytes.next().filter(|byte| *byte != b'"') {
        word.push(if byte == b'\\' { parse_escape(bytes) } else { byte });
    }
    word
}

fn parse_escape(bytes: &mut impl Iterator<Item = u8>) -> u8 {
    match bytes.next().unwrap() {
        b'x' => {
            let digits: String = bytes.take(2).map(char::from).collect();
            u8::from_str_radix(&digits, 16).unwrap()
        }
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        other => other,
    }
}

#[test]
fn a_line_of_the_monitor_is_read_as_the_server_saw_it() {
    let seen = parse(r#"+1700000000.1 [0 lua] "SET" "a key" "\x28\xb5\n\"\\""#);
    assert!(seen.by_script);
    assert_eq!(seen.words, [b"SET".to_vec(), b"a key".to_vec(), b"\x28\xb5\n\"\\".to_vec()]);
}
