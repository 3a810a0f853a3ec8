//! Sources: where a fact comes from, and how far it is to be believed. The Admiralty scale keeps the source's
//! reliability apart from the information's. Who a source is may be restricted.

use actix_web::{delete, get, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::sealing::Sealed;
use crate::access::team::{self, Subject};
use crate::access::{Allowed, Read, may, references};
use crate::base::date::Edtf;
use crate::base::error::{Code, Error};
use crate::base::id::{OrganisationId, SourceId, StatementId};
use crate::base::page::{Cursor, Limit, Page};
use crate::base::patch::Patch;
use crate::base::text::{Language, Line, Link, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{Reliability, Sharing, SourceKind};
use crate::schema::sources;
use crate::shared_with;
use crate::web::{IfMatch, Json, Path, Query, Reply, reply};

/// Puts the room's operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_sources)
        .service(create_source)
        .service(find_source)
        .service(update_source)
        .service(retire_source);
    team_routes(config);
}

/// A source as stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = sources, treat_none_as_null = true)]
pub struct SourceRow {
    /// Its id.
    pub id: SourceId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// Who may see it.
    pub sharing: Sharing,
    /// Its title, as published.
    pub title: Line,
    /// Who published it.
    pub publisher: Option<Line>,
    /// Where it can be read.
    pub address: Option<Link>,
    /// When it was published.
    pub published_on: Option<Edtf>,
    /// BCP 47.
    pub language: Option<Language>,
    /// What it is.
    pub kind: Option<SourceKind>,
    /// Admiralty scale, A to F.
    pub reliability: Reliability,
    /// The statement that it is, where it is one.
    pub statement_id: Option<StatementId>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// Who the source is, and how they can be reached.
    pub identity: Option<Sealed>,
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

crate::record!(SourceRow, sources, "source", parent: |_row| None, owner: |row| Some(row.organisation_id.to_string()), level: |row, _conn| Ok(row.sharing), {
    id: Public,
    organisation_id: Public,
    sharing: Public,
    title: Public,
    publisher: Public,
    address: Public,
    published_on: Public,
    language: Public,
    kind: Public,
    reliability: Partners,
    statement_id: Partners,
    notes: Internal,
    created_at: Public,
    retired_at: Internal,
} derived {
    updated_at: Public,
} sealed |row| vec![row.id.to_string()], {
    identity,
} stamps { updated_at, partners_updated_at, public_updated_at });

/// A source to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceIn {
    /// Its title, as published.
    pub title: Line,
    /// Who published it.
    pub publisher: Option<Line>,
    /// Where it can be read.
    pub address: Option<Link>,
    /// When it was published.
    pub published_on: Option<Edtf>,
    /// BCP 47.
    pub language: Option<Language>,
    /// What it is.
    pub kind: Option<SourceKind>,
    /// Admiralty scale, A to F.
    pub reliability: Reliability,
    /// The statement that it is, where it is one.
    pub statement_id: Option<StatementId>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// Who the source is and how they can be reached, for the team of the record alone.
    pub identity: Option<Prose>,
    /// Who may see it; internal unless said.
    #[serde(default = "inside")]
    pub sharing: Sharing,
}

/// Changes to a source: what is absent stays, null clears.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourcePatch {
    /// Its title, as published.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub title: Patch<Line>,
    /// Who published it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub publisher: Patch<Line>,
    /// Where it can be read.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub address: Patch<Link>,
    /// When it was published.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub published_on: Patch<Edtf>,
    /// BCP 47.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub language: Patch<Language>,
    /// What it is.
    #[serde(default)]
    #[schema(value_type = Option<SourceKind>)]
    pub kind: Patch<SourceKind>,
    /// Admiralty scale, A to F.
    #[serde(default)]
    #[schema(value_type = Option<Reliability>)]
    pub reliability: Patch<Reliability>,
    /// The statement that it is, where it is one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub statement_id: Patch<StatementId>,
    /// Notes for those inside.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub notes: Patch<Prose>,
    /// Who the source is and how they can be reached, for the team of the record alone.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub identity: Patch<Prose>,
    /// Who may see it.
    #[serde(default)]
    #[schema(value_type = Option<Sharing>)]
    pub sharing: Patch<Sharing>,
}

/// A source as shown.
#[derive(Serialize, ToSchema)]
pub struct SourceOut {
    /// Its id.
    pub id: SourceId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// Who may see it.
    pub sharing: Sharing,
    /// Its title, as published.
    pub title: Line,
    /// Who published it.
    pub publisher: Option<Line>,
    /// Where it can be read.
    pub address: Option<Link>,
    /// When it was published.
    pub published_on: Option<Edtf>,
    /// BCP 47.
    pub language: Option<Language>,
    /// What it is.
    pub kind: Option<SourceKind>,
    /// Admiralty scale, A to F.
    pub reliability: Reliability,
    /// The statement that it is, where it is one.
    pub statement_id: Option<StatementId>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// Who the source is and how they can be reached, for the team of the record alone.
    pub identity: Option<Prose>,
    /// When it was recorded.
    pub created_at: UtcTime,
    /// When it last changed.
    pub updated_at: UtcTime,
}

/// Which sources to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SourceList {
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl SourceRow {
    fn apply(mut self, patch: SourcePatch) -> Result<Self, Error> {
        patch.title.apply("/title", &mut self.title)?;
        patch.publisher.apply_option(&mut self.publisher);
        patch.address.apply_option(&mut self.address);
        patch.published_on.apply_option(&mut self.published_on);
        patch.language.apply_option(&mut self.language);
        patch.kind.apply_option(&mut self.kind);
        patch.reliability.apply("/reliability", &mut self.reliability)?;
        patch.statement_id.apply_option(&mut self.statement_id);
        patch.notes.apply_option(&mut self.notes);
        patch.sharing.apply("/sharing", &mut self.sharing)?;
        Ok(self)
    }
}

fn inside() -> Sharing {
    Sharing::Internal
}

/// The source, if this reader may see it.
///
/// # Errors
/// `not_found`.
pub fn find(tx: &mut Read<'_>, id: &SourceId) -> Result<SourceRow, Error> {
    let viewer = tx.viewer();
    let found = sources::table
        .filter(shared_with!(sources, &viewer))
        .filter(sources::retired_at.is_null())
        .filter(sources::id.eq(id.clone()))
        .select(sources::all_columns)
        .first(tx.conn())
        .optional()?;
    let row: SourceRow = tx.sound_one(id.as_str(), found)?;
    tx.notice_if_restricted(&row, row.sharing);
    Ok(row)
}

/// Refuses, at `pointer`, a source that this reader may not see or that is not there.
///
/// # Errors
/// `invalid`.
pub fn assert_known(tx: &mut Read<'_>, id: Option<&SourceId>, pointer: &str) -> Result<(), Error> {
    match id.map(|id| find(tx, id)) {
        Some(Err(error)) if error.code == Code::NotFound => Err(Error::invalid(pointer, "no such source")),
        Some(Err(error)) => Err(error),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// The statement that a source is must be on record for this reader.
fn check_statement(tx: &mut Read<'_>, id: Option<&StatementId>) -> Result<(), Error> {
    let viewer = tx.viewer();
    id.map_or(Ok(()), |id| {
        references::assert_statement(tx.conn(), &viewer, id.as_str(), "/statement_id")
    })
}

fn seen_by(tx: &mut Read<'_>, row: &SourceRow) -> Result<Value, Error> {
    let row = row.clone();
    let out = SourceOut {
        id: row.id.clone(),
        organisation_id: row.organisation_id.clone(),
        sharing: row.sharing,
        title: row.title.clone(),
        publisher: row.publisher.clone(),
        address: row.address.clone(),
        published_on: row.published_on.clone(),
        language: row.language.clone(),
        kind: row.kind,
        reliability: row.reliability,
        statement_id: row.statement_id.clone(),
        notes: row.notes.clone(),
        // The door opens it, for those who may see it.
        identity: None,
        created_at: row.created_at,
        updated_at: row.updated_at,
    };
    tx.seen_with_sealed(&row, &out)
}

/// List sources
///
/// The sources that the caller may see, in a stable order.
#[utoipa::path(tag = "sources", params(SourceList), extensions(("x-permission" = json!("ReadSources"))),
    responses((status = 200, description = "One page", body = Page<SourceOut>,
        example = json!({"items": [{"id": "6f1c1f2e-3d0f-4c55-9d3b-6c3a3f9c5f10", "title": "CHRD newsletter, 22 April", "publisher": "Chinese Human Rights Defenders", "published_on": "2010-04-22", "reliability": "b", "sharing": "public"}], "next": null}))))]
#[get("/sources")]
pub async fn list_sources(allowed: Allowed<may::ReadSources>, query: Query<SourceList>) -> Reply {
    let page = allowed
        .read(move |tx| {
            let viewer = tx.viewer();
            let mut rows = sources::table
                .filter(shared_with!(sources, &viewer))
                .filter(sources::retired_at.is_null())
                .into_boxed();
            if let Some(cursor) = &query.0.cursor {
                rows = rows.filter(sources::id.gt(cursor.as_str().to_owned()));
            }
            let found: Vec<SourceRow> = rows
                .order(sources::id)
                .limit(query.0.limit.with_one_more())
                .select(sources::all_columns)
                .load(tx.conn())?;
            let found = tx.sound(found)?;
            let page = Page::of(found, query.0.limit, |row| row.id.to_string()).try_map(|row| seen_by(tx, &row))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// Record a source
///
/// Stores a document, page or person that facts come from.
#[utoipa::path(tag = "sources", extensions(("x-permission" = json!("EditSources"))),
    request_body(content = SourceIn, example = json!({"title": "CHRD newsletter, 22 April", "publisher": "Chinese Human Rights Defenders", "published_on": "2010-04-22", "language": "en", "reliability": "b", "sharing": "public"})),
    responses((status = 201, description = "Recorded", body = SourceOut)))]
#[post("/sources")]
pub async fn create_source(allowed: Allowed<may::EditSources>, body: Json<SourceIn>) -> Reply {
    let made = allowed
        .write(move |tx| {
            let given = body.0;
            check_statement(tx, given.statement_id.as_ref())?;
            let id = SourceId::from_uuid(tx.uuid());
            let identity = given
                .identity
                .map(|identity| tx.seal::<SourceRow>(id.as_str(), "identity", &identity));
            let row = SourceRow {
                id,
                organisation_id: tx.viewer().organisation_id,
                sharing: given.sharing,
                title: given.title,
                publisher: given.publisher,
                address: given.address,
                published_on: given.published_on,
                language: given.language,
                kind: given.kind,
                reliability: given.reliability,
                statement_id: given.statement_id,
                notes: given.notes,
                identity: identity.transpose()?,
                created_at: tx.now(),
                updated_at: tx.now(),
                partners_updated_at: tx.now(),
                public_updated_at: tx.now(),
                retired_at: None,
            };
            tx.create(&row)?;
            team::keep(tx, row.id.as_str(), row.sharing)?;
            team::keep_sealed(tx, &row, row.id.as_str())?;
            let seen = seen_by(tx, &row)?;
            Ok((row.id, tx.tag(seen)?))
        })
        .await?;
    Ok(reply::created(&format!("/v1/sources/{}", made.0), &made.1))
}

/// One source
///
/// The source, with how far it is to be believed.
#[utoipa::path(tag = "sources", params(("id" = String, Path, description = "The source's id")), extensions(("x-permission" = json!("ReadSources"))),
    responses((status = 200, description = "The source", body = SourceOut)))]
#[get("/sources/{id}")]
pub async fn find_source(allowed: Allowed<may::ReadSources>, id: Path<SourceId>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let row = find(tx, &id.0)?;
            let seen = seen_by(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Change a source
///
/// Changes the fields that the body names; `If-Match` carries the version it was read at.
#[utoipa::path(tag = "sources", params(("id" = String, Path, description = "The source's id")), extensions(("x-permission" = json!("EditSources"))),
    request_body(content = SourcePatch, example = json!({"reliability": "a"})),
    responses((status = 200, description = "Changed", body = SourceOut)))]
#[patch("/sources/{id}")]
pub async fn update_source(
    allowed: Allowed<may::EditSources>,
    id: Path<SourceId>,
    wanted: IfMatch,
    body: Json<SourcePatch>,
) -> Reply {
    let changed = allowed
        .write(move |tx| {
            let before = find(tx, &id.0)?;
            let current = seen_by(tx, &before)?;
            tx.require(&wanted, current)?;
            let mut patch = body.0;
            let viewer = tx.viewer();
            let named = before.statement_id.as_ref();
            patch.statement_id = references::keep_hidden(tx.conn(), &viewer, named, patch.statement_id)?;
            let identity = tx.reseal_changed(&before, "identity", before.identity.as_ref(), &patch.identity)?;
            let mut after = before.clone().apply(patch)?;
            after.identity = identity;
            if after.statement_id != before.statement_id {
                check_statement(tx, after.statement_id.as_ref())?;
            }
            let after = tx.save(&before, after)?;
            if after.sharing != before.sharing {
                team::keep(tx, after.id.as_str(), after.sharing)?;
            }
            let seen = seen_by(tx, &after)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::changed(&changed))
}

/// Retire a source
///
/// Takes the source from the lists; its history stays.
#[utoipa::path(tag = "sources", params(("id" = String, Path, description = "The source's id")), extensions(("x-permission" = json!("EditSources"))),
    responses((status = 204, description = "Retired")))]
#[delete("/sources/{id}")]
pub async fn retire_source(allowed: Allowed<may::EditSources>, id: Path<SourceId>, wanted: IfMatch) -> Reply {
    allowed
        .write(move |tx| {
            let before = find(tx, &id.0)?;
            let current = seen_by(tx, &before)?;
            tx.require(&wanted, current)?;
            let after = SourceRow {
                retired_at: Some(tx.now()),
                ..before.clone()
            };
            tx.retire(&before, after)
        })
        .await?;
    Ok(reply::nothing())
}

fn is_there(tx: &mut Read<'_>, id: &SourceId) -> Result<bool, Error> {
    let found = sources::table
        .filter(sources::id.eq(id.clone()))
        .filter(sources::retired_at.is_null())
        .select(sources::id)
        .first::<SourceId>(tx.conn())
        .optional()?;
    Ok(found.is_some())
}

fn subject(tx: &mut Read<'_>, id: &SourceId) -> Result<Subject, Error> {
    let row = find(tx, id)?;
    Ok(Subject {
        id: row.id.to_string(),
        sharing: row.sharing,
        officer: None,
    })
}

crate::team_operations!(
    "sources",
    "/sources/{id}/team",
    "/sources/{id}/team/{account_id}",
    SourceId,
    EditSources,
    subject,
    is_there,
    list_source_team,
    join_source_team,
    leave_source_team,
    enter_source_team
);
