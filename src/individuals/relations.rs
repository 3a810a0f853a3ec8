//! Relations between people: seen only by whoever may see both.

use actix_web::{delete, get, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::sealing::Sealed;
use crate::access::{Allowed, Read, may, team};
use crate::base::error::Error;
use crate::base::id::{IndividualId, OrganisationId, RelationId, SourceId};
use crate::base::page::{Page, Paging};
use crate::base::text::{Line, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{RelationKind, Sharing};
use crate::individuals::rows::IndividualRow;
use crate::individuals::{assert_known, find, find_all};
use crate::schema::relations;
use crate::sources;
use crate::store::IN_ONE_QUERY;
use crate::web::{IfMatch, Json, Path, Query, Reply, reply};

/// A relation as stored: what the other is to the individual.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = relations, treat_none_as_null = true)]
pub struct RelationRow {
    /// Its id.
    pub id: RelationId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// The person.
    pub individual_id: IndividualId,
    /// What the other is to them.
    pub kind: RelationKind,
    /// The other.
    pub other_id: IndividualId,
    /// What is said of family.
    pub note: Option<Sealed>,
    /// Why family or a lawyer is not restricted.
    pub opened_because: Option<Line>,
    /// Where this comes from.
    pub source_id: Option<SourceId>,
    /// When it was recorded.
    pub created_at: UtcTime,
    /// When it was retired, if it was.
    pub retired_at: Option<UtcTime>,
}

crate::record!(RelationRow, relations, "relation", parent: |row| Some(row.individual_id.to_string()), owner: |row| Some(row.organisation_id.to_string()), level: |row, conn| crate::individuals::rows::level_of(conn, &[&row.individual_id, &row.other_id]), {
    id: Public,
    organisation_id: Public,
    individual_id: Public,
    kind: Public,
    other_id: Public,
    opened_because: Internal,
    source_id: Partners,
    created_at: Public,
    retired_at: Internal,
} derived {
    other_name: Public,
} sealed |row| vec![row.individual_id.to_string(), row.other_id.to_string()], {
    note,
});

/// A relation to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationIn {
    /// What the other is to this person.
    pub kind: RelationKind,
    /// The other.
    pub other_id: IndividualId,
    /// What is said of them, for the teams of the two people alone.
    pub note: Option<Prose>,
    /// Why family or a lawyer is not restricted.
    pub opened_because: Option<Line>,
    /// Where this comes from.
    pub source_id: Option<SourceId>,
}

/// A relation, seen from the person asked for.
#[derive(Serialize, ToSchema)]
pub struct RelationOut {
    /// Its id.
    pub id: RelationId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// What the other is to this person.
    pub kind: RelationKind,
    /// The other.
    pub other_id: IndividualId,
    /// The other's name.
    pub other_name: String,
    /// What is said of them, for the teams of the two people alone.
    pub note: Option<Prose>,
    /// Why family or a lawyer is not restricted.
    pub opened_because: Option<Line>,
    /// Where this comes from.
    pub source_id: Option<SourceId>,
    /// When it was recorded.
    pub created_at: UtcTime,
}

/// The person's relations to people whom this reader may see too, from either side.
///
/// # Errors
/// What the database says.
pub fn of(tx: &mut Read<'_>, id: &IndividualId) -> Result<Vec<Value>, Error> {
    let rows: Vec<RelationRow> = relations::table
        .filter(
            relations::individual_id
                .eq(id.clone())
                .or(relations::other_id.eq(id.clone())),
        )
        .filter(relations::retired_at.is_null())
        .order(relations::id)
        .select(relations::all_columns)
        .load(tx.conn())?;
    let turned = rows.into_iter().map(|row| {
        if row.individual_id == *id {
            row
        } else {
            let (individual_id, other_id) = (row.other_id.clone(), row.individual_id.clone());
            RelationRow {
                individual_id,
                other_id,
                kind: row.kind.seen_from_other(),
                ..row
            }
        }
    });
    let rows: Vec<RelationRow> = turned.collect();
    let others: Vec<IndividualId> = rows.iter().map(|row| row.other_id.clone()).collect();
    let people = find_all(tx, &others)?;
    let mut seen = Vec::new();
    for row in rows {
        if let Some(other) = people.iter().find(|person| person.id == row.other_id) {
            let shown = row.clone();
            let out = RelationOut {
                id: shown.id,
                organisation_id: shown.organisation_id,
                kind: shown.kind,
                other_id: shown.other_id,
                other_name: other.display_name().to_owned(),
                // The door opens it, for those who may see it.
                note: None,
                opened_because: shown.opened_because,
                source_id: shown.source_id,
                created_at: shown.created_at,
            };
            seen.push(tx.seen_with_sealed(&row, &out)?);
        }
    }
    Ok(seen)
}

/// The standing relations of a person from either side, whoever may see them: only to move them to another record of the
/// same person, never to show them.
///
/// # Errors
/// What the database says.
pub fn every_relation_of(tx: &mut Read<'_>, id: &IndividualId) -> Result<Vec<RelationRow>, Error> {
    let ends = relations::individual_id
        .eq(id.clone())
        .or(relations::other_id.eq(id.clone()));
    Ok(relations::table
        .filter(ends)
        .filter(relations::retired_at.is_null())
        .order(relations::id)
        .select(relations::all_columns)
        .load(tx.conn())?)
}

/// Those of these relations that have a person at an end, whoever may see them, retired ones too: only to move them back.
///
/// # Errors
/// What the database says.
pub fn relations_still_of(tx: &mut Read<'_>, id: &IndividualId, ids: &[RelationId]) -> Result<Vec<RelationRow>, Error> {
    let mut found = Vec::new();
    for some in ids.chunks(IN_ONE_QUERY) {
        let ends = relations::individual_id
            .eq(id.clone())
            .or(relations::other_id.eq(id.clone()));
        let rows: Vec<RelationRow> = relations::table
            .filter(ends)
            .filter(relations::id.eq_any(some.to_vec()))
            .order(relations::id)
            .select(relations::all_columns)
            .load(tx.conn())?;
        found.extend(rows);
    }
    Ok(found)
}

impl RelationRow {
    /// The same, with one person at the end where another was.
    #[must_use]
    pub fn with_end(&self, from: &IndividualId, to: &IndividualId) -> Self {
        let end = |id: &IndividualId| if id == from { to.clone() } else { id.clone() };
        Self {
            individual_id: end(&self.individual_id),
            other_id: end(&self.other_id),
            ..self.clone()
        }
    }

    /// Whether it is between those two.
    #[must_use]
    pub fn is_between(&self, one: &IndividualId, other: &IndividualId) -> bool {
        [&self.individual_id, &self.other_id]
            .iter()
            .all(|end| *end == one || *end == other)
    }
}

/// Family and lawyers are protected parties, whom pressure on the person reaches first: they stay restricted unless
/// someone opens them, with a reason.
fn protect(given: &RelationIn, person: &IndividualRow, other: &IndividualRow) -> Result<(), Error> {
    let open = |row: &IndividualRow| row.sharing != Sharing::Restricted;
    let theirs = given.kind.seen_from_other();
    let exposed = (given.kind.protects() && open(other)) || (theirs.protects() && open(person));
    if exposed && given.opened_because.is_none() {
        return Err(Error::invalid(
            "/opened_because",
            "family and lawyers are protected: restrict their record, or say why it is open",
        ));
    }
    Ok(())
}

/// Whether the person is somebody's family or lawyer.
///
/// # Errors
/// What the database says.
pub fn is_protected(tx: &mut Read<'_>, id: &IndividualId) -> Result<bool, Error> {
    let found: Vec<(IndividualId, RelationKind)> = relations::table
        .filter(
            relations::individual_id
                .eq(id.clone())
                .or(relations::other_id.eq(id.clone())),
        )
        .filter(relations::retired_at.is_null())
        .select((relations::other_id, relations::kind))
        .load(tx.conn())?;
    Ok(found.into_iter().any(|(other, kind)| {
        let what_they_are = if other == *id { kind } else { kind.seen_from_other() };
        what_they_are.protects()
    }))
}

/// The same relation, from either side, if it is on record.
fn same(
    tx: &mut Read<'_>,
    id: &IndividualId,
    kind: RelationKind,
    other: &IndividualId,
) -> Result<Option<RelationId>, Error> {
    let forth = relations::individual_id
        .eq(id.clone())
        .and(relations::other_id.eq(other.clone()))
        .and(relations::kind.eq(kind));
    let back = relations::individual_id
        .eq(other.clone())
        .and(relations::other_id.eq(id.clone()))
        .and(relations::kind.eq(kind.seen_from_other()));
    let found = relations::table
        .filter(forth.or(back))
        .filter(relations::retired_at.is_null())
        .select(relations::id)
        .first(tx.conn())
        .optional()?;
    Ok(found)
}

/// List a person's relations
///
/// Spouses, co-defendants, lawyers and others, as far as the caller may see both people.
#[utoipa::path(tag = "individuals", params(("id" = String, Path, description = "The person's id"), Paging), extensions(("x-permission" = json!("ReadIndividuals"))),
    responses((status = 200, description = "One page", body = Page<RelationOut>)))]
#[get("/individuals/{id}/relations")]
pub async fn list_relations(
    allowed: Allowed<may::ReadIndividuals>,
    id: Path<IndividualId>,
    page: Query<Paging>,
) -> Reply {
    let found = allowed
        .read(move |tx| {
            find(tx, &id.0)?;
            let relations = of(tx, &id.0)?;
            let page = page.0.cut(relations, |relation| id_of(relation).to_owned());
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

fn id_of(relation: &Value) -> &str {
    relation["id"].as_str().unwrap_or_default()
}

/// The relation, seen from that person, if this reader may see both.
fn one(tx: &mut Read<'_>, id: &IndividualId, relation: &RelationId) -> Result<Value, Error> {
    find(tx, id)?;
    let mut relations = of(tx, id)?.into_iter();
    let found = relations.find(|one| id_of(one) == relation.as_str());
    found.ok_or_else(Error::not_found)
}

/// One relation
///
/// What another person is to this one.
#[utoipa::path(tag = "individuals", params(("id" = String, Path, description = "The person's id"), ("relation_id" = String, Path, description = "The relation's id")),
    extensions(("x-permission" = json!("ReadIndividuals"))),
    responses((status = 200, description = "The relation", body = RelationOut)))]
#[get("/individuals/{id}/relations/{relation_id}")]
pub async fn find_relation(allowed: Allowed<may::ReadIndividuals>, path: Path<(IndividualId, RelationId)>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let seen = one(tx, &path.0.0, &path.0.1)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Record a relation
///
/// Says what another person on record is to this one; it is shown from both sides. Whoever writes a `note` joins the
/// team of this person.
#[utoipa::path(tag = "individuals", params(("id" = String, Path, description = "The person's id")), extensions(("x-permission" = json!("EditIndividuals"))),
    request_body(content = RelationIn, example = json!({"kind": "spouse", "other_id": "7a1f1df5-3a0a-4d6f-8a54-5d5dbd0e7f10", "opened_because": "She speaks for him in public."})),
    responses((status = 201, description = "Recorded", body = RelationOut)))]
#[post("/individuals/{id}/relations")]
pub async fn create_relation(
    allowed: Allowed<may::EditIndividuals>,
    id: Path<IndividualId>,
    body: Json<RelationIn>,
) -> Reply {
    let made = allowed
        .write(move |tx| {
            let (person, given) = (find(tx, &id.0)?, body.0);
            let other = assert_known(tx, &given.other_id, "/other_id")?;
            sources::assert_known(tx, given.source_id.as_ref(), "/source_id")?;
            if given.other_id == person.id {
                return Err(Error::invalid("/other_id", "must be another person"));
            }
            protect(&given, &person, &other)?;
            if let Some(there) = same(tx, &person.id, given.kind, &given.other_id)? {
                return Err(Error::already_exists(
                    "this relation is on record already",
                    Some(there.to_string()),
                ));
            }
            let relation = RelationId::from_uuid(tx.uuid());
            let note = given
                .note
                .map(|note| tx.seal::<RelationRow>(relation.as_str(), "note", &note));
            let row = RelationRow {
                id: relation,
                organisation_id: tx.viewer().organisation_id,
                individual_id: person.id.clone(),
                kind: given.kind,
                other_id: given.other_id,
                note: note.transpose()?,
                opened_because: given.opened_because,
                source_id: given.source_id,
                created_at: tx.now(),
                retired_at: None,
            };
            tx.create(&row)?;
            team::keep_sealed(tx, &row, person.id.as_str())?;
            let shown = one(tx, &person.id, &row.id)?;
            Ok((row, tx.tag(shown)?))
        })
        .await?;
    Ok(reply::created(
        &format!("/v1/individuals/{}/relations/{}", made.0.individual_id, made.0.id),
        &made.1,
    ))
}

/// Retire a relation
///
/// Takes the relation from both people; its history stays.
#[utoipa::path(tag = "individuals", params(("id" = String, Path, description = "The person's id"), ("relation_id" = String, Path, description = "The relation's id")),
    extensions(("x-permission" = json!("EditIndividuals"))),
    responses((status = 204, description = "Retired")))]
#[delete("/individuals/{id}/relations/{relation_id}")]
pub async fn retire_relation(
    allowed: Allowed<may::EditIndividuals>,
    path: Path<(IndividualId, RelationId)>,
    wanted: IfMatch,
) -> Reply {
    allowed
        .write(move |tx| {
            let (id, relation_id) = path.0;
            let current = one(tx, &id, &relation_id)?;
            tx.require(&wanted, current)?;
            let before: RelationRow = relations::table
                .find(relation_id)
                .select(relations::all_columns)
                .first(tx.conn())?;
            let after = RelationRow {
                retired_at: Some(tx.now()),
                ..before.clone()
            };
            tx.retire(&before, after)
        })
        .await?;
    Ok(reply::nothing())
}
