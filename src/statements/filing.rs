//! How a statement is filed and changed: what is checked, what is prepared outside the write, what becomes of the
//! mentions.

use crate::access::ledger::Record;
use crate::access::references::keep_hidden;
use crate::access::{Read, Write, team};
use crate::base::error::{Code, Error};
use crate::base::id::StatementId;
use crate::individuals::register::Register;
use crate::statements::mention_rows::{self, MentionRow};
use crate::statements::mentions;
use crate::statements::model::{Hit, Plan, Shift};
use crate::statements::rows::{self, StatementRow, others_of};
use crate::statements::shape::{StatementIn, StatementPatch, shown};
use crate::web::IfMatch;
use crate::{organisations, sources};

/// Refuses references that this reader may not see or that are not there, an empty text, and a text on record.
pub(super) fn check(tx: &mut Read<'_>, before: Option<&StatementRow>, after: &StatementRow) -> Result<(), Error> {
    if after.text.as_str().trim().is_empty() {
        return Err(Error::invalid("/text", "must not be empty or only spaces"));
    }
    if before.is_none_or(|before| before.source_id != after.source_id) {
        sources::assert_known(tx, after.source_id.as_ref(), "/source_id")?;
    }
    for (place, issuer) in after.issuers.items().iter().enumerate() {
        if before.is_some_and(|before| before.issuers.items().contains(issuer)) {
            continue;
        }
        organisations::find(tx, issuer).map_err(|error| match error.code {
            Code::NotFound => Error::invalid(&format!("/issuers/{place}"), "no such organisation"),
            _ => error,
        })?;
    }
    let seen = rows::visible_of(tx, &others_of([after]))?;
    // What the editor does not see stands behind what they named, and stays.
    let hidden = before.map_or(0, |before| {
        let kept = before.related.items().iter();
        kept.filter(|other| !seen.contains(&other.statement_id)).count()
    });
    let named = after.related.items().len().saturating_sub(hidden);
    for (place, other) in after.related.items().iter().enumerate() {
        let hidden = place >= named;
        if other.statement_id == after.id || !(hidden || seen.contains(&other.statement_id)) {
            return Err(Error::invalid(
                &format!("/related/{place}/statement_id"),
                "no such statement",
            ));
        }
    }
    if before.is_none_or(|before| before.text_digest != after.text_digest)
        && let Some(there) = rows::same_text(tx, &after.text_digest)?
    {
        return Err(Error::already_exists(
            "this text is on record already",
            Some(there.to_string()),
        ));
    }
    Ok(())
}

pub(super) fn new_row(
    tx: &Write<'_>,
    (given, words_folded, text_digest): (StatementIn, String, String),
) -> StatementRow {
    StatementRow {
        id: StatementId::from_uuid(tx.uuid()),
        organisation_id: tx.viewer().organisation_id,
        sharing: given.sharing,
        kind: given.kind,
        title: given.title,
        issuers: given.issuers,
        issued_earliest: given.issued_on.earliest(),
        issued_latest: given.issued_on.latest(),
        issued_on: given.issued_on,
        language: given.language,
        source_id: given.source_id,
        text: given.text,
        text_digest,
        words_folded,
        concerns: given.concerns,
        calls: given.calls,
        related: given.related,
        notes: given.notes,
        created_at: tx.now(),
        updated_at: tx.now(),
        partners_updated_at: tx.now(),
        public_updated_at: tx.now(),
        retired_at: None,
    }
}

/// A change prepared outside the write: the text is read there, not where others wait.
pub(super) struct Draft {
    before: StatementRow,
    after: StatementRow,
    rescan: Option<(Vec<Hit>, Shift)>,
}

pub(super) fn draft(
    tx: &mut Read<'_>,
    register: &Register,
    id: &StatementId,
    wanted: &IfMatch,
    patch: StatementPatch,
) -> Result<Draft, Error> {
    let before = rows::find(tx, id)?;
    let current = shown(tx, &before)?;
    tx.require(wanted, current)?;
    let seen = rows::visible_of(tx, &others_of([&before]))?;
    let hidden = before
        .related
        .items()
        .iter()
        .filter(|other| !seen.contains(&other.statement_id))
        .cloned()
        .collect();
    let viewer = tx.viewer();
    let source = before.source_id.as_ref();
    let patch = StatementPatch {
        source_id: keep_hidden(tx.conn(), &viewer, source, patch.source_id)?,
        ..patch
    };
    let after = before.clone().apply(patch, hidden)?;
    let rescan = if after.text == before.text {
        None
    } else {
        let hits = mentions::scan(tx, register, after.text.as_str())?;
        let spans = mention_rows::every_mention_in(tx, id)?
            .into_iter()
            .map(|row| (row.start_at, row.end_at));
        Some((hits, Shift::between(before.text.as_str(), after.text.as_str(), spans)))
    };
    Ok(Draft { before, after, rescan })
}

pub(super) fn save(tx: &mut Write<'_>, wanted: &IfMatch, draft: Draft) -> Result<StatementRow, Error> {
    let Draft { before, after, rescan } = draft;
    let now = rows::find(tx, &before.id)?;
    let current = shown(tx, &now)?;
    tx.require(wanted, current)?;
    if now.fields() != before.fields() {
        return Err(Error::new(
            Code::Conflict,
            "the statement changed meanwhile; read it again",
        ));
    }
    check(tx, Some(&before), &after)?;
    let after = tx.save(&before, after)?;
    team::keep(tx, after.id.as_str(), after.sharing)?;
    if let Some((hits, shift)) = rescan {
        carry_over(tx, &after, hits, &shift)?;
    }
    Ok(after)
}

fn carry_over(tx: &mut Write<'_>, statement: &StatementRow, hits: Vec<Hit>, shift: &Shift) -> Result<(), Error> {
    let id = &statement.id;
    let there = mention_rows::every_mention_in(tx, id)?;
    if there.iter().any(|row| !shift.knows(row.start_at, row.end_at)) {
        // One was added while the text was read: nobody has looked where it went.
        return Err(Error::new(
            Code::Conflict,
            "the statement's mentions changed meanwhile; read it again",
        ));
    }
    let who = there.iter().map(|row| row.individual_id.clone()).collect();
    let seen = mentions::people(tx, &who)?.into_keys().collect();
    let plan = Plan::make(there, hits, shift, &seen);
    for (before, after) in &plan.kept {
        if (before.start_at, before.end_at) != (after.start_at, after.end_at) {
            tx.save(before, after.clone())?;
        }
    }
    for gone in &plan.dropped {
        let after = MentionRow {
            retired_at: Some(tx.now()),
            ..gone.clone()
        };
        tx.retire(gone, after)?;
    }
    mentions::suggest(tx, statement, plan.fresh)
}
