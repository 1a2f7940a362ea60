//! The API description, and a page to try the API from it.
//!
//! The page is three files of our own in the binary. It runs nothing that is not served here, and it keeps the token
//! that somebody types in memory alone.

use std::sync::LazyLock;

use actix_web::body::BoxBody;
use actix_web::http::Method;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde_json::{Value, json};

use crate::http::ApiError;
use crate::http::describe::{Answers, Told};

use super::{Route, on};

/// What the page may: its own script and style, and to ask this service.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

static DESCRIPTION: LazyLock<String> = LazyLock::new(|| crate::http::description().to_string());

pub(super) fn public() -> Vec<Route> {
    vec![
        on(Method::GET, "/conduit/openapi.json", "This description", openapi),
        on(Method::GET, "/conduit/docs", "A page to try the API", page),
        on(Method::GET, "/conduit/docs/page.js", "The page's script", script),
        on(Method::GET, "/conduit/docs/page.css", "The page's style", style),
    ]
}

/// The description itself is no answer in the envelope: tools read it as it is.
pub(super) struct Description;

/// A file of the page. Only its first is looked at by a person.
pub(super) struct Asset<const KIND: usize>(&'static str);

const HTML: usize = 0;
const SCRIPT: usize = 1;
const STYLE: usize = 2;
const MEDIA: [&str; 3] =
    ["text/html; charset=utf-8", "text/javascript; charset=utf-8", "text/css; charset=utf-8"];

async fn openapi() -> Result<Description, ApiError> {
    Ok(Description)
}

async fn page() -> Result<Asset<HTML>, ApiError> {
    Ok(Asset(include_str!("page/page.html")))
}

async fn script() -> Result<Asset<SCRIPT>, ApiError> {
    Ok(Asset(include_str!("page/page.js")))
}

async fn style() -> Result<Asset<STYLE>, ApiError> {
    Ok(Asset(include_str!("page/page.css")))
}

impl Responder for Description {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().content_type("application/json").body(DESCRIPTION.as_str())
    }
}

impl<const KIND: usize> Responder for Asset<KIND> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response.insert_header((CONTENT_SECURITY_POLICY, POLICY)).content_type(MEDIA[KIND]).body(self.0)
    }
}

impl Answers for Result<Description, ApiError> {
    fn told() -> Vec<Told> {
        let schema = |_: &mut _| json!({ "type": "object", "required": ["openapi", "info", "paths"] });
        vec![Told { status: 200, media: "application/json", schema }]
    }
}

impl<const KIND: usize> Answers for Result<Asset<KIND>, ApiError> {
    fn told() -> Vec<Told> {
        let media = MEDIA[KIND].split(';').next().unwrap_or_default();
        vec![Told { status: 200, media, schema: |_| Value::from_iter([("type", "string")]) }]
    }
}
