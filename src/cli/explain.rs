//! `conduit explain CODE`

use clap::Args;
use serde_json::json;

use super::why::print_json;
use super::{CliError, Output};
use crate::cli::output::{say, sayln};
use crate::machine::{self, Story};

/// How wide text is set.
const WIDTH: usize = 90;

/// The flags of `conduit explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The code of a finding, such as E004; without one, all codes are listed
    code: Option<String>,
}

/// Prints the story of a code, or the titles of all.
pub(super) fn run(args: &ExplainArgs, output: Output) -> Result<(), CliError> {
    let Some(code) = &args.code else { return list(output) };
    let story = machine::explain(code).ok_or_else(|| unknown(code))?;
    match output {
        Output::Json => print_json(&json!({ "schema": "conduit.explain/1", "story": story })),
        Output::Text => {
            say!("{}", text(story));
            Ok(())
        }
    }
}

fn list(output: Output) -> Result<(), CliError> {
    if output == Output::Json {
        let stories: Vec<_> = machine::stories().collect();
        return print_json(&json!({ "schema": "conduit.explain/1", "stories": stories }));
    }
    for story in machine::stories() {
        sayln!("{}  {}", story.code, story.title);
    }
    Ok(())
}

fn unknown(code: &str) -> CliError {
    let nearest = machine::nearest_code(code).map(|near| format!("did you mean `{near}`? "));
    let nearest = nearest.unwrap_or_default();
    CliError::NotFound(format!("there is no code `{code}`: {nearest}`conduit explain` lists them all"))
}

fn text(story: &Story) -> String {
    let Story { code, title, meaning, wrong, right } = story;
    let meaning = wrap(meaning);
    format!("{code}: {title}\n\n{meaning}\n\nWrong:\n\n{}\n\nRight:\n\n{}\n", indent(wrong), indent(right))
}

/// Breaks text into lines at its spaces.
fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

fn indent(text: &str) -> String {
    let lines = text.lines().map(|line| if line.is_empty() { String::new() } else { format!("    {line}") });
    lines.collect::<Vec<_>>().join("\n")
}
