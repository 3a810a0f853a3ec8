//! The rule, pure: from the facts that a reader may see, and a day, to a score and its reasons.

use std::cmp::Reverse;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::base::choice::Choice;
use crate::base::date::{Edtf, plus_term};
use crate::base::words::{CustodyStatus, Severity};
use crate::cases::FactRow;
use crate::cases::model::{Standing, custody_as_of, health_as_of, sentences_as_of};
use crate::cases::particulars::Sentence;

choice! {
    /// Why a person is to be raised.
    pub enum Reason("priority_reason") {
        SeriouslyIll("seriously_ill", "Seriously ill"),
        LongSentence("long_sentence", "Serving a particularly long sentence"),
    }
}

choice! {
    /// What makes a sentence long: what was imposed, or what remains.
    pub enum Measure("priority_measure") {
        Imposed("imposed", "The term imposed"),
        Remaining("remaining", "The term that remains"),
    }
}

/// A stored rule: its version's parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// What it says, in a line.
    pub title: String,
    /// Where it comes from.
    pub source: String,
    /// The severity from which a person is seriously ill.
    pub serious_from: Severity,
    /// The years from which a sentence is particularly long.
    pub long_from_years: u16,
    /// What each reason counts.
    pub points: Points,
}

/// The rules that were adopted, by version, as they stand in the database. Only a migration adds one: one that is not
/// here was put there behind the program's back.
pub const ADOPTED: &[(i32, &str)] = &[(
    1,
    r#"{"title":"Seriously ill first, then particularly long sentences","source":"Chinese Human Rights Defenders, 10 May 2010","serious_from":"serious","long_from_years":10,"points":{"seriously_ill":100,"long_sentence":50}}"#,
)];

/// What each reason counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Points {
    /// Seriously ill.
    pub seriously_ill: u32,
    /// A particularly long sentence.
    pub long_sentence: u32,
}

/// A reason, with the fact that it rests on.
#[derive(Clone, Debug)]
pub struct Why<'a> {
    /// Which.
    pub code: Reason,
    /// What it counts.
    pub points: u32,
    /// In words.
    pub detail: String,
    /// The fact.
    pub fact: &'a FactRow,
}

/// A person who is to be raised.
#[derive(Clone, Debug)]
pub struct Raised<'a> {
    /// Where they stand.
    pub status: CustodyStatus,
    /// The fact that this rests on.
    pub custody: &'a FactRow,
    /// The sum of the reasons' points.
    pub score: u32,
    /// Why.
    pub reasons: Vec<Why<'a>>,
    /// How ill; nothing where it is no reason.
    pub severity: Option<Severity>,
    /// Days left of the sentence on the day; nothing where it has no end.
    pub days_left: Option<i64>,
    /// Whether the sentence has no end: life, or death.
    pub endless: bool,
}

/// Score, severity, whether the sentence has no end, days left; the most first.
pub type Rank = (
    Reverse<u32>,
    Reverse<Option<Severity>>,
    Reverse<bool>,
    Reverse<Option<i64>>,
);

impl Raised<'_> {
    /// What the list is ordered by: score, severity, what is left of the sentence; the most first.
    #[must_use]
    pub fn rank(&self) -> Rank {
        rank(self.score, self.severity, self.endless, self.days_left)
    }
}

/// The most first, in each.
#[must_use]
pub fn rank(score: u32, severity: Option<Severity>, endless: bool, days_left: Option<i64>) -> Rank {
    (Reverse(score), Reverse(severity), Reverse(endless), Reverse(days_left))
}

/// What the case and the person say, beside the facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ended<'a> {
    /// When the case ended in the world.
    pub closed_on: Option<&'a Edtf>,
    /// When the person died.
    pub died_on: Option<&'a Edtf>,
}

impl Ended<'_> {
    /// Only what has surely ended is over: a doubt takes nobody off the list.
    fn by(self, day: NaiveDate) -> bool {
        [self.closed_on, self.died_on]
            .into_iter()
            .flatten()
            .any(|end| end.certain_by(day))
    }
}

/// The rule on one case as of a day; nothing where the person is not to be raised.
#[must_use]
pub fn raised<'a>(
    facts: &[&'a FactRow],
    ended: Ended<'_>,
    as_of: NaiveDate,
    policy: &Policy,
    measure: Measure,
) -> Option<Raised<'a>> {
    if ended.by(as_of) {
        return None;
    }
    let custody = custody_as_of(facts, as_of)?;
    if !custody.says.status.deprived_of_liberty() {
        return None;
    }
    let health = health_as_of(facts, as_of);
    // A rumour of death, or a death at an unknown day, takes nobody off the list.
    if health.as_ref().is_some_and(|found| {
        found.says.severity == Severity::Deceased
            && !found.fact.information.is_doubted()
            && found.fact.holds_from.certain_by(as_of)
    }) {
        return None;
    }
    let sentences = sentences_as_of(facts, as_of);
    let over = |found: &Standing<'_, Sentence>| found.says.end(Some(as_of)).filter(|end| *end < as_of);
    // Serving ends with the sentence, unless custody was recorded anew after its end.
    let served = custody.says.status == CustodyStatus::ServingSentence
        && !sentences.is_empty()
        && sentences
            .iter()
            .all(|found| !found.says.suspended && over(found).is_some_and(|end| custody.fact.earliest <= end));
    if served {
        return None;
    }
    // Held for something else: a sentence that has ended is no reason, and leaves no days.
    let running: Vec<&Standing<'_, Sentence>> = sentences.iter().filter(|found| over(found).is_none()).collect();
    let long = running.iter().filter(|found| is_long(found, as_of, policy, measure));
    let long = long.max_by_key(|found| {
        (
            found.says.kind.is_endless(),
            found.end_or_term(as_of),
            found.fact.id.clone(),
        )
    });
    let last = running
        .iter()
        .max_by_key(|found| (!found.says.suspended, found.end_or_term(as_of), found.fact.id.clone()));
    let end = long.or(last).and_then(|found| found.says.end(Some(as_of)));
    let endless = running.iter().any(|found| found.says.kind.is_endless());
    let mut raised = Raised {
        status: custody.says.status,
        custody: custody.fact,
        score: 0,
        reasons: Vec::new(),
        severity: None,
        days_left: end.map(|end| (end - as_of).num_days()),
        endless,
    };
    if let Some(found) = health
        && found.says.severity >= policy.serious_from
        && found.says.severity.serious_or_worse()
    {
        raised.severity = Some(found.says.severity);
        let detail = format!("{}, since {}", found.says.severity.label(), found.fact.holds_from);
        raised.reasons.push(Why {
            code: Reason::SeriouslyIll,
            points: policy.points.seriously_ill,
            detail,
            fact: found.fact,
        });
    }
    if let Some(found) = long {
        let detail = detail(found, end, as_of);
        raised.reasons.push(Why {
            code: Reason::LongSentence,
            points: policy.points.long_sentence,
            detail,
            fact: found.fact,
        });
    }
    raised.score = raised.reasons.iter().map(|why| why.points).sum();
    (!raised.reasons.is_empty()).then_some(raised)
}

fn is_long(found: &Standing<'_, Sentence>, as_of: NaiveDate, policy: &Policy, measure: Measure) -> bool {
    let sentence = &found.says;
    if sentence.kind.is_endless() {
        return true;
    }
    if sentence.suspended {
        return false;
    }
    let years = policy.long_from_years;
    match measure {
        Measure::Imposed => {
            let start = sentence.credited_start.unwrap_or(found.fact.earliest);
            sentence.term_from(start) >= plus_term(start, i32::from(years), 0, 0)
        }
        Measure::Remaining => found.end_or_term(as_of) >= plus_term(as_of, i32::from(years), 0, -1),
    }
}

fn detail(found: &Standing<'_, Sentence>, end: Option<NaiveDate>, as_of: NaiveDate) -> String {
    let sentence = &found.says;
    let part = |number: Option<u16>, word: &str| {
        number
            .filter(|number| *number > 0)
            .map(|number| format!("{number} {word}{}", if number == 1 { "" } else { "s" }))
    };
    let term: Vec<String> = [
        part(sentence.years, "year"),
        part(sentence.months, "month"),
        part(sentence.days, "day"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let term = if term.is_empty() {
        sentence.kind.label().to_owned()
    } else {
        term.join(" ")
    };
    let left = end
        .map(|end| format!("; {} days left, to {end}", thousands((end - as_of).num_days())))
        .unwrap_or_default();
    format!("{term}, from the verdict of {}{left}", found.fact.holds_from)
}

fn thousands(number: i64) -> String {
    let digits = number.abs().to_string();
    let grouped: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|chunk| std::str::from_utf8(chunk).ok())
        .collect();
    format!("{}{}", if number < 0 { "-" } else { "" }, grouped.join(","))
}

/// The policy as an answer shows it.
#[must_use]
pub fn policy_value(version: i32, policy: &Policy, measure: Measure) -> Value {
    let mut value = json!(policy);
    value["version"] = json!(version);
    value["measure"] = json!(measure);
    value
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
