//! The little JQL that the simulator understands: `key in (A-1, A-2)`, `key = A-1`, `project = A`,
//! `project in (A, B)`, joined by AND, with an ORDER BY that is read over.

use crate::refusal::Refusal;
use crate::state::{Issue, State};

/// One clause: a field and the values it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) field: Field,
    pub(crate) values: Vec<String>,
}

impl Clause {
    /// Whether the issue is one of those that the clause means.
    pub(crate) fn fits(&self, state: &State, issue: &Issue) -> bool {
        self.values.iter().any(|value| match self.field {
            Field::Key => state.issue(value).is_some_and(|one| one.id == issue.id),
            Field::Project => state.project(value).is_some_and(|project| project.key == issue.project),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Key,
    Project,
}

/// Reads a query. No clauses means that it is unbounded.
pub(crate) fn parse(jql: &str) -> Result<Vec<Clause>, Refusal> {
    let words = words(jql);
    let order = words.iter().position(|word| word.eq_ignore_ascii_case("order"));
    let words = &words[..order.unwrap_or(words.len())];
    if words.is_empty() {
        return Ok(Vec::new());
    }
    words.split(|word| word.eq_ignore_ascii_case("and")).map(clause).collect()
}

fn clause(words: &[String]) -> Result<Clause, Refusal> {
    let [field, operator, values @ ..] = words else {
        return Err(cannot_read(words));
    };
    let field = match field.to_lowercase().as_str() {
        "key" | "issuekey" | "issue" | "id" => Field::Key,
        "project" => Field::Project,
        _ => {
            let message = format!("Field '{field}' does not exist or you do not have permission to view it.");
            return Err(Refusal::bad_request(message));
        }
    };
    let values = match (operator.to_lowercase().as_str(), values) {
        ("=", [value]) => vec![value.clone()],
        ("in", [open, list @ .., close]) if open == "(" && close == ")" => separated(list)?,
        _ => return Err(cannot_read(words)),
    };
    Ok(Clause { field, values })
}

/// The values of a list: every second word a comma, and at least one value.
fn separated(list: &[String]) -> Result<Vec<String>, Refusal> {
    let commas = list.iter().skip(1).step_by(2).all(|word| word == ",");
    let values: Vec<String> = list.iter().step_by(2).cloned().collect();
    if commas && list.len() % 2 == 1 && values.iter().all(|value| value != ",") {
        return Ok(values);
    }
    Err(cannot_read(list))
}

fn cannot_read(words: &[String]) -> Refusal {
    let message = format!(
        "Error in the JQL Query: expecting a field, an operator and a value but got '{}'.",
        words.join(" ")
    );
    Refusal::bad_request(message)
}

/// Splits into words, with `(`, `)`, `,` and `=` on their own and quotation marks taken off.
fn words(jql: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for character in jql.chars() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '(' | ')' | ',' | '=') => {
                words.extend([std::mem::take(&mut word), character.to_string()]);
            }
            (None, _) if character.is_whitespace() => words.push(std::mem::take(&mut word)),
            _ => word.push(character),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clauses(jql: &str) -> Vec<(Field, Vec<String>)> {
        parse(jql).unwrap().into_iter().map(|clause| (clause.field, clause.values)).collect()
    }

    #[test]
    fn keys_and_projects_are_read() {
        let keys = vec!["SHOP-1".to_owned(), "SHOP-2".to_owned()];
        assert_eq!(clauses("key in (SHOP-1,\"SHOP-2\") ORDER BY key"), [(Field::Key, keys)]);
        let both = clauses("project = SHOP AND issuekey=SHOP-1");
        assert_eq!(both, [(Field::Project, vec!["SHOP".into()]), (Field::Key, vec!["SHOP-1".into()])]);
    }

    #[test]
    fn nothing_is_unbounded_and_nonsense_is_refused() {
        assert!(parse("").unwrap().is_empty());
        assert!(parse("order by created").unwrap().is_empty());
        for jql in ["key in ()", "key in (A-1", "key", "key in (A-1 A-2)", "colour = red", "key = A-1 and"] {
            assert!(parse(jql).is_err(), "{jql}");
        }
    }
}
