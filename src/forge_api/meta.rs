//! From which addresses GitHub sends its webhooks.
//!
//! <https://docs.github.com/en/rest/meta/meta#get-github-meta-information>: anybody may ask, sixty times an hour.

use ipnet::IpNet;
use reqwest::StatusCode;
use serde::Deserialize;
use url::Url;

use super::github::{body, client};
use super::{ForgeError, ForgeFailure};

const WHAT: &str = "addresses of its webhooks";

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    hooks: Vec<String>,
}

/// The networks that the GitHub at `base` sends webhooks from.
pub async fn hook_networks(base: &Url) -> Result<Vec<IpNet>, ForgeError> {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push("meta");
    }
    let http = client(base).build().map_err(|error| failed(&format!("TLS cannot be set up: {error}")))?;
    let answer = http.get(url).send().await.map_err(|error| failed(&error.without_url().to_string()))?;
    if answer.status() != StatusCode::OK {
        return Err(failed(&format!("it answered {}", answer.status().as_u16())));
    }
    let body = body(answer, WHAT).await?;
    let meta: Meta = serde_json::from_slice(&body).map_err(|_| failed("the answer cannot be read"))?;
    let networks = meta.hooks.iter().map(|text| text.parse());
    let networks: Vec<IpNet> =
        networks.collect::<Result<_, _>>().map_err(|_| failed("one of them is not a network"))?;
    // An empty list would lock GitHub out, and a list of everything nobody.
    if networks.is_empty() || networks.iter().any(|network| network.prefix_len() == 0) {
        return Err(failed("the answer names none"));
    }
    Ok(networks)
}

fn failed(why: &str) -> ForgeError {
    let message = format!("GitHub did not tell the {WHAT}: {why}");
    ForgeError { class: ForgeFailure::Unreachable, message }
}
