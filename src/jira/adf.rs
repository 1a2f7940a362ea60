//! Plain text as an Atlassian document: paragraphs that hold text and nothing else, so that whatever a
//! title or a branch name contains, it shows as it is.

use serde_json::{Value, json};

/// One paragraph a line; empty lines part paragraphs anyway.
pub(super) fn document(text: &str) -> Value {
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let paragraphs: Vec<_> = lines
        .map(|line| json!({ "type": "paragraph", "content": [{ "type": "text", "text": line }] }))
        .collect();
    json!({ "type": "doc", "version": 1, "content": paragraphs })
}

/// The text of a document, one line a block.
pub(super) fn plain(document: &Value) -> String {
    let mut text = String::new();
    collect(document, &mut text);
    text
}

/// The depth is bounded by the JSON parser's own limit.
fn collect(node: &Value, text: &mut String) {
    if let Some(piece) = node.get("text").and_then(Value::as_str) {
        text.push_str(piece);
    }
    for child in node.get("content").and_then(Value::as_array).into_iter().flatten() {
        collect(child, text);
    }
    if matches!(
        node.get("type").and_then(Value::as_str),
        Some("paragraph" | "hardBreak" | "heading" | "codeBlock")
    ) {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_paragraph_of_text() {
        let expected = json!({ "type": "doc", "version": 1, "content": [
            { "type": "paragraph", "content": [{ "type": "text", "text": "Merged in *acme/shop*." }] },
            { "type": "paragraph", "content": [{ "type": "text", "text": "[~ada] {code}" }] },
        ]});
        assert_eq!(document("Merged in *acme/shop*.  \n\n\n[~ada] {code}\n"), expected);
    }

    #[test]
    fn a_document_that_jira_rearranged_still_says_the_same() {
        let rearranged = json!({ "type": "doc", "version": 1, "content": [
            { "type": "paragraph", "content": [
                { "type": "text", "text": "Merged in " },
                { "type": "text", "text": "acme/shop", "marks": [{ "type": "strong" }] },
                { "type": "hardBreak" },
                { "type": "text", "text": "by Ada" }] }]});
        assert_eq!(plain(&rearranged), "Merged in acme/shop\nby Ada\n");
        assert_eq!(plain(&json!("not a document")), "");
    }
}
