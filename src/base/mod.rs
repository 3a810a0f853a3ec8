//! The ground: the house's own words. Imports nothing of ours, reads no clock, knows no connection and no HTTP.
#[macro_use]
mod stored;
#[macro_use]
pub mod choice;
mod countries;
pub mod date;
pub mod error;
pub mod id;
pub mod kept;
pub mod network;
pub mod page;
pub mod patch;
pub mod text;
pub mod time;
pub mod words;
