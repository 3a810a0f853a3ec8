//! Submissions: what a partner proposes of a case that it sees. Those inside accept it, record something else in its
//! place, or refuse it, with a reason; the partner sees what became of it.
//!
//! Nothing of a submission is on record before it is accepted. It is checked when it is proposed and again when it is
//! accepted, by the rules of the cases room, and is then recorded by whoever accepts it. What the partner saw is kept
//! with it, so that a newer value is never overwritten. A submission is seen by whoever sees its case and is inside or of
//! the organisation that proposed it, and stays with the case's team where it rests on something restricted.
mod api;
mod model;
mod rows;

use utoipa_actix_web::service_config::ServiceConfig;

pub use rows::SubmissionRow;

/// Puts the room's operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(api::list_submissions)
        .service(api::create_submission)
        .service(api::find_submission)
        .service(api::decide_submission)
        .service(api::withdraw_submission);
}
