//! Who is asking.

use data_encoding::BASE64;
use serde_json::json;

use crate::account::{Account, Login, Permission};
use crate::dialect::Dialect;
use crate::journal::header;
use crate::language;
use crate::refusal::{Answer, Refusal};
use crate::state::State;

/// The one who asks.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    Known(Box<Account>),
    /// Nobody in particular, who may read everything if the site is open.
    Anonymous {
        reads: bool,
    },
}

impl Caller {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Known(account) => &account.name,
            Self::Anonymous { .. } => "anonymous",
        }
    }

    /// Whether the caller showed an API token, and not one that client credentials bought.
    pub(crate) fn has_api_token(&self) -> bool {
        matches!(self, Self::Known(account) if !matches!(account.login, Login::Client { .. }))
    }

    /// The language the caller reads in.
    pub(crate) fn language(&self) -> &str {
        match self {
            Self::Known(account) => language::of_locale(&account.locale),
            Self::Anonymous { .. } => "en",
        }
    }

    pub(crate) fn may(&self, permission: Permission) -> bool {
        match self {
            Self::Known(account) => account.may(permission),
            Self::Anonymous { reads } => *reads && permission == Permission::BrowseProjects,
        }
    }

    pub(crate) fn may_in(&self, permission: Permission, project: &str) -> bool {
        match self {
            Self::Known(account) => account.may_in(permission, project),
            Self::Anonymous { .. } => self.may(permission),
        }
    }

    /// The account, for what nobody in particular can do.
    pub(crate) fn account(&self, dialect: Dialect) -> Result<&Account, Refusal> {
        match self {
            Self::Known(account) => Ok(account),
            Self::Anonymous { .. } => Err(unauthenticated(dialect)),
        }
    }
}

/// Reads the `Authorization` header. A wrong one is refused, except where a Data Center takes it for nobody.
pub(crate) fn identify(
    state: &State,
    headers: &[(String, String)],
    through_gateway: bool,
) -> Result<Caller, Refusal> {
    let anonymous = Caller::Anonymous { reads: state.switches.anonymous_reads };
    let Some(value) = header(headers, "authorization") else {
        return Ok(anonymous);
    };
    let account = shown(value).and_then(|shown| holder(state, &shown, through_gateway));
    match account {
        Some(account) => Ok(Caller::Known(Box::new(account.clone()))),
        None if state.switches.anonymous_reads => Ok(anonymous),
        None => Err(unauthenticated(state.dialect)),
    }
}

/// What an `Authorization` header shows.
enum Shown {
    Basic { user: String, secret: String },
    Bearer(String),
}

fn shown(value: &str) -> Option<Shown> {
    let (scheme, credentials) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Shown::Bearer(credentials.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(credentials.as_bytes()).ok()?).ok()?;
    let (user, secret) = decoded.split_once(':')?;
    Some(Shown::Basic { user: user.into(), secret: secret.into() })
}

/// Whose credentials these are. Scoped and bought tokens open the gateway, the others open the site itself.
fn holder<'a>(state: &'a State, shown: &Shown, through_gateway: bool) -> Option<&'a Account> {
    let opens = |login: &Login| match (login, shown) {
        (Login::Basic { user, secret }, Shown::Basic { user: name, secret: word }) => {
            !through_gateway && user == name && secret == word
        }
        (Login::Scoped { user, secret }, Shown::Basic { user: name, secret: word }) => {
            through_gateway && user == name && secret == word
        }
        (Login::Bearer { secret }, Shown::Bearer(word)) => !through_gateway && secret == word,
        (Login::Scoped { secret, .. }, Shown::Bearer(word)) => through_gateway && secret == word,
        _ => false,
    };
    let bought = match shown {
        Shown::Bearer(word) if through_gateway => state.tokens.holder(word, state.now()),
        _ => None,
    };
    state.accounts.iter().find(|account| opens(&account.login) || bought == Some(account.id.as_str()))
}

fn unauthenticated(dialect: Dialect) -> Refusal {
    let message = "Client must be authenticated to access this resource.";
    match dialect {
        Dialect::Cloud => Refusal::message(401, message),
        Dialect::DataCenter => Refusal(Answer::json(401, &json!({ "message": message, "status-code": 401 }))),
    }
}
