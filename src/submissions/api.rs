//! Submissions over HTTP.

use actix_web::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::access::ledger::Changes;
use crate::access::{Allowed, Read, Write, may};
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, CaseId, OrganisationId, SubmissionId};
use crate::base::kept::Kept;
use crate::base::page::{Cursor, Limit, Page};
use crate::base::text::{Line, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{Decision, Sharing, SubmissionState};
use crate::cases::facts::{self, FactIn};
use crate::cases::particulars::Kind;
use crate::cases::{self, CaseRow};
use crate::sources;
use crate::submissions::model::{DecidedFacts, DecisionIn, ProposedChanges, ProposedFact, ProposedFacts, as_patch};
use crate::submissions::rows::{self, SubmissionRow, Wanted, find};
use crate::web::{IfMatch, Json, Path, Query, Reply, reply};

/// What a partner proposes: changes, facts or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmissionIn {
    /// Changes to the case.
    #[serde(default)]
    pub changes: ProposedChanges,
    /// Facts to add, or to put in the place of others.
    #[serde(default)]
    pub facts: ProposedFacts,
    /// For those who decide.
    pub note: Option<Prose>,
}

/// A submission as shown.
#[derive(Serialize, ToSchema)]
pub struct SubmissionOut {
    /// Its id.
    pub id: SubmissionId,
    /// The case.
    pub case_id: CaseId,
    /// The organisation that proposed it.
    pub organisation_id: OrganisationId,
    /// The most closed level of what it rests on: a restricted one is for the case's team alone.
    pub sharing: Sharing,
    /// What has become of it.
    pub state: SubmissionState,
    /// What is proposed of the case: name to `{from, to}`, from what the partner saw.
    #[schema(value_type = Object)]
    pub changes: Map<String, Value>,
    /// The facts that are proposed.
    pub facts: ProposedFacts,
    /// For those who decide.
    pub note: Option<Prose>,
    /// Who proposed it.
    pub submitted_by: AccountId,
    /// When.
    pub submitted_at: UtcTime,
    /// Who decided.
    pub decided_by: Option<AccountId>,
    /// When it was decided, or withdrawn.
    pub decided_at: Option<UtcTime>,
    /// Why it was so decided.
    pub reason: Option<Line>,
}

/// Which submissions to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SubmissionList {
    /// What has become of them.
    #[param(value_type = Option<String>)]
    pub state: Option<SubmissionState>,
    /// Of that case.
    #[param(value_type = Option<String>)]
    pub case: Option<CaseId>,
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

fn seen_by(tx: &Read<'_>, row: &SubmissionRow) -> Result<Value, Error> {
    let shown = row.clone();
    let out = SubmissionOut {
        id: shown.id,
        case_id: shown.case_id,
        organisation_id: shown.organisation_id,
        sharing: shown.sharing,
        state: shown.state,
        changes: shown.changes.value().clone(),
        facts: shown.facts.value().clone(),
        note: shown.note,
        submitted_by: shown.submitted_by,
        submitted_at: shown.submitted_at,
        decided_by: shown.decided_by,
        decided_at: shown.decided_at,
        reason: shown.reason,
    };
    tx.seen(row, &out)
}

/// The name of one fact of a submission.
fn place_of(place: &str, at: usize) -> String {
    format!("/facts/{place}/{at}")
}

fn says_nothing() -> Error {
    Error::invalid("/changes", "or /facts must say something that is not on record already")
}

/// Checks proposed facts as if they were recorded; gives the most closed level of those whose place they take.
fn check_facts<P: Kind + Clone>(
    tx: &mut Write<'_>,
    case: &CaseRow,
    place: &str,
    given: &[ProposedFact<P>],
) -> Result<Sharing, Error> {
    let mut most = Sharing::Public;
    for (at, fact) in given.iter().enumerate() {
        let within = |error: Error| error.within(&place_of(place, at));
        sources::assert_known(tx, fact.source_id.as_ref(), "/source_id").map_err(within)?;
        let draft = facts::drafted(tx, case, FactIn::from(fact.clone())).map_err(within)?;
        most = most.max(draft.replaces_level().unwrap_or(Sharing::Public));
    }
    Ok(most)
}

/// A new submission, checked as if it were accepted at once.
fn drafted(tx: &mut Write<'_>, case: &CaseRow, given: SubmissionIn) -> Result<SubmissionRow, Error> {
    let after = cases::changed(tx, case, given.changes.into()).map_err(|error| error.within("/changes"))?;
    let changes = Changes::between(Some(case), &after).into_fields();
    let facts = given.facts;
    facts.check()?;
    if changes.is_empty() && facts.count() == 0 {
        return Err(says_nothing());
    }
    let levels = [
        case.sharing,
        check_facts(tx, &after, "custody", &facts.custody)?,
        check_facts(tx, &after, "charges", &facts.charges)?,
        check_facts(tx, &after, "sentences", &facts.sentences)?,
        check_facts(tx, &after, "health", &facts.health)?,
    ];
    Ok(SubmissionRow {
        id: SubmissionId::from_uuid(tx.uuid()),
        case_id: case.id.clone(),
        organisation_id: tx.viewer().organisation_id,
        sharing: levels.into_iter().max().unwrap_or(Sharing::Restricted),
        state: SubmissionState::Proposed,
        changes: Kept::new(changes)?,
        facts: Kept::new(facts)?,
        note: given.note,
        submitted_by: tx.viewer().account_id,
        submitted_at: tx.now(),
        decided_by: None,
        decided_at: None,
        reason: None,
    })
}

/// What is recorded for a submission that is not refused.
struct Recording {
    /// The case, as changed.
    case: CaseRow,
    /// Why, for the history of what is recorded.
    why: Option<String>,
    /// How closed it is, where it is what the partner proposed.
    proposed_at: Option<Sharing>,
}

impl Recording {
    fn facts(&self, tx: &mut Write<'_>, facts: DecidedFacts) -> Result<(), Error> {
        self.each(tx, "custody", facts.custody)?;
        self.each(tx, "charges", facts.charges)?;
        self.each(tx, "sentences", facts.sentences)?;
        self.each(tx, "health", facts.health)
    }

    fn each<P: Kind>(&self, tx: &mut Write<'_>, place: &str, given: Vec<FactIn<P>>) -> Result<(), Error> {
        for (at, mut fact) in given.into_iter().enumerate() {
            let within = |error: Error| error.within(&place_of(place, at));
            let draft = if let Some(level) = self.proposed_at {
                // The partner saw the source that it named: whoever accepts may not, and must not learn of it.
                fact.sharing = fact.supersedes.is_none().then_some(level);
                let draft = facts::drafted(tx, &self.case, fact).map_err(within)?;
                let closed = |replaced: Sharing| replaced > self.case.sharing && replaced < Sharing::Restricted;
                if draft.replaces_level().is_some_and(closed) {
                    let detail = "it takes the place of a fact that is more closed than the case: decide `change`, and say who may see it";
                    return Err(Error::new(Code::Conflict, detail));
                }
                draft.in_confidence()
            } else {
                sources::assert_known(tx, fact.source_id.as_ref(), "/source_id").map_err(within)?;
                facts::drafted(tx, &self.case, fact).map_err(within)?
            };
            facts::add(tx, draft, self.why.clone())?;
        }
        Ok(())
    }
}

/// Records what was decided: what the partner proposed, or what is given in its place; gives the case as it then is.
fn record(tx: &mut Write<'_>, case: &CaseRow, row: &SubmissionRow, given: DecisionIn) -> Result<CaseRow, Error> {
    // The history of an open case names no submission that is for its team alone.
    let told = row.sharing < Sharing::Restricted || case.sharing == Sharing::Restricted;
    let why = told.then(|| format!("submission {}", row.id));
    let (patch, facts, proposed_at) = match given.decision {
        Decision::Refuse => return Ok(case.clone()),
        Decision::Accept => (
            as_patch(row.changes.value(), case)?,
            row.facts.value().clone().into(),
            Some(row.sharing.max(case.sharing)),
        ),
        Decision::Change => (given.changes.unwrap_or_default(), given.facts.unwrap_or_default(), None),
    };
    let before = case;
    let case = cases::change(tx, before, patch, why.clone()).map_err(|error| error.within("/changes"))?;
    let changes_nothing = Changes::between(Some(before), &case).is_empty();
    if given.decision == Decision::Change && changes_nothing && facts.count() == 0 {
        return Err(says_nothing());
    }
    let recording = Recording { case, why, proposed_at };
    recording.facts(tx, facts)?;
    Ok(recording.case)
}

/// Propose changes to a case
///
/// A partner's edit of a case that it sees: changes of its fields, facts to add, or facts to put in the place of others.
/// Nothing of it is on record before somebody inside has accepted it; what cannot be recorded is refused at once.
#[utoipa::path(tag = "submissions", params(("id" = String, Path, description = "The case's id")), extensions(("x-permission" = json!("ProposeChanges"))),
    request_body(content = SubmissionIn, example = json!({"changes": {"impugned_activity": "Wrote on behalf of people with HIV/AIDS."}, "facts": {"health": [{"holds_from": "2010-05-04", "particulars": {"severity": "serious", "conditions": ["Cirrhosis of the liver"]}, "information": "probably_true"}]}, "note": "Told us by the family."})),
    responses((status = 201, description = "Proposed", body = SubmissionOut)))]
#[post("/cases/{id}/submissions")]
pub async fn create_submission(
    allowed: Allowed<may::ProposeChanges>,
    id: Path<CaseId>,
    body: Json<SubmissionIn>,
) -> Reply {
    let made = allowed
        .write(move |tx| {
            let case = cases::find(tx, &id.0)?;
            let row = drafted(tx, &case, body.0)?;
            tx.create(&row)?;
            let seen = seen_by(tx, &row)?;
            Ok((row.id, tx.tag(seen)?))
        })
        .await?;
    Ok(reply::created(&format!("/v1/submissions/{}", made.0), &made.1))
}

/// List submissions
///
/// Those of the caller's organisation, or all for those inside, of cases that the caller sees; the oldest first.
#[utoipa::path(tag = "submissions", params(SubmissionList), extensions(("x-permission" = json!("ReadCases"))),
    responses((status = 200, description = "One page", body = Page<SubmissionOut>)))]
#[get("/submissions")]
pub async fn list_submissions(allowed: Allowed<may::ReadCases>, query: Query<SubmissionList>) -> Reply {
    let page = allowed
        .read(move |tx| {
            let limit = query.0.limit;
            let wanted = Wanted {
                state: query.0.state,
                case: query.0.case,
                cursor: query.0.cursor,
                limit,
            };
            let found = rows::page(tx, wanted)?;
            let page = Page::of(found, limit, rows::key).try_map(|row| seen_by(tx, &row))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// One submission
///
/// What was proposed and what became of it; who decided is for those inside.
#[utoipa::path(tag = "submissions", params(("id" = String, Path, description = "The submission's id")), extensions(("x-permission" = json!("ReadCases"))),
    responses((status = 200, description = "The submission", body = SubmissionOut)))]
#[get("/submissions/{id}")]
pub async fn find_submission(allowed: Allowed<may::ReadCases>, id: Path<SubmissionId>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let row = find(tx, &id.0)?;
            let seen = seen_by(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Decide a submission
///
/// Records what was proposed, or what the body gives in its place, in the same write, as an edit by the caller; or refuses
/// it. A reason is needed unless all is accepted. Where the case has changed since in a field that was proposed on, nothing
/// is accepted: 409 names the fields. `If-Match` carries the version it was read at.
#[utoipa::path(tag = "submissions", params(("id" = String, Path, description = "The submission's id")), extensions(("x-permission" = json!("EditCases")), ("x-conditional" = json!(true))),
    request_body(content = DecisionIn, example = json!({"decision": "accept"})),
    responses((status = 200, description = "Decided", body = SubmissionOut)))]
#[post("/submissions/{id}/decision")]
pub async fn decide_submission(
    allowed: Allowed<may::EditCases>,
    id: Path<SubmissionId>,
    wanted: IfMatch,
    body: Json<DecisionIn>,
) -> Reply {
    let done = allowed
        .write(move |tx| {
            let before = find(tx, &id.0)?;
            let seen = seen_by(tx, &before)?;
            tx.require(&wanted, seen)?;
            let given = body.0;
            given.check()?;
            before.require_open()?;
            let case = cases::find(tx, &before.case_id)?;
            let (state, reason) = (given.outcome(), given.reason.clone());
            let recorded = record(tx, &case, &before, given)?;
            let after = SubmissionRow {
                sharing: before.sharing.max(case.sharing).max(recorded.sharing),
                state,
                decided_by: Some(tx.viewer().account_id),
                decided_at: Some(tx.now()),
                reason,
                ..before.clone()
            };
            let after = tx.save(&before, after)?;
            let seen = seen_by(tx, &after)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::changed(&done))
}

/// Withdraw a submission
///
/// The partner takes it back while nobody has decided.
#[utoipa::path(tag = "submissions", params(("id" = String, Path, description = "The submission's id")), extensions(("x-permission" = json!("ProposeChanges"))),
    responses((status = 200, description = "Withdrawn", body = SubmissionOut)))]
#[post("/submissions/{id}/withdrawal")]
pub async fn withdraw_submission(allowed: Allowed<may::ProposeChanges>, id: Path<SubmissionId>) -> Reply {
    let done = allowed
        .write(move |tx| {
            let before = find(tx, &id.0)?;
            before.require_open()?;
            let case = cases::find(tx, &before.case_id)?;
            let after = SubmissionRow {
                sharing: before.sharing.max(case.sharing),
                state: SubmissionState::Withdrawn,
                decided_at: Some(tx.now()),
                ..before.clone()
            };
            let after = tx.save(&before, after)?;
            let seen = seen_by(tx, &after)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::changed(&done))
}
