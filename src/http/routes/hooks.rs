//! Registered hooks: made, given new secrets, listed and removed. A secret is shown once, when it is made.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::answer::{self, Answer};
use crate::http::extract::Ask;
use crate::http::fields::{Field, Fields, Input, pattern};
use crate::http::{ApiError, State, ingest};
use crate::registration::{DEFAULT_OVERLAP, Hook, LONGEST_REPO_PATH, validate_repo_id, validate_secret};
use crate::secrets::Secret;

/// How often a change is tried against others who change the same hook.
const TRIES: usize = 5;

/// The longest time that an old secret may stay valid beside its successor.
const LONGEST_OVERLAP: Duration = Duration::from_hours(30 * 24);

/// Which hook is meant.
pub(super) struct HookName {
    provider: String,
    repo_id: String,
}

/// What a new hook is to be.
pub(super) struct Registration {
    name: HookName,
    repo_path: String,
    projects: Option<Vec<String>>,
}

/// A registration with the secret that the forge has already.
pub(super) struct Import {
    registration: Registration,
    secret: Secret,
}

/// A new secret for a hook.
pub(super) struct Update {
    name: HookName,
    overlap: Duration,
}

/// Which hooks to list.
pub(super) struct Listing {
    provider: Option<String>,
}

const PROVIDER: Field = Field::one_of("provider", "the forge", ingest::providers);
const REPO_ID: Field =
    Field::text("repo_id", "the hook's name in its address").like(pattern::REPO_ID).required();
const REPO_PATH: Field = Field::text(
    "repo_path",
    "the repository, acme/shop, or all of an owner's, acme/*; Jira: acme.atlassian.net/SHOP",
)
.like(pattern::REPO_PATH)
.no_longer_than(LONGEST_REPO_PATH)
.required();
const PROJECTS: Field =
    Field::list("projects", "the projects that its events may move; left out: all").like(pattern::PROJECT);

impl Input for HookName {
    const FIELDS: &[Field] = &[PROVIDER.required(), REPO_ID];

    fn read(fields: &mut Fields, _: Timestamp) -> Result<Self, ApiError> {
        let provider = known_provider(fields.required("provider")?)?;
        let repo_id = fields.required("repo_id")?;
        validate_repo_id(&repo_id)?;
        Ok(Self { provider, repo_id })
    }
}

impl Input for Registration {
    const FIELDS: &[Field] = &[PROVIDER.required(), REPO_ID, REPO_PATH, PROJECTS];

    fn read(fields: &mut Fields, now: Timestamp) -> Result<Self, ApiError> {
        let name = HookName::read(fields, now)?;
        Ok(Self { name, repo_path: fields.required("repo_path")?, projects: fields.list("projects")? })
    }
}

impl Input for Import {
    const FIELDS: &[Field] = &[
        PROVIDER.required(),
        REPO_ID,
        REPO_PATH,
        PROJECTS,
        Field::text("secret", "the secret that the forge has already").like(pattern::SECRET).required(),
    ];

    fn read(fields: &mut Fields, now: Timestamp) -> Result<Self, ApiError> {
        let registration = Registration::read(fields, now)?;
        let secret = Secret::new(fields.required("secret")?);
        validate_secret(secret.expose())?;
        Ok(Self { registration, secret })
    }
}

impl Input for Update {
    const FIELDS: &[Field] = &[
        PROVIDER.required(),
        REPO_ID,
        Field::duration(
            "overlap",
            "how long the older secrets stay valid: 24h unless said, at most 30d; 0: not at all",
        ),
    ];

    fn read(fields: &mut Fields, now: Timestamp) -> Result<Self, ApiError> {
        let name = HookName::read(fields, now)?;
        let overlap = fields.duration("overlap")?.unwrap_or(DEFAULT_OVERLAP);
        if overlap > LONGEST_OVERLAP {
            return Err(ApiError::Malformed("`overlap` must be 30d or less".to_owned()));
        }
        Ok(Self { name, overlap })
    }
}

impl Input for Listing {
    const FIELDS: &[Field] = &[PROVIDER];

    fn read(fields: &mut Fields, _: Timestamp) -> Result<Self, ApiError> {
        Ok(Self { provider: fields.text("provider")?.map(known_provider).transpose()? })
    }
}

/// `POST /conduit/webhooks/register`
pub(super) async fn register(ask: Ask<Registration>) -> Answer<Made, 201> {
    let secret = new_secret()?;
    let hook = add(&ask.state, &ask.input, &secret, ask.now).await?;
    tracing::info!("hook {} registered by {}", hook.name(), ask.by);
    ask.state.done(&ask.by, &hook.name()).await;
    Ok(answer::with(Made::new(&hook, Some(&secret), &ask.state)))
}

/// `PATCH /internal/webhooks/import`
pub(super) async fn import(ask: Ask<Import>) -> Answer<Made, 201> {
    let hook = add(&ask.state, &ask.input.registration, &ask.input.secret, ask.now).await?;
    tracing::info!("hook {} imported by {}", hook.name(), ask.by);
    ask.state.done(&ask.by, &hook.name()).await;
    Ok(answer::with(Made::new(&hook, None, &ask.state)))
}

/// `PATCH /conduit/webhooks/update`
pub(super) async fn update(ask: Ask<Update>) -> Answer<Made> {
    let Update { name, overlap } = &ask.input;
    let secret = new_secret()?;
    let sealed = ask.state.keyring.seal(&secret, &name.text())?;
    let hook = change(&ask.state, name, |hook| {
        hook.rotate(sealed.clone(), *overlap, ask.now);
    })
    .await?;
    tracing::info!("hook {} got a new secret from {}, overlap {} s", hook.name(), ask.by, overlap.as_secs());
    ask.state.done(&ask.by, &hook.name()).await;
    Ok(answer::ok(Made::new(&hook, Some(&secret), &ask.state)))
}

/// `GET /conduit/webhooks/list`
pub(super) async fn list(ask: Ask<Listing>) -> Answer<Vec<Shown<'static>>> {
    let hooks = ask.state.store.hooks(ask.input.provider.as_deref()).await?;
    Ok(answer::ok(hooks.iter().map(|hook| Shown::new(hook, &ask.state)).collect::<Vec<_>>()))
}

/// `GET /conduit/webhooks/find`
pub(super) async fn find(ask: Ask<HookName>) -> Answer<Shown<'static>> {
    let hook = read(&ask.state, &ask.input).await?;
    Ok(answer::ok(Shown::new(&hook, &ask.state)))
}

/// `DELETE /conduit/webhooks/{provider}/{repo_id}`
pub(super) async fn remove(ask: Ask<HookName>) -> Answer<Removed<'static>> {
    let HookName { provider, repo_id } = &ask.input;
    let removed = ask.state.store.remove_hook(provider, repo_id).await?;
    ask.state.hooks.forget(provider, repo_id);
    if !removed {
        return Err(ApiError::NotRegistered(ask.input.text()));
    }
    tracing::info!("hook {} removed by {}", ask.input.text(), ask.by);
    ask.state.done(&ask.by, &ask.input.text()).await;
    Ok(answer::ok(Removed { provider, repo_id }))
}

async fn add(state: &State, new: &Registration, secret: &Secret, now: Timestamp) -> Result<Hook, ApiError> {
    let Registration { name, repo_path, projects } = new;
    let sealed = state.keyring.seal(secret, &name.text())?;
    let hook = Hook::new(&name.provider, &name.repo_id, repo_path, projects.clone(), sealed, now)?;
    if !state.store.add_hook(&hook).await? {
        return Err(ApiError::AlreadyRegistered(name.text()));
    }
    state.hooks.forget(&name.provider, &name.repo_id);
    Ok(hook)
}

/// Changes a hook as the store has it now, again when somebody else changes it at the same moment.
async fn change(state: &State, name: &HookName, by: impl Fn(&mut Hook)) -> Result<Hook, ApiError> {
    for _ in 0..TRIES {
        let mut hook = read(state, name).await?;
        by(&mut hook);
        let saved = state.store.save_hook(&hook).await?;
        state.hooks.forget(&name.provider, &name.repo_id);
        if saved {
            return Ok(hook);
        }
    }
    Err(ApiError::Conflict(format!("hook {} is being changed by somebody else; try again", name.text())))
}

async fn read(state: &State, name: &HookName) -> Result<Hook, ApiError> {
    let found = state.store.hook(&name.provider, &name.repo_id).await?;
    found.ok_or_else(|| ApiError::NotRegistered(name.text()))
}

fn new_secret() -> Result<Secret, ApiError> {
    Secret::generate().map_err(|error| ApiError::internal("no random bytes for a secret", error))
}

/// A name in a field is the asker's mistake, not a path that is not there.
fn known_provider(name: String) -> Result<String, ApiError> {
    match ingest::provider(&name) {
        Ok(_) => Ok(name),
        Err(error) => Err(ApiError::Malformed(format!("`provider`: {error}"))),
    }
}

impl HookName {
    fn text(&self) -> String {
        format!("{}/{}", self.provider, self.repo_id)
    }
}

/// What there is to paste into the forge.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HookMade")]
pub(super) struct Made {
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl Made {
    fn new(hook: &Hook, secret: Option<&Secret>, state: &State) -> Self {
        let secret = secret.map(|secret| secret.expose().to_owned());
        Self { secret, uri: hook.uri(), url: url(hook, state) }
    }
}

fn url(hook: &Hook, state: &State) -> Option<String> {
    let base = state.config.public_url.as_ref()?;
    Some(format!("{}{}", base.as_str().trim_end_matches('/'), hook.uri()))
}

/// The hook that is gone.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HookRemoved")]
pub(super) struct Removed<'a> {
    provider: &'a str,
    repo_id: &'a str,
}

/// A hook as it may be seen: everything but its secrets.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Hook")]
pub(super) struct Shown<'a> {
    provider: &'a str,
    repo_id: &'a str,
    repo_path: &'a str,
    projects: Option<&'a [String]>,
    /// The forge's own id of the repository, once a delivery came.
    pinned_repo: Option<&'a str>,
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    created_at: Timestamp,
    secrets: Vec<ShownSecret>,
}

/// A valid secret, without itself.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HookSecret")]
struct ShownSecret {
    version: u32,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
}

impl<'a> Shown<'a> {
    fn new(hook: &'a Hook, state: &State) -> Self {
        let live = hook.live_secrets(state.clock.now());
        Self {
            provider: &hook.provider,
            repo_id: &hook.repo_id,
            repo_path: &hook.repo_path,
            projects: hook.projects.as_deref(),
            pinned_repo: hook.pinned_repo.as_deref(),
            uri: hook.uri(),
            url: url(hook, state),
            created_at: hook.created_at,
            secrets: live
                .map(|secret| ShownSecret {
                    version: secret.version,
                    created_at: secret.created_at,
                    expires_at: secret.expires_at,
                })
                .collect(),
        }
    }
}
