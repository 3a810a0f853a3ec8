//! HTTP manners: what comes in, what goes out, and what every answer carries. Knows no room and no database.
pub mod form;
pub mod headers;
pub mod inputs;
pub mod reply;

pub use form::{Basic, Form};
pub use inputs::{IfMatch, Json, Path, Query};
pub use reply::Reply;
