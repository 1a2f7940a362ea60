//! The leases of a batch, known to whoever cleans up after it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::worker::lease::Held;

/// The tickets that a batch holds.
pub(in crate::worker) struct Team {
    /// The site they are on.
    pub(in crate::worker) site: String,
    places: usize,
    rides: AtomicBool,
    held: Mutex<BTreeMap<String, Arc<Held>>>,
}

impl Team {
    /// A team of these leases, which may make so many requests at once.
    pub(in crate::worker) fn new(site: String, places: usize, held: Vec<Arc<Held>>) -> Self {
        let held = held.into_iter().map(|held| (held.lease().job.key.clone(), held)).collect();
        Self { site, places, rides: AtomicBool::new(false), held: Mutex::new(held) }
    }

    /// How many of its worker's places it takes now.
    pub(in crate::worker) fn takes(&self) -> usize {
        if self.rides.load(Ordering::Relaxed) { 1 } else { self.places }
    }

    pub(super) fn places(&self) -> usize {
        self.places
    }

    /// Whether its only request now is a bulk move.
    pub(super) fn rides(&self, rides: bool) {
        self.rides.store(rides, Ordering::Relaxed);
    }

    /// The lease on a ticket, while it is held.
    pub(super) fn held(&self, key: &str) -> Option<Arc<Held>> {
        self.lock().get(key).cloned()
    }

    /// The lease on a ticket that is parted with.
    pub(super) fn part_with(&self, key: &str) -> Option<Arc<Held>> {
        self.lock().remove(key)
    }

    /// All that are still held.
    pub(in crate::worker) fn all(&self) -> Vec<Arc<Held>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
