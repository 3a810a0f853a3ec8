//! Cases: one persecution of one person. Its parts are dated facts: custody stages, charges, sentences, health reports.
//!
//! A case is never more open than its person, and a fact never more open than its case. A fact is added, superseded or
//! retracted with a reason, never overwritten; facts that contradict each other stand together, and where the person
//! stands is derived as of a day.
mod api;
pub mod facts;
pub mod model;
pub mod particulars;
mod rows;
mod team;

use utoipa_actix_web::service_config::ServiceConfig;

pub use api::{CaseOut, CasePatch, change, changed, seen_by, seen_with};
pub use rows::{CaseRow, FactRow, Wanted, every_case_of, facts_of, find, list, still_of, visible, with_facts};

/// Puts the room's operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(api::list_cases)
        .service(api::create_case)
        .service(api::find_case)
        .service(api::update_case)
        .service(api::retire_case);
    team::team_routes(config);
    facts::routes(config);
}
