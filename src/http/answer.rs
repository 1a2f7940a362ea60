//! What HTTP answers when it did what was asked: `{"success":true,"data":…}`.

use std::marker::PhantomData;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use super::ApiError;

/// The result of a handler. It names its data and its status, and the API description reads them from here.
pub(super) type Answer<T, const STATUS: u16 = 200> = Result<Said<T, STATUS>, ApiError>;

/// An answer that is written already.
///
/// What is borrowed for it may be gone by then: the type stands only for the data's shape. Therefore it is
/// contravariant: an answer made of `Row<'a>` is one of `Row<'static>` as well.
pub(super) struct Said<T, const STATUS: u16 = 200>(HttpResponse, PhantomData<fn(T)>);

#[derive(Serialize)]
struct Success<T> {
    success: bool,
    data: T,
}

/// This data, with the status that the handler's type names.
pub(super) fn with<T: Serialize, const STATUS: u16>(data: T) -> Said<T, STATUS> {
    let status = StatusCode::from_u16(STATUS).unwrap_or(StatusCode::OK);
    Said(HttpResponse::build(status).json(Success { success: true, data }), PhantomData)
}

/// 200 with this data.
pub(super) fn ok<T: Serialize>(data: T) -> Said<T> {
    with(data)
}

impl<T, const STATUS: u16> Responder for Said<T, STATUS> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.0
    }
}
