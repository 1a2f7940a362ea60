//! A stateful, strict simulation of the parts of Jira that Conduit talks to.
//!
//! It is served over real HTTP on 127.0.0.1, so a client cannot tell it from a site, except that its tests can
//! reach behind it: move a ticket as somebody else, hold a request at a gate, drop a connection after the change
//! was applied, read every exchange that took place. A request that Jira would refuse, it refuses, with Jira's
//! status and body.
//!
//! The state is data, and every answer is derived from it; the habit is that of the fake GitHub in rust-lang/bors.
//!
//! ```no_run
//! # async fn story() -> Result<(), jira_sim::SetupError> {
//! use jira_sim::{Account, JiraSim, NewIssue, Project, Workflow};
//!
//! let jira = JiraSim::cloud()
//!     .account(Account::with_api_token("robot@example.com", "token"))
//!     .project(Project::new("SHOP").workflow(Workflow::simplified(&["To Do", "In Progress", "Done"])))
//!     .issue(NewIssue::new("SHOP-1").summary("Sell things"))
//!     .start()
//!     .await?;
//! println!("{}", jira.url());
//! # Ok(()) }
//! ```

mod account;
mod api;
mod board;
mod builder;
mod clock;
mod control;
mod dialect;
mod fault;
mod field;
mod gate;
mod journal;
mod language;
mod limits;
mod refusal;
mod render;
mod route;
mod server;
mod state;
mod tokens;
mod webhook;
mod workflow;

pub use account::{Account, Permission};
pub use builder::{Builder, NewIssue, Project, SetupError};
pub use clock::Clock;
pub use control::{JiraSim, TimedOut, View};
pub use dialect::Dialect;
pub use fault::{Fault, Standing, When};
pub use field::Field;
pub use gate::Gate;
pub use journal::{Exchange, Journal};
pub use limits::Limits;
pub use refusal::Answer;
pub use route::Kind;
pub use state::{
    BulkTask, Comment, Development, History, HistoryItem, Issue, RemoteLink, TaskStatus, Version,
};
pub use webhook::{DeliveryState, WebhookDelivery};
pub use workflow::{Category, Condition, Transition, Validator, Workflow};
