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

/// Headers on every answer. Nothing here is meant to be cached, framed, run or guessed at, and over TLS never asked for
/// without it.
pub(super) fn security_headers(https: bool) -> DefaultHeaders {
    let headers = if https {
        DefaultHeaders::new().add(("Strict-Transport-Security", "max-age=31536000"))
    } else {
        DefaultHeaders::new()
    };
    headers
        .add(("Cache-Control", "no-store"))
        .add(("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"))
        .add(("Cross-Origin-Resource-Policy", "same-origin"))
        .add(("Referrer-Policy", "no-referrer"))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("X-Frame-Options", "DENY"))
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
pub(super) async fn not_found() -> Answer<()> {
    Err(ApiError::NotFound("there is nothing at this path".to_owned()))
}

fn panicked(panic: &(dyn Any + Send)) -> ApiError {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    ApiError::internal("a handler panicked", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpResponse, test, web};

    use super::*;

    async fn broken(request: actix_web::HttpRequest) -> HttpResponse {
        assert!(request.query_string().is_empty(), "row 7 of the hooks is torn");
        HttpResponse::Ok().finish()
    }

    #[actix_web::test]
    async fn a_panic_is_a_500_that_says_nothing_and_the_next_request_is_served() {
        let app = App::new().route("/", web::get().to(broken)).wrap(from_fn(guard));
        let app = test::init_service(app).await;
        let request = test::TestRequest::get().uri("/?x").to_request();
        let refused = test::try_call_service(&app, request).await.unwrap_err().error_response();
        assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = actix_web::body::to_bytes(refused.into_body()).await.unwrap();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("\"error_code\":1") && !body.contains("hooks"), "{body}");

        let request = test::TestRequest::get().uri("/").to_request();
        assert_eq!(test::call_service(&app, request).await.status(), StatusCode::OK);
    }
}
