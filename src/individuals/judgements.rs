//! Whether two people are one, as somebody has judged it: those judged to be different are not warned of again. Seen only
//! by those inside who may see both.

use std::collections::HashSet;

use actix_web::{delete, get, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::access::ledger::Record;
use crate::access::{Allowed, Read, Viewer, Write, may};
use crate::base::error::Error;
use crate::base::id::{AccountId, IndividualId, JudgementId};
use crate::base::page::{Cursor, Limit, Page};
use crate::base::text::Line;
use crate::base::time::UtcTime;
use crate::base::words::Verdict;
use crate::individuals::merges;
use crate::individuals::rows::{IndividualRow, assert_known};
use crate::schema::{individuals, judgements};
use crate::store::{IN_ONE_QUERY, MultiBackend};
use crate::web::{IfMatch, Json, Path, Query, Reply, reply};
use crate::{filter_of_sight, visible_individuals};

/// A judgement as stored; the pair in the order of its ids.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = judgements, treat_none_as_null = true)]
pub struct JudgementRow {
    /// Its id.
    pub id: JudgementId,
    /// One of the two.
    pub individual_id: IndividualId,
    /// The other.
    pub other_id: IndividualId,
    /// Whether they are one.
    pub verdict: Verdict,
    /// Why.
    pub reason: Option<Line>,
    /// Who judged.
    pub judged_by: AccountId,
    /// When.
    pub judged_at: UtcTime,
    /// When it was withdrawn, or another took its place.
    pub retired_at: Option<UtcTime>,
}

crate::record!(JudgementRow, judgements, "judgement", parent: |row| Some(row.individual_id.to_string()), owner: |_row| None, level: |row, conn| crate::individuals::rows::level_of(conn, &[&row.individual_id, &row.other_id]).map(|level| level.max(crate::base::words::Sharing::Internal)), {
    id: Internal,
    individual_id: Internal,
    other_id: Internal,
    verdict: Internal,
    reason: Internal,
    judged_by: Internal,
    judged_at: Internal,
    retired_at: Internal,
});

/// A judgement to record; it takes the place of the one before of the same two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgementIn {
    /// One of the two.
    pub individual_id: IndividualId,
    /// The other.
    pub other_id: IndividualId,
    /// Whether they are one.
    pub verdict: Verdict,
    /// Why.
    pub reason: Option<Line>,
}

/// A judgement as shown.
#[derive(Serialize, ToSchema)]
pub struct JudgementOut {
    /// Its id.
    pub id: JudgementId,
    /// One of the two.
    pub individual_id: IndividualId,
    /// The other.
    pub other_id: IndividualId,
    /// Whether they are one.
    pub verdict: Verdict,
    /// Why.
    pub reason: Option<Line>,
    /// Who judged.
    pub judged_by: AccountId,
    /// When.
    pub judged_at: UtcTime,
}

/// Which judgements to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JudgementList {
    /// Of that person.
    #[param(value_type = Option<String>)]
    pub individual: Option<IndividualId>,
    /// Of that verdict.
    #[param(value_type = Option<String>)]
    pub verdict: Option<Verdict>,
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

/// A condition on judgements.
type Visible = Box<dyn BoxableExpression<judgements::table, MultiBackend, SqlType = diesel::sql_types::Bool>>;

/// The standing judgements that a viewer may see: of two people both of whom they may see.
#[cfg_attr(hole, track_caller)]
fn visible(viewer: &Viewer) -> Visible {
    let one = individuals::table
        .filter(visible_individuals!(viewer))
        .select(individuals::id);
    let other = individuals::table
        .filter(visible_individuals!(viewer))
        .select(individuals::id);
    Box::new(filter_of_sight!(
        judgements::retired_at
            .is_null()
            .and(judgements::individual_id.eq_any(one))
            .and(judgements::other_id.eq_any(other))
    ))
}

fn find(tx: &mut Read<'_>, id: &JudgementId) -> Result<JudgementRow, Error> {
    let viewer = tx.viewer();
    let found: Option<JudgementRow> = judgements::table
        .filter(visible(&viewer))
        .filter(judgements::id.eq(id.clone()))
        .select(judgements::all_columns)
        .first(tx.conn())
        .optional()?;
    let found = tx.sound_one(id.as_str(), found)?;
    of_sound_people(tx, vec![found])?.pop().ok_or_else(Error::not_found)
}

fn of_sound_people(tx: &mut Read<'_>, rows: Vec<JudgementRow>) -> Result<Vec<JudgementRow>, Error> {
    let rows = tx.resting_on(IndividualRow::KIND, rows, |row| row.individual_id.to_string())?;
    tx.resting_on(IndividualRow::KIND, rows, |row| row.other_id.to_string())
}

fn in_order<'a>(one: &'a IndividualId, other: &'a IndividualId) -> (&'a IndividualId, &'a IndividualId) {
    if one <= other { (one, other) } else { (other, one) }
}

/// The standing judgement of two people, whoever may see it: who asks sees both.
///
/// # Errors
/// What the database says.
pub fn standing(tx: &mut Read<'_>, one: &IndividualId, other: &IndividualId) -> Result<Option<JudgementRow>, Error> {
    let (one, other) = in_order(one, other);
    let found = judgements::table
        .filter(judgements::individual_id.eq(one.clone()))
        .filter(judgements::other_id.eq(other.clone()))
        .filter(judgements::retired_at.is_null())
        .order(judgements::id)
        .select(judgements::all_columns)
        .load(tx.conn())?;
    Ok(tx.sound::<JudgementRow>(found)?.pop())
}

/// Who was judged, one way or the other: pairs in the order of their ids.
#[derive(Default)]
pub struct Judged(HashSet<(IndividualId, IndividualId)>);

impl Judged {
    /// Everyone who was judged against one of those people or whoever was merged into them.
    ///
    /// # Errors
    /// What the database says.
    pub fn load(tx: &mut Read<'_>, people: &[IndividualId]) -> Result<Self, Error> {
        let kept = merges::kept_of_all(tx)?;
        let merged = kept.iter().filter(|(_, kept)| people.contains(kept));
        let asked: Vec<IndividualId> = merged.map(|(id, _)| id).chain(people).cloned().collect();
        let mut pairs = HashSet::new();
        for some in asked.chunks(IN_ONE_QUERY) {
            let either = judgements::individual_id
                .eq_any(some.to_vec())
                .or(judgements::other_id.eq_any(some.to_vec()));
            let found: Vec<(IndividualId, IndividualId)> = judgements::table
                .filter(either)
                .filter(judgements::retired_at.is_null())
                .select((judgements::individual_id, judgements::other_id))
                .load(tx.conn())?;
            for (one, other) in found {
                let (one, other) = (kept.get(&one).unwrap_or(&one), kept.get(&other).unwrap_or(&other));
                let (one, other) = in_order(one, other);
                pairs.insert((one.clone(), other.clone()));
            }
        }
        Ok(Self(pairs))
    }

    /// Whether those two were.
    #[must_use]
    pub fn are(&self, one: &IndividualId, other: &IndividualId) -> bool {
        let (one, other) = in_order(one, other);
        self.0.contains(&(one.clone(), other.clone()))
    }
}

/// Records a judgement in the place of the one before.
///
/// # Errors
/// `already_exists` where it says the same.
pub fn judge(
    tx: &mut Write<'_>,
    (one, other): (&IndividualId, &IndividualId),
    verdict: Verdict,
    reason: Option<Line>,
) -> Result<JudgementRow, Error> {
    if let Some(before) = standing(tx, one, other)? {
        if before.verdict == verdict {
            let there = Some(before.id.to_string());
            return Err(Error::already_exists("it was so judged already", there));
        }
        let after = JudgementRow {
            retired_at: Some(tx.now()),
            ..before.clone()
        };
        tx.retire(&before, after)?;
    }
    let (one, other) = in_order(one, other);
    let row = JudgementRow {
        id: JudgementId::from_uuid(tx.uuid()),
        individual_id: one.clone(),
        other_id: other.clone(),
        verdict,
        reason,
        judged_by: tx.viewer().account_id,
        judged_at: tx.now(),
        retired_at: None,
    };
    tx.create(&row)?;
    Ok(row)
}

fn seen_by(tx: &Read<'_>, row: &JudgementRow) -> Result<Value, Error> {
    let shown = row.clone();
    let out = JudgementOut {
        id: shown.id,
        individual_id: shown.individual_id,
        other_id: shown.other_id,
        verdict: shown.verdict,
        reason: shown.reason,
        judged_by: shown.judged_by,
        judged_at: shown.judged_at,
    };
    tx.seen(row, &out)
}

/// List judgements
///
/// Which people were judged to be two, or one recorded twice, as far as the caller may see both; in a stable order.
#[utoipa::path(tag = "duplicates", params(JudgementList), extensions(("x-permission" = json!("EditIndividuals"))),
    responses((status = 200, description = "One page", body = Page<JudgementOut>)))]
#[get("/individuals/judgements")]
pub async fn list_judgements(allowed: Allowed<may::EditIndividuals>, query: Query<JudgementList>) -> Reply {
    let page = allowed
        .read(move |tx| {
            let (query, viewer) = (query.0, tx.viewer());
            let mut rows = judgements::table
                .filter(visible(&viewer))
                .select(judgements::all_columns)
                .into_boxed();
            if let Some(id) = query.individual {
                rows = rows.filter(judgements::individual_id.eq(id.clone()).or(judgements::other_id.eq(id)));
            }
            if let Some(verdict) = query.verdict {
                rows = rows.filter(judgements::verdict.eq(verdict));
            }
            if let Some(cursor) = &query.cursor {
                rows = rows.filter(judgements::id.gt(cursor.as_str().to_owned()));
            }
            let rows = rows.order(judgements::id).limit(query.limit.with_one_more());
            let found = rows.load(tx.conn())?;
            let found = tx.sound(found)?;
            let found = of_sound_people(tx, found)?;
            let page = Page::of(found, query.limit, |row| row.id.to_string()).try_map(|row| seen_by(tx, &row))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// Judge two people
///
/// Says that two people on record are different, who are then not warned of again, or the same. It takes the place of what
/// was judged of them before.
#[utoipa::path(tag = "duplicates", extensions(("x-permission" = json!("EditIndividuals"))),
    request_body(content = JudgementIn, example = json!({"individual_id": "0b0a3a0e-51a4-4a0e-8f4c-1f7c3d1d9a55", "other_id": "7a1f1df5-3a0a-4d6f-8a54-5d5dbd0e7f10", "verdict": "different", "reason": "Born in another year."})),
    responses((status = 201, description = "Recorded", body = JudgementOut)))]
#[post("/individuals/judgements")]
pub async fn create_judgement(allowed: Allowed<may::EditIndividuals>, body: Json<JudgementIn>) -> Reply {
    let made = allowed
        .write(move |tx| {
            let given = body.0;
            let one = assert_known(tx, &given.individual_id, "/individual_id")?;
            let other = assert_known(tx, &given.other_id, "/other_id")?;
            if one.id == other.id {
                return Err(Error::invalid("/other_id", "must be another person"));
            }
            let row = judge(tx, (&one.id, &other.id), given.verdict, given.reason)?;
            let seen = seen_by(tx, &row)?;
            Ok((row.id, tx.tag(seen)?))
        })
        .await?;
    Ok(reply::created(
        &format!("/v1/individuals/judgements/{}", made.0),
        &made.1,
    ))
}

/// One judgement
///
/// What was judged of two people, while nothing has taken its place.
#[utoipa::path(tag = "duplicates", params(("judgement_id" = String, Path, description = "The judgement's id")), extensions(("x-permission" = json!("EditIndividuals"))),
    responses((status = 200, description = "The judgement", body = JudgementOut)))]
#[get("/individuals/judgements/{judgement_id}")]
pub async fn find_judgement(allowed: Allowed<may::EditIndividuals>, id: Path<JudgementId>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let row = find(tx, &id.0)?;
            let seen = seen_by(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Withdraw a judgement
///
/// The two are warned of again, and stand among the likely pairs again.
#[utoipa::path(tag = "duplicates", params(("judgement_id" = String, Path, description = "The judgement's id")), extensions(("x-permission" = json!("EditIndividuals"))),
    responses((status = 204, description = "Withdrawn")))]
#[delete("/individuals/judgements/{judgement_id}")]
pub async fn withdraw_judgement(
    allowed: Allowed<may::EditIndividuals>,
    id: Path<JudgementId>,
    wanted: IfMatch,
) -> Reply {
    allowed
        .write(move |tx| {
            let before = find(tx, &id.0)?;
            let current = seen_by(tx, &before)?;
            tx.require(&wanted, current)?;
            let after = JudgementRow {
                retired_at: Some(tx.now()),
                ..before.clone()
            };
            tx.retire(&before, after)
        })
        .await?;
    Ok(reply::nothing())
}
