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

/// What is set aside before the first byte came: a sender's word for its length is not taken for more.
const FIRST: usize = 64 * 1024;

/// The memory that bodies may take together while they are read and verified.
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

#[derive(Debug)]
struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { free: AtomicUsize::new(bytes) })
    }
}

impl Share {
    fn grow(&mut self, by: usize) -> Result<(), ApiError> {
        let less = |free: usize| free.checked_sub(by);
        let taken = self.budget.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        taken.map_err(|_| ApiError::Busy("too many large bodies at once"))?;
        self.bytes += by;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.free.fetch_add(self.bytes, Ordering::AcqRel);
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
    budget: &Arc<Budget>,
) -> Result<Body, ApiError> {
    let first = content_length(request).unwrap_or_default().min(FIRST);
    let share = Share { budget: Arc::clone(budget), bytes: 0 };
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
        share.grow(chunk.len())?;
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
        let share = || Share { budget: Arc::clone(&budget), bytes: 0 };
        let (mut one, mut two) = (share(), share());
        assert_eq!(one.grow(60), Ok(()));
        assert!(matches!(two.grow(60), Err(ApiError::Busy(_))));
        drop(one);
        assert_eq!(two.grow(60), Ok(()));
        drop(two);
        assert_eq!(budget.free.load(Ordering::Acquire), 100);
    }
}
