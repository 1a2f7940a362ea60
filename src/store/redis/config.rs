//! Hooks, tokens and settings: small hashes under `{cfg}`, read whole where a list is asked for.

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::keys::Home;
use super::{RedisStore, record};
use crate::registration::Hook;
use crate::secrets::token::{NotRevoked, Token};
use crate::store::{Result, StoreError};

impl RedisStore {
    pub(super) async fn set_once(&self, name: &str, value: &str) -> Result<String> {
        let key = Home::Config.key("settings");
        let mut commands = redis::pipe();
        commands.hset_nx(&key, name, value).ignore().hget(&key, name);
        let (standing,): (String,) = self.link.commands(Home::Config, &commands).await?;
        Ok(standing)
    }

    pub(super) async fn exchange_setting(&self, name: &str, from: &str, to: &str) -> Result<bool> {
        let mut call = self.scripts.replace_setting.key(Home::Config.key("settings"));
        call.arg(name).arg(from).arg(to);
        self.link.script(Home::Config, &call).await
    }

    pub(super) async fn find_hook(&self, name: &str) -> Result<Option<Hook>> {
        let mut get = redis::cmd("HGET");
        get.arg(hooks_key()).arg(name);
        let text: Option<String> = self.link.command(Home::Config, &get).await?;
        record::from_json(&text.unwrap_or_default(), &format!("hook {name}"))
    }

    pub(super) async fn list_hooks(&self, provider: Option<&str>) -> Result<Vec<Hook>> {
        let mut hooks: Vec<Hook> = self.read_all(hooks_key(), "hook").await?;
        hooks.retain(|hook| provider.is_none_or(|provider| hook.provider == provider));
        hooks.sort_by_key(Hook::name);
        Ok(hooks)
    }

    pub(super) async fn create_hook(&self, hook: &Hook) -> Result<bool> {
        let mut set = redis::cmd("HSETNX");
        set.arg(hooks_key()).arg(hook.name()).arg(record::json(hook)?);
        self.link.command(Home::Config, &set).await
    }

    pub(super) async fn update_hook(&self, hook: &Hook) -> Result<bool> {
        let saved = Hook { revision: hook.revision + 1, ..hook.clone() };
        let mut call = self.scripts.save_hook.key(hooks_key());
        call.arg(hook.name()).arg(hook.revision).arg(record::json(&saved)?);
        self.link.script(Home::Config, &call).await
    }

    pub(super) async fn delete_hook(&self, name: &str) -> Result<bool> {
        let mut removal = redis::cmd("HDEL");
        removal.arg(hooks_key()).arg(name);
        self.link.command(Home::Config, &removal).await
    }

    pub(super) async fn list_tokens(&self) -> Result<Vec<Token>> {
        let mut tokens: Vec<Token> = self.read_all(Home::Config.key("tokens"), "token").await?;
        tokens.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
        Ok(tokens)
    }

    pub(super) async fn put_token(&self, token: &Token) -> Result<()> {
        let mut call = self.scripts.save_token.key(Home::Config.key("tokens"));
        call.arg(&token.hash).arg(record::json(token)?);
        self.link.script(Home::Config, &call).await
    }

    pub(super) async fn end_tokens(
        &self,
        name: &str,
        at: Timestamp,
    ) -> Result<std::result::Result<(), NotRevoked>> {
        let mut call = self.scripts.revoke_tokens.key(Home::Config.key("tokens"));
        call.arg(name).arg(at.to_string());
        let answer: String = self.link.script(Home::Config, &call).await?;
        match answer.as_str() {
            "revoked" => Ok(Ok(())),
            "not_found" => Ok(Err(NotRevoked::NotFound)),
            "last_admin" => Ok(Err(NotRevoked::LastAdmin)),
            other => Err(StoreError::Damaged { what: "a revocation".to_owned(), why: other.to_owned() }),
        }
    }

    /// The values of a hash, each read from JSON.
    async fn read_all<T: DeserializeOwned>(&self, key: String, what: &str) -> Result<Vec<T>> {
        let mut all = redis::pipe();
        all.hvals(key);
        let (texts,): (Vec<String>,) = self.link.ask(Home::Config, &all).await?;
        let read = |text: String| record::from_json(&text, &format!("a {what}")).transpose();
        texts.into_iter().filter_map(read).collect()
    }
}

fn hooks_key() -> String {
    Home::Config.key("hooks")
}
