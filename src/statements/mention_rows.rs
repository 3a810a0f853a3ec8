//! Mentions on record, and every query on their table.

use std::collections::HashSet;

use diesel::prelude::*;

use crate::access::Read;
use crate::base::error::Error;
use crate::base::id::{AccountId, IndividualId, MentionId, StatementId};
use crate::base::page::{Cursor, Limit};
use crate::base::time::UtcTime;
use crate::base::words::{MentionState, Sharing};
use crate::individuals;
use crate::schema::{mentions, statements};
use crate::statements::rows::{StatementRow, find, without_text_of};
use crate::store::{Conn, IN_ONE_QUERY};

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

crate::record!(MentionRow, mentions, "mention", parent: |row| Some(row.statement_id.to_string()), owner: |_row| None, level: |row, conn| level_of_mention(conn, row), {
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
/// Those of the mentions whose individuals this reader may see: every mention that is shown has passed here.
fn seen_of(tx: &mut Read<'_>, found: Vec<MentionRow>) -> Result<Vec<MentionRow>, Error> {
    let who: HashSet<IndividualId> = found.iter().map(|row| row.individual_id.clone()).collect();
    let who: Vec<IndividualId> = who.into_iter().collect();
    let seen = individuals::names_of(tx, &who)?;
    let found = found.into_iter().filter(|row| seen.contains_key(&row.individual_id));
    tx.sound(found.collect())
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
    let known = without_text_of(tx, &ids)?;
    Ok(found
        .into_iter()
        .filter_map(|row| Some((row.clone(), known.get(&row.statement_id)?.clone())))
        .collect())
}

/// All mentions of a person, whoever may see them: only to move them to another record of the same person, never to show
/// them.
///
/// # Errors
/// What the database says.
pub fn every_mention_of(tx: &mut Read<'_>, id: &IndividualId) -> Result<Vec<MentionRow>, Error> {
    Ok(mentions::table
        .filter(mentions::individual_id.eq(id.clone()))
        .filter(mentions::retired_at.is_null())
        .order(mentions::id)
        .select(mentions::all_columns)
        .load(tx.conn())?)
}

/// Those of these mentions that are of a person, whoever may see them, retired ones too: only to move them back.
///
/// # Errors
/// What the database says.
pub fn mentions_still_of(tx: &mut Read<'_>, id: &IndividualId, ids: &[MentionId]) -> Result<Vec<MentionRow>, Error> {
    let mut found = Vec::new();
    for some in ids.chunks(IN_ONE_QUERY) {
        let rows: Vec<MentionRow> = mentions::table
            .filter(mentions::individual_id.eq(id.clone()))
            .filter(mentions::id.eq_any(some.to_vec()))
            .order(mentions::id)
            .select(mentions::all_columns)
            .load(tx.conn())?;
        found.extend(rows);
    }
    Ok(found)
}

/// The more closed of the statement's level and the individual's.
fn level_of_mention(conn: &mut Conn, row: &MentionRow) -> QueryResult<Sharing> {
    let statement: Sharing = statements::table
        .find(row.statement_id.clone())
        .select(statements::sharing)
        .first(conn)?;
    Ok(statement.max(individuals::level_of(conn, &[&row.individual_id])?))
}
