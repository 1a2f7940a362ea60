//! Somebody with the API in hand, who insists on what is answered.

use anyhow::{Result, ensure};
use jira_sim::{Account, JiraSim};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// A login of the simulated site.
#[derive(Debug, Clone, Copy)]
pub(super) struct Login {
    pub(super) email: &'static str,
    token: &'static str,
}

pub(super) const ROBOT: Login = Login { email: "robot@example.com", token: "api-token" };
pub(super) const ADMINISTRATOR: Login = Login { email: "admin@example.com", token: "admin-token" };

impl Login {
    pub(super) fn account(self) -> Account {
        Account::with_api_token(self.email, self.token)
    }

    pub(super) fn sign(self, request: RequestBuilder) -> RequestBuilder {
        request.basic_auth(self.email, Some(self.token))
    }
}

/// How a caller proves who it is.
enum Proof {
    Basic(Login),
    Bearer(String),
}

pub(super) struct Caller {
    client: Client,
    base: String,
    proof: Proof,
}

impl Caller {
    /// At the site itself.
    pub(super) fn of(jira: &JiraSim, login: Login) -> Self {
        let base = format!("{}/rest/api/3", jira.url());
        Self { client: Client::new(), base, proof: Proof::Basic(login) }
    }

    /// Through the gateway, with a token that was bought.
    pub(super) fn through_gateway(jira: &JiraSim, token: String) -> Self {
        let base = format!("{}/rest/api/3", jira.gateway_url());
        Self { client: Client::new(), base, proof: Proof::Bearer(token) }
    }

    /// Asks, and insists on the status.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        status: u16,
    ) -> Result<Value> {
        let request = self.client.request(method.clone(), format!("{}/{path}", self.base));
        let request = match &self.proof {
            Proof::Basic(login) => login.sign(request),
            Proof::Bearer(token) => request.bearer_auth(token),
        };
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().await?;
        let found = response.status().as_u16();
        let text = response.text().await?;
        ensure!(found == status, "{method} {path}: expected {status}, the simulator answered {found} {text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    pub(super) async fn get(&self, path: &str, status: u16) -> Result<Value> {
        self.ask(Method::GET, path, None, status).await
    }

    pub(super) async fn post(&self, path: &str, body: Value, status: u16) -> Result<Value> {
        self.ask(Method::POST, path, Some(body), status).await
    }

    pub(super) async fn put(&self, path: &str, body: Value, status: u16) -> Result<Value> {
        self.ask(Method::PUT, path, Some(body), status).await
    }
}
