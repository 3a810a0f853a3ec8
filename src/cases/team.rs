//! The team of a case.

use actix_web::{delete, get, post};

use crate::access::Read;
use crate::access::team::Subject;
use crate::base::error::Error;
use crate::base::id::CaseId;
use crate::cases::rows::{find, is_there};

fn subject(tx: &mut Read<'_>, id: &CaseId) -> Result<Subject, Error> {
    let case = find(tx, id)?;
    Ok(Subject {
        id: case.id.to_string(),
        sharing: case.sharing,
        officer: case.officer_id,
    })
}

crate::team_operations!(
    "cases",
    "/cases/{id}/team",
    "/cases/{id}/team/{account_id}",
    CaseId,
    EditCases,
    subject,
    is_there,
    list_case_team,
    join_case_team,
    leave_case_team,
    enter_case_team
);
