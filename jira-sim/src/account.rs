//! People: who can log in, how, and what they may do.

use std::collections::BTreeSet;

/// A permission the simulator asks for. Everybody has all of them until one is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// To see a project and its issues; without it they answer 404.
    BrowseProjects,
    /// To move issues; without it the list of transitions is empty.
    TransitionIssues,
    /// To change an issue's fields.
    EditIssues,
    /// To comment.
    AddComments,
    /// To link an issue with something else.
    LinkIssues,
    /// To create and change versions.
    AdministerProjects,
}

impl Permission {
    pub(crate) const ALL: [Self; 6] = [
        Self::BrowseProjects,
        Self::TransitionIssues,
        Self::EditIssues,
        Self::AddComments,
        Self::LinkIssues,
        Self::AdministerProjects,
    ];

    /// Jira's key for it, as `mypermissions` spells it.
    pub fn key(self) -> &'static str {
        match self {
            Self::BrowseProjects => "BROWSE_PROJECTS",
            Self::TransitionIssues => "TRANSITION_ISSUES",
            Self::EditIssues => "EDIT_ISSUES",
            Self::AddComments => "ADD_COMMENTS",
            Self::LinkIssues => "LINK_ISSUES",
            Self::AdministerProjects => "ADMINISTER_PROJECTS",
        }
    }
}

/// How an account proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Login {
    /// `Authorization: Basic base64(user:secret)`.
    Basic { user: String, secret: String },
    /// `Authorization: Bearer secret`.
    Bearer { secret: String },
    /// A person who only appears in the history.
    None,
}

/// Somebody known to the site.
#[derive(Debug, Clone)]
pub struct Account {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) email: String,
    pub(crate) login: Login,
    pub(crate) denied: BTreeSet<Permission>,
}

impl Account {
    /// A Cloud account with an API token: Basic `email:token`.
    pub fn with_api_token(email: &str, token: &str) -> Self {
        Self::new(email, email, Login::Basic { user: email.into(), secret: token.into() })
    }

    /// A Data Center user with a password: Basic `user:password`.
    pub fn with_password(user: &str, password: &str) -> Self {
        let login = Login::Basic { user: user.into(), secret: password.into() };
        Self::new(user, &format!("{user}@example.com"), login)
    }

    /// A Data Center user with a personal access token: Bearer.
    pub fn with_access_token(user: &str, token: &str) -> Self {
        Self::new(user, &format!("{user}@example.com"), Login::Bearer { secret: token.into() })
    }

    /// Somebody who works in Jira's own pages and never calls the API.
    pub fn person(name: &str) -> Self {
        Self::new(name, &format!("{name}@example.com"), Login::None)
    }

    fn new(name: &str, email: &str, login: Login) -> Self {
        Self {
            id: account_id(name),
            name: name.into(),
            display_name: name.split('@').next().unwrap_or(name).into(),
            email: email.into(),
            login,
            denied: BTreeSet::new(),
        }
    }

    /// The id by which the change log names it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name that people read.
    #[must_use]
    pub fn display_name(mut self, name: &str) -> Self {
        self.display_name = name.into();
        self
    }

    /// Takes a permission away, in every project.
    #[must_use]
    pub fn without(mut self, permission: Permission) -> Self {
        self.denied.insert(permission);
        self
    }

    pub(crate) fn may(&self, permission: Permission) -> bool {
        !self.denied.contains(&permission)
    }

    /// Whether `who` names this account by any of its names.
    pub(crate) fn is_called(&self, who: &str) -> bool {
        [&self.id, &self.name, &self.email, &self.display_name].into_iter().any(|name| name == who)
    }
}

/// A stable id that says nothing about the person, as Cloud's do.
fn account_id(name: &str) -> String {
    // FNV-1a: stable from run to run, which the standard hasher does not promise.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("5b10{hash:016x}")
}
