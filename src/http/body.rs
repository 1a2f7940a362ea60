//! Reading a request's body: the raw bytes, within a size, a time and a share of memory.
//!
//! The bytes are taken as they come off the wire. Nothing is decompressed, because a signature covers what
//! was sent, and because a small body that unpacks to a large one is an attack.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::ApiError;
use super::door::Standing;

/// What is set aside before the first byte came: a sender's word for its length is not taken for more.
const FIRST: usize = 64 * 1024;

/// The memory that bodies may take together while they are read and verified.
///
/// An address may hold as much of it as is left to the others: alone at most a half, beside one that does the same a third, and
/// so on. So whoever fills it leaves room, and many who do leave as much as each of them has.
#[derive(Debug)]
pub(super) struct Budget {
    free: AtomicUsize,
}

/// A body, and its share of the budget until it is dropped.
#[derive(Debug)]
pub(super) struct Body {
    /// The raw bytes.
    pub(super) bytes: Bytes,
    _share: Share,
}

/// What a body takes of the budget, and whose part of it that is.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    holder: Option<Arc<Standing>>,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { free: AtomicUsize::new(bytes) })
    }

    /// Nothing of it yet, for a body from the address of `holder`; without one it may take all there is.
    pub(super) fn share(self: &Arc<Self>, holder: Option<Arc<Standing>>) -> Share {
        Share { budget: Arc::clone(self), holder, bytes: 0 }
    }
}

impl Share {
    fn grow(&mut self, by: usize) -> Result<(), ApiError> {
        let held = self.holder.as_ref().map_or(0, |holder| holder.held.load(Ordering::Relaxed) + by);
        let less = |free: usize| free.checked_sub(by).filter(|left| held <= *left);
        let taken = self.budget.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        taken.map_err(|_| ApiError::Busy("too many large bodies at once"))?;
        if let Some(holder) = &self.holder {
            holder.held.fetch_add(by, Ordering::Relaxed);
        }
        self.bytes += by;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.free.fetch_add(self.bytes, Ordering::AcqRel);
        if let Some(holder) = &self.holder {
            holder.held.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

/// Refuses what is encoded, is not of one of the `types`, or says that it is longer than `limit`.
pub(super) fn check_head(
    request: &HttpRequest,
    types: &[&str],
    wanted: &'static str,
    limit: usize,
) -> Result<(), ApiError> {
    let headers = request.headers();
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(ApiError::UnsupportedMedia("send the body without a Content-Encoding"));
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !types.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Err(ApiError::UnsupportedMedia(wanted));
    }
    if content_length(request).is_some_and(|length| length > limit) {
        return Err(ApiError::TooLarge(limit));
    }
    Ok(())
}

/// Reads the body to its end.
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    patience: Duration,
    mut share: Share,
) -> Result<Body, ApiError> {
    let first = content_length(request).unwrap_or_default().min(FIRST);
    share.grow(first)?;
    let reading = collect(payload, first, limit, share);
    tokio::time::timeout(patience, reading).await.map_err(|_| ApiError::TooSlow)?
}

async fn collect(
    mut payload: Payload,
    first: usize,
    limit: usize,
    mut share: Share,
) -> Result<Body, ApiError> {
    let mut bytes = BytesMut::with_capacity(first);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| ApiError::Malformed(format!("the body broke off: {error}")))?;
        if chunk.len() > limit.saturating_sub(bytes.len()) {
            return Err(ApiError::TooLarge(limit));
        }
        let needed = bytes.len() + chunk.len();
        share.grow(needed.saturating_sub(share.bytes))?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(Body { bytes: bytes.freeze(), _share: share })
}

fn content_length(request: &HttpRequest) -> Option<usize> {
    // One that does not fit is over any limit.
    let text = request.headers().get(CONTENT_LENGTH)?.to_str().ok()?;
    Some(text.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_share_a_budget_and_give_it_back() {
        let budget = Budget::new(100);
        let (mut one, mut two) = (budget.share(None), budget.share(None));
        assert_eq!(one.grow(60), Ok(()));
        assert!(matches!(two.grow(60), Err(ApiError::Busy(_))));
        drop(one);
        assert_eq!(two.grow(60), Ok(()));
        drop(two);
        assert_eq!(budget.free.load(Ordering::Acquire), 100);
    }

    #[test]
    fn an_address_holds_no_more_than_it_leaves_to_the_others() {
        let budget = Budget::new(120);
        let [forger, accomplice, forge] = [(); 3].map(|()| Arc::<Standing>::default());
        let bodies = |of: &Arc<Standing>| {
            let body = || {
                let mut share = budget.share(Some(Arc::clone(of)));
                share.grow(10).map(|()| share).ok()
            };
            std::iter::from_fn(body).collect::<Vec<_>>()
        };
        let first = bodies(&forger);
        assert_eq!(first.len(), 6, "a half");
        let second = bodies(&accomplice);
        assert_eq!(second.len(), 3, "a half of the rest");
        assert_eq!(bodies(&forge).len(), 1, "and there is still some left");
        drop(first);
        assert_eq!(bodies(&forge).len(), 4);
        drop(second);
        assert_eq!(budget.free.load(Ordering::Acquire), 120);
        assert_eq!(forger.held.load(Ordering::Relaxed), 0);
    }
}
