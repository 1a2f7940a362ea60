//! How busy the machine's processors were, by the kernel's account.

use std::path::Path;

use anyhow::Context as _;

use crate::process::Process;

/// What the kernel has counted, in its ticks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticks {
    all: u64,
    busy: u64,
    worker: u64,
}

impl Ticks {
    /// As they stand now.
    pub(super) fn now(worker: &Process) -> anyhow::Result<Self> {
        let read = |path: &str| {
            std::fs::read_to_string(Path::new(path)).with_context(|| format!("{path} cannot be read"))
        };
        let (all, busy) =
            of_machine(&read("/proc/stat")?).context("/proc/stat has no line of all processors")?;
        let stat = read(&format!("/proc/{}/stat", worker.id()))?;
        Ok(Self { all, busy, worker: of_process(&stat).context("the worker's /proc/PID/stat has no times")? })
    }

    /// What share of the processors was busy since then, and the worker's part of all, in percent.
    pub(super) fn since(self, then: Self) -> (u64, u64) {
        let all = (self.all - then.all).max(1);
        ((self.busy - then.busy) * 100 / all, (self.worker - then.worker) * 100 / all)
    }
}

/// All ticks, and those that were not spent waiting: see proc(5), `/proc/stat`.
fn of_machine(stat: &str) -> Option<(u64, u64)> {
    let ticks: Vec<u64> =
        stat.lines().next()?.split_whitespace().skip(1).map_while(|n| n.parse().ok()).take(8).collect();
    let all: u64 = ticks.iter().sum();
    let waiting = ticks.get(3)? + ticks.get(4)?;
    Some((all, all - waiting))
}

/// Ticks in user mode and in the kernel: the fields 14 and 15, counted past a name that may hold anything.
fn of_process(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11).map_while(|n| n.parse::<u64>().ok());
    Some(fields.next()? + fields.next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read() {
        let stat = "cpu  100 5 50 800 40 3 2 0 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(of_machine(stat), Some((1000, 160)));
        let of_worker = "42 (a (odd) name) S 1 42 42 0 -1 4194560 10 0 0 0 70 30 0 0 20 0 9 0 500";
        assert_eq!(of_process(of_worker), Some(100));
        assert_eq!((of_machine(""), of_process("42 (x) S 1")), (None, None));
        let (then, now) = (Ticks { all: 0, busy: 0, worker: 0 }, Ticks { all: 200, busy: 190, worker: 80 });
        assert_eq!(now.since(then), (95, 40));
    }
}
