//! What a matching rule writes, filled in from the event and the ticket.

use std::collections::BTreeMap;

use super::decision::{Effects, FixVersion, Link};
use super::expr::{Expr, Roots, Value, evaluate};
use super::model::{EffectTemplates, LinkTemplate, VersionTemplate};
use crate::trace::EffectTrace;

/// The longest comment, in characters: Jira takes little more.
const MAX_COMMENT: usize = 32_000;

impl EffectTemplates {
    /// The names of the effects there are, as written in a rule.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let all = [
            ("comment", self.comment.is_some()),
            ("link", self.link.is_some()),
            ("fix_version", self.fix_version.is_some()),
            ("fields", !self.fields.is_empty()),
        ];
        all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
    }

    /// Whether there is something to write when nothing moves.
    pub(super) fn stand_alone(&self) -> bool {
        self.link.is_some() || self.fix_version.is_some()
    }

    /// Fills in everything. What fails is left out and told; what is null is simply not there.
    pub(super) fn fill(&self, roots: Roots<'_>) -> Effects {
        let mut left_out = Vec::new();
        let mut keep = |effect: &str, problem: String| {
            let (effect, result) = (effect.to_owned(), "left_out".to_owned());
            left_out.push(EffectTrace { effect, result, detail: problem });
        };
        let comment = self.comment.as_ref().map(|template| comment(template, roots));
        let comment = comment.transpose().unwrap_or_else(|problem| {
            keep("comment", problem);
            None
        });
        let link = self.link.as_ref().map(|template| link(template, roots));
        let link = link.transpose().unwrap_or_else(|problem| {
            keep("link", problem);
            None
        });
        let version = self.fix_version.as_ref().map(|template| fix_version(template, roots));
        let version = version.transpose().unwrap_or_else(|problem| {
            keep("fix_version", problem);
            None
        });
        let mut fields = BTreeMap::new();
        for (name, template) in &self.fields {
            match field(template, roots) {
                Ok(Some(value)) => {
                    fields.insert(name.clone(), value);
                }
                Ok(None) => {}
                Err(problem) => keep("fields", format!("{name}: {problem}")),
            }
        }
        Effects {
            comment: comment.flatten(),
            link: link.flatten(),
            fix_version: version.flatten(),
            fields,
            left_out,
        }
    }
}

fn value<'a>(template: &'a Expr, roots: Roots<'a>) -> Result<Value<'a>, String> {
    evaluate(template, roots).map_err(|failure| failure.message)
}

/// A text, or `None` for null and for an empty one.
fn text(template: &Expr, roots: Roots<'_>) -> Result<Option<String>, String> {
    let value = value(template, roots)?;
    let text = value.to_text().ok_or_else(|| format!("{} has no form as text", value.describe()))?;
    Ok((!text.trim().is_empty()).then(|| text.into_owned()))
}

fn truth(template: Option<&Expr>, roots: Roots<'_>) -> Result<bool, String> {
    let Some(template) = template else { return Ok(false) };
    match value(template, roots)? {
        Value::Bool(value) => Ok(value),
        Value::Null => Ok(false),
        other => Err(format!("needs true or false, found {}", other.describe())),
    }
}

fn comment(template: &Expr, roots: Roots<'_>) -> Result<Option<String>, String> {
    let shortened = |text: String| match text.char_indices().nth(MAX_COMMENT) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    };
    Ok(text(template, roots)?.map(shortened))
}

fn link(template: &LinkTemplate, roots: Roots<'_>) -> Result<Option<Link>, String> {
    let Some(url) = text(&template.url, roots)? else { return Ok(None) };
    if !is_web_address(&url) {
        return Err("the url must be an http:// or https:// address".to_owned());
    }
    let title = template.title.as_ref().map(|title| text(title, roots)).transpose()?;
    Ok(Some(Link { title: title.flatten().unwrap_or_else(|| url.clone()), url }))
}

/// Whether a text is the address of a web page, which is all a ticket may link to.
pub(super) fn is_web_address(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    let web = scheme.is_some_and(|s| s.eq_ignore_ascii_case("http") || s.eq_ignore_ascii_case("https"));
    web && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn fix_version(template: &VersionTemplate, roots: Roots<'_>) -> Result<Option<FixVersion>, String> {
    let Some(name) = text(&template.name, roots)? else { return Ok(None) };
    Ok(Some(FixVersion {
        name,
        create: truth(template.create.as_ref(), roots)?,
        released: truth(template.released.as_ref(), roots)?,
    }))
}

fn field(template: &Expr, roots: Roots<'_>) -> Result<Option<serde_json::Value>, String> {
    let value = value(template, roots)?;
    let json = value.to_json().ok_or_else(|| format!("{} has no form as JSON", value.describe()))?;
    Ok((!json.is_null()).then_some(json))
}
