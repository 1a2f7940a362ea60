//! A site with one project, and a caller who knows its token.

use jira_sim::{Account, Builder, JiraSim, NewIssue, Permission, Project};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

pub(crate) const EMAIL: &str = "robot@example.com";
pub(crate) const TOKEN: &str = "api-token";

/// A Cloud site with the project SHOP and the issue SHOP-1.
pub(crate) fn shop() -> Builder {
    site_with(Account::with_api_token(EMAIL, TOKEN))
}

/// The same, where the robot lacks a permission.
pub(crate) fn shop_without(permission: Permission) -> Builder {
    site_with(Account::with_api_token(EMAIL, TOKEN).without(permission))
}

fn site_with(robot: Account) -> Builder {
    JiraSim::cloud()
        .account(robot)
        .account(Account::person("ana"))
        .project(Project::new("SHOP").name("Shop").version("1.0"))
        .issue(NewIssue::new("SHOP-1").summary("Sell things"))
}

/// A caller with the API in its hands.
pub(crate) struct Caller {
    client: Client,
    base: String,
    login: Login,
}

pub(crate) enum Login {
    Basic(&'static str, &'static str),
    Bearer(&'static str),
    Bought(String),
    None,
}

impl Caller {
    /// The robot, at version 3 of the API.
    pub(crate) fn robot(jira: &JiraSim) -> Self {
        Self::new(jira, 3, Login::Basic(EMAIL, TOKEN))
    }

    pub(crate) fn new(jira: &JiraSim, version: u8, login: Login) -> Self {
        Self { client: Client::new(), base: format!("{}/rest/api/{version}", jira.url()), login }
    }

    /// The same below the gateway.
    pub(crate) fn through_gateway(jira: &JiraSim, login: Login) -> Self {
        Self { client: Client::new(), base: format!("{}/rest/api/3", jira.gateway_url()), login }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/{path}", self.base));
        match &self.login {
            Login::Basic(user, secret) => request.basic_auth(user, Some(secret)),
            Login::Bearer(token) => request.bearer_auth(token),
            Login::Bought(token) => request.bearer_auth(token),
            Login::None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(&body).send().await.unwrap()).await
    }

    /// POST of a transition by id.
    pub(crate) async fn transition(&self, key: &str, id: &str) -> Answer {
        let body = serde_json::json!({ "transition": { "id": id } });
        self.post(&format!("issue/{key}/transitions"), body).await
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let headers = response.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        Self { status: response.status().as_u16(), headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The answer's status, and what its error collection says.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let json = self.json();
        let messages = json["errorMessages"].as_array().into_iter().flatten();
        let messages = messages.map(|one| one.as_str().unwrap().to_owned());
        let errors = json["errors"].as_object().into_iter().flatten();
        let errors = errors.map(|(field, text)| format!("{field}: {}", text.as_str().unwrap()));
        (self.status, messages.chain(errors).collect::<Vec<_>>().join(" | "))
    }
}
