//! Organisations: NGOs, governments, issuers of statements. Every account and every record belongs to one.
//! Their names are no secret: whoever may read organisations reads all of them.

use actix_web::{delete, get, patch, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::accounts::has_accounts;
use crate::access::{Allowed, Read, may};
use crate::base::error::{Code, Error};
use crate::base::id::OrganisationId;
use crate::base::page::{Cursor, Limit, Page};
use crate::base::patch::Patch;
use crate::base::text::{Country, Line, Lines, Link};
use crate::base::time::UtcTime;
use crate::base::words::OrganisationKind;
use crate::schema::organisations;
use crate::web::{IfMatch, Json, Path, Query, Reply, reply};

/// Puts the room's operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_organisations)
        .service(create_organisation)
        .service(find_organisation)
        .service(update_organisation)
        .service(retire_organisation);
}

/// An organisation as stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = organisations, treat_none_as_null = true)]
pub struct OrganisationRow {
    /// Its id.
    pub id: OrganisationId,
    /// Its name.
    pub name: Line,
    /// Other names, as printed.
    pub aliases: Lines,
    /// What it is.
    pub kind: OrganisationKind,
    /// ISO 3166-1 alpha-2.
    pub country: Option<Country>,
    /// Its address on the web.
    pub website: Option<Link>,
    /// When it was recorded.
    pub created_at: UtcTime,
    /// When it last changed.
    pub updated_at: UtcTime,
    /// When it was retired, if it was.
    pub retired_at: Option<UtcTime>,
}

crate::record!(OrganisationRow, organisations, "organisation", parent: |_row| None, owner: |_row| None, level: |_row, _conn| Ok(crate::base::words::Sharing::Public), {
    id: Public,
    name: Public,
    aliases: Public,
    kind: Public,
    country: Public,
    website: Public,
    created_at: Public,
    retired_at: Internal,
} derived {
    updated_at: Public,
} stamps { updated_at, updated_at, updated_at });

/// An organisation to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationIn {
    /// Its name.
    pub name: Line,
    /// Other names, as printed.
    #[serde(default)]
    pub aliases: Lines,
    /// What it is.
    pub kind: OrganisationKind,
    /// ISO 3166-1 alpha-2.
    pub country: Option<Country>,
    /// Its address on the web.
    pub website: Option<Link>,
}

/// Changes to an organisation: what is absent stays, null clears.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationPatch {
    /// Its name.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub name: Patch<Line>,
    /// Other names, as printed.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub aliases: Patch<Lines>,
    /// What it is.
    #[serde(default)]
    #[schema(value_type = Option<OrganisationKind>)]
    pub kind: Patch<OrganisationKind>,
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub country: Patch<Country>,
    /// Its address on the web.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub website: Patch<Link>,
}

/// An organisation as shown.
#[derive(Serialize, ToSchema)]
pub struct OrganisationOut {
    /// Its id.
    pub id: OrganisationId,
    /// Its name.
    pub name: Line,
    /// Other names, as printed.
    pub aliases: Lines,
    /// What it is.
    pub kind: OrganisationKind,
    /// ISO 3166-1 alpha-2.
    pub country: Option<Country>,
    /// Its address on the web.
    pub website: Option<Link>,
    /// When it was recorded.
    pub created_at: UtcTime,
    /// When it last changed.
    pub updated_at: UtcTime,
}

/// Which organisations to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrganisationList {
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl OrganisationRow {
    fn apply(mut self, patch: OrganisationPatch) -> Result<Self, Error> {
        patch.name.apply("/name", &mut self.name)?;
        patch.aliases.apply("/aliases", &mut self.aliases)?;
        patch.kind.apply("/kind", &mut self.kind)?;
        patch.country.apply_option(&mut self.country);
        patch.website.apply_option(&mut self.website);
        Ok(self)
    }
}

/// The organisation, if it is there.
///
/// # Errors
/// `not_found`.
pub fn find(tx: &mut Read<'_>, id: &OrganisationId) -> Result<OrganisationRow, Error> {
    let found = organisations::table
        .find(id.clone())
        .filter(organisations::retired_at.is_null())
        .select(organisations::all_columns)
        .first(tx.conn())
        .optional()?;
    tx.sound_one(id.as_str(), found)
}

/// The organisation of that name, if there is one.
///
/// # Errors
/// What the database says.
pub fn find_by_name(tx: &mut Read<'_>, name: &Line) -> Result<Option<OrganisationRow>, Error> {
    Ok(organisations::table
        .filter(organisations::name.eq(name.clone()))
        .filter(organisations::retired_at.is_null())
        .order(organisations::id)
        .select(organisations::all_columns)
        .first(tx.conn())
        .optional()?)
}

fn seen_by(tx: &Read<'_>, row: &OrganisationRow) -> Result<Value, Error> {
    let row = row.clone();
    let out = OrganisationOut {
        id: row.id.clone(),
        name: row.name.clone(),
        aliases: row.aliases.clone(),
        kind: row.kind,
        country: row.country.clone(),
        website: row.website.clone(),
        created_at: row.created_at,
        updated_at: row.updated_at,
    };
    tx.seen(&row, &out)
}

/// Another organisation of the same name and country.
fn namesake(tx: &mut Read<'_>, row: &OrganisationRow) -> Result<Option<OrganisationId>, Error> {
    let found: Vec<(OrganisationId, Option<Country>)> = organisations::table
        .filter(organisations::name.eq(row.name.clone()))
        .filter(organisations::retired_at.is_null())
        .order(organisations::id)
        .select((organisations::id, organisations::country))
        .load(tx.conn())?;
    let same = |(_, country): &(OrganisationId, Option<Country>)| *country == row.country;
    Ok(found.into_iter().find(same).map(|(id, _)| id))
}

/// List organisations
///
/// Every organisation on record, in a stable order.
#[utoipa::path(tag = "organisations", params(OrganisationList), extensions(("x-permission" = json!("ReadOrganisations"))),
    responses((status = 200, description = "One page", body = Page<OrganisationOut>,
        example = json!({"items": [{"id": "6f1c1f2e-3d0f-4c55-9d3b-6c3a3f9c5f10", "name": "Chinese Human Rights Defenders", "aliases": ["CHRD"], "kind": "ngo", "country": "CN", "website": null, "created_at": "2010-05-10T00:00:00Z", "updated_at": "2010-05-10T00:00:00Z"}], "next": null}))))]
#[get("/organisations")]
pub async fn list_organisations(allowed: Allowed<may::ReadOrganisations>, query: Query<OrganisationList>) -> Reply {
    let page = allowed
        .read(move |tx| {
            let mut rows = organisations::table
                .filter(organisations::retired_at.is_null())
                .into_boxed();
            if let Some(cursor) = &query.0.cursor {
                rows = rows.filter(organisations::id.gt(cursor.as_str().to_owned()));
            }
            let found: Vec<OrganisationRow> = rows
                .order(organisations::id)
                .limit(query.0.limit.with_one_more())
                .select(organisations::all_columns)
                .load(tx.conn())?;
            let found = tx.sound(found)?;
            let page = Page::of(found, query.0.limit, |row| row.id.to_string()).try_map(|row| seen_by(tx, &row))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// Record an organisation
///
/// Stores an organisation that issues statements, holds records or takes part in talks.
#[utoipa::path(tag = "organisations", extensions(("x-permission" = json!("EditOrganisations"))),
    request_body(content = OrganisationIn, example = json!({"name": "Chinese Human Rights Defenders", "aliases": ["CHRD"], "kind": "ngo", "country": "CN"})),
    responses((status = 201, description = "Recorded", body = OrganisationOut)))]
#[post("/organisations")]
pub async fn create_organisation(allowed: Allowed<may::EditOrganisations>, body: Json<OrganisationIn>) -> Reply {
    let made = allowed
        .write(move |tx| {
            let given = body.0;
            let row = OrganisationRow {
                id: OrganisationId::from_uuid(tx.uuid()),
                name: given.name,
                aliases: given.aliases,
                kind: given.kind,
                country: given.country,
                website: given.website,
                created_at: tx.now(),
                updated_at: tx.now(),
                retired_at: None,
            };
            if let Some(there) = namesake(tx, &row)? {
                return Err(Error::already_exists(
                    "an organisation of that name and country is on record already",
                    Some(there.to_string()),
                ));
            }
            tx.create(&row)?;
            let seen = seen_by(tx, &row)?;
            Ok((row.id, tx.tag(seen)?))
        })
        .await?;
    Ok(reply::created(&format!("/v1/organisations/{}", made.0), &made.1))
}

/// One organisation
///
/// The organisation with its other names.
#[utoipa::path(tag = "organisations", params(("id" = String, Path, description = "The organisation's id")), extensions(("x-permission" = json!("ReadOrganisations"))),
    responses((status = 200, description = "The organisation", body = OrganisationOut)))]
#[get("/organisations/{id}")]
pub async fn find_organisation(allowed: Allowed<may::ReadOrganisations>, id: Path<OrganisationId>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let row = find(tx, &id.0)?;
            let seen = seen_by(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Change an organisation
///
/// Changes the fields that the body names; `If-Match` carries the version it was read at.
#[utoipa::path(tag = "organisations", params(("id" = String, Path, description = "The organisation's id")), extensions(("x-permission" = json!("EditOrganisations"))),
    request_body(content = OrganisationPatch, example = json!({"aliases": ["CHRD", "维权网"]})),
    responses((status = 200, description = "Changed", body = OrganisationOut)))]
#[patch("/organisations/{id}")]
pub async fn update_organisation(
    allowed: Allowed<may::EditOrganisations>,
    id: Path<OrganisationId>,
    wanted: IfMatch,
    body: Json<OrganisationPatch>,
) -> Reply {
    let changed = allowed
        .write(move |tx| {
            let before = find(tx, &id.0)?;
            let current = seen_by(tx, &before)?;
            tx.require(&wanted, current)?;
            let after = before.clone().apply(body.0)?;
            let after = tx.save(&before, after)?;
            let seen = seen_by(tx, &after)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::changed(&changed))
}

/// Retire an organisation
///
/// Takes the organisation from the lists; its history stays.
#[utoipa::path(tag = "organisations", params(("id" = String, Path, description = "The organisation's id")), extensions(("x-permission" = json!("EditOrganisations"))),
    responses((status = 204, description = "Retired")))]
#[delete("/organisations/{id}")]
pub async fn retire_organisation(
    allowed: Allowed<may::EditOrganisations>,
    id: Path<OrganisationId>,
    wanted: IfMatch,
) -> Reply {
    allowed
        .write(move |tx| {
            let before = find(tx, &id.0)?;
            let current = seen_by(tx, &before)?;
            tx.require(&wanted, current)?;
            if has_accounts(tx.conn(), &before.id)? {
                return Err(Error::new(Code::InUse, "accounts belong to this organisation"));
            }
            let after = OrganisationRow {
                retired_at: Some(tx.now()),
                ..before.clone()
            };
            tx.retire(&before, after)
        })
        .await?;
    Ok(reply::nothing())
}
