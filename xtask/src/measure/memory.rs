//! What a delivery takes while it waits: fanned out to its ticket, at a site that stands still.

use std::path::Path;
use std::time::Duration;

use super::StoreKind;
use super::rig::Rig;

/// Deliveries that come first, so that tables, indexes and buffers have their first size.
const WARM_UP: usize = 200;

pub(super) async fn run(program: &Path, kind: StoreKind, events: usize) -> anyhow::Result<()> {
    for keep_payloads in [false, true] {
        let small = waiting(program, kind, WARM_UP, keep_payloads).await?;
        let large = waiting(program, kind, WARM_UP + events, keep_payloads).await?;
        let each = large.saturating_sub(small) / events.max(1) as u64;
        let with = if keep_payloads { "with" } else { "without" };
        println!("memory {:<7} {each:>6} bytes for each waiting delivery, {with} its payload", kind.name());
    }
    Ok(())
}

/// What a store takes in which so many deliveries wait.
async fn waiting(program: &Path, kind: StoreKind, events: usize, keep_payloads: bool) -> anyhow::Result<u64> {
    let mut rig = Rig::start(program, kind, 1, Duration::ZERO, keep_payloads).await?;
    rig.pause().await?;
    let mut worker = rig.worker(1)?;
    rig.deliver_all(1..=events).await?;
    rig.until_empty(&["inbox"]).await?;
    worker.stop()?;
    rig.bytes_at_rest().await
}
