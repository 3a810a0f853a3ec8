//! The rule on the four of the founding statement and on its edges.

use serde_json::{Value, json};

use super::*;
use crate::base::date::Edtf;
use crate::base::id::{AccountId, CaseId, FactId, OrganisationId};
use crate::base::time::UtcTime;
use crate::base::words::{Information, Rank as Standing, Sharing};
use crate::cases::particulars::{Custody, Health, Kind, Particulars};

fn policy() -> Policy {
    serde_json::from_value(
        json!({"title": "", "source": "", "serious_from": "serious", "long_from_years": 10,
        "points": {"seriously_ill": 100, "long_sentence": 50}}),
    )
    .unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn fact<P: Kind>(from: &str, says: Value) -> FactRow {
    let says: P = serde_json::from_value(says).unwrap();
    let date = Edtf::parse(from).unwrap();
    let now = UtcTime::from_utc("2010-05-10T00:00:00Z".parse().unwrap());
    FactRow {
        id: FactId::from_uuid(uuid::Uuid::new_v4()),
        case_id: CaseId::from_uuid(uuid::Uuid::nil()),
        organisation_id: OrganisationId::from_uuid(uuid::Uuid::nil()),
        kind: P::KIND,
        sharing: Sharing::Public,
        source_id: None,
        information: Information::CannotJudge,
        rank: Standing::Normal,
        earliest: date.earliest(),
        latest: date.latest(),
        holds_from: date,
        particulars: Particulars::new(&says).unwrap(),
        notes: None,
        supersedes: None,
        superseded_by: None,
        reason: None,
        retraction_reason: None,
        recorded_at: now,
        recorded_by: AccountId::from_uuid(uuid::Uuid::nil()),
        updated_at: now,
        retracted_at: None,
    }
}

fn held(from: &str, status: &str) -> FactRow {
    fact::<Custody>(from, json!({"status": status, "certainty": "confirmed"}))
}

fn ill(from: &str, severity: &str) -> FactRow {
    fact::<Health>(from, json!({"severity": severity}))
}

fn term(verdict: &str, years: u16, months: u16, start: &str, end: &str) -> FactRow {
    fact::<Sentence>(
        verdict,
        json!({"kind": "fixed_term", "years": years, "months": months, "credited_start": start, "official_end": end}),
    )
}

fn told<'a>(facts: &'a [FactRow], on: &str, measure: Measure) -> Option<Raised<'a>> {
    let facts: Vec<&FactRow> = facts.iter().collect();
    raised(&facts, Ended::default(), day(on), &policy(), measure)
}

fn codes(facts: &[FactRow], on: &str) -> Vec<Reason> {
    told(facts, on, Measure::Imposed)
        .map_or_else(Vec::new, |raised| raised.reasons.iter().map(|why| why.code).collect())
}

fn hu() -> Vec<FactRow> {
    vec![
        held("2008-04-03", "serving_sentence"),
        term("2008-04-03", 3, 6, "2007-12-27", "2011-06-26"),
        ill("2010-03-30", "serious"),
    ]
}

fn liu() -> Vec<FactRow> {
    vec![
        held("2009-06-23", "arrested_pretrial"),
        term("2009-12-25", 11, 0, "2009-06-23", "2020-06-21"),
    ]
}

#[test]
fn the_four_come_in_the_founding_order() {
    let four = [
        (
            "guo",
            vec![
                held("2009-10-16", "serving_sentence"),
                term("2009-10-16", 10, 0, "2008-11-13", "2018-11-12"),
            ],
        ),
        ("liu", liu()),
        (
            "chen",
            vec![
                held("2006-12-01", "serving_sentence"),
                term("2006-12-01", 4, 3, "2006-06-10", "2010-09-09"),
                ill("2008-07", "serious"),
            ],
        ),
        ("hu", hu()),
    ];
    let mut list: Vec<(&str, Raised<'_>)> = four
        .iter()
        .map(|(name, facts)| (*name, told(facts, "2010-05-10", Measure::Imposed).unwrap()))
        .collect();
    list.sort_by_key(|(_, raised)| raised.rank());
    let order: Vec<_> = list
        .iter()
        .map(|(name, raised)| (*name, raised.score, raised.days_left))
        .collect();
    assert_eq!(
        order,
        [
            ("hu", 100, Some(412)),
            ("chen", 100, Some(122)),
            ("liu", 50, Some(3695)),
            ("guo", 50, Some(3108))
        ]
    );
    assert_eq!(
        list[2].1.reasons[0].detail,
        "11 years, from the verdict of 2009-12-25; 3,695 days left, to 2020-06-21"
    );
}

#[test]
fn a_sentence_holds_from_its_verdict_to_its_last_day() {
    assert!(codes(&liu(), "2009-12-24").is_empty());
    assert_eq!(codes(&liu(), "2009-12-25"), [Reason::LongSentence]);
    assert_eq!(codes(&liu(), "2020-06-21"), [Reason::LongSentence]);
    assert!(codes(&liu(), "2020-06-22").is_empty());
    assert_eq!(codes(&hu(), "2011-06-26"), [Reason::SeriouslyIll]);
    assert!(codes(&hu(), "2011-06-27").is_empty());
}

#[test]
fn what_remains_can_be_asked_for() {
    assert!(
        told(&liu(), "2010-06-22", Measure::Remaining).is_some(),
        "ten years to the day"
    );
    assert!(told(&liu(), "2010-06-23", Measure::Remaining).is_none());
    assert!(told(&liu(), "2010-06-23", Measure::Imposed).is_some());
}

#[test]
fn only_people_deprived_of_liberty_and_only_from_facts_that_count() {
    for status in ["released", "serving_outside_prison", "unknown", "died_in_custody"] {
        let mut facts = hu();
        facts.push(held("2010-05-10", status));
        assert_eq!(codes(&facts, "2010-05-09"), [Reason::SeriouslyIll]);
        assert!(codes(&facts, "2010-05-10").is_empty(), "{status}");
        let now = facts[3].recorded_at;
        facts[3].retracted_at = Some(now);
        assert_eq!(
            codes(&facts, "2010-05-10"),
            [Reason::SeriouslyIll],
            "{status}, retracted"
        );
    }
}

#[test]
fn endless_sentences_are_long_and_suspended_ones_are_not() {
    for kind in ["life", "death_with_two_year_reprieve"] {
        let facts = [
            held("2010", "serving_sentence"),
            fact::<Sentence>("2010", json!({"kind": kind})),
        ];
        assert_eq!(codes(&facts, "2010-05-10"), [Reason::LongSentence], "{kind}");
    }
    let facts = [
        held("2010", "house_arrest_informal"),
        fact::<Sentence>("2010", json!({"kind": "fixed_term", "years": 10, "suspended": true})),
    ];
    assert!(codes(&facts, "2010-05-10").is_empty());
}

#[test]
fn both_reasons_add_up() {
    let mut facts = liu();
    facts.push(ill("2010-04", "critical"));
    assert_eq!(told(&facts, "2010-05-10", Measure::Imposed).unwrap().score, 150);
}

#[test]
fn an_unknown_health_report_does_not_heal() {
    let mut facts = hu();
    facts.push(ill("2010-04-09", "unknown"));
    assert_eq!(codes(&facts, "2010-05-10"), [Reason::SeriouslyIll]);
}

#[test]
fn the_dead_are_not_raised() {
    let mut facts = liu();
    facts.push(ill("2017-07-13", "deceased"));
    assert!(codes(&facts, "2018-01-01").is_empty());
}

#[test]
fn an_ended_sentence_leaves_no_days() {
    let facts = [
        term("2000-01-10", 1, 0, "2000-01-01", "2000-12-31"),
        held("2010-01-01", "criminally_detained"),
        ill("2010-01-02", "serious"),
    ];
    assert_eq!(told(&facts, "2010-05-10", Measure::Imposed).unwrap().days_left, None);
}

#[test]
fn an_old_served_life_sentence_is_not_served_again() {
    let facts = [
        fact::<Sentence>("1985-01-10", json!({"kind": "life", "official_end": "2000-12-31"})),
        held("2001-01-01", "released"),
        held("2010-01-01", "criminally_detained"),
    ];
    assert!(codes(&facts, "2010-05-10").is_empty());
}

#[path = "contradictions.rs"]
mod contradictions;
