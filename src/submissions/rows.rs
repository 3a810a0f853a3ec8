//! Submissions on record, and every query on their table.

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use crate::access::ledger::Record;
use crate::access::{Read, Viewer};
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, CaseId, OrganisationId, SubmissionId};
use crate::base::kept::Kept;
use crate::base::page::{Cursor, Limit};
use crate::base::text::{Line, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{Sharing, SubmissionState};
use crate::cases::CaseRow;
use crate::schema::{cases, submissions};
use crate::store::MultiBackend;
use crate::submissions::model::ProposedFacts;
use crate::{submissions_shared_with, visible_cases};

/// A submission as stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = submissions, treat_none_as_null = true)]
pub struct SubmissionRow {
    /// Its id.
    pub id: SubmissionId,
    /// The case that it is of.
    pub case_id: CaseId,
    /// The organisation that proposed it.
    pub organisation_id: OrganisationId,
    /// The most closed level of what it has rested on: the case's, then and when it was decided, and that of facts whose
    /// place others were to take.
    pub sharing: Sharing,
    /// What has become of it.
    pub state: SubmissionState,
    /// By the name of a field of the case, `{from, to}`: what the partner saw, and what it proposed.
    pub changes: Kept<Map<String, Value>>,
    /// The facts that it proposed.
    pub facts: Kept<ProposedFacts>,
    /// What it told those who decide.
    pub note: Option<Prose>,
    /// Who proposed it.
    pub submitted_by: AccountId,
    /// When.
    pub submitted_at: UtcTime,
    /// Who decided.
    pub decided_by: Option<AccountId>,
    /// When it was decided, or withdrawn.
    pub decided_at: Option<UtcTime>,
    /// Why it was so decided.
    pub reason: Option<Line>,
}

// Nobody owns it: the partner that proposed it sees all but who decided.
crate::record!(SubmissionRow, submissions, "submission", parent: |row| Some(row.case_id.to_string()), owner: |_row| None, level: |row, _conn| Ok(row.sharing), {
    id: Partners,
    case_id: Partners,
    organisation_id: Partners,
    sharing: Partners,
    state: Partners,
    changes: Partners,
    facts: Partners,
    note: Partners,
    submitted_by: Partners,
    submitted_at: Partners,
    decided_by: Internal,
    decided_at: Partners,
    reason: Partners,
});

impl SubmissionRow {
    /// Refuses what is no longer open.
    ///
    /// # Errors
    /// `conflict`.
    pub fn require_open(&self) -> Result<(), Error> {
        if self.state == SubmissionState::Proposed {
            return Ok(());
        }
        Err(Error::new(
            Code::Conflict,
            "that submission was decided or withdrawn already",
        ))
    }
}

/// A condition on submissions.
type Visible = Box<dyn BoxableExpression<submissions::table, MultiBackend, SqlType = diesel::sql_types::Bool>>;

/// The submissions that a viewer may see: as shared, and of a case that they may see.
#[cfg_attr(hole, track_caller)]
fn visible(viewer: &Viewer) -> Visible {
    let of_cases = cases::table.filter(visible_cases!(viewer)).select(cases::id);
    Box::new(submissions_shared_with!(viewer).and(submissions::case_id.eq_any(of_cases)))
}

/// The submission, if this reader may see it.
///
/// # Errors
/// `not_found`.
pub fn find(tx: &mut Read<'_>, id: &SubmissionId) -> Result<SubmissionRow, Error> {
    let viewer = tx.viewer();
    let found: Option<SubmissionRow> = submissions::table
        .filter(visible(&viewer))
        .filter(submissions::id.eq(id.clone()))
        .select(submissions::all_columns)
        .first(tx.conn())
        .optional()?;
    let found = tx.sound_one(id.as_str(), found)?;
    let found = of_sound_cases(tx, vec![found])?;
    found.into_iter().next().ok_or_else(Error::not_found)
}

/// What is proposed of an altered case answers as the case does.
fn of_sound_cases(tx: &mut Read<'_>, rows: Vec<SubmissionRow>) -> Result<Vec<SubmissionRow>, Error> {
    tx.resting_on(CaseRow::KIND, rows, |row| row.case_id.to_string())
}

/// Which submissions to list.
pub struct Wanted {
    /// What has become of them.
    pub state: Option<SubmissionState>,
    /// Of that case.
    pub case: Option<CaseId>,
    /// Where the last page ended.
    pub cursor: Option<Cursor>,
    /// How many at most.
    pub limit: Limit,
}

/// What a cursor remembers of the last submission shown.
#[must_use]
pub fn key(row: &SubmissionRow) -> String {
    json!([row.submitted_at, row.id]).to_string()
}

/// A page of those submissions, and one more, in the order in which they were proposed.
///
/// # Errors
/// What the database says; `invalid` for a cursor of another list.
pub fn page(tx: &mut Read<'_>, wanted: Wanted) -> Result<Vec<SubmissionRow>, Error> {
    let viewer = tx.viewer();
    let mut rows = submissions::table
        .filter(visible(&viewer))
        .select(submissions::all_columns)
        .into_boxed();
    if let Some(state) = wanted.state {
        rows = rows.filter(submissions::state.eq(state));
    }
    if let Some(case) = wanted.case {
        rows = rows.filter(submissions::case_id.eq(case));
    }
    if let Some(cursor) = &wanted.cursor {
        let place = serde_json::from_str::<(UtcTime, SubmissionId)>(cursor.as_str());
        let (at, id) = place.map_err(|_| Error::invalid("/cursor", "is not a cursor of this list"))?;
        rows = rows.filter(
            submissions::submitted_at
                .gt(at)
                .or(submissions::submitted_at.eq(at).and(submissions::id.gt(id))),
        );
    }
    let found = rows
        .order((submissions::submitted_at, submissions::id))
        .limit(wanted.limit.with_one_more())
        .load(tx.conn())?;
    let found = tx.sound::<SubmissionRow>(found)?;
    of_sound_cases(tx, found)
}
