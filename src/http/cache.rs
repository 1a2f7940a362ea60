//! What the store said a moment ago: tokens and hooks are asked for on every request, and change by hand.
//!
//! Nothing lives longer than [`TTL`], so a revoked token or a secret that was ended because it leaked is
//! dead everywhere within two seconds. What this process itself changes, it forgets at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::registration::Hook;
use crate::secrets::{Keyring, Secret};
use crate::store::{Store, StoreError};

use super::ApiError;
use super::door::Bucket;

/// How long an answer of the store is believed.
const TTL: Duration = Duration::from_secs(1);

/// How many names that are *not* registered are remembered: a flood of made-up names costs no more memory
/// than this, and never pushes out a genuine hook.
const MOST_UNKNOWN: usize = 1024;

/// One value, believed for a moment.
#[derive(Debug)]
pub(super) struct Fresh<T>(Mutex<Option<(Timestamp, Arc<T>)>>);

impl<T> Default for Fresh<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Fresh<T> {
    /// The value, loaded anew when it is older than a moment. A failure is not remembered.
    pub(super) async fn get<E>(
        &self,
        now: Timestamp,
        load: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        if let Some((at, value)) = &*lock(&self.0)
            && is_fresh(*at, now)
        {
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(load.await?);
        *lock(&self.0) = Some((now, Arc::clone(&value)));
        Ok(value)
    }

    /// Forgets what was changed here.
    pub(super) fn forget(&self) {
        *lock(&self.0) = None;
    }
}

/// A hook with its secrets opened.
#[derive(Debug)]
pub(super) struct OpenHook {
    /// As the store has it.
    pub(super) hook: Hook,
    /// In the order of `hook.secrets`.
    secrets: Vec<Secret>,
    /// How many genuine deliveries it may still have.
    pub(super) rate: Arc<Bucket>,
}

impl OpenHook {
    fn open(hook: Hook, keyring: &Keyring) -> Result<Self, ApiError> {
        let name = hook.name();
        // Also of an expired secret: one that cannot be opened says that the master key is wrong.
        let open = |sealed: &str| {
            keyring.open(sealed, &name).map_err(|error| {
                tracing::error!(
                    hook = name,
                    "a delivery got 503: a secret of hook {name} cannot be opened: {error}"
                );
                ApiError::Busy("this hook cannot be verified now")
            })
        };
        let secrets = hook.secrets.iter().map(|secret| open(&secret.sealed)).collect::<Result<_, _>>()?;
        Ok(Self { hook, secrets, rate: Arc::default() })
    }

    /// The secrets that are valid at `now` with their versions, newest first.
    pub(super) fn live(&self, now: Timestamp) -> impl Iterator<Item = (u32, &Secret)> {
        let alive = move |end: Option<Timestamp>| end.is_none_or(|end| now < end);
        let both = self.hook.secrets.iter().zip(&self.secrets);
        both.filter(move |(sealed, _)| alive(sealed.expires_at)).map(|(sealed, open)| (sealed.version, open))
    }
}

type Key = (String, String);

/// The hooks that deliveries came for.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    known: Mutex<HashMap<Key, (Timestamp, Arc<OpenHook>)>>,
    unknown: Mutex<HashMap<Key, Timestamp>>,
}

impl Hooks {
    /// The hook of this name, if one is registered.
    ///
    /// Fails with `Busy` when the store cannot say or the secrets cannot be opened: that is never a reason
    /// to answer 401, after which a forge would not come back.
    pub(super) async fn get(
        &self,
        store: &dyn Store,
        keyring: &Keyring,
        name: (&str, &str),
        now: Timestamp,
    ) -> Result<Option<Arc<OpenHook>>, ApiError> {
        let key = (name.0.to_owned(), name.1.to_owned());
        if let Some((at, hook)) = lock(&self.known).get(&key)
            && is_fresh(*at, now)
        {
            return Ok(Some(Arc::clone(hook)));
        }
        if lock(&self.unknown).get(&key).is_some_and(|at| is_fresh(*at, now)) {
            return Ok(None);
        }
        let found = store.hook(name.0, name.1).await.map_err(cannot_say)?;
        let found = found.map(|hook| OpenHook::open(hook, keyring)).transpose()?;
        Ok(self.remember(key, found, now))
    }

    /// Forgets a hook that was changed here.
    pub(super) fn forget(&self, provider: &str, repo_id: &str) {
        let key = (provider.to_owned(), repo_id.to_owned());
        lock(&self.known).remove(&key);
        lock(&self.unknown).remove(&key);
    }

    fn remember(&self, key: Key, found: Option<OpenHook>, now: Timestamp) -> Option<Arc<OpenHook>> {
        let Some(mut hook) = found else {
            lock(&self.known).remove(&key);
            let mut unknown = lock(&self.unknown);
            if unknown.len() >= MOST_UNKNOWN {
                unknown.clear();
            }
            unknown.insert(key, now);
            return None;
        };
        let mut known = lock(&self.known);
        // What it has used up of its limit does not come back because it was read again.
        if let Some((_, before)) = known.get(&key) {
            hook.rate = Arc::clone(&before.rate);
        }
        let hook = Arc::new(hook);
        known.insert(key, (now, Arc::clone(&hook)));
        Some(hook)
    }
}

/// Whatever the store's trouble is, the forge must not be told that its signature is wrong.
fn cannot_say(error: StoreError) -> ApiError {
    if matches!(error, StoreError::Unavailable(_)) {
        return error.into();
    }
    tracing::error!("a delivery got 503: its hook cannot be read: {error}");
    ApiError::Busy("this hook cannot be verified now")
}

/// A clock that was set back makes nothing immortal.
fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(at)).is_ok_and(|age| age < TTL)
}

/// A panic elsewhere leaves a map that is still a map.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::MasterKey;

    fn keyring() -> Keyring {
        Keyring::new(&MasterKey::generate().unwrap(), &[])
    }

    fn hook(keyring: &Keyring) -> Hook {
        let sealed = keyring.seal(&Secret::new("one"), "github/shop").unwrap();
        Hook::new("github", "shop", "acme/shop", None, sealed, Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn an_ended_secret_is_dead_even_while_the_hook_is_remembered() {
        let keyring = keyring();
        let mut hook = hook(&keyring);
        let second = keyring.seal(&Secret::new("two"), "github/shop").unwrap();
        hook.rotate(second, Duration::from_mins(1), Timestamp::UNIX_EPOCH);
        let open = OpenHook::open(hook, &keyring).unwrap();
        let live = |at| open.live(at).map(|(version, s)| (version, s.expose())).collect::<Vec<_>>();
        assert_eq!(live(Timestamp::UNIX_EPOCH), [(2, "two"), (1, "one")]);
        assert_eq!(live(Timestamp::UNIX_EPOCH + Duration::from_mins(1)), [(2, "two")]);
    }

    #[test]
    fn a_secret_under_another_master_key_is_busy_and_not_unauthorised() {
        let sealed_by = keyring();
        let error = OpenHook::open(hook(&sealed_by), &keyring()).unwrap_err();
        assert!(matches!(error, ApiError::Busy(_)), "{error:?}");
    }

    #[test]
    fn made_up_names_are_forgotten_and_genuine_ones_stay() {
        let keyring = keyring();
        let hooks = Hooks::default();
        let now = Timestamp::UNIX_EPOCH;
        let open = OpenHook::open(hook(&keyring), &keyring).unwrap();
        hooks.remember(("github".into(), "shop".into()), Some(open), now);
        for n in 0..5000 {
            hooks.remember(("github".into(), format!("made-up-{n}")), None, now);
        }
        assert!(lock(&hooks.unknown).len() <= MOST_UNKNOWN);
        assert_eq!(lock(&hooks.known).len(), 1);
    }

    #[test]
    fn a_hook_that_is_read_again_has_used_up_what_it_had() {
        let keyring = keyring();
        let hooks = Hooks::default();
        let now = Timestamp::UNIX_EPOCH;
        let read = || OpenHook::open(hook(&keyring), &keyring).unwrap();
        let before = hooks.remember(("github".into(), "shop".into()), Some(read()), now).unwrap();
        let after = hooks.remember(("github".into(), "shop".into()), Some(read()), now).unwrap();
        assert!(Arc::ptr_eq(&before.rate, &after.rate));
    }

    #[tokio::test]
    async fn an_answer_is_believed_for_a_moment_and_a_failure_never() {
        let fresh = Fresh::default();
        let now = Timestamp::UNIX_EPOCH;
        let get = async |at, answer: Result<u8, ()>| fresh.get(at, async { answer }).await.map(|v| *v);
        assert_eq!(get(now, Err(())).await, Err(()));
        assert_eq!(get(now, Ok(1)).await, Ok(1));
        assert_eq!(get(now + Duration::from_millis(900), Ok(2)).await, Ok(1));
        assert_eq!(get(now + Duration::from_secs(1), Ok(3)).await, Ok(3));
        assert_eq!(get(now, Ok(4)).await, Ok(4), "a clock that was set back");
    }
}
