//! The yardstick: an actix handler that reads the body and checks its HMAC, and nothing else.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::instance::SECRET;

/// Serves on `port` until it is killed, with as many workers as Conduit takes.
pub(crate) async fn serve(port: u16) -> anyhow::Result<()> {
    let app = || {
        App::new()
            .app_data(web::PayloadConfig::new(25 * 1024 * 1024))
            .route("/payload", web::post().to(check))
            .route("/ping", web::get().to(|| async { "pong" }))
    };
    Ok(HttpServer::new(app).workers(2).bind(("127.0.0.1", port))?.run().await?)
}

async fn check(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    if is_genuine(&request, &body).unwrap_or(false) {
        HttpResponse::Accepted().body(r#"{"success":true}"#)
    } else {
        HttpResponse::Unauthorized().finish()
    }
}

fn is_genuine(request: &HttpRequest, body: &[u8]) -> Option<bool> {
    let header = request.headers().get("x-hub-signature-256")?.to_str().ok()?;
    let signature = data_encoding::HEXLOWER.decode(header.strip_prefix("sha256=")?.as_bytes()).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).ok()?;
    mac.update(body);
    Some(mac.verify_slice(&signature).is_ok())
}
