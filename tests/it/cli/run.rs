//! One run of the program, and what its stories share.

use std::process::Stdio;

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::support::service::{TOKEN, TestService};

/// One run of the program, in an empty folder and with nothing in its environment.
pub(super) struct Conduit {
    command: Command,
    input: String,
    _folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Conduit {
    pub(super) fn new(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_conduit"));
        command.args(arguments).env_clear().current_dir(folder.path()).kill_on_drop(true);
        Self { command, input: String::new(), _folder: folder }
    }

    /// A run that speaks to this service, as its administrator.
    pub(super) fn at(service: &TestService, arguments: &[&str]) -> Self {
        Self::new(arguments).env("CONDUIT_URL", &service.url).env("CONDUIT_TOKEN", TOKEN)
    }

    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(super) fn input(mut self, text: &str) -> Self {
        text.clone_into(&mut self.input);
        self
    }

    pub(super) async fn run(mut self) -> Ended {
        let streams = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = streams.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that does not read what it is given closes the pipe.
        let _ = stdin.write_all(self.input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        Ended {
            code: output.status.code().expect("it ends by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs to an end of exit code 0 and gives what it printed.
    pub(super) async fn prints(self) -> String {
        let ended = self.run().await;
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.out
    }

    /// Runs to an end of exit code 0 and gives the JSON it printed, which names its `schema`.
    pub(super) async fn answers(self, schema: &str) -> Value {
        let out = self.prints().await;
        let json: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["schema"], schema, "{out}");
        json
    }

    /// Runs to an end of this exit code, without data, and gives what it said.
    pub(super) async fn refuses(self, code: i32) -> String {
        let ended = self.run().await;
        assert_eq!((ended.code, ended.out.as_str()), (code, ""), "{ended:?}");
        ended.err
    }
}

/// What changes from run to run, replaced by its name.
pub(super) fn masked(text: &str) -> String {
    let masks = [
        (r"127\.0\.0\.1:\d+", "ADDRESS"),
        (r"\b[0-9a-f]{64}\b", "SECRET"),
        (r"\b[a-z2-7]{26}\b", "EVENT                     "),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME                "),
    ];
    masks.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}
