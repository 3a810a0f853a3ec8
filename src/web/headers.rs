//! What every answer carries: security headers and a request id; every error body is `application/problem+json`.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;

use crate::base::error::{Code, Error};
use crate::web::reply;

const ALWAYS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("strict-transport-security", "max-age=31536000"),
];

/// What an answer keeps when its body becomes a problem.
const KEPT: [&str; 3] = ["allow", "ratelimit-policy", "ratelimit"];

/// Middleware: gives the answer its request id and headers, and errors their one shape.
///
/// # Errors
/// None of its own.
pub async fn manners(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let page = request.path().starts_with("/docs");
    let oauth = request.path().starts_with("/oauth/");
    let mut response = next.call(request).await?.map_into_boxed_body();
    let id = reply::request_id(response.request());
    if let Some(problem) = problem_of(&response) {
        let problem = if oauth { in_oauth(problem) } else { problem };
        let (request, old) = response.into_parts();
        let mut fresh = reply::problem(&problem, &id);
        for name in KEPT {
            if let Some(value) = old.headers().get(name) {
                fresh.headers_mut().insert(HeaderName::from_static(name), value.clone());
            }
        }
        response = ServiceResponse::new(request, fresh);
    }
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let policy = if page {
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    } else {
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    };
    headers.insert(
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_static(policy),
    );
    if !headers.contains_key("cache-control") {
        headers.insert(
            HeaderName::from_static("cache-control"),
            HeaderValue::from_static("no-store"),
        );
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    Ok(response)
}

/// A client's program reads `error` in every answer of that path.
fn in_oauth(problem: Error) -> Error {
    let name = match (problem.oauth, problem.code.status()) {
        (Some(name), _) => name,
        (None, 429 | 503) => "temporarily_unavailable",
        (None, status) if status >= 500 => "server_error",
        (None, _) => "invalid_request",
    };
    problem.in_oauth(name)
}

fn problem_of(response: &ServiceResponse<BoxBody>) -> Option<Error> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    if let Some(error) = response.response().error() {
        if let Some(ours) = error.as_error::<Error>() {
            return Some(ours.clone());
        }
        log::warn!("answered {status} for an error outside the table");
    }
    Some(match status.as_u16() {
        400 => Error::new(Code::BadRequest, "the request could not be read"),
        404 => Error::not_found(),
        405 => Error::new(Code::MethodNotAllowed, "this path does not know that method"),
        413 => Error::new(Code::TooLarge, "the body is too large"),
        415 => Error::new(Code::UnsupportedMediaType, "the body must be sent as application/json"),
        503 => Error::unavailable(),
        other if other < 500 => Error::new(Code::BadRequest, "the request could not be read"),
        other => Error::internal(format!("status {other}")),
    })
}
