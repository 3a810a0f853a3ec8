//! Statements and mentions as stored, and every query on them.

use std::collections::HashSet;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::access::{Read, Viewer};
use crate::base::date::Edtf;
use crate::base::error::Error;
use crate::base::id::{AccountId, IndividualId, MentionId, OrganisationId, SourceId, StatementId};
use crate::base::page::{Cursor, Limit};
use crate::base::text::{Language, Line, Listed, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{Call, Concern, MentionState, Sharing, StatementKind};
use crate::individuals;
use crate::schema::{mentions, statements};
use crate::statements::related::Related;
use crate::store::Conn;
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

crate::record!(StatementRow, statements, "statement", parent: |_row| None, owner: |row| Some(row.organisation_id.to_string()), {
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

/// A mention of an individual in a statement, as stored. Places are code points, half-open.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = mentions, treat_none_as_null = true)]
pub struct MentionRow {
    /// Its id.
    pub id: MentionId,
    /// In which statement.
    pub statement_id: StatementId,
    /// Of whom.
    pub individual_id: IndividualId,
    /// First code point.
    pub start_at: i32,
    /// One past the last.
    pub end_at: i32,
    /// As printed.
    pub text: String,
    /// The recorded form that it matched.
    pub matched: String,
    /// How sure, 0 to 1.
    pub score: f64,
    /// Why, in words.
    pub why: String,
    /// Suggested, confirmed or rejected.
    pub state: MentionState,
    /// Who decided.
    pub decided_by: Option<AccountId>,
    /// When.
    pub decided_at: Option<UtcTime>,
    /// When it was recorded.
    pub created_at: UtcTime,
    /// When it left the text, if it did.
    pub retired_at: Option<UtcTime>,
}

crate::record!(MentionRow, mentions, "mention", parent: |row| Some(row.statement_id.to_string()), owner: |_row| None, {
    id: Public,
    statement_id: Public,
    individual_id: Public,
    start_at: Public,
    end_at: Public,
    text: Public,
    matched: Public,
    score: Public,
    why: Public,
    state: Public,
    decided_by: Internal,
    decided_at: Internal,
    created_at: Public,
    retired_at: Internal,
} derived {
    start: Public,
    end: Public,
});

impl MentionRow {
    /// Whether somebody confirmed or rejected it.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.state != MentionState::Suggested
    }
}

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
    Ok(visible(&viewer)
        .filter(statements::id.eq(id.clone()))
        .select(statements::all_columns)
        .first(tx.conn())?)
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
    for some in ids.chunks(500) {
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
    Ok(rows
        .order(statements::id)
        .limit(filter.limit.with_one_more())
        .select(without_text!())
        .load(tx.conn())?)
}

/// A word as a LIKE pattern that means itself.
fn literal(word: &str) -> String {
    word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Those of the mentions whose individuals this reader may see: every mention that is shown has passed here.
fn seen_of(tx: &mut Read<'_>, found: Vec<MentionRow>) -> Result<Vec<MentionRow>, Error> {
    let who: HashSet<IndividualId> = found.iter().map(|row| row.individual_id.clone()).collect();
    let who: Vec<IndividualId> = who.into_iter().collect();
    let seen: HashSet<IndividualId> = individuals::find_all(tx, &who)?.into_iter().map(|row| row.id).collect();
    Ok(found
        .into_iter()
        .filter(|row| seen.contains(&row.individual_id))
        .collect())
}

/// The mentions in a statement that this reader may see, in the order of the text.
///
/// # Errors
/// What the database says.
pub fn mentions_in(tx: &mut Read<'_>, id: &StatementId) -> Result<Vec<MentionRow>, Error> {
    let found = mentions::table
        .filter(mentions::statement_id.eq(id.clone()))
        .filter(mentions::retired_at.is_null())
        .order((mentions::start_at, mentions::end_at, mentions::id))
        .select(mentions::all_columns)
        .load(tx.conn())?;
    seen_of(tx, found)
}

/// A page of a statement's mentions, and one more, after the place and id that the cursor remembers.
///
/// # Errors
/// What the database says; `invalid` for a cursor of another list.
pub fn mention_page(
    tx: &mut Read<'_>,
    id: &StatementId,
    limit: Limit,
    cursor: Option<&Cursor>,
) -> Result<Vec<MentionRow>, Error> {
    let mut after = match cursor {
        None => (-1, String::new()),
        Some(cursor) => {
            let place = cursor
                .as_str()
                .split_once(' ')
                .and_then(|(start, id)| Some((start.parse().ok()?, id.to_owned())));
            place.ok_or_else(|| Error::invalid("/cursor", "is not a cursor of this list"))?
        }
    };
    let wanted = usize::try_from(limit.with_one_more()).map_err(Error::internal)?;
    let mut page = Vec::new();
    loop {
        let (start, last) = after;
        let found: Vec<MentionRow> = mentions::table
            .filter(mentions::statement_id.eq(id.clone()))
            .filter(mentions::retired_at.is_null())
            .filter(
                mentions::start_at
                    .gt(start)
                    .or(mentions::start_at.eq(start).and(mentions::id.gt(last))),
            )
            .order((mentions::start_at, mentions::id))
            .limit(limit.with_one_more())
            .select(mentions::all_columns)
            .load(tx.conn())?;
        let whole = found.len() < wanted;
        after = found
            .last()
            .map(|row| (row.start_at, row.id.to_string()))
            .unwrap_or_default();
        page.extend(seen_of(tx, found)?);
        if whole || page.len() >= wanted {
            page.truncate(wanted);
            return Ok(page);
        }
    }
}

/// One mention, if this reader may see statement and individual.
///
/// # Errors
/// `not_found`.
pub fn find_mention(tx: &mut Read<'_>, statement: &StatementId, id: &MentionId) -> Result<MentionRow, Error> {
    find(tx, statement)?;
    let found = mentions::table
        .filter(mentions::statement_id.eq(statement.clone()))
        .filter(mentions::retired_at.is_null())
        .filter(mentions::id.eq(id.clone()))
        .select(mentions::all_columns)
        .load(tx.conn())?;
    seen_of(tx, found)?.pop().ok_or_else(Error::not_found)
}

/// The mention of that individual, whom this reader may see, at that place, if there is one.
///
/// # Errors
/// What the database says.
pub fn mention_at(
    tx: &mut Read<'_>,
    statement: &StatementId,
    individual: &IndividualId,
    (start, end): (i32, i32),
) -> Result<Option<MentionId>, Error> {
    let found = mentions::table
        .filter(mentions::statement_id.eq(statement.clone()))
        .filter(mentions::retired_at.is_null())
        .filter(mentions::individual_id.eq(individual.clone()))
        .filter(mentions::start_at.eq(start))
        .filter(mentions::end_at.eq(end))
        .order(mentions::id)
        .select(mentions::all_columns)
        .load(tx.conn())?;
    Ok(seen_of(tx, found)?.pop().map(|row| row.id))
}

/// All mentions in a statement, also of individuals that this reader may not see: only to carry them over to a
/// changed text, never to show them.
///
/// # Errors
/// What the database says.
pub(super) fn every_mention_in(tx: &mut Read<'_>, id: &StatementId) -> Result<Vec<MentionRow>, Error> {
    Ok(mentions::table
        .filter(mentions::statement_id.eq(id.clone()))
        .filter(mentions::retired_at.is_null())
        .order(mentions::id)
        .select(mentions::all_columns)
        .load(tx.conn())?)
}

/// Where an individual is mentioned, with the statements (without their text), as far as this reader may see them.
/// Rejected mentions are left out.
///
/// # Errors
/// What the database says.
pub fn mentions_of_individual(tx: &mut Read<'_>, id: &IndividualId) -> Result<Vec<(MentionRow, StatementRow)>, Error> {
    let viewer = tx.viewer();
    let found = mentions::table
        .filter(mentions::individual_id.eq(id.clone()))
        .filter(mentions::retired_at.is_null())
        .filter(mentions::state.ne(MentionState::Rejected))
        .order(mentions::id)
        .select(mentions::all_columns)
        .load(tx.conn())?;
    let found = seen_of(tx, found)?;
    let mut ids: Vec<StatementId> = found.iter().map(|row| row.statement_id.clone()).collect();
    ids.sort();
    ids.dedup();
    let mut known = std::collections::HashMap::new();
    for some in ids.chunks(500) {
        let rows: Vec<StatementRow> = visible(&viewer)
            .filter(statements::id.eq_any(some.to_vec()))
            .select(without_text!())
            .load(tx.conn())?;
        known.extend(rows.into_iter().map(|row| (row.id.clone(), row)));
    }
    Ok(found
        .into_iter()
        .filter_map(|row| Some((row.clone(), known.get(&row.statement_id)?.clone())))
        .collect())
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

/// The statements that those stand in a relation to.
pub(super) fn others_of<'a>(rows: impl IntoIterator<Item = &'a StatementRow>) -> Vec<StatementId> {
    rows.into_iter()
        .flat_map(|row| row.related.items())
        .map(|other| other.statement_id.clone())
        .collect()
}
