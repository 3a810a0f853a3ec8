//! The people on record, and every query on their table.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::access::ledger::Record;
use crate::access::sealing::Sealed;
use crate::access::{Read, Viewer};
use crate::base::date::Edtf;
use crate::base::error::{Code, Error};
use crate::base::id::{CaseId, IndividualId, OrganisationId, SourceId};
use crate::base::page::{Cursor, Limit};
use crate::base::text::{Country, Line, Lines, Listed, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{Sex, Sharing};
use crate::individuals::model::{Identifier, Name, display_name, original_name};
use crate::schema::{cases, individuals};
use crate::store::{Conn, IN_ONE_QUERY};
use crate::{filter_of_sight, shared_with, updated_since};

/// A person as stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = individuals, treat_none_as_null = true)]
pub struct IndividualRow {
    /// Their id.
    pub id: IndividualId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// Who may see it.
    pub sharing: Sharing,
    /// The names they are known by.
    pub names: Listed<Name>,
    /// The same, folded, for searching.
    pub names_folded: String,
    /// Sex.
    pub sex: Sex,
    /// Born.
    pub born_on: Option<Edtf>,
    /// First day that the birth may mean.
    pub born_earliest: Option<NaiveDate>,
    /// Last day that the birth may mean.
    pub born_latest: Option<NaiveDate>,
    /// Died.
    pub died_on: Option<Edtf>,
    /// Country.
    pub country: Option<Country>,
    /// Ethnicity, as they or a source give it.
    pub ethnicity: Option<Line>,
    /// Religion, as they or a source give it.
    pub religion: Option<Line>,
    /// What they do.
    pub occupations: Lines,
    /// Their life, in words.
    pub biography: Option<Prose>,
    /// Their numbers in other registers.
    pub identifiers: Listed<Identifier>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// How family or the person can be reached.
    pub contacts: Option<Sealed>,
    /// Where this comes from.
    pub source_id: Option<SourceId>,
    /// The last day on which sharing with partners is covered by consent, or by an override.
    pub partners_until: Option<NaiveDate>,
    /// The same for raising in public, with the name.
    pub public_until: Option<NaiveDate>,
    /// The same for health, to partners.
    pub health_partners_until: Option<NaiveDate>,
    /// The same for health, in public.
    pub health_public_until: Option<NaiveDate>,
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

crate::record!(IndividualRow, individuals, "individual", parent: |_row| None, owner: |row| Some(row.organisation_id.to_string()), level: |row, _conn| Ok(row.sharing), derives: |row| row.clone().checked().is_ok_and(|made| (made.names_folded, made.born_earliest, made.born_latest) == (row.names_folded.clone(), row.born_earliest, row.born_latest)), rederived: |row| row.clone().checked(), {
    id: Public,
    organisation_id: Public,
    sharing: Public,
    names: Public,
    sex: Public,
    born_on: Public,
    died_on: Public,
    country: Public,
    ethnicity: Partners,
    religion: Partners,
    occupations: Public,
    biography: Public,
    identifiers: Partners,
    notes: Internal,
    source_id: Partners,
    partners_until: Internal,
    public_until: Internal,
    health_partners_until: Internal,
    health_public_until: Internal,
    created_at: Public,
    retired_at: Internal,
} derived {
    updated_at: Public,
    display_name: Public,
    original_name: Public,
} sealed |row| vec![row.id.to_string()], {
    contacts,
} stamps { updated_at, partners_updated_at, public_updated_at });

impl IndividualRow {
    /// The name to show.
    #[must_use]
    pub fn display_name(&self) -> &str {
        display_name(self.names.items()).map_or("", Line::as_str)
    }

    /// The name in the person's own script, where it is not Latin.
    #[must_use]
    pub fn original_name(&self) -> Option<&str> {
        original_name(self.names.items()).map(Line::as_str)
    }
}

/// The people whom a viewer may see; a retired one is seen by the teams of their cases alone, whose case would be lost
/// with them. A macro, so that it can also stand inside another room's query.
#[macro_export]
macro_rules! visible_individuals {
    ($viewer:expr) => {{
        use diesel::prelude::*;
        use $crate::schema::individuals;
        let viewer: &$crate::access::Viewer = $viewer;
        let standing = individuals::retired_at
            .is_null()
            .and($crate::individuals_shared_with!(viewer));
        $crate::filter_of_sight!(standing.or($crate::individuals_of_own_teams!(viewer)))
    }};
}

/// The people of whose restricted cases a viewer is on a team: they see a restricted person too. The team of an open case
/// opens nothing.
#[macro_export]
macro_rules! individuals_of_own_teams {
    ($viewer:expr) => {{
        use diesel::prelude::*;
        use $crate::schema::{cases, individuals, team_members};
        let viewer: &$crate::access::Viewer = $viewer;
        let teams = team_members::table
            .filter(team_members::account_id.eq_any(viewer.on_teams_as()))
            .select(team_members::record_id);
        // An alias, because the condition on cases holds this one.
        let own = diesel::alias!(cases as own_cases);
        let theirs = own
            .filter(own.field(cases::retired_at).is_null())
            .filter(own.field(cases::sharing).eq($crate::base::words::Sharing::Restricted))
            .filter(own.field(cases::id).eq_any(teams))
            .select(own.field(cases::individual_id));
        individuals::id.eq_any(theirs)
    }};
}

/// A condition on people.
pub type Visible = Box<
    dyn diesel::expression::BoxableExpression<
            individuals::table,
            crate::store::MultiBackend,
            SqlType = diesel::sql_types::Bool,
        >,
>;

/// The people whom a viewer may see.
#[must_use]
#[cfg_attr(hole, track_caller)]
pub fn visible(viewer: &Viewer) -> Visible {
    Box::new(filter_of_sight!(visible_individuals!(viewer)))
}

/// The person, if this reader may see them.
///
/// # Errors
/// `not_found`.
pub fn find(tx: &mut Read<'_>, id: &IndividualId) -> Result<IndividualRow, Error> {
    let viewer = tx.viewer();
    let found = individuals::table
        .filter(visible(&viewer))
        .filter(individuals::id.eq(id.clone()))
        .select(individuals::all_columns)
        .first(tx.conn())
        .optional()?;
    let row: IndividualRow = tx.sound_one(id.as_str(), found)?;
    tx.notice_if_restricted(&row, row.sharing);
    Ok(row)
}

/// Those of these people whom this reader may see.
///
/// # Errors
/// What the database says.
pub fn find_all(tx: &mut Read<'_>, ids: &[IndividualId]) -> Result<Vec<IndividualRow>, Error> {
    let viewer = tx.viewer();
    let mut found = Vec::new();
    for chunk in ids.chunks(IN_ONE_QUERY) {
        let rows: Vec<IndividualRow> = individuals::table
            .filter(visible(&viewer))
            .filter(individuals::id.eq_any(chunk.to_vec()))
            .select(individuals::all_columns)
            .load(tx.conn())?;
        found.extend(tx.sound(rows)?);
    }
    Ok(found)
}

/// Who of these people this reader may see, and the names to show.
///
/// # Errors
/// What the database says.
pub fn names_of(tx: &mut Read<'_>, ids: &[IndividualId]) -> Result<HashMap<IndividualId, String>, Error> {
    let viewer = tx.viewer();
    let mut found = HashMap::new();
    for chunk in ids.chunks(IN_ONE_QUERY) {
        let rows: Vec<(IndividualId, Listed<Name>)> = individuals::table
            .filter(visible(&viewer))
            .filter(individuals::id.eq_any(chunk.to_vec()))
            .select((individuals::id, individuals::names))
            .load(tx.conn())?;
        let rows = tx.resting_on(IndividualRow::KIND, rows, |(id, _)| id.to_string())?;
        found.extend(rows.into_iter().map(|(id, names)| {
            let name = display_name(names.items()).map_or("", Line::as_str);
            (id, name.to_owned())
        }));
    }
    Ok(found)
}

/// Those of these people whom this reader may see, in their order: at least so many, where there are.
///
/// # Errors
/// What the database says.
pub fn first_visible(tx: &mut Read<'_>, ids: &[IndividualId], enough: usize) -> Result<HashSet<IndividualId>, Error> {
    let viewer = tx.viewer();
    let mut found = HashSet::new();
    for chunk in ids.chunks(IN_ONE_QUERY) {
        let seen: Vec<IndividualId> = individuals::table
            .filter(visible(&viewer))
            .filter(individuals::id.eq_any(chunk.to_vec()))
            .select(individuals::id)
            .load(tx.conn())?;
        found.extend(seen);
        if found.len() >= enough {
            break;
        }
    }
    Ok(found)
}

/// Refuses, at `pointer`, a person whom this reader may not see or who is not there.
///
/// # Errors
/// `invalid`.
pub fn assert_known(tx: &mut Read<'_>, id: &IndividualId, pointer: &str) -> Result<IndividualRow, Error> {
    find(tx, id).map_err(|error| {
        if error.code == Code::NotFound {
            Error::invalid(pointer, "no such individual")
        } else {
            error
        }
    })
}

/// Which people to list.
pub struct Wanted<'a> {
    /// Folded words that a name must hold.
    pub words: Vec<String>,
    /// Country.
    pub country: Option<Country>,
    /// Born on a day that this may mean.
    pub born: Option<Edtf>,
    /// Changed since.
    pub updated_since: Option<UtcTime>,
    /// Where the last page ended.
    pub cursor: Option<&'a Cursor>,
    /// How many.
    pub limit: Limit,
}

/// A page of them, and one more.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Read<'_>, wanted: Wanted<'_>) -> Result<Vec<IndividualRow>, Error> {
    let viewer = tx.viewer();
    let mut rows = individuals::table
        .filter(visible(&viewer))
        .select(individuals::all_columns)
        .into_boxed();
    for word in wanted.words {
        let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        rows = rows.filter(individuals::names_folded.like(format!("%{escaped}%")).escape('\\'));
    }
    if let Some(country) = wanted.country {
        rows = rows.filter(individuals::country.eq(country));
    }
    if let Some(born) = wanted.born {
        rows = rows
            .filter(individuals::born_earliest.le(born.latest()))
            .filter(individuals::born_latest.ge(born.earliest()));
    }
    if let Some(since) = wanted.updated_since {
        rows = rows.filter(updated_since!(individuals, &viewer, since));
    }
    if let Some(cursor) = wanted.cursor {
        rows = rows.filter(individuals::id.gt(cursor.as_str().to_owned()));
    }
    let found = rows
        .order(individuals::id)
        .limit(wanted.limit.with_one_more())
        .load(tx.conn())?;
    tx.sound(found)
}

/// The levels of the person's cases, whoever may see them, for the rule that no case is more open than its person.
///
/// # Errors
/// What the database says.
pub fn case_levels(tx: &mut Read<'_>, id: &IndividualId) -> Result<Vec<(CaseId, Sharing)>, Error> {
    Ok(cases::table
        .filter(cases::individual_id.eq(id.clone()))
        .filter(cases::retired_at.is_null())
        .select((cases::id, cases::sharing))
        .load(tx.conn())?)
}

/// Whether the person has a case that this reader may see; one that they may not stays with its team.
///
/// # Errors
/// What the database says.
pub fn has_cases(tx: &mut Read<'_>, id: &IndividualId) -> Result<bool, Error> {
    let viewer = tx.viewer();
    let found: Option<CaseId> = cases::table
        .filter(shared_with!(cases, &viewer))
        .filter(cases::individual_id.eq(id.clone()))
        .filter(cases::retired_at.is_null())
        .select(cases::id)
        .first(tx.conn())
        .optional()?;
    Ok(found.is_some())
}

/// The most closed level of those people, whoever may see them.
///
/// # Errors
/// What the database says.
pub fn level_of(conn: &mut Conn, ids: &[&IndividualId]) -> QueryResult<Sharing> {
    let ids: Vec<IndividualId> = ids.iter().map(|id| (*id).clone()).collect();
    let levels: Vec<Sharing> = individuals::table
        .filter(individuals::id.eq_any(ids))
        .select(individuals::sharing)
        .load(conn)?;
    Ok(levels.into_iter().max().unwrap_or(Sharing::Restricted))
}

/// When people died, those of whom it is recorded and whom this reader may see.
///
/// # Errors
/// What the database says.
pub fn deaths(tx: &mut Read<'_>) -> Result<HashMap<IndividualId, Edtf>, Error> {
    let viewer = tx.viewer();
    let found: Vec<(IndividualId, Option<Edtf>)> = individuals::table
        .filter(visible(&viewer))
        .filter(individuals::died_on.is_not_null())
        .select((individuals::id, individuals::died_on))
        .load(tx.conn())?;
    Ok(found.into_iter().filter_map(|(id, died)| Some((id, died?))).collect())
}

/// The sex of everyone whom this reader may see.
///
/// # Errors
/// What the database says.
pub fn sexes(tx: &mut Read<'_>) -> Result<HashMap<IndividualId, Sex>, Error> {
    let viewer = tx.viewer();
    let found: Vec<(IndividualId, Sex)> = individuals::table
        .filter(visible(&viewer))
        .select((individuals::id, individuals::sex))
        .load(tx.conn())?;
    Ok(found.into_iter().collect())
}

/// Whether a record of that id is there, whoever may see it: for an administrator who joins its team.
///
/// # Errors
/// What the database says.
pub fn is_there(tx: &mut Read<'_>, id: &IndividualId) -> Result<bool, Error> {
    let found = individuals::table
        .filter(individuals::id.eq(id.clone()))
        .filter(individuals::retired_at.is_null())
        .select(individuals::id)
        .first::<IndividualId>(tx.conn())
        .optional()?;
    Ok(found.is_some())
}
