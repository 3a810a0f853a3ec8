//! Merging two records of one person, over HTTP.

use actix_web::{get, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::access::ledger::Record;
use crate::access::{Allowed, Read, may};
use crate::base::error::Error;
use crate::base::id::{AccountId, IndividualId, MergeId};
use crate::base::page::{Cursor, Limit, Page};
use crate::base::text::Line;
use crate::base::time::UtcTime;
use crate::files::merging;
use crate::individuals::merges::{self, MergeRow};
use crate::individuals::{self, Identifier, IndividualRow, Name};
use crate::schema::merges as table;
use crate::web::{IfMatch, Json, Path, Query, Reply, reply};

/// Whom to merge into a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeIn {
    /// Whose record is merged into this one.
    pub other_id: IndividualId,
    /// Why, in words; stands with the merge.
    pub reason: Line,
}

/// Why two people are split again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoIn {
    /// Why, in words; stands with the merge.
    pub reason: Line,
}

/// A merge as shown.
#[derive(Serialize, ToSchema)]
pub struct MergeOut {
    /// Its id.
    pub id: MergeId,
    /// Who is kept.
    pub individual_id: IndividualId,
    /// Who was merged into them.
    pub other_id: IndividualId,
    /// Why.
    pub reason: Line,
    /// The names that the kept person got by it.
    pub names: Vec<Name>,
    /// The identifiers that they got.
    pub identifiers: Vec<Identifier>,
    /// Who did it.
    pub merged_by: AccountId,
    /// When.
    pub merged_at: UtcTime,
    /// Who split them again.
    pub undone_by: Option<AccountId>,
    /// When.
    pub undone_at: Option<UtcTime>,
    /// Why.
    pub undo_reason: Option<Line>,
}

/// Which merges to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MergeList {
    /// Of that person, kept or merged.
    #[param(value_type = Option<String>)]
    pub individual: Option<IndividualId>,
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

fn seen_by(tx: &Read<'_>, row: &MergeRow) -> Result<Value, Error> {
    let shown = row.clone();
    let out = MergeOut {
        id: shown.id,
        individual_id: shown.individual_id,
        other_id: shown.other_id,
        reason: shown.reason,
        names: shown.moved.value().names.clone(),
        identifiers: shown.moved.value().identifiers.clone(),
        merged_by: shown.merged_by,
        merged_at: shown.merged_at,
        undone_by: shown.undone_by,
        undone_at: shown.undone_at,
        undo_reason: shown.undo_reason,
    };
    tx.seen(row, &out)
}

/// A merge that rests on an altered person answers as the person does.
fn of_sound_people(tx: &mut Read<'_>, rows: Vec<MergeRow>) -> Result<Vec<MergeRow>, Error> {
    let rows = tx.resting_on(IndividualRow::KIND, rows, |row| row.individual_id.to_string())?;
    tx.resting_on(IndividualRow::KIND, rows, |row| row.other_id.to_string())
}

fn find(tx: &mut Read<'_>, id: &MergeId) -> Result<MergeRow, Error> {
    let viewer = tx.viewer();
    let found: Option<MergeRow> = table::table
        .filter(merges::visible(&viewer))
        .filter(table::id.eq(id.clone()))
        .select(table::all_columns)
        .first(tx.conn())
        .optional()?;
    let found = tx.sound_one(id.as_str(), found)?;
    of_sound_people(tx, vec![found])?.pop().ok_or_else(Error::not_found)
}

/// Merge another record of a person into this one
///
/// The other's cases, relations, mentions, names and identifiers follow, what the caller may not see among them, and the
/// other's id answers 410 with where it went. What was said of publicity for either holds for both: nothing is shown that
/// one of them does not cover. 409 where somebody would be shown what they could not see: the kept person must be at
/// least as closed, of the same organisation, and their team on the other's. `If-Match` carries the kept person's version.
#[utoipa::path(tag = "duplicates", params(("id" = String, Path, description = "The id of the person who is kept")), extensions(("x-permission" = json!("MergeIndividuals")), ("x-conditional" = json!(true))),
    request_body(content = MergeIn, example = json!({"other_id": "7a1f1df5-3a0a-4d6f-8a54-5d5dbd0e7f10", "reason": "The same birth date and court."})),
    responses((status = 201, description = "Merged", body = MergeOut)))]
#[post("/individuals/{id}/merge")]
pub async fn merge_individuals(
    allowed: Allowed<may::MergeIndividuals>,
    id: Path<IndividualId>,
    wanted: IfMatch,
    body: Json<MergeIn>,
) -> Reply {
    let made = allowed
        .write(move |tx| {
            let kept = individuals::find(tx, &id.0)?;
            let current = individuals::seen_by(tx, &kept)?;
            tx.require(&wanted, current)?;
            let other = individuals::assert_known(tx, &body.0.other_id, "/other_id")?;
            let row = merging::merge(tx, &kept, &other, body.0.reason)?;
            let seen = seen_by(tx, &row)?;
            Ok((row.id, tx.tag(seen)?))
        })
        .await?;
    Ok(reply::created(&format!("/v1/merges/{}", made.0), &made.1))
}

/// List merges
///
/// Who was merged into whom, of people whom the caller may see; those that were undone too. In a stable order.
#[utoipa::path(tag = "duplicates", params(MergeList), extensions(("x-permission" = json!("MergeIndividuals"))),
    responses((status = 200, description = "One page", body = Page<MergeOut>)))]
#[get("/merges")]
pub async fn list_merges(allowed: Allowed<may::MergeIndividuals>, query: Query<MergeList>) -> Reply {
    let page = allowed
        .read(move |tx| {
            let (query, viewer) = (query.0, tx.viewer());
            let mut rows = table::table
                .filter(merges::visible(&viewer))
                .select(table::all_columns)
                .into_boxed();
            if let Some(id) = query.individual {
                rows = rows.filter(table::individual_id.eq(id.clone()).or(table::other_id.eq(id)));
            }
            if let Some(cursor) = &query.cursor {
                rows = rows.filter(table::id.gt(cursor.as_str().to_owned()));
            }
            let found = rows
                .order(table::id)
                .limit(query.limit.with_one_more())
                .load(tx.conn())?;
            let found = tx.sound(found)?;
            let found = of_sound_people(tx, found)?;
            let page = Page::of(found, query.limit, |row| row.id.to_string()).try_map(|row| seen_by(tx, &row))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// One merge
///
/// Who was merged into whom, why, and which names and identifiers went along.
#[utoipa::path(tag = "duplicates", params(("id" = String, Path, description = "The merge's id")), extensions(("x-permission" = json!("MergeIndividuals"))),
    responses((status = 200, description = "The merge", body = MergeOut)))]
#[get("/merges/{id}")]
pub async fn find_merge(allowed: Allowed<may::MergeIndividuals>, id: Path<MergeId>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let row = find(tx, &id.0)?;
            let seen = seen_by(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Undo a merge
///
/// Splits the two again: what came with the merge goes back as it now stands, a name or identifier that was edited since
/// too; what was added since stays with the kept person. What was said of publicity meanwhile limits both.
#[utoipa::path(tag = "duplicates", params(("id" = String, Path, description = "The merge's id")), extensions(("x-permission" = json!("MergeIndividuals"))),
    request_body(content = UndoIn, example = json!({"reason": "Two people of one name: the courts differ."})),
    responses((status = 200, description = "Undone", body = MergeOut)))]
#[post("/merges/{id}/undo")]
pub async fn undo_merge(allowed: Allowed<may::MergeIndividuals>, id: Path<MergeId>, body: Json<UndoIn>) -> Reply {
    let done = allowed
        .write(move |tx| {
            let row = find(tx, &id.0)?;
            let after = merging::undo(tx, &row, body.0.reason)?;
            let seen = seen_by(tx, &after)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::changed(&done))
}
