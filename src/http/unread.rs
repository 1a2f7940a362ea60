//! Chunked bodies that nobody reads to their end, because they are too large, too slow or not wanted.
//!
//! actix waits for the rest of a chunked body once its reader has gone, without any limit: a sender that
//! stops in the middle would keep its connection for ever. It closes the connection soon after the answer
//! when the reader is still there. So the body is held here until the answer goes out.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::TRANSFER_ENCODING;
use bytes::Bytes;
use futures_util::Stream;

/// A body that its reader and its keeper share.
#[derive(Clone)]
pub(super) struct Held(Rc<RefCell<Payload>>);

impl Held {
    /// Holds the body of `request`, if it has one of no stated length.
    pub(super) fn of(request: &mut ServiceRequest) -> Option<Self> {
        if !request.headers().contains_key(TRANSFER_ENCODING) {
            return None;
        }
        let body = std::mem::replace(request.parts_mut().1, Payload::None);
        let held = Self(Rc::new(RefCell::new(body)));
        request.set_payload(Payload::Stream { payload: Box::pin(held.clone()) });
        Some(held)
    }

    /// Holds it until the last byte of the answer's `body` is taken.
    pub(super) fn during(self, body: BoxBody) -> BoxBody {
        BoxBody::new(Answering { body, _unread: self })
    }
}

struct Answering {
    body: BoxBody,
    _unread: Held,
}

impl MessageBody for Answering {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

impl Stream for Held {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}
