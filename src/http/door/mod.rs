//! At the door: who it is, whether they may try at all, and what is remembered of how it went.
//!
//! Before a body is read, nothing of a request can be believed but the address that it comes from (`address`). So each
//! address has a budget (`bucket`) that nothing but refusals uses up: what is genuine costs nothing, however much of it
//! comes, and a forger uses up his own. Where a genuine delivery came from, deliveries are read on even when the budget
//! is used up (`standing`): a forge's hooks share its addresses, and one forger among them must not lock the others out.
//! A hook has no budget before the signature is checked, because anybody can write its name into a URL.

mod address;
mod allow;
mod bucket;
mod standing;

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::{HttpRequest, ResponseError as _};
use ipnet::IpNet;
use jiff::Timestamp;

pub use allow::{AllowList, Published};
pub(super) use bucket::Bucket;
pub use bucket::Rate;
pub(super) use standing::Standing;

use super::ApiError;
use standing::Standings;

/// A refused delivery costs one unit, and one more for each of these bytes that had to be hashed.
const BYTES_A_UNIT: usize = 256 * 1024;

/// What is chosen of the door at start.
#[derive(Debug, Clone)]
pub struct DoorConfig {
    /// Whose word is taken for whom they speak for.
    pub trusted_proxies: Vec<IpNet>,
    /// From where deliveries are taken; `None`: from anywhere.
    pub allow: Option<AllowList>,
    /// Refused deliveries from one address.
    pub refused: Option<Rate>,
    /// Genuine deliveries on one hook.
    pub hook: Option<Rate>,
    /// Tokens from one address that open nothing.
    pub tokens: Option<Rate>,
}

impl Default for DoorConfig {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            allow: None,
            refused: Rate::per_minute(600),
            hook: Rate::per_minute(12_000),
            tokens: Rate::per_minute(60),
        }
    }
}

/// The door of one process.
pub(super) struct Door {
    config: DoorConfig,
    standings: Standings,
    /// The log has heard of a proxy that nobody named, and of somebody on the internet who says that he is one.
    told_of_proxy: AtomicBool,
    told_of_stranger: AtomicBool,
}

/// Somebody who may try to deliver.
pub(super) struct Visitor {
    /// From where.
    pub(super) address: Option<IpAddr>,
    /// What is remembered of that address; `None` where it would be held against others.
    pub(super) standing: Option<Arc<Standing>>,
    /// How much of theirs was read.
    read: Cell<usize>,
}

impl Visitor {
    /// Notes how much had to be verified.
    pub(super) fn has_sent(&self, bytes: usize) {
        self.read.set(bytes);
    }

    /// The address, for the log.
    pub(super) fn name(&self) -> String {
        self.address.map_or_else(|| "nowhere".to_owned(), |address| address.to_string())
    }
}

impl Door {
    pub(super) fn new(config: DoorConfig) -> Self {
        Self {
            config,
            standings: Standings::default(),
            told_of_proxy: AtomicBool::default(),
            told_of_stranger: AtomicBool::default(),
        }
    }

    /// From where a request comes: its peer, or whom a trusted proxy names.
    pub(super) fn address(&self, request: &HttpRequest) -> Option<IpAddr> {
        self.from(request).map(|from| from.address)
    }

    /// Lets a delivery be read, or refuses it while nothing of its body is.
    pub(super) fn admit(&self, request: &HttpRequest, now: Timestamp) -> Result<Visitor, ApiError> {
        let from = self.from(request);
        let address = from.map(|from| from.address);
        if let Some(list) = &self.config.allow {
            list.check(address).inspect_err(|refusal| {
                tracing::debug!("a delivery from {address:?} was not read: {refusal}");
            })?;
        }
        // Everybody would stand there with the same address: one forger would lock all of them out.
        let known = from.filter(|from| !from.untold_proxy).map(|from| address::responsible(from.address));
        let standing = known.map(|address| self.standings.of(address));
        if let (Some(rate), Some(standing)) = (self.config.refused, &standing)
            && let Some(wait) = standing.refused_for(rate, now)
        {
            return Err(ApiError::AddressLimited(seconds(wait)));
        }
        Ok(Visitor { address, standing, read: Cell::new(0) })
    }

    /// Remembers how it went.
    pub(super) fn remember(&self, visitor: &Visitor, refusal: Option<&ApiError>, now: Timestamp) {
        let Some(standing) = &visitor.standing else { return };
        let Some(refusal) = refusal else { return standing.vouch(now) };
        // What failed here, or was genuine and too much, is not held against the sender.
        let theirs = refusal.status_code().is_client_error() && !matches!(refusal, ApiError::HookLimited(_));
        let Some(rate) = self.config.refused.filter(|_| theirs) else { return };
        let units = 1 + visitor.read.get() / BYTES_A_UNIT;
        if standing.refuse(rate, units as u64, now) {
            tracing::warn!(
                "so much from {} was refused that it gets 429 for now, unread; if a forge of yours is there, look \
                 for a wrong secret above",
                visitor.name()
            );
        }
    }

    /// Whether a hook may have one more delivery.
    pub(super) fn take_from(&self, hook: &Bucket, now: Timestamp) -> Result<(), ApiError> {
        let Some(rate) = self.config.hook else { return Ok(()) };
        hook.take(rate, now).map_err(|wait| ApiError::HookLimited(seconds(wait)))
    }

    /// Whether a token is heard, which is the one of this name or none that fits.
    pub(super) fn hear(
        &self,
        request: &HttpRequest,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let (Some(rate), Some(address)) = (self.config.tokens, self.address(request)) else { return Ok(()) };
        let standing = self.standings.of(address::responsible(address));
        standing.attempt(token, rate, now).map_err(|wait| {
            tracing::debug!("a token from {address} was not heard: too many from there were wrong");
            ApiError::AddressLimited(seconds(wait))
        })
    }

    fn from(&self, request: &HttpRequest) -> Option<address::Origin> {
        let peer = request.peer_addr()?.ip();
        let trusted = &self.config.trusted_proxies;
        let from = address::of(peer, request.headers(), trusted);
        if !address::is_trusted(peer.to_canonical(), trusted) && address::speaks_for_others(request.headers())
        {
            let told = if from.untold_proxy { &self.told_of_proxy } else { &self.told_of_stranger };
            if !told.swap(true, Ordering::Relaxed) {
                warn_of_proxy(from);
            }
        }
        Some(from)
    }
}

fn warn_of_proxy(from: address::Origin) {
    let address::Origin { address, untold_proxy } = from;
    let meanwhile = if untold_proxy {
        "who is behind it is not known, so nobody there is limited"
    } else {
        "whoever is behind it counts as one sender"
    };
    tracing::warn!(
        "{address} says that it speaks for others, and is not one of CONDUIT_TRUSTED_PROXIES: {meanwhile}. If it is your \
         proxy, name it there (this is said once)"
    );
}

/// Whole seconds, rounded up.
fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}
