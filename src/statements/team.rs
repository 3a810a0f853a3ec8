//! The team of a restricted statement.

use actix_web::{delete, get, post};

use crate::access::Read;
use crate::access::team::Subject;
use crate::base::error::Error;
use crate::base::id::StatementId;
use crate::statements::rows::{find, is_there};

fn subject(tx: &mut Read<'_>, id: &StatementId) -> Result<Subject, Error> {
    let row = find(tx, id)?;
    Ok(Subject {
        id: row.id.to_string(),
        sharing: row.sharing,
        officer: None,
    })
}

crate::team_operations!(
    "statements",
    "/statements/{id}/team",
    "/statements/{id}/team/{account_id}",
    StatementId,
    EditStatements,
    subject,
    is_there,
    list_statement_team,
    join_statement_team,
    leave_statement_team,
    enter_statement_team
);
