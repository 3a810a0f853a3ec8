//! What comes in: body, query and path, each refused with an error that names the field.
//! The only module that may use actix's raw extractors.
#![allow(clippy::disallowed_types)]

use std::future::Future;
use std::pin::Pin;

use std::collections::HashSet;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::base::error::{Code, Error};

/// Largest request body in bytes: a text of 2 MB whose every character is escaped in JSON still fits twice over.
pub const BODY_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// A JSON body, read and checked only after the door has let the caller in.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_of_kind(request, "application/json");
        let declared = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            if !is_json {
                return Err(Error::new(
                    Code::UnsupportedMediaType,
                    "the body must be sent as application/json",
                ));
            }
            if declared.is_some_and(|length| length > BODY_LIMIT_BYTES) {
                return Err(too_large());
            }
            let bytes = read(body).await?;
            parse(&bytes).map(Json)
        })
    }
}

fn too_large() -> Error {
    Error::new(Code::TooLarge, format!("the body is over {BODY_LIMIT_BYTES} bytes"))
}

/// Whether the body is said to be of that media type.
pub(super) fn is_of_kind(request: &HttpRequest, wanted: &str) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted))
}

/// The whole body, within the limit and in time.
pub(super) async fn read(
    body: impl Future<Output = Result<web::Bytes, actix_web::Error>>,
) -> Result<web::Bytes, Error> {
    let read = actix_web::rt::time::timeout(BODY_WAIT, body).await;
    let read = read.map_err(|_| Error::new(Code::BadRequest, "the body came too slowly"))?;
    read.map_err(|error| {
        if error.as_response_error().status_code().as_u16() == 413 {
            too_large()
        } else {
            Error::new(Code::BadRequest, "the body could not be read")
        }
    })
}

/// How long a body may take to come.
const BODY_WAIT: std::time::Duration = std::time::Duration::from_secs(30);

/// How deep JSON may nest.
const DEPTH: usize = 32;

/// Refuses what nests deeper, before anything is built of it.
fn require_shallow(bytes: &[u8]) -> Result<(), Error> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH {
            return Err(Error::new(Code::MalformedJson, format!("nests deeper than {DEPTH}")));
        }
    }
    Ok(())
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    require_shallow(bytes)?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| explain(&error))?;
    reader
        .end()
        .map_err(|error| Error::new(Code::MalformedJson, error.to_string()))?;
    Ok(value)
}

fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let detail = error.inner().to_string();
    if error.inner().is_data() {
        let mut pointer = pointer(error.path());
        if let Some(field) = field_named_in(&detail)
            && !pointer.ends_with(&format!("/{field}"))
        {
            pointer = format!("{pointer}/{field}");
        }
        Error::invalid(&pointer, detail)
    } else {
        Error::new(Code::MalformedJson, detail)
    }
}

/// The field that is missing, unknown or there twice: serde names it in words, at the place of what should hold it.
fn field_named_in(detail: &str) -> Option<String> {
    let known = ["missing field `", "unknown field `", "duplicate field `"];
    let rest = known.iter().find_map(|start| detail.strip_prefix(start))?;
    let (field, _) = rest.split_once('`')?;
    Some(field.replace('~', "~0").replace('/', "~1"))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.extend(["/", &index.to_string()]),
            Segment::Map { key } => pointer.extend(["/", &key.replace('~', "~0").replace('/', "~1")]),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// The query string: every parameter is a type that reads itself from a string; unknown or repeated ones are refused.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(query(request.query_string()).map(Query))
    }
}

/// The operations that know query parameters, as `GET /v1/cases`: all others refuse any.
pub struct Asking(pub HashSet<String>);

/// Refuses query parameters where the operation knows none.
///
/// # Errors
/// `invalid` at the first.
pub fn no_unknown_query(request: &HttpRequest) -> Result<(), Error> {
    let asking = request.app_data::<Arc<Asking>>();
    let operation = format!("{} {}", request.method(), request.match_pattern().unwrap_or_default());
    match form_urlencoded::parse(request.query_string().as_bytes()).next() {
        Some((name, _)) if !asking.is_some_and(|asking| asking.0.contains(&operation)) => Err(Error::invalid(
            &format!("/{name}"),
            "this operation knows no such parameter",
        )),
        _ => Ok(()),
    }
}

fn query<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let mut map = Map::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if value.contains('\0') || value.contains('\u{fffd}') {
            return Err(Error::invalid(&format!("/{name}"), "not valid text"));
        }
        if map
            .insert(name.to_string(), Value::String(value.into_owned()))
            .is_some()
        {
            return Err(Error::invalid(&format!("/{name}"), "given twice"));
        }
    }
    serde_path_to_error::deserialize(Value::Object(map)).map_err(|error| explain(&error))
}

/// The path's parameters. What cannot be an id is a record that is not there: 404.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let inner = web::Path::<T>::extract(request).into_inner();
        std::future::ready(
            inner
                .map(|path| Path(path.into_inner()))
                .map_err(|_| Error::not_found()),
        )
    }
}

/// `If-Match`: the version of a record that a change was made from. Without it 428.
pub struct IfMatch(Vec<String>);

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let given: Vec<String> = request
            .headers()
            .get_all(header::IF_MATCH)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|tag| tag.trim().to_owned())
            .filter(|tag| !tag.is_empty())
            .collect();
        std::future::ready(if given.is_empty() {
            Err(Error::new(
                Code::PreconditionRequired,
                "If-Match must carry the record's ETag",
            ))
        } else {
            Ok(IfMatch(given))
        })
    }
}

impl IfMatch {
    /// Refuses with 412 and the current version unless `etag` is among those given (or `*`).
    ///
    /// # Errors
    /// `precondition_failed` with the record as this reader sees it now.
    pub fn require(&self, etag: &str, current: &Value) -> Result<(), Error> {
        if self.0.iter().any(|tag| tag == etag || tag == "*") {
            return Ok(());
        }
        let mut error = Error::new(Code::PreconditionFailed, "the record has changed since that version");
        error.current = Some((current.clone(), etag.to_owned()));
        Err(error)
    }
}
