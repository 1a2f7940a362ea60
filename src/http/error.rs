//! Everything that HTTP answers when it does not do what was asked: one enum, one table.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::registration::Invalid;
use crate::secrets::KeyError;
use crate::store::StoreError;

/// After how many seconds a sender should try again.
const RETRY_SECONDS: &str = "5";

/// Why a request was not done. The text is for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// Ours; the log has the rest under this id.
    #[error("internal error; the log has more under id {0}")]
    Internal(String),
    /// Not what this route takes.
    #[error("{0}")]
    Malformed(String),
    /// A field that must be there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// No hook of this name.
    #[error("no hook {0} is registered (see: conduit hooks list)")]
    NotRegistered(String),
    /// A hook of this name stands already.
    #[error(
        "hook {0} is registered already; make a new secret with PATCH /conduit/webhooks/update, or remove it first"
    )]
    AlreadyRegistered(String),
    /// No token, or one that opens nothing.
    #[error("a valid token is needed: Authorization: Bearer TOKEN")]
    NotAuthorised,
    /// A token that may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// More bytes than are taken here.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// It cannot be taken now; later it may.
    #[error("{0}; try again in a few seconds")]
    Busy(&'static str),
    /// The process has begun, and its store is not there: nothing can be looked up or kept.
    #[error("the store is not there yet; try again in a few seconds")]
    NoStoreYet,
    /// The sender did not prove who it is: no such hook, no signature, a wrong one.
    #[error("the signature does not match")]
    BadSignature,
    /// Not a content type, or an encoding, that is taken here.
    #[error("{0}")]
    UnsupportedMedia(&'static str),
    /// No forge of this name.
    #[error("unknown provider; known are: {0}")]
    UnknownProvider(String),
    /// Nothing of this name.
    #[error("{0}")]
    NotFound(String),
    /// A known path and a method it does not have.
    #[error("this path takes {0}")]
    WrongMethod(String),
    /// What is asked for does not go with how things stand.
    #[error("{0}")]
    Conflict(String),
    /// The body did not arrive in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// Too much from this address was refused; with the seconds until it is heard again.
    #[error("too much from this address was refused; try again in {0} s")]
    AddressLimited(u64),
    /// Genuine, and more than the hook may have; with the seconds until it may have one more.
    #[error(
        "this hook delivers more than CONDUIT_RATE_HOOK allows; nothing was stored, deliver it again in {0} s"
    )]
    HookLimited(u64),
    /// From an address that deliveries are not taken from.
    #[error("deliveries are not taken from this address")]
    AddressNotAllowed,
}

impl ApiError {
    /// The one table: `error_code` and HTTP status.
    pub(super) const fn row(&self) -> (u16, StatusCode) {
        match self {
            Self::Internal(_) => (1, StatusCode::INTERNAL_SERVER_ERROR),
            Self::Malformed(_) => (201, StatusCode::BAD_REQUEST),
            Self::Missing(_) => (202, StatusCode::BAD_REQUEST),
            Self::NotRegistered(_) => (203, StatusCode::NOT_FOUND),
            Self::AlreadyRegistered(_) => (204, StatusCode::CONFLICT),
            Self::NotAuthorised => (205, StatusCode::UNAUTHORIZED),
            Self::TooLarge(_) => (206, StatusCode::PAYLOAD_TOO_LARGE),
            Self::Busy(_) | Self::NoStoreYet => (207, StatusCode::SERVICE_UNAVAILABLE),
            Self::BadSignature => (208, StatusCode::UNAUTHORIZED),
            Self::Forbidden(_) => (209, StatusCode::FORBIDDEN),
            Self::UnsupportedMedia(_) => (210, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::UnknownProvider(_) => (211, StatusCode::NOT_FOUND),
            Self::NotFound(_) => (212, StatusCode::NOT_FOUND),
            Self::WrongMethod(_) => (213, StatusCode::METHOD_NOT_ALLOWED),
            Self::Conflict(_) => (214, StatusCode::CONFLICT),
            Self::TooSlow => (215, StatusCode::REQUEST_TIMEOUT),
            Self::AddressLimited(_) => (216, StatusCode::TOO_MANY_REQUESTS),
            Self::HookLimited(_) => (217, StatusCode::TOO_MANY_REQUESTS),
            Self::AddressNotAllowed => (218, StatusCode::FORBIDDEN),
        }
    }

    /// An error of our own: the log gets all of it, the caller an id to ask for it by.
    pub fn internal(what: &str, error: impl std::fmt::Display) -> Self {
        let mut bytes = [0_u8; 6];
        // Without randomness the id is all zeros, and still leads to the line.
        let _ = getrandom::fill(&mut bytes);
        let id = data_encoding::HEXLOWER.encode(&bytes);
        tracing::error!(id, "{what}: {error}");
        Self::Internal(id)
    }
}

/// What every refusal looks like.
#[derive(Serialize)]
struct Refusal {
    success: bool,
    error_code: u16,
    error_msg: String,
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.row().1
    }

    fn error_response(&self) -> HttpResponse {
        let (error_code, status) = self.row();
        let mut response = HttpResponse::build(status);
        match self {
            Self::NotAuthorised => response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"conduit\"")),
            Self::Busy(_) | Self::NoStoreYet => response.insert_header((RETRY_AFTER, RETRY_SECONDS)),
            Self::AddressLimited(seconds) | Self::HookLimited(seconds) => {
                response.insert_header((RETRY_AFTER, *seconds))
            }
            Self::WrongMethod(methods) => response.insert_header((ALLOW, methods.as_str())),
            _ => &mut response,
        };
        // What is left of a body that was not read must not be taken for the next request.
        if matches!(
            self,
            Self::TooLarge(_)
                | Self::TooSlow
                | Self::AddressLimited(_)
                | Self::AddressNotAllowed
                | Self::NoStoreYet
        ) {
            response.force_close();
        }
        response.json(Refusal { success: false, error_code, error_msg: self.to_string() })
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => {
                tracing::warn!("a request got 503: the store cannot take it: {why}");
                Self::Busy("the store is not available")
            }
            StoreError::BadCursor(_) => Self::Malformed(format!("`cursor`: {error}")),
            StoreError::LostLease(_) | StoreError::Damaged { .. } | StoreError::Unfit(_) => {
                Self::internal("the store", error)
            }
        }
    }
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::Malformed(invalid.to_string())
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self::internal("a secret could not be sealed", error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_wrong_inside_stays_inside() {
        let error = ApiError::internal("the store", "row 7 of /var/lib/conduit.db is torn");
        assert_eq!(error.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
        let text = error.to_string();
        assert!(!text.contains("conduit.db"), "{text}");
    }

    #[test]
    fn a_store_that_is_out_says_when_to_come_back() {
        let response = ApiError::from(StoreError::Unavailable("connection refused".into())).error_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), RETRY_SECONDS);
    }
}
