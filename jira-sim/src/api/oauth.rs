//! What belongs to Atlassian's cloud rather than to a site: the site's id, and tokens for client credentials.

use actix_web::web::Query;
use serde_json::{Value, json};

use super::Call;
use crate::account::{Account, Login};
use crate::journal::header;
use crate::refusal::{Answer, Outcome, Refusal};

/// Anybody may ask a site for its id.
pub(crate) fn tenant_info(call: &Call) -> Answer {
    Answer::json(200, &json!({ "cloudId": call.state().cloud_id }))
}

/// Client credentials for a token, as JSON or as a form.
pub(crate) fn token(call: &mut Call) -> Outcome {
    let body = body(call).ok_or_else(|| refused(400, "invalid_request", "The body cannot be read."))?;
    if body["grant_type"] != "client_credentials" {
        return Err(refused(400, "unsupported_grant_type", "Use client_credentials."));
    }
    let shown = (body["client_id"].as_str(), body["client_secret"].as_str());
    let account = call.state().accounts.iter().find(|account| buys(account, shown));
    let account = account.ok_or_else(|| refused(401, "access_denied", "Unauthorized"))?.id.clone();
    let now = call.state().now();
    let (token, seconds) = call.core.state.tokens.give(&account, now);
    let answer = json!({
        "access_token": token,
        "expires_in": seconds,
        "token_type": "Bearer",
        "scope": "read:jira-work write:jira-work",
    });
    Ok(Answer::json(200, &answer))
}

fn buys(account: &Account, shown: (Option<&str>, Option<&str>)) -> bool {
    matches!(&account.login, Login::Client { id, secret } if shown == (Some(id), Some(secret)))
}

fn body(call: &Call) -> Option<Value> {
    let media_type = header(&call.request.headers, "content-type").unwrap_or_default();
    if media_type.starts_with("application/json") {
        return serde_json::from_slice(&call.request.body).ok();
    }
    let text = std::str::from_utf8(&call.request.body).ok()?;
    let pairs = Query::<Vec<(String, String)>>::from_query(text).ok()?.into_inner();
    Some(pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
}

/// An error as OAuth writes it.
fn refused(status: u16, error: &str, description: &str) -> Refusal {
    Refusal(Answer::json(status, &json!({ "error": error, "error_description": description })))
}
