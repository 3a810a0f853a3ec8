//! What is particular to each kind of fact.

use chrono::{Datelike, NaiveDate};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;

use crate::base::choice::Choice;
use crate::base::date::{Edtf, optional_day, plus_term};
use crate::base::error::Error;
use crate::base::text::{LIST_ITEMS, Line};
use crate::base::words::{
    Care, Certainty, ChargeStatus, CustodyForm, CustodyStatus, Instance, LegalStage, ReleaseType, SentenceKind,
    Severity, SupplementaryKind, Trend,
};

choice! {
    /// The kinds of fact that a case is made of.
    pub enum FactKind("fact_kind") {
        Custody("custody", "Custody stage"),
        Charge("charge", "Charge"),
        Sentence("sentence", "Sentence"),
        Health("health", "Health report"),
    }
}

/// A custody stage: where the person stands from a day on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Custody {
    /// Where the person stands.
    pub status: CustodyStatus,
    /// The form of deprivation of liberty.
    pub form: Option<CustodyForm>,
    /// The step of the process.
    pub stage: Option<LegalStage>,
    /// How custody ended.
    pub release_type: Option<ReleaseType>,
    /// Until when, where it is known.
    pub until: Option<Edtf>,
    /// The facility.
    pub facility: Option<Line>,
    /// The place.
    pub place: Option<Line>,
    /// Who holds the person or decided.
    pub authority: Option<Line>,
    /// How sure it is.
    pub certainty: Certainty,
    /// When it was announced, where that was another day.
    pub announced_on: Option<Edtf>,
}

/// A charge, as it stood from a day on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// The offence, in words.
    pub offence: Line,
    /// The law.
    pub law: Option<Line>,
    /// Its article.
    pub article: Option<Line>,
    /// Where the charge stands.
    pub status: ChargeStatus,
    /// Which authority.
    pub authority: Option<Line>,
}

/// A penalty beside the principal one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Supplementary {
    /// Which.
    pub kind: SupplementaryKind,
    /// Years.
    pub years: Option<u16>,
    /// Months.
    pub months: Option<u16>,
    /// An amount, with its currency.
    pub amount: Option<Line>,
}

/// A reduction of a sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reduction {
    /// When it was decided.
    pub decided_on: Edtf,
    /// Years.
    pub years: Option<u16>,
    /// Months.
    pub months: Option<u16>,
    /// Days.
    pub days: Option<u16>,
}

/// A sentence; it holds from its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// The principal penalty.
    pub kind: SentenceKind,
    /// Years imposed.
    pub years: Option<u16>,
    /// Months imposed.
    pub months: Option<u16>,
    /// Days imposed.
    pub days: Option<u16>,
    /// The court.
    pub court: Option<Line>,
    /// Which instance.
    pub instance: Option<Instance>,
    /// Whether it is suspended.
    #[serde(default)]
    pub suspended: bool,
    /// The day from which time served counts.
    #[serde(default, deserialize_with = "optional_day")]
    pub credited_start: Option<NaiveDate>,
    /// The end that the document gives.
    pub official_end: Option<Edtf>,
    /// Penalties beside it.
    #[serde(default)]
    pub supplementary: Vec<Supplementary>,
    /// Reductions.
    #[serde(default)]
    pub reductions: Vec<Reduction>,
    /// The document's number.
    pub document: Option<Line>,
}

impl Sentence {
    /// Credited start, plus the term, less the reductions decided by `as_of`, less a day (PRC practice: the last day
    /// is served). The document wins where it gives an end.
    #[must_use]
    pub fn computed_end(&self, as_of: Option<NaiveDate>) -> Option<NaiveDate> {
        if self.kind != SentenceKind::FixedTerm
            && self.kind != SentenceKind::ShortDetention
            && self.kind != SentenceKind::ReEducationThroughLabour
        {
            return None;
        }
        let start = self.credited_start?;
        self.reduced(self.term_from(start), as_of).max(start).pred_opt()
    }

    /// That day, less the reductions decided by `as_of`.
    fn reduced(&self, end: NaiveDate, as_of: Option<NaiveDate>) -> NaiveDate {
        let number = |value: Option<u16>| i32::from(value.unwrap_or(0));
        self.reductions
            .iter()
            .filter(|reduction| as_of.is_none_or(|day| reduction.decided_on.earliest() <= day))
            .fold(end, |end, less| {
                plus_term(end, -number(less.years), -number(less.months), -number(less.days))
            })
    }

    /// The end that holds: the document's, else the computed one. A document that gives the end of the whole term does
    /// not know of the reductions yet: they shorten it.
    #[must_use]
    pub fn end(&self, as_of: Option<NaiveDate>) -> Option<NaiveDate> {
        let Some(official) = &self.official_end else {
            return self.computed_end(as_of);
        };
        let whole = self
            .credited_start
            .and_then(|start| self.term_from(start).pred_opt())
            .filter(|whole| (official.earliest()..=official.latest()).contains(whole));
        Some(match whole {
            Some(whole) => self.reduced(whole, as_of).max(self.credited_start.unwrap_or(whole)),
            None => official.latest(),
        })
    }

    /// The day after that many years, months and days from a day: the end of the term, where nothing else tells it.
    #[must_use]
    pub fn term_from(&self, day: NaiveDate) -> NaiveDate {
        let number = |value: Option<u16>| i32::from(value.unwrap_or(0));
        plus_term(day, number(self.years), number(self.months), number(self.days))
    }

    /// Whether the document gives another end than the computation.
    #[must_use]
    pub fn end_differs(&self) -> bool {
        match (&self.official_end, self.computed_end(None)) {
            (Some(official), Some(computed)) => computed < official.earliest() || official.latest() < computed,
            _ => false,
        }
    }
}

/// A health report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// How ill.
    pub severity: Severity,
    /// Where it is going.
    #[serde(default = "unknown_trend")]
    pub trend: Trend,
    /// What care there is.
    #[serde(default = "unknown_care")]
    pub care: Care,
    /// What it is.
    #[serde(default)]
    pub conditions: Vec<Line>,
    /// A disability, which is not an illness.
    pub disability: Option<Line>,
    /// Who reported it.
    pub reported_by: Option<Line>,
    /// When it was last confirmed.
    pub last_confirmed: Option<Edtf>,
}

fn unknown_trend() -> Trend {
    Trend::Unknown
}

fn unknown_care() -> Care {
    Care::Unknown
}

/// What is particular to one kind of fact.
pub trait Kind: Serialize + DeserializeOwned + Send + 'static {
    /// Which kind.
    const KIND: FactKind;

    /// Checks what one field alone cannot tell.
    ///
    /// # Errors
    /// `invalid` at the field.
    fn check(&self, holds_from: &Edtf) -> Result<(), Error>;

    /// How bad it is for the person, against others of its kind.
    fn weighs(&self) -> u8 {
        0
    }
}

/// Refuses a word that was in use on no day that the date may mean.
fn in_use(pointer: &str, word: impl Choice, when: &Edtf) -> Result<(), Error> {
    if word.valid_in(when.earliest().year()) || word.valid_in(when.latest().year()) {
        Ok(())
    } else {
        Err(Error::invalid(pointer, "was not in use then: see /v1/vocabularies"))
    }
}

/// Refuses a term that no court imposes.
fn within(place: &str, years: Option<u16>, months: Option<u16>, days: Option<u16>) -> Result<(), Error> {
    for (part, given, most) in [
        ("years", years, 1000),
        ("months", months, 12_000),
        ("days", days, 36_600),
    ] {
        if given.is_some_and(|given| given > most) {
            return Err(Error::invalid(
                &format!("{place}/{part}"),
                format!("must be at most {most}"),
            ));
        }
    }
    Ok(())
}

fn few(pointer: &str, length: usize) -> Result<(), Error> {
    if length > LIST_ITEMS {
        return Err(Error::invalid(pointer, format!("must have at most {LIST_ITEMS} items")));
    }
    Ok(())
}

impl Kind for Custody {
    const KIND: FactKind = FactKind::Custody;

    fn weighs(&self) -> u8 {
        u8::from(self.status.deprived_of_liberty())
    }

    fn check(&self, holds_from: &Edtf) -> Result<(), Error> {
        if self
            .until
            .as_ref()
            .is_some_and(|until| until.latest() < holds_from.earliest())
        {
            return Err(Error::invalid("/particulars/until", "must not end before it starts"));
        }
        in_use("/particulars/status", self.status, holds_from)?;
        self.form
            .map_or(Ok(()), |form| in_use("/particulars/form", form, holds_from))
    }
}

impl Kind for Charge {
    const KIND: FactKind = FactKind::Charge;

    fn check(&self, _: &Edtf) -> Result<(), Error> {
        Ok(())
    }
}

impl Kind for Sentence {
    const KIND: FactKind = FactKind::Sentence;

    fn check(&self, holds_from: &Edtf) -> Result<(), Error> {
        in_use("/particulars/kind", self.kind, holds_from)?;
        let term = [self.years, self.months, self.days]
            .into_iter()
            .flatten()
            .any(|part| part > 0);
        match self.kind {
            SentenceKind::FixedTerm | SentenceKind::ShortDetention if !term => {
                return Err(Error::invalid(
                    "/particulars/years",
                    "a term needs years, months or days",
                ));
            }
            SentenceKind::Life | SentenceKind::Death | SentenceKind::DeathWithTwoYearReprieve if term => {
                return Err(Error::invalid("/particulars/years", "that sentence has no term"));
            }
            _ => {}
        }
        within("/particulars", self.years, self.months, self.days)?;
        few("/particulars/reductions", self.reductions.len())?;
        few("/particulars/supplementary", self.supplementary.len())?;
        for (place, less) in self.reductions.iter().enumerate() {
            within(
                &format!("/particulars/reductions/{place}"),
                less.years,
                less.months,
                less.days,
            )?;
        }
        for (place, other) in self.supplementary.iter().enumerate() {
            within(
                &format!("/particulars/supplementary/{place}"),
                other.years,
                other.months,
                None,
            )?;
        }
        // Time served before a verdict may end the term before it; without that, nothing does.
        if let (None, Some(end)) = (self.credited_start, &self.official_end)
            && end.latest() < holds_from.earliest()
        {
            return Err(Error::invalid(
                "/particulars/official_end",
                "must not lie before the verdict",
            ));
        }
        if let (Some(start), Some(end)) = (self.credited_start, &self.official_end)
            && end.latest() < start
        {
            return Err(Error::invalid(
                "/particulars/official_end",
                "must not end before it starts",
            ));
        }
        Ok(())
    }
}

impl Kind for Health {
    const KIND: FactKind = FactKind::Health;

    fn weighs(&self) -> u8 {
        // A report of death is no reason to raise anybody: among the living, the worst.
        if self.severity == Severity::Deceased {
            return 0;
        }
        u8::try_from(self.severity as usize).unwrap_or(u8::MAX)
    }

    fn check(&self, holds_from: &Edtf) -> Result<(), Error> {
        few("/particulars/conditions", self.conditions.len())?;
        let confirmed = self.last_confirmed.as_ref();
        if confirmed.is_some_and(|day| day.latest() < holds_from.earliest()) {
            return Err(Error::invalid(
                "/particulars/last_confirmed",
                "must not lie before the observation",
            ));
        }
        Ok(())
    }
}

/// The same as stored: JSON of a shape that its kind's type has checked.
#[derive(Clone, Debug, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Particulars(String);

impl Particulars {
    /// Of that kind.
    ///
    /// # Errors
    /// `internal` where it cannot be written as JSON.
    pub fn new(kind: &impl Kind) -> Result<Self, Error> {
        serde_json::to_string(kind).map(Self).map_err(Error::internal)
    }

    /// Read as that kind.
    #[must_use]
    pub fn read<P: Kind>(&self) -> Option<P> {
        serde_json::from_str(&self.0).ok()
    }

    fn as_str(&self) -> &str {
        &self.0
    }

    #[allow(clippy::unnecessary_wraps)]
    fn from_stored(text: String) -> Result<Self, String> {
        Ok(Self(text))
    }
}

impl Serialize for Particulars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<Value>(&self.0)
            .unwrap_or_default()
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Particulars {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(value.to_string()))
    }
}

stored_as_text!([] Particulars);

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(years: u16, months: u16, start: &str, official: &str) -> Sentence {
        serde_json::from_value(serde_json::json!({"kind": "fixed_term", "years": years, "months": months, "credited_start": start, "official_end": official})).unwrap()
    }

    /// The four of the founding statement, worked by hand in the field's documents.
    #[test]
    fn the_end_is_computed_and_the_document_wins() {
        for (years, months, start, official, computed, differs) in [
            (3, 6, "2007-12-27", "2011-06-26", "2011-06-26", false),
            (4, 3, "2006-06-10", "2010-09-09", "2010-09-09", false),
            (10, 0, "2008-11-13", "2018-11-12", "2018-11-12", false),
            (11, 0, "2009-06-23", "2020-06-21", "2020-06-22", true),
        ] {
            let sentence = sentence(years, months, start, official);
            assert_eq!(sentence.computed_end(None).unwrap().to_string(), computed);
            assert_eq!(sentence.end(None).unwrap().to_string(), official);
            assert_eq!(sentence.end_differs(), differs, "{official}");
        }
    }
}
