//! What a scenario hands in: who talked, and what was said.

use jira_sim::{Exchange, Journal};
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
        Self {
            scenario,
            errs_on_purpose,
            exchanges: journal.exchanges.iter().map(Recorded::from).collect(),
        }
    }
}

/// One exchange, as far as the description speaks of it.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) path: String,
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
            path: exchange.path.clone(),
            parameters: names.collect(),
            request: body(&exchange.request_body),
            status: exchange.status,
            response: body(&exchange.response_body),
        }
    }
}

fn body(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}
