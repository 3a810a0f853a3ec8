//! Statements as stored, and every query on them.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::access::{Read, Viewer};
use crate::base::date::Edtf;
use crate::base::error::Error;
use crate::base::id::{OrganisationId, SourceId, StatementId};
use crate::base::page::{Cursor, Limit};
use crate::base::text::{Language, Line, Listed, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{Call, Concern, Sharing, StatementKind};
use crate::schema::statements;
use crate::statements::related::Related;
use crate::store::{Conn, IN_ONE_QUERY};
use crate::{filter_of_sight, shared_with, updated_since};

type Backend = <Conn as diesel::Connection>::Backend;

/// A statement as stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = statements, treat_none_as_null = true)]
pub struct StatementRow {
    /// Its id.
    pub id: StatementId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// Who may see it.
    pub sharing: Sharing,
    /// What it is.
    pub kind: StatementKind,
    /// Its title.
    pub title: Line,
    /// The organisations that issued it.
    pub issuers: Listed<OrganisationId>,
    /// When it was issued.
    pub issued_on: Edtf,
    /// First day that it can have been issued.
    pub issued_earliest: NaiveDate,
    /// Last day that it can have been issued.
    pub issued_latest: NaiveDate,
    /// BCP 47.
    pub language: Language,
    /// Where it was found.
    pub source_id: Option<SourceId>,
    /// Its text, exactly.
    pub text: Prose,
    /// SHA-256 of the text.
    pub text_digest: String,
    /// Title and text, folded for the search by words.
    pub words_folded: String,
    /// The areas of concern that it speaks of.
    pub concerns: Listed<Concern>,
    /// What it calls for.
    pub calls: Listed<Call>,
    /// How it stands to other statements.
    pub related: Listed<Related>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
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

crate::record!(StatementRow, statements, "statement", parent: |_row| None, owner: |row| Some(row.organisation_id.to_string()), level: |row, _conn| Ok(row.sharing), derives: |row| { let made = row.clone().derived(); (row.issued_earliest, row.issued_latest, &row.text_digest, &row.words_folded) == (made.issued_earliest, made.issued_latest, &made.text_digest, &made.words_folded) }, rederived: |row| Ok(row.clone().derived()), {
    id: Public,
    organisation_id: Public,
    sharing: Public,
    kind: Public,
    title: Public,
    issuers: Public,
    issued_on: Public,
    language: Public,
    source_id: Partners,
    text: Public,
    concerns: Public,
    calls: Public,
    related: Public,
    notes: Internal,
    created_at: Public,
    retired_at: Internal,
} derived {
    updated_at: Public,
    mentions: Public,
} stamps { updated_at, partners_updated_at, public_updated_at });

// The columns with nothing in place of the text: a list does not carry 2 MB a line.
macro_rules! without_text {
    () => {
        (
            statements::id,
            statements::organisation_id,
            statements::sharing,
            statements::kind,
            statements::title,
            statements::issuers,
            statements::issued_on,
            statements::issued_earliest,
            statements::issued_latest,
            statements::language,
            statements::source_id,
            "".into_sql::<Text>(),
            statements::text_digest,
            "".into_sql::<Text>(),
            statements::concerns,
            statements::calls,
            statements::related,
            statements::notes,
            statements::created_at,
            statements::updated_at,
            statements::partners_updated_at,
            statements::public_updated_at,
            statements::retired_at,
        )
    };
}

/// What to list.
#[derive(Debug, Default)]
pub struct Filter {
    /// Folded words or phrases, all of which must begin somewhere.
    pub words: Vec<String>,
    /// What it is.
    pub kind: Option<StatementKind>,
    /// An area of concern that it speaks of.
    pub concern: Option<Concern>,
    /// Issued within.
    pub issued: Option<Edtf>,
    /// Changed at or after.
    pub updated_since: Option<UtcTime>,
    /// How many.
    pub limit: Limit,
    /// From where on.
    pub cursor: Option<Cursor>,
}

/// The statements that a viewer may see: the start of every query on them.
#[must_use]
#[cfg_attr(hole, track_caller)]
pub fn visible(viewer: &Viewer) -> statements::BoxedQuery<'static, Backend> {
    statements::table
        .filter(filter_of_sight!(
            statements::retired_at.is_null().and(shared_with!(statements, viewer))
        ))
        .into_boxed()
}

/// The statement, if this reader may see it.
///
/// # Errors
/// `not_found`.
pub fn find(tx: &mut Read<'_>, id: &StatementId) -> Result<StatementRow, Error> {
    let viewer = tx.viewer();
    let found = visible(&viewer)
        .filter(statements::id.eq(id.clone()))
        .select(statements::all_columns)
        .first(tx.conn())
        .optional()?;
    let row: StatementRow = tx.sound_one(id.as_str(), found)?;
    tx.notice_if_restricted(&row, row.sharing);
    Ok(row)
}

/// Refuses, at `pointer`, a statement that this reader may not see or that is not there.
///
/// # Errors
/// `invalid`.
pub fn assert_known(tx: &mut Read<'_>, id: &StatementId, pointer: &str) -> Result<(), Error> {
    if visible_of(tx, std::slice::from_ref(id))?.is_empty() {
        return Err(Error::invalid(pointer, "no such statement"));
    }
    Ok(())
}

/// Those of the statements that this reader may see.
///
/// # Errors
/// What the database says.
pub fn visible_of(tx: &mut Read<'_>, ids: &[StatementId]) -> Result<HashSet<StatementId>, Error> {
    let viewer = tx.viewer();
    let mut seen = HashSet::new();
    for some in ids.chunks(IN_ONE_QUERY) {
        let found: Vec<StatementId> = visible(&viewer)
            .filter(statements::id.eq_any(some.to_vec()))
            .select(statements::id)
            .load(tx.conn())?;
        seen.extend(found);
    }
    Ok(seen)
}

/// The statement with that text, if there is one that this reader may see.
///
/// # Errors
/// What the database says.
pub fn same_text(tx: &mut Read<'_>, digest: &str) -> Result<Option<StatementId>, Error> {
    let viewer = tx.viewer();
    Ok(visible(&viewer)
        .filter(statements::text_digest.eq(digest.to_owned()))
        .order(statements::id)
        .select(statements::id)
        .first(tx.conn())
        .optional()?)
}

/// A page of statements, and one more; without their text.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Read<'_>, filter: &Filter) -> Result<Vec<StatementRow>, Error> {
    let viewer = tx.viewer();
    let mut rows = visible(&viewer);
    for word in &filter.words {
        rows = rows.filter(
            statements::words_folded
                .like(format!("% {}%", literal(word)))
                .escape('\\'),
        );
    }
    if let Some(kind) = filter.kind {
        rows = rows.filter(statements::kind.eq(kind));
    }
    if let Some(concern) = filter.concern {
        let quoted = serde_json::to_string(&concern).map_err(Error::internal)?;
        rows = rows.filter(
            statements::concerns
                .like(format!("%{}%", literal(&quoted)))
                .escape('\\'),
        );
    }
    if let Some(issued) = &filter.issued {
        rows = rows
            .filter(statements::issued_earliest.le(issued.latest()))
            .filter(statements::issued_latest.ge(issued.earliest()));
    }
    if let Some(since) = filter.updated_since {
        rows = rows.filter(updated_since!(statements, &viewer, since));
    }
    if let Some(cursor) = &filter.cursor {
        rows = rows.filter(statements::id.gt(cursor.as_str().to_owned()));
    }
    let found = rows
        .order(statements::id)
        .limit(filter.limit.with_one_more())
        .select(without_text!())
        .load(tx.conn())?;
    tx.sound::<StatementRow>(found)
}

/// A word as a LIKE pattern that means itself.
fn literal(word: &str) -> String {
    word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Those of the statements that this reader may see, without their text.
///
/// # Errors
/// What the database says.
pub(super) fn without_text_of(
    tx: &mut Read<'_>,
    ids: &[StatementId],
) -> Result<HashMap<StatementId, StatementRow>, Error> {
    let viewer = tx.viewer();
    let mut known = HashMap::new();
    for some in ids.chunks(IN_ONE_QUERY) {
        let rows: Vec<StatementRow> = visible(&viewer)
            .filter(statements::id.eq_any(some.to_vec()))
            .select(without_text!())
            .load(tx.conn())?;
        known.extend(tx.sound(rows)?.into_iter().map(|row| (row.id.clone(), row)));
    }
    Ok(known)
}

/// The statements that those stand in a relation to.
pub(super) fn others_of<'a>(rows: impl IntoIterator<Item = &'a StatementRow>) -> Vec<StatementId> {
    rows.into_iter()
        .flat_map(|row| row.related.items())
        .map(|other| other.statement_id.clone())
        .collect()
}

/// Whether a record of that id is there, whoever may see it: for an administrator who joins its team.
///
/// # Errors
/// What the database says.
pub fn is_there(tx: &mut Read<'_>, id: &StatementId) -> Result<bool, Error> {
    let found = statements::table
        .filter(statements::id.eq(id.clone()))
        .filter(statements::retired_at.is_null())
        .select(statements::id)
        .first::<StatementId>(tx.conn())
        .optional()?;
    Ok(found.is_some())
}
