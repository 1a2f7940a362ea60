//! What surrounds every route: a panic becomes a 500, and an unknown path is answered like any other refusal.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{DefaultHeaders, Next};
use futures_util::FutureExt;

use super::ApiError;
use super::answer::Answer;
use super::unread::Held;

/// Headers on every answer. Nothing here is meant to be cached, framed, run or guessed at.
pub(super) fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("Cache-Control", "no-store"))
        .add(("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"))
        .add(("Referrer-Policy", "no-referrer"))
        .add(("X-Content-Type-Options", "nosniff"))
}

/// Runs the routes and answers for them when they cannot.
pub(super) async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let unread = Held::of(&mut request);
    let answer = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let response = answer.unwrap_or_else(|panic| Err(panicked(&*panic).into()))?.map_into_boxed_body();
    Ok(match unread {
        Some(unread) => response.map_body(|_, body| unread.during(body)),
        None => response,
    })
}

/// Where no route is.
pub(super) async fn not_found() -> Answer {
    Err(ApiError::NotFound("there is nothing at this path".to_owned()))
}

fn panicked(panic: &(dyn Any + Send)) -> ApiError {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    ApiError::internal("a handler panicked", text.unwrap_or("without a message"))
}
