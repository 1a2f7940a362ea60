//! What surrounds every route: a panic becomes a 500, and an unknown path or method is answered like any
//! other refusal.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::ALLOW;
use actix_web::middleware::{DefaultHeaders, Next};
use futures_util::FutureExt;

use super::ApiError;
use super::answer::Answer;

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
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answer = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let response = answer.unwrap_or_else(|panic| Err(panicked(&*panic).into()))?;
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return Ok(response.map_into_boxed_body());
    }
    let allow = response.headers().get(ALLOW).and_then(|value| value.to_str().ok());
    let refusal = ApiError::WrongMethod(allow.unwrap_or("another method").to_owned());
    Ok(response.error_response(refusal).map_into_boxed_body())
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
