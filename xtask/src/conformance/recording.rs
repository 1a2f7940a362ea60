//! What a scenario hands in: who talked, and what was said.

use jira_sim::{Exchange, Journal, Kind};
use serde_json::Value;

/// The exchanges of one scenario.
pub(crate) struct Recording {
    pub(crate) scenario: &'static str,
    /// The scenario asks wrongly on purpose, so a request that was refused is not held against the description.
    pub(crate) errs_on_purpose: bool,
    pub(crate) exchanges: Vec<Recorded>,
}

impl Recording {
    /// Everything in the simulator's journal.
    pub(crate) fn of(scenario: &'static str, errs_on_purpose: bool, journal: &Journal) -> Self {
        Self { scenario, errs_on_purpose, exchanges: journal.exchanges.iter().map(Recorded::from).collect() }
    }
}

/// One exchange, as far as the description speaks of it.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    /// As the description has it, also where it was asked elsewhere.
    pub(crate) path: String,
    /// Atlassian publishes no description of this path, so there is nothing to hold it against.
    pub(crate) undescribed: bool,
    /// The names of the query's parameters.
    pub(crate) parameters: Vec<String>,
    /// None where no body was sent.
    pub(crate) request: Option<Value>,
    /// None where no answer came.
    pub(crate) status: Option<u16>,
    /// None where the body was empty or no JSON.
    pub(crate) response: Option<Value>,
}

impl From<&Exchange> for Recorded {
    fn from(exchange: &Exchange) -> Self {
        let pairs = exchange.query.split('&').filter(|pair| !pair.is_empty());
        let names = pairs.map(|pair| pair.split('=').next().unwrap_or(pair).to_owned());
        Self {
            method: exchange.method.clone(),
            path: described_path(exchange),
            undescribed: UNDESCRIBED.contains(&exchange.kind),
            parameters: names.collect(),
            request: body(&exchange.request_body),
            status: exchange.status,
            response: body(&exchange.response_body),
        }
    }
}

/// What no document speaks of: logging in, the site's id, what only administrators may do, and the search that Cloud has
/// removed.
const UNDESCRIBED: [Kind; 6] =
    [Kind::TenantInfo, Kind::OAuthToken, Kind::WorkflowSearch, Kind::Webhooks, Kind::Webhook, Kind::Search];

/// The path that the description has. The gateway's paths are the site's, below the site's id; what other tools tell has
/// a path of its own at Atlassian's API host.
fn described_path(exchange: &Exchange) -> String {
    let fixed = match exchange.kind {
        Kind::DevInfo => "/rest/devinfo/0.10/bulk",
        Kind::Builds => "/rest/builds/0.1/bulk",
        Kind::Deployments => "/rest/deployments/0.1/bulk",
        _ => {
            let inner = exchange.path.strip_prefix("/ex/jira/").and_then(|rest| rest.split_once('/'));
            return inner.map_or_else(|| exchange.path.clone(), |(_, inner)| format!("/{inner}"));
        }
    };
    fixed.to_owned()
}

fn body(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}
