//! Cases over HTTP.

use actix_web::{delete, get, patch, post};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::access::accounts::role_of;
use crate::access::ledger::Record;
use crate::access::references::keep_hidden;
use crate::access::{Allowed, Read, Write, may, team};
use crate::base::date::Edtf;
use crate::base::error::Error;
use crate::base::id::{AccountId, CaseId, FactId, IndividualId, OrganisationId, SourceId};
use crate::base::page::{Cursor, Limit, Page};
use crate::base::patch::Patch;
use crate::base::text::{Country, Listed, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{Concern, CustodyStatus, Role, Sharing};
use crate::cases::model;
use crate::cases::rows::{self, CaseRow, FactRow, Wanted, find};
use crate::web::{IfMatch, Json, Path, Query, Reply, reply};
use crate::{individuals, sources};

/// A case to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseIn {
    /// Whose case it is.
    pub individual_id: IndividualId,
    /// ISO 3166-1 alpha-2.
    pub country: Country,
    /// When it began in the world; the earliest custody fact where nothing is said.
    pub opened_on: Option<Edtf>,
    /// When it ended in the world.
    pub closed_on: Option<Edtf>,
    /// Areas of concern.
    #[serde(default)]
    #[schema(value_type = Vec<Concern>)]
    pub concerns: Listed<Concern>,
    /// What the person did that they are persecuted for.
    pub impugned_activity: Option<Prose>,
    /// In a few sentences.
    pub summary: Option<Prose>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// The responsible officer.
    pub officer_id: Option<AccountId>,
    /// Where this comes from.
    pub source_id: Option<SourceId>,
    /// Who may see it; never more open than the person.
    #[serde(default = "internal")]
    pub sharing: Sharing,
}

fn internal() -> Sharing {
    Sharing::Internal
}

/// Changes to a case: what is absent stays, null clears.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CasePatch {
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub country: Patch<Country>,
    /// When it began in the world; the earliest custody fact where nothing is said.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub opened_on: Patch<Edtf>,
    /// When it ended in the world.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub closed_on: Patch<Edtf>,
    /// Areas of concern.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Concern>>)]
    pub concerns: Patch<Listed<Concern>>,
    /// What the person did that they are persecuted for.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub impugned_activity: Patch<Prose>,
    /// In a few sentences.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub summary: Patch<Prose>,
    /// Notes for those inside.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub notes: Patch<Prose>,
    /// The responsible officer.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub officer_id: Patch<AccountId>,
    /// Where this comes from.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub source_id: Patch<SourceId>,
    /// Who may see it; never more open than the person.
    #[serde(default)]
    #[schema(value_type = Option<Sharing>)]
    pub sharing: Patch<Sharing>,
}

/// A case as shown.
#[derive(Serialize, ToSchema)]
pub struct CaseOut {
    /// Its id.
    pub id: CaseId,
    /// Whose case it is.
    pub individual_id: IndividualId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// ISO 3166-1 alpha-2.
    pub country: Country,
    /// When it began in the world; the earliest custody fact where nothing is said.
    pub opened_on: Option<Edtf>,
    /// The fact that the opening was taken from, where nothing was said.
    pub opened_from_fact: Option<FactId>,
    /// When it ended in the world.
    pub closed_on: Option<Edtf>,
    /// Areas of concern.
    #[schema(value_type = Vec<Concern>)]
    pub concerns: Listed<Concern>,
    /// What the person did that they are persecuted for.
    pub impugned_activity: Option<Prose>,
    /// In a few sentences.
    pub summary: Option<Prose>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// The responsible officer.
    pub officer_id: Option<AccountId>,
    /// Where this comes from.
    pub source_id: Option<SourceId>,
    /// Who may see it; never more open than the person.
    pub sharing: Sharing,
    /// Where the person stands today: custody, sentence and health, each naming its fact.
    pub current: Value,
    /// When it was recorded.
    pub created_at: UtcTime,
    /// When it last changed.
    pub updated_at: UtcTime,
}

impl CaseRow {
    fn of(given: CaseIn, tx: &Write<'_>) -> Self {
        Self {
            id: CaseId::from_uuid(tx.uuid()),
            individual_id: given.individual_id,
            organisation_id: tx.viewer().organisation_id,
            country: given.country,
            opened_on: given.opened_on,
            closed_on: given.closed_on,
            concerns: given.concerns,
            impugned_activity: given.impugned_activity,
            summary: given.summary,
            notes: given.notes,
            officer_id: given.officer_id,
            source_id: given.source_id,
            sharing: given.sharing,
            created_at: tx.now(),
            updated_at: tx.now(),
            partners_updated_at: tx.now(),
            public_updated_at: tx.now(),
            retired_at: None,
        }
    }

    fn apply(mut self, patch: CasePatch) -> Result<Self, Error> {
        patch.country.apply("/country", &mut self.country)?;
        patch.opened_on.apply_option(&mut self.opened_on);
        patch.closed_on.apply_option(&mut self.closed_on);
        patch.concerns.apply("/concerns", &mut self.concerns)?;
        patch.impugned_activity.apply_option(&mut self.impugned_activity);
        patch.summary.apply_option(&mut self.summary);
        patch.notes.apply_option(&mut self.notes);
        patch.officer_id.apply_option(&mut self.officer_id);
        patch.source_id.apply_option(&mut self.source_id);
        patch.sharing.apply("/sharing", &mut self.sharing)?;
        Ok(self)
    }
}

/// Which cases to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CaseList {
    /// ISO 3166-1 alpha-2.
    #[param(value_type = Option<String>)]
    pub country: Option<Country>,
    /// Area of concern.
    #[param(value_type = Option<String>)]
    pub concern: Option<Concern>,
    /// Where the person stands today.
    #[param(value_type = Option<String>)]
    pub status: Option<CustodyStatus>,
    /// Responsible officer; for those inside.
    #[param(value_type = Option<String>)]
    pub officer: Option<AccountId>,
    /// The person.
    #[param(value_type = Option<String>)]
    pub individual: Option<IndividualId>,
    /// Changed since (RFC 3339).
    #[param(value_type = Option<String>)]
    pub updated_since: Option<UtcTime>,
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

/// Checks what one field alone cannot tell, and that what the case names is on record for this reader.
fn check(tx: &mut Write<'_>, before: Option<&CaseRow>, after: &CaseRow) -> Result<(), Error> {
    let person = individuals::assert_known(tx, &after.individual_id, "/individual_id")?;
    if after.sharing < person.sharing {
        return Err(Error::invalid("/sharing", "must not be more open than the person's"));
    }
    if let (Some(opened), Some(closed)) = (&after.opened_on, &after.closed_on)
        && closed.latest() < opened.earliest()
    {
        return Err(Error::invalid("/closed_on", "must not lie before the opening"));
    }
    let same_span = before.is_some_and(|row| row.opened_on == after.opened_on && row.closed_on == after.closed_on);
    if !same_span && let (None, Some(closed)) = (&after.opened_on, &after.closed_on) {
        let facts = rows::facts_of(tx, std::slice::from_ref(&after.id))?;
        if model::first_custody(&facts.iter().collect::<Vec<_>>()).is_some_and(|fact| closed.latest() < fact.earliest) {
            return Err(Error::invalid("/closed_on", "must not lie before the first custody"));
        }
    }
    if before.is_none_or(|before| before.source_id != after.source_id) {
        sources::assert_known(tx, after.source_id.as_ref(), "/source_id")?;
    }
    if let Some(officer) = &after.officer_id
        && before.is_none_or(|before| before.officer_id != after.officer_id)
        && !matches!(role_of(tx.conn(), officer)?, Some(Role::Admin | Role::Staff))
    {
        return Err(Error::invalid("/officer_id", "must be an account of the staff"));
    }
    if let Some(before) = before
        && before.sharing < after.sharing
        && rows::has_more_open_facts(tx, &after.id, after.sharing)?
    {
        return Err(Error::invalid(
            "/sharing",
            "a fact of this case is more open: supersede it with a stricter one first",
        ));
    }
    Ok(())
}

/// The responsible officer is on the team while they are that; so is whoever closes a case to all but its team.
fn keep_team(tx: &mut Write<'_>, before: Option<&CaseRow>, row: &CaseRow) -> Result<(), Error> {
    let former = before.and_then(|before| before.officer_id.as_ref());
    if before.is_none_or(|before| before.sharing != row.sharing) {
        team::keep(tx, row.id.as_str(), row.sharing)?;
    }
    if let Some(officer) = &row.officer_id {
        team::join(tx, row.id.as_str(), officer, None)?;
    }
    let me = tx.viewer().account_id;
    let closes = before.is_some_and(|before| before.sharing != row.sharing) && row.sharing == Sharing::Restricted;
    match former {
        Some(former) if row.officer_id.as_ref() != Some(former) && !(closes && *former == me) => {
            team::drop_officer(tx, row.id.as_str(), row.sharing, former)
        }
        _ => Ok(()),
    }
}

/// The case as it would be with those changes, as far as this writer may make them; nothing is stored.
///
/// # Errors
/// `invalid` at the field.
pub fn changed(tx: &mut Write<'_>, before: &CaseRow, mut patch: CasePatch) -> Result<CaseRow, Error> {
    let viewer = tx.viewer();
    patch.source_id = keep_hidden(tx.conn(), &viewer, before.source_id.as_ref(), patch.source_id)?;
    let after = before.clone().apply(patch)?;
    check(tx, Some(before), &after)?;
    Ok(after)
}

/// Changes a case, with why.
///
/// # Errors
/// `invalid` at the field.
pub fn change(
    tx: &mut Write<'_>,
    before: &CaseRow,
    patch: CasePatch,
    reason: Option<String>,
) -> Result<CaseRow, Error> {
    let after = changed(tx, before, patch)?;
    let after = tx.change(before, after, "changed", reason)?;
    keep_team(tx, Some(before), &after)?;
    Ok(after)
}

/// The case as this reader may see it, with where the person stands today.
///
/// # Errors
/// What the database says.
pub fn seen_by(tx: &mut Read<'_>, row: &CaseRow) -> Result<Value, Error> {
    let facts = rows::facts_of(tx, std::slice::from_ref(&row.id))?;
    seen_with(tx, row, &facts.iter().collect::<Vec<_>>())
}

/// The same, where its facts have been read already.
///
/// # Errors
/// `internal` where it cannot be written as JSON.
pub fn seen_with(tx: &Read<'_>, row: &CaseRow, facts: &[&FactRow]) -> Result<Value, Error> {
    let first = if row.opened_on.is_none() {
        model::first_custody(facts)
    } else {
        None
    };
    let case = row.clone();
    let out = CaseOut {
        id: case.id,
        individual_id: case.individual_id,
        organisation_id: case.organisation_id,
        country: case.country,
        opened_on: case.opened_on.or_else(|| first.map(|fact| fact.holds_from.clone())),
        opened_from_fact: first.map(|fact| fact.id.clone()),
        closed_on: case.closed_on,
        concerns: case.concerns,
        impugned_activity: case.impugned_activity,
        summary: case.summary,
        notes: case.notes,
        officer_id: case.officer_id,
        source_id: case.source_id,
        sharing: case.sharing,
        current: model::current(facts, tx.today()),
        created_at: case.created_at,
        updated_at: case.updated_at,
    };
    let mut seen = tx.seen(row, &out)?;
    // A change of a fact is one of the case, for whoever sees the fact.
    let newest = facts.iter().map(|fact| fact.updated_at).max();
    if let (Some(shown), Some(updated)) = (seen.get_mut("updated_at"), newest.max(row.updated_for(&tx.viewer()))) {
        *shown = json!(updated);
    }
    Ok(seen)
}

/// The cases asked for and one more, with their facts: read on until the page is full, where the status decides.
fn wanted(tx: &mut Read<'_>, query: &CaseList) -> Result<Vec<(CaseRow, Vec<FactRow>)>, Error> {
    let (today, full) = (tx.today(), query.limit.as_len() + 1);
    let mut after = query.cursor.as_ref().map(|cursor| cursor.as_str().to_owned());
    let mut found = Vec::new();
    loop {
        let page = Wanted {
            country: query.country.clone(),
            concern: query.concern,
            officer: query.officer.clone(),
            individual: query.individual.clone(),
            updated_since: query.updated_since,
            after: after.clone(),
            limit: Some(query.limit.with_one_more()),
        };
        let cases = rows::with_facts(tx, page)?;
        let last_page = cases.len() < full;
        after = cases.last().map(|(case, _)| case.id.to_string());
        for (case, facts) in cases {
            let stands =
                || model::custody_as_of(&facts.iter().collect::<Vec<_>>(), today).map(|found| found.says.status);
            if query
                .status
                .is_none_or(|status| stands().unwrap_or(CustodyStatus::Unknown) == status)
            {
                found.push((case, facts));
            }
        }
        if last_page || found.len() >= full {
            return Ok(found);
        }
    }
}

/// List cases
///
/// The cases that the caller may see, in a stable order; by country, concern, where the person stands today, officer,
/// person or change.
#[utoipa::path(tag = "cases", params(CaseList), extensions(("x-permission" = json!("ReadCases"))),
    responses((status = 200, description = "One page", body = Page<CaseOut>, example = json!({"items": [{"id": "1e6f1d3b-6f6b-4c8c-8f0e-0f2f7f7b1c11", "individual_id": "0b0a3a0e-51a4-4a0e-8f4c-1f7c3d1d9a55", "country": "CN", "opened_on": "2007-12-27", "concerns": ["expression_press"], "sharing": "public"}], "next": null}))))]
#[get("/cases")]
pub async fn list_cases(allowed: Allowed<may::ReadCases>, query: Query<CaseList>) -> Reply {
    let inside = allowed.viewer().sees(Sharing::Internal, None);
    if query.0.officer.is_some() && !inside {
        return Err(Error::invalid("/officer", "is for those inside"));
    }
    let page = allowed
        .read(move |tx| {
            let found = wanted(tx, &query.0)?;
            let page = Page::of(found, query.0.limit, |(case, _)| case.id.to_string())
                .try_map(|(case, facts)| seen_with(tx, &case, &facts.iter().collect::<Vec<_>>()))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// Record a case
///
/// Stores a case of a person on record. A restricted one is seen by its team alone: its officer and the caller.
#[utoipa::path(tag = "cases", extensions(("x-permission" = json!("EditCases"))),
    request_body(content = CaseIn, example = json!({"individual_id": "0b0a3a0e-51a4-4a0e-8f4c-1f7c3d1d9a55", "country": "CN", "concerns": ["expression_press"], "sharing": "public"})),
    responses((status = 201, description = "Recorded", body = CaseOut)))]
#[post("/cases")]
pub async fn create_case(allowed: Allowed<may::EditCases>, body: Json<CaseIn>) -> Reply {
    let made = allowed
        .write(move |tx| {
            let row = CaseRow::of(body.0, tx);
            check(tx, None, &row)?;
            tx.create(&row)?;
            keep_team(tx, None, &row)?;
            let seen = seen_by(tx, &row)?;
            Ok((row.id, tx.tag(seen)?))
        })
        .await?;
    Ok(reply::created(&format!("/v1/cases/{}", made.0), &made.1))
}

/// One case
///
/// The case, with where the person stands today and the fact that each answer rests on.
#[utoipa::path(tag = "cases", params(("id" = String, Path, description = "The case's id")), extensions(("x-permission" = json!("ReadCases"))),
    responses((status = 200, description = "The case", body = CaseOut)))]
#[get("/cases/{id}")]
pub async fn find_case(allowed: Allowed<may::ReadCases>, id: Path<CaseId>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let row = find(tx, &id.0)?;
            let seen = seen_by(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Change a case
///
/// Changes the fields that the body names; `If-Match` carries the version it was read at.
#[utoipa::path(tag = "cases", params(("id" = String, Path, description = "The case's id")), extensions(("x-permission" = json!("EditCases"))),
    request_body(content = CasePatch, example = json!({"summary": "Sentenced to three years and six months.", "closed_on": null})),
    responses((status = 200, description = "Changed", body = CaseOut)))]
#[patch("/cases/{id}")]
pub async fn update_case(
    allowed: Allowed<may::EditCases>,
    id: Path<CaseId>,
    wanted: IfMatch,
    body: Json<CasePatch>,
) -> Reply {
    let changed = allowed
        .write(move |tx| {
            let before = find(tx, &id.0)?;
            let seen = seen_by(tx, &before)?;
            tx.require(&wanted, seen)?;
            let after = change(tx, &before, body.0, None)?;
            let seen = seen_by(tx, &after)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::changed(&changed))
}

/// Retire a case
///
/// Takes the case from the lists; its history stays.
#[utoipa::path(tag = "cases", params(("id" = String, Path, description = "The case's id")), extensions(("x-permission" = json!("EditCases"))),
    responses((status = 204, description = "Retired")))]
#[delete("/cases/{id}")]
pub async fn retire_case(allowed: Allowed<may::EditCases>, id: Path<CaseId>, wanted: IfMatch) -> Reply {
    allowed
        .write(move |tx| {
            let before = find(tx, &id.0)?;
            let seen = seen_by(tx, &before)?;
            tx.require(&wanted, seen)?;
            let after = CaseRow {
                retired_at: Some(tx.now()),
                ..before.clone()
            };
            tx.retire(&before, after)
        })
        .await?;
    Ok(reply::nothing())
}
