//! What the spool's file knows of its store, so that a process can do without it for a while.

use super::file::SpoolFile;
use crate::registration::Hook;
use crate::store::Result;
use crate::store::sqlite::rows::{from_json, to_json};

impl SpoolFile {
    pub(super) async fn hooks(&self) -> Result<Vec<Hook>> {
        self.run(|conn, _| {
            let mut statement = conn.prepare_cached("SELECT hook FROM hooks")?;
            let stored =
                statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
            stored.iter().map(|json| from_json("a hook in the spool", json.as_bytes())).collect()
        })
        .await
    }

    /// Makes these the hooks of the copy. They are few and seldom change.
    pub(super) async fn put_hooks(&self, hooks: Vec<Hook>) -> Result<()> {
        self.run(move |conn, _| {
            conn.execute("DELETE FROM hooks", [])?;
            let mut insert = conn.prepare_cached("INSERT INTO hooks VALUES (?1, ?2)")?;
            for hook in hooks {
                insert.execute([hook.name(), to_json(&hook)?])?;
            }
            Ok(())
        })
        .await
    }

    /// The settings of the store, as they were when it was last asked.
    pub(super) async fn settings(&self) -> Result<Vec<(String, String)>> {
        self.run(|conn, _| {
            let mut statement = conn.prepare_cached("SELECT name, value FROM settings")?;
            let pairs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(pairs.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    pub(super) async fn put_setting(&self, name: &str, value: &str) -> Result<()> {
        let pair = [name.to_owned(), value.to_owned()];
        self.run(move |conn, _| {
            conn.prepare_cached("INSERT OR REPLACE INTO settings VALUES (?1, ?2)")?.execute(pair)?;
            Ok(())
        })
        .await
    }
}
