//! Stored secrets, sealed anew under the first of several master keys.
//!
//! Each hook is saved over the revision it was read at, so a rotation may run while the service does, be broken off
//! and be begun again. The value that a start checks its key against comes last: once it is under the new key, every
//! secret is.

use anyhow::{Context as _, bail};

use super::bootstrap;
use crate::registration::Hook;
use crate::secrets::Keyring;
use crate::store::Store;

/// How often the hooks are gone through: whoever registers one meanwhile may still seal with an older key.
const ROUNDS: usize = 5;

/// How often a hook is tried against others who change it at the same moment.
const TRIES: usize = 5;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// How many hooks got their secrets sealed anew.
    pub hooks: usize,
    /// How many there are.
    pub of: usize,
}

/// Brings every stored secret under the first key of the keyring. `begin` is told how many hooks there are to do, and
/// what it gives is called after each of them.
///
/// Changes nothing when a secret opens with none of the keys.
pub async fn rotate<S: Fn()>(
    store: &dyn Store,
    keyring: &Keyring,
    begin: impl Fn(usize) -> S,
) -> anyhow::Result<Rotated> {
    let mut hooks = store.hooks(None).await?;
    for hook in &hooks {
        resealed(hook, keyring)?;
    }
    bootstrap::check_key(store, keyring).await?;
    let standing = bootstrap::key_in_force(store, keyring).await?;
    let mut rotated = 0;
    for _ in 0..ROUNDS {
        let waiting: Vec<_> = hooks.iter().filter(|hook| is_behind(hook, keyring)).collect();
        if waiting.is_empty() {
            if !bootstrap::replace_key_in_force(store, keyring, &standing).await? {
                bail!("another rotation is running; begin again when it has ended");
            }
            return Ok(Rotated { hooks: rotated, of: hooks.len() });
        }
        let step = begin(waiting.len());
        for hook in waiting {
            rotated += usize::from(rotate_hook(store, keyring, hook).await?);
            step();
        }
        hooks = store.hooks(None).await?;
    }
    bail!("hooks keep being saved under an older key: give every process the new key first, and begin again")
}

/// The hook as it is to be saved; `None`: all of its secrets are under the current key.
fn resealed(hook: &Hook, keyring: &Keyring) -> anyhow::Result<Option<Hook>> {
    let (name, mut new) = (hook.name(), hook.clone());
    for secret in &mut new.secrets {
        let sealed = keyring
            .reseal(&secret.sealed, &name)
            .with_context(|| format!("secret v{} of hook {name} cannot be opened", secret.version))?;
        secret.sealed = sealed.unwrap_or_else(|| secret.sealed.clone());
    }
    Ok((new != *hook).then_some(new))
}

fn is_behind(hook: &Hook, keyring: &Keyring) -> bool {
    !hook.secrets.iter().all(|secret| keyring.is_current(&secret.sealed))
}

/// Whether the hook was changed; one that was removed meanwhile was not.
async fn rotate_hook(store: &dyn Store, keyring: &Keyring, hook: &Hook) -> anyhow::Result<bool> {
    for _ in 0..TRIES {
        let Some(standing) = store.hook(&hook.provider, &hook.repo_id).await? else { return Ok(false) };
        let Some(new) = resealed(&standing, keyring)? else { return Ok(false) };
        if store.save_hook(&new).await? {
            return Ok(true);
        }
    }
    bail!("hook {} is being changed by somebody else; begin again", hook.name())
}
