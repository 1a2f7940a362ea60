//! A test that reads every statement of this folder and asks SQLite how it would answer it: nothing may scan
//! a table that grows.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::store::EventQuery;
use crate::trace::Outcome;

use super::{jobs, queries, rows, schema, tidy};

/// The tables that grow, by name and by the alias the statements use.
const GROWING: &[&str] = &["events", "e", "jobs", "j", "tickets", "t", "bodies"];

/// Partial indexes whose every entry belongs to the answer.
const WHOLE: &[&str] = &["tickets_leased", "jobs_dead", "events_unfinished"];

/// The string literals of a source file that are statements. None of them contains a quote.
fn statements(source: &str) -> Vec<String> {
    let begins =
        |text: &&str| ["SELECT", "INSERT", "UPDATE", "DELETE"].iter().any(|verb| text.starts_with(verb));
    let literals = source.split('"').filter(begins);
    literals.map(|sql| sql.replace("{RECORD}", rows::RECORD).replace('\\', "")).collect()
}

fn plan(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement =
        conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let mut plan = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = plan.next().unwrap() {
        steps.push(row.get("detail").unwrap());
    }
    steps
}

fn scans(step: &str) -> bool {
    let mut words = step.split(' ');
    words.next() == Some("SCAN")
        && words.next().is_some_and(|table| GROWING.contains(&table))
        && !WHOLE.iter().any(|index| step.ends_with(index))
}

fn assert_searches(conn: &Connection, sql: &str) {
    let plan = plan(conn, sql);
    assert!(!plan.iter().any(|step| scans(step)), "{sql}\n{plan:#?}");
}

fn database() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let conn = schema::open_writer(&folder.path().join("conduit.db")).unwrap();
    (folder, conn)
}

#[test]
fn no_statement_scans_a_table_that_grows() {
    let (_folder, conn) = database();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sqlite");
    let mut seen = 0;
    for file in fs::read_dir(here).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // A copy reads everything, while nobody else is at work.
        if ["plans.rs", "schema.rs", "tests.rs", "copy"].contains(&name) {
            continue;
        }
        for sql in statements(&fs::read_to_string(&path).unwrap()) {
            // The list is made of parts; see below.
            if !sql.contains("{tables}") {
                assert_searches(&conn, &sql);
                seen += 1;
            }
        }
    }
    assert!(seen > 40, "only {seen} statements were found");
    assert!(scans(&plan(&conn, "SELECT id FROM events WHERE delivery_id = 'd-1'")[0]), "a scan is noticed");
}

#[test]
fn a_claim_and_a_removal_read_only_as_far_as_they_take() {
    let (_folder, conn) = database();
    for sql in [jobs::FIRST_READY, jobs::NEXT_IN_LINE, queries::MERGED_AS, tidy::OLD, tidy::EXPIRED] {
        let plan = plan(&conn, sql);
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{sql}\n{plan:#?}");
    }
}

#[test]
fn every_list_of_events_is_answered_in_order_from_an_index() {
    let (_folder, conn) = database();
    for filters in 0_u8..32 {
        let has = |bit: u8| (filters & bit != 0).then_some(());
        let query = EventQuery {
            ticket: has(1).map(|()| "SHOP-1".into()),
            repo: has(2).map(|()| "acme/shop".into()),
            outcome: has(4).map(|()| Outcome::Failed),
            since: has(8).map(|()| Timestamp::UNIX_EPOCH),
            cursor: has(16).map(|()| "1.1".into()),
            limit: 50,
        };
        let (sql, _) = queries::list(&query).unwrap();
        assert_searches(&conn, &sql);
        let plan = plan(&conn, &sql);
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{sql}\n{plan:#?}");
        // The one that leaves the fewest events leads.
        let leads = match query {
            EventQuery { ticket: Some(_), .. } => "jobs_of_ticket (key=?",
            EventQuery { repo: Some(_), outcome: Some(_), .. } => {
                "events_by_repo_and_outcome (repo=? AND outcome=?"
            }
            EventQuery { repo: Some(_), .. } => "events_by_repo (repo=?",
            EventQuery { outcome: Some(_), .. } => "events_by_outcome (outcome=?",
            _ => "events_by_time (",
        };
        assert!(plan[0].contains(leads), "{sql}\n{plan:#?}");
    }
}
