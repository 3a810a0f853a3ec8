//! That one person was merged into another: the record of it, and where a person went. The acts are of the room `files`.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::access::{Read, Viewer};
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, CaseId, IndividualId, MentionId, MergeId, RelationId};
use crate::base::kept::Kept;
use crate::base::text::Line;
use crate::base::time::UtcTime;
use crate::individuals::model::{Identifier, Name};
use crate::individuals::rows::{IndividualRow, find};
use crate::schema::{individuals, merges};
use crate::store::MultiBackend;
use crate::{filter_of_sight, individuals_of_own_teams, individuals_shared_with, visible_individuals};

/// Exactly what went from the one record to the other. Told to nobody: it counts what is hidden too.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// The cases, with their facts.
    pub cases: Vec<CaseId>,
    /// The relations.
    pub relations: Vec<RelationId>,
    /// The mentions.
    pub mentions: Vec<MentionId>,
    /// Mentions of the kept person that gave way to a confirmed one at the same place.
    pub gave_way: Vec<GaveWay>,
    /// The names, as they stand with the kept person.
    pub names: Vec<Name>,
    /// The identifiers.
    pub identifiers: Vec<Identifier>,
}

/// A mention that was retired for another at the same place.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaveWay {
    /// The one that was retired.
    pub mention: MentionId,
    /// The one that came in its place.
    pub to: MentionId,
}

/// A merge as stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = merges, treat_none_as_null = true)]
pub struct MergeRow {
    /// Its id.
    pub id: MergeId,
    /// Who is kept.
    pub individual_id: IndividualId,
    /// Who was merged into them.
    pub other_id: IndividualId,
    /// Why.
    pub reason: Line,
    /// What went from one to the other.
    pub moved: Kept<Moved>,
    /// Who did it.
    pub merged_by: AccountId,
    /// When: after all that had been said of consent by then.
    pub merged_at: UtcTime,
    /// Who split them again.
    pub undone_by: Option<AccountId>,
    /// When.
    pub undone_at: Option<UtcTime>,
    /// Why.
    pub undo_reason: Option<Line>,
}

crate::record!(MergeRow, merges, "merge", parent: |row| Some(row.individual_id.to_string()), owner: |_row| None, level: |row, conn| crate::individuals::rows::level_of(conn, &[&row.individual_id, &row.other_id]).map(|level| level.max(crate::base::words::Sharing::Internal)), {
    id: Internal,
    individual_id: Internal,
    other_id: Internal,
    reason: Internal,
    merged_by: Internal,
    merged_at: Internal,
    undone_by: Internal,
    undone_at: Internal,
    undo_reason: Internal,
} derived {
    names: Internal,
    identifiers: Internal,
} secret {
    moved,
});

impl MergeRow {
    /// Whether nobody has undone it.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.undone_at.is_none()
    }
}

/// What each entry of a merge says of why: the reason itself stands with the merge, for who may see both.
#[must_use]
pub fn why(id: &MergeId) -> String {
    format!("merge {id}")
}

/// A condition on merges.
pub type Visible = Box<dyn BoxableExpression<merges::table, MultiBackend, SqlType = diesel::sql_types::Bool>>;

/// The merges that a viewer may see: those of whom is kept, where they may see them and the other record is shared with
/// them too, which is retired while the merge stands.
#[must_use]
#[cfg_attr(hole, track_caller)]
pub fn visible(viewer: &Viewer) -> Visible {
    let kept = individuals::table
        .filter(visible_individuals!(viewer))
        .select(individuals::id);
    let shared = individuals_shared_with!(viewer).or(individuals_of_own_teams!(viewer));
    let others = individuals::table
        .filter(filter_of_sight!(shared))
        .select(individuals::id);
    Box::new(filter_of_sight!(
        merges::individual_id.eq_any(kept).and(merges::other_id.eq_any(others))
    ))
}

/// The merges of a person, into them or of them, whoever may see it: for what rests on them, never to show them.
///
/// # Errors
/// What the database says.
pub fn every_of(tx: &mut Read<'_>, id: &IndividualId) -> Result<Vec<MergeRow>, Error> {
    let found = merges::table
        .filter(merges::individual_id.eq(id.clone()).or(merges::other_id.eq(id.clone())))
        .order((merges::merged_at, merges::id))
        .select(merges::all_columns)
        .load(tx.conn())?;
    tx.sound(found)
}

/// A person and all who stand merged into them.
///
/// # Errors
/// What the database says.
pub fn all_in(tx: &mut Read<'_>, id: &IndividualId) -> Result<Vec<IndividualId>, Error> {
    let mut all = vec![id.clone()];
    let mut looked = 0;
    while let Some(one) = all.get(looked).cloned() {
        let into: Vec<IndividualId> = merges::table
            .filter(merges::individual_id.eq(one))
            .filter(merges::undone_at.is_null())
            .order(merges::id)
            .select(merges::other_id)
            .load(tx.conn())?;
        all.extend(into.into_iter().filter(|id| !all.contains(id)).collect::<Vec<_>>());
        looked += 1;
    }
    Ok(all)
}

/// Which person a person stands merged into, by the ids of all who do; followed to the end.
///
/// # Errors
/// What the database says.
pub fn kept_of_all(tx: &mut Read<'_>) -> Result<std::collections::HashMap<IndividualId, IndividualId>, Error> {
    let standing: std::collections::HashMap<IndividualId, IndividualId> = merges::table
        .filter(merges::undone_at.is_null())
        .select((merges::other_id, merges::individual_id))
        .load::<(IndividualId, IndividualId)>(tx.conn())?
        .into_iter()
        .collect();
    let end = |id: &IndividualId| {
        let mut at = id;
        while let Some(next) = standing.get(at) {
            at = next;
        }
        at.clone()
    };
    Ok(standing.keys().map(|id| (id.clone(), end(id))).collect())
}

/// Tells whoever asks for someone who was merged where they went: only who may see every record on the way.
///
/// # Errors
/// `merged`, in the place of `not_found`.
pub fn or_merged(
    tx: &mut Read<'_>,
    id: &IndividualId,
    found: Result<IndividualRow, Error>,
) -> Result<IndividualRow, Error> {
    if !matches!(&found, Err(error) if error.code == Code::NotFound) {
        return found;
    }
    let viewer = tx.viewer();
    let mut at = id.clone();
    loop {
        let shared = individuals_shared_with!(&viewer).or(individuals_of_own_teams!(&viewer));
        let known: Option<IndividualId> = individuals::table
            .filter(filter_of_sight!(shared))
            .filter(individuals::id.eq(at.clone()))
            .select(individuals::id)
            .first(tx.conn())
            .optional()?;
        let next: Option<IndividualId> = merges::table
            .filter(merges::other_id.eq(at.clone()))
            .filter(merges::undone_at.is_null())
            .select(merges::individual_id)
            .first(tx.conn())
            .optional()?;
        let (Some(_), Some(next)) = (known, next) else {
            return found;
        };
        at = next;
        match find(tx, &at) {
            Ok(kept) => {
                let error = Error::new(Code::Merged, "this person was merged into another: ask for that one");
                return Err(error.telling("merged_into", serde_json::json!(kept.id)));
            }
            Err(error) if error.code == Code::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}
