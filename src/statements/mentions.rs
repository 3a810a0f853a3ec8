//! Mentions: whom a text names. Suggested by the names index, decided by people.

use std::collections::{HashMap, HashSet};

use actix_web::{get, patch, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::access::{Allowed, Read, Write, may};
use crate::base::error::Error;
use crate::base::id::{AccountId, IndividualId, MentionId, StatementId};
use crate::base::page::{Cursor, Limit, Page};
use crate::base::patch::Patch;
use crate::base::text::Prose;
use crate::base::time::UtcTime;
use crate::base::words::{MentionState, Sharing};
use crate::individuals;
use crate::individuals::register::Register;
use crate::statements::mention_rows::{self, MentionRow};
use crate::statements::model::{self, Hit};
use crate::statements::rows::{self, StatementRow};
use crate::web::{IfMatch, Json, Path, Query, Reply, reply};

/// A mention as shown. Places are Unicode code points of the text exactly as sent, half-open.
#[derive(Serialize, ToSchema)]
pub struct MentionOut {
    /// Its id.
    pub id: MentionId,
    /// In which statement.
    pub statement_id: StatementId,
    /// Of whom.
    pub individual_id: IndividualId,
    /// First code point.
    pub start: i32,
    /// One past the last.
    pub end: i32,
    /// As printed.
    pub text: String,
    /// The recorded form that it matched.
    pub matched: String,
    /// How sure, 0 to 1.
    pub score: f64,
    /// Why, in words.
    pub why: String,
    /// Suggested, confirmed or rejected.
    pub state: MentionState,
    /// Who decided.
    pub decided_by: Option<AccountId>,
    /// When.
    pub decided_at: Option<UtcTime>,
    /// When it was recorded.
    pub created_at: UtcTime,
}

/// A mention to add by hand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MentionIn {
    /// Of whom.
    pub individual_id: IndividualId,
    /// First code point.
    pub start: u32,
    /// One past the last.
    pub end: u32,
}

/// A decision on a mention.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MentionPatch {
    /// Suggested, confirmed or rejected.
    #[serde(default)]
    #[schema(value_type = Option<MentionState>)]
    pub state: Patch<MentionState>,
}

/// Which mentions to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MentionList {
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

/// A text to scan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanIn {
    /// The text, up to 2 MB.
    pub text: Prose,
}

/// What a scan found.
#[derive(Serialize, ToSchema)]
pub struct ScanOut {
    /// In the order of the text.
    pub mentions: Vec<FoundOut>,
}

/// A span of the text that names somebody on record.
#[derive(Serialize, ToSchema)]
pub struct FoundOut {
    /// First code point.
    pub start: i32,
    /// One past the last.
    pub end: i32,
    /// As printed.
    pub text: String,
    /// Who it may be.
    pub candidates: Vec<CandidateOut>,
}

/// Somebody whom a span may name.
#[derive(Serialize, ToSchema)]
pub struct CandidateOut {
    /// Who.
    pub individual_id: IndividualId,
    /// The preferred Latin form of the name.
    pub name: String,
    /// The recorded form that it matched.
    pub matched: String,
    /// How sure, 0 to 1.
    pub score: f64,
    /// Why, in words.
    pub why: String,
}

/// Finds whom a text names, among the individuals that this reader may see: nobody else shapes the answer.
///
/// # Errors
/// `invalid` at `/text` for more mentions than a text may have; what the database says.
pub(super) fn scan(tx: &mut Read<'_>, register: &Register, text: &str) -> Result<Vec<Hit>, Error> {
    let named: HashSet<IndividualId> = register
        .with_current(tx, |index| index.named_in(text))?
        .into_iter()
        .collect();
    let seen: HashSet<IndividualId> = people(tx, &named)?.into_keys().collect();
    let too_many = || {
        Error::invalid(
            "/text",
            format!("must not have more than {} mentions", model::MENTIONS_MAX),
        )
    };
    let mentions = register
        .with_current(tx, |index| {
            index.scan_up_to(text, model::MENTIONS_MAX, |id| seen.contains(id))
        })?
        .map_err(|_| too_many())?;
    let hits = found(mentions);
    if hits.len() > model::MENTIONS_MAX {
        return Err(too_many());
    }
    Ok(hits)
}

/// Name and id of those individuals that this reader may see.
///
/// # Errors
/// What the database says.
pub(super) fn people(tx: &mut Read<'_>, ids: &HashSet<IndividualId>) -> Result<HashMap<IndividualId, String>, Error> {
    let ids: Vec<IndividualId> = ids.iter().cloned().collect();
    individuals::names_of(tx, &ids)
}

fn found(mentions: Vec<crate::names::Mention<IndividualId>>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for mention in mentions {
        let (Ok(start), Ok(end)) = (i32::try_from(mention.start), i32::try_from(mention.end)) else {
            continue;
        };
        for candidate in mention.candidates {
            hits.push(Hit {
                individual_id: candidate.key,
                start,
                end,
                text: mention.text.clone(),
                matched: candidate.matched,
                score: candidate.score,
                why: candidate.why,
            });
        }
    }
    hits
}

/// Stores what a scan found as suggestions.
///
/// # Errors
/// What the database says.
pub(super) fn suggest(tx: &mut Write<'_>, statement: &StatementRow, hits: Vec<Hit>) -> Result<(), Error> {
    let who: HashSet<IndividualId> = hits.iter().map(|hit| hit.individual_id.clone()).collect();
    let mut levels = HashMap::new();
    for id in who {
        let level = individuals::level_of(tx.conn(), &[&id])?;
        levels.insert(id, level.max(statement.sharing));
    }
    let rows = hits.into_iter().map(|hit| {
        let level = levels.get(&hit.individual_id).copied().unwrap_or(Sharing::Restricted);
        let row = MentionRow {
            id: MentionId::from_uuid(tx.uuid()),
            statement_id: statement.id.clone(),
            individual_id: hit.individual_id,
            start_at: hit.start,
            end_at: hit.end,
            text: hit.text,
            matched: hit.matched,
            score: hit.score,
            why: hit.why,
            state: MentionState::Suggested,
            decided_by: None,
            decided_at: None,
            created_at: tx.now(),
            retired_at: None,
        };
        (row, level)
    });
    let rows: Vec<(MentionRow, Sharing)> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    tx.create_all(&rows)
}

/// A mention as this reader may see it.
///
/// # Errors
/// `internal` where it cannot be written as JSON.
pub fn seen_by(tx: &Read<'_>, row: &MentionRow) -> Result<Value, Error> {
    let from = row.clone();
    let out = MentionOut {
        id: from.id,
        statement_id: from.statement_id,
        individual_id: from.individual_id,
        start: from.start_at,
        end: from.end_at,
        text: from.text,
        matched: from.matched,
        score: from.score,
        why: from.why,
        state: from.state,
        decided_by: from.decided_by,
        decided_at: from.decided_at,
        created_at: from.created_at,
    };
    tx.seen(row, &out)
}

impl MentionRow {
    fn decide(mut self, patch: MentionPatch, by: AccountId, now: UtcTime) -> Result<Self, Error> {
        let before = self.state;
        patch.state.apply("/state", &mut self.state)?;
        if self.state != before {
            let decided = self.is_decided();
            self.decided_by = decided.then_some(by);
            self.decided_at = decided.then_some(now);
        }
        Ok(self)
    }
}

/// Scan a text
///
/// Finds the individuals on record that a text names, and stores nothing. A name that several people bear gives one
/// mention with a candidate each. `start` and `end` are Unicode code points of the text exactly as sent, half-open.
#[utoipa::path(tag = "statements", extensions(("x-permission" = json!("FindNames"))),
    request_body(content = ScanIn, example = json!({"text": "We call for the release of Hu Jia."})),
    responses((status = 200, description = "Whom it names", body = ScanOut,
        example = json!({"mentions": [{"start": 27, "end": 33, "text": "Hu Jia", "candidates": [{"individual_id": "0b7e1a52-4a0c-4c0b-9d57-5a2f3c1f7a10", "name": "Hu Jia", "matched": "Hu Jia", "score": 1.0, "why": "the whole name"}]}]}))))]
#[post("/statements/scan")]
pub async fn scan_text(allowed: Allowed<may::FindNames>, body: Json<ScanIn>) -> Reply {
    let register = allowed.part::<Register>()?;
    let found = allowed
        .read(move |tx| {
            let hits = scan(tx, &register, body.0.text.as_str())?;
            let who = hits.iter().map(|hit| hit.individual_id.clone()).collect();
            let out = ScanOut {
                mentions: spans(hits, &people(tx, &who)?),
            };
            tx.tag(serde_json::to_value(out).map_err(Error::internal)?)
        })
        .await?;
    Ok(reply::changed(&found))
}

/// Hits of one span together, in the order of the text.
fn spans(hits: Vec<Hit>, names: &HashMap<IndividualId, String>) -> Vec<FoundOut> {
    let mut spans: Vec<FoundOut> = Vec::new();
    for hit in hits {
        let Some(name) = names.get(&hit.individual_id).cloned() else {
            continue;
        };
        let Hit {
            individual_id,
            start,
            end,
            text,
            matched,
            score,
            why,
        } = hit;
        let candidate = CandidateOut {
            individual_id,
            name,
            matched,
            score,
            why,
        };
        match spans.last_mut() {
            Some(last) if last.start == start && last.end == end => last.candidates.push(candidate),
            _ => spans.push(FoundOut {
                start,
                end,
                text,
                candidates: vec![candidate],
            }),
        }
    }
    spans
}

/// List mentions
///
/// Whom the statement mentions, in the order of the text, as far as the caller may see them.
#[utoipa::path(tag = "statements", params(("id" = String, Path, description = "The statement's id"), MentionList), extensions(("x-permission" = json!("ReadStatements"))),
    responses((status = 200, description = "One page", body = Page<MentionOut>)))]
#[get("/statements/{id}/mentions")]
pub async fn list_mentions(
    allowed: Allowed<may::ReadStatements>,
    id: Path<StatementId>,
    query: Query<MentionList>,
) -> Reply {
    let page = allowed
        .read(move |tx| {
            rows::find(tx, &id.0)?;
            let found = mention_rows::mention_page(tx, &id.0, query.0.limit, query.0.cursor.as_ref())?;
            let page = Page::of(found, query.0.limit, |row| format!("{} {}", row.start_at, row.id));
            let page = page.try_map(|row| seen_by(tx, &row))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// Add a mention
///
/// Records by hand that a span of the text names an individual; it is confirmed at once.
#[utoipa::path(tag = "statements", params(("id" = String, Path, description = "The statement's id")), extensions(("x-permission" = json!("EditStatements"))),
    request_body(content = MentionIn, example = json!({"individual_id": "0b7e1a52-4a0c-4c0b-9d57-5a2f3c1f7a10", "start": 27, "end": 33})),
    responses((status = 201, description = "Recorded", body = MentionOut)))]
#[post("/statements/{id}/mentions")]
pub async fn create_mention(
    allowed: Allowed<may::EditStatements>,
    id: Path<StatementId>,
    body: Json<MentionIn>,
) -> Reply {
    let made = allowed
        .write(move |tx| {
            let statement = rows::find(tx, &id.0)?;
            let row = by_hand(tx, &statement.id, statement.text.as_str(), body.0)?;
            tx.create(&row)?;
            let seen = seen_by(tx, &row)?;
            let place = format!("/v1/statements/{}/mentions/{}", statement.id, row.id);
            Ok((place, tx.tag(seen)?))
        })
        .await?;
    Ok(reply::created(&made.0, &made.1))
}

fn by_hand(tx: &mut Write<'_>, statement: &StatementId, text: &str, given: MentionIn) -> Result<MentionRow, Error> {
    individuals::assert_known(tx, &given.individual_id, "/individual_id")?;
    let short = given.end.saturating_sub(given.start) as usize <= model::SPAN_MAX;
    let printed = model::span(text, given.start as usize, given.end as usize).filter(|_| short);
    let places = (i32::try_from(given.start), i32::try_from(given.end));
    let (Some(printed), (Ok(start_at), Ok(end_at))) = (printed, places) else {
        let detail = format!(
            "must come after start, at most {} code points, and lie in the text",
            model::SPAN_MAX
        );
        return Err(Error::invalid("/end", detail));
    };
    if let Some(there) = mention_rows::mention_at(tx, statement, &given.individual_id, (start_at, end_at))? {
        return Err(Error::already_exists(
            "this mention is on record already",
            Some(there.to_string()),
        ));
    }
    Ok(MentionRow {
        id: MentionId::from_uuid(tx.uuid()),
        statement_id: statement.clone(),
        individual_id: given.individual_id,
        start_at,
        end_at,
        matched: printed.clone(),
        text: printed,
        score: 1.0,
        why: "added by hand".to_owned(),
        state: MentionState::Confirmed,
        decided_by: Some(tx.viewer().account_id),
        decided_at: Some(tx.now()),
        created_at: tx.now(),
        retired_at: None,
    })
}

/// One mention
///
/// The mention with its state.
#[utoipa::path(tag = "statements", params(("id" = String, Path, description = "The statement's id"), ("mention_id" = String, Path, description = "The mention's id")), extensions(("x-permission" = json!("ReadStatements"))),
    responses((status = 200, description = "The mention", body = MentionOut)))]
#[get("/statements/{id}/mentions/{mention_id}")]
pub async fn find_mention(allowed: Allowed<may::ReadStatements>, ids: Path<(StatementId, MentionId)>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let row = mention_rows::find_mention(tx, &ids.0.0, &ids.0.1)?;
            let seen = seen_by(tx, &row)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Decide a mention
///
/// Confirms or rejects the mention, or makes it a suggestion again; `If-Match` carries the version it was read at.
#[utoipa::path(tag = "statements", params(("id" = String, Path, description = "The statement's id"), ("mention_id" = String, Path, description = "The mention's id")), extensions(("x-permission" = json!("EditStatements"))),
    request_body(content = MentionPatch, example = json!({"state": "confirmed"})),
    responses((status = 200, description = "Decided", body = MentionOut)))]
#[patch("/statements/{id}/mentions/{mention_id}")]
pub async fn update_mention(
    allowed: Allowed<may::EditStatements>,
    ids: Path<(StatementId, MentionId)>,
    wanted: IfMatch,
    body: Json<MentionPatch>,
) -> Reply {
    let changed = allowed
        .write(move |tx| {
            let before = mention_rows::find_mention(tx, &ids.0.0, &ids.0.1)?;
            let current = seen_by(tx, &before)?;
            tx.require(&wanted, current)?;
            let after = before.clone().decide(body.0, tx.viewer().account_id, tx.now())?;
            let after = tx.save(&before, after)?;
            let seen = seen_by(tx, &after)?;
            tx.tag(seen)
        })
        .await?;
    Ok(reply::changed(&changed))
}
