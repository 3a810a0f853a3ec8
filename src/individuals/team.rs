//! The team of a restricted individual.

use actix_web::{delete, get, post};

use crate::access::Read;
use crate::access::team::Subject;
use crate::base::error::Error;
use crate::base::id::IndividualId;
use crate::individuals::rows::{find, is_there};

fn subject(tx: &mut Read<'_>, id: &IndividualId) -> Result<Subject, Error> {
    let row = find(tx, id)?;
    Ok(Subject {
        id: row.id.to_string(),
        sharing: row.sharing,
        officer: None,
    })
}

crate::team_operations!(
    "individuals",
    "/individuals/{id}/team",
    "/individuals/{id}/team/{account_id}",
    IndividualId,
    EditIndividuals,
    subject,
    is_there,
    list_individual_team,
    join_individual_team,
    leave_individual_team,
    enter_individual_team
);
