//! Tokens: made, listed and revoked. A token is shown once, when it is made; of the others there are only hashes.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::ApiError;
use crate::http::answer::{self, Answer};
use crate::http::extract::Ask;
use crate::http::fields::{Field, Fields, Input, pattern};
use crate::registration::validate_repo_path;
use crate::secrets::Secret;
use crate::secrets::token::{FIRST_ADMIN, NotRevoked, Role, Token, is_name};

use super::queue::Nothing;

/// How many repositories or owners a token may be for.
const MOST_REPOS: usize = 50;

/// A token's name.
pub(super) struct Name(String);

/// What a new token is to be.
pub(super) struct New {
    name: String,
    role: Role,
    repos: Vec<String>,
    expires_at: Option<Timestamp>,
}

const NAME: Field = Field::text("name", "the token's name").like(pattern::TOKEN_NAME).required();

impl Input for Name {
    const FIELDS: &[Field] = &[NAME];

    fn read(fields: &mut Fields, _: Timestamp) -> Result<Self, ApiError> {
        let name = fields.required("name")?;
        let refusal = "`name` must be 1 to 64 of the characters A-Z a-z 0-9 . _ - @";
        if is_name(&name) { Ok(Self(name)) } else { Err(ApiError::Malformed(refusal.to_owned())) }
    }
}

impl Input for New {
    const FIELDS: &[Field] = &[
        NAME,
        Field::of::<Role>("role", "what its bearer may do").required(),
        Field::list("repos", "the repositories that it is for: acme/shop, acme/*; left out: all")
            .like(pattern::REPO_PATH)
            .at_most(MOST_REPOS),
        Field::text("expires", "how long it is valid: 12h, 90d; left out: until it is revoked")
            .like(pattern::LASTING),
    ];

    fn read(fields: &mut Fields, now: Timestamp) -> Result<Self, ApiError> {
        let Name(name) = Name::read(fields, now)?;
        if name == FIRST_ADMIN {
            let text = "`name`: first-admin is the name of the token that a start sets (CONDUIT_ADMIN_TOKEN); \
                        choose another one";
            return Err(ApiError::Malformed(text.to_owned()));
        }
        let role = fields.parsed::<Role>("role")?.ok_or(ApiError::Missing("role"))?;
        Ok(Self { name, role, repos: repos(fields, role)?, expires_at: expiry(fields, now)? })
    }
}

fn repos(fields: &mut Fields, role: Role) -> Result<Vec<String>, ApiError> {
    let repos = fields.list("repos")?.unwrap_or_default();
    if role == Role::Admin && !repos.is_empty() {
        let text =
            "`repos`: an admin's token is for all repositories; leave them out, or choose another role";
        return Err(ApiError::Malformed(text.to_owned()));
    }
    if repos.len() > MOST_REPOS {
        return Err(ApiError::Malformed(format!(
            "`repos` may name {MOST_REPOS} at most; OWNER/* covers many"
        )));
    }
    repos.iter().try_for_each(|repo| validate_repo_path(repo))?;
    Ok(repos)
}

fn expiry(fields: &mut Fields, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
    let Some(life) = fields.duration("expires")? else { return Ok(None) };
    let end = now.checked_add(life).ok().filter(|_| !life.is_zero());
    let refusal = || ApiError::Malformed("`expires` must be a length of time like 12h or 90d".to_owned());
    end.map(Some).ok_or_else(refusal)
}

/// `POST /conduit/api/tokens`
pub(super) async fn create(ask: Ask<New>) -> Answer<Made<'static>, 201> {
    let New { name, role, repos, expires_at } = ask.input;
    let tokens = ask.state.store.tokens().await?;
    if tokens.iter().any(|token| token.name == name && token.is_valid(ask.now)) {
        return Err(ApiError::Conflict(format!(
            "there is a token {name} already; revoke it, or choose another name"
        )));
    }
    let secret =
        Secret::generate().map_err(|error| ApiError::internal("no random bytes for a token", error))?;
    let token = Token { repos, expires_at, ..Token::new(&name, role, &secret, ask.now) };
    ask.state.store.save_token(&token).await?;
    ask.state.tokens.forget();
    tracing::info!("token {name} ({role}) made by {}", ask.by);
    ask.state.done(&ask.by, &name).await;
    let shown = Shown::new(&token, ask.now);
    Ok(answer::with(Made { token: secret.expose(), made: shown }))
}

/// `GET /conduit/api/tokens`
pub(super) async fn list(ask: Ask<Nothing>) -> Answer<Vec<Shown<'static>>> {
    let mut tokens = ask.state.store.tokens().await?;
    tokens.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
    Ok(answer::ok(tokens.iter().map(|token| Shown::new(token, ask.now)).collect::<Vec<_>>()))
}

/// `DELETE /conduit/api/tokens/{name}`
pub(super) async fn revoke(ask: Ask<Name>) -> Answer<Revoked<'static>> {
    let Name(name) = &ask.input;
    match ask.state.store.revoke_tokens(name, ask.now).await? {
        Ok(()) => ask.state.tokens.forget(),
        Err(NotRevoked::NotFound) => {
            return Err(ApiError::NotFound(format!("there is no token {name} that is not revoked already")));
        }
        Err(NotRevoked::LastAdmin) => {
            return Err(ApiError::Conflict(format!(
                "{name} is the last administrator's token that does not expire; make another one first"
            )));
        }
    }
    tracing::info!("token {name} revoked by {}", ask.by);
    ask.state.done(&ask.by, name).await;
    Ok(answer::ok(Revoked { name }))
}

/// A new token, the one time that it is seen.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NewToken")]
pub(super) struct Made<'a> {
    token: &'a str,
    #[serde(flatten)]
    made: Shown<'a>,
}

/// The token that opens nothing any more.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RevokedToken")]
pub(super) struct Revoked<'a> {
    name: &'a str,
}

/// A token as it may be seen: everything but its hash.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Token")]
pub(super) struct Shown<'a> {
    name: &'a str,
    role: Role,
    /// Empty: all.
    repos: &'a [String],
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    /// Whether it opens anything now.
    valid: bool,
}

impl<'a> Shown<'a> {
    fn new(token: &'a Token, now: Timestamp) -> Self {
        let Token { name, role, repos, created_at, expires_at, revoked_at, .. } = token;
        let valid = token.is_valid(now);
        Self {
            name,
            role: *role,
            repos,
            created_at: *created_at,
            expires_at: *expires_at,
            revoked_at: *revoked_at,
            valid,
        }
    }
}
