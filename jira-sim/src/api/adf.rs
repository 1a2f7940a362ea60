//! Atlassian Document Format: whether a document is one, and the way between it and plain text.

use serde_json::{Value, json};

use crate::state::Text;

const BLOCKS: [&str; 15] = [
    "paragraph",
    "heading",
    "bulletList",
    "orderedList",
    "listItem",
    "codeBlock",
    "blockquote",
    "panel",
    "rule",
    "table",
    "tableRow",
    "tableCell",
    "tableHeader",
    "expand",
    "taskList",
];
const INLINES: [&str; 8] =
    ["text", "hardBreak", "mention", "emoji", "inlineCard", "status", "date", "taskItem"];
const MARKS: [&str; 9] =
    ["strong", "em", "code", "link", "strike", "underline", "subsup", "textColor", "backgroundColor"];

/// Whether `document` is a document that Jira takes: version 1, known nodes, no empty text, links with an address.
pub(crate) fn is_document(document: &Value) -> bool {
    let content = document["content"].as_array();
    document["type"] == "doc"
        && document["version"] == 1
        && content.is_some_and(|nodes| nodes.iter().all(|node| is_block(node) && is_node(node)))
}

fn is_block(node: &Value) -> bool {
    node["type"].as_str().is_some_and(|kind| BLOCKS.contains(&kind))
}

fn is_node(node: &Value) -> bool {
    let Some(kind) = node["type"].as_str() else {
        return false;
    };
    let known = BLOCKS.contains(&kind) || INLINES.contains(&kind);
    let text = kind != "text" || node["text"].as_str().is_some_and(|text| !text.is_empty());
    known && text && all(&node["marks"], is_mark) && all(&node["content"], is_node)
}

fn is_mark(mark: &Value) -> bool {
    let Some(kind) = mark["type"].as_str() else {
        return false;
    };
    MARKS.contains(&kind) && (kind != "link" || mark["attrs"]["href"].is_string())
}

/// Whether a list is absent, or a list of what it should be.
fn all(list: &Value, each: fn(&Value) -> bool) -> bool {
    match list {
        Value::Null => true,
        Value::Array(list) => list.iter().all(each),
        _ => false,
    }
}

impl Text {
    /// The text as a person reads it.
    pub(crate) fn plain(&self) -> String {
        match self {
            Self::Wiki(text) => text.clone(),
            Self::Adf(document) => {
                let mut text = String::new();
                write_plain(document, &mut text);
                text.trim_end().to_owned()
            }
        }
    }

    /// The text as an ADF document.
    pub(crate) fn document(&self) -> Value {
        match self {
            Self::Adf(document) => document.clone(),
            Self::Wiki(text) => {
                let line = |line: &str| match line {
                    "" => json!({ "type": "paragraph", "content": [] }),
                    line => {
                        json!({ "type": "paragraph", "content": [{ "type": "text", "text": line }] })
                    }
                };
                let content: Vec<Value> = text.lines().map(line).collect();
                json!({ "type": "doc", "version": 1, "content": content })
            }
        }
    }

    /// Whether there is nothing to read in it.
    pub(crate) fn is_blank(&self) -> bool {
        self.plain().trim().is_empty()
    }
}

fn write_plain(node: &Value, text: &mut String) {
    match node["type"].as_str() {
        Some("text") => text.push_str(node["text"].as_str().unwrap_or_default()),
        Some("hardBreak") => text.push('\n'),
        Some("inlineCard") => text.push_str(node["attrs"]["url"].as_str().unwrap_or_default()),
        _ => {}
    }
    for child in node["content"].as_array().into_iter().flatten() {
        write_plain(child, text);
    }
    if is_block(node) && !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraph(content: &Value) -> Value {
        json!({ "type": "doc", "version": 1, "content": [{ "type": "paragraph", "content": content }] })
    }

    #[test]
    fn a_document_is_read_as_its_lines() {
        let document =
            paragraph(&json!([{ "type": "text", "text": "Merged " }, { "type": "text", "text": "#7" }]));
        assert!(is_document(&document));
        assert_eq!(Text::Adf(document).plain(), "Merged #7");
    }

    #[test]
    fn wiki_text_becomes_a_document_and_comes_back() {
        let text = Text::Wiki("one\ntwo".into());
        assert!(is_document(&text.document()));
        assert_eq!(Text::Adf(text.document()).plain(), "one\ntwo");
    }

    #[test]
    fn what_jira_would_not_take_is_no_document() {
        let wrong = [
            json!("a string"),
            json!({ "type": "doc", "content": [] }),
            json!({ "type": "doc", "version": 1, "content": [{ "type": "text", "text": "bare" }] }),
            paragraph(&json!([{ "type": "text", "text": "" }])),
            paragraph(&json!([{ "type": "txt", "text": "x" }])),
            paragraph(&json!([{ "type": "text", "text": "x", "marks": [{ "type": "link" }] }])),
        ];
        for document in wrong {
            assert!(!is_document(&document), "{document}");
        }
    }
}
