//! A sketch as a rule file.

use std::fmt::Write as _;

use super::sketch::{Sketch, Sketched, Step};

/// The file, not yet laid out.
pub(super) fn file(sketch: &Sketch) -> String {
    let Sketch { project, initial, states, guesses } = sketch;
    let mut text = format!(
        "# Begun by `conduit init {project}`, from the live project. What was guessed, for you to look at:\n"
    );
    for guess in guesses {
        let _ = writeln!(text, "#   * {}", one_line(guess));
    }
    let name = quoted(project);
    let _ = writeln!(text, "\nprovisioner {name} {{\naliasmapper {name} {{\naliases = {{");
    for Sketched { alias, status, .. } in states {
        let _ = writeln!(text, "{} = {}", key(alias), quoted(status));
    }
    let _ = writeln!(text, "}}\n}}\n\nstatemachine {name} {{\ninitial = {}\n", quoted(initial));
    for state in states {
        for (event, step) in [("next", &state.next), ("prev", &state.prev)] {
            if let Some(step) = step {
                edge(&mut text, &state.alias, event, step);
            }
        }
    }
    text.push_str("}\n}\n");
    text
}

fn edge(text: &mut String, alias: &str, event: &str, step: &Step) {
    let alias = quoted(alias);
    let to = quoted(step.to.as_deref().unwrap_or("<end>"));
    if step.via.is_none() && step.fields.is_empty() {
        let _ = writeln!(text, "state {alias} \"{event}\" {{ transition = {to} }}");
        return;
    }
    let _ = writeln!(text, "state {alias} \"{event}\" {{\ntransition = {to}");
    if let Some(via) = &step.via {
        let _ = writeln!(text, "via = {}", quoted(via));
    }
    if !step.fields.is_empty() {
        let fields: Vec<_> =
            step.fields.iter().map(|(id, value)| format!("{} = {}", key(id), quoted(value))).collect();
        let _ = writeln!(text, "fields = {{ {} }}", fields.join(", "));
    }
    text.push_str("}\n");
}

/// A key of an object: bare where it can be.
fn key(name: &str) -> String {
    let bare = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if bare { name.to_owned() } else { quoted(name) }
}

/// Text as HCL writes it, so that nothing in it is taken for a template.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out.replace("${", "$${").replace("%{", "%%{")
}

/// A comment ends with its line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
