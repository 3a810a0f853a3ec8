//! People over HTTP.

use actix_web::{delete, get, patch, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::references::keep_hidden;
use crate::access::{Allowed, Read, Write, may, team};
use crate::base::date::Edtf;
use crate::base::error::{Code, Error};
use crate::base::id::{IndividualId, OrganisationId, SourceId};
use crate::base::patch::Patch;
use crate::base::text::{Country, Line, Lines, Listed, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{Sex, Sharing};
use crate::individuals::duplicates::Question;
use crate::individuals::merges::or_merged;
use crate::individuals::model::{self, Identifier, Name};
use crate::individuals::register::Register;
use crate::individuals::relations;
use crate::individuals::rows::{self, IndividualRow, find};
use crate::names;
use crate::sources;
use crate::web::{IfMatch, Json, Path, Reply, reply};

/// A person to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IndividualIn {
    /// The names they are known by, 1 to 100.
    #[schema(value_type = Vec<Name>)]
    pub names: Listed<Name>,
    /// Sex.
    #[serde(default = "not_recorded")]
    pub sex: Sex,
    /// Born.
    pub born_on: Option<Edtf>,
    /// Died.
    pub died_on: Option<Edtf>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<Country>,
    /// Ethnicity, as they or a source give it.
    pub ethnicity: Option<Line>,
    /// Religion, as they or a source give it.
    pub religion: Option<Line>,
    /// What they do.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub occupations: Lines,
    /// Their life, in words.
    pub biography: Option<Prose>,
    /// Their numbers in other registers.
    #[serde(default)]
    #[schema(value_type = Vec<Identifier>)]
    pub identifiers: Listed<Identifier>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// How family or the person can be reached, for the team of the record alone.
    #[schema(value_type = Option<Vec<String>>)]
    pub contacts: Option<Lines>,
    /// Where this comes from.
    pub source_id: Option<SourceId>,
    /// Who may see it; internal unless said.
    #[serde(default = "internal")]
    pub sharing: Sharing,
    /// Whom it is not, of those on record: each of the candidates that a 409 has named. Kept as a judgement.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub another_person: Listed<IndividualId>,
}

fn not_recorded() -> Sex {
    Sex::NotRecorded
}

fn internal() -> Sharing {
    Sharing::Internal
}

/// Changes to a person: what is absent stays, null clears.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IndividualPatch {
    /// The names they are known by, 1 to 100.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Name>>)]
    pub names: Patch<Listed<Name>>,
    /// Sex.
    #[serde(default)]
    #[schema(value_type = Option<Sex>)]
    pub sex: Patch<Sex>,
    /// Born.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub born_on: Patch<Edtf>,
    /// Died.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub died_on: Patch<Edtf>,
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub country: Patch<Country>,
    /// Ethnicity, as they or a source give it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub ethnicity: Patch<Line>,
    /// Religion, as they or a source give it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub religion: Patch<Line>,
    /// What they do.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub occupations: Patch<Lines>,
    /// Their life, in words.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub biography: Patch<Prose>,
    /// Their numbers in other registers.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Identifier>>)]
    pub identifiers: Patch<Listed<Identifier>>,
    /// Notes for those inside.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub notes: Patch<Prose>,
    /// How family or the person can be reached, for the team of the record alone.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub contacts: Patch<Lines>,
    /// Where this comes from.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub source_id: Patch<SourceId>,
    /// Who may see it; internal unless said.
    #[serde(default)]
    #[schema(value_type = Option<Sharing>)]
    pub sharing: Patch<Sharing>,
    /// Why a protected party is opened; stands in the person's history.
    #[serde(default)]
    pub opened_because: Option<Line>,
    /// Whom it is not, of those on record: each of the candidates that a 409 has named. Kept as a judgement.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub another_person: Listed<IndividualId>,
}

/// A person as shown.
#[derive(Serialize, ToSchema)]
pub struct IndividualOut {
    /// Their id.
    pub id: IndividualId,
    /// The name to show: the preferred Latin form.
    pub display_name: String,
    /// The name in their own script, where it is not Latin.
    pub original_name: Option<String>,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// The names they are known by, 1 to 100.
    #[schema(value_type = Vec<Name>)]
    pub names: Listed<Name>,
    /// Sex.
    pub sex: Sex,
    /// Born.
    pub born_on: Option<Edtf>,
    /// Died.
    pub died_on: Option<Edtf>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<Country>,
    /// Ethnicity, as they or a source give it.
    pub ethnicity: Option<Line>,
    /// Religion, as they or a source give it.
    pub religion: Option<Line>,
    /// What they do.
    #[schema(value_type = Vec<String>)]
    pub occupations: Lines,
    /// Their life, in words.
    pub biography: Option<Prose>,
    /// Their numbers in other registers.
    #[schema(value_type = Vec<Identifier>)]
    pub identifiers: Listed<Identifier>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// How family or the person can be reached, for the team of the record alone.
    #[schema(value_type = Option<Vec<String>>)]
    pub contacts: Option<Lines>,
    /// Where this comes from.
    pub source_id: Option<SourceId>,
    /// The last day on which sharing with partners is covered by consent, or by an override; null: it is not.
    pub partners_until: Option<chrono::NaiveDate>,
    /// The same for raising in public, with the name.
    pub public_until: Option<chrono::NaiveDate>,
    /// The same for health, to partners.
    pub health_partners_until: Option<chrono::NaiveDate>,
    /// The same for health, in public.
    pub health_public_until: Option<chrono::NaiveDate>,
    /// Who may see it; internal unless said.
    pub sharing: Sharing,
    /// When it was recorded.
    pub created_at: UtcTime,
    /// When it last changed.
    pub updated_at: UtcTime,
}

impl IndividualRow {
    fn of(given: IndividualIn, tx: &Write<'_>) -> Result<Self, Error> {
        let id = IndividualId::from_uuid(tx.uuid());
        let contacts = given
            .contacts
            .map(|lines| tx.seal::<Self>(id.as_str(), "contacts", &lines));
        Ok(Self {
            id,
            organisation_id: tx.viewer().organisation_id,
            names_folded: String::new(),
            born_earliest: None,
            born_latest: None,
            names: given.names,
            sex: given.sex,
            born_on: given.born_on,
            died_on: given.died_on,
            country: given.country,
            ethnicity: given.ethnicity,
            religion: given.religion,
            occupations: given.occupations,
            biography: given.biography,
            identifiers: given.identifiers,
            notes: given.notes,
            contacts: contacts.transpose()?,
            source_id: given.source_id,
            partners_until: None,
            public_until: None,
            health_partners_until: None,
            health_public_until: None,
            sharing: given.sharing,
            created_at: tx.now(),
            updated_at: tx.now(),
            partners_updated_at: tx.now(),
            public_updated_at: tx.now(),
            retired_at: None,
        })
    }

    fn apply(mut self, patch: IndividualPatch) -> Result<Self, Error> {
        patch.names.apply("/names", &mut self.names)?;
        patch.sex.apply("/sex", &mut self.sex)?;
        patch.born_on.apply_option(&mut self.born_on);
        patch.died_on.apply_option(&mut self.died_on);
        patch.country.apply_option(&mut self.country);
        patch.ethnicity.apply_option(&mut self.ethnicity);
        patch.religion.apply_option(&mut self.religion);
        patch.occupations.apply("/occupations", &mut self.occupations)?;
        patch.biography.apply_option(&mut self.biography);
        patch.identifiers.apply("/identifiers", &mut self.identifiers)?;
        patch.notes.apply_option(&mut self.notes);
        patch.source_id.apply_option(&mut self.source_id);
        patch.sharing.apply("/sharing", &mut self.sharing)?;
        Ok(self)
    }

    /// Checks what a person's record must hold, and completes what is derived from it.
    pub(crate) fn checked(mut self) -> Result<Self, Error> {
        self.names = model::checked(&self.names)?;
        if let (Some(born), Some(died)) = (&self.born_on, &self.died_on)
            && died.latest() < born.earliest()
        {
            return Err(Error::invalid("/died_on", "must not lie before the birth"));
        }
        let folded: Vec<String> = self
            .names
            .items()
            .iter()
            .map(|name| names::fold(name.text.as_str()))
            .collect();
        self.names_folded = folded.join("\n");
        self.born_earliest = self.born_on.as_ref().map(Edtf::earliest);
        self.born_latest = self.born_on.as_ref().map(Edtf::latest);
        Ok(self)
    }
}

/// The person as this reader may see them.
///
/// # Errors
/// What the database says.
pub fn seen_by(tx: &mut Read<'_>, row: &IndividualRow) -> Result<Value, Error> {
    let shown = row.clone();
    let out = IndividualOut {
        id: shown.id,
        display_name: row.display_name().to_owned(),
        original_name: row.original_name().map(str::to_owned),
        organisation_id: shown.organisation_id,
        names: shown.names,
        sex: shown.sex,
        born_on: shown.born_on,
        died_on: shown.died_on,
        country: shown.country,
        ethnicity: shown.ethnicity,
        religion: shown.religion,
        occupations: shown.occupations,
        biography: shown.biography,
        identifiers: shown.identifiers,
        notes: shown.notes,
        // The door opens it, for those who may see it.
        contacts: None,
        source_id: shown.source_id,
        partners_until: shown.partners_until,
        public_until: shown.public_until,
        health_partners_until: shown.health_partners_until,
        health_public_until: shown.health_public_until,
        sharing: shown.sharing,
        created_at: shown.created_at,
        updated_at: shown.updated_at,
    };
    tx.seen_with_sealed(row, &out)
}

/// Refuses what contradicts the person's cases: none may be more open than the person.
fn check_cases(tx: &mut Read<'_>, row: &IndividualRow) -> Result<(), Error> {
    if rows::case_levels(tx, &row.id)?
        .iter()
        .any(|(_, level)| *level < row.sharing)
    {
        return Err(Error::invalid(
            "/sharing",
            "a case of this person is more open: make the case stricter first",
        ));
    }
    Ok(())
}

/// Record a person
///
/// Stores a person with their names. One that is `restricted` is seen by the caller alone until others join its team.
/// Where somebody whom the caller may see has a name like one of theirs, 409 `possible_duplicates` names the `candidates`,
/// and the caller names in `another_person` those who are somebody else.
#[utoipa::path(tag = "individuals", extensions(("x-permission" = json!("EditIndividuals"))),
    request_body(content = IndividualIn, example = json!({"names": [{"text": "Hu Jia", "preferred": true}, {"text": "胡佳"}], "born_on": "1973-07-25", "country": "CN", "sharing": "public"})),
    responses((status = 201, description = "Recorded", body = IndividualOut)))]
#[post("/individuals")]
pub async fn create_individual(allowed: Allowed<may::EditIndividuals>, body: Json<IndividualIn>) -> Reply {
    let (register, mut given) = (allowed.part::<Register>()?, body.0);
    let others = std::mem::take(&mut given.another_person);
    let mut question = Question::of_new(&model::checked(&given.names)?, others);
    let asked = register.clone();
    let mut question = allowed
        .read(move |tx| question.ask(tx, &asked).map(|()| question))
        .await?;
    let made = allowed
        .write(move |tx| {
            let row = IndividualRow::of(given, tx)?.checked()?;
            sources::assert_known(tx, row.source_id.as_ref(), "/source_id")?;
            question.ask(tx, &register)?;
            tx.create(&row)?;
            question.keep(tx, &row.id)?;
            team::keep(tx, row.id.as_str(), row.sharing)?;
            team::keep_sealed(tx, &row, row.id.as_str())?;
            let seen = seen_by(tx, &row)?;
            Ok((row.id, tx.tag(seen)?))
        })
        .await?;
    Ok(reply::created(&format!("/v1/individuals/{}", made.0), &made.1))
}

/// One person
///
/// The person with their names. One who was merged into another answers 410 `merged` with `merged_into`, to whoever may
/// see that one.
#[utoipa::path(tag = "individuals", params(("id" = String, Path, description = "The person's id")), extensions(("x-permission" = json!("ReadIndividuals"))),
    responses((status = 200, description = "The person", body = IndividualOut)))]
#[get("/individuals/{id}")]
pub async fn find_individual(allowed: Allowed<may::ReadIndividuals>, id: Path<IndividualId>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let found = find(tx, &id.0);
            let row = or_merged(tx, &id.0, found)?;
            let seen = seen_by(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Change a person
///
/// Changes the fields that the body names; `If-Match` carries the version it was read at. `names` are replaced as a whole;
/// a new one that is like somebody else's answers 409 `possible_duplicates`, as recording the person does.
#[utoipa::path(tag = "individuals", params(("id" = String, Path, description = "The person's id")), extensions(("x-permission" = json!("EditIndividuals"))),
    request_body(content = IndividualPatch, example = json!({"died_on": null, "occupations": ["activist"]})),
    responses((status = 200, description = "Changed", body = IndividualOut)))]
#[patch("/individuals/{id}")]
pub async fn update_individual(
    allowed: Allowed<may::EditIndividuals>,
    id: Path<IndividualId>,
    wanted: IfMatch,
    body: Json<IndividualPatch>,
) -> Reply {
    let (register, mut patch) = (allowed.part::<Register>()?, body.0);
    let others = std::mem::take(&mut patch.another_person);
    let (asked, names, person) = (register.clone(), patch.names.clone(), id.0.clone());
    let mut question = allowed
        .read(move |tx| {
            let before = find(tx, &person)?;
            let names = match names {
                Patch::Value(names) => model::checked(&names)?,
                Patch::Absent | Patch::Null => Listed::default(),
            };
            let mut question = Question::of_known(&before, &names, others);
            question.ask(tx, &asked).map(|()| question)
        })
        .await?;
    let changed = allowed
        .write(move |tx| {
            let before = find(tx, &id.0)?;
            let current = seen_by(tx, &before)?;
            tx.require(&wanted, current)?;
            question.ask(tx, &register)?;
            question.keep(tx, &before.id)?;
            let because = patch.opened_because.take().map(|reason| reason.as_str().to_owned());
            let viewer = tx.viewer();
            patch.source_id = keep_hidden(tx.conn(), &viewer, before.source_id.as_ref(), patch.source_id)?;
            let contacts = tx.reseal_changed(&before, "contacts", before.contacts.as_ref(), &patch.contacts)?;
            let mut after = before.clone().apply(patch)?.checked()?;
            after.contacts = contacts;
            if after.source_id != before.source_id {
                sources::assert_known(tx, after.source_id.as_ref(), "/source_id")?;
            }
            if after.sharing != before.sharing {
                check_cases(tx, &after)?;
            }
            let opens = after.sharing < before.sharing;
            if opens && because.is_none() && relations::is_protected(tx, &before.id)? {
                return Err(Error::invalid(
                    "/opened_because",
                    "family and lawyers are protected: say why they are opened",
                ));
            }
            if after.sharing != before.sharing {
                team::keep(tx, after.id.as_str(), after.sharing)?;
            }
            let after = tx.change(&before, after, "changed", because)?;
            let seen = seen_by(tx, &after)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::changed(&changed))
}

/// Retire a person
///
/// Takes the person from the lists; their history stays. Refused while cases of theirs are on record.
#[utoipa::path(tag = "individuals", params(("id" = String, Path, description = "The person's id")), extensions(("x-permission" = json!("EditIndividuals"))),
    responses((status = 204, description = "Retired")))]
#[delete("/individuals/{id}")]
pub async fn retire_individual(
    allowed: Allowed<may::EditIndividuals>,
    id: Path<IndividualId>,
    wanted: IfMatch,
) -> Reply {
    allowed
        .write(move |tx| {
            let before = find(tx, &id.0)?;
            let current = seen_by(tx, &before)?;
            tx.require(&wanted, current)?;
            if rows::has_cases(tx, &before.id)? {
                return Err(Error::new(
                    Code::InUse,
                    "cases of this person are on record: retire them first",
                ));
            }
            let after = IndividualRow {
                retired_at: Some(tx.now()),
                ..before.clone()
            };
            tx.retire(&before, after)
        })
        .await?;
    Ok(reply::nothing())
}
