//! Consent to publicity over HTTP; for those inside alone.

use actix_web::{get, post};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::{Allowed, Read, Write, may};
use crate::base::date::{Edtf, optional_day};
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, ConsentId, IndividualId, OrganisationId, OverrideId, SourceId};
use crate::base::page::{Page, Paging};
use crate::base::text::{Line, Listed, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{ConsentBy, ConsentScope, ConsentState};
use crate::individuals::consent::{self, ConsentRow, OverrideRow};
use crate::individuals::rows::find;
use crate::sources;
use crate::web::{Json, Path, Query, Reply, reply};

/// What was said of publicity.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentIn {
    /// What was said.
    pub state: ConsentState,
    /// Who said it; needed where it was given.
    pub given_by: Option<ConsentBy>,
    /// When (EDTF); needed where it was given.
    pub given_on: Option<Edtf>,
    /// What it covers; for what was given.
    #[serde(default)]
    #[schema(value_type = Vec<ConsentScope>)]
    pub scopes: Listed<ConsentScope>,
    /// The last day on which it covers that.
    #[serde(default, deserialize_with = "optional_day")]
    pub expires_on: Option<NaiveDate>,
    /// What shows it.
    pub evidence: Option<Prose>,
    /// Where this comes from.
    pub source_id: Option<SourceId>,
}

/// What was said, as shown.
#[derive(Serialize, ToSchema)]
pub struct ConsentOut {
    /// Its id.
    pub id: ConsentId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// Whose.
    pub individual_id: IndividualId,
    /// What was said.
    pub state: ConsentState,
    /// Who said it.
    pub given_by: Option<ConsentBy>,
    /// When.
    pub given_on: Option<Edtf>,
    /// What it covers.
    #[schema(value_type = Vec<ConsentScope>)]
    pub scopes: Listed<ConsentScope>,
    /// The last day on which it covers that.
    pub expires_on: Option<NaiveDate>,
    /// What shows it.
    pub evidence: Option<Prose>,
    /// Where this comes from.
    pub source_id: Option<SourceId>,
    /// When we learnt it.
    pub recorded_at: UtcTime,
    /// Who recorded it.
    pub recorded_by: AccountId,
}

/// Publicity without consent, to propose.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideIn {
    /// What it is to cover.
    #[schema(value_type = Vec<ConsentScope>)]
    pub scopes: Listed<ConsentScope>,
    /// Why.
    pub reason: Line,
    /// The last day on which it covers that.
    #[serde(default, deserialize_with = "optional_day")]
    pub expires_on: Option<NaiveDate>,
}

/// An override as shown.
#[derive(Serialize, ToSchema)]
pub struct OverrideOut {
    /// Its id.
    pub id: OverrideId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// Whose publicity.
    pub individual_id: IndividualId,
    /// What it covers.
    #[schema(value_type = Vec<ConsentScope>)]
    pub scopes: Listed<ConsentScope>,
    /// Why.
    pub reason: Line,
    /// The last day on which it covers that.
    pub expires_on: Option<NaiveDate>,
    /// Who proposed it.
    pub proposed_by: AccountId,
    /// When.
    pub proposed_at: UtcTime,
    /// Who confirmed it: somebody else.
    pub confirmed_by: Option<AccountId>,
    /// When; it covers nothing before.
    pub confirmed_at: Option<UtcTime>,
    /// When it was ended, if it was.
    pub ended_at: Option<UtcTime>,
}

fn consent_seen(tx: &Read<'_>, row: &ConsentRow) -> Result<Value, Error> {
    let shown = row.clone();
    let out = ConsentOut {
        id: shown.id,
        organisation_id: shown.organisation_id,
        individual_id: shown.individual_id,
        state: shown.state,
        given_by: shown.given_by,
        given_on: shown.given_on,
        scopes: shown.scopes,
        expires_on: shown.expires_on,
        evidence: shown.evidence,
        source_id: shown.source_id,
        recorded_at: shown.recorded_at,
        recorded_by: shown.recorded_by,
    };
    tx.seen(row, &out)
}

fn override_seen(tx: &Read<'_>, row: &OverrideRow) -> Result<Value, Error> {
    let shown = row.clone();
    let out = OverrideOut {
        id: shown.id,
        organisation_id: shown.organisation_id,
        individual_id: shown.individual_id,
        scopes: shown.scopes,
        reason: shown.reason,
        expires_on: shown.expires_on,
        proposed_by: shown.proposed_by,
        proposed_at: shown.proposed_at,
        confirmed_by: shown.confirmed_by,
        confirmed_at: shown.confirmed_at,
        ended_at: shown.ended_at,
    };
    tx.seen(row, &out)
}

/// Checks what one field alone cannot tell.
fn check(tx: &mut Read<'_>, given: &ConsentIn) -> Result<(), Error> {
    if given.state == ConsentState::Given {
        if given.scopes.items().is_empty() {
            return Err(Error::invalid("/scopes", "must say what the consent covers"));
        }
        if given.given_by.is_none() {
            return Err(Error::invalid("/given_by", "must say who gave it"));
        }
        if given.given_on.is_none() {
            return Err(Error::invalid("/given_on", "must say when it was given"));
        }
    } else if !given.scopes.items().is_empty() {
        return Err(Error::invalid("/scopes", "are for a consent that was given"));
    }
    if let Some(on) = &given.given_on {
        if on.earliest() > tx.today() {
            return Err(Error::invalid("/given_on", "must not lie in the future"));
        }
        if given.expires_on.is_some_and(|end| end < on.earliest()) {
            return Err(Error::invalid("/expires_on", "must not lie before it was given"));
        }
    }
    sources::assert_known(tx, given.source_id.as_ref(), "/source_id")
}

/// List what was said of publicity
///
/// Everything that the person, or who may speak for them, has said; the last one recorded holds.
#[utoipa::path(tag = "publicity", params(("id" = String, Path, description = "The person's id"), Paging), extensions(("x-permission" = json!("EditIndividuals"))),
    responses((status = 200, description = "One page", body = Page<ConsentOut>)))]
#[get("/individuals/{id}/consents")]
pub async fn list_consents(
    allowed: Allowed<may::EditIndividuals>,
    id: Path<IndividualId>,
    page: Query<Paging>,
) -> Reply {
    let found = allowed
        .read(move |tx| {
            find(tx, &id.0)?;
            let rows = consent::consents_of(tx, &id.0)?;
            let page = page
                .0
                .cut(rows, |row| row.id.to_string())
                .try_map(|row| consent_seen(tx, &row))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Record what was said of publicity
///
/// It holds from now on, in the place of what was said before. Whatever the person said ends the overrides proposed
/// before, a narrower yes too; after a refusal or a withdrawal, with the next request, nothing of the person is shown
/// outside.
#[utoipa::path(tag = "publicity", params(("id" = String, Path, description = "The person's id")), extensions(("x-permission" = json!("EditIndividuals"))),
    request_body(content = ConsentIn, example = json!({"state": "given", "given_by": "family", "given_on": "2010-04", "scopes": ["raising_in_public", "name", "health"]})),
    responses((status = 201, description = "Recorded", body = ConsentOut)))]
#[post("/individuals/{id}/consents")]
pub async fn create_consent(
    allowed: Allowed<may::EditIndividuals>,
    id: Path<IndividualId>,
    body: Json<ConsentIn>,
) -> Reply {
    let made = allowed
        .write(move |tx| {
            let (person, given) = (find(tx, &id.0)?, body.0);
            check(tx, &given)?;
            let row = ConsentRow {
                id: ConsentId::from_uuid(tx.uuid()),
                organisation_id: tx.viewer().organisation_id,
                individual_id: person.id.clone(),
                state: given.state,
                given_by: given.given_by,
                given_on: given.given_on,
                scopes: given.scopes,
                expires_on: given.expires_on,
                evidence: given.evidence,
                source_id: given.source_id,
                recorded_at: consent::moment(tx, &id.0)?,
                recorded_by: tx.viewer().account_id,
            };
            tx.create(&row)?;
            consent::settle(tx, &person)?;
            let seen = consent_seen(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::created_in_list(&made))
}

/// List overrides of missing consent
///
/// Publicity without consent, decided by two people; in a stable order.
#[utoipa::path(tag = "publicity", params(("id" = String, Path, description = "The person's id"), Paging), extensions(("x-permission" = json!("EditIndividuals"))),
    responses((status = 200, description = "One page", body = Page<OverrideOut>)))]
#[get("/individuals/{id}/overrides")]
pub async fn list_overrides(
    allowed: Allowed<may::EditIndividuals>,
    id: Path<IndividualId>,
    page: Query<Paging>,
) -> Reply {
    let found = allowed
        .read(move |tx| {
            find(tx, &id.0)?;
            let rows = consent::overrides_of(tx, &id.0)?;
            let page = page
                .0
                .cut(rows, |row| row.id.to_string())
                .try_map(|row| override_seen(tx, &row))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Propose an override
///
/// Covers nothing until somebody else confirms it.
#[utoipa::path(tag = "publicity", params(("id" = String, Path, description = "The person's id")), extensions(("x-permission" = json!("OverrideConsent"))),
    request_body(content = OverrideIn, example = json!({"scopes": ["raising_in_public", "name"], "reason": "Held without contact; the case is known to the whole world."})),
    responses((status = 201, description = "Proposed", body = OverrideOut)))]
#[post("/individuals/{id}/overrides")]
pub async fn create_override(
    allowed: Allowed<may::OverrideConsent>,
    id: Path<IndividualId>,
    body: Json<OverrideIn>,
) -> Reply {
    let made = allowed
        .write(move |tx| {
            let (person, given) = (find(tx, &id.0)?, body.0);
            if given.scopes.items().is_empty() {
                return Err(Error::invalid("/scopes", "must say what the override covers"));
            }
            let row = OverrideRow {
                id: OverrideId::from_uuid(tx.uuid()),
                organisation_id: tx.viewer().organisation_id,
                individual_id: person.id,
                scopes: given.scopes,
                reason: given.reason,
                expires_on: given.expires_on,
                proposed_by: tx.viewer().account_id,
                proposed_at: consent::moment(tx, &id.0)?,
                confirmed_by: None,
                confirmed_at: None,
                ended_at: None,
            };
            tx.create(&row)?;
            let seen = override_seen(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::created_in_list(&made))
}

/// Changes an override that still stands, and settles what is covered.
async fn decided<P: may::Permission>(
    allowed: Allowed<P>,
    (id, override_id): (IndividualId, OverrideId),
    decide: impl FnOnce(&mut Write<'_>, OverrideRow) -> Result<OverrideRow, Error> + Send + 'static,
) -> Reply {
    let done = allowed
        .write(move |tx| {
            let person = find(tx, &id)?;
            let mut rows = consent::overrides_of(tx, &id)?.into_iter();
            let before = rows.find(|row| row.id == override_id).ok_or_else(Error::not_found)?;
            if before.ended_at.is_some() {
                return Err(Error::new(Code::Conflict, "that override was ended already"));
            }
            let after = decide(tx, before.clone())?;
            let after = tx.save(&before, after)?;
            consent::settle(tx, &person)?;
            let seen = override_seen(tx, &after)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::changed(&done))
}

/// Confirm an override
///
/// By somebody else than who proposed it; from then on it covers what it says.
#[utoipa::path(tag = "publicity", params(("id" = String, Path, description = "The person's id"), ("override_id" = String, Path, description = "The override's id")),
    extensions(("x-permission" = json!("OverrideConsent"))),
    responses((status = 200, description = "Confirmed", body = OverrideOut)))]
#[post("/individuals/{id}/overrides/{override_id}/confirm")]
pub async fn confirm_override(allowed: Allowed<may::OverrideConsent>, path: Path<(IndividualId, OverrideId)>) -> Reply {
    decided(allowed, path.0, |tx, row| {
        let me = tx.viewer().account_id;
        if row.confirmed_at.is_some() {
            return Err(Error::new(Code::Conflict, "that override was confirmed already"));
        }
        if row.proposed_by == me {
            return Err(Error::new(
                Code::Conflict,
                "an override takes two people: somebody else must confirm it",
            ));
        }
        Ok(OverrideRow {
            confirmed_by: Some(me),
            confirmed_at: Some(consent::moment(tx, &row.individual_id)?),
            ..row
        })
    })
    .await
}

/// End an override
///
/// It covers nothing any more, with the next request.
#[utoipa::path(tag = "publicity", params(("id" = String, Path, description = "The person's id"), ("override_id" = String, Path, description = "The override's id")),
    extensions(("x-permission" = json!("EditIndividuals"))),
    responses((status = 200, description = "Ended", body = OverrideOut)))]
#[post("/individuals/{id}/overrides/{override_id}/end")]
pub async fn end_override(allowed: Allowed<may::EditIndividuals>, path: Path<(IndividualId, OverrideId)>) -> Reply {
    decided(allowed, path.0, |tx, row| {
        Ok(OverrideRow {
            ended_at: Some(consent::moment(tx, &row.individual_id)?),
            ..row
        })
    })
    .await
}

/// Puts the operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_consents)
        .service(create_consent)
        .service(list_overrides)
        .service(create_override)
        .service(confirm_override)
        .service(end_override);
}
