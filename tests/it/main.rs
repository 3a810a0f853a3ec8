//! Behaviour, over HTTP, as the people who use it, on both databases.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#[macro_use]
mod support;
mod actor;
mod teams;
mod verify;
mod worlds;
mod asvs;
mod canary;
mod commands;
mod consent;
mod documents;
mod door;
mod erasure;
mod facts;
mod findings;
mod founding;
mod input;
mod machines;
mod noninterference;
mod oracle;
mod program;
mod rate;
mod reauthentication;
mod records;
mod roles;
mod rooms;
mod second_factor;
mod schema;
mod sealed;
mod second_stream;
mod sharing;
mod stored;
mod strangers;
mod submissions;
mod tls;
mod wire;
