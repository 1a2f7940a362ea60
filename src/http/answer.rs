//! What HTTP answers when it did what was asked: `{"success":true,"data":…}`.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;

use super::ApiError;

/// The result of a handler.
pub(super) type Answer = Result<HttpResponse, ApiError>;

#[derive(Serialize)]
struct Success<T> {
    success: bool,
    data: T,
}

/// An answer with this status and data.
pub(super) fn with(status: StatusCode, data: impl Serialize) -> HttpResponse {
    HttpResponse::build(status).json(Success { success: true, data })
}

/// 200 with this data.
pub(super) fn ok(data: impl Serialize) -> HttpResponse {
    with(StatusCode::OK, data)
}
