//! One table of errors: what a client reads, apart from what the log keeps.

use std::fmt;

macro_rules! codes {
    ($($name:ident($slug:literal, $status:literal, $title:literal);)*) => {
        /// What went wrong, by a name that clients may rely on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name in answers.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug),* }
            }

            /// The HTTP status it is answered with.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// What it means, in a line.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }
        }
    };
}

codes! {
    BadRequest("bad_request", 400, "The request could not be read");
    MalformedJson("malformed_json", 400, "The body is not JSON");
    Unauthorised("unauthorised", 401, "A valid access token is needed");
    InvalidCredentials("invalid_credentials", 401, "The address or the password is wrong");
    SecondFactorRequired("second_factor_required", 401, "A one-time password is needed too");
    ReauthenticationRequired("reauthentication_required", 401, "The password is needed again");
    TokenExpired("token_expired", 401, "The access token has expired");
    Forbidden("forbidden", 403, "This account may not do that");
    NotFound("not_found", 404, "There is nothing here");
    MethodNotAllowed("method_not_allowed", 405, "This path does not know that method");
    Conflict("conflict", 409, "This contradicts what is on record");
    AlreadyExists("already_exists", 409, "This is on record already");
    PossibleDuplicates("possible_duplicates", 409, "The person may be on record already");
    InUse("in_use", 409, "Other records rest on this one");
    Merged("merged", 410, "This person was merged into another");
    PreconditionFailed("precondition_failed", 412, "The record has changed since that version");
    TooLarge("too_large", 413, "The body is too large");
    UnsupportedMediaType("unsupported_media_type", 415, "The body must be JSON");
    Invalid("invalid", 422, "A field is not as it must be");
    PreconditionRequired("precondition_required", 428, "If-Match is needed");
    TooManyRequests("too_many_requests", 429, "Too many requests");
    Internal("internal", 500, "Something went wrong inside");
    Unavailable("unavailable", 503, "The service cannot answer now");
    RecordAltered("record_altered", 503, "A record was altered behind the program's back");
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer of the field, or `/parameter`.
    pub pointer: String,
    /// What is wrong.
    pub detail: String,
}

/// An error as the client reads it; what only the log may know is kept apart.
#[derive(Clone, Debug)]
pub struct Error {
    /// What went wrong.
    pub code: Code,
    /// In words.
    pub detail: String,
    /// The fields concerned.
    pub errors: Vec<FieldError>,
    /// The record that is there already.
    pub existing: Option<String>,
    /// The record as it is now, and its entity tag.
    pub current: Option<(serde_json::Value, String)>,
    /// What the answer says beside, by the name of its field; only what the reader may see.
    pub beside: Option<Box<(&'static str, serde_json::Value)>>,
    /// How many seconds to wait, where that is known.
    pub retry_after_seconds: Option<i64>,
    /// The id of what was refused, for the second stream; told to nobody.
    pub subject: Option<Box<str>>,
    /// The name that OAuth 2.0 has for it (RFC 6749, 5.2), where a client's program reads it.
    pub oauth: Option<&'static str>,
    inside: Option<Box<str>>,
}

impl Error {
    /// An error of that code.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            existing: None,
            current: None,
            beside: None,
            retry_after_seconds: None,
            subject: None,
            oauth: None,
            inside: None,
        }
    }

    /// A field that is not as it must be.
    #[must_use]
    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let summary = if pointer.is_empty() {
            detail.clone()
        } else {
            format!("{pointer}: {detail}")
        };
        Self {
            errors: vec![FieldError {
                pointer: pointer.to_owned(),
                detail,
            }],
            ..Self::new(Code::Invalid, summary)
        }
    }

    /// The same, of a field that stands within that place.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        for field in &mut self.errors {
            field.pointer.insert_str(0, place);
            self.detail = format!("{}: {}", field.pointer, field.detail);
        }
        self
    }

    /// Absent, or hidden: the same.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, Code::NotFound.title())
    }

    /// The role lacks the permission.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(Code::Forbidden, Code::Forbidden.title())
    }

    /// On record already; `existing` only where the reader may see it.
    #[must_use]
    pub fn already_exists(detail: impl Into<String>, existing: Option<String>) -> Self {
        Self {
            existing,
            ..Self::new(Code::AlreadyExists, detail)
        }
    }

    /// A fault of ours: the cause goes to the log alone.
    #[must_use]
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self {
            inside: Some(cause.to_string().into_boxed_str()),
            ..Self::new(Code::Internal, Code::Internal.title())
        }
    }

    /// Not now.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(Code::Unavailable, Code::Unavailable.title())
    }

    /// The same, and that beside.
    #[must_use]
    pub fn telling(mut self, field: &'static str, value: serde_json::Value) -> Self {
        self.beside = Some(Box::new((field, value)));
        self
    }

    /// The same, about that id, which is for the second stream alone.
    #[must_use]
    pub fn about(self, subject: Option<String>) -> Self {
        let subject = subject.map(String::into_boxed_str);
        Self { subject, ..self }
    }

    /// The same, named as OAuth 2.0 names it.
    #[must_use]
    pub fn in_oauth(self, name: &'static str) -> Self {
        Self {
            oauth: Some(name),
            ..self
        }
    }

    /// A record is not as its ledger says: named to whoever may see it, who is told nothing of what it holds now.
    #[must_use]
    pub fn altered(kind: &str, id: &str) -> Self {
        Self {
            retry_after_seconds: Some(3600),
            ..Self::new(
                Code::RecordAltered,
                format!("the {kind} {id} was altered behind the program's back: staff must accept or restore it"),
            )
        }
    }

    /// The cause, for the log.
    #[must_use]
    pub fn inside(&self) -> Option<&str> {
        self.inside.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail)
    }
}

impl std::error::Error for Error {}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        match error {
            diesel::result::Error::NotFound => Self::not_found(),
            // No value that the program wrote: a record was altered, and nobody can say yet which.
            diesel::result::Error::DeserializationError(cause) => Self {
                inside: Some(cause.to_string().into_boxed_str()),
                retry_after_seconds: Some(3600),
                ..Self::new(Code::RecordAltered, Code::RecordAltered.title())
            },
            other => Self::internal(other),
        }
    }
}
