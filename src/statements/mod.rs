//! Statements: what was said in public, as text, with the words of the field that it is filed under and the
//! individuals that it mentions. A text is on record once; whom it mentions is suggested by the names index and
//! decided by people. A mention is seen only by who may see both the statement and the individual.
pub mod api;
mod filing;
mod mention_rows;
pub mod mentions;
pub mod model;
pub mod related;
pub mod rows;
mod shape;
mod team;

use utoipa_actix_web::service_config::ServiceConfig;

pub use mention_rows::{MentionRow, every_mention_of, mentions_of_individual, mentions_still_of};
pub use mentions::MentionOut;
pub use rows::{StatementRow, find};
pub use shape::digest;

/// Puts the room's operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(api::list_statements)
        .service(api::create_statement)
        .service(mentions::scan_text)
        .service(api::find_statement)
        .service(api::update_statement)
        .service(api::retire_statement)
        .service(mentions::list_mentions)
        .service(mentions::create_mention)
        .service(mentions::find_mention)
        .service(mentions::update_mention);
    team::team_routes(config);
}
