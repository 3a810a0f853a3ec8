//! Individuals: the person, the names they are known by, and who they are to others.
//!
//! A person has at least one name and at most one preferred. A person is never more closed than their cases: making
//! one stricter waits until the cases are.
mod api;
pub mod consent;
mod duplicates;
pub mod judgements;
mod list;
mod matching;
pub mod merges;
mod model;
mod publicity;
pub mod register;
pub mod relations;
mod rows;
mod team;

use utoipa_actix_web::service_config::ServiceConfig;

pub use api::seen_by;
pub use duplicates::LikelyOut;
pub use model::{Identifier, MOST_NAMES, Name, display_name, original_name};
pub use rows::{IndividualRow, assert_known, case_levels, deaths, find, find_all, level_of, names_of, sexes, visible};

/// Puts the room's operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(matching::match_name)
        .service(duplicates::list_duplicates)
        .service(judgements::list_judgements)
        .service(judgements::create_judgement)
        .service(judgements::find_judgement)
        .service(judgements::withdraw_judgement)
        .service(list::list_individuals)
        .service(api::create_individual)
        .service(api::find_individual)
        .service(api::update_individual)
        .service(api::retire_individual)
        .service(relations::list_relations)
        .service(relations::create_relation)
        .service(relations::find_relation)
        .service(relations::retire_relation);
    team::team_routes(config);
    publicity::routes(config);
}
