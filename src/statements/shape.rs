//! What of a statement goes in and comes out.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::access::{Read, secret};
use crate::base::date::Edtf;
use crate::base::error::Error;
use crate::base::id::{OrganisationId, SourceId, StatementId};
use crate::base::page::{Cursor, Limit};
use crate::base::patch::Patch;
use crate::base::text::{Language, Line, Listed, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{Call, Concern, Sharing, StatementKind};
use crate::names;
use crate::statements::mention_rows;
use crate::statements::mentions::{self, MentionOut};
use crate::statements::related::Related;
use crate::statements::rows::{self, Filter, StatementRow, others_of};

/// A statement to file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementIn {
    /// Its title.
    pub title: Line,
    /// What it is.
    pub kind: StatementKind,
    /// When it was issued; EDTF, so it may be partial or uncertain.
    pub issued_on: Edtf,
    /// BCP 47.
    pub language: Language,
    /// Its text, up to 2 MB, kept exactly.
    pub text: Prose,
    /// The organisations that issued it.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub issuers: Listed<OrganisationId>,
    /// Who may see it; internal unless said.
    #[serde(default = "inside")]
    pub sharing: Sharing,
    /// Where it was found.
    pub source_id: Option<SourceId>,
    /// The areas of concern that it speaks of.
    #[serde(default)]
    #[schema(value_type = Vec<Concern>)]
    pub concerns: Listed<Concern>,
    /// What it calls for.
    #[serde(default)]
    #[schema(value_type = Vec<Call>)]
    pub calls: Listed<Call>,
    /// How it stands to other statements.
    #[serde(default)]
    #[schema(value_type = Vec<Related>)]
    pub related: Listed<Related>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
}

/// Changes to a statement: what is absent stays, null clears.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementPatch {
    /// Its title.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub title: Patch<Line>,
    /// What it is.
    #[serde(default)]
    #[schema(value_type = Option<StatementKind>)]
    pub kind: Patch<StatementKind>,
    /// When it was issued.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub issued_on: Patch<Edtf>,
    /// BCP 47.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub language: Patch<Language>,
    /// Its text; a changed text is scanned again, and decisions stay where their words remain.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub text: Patch<Prose>,
    /// The organisations that issued it.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub issuers: Patch<Listed<OrganisationId>>,
    /// Who may see it.
    #[serde(default)]
    #[schema(value_type = Option<Sharing>)]
    pub sharing: Patch<Sharing>,
    /// Where it was found.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub source_id: Patch<SourceId>,
    /// The areas of concern that it speaks of.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Concern>>)]
    pub concerns: Patch<Listed<Concern>>,
    /// What it calls for.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Call>>)]
    pub calls: Patch<Listed<Call>>,
    /// How it stands to other statements.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Related>>)]
    pub related: Patch<Listed<Related>>,
    /// Notes for those inside.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub notes: Patch<Prose>,
}

/// A statement as shown. Lists leave out the text and the mentions.
#[derive(Serialize, ToSchema)]
pub struct StatementOut {
    /// Its id.
    pub id: StatementId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// Who may see it.
    pub sharing: Sharing,
    /// What it is.
    pub kind: StatementKind,
    /// Its title.
    pub title: Line,
    /// The organisations that issued it.
    #[schema(value_type = Vec<String>)]
    pub issuers: Listed<OrganisationId>,
    /// When it was issued.
    pub issued_on: Edtf,
    /// BCP 47.
    pub language: Language,
    /// Where it was found.
    pub source_id: Option<SourceId>,
    /// Its text, exactly; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Prose>,
    /// The areas of concern that it speaks of.
    #[schema(value_type = Vec<Concern>)]
    pub concerns: Listed<Concern>,
    /// What it calls for.
    #[schema(value_type = Vec<Call>)]
    pub calls: Listed<Call>,
    /// How it stands to other statements.
    pub related: Vec<Related>,
    /// Notes for those inside.
    pub notes: Option<Prose>,
    /// When it was recorded.
    pub created_at: UtcTime,
    /// When it last changed.
    pub updated_at: UtcTime,
    /// Whom it mentions, in the order of the text; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<MentionOut>>)]
    pub mentions: Option<Vec<Value>>,
}

/// Which statements to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementList {
    /// Words that must all occur in title or text.
    #[param(value_type = Option<String>)]
    pub q: Option<Line>,
    /// What it is.
    #[param(value_type = Option<StatementKind>)]
    pub kind: Option<StatementKind>,
    /// An area of concern that it speaks of.
    #[param(value_type = Option<Concern>)]
    pub concern: Option<Concern>,
    /// Issued within: an EDTF date or interval, matched by overlap.
    #[param(value_type = Option<String>)]
    pub issued: Option<Edtf>,
    /// Changed at or after that moment.
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

impl StatementList {
    /// What to look for; each word as a phrase of its own, since folding parts Chinese characters.
    pub(super) fn filter(self) -> Result<Filter, Error> {
        let Self {
            q,
            kind,
            concern,
            issued,
            updated_since,
            limit,
            cursor,
        } = self;
        let given = q.as_ref().map(Line::as_str).unwrap_or_default();
        let words: Vec<String> = given
            .split_whitespace()
            .map(names::fold)
            .filter(|word| !word.is_empty())
            .collect();
        if q.is_some() && words.is_empty() {
            return Err(Error::invalid("/q", "must have a word"));
        }
        Ok(Filter {
            words,
            kind,
            concern,
            issued,
            updated_since,
            limit,
            cursor,
        })
    }
}

impl StatementRow {
    /// With the changes; of `related`, what this reader does not see (`hidden`) stays.
    pub(super) fn apply(mut self, patch: StatementPatch, hidden: Vec<Related>) -> Result<Self, Error> {
        patch.title.apply("/title", &mut self.title)?;
        patch.kind.apply("/kind", &mut self.kind)?;
        patch.issued_on.apply("/issued_on", &mut self.issued_on)?;
        patch.language.apply("/language", &mut self.language)?;
        patch.text.apply("/text", &mut self.text)?;
        patch.issuers.apply("/issuers", &mut self.issuers)?;
        patch.sharing.apply("/sharing", &mut self.sharing)?;
        patch.source_id.apply_option(&mut self.source_id);
        patch.concerns.apply("/concerns", &mut self.concerns)?;
        patch.calls.apply("/calls", &mut self.calls)?;
        if !matches!(patch.related, Patch::Absent) {
            patch.related.apply("/related", &mut self.related)?;
            let all = self.related.items().iter().cloned().chain(hidden).collect();
            self.related = Listed::new(all);
        }
        patch.notes.apply_option(&mut self.notes);
        Ok(self.derived())
    }

    /// With what is derived from the given fields made again. Not for inside a write: it reads the whole text.
    #[must_use]
    pub fn derived(mut self) -> Self {
        self.issued_earliest = self.issued_on.earliest();
        self.issued_latest = self.issued_on.latest();
        self.text_digest = digest(self.text.as_str());
        self.words_folded = words_of(&self.title, &self.text);
        self
    }
}

fn inside() -> Sharing {
    Sharing::Internal
}

/// SHA-256 of a text.
#[must_use]
pub fn digest(text: &str) -> String {
    secret::text_of(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref())
}

/// Title and text folded; a space before each word, so that a search finds words from their beginning.
pub(super) fn words_of(title: &Line, text: &Prose) -> String {
    format!(" {} {}", names::fold(title.as_str()), names::fold(text.as_str()))
}

/// What stands in the row, for a reader who sees those other statements.
pub(super) fn seen_by(
    tx: &Read<'_>,
    row: &StatementRow,
    others: &HashSet<StatementId>,
    inside: Option<Vec<Value>>,
) -> Result<Value, Error> {
    let from = row.clone();
    let out = StatementOut {
        id: from.id,
        organisation_id: from.organisation_id,
        sharing: from.sharing,
        kind: from.kind,
        title: from.title,
        issuers: from.issuers,
        issued_on: from.issued_on,
        language: from.language,
        source_id: from.source_id,
        text: inside.is_some().then_some(from.text),
        concerns: from.concerns,
        calls: from.calls,
        related: from
            .related
            .items()
            .iter()
            .filter(|other| others.contains(&other.statement_id))
            .cloned()
            .collect(),
        notes: from.notes,
        created_at: from.created_at,
        updated_at: from.updated_at,
        mentions: inside,
    };
    tx.seen(row, &out)
}

/// The whole statement with its mentions, as this reader may see it.
pub(super) fn shown(tx: &mut Read<'_>, row: &StatementRow) -> Result<Value, Error> {
    let others = rows::visible_of(tx, &others_of([row]))?;
    let found = mention_rows::mentions_in(tx, &row.id)?;
    let inside = found
        .iter()
        .map(|mention| mentions::seen_by(tx, mention))
        .collect::<Result<_, _>>()?;
    seen_by(tx, row, &others, Some(inside))
}
