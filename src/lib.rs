//! Conscience: case tracking for prisoners of conscience.
//!
//! The module list is the map, the reading order and the dependency order: a module imports only those above it.
//! Ground (`base`, `names`), the database (`store`), HTTP manners (`web`), the door (`access`), then a room for each
//! thing that the field speaks of, and the roof (`app`, `cli`), which nothing imports.
#![forbid(unsafe_code)]

#[macro_use]
pub mod base;
pub mod names;
pub mod schema;
pub mod settings;
pub mod store;
pub mod web;
pub mod access;
pub mod organisations;
pub mod accounts;
pub mod clients;
pub mod sources;
pub mod individuals;
pub mod cases;
pub mod statements;
pub mod submissions;
pub mod files;
pub mod priority;
pub mod counts;
pub mod vocabularies;
pub mod audit;
pub mod app;
pub mod cli;
