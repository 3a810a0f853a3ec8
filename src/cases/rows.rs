//! Cases and their facts on record, and every query on their tables.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::access::ledger::Record;
use crate::access::{Read, Viewer};
use crate::base::choice::Choice;
use crate::base::date::Edtf;
use crate::base::error::Error;
use crate::base::id::{AccountId, CaseId, FactId, IndividualId, OrganisationId, SourceId};
use crate::base::text::{Country, Line, Listed, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{Concern, Information, Rank, Sharing};
use crate::cases::particulars::{FactKind, Particulars};
use crate::individuals::IndividualRow;
use crate::schema::{cases, facts};
use crate::store::{IN_ONE_QUERY, MultiBackend};
use crate::{facts_shared_with, updated_since};

/// A case as stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = cases, treat_none_as_null = true)]
pub struct CaseRow {
    /// Its id.
    pub id: CaseId,
    /// Whose case it is.
    pub individual_id: IndividualId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// Who may see it.
    pub sharing: Sharing,
    /// Where.
    pub country: Country,
    /// When it began in the world, where it was said.
    pub opened_on: Option<Edtf>,
    /// When it ended in the world.
    pub closed_on: Option<Edtf>,
    /// Areas of concern.
    pub concerns: Listed<Concern>,
    /// What the person did that they are persecuted for.
    pub impugned_activity: Option<Prose>,
    /// In a few sentences.
    pub summary: Option<Prose>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// The responsible officer.
    pub officer_id: Option<AccountId>,
    /// Where this comes from.
    pub source_id: Option<SourceId>,
    /// When it was recorded.
    pub created_at: UtcTime,
    /// When it last changed.
    pub updated_at: UtcTime,
    /// When a field last changed that partners may see.
    pub partners_updated_at: UtcTime,
    /// When a field last changed that everyone may see.
    pub public_updated_at: UtcTime,
    /// When it was retired, if it was.
    pub retired_at: Option<UtcTime>,
}

crate::record!(CaseRow, cases, "case", parent: |row| Some(row.individual_id.to_string()), owner: |row| Some(row.organisation_id.to_string()), level: |row, _conn| Ok(row.sharing), {
    id: Public,
    individual_id: Public,
    organisation_id: Public,
    sharing: Public,
    country: Public,
    opened_on: Public,
    closed_on: Public,
    concerns: Public,
    impugned_activity: Public,
    summary: Public,
    notes: Internal,
    officer_id: Internal,
    source_id: Partners,
    created_at: Public,
    retired_at: Internal,
} derived {
    updated_at: Public,
    opened_from_fact: Public,
    current: Public,
} stamps { updated_at, partners_updated_at, public_updated_at });

/// A fact of a case as stored: what all kinds share in columns, what is particular to its kind as JSON.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = facts, treat_none_as_null = true)]
pub struct FactRow {
    /// Its id.
    pub id: FactId,
    /// The case.
    pub case_id: CaseId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// What kind.
    pub kind: FactKind,
    /// Who may see it.
    pub sharing: Sharing,
    /// Where it comes from.
    pub source_id: Option<SourceId>,
    /// How far it is to be believed.
    pub information: Information,
    /// How it stands to facts that contradict it.
    pub rank: Rank,
    /// From when it holds.
    pub holds_from: Edtf,
    /// The first day that this may mean.
    pub earliest: NaiveDate,
    /// The last day that this may mean.
    pub latest: NaiveDate,
    /// What is particular to its kind.
    pub particulars: Particulars,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// The fact whose place it took.
    pub supersedes: Option<FactId>,
    /// The fact that took its place.
    pub superseded_by: Option<FactId>,
    /// Why it took another's place.
    pub reason: Option<Line>,
    /// Why it was retracted.
    pub retraction_reason: Option<Line>,
    /// When we learnt it.
    pub recorded_at: UtcTime,
    /// Who recorded it.
    pub recorded_by: AccountId,
    /// When it was last superseded or retracted.
    pub updated_at: UtcTime,
    /// When it was retracted, if it was.
    pub retracted_at: Option<UtcTime>,
}

crate::record!(FactRow, facts, "fact", parent: |row| Some(row.case_id.to_string()), owner: |row| Some(row.organisation_id.to_string()), level: |row, _conn| Ok(row.sharing), derives: |row| row.earliest == row.holds_from.earliest() && row.latest == row.holds_from.latest(), rederived: |row| Ok(FactRow { earliest: row.holds_from.earliest(), latest: row.holds_from.latest(), ..row.clone() }), {
    id: Public,
    case_id: Public,
    organisation_id: Public,
    kind: Public,
    sharing: Public,
    source_id: Partners,
    information: Public,
    rank: Public,
    holds_from: Public,
    particulars: Public,
    notes: Internal,
    supersedes: Public,
    superseded_by: Public,
    reason: Internal,
    retraction_reason: Internal,
    recorded_at: Public,
    recorded_by: Internal,
    retracted_at: Public,
} derived {
    computed_end: Public,
    end: Public,
    end_differs: Public,
} digested {
    updated_at,
});

/// A condition on cases.
pub type Visible = Box<dyn BoxableExpression<cases::table, MultiBackend, SqlType = diesel::sql_types::Bool>>;

/// The cases that a viewer may see: as shared, not retired, and of a person whom they may see too. A macro, so that it
/// can also stand inside another room's query.
#[macro_export]
macro_rules! visible_cases {
    ($viewer:expr) => {{
        use diesel::prelude::*;
        use $crate::schema::{cases, individuals};
        let viewer: &$crate::access::Viewer = $viewer;
        let people = individuals::table
            .filter($crate::visible_individuals!(viewer))
            .select(individuals::id);
        $crate::filter_of_sight!(
            cases::retired_at
                .is_null()
                .and($crate::shared_with!(cases, viewer))
                .and(cases::individual_id.eq_any(people))
        )
    }};
}

/// The same, for this room's queries.
#[must_use]
#[cfg_attr(hole, track_caller)]
pub fn visible(viewer: &Viewer) -> Visible {
    Box::new(visible_cases!(viewer))
}

/// The case, if this reader may see it.
///
/// # Errors
/// `not_found`.
pub fn find(tx: &mut Read<'_>, id: &CaseId) -> Result<CaseRow, Error> {
    let viewer = tx.viewer();
    let found: Option<CaseRow> = cases::table
        .filter(visible(&viewer))
        .filter(cases::id.eq(id.clone()))
        .select(cases::all_columns)
        .first(tx.conn())
        .optional()?;
    let case = tx.sound_one(id.as_str(), found)?;
    tx.notice_if_restricted(&case, case.sharing);
    // Whoever sees the person by what was altered sees no case of theirs.
    let cases = tx.resting_on(IndividualRow::KIND, vec![case], |case| case.individual_id.to_string())?;
    cases.into_iter().next().ok_or_else(Error::not_found)
}

/// Which cases to list.
#[derive(Default)]
pub struct Wanted {
    /// Country.
    pub country: Option<Country>,
    /// Area of concern.
    pub concern: Option<Concern>,
    /// Responsible officer.
    pub officer: Option<AccountId>,
    /// The person.
    pub individual: Option<IndividualId>,
    /// Changed since.
    pub updated_since: Option<UtcTime>,
    /// Where the last page ended.
    pub after: Option<String>,
    /// How many at most; all of them where nothing is said.
    pub limit: Option<i64>,
}

/// Those cases, by id.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Read<'_>, wanted: Wanted) -> Result<Vec<CaseRow>, Error> {
    let viewer = tx.viewer();
    let mut rows = cases::table
        .filter(visible(&viewer))
        .select(cases::all_columns)
        .into_boxed();
    if let Some(country) = wanted.country {
        rows = rows.filter(cases::country.eq(country));
    }
    if let Some(concern) = wanted.concern {
        // Slugs hold no character that LIKE knows but `_`, which only widens to another letter no slug has there.
        rows = rows.filter(cases::concerns.like(format!("%\"{}\"%", concern.slug())));
    }
    if let Some(officer) = wanted.officer {
        rows = rows.filter(cases::officer_id.eq(officer));
    }
    if let Some(individual) = wanted.individual {
        rows = rows.filter(cases::individual_id.eq(individual));
    }
    if let Some(since) = wanted.updated_since {
        // A case has changed where one of its facts has, as far as the viewer may see that.
        let changed = facts::table
            .filter(facts::updated_at.ge(since))
            .filter(facts_shared_with!(&viewer))
            .select(facts::case_id);
        rows = rows.filter(updated_since!(cases, &viewer, since).or(cases::id.eq_any(changed)));
    }
    if let Some(after) = wanted.after {
        rows = rows.filter(cases::id.gt(after));
    }
    if let Some(limit) = wanted.limit {
        rows = rows.limit(limit);
    }
    let found: Vec<CaseRow> = rows.order(cases::id).load(tx.conn())?;
    let found = tx.sound(found)?;
    tx.resting_on(IndividualRow::KIND, found, |case| case.individual_id.to_string())
}

/// The facts of these cases, all of which this reader may see, as far as they may see the facts: a restricted one is
/// for the case's team. Retracted and superseded ones are among them.
///
/// # Errors
/// What the database says.
pub fn facts_of(tx: &mut Read<'_>, case_ids: &[CaseId]) -> Result<Vec<FactRow>, Error> {
    let viewer = tx.viewer();
    let mut found = Vec::new();
    for chunk in case_ids.chunks(IN_ONE_QUERY) {
        let rows: Vec<FactRow> = facts::table
            .filter(facts::case_id.eq_any(chunk.to_vec()))
            .filter(facts_shared_with!(&viewer))
            .order((facts::earliest, facts::latest, facts::id))
            .select(facts::all_columns)
            .load(tx.conn())?;
        let cases: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        found.extend(tx.sound_parts(&cases, rows)?);
    }
    Ok(found)
}

/// Those cases, by id, each with its facts.
///
/// # Errors
/// What the database says.
pub fn with_facts(tx: &mut Read<'_>, wanted: Wanted) -> Result<Vec<(CaseRow, Vec<FactRow>)>, Error> {
    let cases = list(tx, wanted)?;
    let ids: Vec<CaseId> = cases.iter().map(|case| case.id.clone()).collect();
    let mut facts: HashMap<CaseId, Vec<FactRow>> = HashMap::new();
    for fact in facts_of(tx, &ids)? {
        facts.entry(fact.case_id.clone()).or_default().push(fact);
    }
    Ok(cases
        .into_iter()
        .map(|case| {
            let facts = facts.remove(&case.id).unwrap_or_default();
            (case, facts)
        })
        .collect())
}

/// Whether a standing fact of the case is more open than that level.
///
/// # Errors
/// What the database says.
pub fn has_more_open_facts(tx: &mut Read<'_>, id: &CaseId, level: Sharing) -> Result<bool, Error> {
    let levels: Vec<Sharing> = facts::table
        .filter(facts::case_id.eq(id.clone()))
        .filter(facts::retracted_at.is_null())
        .filter(facts::superseded_by.is_null())
        .select(facts::sharing)
        .load(tx.conn())?;
    Ok(levels.into_iter().any(|fact| fact < level))
}

/// The facts whose place that one took, whoever may see them: none may be left without a fact in its place.
///
/// # Errors
/// What the database says.
pub fn superseded_by(tx: &mut Read<'_>, id: &FactId) -> Result<Vec<FactRow>, Error> {
    Ok(facts::table
        .filter(facts::superseded_by.eq(id.clone()))
        .order(facts::id)
        .select(facts::all_columns)
        .load(tx.conn())?)
}

/// Whether a record of that id is there, whoever may see it: for an administrator who joins its team.
///
/// # Errors
/// What the database says.
pub fn is_there(tx: &mut Read<'_>, id: &CaseId) -> Result<bool, Error> {
    let found = cases::table
        .filter(cases::id.eq(id.clone()))
        .filter(cases::retired_at.is_null())
        .select(cases::id)
        .first::<CaseId>(tx.conn())
        .optional()?;
    Ok(found.is_some())
}

/// The standing cases of a person, whoever may see them: only to move them to another record of the same person, never to
/// show them.
///
/// # Errors
/// What the database says.
pub fn every_case_of(tx: &mut Read<'_>, id: &IndividualId) -> Result<Vec<CaseRow>, Error> {
    Ok(cases::table
        .filter(cases::individual_id.eq(id.clone()))
        .filter(cases::retired_at.is_null())
        .order(cases::id)
        .select(cases::all_columns)
        .load(tx.conn())?)
}

/// Those of these cases that are a person's, whoever may see them, retired ones too: only to move them back.
///
/// # Errors
/// What the database says.
pub fn still_of(tx: &mut Read<'_>, id: &IndividualId, ids: &[CaseId]) -> Result<Vec<CaseRow>, Error> {
    let mut found = Vec::new();
    for some in ids.chunks(IN_ONE_QUERY) {
        let rows: Vec<CaseRow> = cases::table
            .filter(cases::individual_id.eq(id.clone()))
            .filter(cases::id.eq_any(some.to_vec()))
            .order(cases::id)
            .select(cases::all_columns)
            .load(tx.conn())?;
        found.extend(rows);
    }
    Ok(found)
}
