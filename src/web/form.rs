//! Forms and basic credentials, as OAuth 2.0 sends them (RFC 6749).
#![allow(clippy::disallowed_types)]

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::base::error::{Code, Error};
use crate::web::inputs;

/// Largest form, in bytes.
const LIMIT_BYTES: usize = 64 * 1024;

/// A form: each field once, an empty one is none; what is not known is passed over, as the standard wants it.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_form = inputs::is_of_kind(request, "application/x-www-form-urlencoded");
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            let refused = |detail: String| Error::new(Code::BadRequest, detail).in_oauth("invalid_request");
            if !is_form {
                return Err(refused(
                    "the body must be sent as application/x-www-form-urlencoded".to_owned(),
                ));
            }
            let bytes = inputs::read(body)
                .await
                .map_err(|error| error.in_oauth("invalid_request"))?;
            if bytes.len() > LIMIT_BYTES {
                return Err(refused(format!("the form is over {LIMIT_BYTES} bytes")));
            }
            let mut fields = Map::new();
            for (name, value) in form_urlencoded::parse(&bytes).filter(|(_, value)| !value.is_empty()) {
                if fields
                    .insert(name.to_string(), Value::String(value.into_owned()))
                    .is_some()
                {
                    return Err(refused("a field is given twice".to_owned()));
                }
            }
            let read = serde_json::from_value(Value::Object(fields));
            read.map(Self).map_err(|error| refused(error.to_string()))
        })
    }
}

/// The user and the password of an `Authorization: Basic` header, where there is one that can be read.
pub struct Basic(pub Option<(String, String)>);

impl FromRequest for Basic {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let given = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, coded)| STANDARD.decode(coded.trim()).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| {
                let (user, password) = text.split_once(':')?;
                Some((user.to_owned(), password.to_owned()))
            });
        std::future::ready(Ok(Self(given)))
    }
}
