//! The Jira client: the few calls Conduit makes, in both of Jira's dialects.
//!
//! | file | what it is |
//! |---|---|
//! | `endpoint` | the calls that there are, each named once |
//! | `site` | one site's address, login and dialect |
//! | `client` | sending one request, and what is measured and written down about it |
//! | `connection`, `turns` | the way there and back; and whose turn it is |
//! | `span` | what the traces say of a request |
//! | `reach`, `login` | before that: where the site is behind a gateway, as whom we come; after it: whether Jira knew us |
//! | `issue`, `effects` | the calls themselves: a ticket and its transitions; what is written beside a move |
//! | `bulk` | many tickets in one call |
//! | `missing` | why a transition or a ticket is not there for us |
//! | `permission`, `survey` | what the account may do; looking a site over without being able to write |
//! | `answer` | PURE: the one table from an answer to a [`Failure`] |
//! | [`webhooks`] | Jira's own webhooks, as an administrator manages them |
//! | `shape` | PURE: how Jira wants a field's value |
//! | `said`, `pause` | PURE: what Jira said, and how long it asks to be left alone |
//! | `signals`, `limits` | PURE: what answers say about limits, and when the next request may go |
//! | `statuses`, `choose` | PURE: which statuses a name stands for, and which transition leads to one |
//! | `transitions` | the memory of what was offered, and of what statuses are called |
//! | `adf`, `wiki`, `text` | PURE: plain text as the dialects want it, without markup of its own |
//! | `model`, `wire` | what the calls answer, and how it stands in Jira's JSON |
//!
//! Three facts about Jira shape this module. The name of a transition says nothing, so it is matched on the
//! id of the *status it leads to*. A 5xx or a silence after a write says nothing either, so a failure tells whether its
//! [outcome is unknown](JiraError::outcome_unknown). And messages follow the account's language, so they
//! are shown to people and never parsed.

mod adf;
mod answer;
mod bulk;
mod call;
mod choose;
mod client;
mod connection;
mod credential;
mod effects;
mod endpoint;
mod error;
mod issue;
mod limits;
mod login;
mod missing;
mod model;
mod pause;
pub mod permission;
mod reach;
mod said;
mod shape;
mod signals;
mod site;
mod span;
mod statuses;
mod survey;
mod text;
mod transitions;
mod turns;
pub mod webhooks;
mod wiki;
mod wire;

pub use bulk::{MOVED_AT_ONCE, READ_AT_ONCE};
pub use call::{Call, CallLog};
pub use choose::{Lookup, Target, choose, leading_to};
pub use client::{JiraClient, Observer, TIMEOUT};
pub use credential::Credential;
pub use endpoint::Endpoint;
pub use error::{Failure, JiraError};
pub use missing::{NoIssue, NoWay};
pub use model::{
    Account, Comment, Issue, Named, RemoteLink, RequiredField, StatusChange, Transition, TransitionRequest,
    Version,
};
pub use permission::{Permissions, Scope};
pub use shape::Shape;
pub use site::{Auth, Dialect, GATEWAY, Gateway, Site, SiteError, TOKEN_URL};
pub use survey::{About, BoardStatus, Category, RateLimit, Recent, Sample, Survey, TypeStatuses};
pub use transitions::TransitionCache;
pub use webhooks::{Webhook, Webhooks};

#[cfg(test)]
mod tests;
