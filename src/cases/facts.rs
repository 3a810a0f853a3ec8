//! The facts of a case over HTTP: the same three operations for each kind. Added, superseded or retracted with a
//! reason, never overwritten.

use actix_web::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::{Allowed, Read, Write, may, team};
use crate::base::date::Edtf;
use crate::base::error::{Code, Error};
use crate::base::id::{CaseId, FactId, OrganisationId, SourceId};
use crate::base::page::{Page, Paging};
use crate::base::text::{Line, Prose};
use crate::base::words::{Information, Rank, Sharing};
use crate::cases::particulars::{Charge, Custody, FactKind, Health, Kind, Particulars, Sentence};
use crate::cases::rows::{CaseRow, FactRow, facts_of, find, superseded_by};
use crate::sources;
use crate::web::{Json, Path, Query, Reply, reply};

/// A fact to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FactIn<P> {
    /// From when it holds (EDTF): for a sentence the verdict, for health the observation.
    pub holds_from: Edtf,
    /// What is particular to this kind.
    pub particulars: P,
    /// Where it comes from.
    pub source_id: Option<SourceId>,
    /// How far the information is to be believed.
    #[serde(default = "cannot_judge")]
    pub information: Information,
    /// How it stands to facts that contradict it.
    #[serde(default = "normal")]
    pub rank: Rank,
    /// Who may see it; the case's level unless said, never more open.
    pub sharing: Option<Sharing>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// The fact whose place it takes.
    pub supersedes: Option<FactId>,
    /// Why it takes that place.
    pub reason: Option<Line>,
}

/// Not judged yet.
#[must_use]
pub fn cannot_judge() -> Information {
    Information::CannotJudge
}

fn normal() -> Rank {
    Rank::Normal
}

/// Why a fact is retracted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetractionIn {
    /// Why, in words.
    pub reason: Line,
}

/// A fact as shown.
#[derive(Serialize, ToSchema)]
pub struct FactOut<P> {
    /// Its id.
    pub id: FactId,
    /// The case.
    pub case_id: CaseId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// What kind.
    pub kind: FactKind,
    /// From when it holds.
    pub holds_from: Edtf,
    /// What is particular to this kind.
    pub particulars: P,
    /// For a sentence: credited start plus the term, less reductions, less a day.
    pub computed_end: Option<chrono::NaiveDate>,
    /// For a sentence: the end that holds; the document's where it gives one.
    pub end: Option<chrono::NaiveDate>,
    /// For a sentence: whether the document gives another end than the computation.
    pub end_differs: Option<bool>,
    /// Where it comes from.
    pub source_id: Option<SourceId>,
    /// How far the information is to be believed.
    pub information: Information,
    /// How it stands to facts that contradict it.
    pub rank: Rank,
    /// Who may see it.
    pub sharing: Sharing,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// The fact whose place it took.
    pub supersedes: Option<FactId>,
    /// The fact that took its place.
    pub superseded_by: Option<FactId>,
    /// Why it took another's place.
    pub reason: Option<Line>,
    /// Why it was retracted.
    pub retraction_reason: Option<Line>,
    /// When we learnt it.
    pub recorded_at: crate::base::time::UtcTime,
    /// When it was retracted, if it was.
    pub retracted_at: Option<crate::base::time::UtcTime>,
}

/// The fact as this reader may see it.
///
/// # Errors
/// `internal` where it cannot be written as JSON.
pub fn seen_by(tx: &Read<'_>, row: &FactRow) -> Result<Value, Error> {
    let sentence = if row.kind == FactKind::Sentence {
        row.particulars.read::<Sentence>()
    } else {
        None
    };
    let fact = row.clone();
    let out = FactOut {
        id: fact.id,
        case_id: fact.case_id,
        organisation_id: fact.organisation_id,
        kind: fact.kind,
        holds_from: fact.holds_from,
        particulars: fact.particulars,
        computed_end: sentence.as_ref().and_then(|sentence| sentence.computed_end(None)),
        end: sentence.as_ref().and_then(|sentence| sentence.end(None)),
        end_differs: sentence.as_ref().map(Sentence::end_differs),
        source_id: fact.source_id,
        information: fact.information,
        rank: fact.rank,
        sharing: fact.sharing,
        notes: fact.notes,
        supersedes: fact.supersedes,
        superseded_by: fact.superseded_by,
        reason: fact.reason,
        retraction_reason: fact.retraction_reason,
        recorded_at: fact.recorded_at,
        retracted_at: fact.retracted_at,
    };
    let mut seen = tx.seen(row, &out)?;
    if sentence.is_none()
        && let Value::Object(fields) = &mut seen
    {
        fields.retain(|name, _| !matches!(name.as_str(), "computed_end" | "end" | "end_differs"));
    }
    Ok(seen)
}

fn of_kind(tx: &mut Read<'_>, case: &CaseId, kind: FactKind) -> Result<Vec<FactRow>, Error> {
    find(tx, case)?;
    Ok(facts_of(tx, std::slice::from_ref(case))?
        .into_iter()
        .filter(|fact| fact.kind == kind)
        .collect())
}

async fn listed(allowed: Allowed<may::ReadCases>, case: CaseId, kind: FactKind, page: Paging) -> Reply {
    let found = allowed
        .read(move |tx| {
            let key = |row: &FactRow| format!("{}/{}/{}", row.earliest, row.latest, row.id);
            let rows = page.cut(of_kind(tx, &case, kind)?, key);
            let page = rows.try_map(|row| seen_by(tx, &row))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

fn one(tx: &mut Read<'_>, (case, id): &(CaseId, FactId), kind: FactKind) -> Result<FactRow, Error> {
    let mut facts = of_kind(tx, case, kind)?.into_iter();
    facts.find(|fact| fact.id == *id).ok_or_else(Error::not_found)
}

async fn found(allowed: Allowed<may::ReadCases>, path: (CaseId, FactId), kind: FactKind) -> Reply {
    let found = allowed
        .read(move |tx| {
            let row = one(tx, &path, kind)?;
            let seen = seen_by(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// A fact that may be recorded, with the one whose place it takes.
pub struct Draft {
    row: FactRow,
    before: Option<FactRow>,
}

impl Draft {
    /// Who may see the fact whose place it takes.
    #[must_use]
    pub fn replaces_level(&self) -> Option<Sharing> {
        self.before.as_ref().map(|before| before.sharing)
    }

    /// The same, for the team alone where the fact whose place it takes is.
    #[must_use]
    pub fn in_confidence(mut self) -> Self {
        if self.replaces_level() == Some(Sharing::Restricted) {
            self.row.sharing = Sharing::Restricted;
        }
        self
    }
}

/// Checks a new fact against its case and what it says; nothing is stored. Where it comes from is checked by whoever
/// names that.
///
/// # Errors
/// `invalid` at the field; `conflict` where the fact whose place it takes was replaced or retracted already.
pub fn drafted<P: Kind>(tx: &mut Write<'_>, case: &CaseRow, given: FactIn<P>) -> Result<Draft, Error> {
    given.particulars.check(&given.holds_from)?;
    let sharing = given.sharing.unwrap_or(case.sharing);
    if sharing < case.sharing {
        return Err(Error::invalid("/sharing", "must not be more open than the case's"));
    }
    let row = FactRow {
        id: FactId::from_uuid(tx.uuid()),
        case_id: case.id.clone(),
        organisation_id: tx.viewer().organisation_id,
        kind: P::KIND,
        sharing,
        source_id: given.source_id,
        information: given.information,
        rank: given.rank,
        earliest: given.holds_from.earliest(),
        latest: given.holds_from.latest(),
        holds_from: given.holds_from,
        particulars: Particulars::new(&given.particulars)?,
        notes: given.notes,
        supersedes: given.supersedes,
        superseded_by: None,
        reason: given.reason,
        retraction_reason: None,
        recorded_at: tx.now(),
        recorded_by: tx.viewer().account_id,
        updated_at: tx.now(),
        retracted_at: None,
    };
    let before = match &row.supersedes {
        None if row.reason.is_some() => {
            return Err(Error::invalid("/reason", "is for a fact that takes another's place"));
        }
        None => None,
        Some(old) => {
            let before = of_kind(tx, &case.id, row.kind)?
                .into_iter()
                .find(|fact| fact.id == *old)
                .ok_or_else(|| Error::invalid("/supersedes", "no such fact of this case"))?;
            if row.reason.is_none() {
                return Err(Error::invalid("/reason", "is needed to supersede a fact"));
            }
            if row.sharing > before.sharing {
                // Whoever sees the old one would lose it, and be told of one that they may not see.
                return Err(Error::invalid(
                    "/sharing",
                    "must not be stricter than the fact whose place it takes: retract that one instead",
                ));
            }
            if before.organisation_id != row.organisation_id && row.sharing > Sharing::Partners {
                return Err(Error::invalid(
                    "/sharing",
                    "the fact belongs to another organisation, which must see what takes its place",
                ));
            }
            if before.superseded_by.is_some() || before.retracted_at.is_some() {
                return Err(Error::new(
                    Code::Conflict,
                    "that fact was superseded or retracted already",
                ));
            }
            Some(before)
        }
    };
    Ok(Draft { row, before })
}

/// Stores a new fact, with why; the one whose place it takes is stamped in the same write.
///
/// # Errors
/// What the database says.
pub fn add(tx: &mut Write<'_>, draft: Draft, why: Option<String>) -> Result<FactRow, Error> {
    let Draft { row, before } = draft;
    tx.create_because(&row, why)?;
    // Whoever says something to the team alone is on it.
    team::keep(tx, row.case_id.as_str(), row.sharing)?;
    if let Some(before) = before {
        let after = FactRow {
            superseded_by: Some(row.id.clone()),
            updated_at: tx.now(),
            ..before.clone()
        };
        tx.change(
            &before,
            after,
            "changed",
            row.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        )?;
    }
    Ok(row)
}

async fn added<P: Kind>(allowed: Allowed<may::EditCases>, case: CaseId, given: FactIn<P>, place: &str) -> Reply {
    let made = allowed
        .write(move |tx| {
            let case = find(tx, &case)?;
            sources::assert_known(tx, given.source_id.as_ref(), "/source_id")?;
            let draft = drafted(tx, &case, given)?;
            let row = add(tx, draft, None)?;
            let seen = seen_by(tx, &row)?;
            Ok((row, tx.tag(seen)?))
        })
        .await?;
    Ok(reply::created(
        &format!("/v1/cases/{}/{place}/{}", made.0.case_id, made.0.id),
        &made.1,
    ))
}

/// What a retracted fact had taken the place of stands again, in the same write: also where that itself was retracted
/// meanwhile, and had taken another's place. Nothing stands again while a later fact holds the place.
fn stand_again(tx: &mut Write<'_>, gone: &FactId, why: &Line) -> Result<(), Error> {
    let mut gone = vec![gone.clone()];
    while let Some(id) = gone.pop() {
        for before in superseded_by(tx, &id)? {
            let after = FactRow {
                superseded_by: None,
                updated_at: tx.now(),
                ..before.clone()
            };
            tx.change(&before, after, "changed", Some(why.as_str().to_owned()))?;
            if before.retracted_at.is_some() {
                gone.push(before.id);
            }
        }
    }
    Ok(())
}

async fn retracted(
    allowed: Allowed<may::EditCases>,
    path: (CaseId, FactId),
    kind: FactKind,
    given: RetractionIn,
) -> Reply {
    let done = allowed
        .write(move |tx| {
            let before = one(tx, &path, kind)?;
            if before.retracted_at.is_some() {
                return Err(Error::new(Code::Conflict, "that fact was retracted already"));
            }
            let why = given.reason;
            let after = FactRow {
                retracted_at: Some(tx.now()),
                updated_at: tx.now(),
                retraction_reason: Some(why.clone()),
                ..before.clone()
            };
            let after = tx.change(&before, after, "retracted", Some(why.as_str().to_owned()))?;
            if after.superseded_by.is_none() {
                stand_again(tx, &after.id, &why)?;
            }
            let seen = seen_by(tx, &after)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::changed(&done))
}

macro_rules! fact_operations {
    ($kind:ident, $place:literal, [$list_doc:literal, $find_doc:literal, $create_doc:literal, $retract_doc:literal], $list:ident $list_path:literal, $find:ident $find_path:literal, $create:ident, $retract:ident $retract_path:literal, $example:tt) => {
        #[doc = $list_doc]
        #[doc = ""]
        #[doc = "Every such fact that the caller may see, superseded and retracted ones among them, by the day from which it holds."]
        #[utoipa::path(tag = "cases", params(("id" = String, Path, description = "The case's id"), Paging), extensions(("x-permission" = json!("ReadCases"))),
            responses((status = 200, description = "One page", body = Page<FactOut<$kind>>)))]
        #[get($list_path)]
        pub async fn $list(allowed: Allowed<may::ReadCases>, id: Path<CaseId>, page: Query<Paging>) -> Reply {
            listed(allowed, id.0, $kind::KIND, page.0).await
        }

        #[doc = $find_doc]
        #[doc = ""]
        #[doc = "The fact, also where it was superseded or retracted."]
        #[utoipa::path(tag = "cases", params(("id" = String, Path, description = "The case's id"), ("fact_id" = String, Path, description = "The fact's id")),
            extensions(("x-permission" = json!("ReadCases"))),
            responses((status = 200, description = "The fact", body = FactOut<$kind>)))]
        #[get($find_path)]
        pub async fn $find(allowed: Allowed<may::ReadCases>, path: Path<(CaseId, FactId)>) -> Reply {
            found(allowed, path.0, $kind::KIND).await
        }

        #[doc = $create_doc]
        #[doc = ""]
        #[doc = "Adds a fact beside those on record, or, with `supersedes` and a `reason`, in the place of one."]
        #[utoipa::path(tag = "cases", params(("id" = String, Path, description = "The case's id")), extensions(("x-permission" = json!("EditCases"))),
            request_body(content = FactIn<$kind>, example = json!($example)),
            responses((status = 201, description = "Recorded", body = FactOut<$kind>)))]
        #[post($list_path)]
        pub async fn $create(allowed: Allowed<may::EditCases>, id: Path<CaseId>, body: Json<FactIn<$kind>>) -> Reply {
            added(allowed, id.0, body.0, $place).await
        }

        #[doc = $retract_doc]
        #[doc = ""]
        #[doc = "Says that the fact was wrong, and why; it stays in the history and no longer counts. A fact whose place it had taken stands again."]
        #[utoipa::path(tag = "cases", params(("id" = String, Path, description = "The case's id"), ("fact_id" = String, Path, description = "The fact's id")),
            extensions(("x-permission" = json!("EditCases"))),
            request_body(content = RetractionIn, example = json!({"reason": "The newspaper corrected itself."})),
            responses((status = 200, description = "Retracted", body = FactOut<$kind>)))]
        #[post($retract_path)]
        pub async fn $retract(allowed: Allowed<may::EditCases>, path: Path<(CaseId, FactId)>, body: Json<RetractionIn>) -> Reply {
            retracted(allowed, path.0, $kind::KIND, body.0).await
        }
    };
}

fact_operations!(Custody,
    "custody",
    ["List the custody stages of a case", "One custody stage", "Record a custody stage", "Retract a custody stage"], list_custody "/cases/{id}/custody", find_custody "/cases/{id}/custody/{fact_id}", create_custody, retract_custody "/cases/{id}/custody/{fact_id}/retract",
    {"holds_from": "2008-12-08", "particulars": {"status": "criminally_detained", "certainty": "confirmed"}, "information": "confirmed"});
fact_operations!(Charge,
    "charges",
    ["List the charges of a case", "One charge", "Record a charge", "Retract a charge"], list_charges "/cases/{id}/charges", find_charge "/cases/{id}/charges/{fact_id}", create_charge, retract_charge "/cases/{id}/charges/{fact_id}/retract",
    {"holds_from": "2009-12-25", "particulars": {"offence": "Inciting subversion of state power", "article": "105(2)", "status": "convicted"}});
fact_operations!(Sentence,
    "sentences",
    ["List the sentences of a case", "One sentence", "Record a sentence", "Retract a sentence"], list_sentences "/cases/{id}/sentences", find_sentence "/cases/{id}/sentences/{fact_id}", create_sentence, retract_sentence "/cases/{id}/sentences/{fact_id}/retract",
    {"holds_from": "2009-12-25", "particulars": {"kind": "fixed_term", "years": 11, "credited_start": "2009-06-23", "official_end": "2020-06-21"}});
fact_operations!(Health,
    "health",
    ["List the health reports of a case", "One health report", "Record a health report", "Retract a health report"], list_health "/cases/{id}/health", find_health "/cases/{id}/health/{fact_id}", create_health, retract_health "/cases/{id}/health/{fact_id}/retract",
    {"holds_from": "2010-03-30", "particulars": {"severity": "serious", "conditions": ["Cirrhosis of the liver"]}});

/// Puts the operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_custody)
        .service(find_custody)
        .service(create_custody)
        .service(retract_custody)
        .service(list_charges)
        .service(find_charge)
        .service(create_charge)
        .service(retract_charge)
        .service(list_sentences)
        .service(find_sentence)
        .service(create_sentence)
        .service(retract_sentence)
        .service(list_health)
        .service(find_health)
        .service(create_health)
        .service(retract_health);
}
