//! People: who can log in, how, and what they may do.

use std::collections::BTreeSet;

/// A permission the simulator asks for. Everybody has all of them until one is taken away, except that only
/// [`Account::administrator`] administers the site.
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
    /// To change many issues at once; a permission of the whole site.
    BulkChange,
    /// To read workflows and to manage webhooks; a permission of the whole site.
    Administer,
}

impl Permission {
    pub(crate) const ALL: [Self; 8] = [
        Self::BrowseProjects,
        Self::TransitionIssues,
        Self::EditIssues,
        Self::AddComments,
        Self::LinkIssues,
        Self::AdministerProjects,
        Self::BulkChange,
        Self::Administer,
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
            Self::BulkChange => "BULK_CHANGE",
            Self::Administer => "ADMINISTER",
        }
    }

    /// Whether it is about the site and not about a project.
    pub(crate) fn is_global(self) -> bool {
        matches!(self, Self::BulkChange | Self::Administer)
    }
}

/// How an account proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Login {
    /// `Authorization: Basic base64(user:secret)`.
    Basic { user: String, secret: String },
    /// The same with a token that has scopes: Basic or Bearer, and only through the gateway.
    Scoped { user: String, secret: String },
    /// OAuth client credentials, which buy a Bearer token for the gateway.
    Client { id: String, secret: String },
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
    pub(crate) locale: String,
    pub(crate) login: Login,
    pub(crate) denied: BTreeSet<Permission>,
    /// What is denied in one project, by its key.
    pub(crate) denied_in: BTreeSet<(Permission, String)>,
}

impl Account {
    /// A Cloud account with an API token: Basic `email:token`.
    pub fn with_api_token(email: &str, token: &str) -> Self {
        Self::new(email, email, Login::Basic { user: email.into(), secret: token.into() })
    }

    /// A Cloud account with a scoped API token: Basic `email:token` or Bearer, through the gateway alone.
    pub fn with_scoped_token(email: &str, token: &str) -> Self {
        Self::new(email, email, Login::Scoped { user: email.into(), secret: token.into() })
    }

    /// A Cloud service account with OAuth client credentials, which it turns into a Bearer token at `/oauth/token`.
    pub fn with_client_credentials(client_id: &str, client_secret: &str) -> Self {
        let login = Login::Client { id: client_id.into(), secret: client_secret.into() };
        Self::new(client_id, &format!("{client_id}@serviceaccount.example.com"), login)
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
            locale: "en_GB".into(),
            login,
            denied: BTreeSet::from([Permission::Administer]),
            denied_in: BTreeSet::new(),
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

    /// The language it reads in, such as `fr_FR`: statuses with a translation have their own names then, and French is
    /// also the language of refusals.
    #[must_use]
    pub fn locale(mut self, locale: &str) -> Self {
        self.locale = locale.into();
        self
    }

    /// Takes a permission away, in every project.
    #[must_use]
    pub fn without(mut self, permission: Permission) -> Self {
        self.denied.insert(permission);
        self
    }

    /// Takes a permission away in one project.
    #[must_use]
    pub fn without_in(mut self, project: &str, permission: Permission) -> Self {
        self.denied_in.insert((permission, project.into()));
        self
    }

    /// Makes it an administrator of the site.
    #[must_use]
    pub fn administrator(mut self) -> Self {
        self.denied.remove(&Permission::Administer);
        self
    }

    pub(crate) fn may(&self, permission: Permission) -> bool {
        !self.denied.contains(&permission)
    }

    pub(crate) fn may_in(&self, permission: Permission, project: &str) -> bool {
        self.may(permission) && !self.denied_in.contains(&(permission, project.to_owned()))
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
