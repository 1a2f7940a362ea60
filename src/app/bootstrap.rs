//! What the first start makes, and every later start finds: the master key and the first
//! administrator's token.

use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::clock::Clock;
use crate::secrets::token::{FIRST_ADMIN, Role, Token};
use crate::secrets::{KeyError, Keyring, MasterKey, Secret};
use crate::settings::{SettingError, Settings, StoreUrl};
use crate::store::{Store, StoreError};

/// The value that the first start's master key has sealed. It is never replaced: a spool knows its store by it.
const KEY_CHECK: &str = "key_check";

/// The value that only the right master key opens: the first at first, sealed anew with all else by a rotation.
const KEY_IN_FORCE: &str = "key_in_force";

/// The keyring of this process: from the settings, or from the file that the first start made beside
/// the embedded store.
pub(super) fn keyring(settings: &Settings) -> anyhow::Result<Keyring> {
    match (&settings.secret_key, &settings.store) {
        (Some(keys), _) => read_keys(keys),
        (None, StoreUrl::Sqlite(path)) => read_keys(&key_file(&beside(path, "secret.key"))?),
        (None, StoreUrl::Redis(_)) => Err(no_key()),
    }
}

/// The keyring as far as it is there; nothing is made. `None` when a first start would still make the key.
pub fn keyring_at_hand(given: Option<&Secret>, store: &StoreUrl) -> anyhow::Result<Option<Keyring>> {
    match (given, store) {
        (Some(keys), _) => read_keys(keys).map(Some),
        (None, StoreUrl::Sqlite(path)) => {
            let path = beside(path, "secret.key");
            if path.exists() { read_keys(&key_file(&path)?).map(Some) } else { Ok(None) }
        }
        (None, StoreUrl::Redis(_)) => Err(no_key()),
    }
}

fn read_keys(text: &Secret) -> anyhow::Result<Keyring> {
    let wrong = |error: KeyError| SettingError {
        name: "CONDUIT_SECRET_KEY".into(),
        found: "it cannot be used".into(),
        allowed: error.to_string(),
    };
    Ok(Keyring::from_text(text.expose()).map_err(wrong)?)
}

fn no_key() -> anyhow::Error {
    SettingError::missing("CONDUIT_SECRET_KEY", "it is required with Redis").into()
}

fn key_file(path: &Path) -> anyhow::Result<Secret> {
    if let Ok(text) = std::fs::read_to_string(path) {
        return Ok(Secret::new(text.trim()));
    }
    let text = MasterKey::generate()?.to_base64();
    match write_private(path, text.expose()) {
        Ok(()) => Ok(text),
        // Another process made it in the same moment: its key is the one.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            Ok(Secret::new(text.trim()))
        }
        Err(error) => Err(error).with_context(|| format!("writing {}", path.display())),
    }
}

/// Stops the start when the store's secrets were sealed with another master key.
pub(super) async fn check_key(store: &dyn Store, keyring: &Keyring) -> anyhow::Result<()> {
    let in_force = key_in_force(store, keyring).await?;
    keyring.open(&in_force, KEY_CHECK).map(drop).map_err(|error| {
        let found = format!("it is not the key that this store's secrets were sealed with: {error}");
        let allowed =
            "the key that was in use before; without it, hooks must be registered anew in a new store";
        SettingError { name: "CONDUIT_SECRET_KEY".into(), found, allowed: allowed.into() }.into()
    })
}

/// The value under [`KEY_IN_FORCE`], sealed for [`KEY_CHECK`]. A store that was never started gets its first.
pub(super) async fn key_in_force(store: &dyn Store, keyring: &Keyring) -> anyhow::Result<String> {
    let mine = keyring.seal(&Secret::new("conduit"), KEY_CHECK)?;
    let first = store.setting_once(KEY_CHECK, &mine).await?;
    match store.setting_once(KEY_IN_FORCE, &first).await {
        // A spool from before there were rotations remembers the first alone.
        Err(StoreError::Unavailable(_)) => Ok(first),
        in_force => Ok(in_force?),
    }
}

/// Seals that value anew under the first key; `false` when somebody else has replaced it.
pub(super) async fn replace_key_in_force(
    store: &dyn Store,
    keyring: &Keyring,
    standing: &str,
) -> anyhow::Result<bool> {
    match keyring.reseal(standing, KEY_CHECK)? {
        Some(new) => Ok(store.replace_setting(KEY_IN_FORCE, standing, &new).await?),
        None => Ok(true),
    }
}

/// Sees to it that there is an administrator.
///
/// A token from the settings replaces the one that was set before, unless it does not last: a revoked token never comes
/// back, and one that ends is no reason to take away one that does not. Without a setting, a start that finds no administrator makes one and says where it is.
pub(super) async fn first_admin(store: &dyn Store, settings: &Settings, clock: &Clock) -> anyhow::Result<()> {
    let tokens = store.tokens().await?;
    match &settings.admin_token {
        Some(secret) => set_admin(store, &tokens, secret, clock).await,
        None if tokens.iter().any(Token::is_lasting_admin) => Ok(()),
        None => {
            let secret = Secret::generate()?;
            // The token must be known to the administrator before it opens anything.
            hand_over(settings, &secret)?;
            Ok(store.save_token(&Token::new(FIRST_ADMIN, Role::Admin, &secret, clock.now())).await?)
        }
    }
}

async fn set_admin(
    store: &dyn Store,
    tokens: &[Token],
    secret: &Secret,
    clock: &Clock,
) -> anyhow::Result<()> {
    let token = Token::new(FIRST_ADMIN, Role::Admin, secret, clock.now());
    match tokens.iter().find(|known| known.hash == token.hash) {
        None => store.save_token(&token).await?,
        Some(known) if known.role != Role::Admin => return Err(lesser(known).into()),
        Some(known) if !known.is_lasting_admin() => {
            // It ended or ends by itself, or by somebody's order: that must not keep deliveries out at the next start.
            tracing::warn!("CONDUIT_ADMIN_TOKEN {}; set another one", how_it_ends(known, clock));
            return Ok(());
        }
        Some(known) if known.name != FIRST_ADMIN => {
            // Somebody may be revoking it at this very moment: then the one before it stays.
            store.revoke_tokens(FIRST_ADMIN, clock.now()).await?.ok();
            return Ok(());
        }
        Some(_) => {}
    }
    let replaced = tokens.iter().filter(|old| old.name == FIRST_ADMIN && old.revoked_at.is_none());
    for old in replaced.filter(|old| old.hash != token.hash) {
        store.save_token(&Token { revoked_at: Some(clock.now()), ..old.clone() }).await?;
    }
    Ok(())
}

fn how_it_ends(known: &Token, clock: &Clock) -> String {
    match (known.revoked_at, known.expires_at) {
        (None, Some(end)) if known.is_valid(clock.now()) => format!("expires at {end:.0}"),
        (None, _) => "has expired, and opens nothing any more".to_owned(),
        (Some(_), _) => "was revoked, and opens nothing any more".to_owned(),
    }
}

/// It was made as something else, and goes on as that: nobody becomes an administrator by a setting unseen.
fn lesser(known: &Token) -> SettingError {
    let Token { name, role, .. } = known;
    SettingError {
        name: "CONDUIT_ADMIN_TOKEN".into(),
        found: format!("it is the token {name}, whose role is {role}"),
        allowed: "a token of its own (make one with: openssl rand -hex 32), or an administrator's".into(),
    }
}

/// Shows a new administrator's token once: on a terminal, else in a file that only its owner reads.
fn hand_over(settings: &Settings, secret: &Secret) -> anyhow::Result<()> {
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        writeln!(terminal, "Administrator token (shown once): {}", secret.expose())?;
        return Ok(());
    }
    let path = match &settings.store {
        StoreUrl::Sqlite(path) => beside(path, "admin-token"),
        StoreUrl::Redis(_) => {
            return Err(SettingError::missing("CONDUIT_ADMIN_TOKEN", "it is required with Redis").into());
        }
    };
    // One that a start left behind before its token was stored opens nothing.
    let _ = std::fs::remove_file(&path);
    write_private(&path, secret.expose()).with_context(|| format!("writing {}", path.display()))?;
    tracing::info!(path = %path.display(), "the administrator token is in {}", path.display());
    Ok(())
}

fn beside(store: &Path, name: &str) -> PathBuf {
    store.parent().unwrap_or(Path::new("")).join(name)
}

/// Writes a new file that only its owner may read; fails when it exists.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;

    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
