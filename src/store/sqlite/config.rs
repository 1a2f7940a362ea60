//! Settings, hooks and tokens.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::registration::Hook;
use crate::secrets::token::{self, NotRevoked, Token};
use crate::store::Result;

use super::rows::{from_json, signed, to_json, unsigned};

pub(super) fn setting_once(conn: &Connection, name: &str, value: &str) -> Result<String> {
    conn.prepare_cached("INSERT OR IGNORE INTO settings VALUES (?1, ?2)")?.execute([name, value])?;
    let in_force = conn
        .prepare_cached("SELECT value FROM settings WHERE name = ?1")?
        .query_row([name], |row| row.get(0))?;
    Ok(in_force)
}

pub(super) fn replace_setting(conn: &Connection, name: &str, from: &str, to: &str) -> Result<bool> {
    let replaced = conn
        .prepare_cached("UPDATE settings SET value = ?3 WHERE name = ?1 AND value IN (?2, ?3)")?
        .execute([name, from, to])?;
    Ok(replaced == 1)
}

pub(super) fn hook(conn: &Connection, provider: &str, repo_id: &str) -> Result<Option<Hook>> {
    conn.prepare_cached("SELECT hook, revision FROM hooks WHERE provider = ?1 AND repo_id = ?2")?
        .query_row([provider, repo_id], stored_hook)
        .optional()?
        .map(read_hook)
        .transpose()
}

pub(super) fn hooks(conn: &Connection, provider: Option<&str>) -> Result<Vec<Hook>> {
    let mut statement = conn.prepare_cached(
        "SELECT hook, revision FROM hooks WHERE provider = ifnull(?1, provider) ORDER BY provider, repo_id",
    )?;
    let stored = statement.query_map([provider], stored_hook)?.collect::<rusqlite::Result<Vec<_>>>()?;
    stored.into_iter().map(read_hook).collect()
}

pub(super) fn add_hook(conn: &Connection, hook: &Hook) -> Result<bool> {
    let json = to_json(hook)?;
    let added = conn
        .prepare_cached("INSERT OR IGNORE INTO hooks VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![hook.provider, hook.repo_id, signed(hook.revision), json])?;
    Ok(added == 1)
}

/// The time of registration is compared too: a hook that was removed and registered anew starts over at the
/// same revision, and must not get its predecessor's secrets back.
pub(super) fn save_hook(conn: &Connection, hook: &Hook) -> Result<bool> {
    let json = to_json(hook)?;
    let saved = conn
        .prepare_cached(
            "UPDATE hooks SET hook = ?4, revision = revision + 1
             WHERE provider = ?1 AND repo_id = ?2 AND revision = ?3
               AND hook ->> 'created_at' = ?4 ->> 'created_at'",
        )?
        .execute(params![hook.provider, hook.repo_id, signed(hook.revision), json])?;
    Ok(saved == 1)
}

pub(super) fn remove_hook(conn: &Connection, provider: &str, repo_id: &str) -> Result<bool> {
    let removed = conn
        .prepare_cached("DELETE FROM hooks WHERE provider = ?1 AND repo_id = ?2")?
        .execute([provider, repo_id])?;
    Ok(removed == 1)
}

pub(super) fn tokens(conn: &Connection) -> Result<Vec<Token>> {
    let mut statement = conn.prepare_cached("SELECT token FROM tokens")?;
    let stored = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    stored.iter().map(|json| from_json("a token", json.as_bytes())).collect()
}

/// A revoked token stays revoked, whoever saves it again and however late.
pub(super) fn save_token(conn: &Connection, token: &Token) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO tokens VALUES (?1, ?2) ON CONFLICT (hash) DO UPDATE
         SET token = json_set(excluded.token, '$.revoked_at',
                              ifnull(token ->> 'revoked_at', excluded.token ->> 'revoked_at'))",
    )?
    .execute([&token.hash, &to_json(token)?])?;
    Ok(())
}

/// Read and written by the one writer, so that nothing comes between.
pub(super) fn revoke_tokens(
    conn: &Connection,
    name: &str,
    at: Timestamp,
) -> Result<std::result::Result<(), NotRevoked>> {
    match token::revoked(&tokens(conn)?, name, at) {
        Ok(revoked) => revoked.iter().try_for_each(|token| save_token(conn, token)).map(Ok),
        Err(refused) => Ok(Err(refused)),
    }
}

fn stored_hook(row: &Row<'_>) -> rusqlite::Result<(String, u64)> {
    Ok((row.get(0)?, unsigned(row, 1)?))
}

fn read_hook((json, revision): (String, u64)) -> Result<Hook> {
    let hook: Hook = from_json("a hook", json.as_bytes())?;
    Ok(Hook { revision, ..hook })
}
