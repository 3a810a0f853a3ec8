//! What goes out. A record is sent as [`Tagged`], which only the access floor makes.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};
use serde_json::{Value, json};

use crate::base::error::{Code, Error};

/// What a handler returns.
pub type Reply = Result<HttpResponse, Error>;

/// A body with its `ETag`.
pub struct Tagged {
    /// The bytes' content, as this reader sees it.
    pub body: Value,
    /// Strong entity tag, quoted.
    pub etag: String,
}

/// 200 with the record and its `ETag`; 304 where the reader has these bytes already.
#[must_use]
pub fn record(request: &HttpRequest, tagged: &Tagged) -> HttpResponse {
    let known = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/") == tagged.etag || tag.trim() == "*");
    if known {
        return with_tag(HttpResponse::NotModified().finish(), &tagged.etag);
    }
    with_tag(HttpResponse::Ok().json(&tagged.body), &tagged.etag)
}

/// 200 after a change, with the new version's `ETag`.
#[must_use]
pub fn changed(tagged: &Tagged) -> HttpResponse {
    with_tag(HttpResponse::Ok().json(&tagged.body), &tagged.etag)
}

/// 201 with where the new record is.
#[must_use]
pub fn created(location: &str, tagged: &Tagged) -> HttpResponse {
    let mut response = created_in_list(tagged);
    if let Ok(value) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// 201 with where the new record is, for an answer that holds what is shown this once: kept by nobody on the way.
#[must_use]
pub fn created_once(location: &str, tagged: &Tagged) -> HttpResponse {
    let mut response = created(location, tagged);
    response.headers_mut().remove(header::ETAG);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 201 for what is read in its list alone.
#[must_use]
pub fn created_in_list(tagged: &Tagged) -> HttpResponse {
    with_tag(HttpResponse::Created().json(&tagged.body), &tagged.etag)
}

/// 204.
#[must_use]
pub fn nothing() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

fn with_tag(mut response: HttpResponse, etag: &str) -> HttpResponse {
    if let Ok(value) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// The request's id, made once by the door's first step; `-` outside a request that has passed it.
#[must_use]
pub fn request_id(request: &HttpRequest) -> String {
    request
        .extensions()
        .get::<RequestId>()
        .map_or_else(|| "-".to_owned(), |id| id.0.clone())
}

/// The id of one request, for the log and the answer.
#[derive(Clone)]
pub struct RequestId(pub String);

/// An error as `application/problem+json` (RFC 9457).
#[must_use]
pub fn problem(error: &Error, request_id: &str) -> HttpResponse {
    if let Some(inside) = error.inside() {
        log::error!("request {request_id}: {inside}");
    }
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = json!({
        "type": format!("/errors#{}", error.code.slug()),
        "title": error.code.title(),
        "status": status.as_u16(),
        "code": error.code.slug(),
        "detail": error.detail,
        "request_id": request_id,
    });
    if !error.errors.is_empty() {
        body["errors"] = error
            .errors
            .iter()
            .map(|field| json!({"pointer": field.pointer, "detail": field.detail}))
            .collect();
    }
    if let Some(existing) = &error.existing {
        body["existing"] = json!(existing);
    }
    if let Some((current, _)) = &error.current {
        body["current"] = current.clone();
    }
    if let Some((field, value)) = error.beside.as_deref() {
        body[*field] = value.clone();
    }
    let kind = if let Some(name) = error.oauth {
        (body["error"], body["error_description"]) = (json!(name), json!(error.detail));
        "application/json"
    } else {
        "application/problem+json"
    };
    let mut response = HttpResponse::build(status).content_type(kind).body(body.to_string());
    let headers = response.headers_mut();
    if let Some(etag) = error
        .current
        .as_ref()
        .and_then(|(_, etag)| HeaderValue::from_str(etag).ok())
    {
        headers.insert(header::ETAG, etag);
    }
    if status == StatusCode::UNAUTHORIZED {
        let scheme = match (error.oauth, error.code) {
            (Some(_), _) => r#"Basic realm="conscience""#,
            (None, Code::TokenExpired) => r#"Bearer realm="conscience", error="invalid_token""#,
            (None, _) => r#"Bearer realm="conscience""#,
        };
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(
            header::RETRY_AFTER,
            HeaderValue::from(error.retry_after_seconds.unwrap_or(1)),
        );
    }
    response
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).finish()
    }
}
