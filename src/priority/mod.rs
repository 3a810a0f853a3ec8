//! Whom to raise first, and why: the founding rule, its reasons, the list.
//!
//! Policy 1 is the request of Chinese Human Rights Defenders of 10 May 2010: first those who are seriously ill, then
//! those serving particularly long sentences; only people deprived of liberty on the day.
mod api;
pub mod model;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) use api::day;
pub use api::{altered_policies, policy};

/// Puts the room's operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config.service(api::list_priorities);
}
