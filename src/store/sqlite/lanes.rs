//! Whose turn it is: sites, and projects of a site, take turns, so that one that bursts starves nobody.

use rusqlite::Connection;

use crate::store::Result;

use super::rows::unsigned;

/// All lanes with what a turn depends on. There are as many as there are projects.
pub(super) const LANES: &str = "SELECT l.site, l.project, l.served,
        l.site NOT IN (SELECT site FROM pauses) AND EXISTS (
            SELECT 1 FROM tickets t WHERE t.site = l.site AND t.project = l.project
                AND t.lease_until IS NULL AND t.run_at <= ?1)
     FROM lanes l";

/// A project of a site: its ready tickets stand in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) site: String,
    pub(super) project: String,
    /// The fence of its last claim, so the smallest has waited longest.
    pub(super) served: u64,
    /// Whether it has something for this claim.
    pub(super) open: bool,
}

/// Whose turn it is: the site that was served longest ago, and of it the project served longest ago.
pub(super) fn next_turn(lanes: &[Lane]) -> Option<usize> {
    let site_served = |site: &str| lanes.iter().filter(|l| l.site == site).map(|l| l.served).max();
    let open = lanes.iter().enumerate().filter(|(_, lane)| lane.open);
    open.min_by_key(|(_, lane)| (site_served(&lane.site), &lane.site, lane.served)).map(|(index, _)| index)
}

pub(super) fn lanes(conn: &Connection, now: i64) -> Result<Vec<Lane>> {
    let mut statement = conn.prepare_cached(LANES)?;
    let lanes = statement.query_map([now], |row| {
        Ok(Lane { site: row.get(0)?, project: row.get(1)?, served: unsigned(row, 2)?, open: row.get(3)? })
    })?;
    Ok(lanes.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(site: &str, project: &str, served: u64, open: bool) -> Lane {
        Lane { site: site.into(), project: project.into(), served, open }
    }

    /// Serves `count` times and writes down who was served.
    fn served(mut lanes: Vec<Lane>, count: u64) -> Vec<String> {
        let mut order = Vec::new();
        for fence in 100..100 + count {
            let Some(turn) = next_turn(&lanes) else { break };
            lanes[turn].served = fence;
            order.push(format!("{}/{}", lanes[turn].site, lanes[turn].project));
        }
        order
    }

    #[test]
    fn sites_take_turns_and_so_do_the_projects_of_a_site() {
        let lanes = vec![lane("a", "X", 0, true), lane("a", "Y", 0, true), lane("b", "Z", 0, true)];
        assert_eq!(served(lanes, 6), ["a/X", "b/Z", "a/Y", "b/Z", "a/X", "b/Z"]);
    }

    #[test]
    fn a_lane_that_has_nothing_loses_no_turn_for_the_others() {
        let lanes = vec![lane("a", "X", 0, false), lane("b", "Z", 9, true)];
        assert_eq!(served(lanes, 2), ["b/Z", "b/Z"]);
        assert_eq!(next_turn(&[lane("a", "X", 0, false)]), None);
    }
}
