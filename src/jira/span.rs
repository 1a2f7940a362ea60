//! What the traces say of a request.

use super::JiraClient;
use super::client::Request;
use crate::telemetry::Span;

impl JiraClient {
    /// The span of a request, as a part of what its task is at.
    pub(super) fn span(&self, request: &Request<'_>) -> Span {
        let root = if request.root.is_empty() { self.api() } else { request.root };
        let place = || template(root, request.path);
        let span = Span::request(request.method.as_str(), place, Some(self.shared.base.server()));
        span.set("conduit.call", request.call.name());
        span.set("conduit.site", self.site().to_owned());
        span
    }
}

/// The path without what differs from one ticket to the next: `/rest/api/3/issue/{id}`. What Jira names is one word in small
/// letters first; what people name has digits, capitals or other signs in it.
fn template(root: &[&str], path: &[&str]) -> String {
    let is_word = |segment: &str| {
        segment.starts_with(|first: char| first.is_ascii_lowercase())
            && segment.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let path = path.iter().map(|segment| if is_word(segment) { *segment } else { "{id}" });
    root.iter().copied().chain(path).flat_map(|segment| ["/", segment]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tickets_have_one_template() {
        let of = |path: &[&str]| template(&["rest", "api", "3"], path);
        assert_eq!(of(&["issue", "SHOP-42", "transitions"]), "/rest/api/3/issue/{id}/transitions");
        assert_eq!(of(&["project", "SHOP", "versions"]), "/rest/api/3/project/{id}/versions");
        assert_eq!(of(&["bulk", "queue", "0f9c-a1"]), "/rest/api/3/bulk/queue/{id}");
        assert_eq!(of(&["serverInfo"]), "/rest/api/3/serverInfo");
    }
}
